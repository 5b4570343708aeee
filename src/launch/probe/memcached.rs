//! The Memcached probe: whether each server lets PHP in, in the protocol that PHP will use (binary with a login,
//! else text).

use super::outcome::Outcome;
use super::{CONNECT_TIMEOUT, Question, TIMEOUT, shortest};
use crate::diagnosis::{Cause, CauseKind};
use crate::launch::route::{NEAR, Route};
use crate::php::memcached_directives::USUAL_ITEM;
use crate::php::redis_commands::unused_name;
use crate::plan::Plan;
use session_proxy::{Access, MemcachedFault, try_memcached};
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};
use store_client::{Activity, Address, Deadline, MemcachedEndpoint, MemcachedLogin, Problem, dial};

/// The first command of a session, which every proxy knows. It is longer than a header of the binary protocol,
/// which a server with SASL would wait for.
const GET: &[u8] = b"get memc.sess.key.php-session-store-probe\r\n";

// The binary protocol: https://github.com/memcached/memcached/wiki/BinaryProtocolRevamped.
const REQUEST: u8 = 0x80;
const RESPONSE: u8 = 0x81;
const HEADER: usize = 24;
const NOOP: u8 = 0x0a;
const SASL_LIST_MECHANISMS: u8 = 0x20;
const SASL_AUTH: u8 = 0x21;
const SUCCESS: u16 = 0;
const AUTHENTICATION_ERROR: u16 = 0x20;
const UNKNOWN_COMMAND: u16 = 0x81;

/// Asks the servers as the route does.
pub(super) fn ask(question: &Question<'_>, endpoint: &MemcachedEndpoint) -> Outcome {
    match question.route {
        Route::Direct => probe(endpoint, Deadline::after(TIMEOUT)),
        Route::Proxy => try_proxy(question, endpoint),
    }
}

/// Does what the session proxy does.
fn try_proxy(question: &Question<'_>, endpoint: &MemcachedEndpoint) -> Outcome {
    let Plan { verify_peer, prefix, .. } = question.plan;
    let access = Access { endpoint: endpoint.clone(), verify_peer: *verify_peer };
    let key = format!("{prefix}{}", unused_name("probe"));
    let deadline = Deadline::after(TIMEOUT);
    // Half of the time is for the other probe, which speaks no TLS.
    let of_proxy = if endpoint.tls.is_none() { deadline.or_after(TIMEOUT / 2) } else { deadline };
    let (address, fault) = match try_memcached(&access, &key, CONNECT_TIMEOUT, of_proxy) {
        Ok(round_trip) => {
            let limits = small_items(endpoint, deadline);
            return Outcome::Kept { round_trip, max_clients: None, limits };
        }
        Err(failed) => failed,
    };
    let password = endpoint.login.as_ref().map(|login| &login.password);
    // What else listens there, and whether it knows logins, the other probe tells.
    let is_other = matches!(
        fault,
        MemcachedFault::NoLogin
            | MemcachedFault::NotMemcached
            | MemcachedFault::Connection(Problem::Closed(_) | Problem::Timeout(Activity::Answer))
    );
    if is_other
        && endpoint.tls.is_none()
        && let refused @ Outcome::Refused(_) = probe(endpoint, deadline)
    {
        return refused;
    }
    let cause = match &fault {
        MemcachedFault::Connection(problem) => {
            Cause::of_server(problem, endpoint.tls.as_ref(), Some(&address.host))
        }
        MemcachedFault::NotMemcached => Cause::seen(CauseKind::OtherService, "it is not Memcached"),
        MemcachedFault::Login(said) => {
            Cause::seen(CauseKind::WrongPassword, said).with_doubt(password)
        }
        MemcachedFault::NoLogin => Cause::of(CauseKind::PasswordNotWanted),
        MemcachedFault::Said(said) if said.starts_with("CLIENT_ERROR unauth") => {
            Cause::of(CauseKind::PasswordMissing)
        }
        fault => Cause::seen(CauseKind::UpstreamDown, fault),
    };
    Outcome::of(at(address, cause))
}

/// Asks the servers one by one. A refusal outweighs a failure that may pass.
fn probe(endpoint: &MemcachedEndpoint, deadline: Deadline) -> Outcome {
    let (mut passing, mut round_trip) = (None, Duration::ZERO);
    for address in &endpoint.servers {
        let server = MemcachedServer { address, deadline };
        let answer = match &endpoint.login {
            Some(login) => server.log_in(login),
            None => server.get(),
        };
        match answer {
            Ok(None) => {
                // With a login, the distance does not matter; and one server that is far is enough.
                if endpoint.login.is_none() && round_trip <= NEAR {
                    round_trip = round_trip.max(server.round_trip().unwrap_or_default());
                }
            }
            Ok(Some(refusal)) => {
                let password = endpoint.login.as_ref().map(|login| &login.password);
                let cause = match refusal {
                    CauseKind::OtherService => Cause::seen(refusal, "it is not Memcached"),
                    _ => Cause::of(refusal).with_doubt(password),
                };
                return Outcome::Refused(at(address, cause));
            }
            Err(problem) => {
                let cause = Cause::of_server(&problem, None, Some(&address.host));
                passing.get_or_insert(at(address, cause));
            }
        }
    }
    passing.map_or_else(
        || {
            let limits = small_items(endpoint, deadline);
            Outcome::Kept { round_trip, max_clients: None, limits }
        },
        Outcome::Passing,
    )
}

/// What is said of servers that keep smaller items than usual. With a login or TLS they don't tell: text alone is not
/// answered.
fn small_items(endpoint: &MemcachedEndpoint, deadline: Deadline) -> Vec<String> {
    let tell = endpoint.login.is_none() && endpoint.tls.is_none();
    let servers = endpoint.servers.iter().filter(|_| tell);
    servers.filter_map(|address| MemcachedServer { address, deadline }.small_items()).collect()
}

/// Which one of several servers it is.
fn at(address: &Address, cause: Cause) -> Cause {
    Cause { what: format!("{address}: {}", cause.what), ..cause }
}

/// What is wrong with the server, if anything.
type Refusal = Option<CauseKind>;

struct MemcachedServer<'a> {
    address: &'a Address,
    deadline: Deadline,
}

impl MemcachedServer<'_> {
    /// Reads a session that does not exist.
    fn get(&self) -> Result<Refusal, Problem> {
        match self.ask(GET, ends_line) {
            Ok(answer) => Ok(match answer.as_slice() {
                [b'E', b'N', b'D', ..] | [b'V', b'A', b'L', ..] => None,
                answer if answer.starts_with(b"CLIENT_ERROR") => Some(CauseKind::TextLogin),
                // It is there and may recover: a proxy says this when its servers are down.
                answer if answer.starts_with(b"SERVER_ERROR") => None,
                _ => Some(CauseKind::OtherService),
            }),
            // With SASL, memcached closes the connection on text.
            Err(problem @ (Problem::Closed(_) | Problem::Timeout(Activity::Answer))) => {
                match self.binary(NOOP, b"", b"") {
                    Ok((AUTHENTICATION_ERROR, _)) => Ok(Some(CauseKind::PasswordMissing)),
                    _ => Err(problem),
                }
            }
            Err(problem) => Err(problem),
        }
    }

    /// What is said of a server that keeps smaller items than usual. No proxy tells.
    fn small_items(&self) -> Option<String> {
        let is_whole =
            |answer: &[u8]| answer.ends_with(b"END\r\n") || answer.ends_with(b"ERROR\r\n");
        let answer = self.ask(b"stats settings\r\n", is_whole).ok()?;
        let text = String::from_utf8_lossy(&answer);
        let most = text.lines().find_map(|line| line.strip_prefix("STAT item_size_max "))?;
        let most: u64 = most.trim().parse().ok().filter(|most| *most < USUAL_ITEM)?;
        let address = self.address;
        Some(format!(
            "{address} keeps items of at most {most} bytes (item_size_max): a session that grows larger is not kept"
        ))
    }

    fn log_in(&self, login: &MemcachedLogin) -> Result<Refusal, Problem> {
        let mechanisms = match self.binary(SASL_LIST_MECHANISMS, b"", b"") {
            Ok((SUCCESS, mechanisms)) => mechanisms,
            Ok((UNKNOWN_COMMAND, _)) => return Ok(Some(CauseKind::PasswordNotWanted)),
            Ok(_) => return Ok(None),
            // A text-only server waits for the end of the line, or closes the connection.
            Err(problem) => {
                return match self.get() {
                    Ok(None) => Ok(Some(CauseKind::TextProtocolOnly)),
                    Ok(refusal @ Some(CauseKind::OtherService | CauseKind::TextLogin)) => {
                        Ok(refusal)
                    }
                    _ => Err(problem),
                };
            }
        };
        // PHP supports other mechanisms too, which we cannot test here.
        if !mechanisms.split(u8::is_ascii_whitespace).any(|mechanism| mechanism == b"PLAIN") {
            return Ok(None);
        }
        let plain = format!("\0{}\0{}", login.user, login.password.expose());
        match self.binary(SASL_AUTH, b"PLAIN", plain.as_bytes())? {
            (AUTHENTICATION_ERROR, _) => Ok(Some(CauseKind::WrongPassword)),
            _ => Ok(None),
        }
    }

    /// Sends a command of the binary protocol on its own connection; returns status and value.
    fn binary(&self, command: u8, key: &[u8], value: &[u8]) -> Result<(u16, Vec<u8>), Problem> {
        let mut request = vec![0; HEADER];
        request[0] = REQUEST;
        request[1] = command;
        // A key has at most 250 bytes, a name and a password 2 KiB.
        request[2..4].copy_from_slice(&u16::try_from(key.len()).unwrap_or(u16::MAX).to_be_bytes());
        let body = u32::try_from(key.len() + value.len()).unwrap_or(u32::MAX);
        request[8..12].copy_from_slice(&body.to_be_bytes());
        request.extend_from_slice(key);
        request.extend_from_slice(value);
        let answer = self.ask(&request, is_whole)?;
        match answer.first_chunk::<HEADER>() {
            Some(header) if header[0] == RESPONSE => {
                let status = u16::from_be_bytes([header[6], header[7]]);
                Ok((status, answer[HEADER..].to_vec()))
            }
            _ => Err(Problem::Closed(Activity::Answer)),
        }
    }

    /// How long a reply takes.
    fn round_trip(&self) -> Result<Duration, Problem> {
        let deadline = self.deadline.or_after(CONNECT_TIMEOUT);
        let mut stream = dial(self.address, deadline)?;
        let mut once = || {
            let asked = Instant::now();
            exchange(&mut stream, GET, ends_line, deadline)?;
            Ok(asked.elapsed())
        };
        shortest(once()?, once)
    }

    /// Sends a request on its own connection, and reads until the reply is complete.
    fn ask(&self, request: &[u8], whole: fn(&[u8]) -> bool) -> Result<Vec<u8>, Problem> {
        let deadline = self.deadline.or_after(CONNECT_TIMEOUT);
        exchange(&mut dial(self.address, deadline)?, request, whole, deadline)
    }
}

/// Sends a request, and reads until the reply is complete.
fn exchange(
    stream: &mut TcpStream,
    request: &[u8],
    whole: fn(&[u8]) -> bool,
    deadline: Deadline,
) -> Result<Vec<u8>, Problem> {
    let mut exchange = || -> io::Result<Vec<u8>> {
        stream.set_write_timeout(Some(deadline.remaining()?))?;
        stream.write_all(request)?;
        let mut answer = Vec::new();
        let mut buffer = [0; 1024];
        while !whole(&answer) && answer.len() < LONGEST_ANSWER {
            stream.set_read_timeout(Some(deadline.remaining()?))?;
            match stream.read(&mut buffer)? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                read => answer.extend_from_slice(&buffer[..read]),
            }
        }
        Ok(answer)
    };
    exchange().map_err(|error| match error.kind() {
        io::ErrorKind::WouldBlock => Problem::Timeout(Activity::Answer),
        _ => Problem::of_stream(error, Activity::Answer),
    })
}

fn ends_line(answer: &[u8]) -> bool {
    answer.ends_with(b"\n")
}

/// A server's list of mechanisms is shorter.
const LONGEST_ANSWER: usize = 16 * 1024;

/// Whether a reply of the binary protocol is complete, or is not in that protocol at all.
fn is_whole(answer: &[u8]) -> bool {
    match answer.first_chunk::<HEADER>() {
        Some(header) if header[0] == RESPONSE => {
            let body = u32::from_be_bytes([header[8], header[9], header[10], header[11]]);
            answer.len() - HEADER >= usize::try_from(body).unwrap_or(usize::MAX)
        }
        Some(_) => true,
        None => answer.first().is_some_and(|first| *first != RESPONSE),
    }
}
