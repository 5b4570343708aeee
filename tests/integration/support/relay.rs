//! A relay between containers and a server, which makes the way longer, or has words of its own.

use super::docker::docker_ok;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

/// A relay, which ends with the test.
pub(crate) struct Relay {
    address: SocketAddr,
}

/// What becomes of some bytes on their way.
type Change = fn(Vec<u8>) -> Vec<u8>;

impl Relay {
    /// Passes on what comes, after `delay`, in each direction.
    pub(crate) fn start(server: SocketAddr, delay: Duration) -> Self {
        Self::start_with(server, delay, |bytes| bytes)
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

    fn start_with(server: SocketAddr, delay: Duration, change_reply: Change) -> Self {
        let listener = TcpListener::bind((bridge(), 0)).expect("the engine's bridge");
        let address = listener.local_addr().expect("an address");
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let Ok(server) = TcpStream::connect(server) else { continue };
                let ways: [(_, _, Change); 2] =
                    [(&client, &server, |bytes| bytes), (&server, &client, change_reply)];
                for (from, to, change) in ways {
                    let (from, to) = (from.try_clone(), to.try_clone());
                    thread::spawn(move || pass_on(from?, to?, delay, change));
                }
            }
        });
        Self { address }
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

fn pass_on(
    mut from: TcpStream,
    mut to: TcpStream,
    delay: Duration,
    change: Change,
) -> std::io::Result<()> {
    to.set_nodelay(true)?;
    let mut buffer = [0; 16384];
    loop {
        let length = from.read(&mut buffer)?;
        thread::sleep(delay);
        if length == 0 {
            return to.shutdown(std::net::Shutdown::Write);
        }
        to.write_all(&change(buffer[..length].to_vec()))?;
    }
}
