//! What was changed from one version of a plan to the next, as data and in words.
//!
//! Promises: applied to the version before, the changes give the version after, exactly; they name each thing that differs
//! and nothing else. A change says what was there before as well, so that a log that does not fit its plan is noticed.
//! Leaves out: who changed it, when and why; that stands with the version.

#[cfg(test)]
mod tests;
mod words;

use std::collections::{BTreeSet, HashMap, HashSet};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::model::{Plan, TaskId};

pub use words::words;

/// One thing that differs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Change {
    pub of: Subject,
    /// The field that differs; without one, the whole was added or taken out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// What was there.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Object)]
    pub from: Option<Value>,
    /// What is there now.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Object)]
    pub to: Option<Value>,
    /// Of a task or gate that was added: what stands before it in the document; first without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<TaskId>,
}

/// What a change is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", tag = "part", content = "id")]
pub enum Subject {
    /// The plan itself, by a field of the document.
    Plan,
    Task(TaskId),
    Gate(TaskId),
    Role(String),
    Calendar(String),
    /// An entry of the context.
    Context(String),
    ErrorHandling,
}

/// A change does not fit the plan it is applied to.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Unfit {
    #[error("change {at} ({}) does not fit the plan: it says that something else was there", words(.change))]
    Elsewhere { at: usize, change: Box<Change> },
    #[error("the changed document is no plan: {0}")]
    NoPlan(String),
}

/// A value that is there is there, also when it is `null`.
fn present<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

/// Where the document keeps lists whose entries have names, and in which field the order of the names is told.
const LISTS: [(&str, &str); 2] = [("tasks", "taskOrder"), ("gates", "gateOrder")];
/// Where it keeps entries by key.
const MAPS: [&str; 3] = ["roles", "calendars", "context"];
/// What is told field by field.
const ERRORS: &str = "errorHandling";

/// What differs, in the order of the document.
pub fn difference(from: &Plan, to: &Plan) -> Vec<Change> {
    let (from, to) = (document(from), document(to));
    let mut changes = Vec::new();
    let apart: HashSet<&str> = LISTS.iter().map(|(list, _)| *list).chain(MAPS).chain([ERRORS]).collect();
    fields(&Subject::Plan, &from, &to, |field| !apart.contains(field), &mut changes);
    for (list, order) in LISTS {
        entries(list, order, &from, &to, &mut changes);
    }
    for map in MAPS {
        keyed(map, &from, &to, &mut changes);
    }
    fields(&Subject::ErrorHandling, &object(&from, ERRORS), &object(&to, ERRORS), |_| true, &mut changes);
    changes
}

/// The plan after these changes.
pub fn replay(plan: &Plan, changes: &[Change]) -> Result<Plan, Unfit> {
    let mut document = document(plan);
    for (at, change) in changes.iter().enumerate() {
        apply(&mut document, change)
            .ok_or_else(|| Unfit::Elsewhere { at, change: Box::new(change.clone()) })?;
    }
    serde_json::from_value(Value::Object(document)).map_err(|error| Unfit::NoPlan(error.to_string()))
}

fn document(plan: &Plan) -> Map<String, Value> {
    match serde_json::to_value(plan) {
        Ok(Value::Object(map)) => map,
        // A plan is an object with texts as keys.
        _ => Map::new(),
    }
}

fn object(of: &Map<String, Value>, field: &str) -> Map<String, Value> {
    of.get(field).and_then(Value::as_object).cloned().unwrap_or_default()
}

/// Fields that differ, by name.
fn fields(
    of: &Subject,
    from: &Map<String, Value>,
    to: &Map<String, Value>,
    counts: impl Fn(&str) -> bool,
    changes: &mut Vec<Change>,
) {
    let names: BTreeSet<&String> = from.keys().chain(to.keys()).collect();
    for name in names.into_iter().filter(|name| counts(name)) {
        let (before, after) = (from.get(name), to.get(name));
        if before != after {
            changes.push(Change {
                of: of.clone(),
                field: Some(name.clone()),
                from: before.cloned(),
                to: after.cloned(),
                after: None,
            });
        }
    }
}

/// The name of an entry of a list.
fn name(entry: &Value) -> &str {
    entry.get("id").and_then(Value::as_str).unwrap_or_default()
}

fn list<'a>(of: &'a Map<String, Value>, name: &str) -> &'a [Value] {
    of.get(name).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn subject(list: &str, id: &str) -> Subject {
    let id = TaskId(id.to_owned());
    if list == "gates" { Subject::Gate(id) } else { Subject::Task(id) }
}

/// Entries that were taken out, added and changed, and the order where it is another one.
fn entries(
    of: &str,
    order: &str,
    from: &Map<String, Value>,
    to: &Map<String, Value>,
    changes: &mut Vec<Change>,
) {
    let (before, after) = (list(from, of), list(to, of));
    let old: HashMap<&str, &Value> = before.iter().map(|entry| (name(entry), entry)).collect();
    let new: HashSet<&str> = after.iter().map(name).collect();
    for entry in before.iter().filter(|entry| !new.contains(name(entry))) {
        changes.push(Change {
            of: subject(of, name(entry)),
            field: None,
            from: Some(entry.clone()),
            to: None,
            after: None,
        });
    }
    let mut last: Option<&str> = None;
    for entry in after {
        match old.get(name(entry)) {
            Some(was) => {
                let empty = Map::new();
                let maps = (was.as_object().unwrap_or(&empty), entry.as_object().unwrap_or(&empty));
                fields(&subject(of, name(entry)), maps.0, maps.1, |_| true, changes);
            }
            None => changes.push(Change {
                of: subject(of, name(entry)),
                field: None,
                from: None,
                to: Some(entry.clone()),
                after: last.map(|last| TaskId(last.to_owned())),
            }),
        }
        last = Some(name(entry));
    }
    let kept: Vec<&str> = before.iter().map(name).filter(|id| new.contains(id)).collect();
    let still: Vec<&str> = after.iter().map(name).filter(|id| old.contains_key(id)).collect();
    if kept != still {
        let ids = |names: &[&str]| Some(Value::from(names.to_vec()));
        let all: Vec<&str> = after.iter().map(name).collect();
        changes.push(Change {
            of: Subject::Plan,
            field: Some(order.to_owned()),
            from: ids(&kept),
            to: ids(&all),
            after: None,
        });
    }
}

fn keyed(of: &str, from: &Map<String, Value>, to: &Map<String, Value>, changes: &mut Vec<Change>) {
    let (before, after) = (object(from, of), object(to, of));
    let keys: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    for key in keys {
        let of = match of {
            "roles" => Subject::Role(key.clone()),
            "calendars" => Subject::Calendar(key.clone()),
            _ => Subject::Context(key.clone()),
        };
        match (before.get(key), after.get(key)) {
            (Some(Value::Object(was)), Some(Value::Object(is))) if !matches!(of, Subject::Context(_)) => {
                fields(&of, was, is, |_| true, changes);
            }
            (was, is) if was != is => {
                changes.push(Change { of, field: None, from: was.cloned(), to: is.cloned(), after: None });
            }
            _ => {}
        }
    }
}

/// Makes one change; none where it says that something else was there.
fn apply(document: &mut Map<String, Value>, change: &Change) -> Option<()> {
    match (&change.of, &change.field) {
        (Subject::Plan, Some(field)) => match LISTS.iter().find(|(_, order)| order == field) {
            Some((list, _)) => reorder(document, list, change),
            None => set(document, field, change),
        },
        (Subject::ErrorHandling, Some(field)) => {
            set(document.get_mut(ERRORS)?.as_object_mut()?, field, change)
        }
        (Subject::Task(id), field) => entry(document, "tasks", id, field.as_deref(), change),
        (Subject::Gate(id), field) => entry(document, "gates", id, field.as_deref(), change),
        (Subject::Role(key), field) => in_map(document, "roles", key, field.as_deref(), change),
        (Subject::Calendar(key), field) => in_map(document, "calendars", key, field.as_deref(), change),
        (Subject::Context(key), None) => in_map(document, "context", key, None, change),
        (Subject::Plan | Subject::ErrorHandling, None) | (Subject::Context(_), Some(_)) => None,
    }
}

fn set(of: &mut Map<String, Value>, field: &str, change: &Change) -> Option<()> {
    if of.get(field) != change.from.as_ref() {
        return None;
    }
    match &change.to {
        Some(value) => of.insert(field.to_owned(), value.clone()),
        None => of.remove(field),
    };
    Some(())
}

fn in_map(
    document: &mut Map<String, Value>,
    map: &str,
    key: &str,
    field: Option<&str>,
    change: &Change,
) -> Option<()> {
    let map = document.entry(map).or_insert_with(|| Value::Object(Map::new())).as_object_mut()?;
    match field {
        Some(field) => set(map.get_mut(key)?.as_object_mut()?, field, change),
        None => set(map, key, change),
    }
}

fn entry(
    document: &mut Map<String, Value>,
    of: &str,
    id: &TaskId,
    field: Option<&str>,
    change: &Change,
) -> Option<()> {
    let list = document.entry(of).or_insert_with(|| Value::Array(Vec::new())).as_array_mut()?;
    let place = list.iter().position(|entry| name(entry) == id.0);
    match (field, place, &change.from, &change.to) {
        (Some(field), Some(place), ..) => set(list[place].as_object_mut()?, field, change),
        (None, Some(place), Some(was), None) if list[place] == *was => {
            list.remove(place);
            Some(())
        }
        (None, None, None, Some(is)) => {
            let behind = match &change.after {
                Some(after) => list.iter().position(|entry| name(entry) == after.0)? + 1,
                None => 0,
            };
            list.insert(behind, is.clone());
            Some(())
        }
        _ => None,
    }
}

fn reorder(document: &mut Map<String, Value>, of: &str, change: &Change) -> Option<()> {
    let list = document.get_mut(of)?.as_array_mut()?;
    let order: HashMap<&str, usize> = change
        .to
        .as_ref()?
        .as_array()?
        .iter()
        .enumerate()
        .filter_map(|(at, id)| Some((id.as_str()?, at)))
        .collect();
    if order.len() != list.len() || !list.iter().all(|entry| order.contains_key(name(entry))) {
        return None;
    }
    list.sort_by_key(|entry| order.get(name(entry)).copied());
    Some(())
}
