//! Redis, as the worker and the status see it.

use super::conversation::Conversation;
use super::exchange::converse;
use super::shared::Shared;
use super::site::Site;
use super::stats::Stats;
use std::io;
use std::os::unix::net::UnixStream;
use std::time::Instant;

impl Site for Shared {
    fn service(&self) -> String {
        self.service.pool.credentials().current().to_string()
    }

    fn topology(&self) -> String {
        self.service.pool.credentials().current().topology()
    }

    fn primary(&self) -> Option<String> {
        let service = self.service.pool.credentials().current();
        service.primary().map(|address| address.to_string())
    }

    fn started(&self) -> Instant {
        self.started
    }

    fn stats(&self) -> &Stats {
        &self.stats
    }

    fn stats_now(&self) -> &Stats {
        self.stats.set_now(self.service.pool.counts(), self.turns.waiting());
        &self.stats
    }

    fn converse(&self, client: &UnixStream) -> io::Result<()> {
        converse(client, &self.stats, &self.memory, |owner| Conversation::new(self, owner))
    }
}
