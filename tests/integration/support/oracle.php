<?php
// Real PHP as the judge: for each line of JSON with variables, one PHP process writes a session and
// another one reads it, both with the drop-in and these variables. Answers with a line of JSON.
$code = <<<'PHP'
    session_id($argv[1]);
    $started = session_start();
    $found = $_SESSION['value'] ?? null;
    $_SESSION['value'] = $argv[2];
    $written = session_write_close();
    echo json_encode(['ok' => $started && $written, 'found' => $found]);
    PHP;

function run(string $code, array $variables, string $id, string $value): array
{
    $command = ['php', '-d', 'display_errors=stderr', '-d', 'log_errors=0', '-r', $code, $id, $value];
    $pipes = [['pipe', 'r'], ['pipe', 'w'], ['pipe', 'w']];
    $process = proc_open($command, $pipes, $pipes, null, $variables + getenv());
    $answer = json_decode(stream_get_contents($pipes[1]), true) ?? ['ok' => false];
    $answer['said'] = trim(stream_get_contents($pipes[2]));
    proc_close($process);
    return $answer;
}

while (($line = fgets(STDIN)) !== false) {
    $variables = json_decode($line, true, 512, JSON_THROW_ON_ERROR);
    $id = bin2hex(random_bytes(8));
    $first = run($code, $variables, $id, 'kept');
    $second = run($code, $variables, $id, 'again');
    echo json_encode([
        'kept' => $first['ok'] && $second['ok'] && $second['found'] === 'kept',
        'said' => $first['said'] . $second['said'],
    ]), "\n";
}
