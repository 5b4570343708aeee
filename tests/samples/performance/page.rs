//! docs/performance.md: the figures as tables, with what they are and which command makes them.

use super::distance;
use super::figures::{
    Demo, Fact, Fault, Figures, Locking, NewVisitor, Proxy, Size, Speed, Start, Step,
};
use super::spread::Spread;

const INTRO: &str = "\
# Performance

What sessions cost, what is lost without locks, what users notice when a server fails, and what the buildpack itself takes.
This page and its plots are made from [performance.jsonl](performance.jsonl) by `make bench`, which measures all of it in some
fifteen minutes; `make bench PARTS=\"speed faults\"` measures some of it again. Everything runs on one machine, servers and visitors too,
so ratios say more than numbers. The figures of one line are measured in turn, round by round.

A figure is the median; in parentheses stand the least and the greatest. *bookworm* is Debian 12, *trixie* Debian 13.
";

/// What a section says of the figures.
type Section = fn(&Figures) -> String;

/// The page.
pub(crate) fn page(figures: &Figures) -> String {
    let mut page = INTRO.to_owned();
    let machine: Vec<Vec<String>> =
        figures.of::<Fact>("machine").into_iter().map(|it| vec![it.name, it.value]).collect();
    page += "\n## The machine\n\n";
    page += &table("| | |", &machine);
    let sections: [(&str, &str, Section); 7] = [
        ("speed", "Requests a second", speed),
        ("distance", "A page's time by distance", distance::section),
        ("locking", "Concurrent requests of one session", locking),
        ("faults", "Faults", faults),
        ("costs", "Detect, launch and the session proxy", costs),
        ("programs", "Sizes", programs),
        ("demo", "The demo", demo),
    ];
    for (name, title, section) in sections {
        let Some(when) = figures.when(name) else { continue };
        let text = section(figures);
        page +=
            &["\n## ", title, "\n\n`make bench PARTS=", name, "`, ", when, ".\n\n", &text].concat();
    }
    page
}

/// What README says of it.
pub(crate) fn summary(figures: &Figures) -> String {
    let all: Vec<Speed> = figures.of("speed");
    let ratio = |what: &str, suite: &str| {
        let speed = all.iter().find(|it| it.what == what && it.suite == suite);
        speed.map_or_else(|| "?".to_owned(), |it| format!("{:.1}", ratio(it).median))
    };
    let both = |what: &str| format!("{} / {}", ratio(what, "bookworm"), ratio(what, "trixie"));
    let usual = || {
        format!(
            "Requests per second, relative to those buildpacks' settings, which don't lock (Debian 12 / 13): Redis {}, with the\n\
             session proxy {}.\n",
            both("Redis"),
            both("Redis, proxy"),
        )
    };
    distance::summary(figures).unwrap_or_else(usual)
        + &format!(
            "With TLS, requests per second: {} through the session proxy, which is the default there, {} with PHP's own handler.\n",
            both("Redis with TLS, proxy"),
            both("Redis with TLS"),
        )
}

pub(super) fn table(head: &str, rows: &[Vec<String>]) -> String {
    let columns = head.matches('|').count() - 1;
    let mut table = format!("{head}\n|{}\n", " --- |".repeat(columns));
    for row in rows {
        table += &["| ", &row.join(" | "), " |\n"].concat();
    }
    table
}

fn ratio(speed: &Speed) -> Spread {
    Spread::of_ratios(&speed.here, &speed.there)
}

/// The comparisons with the peers' settings under the usual load, and those under other loads.
pub(crate) fn usual(figures: &Figures) -> (Vec<Speed>, Vec<Speed>) {
    let is_usual = |speed: &Speed| {
        speed.what.split(", ").skip(1).all(|it| it == "proxy" || it.contains('='))
            && !speed.what.contains("away")
            && speed.what.starts_with("Redis")
    };
    let mut all: Vec<Speed> = figures.of("speed");
    all.sort_by(|one, other| (&one.what, &one.suite).cmp(&(&other.what, &other.suite)));
    all.into_iter().partition(is_usual)
}

fn speed(figures: &Figures) -> String {
    let row = |speed: &Speed| {
        let (here, there) =
            (Spread::of(speed.here.iter().copied()), Spread::of(speed.there.iter().copied()));
        let mut row = vec![format!("{}, {}", speed.what, speed.suite)];
        row.extend([format!("{here:.0}"), format!("{there:.0}"), format!("{:.2}", ratio(speed))]);
        row
    };
    let (usual, other) = usual(figures);
    let other: Vec<Vec<String>> = other
        .iter()
        .map(|speed| {
            let mut row = row(speed);
            row.insert(1, speed.beside.clone());
            row
        })
        .collect();
    "\
Four visitors with a session each, php-fpm with four workers behind nginx, beside what Cloud Foundry's PHP buildpack and Paketo's
handler amount to: a new connection for each request, and no lock (`persistent=off&locking=off`). Each turn takes 0.4
seconds; seven rounds count.

![Requests a second](performance-speed.svg)

"
    .to_owned()
        + &table(
            "| | here | as the peers | ratio |",
            &usual.iter().map(row).collect::<Vec<_>>(),
        )
        + "
Under other loads, with the session proxy: a server that a relay puts a millisecond away, many workers, many sessions, and many
clients in one session, with pages of 2 ms; and Memcached, beside PHP's own handler, for whose login libsasl2's plugins are in the image.

"
        + &table("| | beside | with the proxy | without | ratio |", &other)
}

fn locking(figures: &Figures) -> String {
    let figures: Vec<Locking> = figures.of("locking");
    let mut rows: Vec<Vec<String>> = figures
        .iter()
        .map(|it| {
            vec![
                format!("{}, {}", it.server, it.suite),
                format!("{:.2} s", it.locked_seconds),
                it.locked_lost.to_string(),
                format!("{:.2} s", it.unlocked_seconds),
                it.unlocked_lost.to_string(),
            ]
        })
        .collect();
    rows.sort();
    let requests = figures.first().map_or(0, |it| it.requests);
    format!(
        "\
Eight clients at once, all in one session, ask {requests} times for a page that takes 2 ms and counts in it. With pages of 50 and 250 ms
no change is lost, either.

![Changes lost](performance-locking.svg)

"
    ) + &table("| server | with locking | changes lost | without | changes lost |", &rows)
}

fn faults(figures: &Figures) -> String {
    let row = |it: &Fault| {
        vec![
            it.server.clone(),
            it.what.clone(),
            format!("{}, {}", it.web, it.suite),
            it.requests.to_string(),
            it.errors.to_string(),
            it.forgotten.to_string(),
            it.lost.map(|lost| lost.to_string()).unwrap_or_default(),
            format!("{:.1} s", it.longest_seconds),
        ]
    };
    let mut rows: Vec<Vec<String>> = figures.of("faults").iter().map(row).collect();
    rows.sort();
    let visitors: Vec<String> = figures
        .of::<NewVisitor>("new_visitors")
        .iter()
        .map(|it| format!("{:.1} s (HTTP {}, {})", it.seconds, it.status, it.suite))
        .collect();
    format!(
        "\
Each visitor has a session when the fault comes. *Errors* are answers other than HTTP 200; *session not there* are pages that were
served with an empty session instead of the visitor's, *lost updates* with an earlier state of it
(where nothing is said, they are among the former). Behind nginx there are four workers and four visitors, with `php -S` one of
each. What to make of it: [Operations](operations.md#faults).

![The longest request while a fault lasts](performance-faults.svg)

A new visitor, without a cookie, waits for a Redis that hangs: {}.

",
        visitors.join(", ")
    ) + &table(
        "| server | what happens | web server | requests | errors | session not there | lost updates | longest request |",
        &rows,
    )
}

fn costs(figures: &Figures) -> String {
    let starts: Vec<Vec<String>> = figures
        .of::<Start>("starts")
        .iter()
        .map(|it| {
            vec![
                it.what.clone(),
                format!("{:.2}", Spread::of(it.microseconds.iter().map(|it| it / 1000.0))),
                format!("{:.2}", Spread::of_ratios(&it.microseconds, &it.of_true)),
            ]
        })
        .collect();
    let proxy: Vec<String> = figures
        .of::<Proxy>("proxy")
        .iter()
        .map(|it| {
            let megabytes =
                |kilobytes: u64| f64::from(u32::try_from(kilobytes).expect("fits")) / 1000.0;
            format!(
                "\nThe session proxy with 16 connections of PHP: the worker has {:.1} MB of memory, the supervisor {:.1} MB. A session of 64 MiB, the\ngreatest that is taken, takes it to {:.0} MB while it passes. From its start to its first answer it takes {} ms (the least of ten).\n",
                megabytes(it.worker_16_connections),
                megabytes(it.supervisor),
                megabytes(it.worker_peak_of_64_mib),
                it.start_ms,
            )
        })
        .collect();
    "The programs that run before others, beside the start of `true`, in turn:\n\n".to_owned()
        + &table("| | milliseconds | × `true` |", &starts)
        + &proxy.concat()
}

fn programs(figures: &Figures) -> String {
    let megabytes =
        |bytes: u64| format!("{:.2} MB", f64::from(u32::try_from(bytes).expect("fits")) / 1e6);
    let rows = |kind: &str| -> Vec<Vec<String>> {
        let sizes: Vec<Size> = figures.of(kind);
        sizes.iter().map(|it| vec![it.what.clone(), megabytes(it.bytes)]).collect()
    };
    let mut crates: Vec<Size> = figures.of("crates");
    crates.sort_by_key(|it| (it.what == "all others", std::cmp::Reverse(it.bytes)));
    let crates: Vec<Vec<String>> =
        crates.iter().map(|it| vec![it.what.clone(), megabytes(it.bytes)]).collect();
    let mut text = table("| | |", &rows("sizes"));
    if let Some(when) = figures.when("crates") {
        let what = "\nWhere the program's code is, by crate (`make bench PARTS=crates`, ";
        text += &[what, when, "):\n\n", &table("| | |", &crates)].concat();
    }
    text
}

fn demo(figures: &Figures) -> String {
    let mut seconds: std::collections::BTreeMap<String, Vec<f64>> =
        std::collections::BTreeMap::new();
    for run in figures.of::<Demo>("demo") {
        seconds.entry(run.store).or_default().push(run.seconds);
    }
    let rows: Vec<Vec<String>> = seconds
        .into_iter()
        .map(|(store, seconds)| vec![store, format!("{:.0}", Spread::of(seconds))])
        .collect();
    let mut text = "`make demo`, from its call to its end, where it ran before:\n\n".to_owned();
    text += &table("| STORE | seconds |", &rows);
    if let (Some(when), [first]) = (figures.when("cold"), &figures.of::<Demo>("cold")[..]) {
        let seconds = format!("{:.0}", first.seconds);
        let what = "\nThe first time, without any cache but with an engine, Rust and Go: ";
        text += &[
            what,
            &seconds,
            " seconds (`make bench PARTS=cold`, ",
            when,
            "). Its steps, the first three beside each other:\n\n",
        ]
        .concat();
        let mut steps: Vec<Step> = figures.of("cold_steps");
        steps.sort_by_key(|it| std::cmp::Reverse(it.seconds));
        let row = |it: Step| vec![it.what, it.seconds.to_string()];
        let rows: Vec<Vec<String>> = steps.into_iter().map(row).collect();
        text += &table("| | seconds |", &rows);
    }
    text
}
