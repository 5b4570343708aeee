<?php
// Counts in the session, and holds the session for as long as the query says: what a slow page does.
$refused = false;
// session_write_close() is true even if PHP's handler has not written the session; only a warning says so.
set_error_handler(function () use (&$refused) {
    $refused = true;
    // PHP goes on as it would without this.
    return false;
});
$started = session_start();
$_SESSION['count'] = ($_SESSION['count'] ?? 0) + 1;
usleep(1000 * (int) ($_GET['ms'] ?? 0));
header('Content-Type: text/plain');
$closed = $started && session_write_close();
printf("%d,%s\n", $_SESSION['count'], $closed && !$refused ? 'kept' : 'lost');
