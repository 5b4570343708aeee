<?php
// Looks for a session by its id. Memcached does not tell its remaining lifetime.

$memcached = new Memcached();
options($memcached, $question);
foreach ($question['servers'] as $server) {
    $memcached->addServer(trim($server[0], '[]'), $server[1]);
}
$memcached->get($question['prefix'] . $question['id']);
answer(array('there' => $memcached->getResultCode() === Memcached::RES_SUCCESS, 'left' => null));
