<?php
// The steps of session-check, each in a PHP process of its own, with the very settings of the app.
// Arguments: the step, and an id for what it writes. Answers with a line of JSON; src/check.rs reads it.

$messages = array();
set_error_handler(function ($level, $message) use (&$messages) {
    $messages[] = $message;
    return true;
});

/** Runs one part, with its time in milliseconds and what PHP said about it. */
function part($name, $server, $work)
{
    global $messages;
    $messages = array();
    $start = microtime(true);
    try {
        $ok = call_user_func($work) !== false;
    } catch (Throwable $error) {
        $ok = false;
        for (; $error !== null; $error = $error->getPrevious()) {
            $messages[] = $error->getMessage();
        }
    }
    $took = round((microtime(true) - $start) * 1000, 1);
    $said = array_slice(array_values(array_unique($messages)), 0, 10);
    return array('name' => $name, 'server' => $server, 'ok' => $ok, 'milliseconds' => $took, 'said' => $said);
}

/** Connects without saying anything, to learn whether there is a way to the server at all. */
function reach($target, $context, $timeout)
{
    $socket = stream_socket_client($target, $number, $text, $timeout, STREAM_CLIENT_CONNECT, $context);
    if ($socket === false) {
        throw new RuntimeException($text === '' ? 'no connection' : $text);
    }
    fclose($socket);
}

/** Does parts in turn, until one fails. */
function until_failure($parts)
{
    $done = array();
    foreach ($parts as $arguments) {
        $done[] = $part = call_user_func_array('part', $arguments);
        if (!$part['ok']) {
            break;
        }
    }
    return $done;
}

function probe($id)
{
    $path = ini_get('session.save_path');
    switch (ini_get('session.save_handler')) {
        case 'redis':
            return probe_redis($path, $id);
        case 'rediscluster':
            return probe_cluster($path, $id);
        case 'memcached':
            return probe_memcached($path, $id);
        default:
            return array();
    }
}

function value($parts, $name, $default)
{
    return isset($parts[$name]) ? $parts[$name] : $default;
}

function probe_redis($path, $id)
{
    list($url, $query) = explode('?', $path, 2) + array('', '');
    parse_str($query, $options);
    preg_match('#^(\w+)://(.*?)(?::(\d+))?$#', $url, $server);
    list(, $scheme, $host) = $server + array('', '', '');
    $port = isset($server[3]) ? (int) $server[3] : 0;
    $timeout = (float) value($options, 'timeout', 2);
    $stream = value($options, 'stream', array());
    $context = stream_context_create(array('ssl' => $stream));
    $literal = strpos($host, ':') === false ? $host : "[$host]";
    $plain = $scheme === 'unix' ? "unix://$host" : "tcp://$literal:$port";
    $parts = array(array('connect', $url, function () use ($plain, $context, $timeout) {
        reach($plain, $context, $timeout);
    }));
    if ($scheme === 'tls') {
        $parts[] = array('encrypt', $url, function () use ($literal, $port, $context, $timeout) {
            reach("tls://$literal:$port", $context, $timeout);
        });
    }
    $redis = new Redis();
    $parts[] = array('log in', $url, function () use ($redis, $scheme, $host, $port, $options) {
        log_in($redis, $scheme === 'tls', $host, $port, $options);
    });
    $prefix = value($options, 'prefix', 'PHPREDIS_SESSION:');
    return until_failure(array_merge($parts, commands($redis, $url, $prefix, $id)));
}

/** Connects and logs in as the session handler does. */
function log_in($redis, $tls, $host, $port, $options)
{
    $timeout = (float) value($options, 'timeout', 2);
    $read_timeout = (float) value($options, 'read_timeout', 3);
    $arguments = array($tls ? "tls://$host" : $host, $port, $timeout, null, 0, $read_timeout);
    if (isset($options['stream'])) {
        $arguments[] = array('stream' => $options['stream']);
    }
    call_user_func_array(array($redis, 'connect'), $arguments);
    if (isset($options['auth']) && !$redis->auth($options['auth'])) {
        throw new RuntimeException($redis->getLastError() ?: 'the login failed');
    }
    if (isset($options['database'])) {
        $redis->select((int) $options['database']);
    }
}

/** Each node by itself, which says more than the cluster as a whole; then the cluster. */
function probe_cluster($path, $id)
{
    parse_str($path, $options);
    $seeds = (array) value($options, 'seed', array());
    $timeout = (float) value($options, 'timeout', 2);
    $parts = array();
    foreach ($seeds as $seed) {
        preg_match('/^(.*):(\d+)$/', $seed, $server);
        list(, $host, $port) = $server;
        $literal = strpos($host, ':') === false ? $host : "[$host]";
        $parts[] = array('connect', $seed, function () use ($literal, $port, $timeout) {
            reach("tcp://$literal:$port", stream_context_create(), $timeout);
        });
        $parts[] = array('log in', $seed, function () use ($host, $port, $options) {
            $redis = new Redis();
            log_in($redis, isset($options['stream']), $host, (int) $port, $options);
            $redis->rawCommand('CLUSTER', 'INFO');
            if ($redis->getLastError()) {
                throw new RuntimeException($redis->getLastError());
            }
        });
    }
    $list = implode(', ', $seeds);
    $cluster = null;
    $parts[] = array('find the slots', $list, function () use (&$cluster, $seeds, $timeout, $options) {
        $read_timeout = (float) value($options, 'read_timeout', 2);
        $auth = value($options, 'auth', null);
        $stream = value($options, 'stream', null);
        $cluster = new RedisCluster(null, $seeds, $timeout, $read_timeout, false, $auth, $stream);
    });
    $prefix = value($options, 'prefix', 'PHPREDIS_CLUSTER_SESSION:');
    return until_failure(array_merge($parts, commands($cluster, $list, $prefix, $id)));
}

/** What the session handler does: an ACL may allow one command and not another. */
function commands(&$redis, $server, $prefix, $id)
{
    $key = $prefix . $id;
    $lock = "{$key}_LOCK";
    $commands = array(
        array('SET', $lock, '1', 'NX', 'PX', '10000'),
        array('GET', $key),
        array('SETEX', $key, '10', '1'),
        array('EXPIRE', $key, '10'),
        array('EVAL', "return redis.call('del', KEYS[1])", '1', $lock, '1'),
        array('DEL', $key),
    );
    $parts = array();
    foreach ($commands as $command) {
        $parts[] = array($command[0], $server, function () use (&$redis, $command, $key) {
            if ($redis instanceof RedisCluster) {
                array_unshift($command, $key);
            }
            $redis->clearLastError();
            call_user_func_array(array($redis, 'rawCommand'), $command);
            if ($redis->getLastError()) {
                throw new RuntimeException($redis->getLastError());
            }
        });
    }
    return $parts;
}

function probe_memcached($path, $id)
{
    $user = ini_get('memcached.sess_sasl_username');
    $done = array();
    foreach (preg_split('/\s*,\s*/', trim($path)) as $server) {
        preg_match('/^(.*?)(?::(\d+))?$/', $server, $parts);
        $host = $parts[1];
        $port = isset($parts[2]) ? (int) $parts[2] : 11211;
        $memcached = new Memcached();
        $parts = array(
            array('connect', $server, function () use ($host, $port) {
                reach("tcp://$host:$port", stream_context_create(), 1);
            }),
            array($user === '' || $user === false ? 'set' : 'log in, set', $server, function () use ($memcached, $host, $port, $user, $id) {
                $memcached->setOption(Memcached::OPT_BINARY_PROTOCOL, true);
                $memcached->setOption(Memcached::OPT_CONNECT_TIMEOUT, 1000);
                $memcached->setOption(Memcached::OPT_POLL_TIMEOUT, 3000);
                if ($user !== '' && $user !== false) {
                    $memcached->setSaslAuthData($user, ini_get('memcached.sess_sasl_password'));
                }
                $memcached->addServer(trim($host, '[]'), $port);
                answered($memcached->set("session-check.$id", '1', 10), $memcached);
            }),
            array('get', $server, function () use ($memcached, $id) {
                answered($memcached->get("session-check.$id") === '1', $memcached);
            }),
            array('delete', $server, function () use ($memcached, $id) {
                answered($memcached->delete("session-check.$id"), $memcached);
            }),
        );
        $done = array_merge($done, until_failure($parts));
    }
    return $done;
}

function answered($ok, $memcached)
{
    if (!$ok) {
        throw new RuntimeException($memcached->getResultMessage());
    }
}

function write_session($id)
{
    // It would refuse an id that we choose.
    ini_set('session.use_strict_mode', '0');
    return until_failure(array(
        array('start', null, function () use ($id) {
            session_id($id);
            return session_start();
        }),
        array('write', null, function () use ($id) {
            $_SESSION['session-check'] = $id;
            return session_write_close();
        }),
    ));
}

function read_session($id)
{
    ini_set('session.use_strict_mode', '0');
    return until_failure(array(
        array('read', null, function () use ($id) {
            session_id($id);
            $started = session_start();
            if ($started && (!isset($_SESSION['session-check']) || $_SESSION['session-check'] !== $id)) {
                throw new RuntimeException('the session is not what the first process has written');
            }
            return $started;
        }),
        array('destroy', null, function () {
            return session_destroy();
        }),
    ));
}

/** The settings in force, and the last file that sets each of them. */
function settings()
{
    $names = array('session.save_handler', 'session.save_path', 'session.name', 'session.gc_maxlifetime',
        'session.serialize_handler', 'session.use_strict_mode', 'display_errors', 'log_errors', 'error_log');
    foreach (array_keys(ini_get_all(null, false)) as $name) {
        if (preg_match('/^(redis\.session\.|redis\.pconnect\.pool|redis\.clusters\.cache|memcached\.sess_(?!sasl))/', $name)) {
            $names[] = $name;
        }
    }
    $files = array_filter(array_map('trim', explode(',', (string) php_ini_scanned_files())));
    if (php_ini_loaded_file()) {
        array_unshift($files, php_ini_loaded_file());
    }
    $from = array();
    foreach ($files as $file) {
        foreach ((array) @parse_ini_file($file, false, INI_SCANNER_RAW) as $name => $value) {
            $from[$name] = $file;
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
    return $settings;
}

list(, $step, $id) = $argv;
switch ($step) {
    case 'settings':
        $answer = settings();
        break;
    case 'probe':
        $answer = probe($id);
        break;
    case 'write':
        $answer = write_session($id);
        break;
    default:
        $answer = read_session($id);
}
answer($answer);
