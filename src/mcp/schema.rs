//! JSON schemas of what tools take and give, from the same descriptions as the API's document.
//!
//! An `OpenAPI` 3.1 schema is a JSON schema; only its references lead into the document. What a tool takes is written out in
//! one piece, because not every client follows references there; what it gives names its parts in `$defs`.

use serde_json::{Map, Value, json};
use utoipa::openapi::{RefOr, Schema as Described};
use utoipa::{PartialSchema, ToSchema};

/// A schema of an object.
pub type Schema = Map<String, Value>;
/// Schemas by name, as in a document's components.
pub type Components = Map<String, Value>;

const COMPONENT: &str = "#/components/schemas/";
const DEFINITION: &str = "#/$defs/";
/// How deep what a tool takes may be nested: deeper is a circle.
const DEPTH_MAX: usize = 16;

/// The schema of a type and of those that it is made of.
pub fn of<T: ToSchema + PartialSchema>() -> (Value, Components) {
    let mut parts: Vec<(String, RefOr<Described>)> = Vec::new();
    T::schemas(&mut parts);
    let written = |schema: &RefOr<Described>| serde_json::to_value(schema).unwrap_or_default();
    let components = parts.iter().map(|(name, schema)| (name.clone(), written(schema))).collect();
    (written(&T::schema()), components)
}

/// What a tool takes, written out in one piece. Fields that it does not know are refused.
pub fn input<T: ToSchema + PartialSchema>() -> Schema {
    let (root, components) = of::<T>();
    let mut schema = object(in_one_piece(&root, &components, DEPTH_MAX));
    schema.insert("additionalProperties".to_owned(), false.into());
    schema.entry("properties").or_insert_with(|| json!({}));
    schema
}

/// What a tool gives, with its parts as definitions.
pub fn output(root: &Value, components: &Components) -> Schema {
    let root = match component(root) {
        Some(name) => components.get(name).unwrap_or(root),
        None => root,
    };
    let mut definitions = Map::new();
    let mut schema = object(defined(root, components, &mut definitions));
    if !definitions.is_empty() {
        schema.insert("$defs".to_owned(), Value::Object(definitions));
    }
    schema
}

/// The same where some parts lack a field each, which is long and told elsewhere.
pub fn output_lacking(root: &Value, components: &Components, fields: &[(&str, &str)]) -> Schema {
    let mut left = components.clone();
    for (part, field) in fields {
        if let Some(schema) = left.get_mut(*part) {
            *schema = lacking(schema, field);
        }
    }
    output(root, &left)
}

/// A schema of which no object has a field of this name.
pub fn lacking(schema: &Value, field: &str) -> Value {
    match schema {
        Value::Object(fields) => {
            let kept = fields.iter().filter(|(name, value)| *name != field || !value.is_object());
            let inner = |name: &str, value: &Value| match value {
                Value::Array(names) if name == "required" => {
                    names.iter().filter(|name| *name != field).cloned().collect()
                }
                _ => lacking(value, field),
            };
            Value::Object(kept.map(|(name, value)| (name.clone(), inner(name, value))).collect())
        }
        Value::Array(items) => items.iter().map(|item| lacking(item, field)).collect(),
        other => other.clone(),
    }
}

fn object(schema: Value) -> Schema {
    let mut schema = match schema {
        Value::Object(schema) => schema,
        _ => Map::new(),
    };
    // A type put together from others does not say so itself, and the protocol wants it said.
    schema.insert("type".to_owned(), "object".into());
    schema
}

/// The component that a schema refers to.
fn component(schema: &Value) -> Option<&str> {
    schema["$ref"].as_str()?.strip_prefix(COMPONENT)
}

fn in_one_piece(schema: &Value, components: &Components, depth: usize) -> Value {
    let inner = |value: &Value| in_one_piece(value, components, depth.saturating_sub(1));
    match schema {
        Value::Object(fields) if depth > 0 => {
            let mut out = match component(schema).and_then(|name| components.get(name)) {
                Some(part) => match inner(part) {
                    Value::Object(part) => part,
                    _ => Map::new(),
                },
                None => Map::new(),
            };
            // What stands beside a reference is said of this place and wins.
            out.extend(
                fields
                    .iter()
                    .filter(|(name, _)| *name != "$ref")
                    .map(|(name, value)| (name.clone(), inner(value))),
            );
            Value::Object(described(out))
        }
        Value::Array(items) => items.iter().map(inner).collect(),
        // Descriptions come from comments with their line breaks.
        Value::String(text) => text.replace('\n', " ").into(),
        other => other.clone(),
    }
}

/// What may be null is described at its place, where clients look, and not within its alternatives.
fn described(mut schema: Schema) -> Schema {
    if let Some(Value::Array(alternatives)) = schema.get_mut("oneOf")
        && let [only, null] = alternatives.as_mut_slice()
        && null["type"] == "null"
        && let Some(words) = only.as_object_mut().and_then(|only| only.remove("description"))
    {
        schema.entry("description").or_insert(words);
    }
    schema
}

fn defined(schema: &Value, components: &Components, definitions: &mut Map<String, Value>) -> Value {
    match schema {
        Value::Object(fields) => {
            let mut out = Map::new();
            for (name, value) in fields {
                let part = component(schema).filter(|_| name == "$ref");
                let Some(part) = part else {
                    out.insert(name.clone(), defined(value, components, definitions));
                    continue;
                };
                out.insert(name.clone(), format!("{DEFINITION}{part}").into());
                if let Some(definition) = components.get(part).filter(|_| !definitions.contains_key(part)) {
                    // Held by a place first, so that a part that names itself ends.
                    definitions.insert(part.to_owned(), Value::Null);
                    let definition = defined(definition, components, definitions);
                    definitions.insert(part.to_owned(), definition);
                }
            }
            Value::Object(out)
        }
        Value::Array(items) => items.iter().map(|item| defined(item, components, definitions)).collect(),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_become_definitions_or_are_written_out() {
        let components = json!({
            "Page": { "type": "object", "properties": { "rows": { "type": "array", "items": { "$ref": "#/components/schemas/Row" } } } },
            "Row": { "properties": { "next": { "$ref": "#/components/schemas/Row", "description": "Another." } } },
            "Maybe": { "oneOf": [{ "$ref": "#/components/schemas/Row", "description": "Or not." }, { "type": "null" }] },
        });
        let components = components.as_object().unwrap();
        let schema = Value::Object(output(&json!({ "$ref": "#/components/schemas/Page" }), components));
        assert_eq!(schema["properties"]["rows"]["items"]["$ref"], "#/$defs/Row");
        assert_eq!(schema["$defs"]["Row"]["properties"]["next"]["$ref"], "#/$defs/Row", "a circle ends");
        let flat = in_one_piece(&components["Page"], components, 8);
        let row = &flat["properties"]["rows"]["items"];
        assert_eq!(row["properties"]["next"]["description"], "Another.");
        assert!(row.get("$ref").is_none());
        let maybe = in_one_piece(&components["Maybe"], components, 8);
        assert_eq!(maybe["description"], "Or not.");
        assert!(maybe["oneOf"][0].get("description").is_none());
    }
}
