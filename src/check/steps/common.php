<?php
// Shared by the steps of session-check. Rust appends the step, and passes the question on standard input.

$question = json_decode(file_get_contents('php://stdin'), true);
$messages = array();
set_error_handler(function ($level, $message) use (&$messages) {
    $messages[] = $message;
    return true;
});

/** Runs one part, and records its time in milliseconds and PHP's messages. */
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

/** Runs parts in turn, until one fails for a reason that the next one would share. */
function until_failure($parts)
{
    $done = array();
    foreach ($parts as $arguments) {
        $done[] = $part = call_user_func_array('part', $arguments);
        // Some commands may be forbidden and others allowed: report all that are forbidden.
        if (!$part['ok'] && !preg_match('/NOPERM|unknown command|unsupported command|ERR unknown/i', implode(' ', $part['said']))) {
            break;
        }
    }
    return $done;
}

/** Connects without sending anything, to learn whether the server is reachable at all. */
function reach($target, $context, $timeout)
{
    $socket = stream_socket_client($target, $number, $text, $timeout, STREAM_CLIENT_CONNECT, $context);
    if ($socket === false) {
        throw new RuntimeException($text === '' ? 'no connection' : $text);
    }
    fclose($socket);
}
