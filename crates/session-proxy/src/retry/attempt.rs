//! One try to have commands run, by the server that has their key.

use super::Failure;
use crate::cluster::SlotInquiry;
use crate::pool::Server;
use crate::shared::Shared;
use crate::slots::{Redirect, SlotMap, slot_of};
use crate::upstream::Upstream;
use std::cell::Cell;
use std::time::Duration;
use store_client::{Address, Command, Deadline, RedisError, Reply};

/// How long a node of a cluster may take to say where the slots are, before the next one is asked.
const PATIENCE_WITH_NODE: Duration = Duration::from_secs(1);

/// One try to have commands run.
pub(super) struct Attempt<'a> {
    pub(super) shared: &'a Shared,
    pub(super) upstream: &'a Upstream,
    /// It says which server it is.
    pub(super) key: &'a [u8],
    pub(super) deadline: Deadline,
}

/// What came of it, and with which server.
type Tried = Result<(Server, Vec<Reply>), (Server, Failure)>;

impl Attempt<'_> {
    /// Sends commands once; where a node has sent them on, to the one that it has named.
    pub(super) fn send(&self, commands: &[Command], redirect: Option<&Redirect>) -> Tried {
        let upstream = self.upstream;
        if upstream.is_cluster()
            && let Some(inquiry) = upstream.cluster.inquiry(self.deadline)
        {
            self.ask_for_slots(&inquiry)?;
        }
        let named = redirect.and_then(|redirect| redirect.to.clone()).map(Server::node);
        let waiting = Cell::new(None);
        let choose = || {
            let server = named.clone().or_else(|| upstream.server_of(self.key));
            let server = server.ok_or(Failure::NobodyServes)?;
            waiting.set(upstream.wait_for(&server));
            Ok(server)
        };
        if redirect.is_some_and(|redirect| redirect.is_ask) {
            let commands = [&[Command::new(&[b"ASKING"])], commands].concat();
            // Not to be confirmed: who is sent on for once is with a node that does not serve the slot yet.
            let (server, mut replies) = self.exchange(choose, &commands, self.deadline)?;
            return Ok(match replies.remove(0) {
                // The user may not, so the others say only where the key is not.
                refused @ Reply::Error(_) => (server, vec![refused; replies.len()]),
                _ => (server, replies),
            });
        }
        let (server, replies) = self.exchange(choose, commands, self.deadline)?;
        if let Some(waiting) = waiting.take() {
            if waiting.is_long() && self.is_replaced(&waiting.node) {
                return Err((server, Failure::Replaced(waiting.node.clone())));
            }
            waiting.has_ended();
        }
        Ok((server, replies))
    }

    /// Whether a node that has replied no longer served the key then. Asks its replicas, one of which would have replaced it:
    /// another primary may not have heard of that yet, but knows who they are. If no other one answers, none has replaced it.
    fn is_replaced(&self, node: &Address) -> bool {
        let cluster = &self.upstream.cluster;
        let deadline = Deadline::after(PATIENCE_WITH_NODE);
        let (mut asked, mut is_told) = (Vec::new(), false);
        while let Some(map) = cluster.map()
            && let Some(next) = map.who_knows_of(node, &asked, is_told)
        {
            asked.push(next.clone());
            let deadline = deadline.or_after(PATIENCE_WITH_NODE / 4);
            let Ok(map) = self.slots_told_by(next, deadline) else { continue };
            let serves = map.owner(slot_of(self.key)) == Some(node);
            cluster.learn(map);
            if !serves {
                return true;
            }
            is_told = true;
        }
        false
    }

    fn exchange(
        &self,
        choose: impl Fn() -> Result<Server, Failure>,
        commands: &[Command],
        deadline: Deadline,
    ) -> Tried {
        let (upstream, settings) = (self.upstream, &self.shared.settings);
        let open = |server: &Server| {
            Ok(upstream.connect(server, deadline.or_after(settings.connect_timeout))?)
        };
        let mut lease = upstream.pool.borrow(choose, open, deadline)?;
        let server = lease.pooled.server.clone();
        match lease.pooled.connection.send(commands, deadline.or_after(settings.read_timeout)) {
            Ok(replies) => {
                lease.give_back();
                Ok((server, replies))
            }
            Err(problem) => {
                self.shared.stats.reconnections.inc();
                let name = match &server {
                    Server::Bound => upstream.to_string(),
                    Server::Node(address) => format!("{address} of {upstream}"),
                };
                Err((server, RedisError { server: name, problem }.into()))
            }
        }
    }

    /// Asks the nodes in turn. What was known before is better than nothing, so it fails only if nothing is known.
    fn ask_for_slots(&self, inquiry: &SlotInquiry<'_>) -> Result<(), (Server, Failure)> {
        let cluster = &self.upstream.cluster;
        let mut last = None;
        for node in &inquiry.nodes {
            match self.slots_told_by(node, self.deadline) {
                Ok(map) => {
                    cluster.learn(map);
                    return Ok(());
                }
                // With no time left, it says less than the one before it.
                Err(_) if self.deadline.is_over() && last.is_some() => {}
                Err(failure) => last = Some((Server::node(node.clone()), failure)),
            }
        }
        last.filter(|_| cluster.map().is_none()).map_or(Ok(()), Err)
    }

    fn slots_told_by(&self, node: &Address, deadline: Deadline) -> Result<SlotMap, Failure> {
        let slots = [Command::new(&[b"CLUSTER", b"SLOTS"])];
        let choose = || Ok(Server::node(node.clone()));
        let told = self.exchange(choose, &slots, deadline.or_after(PATIENCE_WITH_NODE));
        match told.map_err(|(_, failure)| failure)?.1.first() {
            Some(Reply::Error(error)) => Err(Failure::Refused(error.clone())),
            reply => {
                let map = reply.and_then(|reply| SlotMap::told_by(reply, node));
                map.ok_or(Failure::NobodyServes)
            }
        }
    }
}
