//! Bindings that change while the app runs, as Kubernetes changes the volume of a Secret: no request that could be served
//! is lost.

use crate::session_proxy::{ON, Run, admin_with, hammer, who_shows, with_app};
use crate::support::TRIXIE;
use crate::support::app::{App, Instance};
use crate::support::certificates::{Authority, Identity};
use crate::support::kubernetes::{change_secret_volume, write_secret_volume};
use crate::support::services::{Redis, run};
use crate::support::tls::{PASSWORD, TlsServer};
use libcnb_test::assert_contains;
use std::collections::BTreeMap;
use std::fs;
use std::thread::sleep;
use std::time::Duration;
use tempfile::TempDir;

const OLD: &str = "the-old-one";
const NEW: &str = "the-new-one";
const NEWER: &str = "the-latest-one";
const PASSWORDS: [&str; 4] = [OLD, NEW, NEWER, PASSWORD];

/// The mounted files are read again each second.
const NOTICED: Duration = Duration::from_secs(2);

/// The volume of a Secret, as the binding.
pub(crate) struct Secret {
    folder: TempDir,
    entries: BTreeMap<String, String>,
}

impl Secret {
    pub(crate) fn new(entries: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let entries = [("type", "redis")].iter().chain(entries);
        let entries = entries.map(|(name, text)| ((*name).to_owned(), (*text).to_owned()));
        let entries: BTreeMap<String, String> = entries.collect();
        write_secret_volume(folder.path(), &entries);
        Self { folder, entries }
    }

    pub(crate) fn change(&self, changed: &[(&str, &str)]) {
        let mut entries = self.entries.clone();
        entries.extend(changed.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())));
        change_secret_volume(self.folder.path(), &entries);
    }

    /// Starts an instance with this binding and further options.
    pub(crate) fn start(&self, app: &App, options: &[&str]) -> Instance {
        let volume = format!("{}:/bindings/redis-sessions:ro", self.folder.path().display());
        let root = "SERVICE_BINDING_ROOT=/bindings";
        app.start(&[&["--env", ON, "--env", root, "--volume", &volume], options].concat())
    }
}

fn assert_all_kept(run: &Run, instance: &Instance) {
    assert_eq!(run.kept, run.requests, "{run:?}\n{}", instance.container.logs());
    let log = instance.container.logs();
    assert_contains!(log, "the service's credentials have changed");
    assert_eq!(who_shows(instance, &PASSWORDS), [] as [&str; 0]);
}

fn a_new_password(app: &App) {
    let redis = Redis::start(OLD);
    let secret = Secret::new(&[("host", &redis.host()), ("password", OLD)]);
    let instance = secret.start(app, &[]);
    let rotated = hammer(&[&instance], 100, || {
        sleep(Duration::from_millis(500));
        // With both passwords good, as the server's documentation has it.
        let mut admin = admin_with(&redis, OLD);
        run(&mut admin, &["ACL", "SETUSER", "default", &format!(">{NEW}")]);
        secret.change(&[("password", NEW)]);
        sleep(NOTICED);
        run(&mut admin, &["ACL", "SETUSER", "default", &format!("<{OLD}")]);
        run(&mut admin, &["CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"]);
        sleep(NOTICED);
    });
    assert_eq!(rotated.counted, rotated.requests, "{rotated:?}");
    assert_all_kept(&rotated, &instance);
    // The same from one moment to the next: whoever is refused reads the binding first.
    let at_once = hammer(&[&instance], 100, || {
        sleep(Duration::from_millis(500));
        let mut admin = admin_with(&redis, NEW);
        secret.change(&[("password", NEWER)]);
        run(&mut admin, &["ACL", "SETUSER", "default", "resetpass", &format!(">{NEWER}")]);
        run(&mut admin, &["CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"]);
        sleep(NOTICED);
    });
    assert_eq!(at_once.counted, at_once.requests, "{at_once:?}");
    assert_all_kept(&at_once, &instance);
}

fn a_new_host(app: &App) {
    let (old, new) = (Redis::start(OLD), Redis::start(OLD));
    let secret = Secret::new(&[("host", &old.host()), ("password", OLD)]);
    let instance = secret.start(app, &[]);
    let moved = hammer(&[&instance], 100, || {
        sleep(Duration::from_millis(500));
        secret.change(&[("host", &new.host())]);
        sleep(NOTICED);
        assert_eq!(new.sessions(OLD), 1, "the other server has no session");
    });
    assert_all_kept(&moved, &instance);
}

/// The server's certificate, the authority and the client's certificate, all at once.
fn a_new_authority(app: &App) {
    let server = TlsServer::start("yes", &[]);
    let ip = server.container.ip();
    let Identity { certificate, key } = server.authority.identity(&["client"]);
    let secret = Secret::new(&[
        ("host", &ip),
        ("tls_port", "6380"),
        ("password", PASSWORD),
        ("ca.crt", &server.authority.certificate),
        ("tls.crt", &certificate),
        ("tls.key", &key),
    ]);
    let instance = secret.start(app, &[]);
    let authority = Authority::new();
    let write = |name: &str, text: &str| {
        fs::write(server.authority.folder().join(name), text).unwrap();
    };
    let of_server = authority.identity(&[&ip]);
    write("new-ca.pem", &authority.certificate);
    write("new-cert.pem", &of_server.certificate);
    write("new-key.pem", &of_server.key);
    let ask = |files: &str, command: &str| {
        let script = format!(
            "redis-cli --no-auth-warning -p 6380 -a {PASSWORD} --tls --cacert /tls/{files}ca.pem \
             --cert /tls/{files}cert.pem --key /tls/{files}key.pem -h {ip} {command}"
        );
        server.container.exec(&["sh", "-c", &script])
    };
    let rotated = hammer(&[&instance], 100, || {
        sleep(Duration::from_secs(1));
        let said = ask(
            "",
            "config set tls-ca-cert-file /tls/new-ca.pem tls-cert-file /tls/new-cert.pem \
             tls-key-file /tls/new-key.pem",
        );
        assert_contains!(said, "OK");
        let Identity { certificate, key } = authority.identity(&["client"]);
        secret.change(&[
            ("ca.crt", &authority.certificate),
            ("tls.crt", &certificate),
            ("tls.key", &key),
        ]);
        sleep(NOTICED);
        ask("new-", "client kill type normal skipme yes");
        sleep(NOTICED);
    });
    assert_eq!(rotated.counted, rotated.requests, "{rotated:?}");
    assert_all_kept(&rotated, &instance);
}

#[test]
fn a_secret_that_changes_loses_no_request() {
    with_app(TRIXIE, |app| {
        a_new_password(app);
        a_new_host(app);
        a_new_authority(app);
    });
}
