//! Memcached, as the worker and the status see it.

use super::conversation::Conversation;
use super::shared::Shared;
use crate::exchange::converse;
use crate::site::Site;
use crate::stats::Stats;
use std::io;
use std::os::unix::net::UnixStream;
use std::time::Instant;

impl Site for Shared {
    fn service(&self) -> String {
        self.sessions.service.name()
    }

    fn topology(&self) -> String {
        match self.sessions.service.count() {
            1 => "single server".to_owned(),
            count => format!("{count} servers"),
        }
    }

    fn started(&self) -> Instant {
        self.started
    }

    fn stats(&self) -> &Stats {
        &self.stats
    }

    fn stats_now(&self) -> &Stats {
        self.stats.set_now(self.sessions.service.counts(), self.turns.waiting());
        &self.stats
    }

    fn converse(&self, client: &UnixStream) -> io::Result<()> {
        converse(client, &self.stats, &self.memory, |owner| Conversation::new(self, owner))
    }
}
