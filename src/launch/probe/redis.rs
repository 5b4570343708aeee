//! The Redis probe: does once what a session does. Without it, phpredis takes a refusal for somebody else's lock:
//! a missing password costs a page 50 seconds and 90,000 lines of log, or its worker.

use super::outcome::Outcome;
use super::redis_session::SessionTrial;
use super::{CONNECT_TIMEOUT, Question, TIMEOUT};
use crate::config::variables::OPTIONS;
use crate::diagnosis::{Cause, CauseKind};
use crate::launch::route::Route;
use crate::php::installation::neutral_options;
use crate::php::script::run_script;
use libcnb::Env;
use serde_json::json;
use std::time::Duration;
use store_client::{
    Activity, Auth, Client, Deadline, ErrorReply, Login, Problem, RedisEndpoint, Target, Tls,
    expired_ca, shown_user,
};

/// Asks the server. If our own TLS fails, PHP has the last word; `env` is for PHP.
pub(super) fn ask(question: &Question<'_>, endpoint: &RedisEndpoint, env: &Env) -> Outcome {
    let outcome = probe(question, endpoint);
    if question.route == Route::Proxy {
        return outcome;
    }
    match outcome {
        Outcome::Tls(_) if php_connects(question, endpoint, env) => {
            let (round_trip, limits) = (Duration::ZERO, Vec::new());
            Outcome::Kept { round_trip, max_clients: None, limits }
        }
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
    let kept = client(question, endpoint)
        .and_then(|client| SessionTrial::new(question, endpoint, &client).keep());
    let problem = match kept {
        Ok(outcome) => return outcome,
        Err(problem) => problem,
    };
    let other_way = match &problem {
        // A Redis without TLS waits for the end of the line.
        Problem::Timeout(Activity::Handshake) if answers_otherwise(endpoint) => {
            Some(Outcome::of(Cause::of(CauseKind::TlsNotSpoken)))
        }
        Problem::Closed(_) | Problem::Broken { .. }
            if endpoint.tls().is_none() && answers_otherwise(endpoint) =>
        {
            Some(Outcome::of(Cause::of(CauseKind::TlsExpected)))
        }
        Problem::Closed(_) | Problem::Broken { .. } => closing_commands(question, endpoint),
        Problem::Database(error) if error.is_unknown_command() => {
            closing_commands(question, endpoint)
        }
        Problem::Login(error) => password_alone(question, endpoint, error),
        _ => None,
    };
    other_way.unwrap_or_else(|| Outcome::of(Cause::of_problem(&problem, endpoint)))
}

fn client(question: &Question<'_>, endpoint: &RedisEndpoint) -> Result<Client, Problem> {
    let client = Client::new(endpoint, question.plan.verify_peer);
    Ok(client.map_err(|error| error.problem)?.with_connect_timeout(CONNECT_TIMEOUT))
}

/// The commands that a proxy before the server does not know, if it is that.
fn closing_commands(question: &Question<'_>, endpoint: &RedisEndpoint) -> Option<Outcome> {
    let without_database = RedisEndpoint { database: None, ..endpoint.clone() };
    let client = client(question, &without_database).ok()?;
    SessionTrial::new(question, endpoint, &client).find_closing_commands()
}

/// The refusal of a user whose password works without it. Many uris have a user that is for show (`redis://h:PASSWORD@…`),
/// which servers before Redis 6 did not know, and later ones refuse.
fn password_alone(
    question: &Question<'_>,
    endpoint: &RedisEndpoint,
    error: &ErrorReply,
) -> Option<Outcome> {
    let Auth { user, password } = endpoint.fixed()?.clone();
    let user = &user?;
    let alone = Login::Fixed(Auth { user: None, password });
    let without_user = RedisEndpoint { auth: Some(alone), ..endpoint.clone() };
    client(question, &without_user).ok()?.connect(Deadline::after(TIMEOUT)).ok()?;
    let user = shown_user(user);
    Some(Outcome::Refused(Cause::seen(CauseKind::WrongPassword, error).with_advice(format!(
        "The password works without the user {user:?}. To log in with the password alone, set {OPTIONS}=username=default."
    ))))
}

/// Whether a server that we tried without TLS supports TLS, or the other way round. Sends nothing confidential, and what
/// every user may send.
fn answers_otherwise(endpoint: &RedisEndpoint) -> bool {
    let Some(address) = endpoint.first_address().cloned() else { return false };
    let tls = endpoint.tls().is_none().then(Tls::default);
    let with_tls = tls.is_some();
    let otherwise =
        RedisEndpoint { target: Target::Tcp { address, tls }, auth: None, database: None };
    let deadline = Deadline::after(CONNECT_TIMEOUT);
    let connection = Client::new(&otherwise, false).and_then(|client| client.connect(deadline));
    connection.is_ok_and(|mut it| with_tls || it.command(&[b"QUIT"], deadline).is_ok())
}
