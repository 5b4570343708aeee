//! What is known of a cluster: where its slots are, and who may know better. Requests go on with what is known while
//! one of them asks again.

use super::silence::Silences;
use super::slots::{SlotMap, slot_of};
use std::mem;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use store_client::{Address, Deadline};

/// Between two questions for the slots, however many requests fail meanwhile.
const ASKED_EVERY: Duration = Duration::from_millis(50);

pub(super) struct Cluster {
    /// What the credentials name.
    seeds: Vec<Address>,
    known: Mutex<ClusterState>,
    answered: Condvar,
    pub(super) silences: Silences,
}

#[derive(Default)]
struct ClusterState {
    map: Option<Arc<SlotMap>>,
    /// Whether a node has said or shown that the map is out of date.
    is_doubted: bool,
    /// Nodes that have failed, which are asked last.
    failing: Vec<Address>,
    /// The node that knows best.
    informant: Option<Address>,
    is_being_asked: bool,
    asked: Option<Instant>,
    /// Which node is asked first.
    turn: usize,
}

/// The right to ask for the slots. Dropping it lets others ask.
pub(super) struct SlotInquiry<'a> {
    cluster: &'a Cluster,
    /// The nodes to ask, in this order.
    pub(super) nodes: Vec<Address>,
}

impl Cluster {
    pub(super) fn new(seeds: Vec<Address>) -> Self {
        let (known, answered, silences) = Default::default();
        Self { seeds, known, answered, silences }
    }

    /// The primary for a key, as far as that is known.
    pub(super) fn owner(&self, key: &[u8]) -> Option<Address> {
        self.map()?.owner(slot_of(key)).cloned()
    }

    pub(super) fn map(&self) -> Option<Arc<SlotMap>> {
        self.known().map.clone()
    }

    /// This is where the slots are now.
    pub(super) fn learn(&self, map: SlotMap) {
        let mut known = self.known();
        known.map = Some(Arc::new(map));
        known.is_doubted = false;
    }

    /// A node has named the one to ask.
    pub(super) fn doubt_by(&self, informant: Option<Address>) {
        let mut known = self.known();
        known.is_doubted = true;
        known.informant = informant.or(known.informant.take());
    }

    /// A node has failed.
    pub(super) fn doubt(&self, failing: &Address) {
        let mut known = self.known();
        known.is_doubted = true;
        if !known.failing.contains(failing) {
            known.failing.push(failing.clone());
        }
    }

    /// The right to ask, if somebody has to. Waits for who asks already only if nothing is known.
    pub(super) fn inquiry(&self, deadline: Deadline) -> Option<SlotInquiry<'_>> {
        let mut known = self.known();
        loop {
            if known.is_good() {
                return None;
            }
            if !known.is_being_asked {
                known.is_being_asked = true;
                return Some(SlotInquiry { cluster: self, nodes: known.nodes_to_ask(&self.seeds) });
            }
            if known.map.is_some() {
                return None;
            }
            let waited = self.answered.wait_timeout(known, deadline.remaining().ok()?);
            known = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn known(&self) -> MutexGuard<'_, ClusterState> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ClusterState {
    /// Whether there is nothing to ask for now.
    fn is_good(&self) -> bool {
        let lately = self.asked.is_some_and(|asked| asked.elapsed() < ASKED_EVERY);
        self.map.is_some() && (!self.is_doubted || lately)
    }

    fn nodes_to_ask(&mut self, seeds: &[Address]) -> Vec<Address> {
        let mut nodes = self.map.as_ref().map_or_else(Vec::new, |map| map.nodes.clone());
        if !nodes.is_empty() {
            // Not always the same: it may be cut off from the others, and not know.
            self.turn += 1;
            let first = self.turn % nodes.len();
            nodes.rotate_left(first);
        }
        let mut all: Vec<Address> = Vec::new();
        for node in self.informant.take().into_iter().chain(nodes).chain(seeds.iter().cloned()) {
            if !all.contains(&node) {
                all.push(node);
            }
        }
        let failing = mem::take(&mut self.failing);
        all.sort_by_key(|node| failing.contains(node));
        all
    }
}

impl Drop for SlotInquiry<'_> {
    fn drop(&mut self) {
        let mut known = self.cluster.known();
        known.is_being_asked = false;
        known.asked = Some(Instant::now());
        drop(known);
        self.cluster.answered.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use store_client::Reply;

    fn at(text: &str) -> Address {
        Address::parse(text, 6379).unwrap()
    }

    fn map() -> SlotMap {
        let node = |host: &str| {
            Reply::Array(vec![Reply::Bulk(host.as_bytes().to_vec()), Reply::Integer(6379)])
        };
        let slots = |first, last, host| {
            Reply::Array(vec![Reply::Integer(first), Reply::Integer(last), node(host)])
        };
        let reply = Reply::Array(vec![slots(0, 9, "a"), slots(10, 16383, "b")]);
        SlotMap::told_by(&reply, &at("seed")).unwrap()
    }

    fn soon() -> Deadline {
        Deadline::after(Duration::from_millis(20))
    }

    #[test]
    fn one_asks_and_the_others_go_on_with_what_is_known() {
        let cluster = Cluster::new(vec![at("dead"), at("seed")]);
        let first = cluster.inquiry(soon()).unwrap();
        assert_eq!(first.nodes, [at("dead"), at("seed")]);
        // Nothing is known: whoever comes meanwhile waits, and then asks.
        assert!(cluster.inquiry(soon()).is_none());
        drop(first);
        let second = cluster.inquiry(soon()).unwrap();
        cluster.learn(map());
        drop(second);
        assert!(cluster.inquiry(soon()).is_none());
        assert_eq!(cluster.owner(b""), Some(at("a")));
        // Not at once, however many fail.
        cluster.doubt(&at("a"));
        assert!(cluster.inquiry(soon()).is_none());
        std::thread::sleep(ASKED_EVERY);
        let again = cluster.inquiry(soon()).unwrap();
        assert_eq!(again.nodes.last(), Some(&at("a")));
        let started = Instant::now();
        assert!(cluster.inquiry(Deadline::after(Duration::from_mins(1))).is_none());
        assert!(started.elapsed() < Duration::from_secs(10));
    }

    #[test]
    fn who_knows_best_is_asked_first_and_who_has_failed_last() {
        let cluster = Cluster::new(vec![at("seed")]);
        let inquiry = cluster.inquiry(soon()).unwrap();
        cluster.learn(map());
        drop(inquiry);
        std::thread::sleep(ASKED_EVERY);
        cluster.doubt_by(Some(at("c")));
        cluster.doubt(&at("b"));
        assert_eq!(cluster.inquiry(soon()).unwrap().nodes, ["c", "a", "seed", "b"].map(at));
    }
}
