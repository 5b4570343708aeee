//! A relay between containers and a server, which makes the way longer, or has words of its own.

use super::docker::docker_ok;
use nix::poll::{PollFd, PollFlags, ppoll};
use nix::sys::prctl::set_timerslack;
use nix::sys::time::TimeSpec;
use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::fd::AsFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// So long before something is due, the relay sleeps no more: a sleep takes some 30 µs longer than it should.
const AWAKE: Duration = Duration::from_micros(50);

/// A relay, which ends with the tests.
pub(crate) struct Relay {
    address: SocketAddr,
    /// In nanoseconds.
    round_trip: Arc<AtomicU64>,
}

/// What becomes of some bytes on their way.
type Change = fn(Vec<u8>) -> Vec<u8>;

impl Relay {
    /// Passes on what comes, so late that a round trip takes this time longer, as does connecting.
    pub(crate) fn start(server: SocketAddr, round_trip: Duration) -> Self {
        Self::start_with(server, round_trip, |bytes| bytes)
    }

    /// Passes on what comes. What Redis says of a command that it does not know becomes what some proxies say.
    pub(crate) fn of_few_words(server: SocketAddr) -> Self {
        Self::start_with(server, Duration::ZERO, |bytes| {
            let text = String::from_utf8(bytes).expect("replies of this test are text");
            let is_unknown = |line: &str| line.starts_with("-ERR unknown command");
            let lines =
                text.split("\r\n").map(|it| if is_unknown(it) { "-ERR unknown" } else { it });
            lines.collect::<Vec<_>>().join("\r\n").into_bytes()
        })
    }

    fn start_with(server: SocketAddr, round_trip: Duration, change_reply: Change) -> Self {
        let listener = TcpListener::bind((bridge(), 0)).expect("the engine's bridge");
        let address = listener.local_addr().expect("an address");
        let relay = Self { address, round_trip: Arc::default() };
        relay.set_round_trip(round_trip);
        let round_trip = Arc::clone(&relay.round_trip);
        thread::spawn(move || pass_on(&listener, server, &round_trip, change_reply));
        relay
    }

    /// From now on, a round trip takes this time longer.
    pub(crate) fn set_round_trip(&self, round_trip: Duration) {
        let nanoseconds = u64::try_from(round_trip.as_nanos()).expect("a short time");
        self.round_trip.store(nanoseconds, Ordering::Relaxed);
    }

    /// The relay's host, for containers.
    pub(crate) fn host(&self) -> String {
        self.address.ip().to_string()
    }

    /// The relay's port.
    pub(crate) fn port(&self) -> u16 {
        self.address.port()
    }
}

/// The host, as containers see it: an engine that has chosen the bridge's addresses by itself names the network only,
/// and the host is the first of it.
fn bridge() -> Ipv4Addr {
    let format = "{{with index .IPAM.Config 0}}{{.Subnet}} {{.Gateway}}{{end}}";
    let said = docker_ok(&["network", "inspect", "bridge", "--format", format]);
    let (subnet, gateway) = said.split_once(' ').unwrap_or((&said, ""));
    if let Ok(gateway) = gateway.parse() {
        return gateway;
    }
    let network: Option<Ipv4Addr> = subnet.split('/').next().and_then(|it| it.parse().ok());
    let network = network.unwrap_or_else(|| panic!("no address in {said}"));
    Ipv4Addr::from(u32::from(network) + 1)
}

/// One direction of a connection.
struct Way {
    from: TcpStream,
    to: TcpStream,
    change: Change,
    /// What is on its way, and when it arrives; nothing stands for the end.
    pieces: VecDeque<(Instant, Vec<u8>)>,
    /// Whether more may come.
    is_open: bool,
    /// Whether something has arrived.
    is_used: bool,
}

impl Way {
    fn new(from: &TcpStream, to: &TcpStream, change: Change) -> io::Result<Self> {
        to.set_nodelay(true)?;
        let (from, to) = (from.try_clone()?, to.try_clone()?);
        Ok(Self { from, to, change, pieces: VecDeque::new(), is_open: true, is_used: false })
    }

    /// Takes what has come, which arrives after `delay`.
    fn take(&mut self, delay: Duration) -> io::Result<()> {
        let mut buffer = [0; 16384];
        let length = self.from.read(&mut buffer)?;
        let due = Instant::now() + delay;
        self.is_open = length > 0;
        self.pieces.push_back((due, (self.change)(buffer[..length].to_vec())));
        Ok(())
    }

    /// Lets arrive what is due.
    fn deliver(&mut self) -> io::Result<()> {
        while let Some((_, piece)) = self.pieces.pop_front_if(|it| it.0 <= Instant::now()) {
            self.is_used = true;
            if piece.is_empty() {
                self.to.shutdown(Shutdown::Write)?;
            } else {
                self.to.write_all(&piece)?;
            }
        }
        Ok(())
    }
}

/// A client's connection: its way to the server, and the way back.
struct Connection([Way; 2]);

impl Connection {
    fn accept(listener: &TcpListener, server: SocketAddr, change: Change) -> io::Result<Self> {
        let (client, _) = listener.accept()?;
        let server = TcpStream::connect(server)?;
        Ok(Self([Way::new(&client, &server, |it| it)?, Way::new(&server, &client, change)?]))
    }

    /// Takes from the ways on which something has come, and lets arrive what is due.
    fn pass_on(&mut self, ready: [bool; 2], round_trip: Duration) -> io::Result<()> {
        let Self([there, back]) = self;
        if ready[0] {
            // The kernel has accepted the client at once. What it then sends could only come a round trip later.
            let handshake = if back.is_used { Duration::ZERO } else { round_trip };
            there.take(handshake + round_trip / 2)?;
        }
        if ready[1] {
            back.take(round_trip / 2)?;
        }
        there.deliver()?;
        back.deliver()
    }

    fn has_ended(&self) -> bool {
        self.0.iter().all(|way| !way.is_open && way.pieces.is_empty())
    }
}

/// One thread for all: no piece waits for another, and a connection costs no new thread.
fn pass_on(listener: &TcpListener, server: SocketAddr, round_trip: &AtomicU64, change: Change) {
    // Linux lets others sleep 50 µs longer than they want.
    set_timerslack(1).expect("Linux");
    let mut connections: Vec<Connection> = Vec::new();
    loop {
        let ways = || connections.iter().flat_map(|connection| &connection.0);
        let due = ways().filter_map(|way| way.pieces.front()).map(|piece| piece.0).min();
        let pause = due.map(|due| due.saturating_duration_since(Instant::now() + AWAKE));
        let source = |from| PollFd::new(from, PollFlags::POLLIN);
        let mut sources = vec![source(listener.as_fd())];
        sources.extend(ways().filter(|way| way.is_open).map(|way| source(way.from.as_fd())));
        ppoll(&mut sources, pause.map(TimeSpec::from), None).expect("open sockets");
        let ready: Vec<bool> = sources.iter().map(|it| it.any() == Some(true)).collect();
        let mut ready = ready.into_iter();
        let is_new = ready.next() == Some(true);
        let round_trip = Duration::from_nanos(round_trip.load(Ordering::Relaxed));
        connections.retain_mut(|connection| {
            let ready = [0, 1].map(|way| connection.0[way].is_open && ready.next() == Some(true));
            connection.pass_on(ready, round_trip).is_ok() && !connection.has_ended()
        });
        if is_new {
            connections.extend(Connection::accept(listener, server, change));
        }
    }
}
