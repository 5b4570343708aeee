<?php
// Shows all that PHP can show of its sessions: its warnings, its settings and its environment.
ini_set('display_errors', '1');
try {
    session_start();
    $_SESSION['shown'] = microtime(true);
    session_write_close();
} catch (Throwable $error) {
    echo $error;
}
phpinfo();
