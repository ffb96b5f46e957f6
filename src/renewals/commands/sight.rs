//! What a renewal is made of, gathered from those who know it: facts, people, scores, the roster.
//!
//! Promises: read under the account's lock and in the caller's transaction; nothing is written.

use std::collections::BTreeMap;

use sqlx::PgConnection;

use super::{RenewalError, Renewals};
use crate::accounts::Current;
use crate::accounts::commands::{Portrait, portrait};
use crate::accounts::model::{Contact, value};
use crate::kernel::clock::DateTime;
use crate::motions::model::Signals;
use crate::plans::model::Role;
use crate::renewals::measures::{Known, Nps};
use crate::renewals::model::Person;
use crate::renewals::plays::Plays;
use crate::renewals::telling::Counterpart;

/// Notes of this kind say that the account has left.
const LEFT: &str = "churn_reason";
/// The teams whose reps are customer success managers, by parts of their ids.
const SUCCESS_TEAMS: [&str; 3] = ["success", "csm", "cs_"];

/// What was seen of an account.
pub(super) struct Sight {
    pub signals: Signals,
    reachable: usize,
    left: usize,
    left_at: Option<DateTime>,
    nps: Option<Nps>,
    /// By persona; only those who may be contacted.
    pub counterparts: BTreeMap<String, Vec<Counterpart>>,
    now: DateTime,
}

impl Sight {
    /// What measures are made of.
    pub fn known<'a>(&'a self, current: &'a Current) -> Known<'a> {
        Known {
            account_id: &current.account_id,
            state: &current.state,
            signals: &self.signals,
            reachable: self.reachable,
            left: self.left,
            left_at: self.left_at,
            nps: self.nps,
            now: self.now,
        }
    }
}

impl Renewals {
    /// Looks at an account.
    pub(super) async fn sight(
        &self,
        conn: &mut PgConnection,
        current: &Current,
        now: DateTime,
    ) -> Result<Sight, RenewalError> {
        let seen = self.motions.seen(conn, &current.state, now).await?;
        let Portrait { people, notes, .. } = portrait(conn, &current.account_id).await?;
        let nps = self.handoffs.latest_nps(conn, &current.account_id).await?;
        let left: Vec<DateTime> =
            notes.iter().filter(|note| note.kind == LEFT).map(|note| note.noted_at).collect();
        let people: Vec<&Contact> =
            people.iter().map(|row| &row.doc).filter(|one| may_be_asked(one)).collect();
        Ok(Sight {
            signals: seen.signals,
            reachable: people.iter().filter(|one| is_reachable(one)).count(),
            left: left.len(),
            left_at: left.into_iter().max(),
            nps: nps.map(|(score, at)| Nps { score, at }),
            counterparts: counterparts(&self.plays, &people),
            now,
        })
    }

    /// Who of our people is known without being named: the owner of the account, by the team that they are in.
    pub(super) async fn known_people(
        &self,
        conn: &mut PgConnection,
        current: &Current,
    ) -> Result<BTreeMap<Role, Person>, RenewalError> {
        let Some(owner) = value(&current.state.profile.owner_id) else { return Ok(BTreeMap::new()) };
        let held = self.handoffs.rosters.current(conn).await?;
        let Some(rep) = held.roster.rep(owner) else { return Ok(BTreeMap::new()) };
        let team = rep.team.as_str();
        let role = if SUCCESS_TEAMS.iter().any(|part| team.contains(part)) { "csm" } else { "ae" };
        let mut people = BTreeMap::from([(Role(role.to_owned()), person(rep))]);
        if let Some(manager) = rep.manager.as_ref().and_then(|manager| held.roster.rep(manager.as_str())) {
            // Whoever leads them answers for their renewals, until somebody else is named.
            people.insert(Role("renewal_director".to_owned()), person(manager));
        }
        Ok(people)
    }
}

fn person(rep: &crate::handoffs::Rep) -> Person {
    Person {
        name: Some(rep.name.clone()),
        email: Some(rep.email.clone()),
        rep_id: Some(rep.id.as_str().to_owned()),
    }
}

fn may_be_asked(contact: &Contact) -> bool {
    value(&contact.opted_out) != Some(&true)
}

fn is_reachable(contact: &Contact) -> bool {
    let said = |text: Option<&String>| text.is_some_and(|text| !text.trim().is_empty());
    said(value(&contact.email)) || said(value(&contact.phone))
}

/// The customer's people by persona: by the words of their titles, the first persona that fits; the primary contact first.
fn counterparts(plays: &Plays, people: &[&Contact]) -> BTreeMap<String, Vec<Counterpart>> {
    let mut found: BTreeMap<String, Vec<(bool, Counterpart)>> = BTreeMap::new();
    for contact in people {
        let names = [value(&contact.first_name), value(&contact.last_name)];
        let name = names.into_iter().flatten().map(|part| part.trim()).collect::<Vec<_>>().join(" ");
        let Some(title) = value(&contact.title).filter(|_| !name.is_empty()) else { continue };
        let words = title.to_lowercase();
        let fits = |word: &String| {
            words.split(|c: char| !c.is_alphanumeric()).any(|part| part == word)
                || (word.contains(' ') && words.contains(word))
        };
        let personas = plays.personas();
        let Some((persona, _)) = personas.iter().find(|(_, persona)| persona.titles.iter().any(fits)) else {
            continue;
        };
        let is_primary = value(&contact.is_primary) == Some(&true);
        let counterpart = Counterpart { name, title: Some(title.clone()) };
        found.entry((*persona).to_owned()).or_default().push((is_primary, counterpart));
    }
    found
        .into_iter()
        .map(|(persona, mut people)| {
            people.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.name.cmp(&b.1.name)));
            (persona, people.into_iter().map(|(_, one)| one).collect())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::renewals::samples::plays;
    use serde_json::json;

    #[test]
    fn people_are_found_by_their_titles() {
        let fact = |text: &str| json!({"value": text, "asOf": "2026-11-01T00:00:00Z", "source": "/crm"});
        let contact = |name: &str, title: &str| -> Contact {
            serde_json::from_value(json!({"firstName": fact(name), "title": fact(title)})).unwrap()
        };
        let people = [
            contact("Ada", "Chief Financial Officer"),
            contact("Ben", "Head of Operations"),
            contact("Cy", "Data Analyst"),
            contact("Dee", "Procurement Specialist"),
            contact("Eve", "Gardener"),
            contact("Flo", "Director, Procurement"),
        ];
        let found = counterparts(&plays(), &people.iter().collect::<Vec<_>>());
        let names = |persona: &str| -> Vec<&str> {
            found
                .get(persona)
                .map_or_else(Vec::new, |people| people.iter().map(|one| one.name.as_str()).collect())
        };
        assert_eq!(names("executive"), ["Ada"]);
        assert_eq!(names("champion"), ["Ben", "Flo"], "the first persona that fits");
        assert_eq!(names("user"), ["Cy", "Dee"]);
        assert_eq!(found.values().flatten().count(), 5, "a gardener is none of them");
    }
}
