//! A look into a Memcached server.

use percent_encoding::percent_decode_str;
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::thread::sleep;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A client of the text protocol of Memcached.
pub(crate) struct MemcachedClient {
    stream: BufReader<TcpStream>,
}

/// Asks for all keys. A walk along the LRU would miss items that are moved meanwhile.
const KEYS: &str = "lru_crawler metadump hash";

impl MemcachedClient {
    pub(crate) fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).expect("a server");
        Self { stream: BufReader::new(stream) }
    }

    /// The keys that the server keeps, each with the seconds until it expires, or with -1.
    pub(crate) fn expirations(&mut self) -> BTreeMap<Vec<u8>, i64> {
        let mut items = self.lines(KEYS);
        while items.first().is_some_and(|line| line.starts_with("BUSY")) {
            sleep(Duration::from_millis(1));
            items = self.lines(KEYS);
        }
        let now =
            SystemTime::now().duration_since(UNIX_EPOCH).expect("a time after 1970").as_secs();
        let expiration = |item: &String| {
            let field = |name| item.split(' ').find_map(|word| word.strip_prefix(name));
            let at: i64 = field("exp=")?.parse().ok()?;
            let seconds = if at < 0 { at } else { at - now.cast_signed() };
            Some((percent_decode_str(field("key=")?).collect(), seconds))
        };
        items.iter().map(|item| expiration(item).unwrap_or_else(|| panic!("{item}"))).collect()
    }

    /// What is kept under a key. PHP's handler of sessions has no flags.
    pub(crate) fn data(&mut self, key: &[u8]) -> Option<Vec<u8>> {
        self.say(&[b"get ", key].concat());
        let line = self.line();
        if line == "END" {
            return None;
        }
        let length = line.rsplit_once(" 0 ").and_then(|(_, length)| length.parse::<usize>().ok());
        let length = length.unwrap_or_else(|| panic!("{line}"));
        let mut data = vec![0; length + "\r\nEND\r\n".len()];
        self.stream.read_exact(&mut data).expect("an answer");
        data.truncate(length);
        Some(data)
    }

    /// Removes what is kept under a key.
    pub(crate) fn delete(&mut self, key: &[u8]) {
        self.say(&[b"delete ", key].concat());
        let line = self.line();
        assert!(matches!(&*line, "DELETED" | "NOT_FOUND"), "{line}");
    }

    /// The lines of an answer, up to its end; only the first one if the server is busy with another client's question.
    pub(super) fn lines(&mut self, command: &str) -> Vec<String> {
        self.say(command.as_bytes());
        let mut lines = vec![self.line()];
        while !lines.last().is_some_and(|line| line == "END" || line.starts_with("BUSY")) {
            lines.push(self.line());
        }
        lines.retain(|line| line != "END");
        lines
    }

    fn say(&mut self, command: &[u8]) {
        let command = [command, b"\r\n"].concat();
        self.stream.get_mut().write_all(&command).expect("a server");
    }

    fn line(&mut self) -> String {
        let mut line = Vec::new();
        self.stream.read_until(b'\n', &mut line).expect("an answer");
        String::from_utf8_lossy(&line).trim_end().to_owned()
    }
}
