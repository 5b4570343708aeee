//! The table of docs/settings.md has every variable, and no other.

use crate::manifests::text;
use std::collections::BTreeSet;

/// The names that stand between two signs, for example in quotes.
fn names(text: &str, before: &str, after: &str) -> BTreeSet<String> {
    let parts = text.split(before).skip(1).filter_map(|rest| Some(rest.split_once(after)?.0));
    parts.filter(|name| name.starts_with("BP")).map(str::to_owned).collect()
}

#[test]
fn the_table_of_settings_has_every_variable() {
    let known = names(&text("src/config/variables.rs"), "= \"", "\";");
    let told = names(&text("docs/settings.md"), "\n| `", "` |");
    assert!(known.len() > 15, "{known:?}");
    assert_eq!(known, told);
}

/// A setting's name, phase and default, of each row of a table.
fn rows(page: &str) -> Vec<Vec<String>> {
    let rows = page.lines().filter(|line| line.starts_with("| `BP"));
    rows.map(|row| row.split('|').skip(1).take(3).map(|it| it.trim().to_owned()).collect())
        .collect()
}

#[test]
fn readme_shows_settings_as_their_page_has_them() {
    let (all, shown) = (rows(&text("docs/settings.md")), rows(&text("README.md")));
    assert!(shown.len() > 5, "{shown:?}");
    for row in shown {
        assert!(all.contains(&row), "{row:?}");
    }
}
