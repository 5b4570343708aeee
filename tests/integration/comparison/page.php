<?php
// Runs the code that comes with a request, or as an argument, and answers in JSON: what the code shows, and what PHP
// says meanwhile. What PHP says when the page is over, for example as it writes the session, goes into a log, which
// another request asks for.
//
// `show`, `add` and `hold` are for the code.

function show(...$values): void
{
    array_push($GLOBALS['shown'], ...$values);
}

// Counts a visit.
function add(string $name = 'n'): void
{
    $_SESSION[$name] = ($_SESSION[$name] ?? 0) + 1;
}

// Lets the visitor know that the session is open, and keeps it so.
function hold(int $milliseconds): void
{
    touch('/tmp/held');
    usleep(1000 * $milliseconds);
}

// A text as it is, or what tells it from others if it is long or binary.
function brief($value)
{
    if (is_array($value)) {
        return array_combine(array_map('brief', array_keys($value)), array_map('brief', $value));
    }
    $plain = !is_string($value) || preg_match('/^[ -~\s]{0,300}$/D', $value);
    return $plain ? $value : strlen($value) . ' bytes, ' . hash('sha256', $value);
}

function session_file(string $name): string
{
    return session_save_path() . "/sess_$name";
}

$shown = [];
$said = [];
$over = false;
$id = $_GET['id'] ?? $argv[1];
$log = "/tmp/said-$id";

switch ($_GET['ask'] ?? '') {
    case 'log':
        // Without the time.
        echo preg_replace('/^\[[^]]*\] /m', '', (string) @file_get_contents($log));
        @unlink($log);
        return;
    case 'held':
        echo @unlink('/tmp/held') ? 'yes' : 'no';
        return;
    case 'clear':
        array_map('unlink', glob(session_file('*')));
        return;
    case 'stored':
        $stored = [];
        foreach (glob(session_file('*')) as $file) {
            $stored[substr($file, strlen(session_file('')))] = brief(file_get_contents($file));
        }
        echo json_encode((object) $stored);
        return;
}

ini_set('log_errors', '1');
ini_set('error_log', $log);
set_error_handler(function ($level, $message) use (&$said, &$over) {
    if ($over) {
        error_log($message);
    } else {
        $said[] = $message;
    }
    return true;
});
register_shutdown_function(function () use (&$shown, &$said, &$over) {
    $fatal = error_get_last();
    if ($fatal !== null) {
        $said[] = $fatal['message'];
    }
    $headers = preg_grep('/^(Set-Cookie|Expires|Cache-Control|Pragma):/i', headers_list());
    $headers = preg_replace('/(expires=|Expires:)[^;]*/', '$1', array_values($headers));
    echo json_encode(brief(['id' => session_id(), 'shown' => $shown, 'said' => $said, 'headers' => $headers]));
    $over = true;
});

try {
    eval($_GET['code'] ?? $argv[2]);
} catch (Throwable $thrown) {
    $said[] = get_class($thrown) . ': ' . $thrown->getMessage();
    http_response_code(500);
}
