// Asked once of the PHP that the app will run on; src/php.rs reads the answer.
ob_start();
phpinfo(INFO_GENERAL);
preg_match('/^PHP Extension => (\d+)$/m', ob_get_clean(), $api);
$extensions = [];
foreach (get_loaded_extensions() as $name) {
    $extensions[strtolower($name)] = phpversion($name) ?: PHP_VERSION;
}
echo json_encode([
    'version' => PHP_VERSION,
    'api' => $api[1] ?? '',
    'thread_safe' => (bool) PHP_ZTS,
    'debug' => (bool) PHP_DEBUG,
    'extension_dir' => ini_get('extension_dir'),
    'extensions' => $extensions,
    'save_handler' => extension_loaded('session') ? session_module_name() : '',
    'save_path' => ini_get('session.save_path'),
    'session_name' => ini_get('session.name'),
]);
