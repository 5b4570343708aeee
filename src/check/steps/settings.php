<?php
// The settings in force, and the last ini file that sets each.

$names = array('session.save_handler', 'session.save_path', 'session.name', 'session.gc_maxlifetime', 'session.sid_length',
    'session.serialize_handler', 'session.use_strict_mode', 'display_errors', 'log_errors', 'error_log');
foreach (array_keys(ini_get_all(null, false)) as $name) {
    foreach ($question['prefixes'] as $prefix) {
        if (strncmp($name, $prefix, strlen($prefix)) === 0 && strpos($name, 'sasl') === false) {
            $names[] = $name;
        }
    }
}
foreach (array('auto_prepend_file', 'opcache.preload') as $name) {
    if ((string) ini_get($name) !== '') {
        $names[] = $name;
    }
}
$files = array_filter(array_map('trim', explode(',', (string) php_ini_scanned_files())));
if (php_ini_loaded_file()) {
    array_unshift($files, php_ini_loaded_file());
}
$from = array();
// The steps switch it off for themselves.
$starts = null;
foreach ($files as $file) {
    foreach ((array) @parse_ini_file($file, false, INI_SCANNER_RAW) as $name => $value) {
        $from[$name] = $file;
        if ($name === 'session.auto_start') {
            $starts = $value;
        }
    }
}
$settings = array();
foreach ($names as $name) {
    $settings[] = array(
        'name' => $name,
        'value' => (string) ini_get($name),
        'file' => isset($from[$name]) ? $from[$name] : null,
    );
}
if (in_array(strtolower((string) $starts), array('1', 'on', 'yes', 'true'), true)) {
    $settings[] = array('name' => 'session.auto_start', 'value' => $starts, 'file' => $from['session.auto_start']);
}
answer($settings);
