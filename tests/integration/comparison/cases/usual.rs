//! What most pages do.

use super::{Case, How, case};
use php_session_store::store::Store::{Memcached, Redis};

/// With one session.
pub(super) fn cases() -> Vec<Case> {
    const START: &str = "session_start(); add();";
    const RESET: &str =
        "php-memcached opens another connection, which waits for the first one's lock";
    vec![
        case("a new visitor").of_new_visitor().page("visit();").page("visit();"),
        case("a new visitor, and nothing changes").of_new_visitor().page("look();").page("look();"),
        case("strict, a new visitor, and nothing changes")
            .of_new_visitor()
            .page("look(['use_strict_mode' => true]);")
            .page("look(['use_strict_mode' => true]);")
            .page("visit(['use_strict_mode' => true]);"),
        case("a visitor who comes back").page("visit();").page("visit();").page("visit();"),
        case("nothing changes").page("visit();").page("look();").page("look();"),
        case("nothing is there").page("look();").page("look();"),
        case("read and close")
            .page("visit();")
            .page("visit(['read_and_close' => true]);")
            .page("visit();"),
        case("read and close, and nothing is there")
            .page("look(['read_and_close' => true]);")
            .page("visit();"),
        case("abort")
            .page("visit();")
            .page(format!("{START} show(session_abort(), $_SESSION);"))
            .page("visit();"),
        case("reset")
            .page("visit();")
            .page(format!("{START} show(session_reset(), $_SESSION);"))
            .page("look();")
            .files_differ("phpredis waits for the lock that it has itself, and then until it ends")
            .with(Redis)
            .proxy_differs("", RESET)
            .with(Memcached)
            .files_differ(RESET)
            .with(Memcached),
        case("reset, and the lock ends by itself")
            .page("visit();")
            .page(format!("lock_ends(1); {START} show(session_reset());"))
            .page("usleep(500000); look();"),
        case("reset without a lock")
            .page("visit();")
            .page(format!("locking(false); {START} show(session_reset(), $_SESSION);"))
            .page("look();"),
        case("destroy")
            .page("visit();")
            .page("session_start(); show(session_destroy(), $_SESSION); add();")
            .page("visit();"),
        case("destroy and start again")
            .page("visit();")
            .page("session_start(); session_destroy(); visit();")
            .page("visit();"),
        case("unset").page("visit();").page("session_start(); session_unset();").page("look();"),
        case("start twice").page(format!("{START} show(session_start()); add();")).page("visit();"),
        case("close and open ten times")
            .page(format!("for ($i = 0; $i < 10; $i++) {{ {START} session_write_close(); }}"))
            .page("visit();"),
    ]
}

/// Around the pages of a session.
pub(super) fn cases_of_surroundings() -> Vec<Case> {
    const START: &str = "session_start(); add();";
    vec![
        case("garbage collection")
            .page("visit();")
            .page("session_start(); show(session_gc() > 1);")
            .page("visit();"),
        case("encode and decode")
            .page(format!(
                "{START} show(session_encode(), session_decode('n|i:41;m|i:1;')); add();"
            ))
            .page("visit();"),
        case("auto_start")
            .does(How::AutoStart, "add(); show($_SESSION);")
            .does(How::AutoStart, "add(); show($_SESSION);"),
        case("upload progress")
            .page("visit();")
            .does(How::Upload, "visit(); show(count($_FILES));")
            .page("visit();"),
        case("a page goes on when its answer is sent")
            .page(format!(
                "{START} fastcgi_finish_request(); add(); session_write_close(); {START}"
            ))
            .page("visit();"),
    ]
}

/// With several ones.
pub(super) fn cases_of_several_sessions() -> Vec<Case> {
    const CREATED: &str =
        "PHP takes the id that its handler has just reserved for another session's";
    vec![
        case("regenerate")
            .page("visit();")
            .page("visit(); show(session_regenerate_id()); add();")
            .page("visit();")
            .page_of("visitor", "look();"),
        case("regenerate and delete")
            .page("visit();")
            .page("visit(); show(session_regenerate_id(true)); add();")
            .page("visit();")
            .page_of("visitor", "look();"),
        case("regenerate twice")
            .page("visit(); session_regenerate_id(); add(); session_regenerate_id(true); add();")
            .page("visit();"),
        case("regenerate after the end")
            .page("session_start(); session_write_close(); show(session_regenerate_id());")
            .page("visit();"),
        case("destroy, start again and regenerate")
            .page("visit();")
            .page("session_start(); session_destroy(); session_start(); session_regenerate_id(); add();")
            .page("visit();"),
        case("two sessions in a page")
            .page(
                "visit(); session_write_close();
                session_id('visitor-other'); session_start(); add('other'); session_write_close();
                session_id('visitor'); visit();",
            )
            .page("visit();")
            .page_of("visitor-other", "visit();"),
        case("a session of another name")
            .page("session_name('other'); visit();")
            .page("session_name('other'); visit();")
            .page("visit();"),
        case("an id made beforehand")
            .page("session_id(session_create_id('shop-')); visit(); show(strlen(session_id()));")
            .page("visit();"),
        case("an id made in the session, and strict")
            .page("visit(); $id = session_create_id(); session_write_close(); session_id($id); visit(['use_strict_mode' => true]);")
            .page("visit();")
            .proxy_differs("/said", CREATED)
            .with(Memcached)
            .reserves(),
        case("a new visitor, and abort")
            .of_new_visitor()
            .page("session_start(); add(); session_abort();")
            .page("visit();"),
        case("a new visitor, read and closed")
            .of_new_visitor()
            .page("look(['read_and_close' => true]);")
            .page("visit();"),
        case("an id made in the session")
            .page("visit(); $id = session_create_id(); session_write_close(); session_id($id); visit();")
            .page("visit();")
            .proxy_differs("/said", CREATED)
            .with(Memcached)
            .reserves(),
    ]
}
