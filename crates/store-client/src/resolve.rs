//! Resolves names, with a limit on the wait.

use super::address::{Address, Host};
use super::deadline::Deadline;
use super::error::{Activity, Problem};
use std::collections::BTreeMap;
use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

type Found = Result<Vec<SocketAddr>, Arc<io::Error>>;
type LookUp = fn(&str, u16) -> io::Result<Vec<SocketAddr>>;
/// Who waits for the addresses of a name and port.
type Lookups = BTreeMap<(String, u16), Vec<Sender<Found>>>;

/// The system's resolver has no timeout, so it runs in a thread of its own, and we stop waiting at the deadline. There is one
/// thread for each name: who comes meanwhile waits for the same one, so a DNS server that never answers does not use up
/// the container's threads.
struct Resolver {
    look_up: LookUp,
    waiting: Mutex<Lookups>,
}

static SYSTEM: Resolver = Resolver::new(|name, port| Ok((name, port).to_socket_addrs()?.collect()));

/// The addresses of a host.
pub(super) fn resolve(address: &Address, deadline: Deadline) -> Result<Vec<SocketAddr>, Problem> {
    match &address.host {
        Host::Ip(ip) => Ok(vec![SocketAddr::new(*ip, address.port)]),
        Host::Name(name) => SYSTEM.resolve(name, address.port, deadline),
    }
}

impl Resolver {
    const fn new(look_up: LookUp) -> Self {
        Self { look_up, waiting: Mutex::new(BTreeMap::new()) }
    }

    fn resolve(
        &'static self,
        name: &str,
        port: u16,
        deadline: Deadline,
    ) -> Result<Vec<SocketAddr>, Problem> {
        let told = self.ask(name, port).map_err(Problem::Resolve)?;
        let found = deadline.remaining().ok().and_then(|left| told.recv_timeout(left).ok());
        let found = found.ok_or(Problem::Timeout(Activity::Resolving))?;
        found.map_err(|error| Problem::Resolve(io::Error::new(error.kind(), error)))
    }

    /// Waits for the look-up of this name that is under way, or begins one.
    fn ask(&'static self, name: &str, port: u16) -> io::Result<Receiver<Found>> {
        let (tell, told) = channel();
        let key = (name.to_owned(), port);
        let mut waiting = self.waiting();
        if let Some(others) = waiting.get_mut(&key) {
            others.push(tell);
            return Ok(told);
        }
        let asked = key.clone();
        thread::Builder::new().spawn(move || {
            let found = (self.look_up)(&asked.0, asked.1).map_err(Arc::new);
            // Later ones ask again.
            for tell in self.waiting().remove(&asked).unwrap_or_default() {
                // Who has stopped waiting does not listen.
                let _ = tell.send(found.clone());
            }
        })?;
        waiting.insert(key, vec![tell]);
        Ok(told)
    }

    fn waiting(&self) -> MutexGuard<'_, Lookups> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    static ASKED: AtomicUsize = AtomicUsize::new(0);
    static SILENT: Mutex<()> = Mutex::new(());

    /// Does not answer as long as the lock is held.
    fn silent(_: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        ASKED.fetch_add(1, Ordering::Relaxed);
        let _silence = SILENT.lock().map_err(|_| io::Error::other("the test failed"))?;
        Ok(vec![SocketAddr::new([10, 0, 0, 1].into(), port)])
    }

    #[test]
    fn a_server_that_never_answers_keeps_one_thread_busy_and_not_one_for_each_attempt() {
        static RESOLVER: Resolver = Resolver::new(silent);
        let ask = |wait| RESOLVER.resolve("redis", 6379, Deadline::after(wait));
        let silence = SILENT.lock().unwrap();
        for _ in 0..20 {
            let late = ask(Duration::from_millis(5));
            assert!(matches!(late, Err(Problem::Timeout(Activity::Resolving))), "{late:?}");
        }
        while ASKED.load(Ordering::Relaxed) == 0 {
            thread::yield_now();
        }
        drop(silence);
        while !RESOLVER.waiting().is_empty() {
            thread::yield_now();
        }
        assert_eq!(ASKED.load(Ordering::Relaxed), 1);
        // What was found is not kept.
        let found = ask(Duration::from_mins(1)).unwrap();
        assert_eq!(found, [SocketAddr::new([10, 0, 0, 1].into(), 6379)]);
        assert_eq!(ASKED.load(Ordering::Relaxed), 2);
    }

    #[test]
    fn why_a_name_has_no_address_is_said() {
        static RESOLVER: Resolver =
            Resolver::new(|name, _| Err(io::Error::other(format!("{name}?"))));
        let error = RESOLVER.resolve("redis", 6379, Deadline::after(Duration::from_mins(1)));
        assert_eq!(error.unwrap_err().to_string(), "the name cannot be resolved (redis?)");
    }
}
