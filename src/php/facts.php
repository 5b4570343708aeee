// Asked of every PHP program that the app may run on; src/php/installation.rs reads the answer. Written for
// any PHP since 5.4.
ob_start();
phpinfo(INFO_GENERAL);
$general = ob_get_clean();
ob_start();
phpinfo(INFO_MODULES);
$modules = ob_get_clean();
preg_match('/^PHP Extension => (\d+)$/m', $general, $api);
preg_match('/^Registered save handlers => (.*)$/m', $modules, $handlers);
$extensions = array();
foreach (get_loaded_extensions() as $name) {
    // As it stands: mysqlnd's begins with its name, and dom's is a date.
    $extensions[strtolower($name)] = (string) phpversion($name);
}
answer(array(
    'version' => PHP_VERSION,
    'api' => isset($api[1]) ? $api[1] : '',
    'thread_safe' => (bool) PHP_ZTS,
    'debug' => (bool) PHP_DEBUG,
    'binary' => PHP_BINARY,
    'extension_dir' => ini_get('extension_dir'),
    'configuration_dir' => PHP_CONFIG_FILE_PATH,
    'scan_dir' => PHP_CONFIG_FILE_SCAN_DIR,
    'extensions' => $extensions,
    'transports' => stream_get_transports(),
    'save_handlers' => isset($handlers[1]) ? explode(' ', trim($handlers[1])) : array(),
    'save_handler' => (string) ini_get('session.save_handler'),
    'save_path' => (string) ini_get('session.save_path'),
    'display_errors' => (string) get_cfg_var('display_errors'),
    'cafile' => (string) ini_get('openssl.cafile'),
    'capath' => (string) ini_get('openssl.capath'),
    'strict_mode' => (bool) ini_get('session.use_strict_mode'),
    'sid_length' => (int) ini_get('session.sid_length'),
    'session_name' => (string) ini_get('session.name'),
));
