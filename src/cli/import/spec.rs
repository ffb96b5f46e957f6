//! Where the value of a field comes from and what it becomes.
//!
//! In a mapping a field is one of
//! - a text: the column of that name, as text;
//! - a table with `column` (or `first`, a list of columns of which the first that is not empty counts),
//!   `template`, `newest = true` (the newest event time of all files) or `value` (a constant), and with
//!   `as`, `map`, `unmapped`, `default`, `required`, `formats`, `separator`, `currency`;
//! - another table: an object, whose keys may be templates (`"{feature_name}"`);
//! - a list: a list of such fields, empty ones left out.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::Value;
use toml::Value as Toml;

use super::mapping::MappingFault;
use super::template::Template;
use crate::kernel::text::nearest;

/// How a value is made.
#[derive(Debug, Clone)]
pub enum Spec {
    Object(Vec<(Template, Spec)>),
    List(Vec<Spec>),
    Constant(Value),
    Field(Box<Field>),
}

/// A value made of the row.
#[derive(Debug, Clone)]
pub struct Field {
    pub origin: Origin,
    pub kind: Kind,
    /// From the cell's text to another value, before `kind` is applied; constants of any type.
    pub map: BTreeMap<String, Value>,
    pub unmapped: Unmapped,
    /// Stands in for an empty cell.
    pub default: Option<Value>,
    /// An empty cell is a fault.
    pub required: bool,
    /// Date formats of this field alone.
    pub formats: Vec<String>,
    /// Between the items of a list.
    pub separator: String,
    /// Makes money carry its currency.
    pub currency: Option<String>,
}

/// Where the text comes from.
#[derive(Debug, Clone)]
pub enum Origin {
    /// The first column that is not empty.
    Columns(Vec<String>),
    Template(Template),
    /// The newest event time of all files.
    Newest,
}

/// What the text becomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Text,
    Integer,
    Number,
    /// Decimal text; with `currency` an object of amount and currency.
    Money,
    /// `45 %` and `45` become 0.45.
    Percent,
    Boolean,
    /// `YYYY-MM-DD`.
    Date,
    /// RFC 3339 in UTC.
    Instant,
    /// A list of texts.
    List,
    /// Lower case, everything but letters and digits as hyphens: an id made of a name.
    Slug,
}

impl Kind {
    const ALL: [(&'static str, Self); 10] = [
        ("text", Self::Text),
        ("integer", Self::Integer),
        ("number", Self::Number),
        ("money", Self::Money),
        ("percent", Self::Percent),
        ("boolean", Self::Boolean),
        ("date", Self::Date),
        ("instant", Self::Instant),
        ("list", Self::List),
        ("slug", Self::Slug),
    ];

    fn from_name(place: &str, name: &str) -> Result<Self, MappingFault> {
        if let Some((_, kind)) = Self::ALL.iter().find(|(known, _)| *known == name) {
            return Ok(*kind);
        }
        let names = Self::ALL.map(|(known, _)| known);
        let hint = nearest(name, names)
            .map_or_else(|| format!("known: {}", names.join(", ")), |near| format!("did you mean `{near}`?"));
        Err(MappingFault::new(place, format!("`as = {name:?}` is unknown; {hint}")))
    }
}

/// What a text that `map` does not name becomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unmapped {
    /// Itself.
    #[default]
    Keep,
    /// Nothing: the field is left out.
    Drop,
    /// A fault of the row.
    Fault,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawField {
    column: Option<String>,
    first: Option<Vec<String>>,
    template: Option<String>,
    value: Option<Toml>,
    newest: Option<bool>,
    #[serde(rename = "as")]
    kind: Option<String>,
    #[serde(default)]
    map: BTreeMap<String, Toml>,
    #[serde(default)]
    unmapped: Unmapped,
    default: Option<Toml>,
    #[serde(default)]
    required: bool,
    #[serde(default)]
    formats: Vec<String>,
    separator: Option<String>,
    currency: Option<String>,
}

/// A table with one of these keys is a field; any other is an object.
const ORIGINS: [&str; 5] = ["column", "first", "template", "value", "newest"];

impl Spec {
    /// Reads the value of a field in a mapping; texts are columns.
    pub fn parse(place: &str, raw: &Toml) -> Result<Self, MappingFault> {
        Self::parse_as(place, raw, Kind::Text)
    }

    /// As [`Spec::parse`], for a place that takes an instant.
    pub fn parse_instant(place: &str, raw: &Toml) -> Result<Self, MappingFault> {
        Self::parse_as(place, raw, Kind::Instant)
    }

    /// A field made of a template.
    pub fn template(place: &str, text: &str) -> Result<Self, MappingFault> {
        let template = Template::parse(text).map_err(|reason| MappingFault::new(place, reason))?;
        Ok(Self::Field(Box::new(Field::plain(Origin::Template(template), Kind::Text))))
    }

    fn parse_as(place: &str, raw: &Toml, kind: Kind) -> Result<Self, MappingFault> {
        match raw {
            Toml::String(column) => {
                Ok(Self::Field(Box::new(Field::plain(Origin::Columns(vec![column.clone()]), kind))))
            }
            Toml::Array(items) => items
                .iter()
                .enumerate()
                .map(|(n, item)| Self::parse_as(&format!("{place}[{n}]"), item, kind))
                .collect::<Result<_, _>>()
                .map(Self::List),
            Toml::Table(table) if ORIGINS.iter().any(|key| table.contains_key(*key)) => {
                Self::field(place, raw, kind)
            }
            Toml::Table(table) => table
                .iter()
                .map(|(key, value)| {
                    let place = format!("{place}.{key}");
                    let name = Template::parse(key).map_err(|reason| MappingFault::new(&place, reason))?;
                    Ok((name, Self::parse_as(&place, value, kind)?))
                })
                .collect::<Result<_, _>>()
                .map(Self::Object),
            other => Err(MappingFault::new(
                place,
                format!(
                    "is a {}: write a column's name, or {{ value = … }} for a constant",
                    other.type_str()
                ),
            )),
        }
    }

    fn field(place: &str, raw: &Toml, kind: Kind) -> Result<Self, MappingFault> {
        let raw: RawField = raw
            .clone()
            .try_into()
            .map_err(|error: toml::de::Error| MappingFault::new(place, error.message().to_owned()))?;
        let kind = match &raw.kind {
            Some(name) => Kind::from_name(place, name)?,
            None => kind,
        };
        let origins = [
            raw.column.is_some(),
            raw.first.is_some(),
            raw.template.is_some(),
            raw.value.is_some(),
            raw.newest.is_some(),
        ];
        if origins.into_iter().filter(|given| *given).count() != 1 {
            return Err(MappingFault::new(place, format!("needs exactly one of {}", ORIGINS.join(", "))));
        }
        if let Some(constant) = &raw.value {
            return Ok(Self::Constant(json(constant)));
        }
        let origin = if let Some(template) = &raw.template {
            Origin::Template(Template::parse(template).map_err(|reason| MappingFault::new(place, reason))?)
        } else if let Some(first) = raw.first {
            Origin::Columns(first)
        } else if let Some(column) = raw.column {
            Origin::Columns(vec![column])
        } else {
            Origin::Newest
        };
        let kind = match origin {
            Origin::Newest if !matches!(kind, Kind::Date | Kind::Instant) => Kind::Instant,
            _ => kind,
        };
        Ok(Self::Field(Box::new(Field {
            origin,
            kind,
            map: raw.map.iter().map(|(from, to)| (from.clone(), json(to))).collect(),
            unmapped: raw.unmapped,
            default: raw.default.as_ref().map(json),
            required: raw.required,
            formats: raw.formats,
            separator: raw.separator.unwrap_or_else(|| ";".to_owned()),
            currency: raw.currency,
        })))
    }

    /// Whether the newest event time is needed to make the value.
    pub fn needs_newest(&self) -> bool {
        match self {
            Self::Object(members) => members.iter().any(|(_, spec)| spec.needs_newest()),
            Self::List(items) => items.iter().any(Self::needs_newest),
            Self::Constant(_) => false,
            Self::Field(field) => matches!(field.origin, Origin::Newest),
        }
    }
}

impl Field {
    fn plain(origin: Origin, kind: Kind) -> Self {
        Self {
            origin,
            kind,
            map: BTreeMap::new(),
            unmapped: Unmapped::Keep,
            default: None,
            required: false,
            formats: Vec::new(),
            separator: ";".to_owned(),
            currency: None,
        }
    }
}

/// A constant of the mapping as JSON; dates as text.
fn json(value: &Toml) -> Value {
    match value {
        Toml::String(text) => Value::from(text.as_str()),
        Toml::Integer(number) => Value::from(*number),
        Toml::Float(number) => Value::from(*number),
        Toml::Boolean(flag) => Value::from(*flag),
        Toml::Datetime(at) => Value::from(at.to_string()),
        Toml::Array(items) => items.iter().map(json).collect(),
        Toml::Table(table) => table.iter().map(|(key, value)| (key.clone(), json(value))).collect(),
    }
}

/// A condition on a row.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Condition {
    pub column: String,
    /// Holds when the cell is one of these.
    #[serde(default)]
    pub is: Vec<String>,
    /// Holds when the cell is none of these.
    #[serde(default)]
    pub not: Vec<String>,
    /// Holds when the cell is empty (true) or is not (false).
    pub empty: Option<bool>,
}

impl Condition {
    /// Reads one condition or a list of them.
    pub fn parse_all(place: &str, raw: &Toml) -> Result<Vec<Self>, MappingFault> {
        let items = match raw {
            Toml::Array(items) => items.clone(),
            other => vec![other.clone()],
        };
        items
            .into_iter()
            .map(|item| {
                let condition: Self = item
                    .try_into()
                    .map_err(|error: toml::de::Error| MappingFault::new(place, error.message().to_owned()))?;
                if condition.is.is_empty() && condition.not.is_empty() && condition.empty.is_none() {
                    return Err(MappingFault::new(place, "needs `is`, `not` or `empty`"));
                }
                Ok(condition)
            })
            .collect()
    }

    /// Whether a cell fulfils it.
    pub fn holds(&self, cell: &str) -> bool {
        let named = |list: &[String]| list.iter().any(|item| item == cell);
        (self.is.is_empty() || named(&self.is))
            && !named(&self.not)
            && self.empty.is_none_or(|empty| empty == cell.is_empty())
    }
}

/// Gathers the columns that a mapping names.
#[derive(Debug, Default)]
pub struct Columns(BTreeSet<String>);

impl Columns {
    pub fn add(&mut self, column: &str) {
        self.0.insert(column.to_owned());
    }

    pub fn template(&mut self, template: &Template) {
        template.columns().for_each(|column| self.add(column));
    }

    pub fn spec(&mut self, spec: &Spec) {
        match spec {
            Spec::Object(members) => members.iter().for_each(|(name, spec)| {
                self.template(name);
                self.spec(spec);
            }),
            Spec::List(items) => items.iter().for_each(|item| self.spec(item)),
            Spec::Constant(_) => {}
            Spec::Field(field) => match &field.origin {
                Origin::Columns(columns) => columns.iter().for_each(|column| self.add(column)),
                Origin::Template(template) => self.template(template),
                Origin::Newest => {}
            },
        }
    }

    /// The columns of required fields, and of templates, which are nothing with a hole in them.
    pub fn needed(&mut self, spec: &Spec) {
        match spec {
            Spec::Object(members) => members.iter().for_each(|(name, spec)| {
                self.template(name);
                self.needed(spec);
            }),
            Spec::List(items) => items.iter().for_each(|item| self.needed(item)),
            Spec::Constant(_) => {}
            Spec::Field(field) => {
                if field.required || matches!(field.origin, Origin::Template(_)) {
                    self.spec(spec);
                }
            }
        }
    }

    pub fn into_sorted(self) -> Vec<String> {
        self.0.into_iter().collect()
    }
}
