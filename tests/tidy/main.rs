//! The rules of this project, run as tests.
//!
//! Promises: a rule that can be checked is checked here, and its failure says what to do about it; lists of
//! exceptions carry a reason each and may only shrink, because an exception that is no longer needed fails too.
//! Reads the tree and starts nothing. Leaves out: what the compiler and clippy see by themselves.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on says where and stops")]

mod console;
mod documents;
mod faults;
mod generated;
mod layers;
mod paths;
mod privacy;
mod source;
mod style;
mod tables;
mod wire;

/// Fails with all faults of a rule at once, and with what to do about them.
#[track_caller]
fn none(faults: &[String], what_to_do: &str) {
    assert!(faults.is_empty(), "\n{}\n\n{what_to_do}\n", faults.join("\n"));
}

/// Takes the faults that are excepted out of a list; an exception that excepts nothing becomes a fault itself.
fn excepting(faults: Vec<String>, exceptions: &[(&str, &str)]) -> Vec<String> {
    let idle = exceptions
        .iter()
        .filter(|(place, _)| !faults.iter().any(|fault| fault.starts_with(place)))
        .map(|(place, _)| format!("{place}: the exception is no longer needed; remove it from the list"));
    let idle: Vec<String> = idle.collect();
    let excepted = |fault: &String| exceptions.iter().any(|(place, _)| fault.starts_with(place));
    faults.into_iter().filter(|fault| !excepted(fault)).chain(idle).collect()
}
