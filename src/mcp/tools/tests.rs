//! What holds of all tools: they fit the API, can be understood without knowing it, and write only when told to.

use serde_json::Value;

use super::*;
use crate::app::openapi_document;
use crate::mcp::tool::{self, Effect};

fn document() -> Value {
    openapi_document().unwrap()
}

fn tools() -> Vec<Entry> {
    let mut faults = Vec::new();
    let tools = all(&Operations::read(&document()), &mut faults);
    assert!(faults.is_empty(), "{faults:?}");
    tools
}

/// Everything below a schema.
fn walk<'v>(value: &'v Value, seen: &mut Vec<&'v Value>) {
    seen.push(value);
    match value {
        Value::Object(fields) => fields.values().for_each(|inner| walk(inner, seen)),
        Value::Array(items) => items.iter().for_each(|inner| walk(inner, seen)),
        _ => {}
    }
}

#[test]
fn an_agent_is_told_what_everything_is() {
    let mut names = std::collections::BTreeSet::new();
    for tool in tools() {
        assert!(names.insert(tool.name), "{} twice", tool.name);
        assert!(tool.name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'), "{}", tool.name);
        assert!((80..1_200).contains(&tool.description.len()), "{}: {}", tool.name, tool.description.len());
        for (field, schema) in tool.input["properties"].as_object().unwrap() {
            let said = schema["description"].as_str().unwrap_or_default();
            assert!(said.len() > 15, "{}.{field} is not described: {schema}", tool.name);
        }
        let input = Value::Object(tool.input.clone());
        let mut parts = Vec::new();
        walk(&input, &mut parts);
        assert!(parts.iter().all(|part| part.get("$ref").is_none()), "{}: {input:#}", tool.name);
        assert_eq!(
            (&tool.input["type"], &tool.input["additionalProperties"]),
            (&"object".into(), &false.into())
        );
    }
}

#[test]
fn what_writes_only_looks_unless_told_otherwise() {
    for tool in tools() {
        let fields = &tool.input["properties"];
        assert_eq!(fields.get("dryRun").is_some(), tool.effect.writes(), "{}", tool.name);
        assert_eq!(fields.get("idempotencyKey").is_some(), tool.effect.writes(), "{}", tool.name);
        if tool.effect != Effect::Reads {
            assert_eq!(fields["dryRun"]["default"], true, "{}", tool.name);
        }
    }
}

#[test]
fn schemas_of_answers_stand_by_themselves_and_name_nothing_in_vain() {
    for tool in tools() {
        assert_eq!(tool.output["type"], "object", "{}", tool.name);
        let output = Value::Object(tool.output.clone());
        let mut parts = Vec::new();
        walk(&output, &mut parts);
        for reference in parts.iter().filter_map(|part| part.get("$ref")?.as_str()) {
            let place = reference.strip_prefix('#').unwrap();
            assert!(output.pointer(place).is_some_and(Value::is_object), "{}: {reference}", tool.name);
        }
    }
}

#[test]
fn calls_that_write_are_declared_by_tools_that_write() {
    let document = document();
    let changing = |call: &str| {
        let items = document["paths"].as_object().unwrap().values();
        items.flat_map(|item| item.as_object().unwrap()).any(|(method, operation)| {
            // Replays and verifications compute and write nothing.
            let computes = ["replay_decision", "verifyAudit"].contains(&call);
            operation["operationId"] == call && method != "get" && !computes
        })
    };
    for tool in tools() {
        assert_eq!(tool.calls.iter().any(|call| changing(call)), tool.effect.writes(), "{}", tool.name);
    }
}

#[test]
fn every_tool_needs_a_scope() {
    let operations = Operations::read(&document());
    for tool in tools() {
        assert!(!tool::scopes(tool.calls, &operations).is_empty(), "{}", tool.name);
    }
}

#[test]
fn what_goes_with_an_action_is_what_its_call_takes() {
    let document = document();
    for (call, fields) in advance_handoff::pairs() {
        let items = document["paths"].as_object().unwrap().values();
        let operation = items
            .flat_map(|item| item.as_object().unwrap().values())
            .find(|operation| operation["operationId"] == call)
            .unwrap();
        let mut named = Vec::new();
        walk(&operation["requestBody"], &mut named);
        let body =
            named.iter().find_map(|part| part.get("$ref")?.as_str()).unwrap().rsplit('/').next().unwrap();
        let takes = document["components"]["schemas"][body]["properties"].as_object().unwrap();
        let takes: Vec<&str> = takes.keys().map(String::as_str).filter(|name| *name != "dryRun").collect();
        let mut given = fields.to_vec();
        given.sort_unstable();
        assert_eq!(given, takes, "{call}");
    }
}
