//! Handlers of an app's own, around PHP's.

use super::{Case, case};
use php_session_store::store::Store::{Memcached, Redis};

/// Each replaces some methods.
pub(super) fn cases() -> Vec<Case> {
    const TWO_LOCKS: &str =
        "php-memcached forgets the first of two locks, which stays until it ends";
    const OTHER: &str = "visitor-other";
    let wrapped = |name, methods: &str| {
        let code = format!("wrap({methods}); visit();");
        case(name)
            .page_of(OTHER, "session_start(); add('other');")
            .page(code.clone())
            .page(code)
            .page("visit();")
            .page_of(OTHER, "visit();")
    };
    vec![
        wrapped("a handler that reads another id", "read: fn($own) => $own('visitor-other')"),
        wrapped("a handler that reads two ids", "read: fn($own, $id) => $own($id) . $own('visitor-other')")
            .proxy_differs("", TWO_LOCKS).with(Memcached).files_differ(TWO_LOCKS).with(Memcached),
        wrapped("a handler that reads another id first", "read: fn($own, $id) => $own('visitor-other') . $own($id)")
            .proxy_differs("", TWO_LOCKS).with(Memcached).files_differ(TWO_LOCKS).with(Memcached),
        wrapped("a handler that reads twice", "read: fn($own, $id) => [$own($id), $own($id)][1]"),
        wrapped("a handler that writes another id", "write: fn($own, $id, $data) => $own('visitor-other', $data)"),
        wrapped(
            "a handler that writes two ids",
            "write: fn($own, $id, $data) => $own($id, $data) && $own('visitor-other', $data)",
        ),
        wrapped(
            "a handler that writes another id first",
            "write: fn($own, $id, $data) => $own('visitor-other', $data) && $own($id, $data)",
        ),
        wrapped("a handler that writes twice", "write: fn($own, $id, $data) => $own($id, 'm|i:1;') && $own($id, $data)"),
        wrapped("a handler that writes nothing", "write: fn() => true"),
        wrapped(
            "a handler that destroys another id",
            "write: fn($own, $id, $data) => (new SessionHandler)->destroy('visitor-other') && $own($id, $data)",
        )
        .files_differ("phpredis knows one lock at a time, and this handler none of other sessions")
        .with(Redis),
        wrapped(
            "a handler that reads as it writes",
            "write: fn($own, $id, $data) => $own($id, $data . (new SessionHandler)->read($id))",
        ),
        wrapped(
            "a handler that encrypts",
            "read: fn($own, $id) => strrev((string) $own($id)), write: fn($own, $id, $data) => $own($id, strrev($data))",
        ),
        case("a handler with ids of its own")
            .page(format!("{HASHED} visit();"))
            .page(format!("{HASHED} visit(); session_regenerate_id(true); add();"))
            .page(format!("{HASHED} visit();"))
            .page(format!("{HASHED} session_start(); session_destroy();"))
            .reserves(),
        case("a handler that makes ids")
            .of_new_visitor()
            .page("wrap(create_sid: fn() => 'visitor' . random_int(0, 0)); visit(); session_regenerate_id();")
            .page("visit();"),
        case("a handler that knows which ids are there")
            .page("visit();")
            .page(format!("{KNOWS} look(['use_strict_mode' => true]);"))
            .page(format!("{KNOWS} visit(['use_strict_mode' => true]);")),
    ]
}

const HASHED: &str = "wrap(
    read: fn($own, $id) => $own(md5($id)),
    write: fn($own, $id, $data) => $own(md5($id), $data),
    destroy: fn($own, $id) => $own(md5($id)));";

const KNOWS: &str =
    "class X extends SessionHandler implements SessionUpdateTimestampHandlerInterface {
        function validateId($id): bool { return (bool) parent::read($id); }
        function updateTimestamp($id, $data): bool { return parent::write($id, $data); }
    }
    session_set_save_handler(new X);";
