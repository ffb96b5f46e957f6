//! What is written for people: calls that exist, a changelog in its form, links that lead somewhere.

use std::collections::HashSet;

use serde_json::Value;

use crate::none;
use crate::source::{Source, read, root, tree};

/// Calls outside of the published document: the document itself, its browsable form, the protocol of AI agents, and the
/// sandbox's own.
const UNPUBLISHED: [&str; 5] = ["/openapi.json", "/docs", "/mcp", "/v1/sandbox/clock", "/v1/sandbox/effects"];

fn documents() -> Vec<Source> {
    tree().into_iter().filter(|file| file.is("md")).collect()
}

/// Whether the API has a call: segments of the template in braces take anything.
fn exists(document: &Value, method: Option<&str>, path: &str) -> bool {
    let fits = |template: &str| {
        let (a, b): (Vec<&str>, Vec<&str>) = (template.split('/').collect(), path.split('/').collect());
        a.len() == b.len() && a.iter().zip(&b).all(|(a, b)| a == b || (a.starts_with('{') && !b.is_empty()))
    };
    let paths = document["paths"].as_object().unwrap();
    UNPUBLISHED.contains(&path)
        || paths.iter().any(|(template, item)| {
            fits(template) && method.is_none_or(|method| item.get(method.to_lowercase()).is_some())
        })
}

/// The calls that a line names: `POST /v1/events`, and addresses of `curl`.
fn calls(line: &str) -> Vec<(Option<&'static str>, String)> {
    let path = |text: &str| -> String {
        let end = text.find(|c: char| !(c.is_alphanumeric() || "/_.:{}-$".contains(c))).unwrap_or(text.len());
        text[..end].trim_end_matches(['.', ':', ',']).to_owned()
    };
    let mut found = Vec::new();
    for method in ["GET", "POST", "PUT", "PATCH", "DELETE"] {
        for rest in line.split(&format!("{method} /")).skip(1) {
            found.push((Some(method), format!("/{}", path(rest))));
        }
    }
    for start in ["127.0.0.1:8080/", "$GTM/", "$GTM_URL/"] {
        for rest in line.split(start).skip(1) {
            found.push((None, format!("/{}", path(rest))));
        }
    }
    found
}

#[test]
fn every_call_that_is_written_about_exists() {
    let document = gtm::app::openapi_document().unwrap();
    let mut faults = Vec::new();
    for file in documents() {
        for (number, line) in file.text.lines().enumerate() {
            for (method, path) in calls(line) {
                if path.len() > 1 && !exists(&document, method, &path) {
                    faults.push(format!("{}:{}: {} {path}", file.path, number + 1, method.unwrap_or("any")));
                }
            }
        }
    }
    none(&faults, "Write about calls that the service has; `cargo run -- openapi` lists them.");
}

#[test]
fn every_command_that_is_written_about_exists() {
    use clap::CommandFactory as _;
    let gtm = gtm::cli::Cli::command();
    let mut faults = Vec::new();
    for file in documents() {
        for (number, line) in file.text.lines().enumerate() {
            let starts = ["gtm ", "cargo run --release -- ", "cargo run -- "];
            let code = line.split('`').skip(1).step_by(2);
            let shell = line.trim_start().strip_prefix("$ ").into_iter();
            for words in
                shell.chain(code).filter_map(|text| starts.iter().find_map(|start| text.strip_prefix(start)))
            {
                if let Some(word) = unknown(&gtm, words) {
                    faults.push(format!("{}:{}: `{words}`: {word}", file.path, number + 1));
                }
            }
        }
    }
    none(&faults, "Write about commands and options that `gtm --help` knows.");
}

/// The first word of a command line that the program does not know.
fn unknown(gtm: &clap::Command, words: &str) -> Option<String> {
    let (mut command, mut commands) = (gtm, true);
    for word in words.split_whitespace().take_while(|word| !["|", ">", "#", "&&"].contains(word)) {
        if let Some(option) = word.strip_prefix("--") {
            let name = option.split('=').next().unwrap_or_default();
            let known =
                |command: &clap::Command| command.get_arguments().any(|arg| arg.get_long() == Some(name));
            if !(known(command) || known(gtm) || ["help", "version"].contains(&name)) {
                return Some(format!("no option {word}"));
            }
        } else if let Some(inner) = command.find_subcommand(word).filter(|_| commands) {
            command = inner;
        } else if commands
            && command.has_subcommands()
            && command.get_name() == "gtm"
            && !word.starts_with(['…', '<'])
        {
            return Some(format!("no command {word}"));
        } else {
            commands = false;
        }
    }
    None
}

/// Whether a line stands for something that was to be written: one word in capitals alone.
fn stands_for_something(line: &str) -> bool {
    let word = line.trim().trim_end_matches(['.', ':', '!', '…']);
    word.len() > 2 && word.chars().all(|c| c.is_ascii_uppercase())
}

#[test]
fn nothing_is_left_to_be_written() {
    for (line, expected) in
        [("DEMO", true), (" TODO: ", true), ("FIXME", true), ("CRO", true), ("SLA tables", false)]
    {
        assert_eq!(stands_for_something(line), expected, "{line}");
    }
    let mut faults = Vec::new();
    for file in documents() {
        let mut code = false;
        for (number, line) in file.text.lines().enumerate() {
            code ^= line.trim_start().starts_with("```");
            if !code && stands_for_something(line) {
                faults.push(format!("{}:{}: {}", file.path, number + 1, line.trim()));
            }
        }
    }
    none(&faults, "Write what the placeholder stands for.");
}

#[test]
fn links_lead_to_files() {
    let mut faults = Vec::new();
    for file in documents() {
        let dir = file.path.rsplit_once('/').map_or("", |(dir, _)| dir);
        for (number, line) in file.text.lines().enumerate() {
            for target in line.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
                let target = target.split('#').next().unwrap_or_default();
                let outside = target.is_empty() || target.contains("://");
                if !outside && !root().join(dir).join(target).exists() {
                    faults.push(format!("{}:{}: {target}", file.path, number + 1));
                }
            }
        }
    }
    none(&faults, "Mend the link.");
}

#[test]
fn files_that_are_written_about_exist() {
    let mut faults = Vec::new();
    for file in documents() {
        for (number, line) in file.text.lines().enumerate() {
            for code in line.split('`').skip(1).step_by(2) {
                let ours = ["src/", "tests/", "config/", "migrations/", "docs/", ".ci/", "benches/"];
                let plain = code.chars().all(|c| c.is_alphanumeric() || "/_.-".contains(c));
                if plain && ours.iter().any(|dir| code.starts_with(dir)) && !root().join(code).exists() {
                    faults.push(format!("{}:{}: {code}", file.path, number + 1));
                }
            }
        }
    }
    none(&faults, "The file has moved or gone: say where it is now.");
}

#[test]
fn constants_that_are_written_about_exist() {
    let upper = |c: char| c.is_ascii_uppercase() || c == '_';
    let code: String = crate::source::rust().into_iter().map(|file| file.text).collect();
    // A constant of ours, or a variable of the environment that the code reads.
    let places = ["const ", "static ", "\""].into_iter();
    let known: HashSet<&str> = places
        .flat_map(|place| code.split(place).skip(1))
        .map(|rest| &rest[..rest.find(|c| !upper(c)).unwrap_or(rest.len())])
        .collect();
    let mut faults = Vec::new();
    for file in documents() {
        for (number, line) in file.text.lines().enumerate() {
            for name in line.split('`').skip(1).step_by(2) {
                let constant = name.len() > 2 && name.chars().all(upper);
                if constant && !known.contains(name) && !name.starts_with("GTM_") {
                    faults.push(format!("{}:{}: {name}", file.path, number + 1));
                }
            }
        }
    }
    none(
        &faults,
        "The constant has another name or is gone: documents name constants instead of repeating numbers.",
    );
}

#[test]
fn the_changelog_keeps_its_form() {
    let text = read("CHANGELOG.md");
    let mut faults = Vec::new();
    let kinds = ["Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"];
    let (mut versions, mut kind) = (Vec::new(), false);
    if !text.starts_with("# Changelog\n") {
        faults.push("line 1: should be `# Changelog`".to_owned());
    }
    for (number, line) in text.lines().enumerate() {
        let number = number + 1;
        if let Some(heading) = line.strip_prefix("## ") {
            kind = false;
            let dated = heading.strip_prefix('[').and_then(|rest| rest.split_once("] - ")).is_some_and(
                |(version, date)| {
                    version.split('.').filter(|part| part.parse::<u32>().is_ok()).count() == 3
                        && date.parse::<chrono::NaiveDate>().is_ok()
                },
            );
            if heading != "[Unreleased]" && !dated {
                faults
                    .push(format!("line {number}: should be `## [Unreleased]` or `## [1.2.3] - 2027-01-31`"));
            }
            versions.push(heading.to_owned());
        } else if let Some(heading) = line.strip_prefix("### ") {
            kind = true;
            if !kinds.contains(&heading) {
                faults.push(format!("line {number}: should be one of {kinds:?}"));
            }
        } else if line.starts_with("- ") && !kind {
            faults.push(format!("line {number}: stands under no `### Added`, `### Fixed` …"));
        }
    }
    if versions.first().is_none_or(|first| first != "[Unreleased]") {
        faults.push("the first version should be `## [Unreleased]`".to_owned());
    }
    none(&faults, "CHANGELOG.md keeps to the form of keepachangelog.com, newest first.");
}
