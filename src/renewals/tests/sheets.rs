//! The tables: columns of the systems, RFC 4180, nothing that a spreadsheet runs.

use serde_json::json;

use super::documents::{golden, running};
use crate::renewals::model::{Risk, Tier};
use crate::renewals::samples::{Scene, Told, terms};
use crate::renewals::sheet::{Format, csv};

fn read(text: &str) -> (Vec<String>, Vec<Vec<String>>) {
    let mut reader = csv::ReaderBuilder::new().from_reader(text.as_bytes());
    let head = reader.headers().unwrap().iter().map(str::to_owned).collect();
    let rows = reader.records().map(|row| row.unwrap().iter().map(str::to_owned).collect()).collect();
    (head, rows)
}

#[test]
fn each_system_gets_its_columns() {
    let told = running();
    for format in Format::ALL {
        let text = csv(&told.telling(), format).unwrap();
        golden(&format!("tasks-{}.csv", format.name()), &text);
        let (head, rows) = read(&text);
        assert!(rows.iter().all(|row| row.len() == head.len()), "{format:?}");
        assert!(text.lines().all(|line| line.ends_with('\r')) || text.split("\r\n").count() > rows.len());
    }
}

#[test]
fn what_is_done_is_left_out_and_rules_come_along() {
    let told = running();
    let (head, rows) = read(&csv(&told.telling(), Format::Generic).unwrap());
    let column = |name: &str| head.iter().position(|column| column == name).unwrap();
    let (kind, id, role) = (column("kind"), column("id"), column("owner_role"));
    let of = |wanted: &str| rows.iter().filter(|row| row[kind] == wanted).count();
    assert_eq!(of("escalation"), 6, "three steps of the ladder, three who are told at once");
    assert!(of("task") > 12 && of("checkpoint") > 2);
    assert!(rows.iter().all(|row| row[id] != "context-review"), "it is done");
    assert!(rows.iter().all(|row| row[id] != "checkpoint-1"), "it was held");
    let top: Vec<&str> =
        rows.iter().filter(|row| row[id] == "escalation-ladder-3").map(|row| row[role].as_str()).collect();
    assert_eq!(top, ["exec_sponsor"]);
}

#[test]
fn nothing_that_a_spreadsheet_would_run() {
    let mut told = Told::new(
        Scene::new(&json!({}), &json!({})),
        terms("exec-save", Tier::Growth, Risk::Red, "2027-02-26"),
    );
    for (index, text) in
        ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "＝cmd|' /C calc'!A0", "a \"quoted\", text\nof two lines"]
            .into_iter()
            .enumerate()
    {
        told.plan.tasks[index].title = text.to_owned();
        told.plan.tasks[index].detail = text.to_owned();
    }
    told.facts.insert("account".to_owned(), "=HYPERLINK(1)".to_owned());
    let mut telling = told.telling();
    telling.account = "=HYPERLINK(1)";
    for format in Format::ALL {
        let (_, rows) = read(&csv(&telling, format).unwrap());
        for cell in rows.iter().flatten() {
            assert!(!cell.starts_with(['=', '+', '-', '@', '\t', '\r', '＝']), "{format:?}: {cell}");
        }
    }
    let (_, rows) = read(&csv(&telling, Format::Generic).unwrap());
    assert!(
        rows.iter().flatten().any(|cell| cell.contains("a \"quoted\", text\nof two lines")),
        "texts come through whole"
    );
}

#[test]
fn salesforce_ids_are_used_where_they_are_ids() {
    let mut told = running();
    told.plan.roles.values_mut().for_each(|holder| holder.rep_id = Some("005A0000001abcDEFG".to_owned()));
    let mut telling = told.telling();
    telling.account_id = "001A0000001abcDEFG";
    let (head, rows) = read(&csv(&telling, Format::Salesforce).unwrap());
    assert_eq!(head[5..7], ["OwnerId", "WhatId"]);
    assert!(rows.iter().all(|row| row[5] == "005A0000001abcDEFG" && row[6] == "001A0000001abcDEFG"));
    telling.account_id = "003A0000001abcDEFG";
    let (_, rows) = read(&csv(&telling, Format::Salesforce).unwrap());
    assert!(rows.iter().all(|row| row[6].is_empty()), "the id of a contact is no account");
}
