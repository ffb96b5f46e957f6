//! The files of the console: a browser runs them, so what the compiler checks elsewhere is checked here.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::none;
use crate::source::{read, root};

const ASSETS: &str = "src/console/assets";

/// The files, by their names below the folder.
fn assets() -> Vec<(String, String)> {
    fn below(dir: &Path, found: &mut Vec<(String, String)>) {
        for entry in fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                below(&path, found);
            } else {
                let name = path.strip_prefix(root().join(ASSETS)).unwrap().to_str().unwrap().to_owned();
                found.push((name, fs::read_to_string(&path).unwrap()));
            }
        }
    }
    let mut found = Vec::new();
    below(&root().join(ASSETS), &mut found);
    assert!(found.len() >= 10, "{found:?}");
    found
}

/// Calls of the API that a file makes: method, path, and the line.
fn calls(text: &str) -> Vec<(&'static str, String, usize)> {
    let mut calls = Vec::new();
    for (number, line) in text.lines().enumerate() {
        for (at, _) in line.match_indices("\"/v1/") {
            let path = line[at + 1..].split('"').next().unwrap().to_owned();
            let before = line[..at].trim_end();
            let before = before.strip_suffix("at(").unwrap_or(before);
            let of = |name: &str| before.ends_with(&format!("{name}("));
            let method = if ["get", "page", "text"].into_iter().any(of) { "get" } else { "post" };
            calls.push((method, path, number + 1));
        }
    }
    calls
}

#[test]
fn every_call_of_the_console_is_an_operation_of_the_api() {
    let document: Value = serde_json::from_str(&read("openapi.json")).unwrap();
    let (mut faults, mut made) = (Vec::new(), 0);
    for (name, text) in assets() {
        for (method, path, line) in calls(&text) {
            made += 1;
            if document["paths"][&path][method].is_null() {
                faults.push(format!("{ASSETS}/{name}:{line}: {method} {path}"));
            }
        }
    }
    assert!(made >= 30, "{made} calls were found: are they written otherwise now?");
    none(&faults, "Call an operation of openapi.json, with its path as it stands there.");
}

#[test]
fn the_console_shows_text_as_text_and_asks_only_this_service() {
    const NEVER: [&str; 9] = [
        "innerHTML",
        "outerHTML",
        "insertAdjacentHTML",
        "document.write",
        "eval(",
        "new Function",
        "http://",
        "https://",
        "document.cookie",
    ];
    let mut faults = Vec::new();
    for (name, text) in assets() {
        for (number, line) in text.lines().enumerate() {
            for word in NEVER.into_iter().filter(|word| line.contains(word)) {
                faults.push(format!("{ASSETS}/{name}:{}: {word}", number + 1));
            }
        }
    }
    none(&faults, "Build elements with `el` of dom.js; call the service with api.js.");
}

#[test]
fn every_file_of_the_console_is_served_and_what_it_imports_is_there() {
    let table = read("src/console/mod.rs");
    let assets = assets();
    let mut faults = Vec::new();
    for (name, text) in &assets {
        if !table.contains(&format!("\"{name}\"")) {
            faults.push(format!("{ASSETS}/{name} is not served"));
        }
        if name != "index.html" && !text.starts_with("//") && !text.starts_with("/*") {
            faults.push(format!("{ASSETS}/{name} does not open with what it is for"));
        }
        let folder = Path::new(name).parent().unwrap();
        for import in text.lines().filter_map(|line| line.strip_prefix("import ")?.split(" from \"").nth(1)) {
            let wanted = import.trim_end_matches("\";");
            let file = match wanted.strip_prefix("../") {
                Some(above) => folder.parent().unwrap().join(above),
                None => folder.join(wanted.trim_start_matches("./")),
            };
            let there = assets.iter().find(|(known, _)| Path::new(known) == file);
            let names = text.lines().find(|line| line.ends_with(&format!("from \"{wanted}\";"))).unwrap();
            let names = names.split(['{', '}']).nth(1).unwrap_or_default().split(',').map(str::trim);
            for name_of in names.filter(|name| !name.is_empty()) {
                let gives = |text: &String| {
                    ["function", "async function", "const", "class"]
                        .iter()
                        .any(|kind| text.contains(&format!("export {kind} {name_of}")))
                };
                if !there.is_some_and(|(_, text)| gives(text)) {
                    faults.push(format!("{ASSETS}/{name}: {wanted} gives out no {name_of}"));
                }
            }
        }
    }
    none(&faults, "Add the file to ASSETS of src/console/mod.rs, or mend the import.");
}
