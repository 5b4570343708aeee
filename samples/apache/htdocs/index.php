<?php
// Counts a visitor's requests in the session, and says which instance has served this one.
session_start();
$_SESSION['count'] = ($_SESSION['count'] ?? 0) + 1;
header('Content-Type: text/plain');
printf("%d, served by %s\n", $_SESSION['count'], gethostname());
