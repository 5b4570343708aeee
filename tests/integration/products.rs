//! Products from the distribution's packages, which use PHP's own sessions: a visitor on two instances.

use crate::frameworks::build;
use crate::support::BOOKWORM;
use crate::support::app::{App, Instance, make_readable, root};
use crate::support::http_client::HttpClient;
use crate::support::pack_build::PackBuild;
use crate::support::sample::{copy, write};
use crate::support::secrets::ODD_PASSWORD;
use crate::support::services::BoundService;
use libcnb_test::assert_contains;
use php_session_store::store::Store;
use serde_json::json;

/// A product that the image has, and an app that says which it is, with a script that serves it.
fn product(name: &str, script: &str) -> PackBuild {
    let app = tempfile::tempdir().expect("a folder");
    make_readable(app.path());
    copy(&root().join("samples/counter"), app.path());
    write(app.path(), "composer.json", &json!({"name": name}).to_string());
    write(app.path(), "serve.sh", script);
    build(BOOKWORM, &app, Store::Redis)
}

/// Starts two instances, and lets a visitor do something on both.
fn on_two_instances(app: &App, test: impl FnOnce(&mut HttpClient, Instance, Instance)) {
    assert_contains!(app.log, "uses PHP's own sessions");
    let service = BoundService::start(Store::Redis, ODD_PASSWORD);
    let bound = service.env();
    let start = || app.start_command(&["--env", &bound], &["sh", "serve.sh"]);
    let (a, b) = (start(), start());
    test(&mut HttpClient::new(), a, b);
}

/// What stands between two texts.
fn between<'a>(text: &'a str, before: &str, after: &str) -> &'a str {
    let (_, rest) = text.split_once(before).unwrap_or_else(|| panic!("no {before} in {text}"));
    rest.split(after).next().expect("a text")
}

#[test]
fn phpmyadmin_takes_the_login_form_of_another_instance() {
    let serve = "exec php -S 0.0.0.0:8080 -t /usr/share/phpmyadmin";
    let build = product("phpmyadmin/phpmyadmin", serve);
    on_two_instances(build.app(), |visitor, a, b| {
        let page = visitor.get(a.address(), "/index.php").body;
        drop(a);
        let value = |name: &str| between(&page, &format!("name=\"{name}\" value=\""), "\"");
        let (token, session) = (value("token"), value("set_session"));
        let form = [
            ("token", token),
            ("set_session", session),
            ("pma_username", "shop"),
            ("pma_password", "any"),
            ("server", "1"),
            ("route", "/"),
        ];
        let send = |visitor: &mut HttpClient| visitor.post(b.address(), "/index.php", &form).body;
        // It goes on to the database, which is not there.
        let page = send(visitor);
        assert_contains!(page, "mysqli::real_connect()");
        let page = send(&mut HttpClient::new());
        assert_contains!(page, "Failed to set session cookie");
    });
}

/// Each instance has files of its own: without the session, the other one's cookie is worth nothing.
const SERVE_DOKUWIKI: &str = r#"
hash=$(php -r 'echo password_hash("secret", PASSWORD_BCRYPT);')
echo "shop:$hash:Shop:shop@example.com:user" >>/var/lib/dokuwiki/acl/users.auth.php
exec php -S 0.0.0.0:8080 -t /usr/share/dokuwiki
"#;

#[test]
fn a_login_to_dokuwiki_lasts_on_another_instance() {
    let build = product("splitbrain/dokuwiki", SERVE_DOKUWIKI);
    on_two_instances(build.app(), |visitor, a, b| {
        let page = visitor.get(a.address(), "/doku.php?do=login").body;
        let token = between(&page, "name=\"sectok\" value=\"", "\"");
        let form =
            [("sectok", token), ("id", "start"), ("do", "login"), ("u", "shop"), ("p", "secret")];
        visitor.post(a.address(), "/doku.php", &form);
        let knows = |page: &str| page.contains("<bdi>Shop</bdi>");
        let page = visitor.get(a.address(), "/doku.php").body;
        assert!(knows(&page), "{page}");
        drop(a);
        let page = visitor.get(b.address(), "/doku.php").body;
        assert!(knows(&page), "{page}");
        assert!(!knows(&HttpClient::new().get(b.address(), "/doku.php").body));
    });
}
