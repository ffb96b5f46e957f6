//! How a value looks, for documentation: the same table that the readers check by.
//!
//! Promises: a shape turns into JSON Schema (2020-12, as `OpenAPI` 3.1 uses it).
//! Leaves out what a schema cannot say: the readers also refuse what cannot be true or stored (a date far
//! ahead, the NUL character), and are more tolerant in places (letter case of enumerations, bare numbers
//! for money).

use serde_json::{Value, json};

/// The form of one value.
#[derive(Debug, Clone, Copy)]
pub enum Shape {
    /// A text of at most `max` characters that is more than space.
    Text {
        max: usize,
    },
    /// A text in a form that JSON Schema knows by name.
    Formatted {
        max: usize,
        format: &'static str,
    },
    /// A text that a regular expression describes.
    Pattern {
        max: usize,
        pattern: &'static str,
    },
    /// One of a closed list.
    Choice(fn() -> Vec<&'static str>),
    Integer {
        min: u64,
        max: u64,
    },
    Number {
        min: f64,
        max: f64,
    },
    /// A decimal amount: text, number, or an object with its currency.
    Money {
        negative: bool,
    },
    Boolean,
    List {
        of: &'static Shape,
        max: usize,
    },
    /// An object of names with counts.
    Counts {
        max: usize,
    },
    Object {
        summary: &'static str,
        fields: &'static [Field],
    },
}

/// One field of an object.
#[derive(Debug, Clone, Copy)]
pub struct Field {
    pub name: &'static str,
    pub shape: Shape,
    /// Absent or null is a fault; otherwise null clears what is known.
    pub required: bool,
    /// One or two sentences.
    pub doc: &'static str,
}

impl Shape {
    /// The JSON Schema of the shape.
    pub fn json_schema(&self) -> Value {
        match self {
            Self::Text { max } => text_schema(*max, "pattern", r"\S"),
            Self::Formatted { max, format } => text_schema(*max, "format", format),
            Self::Pattern { max, pattern } => text_schema(*max, "pattern", pattern),
            Self::Choice(names) => json!({"type": "string", "enum": names()}),
            Self::Integer { min, max } => json!({"type": "integer", "minimum": min, "maximum": max}),
            Self::Number { min, max } => json!({"type": "number", "minimum": min, "maximum": max}),
            Self::Money { negative } => money_schema(*negative),
            Self::Boolean => json!({"type": "boolean"}),
            Self::List { of, max } => json!({"type": "array", "items": of.json_schema(), "maxItems": max}),
            Self::Counts { max } => json!({
                "type": "object",
                "maxProperties": max,
                "additionalProperties": {"type": "integer", "minimum": 0},
            }),
            Self::Object { summary, fields } => object_schema(summary, fields),
        }
    }
}

fn text_schema(max: usize, key: &str, rule: &str) -> Value {
    json!({"type": "string", "minLength": 1, "maxLength": max, key: rule})
}

/// Money as text or as an object with its currency. A bare number is accepted too, for senders that have
/// nothing better, but is not what new clients should send.
fn money_schema(negative: bool) -> Value {
    let pattern = if negative { r"^-?\d{1,15}(\.\d{1,6})?$" } else { r"^\d{1,15}(\.\d{1,6})?$" };
    let amount = json!({"type": "string", "pattern": pattern, "examples": ["1234.50"]});
    json!({
        "anyOf": [
            amount,
            {
                "type": "object",
                "required": ["amount", "currency"],
                "properties": {
                    "amount": amount,
                    "currency": {"type": "string", "pattern": "^[A-Z]{3}$", "examples": ["USD"]},
                },
            },
        ],
    })
}

/// The schema of an object whose unknown members are kept.
pub(super) fn object_schema(summary: &str, fields: &[Field]) -> Value {
    let properties: serde_json::Map<String, Value> = fields
        .iter()
        .map(|field| {
            let mut schema = field.shape.json_schema();
            if !field.required {
                schema = json!({"anyOf": [schema, {"type": "null"}]});
            }
            schema["description"] = field.doc.trim().into();
            (field.name.to_owned(), schema)
        })
        .collect();
    let required: Vec<&str> = fields.iter().filter(|field| field.required).map(|field| field.name).collect();
    json!({
        "type": "object",
        "description": summary.trim(),
        "required": required,
        "properties": properties,
        "additionalProperties": true,
    })
}
