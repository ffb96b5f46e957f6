//! What is written by the code itself: the vocabulary, the event types, the settings, the tools for agents, the API's
//! document.
//!
//! Promises: each stands in the tree exactly as the code has it; with `UPDATE_DOCS=1` the tests write it instead of
//! comparing.

use std::fmt::Write as _;
use std::fs;

use gtm::accounts::events::{Field, Shape, catalogue};
use gtm::motions::policy::vocabulary;

use crate::source::{read, root};

/// Compares a file with what it should be; writes it when asked to.
#[track_caller]
fn keep(path: &str, wanted: &str) {
    let file = root().join(path);
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&file, wanted).unwrap();
    }
    let found = fs::read_to_string(&file).unwrap_or_default();
    let differs = found.lines().zip(wanted.lines()).position(|(found, wanted)| found != wanted);
    let line = differs.unwrap_or(found.lines().count().min(wanted.lines().count())) + 1;
    assert!(
        found == wanted,
        "{path} is not what the code says, from line {line} on. Bring it up to date with:\n\n    \
         UPDATE_DOCS=1 cargo test --test tidy generated\n"
    );
}

/// Replaces what stands between the marks of a generated part.
#[track_caller]
fn keep_part(path: &str, name: &str, part: &str) {
    let (begin, end) =
        (format!("<!-- begin generated: {name} -->"), format!("<!-- end generated: {name} -->"));
    let text = read(path);
    let (before, rest) = text.split_once(&begin).unwrap_or_else(|| panic!("{path} has no line {begin}"));
    let (_, after) = rest.split_once(&end).unwrap_or_else(|| panic!("{path} has no line {end}"));
    keep(path, &format!("{before}{begin}\n\n{}\n\n{end}{after}", part.trim()));
}

/// Text for a cell of a table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}

#[test]
fn the_vocabulary_is_documented() {
    let mut table = "| word | type | values | meaning |\n|---|---|---|---|\n".to_owned();
    for word in vocabulary() {
        let range = match (word.minimum, word.maximum) {
            (Some(min), Some(max)) => format!("{min} to {max}"),
            (Some(min), None) => format!("from {min}"),
            (None, Some(max)) => format!("up to {max}"),
            (None, None) => {
                word.values.iter().map(|value| format!("`{value}`")).collect::<Vec<_>>().join(" ")
            }
        };
        // A unit that is a range says nothing that the range does not say.
        let unit = if word.unit.starts_with(|c: char| c.is_ascii_digit()) { "" } else { word.unit };
        let values = format!("{range} {unit}");
        writeln!(
            table,
            "| `{}` | {} | {} | {} |",
            word.name,
            word.r#type,
            cell(values.trim()),
            cell(word.meaning)
        )
        .unwrap();
    }
    keep_part("docs/policies.md", "vocabulary", &table);
}

#[test]
fn the_event_types_are_documented() {
    let mut text = String::new();
    for spec in catalogue() {
        writeln!(text, "### `{}`\n\n{}\n", spec.event_type, spec.summary).unwrap();
        writeln!(text, "| field | value | meaning |\n|---|---|---|").unwrap();
        rows(&mut text, "", spec.fields);
        text.push('\n');
    }
    keep_part("docs/events.md", "event types", &text);
}

/// The fields of an object, and those of the objects in it below.
fn rows(text: &mut String, prefix: &str, fields: &[Field]) {
    for field in fields {
        let required = if field.required { ", required" } else { "" };
        let name = format!("{prefix}{}", field.name);
        writeln!(text, "| `{name}` | {}{required} | {} |", cell(&form(&field.shape)), cell(field.doc.trim()))
            .unwrap();
        if let Shape::Object { fields, .. } = field.shape {
            rows(text, &format!("{name}."), fields);
        }
    }
}

/// A value's form in a few words.
fn form(shape: &Shape) -> String {
    match shape {
        Shape::Text { max } => format!("text, at most {max} characters"),
        Shape::Formatted { format, .. } => (*format).to_owned(),
        Shape::Pattern { pattern, .. } => format!("`{pattern}`"),
        Shape::Choice(names) => names().iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(" "),
        Shape::Integer { min, max } => format!("whole number, {min} to {max}"),
        Shape::Number { min, max } => format!("number, {min} to {max}"),
        Shape::Money { .. } => "decimal amount, as text or number".to_owned(),
        Shape::Boolean => "true or false".to_owned(),
        Shape::List { of, max } => format!("list of at most {max}: {}", form(of)),
        Shape::Counts { max } => format!("at most {max} names with counts"),
        Shape::Object { .. } => "object".to_owned(),
    }
}

#[test]
fn the_settings_are_documented() {
    let mut table = "| setting | default | environment | meaning |\n|---|---|---|---|\n".to_owned();
    let (mut section, mut comment, mut last) = (String::new(), String::new(), String::new());
    for line in read("config/default.toml").lines() {
        if let Some(name) = line.strip_prefix('[') {
            section = name.trim_end_matches(']').to_owned();
        } else if let Some(text) = line.strip_prefix('#') {
            comment.push_str(text);
        } else if let Some((key, value)) = line.split_once(" = ") {
            // Two settings in one sentence: the second goes on where the first stopped.
            let meaning = if comment.is_empty() { last.clone() } else { std::mem::take(&mut comment) };
            let environment =
                format!("GTM_{}__{}", section.replace('.', "__").to_uppercase(), key.to_uppercase());
            assert!(
                !meaning.trim().is_empty(),
                "config/default.toml: say above `{section}.{key}` what it is for"
            );
            writeln!(
                table,
                "| `{section}.{key}` | `{}` | `{environment}` | {} |",
                cell(value),
                cell(meaning.trim())
            )
            .unwrap();
            last = meaning;
        } else {
            comment.clear();
        }
    }
    keep_part("docs/operations.md", "settings", &table);
}

#[test]
fn the_tools_for_agents_are_documented() {
    let document = gtm::app::openapi_document().unwrap();
    let [tools, resources, prompts] = gtm::mcp::listed(&document).unwrap();
    let code = |names: &[String]| names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(" ");
    let scopes = |names: &[&str]| names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(" ");
    let mut text = "| tool | takes | scope | writes | |\n|---|---|---|---|---|\n".to_owned();
    for tool in tools {
        let writes = if tool.writes { "yes" } else { "" };
        writeln!(
            text,
            "| `{}` | {} | {} | {writes} | {} |",
            tool.name,
            code(&tool.takes),
            scopes(&tool.scopes),
            cell(&tool.summary)
        )
        .unwrap();
    }
    text.push_str("\n| resource | scope | |\n|---|---|---|\n");
    for one in resources {
        writeln!(text, "| `{}` | {} | {} |", one.name, scopes(&one.scopes), cell(&one.summary)).unwrap();
    }
    text.push_str("\n| prompt | takes | |\n|---|---|---|\n");
    for prompt in prompts {
        writeln!(text, "| `{}` | {} | {} |", prompt.name, code(&prompt.takes), cell(&prompt.summary))
            .unwrap();
    }
    keep_part("docs/mcp.md", "tools", &text);
}

#[test]
fn the_openapi_document_is_up_to_date() {
    // As `gtm openapi --out openapi.json` writes it.
    let document = gtm::app::openapi_document().unwrap();
    keep("openapi.json", &format!("{document:#}\n"));
}
