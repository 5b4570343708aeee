<?php
// Speaks to the session proxy of this container over 16 connections, then with the greatest value that it takes, and
// prints the memory of its processes, and how long others take to start.

function connect()
{
    $stream = stream_socket_client('unix://' . glob('/tmp/php-session-store-*')[0] . '/redis.sock');
    stream_set_timeout($stream, 60);
    return $stream;
}

function say($stream, ...$parts)
{
    $command = '*' . count($parts) . "\r\n";
    foreach ($parts as $part) {
        $command .= '$' . strlen($part) . "\r\n$part\r\n";
    }
    @fwrite($stream, $command);
    $line = rtrim((string) fgets($stream));
    if (($line[0] ?? '') !== '$' || $line === '$-1') {
        return $line;
    }
    return stream_get_contents($stream, (int) substr($line, 1) + 2);
}

function memory($what, $field)
{
    foreach (glob('/proc/[0-9]*/cmdline') as $file) {
        if (strpos((string) @file_get_contents($file), "session-proxy\0$what\0") !== false) {
            preg_match("/$field:\s+(\d+)/", file_get_contents(dirname($file) . '/status'), $found);
            return (int) $found[1];
        }
    }
    exit("there is no $what");
}

function lock($stream, $key)
{
    return say($stream, 'SET', "{$key}_LOCK", 'test|1', 'NX', 'PX', '30000');
}

/** From the start of a proxy to its first answer, in milliseconds: the least of ten, as the machine may be busy. */
function start()
{
    $program = glob('/layers/*/session/bin/session-proxy')[0];
    $null = ['file', '/dev/null', 'r+'];
    $all = [];
    foreach (range(1, 10) as $number) {
        $folder = "/tmp/start-$number";
        $begun = microtime(true);
        proc_open([$program, 'supervise', $folder], [$null, $null, $null, $null], $pipes);
        while (!($stream = @stream_socket_client("unix://$folder/redis.sock"))) {
            usleep(100);
        }
        if (say($stream, 'ECHO', 'ready') !== "ready\r\n") {
            exit('the proxy does not answer');
        }
        $all[] = (microtime(true) - $begun) * 1000;
    }
    return round(min($all), 1);
}

$streams = array_map('connect', range(1, 16));
foreach ($streams as $number => $stream) {
    $key = "PHPREDIS_SESSION:memory$number";
    lock($stream, $key);
    say($stream, 'GET', $key);
    say($stream, 'SETEX', $key, '60', str_repeat('x', 2048));
    say($stream, 'EVALSHA', 'b70c', '1', "{$key}_LOCK", 'test|1');
}
$memory = ['worker_16_connections' => memory('work', 'VmRSS'), 'supervisor' => memory('supervise', 'VmRSS')];
$stream = connect();
$key = 'PHPREDIS_SESSION:memory';
lock($stream, $key);
$answers = [say($stream, 'SETEX', $key, '60', str_repeat('x', 67000000))];
lock($stream, $key);
$answers[] = strlen(say($stream, 'GET', $key)) - 2;
say($stream, 'EVALSHA', 'b70c', '1', "{$key}_LOCK", 'test|1');
$memory['worker_peak_of_64_mib'] = memory('work', 'VmHWM');
$answers[] = say(connect(), 'SETEX', $key, '60', str_repeat('x', 70000000));
$memory['worker_afterwards'] = memory('work', 'VmRSS');
$memory['start_ms'] = start();
echo json_encode($memory + ['answers' => implode(' ', $answers)]), "\n";
