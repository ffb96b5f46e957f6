//! What callers are told about requests that cannot be taken.

use axum::http::Uri;
use serde::Deserialize;

use super::*;
use crate::kernel::ids::AccountId;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Colour {
    Red,
    Blue,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[expect(dead_code, reason = "read to see what is refused, not for its values")]
struct Order {
    account_id: AccountId,
    colour: Colour,
    count: u32,
    placed_at: chrono::DateTime<chrono::Utc>,
    note: Option<String>,
    lines: Vec<Line>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[expect(dead_code, reason = "read to see what is refused, not for its values")]
struct Line {
    item: String,
    price: f64,
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(rename_all = "camelCase")]
struct Filter {
    colour: Option<String>,
    min_count: Option<u32>,
    #[serde(default)]
    kinds: Vec<String>,
    overdue: Option<bool>,
}

fn faults(problem: &Problem) -> Vec<(&str, &str)> {
    problem.errors().iter().map(|fault| (fault.pointer.as_str(), fault.detail.as_str())).collect()
}

fn query(text: &str) -> Result<Filter, Problem> {
    let uri: Uri = format!("/x?{text}").parse().unwrap();
    let (parts, ()) = axum::http::Request::builder().uri(uri).body(()).unwrap().into_parts();
    filters(pairs(&parts)?)
}

#[test]
fn every_fault_of_a_body_is_named_at_once() {
    let body = br#"{"accountId":"a b","colour":"bleu","count":-1,"placedAt":"yesterday","acount":1,
        "lines":[{"item":"x","price":1},{"item":2,"prize":3}]}"#;
    let problem = parse::<Order>(body).unwrap_err();
    assert_eq!(problem.code(), "invalid_body");
    let found = faults(&problem);
    let at = |pointer: &str| found.iter().find(|fault| fault.0 == pointer).map(|fault| fault.1);
    assert!(at("#/accountId").unwrap().contains("' '"), "{found:?}");
    assert_eq!(
        at("#/colour").unwrap(),
        "\"bleu\" is not one of the values; did you mean blue? known: red and blue"
    );
    assert!(at("#/count").is_some() && at("#/placedAt").is_some(), "{found:?}");
    assert!(at("#/acount").unwrap().starts_with("unknown field; "), "{found:?}");
    assert!(at("#/lines/1/item").is_some(), "{found:?}");
    assert_eq!(at("#/lines/1/prize").unwrap(), "unknown field; did you mean price?");
    assert_eq!(at("#/lines/1/price").unwrap(), "is missing");
    assert_eq!(found.len(), 8, "{found:?}");
}

#[test]
fn mending_one_fault_never_blames_the_caller_for_another() {
    let problem = parse::<Order>(
        br#"{"accountId":"a","colour":"red","count":1,"placedAt":"2026-01-01T00:00:00Z","lines":[7]}"#,
    )
    .unwrap_err();
    assert_eq!(faults(&problem).len(), 1, "{problem:?}");
    assert_eq!(problem.errors()[0].pointer, "#/lines/0");
}

#[test]
fn all_missing_fields_of_an_empty_body_are_named() {
    let problem = parse::<Order>(b"{}").unwrap_err();
    let pointers: Vec<_> = faults(&problem).into_iter().map(|fault| fault.0).collect();
    assert_eq!(pointers, ["#/accountId", "#/colour", "#/count", "#/placedAt", "#/lines"]);
}

#[test]
fn what_is_no_json_is_a_400_and_a_double_field_is_not_lost() {
    assert_eq!(parse::<Line>(b"{").unwrap_err().code(), "malformed_json");
    assert_eq!(parse::<Line>(br#"{"item":"a","price":1} x"#).unwrap_err().code(), "malformed_json");
    let twice = parse::<Line>(br#"{"item":"a","item":"b","price":1}"#).unwrap_err();
    assert!(twice.errors()[0].detail.contains("duplicate field"), "{twice:?}");
}

#[test]
fn a_large_bad_body_is_read_a_few_times_only() {
    let lines: Vec<_> = (0..20_000).map(|_| serde_json::json!({ "item": 1, "price": "x" })).collect();
    let body = serde_json::json!({ "lines": lines }).to_string();
    let problem = parse::<Order>(body.as_bytes()).unwrap_err();
    assert!(!problem.errors().is_empty() && problem.errors().len() <= 50);
}

#[test]
fn query_parameters_are_read_as_their_types() {
    let filter = query("colour=red&minCount=3&kinds=a&kinds=b&overdue=true").unwrap();
    assert_eq!(filter.min_count, Some(3));
    assert_eq!(filter.kinds, ["a", "b"]);
    assert_eq!(filter.overdue, Some(true));
    assert_eq!(query("kinds=a").unwrap().kinds, ["a"]);
    assert_eq!(query("colour=a%20b").unwrap().colour.as_deref(), Some("a b"));
}

#[test]
fn every_fault_of_a_query_is_named_at_once() {
    let problem = query("minCount=many&overdue=perhaps&color=red&colour=a&colour=b").unwrap_err();
    assert_eq!(problem.status(), StatusCode::BAD_REQUEST);
    let mut found = faults(&problem);
    found.sort_unstable();
    let pointers: Vec<_> = found.iter().map(|fault| fault.0).collect();
    assert_eq!(pointers, ["query:color", "query:colour", "query:minCount", "query:overdue"], "{found:?}");
    assert_eq!(found[0].1, "unknown parameter; did you mean colour?");
    assert_eq!(found[1].1, "is given more than once");
}
