<?php
// Runs the code that comes with a request, or as an argument, and answers in JSON: what the code shows, and what PHP
// says meanwhile. What PHP says when the page is over, for example as it writes the session, goes into a log, which
// another request asks for.

require __DIR__ . '/locks.php';

// For the code: shows values.
function show(...$values): void
{
    array_push($GLOBALS['shown'], ...$values);
}

// For the code: counts in the session.
function add(string $name = 'n'): void
{
    $_SESSION[$name] = ($_SESSION[$name] ?? 0) + 1;
}

// For the code: what most pages do.
function visit(array $options = []): void
{
    session_start($options);
    add();
    show($_SESSION);
}

// For the code: a page that changes nothing.
function look(array $options = []): void
{
    session_start($options);
    show($_SESSION);
}

// For the code: lets the visitor know that the session is open, and keeps it so.
function hold(int $milliseconds): void
{
    // Not `touch`, which warns where the one who waits has removed the file already.
    file_put_contents('/tmp/held', '');
    usleep(1000 * $milliseconds);
}

// For the code: keeps the session open until the page meanwhile is over, or for some seconds, as that may wait for this one.
function hold_until_over(): void
{
    @unlink('/tmp/go_on');
    hold(0);
    for ($i = 0; $i < 4000 && !file_exists('/tmp/go_on'); $i++) {
        usleep(1000);
    }
}

// For the code: lets the page that holds the session go on.
function go_on(): void
{
    touch('/tmp/go_on');
}

// For the code: PHP's handler, with other methods in front, which get PHP's own.
function wrap(callable ...$methods): void
{
    session_set_save_handler(new class ($methods) extends SessionHandler {
        public function __construct(private array $methods)
        {
        }

        public function create_sid(): string
        {
            return $this->call('create_sid', parent::create_sid(...));
        }

        public function read($id): string|false
        {
            return $this->call('read', parent::read(...), $id);
        }

        public function write($id, $data): bool
        {
            return $this->call('write', parent::write(...), $id, $data);
        }

        public function destroy($id): bool
        {
            return $this->call('destroy', parent::destroy(...), $id);
        }

        private function call(string $name, callable $own, ...$arguments)
        {
            return isset($this->methods[$name]) ? $this->methods[$name]($own, ...$arguments) : $own(...$arguments);
        }
    });
}

// A text as it is, or what tells it from others if it is long or binary; without the save path.
function brief($value)
{
    if (is_array($value)) {
        return array_combine(array_map('brief', array_keys($value)), array_map('brief', $value));
    }
    if (!is_string($value)) {
        return $value;
    }
    $path = ini_get('session.save_path');
    $value = $path ? str_replace([$path, htmlspecialchars($path)], '(save path)', $value) : $value;
    $plain = preg_match('/^[ -~\s]{0,400}$/D', $value);
    return $plain ? $value : strlen($value) . ' bytes, ' . base64_encode(hash('sha256', $value, true));
}

// Where PHP's `files` handler keeps sessions.
function session_file(string $name): string
{
    return (session_save_path() ?: sys_get_temp_dir()) . "/sess_$name";
}

$shown = [];
$said = [];
$over = false;
$id = $_GET['id'] ?? $argv[1];
$log = "/tmp/said-$id";

switch ($_GET['ask'] ?? '') {
    case 'log':
        // Without the time.
        echo brief(preg_replace('/^\[[^]]*\] /m', '', (string) @file_get_contents($log)));
        @unlink($log);
        return;
    case 'held':
        echo @unlink('/tmp/held') ? 'yes' : 'no';
        return;
    case 'go_on':
        go_on();
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
    // In one piece: children answer at the same time.
    echo json_encode(brief(['id' => session_id(), 'shown' => $shown, 'said' => $said, 'headers' => $headers])) . "\n";
    $over = true;
});

try {
    eval($_GET['code'] ?? $argv[2]);
} catch (Throwable $thrown) {
    $said[] = get_class($thrown) . ': ' . $thrown->getMessage();
    http_response_code(500);
}
