//! The middle of several figures, and the least and the greatest of them.

use std::fmt;

#[derive(Debug, Clone, Copy)]
pub(crate) struct Spread {
    pub(crate) median: f64,
    pub(crate) least: f64,
    pub(crate) most: f64,
}

impl Spread {
    /// Of at least one figure.
    pub(crate) fn of(figures: impl IntoIterator<Item = f64>) -> Self {
        let mut figures: Vec<f64> = figures.into_iter().collect();
        figures.sort_by(f64::total_cmp);
        let (count, least, most) = (figures.len(), figures[0], figures[figures.len() - 1]);
        // Of an even number, between the two in the middle.
        let median = f64::midpoint(figures[(count - 1) / 2], figures[count / 2]);
        Self { median, least, most }
    }

    /// Of each pair's ratio.
    pub(crate) fn of_ratios(here: &[f64], there: &[f64]) -> Self {
        Self::of(here.iter().zip(there).map(|(here, there)| here / there))
    }
}

/// `0.91 (0.85 to 1.02)`, with the precision that is asked for.
impl fmt::Display for Spread {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { median, least, most } = self;
        let digits = formatter.precision().unwrap_or(2);
        write!(formatter, "{median:.digits$} ({least:.digits$} to {most:.digits$})")
    }
}
