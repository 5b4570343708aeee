//! What pages do with sessions, and what is known to differ.

use super::ways::Kind;

/// A visitor's requests, one after the other.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    /// The id that the visitor comes with.
    pub(crate) cookie: Option<String>,
    pub(crate) requests: Vec<Request>,
    pub(crate) known: Vec<Known>,
}

/// One request, or two at a time.
pub(crate) struct Request {
    pub(crate) how: How,
    /// Another id than the visitor's.
    pub(crate) cookie: Option<String>,
    pub(crate) code: &'static str,
}

/// What makes PHP run the code.
#[derive(Clone, Copy)]
pub(crate) enum How {
    Page,
    /// A page in a folder whose ini file has `session.auto_start`.
    AutoStart,
    /// A page that gets a file, whose progress PHP keeps in the session.
    Upload,
    CommandLine,
    /// A page whose visitor goes away while it holds the session.
    Gone,
    /// A page, and this one of the same visitor while it holds the session.
    During(&'static str),
}

/// A difference from PHP's redis handler that has its reason.
pub(crate) struct Known {
    pub(crate) kind: Kind,
    /// Where what was observed differs, as the start of a JSON pointer.
    pub(crate) at: &'static str,
    /// For those who read the table.
    pub(crate) reason: &'static str,
}

fn case(name: &'static str) -> Case {
    Case { name, cookie: Some("visitor".to_owned()), requests: Vec::new(), known: Vec::new() }
}

impl Case {
    fn of_new_visitor(mut self) -> Self {
        self.cookie = None;
        self
    }

    fn of(mut self, id: impl Into<String>) -> Self {
        self.cookie = Some(id.into());
        self
    }

    fn does(mut self, how: How, code: &'static str) -> Self {
        self.requests.push(Request { how, cookie: None, code });
        self
    }

    fn page(self, code: &'static str) -> Self {
        self.does(How::Page, code)
    }

    /// A page of somebody who comes with this id.
    fn page_of(mut self, id: &str, code: &'static str) -> Self {
        self.requests.push(Request { how: How::Page, cookie: Some(id.to_owned()), code });
        self
    }

    fn known(mut self, kind: Kind, at: &'static str, reason: &'static str) -> Self {
        self.known.push(Known { kind, at, reason });
        self
    }
}

const COUNT: &str = "session_start(); add(); show($_SESSION);";
const SHOW: &str = "session_start(); show($_SESSION);";

pub(crate) fn cases() -> Vec<Case> {
    [usual(), settings(), ids(), data(), handlers(), locks(), ends(), command_line()]
        .into_iter()
        .flatten()
        .collect()
}

fn usual() -> Vec<Case> {
    vec![
        case("a new visitor").of_new_visitor().page(COUNT).page(COUNT),
        case("a visitor who comes back").page(COUNT).page(COUNT).page(COUNT),
        case("nothing changes").page(COUNT).page(SHOW).page(SHOW),
        case("nothing is there").page(SHOW).page(SHOW),
        case("read and close").page(COUNT).page("session_start(['read_and_close' => true]); add(); show($_SESSION);").page(COUNT),
        case("read and close, and nothing is there").page("session_start(['read_and_close' => true]); show($_SESSION);").page(COUNT),
        case("abort").page(COUNT).page("session_start(); add(); show(session_abort()); show($_SESSION);").page(COUNT),
        case("reset").page(COUNT).page("session_start(); add(); show(session_reset(), $_SESSION);").page(SHOW),
        case("reset without a lock").page(COUNT).page("ini_set('redis.session.locking_enabled', 0); session_start(); add(); show(session_reset(), $_SESSION);").page(SHOW),
        case("regenerate").page(COUNT).page("session_start(); add(); show(session_regenerate_id()); add();").page(COUNT).page_of("visitor", SHOW),
        case("regenerate and delete").page(COUNT).page("session_start(); add(); show(session_regenerate_id(true)); add();").page(COUNT).page_of("visitor", SHOW),
        case("regenerate twice").page("session_start(); session_regenerate_id(); add(); session_regenerate_id(true); add(); show($_SESSION);").page(COUNT),
        case("regenerate after the end").page("session_start(); session_write_close(); show(session_regenerate_id());").page(COUNT),
        case("destroy").page(COUNT).page("session_start(); show(session_destroy(), $_SESSION); add();").page(COUNT),
        case("destroy and start again").page(COUNT).page("session_start(); session_destroy(); session_start(); add(); show($_SESSION);").page(COUNT),
        case("destroy, regenerate, write").page(COUNT).page("session_start(); session_destroy(); session_start(); show(session_regenerate_id()); add();").page(COUNT),
        case("unset").page(COUNT).page("session_start(); session_unset(); show($_SESSION);").page(SHOW),
        case("start twice").page("session_start(); add(); show(session_start()); add();").page(COUNT),
        case("close and open ten times").page("for ($i = 0; $i < 10; $i++) { session_start(); add(); session_write_close(); }").page(COUNT),
        case("two sessions in a page").page("session_start(); add(); session_write_close(); session_id('other'); session_start(); add('other'); session_write_close(); session_id('visitor'); session_start(); add(); show($_SESSION);").page(COUNT).page_of("other", COUNT),
        case("a session of another name").page("session_name('other'); session_start(); add();").page("session_name('other'); session_start(); add(); show($_SESSION);").page(COUNT),
        case("an id made beforehand").page("session_id(session_create_id('shop-')); session_start(); add(); show(strlen(session_id()));").page(COUNT),
        case("an id made in the session").page("session_start(); add(); $id = session_create_id(); session_write_close(); session_id($id); session_start(); add('new'); show($_SESSION);").page(COUNT),
        case("garbage collection").page(COUNT).page("session_start(); show(is_int(session_gc()) || session_gc() === false);").page(COUNT),
        case("encode and decode").page("session_start(); add(); show(session_encode(), session_decode('n|i:41;m|i:1;')); add();").page(COUNT),
        case("auto_start").does(How::AutoStart, "add(); show($_SESSION);").does(How::AutoStart, "add(); show($_SESSION);"),
        case("upload progress").page(COUNT).does(How::Upload, "session_start(); add(); show($_SESSION, count($_FILES));").page(COUNT),
        case("a page goes on when its answer is sent").page("session_start(); add(); fastcgi_finish_request(); add(); session_write_close(); session_start(); add();").page(COUNT),
    ]
}

fn settings() -> Vec<Case> {
    vec![
        case("lazy_write off").page(COUNT).page("ini_set('session.lazy_write', 0); session_start(); show($_SESSION);").page(COUNT),
        case("lazy_write off, and nothing is there").page("session_start(['lazy_write' => false]); show($_SESSION);").page(COUNT),
        case("a longer life").page("ini_set('session.gc_maxlifetime', 90000); session_start(); add();"),
        case("a longer life without a change").page(COUNT).page("ini_set('session.gc_maxlifetime', 90000); session_start();"),
        case("a longer life, read and closed").page(COUNT).page("session_start(['gc_maxlifetime' => 90000, 'read_and_close' => true]);"),
        case("a life set within the session").page("session_start(); add(); show(ini_set('session.gc_maxlifetime', 90000));"),
        case("no life").page("ini_set('session.gc_maxlifetime', 0); session_start(); add();").page(COUNT),
        case("a negative life").page("ini_set('session.gc_maxlifetime', -1); session_start(); add();").page(COUNT),
        case("a life beyond 32 bits").page("ini_set('session.gc_maxlifetime', 99999999999); session_start(); add();").page(COUNT),
        case("strict, with an id that is there").page(COUNT).page("session_start(['use_strict_mode' => true]); add(); show($_SESSION);").page(COUNT),
        case("strict, with an id that is not there").page("session_start(['use_strict_mode' => true]); add(); show($_SESSION);").page("session_start(['use_strict_mode' => true]); add(); show($_SESSION);").page_of("visitor", SHOW),
        case("strict, new visitor").of_new_visitor().page("session_start(['use_strict_mode' => true]); add();").page("session_start(['use_strict_mode' => true]); add(); show($_SESSION);"),
        case("strict, and regenerate").page("ini_set('session.use_strict_mode', 1); session_start(); add(); show(session_regenerate_id(true)); add();").page(COUNT),
        case("strict, read and close").page(COUNT).page("session_start(['use_strict_mode' => true, 'read_and_close' => true]); show($_SESSION);").page(COUNT),
        case("strict, and lazy_write off").page(COUNT).page("session_start(['use_strict_mode' => true, 'lazy_write' => false]); show($_SESSION);").page(COUNT),
        case("cookies").of_new_visitor().page("session_start(['cookie_lifetime' => 60, 'cookie_path' => '/shop', 'cookie_samesite' => 'Lax', 'cookie_httponly' => true]); add();").page(COUNT),
        case("no cookies").page("session_start(['use_cookies' => false, 'use_only_cookies' => false]); add();"),
        case("cache limiter").page("session_start(['cache_limiter' => 'private', 'cache_expire' => 5]); add();").page("session_start(['cache_limiter' => '']); add();"),
        case("garbage is collected in each page").page("session_start(['gc_probability' => 1, 'gc_divisor' => 1]); add();").page("session_start(['gc_probability' => 1, 'gc_divisor' => 1]); add(); show($_SESSION);"),
        case("early refresh").page(COUNT).page("ini_set('redis.session.early_refresh', 1); ini_set('session.gc_maxlifetime', 90000); session_start(); show($_SESSION);").page("ini_set('redis.session.early_refresh', 1); session_start(); add(); show($_SESSION);"),
        case("early refresh, and nothing is there").page("ini_set('redis.session.early_refresh', 1); session_start(); show($_SESSION);").page(COUNT),
        case("compression").page("ini_set('redis.session.compression', 'zstd'); session_start(); $_SESSION['a'] = str_repeat('a', 9999);").page("ini_set('redis.session.compression', 'zstd'); session_start(); show($_SESSION); add();"),
        case("another prefix").page("ini_set('session.save_path', ini_get('session.save_path') . '&prefix=direct:other:'); session_start(); add();").page(COUNT),
    ]
}

fn ids() -> Vec<Case> {
    let count = |id: &str| case("").of(id).page(COUNT).page(COUNT);
    let named = |name: &'static str, id: &str| Case { name, ..count(id) };
    vec![
        named("an id of 300 letters", &"a".repeat(300)),
        named("an id of 4,000 letters", &"a".repeat(4000)),
        named("an id with a slash", "a%2Fb"),
        named("an id that is a folder", "..%2F.."),
        named("an id with a colon, a star and braces", "a%3A%2A%7Bb%7D"),
        named("an id with a space", "a%20b"),
        named("an id with a line end", "a%0D%0Ab"),
        named("an id with a zero", "a%00b"),
        named("an id beyond ASCII", "%C3%BC%FF"),
        named("an empty id", ""),
        named("an id that ends as a lock's key", "visitor_LOCK"),
        case("a session named like another one's lock").page_of("visitor_LOCK", COUNT).page(COUNT).page_of("visitor_LOCK", COUNT),
    ]
}

fn data() -> Vec<Case> {
    const BIG: &str = "$all = ''; for ($i = 0; strlen($all) < $size; $i++) { $all .= hash('sha256', $i, true); }";
    let _ = BIG;
    vec![
        case("a session that is made empty").page(COUNT).page("session_start(); $_SESSION = [];").page(SHOW),
        case("1 MB").page("session_start(); $_SESSION['a'] = str_repeat(hash('sha256', 1, true), 1 << 15);").page(COUNT),
        case("8 MB").page("session_start(); $_SESSION['a'] = str_repeat(hash('sha256', 1, true), 1 << 18);").page(SHOW).page(COUNT),
        case("php_serialize").page("ini_set('session.serialize_handler', 'php_serialize'); session_start(); add(); $_SESSION[7] = ['a' => 1.5];").page("ini_set('session.serialize_handler', 'php_serialize'); session_start(); add(); show($_SESSION);"),
        case("php_binary").page("ini_set('session.serialize_handler', 'php_binary'); session_start(); add();").page("ini_set('session.serialize_handler', 'php_binary'); session_start(); add(); show($_SESSION);"),
        case("igbinary").page("ini_set('session.serialize_handler', 'igbinary'); session_start(); add(); $_SESSION['zero'] = \"\\0\\r\\n\";").page("ini_set('session.serialize_handler', 'igbinary'); session_start(); add(); show($_SESSION);"),
        case("a name that PHP's format does not allow").page("session_start(); add(); $_SESSION['a|b'] = 1;").page(COUNT),
        case("data that cannot be written").page(COUNT).page("session_start(); add(); $_SESSION['f'] = fn() => 1;").page(COUNT),
        case("data that cannot be read").page("ini_set('session.serialize_handler', 'php_serialize'); session_start(); add();").page("ini_set('session.serialize_handler', 'igbinary'); session_start(); show($_SESSION); add();").page(COUNT),
    ]
}

fn handlers() -> Vec<Case> {
    vec![
        case("a handler that reads another id")
            .page("class X extends SessionHandler { function read($id): string|false { return parent::read('other'); } } session_set_save_handler(new X); session_start(); add(); show($_SESSION);")
            .page("class X extends SessionHandler { function read($id): string|false { return parent::read('other'); } } session_set_save_handler(new X); session_start(); add(); show($_SESSION);")
            .page(COUNT),
        case("a handler that reads two ids")
            .page_of("other", "session_start(); $_SESSION['other'] = 1;")
            .page("class X extends SessionHandler { function read($id): string|false { return parent::read($id) . parent::read('other'); } } session_set_save_handler(new X); session_start(); add(); show($_SESSION);")
            .page(COUNT).page_of("other", COUNT),
        case("a handler that reads another id first")
            .page_of("other", "session_start(); $_SESSION['other'] = 1;")
            .page("class X extends SessionHandler { function read($id): string|false { return parent::read('other') . parent::read($id); } } session_set_save_handler(new X); session_start(); add(); show($_SESSION);")
            .page(COUNT).page_of("other", COUNT),
        case("a handler that reads twice")
            .page(COUNT)
            .page("class X extends SessionHandler { function read($id): string|false { return [parent::read($id), parent::read($id)][1]; } } session_set_save_handler(new X); session_start(); add(); show($_SESSION);")
            .page(COUNT),
        case("a handler that writes two ids")
            .page("class X extends SessionHandler { function write($id, $data): bool { return parent::write('copy', $data) && parent::write($id, $data); } } session_set_save_handler(new X); session_start(); add(); show($_SESSION);")
            .page(COUNT).page_of("copy", COUNT),
        case("a handler that writes twice")
            .page("class X extends SessionHandler { function write($id, $data): bool { return parent::write($id, 'm|i:1;') && parent::write($id, $data); } } session_set_save_handler(new X); session_start(); add(); show($_SESSION);")
            .page(COUNT),
        case("a handler that writes another id")
            .page("class X extends SessionHandler { function write($id, $data): bool { return parent::write('other', $data); } } session_set_save_handler(new X); session_start(); add(); show($_SESSION);")
            .page(COUNT).page_of("other", COUNT),
        case("a handler that destroys another id")
            .page_of("other", COUNT)
            .page("class X extends SessionHandler { function write($id, $data): bool { return parent::destroy('other') && parent::write($id, $data); } } session_set_save_handler(new X); session_start(); add(); show($_SESSION);")
            .page(COUNT).page_of("other", COUNT),
        case("a handler that encrypts")
            .page("class X extends SessionHandler { function read($id): string|false { return strrev((string) parent::read($id)); } function write($id, $data): bool { return parent::write($id, strrev($data)); } } session_set_save_handler(new X); session_start(); add(); show($_SESSION);")
            .page("class X extends SessionHandler { function read($id): string|false { return strrev((string) parent::read($id)); } function write($id, $data): bool { return parent::write($id, strrev($data)); } } session_set_save_handler(new X); session_start(); add(); show($_SESSION);"),
        case("a handler with hashed ids")
            .page("class X extends SessionHandler { function read($id): string|false { return parent::read(md5($id) . 'x'); } function write($id, $data): bool { return parent::write(md5($id) . 'x', $data); } function destroy($id): bool { return parent::destroy(md5($id) . 'x'); } } session_set_save_handler(new X); session_start(); add(); show($_SESSION);")
            .page("class X extends SessionHandler { function read($id): string|false { return parent::read(md5($id) . 'x'); } function write($id, $data): bool { return parent::write(md5($id) . 'x', $data); } function destroy($id): bool { return parent::destroy(md5($id) . 'x'); } } session_set_save_handler(new X); session_start(); add(); show($_SESSION); session_regenerate_id(true); add();")
            .page("class X extends SessionHandler { function read($id): string|false { return parent::read(md5($id) . 'x'); } function write($id, $data): bool { return parent::write(md5($id) . 'x', $data); } function destroy($id): bool { return parent::destroy(md5($id) . 'x'); } } session_set_save_handler(new X); session_start(); show($_SESSION); session_destroy();"),
        case("a handler that knows which ids are there")
            .page(COUNT)
            .page("class X extends SessionHandler implements SessionUpdateTimestampHandlerInterface { function validateId($id): bool { return (bool) parent::read($id); } function updateTimestamp($id, $data): bool { return parent::write($id, $data); } } session_set_save_handler(new X); session_start(['use_strict_mode' => true]); show($_SESSION);")
            .page("class X extends SessionHandler implements SessionUpdateTimestampHandlerInterface { function validateId($id): bool { return (bool) parent::read($id); } function updateTimestamp($id, $data): bool { return parent::write($id, $data); } } session_set_save_handler(new X); session_start(['use_strict_mode' => true]); add(); show($_SESSION);"),
        case("a handler that makes ids").of_new_visitor()
            .page("class X extends SessionHandler { function create_sid(): string { return 'mine'; } } session_set_save_handler(new X); session_start(); add(); session_regenerate_id();")
            .page(COUNT),
        case("a handler that reads and does not write")
            .page(COUNT)
            .page("class X extends SessionHandler { function write($id, $data): bool { return true; } } session_set_save_handler(new X); session_start(); add(); show($_SESSION);")
            .page(COUNT),
        case("a handler that does not close")
            .page(COUNT)
            .page("class X extends SessionHandler { function close(): bool { return true; } } session_set_save_handler(new X); session_start(); add(); show($_SESSION);")
            .page(COUNT),
    ]
}

fn locks() -> Vec<Case> {
    const HOLD: &str = "session_start(); add(); hold(300); show($_SESSION);";
    const NO_LOCK: &str = "ini_set('redis.session.locking_enabled', 0); session_start(); add(); show($_SESSION);";
    vec![
        case("a page waits for another one").page(COUNT).does(How::During(COUNT), HOLD).page(COUNT),
        case("locking off").page(NO_LOCK).page(NO_LOCK).page(COUNT),
        case("locking off, and nothing changes").page(COUNT).page("ini_set('redis.session.locking_enabled', 0); session_start(); show($_SESSION);").page(COUNT),
        case("locking off, and regenerate").page(COUNT).page("ini_set('redis.session.locking_enabled', 0); session_start(); add(); session_regenerate_id(true); add();").page(COUNT),
        case("locking off, and destroy").page(COUNT).page("ini_set('redis.session.locking_enabled', 0); session_start(); session_destroy();").page(COUNT),
        case("locking off, while another page has a lock").page(COUNT).does(How::During(NO_LOCK), HOLD).page(COUNT),
        case("locking off, while another page has a lock and changes nothing").page(COUNT).does(How::During(NO_LOCK), "session_start(); hold(300); show($_SESSION);").page(COUNT),
        case("locking off, and a page has a lock meanwhile").page(COUNT).does(How::During(COUNT), "ini_set('redis.session.locking_enabled', 0); session_start(); add(); hold(300); show($_SESSION);").page(COUNT),
        case("locking off within the session").page("session_start(); add(); ini_set('redis.session.locking_enabled', 0);").page(COUNT),
        case("locking on within the session").page("ini_set('redis.session.locking_enabled', 0); session_start(); add(); ini_set('redis.session.locking_enabled', 1);").page(COUNT),
        case("locking off, then on, in a page").page("ini_set('redis.session.locking_enabled', 0); session_start(); add(); session_write_close(); ini_set('redis.session.locking_enabled', 1); session_start(); add(); show($_SESSION);").page(COUNT),
        case("the session is destroyed meanwhile").page(COUNT).does(How::During("ini_set('redis.session.locking_enabled', 0); session_start(); session_destroy();"), "session_start(); hold(300); show($_SESSION);").page(COUNT),
        case("the session is read and closed meanwhile").page(COUNT).does(How::During("session_start(['read_and_close' => true]); show($_SESSION);"), HOLD).page(COUNT),
        case("a lock that ends by itself").page(COUNT).page("ini_set('redis.session.lock_expire', 1); session_start(); add(); usleep(1300000); show($_SESSION);").page(COUNT),
        case("a lock that ends by itself, and a page meanwhile").page(COUNT).does(How::During(COUNT), "ini_set('redis.session.lock_expire', 1); session_start(); add(); hold(1500); show($_SESSION);").page(COUNT),
        case("a lock without an end").page(COUNT).page("ini_set('redis.session.lock_expire', 0); session_start(); add(); usleep(10000);").page(COUNT),
        case("one try for the lock").page(COUNT).does(How::During("ini_set('redis.session.lock_retries', 1); ini_set('redis.session.lock_wait_time', 1000); session_start(); add(); show($_SESSION);"), HOLD).page(COUNT),
        case("a lock that is not given up in time").page(COUNT).does(How::During(COUNT), "session_start(); add(); hold(4000); show($_SESSION);").page(COUNT),
    ]
}

fn ends() -> Vec<Case> {
    const GONE: &str = "session_start(); add(); hold(200); for ($i = 0; $i < 50; $i++) { echo str_repeat(' ', 9999); ob_flush(); flush(); usleep(2000); } add('not_reached');";
    vec![
        case("exit").page("session_start(); add(); exit;").page(COUNT),
        case("an exception").page("session_start(); add(); throw new Exception('no');").page(COUNT),
        case("a fatal error").page("session_start(); add(); class A { function __serialize() {} } class B extends Missing {}").page(COUNT),
        case("out of memory").page("session_start(); add(); ini_set('memory_limit', '4M'); $a = str_repeat('a', 1 << 24);").page(COUNT),
        case("out of time").page("session_start(); add(); set_time_limit(1); while (true) {}").page(COUNT),
        case("the visitor goes away").page(COUNT).does(How::Gone, GONE).page(COUNT),
        case("the visitor goes away, and the page goes on").page(COUNT).does(How::Gone, "ignore_user_abort(true); session_start(); add(); hold(200); echo 'a'; ob_flush(); flush(); add();").page(COUNT),
        case("the worker is killed").page(COUNT).page("session_start(); add(); posix_kill(getmypid(), 9); sleep(9);").page(COUNT),
        case("the worker is killed, and its lock ends").page(COUNT).page("ini_set('redis.session.lock_expire', 1); session_start(); add(); posix_kill(getmypid(), 9); sleep(9);").page(COUNT),
        case("a function at the end").page("register_shutdown_function(function () { add(); session_write_close(); session_start(); add(); show($_SESSION); }); session_start(); add();").page(COUNT),
    ]
}

fn command_line() -> Vec<Case> {
    const FORKS: &str = "session_id('visitor'); session_start(); add(); session_write_close();
        for ($i = 0; $i < 3; $i++) { if (pcntl_fork() === 0) { for ($j = 0; $j < 5; $j++) { session_start(); add(); session_write_close(); } exit; } }
        while (pcntl_wait($status) > 0) { show($status); }
        session_start(); add(); show($_SESSION);";
    let command = |name, code| case(name).does(How::CommandLine, code);
    vec![
        command("a command", "session_id('visitor'); session_start(); add(); show($_SESSION);").page(COUNT),
        command("a command that comes back to its session", "foreach (['visitor', 'other', 'visitor'] as $id) { session_id($id); session_start(); add(); session_write_close(); } show($_SESSION);").page(COUNT),
        command("a command that is killed", "session_id('visitor'); session_start(); add(); session_write_close(); session_start(); add(); session_write_close(); posix_kill(getmypid(), 9);").page(COUNT),
        command("a command that forks after its session", FORKS).page(COUNT),
        command("a command that forks within its session", "session_id('visitor'); session_start(); add(); if (pcntl_fork() === 0) { posix_kill(getmypid(), 9); } pcntl_wait($status); add(); session_write_close(); show($_SESSION);").page(COUNT),
    ]
}
