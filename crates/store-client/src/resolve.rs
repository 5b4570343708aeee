//! Resolves names, with a limit on the wait.

use super::address::{Address, Host};
use super::deadline::Deadline;
use super::error::{Activity, Problem};
use std::collections::BTreeMap;
use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

type Found = Result<Vec<SocketAddr>, Arc<io::Error>>;
type LookUp = fn(&str, u16) -> io::Result<Vec<SocketAddr>>;

/// The system's resolver has no timeout, so it runs in a thread of its own, and we stop waiting at the deadline. There is one
/// thread for each name: who comes meanwhile waits for the same one, so a DNS server that never answers does not use up
/// the container's threads.
struct Resolver {
    look_up: LookUp,
    under_way: Mutex<BTreeMap<(String, u16), Arc<Lookup>>>,
}

#[derive(Default)]
struct Lookup {
    found: Mutex<Option<Found>>,
    done: Condvar,
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
        Self { look_up, under_way: Mutex::new(BTreeMap::new()) }
    }

    fn resolve(
        &'static self,
        name: &str,
        port: u16,
        deadline: Deadline,
    ) -> Result<Vec<SocketAddr>, Problem> {
        let late = || Problem::Timeout(Activity::Resolving);
        let lookup = self.join(name, port).map_err(Problem::Resolve)?;
        let mut found = lookup.found();
        loop {
            if let Some(found) = &*found {
                let failed = |error: &Arc<io::Error>| io::Error::new(error.kind(), error.clone());
                return found.as_ref().cloned().map_err(failed).map_err(Problem::Resolve);
            }
            let left = deadline.remaining().map_err(|_| late())?;
            let waited = lookup.done.wait_timeout(found, left);
            found = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// The look-up of this name that is under way, or a new one.
    fn join(&'static self, name: &str, port: u16) -> io::Result<Arc<Lookup>> {
        let mut under_way = self.under_way();
        let key = (name.to_owned(), port);
        if let Some(lookup) = under_way.get(&key) {
            return Ok(lookup.clone());
        }
        let lookup = Arc::new(Lookup::default());
        under_way.insert(key.clone(), lookup.clone());
        let answered = lookup.clone();
        let spawned = thread::Builder::new().spawn({
            let key = key.clone();
            move || {
                let found = (self.look_up)(&key.0, key.1).map_err(Arc::new);
                // Later ones ask again.
                self.under_way().remove(&key);
                *answered.found() = Some(found);
                answered.done.notify_all();
            }
        });
        if let Err(error) = spawned {
            under_way.remove(&key);
            return Err(error);
        }
        Ok(lookup)
    }

    fn under_way(&self) -> MutexGuard<'_, BTreeMap<(String, u16), Arc<Lookup>>> {
        self.under_way.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lookup {
    fn found(&self) -> MutexGuard<'_, Option<Found>> {
        self.found.lock().unwrap_or_else(PoisonError::into_inner)
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
        while !RESOLVER.under_way().is_empty() {
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
