//! docs/performance.md, its plots and what README says of them are made from docs/performance.jsonl.

mod distance;
mod figures;
mod page;
mod plots;
mod spread;
mod svg;

use crate::manifests::{file, text};
use figures::Figures;
use std::fs;
use std::path::Path;

const FIGURES: &str = "docs/performance.jsonl";
/// Set by `make bench`: the folder with what was measured, of which the documents are made anew.
const MEASURED: &str = "BENCH_FIGURES";
const SUMMARY: [&str; 2] = ["<!-- made by `make bench` -->\n", "<!-- until here -->"];

#[test]
fn documents_show_the_figures() {
    let mut figures = Figures::parse(&text(FIGURES));
    let measured = std::env::var_os(MEASURED);
    if let Some(folder) = &measured {
        figures.take(Path::new(folder));
        fs::write(file(FIGURES), figures.render()).expect("our own file");
    }
    let plots = plots::plots(&figures);
    let mut documents: Vec<(String, String)> =
        plots.into_iter().map(|(name, plot)| (format!("docs/{name}"), plot)).collect();
    documents.push(("docs/performance.md".to_owned(), page::page(&figures)));
    documents.push(("README.md".to_owned(), with_summary(&text("README.md"), &figures)));
    for (name, made) in documents {
        if measured.is_some() {
            fs::write(file(&name), made).expect("our own file");
        } else {
            assert!(
                text(&name) == made,
                "{name} is not what the figures make: run `make bench-documents`"
            );
        }
    }
}

fn with_summary(readme: &str, figures: &Figures) -> String {
    let [begin, end] = SUMMARY;
    let (before, rest) = readme.split_once(begin).expect("a summary in README");
    let (_, after) = rest.split_once(end).expect("an end of the summary");
    format!("{before}{begin}{}{end}{after}", page::summary(figures))
}
