//! Asks Sentinels where the primary is, and whether it still is there.
//!
//! A primary that Sentinel replaces may live on, or come back: it writes whatever it is sent until Sentinel makes it a
//! replica, seconds later, and all of that is lost then. So a reply counts only if the Sentinels still name its server after
//! it has come.

mod node;

use super::address::Address;
use super::endpoint::{RedisEndpoint, Sentinel};
use super::error::{Problem, RedisError};
use node::{NamedPrimary, Node, ask_all};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How long they may take to answer, at first.
pub(super) const PATIENCE: Duration = Duration::from_millis(100);
/// How long their word holds: from the begin of a failover Sentinel takes two turns of 50 ms at least until it promotes a
/// replica (sentinel.c, `sentinelFailoverStateMachine`, which takes one step a turn).
const HOLDS: Duration = Duration::from_millis(100);
/// They tell each other of a new primary every two seconds, or sooner. Who still says something else then is wrong.
const SPREAD: Duration = Duration::from_millis(2500);

/// The Sentinels of a primary.
#[derive(Debug)]
pub(super) struct Sentinels {
    pub(super) sentinel: Sentinel,
    known: Mutex<SentinelState>,
}

#[derive(Debug)]
struct SentinelState {
    nodes: Vec<Node>,
    /// The primary that they named last, and when they were asked.
    primary: Option<(Address, Instant)>,
    /// What they name, since when, if not all of them name the same.
    dissent: Option<(Vec<Address>, Instant)>,
}

/// Whom to ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Whom {
    /// Those that answered lately.
    Awake,
    /// The others as well, if those name no primary.
    AllIfNeeded,
}

impl Sentinels {
    /// `server` is how to log in to the server.
    pub(super) fn new(
        sentinel: &Sentinel,
        server: &RedisEndpoint,
        verify_peer: bool,
    ) -> Result<Self, RedisError> {
        let node = |address| Node::new(address, sentinel, server.fixed(), verify_peer);
        let nodes = sentinel.nodes.iter().map(node).collect::<Result<_, _>>()?;
        let known = SentinelState { nodes, primary: None, dissent: None };
        Ok(Self { sentinel: sentinel.clone(), known: Mutex::new(known) })
    }

    /// The primary, as of now; `patience` is for their answers.
    pub(super) fn primary(&self, whom: Whom, patience: Duration) -> Result<Address, Problem> {
        let mut known = self.known();
        if let Some((primary, asked)) = &known.primary
            && asked.elapsed() < HOLDS
        {
            return Ok(primary.clone());
        }
        let asked = Instant::now();
        known.ask(whom, patience);
        let primary = known.conclusion()?;
        known.primary = Some((primary.clone(), asked));
        Ok(primary)
    }

    /// Fails if this no longer is the primary. Without any Sentinel it remains what it was: nobody can choose another one.
    pub(super) fn confirm(&self, connected: &Address) -> Result<(), Problem> {
        match self.primary(Whom::Awake, PATIENCE) {
            Ok(primary) if primary != *connected => {
                Err(Problem::Replaced(connected.clone(), primary))
            }
            Err(problem @ Problem::Choosing(_)) => Err(problem),
            _ => Ok(()),
        }
    }

    /// The primary that they named last.
    pub(super) fn last(&self) -> Option<Address> {
        self.known().primary.as_ref().map(|(primary, _)| primary.clone())
    }

    /// The longest time that one of them takes to hold a silent primary for down, as far as they say it.
    pub(super) fn down_after(&self) -> Option<Duration> {
        self.known().nodes.iter().filter_map(Node::named).filter_map(|it| it.down_after).max()
    }

    /// Makes them be asked again.
    pub(super) fn forget(&self) {
        if let Some((_, asked)) = &mut self.known().primary {
            *asked -= HOLDS;
        }
    }

    fn known(&self) -> MutexGuard<'_, SentinelState> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl SentinelState {
    /// Asks all of them at once, except those that did not answer lately.
    fn ask(&mut self, whom: Whom, patience: Duration) {
        let resting: Vec<bool> = self.nodes.iter().map(Node::rests).collect();
        let those = |nodes: &mut [Node], rest: bool| {
            let those = nodes.iter_mut().zip(&resting).filter(|(_, it)| **it == rest);
            ask_all(those.map(|(node, _)| node).collect(), patience);
        };
        those(&mut self.nodes, false);
        if whom == Whom::AllIfNeeded && !self.nodes.iter().any(|node| node.named().is_some()) {
            those(&mut self.nodes, true);
        }
    }

    /// What follows from what they said.
    fn conclusion(&mut self) -> Result<Address, Problem> {
        let named: Vec<&NamedPrimary> = self.nodes.iter().filter_map(Node::named).collect();
        let mut opinions: Vec<(usize, &Address)> = Vec::new();
        for NamedPrimary { address, .. } in &named {
            match opinions.iter_mut().find(|(_, other)| *other == address) {
                Some((votes, _)) => *votes += 1,
                None => opinions.push((1, address)),
            }
        }
        opinions.sort_by_key(|(votes, address)| (usize::MAX - votes, address.to_string()));
        let primary = match opinions.as_slice() {
            [] => {
                let is_final = self.nodes.iter().all(Node::refuses);
                return Err(Problem::Unnamed { said: self.said(), is_final });
            }
            [(_, only)] => {
                self.dissent = None;
                Some((*only).clone())
            }
            [(most, first), (second, _), ..] => {
                let first = (most > second).then(|| (*first).clone());
                let addresses: Vec<Address> =
                    opinions.iter().map(|(_, address)| (*address).clone()).collect();
                let lasts = match &self.dissent {
                    Some((before, since)) if *before == addresses => since.elapsed() >= SPREAD,
                    _ => {
                        self.dissent = Some((addresses, Instant::now()));
                        false
                    }
                };
                first.filter(|_| lasts)
            }
        };
        let is_leaving = |primary: &Address| {
            let mut named = self.nodes.iter().filter_map(Node::named);
            named.any(|it| it.is_leaving && it.address == *primary)
        };
        primary.filter(|it| !is_leaving(it)).ok_or_else(|| Problem::Choosing(self.said()))
    }

    /// What each of them said, for messages.
    fn said(&self) -> String {
        self.nodes.iter().map(Node::shown).collect::<Vec<_>>().join("; ")
    }
}

#[cfg(test)]
mod tests {
    use super::super::address::Host;
    use super::node::Said;
    use super::*;

    fn known(nodes: Vec<Node>) -> SentinelState {
        SentinelState { nodes, primary: None, dissent: None }
    }

    /// One that was not asked.
    fn silent() -> Node {
        let nodes = vec![Address { host: Host::Name("s".to_owned()), port: 1 }];
        let of = Sentinel { master: "m".to_owned(), nodes, auth: None, tls: None };
        Node::new(&of.nodes[0], &of, None, true).unwrap()
    }

    /// One that has said that the primary is at this port.
    fn naming(port: u16, is_leaving: bool) -> Node {
        let address = Address { host: Host::Name("h".to_owned()), port };
        let said = Said::NamedPrimary(NamedPrimary {
            address,
            is_leaving,
            is_down: false,
            down_after: None,
        });
        Node { said, ..silent() }
    }

    fn named(ports: &[u16]) -> Vec<Node> {
        ports.iter().map(|port| naming(*port, false)).collect()
    }

    fn port(known: &mut SentinelState) -> Option<u16> {
        known.conclusion().ok().map(|address| address.port)
    }

    #[test]
    fn those_that_answer_have_to_agree_and_to_be_done() {
        assert_eq!(port(&mut known(named(&[1, 1, 1]))), Some(1));
        let with_silent = named(&[1]).into_iter().chain([silent()]).collect();
        assert_eq!(port(&mut known(with_silent)), Some(1));
        let leaving = named(&[1]).into_iter().chain([naming(1, true)]).collect();
        assert!(matches!(known(leaving).conclusion(), Err(Problem::Choosing(_))));
        assert!(matches!(known(vec![silent()]).conclusion(), Err(Problem::Unnamed { .. })));
    }

    #[test]
    fn the_majority_counts_after_all_have_had_the_time_to_tell_each_other() {
        let mut known = known(named(&[1, 2, 1]));
        assert_eq!(port(&mut known), None);
        let long_ago = Instant::now().checked_sub(SPREAD).unwrap();
        known.dissent.as_mut().unwrap().1 = long_ago;
        assert_eq!(port(&mut known), Some(1));
        // Another opinion is news.
        known.nodes = named(&[1, 3, 1]);
        assert_eq!(port(&mut known), None);
        known.dissent.as_mut().unwrap().1 = long_ago;
        known.nodes = named(&[3, 1]);
        assert_eq!(port(&mut known), None);
    }
}
