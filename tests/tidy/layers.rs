//! Who may name whom: `main → cli → app → api, jobs, pages → commands → decide + store → model → kernel`.
//!
//! Machinery knows no domain; a slice knows only the slices to the left of it, by their commands and models; what
//! decides is pure.

use crate::paths::named;
use crate::source::{Source, shipped};
use crate::{excepting, none};

/// The slices, from left to right: each may call those before it.
pub const SLICES: [&str; 8] =
    ["accounts", "motions", "handoffs", "connectors", "plans", "designs", "renewals", "programmes"];
/// What of a slice others may name; besides what its front page gives out.
const OPEN: [&str; 3] = ["commands", "model", "api"];
/// What of a slice the tools for AI agents may name, besides its front page: what an answer is made of and how it is told.
/// What is done, they do through the API.
const TOLD: [&str; 3] = ["model", "document", "explain"];
/// Pure parts that others build on as a whole, beside what front pages give out one by one.
const OPEN_PARTS: &[(&str, &str)] = &[
    ("plans", "change"),
    ("plans", "check"),
    ("plans", "document"),
    ("plans", "lifecycle"),
    ("plans", "pattern"),
    ("plans", "preflight"),
    ("plans", "schedule"),
];
/// Everything that only computes: given the same arguments it gives the same answer.
const PURE: &[&str] = &[
    "src/kernel/",
    "src/accounts/events/",
    "src/accounts/fold/",
    "src/accounts/matching/",
    "src/accounts/model/",
    "src/accounts/privacy/",
    "src/designs/base.rs",
    "src/designs/brief.rs",
    "src/designs/document/",
    "src/designs/estimate/",
    "src/designs/packet/",
    "src/designs/playbook.rs",
    "src/designs/readiness.rs",
    "src/designs/routing/",
    "src/designs/service/",
    "src/designs/watch/",
    "src/handoffs/alerts/",
    "src/handoffs/assign/",
    "src/handoffs/availability/",
    "src/handoffs/entries.rs",
    "src/handoffs/effects/",
    "src/handoffs/hours.rs",
    "src/handoffs/import/",
    "src/handoffs/lifecycle/",
    "src/handoffs/handoff.rs",
    "src/handoffs/package/",
    "src/handoffs/report/",
    "src/handoffs/sla/",
    "src/handoffs/types.rs",
    "src/motions/decide/",
    "src/motions/document/",
    "src/motions/explain/",
    "src/motions/policy/",
    "src/motions/signals/",
    "src/plans/change/",
    "src/plans/check/",
    "src/plans/document/",
    "src/plans/effects.rs",
    "src/plans/graph.rs",
    "src/plans/happening.rs",
    "src/plans/lifecycle/",
    "src/plans/model.rs",
    "src/plans/pattern/",
    "src/plans/preflight/",
    "src/plans/schedule/",
    "src/plans/wording.rs",
    "src/renewals/adapt.rs",
    "src/renewals/build.rs",
    "src/renewals/context.rs",
    "src/renewals/ics.rs",
    "src/renewals/measures.rs",
    "src/renewals/model.rs",
    "src/renewals/money.rs",
    "src/renewals/packet/",
    "src/renewals/plays/",
    "src/renewals/rating.rs",
    "src/renewals/remedy.rs",
    "src/renewals/renewal.rs",
    "src/renewals/sheet.rs",
    "src/renewals/telling.rs",
    "src/renewals/tracker.rs",
    "src/renewals/upcoming.rs",
    "src/programmes/advice.rs",
    "src/programmes/business/",
    "src/programmes/course.rs",
    "src/programmes/deliverable/",
    "src/programmes/draft/",
    "src/programmes/figures/",
    "src/programmes/gates/",
    "src/programmes/selection.rs",
    "src/programmes/workers.rs",
];
/// What does not occur in pure code.
const IMPURE: [&str; 9] =
    ["async ", ".await", "sqlx::", "axum::", "tracing::", "tokio::", "Utc::now", "rand::", "std::fs"];

fn place(file: &Source, line: usize) -> String {
    format!("{}:{line}", file.path)
}

/// What a part of the program may name, by the first step of the path.
fn allowed(from: &str) -> Vec<&'static str> {
    let slice = SLICES.iter().position(|slice| *slice == from);
    match from {
        "kernel" => vec!["kernel"],
        "platform" => vec!["kernel", "platform"],
        // What a part is set up with it says itself, in a type of its own.
        "settings" => {
            vec!["kernel", "platform", "motions", "connectors", "designs", "programmes", "mcp", "settings"]
        }
        "demo" => [&["kernel", "demo"][..], &SLICES].concat(),
        "mcp" => [&["kernel", "platform", "mcp"][..], &SLICES].concat(),
        // It calls the API from the browser.
        "console" => vec!["console"],
        "app" => [&["kernel", "platform", "settings", "mcp", "console", "app"][..], &SLICES].concat(),
        "cli" => [&["kernel", "platform", "settings", "app", "cli", "demo"][..], &SLICES].concat(),
        _ => match slice {
            Some(at) => [&["kernel", "platform"][..], &SLICES[..=at]].concat(),
            None => Vec::new(),
        },
    }
}

#[test]
fn each_part_names_only_what_lies_below_it() {
    let mut faults = Vec::new();
    for file in shipped().iter().filter(|file| !["src/lib.rs", "src/main.rs"].contains(&file.path.as_str())) {
        let from = file.module()[0].clone();
        let may = allowed(&from);
        assert!(!may.is_empty(), "{}: say in tests/tidy/layers.rs what `{from}` may name", file.path);
        for named in named(file) {
            let to = named.path.first().map_or("", String::as_str);
            // Items of the crate's root and macros are written in capitals or are not modules of ours.
            if !may.contains(&to) && is_part(to) {
                faults.push(format!(
                    "{}: `{from}` names `{}`",
                    place(file, named.line),
                    named.path.join("::")
                ));
            }
        }
    }
    none(
        &excepting(faults, &[]),
        "Dependencies run one way: kernel ← platform ← slices from left to right ← mcp ← app ← cli. Pass the value in, use a \
         trait that the lower part defines (as accounts::Follower), or write an event.",
    );
}

fn is_part(name: &str) -> bool {
    SLICES.contains(&name)
        || ["kernel", "platform", "settings", "mcp", "console", "app", "cli", "demo", "testing"]
            .contains(&name)
}

/// Whether the front page of a slice gives out a function of this name.
fn gives_out(slice: &str, name: &str) -> bool {
    let page = crate::source::read(&format!("src/{slice}/mod.rs"));
    let words = |line: &str| -> Vec<String> {
        line.split(|c: char| !(c.is_alphanumeric() || c == '_')).map(str::to_owned).collect()
    };
    let uses = page.split("pub use ").skip(1).filter_map(|rest| rest.split(';').next());
    uses.into_iter().any(|given| {
        given.split_once("::").is_some_and(|(_, items)| words(items).iter().any(|item| item == name))
    })
}

#[test]
fn a_slice_is_entered_by_its_commands() {
    let mut faults = Vec::new();
    for file in shipped() {
        let from = file.module()[0].clone();
        if !SLICES.contains(&from.as_str()) {
            continue;
        }
        for named in named(&file) {
            let [to, inner, ..] = named.path.as_slice() else { continue };
            let other = SLICES.contains(&to.as_str()) && *to != from;
            let module = inner.chars().next().is_some_and(char::is_lowercase);
            let given = named.path.len() == 2 && gives_out(to, inner);
            let open = OPEN.contains(&inner.as_str()) || OPEN_PARTS.contains(&(to.as_str(), inner.as_str()));
            if other && module && !open && !given {
                faults.push(format!("{}: names `{}`", place(&file, named.line), named.path.join("::")));
            }
        }
    }
    none(
        &faults,
        "A slice calls another through its commands. Add a use case there, or give the type out on its front page.",
    );
}

#[test]
fn agents_do_what_the_api_does() {
    let mut faults = Vec::new();
    for file in shipped().into_iter().filter(|file| file.module()[0] == "mcp") {
        for named in named(&file) {
            let [to, inner, ..] = named.path.as_slice() else { continue };
            let module = inner.chars().next().is_some_and(char::is_lowercase);
            if SLICES.contains(&to.as_str()) && module && !TOLD.contains(&inner.as_str()) {
                faults.push(format!("{}: names `{}`", place(&file, named.line), named.path.join("::")));
            }
        }
    }
    none(
        &faults,
        "A tool makes calls of the API (mcp::calls), so that scopes, faults, limits and the log are the API's: add the call \
         there if it is missing, and name of slices only what answers are made of.",
    );
}

/// The height of a part within its slice; what is not listed lies beside `store`.
fn height(part: &str) -> u8 {
    match part {
        "api" | "jobs" | "pages" => 3,
        "commands" | "intake" => 2,
        "model" => 0,
        _ => 1,
    }
}

#[test]
fn within_a_slice_calls_go_down() {
    let mut faults = Vec::new();
    for file in shipped() {
        let module = file.module();
        let [slice, part, ..] = module.as_slice() else { continue };
        if !SLICES.contains(&slice.as_str()) {
            continue;
        }
        for named in named(&file) {
            let [to, inner, ..] = named.path.as_slice() else { continue };
            if to == slice && inner != part && height(inner) > height(part) {
                faults.push(format!(
                    "{}: `{part}` names `{}`",
                    place(&file, named.line),
                    named.path.join("::")
                ));
            }
        }
    }
    none(
        &faults,
        "api and jobs → commands → decide and store → model: move what both need to the lower one.",
    );
}

#[test]
fn what_decides_is_pure() {
    let mut faults = Vec::new();
    let modules = ["src/motions/model.rs", "src/accounts/commands/folding.rs"];
    for file in shipped() {
        let pure = PURE.iter().any(|dir| file.path.starts_with(dir)) || modules.contains(&file.path.as_str());
        for (line, code) in file.code().into_iter().filter(|_| pure) {
            for word in IMPURE.iter().filter(|word| code.contains(**word)) {
                faults.push(format!("{}: `{}`", place(&file, line), word.trim()));
            }
        }
    }
    let exceptions = [
        ("src/kernel/clock.rs", "the one place that reads the system's clock"),
        (
            "src/accounts/events/cloudevents/",
            "reads the header types of HTTP, which do nothing by themselves",
        ),
        ("src/accounts/commands/folding.rs", "warns when a collection is full; the warning changes nothing"),
    ];
    none(
        &excepting(faults, &exceptions),
        "Pure code has no clock, no database, no tasks and no log: take the value as an argument, return the effect as \
         data, and let `commands` perform it.",
    );
}

#[test]
fn transactions_begin_in_use_cases() {
    let mut faults = Vec::new();
    for file in shipped() {
        let allowed = file.path.starts_with("src/platform/")
            || file.module().get(1).is_some_and(|part| part == "commands");
        for (line, code) in file.code().into_iter().filter(|_| !allowed) {
            if code.contains("db::begin(") || code.contains(".begin(") {
                faults.push(place(&file, line));
            }
        }
    }
    none(
        &faults,
        "One transaction per use case, opened in `commands` by platform::db::begin: write a use case there.",
    );
}

#[test]
fn sql_is_written_in_stores() {
    let mut faults = Vec::new();
    for file in shipped() {
        let allowed = file.path.starts_with("src/platform/")
            || file.module().get(1).is_some_and(|part| part == "store");
        for (line, code) in file.code().into_iter().filter(|_| !allowed) {
            if ["sqlx::query", "sqlx::raw_sql", "QueryBuilder"].iter().any(|word| code.contains(word)) {
                faults.push(place(&file, line));
            }
        }
    }
    none(
        &faults,
        "SQL lives in a slice's `store` or in `platform`: move the statement there, under a name that says what it is for.",
    );
}
