//! Infers from what PHP and the server said what is likely wrong, and what to do.

use super::advice::advice;
use super::causes::{Kind, TEXTS};
use super::setup::{Expected, Setup};
use super::steps::{Part, Setting};
use crate::endpoint::Endpoint;
use crate::frameworks::known::Framework;
use crate::frameworks::session_use::OwnSessions;
use crate::launch::probe::tls;
use crate::php::Php;
use crate::php::memcached_directives::refused_keys;
use crate::plan::Plan;
use crate::store::Store;
use serde::Serialize;

/// The findings.
pub(super) struct Evidence<'a> {
    /// The store that the app was built for.
    pub(super) store: Store,
    /// The endpoint and the save path that PHP should use.
    pub(super) expected: &'a Expected<'a>,
    /// How long PHP waits for a reply, in milliseconds.
    pub(super) read_timeout: f64,
    pub(super) plan: &'a Plan,
    pub(super) php: &'a Php,
    pub(super) parts: &'a [Part],
    pub(super) settings: &'a [Setting],
}

/// A likely cause.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Cause {
    pub(crate) kind: Kind,
    pub(crate) what: String,
    pub(crate) advice: String,
}

/// The likely causes, most likely first; none if all is well.
pub(super) fn find_causes(evidence: &Evidence<'_>) -> Vec<Cause> {
    let mut causes = Vec::new();
    let extension = evidence.store.name();
    for program in evidence.php.programs() {
        if !program.loads(extension) {
            let what = format!("PHP ({}) does not load the extension {extension}.", program.name);
            causes.push(Cause::new(Kind::ExtensionMissing, what));
        }
    }
    causes.extend(overridden(evidence));
    causes.extend(too_long_for_memcached(evidence));
    if let Some(failed) = evidence.parts.iter().find(|part| !part.ok) {
        causes.extend(causes_of(failed, evidence));
    }
    explain_tls(&mut causes, evidence);
    causes
}

/// Memcached would refuse every key, and libmemcached's message does not say so.
fn too_long_for_memcached(evidence: &Evidence<'_>) -> Option<Cause> {
    let setting = evidence.settings.iter().find(|setting| setting.name == "session.sid_length");
    let sid_length = setting.and_then(|setting| setting.value.parse().ok())?;
    let refused = refused_keys(evidence.plan, sid_length);
    let what = refused.filter(|_| evidence.store == Store::Memcached)?;
    Some(Cause::new(Kind::KeyTooLong, what))
}

/// PHP's OpenSSL says of most certificates only that it could not verify them, so our own TLS is asked as well.
fn explain_tls(causes: &mut [Cause], evidence: &Evidence<'_>) {
    let is_of_certificates = |cause: &&mut Cause| {
        matches!(
            cause.kind,
            Kind::TlsNotTrusted | Kind::TlsOtherName | Kind::TlsClientCertificate | Kind::TlsFile
        )
    };
    let Endpoint::Redis(redis) = evidence.expected.endpoint else { return };
    if let Some(cause) = causes.iter_mut().find(is_of_certificates)
        && let Some((problem, advice)) = tls::diagnosis(redis, evidence.plan.verify_peer)
    {
        cause.what = format!("{} A connection of our own: {problem}.", cause.what);
        cause.advice = advice;
    }
}

/// PHP programs that use another save handler.
fn overridden(evidence: &Evidence<'_>) -> Vec<Cause> {
    let name = "session.save_handler";
    let setting = evidence.settings.iter().find(|setting| setting.name == name);
    let file = setting.and_then(|setting| setting.file.as_deref()).unwrap_or("PHP's default");
    let programs = evidence.php.programs();
    let others = programs.filter(|it| evidence.expected.setup(&it.facts) == Setup::OtherHandler);
    others
        .map(|program| {
            let handler = &program.facts.save_handler;
            let what = format!(
                "PHP ({}) has {name} = {handler}; for `php` the setting comes from {file}.",
                program.name
            );
            Cause::new(Kind::SettingsOverridden, what)
        })
        .collect()
}

/// The causes that a failed part suggests.
fn causes_of(failed: &Part, evidence: &Evidence<'_>) -> Vec<Cause> {
    let server = failed.server.iter().map(|server| format!(" at {server}"));
    let place = format!("\"{}\"{}", failed.name, server.collect::<String>());
    let lower = failed.said.join("; ").to_ascii_lowercase();
    let mut kinds: Vec<Kind> = Vec::new();
    for (text, kind) in TEXTS {
        if lower.contains(text) && !kinds.contains(&kind) {
            kinds.push(kind);
        }
    }
    let endpoint = evidence.expected.endpoint;
    if kinds.contains(&Kind::ConnectionRefused) && is_loopback(endpoint) {
        kinds.insert(0, Kind::Loopback);
    }
    kinds.extend(closed_without_a_word(failed, evidence, &lower));
    // A text-only server waits for the end of a line that never comes.
    if failed.name == "log in, set" && lower.contains("a timeout occurred") {
        kinds.push(Kind::TextProtocolOnly);
    }
    if kinds.is_empty() {
        kinds.push(Kind::Unknown);
    }
    let cause = |kind: Kind| Cause {
        kind,
        what: format!("{kind}: {place} failed."),
        advice: advice(kind, endpoint, &evidence.plan.prefix, evidence.parts),
    };
    kinds.into_iter().map(cause).collect()
}

fn is_loopback(endpoint: &Endpoint) -> bool {
    let is_loopback = |host: String| match host.parse::<std::net::IpAddr>() {
        Ok(ip) => ip.is_loopback(),
        Err(_) => host == "localhost",
    };
    super::question::hosts(endpoint).into_iter().any(is_loopback)
}

/// A server that is addressed in the wrong way closes the connection silently. A hung Redis makes PHP wait, and
/// then PHP reports the same.
fn closed_without_a_word(failed: &Part, evidence: &Evidence<'_>, said: &str) -> &'static [Kind] {
    let texts = [
        "socket error on read socket",
        "connection lost",
        "connection failure",
        "read failure",
        "read error on connection",
        "error while reading line from the server",
    ];
    if !texts.iter().any(|text| said.contains(text)) {
        return &[];
    }
    // A little less: clocks differ.
    if failed.milliseconds >= evidence.read_timeout * 0.95 {
        return &[Kind::NoAnswer];
    }
    let first = evidence.parts.iter().find(|it| !matches!(it.name.as_str(), "connect" | "encrypt"));
    if first.is_some_and(|first| first.name != failed.name) {
        return &[];
    }
    let encrypted = evidence.parts.iter().any(|part| part.name == "encrypt");
    match evidence.store {
        Store::Memcached if evidence.expected.endpoint.secrets().is_empty() => {
            &[Kind::PasswordMissing, Kind::TlsExpected]
        }
        Store::Memcached => &[Kind::PasswordNotWanted],
        Store::Redis if encrypted => &[Kind::TlsClientCertificate],
        Store::Redis => &[Kind::TlsExpected],
    }
}

impl Cause {
    /// The framework keeps its sessions elsewhere.
    pub(super) fn of_framework(framework: &Framework, own: &OwnSessions) -> Self {
        let OwnSessions { what, advice } = own;
        let what = format!("{framework} does not keep its sessions in the service: {what}");
        Self { kind: Kind::FrameworkKeepsItsOwn, what, advice: advice.clone() }
    }

    pub(super) fn new(kind: Kind, what: String) -> Self {
        Self { kind, what, advice: kind.advice().to_owned() }
    }
}
