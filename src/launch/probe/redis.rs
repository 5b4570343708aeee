//! The Redis probe: does once what a session does. Without it, phpredis takes a refusal for somebody else's lock:
//! a missing password costs a page 50 seconds and 90,000 lines of log, or its worker.

use super::login::password_alone;
use super::outcome::Outcome;
use super::redis_session::SessionTrial;
use super::{CONNECT_TIMEOUT, Question, TIMEOUT};
use crate::diagnosis::{Cause, CauseKind};
use crate::launch::route::Route;
use crate::php::installation::neutral_options;
use crate::php::script::run_script;
use libcnb::Env;
use serde_json::json;
use store_client::{
    Activity, Client, Connection, Deadline, Problem, RedisEndpoint, Target, Tls, expired_ca,
};

/// Asks the server. If our own TLS fails, PHP has the last word; `env` is for PHP.
pub(super) fn ask(question: &Question<'_>, endpoint: &RedisEndpoint, env: &Env) -> Outcome {
    let outcome = probe(question, endpoint);
    if question.route == Route::Proxy {
        return outcome;
    }
    match outcome {
        Outcome::Tls(_) if php_connects(question, endpoint, env) => Outcome::kept(Vec::new()),
        Outcome::Kept { .. } if question.plan.verify_peer => {
            match endpoint.tls().and_then(expired_ca) {
                Some(date) if !php_connects(question, endpoint, env) => {
                    let expired = format!("a CA in the credentials expired on {date}");
                    let advice = "Put its renewed certificate into the credentials (ca.crt).";
                    Outcome::of(Cause::seen(CauseKind::TlsNotTrusted, expired).with_advice(advice))
                }
                _ => outcome,
            }
        }
        outcome => outcome,
    }
}

/// Whether TLS works with PHP's OpenSSL, which accepts older servers and certificates than rustls, but no CA that has
/// expired.
fn php_connects(question: &Question<'_>, endpoint: &RedisEndpoint, env: &Env) -> bool {
    let Some(address) = endpoint.first_address() else { return false };
    let verify = question.plan.verify_peer;
    let mut context = json!({"verify_peer": verify, "verify_peer_name": verify});
    if let Some(ca) = &question.tls_files.ca {
        context["cafile"] = json!(ca);
    }
    if let Some(client) = &question.tls_files.client {
        context["local_cert"] = json!(client.certificate);
        context["local_pk"] = json!(client.key);
    }
    let arguments = [format!("tls://{address}"), context.to_string()];
    let options: Vec<&str> = neutral_options().collect();
    let arguments = arguments.each_ref().map(String::as_str);
    let output = run_script::<bool>(CONNECT, "", &arguments, &options, env);
    output.is_ok_and(|output| output.answer.unwrap_or(false))
}

const CONNECT: &str = include_str!("tls.php");

/// Does what a session does, under an unused name.
fn probe(question: &Question<'_>, endpoint: &RedisEndpoint) -> Outcome {
    let verify = question.plan.verify_peer;
    let connected =
        Client::new(endpoint, verify).map_err(|error| error.problem).and_then(|client| {
            let client = client.with_connect_timeout(CONNECT_TIMEOUT);
            let deadline = Deadline::after(TIMEOUT);
            let connection = client.connect(deadline).map_err(|error| error.problem)?;
            Ok((client, connection, deadline))
        });
    connected
        .and_then(|(client, connection, deadline)| {
            SessionTrial::new(question, endpoint).keep(&client, connection, deadline)
        })
        .unwrap_or_else(|problem| {
            let other_way = match problem {
                // A Redis without TLS waits for the end of the line.
                Problem::Timeout(Activity::Handshake) => answers_without_tls(endpoint)
                    .then(|| Outcome::of(Cause::of(CauseKind::TlsNotSpoken))),
                Problem::Closed(_) | Problem::Broken { .. } if answers_with_tls(endpoint) => {
                    Some(Outcome::of(Cause::of(CauseKind::TlsExpected)))
                }
                Problem::Closed(_) | Problem::Broken { .. } => closing_commands(question, endpoint),
                Problem::Database(ref error) if error.is_unknown_command() => {
                    closing_commands(question, endpoint)
                }
                Problem::Login(ref error) => password_alone(endpoint, verify, error),
                _ => None,
            };
            other_way.unwrap_or_else(|| Outcome::of(Cause::of_problem(&problem, endpoint)))
        })
}

/// The commands that a proxy before the server does not know, if it is that.
fn closing_commands(question: &Question<'_>, endpoint: &RedisEndpoint) -> Option<Outcome> {
    let without_database = RedisEndpoint { database: None, ..endpoint.clone() };
    let client = Client::new(&without_database, question.plan.verify_peer).ok()?;
    let client = client.with_connect_timeout(CONNECT_TIMEOUT);
    SessionTrial::new(question, endpoint).find_closing_commands(&client, Deadline::after(TIMEOUT))
}

/// Whether the server replies without TLS. Sends nothing confidential, and what every user may send.
fn answers_without_tls(endpoint: &RedisEndpoint) -> bool {
    let Some(connection) = connect_otherwise(endpoint, None) else { return false };
    let (mut connection, deadline) = connection;
    connection.command(&[b"QUIT"], deadline).is_ok()
}

/// Whether a server that we tried without TLS supports TLS.
fn answers_with_tls(endpoint: &RedisEndpoint) -> bool {
    connect_otherwise(endpoint, Some(Tls::default())).is_some()
}

/// Connects with or without TLS, and without a login.
fn connect_otherwise(endpoint: &RedisEndpoint, tls: Option<Tls>) -> Option<(Connection, Deadline)> {
    let address = endpoint.first_address()?.clone();
    if tls.is_some() == endpoint.tls().is_some() {
        return None;
    }
    let otherwise =
        RedisEndpoint { target: Target::Tcp { address, tls }, auth: None, database: None };
    let deadline = Deadline::after(CONNECT_TIMEOUT);
    Some((Client::new(&otherwise, false).ok()?.connect(deadline).ok()?, deadline))
}
