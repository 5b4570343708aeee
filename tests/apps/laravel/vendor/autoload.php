<?php
// Debian's packages have autoloaders of their own.
require_once 'Illuminate/autoload.php';
require_once 'Predis/autoload.php';
spl_autoload_register(function (string $class): void {
    $file = __DIR__ . '/../app/' . strtr(substr($class, 4), '\\', '/') . '.php';
    if (str_starts_with($class, 'App\\') && is_file($file)) {
        require $file;
    }
});
