//! A policy file as a tree of values that know their place in the text, whichever format it came in.
//!
//! Promises: TOML and JSON of equal content give equal trees but for the places, and equal canonical JSON.
//! Leaves out: meaning; the readers give it.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::fault::{FaultCode, Faults};
use super::{Format, json};

/// Deeper nesting than any policy has; keeps every walk over a tree shallow.
const DEPTH_MAX: usize = 24;

/// A value and the bytes it was written in.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    pub span: Range<usize>,
    pub tree: Tree,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Tree {
    Text(String),
    Whole(i64),
    Number(f64),
    Flag(bool),
    List(Vec<Node>),
    Table(Vec<Entry>),
    /// Something a policy never holds, such as a date or a null, by its name.
    Foreign(&'static str),
}

/// A key of a table with its value.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    pub key: String,
    pub key_span: Range<usize>,
    pub node: Node,
}

impl Node {
    /// What the value is, for an error text.
    pub fn kind(&self) -> &'static str {
        match self.tree {
            Tree::Text(_) => "a text",
            Tree::Whole(_) => "a whole number",
            Tree::Number(_) => "a number",
            Tree::Flag(_) => "true or false",
            Tree::List(_) => "a list",
            Tree::Table(_) => "a table",
            Tree::Foreign(name) => name,
        }
    }

    /// The value as JSON, without places.
    pub fn to_json(&self) -> serde_json::Value {
        match &self.tree {
            Tree::Text(text) => text.clone().into(),
            Tree::Whole(whole) => (*whole).into(),
            Tree::Number(number) => (*number).into(),
            Tree::Flag(flag) => (*flag).into(),
            Tree::List(items) => items.iter().map(Self::to_json).collect(),
            Tree::Table(entries) => {
                entries.iter().map(|entry| (entry.key.clone(), entry.node.to_json())).collect()
            }
            Tree::Foreign(_) => serde_json::Value::Null,
        }
    }
}

/// Reads a file; `None` when it is not of its format, with the faults noted.
pub fn parse(format: Format, faults: &Faults<'_>) -> Option<Node> {
    match format {
        Format::Toml => parse_toml(faults),
        Format::Json => json::parse(faults.text(), DEPTH_MAX)
            .map_err(|(at, message)| faults.add(FaultCode::Syntax, &(at..at), "", message))
            .ok(),
    }
}

fn parse_toml(faults: &Faults<'_>) -> Option<Node> {
    let (table, errors) = DeTable::parse_recoverable(faults.text());
    for error in &errors {
        faults.add(FaultCode::Syntax, &error.span().unwrap_or(0..0), "", error.message());
    }
    let span = 0..faults.text().len();
    if !errors.is_empty() {
        return None;
    }
    let tree = from_table(table.get_ref(), faults, 0);
    Some(Node { span, tree })
}

fn from_table(table: &DeTable<'_>, faults: &Faults<'_>, depth: usize) -> Tree {
    let mut entries: Vec<Entry> = table
        .iter()
        .map(|(key, value)| Entry {
            key: key.get_ref().to_string(),
            key_span: key.span(),
            node: from_value(value, faults, depth + 1),
        })
        .collect();
    entries.sort_by_key(|entry| entry.key_span.start);
    Tree::Table(entries)
}

fn from_value(value: &Spanned<DeValue<'_>>, faults: &Faults<'_>, depth: usize) -> Node {
    let span = value.span();
    if depth > DEPTH_MAX {
        faults.add(FaultCode::TooLarge, &span, "", format!("nested deeper than {DEPTH_MAX} levels"));
        return Node { span, tree: Tree::Foreign("too deep a value") };
    }
    let tree = match value.get_ref() {
        DeValue::String(text) => Tree::Text(text.to_string()),
        DeValue::Integer(integer) => match i64::from_str_radix(integer.as_str(), integer.radix()) {
            Ok(whole) => Tree::Whole(whole),
            Err(_) => Tree::Foreign("a number beyond 64 bits"),
        },
        DeValue::Float(float) => match float.as_str().parse::<f64>() {
            Ok(number) if number.is_finite() => Tree::Number(number),
            _ => Tree::Foreign("an infinite number"),
        },
        DeValue::Boolean(flag) => Tree::Flag(*flag),
        DeValue::Datetime(_) => Tree::Foreign("a date"),
        DeValue::Array(items) => {
            Tree::List(items.iter().map(|item| from_value(item, faults, depth + 1)).collect())
        }
        DeValue::Table(table) => from_table(table, faults, depth),
    };
    Node { span, tree }
}
