// Asked once of every PHP program that the app may run on; src/php.rs reads the answer. Written for
// any PHP since 5.4.
ob_start();
phpinfo(INFO_GENERAL);
$info = ob_get_clean();
preg_match('/^PHP Extension => (\d+)$/m', $info, $api);
preg_match('/^Registered save handlers => (.*)$/m', phpinfo_of_modules(), $handlers);
$extensions = array();
foreach (get_loaded_extensions() as $name) {
    $extensions[strtolower($name)] = phpversion($name) ?: PHP_VERSION;
}
// PHP may have displayed warnings of its start before.
echo "\n", json_encode(array(
    'version' => PHP_VERSION,
    'api' => isset($api[1]) ? $api[1] : '',
    'thread_safe' => (bool) PHP_ZTS,
    'debug' => (bool) PHP_DEBUG,
    'binary' => PHP_BINARY,
    'extension_dir' => ini_get('extension_dir'),
    'configuration_dir' => PHP_CONFIG_FILE_PATH,
    'scan_dir' => PHP_CONFIG_FILE_SCAN_DIR,
    'extensions' => $extensions,
    'save_handlers' => isset($handlers[1]) ? explode(' ', trim($handlers[1])) : array(),
    'save_handler' => extension_loaded('session') ? session_module_name() : '',
    'save_path' => (string) ini_get('session.save_path'),
    'display_errors' => (string) get_cfg_var('display_errors'),
    'preload' => (string) ini_get('opcache.preload'),
    'session_name' => (string) ini_get('session.name'),
));

function phpinfo_of_modules()
{
    ob_start();
    phpinfo(INFO_MODULES);
    return ob_get_clean();
}
