//! The fault tables of connectors: each page has one, each fault a row, and each row the tests that show it.

use std::collections::BTreeSet;

use crate::none;
use crate::source::{Source, read, rust, tree};

/// What can go wrong with every system; a row may name several, and more.
const FAULTS: [&str; 13] = [
    "down",
    "slow",
    "401",
    "403",
    "404",
    "409",
    "422",
    "429",
    "5xx",
    "malformed",
    "duplicate",
    "out of order",
    "replayed",
];

fn pages() -> Vec<Source> {
    tree().into_iter().filter(|file| file.path.starts_with("docs/connectors/") && file.is("md")).collect()
}

/// The rows of the tables whose first column is `fault`.
fn rows(page: &Source) -> Vec<Vec<String>> {
    let cells = |line: &str| -> Vec<String> {
        line.trim().trim_matches('|').split(" | ").map(|cell| cell.trim().to_owned()).collect()
    };
    let (mut rows, mut inside) = (Vec::new(), false);
    for line in page.text.lines() {
        if !line.starts_with('|') {
            inside = false;
        } else if cells(line)[0].eq_ignore_ascii_case("fault") {
            inside = true;
        } else if inside && !line.starts_with("|--") {
            rows.push(cells(line));
        }
    }
    rows
}

/// The names in backticks that are those of tests: words joined by underscores, many of them.
fn names(cell: &str) -> impl Iterator<Item = &str> {
    let is_test = |name: &&str| {
        name.split('_').count() > 3 && name.bytes().all(|b| b == b'_' || b.is_ascii_alphanumeric())
    };
    cell.split('`').skip(1).step_by(2).filter(is_test)
}

#[test]
fn every_page_of_a_connector_says_what_happens_at_every_fault() {
    let mut faults = Vec::new();
    for page in pages() {
        let said: String = rows(&page).iter().map(|row| format!("{}\n", row[0].to_lowercase())).collect();
        for fault in FAULTS.iter().filter(|fault| !said.contains(**fault)) {
            faults.push(format!("{}: `{fault}`", page.path));
        }
    }
    none(
        &faults,
        "Each page in docs/connectors has a table whose rows say what happens at each of these faults.",
    );
}

#[test]
fn every_row_names_tests_that_exist() {
    let mut tests = BTreeSet::new();
    for file in rust() {
        let functions = file.text.split("fn ").skip(1);
        tests.extend(functions.filter_map(|rest| rest.split(['(', '<']).next().map(str::to_owned)));
    }
    let mut faults = Vec::new();
    for page in pages()
        .into_iter()
        .chain([Source { path: "docs/connectors.md".into(), text: read("docs/connectors.md") }])
    {
        for row in rows(&page) {
            let shown = row.last().map(String::as_str).unwrap_or_default();
            let named: Vec<&str> = names(shown).collect();
            if named.is_empty() && shown != "–" {
                faults.push(format!("{}: `{}` names no test", page.path, row[0]));
            }
            for name in named.into_iter().filter(|name| !tests.contains(*name)) {
                faults.push(format!("{}: there is no test `{name}`", page.path));
            }
        }
    }
    none(
        &faults,
        "The last column of a fault table names the tests that show the row, or says `–` where nothing can happen.",
    );
}
