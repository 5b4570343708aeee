<?php
$done = array();
foreach ($question['servers'] as $server) {
    $done = array_merge($done, server($server[0], $server[1], $question));
}
answer($done);
