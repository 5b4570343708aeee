//! `session-check --url`: a page is asked as a visitor would, and as a proxy would.

use crate::support::BOOKWORM;
use crate::support::app::{App, Instance, Server, build, config_for};
use crate::support::check::{Mounted, assert_cause, assert_verdict, check_in};
use crate::support::sample::app_for_every_server;
use crate::support::secrets::ODD_PASSWORD;
use crate::support::services::BoundService;
use libcnb_test::assert_contains;
use php_session_store::store::Store;

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
    let start = |files: &[(&str, &str)]| app.start(&Mounted::new(files).with(&[&bound]));
    let ask = |instance: &Instance, page: &str| {
        let url = format!("http://127.0.0.1:8080{page}");
        let command = ["/cnb/lifecycle/launcher", "session-check", "--json", "--url", &url];
        check_in(&instance.container, &command)
    };
    let usual = start(&[("/workspace/htdocs/quiet.php", "<?php echo 'no session';")]);
    let checked = ask(&usual, "/");
    assert_verdict(&checked, "kept");
    assert_eq!(checked.1["web"]["session"], "in-service");
    let checked = ask(&usual, "/quiet.php");
    assert_verdict(&checked, "unknown");
    let what = checked.1["web"]["what"].as_str().unwrap();
    assert_contains!(what, "HTTP 200 without");
    assert_contains!(what, "PHPSESSIONID");
    // It decides, either way, where a place that sets others leaves it open.
    let elsewhere = (
        "/workspace/htdocs/files.php",
        "<?php ini_set('session.save_handler', 'files'); ini_set('session.save_path', '/tmp'); session_start();",
    );
    let with_elsewhere = start(&[elsewhere]);
    let checked = ask(&with_elsewhere, "/files.php");
    assert_cause(&checked, "page-elsewhere");
    assert_eq!(checked.1["overrides"][0]["file"], elsewhere.0);
    assert_verdict(&ask(&with_elsewhere, "/"), "kept");
    assert_verdict(&ask(&with_elsewhere, "/nothing.php"), "unknown");
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
    assert_contains!(what, "redirects to https://shop.example/secure.php; with --header");
    let checked = ask(&[url, "--header", "X-Forwarded-Proto: https"]);
    assert_verdict(&checked, "kept");
    let checked = ask(&["--url", "http://shop:hunter2@127.0.0.1:1/"]);
    assert_verdict(&checked, "unknown");
    let summary = checked.1["summary"].as_str().unwrap();
    assert!(summary.ends_with("the requested page does not answer."), "{summary}");
    assert_eq!(checked.1["web"]["session"], "no-answer");
}
