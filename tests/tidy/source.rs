//! The tree as the rules see it: files, the lines that ship, the texts between quotes.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// One file of the project.
pub struct Source {
    /// From the root, with `/`.
    pub path: String,
    pub text: String,
}

/// The root of the project.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A file by its path from the root.
pub fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path} cannot be read: {error}"))
}

/// Every file of the project that is text, in the order of paths; what `.gitignore` names is none of it.
pub fn tree() -> Vec<Source> {
    let ignored: Vec<String> = read(".gitignore")
        .lines()
        .map(|line| line.trim().trim_matches('/').to_owned())
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .collect();
    let mut found = Vec::new();
    walk(root(), &ignored, &mut found);
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found
}

fn walk(dir: &Path, ignored: &[String], found: &mut Vec<Source>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path: PathBuf = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let skip = ignored.iter().any(|pattern| match pattern.strip_prefix('*') {
            Some(end) => name.ends_with(end),
            None => *pattern == name,
        });
        if skip || name == ".git" {
            continue;
        }
        if path.is_dir() {
            walk(&path, ignored, found);
        } else if let Ok(text) = fs::read_to_string(&path) {
            let path = path.strip_prefix(root()).unwrap().to_string_lossy().replace('\\', "/");
            found.push(Source { path, text });
        }
    }
}

/// Every Rust file under `src`, `tests` and `benches`.
pub fn rust() -> Vec<Source> {
    let ours = |path: &str| ["src/", "tests/", "benches/"].iter().any(|dir| path.starts_with(dir));
    tree().into_iter().filter(|file| file.is("rs") && ours(&file.path)).collect()
}

/// What ships: the Rust files under `src` that are not compiled for tests only.
pub fn shipped() -> Vec<Source> {
    let all: Vec<Source> = rust().into_iter().filter(|file| file.path.starts_with("src/")).collect();
    let tests = test_only(&all);
    all.into_iter()
        .filter(|file| {
            let inside = |test: &String| {
                file.path.starts_with(&format!("{test}/")) || file.path == format!("{test}.rs")
            };
            !tests.iter().any(inside) && !file.path.starts_with("src/testing/")
        })
        .collect()
}

/// Modules declared under `#[cfg(test)]`, as paths without `.rs`.
fn test_only(files: &[Source]) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for file in files {
        let dir = file.path.rsplit_once('/').map_or("", |(dir, _)| dir);
        let lines: Vec<&str> = file.text.lines().map(str::trim).collect();
        for pair in lines.windows(2).filter(|pair| pair[0] == "#[cfg(test)]") {
            let declared = pair[1].rsplit("mod ").next().and_then(|rest| rest.strip_suffix(';'));
            if let Some(name) = declared.filter(|_| pair[1].contains("mod ")) {
                found.insert(format!("{dir}/{name}"));
            }
        }
    }
    found
}

impl Source {
    /// Whether the file's name ends so, such as `md`.
    pub fn is(&self, extension: &str) -> bool {
        Path::new(&self.path).extension().is_some_and(|found| found == extension)
    }

    /// The lines of code as one text, and the number that each had in the file.
    pub fn code_text(&self) -> (String, Vec<usize>) {
        let code = self.code();
        let text = code.iter().flat_map(|(_, line)| [*line, "\n"]).collect();
        (text, code.into_iter().map(|(number, _)| number).collect())
    }

    /// The lines of code with their numbers: no comments, and nothing from the file's own test module on.
    pub fn code(&self) -> Vec<(usize, &str)> {
        let lines: Vec<&str> = self.text.lines().collect();
        let own_tests = |pair: &[&str]| {
            pair[0].trim() == "#[cfg(test)]" && pair[1].contains("mod ") && pair[1].contains('{')
        };
        let end = lines.windows(2).position(own_tests).unwrap_or(lines.len());
        lines[..end]
            .iter()
            .enumerate()
            .map(|(index, line)| (index + 1, *line))
            .filter(|(_, line)| !line.trim_start().starts_with("//"))
            .collect()
    }

    /// The module that the file is, such as `["accounts", "store", "read"]`.
    pub fn module(&self) -> Vec<String> {
        let path = self.path.trim_start_matches("src/").trim_end_matches(".rs").trim_end_matches("/mod");
        path.split('/').map(str::to_owned).collect()
    }

    /// The texts between quotes in the code, with the lines they begin on.
    pub fn quoted(&self) -> Vec<(usize, String)> {
        let (code, numbers) = self.code_text();
        let chars: Vec<char> = code.chars().collect();
        let (mut at, mut line, mut found) = (0, 0, Vec::new());
        while at < chars.len() {
            match chars[at] {
                '\n' => line += 1,
                // A quote as a character is not the beginning of a text.
                '\'' if chars.get(at + 1) == Some(&'"') => at += 2,
                '\'' if chars.get(at + 1) == Some(&'\\') => at += 2,
                '"' => {
                    let hashes = chars[..at].iter().rev().take_while(|c| **c == '#').count();
                    let raw = chars[..at - hashes].last() == Some(&'r');
                    let (text, end) = until_quote(&chars, at + 1, if raw { Some(hashes) } else { None });
                    found.push((numbers[line], text.clone()));
                    line += text.matches('\n').count();
                    at = end;
                }
                _ => {}
            }
            at += 1;
        }
        found
    }
}

/// The text up to the closing quote and the place of the last character that belongs to it; `raw` is the number of `#` of a raw string.
fn until_quote(chars: &[char], from: usize, raw: Option<usize>) -> (String, usize) {
    let mut at = from;
    while at < chars.len() {
        match (chars[at], raw) {
            ('\\', None) => at += 1,
            ('"', None) => break,
            ('"', Some(hashes)) if chars[at + 1..].iter().take_while(|c| **c == '#').count() >= hashes => {
                break;
            }
            _ => {}
        }
        at += 1;
    }
    (chars[from.min(at)..at.min(chars.len())].iter().collect(), at + raw.unwrap_or(0))
}

#[test]
fn quoted_texts_are_found_whatever_stands_around_them() {
    let text = "//! x\nlet a = \"one\";\n// \"not this\"\nlet b = ('\"', r#\"two \" \nlines\"#, \"th\\\"ree\");\n#[cfg(test)]\nmod tests { \"no\" }\n";
    let source = Source { path: "src/x.rs".into(), text: text.into() };
    let found: Vec<(usize, String)> = source.quoted();
    let expected = [(2, "one"), (4, "two \" \nlines"), (5, "th\\\"ree")];
    assert_eq!(found, expected.map(|(line, text)| (line, text.to_owned())));
}
