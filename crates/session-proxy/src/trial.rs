//! What the session proxy sends for a session, for the launch to try before PHP does.

use super::key_space::KeySpace;
use super::request::lock_of;
use super::scripts::{self, script};
use store_client::{Command, Reply};

/// A session from its lock to its end.
pub struct ProxyTrial {
    prefix: String,
    unique: String,
}

/// In milliseconds: how long an aborted trial leaves its lock behind.
const LOCK_TIME: &[u8] = b"10000";
/// In seconds: how long it leaves its session behind.
const LIFETIME: &[u8] = b"10";

impl ProxyTrial {
    /// `unique` is an id that no session has.
    #[must_use]
    pub fn new(prefix: &str, unique: String) -> Self {
        Self { prefix: prefix.to_owned(), unique }
    }

    /// What the proxy asks the service first.
    #[must_use]
    pub fn question(&self) -> Vec<Command> {
        KeySpace::question(&self.prefix, &self.unique)
    }

    /// What it then sends for a session, after these replies; it leaves nothing behind.
    #[must_use]
    pub fn session(&self, told: &[Reply]) -> Vec<Command> {
        let key = format!("{}{}", self.prefix, self.unique).into_bytes();
        let (lock, secret, data) = (lock_of(&key), b"trial", b"trial");
        let write: [&[u8]; 4] = [b"SETEX", &key, LIFETIME, data];
        let mut commands = match KeySpace::told_by(told).unwrap_or(KeySpace::Whole) {
            KeySpace::Whole => vec![
                script(scripts::LOCK_AND_READ, &[&lock, &key], &[secret, LOCK_TIME, secret]),
                script(scripts::RENEW, &[&lock], &[secret, LOCK_TIME]),
                script(scripts::WRITE, &[&lock, &key], &[secret, LIFETIME, data]),
            ],
            KeySpace::Divided => vec![
                script(scripts::LOCK, &[&lock], &[secret, LOCK_TIME, secret]),
                script(scripts::RENEW, &[&lock], &[secret, LOCK_TIME]),
                Command::new(&write),
                script(scripts::UNLOCK, &[&lock], &[secret]),
            ],
        };
        commands.push(Command::new(&[b"DEL", &key]));
        commands
    }
}
