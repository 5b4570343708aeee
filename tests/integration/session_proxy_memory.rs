//! How much memory the session proxy takes, and how long its start.

use crate::session_proxy::{start, with_app};
use crate::support::TRIXIE;
use crate::support::figures::record;
use crate::support::secrets::ODD_PASSWORD;
use crate::support::services::Redis;
use serde_json::Value;

/// In a container, with the packaged program.
#[test]
fn memory_is_bounded_and_the_start_is_quick() {
    with_app(TRIXIE, |app| {
        let redis = Redis::start(ODD_PASSWORD);
        let instance = start(app, &redis);
        let script = include_str!("session_proxy_memory.php");
        let command = ["launcher", "php", "-d", "memory_limit=-1"];
        let (ok, said) = instance.container.exec_with_input(&command, script);
        assert!(ok, "{said}");
        let json = said.lines().find(|line| line.starts_with('{'));
        let seen: Value = serde_json::from_str(json.unwrap_or_else(|| panic!("{said}"))).unwrap();
        record("proxy", &seen);
        let kilobytes = |name: &str| seen[name].as_u64().unwrap_or_else(|| panic!("{seen}"));
        assert_eq!(seen["answers"], "+OK 67000000 -ERR too long for a session", "{seen}");
        // The aim is 6 MB for the worker; what scripts/package makes with FAST=1 is larger.
        assert!(kilobytes("worker_16_connections") < 9_000, "{seen}");
        assert!(kilobytes("supervisor") < 9_000, "{seen}");
        // Neither is the greatest value kept, nor is it there more often than it has to be.
        assert!(kilobytes("worker_peak_of_64_mib") < 4 * 65_536, "{seen}");
        assert!(kilobytes("worker_afterwards") < 16_000, "{seen}");
        // The aim is 5 ms; a start that waited for anything would take longer than this on any machine.
        assert!(seen["start_ms"].as_f64() < Some(100.0), "{seen}");
    });
}
