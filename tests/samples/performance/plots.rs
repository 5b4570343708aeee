//! The plots of docs/performance.md.

use super::distance;
use super::figures::{Fault, Figures, Locking};
use super::page::usual;
use super::spread::Spread;
use super::svg::{Bar, Chart, Group, Scale};

/// Each plot's name, and the plot.
pub(crate) fn plots(figures: &Figures) -> Vec<(&'static str, String)> {
    let plot = |name, part, chart: fn(&Figures) -> Chart| {
        figures.when(part).map(|_| (name, chart(figures).render()))
    };
    [
        plot("performance-speed.svg", "speed", speed),
        plot("performance-distance.svg", "distance", distance::chart),
        plot("performance-locking.svg", "locking", locking),
        plot("performance-faults.svg", "faults", faults),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn title(suite: &str) -> &str {
    match suite {
        "bookworm" => "Debian 12",
        "trixie" => "Debian 13",
        other => other,
    }
}

/// Round numbers up to the greatest.
pub(super) fn grid(most: f64, step: f64) -> Vec<(f64, String)> {
    let mut grid = Vec::new();
    let mut value = 0.0;
    while value <= most {
        grid.push((value, format!("{value}")));
        value += step;
    }
    grid
}

fn speed(figures: &Figures) -> Chart {
    let (usual, _) = usual(figures);
    let spreads = usual
        .iter()
        .map(|it| [&it.here, &it.there].map(|figures| Spread::of(figures.iter().copied())));
    let spreads: Vec<[Spread; 2]> = spreads.collect();
    let most = spreads.iter().flatten().map(|it| it.most).fold(500.0, f64::max);
    let bars = |spreads: &[Spread; 2]| {
        let bar = |(series, spread): (usize, &Spread)| Bar {
            series,
            value: spread.median,
            text: format!("{:.0}", spread.median),
            spread: Some((spread.least, spread.most)),
        };
        spreads.iter().enumerate().map(bar).collect()
    };
    let group = |(speed, spreads): (&super::figures::Speed, &[Spread; 2])| Group {
        label: format!("{}, {}", speed.what, title(&speed.suite)),
        bars: bars(spreads),
    };
    Chart {
        title: "Requests a second",
        subtitle:
            "Medians; the thin lines reach from the least to the greatest. The peers don't lock."
                .to_owned(),
        series: &["this buildpack", "as the peers"],
        scale: Scale::Linear { most },
        grid: grid(most, 500.0),
        groups: usual.iter().zip(&spreads).map(group).collect(),
    }
}

fn locking(figures: &Figures) -> Chart {
    let mut figures: Vec<Locking> = figures.of("locking");
    figures.sort_by(|one, other| (&one.server, &one.suite).cmp(&(&other.server, &other.suite)));
    let requests = figures.first().map_or(0, |it| it.requests);
    let group = |it: &Locking| {
        let bar = |series, lost: u32| Bar {
            series,
            value: f64::from(lost),
            text: lost.to_string(),
            spread: None,
        };
        Group {
            label: format!("{}, {}", it.server, title(&it.suite)),
            bars: vec![bar(0, it.locked_lost), bar(1, it.unlocked_lost)],
        }
    };
    Chart {
        title: "Changes lost",
        subtitle: format!("Of {requests} changes by eight clients at once in one session."),
        series: &["with locking, the default", "without"],
        scale: Scale::Linear { most: f64::from(requests) },
        grid: grid(f64::from(requests), 100.0),
        groups: figures.iter().map(group).collect(),
    }
}

/// Those who may be compared, by server, web server and release, in the order of the plot's colours.
const COMPARED: [(&str, &str, &str); 4] = [
    ("Redis", "php-fpm", "trixie"),
    ("Memcached", "php-fpm", "bookworm"),
    ("Redis", "php-fpm, proxy", "trixie"),
    ("Memcached", "php-fpm, proxy", "trixie"),
];

fn faults(figures: &Figures) -> Chart {
    let figures: Vec<Fault> = figures.of("faults");
    let mut names: Vec<&str> = figures.iter().map(|it| it.what.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    let group = |name: &&str| {
        let bar = |(series, compared): (usize, &(&str, &str, &str))| {
            let fault = figures
                .iter()
                .find(|it| it.what == *name && (&*it.server, &*it.web, &*it.suite) == *compared)?;
            let what = match (fault.errors, fault.forgotten) {
                (0, 0) => "every session there".to_owned(),
                (0, forgotten) => {
                    format!("{forgotten} of {} without their session", fault.requests)
                }
                (errors, _) => format!("{errors} of {} requests fail", fault.requests),
            };
            let text = format!("{:.1} s, {what}", fault.longest_seconds);
            Some(Bar { series, value: fault.longest_seconds, text, spread: None })
        };
        let bars = COMPARED.iter().enumerate().filter_map(bar).collect();
        Group { label: (*name).to_owned(), bars }
    };
    let seconds = [0.01, 0.1, 1.0, 10.0, 100.0];
    Chart {
        title: "The longest request while a fault lasts",
        subtitle: "php-fpm behind nginx; seconds, each line ten times the one before.".to_owned(),
        series: &["Redis", "Memcached", "Redis, session proxy", "Memcached, session proxy"],
        scale: Scale::Logarithmic { least: 0.01, most: 2000.0 },
        grid: seconds.iter().map(|it| (*it, format!("{it} s"))).collect(),
        groups: names.iter().map(group).collect(),
    }
}
