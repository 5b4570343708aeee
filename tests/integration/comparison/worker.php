<?php
// A PHP process that does for one page after the other what its standard input says, a line at a time. After each it
// tells in JSON what it has as its session, and what PHP says.
require __DIR__ . '/locks.php';

// Begins as a new process does, with no session, no id, and the settings of the ini files.
function begin(): void
{
    session_abort();
    unset($GLOBALS['_SESSION']);
    array_map('ini_restore', array_keys(ini_get_all()));
    ini_set('session.use_cookies', '0');
    ini_set('session.cache_limiter', '');
    session_id('');
}

begin();

// The handler that the ini file names.
$handler = ini_get('session.save_handler');
function own_handler(): void
{
    @ini_set('session.save_handler', $GLOBALS['handler']);
}

// PHP's handler, which reads other sessions before that of the page.
function read_first(string ...$others): void
{
    session_set_save_handler(new class ($others) extends SessionHandler {
        public function __construct(private array $others)
        {
        }

        public function read($id): string|false
        {
            array_map(parent::read(...), $this->others);
            return parent::read($id);
        }
    }, false);
}

$said = [];
set_error_handler(function ($level, $message) use (&$said) {
    $said[] = str_replace(ini_get('session.save_path'), '(save path)', $message);
    return true;
});
while (($code = fgets(STDIN)) !== false) {
    try {
        $result = eval($code);
    } catch (Throwable $thrown) {
        $result = get_class($thrown) . ': ' . $thrown->getMessage();
    }
    // `echo` would send the headers.
    fwrite(STDOUT, json_encode([
        'result' => $result,
        'active' => session_status() === PHP_SESSION_ACTIVE,
        'id' => session_id(),
        'session' => $_SESSION ?? null,
        'said' => $said,
    ]) . "\n");
    $said = [];
}
