//! What happens to a server, and what users notice of it, as docs/operations.md says.

use super::{IMPATIENT, PROXY, Web};
use crate::support::app::Instance;
use crate::support::faulty::{FaultyServer, Kind};
use std::fmt;

/// What happens to the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    Restart,
    Down,
    Hung,
    WrongPassword,
    Reset,
    Dropped,
    LockedOut,
    Full,
    NoPermission,
    Demoted,
    Loading,
    LoadingForLong,
    WorkerKilled,
    SupervisorKilled,
    FolderRemoved,
}

pub(crate) const FAULTS: [Fault; 6] =
    [Fault::Restart, Fault::Down, Fault::WrongPassword, Fault::Reset, Fault::Dropped, Fault::Hung];
/// What Redis answers, and takes no session.
pub(crate) const REFUSALS: [Fault; 6] = [
    Fault::LockedOut,
    Fault::Full,
    Fault::NoPermission,
    Fault::Demoted,
    Fault::Loading,
    Fault::LoadingForLong,
];
/// What happens to the proxy itself.
pub(crate) const FAULTS_OF_PROXY: [Fault; 3] =
    [Fault::WorkerKilled, Fault::SupervisorKilled, Fault::FolderRemoved];

/// What is noticed, as docs/operations.md says.
pub(crate) struct Row {
    pub(crate) errors: u32,
    /// Pages with a session of nobody.
    pub(crate) forgotten: u32,
    /// At most, in seconds.
    pub(crate) longest: f64,
}

impl Fault {
    /// Lets it happen.
    pub(crate) fn happen(self, server: &FaultyServer, instance: &Instance) {
        let as_root = |command: &str| instance.container.exec_as_root(&["sh", "-c", command]);
        match self {
            Self::Restart => server.kill(false),
            Self::Down => server.kill(true),
            Self::Hung => server.hang(),
            Self::WrongPassword => server.change_password(),
            Self::Reset => server.cut("REJECT --reject-with tcp-reset"),
            Self::Dropped => server.cut("DROP"),
            Self::LockedOut => server.lock_out(),
            Self::Full => server.fill(),
            Self::NoPermission => server.forbid(),
            Self::Demoted => server.demote(),
            Self::Loading => server.load(2),
            Self::LoadingForLong => server.load(60),
            Self::WorkerKilled => drop(as_root("pkill -KILL -f 'session-proxy [w]ork'")),
            Self::SupervisorKilled => drop(as_root("pkill -KILL -f 'session-proxy [s]upervise'")),
            Self::FolderRemoved => drop(as_root("rm -r /tmp/php-session-store-*")),
        }
    }

    /// How many requests each visitor makes while it lasts.
    pub(crate) fn rounds(self) -> u32 {
        if self == Self::Hung || REFUSALS.contains(&self) { 1 } else { 3 }
    }

    /// The row of the table for this fault. The waits are those of the ini files.
    pub(crate) fn row(self, kind: Kind, web: Web, rounds: u32) -> Row {
        let all = rounds * web.workers;
        let (errors, forgotten, longest) = match (self, kind) {
            (Self::Restart, Kind::Redis)
            | (Self::WorkerKilled | Self::SupervisorKilled | Self::FolderRemoved, _) => (0, 0, 2.0),
            (Self::Loading, _) if web.options == PROXY => (0, 0, 5.0),
            (Self::Full, _) if web.options == PROXY => (all, 0, 2.0),
            (Self::LockedOut | Self::NoPermission, _) if web.options == PROXY => (0, all, 2.0),
            // phpredis takes a refusal for somebody else's lock, and tries again for 15 seconds and more.
            (Self::Full | Self::NoPermission | Self::Demoted, _) if web.options != PROXY => {
                (all, 0, 50.0)
            }
            (Self::Loading | Self::LoadingForLong, _) if web.options != PROXY => (all, 0, 5.0),
            // The proxy's connections outlive the password; it waits for 5 seconds, and lets nobody wait longer.
            (Self::WrongPassword, _) if web.options == PROXY => (0, 0, 2.0),
            // Memcached keeps everything in memory: each visitor starts over, once.
            (Self::Restart, _) => (0, web.workers, 2.0),
            _ if web.options == PROXY => (0, all, 6.0),
            (Self::Hung, Kind::Redis) => (all, 0, 4.0),
            (Self::Hung, Kind::MemcachedWithLogin) => (0, all, 7.0),
            // Each of 38 tries for the lock waits 5 seconds (8 tries with a second's timeout); no setting
            // changes that.
            (Self::Hung, Kind::Memcached) if web.name == IMPATIENT.name => (0, all, 45.0),
            (Self::Hung, Kind::Memcached) => (0, all, 200.0),
            (Self::Dropped, Kind::Redis) => (0, all, 3.0),
            (Self::Dropped, Kind::Memcached) => (0, all, 7.5),
            _ => (0, all, 2.0),
        };
        Row { errors, forgotten, longest }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Restart => "restarted",
            Self::Down => "down",
            Self::Hung => "hung (SIGSTOP)",
            Self::WrongPassword => "password changed",
            Self::Reset => "network answers with resets",
            Self::Dropped => "network drops packets",
            Self::LockedOut => "password changed, connections closed",
            Self::Full => "out of memory (OOM)",
            Self::NoPermission => "user may not write (NOPERM)",
            Self::Demoted => "demoted (READONLY)",
            Self::Loading => "restarted, loads its data for 2 s (LOADING)",
            Self::LoadingForLong => "restarted, loads its data for 60 s",
            Self::WorkerKilled => "proxy's worker killed",
            Self::SupervisorKilled => "proxy's supervisor killed",
            Self::FolderRemoved => "proxy's folder removed",
        })
    }
}
