<?php
// Talks to Redis as phpredis's session handler does, with one part for each thing that may fail.

/** phpredis expects an IPv6 host without brackets. */
function single($question)
{
    $name = $question['name'];
    $host = $question['host'];
    $port = $question['port'];
    $literal = strpos($host, ':') === false ? $host : "[$host]";
    $context = stream_context_create(array('ssl' => $question['stream'] ?: array()));
    $timeout = $question['timeout'];
    $plain = $question['scheme'] === 'unix' ? "unix://$host" : "tcp://$literal:$port";
    $parts = array(array('connect', $name, function () use ($plain, $context, $timeout) {
        reach($plain, $context, $timeout);
    }));
    if ($question['scheme'] === 'tls') {
        $parts[] = array('encrypt', $name, function () use ($literal, $port, $context, $timeout) {
            reach("tls://$literal:$port", $context, $timeout);
        });
    }
    $redis = null;
    $open = function () use (&$redis, $question, $host, $port) {
        return $redis ?: $redis = open($question, $host, $port);
    };
    if ($question['auth'] !== null) {
        $parts[] = array('log in', $name, $open);
    }
    return until_failure(array_merge($parts, commands($open, $name, $question)));
}

/** Connects and logs in as the session handler does. */
function open($question, $host, $port)
{
    $host = $question['scheme'] === 'tls' ? "tls://$host" : $host;
    $arguments = array($host, $port, $question['timeout'], null, 0, $question['read_timeout']);
    if ($question['stream']) {
        $arguments[] = array('stream' => $question['stream']);
    }
    $redis = new Redis();
    call_user_func_array(array($redis, 'connect'), $arguments);
    if ($question['auth'] !== null && !$redis->auth($question['auth'])) {
        throw new RuntimeException($redis->getLastError() ?: 'the login failed');
    }
    return $redis;
}

/** First each node separately, which tells more than the cluster as a whole; then the cluster. */
function cluster($question)
{
    $parts = array();
    foreach ($question['nodes'] as $node) {
        list($host, $port) = $node;
        $name = (strpos($host, ':') === false ? $host : "[$host]") . ":$port";
        $parts[] = array('connect', $name, function () use ($name, $question) {
            reach("tcp://$name", stream_context_create(), $question['timeout']);
        });
        $what = $question['auth'] === null ? 'CLUSTER SLOTS' : 'log in, CLUSTER SLOTS';
        $parts[] = array($what, $name, function () use ($host, $port, $question) {
            $redis = open($question, $host, $port);
            $redis->rawCommand('CLUSTER', 'SLOTS');
            refused($redis);
        });
    }
    $cluster = null;
    $find = function () use (&$cluster, $question) {
        $cluster = connect_cluster($question);
    };
    $parts[] = array('find the slots', $question['name'], $find);
    $open = function () use (&$cluster) {
        return $cluster;
    };
    return until_failure(array_merge($parts, commands($open, $question['name'], $question)));
}

function connect_cluster($question)
{
    $seeds = array_map(function ($node) {
        return "$node[0]:$node[1]";
    }, $question['nodes']);
    $stream = $question['scheme'] === 'tls' ? $question['stream'] ?: array('verify_peer' => 1) : null;
    $waits = array($question['timeout'], $question['read_timeout']);
    return new RedisCluster(null, $seeds, $waits[0], $waits[1], false, $question['auth'], $stream);
}

function refused($redis)
{
    if ($redis->getLastError()) {
        throw new RuntimeException($redis->getLastError());
    }
}

/** The session handler's commands under these settings, one by one: an ACL may allow some and forbid others. */
function commands($open, $server, $question)
{
    $parts = array();
    foreach ($question['commands'] as $command) {
        $words = $command['words'];
        if ($command['when'] === 'strict-mode' && !ini_get('session.use_strict_mode')) {
            continue;
        }
        $parts[] = array($words[0], $server, function () use ($open, $words, $question) {
            $redis = $open();
            if ($redis instanceof RedisCluster) {
                // The first argument selects the node: that of the key, if there is one.
                array_unshift($words, $words[1]);
            }
            $redis->clearLastError();
            call_user_func_array(array($redis, 'rawCommand'), $words);
            // The script is not cached, but the command is allowed.
            if (strpos((string) $redis->getLastError(), 'NOSCRIPT') !== 0) {
                refused($redis);
            }
        });
    }
    return $parts;
}
