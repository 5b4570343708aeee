//! `session-check` has PHP read the app's code: what starts a session, and what moves sessions elsewhere.

use crate::support::BOOKWORM;
use crate::support::app::{build, config};
use crate::support::check::{INI, Mounted, assert_verdict, check};
use crate::support::secrets::ODD_PASSWORD;
use crate::support::services::BoundService;
use libcnb_test::assert_contains;
use php_session_store::store::Store;
use serde_json::{Value, json};

/// Code, and what it calls in the last of its lines.
const MOVES: [(&str, &str); 14] = [
    ("<?php session_set_save_handler($x);", "session_set_save_handler()"),
    ("<?php\n\\Session_Save_Path ( '/x' ) ;", "session_save_path()"),
    ("<?php return \\session_save_path('/x');", "session_save_path()"),
    ("<?= session_module_name('files') ?>", "session_module_name()"),
    ("<?php ini_set( \"session.save_handler\", 'files');", "ini_set('session.save_…')"),
    ("<?php @ini_set('session.save_path', $p);", "ini_set('session.save_…')"),
    ("<?php session_start(['save_path' => '/x']);", "session_start(['save_path' => …])"),
    ("it's <?php /* ' */ session_save_path('x');", "session_save_path()"),
    ("<?php // it's\nsession_save_path('x');", "session_save_path()"),
    ("<?php $x = <<<'EOT'\nit's\n  EOT;\nsession_save_path('x');", "session_save_path()"),
    ("<?php $x = 'it\\'s'; session_save_path('x');", "session_save_path()"),
    ("<?php #[It's]\nclass X {} // ?> it's <?php session_save_path('x');", "session_save_path()"),
    ("<?php\n\nsession_save_path('x');", "session_save_path()"),
    ("<?php session_save_path('unfinished", "session_save_path()"),
];

const MOVES_NOTHING: [&str; 14] = [
    "session_save_path('x');",
    "<?php // session_save_path('x');",
    "<?php # session_save_path('x');",
    "<?php /* session_save_path('x'); */",
    "<?php echo 'session_save_path(1)', \"ini_set('session.save_path', 1)\";",
    "<?php echo session_save_path(), session_module_name ( );",
    "<?php $x->session_save_path('x'); X::session_save_path('x');",
    "<?php $x?->session_save_path('x'); X\\session_save_path('x'); new session_save_path('x');",
    "<?php function session_save_path($x) {}",
    "<?php ini_set('session.gc_maxlifetime', 1); ini_get('session.save_path');",
    "<?php session_start(); $x = ['save_path' => 1];",
    "<?php session_start(['read_and_close' => true]); $x = ['save_path' => 1];",
    "<?php $x = <<<EOT\nsession_save_path('x')\nEOT;",
    "<?php 'unfinished session_save_path('x');",
];

/// Does not start a session.
const QUIET: (&str, &str) = (
    "/workspace/index.php",
    "<?php // session_start();\n$x->session_start(); echo 'session_start()';",
);

#[test]
fn code_that_moves_sessions_or_starts_them_is_told_from_what_only_looks_so() {
    let mut config = config(BOOKWORM, "web");
    build(config.env("BP_PHP_SESSION_STORE", "redis"), |app| {
        let service = BoundService::start(Store::Redis, ODD_PASSWORD);
        let bound = format!("--env={}", service.env());
        let check = |files: &[(&str, &str)]| check(app, &Mounted::new(files).with(&[&bound]));

        let moves = MOVES.iter().enumerate();
        let moves =
            moves.map(|(index, (code, _))| (format!("/workspace/moves{index:02}.php"), *code));
        let nothing = MOVES_NOTHING.iter().enumerate();
        let nothing =
            nothing.map(|(index, code)| (format!("/workspace/nothing{index:02}.php"), *code));
        let foreign = ("/workspace/vendor/x/y.php".to_owned(), MOVES[0].0);
        let files: Vec<(String, &str)> = moves.chain(nothing).chain([foreign]).collect();
        let files: Vec<(&str, &str)> =
            files.iter().map(|(path, code)| (path.as_str(), *code)).collect();
        let checked = check(&files);
        assert_verdict(&checked, "unknown");
        let expected: Vec<Value> = MOVES
            .iter()
            .zip(&files)
            .map(|((code, what), (file, _))| {
                json!({"file": file, "line": code.lines().count(), "what": what})
            })
            .collect();
        assert_eq!(checked.1["overrides"], json!(expected), "{:#}", checked.1);

        let is_quiet = |files: &[(&str, &str)]| {
            let checked = check(&[&[QUIET], files].concat());
            assert_verdict(&checked, "unknown");
            let summary = checked.1["summary"].as_str().unwrap();
            assert_contains!(summary, "no call of session_start()");
        };
        is_quiet(&[]);
        is_quiet(&[("/workspace/vendor/recaptcha/examples/login.php", "<?php session_start();")]);
        for call in [
            ("/workspace/pages/a.inc", "<?php if (true) { SESSION_START(); }"),
            ("/workspace/vendor/symfony/storage.php", "<?php session_start(['name' => 'x']);"),
        ] {
            assert_verdict(&check(&[QUIET, call]), "kept");
        }
        let settings = (INI, "auto_prepend_file = /opt/start.php");
        let prepended = ("/opt/start.php", "<?php session_start();");
        assert_verdict(&check(&[QUIET, settings, prepended]), "kept");

        // Words say that the sample's own page starts sessions, but not whether another moves them.
        let without = ("/etc/php/8.2/cli/conf.d/20-tokenizer.ini", "");
        assert_verdict(&check(&[without]), "kept");
        let checked = check(&[without, ("/workspace/moves.php", MOVES[0].0)]);
        assert_verdict(&checked, "unknown");
        let what = checked.1["overrides"][0]["what"].as_str().unwrap();
        assert_contains!(what, "PHP has no tokenizer extension");
    });
}
