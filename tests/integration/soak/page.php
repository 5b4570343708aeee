<?php
// What a visitor of the soak does with a session, and what is found there before.
['do' => $do, 'token' => $token, 'size' => $size, 'ms' => $ms] = $_GET + ['token' => '', 'size' => 0, 'ms' => 0];

function data(string $token, int $size): string
{
    return substr(str_repeat("$token ", intdiv($size, strlen($token) + 1) + 1), 0, $size);
}

function found(): ?string
{
    if ($_SESSION === []) {
        return null;
    }
    if (isset($_SESSION['count'])) {
        return (string) $_SESSION['count'];
    }
    ['token' => $token, 'data' => $data] = $_SESSION + ['token' => 'no token', 'data' => ''];
    return $data === data($token, strlen($data)) ? $token : "a part of $token";
}

$refused = false;
// session_write_close() is true even if PHP's handler has not written the session; only a warning says so.
set_error_handler(function () use (&$refused) {
    $refused = true;
    return false;
});
$started = session_start($do === 'read' ? ['read_and_close' => true] : []);
$answer = ['started' => $started, 'found' => $started ? found() : null, 'kept' => $started];
if ($started && $do !== 'read') {
    usleep(1000 * (int) $ms);
    $done = true;
    if ($do === 'login') {
        $done = session_regenerate_id(true);
    } elseif ($do === 'renew') {
        $done = session_regenerate_id();
    }
    if ($do === 'logout') {
        $answer['kept'] = session_destroy();
    } else {
        if ($do === 'count') {
            $_SESSION['count'] = ($_SESSION['count'] ?? 0) + 1;
        } elseif ($do !== 'view') {
            $_SESSION = ['token' => $token, 'data' => data($token, (int) $size)];
        }
        $answer['kept'] = session_write_close() && $done && !$refused;
    }
}
header('Content-Type: application/json');
echo json_encode($answer + ['id' => session_id()]);
