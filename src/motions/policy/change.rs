//! What may happen to a version on its way into force and back.
//!
//! Promises: everything that stands in the way is named at once, with what to do about it; an objection counts whether or
//! not a review is required. Leaves out: who may review what, which the database holds (`policy_review_second`), and the way
//! back, which is open to everybody who may change the configuration, because it is for emergencies.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::kernel::clock::DateTime;

/// Whether a version comes into force without the approval of a second person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReviewRule {
    #[default]
    Off,
    Required,
}

/// What somebody who read a version says of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = PolicyReviewVerdict)]
pub enum ReviewVerdict {
    /// It may come into force.
    Approve,
    /// It must not.
    Object,
}

impl ReviewVerdict {
    pub const ALL: [Self; 2] = [Self::Approve, Self::Object];

    /// The name in the database and in answers.
    pub fn name(self) -> &'static str {
        match self {
            Self::Approve => "approve",
            Self::Object => "object",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|verdict| verdict.name() == name)
    }
}

/// How an activation came about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = PolicyActivationKind)]
pub enum ActivationKind {
    /// What the database began with.
    First,
    /// Somebody asked for it.
    Activation,
    /// A roll-back put the version back.
    Rollback,
}

impl ActivationKind {
    const ALL: [Self; 3] = [Self::First, Self::Activation, Self::Rollback];

    /// The name in the database and in answers.
    pub fn name(self) -> &'static str {
        match self {
            Self::First => "first",
            Self::Activation => "activation",
            Self::Rollback => "rollback",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// Where an activation stands, or how it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = PolicyActivationStatus)]
pub enum ActivationStatus {
    /// Waits for its instant.
    Scheduled,
    InForce,
    /// Was in force until the next one was.
    Replaced,
    /// Was in force until it was rolled back.
    RolledBack,
    /// At its instant something stood in its way.
    Stopped,
    /// Somebody called it off before its instant.
    CalledOff,
}

impl ActivationStatus {
    const ALL: [Self; 6] =
        [Self::Scheduled, Self::InForce, Self::Replaced, Self::RolledBack, Self::Stopped, Self::CalledOff];

    /// The name in the database and in answers.
    pub fn name(self) -> &'static str {
        match self {
            Self::Scheduled => "scheduled",
            Self::InForce => "in_force",
            Self::Replaced => "replaced",
            Self::RolledBack => "rolled_back",
            Self::Stopped => "stopped",
            Self::CalledOff => "called_off",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.name() == name)
    }
}

/// A review, as far as it counts.
#[derive(Debug, Clone)]
pub struct Word {
    /// As people are compared.
    pub person: String,
    /// As they wrote it.
    pub name: String,
    pub verdict: ReviewVerdict,
}

/// An activation that waits for its instant.
#[derive(Debug, Clone)]
pub struct Waiting {
    pub version: String,
    pub due_at: DateTime,
}

/// What is asked for, and what there is.
#[derive(Debug)]
pub struct Asked<'a> {
    pub version: &'a str,
    /// Now when left out or past.
    pub at: Option<DateTime>,
    pub now: DateTime,
    pub in_force: &'a str,
    pub waiting: Option<&'a Waiting>,
    pub words: &'a [Word],
    pub rule: ReviewRule,
}

/// What follows from what is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Course {
    /// It is so already.
    Already,
    Now,
    At(DateTime),
}

/// What stands in the way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hindrance {
    /// A review is required and nobody has approved.
    NotReviewed { version: String },
    /// Whose objections stand, by name.
    Objection { by: Vec<String> },
    /// One waits already.
    Scheduled { version: String, due_at: DateTime },
    /// What is in force is not scheduled as well.
    InForce { version: String },
    /// Not the version in force that a scheduled activation was asked for on, or that a roll-back is to lead away from.
    BaseChanged { base: String, in_force: String },
    /// This release finds faults in it.
    Faulty { faults: Vec<String> },
    /// A roll-back has nothing to put back.
    NothingBefore { version: String },
    /// What is to be called off does not wait.
    NotScheduled { version: String },
}

impl Hindrance {
    /// Its stable name; all that is told of it where people must not be named.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotReviewed { .. } => "review_required",
            Self::Objection { .. } => "objection",
            Self::Scheduled { .. } => "scheduled",
            Self::InForce { .. } => "in_force",
            Self::BaseChanged { .. } => "base_changed",
            Self::Faulty { .. } => "invalid_policy",
            Self::NothingBefore { .. } => "nothing_before",
            Self::NotScheduled { .. } => "not_scheduled",
        }
    }

    /// What it is, and what to do.
    pub fn says(&self) -> String {
        match self {
            Self::NotReviewed { version } => format!(
                "{version} lacks the approval of a second person: somebody who did not make it reviews it with a key of their \
                 own (POST /v1/policies/{version}/reviews, gtm policy review)."
            ),
            Self::Objection { by } => format!(
                "{} objected. Change what they object to, which makes another version, and have that reviewed.",
                by.join(" and ")
            ),
            Self::Scheduled { version, due_at } => format!(
                "{version} waits for {} already, and one waits at a time. Call it off first (POST \
                 /v1/policies/{version}/call-off, gtm policy call-off).",
                due_at.format("%Y-%m-%d %H:%M UTC")
            ),
            Self::InForce { version } => {
                format!("{version} is in force already; there is nothing to schedule.")
            }
            Self::BaseChanged { base, in_force } => {
                format!("{in_force} is in force and not {base}. Look at what differs, and ask again.")
            }
            Self::Faulty { faults } => format!(
                "This release finds faults in it: {}. Store it corrected, as another version.",
                faults.join("; ")
            ),
            Self::NothingBefore { version } => format!(
                "Nothing was in force before {version} that a roll-back could put back. Put another version in force with POST \
                 /v1/policies/{{version}}/activate."
            ),
            Self::NotScheduled { version } => format!(
                "{version} waits for no instant. GET /v1/policies/activations tells what became of it."
            ),
        }
    }
}

/// What follows when somebody asks for a version to come into force.
///
/// # Errors
/// All that stands in the way.
pub fn asked(ask: &Asked<'_>) -> Result<Course, Vec<Hindrance>> {
    let version = || ask.version.to_owned();
    let later = ask.at.filter(|at| *at > ask.now);
    let is_in_force = ask.in_force == ask.version;
    if is_in_force && later.is_none() {
        return Ok(Course::Already);
    }
    let mut hindrances = Vec::new();
    if is_in_force {
        hindrances.push(Hindrance::InForce { version: version() });
    }
    // Another version may come into force at once while one waits, which then stops because its base has changed.
    let in_the_way = |waiting: &&Waiting| later.is_some() || waiting.version == ask.version;
    if let Some(waiting) = ask.waiting.filter(in_the_way) {
        let Waiting { version, due_at } = waiting.clone();
        hindrances.push(Hindrance::Scheduled { version, due_at });
    }
    hindrances.extend(unreviewed(ask.version, ask.words, ask.rule));
    if hindrances.is_empty() { Ok(later.map_or(Course::Now, Course::At)) } else { Err(hindrances) }
}

/// What stops a scheduled activation at its instant; nothing lets it through. What counts is which version is in force
/// then, whatever was in between.
pub fn due(version: &str, base: &str, in_force: &str, words: &[Word], rule: ReviewRule) -> Vec<Hindrance> {
    let moved = (base != in_force)
        .then(|| Hindrance::BaseChanged { base: base.to_owned(), in_force: in_force.to_owned() });
    moved.into_iter().chain(unreviewed(version, words, rule)).collect()
}

/// What reviews say against a version.
fn unreviewed(version: &str, words: &[Word], rule: ReviewRule) -> Vec<Hindrance> {
    let missing = rule == ReviewRule::Required && approval(words).is_none();
    let missing = missing.then(|| Hindrance::NotReviewed { version: version.to_owned() });
    let against = words.iter().filter(|word| word.verdict == ReviewVerdict::Object);
    let by: Vec<String> = against.map(|word| word.name.clone()).collect();
    let objection = (!by.is_empty()).then_some(Hindrance::Objection { by });
    missing.into_iter().chain(objection).collect()
}

/// Whose approval an activation rests on: the first one's.
pub fn approval(words: &[Word]) -> Option<&str> {
    let approving = words.iter().find(|word| word.verdict == ReviewVerdict::Approve)?;
    Some(&approving.person)
}

/// A name as people are compared.
pub fn person(name: &str) -> String {
    name.trim().to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "a-1";
    const B: &str = "b-2";
    const C: &str = "c-3";

    fn at(secs: i64) -> DateTime {
        chrono::DateTime::from_timestamp(1_800_000_000 + secs, 0).unwrap()
    }

    fn word(name: &str, verdict: ReviewVerdict) -> Word {
        Word { person: person(name), name: name.to_owned(), verdict }
    }

    /// Asks for B at instant 0 while A is in force.
    fn ask(rule: ReviewRule, words: &[Word]) -> Asked<'_> {
        Asked { version: B, at: None, now: at(0), in_force: A, waiting: None, words, rule }
    }

    fn codes(found: &Result<Course, Vec<Hindrance>>) -> Vec<&'static str> {
        found.as_ref().err().into_iter().flatten().map(Hindrance::code).collect()
    }

    #[test]
    fn an_instant_that_is_not_to_come_is_now() {
        for (asked_at, course) in [
            (None, Course::Now),
            (Some(-1), Course::Now),
            (Some(0), Course::Now),
            (Some(1), Course::At(at(1))),
        ] {
            let ask = Asked { at: asked_at.map(at), ..ask(ReviewRule::Off, &[]) };
            assert_eq!(asked(&ask), Ok(course), "{asked_at:?}");
        }
    }

    #[test]
    fn reviews_count_as_the_rule_has_it_and_objections_always() {
        use ReviewRule::{Off, Required};
        let (yes, no) = (word("Tom", ReviewVerdict::Approve), word("Mia", ReviewVerdict::Object));
        let (none, one, against, both) = (vec![], vec![yes.clone()], vec![no.clone()], vec![yes, no]);
        for (rule, words, expected) in [
            (Off, &none, vec![]),
            (Off, &one, vec![]),
            (Off, &against, vec!["objection"]),
            (Off, &both, vec!["objection"]),
            (Required, &none, vec!["review_required"]),
            (Required, &one, vec![]),
            (Required, &against, vec!["review_required", "objection"]),
            (Required, &both, vec!["objection"]),
        ] {
            assert_eq!(codes(&asked(&ask(rule, words))), expected, "{rule:?} {words:?}");
            let stopped: Vec<_> = due(B, A, A, words, rule).iter().map(Hindrance::code).collect();
            assert_eq!(stopped, expected, "at its instant: {rule:?} {words:?}");
        }
        assert_eq!((approval(&both), approval(&against)), (Some("tom"), None));
    }

    #[test]
    fn what_is_in_force_is_so_already_and_not_scheduled() {
        let there = Asked { version: A, ..ask(ReviewRule::Required, &[]) };
        assert_eq!(asked(&there), Ok(Course::Already), "nothing changes, so nobody is asked");
        let later = Asked { at: Some(at(9)), rule: ReviewRule::Off, ..there };
        assert_eq!(codes(&asked(&later)), ["in_force"]);
    }

    #[test]
    fn one_waits_at_a_time_and_others_pass_it() {
        let waiting = |version: &str| Waiting { version: version.to_owned(), due_at: at(5) };
        for (waits, when, expected) in [
            (B, None, vec!["scheduled"]),
            (B, Some(9), vec!["scheduled"]),
            (C, Some(9), vec!["scheduled"]),
            (C, None, vec![]),
        ] {
            let waiting = waiting(waits);
            let ask = Asked { at: when.map(at), waiting: Some(&waiting), ..ask(ReviewRule::Off, &[]) };
            assert_eq!(codes(&asked(&ask)), expected, "{waits} waits, asked for {when:?}");
        }
    }

    #[test]
    fn a_changed_base_stops_at_the_instant() {
        assert_eq!(due(B, A, A, &[], ReviewRule::Off), []);
        let moved = Hindrance::BaseChanged { base: A.to_owned(), in_force: C.to_owned() };
        assert!(moved.says().starts_with("c-3 is in force and not a-1."), "{}", moved.says());
        assert_eq!(due(B, A, C, &[], ReviewRule::Off), [moved]);
    }

    #[test]
    fn people_are_compared_without_case_and_blanks() {
        assert_eq!(person("  Åsa Öberg "), "åsa öberg");
    }
}
