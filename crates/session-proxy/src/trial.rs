//! What the session proxy sends for a session, for the launch to try before PHP does.

use super::key_space::KeySpace;
use super::scripts::{self, Keyed};
use super::slots::{SlotMap, slot_of};
use store_client::{Address, Command, Reply};

/// In milliseconds: how long an aborted trial leaves its lock behind.
const LOCK_TIME: &[u8] = b"10000";
/// In seconds: how long it leaves its session behind.
const LIFETIME: &[u8] = b"10";

/// The node of a cluster that has a session, according to the reply to `CLUSTER SLOTS` of the node that was `asked`; `None`
/// if nobody has.
#[must_use]
pub fn node_of(key: &[u8], slots: &Reply, asked: &Address) -> Option<Address> {
    SlotMap::told_by(slots, asked)?.owner(slot_of(key)).cloned()
}

/// What the proxy sends for a session, which nobody else has, from its lock to its end; it leaves nothing behind.
#[must_use]
pub fn session_in(space: KeySpace, key: &[u8]) -> Vec<Command> {
    let (lock, secret, data) = (space.lock_of(key), b"trial", b"trial");
    let renew = scripts::RENEW.with(&[&lock], &[secret, LOCK_TIME]);
    let mut commands = if space.unites(&lock, key) {
        vec![
            scripts::LOCK_AND_READ.with(&[&lock, key], &[secret, LOCK_TIME, secret]),
            renew,
            scripts::WRITE.with(&[&lock, key], &[secret, LIFETIME, data]),
        ]
    } else {
        vec![
            scripts::LOCK.with(&[&lock], &[secret, LOCK_TIME, secret]),
            renew,
            Keyed::new(&[b"SETEX", key, LIFETIME, data]),
            scripts::UNLOCK.with(&[&lock], &[secret]),
        ]
    };
    commands.push(Keyed::new(&[b"DEL", key]));
    commands.into_iter().map(|keyed| keyed.command).collect()
}
