//! An assignment told to the person who asks "why me?" or "why not me?".
//!
//! Promises: one short sentence for each fact, the answer first and then the ways in the order in which they were
//! tried; instants are in UTC, to the minute. The codes of [`Reason`] are for programs; these sentences may change.

use super::outcome::{Candidate, Outcome, Reason, Route, Tried, Waiting};
use super::roster::Roster;
use super::rotation::UNIT;
use crate::kernel::clock::DateTime;
use crate::kernel::text::sentence_list;

/// Why this rep and why not the others.
pub fn explain(outcome: &Outcome, roster: &Roster) -> Vec<String> {
    let mut sentences = vec![headline(outcome, roster)];
    if let Outcome::Queued(queued) = outcome {
        let tried_again = match queued.wakes_at {
            Some(at) => format!("It is tried again at {}, or as soon as somebody becomes free.", instant(at)),
            None => "It is tried again as soon as somebody becomes free.".to_owned(),
        };
        sentences.push(tried_again);
        if let Some(at) = queued.fallback_at {
            sentences.push(format!("The fallback owner takes it from {} on.", instant(at)));
        }
    }
    for Tried { route, candidates } in outcome.tried() {
        if candidates.is_empty() {
            sentences.push(format!("{}: nobody is there.", capital(&way(route))));
        }
        for candidate in candidates {
            sentences.push(format!("{}: {}.", capital(&way(route)), about(candidate, roster)));
        }
    }
    sentences
}

fn headline(outcome: &Outcome, roster: &Roster) -> String {
    let called = |id: &str| called(id, roster);
    match outcome {
        Outcome::Assigned(assigned) => {
            let rep = called(assigned.rep.as_str());
            match &assigned.cover_for {
                Some(owner) => format!(
                    "{rep} takes it, covering for {} ({}).",
                    called(owner.as_str()),
                    way(&assigned.route)
                ),
                None if assigned.rotation.is_some() => {
                    format!("{rep} takes it: next in turn ({}).", way(&assigned.route))
                }
                None => format!("{rep} takes it ({}).", way(&assigned.route)),
            }
        }
        Outcome::Fallback(fallback) => {
            let rep = called(fallback.rep.as_str());
            match &fallback.cover_for {
                Some(owner) => format!(
                    "{rep} takes it, covering for {}: nobody took it in time.",
                    called(owner.as_str())
                ),
                None => format!("{rep} takes it as the fallback owner: nobody took it in time."),
            }
        }
        Outcome::Queued(queued) => match &queued.why {
            Waiting::UnknownTeam => {
                "It waits: its team is not on the roster. Correct the team, or add it.".to_owned()
            }
            Waiting::NoCandidates => {
                "It waits: no way leads to anybody. Add members to the team, or a fallback owner.".to_owned()
            }
            Waiting::NobodyNow => "It waits: nobody can take it now.".to_owned(),
            Waiting::ForRoute { route, until } => {
                format!("It waits for {}, until {} at the latest.", way(route), instant(*until))
            }
            Waiting::FallbackCannot { rep } => {
                format!("It waits: nobody can take it, not even the fallback owner {}.", called(rep.as_str()))
            }
        },
    }
}

/// What speaks for or against somebody, weightiest first.
fn about(candidate: &Candidate, roster: &Roster) -> String {
    let reasons: Vec<String> = candidate.reasons.iter().map(|reason| sentence(reason, roster)).collect();
    format!("{} {}", called(&candidate.rep, roster), reasons.join("; "))
}

/// A reason in words that follow the rep's name.
pub fn sentence(reason: &Reason, roster: &Roster) -> String {
    match reason {
        Reason::Chosen => "was chosen".to_owned(),
        Reason::LowerInRotation { place, of, balance } => {
            format!("is lower in the rotation: place {place} of {of}, {}", owed(*balance))
        }
        Reason::NotOnRoster => "is not on the roster".to_owned(),
        Reason::OtherTeam { team } => format!("belongs to another team, {team}"),
        Reason::Leaving => "is leaving".to_owned(),
        Reason::JustLostIt => "just lost it".to_owned(),
        Reason::MissingSkills { skills } => {
            let skills: Vec<String> = skills.iter().cloned().collect();
            format!("lacks {}", sentence_list(&skills))
        }
        Reason::NoWeight => "takes no part in the rotation (weight 0)".to_owned(),
        Reason::NotInSnapshot => "was not looked up".to_owned(),
        Reason::CoverLoop => "was asked already: the covers lead in a circle".to_owned(),
        Reason::Absent { until, cover } => {
            let until = until.map_or_else(String::new, |at| format!(" until {}", instant(at)));
            let cover =
                cover.as_ref().map(|cover| format!(", covered by {}", called(cover.as_str(), roster)));
            format!("is absent{until}{}", cover.unwrap_or_default())
        }
        Reason::OutsideHours { opens_at: Some(at) } => {
            format!("is outside working hours, which begin at {}", instant(*at))
        }
        Reason::OutsideHours { opens_at: None } => "is outside working hours".to_owned(),
        Reason::Full { open, capacity } => format!("has {open} of {capacity} open handoffs"),
        Reason::CapReached(reached) => {
            let frees = reached.frees_at.map(|at| format!(", frees at {}", instant(at))).unwrap_or_default();
            let (taken, cap) = (reached.taken, reached.cap);
            format!("has been given {taken} of {} per {}{frees}", cap.limit, cap.window.name())
        }
    }
}

/// A balance in words, to a hundredth of an assignment.
fn owed(balance: i64) -> String {
    let hundredths = balance.unsigned_abs() / (UNIT.unsigned_abs() / 100);
    let amount = format!("{}.{:02}", hundredths / 100, hundredths % 100);
    match balance {
        _ if hundredths == 0 => "even".to_owned(),
        0.. => format!("{amount} behind the fair share"),
        _ => format!("{amount} ahead of the fair share"),
    }
}

fn way(route: &Route) -> String {
    match route {
        Route::AccountOwner => "the account's owner".to_owned(),
        Route::NamedAccount { account } => format!("named account {account}"),
        Route::Territory { id } => format!("territory {id}"),
        Route::Segment { segment } => format!("segment {segment}"),
        Route::Team { id } => format!("team {id}"),
        Route::Fallback => "the fallback owner".to_owned(),
        Route::Chosen => "whom a person chose".to_owned(),
    }
}

fn called(id: &str, roster: &Roster) -> String {
    roster.rep(id).map_or_else(|| id.to_owned(), |rep| rep.name.clone())
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

fn instant(at: DateTime) -> String {
    at.format("%Y-%m-%d %H:%M UTC").to_string()
}
