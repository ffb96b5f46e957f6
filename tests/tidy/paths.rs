//! Which modules a file names: its paths from `crate::`, `super::` and `self::`, and those from names that it imported
//! so, made absolute.

use crate::source::Source;

/// A path that a file names.
pub struct Named {
    pub line: usize,
    /// Absolute, without `crate`; the last part may be an item.
    pub path: Vec<String>,
}

/// Every path in a file's code.
pub fn named(file: &Source) -> Vec<Named> {
    let module = file.module();
    let code = file.code();
    let (text, _) = file.code_text();
    let mut found = Vec::new();
    for start in ["crate::", "super::", "self::"] {
        for (at, _) in text.match_indices(start) {
            // A part of a longer word or of a path already seen from its beginning.
            if text[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':') {
                continue;
            }
            let line = code[text[..at].matches('\n').count()].0;
            let mut paths = Vec::new();
            spread(&text[at..], &mut Vec::new(), &mut paths);
            found.extend(paths.into_iter().map(|path| Named { line, path: absolute(&module, &path) }));
        }
    }
    let imported: Vec<(String, Vec<String>)> = found
        .iter()
        .filter_map(|named| Some((named.path.last()?.clone(), named.path.clone())))
        .filter(|(name, path)| path.len() > 1 || crate::layers::SLICES.contains(&name.as_str()))
        .collect();
    for (line, code) in code.iter().filter(|(_, line)| !line.trim_start().starts_with("use ")) {
        for (name, path) in &imported {
            for (at, _) in code.match_indices(&format!("{name}::")) {
                if code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':') {
                    continue;
                }
                let mut paths = Vec::new();
                spread(&code[at + name.len() + 2..], &mut path.clone(), &mut paths);
                found.extend(paths.into_iter().map(|path| Named { line: *line, path }));
            }
        }
    }
    found
}

/// Reads `a::b::{c, d::e}` into its single paths; gives what follows.
fn spread<'t>(text: &'t str, prefix: &mut Vec<String>, found: &mut Vec<Vec<String>>) -> &'t str {
    let text = text.trim_start();
    if let Some(mut rest) = text.strip_prefix('{') {
        loop {
            rest = rest.trim_start();
            if let Some(after) = rest.strip_prefix('}') {
                return after;
            }
            let before = rest.len();
            let mut own = prefix.clone();
            rest = spread(rest, &mut own, found).trim_start();
            // `as name`, a comma, or something that is no path: move on.
            rest = rest.find([',', '}']).map_or("", |at| rest[at..].strip_prefix(',').unwrap_or(&rest[at..]));
            if rest.len() >= before {
                return rest;
            }
        }
    }
    let end = text.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(text.len());
    if end == 0 {
        found.push(prefix.clone());
        return text;
    }
    prefix.push(text[..end].to_owned());
    match text[end..].strip_prefix("::") {
        Some(rest) if rest.starts_with(|c: char| c.is_alphanumeric() || c == '_' || c == '{') => {
            spread(rest, prefix, found)
        }
        rest => {
            found.push(prefix.clone());
            rest.unwrap_or(&text[end..])
        }
    }
}

fn absolute(module: &[String], path: &[String]) -> Vec<String> {
    let mut at = match path.first().map(String::as_str) {
        Some("crate") => Vec::new(),
        _ => module.to_vec(),
    };
    for step in path {
        match step.as_str() {
            "crate" | "self" => {}
            "super" => drop(at.pop()),
            other => at.push(other.to_owned()),
        }
    }
    at
}

#[test]
fn groups_and_relative_paths_are_resolved() {
    let text = "//! x\nuse crate::{accounts, platform::{audit, db as d}};\nuse super::store::{self, Row};\nfn f() { crate::kernel::ids::new_id(); supper::x(); }\nfn g() { accounts::api::x() }\n";
    let file = Source { path: "src/motions/commands/sweep.rs".into(), text: text.into() };
    let found: Vec<String> = named(&file).into_iter().map(|named| named.path.join("::")).collect();
    let expected = [
        "accounts",
        "platform::audit",
        "platform::db",
        "kernel::ids::new_id",
        "motions::commands::store",
        "motions::commands::store::Row",
        "accounts::api::x",
    ];
    assert_eq!(found, expected);
}
