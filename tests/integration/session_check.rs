//! `session-check` says whether the app's sessions are kept: never that they are where they are not.

use crate::support::app::{App, Server, build, config, config_for, layer, make_readable};
use crate::support::check::{assert_cause, assert_verdict, check, check_in, check_with};
use crate::support::sample::{app_for_every_server, write};
use crate::support::secrets::{MARKER, ODD_PASSWORD};
use crate::support::services::{BoundService, Redis, run, vcap};
use crate::support::{BOOKWORM, Suite, on_both};
use php_session_store::store::Store;
use serde_json::json;
use std::thread;
use tempfile::TempDir;

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
        assert!(kept && text.contains("are kept") && !text.contains('\u{1b}'), "{text}");
        // On a terminal.
        let bound = service.env();
        let (_, text) = app.check(&["--tty", "--env", &bound]);
        assert!(text.contains("\u{1b}[32mSessions"), "{text}");
        let (_, text) = app.check(&["--tty", "--env", "NO_COLOR=1", "--env", &bound]);
        assert!(text.contains("are kept") && !text.contains('\u{1b}'), "{text}");
    });
}

on_both! {
    sessions_that_are_kept: |suite| Store::ALL.into_iter().for_each(|store| kept(suite, store));
}

/// Files that the test mounts into a container, by their paths there.
struct Mounted {
    folder: TempDir,
    options: Vec<String>,
}

impl Mounted {
    fn new(files: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        make_readable(folder.path());
        let mut options = Vec::new();
        for (index, (path, text)) in files.iter().enumerate() {
            let name = index.to_string();
            write(folder.path(), &name, text);
            let file = folder.path().join(name);
            options.push(format!("--volume={}:{path}:ro", file.display()));
        }
        Self { folder, options }
    }

    /// With a program in PHP's place.
    fn instead_of_php(script: &str) -> Self {
        let mounted = Self::new(&[("/usr/local/bin/php", script)]);
        let file = mounted.folder.path().join("0");
        std::fs::set_permissions(file, std::os::unix::fs::PermissionsExt::from_mode(0o755))
            .unwrap();
        mounted
    }

    fn with<'a>(&'a self, others: &[&'a str]) -> Vec<&'a str> {
        self.options.iter().map(String::as_str).chain(others.iter().copied()).collect()
    }
}

/// An ini file that PHP's command line reads before ours.
const INI: &str = "/etc/php/8.2/cli/conf.d/99-of-test.ini";
const POOL: &str = "/etc/php/8.2/fpm/pool.d/zz.conf";

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
            ("/workspace/ini_set.php", "<?php ini_set('session.save_handler', 'files');"),
            ("/workspace/path.php", "<?php session_save_path('/tmp');"),
            ("/workspace/own.php", "<?php session_set_save_handler(new Own, true);"),
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
        assert!(summary.contains("no call of session_start()"), "{summary}");
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
        assert!(ok && said.contains("\"unknown\""), "{said}");
        let script = "session-check || true; exec php -v";
        let (ok, said) = app.run(&[], &["--", "sh", "-c", script]);
        assert!(!ok && said.contains("No redis service is bound"), "{said}");
        let (ok, said) = app.run(&[], &["true"]);
        assert!(!ok && said.contains("No redis service is bound"), "{said}");

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
        assert!(what.contains("zz.ini"), "{what}");

        let gone = "--volume=/dev/null:/usr/lib/php/20220829/redis.so:ro";
        assert_cause(&check(app, &[&bound, gone]), "extension-missing");

        // In a running container it wants the launcher.
        let instance = app.start(&[&bound]);
        let program = format!("{}/bin/session-check", layer("session"));
        let (ok, said) = instance.container.exec_with_input(&[&program], "");
        assert!(!ok && said.contains("/cnb/lifecycle/launcher session-check"), "{said}");
        let launched = ["/cnb/lifecycle/launcher", "session-check"];
        let (ok, said) = instance.container.exec_with_input(&launched, "");
        assert!(ok && said.contains("are kept"), "{said}");
    });
}

#[test]
fn a_page_is_asked_as_a_visitor_would() {
    for store in Store::ALL {
        let mut config = config_for(Server::NginxFpm, BOOKWORM, "web");
        let app = app_for_every_server();
        config.env("BP_PHP_SESSION_STORE", store.name()).app_dir(app.path());
        build(&config, |app| a_page_of(&app.served_by(Server::NginxFpm), store));
    }
}

fn a_page_of(app: &App, store: Store) {
    let service = BoundService::start(store, ODD_PASSWORD);
    let bound = format!("--env={}", service.env());
    let ask = |files: &[(&str, &str)], page: &str| {
        let instance = app.start(&Mounted::new(files).with(&[&bound]));
        let url = format!("http://127.0.0.1:8080{page}");
        let command = ["/cnb/lifecycle/launcher", "session-check", "--json", "--url", &url];
        check_in(&instance.container, &command)
    };
    let page = ("/workspace/htdocs/quiet.php", "<?php echo 'no session';");
    let checked = ask(&[page], "/");
    assert_verdict(&checked, "kept");
    assert_eq!(checked.1["web"]["session"], "in-service");
    let checked = ask(&[page], "/quiet.php");
    assert_verdict(&checked, "unknown");
    let what = checked.1["web"]["what"].as_str().unwrap();
    assert!(what.contains("HTTP 200 without") && what.contains("PHPSESSIONID"), "{what}");
    // It decides, either way, where a place that sets others leaves it open.
    let elsewhere = (
        "/workspace/htdocs/files.php",
        "<?php ini_set('session.save_handler', 'files'); ini_set('session.save_path', '/tmp'); session_start();",
    );
    let checked = ask(&[elsewhere], "/files.php");
    assert_cause(&checked, "page-elsewhere");
    assert_eq!(checked.1["overrides"][0]["file"], elsewhere.0);
    assert_verdict(&ask(&[elsewhere], "/"), "kept");
    assert_verdict(&ask(&[elsewhere], "/nothing.php"), "unknown");
    asked_as_a_proxy_would(app, &bound);
}

/// A page that wants https, and a site that is not there; a login in the URL is never shown.
fn asked_as_a_proxy_would(app: &App, bound: &str) {
    let secure = "<?php if (($_SERVER['HTTP_X_FORWARDED_PROTO'] ?? '') !== 'https') { \
        header('Location: https://shop:hunter2@shop.example/secure.php', true, 301); exit; } session_start();";
    let mounted = Mounted::new(&[("/workspace/htdocs/secure.php", secure)]);
    let instance = app.start(&mounted.with(&[bound]));
    let ask = |arguments: &[&str]| {
        let command = ["/cnb/lifecycle/launcher", "session-check", "--json"];
        let checked = check_in(&instance.container, &[&command[..], arguments].concat());
        assert!(!checked.1.to_string().contains("hunter2"), "{:#}", checked.1);
        checked
    };
    let url = "--url=http://shop:hunter2@127.0.0.1:8080/secure.php";
    let checked = ask(&[url]);
    assert_verdict(&checked, "unknown");
    let what = checked.1["web"]["what"].as_str().unwrap();
    assert!(what.contains("redirects to https://shop.example/secure.php; with --header"), "{what}");
    let checked = ask(&[url, "--header", "X-Forwarded-Proto: https"]);
    assert_verdict(&checked, "kept");
    let checked = ask(&["--url", "http://shop:hunter2@127.0.0.1:1/"]);
    assert_verdict(&checked, "unknown");
    let summary = checked.1["summary"].as_str().unwrap();
    assert!(summary.ends_with("the requested page does not answer."), "{summary}");
    assert_eq!(checked.1["web"]["session"], "no-answer");
}
