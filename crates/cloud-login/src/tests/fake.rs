//! An HTTP server on loopback that stands in for a cloud's source of tokens.

use serde_json::Value;
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;

/// A request.
pub(crate) struct Asked {
    /// The method and the path with its query.
    pub(crate) line: String,
    /// With names in lower case.
    pub(crate) headers: BTreeMap<String, String>,
    /// The fields of a form, decoded.
    pub(crate) form: BTreeMap<String, String>,
}

impl Asked {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    pub(crate) fn field(&self, name: &str) -> &str {
        self.form.get(name).map_or("", String::as_str)
    }
}

/// What it does about one.
pub(crate) enum Answer {
    Reply(u16, String),
    /// Keeps the connection open and says nothing.
    Hang,
}

/// What is in an answer: JSON or text.
pub(crate) struct Body(String);

impl From<Value> for Body {
    fn from(value: Value) -> Self {
        Self(value.to_string())
    }
}

impl From<&str> for Body {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

pub(crate) fn ok(body: impl Into<Body>) -> Answer {
    Answer::Reply(200, body.into().0)
}

pub(crate) fn refusal(status: u16, body: impl Into<Body>) -> Answer {
    Answer::Reply(status, body.into().0)
}

/// Serves for as long as the process lives. Returns `HOST:PORT`.
pub(crate) fn serve(answer: impl Fn(&Asked) -> Answer + Send + Sync + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let answer = Arc::new(answer);
    thread::spawn(move || {
        let mut kept = Vec::new();
        for mut stream in listener.incoming().filter_map(Result::ok) {
            let Some(asked) = read(&stream) else { continue };
            match answer(&asked) {
                Answer::Hang => kept.push(stream),
                Answer::Reply(status, body) => {
                    let length = body.len();
                    let head = format!("HTTP/1.1 {status} X\r\nContent-Length: {length}\r\n");
                    let _ = write!(stream, "{head}Connection: close\r\n\r\n{body}");
                }
            }
        }
    });
    address
}

fn read(stream: &TcpStream) -> Option<Asked> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let line = line.trim_end().strip_suffix(" HTTP/1.1")?.to_owned();
    let mut headers = BTreeMap::new();
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).ok()?;
        let Some((name, value)) = header.trim_end().split_once(": ") else { break };
        headers.insert(name.to_ascii_lowercase(), value.to_owned());
    }
    let length = headers.get("content-length").and_then(|it| it.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let body = String::from_utf8(body).ok()?;
    let pairs = body.split('&').filter_map(|pair| pair.split_once('='));
    let form = pairs.map(|(name, value)| (name.to_owned(), decoded(value))).collect();
    Some(Asked { line, headers, form })
}

fn decoded(text: &str) -> String {
    percent_encoding::percent_decode_str(text).decode_utf8().unwrap().into_owned()
}
