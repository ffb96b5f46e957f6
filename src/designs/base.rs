//! What a design was made on, so that it is not applied to something else.
//!
//! Promises: everything that the design read of roster and types has its digest here: the team, its reps and calendars, the
//! territories and rules that serve it, the terms and the type. What other teams do is no concern of it.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::brief::{Brief, Segment};
use crate::handoffs::{Entries, Entry, HandoffTypes};
use crate::kernel::json::{canonical, sha256};

/// What a design is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct About {
    pub team: String,
    pub segment: Segment,
    pub handoff_type: String,
}

impl About {
    pub fn of(brief: &Brief) -> Self {
        Self {
            team: brief.team.to_string(),
            segment: brief.segment,
            handoff_type: brief.handoff_type.clone(),
        }
    }
}

/// Digests by what they are of, such as `rep ada`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Base {
    /// The roster's edit at that time.
    pub roster_version: i64,
    pub digests: BTreeMap<String, String>,
}

/// The base of a design on a roster.
pub fn base(
    about: &About,
    entries: &Entries,
    roster_version: i64,
    types: &HandoffTypes,
) -> Result<Base, serde_json::Error> {
    let team = about.team.as_str();
    let members = entries.iter().filter_map(|(_, entry)| match entry {
        Entry::Rep(rep) if rep.team == team => Some(rep),
        _ => None,
    });
    let mut calendars: BTreeSet<&str> = members.filter_map(|rep| rep.calendar.as_deref()).collect();
    if let Some(Entry::Team(of)) = entries.get(crate::handoffs::Kind::Team, team) {
        calendars.extend(of.calendar.as_deref());
    }
    let serves = |teams: &[String]| teams.is_empty() || teams.iter().any(|name| name == team);
    let segment = about.segment.of_accounts();
    let of_segment = |name: &str| segment.is_some_and(|segment| name.trim().eq_ignore_ascii_case(segment));
    let is_read = |entry: &Entry| match entry {
        Entry::Calendar(calendar) => calendars.contains(calendar.id.as_str()),
        Entry::Team(of) => of.id == team,
        Entry::Rep(rep) => rep.team == team,
        Entry::Territory(territory) => serves(&territory.teams),
        Entry::Segment(rule) => of_segment(&rule.segment) && serves(&rule.teams),
        Entry::SlaTerms(terms) => {
            terms.handoff_type == about.handoff_type && terms.segment.as_deref().is_none_or(of_segment)
        }
        // Whom a role leads to, and whose an account is, changes no routing of a segment.
        Entry::NamedAccount(_) | Entry::Role(_) => false,
    };
    let mut digests = BTreeMap::new();
    for (key, entry) in entries.iter().filter(|(_, entry)| is_read(entry)) {
        digests.insert(format!("{} {}", key.0.words(), key.1), digest(entry)?);
    }
    if let Some(of_type) = types.get(&about.handoff_type) {
        digests.insert(format!("handoff type {}", about.handoff_type), digest(of_type)?);
    }
    Ok(Base { roster_version, digests })
}

fn digest(value: &impl Serialize) -> Result<String, serde_json::Error> {
    // Half of a digest is more than enough to see a change.
    Ok(hex::encode(&sha256(&canonical(value)?)[..16]))
}

/// What has changed from one base to another, as sentences.
pub fn changed(before: &Base, now: &Base) -> Vec<String> {
    let names: BTreeSet<&String> = before.digests.keys().chain(now.digests.keys()).collect();
    let differs =
        names.into_iter().filter_map(|name| match (before.digests.get(name), now.digests.get(name)) {
            (Some(_), None) => Some(format!("{name} was removed")),
            (None, Some(_)) => Some(format!("{name} is new")),
            (Some(a), Some(b)) if a != b => Some(format!("{name} was changed")),
            _ => None,
        });
    differs.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::designs::samples::{Scene, ask};
    use crate::handoffs::{Kind, RepFile, RosterFile};

    #[test]
    fn a_base_changes_with_what_the_design_read_and_with_nothing_else() {
        let scene = Scene::default();
        let about = About::of(&scene.brief(&ask()));
        let base_of = |entries: &Entries| base(&about, entries, 1, &scene.types).unwrap();
        let before = base_of(&scene.entries);
        assert_eq!(changed(&before, &before), Vec::<String>::new());
        let with = |change: &dyn Fn(&mut RosterFile)| {
            let mut file = scene.entries.file();
            change(&mut file);
            changed(&before, &base_of(&file.into()))
        };
        assert_eq!(with(&|file| file.reps.retain(|rep| rep.id != "ada")), ["rep ada was removed"]);
        assert_eq!(
            with(&|file| file.calendars[0].zone = "Europe/Paris".into()),
            ["calendar berlin was changed"]
        );
        let new = RepFile { id: "zoe".into(), team: "sales".into(), ..RepFile::default() };
        assert_eq!(with(&|file| file.reps.push(new.clone())), ["rep zoe is new"]);
        // Of another team, of another kind.
        assert!(
            with(&|file| file
                .reps
                .iter_mut()
                .filter(|rep| rep.team == "partner")
                .for_each(|rep| rep.name = "x".into()))
            .is_empty()
        );
        assert!(with(&|file| file.named_accounts.clear()).is_empty());
        let smaller =
            |file: &mut RosterFile| file.teams.iter_mut().for_each(|team| team.channel = Some("#x".into()));
        assert_eq!(with(&smaller), ["team sales was changed"]);
        let drawn = scene.design(&ask());
        let mut after = scene.entries.clone();
        drawn.entries.into_iter().for_each(|entry| after.put(entry));
        assert!(after.get(Kind::SlaTerms, "mql_to_sales.enterprise").is_some());
        assert_eq!(
            changed(&before, &base_of(&after)),
            ["SLA terms mql_to_sales.enterprise is new", "segment enterprise.sales is new"]
        );
    }
}
