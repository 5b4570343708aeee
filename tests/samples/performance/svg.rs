//! Bars, as SVG that is readable on a light page and on a dark one.

use std::fmt::Write as _;

const WIDTH: f64 = 930.0;
/// Where the bars begin, and where the greatest ends: labels stand before them, values behind them.
const LEFT: f64 = 320.0;
const RIGHT: f64 = 780.0;
const BAR: f64 = 13.0;
const TOP: f64 = 78.0;

const STYLE: &str = "
  text { font: 13px system-ui, 'Segoe UI', Helvetica, Arial, sans-serif; fill: #1f2328 }
  .title { font-size: 16px; font-weight: 600 }
  .small, .value { font-size: 11px; fill: #59636e }
  .page { fill: #ffffff }
  .grid { stroke: #d1d9e0 }
  .spread { stroke: #1f2328 }
  .s0 { fill: #0969da } .s1 { fill: #afb8c1 } .s2 { fill: #1a7f37 } .s3 { fill: #bc4c00 }
  @media (prefers-color-scheme: dark) {
    text { fill: #f0f6fc }
    .small, .value { fill: #9198a1 }
    .page { fill: #0d1117 }
    .grid { stroke: #3d444d }
    .spread { stroke: #f0f6fc }
    .s0 { fill: #4493f8 } .s1 { fill: #656c76 } .s2 { fill: #3fb950 } .s3 { fill: #db6d28 }
  }
";

/// A chart of horizontal bars.
pub(crate) struct Chart {
    pub(crate) title: &'static str,
    /// What a bar is.
    pub(crate) subtitle: String,
    /// What the colours are.
    pub(crate) series: &'static [&'static str],
    pub(crate) scale: Scale,
    /// Where lines stand, with their names.
    pub(crate) grid: Vec<(f64, String)>,
    pub(crate) groups: Vec<Group>,
}

/// Bars that belong together.
pub(crate) struct Group {
    pub(crate) label: String,
    pub(crate) bars: Vec<Bar>,
}

pub(crate) struct Bar {
    pub(crate) series: usize,
    pub(crate) value: f64,
    pub(crate) text: String,
    /// The least and the greatest.
    pub(crate) spread: Option<(f64, f64)>,
}

#[derive(Clone, Copy)]
pub(crate) enum Scale {
    /// From 0.
    Linear {
        most: f64,
    },
    Logarithmic {
        least: f64,
        most: f64,
    },
}

impl Scale {
    fn x(self, value: f64) -> f64 {
        let part = match self {
            Self::Linear { most } => value / most,
            Self::Logarithmic { least, most } => {
                (value.max(least) / least).ln() / (most / least).ln()
            }
        };
        LEFT + part.min(1.0) * (RIGHT - LEFT)
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}

impl Chart {
    pub(crate) fn render(&self) -> String {
        let (bars, bottom) = self.bars();
        let height = bottom + 30.0;
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" height=\"{height}\" role=\"img\" aria-label=\"{}\">\n<style>{STYLE}</style>\n<rect class=\"page\" width=\"{WIDTH}\" height=\"{height}\"/>\n",
            escaped(self.title)
        );
        let mut text = |x: f64, y: f64, class: &str, anchor: &str, text: &str| {
            let text = escaped(text);
            writeln!(svg, "<text x=\"{x:.0}\" y=\"{y:.0}\" class=\"{class}\" text-anchor=\"{anchor}\">{text}</text>")
                .expect("a text");
        };
        text(16.0, 26.0, "title", "start", self.title);
        text(16.0, 45.0, "small", "start", &self.subtitle);
        for (value, name) in &self.grid {
            text(self.scale.x(*value), bottom + 16.0, "small", "middle", name);
        }
        svg += &self.legend();
        for (value, _) in &self.grid {
            let x = self.scale.x(*value);
            let line = format!(
                "<line class=\"grid\" x1=\"{x:.1}\" y1=\"{TOP}\" x2=\"{x:.1}\" y2=\"{bottom:.0}\"/>\n"
            );
            svg += &line;
        }
        svg + &bars + "</svg>\n"
    }

    fn legend(&self) -> String {
        let mut legend = String::new();
        let mut x = 16.0;
        for (number, name) in self.series.iter().enumerate() {
            writeln!(legend, "<rect class=\"s{number}\" x=\"{x:.0}\" y=\"55\" width=\"11\" height=\"11\" rx=\"2\"/>")
                .expect("a text");
            writeln!(
                legend,
                "<text class=\"small\" x=\"{:.0}\" y=\"65\">{}</text>",
                x + 16.0,
                escaped(name)
            )
            .expect("a text");
            // Letters of 11 pixels are half as wide.
            x += 40.0 + 6.0 * f64::from(u32::try_from(name.len()).expect("a short name"));
        }
        legend
    }

    /// The bars, and where they end.
    fn bars(&self) -> (String, f64) {
        let mut svg = String::new();
        let mut y = TOP + 6.0;
        for Group { label, bars } in &self.groups {
            let count = f64::from(u32::try_from(bars.len()).expect("few bars"));
            let middle = y + count * BAR / 2.0 + 4.0;
            let label = escaped(label);
            writeln!(
                svg,
                "<text x=\"{:.0}\" y=\"{middle:.1}\" text-anchor=\"end\">{label}</text>",
                LEFT - 10.0
            )
            .expect("a text");
            for Bar { series, value, text, spread } in bars {
                let end = self.scale.x(*value);
                let width = (end - LEFT).max(1.5);
                let height = BAR - 2.0;
                writeln!(svg, "<rect class=\"s{series}\" x=\"{LEFT}\" y=\"{y:.0}\" width=\"{width:.1}\" height=\"{height}\" rx=\"1.5\"/>")
                    .expect("a text");
                let mut after = end;
                if let Some((least, most)) = spread {
                    let (from, to, y) =
                        (self.scale.x(*least), self.scale.x(*most), y + height / 2.0);
                    writeln!(svg, "<line class=\"spread\" x1=\"{from:.1}\" y1=\"{y}\" x2=\"{to:.1}\" y2=\"{y}\"/>")
                        .expect("a text");
                    after = after.max(to);
                }
                let (x, below) = (after + 6.0, y + height - 1.5);
                let text = escaped(text);
                writeln!(svg, "<text class=\"value\" x=\"{x:.1}\" y=\"{below:.1}\">{text}</text>")
                    .expect("a text");
                y += BAR;
            }
            y += 9.0;
        }
        (svg, y)
    }
}
