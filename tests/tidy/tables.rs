//! Whose table is whose: migrations make them, a module's front page owns them, nobody else reads them.

use std::collections::{BTreeMap, BTreeSet};

use crate::layers::SLICES;
use crate::source::{Source, read, shipped, tree};
use crate::{excepting, none};

/// Tables of the platform that a slice names itself, because a decision is one round trip with what follows from it.
const SHARED: [(&str, &str); 5] = [
    (
        "src/motions/store/ledger.rs: audit_head",
        "the end of the chain is read with the guards under the same lock",
    ),
    (
        "src/motions/store/record.rs: audit_entry",
        "decisions and their audit entries are one statement (`audit::Growth` says which rows)",
    ),
    ("src/motions/store/record.rs: audit_head", "as for the entries that lead there"),
    ("src/motions/store/record.rs: delivery", "a decision and its deliveries are one statement"),
    ("src/motions/store/record.rs: job", "the sweep passes over accounts that are asked for already"),
];

/// Every table that the migrations make.
pub fn tables() -> BTreeSet<String> {
    let migrations = tree().into_iter().filter(|file| file.path.starts_with("migrations/"));
    migrations
        .flat_map(|file| {
            let lines = file.text.lines().map(str::to_lowercase).collect::<Vec<_>>();
            lines.into_iter().filter_map(|line| {
                let name = line.strip_prefix("create table ")?.split([' ', '(']).next()?.to_owned();
                Some(name)
            })
        })
        .collect()
}

/// Owners by table: the module whose front page says `Owns the table(s) …`.
fn owners() -> BTreeMap<String, Vec<String>> {
    let mut owners: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for file in shipped() {
        let page: String = file.text.lines().map_while(|line| line.strip_prefix("//!")).collect();
        let Some((_, owned)) = page.split_once("Owns the table") else { continue };
        let sentence = owned.split('.').next().unwrap_or_default();
        for name in sentence.split('`').skip(1).step_by(2) {
            owners.entry(name.to_owned()).or_default().push(file.module().join("::"));
        }
    }
    owners
}

#[test]
fn every_table_has_one_owner() {
    let (tables, owners) = (tables(), owners());
    let mut faults: Vec<String> = tables
        .iter()
        .filter(|table| owners.get(*table).is_none_or(|owners| owners.len() != 1))
        .map(|table| format!("{table}: owned by {:?}", owners.get(table).cloned().unwrap_or_default()))
        .collect();
    faults.extend(
        owners
            .keys()
            .filter(|name| !tables.contains(*name))
            .map(|name| format!("{name}: no migration makes it")),
    );
    none(
        &faults,
        "State it on the front page of the module that writes the table: //! Owns the table `name`.",
    );
}

/// Tables that a statement names after FROM, JOIN, INTO, UPDATE or TABLE.
fn touched(sql: &str, tables: &BTreeSet<String>) -> BTreeSet<String> {
    let words: Vec<String> = sql
        .split(|c: char| !(c.is_alphanumeric() || c == '_'))
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .collect();
    let verbs = ["from", "join", "into", "update", "table", "only", "using"];
    words
        .windows(2)
        .filter(|pair| verbs.contains(&pair[0].as_str()) && tables.contains(&pair[1]))
        .map(|pair| pair[1].clone())
        .collect()
}

fn statements(file: &Source) -> impl Iterator<Item = (usize, String)> {
    let begins = ["select", "insert", "update", "delete", "with", "lock", "truncate"];
    file.quoted().into_iter().filter(move |(_, text)| {
        let first = text.split_whitespace().next().unwrap_or_default().to_lowercase();
        begins.contains(&first.as_str())
    })
}

#[test]
fn no_slice_reads_the_tables_of_another() {
    let (tables, owners) = (tables(), owners());
    let mut faults = BTreeSet::new();
    for file in shipped() {
        let module = file.module();
        for (line, sql) in statements(&file) {
            for table in touched(&sql, &tables) {
                let Some(owner) = owners.get(&table).and_then(|owners| owners.first()) else { continue };
                let owner = owner.split("::").next().unwrap_or_default();
                // Machinery shares its tables with machinery; a slice's are its own.
                if owner != module[0] && SLICES.contains(&module[0].as_str()) {
                    faults.insert(format!("{}: {table} ({owner}'s, line {line})", file.path));
                } else if owner != module[0] {
                    faults.insert(format!("{}: {table} is {owner}'s (line {line})", file.path));
                }
            }
        }
    }
    none(
        &excepting(faults.into_iter().collect(), &SHARED),
        "Ask the owner: call its commands, or let it tell you by a follower or an event.",
    );
}

#[test]
fn statements_are_seen() {
    let tables = BTreeSet::from(["event".to_owned(), "account".to_owned()]);
    let sql = "WITH x AS (DELETE FROM event) SELECT account FROM nothing JOIN account ON true";
    assert_eq!(touched(sql, &tables), tables);
    let store = shipped().into_iter().find(|file| file.path == "src/accounts/store/read.rs").unwrap();
    assert!(statements(&store).count() >= 3, "the reading of SQL out of the code has broken");
}

#[test]
fn every_migration_says_what_it_is_for() {
    let migrations: Vec<Source> =
        tree().into_iter().filter(|file| file.path.starts_with("migrations/")).collect();
    let mut faults = Vec::new();
    for (index, file) in migrations.iter().enumerate() {
        let name = file.path.trim_start_matches("migrations/");
        if !name.starts_with(&format!("{:04}_", index + 1)) {
            faults.push(format!("{}: should be number {:04}", file.path, index + 1));
        }
        if !file.text.starts_with("-- ") {
            faults.push(format!("{}: does not begin with a comment", file.path));
        }
    }
    none(
        &faults,
        "A migration begins with `-- ` and a sentence on what it is for, and counts on from the one before.",
    );
}

#[test]
fn work_tables_are_named_in_the_architecture() {
    // A table whose primary key does not begin with the account cannot be distributed by account.
    let architecture = read("ARCHITECTURE.md");
    let migrations = tree().into_iter().filter(|file| file.path.starts_with("migrations/"));
    let uncommented = |file: Source| {
        let text = file.text.to_lowercase();
        let lines = text.lines().filter(|line| !line.trim_start().starts_with("--"));
        lines.flat_map(|line| [line, "\n"]).collect::<String>()
    };
    let sql: String = migrations.map(uncommented).collect();
    let mut faults = Vec::new();
    for part in sql.split("\ncreate table ").skip(1) {
        let name = part.split([' ', '(']).next().unwrap();
        let body = part.split(';').next().unwrap().split_whitespace().collect::<Vec<_>>().join(" ");
        let by_account = body.contains("primary key (account_id")
            || body.contains("account_id text collate \"c\" not null constraint");
        if !by_account && !architecture.contains(&format!("`{name}`")) {
            faults.push(name.to_owned());
        }
    }
    none(
        &faults,
        "Let `account_id` lead the primary key, or name the table in ARCHITECTURE.md among those that are not \
         distributed by account, with the reason.",
    );
}
