//! What a page sets, the ids it comes with, and what it keeps.

use super::{Case, case};
use php_session_store::store::Store::{Memcached, Redis};

/// Settings of the session.
pub(super) fn cases() -> Vec<Case> {
    const LONGER: &str = "ini_set('session.gc_maxlifetime', 90000);";
    const UNTIL_2038: &str = "memcached's times end in 2038";
    const EARLY: &str = "ini_set('redis.session.early_refresh', 1);";
    const STRICT: &str = "visit(['use_strict_mode' => true]);";
    const COMPRESSED: &str = "ini_set('redis.session.compression', 'zstd');";
    vec![
        case("lazy_write off").page("visit();").page("look(['lazy_write' => false]);").page("visit();"),
        case("lazy_write off, and nothing is there").page("look(['lazy_write' => false]);").page("visit();"),
        case("a longer life").page(format!("{LONGER} visit();")),
        case("a longer life without a change").page("visit();").page(format!("{LONGER} look();")),
        case("a longer life, read and closed")
            .page("visit();")
            .page(format!("{LONGER} look(['read_and_close' => true]);")),
        case("a life set within the session").page(format!("visit(); {LONGER}")),
        case("no life").page("visit(['gc_maxlifetime' => 0]);").page("visit();"),
        case("a negative life").page("visit(['gc_maxlifetime' => -1]);").page("visit();"),
        case("a life beyond 32 bits")
            .page("visit(['gc_maxlifetime' => 99999999999]);")
            .page("visit();")
            .files_differ(UNTIL_2038)
            .with(Memcached),
        case("a life of thirty days").page("visit(['gc_maxlifetime' => 2592000]);").page("visit();"),
        case("a life of more than thirty days")
            .page("visit(['gc_maxlifetime' => 2592001]);")
            .page("look(['gc_maxlifetime' => 9000000]);")
            .page("look(['gc_maxlifetime' => 31536000, 'lazy_write' => false]);"),
        case("a life until 2040")
            .page("visit(['gc_maxlifetime' => 420000000]);")
            .page("visit();")
            .files_differ(UNTIL_2038)
            .with(Memcached),
        case("strict, with an id that is there").page("visit();").page(STRICT).page("visit();"),
        case("strict, with an id that is not there").page(STRICT).page(STRICT).page_of("visitor", "look();"),
        case("strict, new visitor").of_new_visitor().page(STRICT).page(STRICT),
        case("strict, and regenerate")
            .page(format!("ini_set('session.use_strict_mode', 1); visit(); {STRICT} session_regenerate_id(true); add();"))
            .page("visit();")
            .reserves(),
        case("strict, read and close")
            .page("visit();")
            .page("look(['use_strict_mode' => true, 'read_and_close' => true]);")
            .page("visit();"),
        case("strict, and lazy_write off")
            .page("visit();")
            .page("look(['use_strict_mode' => true, 'lazy_write' => false]);")
            .page("visit();"),
        case("cookies")
            .of_new_visitor()
            .page("visit(['cookie_lifetime' => 60, 'cookie_path' => '/a', 'cookie_samesite' => 'Lax', 'cookie_httponly' => true]);")
            .page("visit();"),
        case("no cookies").page("visit(['use_cookies' => false, 'use_only_cookies' => false]);"),
        case("cache limiter")
            .page("visit(['cache_limiter' => 'private', 'cache_expire' => 5]);")
            .page("visit(['cache_limiter' => '']);"),
        case("garbage is collected in each page")
            .page("visit(['gc_probability' => 1, 'gc_divisor' => 1]);")
            .page("visit(['gc_probability' => 1, 'gc_divisor' => 1]);"),
        case("early refresh")
            .page("visit();")
            .page(format!("{EARLY} {LONGER} look();"))
            .page(format!("{EARLY} visit();"))
            .only_with(Redis),
        case("early refresh, and nothing is there")
            .page(format!("{EARLY} look();"))
            .page("visit();")
            .only_with(Redis),
        case("compression")
            .page(format!("{COMPRESSED} session_start(); $_SESSION['a'] = str_repeat('a', 9999);"))
            .page(format!("{COMPRESSED} visit(); session_destroy();"))
            .only_with(Redis),
        case("another prefix")
            .page("ini_set('session.save_path', ini_get('session.save_path') . '&prefix=direct:other:'); visit();")
            .page("visit();")
            .proxy_differs("", "the proxy takes keys with its own prefix only")
            .files_differ("this handler takes the prefix for a folder")
            .only_with(Redis),
    ]
}

/// Settings of php-memcached.
pub(super) fn cases_of_memcached() -> Vec<Case> {
    const OWN: &str = "ini_set('memcached.sess_persistent', 0);";
    let set = |setting: &str, value: &str| {
        format!("{OWN} ini_set('memcached.sess_{setting}', {value}); visit();")
    };
    vec![
        case("another prefix")
            .page("visit();")
            .page(set("prefix", "'direct:other:'"))
            .page("visit();")
            .proxy_differs(
                "",
                "the proxy takes keys with its own prefix only; the build looks for this name",
            )
            .files_differ("this handler has no prefix"),
        case("a prefix that is none").page(set("prefix", "'a b'")),
        case("the text protocol")
            .page("visit();")
            .page(set("binary_protocol", "0"))
            .page("visit();")
            .proxy_differs("", "the proxy does not speak it; the build looks for this name"),
        case("the binary protocol")
            .page("visit();")
            .page(set("binary_protocol", "1"))
            .page("visit();"),
        case("other servers for keys")
            .page("visit();")
            .page(set("consistent_hash", "0"))
            .page("visit();"),
        case("replicas").page("visit();").page(set("number_of_replicas", "1")).page("visit();"),
        case("a connection for this page")
            .page("visit();")
            .page(set("persistent", "0"))
            .page(set("persistent", "1"))
            .page("visit();"),
    ]
    .into_iter()
    .map(|case| case.only_with(Memcached))
    .collect()
}

fn named_like_a_lock(id: &str) -> Case {
    case("a session named like another one's lock")
        .page_of(id, "visit();")
        .page("visit();")
        .page_of(id, "visit(); session_destroy();")
        .page("visit();")
        .page_of(id, "visit();")
        .files_differ("this handler takes letters, digits, comma and minus only")
}

/// Ids that PHP's handlers take, or that PHP itself refuses.
pub(super) fn cases_of_ids() -> Vec<Case> {
    const FILES: &str = "this handler takes letters, digits, comma and minus only";
    const WORDS: &str =
        "libmemcached refuses it in the text protocol, the proxy in the binary one: in other words";
    const SHORTER: &str = "a key of memcached is shorter";
    let of = |name, id: &str| {
        Case { cookie: Some(id.to_owned()), ..case(name) }.page("visit();").page("visit();")
    };
    let of_length = |name, length| of(name, &"a".repeat(length));
    vec![
        of_length("an id that a lock's key has room for", 238),
        of_length("an id that only a session's key has room for", 239)
            .proxy_differs("/said", WORDS)
            .with(Memcached)
            .files_differ(SHORTER)
            .with(Memcached),
        of_length("an id that no key has room for", 244)
            .proxy_differs("/said", WORDS)
            .with(Memcached)
            .files_differ(SHORTER)
            .with(Memcached),
        of_length("an id of 300 letters", 300)
            .proxy_differs("/said", WORDS)
            .with(Memcached)
            .files_differ("a file's name is shorter")
            .with(Redis),
        of_length("an id of 4,000 letters", 4000)
            .proxy_differs("/said", WORDS)
            .with(Memcached)
            .files_differ("a file's name is shorter")
            .with(Redis),
        of("an id with a slash", "a%2Fb").files_differ(FILES),
        of("an id that is a folder", "..%2F..").files_differ(FILES),
        of("an id with a colon, a star and braces", "a%3A%2A%7Bb%7D").files_differ(FILES),
        of("an id with a space", "a%20b"),
        of("an id with a line end", "a%0D%0Ab"),
        // libmemcached cuts the lock's key at the zero, and refuses the session's.
        of("an id with a zero", "a%00b").files_differ(FILES).only_with(Redis),
        of("an id beyond ASCII", "%C3%BC%FF")
            .proxy_differs("/said", WORDS)
            .with(Memcached)
            .files_differ(FILES)
            .with(Redis),
        of("an empty id", ""),
        of("an id that ends as a lock's key", "visitor_LOCK").files_differ(FILES),
        named_like_a_lock("visitor_LOCK").only_with(Redis),
        named_like_a_lock("lock.visitor")
            .proxy_differs("", "the proxy takes the deletion for an unlock; PHP makes no such id")
            .only_with(Memcached),
    ]
}

/// Sizes and formats.
pub(super) fn cases_of_data() -> Vec<Case> {
    let of_size = |name, copies: u32| {
        let code = format!(
            "session_start(); $_SESSION['a'] = str_repeat(hash('sha256', '', true), {copies});"
        );
        case(name).page("visit();").page(code).page("look();").page("visit();")
    };
    let too_large = |case: Case| {
        case.proxy_differs("", "the server forgets what was there before a write that it refuses, if it is not conditional")
            .with(Memcached)
            .files_differ("a server keeps no item of this size")
            .with(Memcached)
    };
    let of_format = |format: &'static str| {
        let set = format!("ini_set('session.serialize_handler', '{format}');");
        case(format)
            .page(format!("{set} visit(); $_SESSION['a'] = [1.5, \"\\0\\r\\n\"];"))
            .page(format!("{set} visit();"))
    };
    vec![
        case("a session that is made empty")
            .page("visit();")
            .page("session_start(); $_SESSION = [];")
            .page("look();"),
        of_size("1,000 KB", 31_250),
        too_large(of_size("1 MiB", 1 << 15)),
        too_large(of_size("8 MB", 1 << 18)),
        of_format("php"),
        of_format("php_serialize"),
        of_format("php_binary"),
        of_format("igbinary"),
        of_format("msgpack"),
        case("a name that PHP's format does not allow")
            .page("visit(); $_SESSION['a|b'] = 1;")
            .page("visit();"),
        case("data that cannot be written")
            .page("visit();")
            .page("visit(); $_SESSION['f'] = fn() => 1;")
            .page("visit();"),
        case("data that cannot be read")
            .page("visit(['serialize_handler' => 'php_serialize']);")
            .page("visit(['serialize_handler' => 'igbinary']);")
            .page("visit();"),
    ]
}
