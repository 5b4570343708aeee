//! The route from PHP to the service: directly through PHP's own handler, or through the session proxy.

use super::socket_folder::{NoPlace, Place};
use crate::diagnosis::Cause;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The session proxy to start or find.
pub struct ProxyWanted<'a> {
    pub layer: &'a Path,
    /// Identifies the service.
    pub(crate) service: String,
    /// `TMPDIR`.
    pub(crate) tmp: Option<&'a str>,
    /// The folder shared with a proxy that the platform runs; if set, no proxy is started.
    pub(crate) folder: Option<&'a Path>,
}

impl ProxyWanted<'_> {
    /// The folder of the proxy that the launch starts.
    pub(crate) fn place(&self) -> Result<Place, NoPlace> {
        Place::make(self.tmp, &format!("{}\n{}", self.layer.display(), self.service))
    }
}

/// Starts the session proxy, or finds it, and returns its socket.
pub(crate) type StartProxy<'a> = &'a dyn Fn(&ProxyWanted<'_>) -> anyhow::Result<PathBuf>;

/// How PHP reaches the service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Route {
    /// Through its own handler.
    Direct,
    /// Through the session proxy.
    Proxy,
}

/// A server whose replies take longer is far: the session proxy, with its two round trips, is then the faster way. At
/// 0.2 ms it adds half as much to a page as PHP's own handler, with its six or seven; on the same machine both add as
/// much (docs/performance.md), and a server there, behind a bridge, replies within 0.07 ms.
pub(super) const NEAR: Duration = Duration::from_micros(80);

/// Why it is this route.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Reason {
    /// The settings, the service or the app leave no other, or it is not known how far the server is.
    Given,
    /// The session proxy keeps its connections: PHP's own handler pays for a TLS handshake in each request. It will do,
    /// though, if the proxy cannot run here.
    Handshakes,
    /// The session proxy has fewer round trips, each of which takes this time. PHP's own handler will do here, too.
    Distance(Duration),
    /// PHP's own handler, as the server is near: it replies within this time.
    Near(Duration),
    /// It is a cluster, in which PHP's own handler does not lock. It will do, though, if the proxy cannot run here.
    Locks,
    /// It turned out to be a cluster, of which PHP's handler for single servers can make nothing.
    Cluster,
    /// PHP's own handler, although it pays for that: the option `persistent` is a decision for it, on or off.
    Persistent,
    /// The same: a task has no visitors who wait. If it is the container's first process, the proxy would be one of its
    /// children, and one that waits for all of them would never end.
    Task,
    /// The same: the app sets what the session proxy cannot follow.
    OwnSetting,
    /// The same, because the service refuses this to the session proxy, but not to PHP.
    ProxyRefused(Cause),
}

impl Reason {
    /// What the launch's line says of it, if a line of its own does not, and what it costs to take PHP's own handler in
    /// place of the session proxy, where that would do.
    pub(super) fn words(&self) -> (String, Option<String>) {
        let takes = |reply: &Duration| format!("a reply takes {:.2} ms", reply.as_secs_f64() * 1e3);
        let (why, drawback) = match self {
            Self::Given | Self::OwnSetting | Self::ProxyRefused(_) => ("", None),
            Self::Handshakes => ("for TLS", Some("with a TLS handshake in each request")),
            Self::Distance(reply) => {
                return (takes(reply), Some(format!("which is slow, as {}", takes(reply))));
            }
            Self::Near(reply) => return (takes(reply), None),
            Self::Locks => ("for locks in a cluster", Some("without locks")),
            Self::Cluster => ("the server is part of a cluster", None),
            Self::Persistent => ("persistent is set", None),
            Self::Task => ("a task has no visitors who wait", None),
        };
        (why.to_owned(), drawback.map(str::to_owned))
    }

    /// Whether PHP's own handler would do as well, in a way.
    pub(super) fn leaves_a_choice(&self) -> bool {
        self.words().1.is_some()
    }
}
