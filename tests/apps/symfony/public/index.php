<?php
require __DIR__ . '/../vendor/autoload.php';
$kernel = new App\Kernel($_SERVER['APP_ENV'] ?? 'prod', false);
$request = Symfony\Component\HttpFoundation\Request::createFromGlobals();
$kernel->handle($request)->send();
