<?php
// Real PHP as the judge: for each line of JSON with a task and variables, PHP processes with the ini file
// and these variables do the task. Answers with a line of JSON.

// One process writes a session, another one reads it.
const KEEP = <<<'PHP'
    session_id($argv[1]);
    $started = session_start();
    $found = $_SESSION['value'] ?? null;
    $_SESSION['value'] = $argv[2];
    $written = session_write_close();
    echo json_encode(['ok' => $started && $written, 'found' => $found]);
    PHP;

// What has arrived: PHP's settings, and the save path's query as PHP itself takes it apart.
const SHOW = <<<'PHP'
    $path = ini_get('session.save_path');
    [$server, $query] = strpos($path, '?') === false ? ['', $path] : explode('?', $path, 2);
    parse_str($query, $parts);
    $names = ['session.save_handler', 'memcached.sess_sasl_username', 'memcached.sess_sasl_password'];
    echo json_encode([
        'settings' => array_combine($names, array_map('ini_get', $names)),
        'server' => $server,
        'parts' => $parts,
    ]);
    PHP;

function run(string $code, array $variables, string ...$arguments): array
{
    $command = ['php', '-d', 'display_errors=stderr', '-d', 'log_errors=0', '-r', $code, ...$arguments];
    $pipes = [['pipe', 'r'], ['pipe', 'w'], ['pipe', 'w']];
    $process = proc_open($command, $pipes, $pipes, null, $variables + getenv());
    $answer = json_decode(stream_get_contents($pipes[1]), true) ?? ['ok' => false];
    $answer['said'] = trim(stream_get_contents($pipes[2]));
    proc_close($process);
    return $answer;
}

function keep(array $variables): array
{
    $id = bin2hex(random_bytes(8));
    $first = run(KEEP, $variables, $id, 'kept');
    $second = run(KEEP, $variables, $id, 'again');
    return [
        'kept' => $first['ok'] && $second['ok'] && $second['found'] === 'kept',
        'said' => $first['said'] . $second['said'],
    ];
}

while (($line = fgets(STDIN)) !== false) {
    ['task' => $task, 'variables' => $variables] = json_decode($line, true, 512, JSON_THROW_ON_ERROR);
    echo json_encode($task === 'keep' ? keep($variables) : run(SHOW, $variables)), "\n";
}
