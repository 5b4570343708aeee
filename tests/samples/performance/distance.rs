//! A page's time by the distance of Redis: its section of docs/performance.md, its plot, and what README says of it.

use super::figures::{Distance, Figures, Way, Ways};
use super::page::table;
use super::spread::Spread;
use super::svg::{Bar, Chart, Group, Scale};

/// The release that is plotted.
const SUITE: &str = "trixie";

/// By release, then by distance.
fn all(figures: &Figures) -> Vec<Distance> {
    let mut all: Vec<Distance> = figures.of("distance");
    all.sort_by(|one, other| {
        (&one.suite, one.round_trip)
            .partial_cmp(&(&other.suite, other.round_trip))
            .expect("numbers")
    });
    all
}

impl Ways {
    /// In the order of the plot's colours; elsewhere, too, the peers have the second.
    fn all(&self) -> [&Way; 4] {
        [&self.own, &self.peers, &self.proxy, &self.kept]
    }
}

impl Distance {
    /// The ways beside that of the peers.
    fn ours(&self) -> [&Way; 3] {
        [&self.ways.own, &self.ways.kept, &self.ways.proxy]
    }

    /// The way that an app takes if nothing is set.
    fn default_way(&self) -> &Way {
        if self.by_default == "proxy" { &self.ways.proxy } else { &self.ways.own }
    }

    /// What a session adds to a page in each round.
    fn added(&self, way: &Way) -> Vec<f64> {
        way.page.iter().zip(&self.without_session).map(|(page, without)| page - without).collect()
    }

    /// A page's time beside that with the peers' settings.
    fn page_ratio(&self, way: &Way) -> Spread {
        Spread::of_ratios(&way.page, &self.ways.peers.page)
    }

    /// Requests a second beside those with the peers' settings.
    fn requests_ratio(&self, way: &Way) -> Spread {
        Spread::of_ratios(&way.requests, &self.ways.peers.requests)
    }

    fn name(&self) -> String {
        format!("{} ms, {}", self.round_trip, self.suite)
    }
}

fn median(figures: &[f64]) -> f64 {
    Spread::of(figures.iter().copied()).median
}

/// The section of docs/performance.md.
pub(crate) fn section(figures: &Figures) -> String {
    let all = all(figures);
    let rows = |cells: &dyn Fn(&Distance) -> Vec<String>| -> Vec<Vec<String>> {
        all.iter().map(|it| [vec![it.name()], cells(it)].concat()).collect()
    };
    let pages = rows(&|it| {
        let mut cells = vec![format!("{:.2}", it.measured)];
        let pages = [&it.without_session, &it.ways.peers.page].into_iter();
        let pages = pages.chain(it.ours().map(|way| &way.page));
        cells.extend(pages.map(|page| format!("{:.2}", median(page))));
        let by_default = if it.by_default == "proxy" { "proxy" } else { "PHP's handler" };
        cells.push(by_default.to_owned());
        cells
    });
    let added = rows(&|it| {
        let peers = it.added(&it.ways.peers);
        let ratio = |way: &Way| format!("{:.2}", Spread::of_ratios(&it.added(way), &peers));
        [vec![format!("{:.2}", median(&peers))], it.ours().map(ratio).to_vec()].concat()
    });
    let requests = rows(&|it| {
        let ratio = |way: &Way| format!("{:.2}", it.requests_ratio(way));
        let peers = format!("{:.0}", median(&it.ways.peers.requests));
        [vec![peers], it.ours().map(ratio).to_vec()].concat()
    });
    let head = "| round trip | the peers | PHP's handler, with locks | kept connections | proxy |";
    "\
How long one visitor waits for a page, in milliseconds, with Redis on the same machine (0 ms) and behind a relay that stands for a
distance: it delays what is sent, and the handshake, so that a PING takes as long as is *measured* (the median). All lock but the
peers; kept connections are `persistent=on`. *By default* is what the launch takes if nothing is set.

![A page's time by distance](performance-distance.svg)

"
    .to_owned()
        + &table(
            "| round trip | measured | without a session | the peers | PHP's handler, with locks | kept connections | proxy | by default |",
            &pages,
        )
        + "
What a session adds to that page: with the peers' settings in milliseconds, the others in parts of it.

"
        + &table(head, &added)
        + "
Requests a second of four visitors: with the peers' settings, the others in parts of it.

"
        + &table(head, &requests)
}

/// The plot.
pub(crate) fn chart(figures: &Figures) -> Chart {
    let mut all = all(figures);
    all.retain(|it| it.suite == SUITE);
    let most = all.iter().flat_map(|it| it.ways.all()).flat_map(|way| &way.page);
    let most = most.fold(1.0, |most, page| f64::max(most, *page)).ceil();
    let group = |it: &Distance| {
        let bar = |(series, way): (usize, &Way)| {
            let Spread { median, least, most } = Spread::of(way.page.iter().copied());
            Bar { series, value: median, text: format!("{median:.1}"), spread: Some((least, most)) }
        };
        let Distance { without_session, round_trip, .. } = it;
        let label = format!("{round_trip} ms, without a session {:.1}", median(without_session));
        Group { label, bars: it.ways.all().into_iter().enumerate().map(bar).collect() }
    };
    Chart {
        title: "A page's time by the round trip to Redis",
        subtitle: "One visitor, Debian 13, milliseconds; medians, and thin lines from the least to the greatest."
            .to_owned(),
        series: &["PHP's handler, with locks", "as the peers, without", "session proxy, with locks", "kept connections, with locks"],
        scale: Scale::Linear { most },
        grid: super::plots::grid(most, 2.0),
        groups: all.iter().map(group).collect(),
    }
}

/// What README says of it, if it was measured: the releases beside each other.
pub(crate) fn summary(figures: &Figures) -> Option<String> {
    let all = all(figures);
    let mut suites: Vec<&[Distance]> =
        all.chunk_by(|one, other| one.suite == other.suite).collect();
    suites.sort_by_key(|suite| suite[0].suite.clone());
    let distances = suites.first()?;
    let text = |number: usize, way: &dyn Fn(&Distance) -> f64| {
        let ratios = suites.iter().filter_map(|suite| suite.get(number));
        ratios.map(|it| format!("{:.2}", way(it))).collect::<Vec<_>>().join(" / ")
    };
    let by_default = |it: &Distance| it.page_ratio(it.default_way()).median;
    let mut pages = Vec::new();
    for (number, it) in distances.iter().enumerate() {
        let place = if it.round_trip == 0.0 {
            "on the same machine".to_owned()
        } else {
            format!("at {} ms", it.round_trip)
        };
        pages.push(format!("{} {place}", text(number, &by_default)));
    }
    let proxy = distances.iter().find(|it| it.by_default == "proxy");
    let proxy = proxy.map(|it| format!(", from {} ms on through the session proxy", it.round_trip));
    let kept = text(0, &|it| it.page_ratio(&it.ways.kept).median);
    let slower = suites.iter().any(|suite| suite.iter().any(|it| by_default(it) > 1.0));
    let slower = slower.then(|| {
        format!(
            "\nMore than 1 is slower: near Redis, PHP's own handler pays for its locks with more round trips (with `persistent=on`, {kept} on the same machine)."
        )
    });
    Some(format!(
        "The time of one visitor's page, relative to those buildpacks' settings, which don't lock, by the round trip to Redis (Debian 12 / 13):\n\
         {}{}.{}\n",
        pages.join(", "),
        proxy.unwrap_or_default(),
        slower.unwrap_or_default(),
    ))
}
