//! Runs `session-check` and judges what it prints.

use super::app::{App, make_readable, root};
use super::docker::{Container, both, docker};
use super::sample::write;
use super::services::vcap;
use serde_json::Value;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use tempfile::TempDir;

/// The exit status and the report.
pub(crate) type Checked = (Option<i32>, Value);

/// Runs the check and gives its exit status and its report, which is as the schema says.
pub(crate) fn check(app: &App, options: &[&str]) -> Checked {
    check_with(app, options, &["--json"])
}

pub(crate) fn check_with(app: &App, options: &[&str], arguments: &[&str]) -> Checked {
    let output = app.output("session-check", options, arguments);
    let report = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", both(&output)));
    assert_is_as_documented(&report);
    (output.status.code(), report)
}

/// The same in a running container.
pub(crate) fn check_in(container: &Container, command: &[&str]) -> Checked {
    let output = docker(&[&["exec", &container.name], command].concat());
    let report = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", both(&output)));
    assert_is_as_documented(&report);
    (output.status.code(), report)
}

fn assert_is_as_documented(report: &Value) {
    let schema = fs::read_to_string(root().join("docs/session-check.schema.json")).unwrap();
    let schema: Value = serde_json::from_str(&schema).unwrap();
    let validator = jsonschema::validator_for(&schema).expect("a schema");
    let errors: Vec<String> = validator.iter_errors(report).map(|it| it.to_string()).collect();
    assert!(errors.is_empty(), "{errors:#?}\n{report:#}");
}

pub(crate) fn check_service(app: &App, name: &str, credentials: &Value) -> Checked {
    let bound = format!("VCAP_SERVICES={}", vcap(&[(name, credentials.clone())]));
    check(app, &["--env", &bound])
}

pub(crate) fn assert_verdict((status, report): &Checked, verdict: &str) {
    let expected = match verdict {
        "kept" => 0,
        "not-kept" => 1,
        _ => 2,
    };
    assert_eq!(report["verdict"], verdict, "{report:#}");
    assert_eq!(*status, Some(expected), "{report:#}");
}

/// The check fails, and the likeliest cause is this one.
pub(crate) fn assert_cause(checked: &Checked, kind: &str) {
    assert_verdict(checked, "not-kept");
    assert_eq!(checked.1["causes"][0]["kind"], kind, "{:#}", checked.1);
}

/// Files that the test mounts into a container, by their paths there.
pub(crate) struct Mounted {
    folder: TempDir,
    options: Vec<String>,
}

impl Mounted {
    pub(crate) fn new(files: &[(&str, &str)]) -> Self {
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
    pub(crate) fn instead_of_php(script: &str) -> Self {
        let mounted = Self::new(&[("/usr/local/bin/php", script)]);
        let file = mounted.folder.path().join("0");
        fs::set_permissions(file, PermissionsExt::from_mode(0o755)).unwrap();
        mounted
    }

    pub(crate) fn with<'a>(&'a self, others: &[&'a str]) -> Vec<&'a str> {
        self.options.iter().map(String::as_str).chain(others.iter().copied()).collect()
    }
}

/// An ini file that PHP's command line reads before ours.
pub(crate) const INI: &str = "/etc/php/8.2/cli/conf.d/99-of-test.ini";
pub(crate) const POOL: &str = "/etc/php/8.2/fpm/pool.d/zz.conf";
