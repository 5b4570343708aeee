//! From what PHP and the server said to what is likely wrong, and what to do.

use super::kind::{Kind, TEXTS};
use super::steps::{Part, Setting};
use crate::frameworks::known::Framework;
use crate::frameworks::session_use::OwnSessions;
use crate::php::Php;
use crate::store::Store;
use serde::Serialize;

/// What was found out.
pub struct Evidence<'a> {
    /// What the app was built for.
    pub store: Store,
    /// Whether the service has a password.
    pub has_login: bool,
    /// The save handler that PHP should have.
    pub handler: &'static str,
    /// The save path that PHP should have.
    pub save_path: &'a str,
    /// PHP's programs.
    pub php: &'a Php,
    /// What PHP did.
    pub parts: &'a [Part],
    /// The settings in force.
    pub settings: &'a [Setting],
}

/// Something that may be wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Cause {
    /// What, for machines.
    pub kind: Kind,
    /// What, for people.
    pub what: String,
    /// What to do.
    pub advice: String,
}

/// The likely causes, the likeliest first; none where all is well.
#[must_use]
pub fn find_causes(evidence: &Evidence<'_>) -> Vec<Cause> {
    let mut causes = Vec::new();
    let extension = evidence.store.name();
    for program in evidence.php.programs() {
        if !program.loads(extension) {
            let what = format!("PHP ({}) has no extension {extension}", program.name);
            causes.push(Cause::new(Kind::ExtensionMissing, what));
        }
    }
    causes.extend(overridden(evidence));
    if let Some(failed) = evidence.parts.iter().find(|part| !part.ok) {
        causes.extend(causes_of(failed, evidence));
    }
    causes
}

/// Settings that are not the buildpack's, in any of PHP's programs.
fn overridden(evidence: &Evidence<'_>) -> Vec<Cause> {
    let mut causes = Vec::new();
    let file = |name: &str| {
        let setting = evidence.settings.iter().find(|setting| setting.name == name);
        setting.and_then(|setting| setting.file.clone()).unwrap_or_else(|| "PHP's default".into())
    };
    for program in evidence.php.programs() {
        let facts = &program.facts;
        let settings = [
            ("session.save_handler", &facts.save_handler, evidence.handler),
            ("session.save_path", &facts.save_path, evidence.save_path),
        ];
        for (name, value, expected) in settings {
            if value != expected {
                let what = format!(
                    "PHP ({}) does not have the buildpack's {name}; in `php` it comes from {}",
                    program.name,
                    file(name)
                );
                causes.push(Cause::new(Kind::SettingsOverridden, what));
            }
        }
    }
    causes
}

/// What a failed part points to.
fn causes_of(failed: &Part, evidence: &Evidence<'_>) -> Vec<Cause> {
    let place = match &failed.server {
        Some(server) => format!("\"{}\" at {server}", failed.name),
        None => format!("\"{}\"", failed.name),
    };
    let lower = failed.said.join("; ").to_ascii_lowercase();
    let mut kinds: Vec<Kind> = Vec::new();
    for (text, kind) in TEXTS {
        if lower.contains(text) && !kinds.contains(&kind) {
            kinds.push(kind);
        }
    }
    kinds.extend(closed_without_a_word(failed, evidence, &lower));
    if kinds.is_empty() {
        kinds.push(Kind::Unknown);
    }
    let first = failed.said.first().map_or("nothing", String::as_str);
    let what = |kind: Kind| format!("{kind}: {place} failed. It said: {first}");
    kinds.into_iter().map(|kind| Cause::new(kind, what(kind))).collect()
}

/// A server that is asked in the wrong way closes the connection without a word; a Redis that hangs lets
/// PHP wait, and PHP says the same in the end.
fn closed_without_a_word(failed: &Part, evidence: &Evidence<'_>, said: &str) -> Option<Kind> {
    let texts = [
        "socket error on read socket",
        "connection lost",
        "connection failure",
        "read failure",
        "read error on connection",
    ];
    if !texts.iter().any(|text| said.contains(text)) {
        return None;
    }
    if read_timeout(evidence.save_path).is_some_and(|timeout| failed.milliseconds >= timeout) {
        return Some(Kind::NoAnswer);
    }
    if !failed.name.starts_with("log in") && failed.name != "set" {
        return None;
    }
    let encrypted = evidence.parts.iter().any(|part| part.name == "encrypt");
    match evidence.store {
        Store::Memcached if evidence.has_login => Some(Kind::PasswordNotWanted),
        Store::Redis if encrypted => Some(Kind::TlsClientCertificate),
        _ => Some(Kind::TlsExpected),
    }
}

/// How long PHP waits for an answer, in milliseconds, where the save path says it.
fn read_timeout(save_path: &str) -> Option<f64> {
    let seconds =
        save_path.split(['?', '&']).find_map(|part| part.strip_prefix("read_timeout="))?;
    // A little less: clocks differ.
    seconds.parse().ok().map(|seconds: f64| seconds * 950.0)
}

impl Cause {
    /// The framework keeps its sessions elsewhere.
    pub(super) fn of_framework(framework: &Framework, own: &OwnSessions) -> Self {
        let OwnSessions { what, advice } = own;
        let what = format!("{framework} does not keep its sessions in the service: {what}");
        Self { kind: Kind::FrameworkKeepsItsOwn, what, advice: advice.clone() }
    }

    fn new(kind: Kind, what: String) -> Self {
        Self { kind, what, advice: kind.advice().to_owned() }
    }
}
