//! What comes in over HTTP and from agents: every request type refuses fields that it does not know.

use std::collections::BTreeSet;

use crate::none;
use crate::source::{Source, shipped};

/// Types that a file takes as JSON bodies: `request_body = Name` and `Json<Name>` as an argument.
fn bodies(file: &Source) -> BTreeSet<String> {
    let (code, _) = file.code_text();
    let ident = |text: &str| -> String {
        text.trim_start().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
    };
    let declared = code.split("request_body = ").skip(1).map(ident);
    let taken = code.split("): Json<").skip(1).map(ident);
    declared.chain(taken).filter(|name| name.chars().next().is_some_and(char::is_uppercase)).collect()
}

/// The attributes in front of `struct Name` or `enum Name`.
fn attributes<'f>(file: &'f Source, name: &str) -> Option<Vec<&'f str>> {
    let lines: Vec<&str> = file.text.lines().map(str::trim).collect();
    let at = lines.iter().position(|line| {
        ["struct ", "enum "].iter().any(|kind| {
            let declared =
                line.split(kind).nth(1).filter(|_| line.starts_with("pub") || line.starts_with(kind));
            declared.is_some_and(|rest| {
                rest.trim_end_matches([' ', '{', ';']).split(['<', '(', ' ']).next() == Some(name)
            })
        })
    })?;
    Some(
        lines[..at]
            .iter()
            .rev()
            .take_while(|line| line.starts_with("#[") || line.starts_with("//"))
            .copied()
            .collect(),
    )
}

#[test]
fn requests_refuse_what_they_do_not_know() {
    let files: Vec<Source> = shipped();
    let bodies: BTreeSet<String> = files.iter().flat_map(bodies).collect();
    assert!(bodies.len() >= 5, "the reading of request types out of the code has broken: {bodies:?}");
    let mut faults = Vec::new();
    for name in bodies {
        for file in &files {
            let Some(attributes) = attributes(file, &name) else { continue };
            let reads = attributes.iter().any(|line| line.contains("Deserialize"));
            if reads && !attributes.iter().any(|line| line.contains("deny_unknown_fields")) {
                faults.push(format!("{}: {name}", file.path));
            }
        }
    }
    for file in files.iter().filter(|file| file.path.starts_with("src/mcp/tools/")) {
        let takes = attributes(file, "Input");
        if takes.is_some_and(|lines| !lines.iter().any(|line| line.contains("deny_unknown_fields"))) {
            faults.push(format!("{}: Input", file.path));
        }
    }
    none(
        &faults,
        "Add #[serde(deny_unknown_fields)]: a misspelt field must be an error and not a silent default.",
    );
}
