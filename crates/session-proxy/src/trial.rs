//! What the session proxy sends for a session, for the launch to try before PHP does.

use super::key_space::KeySpace;
use super::keyed::Keyed;
use super::scripts::{self, script};
use super::slots::{SlotMap, slot_of};
use store_client::{Address, Command, Reply};

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

    /// What the proxy asks the service first, if the credentials do not say that it is a cluster.
    #[must_use]
    pub fn question(&self) -> Vec<Command> {
        KeySpace::question(&self.prefix, &self.unique)
    }

    /// Whether these replies say that it is a cluster.
    #[must_use]
    pub fn is_cluster(told: &[Reply]) -> bool {
        KeySpace::told_by(told) == Some(KeySpace::Slots)
    }

    /// The node that has the session, according to the reply to `CLUSTER SLOTS` of the node that was `asked`; `None` if nobody
    /// has.
    #[must_use]
    pub fn node(&self, slots: &Reply, asked: &Address) -> Option<Address> {
        SlotMap::told_by(slots, asked)?.owner(slot_of(&self.key())).cloned()
    }

    /// What it sends for a session, after these replies to the question; it leaves nothing behind.
    #[must_use]
    pub fn session(&self, told: &[Reply]) -> Vec<Command> {
        self.session_in(KeySpace::told_by(told).unwrap_or(KeySpace::Whole))
    }

    /// The same in a cluster, for the node that has the session.
    #[must_use]
    pub fn session_in_cluster(&self) -> Vec<Command> {
        self.session_in(KeySpace::Slots)
    }

    fn key(&self) -> Vec<u8> {
        format!("{}{}", self.prefix, self.unique).into_bytes()
    }

    fn session_in(&self, space: KeySpace) -> Vec<Command> {
        let key = self.key();
        let (lock, secret, data) = (space.lock_of(&key), b"trial", b"trial");
        let write: [&[u8]; 4] = [b"SETEX", &key, LIFETIME, data];
        let mut commands = if space.unites(&lock, &key) {
            vec![
                script(scripts::LOCK_AND_READ, &[&lock, &key], &[secret, LOCK_TIME, secret]),
                script(scripts::RENEW, &[&lock], &[secret, LOCK_TIME]),
                script(scripts::WRITE, &[&lock, &key], &[secret, LIFETIME, data]),
            ]
        } else {
            vec![
                script(scripts::LOCK, &[&lock], &[secret, LOCK_TIME, secret]),
                script(scripts::RENEW, &[&lock], &[secret, LOCK_TIME]),
                Keyed::new(&write),
                script(scripts::UNLOCK, &[&lock], &[secret]),
            ]
        };
        commands.push(Keyed::new(&[b"DEL", &key]));
        commands.into_iter().map(|keyed| keyed.command).collect()
    }
}
