//! What tests measure: `make bench` collects it, and makes docs/performance.md of it.

use serde_json::Value;
use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;

/// The folder that `make bench` collects figures in.
const FOLDER: &str = "BENCH_FIGURES";

/// Whether figures are collected.
pub(crate) fn are_collected() -> bool {
    std::env::var_os(FOLDER).is_some()
}

/// Prints a figure, and adds it to those that are collected.
pub(crate) fn record(kind: &str, figure: &Value) {
    println!("{kind}: {figure}");
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    let path = Path::new(&folder).join(format!("{kind}.jsonl"));
    let mut file = OpenOptions::new().create(true).append(true).open(path).expect("our own folder");
    // A line in one piece: tests run beside each other.
    file.write_all(format!("{figure}\n").as_bytes()).expect("our own folder");
}
