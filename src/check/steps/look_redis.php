<?php
// Looks for a session by its id: whether it exists, and its remaining lifetime in milliseconds, if it can be asked for.

$key = $question['prefix'] . $question['id'];
if (isset($question['nodes'])) {
    $redis = connect_cluster($question);
} else {
    $redis = open($question, $question['host'], $question['port']);
    if ($question['database'] !== null) {
        $redis->select($question['database']);
    }
}
$ask = function ($command) use ($redis, $key) {
    $words = $redis instanceof RedisCluster ? array($key, $command, $key) : array($command, $key);
    return call_user_func_array(array($redis, 'rawCommand'), $words);
};
$there = $ask('GET') !== false;
$left = null;
// A user with a name may have the rights for sessions only, and the server would log a refusal.
if ($question['tells_lifetime']) {
    try {
        $left = $ask('PTTL');
    } catch (RedisException $error) {
        // The default user may lack the right as well.
    }
}
answer(array('there' => $there, 'left' => is_int($left) && $left > 0 ? $left : null));
