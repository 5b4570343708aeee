//! A soak of the session proxy: for as long as `MINUTES` says, visitors of two instances use their sessions, while the
//! proxy or the PHP of one of them is killed and the service of both restarts, fails over, is stuck and gets other passwords. No
//! session may be lost, and the other proxy must not take more than in the beginning.

mod faults;
mod footprint;
mod load;
mod page;
mod visitors;

use crate::support::app::{App, Instance, Server, build};
use crate::support::docker::wait_until;
use crate::support::sample::app_with_holding_page;
use crate::support::{BOOKWORM, TRIXIE};
use faults::{Fault, Service};
use footprint::Footprint;
use load::{CLIENTS, Load};
use php_session_store::store::Store;
use std::collections::BTreeMap;
use std::thread::{self, sleep};
use std::time::{Duration, Instant};
use visitors::Visitors;

const SESSIONS: usize = 2000;
const A_MINUTE: Duration = Duration::from_mins(1);
/// When a proxy has met the sizes of sessions, and all faults.
const WARM: Duration = Duration::from_mins(5);
/// From one fault to the next.
const INTERVAL: Duration = Duration::from_secs(15);
/// Until an idle proxy has given up what it does not need.
const SETTLED: Duration = Duration::from_secs(3);
/// No page waits for longer, whatever happens.
const LONGEST: Duration = Duration::from_secs(20);

#[test]
fn nothing_is_lost_or_taken_for_ever() {
    let minutes = std::env::var("MINUTES").map_or(5, |text| text.parse().expect("a number"));
    with_apps(|apps| soak(&apps, A_MINUTE * minutes));
}

/// The apps of both Debian releases, whose handlers differ.
fn with_apps(test: impl FnOnce([App; 2])) {
    let [older, newer] = [BOOKWORM, TRIXIE].map(|suite| {
        let mut input = app_with_holding_page(suite, Store::Redis);
        input.file("htdocs/soak.php", include_str!("soak/page.php"));
        input
    });
    build(&older, |older| {
        build(&newer, |newer| {
            test([older, newer].map(|app| app.served_by(Server::NginxFpm)));
        });
    });
}

fn soak(apps: &[App; 2], duration: Duration) {
    let mut service = Service::start();
    let [struck, spared] = apps.each_ref().map(|app| service.instance(app));
    let instances = [&struck, &spared];
    let load = Load::new(Visitors::new(SESSIONS), instances.map(Instance::address));
    let footprint = |service: &Service| {
        load.in_a_pause(|| {
            sleep(SETTLED);
            instances.map(|instance| Footprint::of(instance, service).expect("two processes"))
        })
    };
    let (first, last) = thread::scope(|scope| {
        let _goes_on = load.goes_on();
        for number in 0..CLIENTS {
            let load = &load;
            scope.spawn(move || load.client(number));
        }
        let (begun, mut faults) = (Instant::now(), Fault::ALL.iter().cycle());
        let (mut first, mut minute, mut so_far) = (None, 1, BTreeMap::new());
        while begun.elapsed() < duration && !load.is_hopeless() {
            if first.is_none() && begun.elapsed() >= (duration / 2).min(WARM) {
                first = Some(footprint(&service));
            }
            let fault = *faults.next().expect("there is always another one");
            load.during(fault, || service.make(fault, &instances));
            *so_far.entry(format!("{fault:?}")).or_insert(0) += 1;
            sleep(INTERVAL);
            if begun.elapsed() >= A_MINUTE * minute {
                say(minute, &load, &so_far, instances.map(|it| Footprint::of(it, &service)));
                minute += 1;
            }
        }
        (first.expect("a half has passed"), footprint(&service))
    });
    for (which, first, last) in [("struck", &first[0], &last[0]), ("spared", &first[1], &last[1])] {
        println!("soak: {which} proxy at first {first}, at last {last}");
    }
    let wrong = load.result();
    assert!(wrong.is_empty(), "{wrong:#?}\n{}{}", struck.container.logs(), spared.container.logs());
    wait_until("the end of all locks", || service.locks().is_empty());
    assert!(last[1].is_of_the_same_as(&first[1]), "the spared proxy has died");
    // A worker of the struck one may just have been started, so it says nothing of what a warm one takes.
    let warm = &first[1];
    for last in &last {
        assert!(last.is_no_more_than(warm), "a warm one {warm}, at last {last}");
    }
}

/// A line a minute.
fn say(
    minute: u32,
    load: &Load,
    so_far: &BTreeMap<String, u32>,
    footprints: [Result<Footprint, String>; 2],
) {
    let seen = load.since_then();
    let [struck, spared] = footprints.map(|it| it.map_or_else(|error| error, |it| it.to_string()));
    println!(
        "soak: minute {minute}: {} requests, {} failed, longest {:.1} s; so far {so_far:?}; struck {struck}; spared {spared}",
        seen.requests,
        seen.failures.len(),
        seen.longest.as_secs_f64(),
    );
    for failure in &seen.failures {
        println!("soak:   {failure}");
    }
    if seen.longest > LONGEST {
        load.wrong(format!("a page took {:?}", seen.longest));
    }
}
