//! A login that the server refuses.

use super::outcome::Outcome;
use super::{CONNECT_TIMEOUT, TIMEOUT};
use crate::config::variables::OPTIONS;
use crate::diagnosis::{Cause, CauseKind};
use store_client::{Auth, Client, Deadline, ErrorReply, Login, RedisEndpoint, shown_user};

/// The refusal of a user whose password works without it. Many uris have a user that is for show (`redis://h:PASSWORD@…`),
/// which servers before Redis 6 did not know, and later ones refuse.
pub(super) fn password_alone(
    endpoint: &RedisEndpoint,
    verify_peer: bool,
    error: &ErrorReply,
) -> Option<Outcome> {
    let Auth { user, password } = endpoint.fixed()?.clone();
    let user = &user?;
    let alone = Login::Fixed(Auth { user: None, password });
    let without_user = RedisEndpoint { auth: Some(alone), ..endpoint.clone() };
    let client = Client::new(&without_user, verify_peer).ok()?;
    client.with_connect_timeout(CONNECT_TIMEOUT).connect(Deadline::after(TIMEOUT)).ok()?;
    let user = shown_user(user);
    Some(Outcome::Refused(Cause::seen(CauseKind::WrongPassword, error).with_advice(format!(
        "The password works without the user {user:?}. To log in with the password alone, set {OPTIONS}=username=default."
    ))))
}
