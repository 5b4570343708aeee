<?php
// Counts in the session, and holds the session for as long as the query says: what a slow page does.
$started = session_start();
$_SESSION['count'] = ($_SESSION['count'] ?? 0) + 1;
usleep(1000 * (int) ($_GET['ms'] ?? 0));
header('Content-Type: text/plain');
printf("%d,%s\n", $_SESSION['count'], $started && session_write_close() ? 'kept' : 'lost');
