//! A relay between containers and a server, which makes the way longer.

use super::docker::docker_ok;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

/// A relay that delays; it ends with the test.
pub(crate) struct Relay {
    address: SocketAddr,
}

impl Relay {
    /// Passes on what comes, after `delay`, in each direction.
    pub(crate) fn start(server: SocketAddr, delay: Duration) -> Self {
        let listener = TcpListener::bind((bridge(), 0)).expect("the engine's bridge");
        let address = listener.local_addr().expect("an address");
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let Ok(server) = TcpStream::connect(server) else { continue };
                for (from, to) in [(&client, &server), (&server, &client)] {
                    let (from, to) = (from.try_clone(), to.try_clone());
                    thread::spawn(move || pass_on(from?, to?, delay));
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

fn pass_on(mut from: TcpStream, mut to: TcpStream, delay: Duration) -> std::io::Result<()> {
    to.set_nodelay(true)?;
    let mut buffer = [0; 16384];
    loop {
        let length = from.read(&mut buffer)?;
        thread::sleep(delay);
        if length == 0 {
            return to.shutdown(std::net::Shutdown::Write);
        }
        to.write_all(&buffer[..length])?;
    }
}
