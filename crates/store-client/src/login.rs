//! How to log in: with a password from the credentials, or one that somebody issues for a while, such as a cloud's token.

use super::command::Command;
use super::deadline::Deadline;
use super::reply::ErrorReply;
use super::secret::Secret;
use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

/// A user and a password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Auth {
    /// The ACL user; `None` is the user `default`.
    pub user: Option<String>,
    pub password: Secret,
}

impl Auth {
    /// Logging in as `default` is the same as sending the password alone, which servers older than Redis 6
    /// understand too.
    #[must_use]
    pub fn new(user: Option<String>, password: Secret) -> Self {
        Self { user: user.filter(|user| user != "default"), password }
    }

    /// `AUTH`, with a user or without one.
    pub(super) fn command(&self) -> Command {
        let mut parts: Vec<&[u8]> = vec![b"AUTH"];
        parts.extend(self.user.as_deref().map(str::as_bytes));
        parts.push(self.password.expose().as_bytes());
        Command::new(&parts)
    }
}

/// A user as messages show it: a uri in its place may have a password.
#[must_use]
pub fn shown_user(user: &str) -> &str {
    if user.contains("://") { "***" } else { user }
}

/// How to log in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Login {
    /// With a password from the credentials.
    Fixed(Auth),
    /// With a password that is issued for a while.
    Issued(Arc<IssuedLogin>),
}

/// A login whose password is issued for a while, and issued again ahead of its end.
pub struct IssuedLogin {
    /// Who issues it, for messages: `aws-iam`.
    pub issuer: &'static str,
    /// The user, if it is known before there is a token.
    pub user: Option<String>,
    /// The usual reasons for which a server refuses it, and what to do.
    pub advice: String,
    /// All that the tokens depend on. Two logins are the same if they have the same.
    pub identity: Secret,
    pub tokens: Arc<dyn Tokens>,
}

/// What to do about Google's limit on new connections with a token.
const OF_LIMIT: &str = "Too many connections log in at once. That passes, and is tried again less and less often: start fewer containers at a time, or use fewer workers.";

impl IssuedLogin {
    /// What to do if a server refuses it for this.
    #[must_use]
    pub fn advice_on(&self, error: &ErrorReply) -> &str {
        if error.is_limit_of_logins() { OF_LIMIT } else { &self.advice }
    }
}

impl PartialEq for IssuedLogin {
    fn eq(&self, other: &Self) -> bool {
        self.identity == other.identity
    }
}

impl Eq for IssuedLogin {}

impl fmt::Debug for IssuedLogin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "IssuedLogin({}, {:?})", self.issuer, self.user)
    }
}

/// Where tokens come from. It gets the next one ahead of the present one's end.
pub trait Tokens: Send + Sync {
    /// The present token. Waits only if there is none that is valid.
    ///
    /// # Errors
    /// Fails if none is issued until the deadline.
    fn token(&self, deadline: Deadline) -> Result<Arc<Token>, NoToken>;

    /// The present token, if it is another one. Never waits.
    fn newer(&self, than: &Token) -> Option<Arc<Token>>;

    /// Another token in place of one that the server refuses, perhaps because it was withdrawn or the clock is wrong. `None`
    /// if that one is too new to try again.
    fn in_place_of(&self, refused: &Token, deadline: Deadline) -> Option<Arc<Token>>;

    /// Has the first token asked for ahead of the first login, and tells somebody, from now on, that there is no new token, or
    /// that there is one again.
    fn start(&self, report: fn(&str));

    /// Tells the same of something else.
    fn report(&self, text: &str);
}

/// A login that is valid for a while.
#[derive(Debug, PartialEq, Eq)]
pub struct Token {
    pub auth: Auth,
    /// When it ends.
    pub expires: SystemTime,
}

/// Why there is no token. Shows no secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what}. {advice}")]
pub struct NoToken {
    /// Who was asked, and what it said.
    pub what: String,
    /// The usual mistake, and what to do.
    pub advice: String,
    /// Whether it may pass by itself.
    pub passes: bool,
}
