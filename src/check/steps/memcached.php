<?php
// Talks to each Memcached server separately, as the session handler would, so that the report names the one that fails.

function options($memcached, $question)
{
    $memcached->setOption(Memcached::OPT_BINARY_PROTOCOL, (bool) ini_get('memcached.sess_binary_protocol'));
    $memcached->setOption(Memcached::OPT_CONNECT_TIMEOUT, (int) ($question['timeout'] * 1000));
    $memcached->setOption(Memcached::OPT_POLL_TIMEOUT, 3000);
    if ($question['auth'] !== null) {
        $memcached->setSaslAuthData($question['auth'][0], $question['auth'][1]);
    }
}

function server($host, $port, $question)
{
    // The session proxy's socket has no port.
    $name = $port === 0 ? "the session proxy ($host)" : "$host:$port";
    $key = $question['prefix'] . 'session-check-' . bin2hex(random_bytes(16));
    $memcached = new Memcached();
    $set = function () use ($memcached, $host, $port, $question, $key) {
        options($memcached, $question);
        $memcached->addServer(trim($host, '[]'), $port);
        answered($memcached->set($key, '1', 10), $memcached);
    };
    return until_failure(array(
        array('connect', $name, function () use ($host, $port, $question) {
            reach($port === 0 ? "unix://$host" : "tcp://$host:$port", stream_context_create(), $question['timeout']);
        }),
        array($question['auth'] === null ? 'set' : 'log in, set', $name, $set),
        array('get', $name, function () use ($memcached, $key) {
            answered($memcached->get($key) === '1', $memcached);
        }),
        array('delete', $name, function () use ($memcached, $key, $port) {
            answered($memcached->delete($key), $memcached);
            if ($port !== 0) {
                tell_limit($memcached);
            }
        }),
    ));
}

/** Comes last: some proxies close the connection on it. */
function tell_limit($memcached)
{
    $all = version_compare(phpversion('memcached'), '3', '<') ? false : $memcached->getStats('settings');
    $settings = is_array($all) ? reset($all) : false;
    if (isset($settings['item_size_max'])) {
        trigger_error("it keeps items of at most $settings[item_size_max] bytes (item_size_max): a larger session is lost");
    }
}

function answered($ok, $memcached)
{
    if (!$ok) {
        throw new RuntimeException($memcached->getResultMessage());
    }
}
