//! What an import makes of files, and what it says of wrong ones.

use serde_json::{Value, json};

use super::*;
use crate::handoffs::entries::Entry;

fn roster(value: Value) -> RosterFile {
    serde_json::from_value(value).unwrap()
}

/// Ada and Ben of sales, and a territory that leads to Ada.
fn present() -> Entries {
    let file = roster(json!({
        "calendars": [{"id": "berlin", "zone": "Europe/Berlin", "hours": {"monday": ["09:00-17:00"]}}],
        "teams": [{"id": "sales", "calendar": "berlin", "fallbackOwner": "ben"}],
        "reps": [
            {"id": "ada", "name": "Ada", "email": "ada@acme.com", "team": "sales", "weight": 3, "pods": ["dach"]},
            {"id": "ben", "name": "Ben", "email": "ben@acme.com", "team": "sales"},
        ],
        "territories": [{"id": "dach", "match": {"countries": ["de"]}, "to": {"rep": "ada"}}],
    }));
    file.check().unwrap();
    file.into()
}

fn file(name: &str, text: &str) -> File {
    File { name: name.to_owned(), text: text.to_owned() }
}

fn files(files: &[(&str, &str)]) -> Import {
    Import { roster: None, files: files.iter().map(|(name, text)| file(name, text)).collect() }
}

fn faults(import: &Import) -> Vec<String> {
    plan(&present(), import).unwrap_err().iter().map(ToString::to_string).collect()
}

#[test]
fn a_row_changes_what_its_columns_say_and_nothing_else() {
    let reps = "\u{feff}ID,weight,caps,Skills,capacity\r\nada,,5/day; 20/week/rolling,german; saas,7\r\n\r\nben,0,,,\r\n";
    let territories =
        "id,priority,countries,employees_min,rep,team,pod\ndach,2,de;at,50,,sales,dach\nworld,9,,,ben,,\n";
    let import = files(&[("reps.csv", reps), ("territories.CSV", territories)]);
    let (entries, roster) = plan(&present(), &import).unwrap();
    let Some(Entry::Rep(ada)) = entries.get(Kind::Rep, "ada") else { panic!("Ada is gone") };
    assert_eq!(
        (ada.weight, ada.capacity, ada.pods.as_slice()),
        (None, Some(7), ["dach".to_owned()].as_slice())
    );
    assert_eq!((ada.caps.len(), ada.caps[1].limit, ada.skills.len()), (2, 20, 2));
    assert_eq!(roster.rep("ben").unwrap().weight, 0);
    let Some(Entry::Territory(dach)) = entries.get(Kind::Territory, "dach") else { panic!("it is gone") };
    assert_eq!((dach.priority, dach.matches.countries.len(), &dach.to.rep), (2, 2, &None));
    let present = present();
    let difference = present.difference(&entries);
    let added: Vec<String> = difference.added.iter().map(|entry| entry.id()).collect();
    assert_eq!(
        (added, difference.changed.len(), difference.unchanged.len()),
        (vec!["world".to_owned()], 3, 2)
    );
    assert!(difference.removed.is_empty());
}

#[test]
fn all_faults_of_tables_come_at_once_with_line_and_column() {
    let reps = "id,name,email,team,weight,caps,mangaer\n\
                ada,Ada,ada@acme.com,slaes,1001,5/month,\n\
                cid,\"C\n.\",cid@acme.com,sales,,,\n\
                dan,,dan@acme.com,sales,lots,,\n\
                dan,Dan,dan@acme.com,sales\n\
                cid,Cid,cid@acme.com,sales,,,\n";
    let territories = "id,countries,rep,employees_min,employees_max\ndach,de,aad,9,3\n";
    let found = faults(&files(&[("r.csv", reps), ("t.csv", territories), ("x.xlsx", "")]));
    let expected = [
        "r.csv:1:7: mangaer: there is no column `mangaer`; did you mean `manager`?",
        "r.csv:2:4: team: there is no team `slaes` (did you mean `sales`?)",
        "r.csv:2:5: weight: a weight is at most 1000, this one is 1001",
        "r.csv:2:6: caps: `5/month` is no cap: write a number and hour, day or week, such as `5/day` or `20/week/rolling`",
        "r.csv:5:2: name: a new rep needs `name`",
        "r.csv:5:5: weight: `lots` is no whole number from 0 on, or too large",
        "r.csv:6:5: the row has 4 cells, the header has 7",
        "r.csv:7:1: id: `cid` stands here a second time; names must differ",
        "t.csv:2:3: rep: there is no rep `aad` (did you mean `ada`?)",
        "t.csv:2:4: employees_min: no number is at least 9 and at most 3",
        "x.xlsx: the name must end in .json, .toml or .csv, which says what it holds",
    ];
    assert_eq!(found, expected);
}

#[test]
fn a_whole_roster_takes_the_place_of_everything_and_tables_come_after_it() {
    let whole = "[[teams]]\nid = \"success\"\n\n[[reps]]\nid = \"eve\"\nname = \"Eve\"\nemail = \"e@acme.com\"\nteam = \"success\"\n";
    let more = "id,name,email,team\nfay,Fay,fay@acme.com,success\n";
    let (entries, _) = plan(&present(), &files(&[("more.csv", more), ("all.toml", whole)])).unwrap();
    let ids: Vec<String> = entries.iter().map(|(key, _)| key.1.clone()).collect();
    assert_eq!(ids, ["success", "eve", "fay"]);
    // What was exported and is brought in again changes nothing.
    let again = Import { roster: Some(present().file()), files: Vec::new() };
    assert!(present().difference(&plan(&present(), &again).unwrap().0).is_empty());
}

#[test]
fn faults_of_a_whole_roster_point_into_it() {
    let wrong = roster(json!({
        "teams": [{"id": "sales"}],
        "reps": [
            {"id": "zoe", "name": "Z", "email": "z", "team": "slaes"}, {"id": "ada", "name": "A", "email": "a", "team": "sales"},
            {"id": "ada", "name": "B", "email": "b", "team": "sales", "calendar": "brelin"},
        ],
    }));
    let found = plan(&present(), &Import { roster: Some(wrong), files: Vec::new() }).unwrap_err();
    let pointers: Vec<&str> = found.iter().map(|fault| fault.pointer.as_str()).collect();
    assert_eq!(pointers, ["#/roster/reps/2/id", "#/roster/reps/2/calendar", "#/roster/reps/0/team"]);
    let found = faults(&files(&[
        ("a.json", "{\"teams\": [\n  {\"idd\": 1}]}"),
        ("b.toml", "teams = [\n{ id = 1 }]\n"),
    ]));
    assert!(found[1].starts_with("a.json:2:8: unknown field `idd`"), "{found:?}");
    assert!(found[2].starts_with("b.toml:2:"), "{found:?}");
    let two = faults(&files(&[("a.json", "{}"), ("b.json", "{}")]));
    assert_eq!(two, ["there is more than one whole roster; each would replace the others"]);
}

#[test]
fn a_table_that_could_be_of_either_kind_or_has_no_ids_says_so() {
    let tables = [("e.csv", ""), ("m.csv", "id,team\nada,sales\n"), ("r.csv", "name,email\nA,a@acme.com\n")];
    let either =
        "the header names no column that only reps or only territories have, such as `name` or `rep`";
    let expected = [
        format!("e.csv:1:1: {either}"),
        format!("m.csv:1:1: {either}"),
        "r.csv:1:1: id: there is no column `id`, which says whom or what a row is about".to_owned(),
    ];
    assert_eq!(faults(&files(&tables)), expected);
}

#[test]
fn a_fault_in_what_was_there_before_says_where_it_is() {
    let found = plan(&present(), &files(&[("r.csv", "id,leaving\nben,yes\n")])).unwrap_err();
    assert_eq!((found.len(), found[0].pointer.as_str(), found[0].line), (1, "#", None));
    let said = found[0].to_string();
    assert!(said.starts_with("team sales: fallbackOwner: the fallback owner is leaving"), "{said}");
}
