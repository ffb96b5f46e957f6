//! What is kept about people: every table is classified in the document that says how it is shown and erased.

use std::collections::{BTreeMap, BTreeSet};

use crate::none;
use crate::source::read;
use crate::tables::tables;

/// What a table can hold.
const KINDS: [&str; 4] = ["people", "pseudonyms", "staff", "none"];

/// The classification of each table, as the document has it.
fn classified() -> BTreeMap<String, String> {
    let text = read("docs/privacy.md");
    let rows = text.lines().filter_map(|line| line.strip_prefix("| `"));
    rows.filter_map(|row| {
        let (table, rest) = row.split_once("` | ")?;
        Some((table.to_owned(), rest.split(" | ").next()?.trim().to_owned()))
    })
    .collect()
}

#[test]
fn every_table_is_classified_by_what_it_holds_of_people() {
    let (tables, classified) = (tables(), classified());
    let named: BTreeSet<String> = classified.keys().cloned().collect();
    let mut faults: Vec<String> =
        tables.difference(&named).map(|table| format!("{table}: not in the table")).collect();
    faults.extend(named.difference(&tables).map(|table| format!("{table}: no migration makes it")));
    let unknown = classified.iter().filter(|(_, kind)| !KINDS.contains(&kind.as_str()));
    faults.extend(unknown.map(|(table, kind)| format!("{table}: `{kind}` is none of {KINDS:?}")));
    none(
        &faults,
        "Say in docs/privacy.md what the table can hold of people. One that can hold somebody is exported and erased by a \
         Custodian (src/accounts/custody.rs), and filled by the scenario in tests/it/privacy.rs.",
    );
}
