//! The session proxy's processes: who is there when others are killed, told to end, or have a log that is stuck.

use crate::proxy_harness::{PATIENCE, Proxy, echo, scrape, signal, wait_until};
use crate::proxy_site::{command, reply};
use crate::redis_process::free_port;
use nix::sys::signal::Signal;
use std::fs;
use std::io::{Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::Stdio;
use std::thread::sleep;
use std::time::Duration;

#[test]
fn a_retired_worker_takes_no_connection() {
    let proxy = Proxy::new();
    proxy.supervise(Stdio::inherit());
    for _ in 0..3 {
        proxy.kill_and_wait("work");
        let worker = proxy.only("work");
        proxy.kill_and_wait("supervise");
        wait_until("another worker", || proxy.processes("work").iter().any(|pid| *pid != worker));
        let mut page = proxy.connect().unwrap();
        assert!(echo(&mut page));
        // Longer than a worker without clients needs to end.
        sleep(Duration::from_millis(300));
        assert!(echo(&mut page));
        assert!(!proxy.processes("work").contains(&worker), "the retired worker is still there");
    }
}

#[test]
fn somebody_is_always_left_to_start_the_others() {
    let proxy = Proxy::new();
    proxy.supervise(Stdio::inherit());
    let mut page = proxy.connect().unwrap();
    assert!(echo(&mut page));
    let first = proxy.only("work");
    for _ in 0..3 {
        proxy.kill_and_wait("supervise");
        wait_until("the next worker", || proxy.processes("work").len() == 2);
        // Both of them at once: the first worker has a client, and is still there.
        let supervisor = proxy.only("supervise");
        let workers = proxy.processes("work").into_iter().filter(|pid| *pid != first);
        let both: Vec<i32> = workers.chain([supervisor]).collect();
        for pid in both {
            signal(pid, Signal::SIGKILL);
        }
        wait_until("the next proxy", || proxy.answers());
        assert!(echo(&mut page));
        assert_ne!(proxy.only("supervise"), supervisor);
    }
    drop(page);
    wait_until("the end of the first worker", || !proxy.processes("work").contains(&first));
    assert!(proxy.answers());
}

#[test]
fn a_folder_has_one_proxy_though_it_was_removed_and_made_again() {
    let proxy = Proxy::new();
    proxy.supervise(Stdio::inherit());
    let mut page = proxy.connect().unwrap();
    assert!(echo(&mut page));
    let first = proxy.only("supervise");
    fs::remove_dir_all(proxy.place()).unwrap();
    // A launch finds nothing, and starts another one.
    proxy.supervise(Stdio::inherit());
    proxy.only("supervise");
    // The old worker serves its client, and ends with it.
    wait_until("two workers", || proxy.processes("work").len() == 2);
    assert!(echo(&mut page));
    assert!(proxy.answers());
    drop(page);
    proxy.only("work");
    assert!(proxy.answers());
    // With nobody else, the same supervisor makes it again.
    let present = proxy.only("supervise");
    assert!(present == first || !proxy.processes("supervise").contains(&first));
    fs::remove_file(proxy.place().join("redis.sock")).unwrap();
    wait_until("the socket", || proxy.answers());
    assert_eq!(proxy.only("supervise"), present);
    proxy.only("work");
}

#[test]
fn a_platform_that_tells_all_processes_to_end_ends_the_app_and_not_its_sessions() {
    let proxy = Proxy::new();
    proxy.supervise(Stdio::inherit());
    let all = [proxy.processes("supervise"), proxy.processes("work")].concat();
    for told in [Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP] {
        for pid in &all {
            signal(*pid, told);
        }
        assert!(proxy.answers());
    }
    sleep(Duration::from_millis(300));
    assert_eq!([proxy.processes("supervise"), proxy.processes("work")].concat(), all);
}

#[test]
fn a_sidecar_that_is_told_to_end_says_so_and_waits_for_phps_connections() {
    let proxy = Proxy::new();
    let (mut log, written) = UnixStream::pair().unwrap();
    log.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut sidecar = proxy.foreground(OwnedFd::from(written));
    let mut page = proxy.connect().unwrap();
    // The harness's own connection may not have ended yet.
    wait_until("one client alone", || {
        page.write_all(command(&["SESSIONPROXY.STATUS"]).as_bytes()).unwrap();
        reply(&mut page).contains("\"clients\":1,")
    });
    signal(sidecar.0.id().cast_signed(), Signal::SIGTERM);
    let mut said = String::new();
    wait_until("a line", || {
        let mut bytes = [0; 500];
        let length = log.read(&mut bytes).unwrap();
        said += &String::from_utf8_lossy(&bytes[..length]);
        said.contains("told to end; serving until PHP's connections are gone: 1")
    });
    // A stopping app still writes.
    assert!(echo(&mut page));
    assert!(proxy.answers());
    assert!(sidecar.0.try_wait().unwrap().is_none());
    drop(page);
    wait_until("its end", || sidecar.0.try_wait().unwrap().is_some_and(|how| how.success()));
}

/// A log that nobody reads, with no room left.
fn stuck() -> (UnixStream, OwnedFd) {
    let (reader, writer) = UnixStream::pair().unwrap();
    let mut filler = UnixStream::from(writer.as_fd().try_clone_to_owned().unwrap());
    filler.set_nonblocking(true).unwrap();
    while filler.write(&[b'\n'; 4096]).is_ok() {}
    filler.set_nonblocking(false).unwrap();
    (reader, writer.into())
}

#[test]
fn a_log_that_is_stuck_or_gone_stops_nobody() {
    for reads in [true, false] {
        let proxy = Proxy::new();
        let (mut reader, log) = stuck();
        if !reads {
            drop(reader);
            proxy.supervise(log);
            for task in ["work", "supervise", "work"] {
                proxy.kill_and_wait(task);
                wait_until("an answer", || proxy.answers());
            }
            continue;
        }
        proxy.supervise(log);
        for task in ["work", "supervise", "work"] {
            proxy.kill_and_wait(task);
            wait_until("an answer", || proxy.answers());
        }
        // When it takes something again, the lines come.
        reader.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut said = String::new();
        wait_until("the lines", || {
            let mut bytes = vec![0; 65536];
            let length = reader.read(&mut bytes).unwrap();
            said += &String::from_utf8_lossy(&bytes[..length]);
            said.contains("the worker ended")
        });
    }
}

#[test]
fn metrics_ask_the_service_for_nothing_and_are_the_present_workers() {
    let mut proxy = Proxy::new();
    let free = free_port();
    proxy.environment = vec![("BPL_PHP_SESSION_METRICS", format!("127.0.0.1:{free}"))];
    proxy.supervise(Stdio::inherit());
    let mut page = proxy.connect().unwrap();
    assert!(echo(&mut page));
    let clients = |count: u32| {
        let line = format!("php_session_proxy_clients {count}\n");
        move || scrape(free).is_some_and(|text| text.contains(&line))
    };
    wait_until("the metrics", clients(1));
    let text = scrape(free).unwrap();
    assert!(text.contains(r#"role="unknown""#), "{text}");
    assert!(text.contains("php_session_proxy_round_trip_seconds_count 0\n"), "{text}");
    assert_eq!(*proxy.heard.lock().unwrap(), [] as [String; 0]);
    // The worker that has the client retires, and leaves the port to the next one.
    proxy.kill_and_wait("supervise");
    wait_until("the metrics of the next worker", clients(0));
    assert!(echo(&mut page));
}

#[test]
fn a_folder_that_is_of_no_use_is_said_with_the_cause() {
    let said = Proxy::new().refusal_of(Path::new("/dev/null"));
    assert!(said.contains("is of no use: "), "{said}");
    assert!(said.contains("Not a directory"), "{said}");
}
