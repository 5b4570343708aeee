//! How pages end, and what the command line does.

use super::{Case, How, case};

/// The end of a page that has its session open.
pub(super) fn cases() -> Vec<Case> {
    let ends = |name, code: &str| {
        case(name).page("visit();").page(format!("visit(); {code}")).page("visit();")
    };
    vec![
        ends("exit", "exit;"),
        ends("an exception", "throw new Exception('no');"),
        ends("a fatal error", "eval('class A { function f(); }');"),
        ends("out of memory", "ini_set('memory_limit', '4M'); $a = str_repeat('a', 1 << 24);"),
        ends("out of time", "set_time_limit(1); while (true) {}"),
        ends(
            "a function at the end",
            "register_shutdown_function(function () { add(); session_write_close(); visit(); });",
        ),
        case("the visitor goes away")
            .page("visit();")
            .does(
                How::Gone,
                "visit(); hold(200);
                while (true) { echo str_repeat(' ', 9999); ob_flush(); flush(); usleep(2000); }",
            )
            .page("visit();"),
        case("the visitor goes away, and the page goes on")
            .page("visit();")
            .does(
                How::Gone,
                "ignore_user_abort(true); visit(); hold(200);
                echo str_repeat(' ', 9999); ob_flush(); flush(); add();",
            )
            .page("visit();"),
        ends("the worker is killed", "posix_kill(getmypid(), 9); sleep(9);")
            .proxy_differs(
                "",
                "PHP's lock stays until it ends; the proxy sees that the worker is gone",
            )
            .files_differ("so does the kernel"),
        case("the worker is killed, and its lock ends")
            .page("visit();")
            .page("lock_ends(1); visit(); posix_kill(getmypid(), 9); sleep(9);")
            .page("usleep(1000000); visit();"),
    ]
}

/// PHP's command line.
pub(super) fn cases_of_commands() -> Vec<Case> {
    let command = |name, code: &str| {
        case(name).does(How::CommandLine, format!("session_id('visitor'); {code}")).page("visit();")
    };
    vec![
        command("a command", "visit();"),
        command(
            "a command with several sessions",
            "foreach (['visitor', 'visitor-other', 'visitor'] as $id) {
                session_id($id); visit(); session_write_close();
            }",
        ),
        command(
            "a command that is killed",
            "visit(); session_write_close(); posix_kill(getmypid(), 9);",
        ),
        command(
            "a command that forks after its session",
            "visit(); session_write_close();
            for ($i = 0; $i < 3; $i++) {
                if (pcntl_fork() === 0) {
                    for ($j = 0; $j < 5; $j++) { session_start(); add(); session_write_close(); }
                    exit;
                }
            }
            while (pcntl_wait($status) > 0) { show($status); }
            visit();",
        ),
        command(
            "a command that forks within its session",
            "visit(); if (pcntl_fork() === 0) { posix_kill(getmypid(), 9); } pcntl_wait($status); add();",
        ),
    ]
}
