<?php
// Counts a visitor's requests in the session. Slim has none of its own: the app starts PHP's.
require '/usr/share/php/Slim/autoload.php';

session_start();

$app = new Slim\App();
$app->get('/', function ($request, $response) {
    $_SESSION['count'] = ($_SESSION['count'] ?? 0) + 1;
    return $response->write($_SESSION['count'].', served by '.gethostname());
});
$app->run();
