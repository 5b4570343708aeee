//! What was measured, as docs/performance.jsonl keeps it: a figure on each line, which says of what kind it is.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::fs;
use std::path::Path;

/// The parts of a measurement, and the kinds of figures in each. `make bench PARTS=…` takes some of them.
const PARTS: [(&str, &[&str]); 9] = [
    ("speed", &["speed"]),
    ("distance", &["distance"]),
    ("locking", &["locking"]),
    ("faults", &["faults", "new_visitors"]),
    ("costs", &["starts", "proxy"]),
    ("programs", &["sizes"]),
    ("crates", &["crates"]),
    ("demo", &["demo"]),
    ("cold", &["cold", "cold_steps"]),
];
/// What the machine is and which versions it has, as one more part.
const MACHINE: (&str, &[&str]) = ("machine", &["machine"]);

/// All figures, each an object with its `kind`.
pub(crate) struct Figures(Vec<Value>);

impl Figures {
    pub(crate) fn parse(lines: &str) -> Self {
        Self(lines.lines().map(|line| line.parse().expect("JSON")).collect())
    }

    pub(crate) fn render(&self) -> String {
        self.0.iter().flat_map(|figure| [figure.to_string(), "\n".to_owned()]).collect()
    }

    /// Takes what a measurement has left in a folder, a file for each kind, in the place of what was there of the same
    /// parts. A part's own file says when it was measured.
    pub(crate) fn take(&mut self, folder: &Path) {
        for (part, kinds) in PARTS.into_iter().chain([MACHINE]) {
            let Ok(when) = fs::read_to_string(folder.join(part)) else { continue };
            self.0.retain(|it| !kinds.iter().any(|kind| it["kind"] == *kind));
            self.0.retain(|it| it["kind"] != "when" || it["part"] != part);
            self.0.push(json!({"kind": "when", "part": part, "when": when.trim()}));
            for kind in kinds {
                let lines = fs::read_to_string(folder.join(format!("{kind}.jsonl")));
                for line in lines.unwrap_or_default().lines() {
                    let mut figure = rounded(line.parse().expect("JSON"));
                    figure["kind"] = json!(kind);
                    self.0.push(figure);
                }
            }
        }
        self.0.sort_by_cached_key(|it| (it["kind"].to_string(), it.to_string()));
    }

    /// The figures of a kind.
    pub(crate) fn of<T: DeserializeOwned>(&self, kind: &str) -> Vec<T> {
        let figures = self.0.iter().filter(|it| it["kind"] == kind);
        let parsed = figures.map(|figure| serde_json::from_value(figure.clone()));
        parsed.map(|it| it.unwrap_or_else(|error| panic!("{kind}: {error}"))).collect()
    }

    /// When a part was measured, and with which load before, if it was.
    pub(crate) fn when(&self, part: &str) -> Option<&str> {
        let when = self.0.iter().find(|it| it["kind"] == "when" && it["part"] == part)?;
        when["when"].as_str()
    }
}

/// No more digits than mean anything.
fn rounded(value: Value) -> Value {
    match value {
        Value::Number(number) if !number.is_u64() => {
            json!((number.as_f64().expect("a number") * 1000.0).round() / 1000.0)
        }
        Value::Array(values) => values.into_iter().map(rounded).collect(),
        Value::Object(fields) => {
            fields.into_iter().map(|(name, value)| (name, rounded(value))).collect()
        }
        other => other,
    }
}

/// A fact of the machine.
#[derive(Debug, Deserialize)]
pub(crate) struct Fact {
    pub(crate) name: String,
    pub(crate) value: String,
}

/// Requests a second in each round, with our settings and with others.
#[derive(Debug, Deserialize)]
pub(crate) struct Speed {
    pub(crate) what: String,
    pub(crate) suite: String,
    pub(crate) beside: String,
    pub(crate) here: Vec<f64>,
    pub(crate) there: Vec<f64>,
}

/// A page at one distance of the server, in milliseconds; a figure for each round.
#[derive(Debug, Deserialize)]
pub(crate) struct Distance {
    pub(crate) suite: String,
    pub(crate) round_trip: f64,
    pub(crate) measured: f64,
    pub(crate) without_session: Vec<f64>,
    pub(crate) ways: Ways,
    /// `own` or `proxy`.
    pub(crate) by_default: String,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Ways {
    pub(crate) peers: Way,
    pub(crate) own: Way,
    pub(crate) kept: Way,
    pub(crate) proxy: Way,
}

/// One visitor's page, and four visitors' requests a second.
#[derive(Debug, Deserialize)]
pub(crate) struct Way {
    pub(crate) page: Vec<f64>,
    pub(crate) requests: Vec<f64>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Locking {
    pub(crate) server: String,
    pub(crate) suite: String,
    pub(crate) locked_seconds: f64,
    pub(crate) unlocked_seconds: f64,
    pub(crate) requests: u32,
    pub(crate) locked_lost: u32,
    pub(crate) unlocked_lost: u32,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Fault {
    pub(crate) server: String,
    pub(crate) what: String,
    pub(crate) web: String,
    pub(crate) suite: String,
    pub(crate) requests: u32,
    pub(crate) errors: u32,
    pub(crate) forgotten: u32,
    /// Earlier figures count these among the forgotten ones.
    pub(crate) lost: Option<u32>,
    pub(crate) longest_seconds: f64,
}

#[derive(Debug, Deserialize)]
pub(crate) struct NewVisitor {
    pub(crate) suite: String,
    pub(crate) seconds: f64,
    pub(crate) status: u16,
}

/// Medians of each round.
#[derive(Debug, Deserialize)]
pub(crate) struct Start {
    pub(crate) what: String,
    pub(crate) microseconds: Vec<f64>,
    #[serde(rename = "true")]
    pub(crate) of_true: Vec<f64>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Proxy {
    pub(crate) worker_16_connections: u64,
    pub(crate) supervisor: u64,
    pub(crate) worker_peak_of_64_mib: u64,
    pub(crate) start_ms: f64,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Size {
    pub(crate) what: String,
    pub(crate) bytes: u64,
}

/// A step of the demo.
#[derive(Debug, Deserialize)]
pub(crate) struct Step {
    pub(crate) what: String,
    pub(crate) seconds: u64,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Demo {
    pub(crate) store: String,
    pub(crate) seconds: f64,
}
