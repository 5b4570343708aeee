//! Nodes of a cluster that keep requests waiting.
//!
//! A primary that was stopped and is replaced meanwhile carries out what it has received as soon as it goes on, before it
//! hears of that: for some milliseconds. Nobody has any of it then. So what a node says after a long silence counts only if
//! another node confirms that it still is the primary.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use store_client::Address;

/// Longer than most replies take. A failover takes the cluster's node timeout, and half a second (cluster.c,
/// `clusterHandleSlaveFailover`).
const LONG: Duration = Duration::from_millis(100);

#[derive(Default)]
pub(super) struct Silences(Mutex<HashMap<Arc<Address>, Silence>>);

struct Silence {
    /// Requests that wait.
    waiting: usize,
    since: Instant,
}

/// A request that waits for a node. Dropping it ends that.
pub(super) struct Waiting<'a> {
    silences: &'a Silences,
    pub(super) node: Arc<Address>,
}

impl Silences {
    pub(super) fn wait_for(&self, node: &Arc<Address>) -> Waiting<'_> {
        let begin = || Silence { waiting: 0, since: Instant::now() };
        self.all().entry(Arc::clone(node)).or_insert_with(begin).waiting += 1;
        Waiting { silences: self, node: Arc::clone(node) }
    }

    fn all(&self) -> MutexGuard<'_, HashMap<Arc<Address>, Silence>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting<'_> {
    /// Whether the node has been silent for so long, whoever it was that waited, that it may have been replaced.
    pub(super) fn is_long(&self) -> bool {
        self.silences.all().get(&self.node).is_some_and(|it| it.since.elapsed() >= LONG)
    }

    /// The primary has replied.
    pub(super) fn has_ended(self) {
        if let Some(silence) = self.silences.all().get_mut(&self.node) {
            silence.since = Instant::now();
        }
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let mut all = self.silences.all();
        if let Some(silence) = all.get_mut(&self.node) {
            silence.waiting -= 1;
            if silence.waiting == 0 {
                all.remove(&self.node);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread::sleep;

    #[test]
    fn a_silence_begins_with_the_first_request_and_ends_with_a_reply() {
        let node = |port| Arc::new(Address::parse("a", port).unwrap());
        let silences = Silences::default();
        let first = silences.wait_for(&node(1));
        assert!(!first.is_long());
        sleep(LONG);
        // One that has just come meets the same silence.
        let next = silences.wait_for(&node(1));
        assert_eq!((first.is_long(), next.is_long()), (true, true));
        assert!(!silences.wait_for(&node(2)).is_long());
        first.has_ended();
        assert!(!next.is_long());
        drop(next);
        assert!(silences.all().is_empty());
        sleep(LONG);
        // Nobody has waited meanwhile.
        assert!(!silences.wait_for(&node(1)).is_long());
    }
}
