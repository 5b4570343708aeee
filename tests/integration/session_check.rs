//! `session-check` says whether the app's sessions are kept: never that they are where they are not.

use crate::support::app::{App, build, config, layer};
use crate::support::check::{INI, Mounted, POOL, assert_cause, assert_verdict, check, check_with};
use crate::support::secrets::{MARKER, ODD_PASSWORD};
use crate::support::services::{BoundService, Redis, run, vcap};
use crate::support::{BOOKWORM, Suite, on_both};
use libcnb_test::assert_contains;
use php_session_store::store::Store;
use serde_json::json;
use std::thread;

fn with_app(suite: Suite, store: Store, test: impl FnOnce(&App)) {
    let mut config = config(suite, "web");
    build(config.env("BP_PHP_SESSION_STORE", store.name()), test);
}

fn kept(suite: Suite, store: Store) {
    with_app(suite, store, |app| {
        let service = BoundService::start(store, ODD_PASSWORD);
        let checked = check(app, &["--env", &service.env()]);
        assert_verdict(&checked, "kept");
        let report = checked.1;
        assert_eq!(report["store"], store.name());
        assert_eq!(report["extension"], format!("{store} {}", suite.extension(store)));
        assert!(report["service"].as_str().unwrap().contains("found by its name"), "{report:#}");
        let steps: Vec<&str> = report["steps"]
            .as_array()
            .unwrap()
            .iter()
            .map(|it| it["name"].as_str().unwrap())
            .collect();
        for step in ["connect", "start", "write", "read", "destroy"] {
            assert!(steps.contains(&step), "{step} is not in {steps:?}");
        }
        let settings = report["settings"].as_array().unwrap();
        let handler = settings.iter().find(|it| it["name"] == "session.save_handler").unwrap();
        assert_eq!(handler["value"], store.name());
        assert!(handler["file"].as_str().unwrap().ends_with("php-session-store.ini"), "{report:#}");

        // For people.
        let (kept, text) = app.check(&["--env", &service.env()]);
        assert!(kept, "{text}");
        assert_contains!(text, "are kept");
        assert!(!text.contains('\u{1b}'), "{text}");
        // On a terminal.
        let bound = service.env();
        let (_, text) = app.check(&["--tty", "--env", &bound]);
        assert_contains!(text, "\u{1b}[32mSessions");
        let (_, text) = app.check(&["--tty", "--env", "NO_COLOR=1", "--env", &bound]);
        assert_contains!(text, "are kept");
        assert!(!text.contains('\u{1b}'), "{text}");
    });
}

on_both! {
    sessions_that_are_kept: |suite| Store::ALL.into_iter().for_each(|store| kept(suite, store));
}

#[test]
fn places_that_set_others_and_settings_that_do_not() {
    with_app(BOOKWORM, Store::Redis, |app| {
        let service = BoundService::start(Store::Redis, ODD_PASSWORD);
        let bound = format!("--env={}", service.env());
        let check = |files: &[(&str, &str)]| {
            eprintln!("{files:?}");
            check(app, &Mounted::new(files).with(&[&bound]))
        };
        assert_verdict(&check(&[]), "kept");
        for (file, text) in [
            ("/workspace/.user.ini", "session.save_handler = files"),
            ("/workspace/.htaccess", "php_value session.save_path /tmp"),
            (POOL, "[zz]\nphp_value[session.save_handler] = files"),
            (POOL, "[zz]\nphp_admin_value[session.save_path] = /var/lib/php/session"),
        ] {
            let checked = check(&[(file, text)]);
            assert_verdict(&checked, "unknown");
            assert_eq!(checked.1["overrides"][0]["file"], file, "{:#}", checked.1);
            assert!(checked.1["steps"].as_array().unwrap().iter().all(|it| it["ok"] == true));
        }
        let include = (POOL, "include = /etc/more-pools/*.conf");
        let included = ("/etc/more-pools/x.conf", "php_value[session.save_handler] = files");
        let checked = check(&[include, included]);
        assert_verdict(&checked, "unknown");
        assert_eq!(checked.1["overrides"][0]["file"], included.0, "{:#}", checked.1);
        let prepend = ("/opt/prepend.php", "<?php session_save_path('/tmp');");
        let checked = check(&[prepend, (INI, "auto_prepend_file = /opt/prepend.php")]);
        assert_verdict(&checked, "unknown");
        assert_eq!(checked.1["overrides"][0]["file"], prepend.0, "{:#}", checked.1);

        let exits = ("/opt/exits.php", "<?php echo 'printed'; exit(1);");
        let forbidden = "disable_functions = ini_set,ini_get,ini_get_all,set_error_handler,stream_socket_client,parse_ini_file,random_bytes,file_get_contents,json_decode,json_encode";
        for settings in [
            "auto_prepend_file = /opt/exits.php",
            "opcache.enable_cli = 1\nopcache.preload = /opt/exits.php",
            forbidden,
            "session.auto_start = 1",
            "open_basedir = /workspace:/tmp",
        ] {
            assert_verdict(&check(&[exits, (INI, settings)]), "kept");
        }
        // An app without a session says nothing about PHP's, and one that starts it by a setting does.
        let quiet = ("/workspace/index.php", "<?php echo 'as webman has it';");
        let checked = check(&[quiet]);
        assert_verdict(&checked, "unknown");
        let summary = checked.1["summary"].as_str().unwrap();
        assert_contains!(summary, "no call of session_start()");
        assert_verdict(&check(&[quiet, (INI, "session.auto_start = 1")]), "kept");
        // As the app has it, and not switched off.
        let checked = check(&[(INI, "session.use_strict_mode = 1")]);
        assert_verdict(&checked, "kept");
        let settings = checked.1["settings"].as_array().unwrap();
        let strict = settings.iter().find(|it| it["name"] == "session.use_strict_mode").unwrap();
        assert_eq!(strict["value"], "1");
        assert!(checked.1["steps"].as_array().unwrap().iter().any(|it| it["name"] == "EXISTS"));
    });
}

#[test]
fn it_is_json_and_a_status_in_every_case() {
    with_app(BOOKWORM, Store::Redis, |app| {
        let service = BoundService::start(Store::Redis, ODD_PASSWORD);
        let bound = format!("--env={}", service.env());
        let unknown = |options: &[&str], arguments: &[&str], words: &str| {
            let checked = check_with(app, options, arguments);
            assert_verdict(&checked, "unknown");
            assert!(checked.1["error"].as_str().unwrap().contains(words), "{:#}", checked.1);
        };
        unknown(&[], &["--json"], "No redis service is bound");
        let options = "--env=BPL_PHP_SESSION_OPTIONS=no=1";
        unknown(&[&bound, options], &["--json"], "\"no\"");
        unknown(&[&bound], &["--json", "--jsn"], "\"--jsn\"");
        let record = format!("{}/session.toml", layer("session"));
        let broken = Mounted::new(&[(&record, "store = 1")]);
        unknown(&broken.with(&[&bound]), &["--json"], "session.toml");
        let gone = "--volume=/dev/null:/usr/bin/php8.2:ro";
        unknown(&[&bound, gone], &["--json"], "There is no `php` on the PATH");
        // App::output looks for the password.
        let talking = r#"#!/bin/sh
            printf '%s\n' "$PHP_SESSION_SAVE_PATH" | sed 's/%\(..\)/%\L\1/g'
            printf '%s\n' "$VCAP_SERVICES"
            env"#;
        let talking = Mounted::instead_of_php(talking);
        unknown(&talking.with(&[&bound]), &["--json"], "(the password)");
        // A container with too little memory.
        let killed = Mounted::instead_of_php("#!/bin/sh\nkill -KILL $$");
        let words = "signal: 9 (SIGKILL), without a word.\nSomething killed it, most likely for the container's memory";
        unknown(&killed.with(&[&bound]), &["--json"], words);

        // Inside a shell, as the sample for Kubernetes has it (without -- the launcher's own shell would read
        // the $?); any other process is stopped.
        let script = "session-check --json || test $? = 2";
        let (ok, said) = app.run(&[], &["--", "sh", "-c", script]);
        assert!(ok, "{said}");
        assert_contains!(said, "\"unknown\"");
        let script = "session-check || true; exec php -v";
        let (ok, said) = app.run(&[], &["--", "sh", "-c", script]);
        assert!(!ok, "{said}");
        assert_contains!(said, "No redis service is bound");
        let (ok, said) = app.run(&[], &["true"]);
        assert!(!ok, "{said}");
        assert_contains!(said, "No redis service is bound");

        let files = check(app, &["--env=BPL_PHP_SESSION_MISSING=files"]);
        assert_cause(&files, "local-files");
    });
}

#[test]
fn without_locking_nothing_is_asked_that_only_locking_needs() {
    with_app(BOOKWORM, Store::Redis, |app| {
        let redis = Redis::start(ODD_PASSWORD);
        let mut admin = redis.connection();
        run(&mut admin, &["AUTH", ODD_PASSWORD]);
        let password = format!(">{MARKER}");
        let commands = ["+get", "+setex", "+expire", "+del"];
        let user = ["ACL", "SETUSER", "clerk", "on", "~PHPREDIS_SESSION:*", &password];
        run(&mut admin, &[&user[..], &commands].concat());
        let clerk = json!({"host": redis.host(), "username": "clerk", "password": MARKER});
        let bound = format!("--env=VCAP_SERVICES={}", vcap(&[("redis-sessions", clerk)]));
        let off = "--env=BPL_PHP_SESSION_OPTIONS=locking=off";
        assert_verdict(&check(app, &[&bound, off]), "kept");
        let checked = check(app, &[&bound]);
        assert_cause(&checked, "no-permission");
        // What is missing, and not what the user has.
        let advice = checked.1["causes"][0]["advice"].as_str().unwrap();
        assert!(advice.ends_with("ACL SETUSER clerk +set +evalsha +eval"), "{advice}");
    });
}

#[test]
fn checks_of_several_replicas_leave_each_other_alone() {
    with_app(BOOKWORM, Store::Redis, |app| {
        let service = BoundService::start(Store::Redis, ODD_PASSWORD);
        let bound = format!("--env={}", service.env());
        thread::scope(|scope| {
            let checks = [(); 4].map(|()| scope.spawn(|| check(app, &[&bound])));
            for checked in checks {
                assert_verdict(&checked.join().unwrap(), "kept");
            }
        });
    });
}

#[test]
fn settings_that_something_else_has_changed_and_an_extension_that_is_gone() {
    with_app(BOOKWORM, Store::Redis, |app| {
        let service = BoundService::start(Store::Redis, ODD_PASSWORD);
        let bound = format!("--env={}", service.env());
        let ini = format!("{}/conf.d/zz.ini", layer("session"));
        let mounted = Mounted::new(&[(&ini, "session.save_handler = files")]);
        let checked = check(app, &mounted.with(&[&bound]));
        assert_cause(&checked, "settings-overridden");
        let what = checked.1["causes"][0]["what"].as_str().unwrap();
        assert_contains!(what, "zz.ini");

        let gone = "--volume=/dev/null:/usr/lib/php/20220829/redis.so:ro";
        assert_cause(&check(app, &[&bound, gone]), "extension-missing");

        // In a running container it wants the launcher.
        let instance = app.start(&[&bound]);
        let program = format!("{}/bin/session-check", layer("session"));
        let (ok, said) = instance.container.exec_with_input(&[&program], "");
        assert!(!ok, "{said}");
        assert_contains!(said, "/cnb/lifecycle/launcher session-check");
        let launched = ["/cnb/lifecycle/launcher", "session-check"];
        let (ok, said) = instance.container.exec_with_input(&launched, "");
        assert!(ok, "{said}");
        assert_contains!(said, "are kept");
    });
}
