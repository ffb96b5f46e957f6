//! How files look: their first line, their length, their names, and what must not stand in them.

use crate::none;
use crate::source::{rust, shipped, tree};

/// The longest a file may be, in lines: what does not fit becomes a folder with named rooms.
const LINES_MAX: usize = 500;
/// Files that are longer, with the length at which they were accepted. Shrinks only.
const LONG: [(&str, usize); 0] = [];

#[test]
fn every_file_says_what_it_is_for() {
    let faults: Vec<String> =
        rust().into_iter().filter(|file| !file.text.starts_with("//! ")).map(|file| file.path).collect();
    none(&faults, "Begin the file with `//! `: what it is for, what it promises, what it leaves out.");
}

#[test]
fn no_file_outgrows_its_reader() {
    let mut faults = Vec::new();
    for file in rust() {
        let lines = file.text.lines().count();
        let accepted = LONG.iter().find(|(path, _)| *path == file.path).map(|(_, lines)| *lines);
        match accepted {
            Some(_) if lines <= LINES_MAX => faults.push(format!("{}: remove it from the list", file.path)),
            Some(accepted) if lines > accepted => {
                faults.push(format!("{}: grew from {accepted} to {lines}", file.path));
            }
            None if lines > LINES_MAX => faults.push(format!("{}: {lines} lines", file.path)),
            _ => {}
        }
    }
    none(&faults, "At most 500 lines: make it a folder whose files are named after what is in them.");
}

#[test]
fn names_say_what_is_inside() {
    let vague = ["utils", "util", "helpers", "helper", "common", "misc", "shared", "stuff"];
    let faults: Vec<String> = rust()
        .into_iter()
        .map(|file| file.path)
        .filter(|path| path.trim_end_matches(".rs").split('/').any(|part| vague.contains(&part)))
        .collect();
    none(&faults, "Name the file or folder after what is in it.");
}

#[test]
fn nothing_unfinished_ships() {
    let words = [".unwrap()", "todo!(", "unimplemented!(", "dbg!(", "#[ignore", "unsafe "];
    let mut faults = Vec::new();
    for file in shipped() {
        for (line, code) in file.code() {
            for word in words.iter().filter(|word| code.contains(**word)) {
                faults.push(format!("{}:{line}: {word}", file.path));
            }
        }
    }
    none(&faults, "Handle the case, give the error a text that says what to do, or leave the feature out.");
}

#[test]
fn no_test_is_skipped_and_none_waits_for_luck() {
    let mut faults = Vec::new();
    for file in rust().into_iter().filter(|file| !file.path.starts_with("tests/tidy/")) {
        for (number, line) in file.text.lines().enumerate() {
            // A quoted one is a word of somebody else's: HubSpot calls a kind of task so.
            let open = line.contains("TODO") && !line.contains("\"TODO\"") && !line.contains("`TODO`");
            if line.trim_start().starts_with("#[ignore") || open || line.contains("FIXME") {
                faults.push(format!("{}:{}: {}", file.path, number + 1, line.trim()));
            }
        }
    }
    none(&faults, "Run the test or remove it; do what is to be done, or write it into the tracker.");
}

#[test]
fn lints_are_silenced_with_a_reason_and_only_while_needed() {
    let mut faults = Vec::new();
    for file in rust().into_iter().filter(|file| !file.path.starts_with("tests/tidy/")) {
        for (line, code) in file.code() {
            if code.trim_start().starts_with("#[allow(") || code.trim_start().starts_with("#![allow(") {
                faults.push(format!("{}:{line}: {}", file.path, code.trim()));
            }
        }
    }
    none(&faults, "Use #[expect(lint, reason = \"…\")]: it fails when it is no longer needed.");
}

#[test]
fn the_tree_speaks_only_of_itself() {
    // Addresses in the tree are examples, this machine, or the standards and homes that documents point to.
    let hosts = [
        "127.0.0.1",
        "localhost",
        "example.com",
        "hooks.example.com",
        "github.com",
        // The systems that connectors call.
        "slack.com",
        "api.resend.com",
        "api.hubapi.com",
        "example.my.salesforce.com",
        "schemas.xmlsoap.org",
        "soap.sforce.com",
        "www.w3.org",
        "acme.com",
        "www.acme.com",
        "keepachangelog.com",
        "semver.org",
        "www.apache.org",
        "www.standardwebhooks.com",
        "cloudevents.io",
        "api.crossbeam.com",
        "auth.crossbeam.com",
        "json-schema.org",
        "modelcontextprotocol.io",
        "spec.openapis.org",
        "rustup.rs",
        "www.postgresql.org",
        "user",
        "h",
        "gtm",
        "db",
    ];
    let mut faults = Vec::new();
    for file in tree() {
        for (number, line) in file.text.lines().enumerate() {
            let place = format!("{}:{}", file.path, number + 1);
            // A path of somebody's machine, put together here so that this rule does not find itself.
            let paths = ["/ho|me/", "/Use|rs/", "/wo|rk/", "C:|\\"].map(|path| path.replace('|', ""));
            faults.extend(
                paths.iter().filter(|path| line.contains(*path)).map(|path| format!("{place}: {path}")),
            );
            for address in ["http://", "https://"].iter().flat_map(|scheme| line.split(scheme).skip(1)) {
                let end = address
                    .find(|c: char| !(c.is_alphanumeric() || c == '.' || c == '-'))
                    .unwrap_or(address.len());
                let host = address[..end].to_lowercase();
                let known = host.is_empty()
                    || host == "."
                    || hosts.contains(&host.as_str())
                    || host.ends_with(".example");
                if !known && file.path != "LICENSE" && !file.is("json") {
                    faults.push(format!("{place}: {host}"));
                }
            }
        }
    }
    none(
        &faults,
        "The project names no machine and no mirror. An address that readers need goes into the list in tests/tidy/style.rs.",
    );
}
