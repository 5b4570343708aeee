//! One try to have commands run, by the server that has their key.

use super::{Failure, RetryingClient};
use crate::cluster::Inquiry;
use crate::pool::{NoConnection, With};
use crate::silence::Waiting;
use crate::slots::{Redirect, SlotMap, slot_of};
use crate::upstream::{Server, Upstream};
use std::cell::Cell;
use std::sync::Arc;
use std::time::Duration;
use store_client::{Address, Command, Deadline, RedisError, Reply};

/// How long a node of a cluster may take to say where the slots are, before the next one is asked.
const PATIENCE_WITH_NODE: Duration = Duration::from_secs(1);

impl RetryingClient {
    /// Sends commands once, and tells to whom; where a node has sent them on, to the one that it has named.
    pub(super) fn attempt(
        &self,
        upstream: &Arc<Upstream>,
        key: &[u8],
        commands: &[Command],
        redirect: Option<&Redirect>,
        deadline: Deadline,
    ) -> (Server, Result<Vec<Reply>, Failure>) {
        if let Some(inquiry) = upstream.cluster.inquiry(deadline)
            && let Err((server, failure)) = self.ask_for_slots(upstream, &inquiry, deadline)
        {
            return (server.unwrap_or(Server::Bound), Err(failure));
        }
        let named = redirect.and_then(|redirect| redirect.to.clone()).map(Server::node);
        let is_ask = redirect.is_some_and(|redirect| redirect.is_ask);
        let waiting = Cell::new(None);
        let choose = || {
            let server = named.clone().or_else(|| upstream.server_of(key))?;
            waiting.set(upstream.wait_for(&server));
            Some(server)
        };
        let sent = if is_ask {
            let commands = [&[Command::new(&[b"ASKING"])], commands].concat();
            self.exchange(upstream, choose, &commands, deadline).map(|(server, mut replies)| {
                match replies.remove(0) {
                    // The user may not, so the others say only where the key is not.
                    refused @ Reply::Error(_) => (server, vec![refused; replies.len()]),
                    _ => (server, replies),
                }
            })
        } else {
            self.exchange(upstream, choose, commands, deadline)
        };
        match sent {
            // Who is sent on for once is with a node that does not serve the slot yet.
            Ok((server, replies)) if is_ask => (server, Ok(replies)),
            Ok((server, replies)) => {
                let confirmed = self.confirm(upstream, key, waiting.take());
                (server, confirmed.map(|()| replies))
            }
            Err((server, problem)) => (server.unwrap_or(Server::Bound), Err(problem.into())),
        }
    }

    /// Makes sure that the node that has replied still served the key then. If no other one answers, none has replaced it.
    fn confirm(
        &self,
        upstream: &Arc<Upstream>,
        key: &[u8],
        waiting: Option<Waiting<'_>>,
    ) -> Result<(), Failure> {
        let Some(waiting) = waiting else { return Ok(()) };
        if waiting.is_long() {
            self.ask_whether_it_serves(upstream, key, &waiting.node)?;
        }
        waiting.has_ended();
        Ok(())
    }

    /// Asks the replicas, one of which would have replaced it: another primary may not have heard of that yet, but knows who
    /// they are.
    fn ask_whether_it_serves(
        &self,
        upstream: &Arc<Upstream>,
        key: &[u8],
        node: &Arc<Address>,
    ) -> Result<(), Failure> {
        let deadline = Deadline::after(PATIENCE_WITH_NODE);
        let (mut asked, mut is_told) = (Vec::new(), false);
        while let Some(map) = upstream.cluster.map()
            && let Some(next) = map.who_knows_of(node, &asked, is_told)
        {
            asked.push(next.clone());
            let deadline = deadline.or_after(PATIENCE_WITH_NODE / 4);
            let Ok(map) = self.ask_for_slots_of(next, upstream, deadline) else { continue };
            let serves = map.owner(slot_of(key)) == Some(&**node);
            upstream.cluster.learn(map);
            if !serves {
                return Err(NoConnection::Replaced(Arc::clone(node)).into());
            }
            is_told = true;
        }
        Ok(())
    }

    fn exchange(
        &self,
        upstream: &Arc<Upstream>,
        choose: impl Fn() -> Option<Server>,
        commands: &[Command],
        deadline: Deadline,
    ) -> Result<(Server, Vec<Reply>), With<NoConnection>> {
        let mut lease = self.pool.borrow(upstream, choose, deadline)?;
        let deadline = deadline.or_after(self.waits.read_timeout);
        match lease.connection().send(commands, deadline) {
            Ok(replies) => {
                let server = lease.server().clone();
                lease.give_back();
                Ok((server, replies))
            }
            Err(problem) => {
                self.stats.reconnections.inc();
                let server = match lease.server() {
                    Server::Bound => upstream.to_string(),
                    Server::Node(address) => format!("{address} of {upstream}"),
                };
                let error = RedisError { server, problem };
                Err((Some(lease.server().clone()), error.into()))
            }
        }
    }

    /// Asks the nodes in turn. What was known before is better than nothing, so it fails only if nothing is known.
    fn ask_for_slots(
        &self,
        upstream: &Arc<Upstream>,
        inquiry: &Inquiry<'_>,
        deadline: Deadline,
    ) -> Result<(), With<Failure>> {
        let mut last = None;
        for node in &inquiry.nodes {
            match self.ask_for_slots_of(node, upstream, deadline) {
                Ok(map) => {
                    upstream.cluster.learn(map);
                    return Ok(());
                }
                // With no time left, it says less than the one before it.
                Err(_) if deadline.is_over() && last.is_some() => {}
                Err(failure) => last = Some((Some(Server::node(node.clone())), failure)),
            }
        }
        last.filter(|_| upstream.cluster.map().is_none()).map_or(Ok(()), Err)
    }

    fn ask_for_slots_of(
        &self,
        node: &Address,
        upstream: &Arc<Upstream>,
        deadline: Deadline,
    ) -> Result<SlotMap, Failure> {
        let slots = [Command::new(&[b"CLUSTER", b"SLOTS"])];
        let choose = || Some(Server::node(node.clone()));
        let deadline = deadline.or_after(PATIENCE_WITH_NODE);
        let asked = self.exchange(upstream, choose, &slots, deadline);
        let (_, replies) = asked.map_err(|(_, problem)| problem)?;
        match replies.into_iter().next() {
            Some(Reply::Error(error)) => Err(Failure::Refused(error)),
            reply => {
                let told = reply.and_then(|reply| SlotMap::told_by(&reply, node));
                Ok(told.ok_or(NoConnection::NobodyServes)?)
            }
        }
    }
}
