//! The roster in parts that are edited one at a time: calendars, teams, reps, territories, named accounts, segments, roles,
//! terms.
//!
//! Promises: a roster file and its entries are two forms of the same; each entry has a kind and an id, by which it is
//! found again. What an edit changes about anybody's hours is computed from the rosters before and after it. A fault of
//! the whole leads to the entry that it lies in.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::assign::Roster;
use super::assign::check::RosterFault;
use super::assign::file::{
    CalendarFile, NamedAccountFile, RepFile, RoleFile, RosterFile, SegmentFile, TeamFile, TermsFile,
    TerritoryFile,
};
use super::assign::names::{RepId, TeamId};

/// A kind of entry, in the order in which entries name each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = RosterEntryKind)]
pub enum Kind {
    Calendar,
    Team,
    Rep,
    Territory,
    NamedAccount,
    Segment,
    Role,
    SlaTerms,
}

impl Kind {
    pub const ALL: [Self; 8] = [
        Self::Calendar,
        Self::Team,
        Self::Rep,
        Self::Territory,
        Self::NamedAccount,
        Self::Segment,
        Self::Role,
        Self::SlaTerms,
    ];

    /// The stable name, also in the database.
    pub fn name(self) -> &'static str {
        match self {
            Self::Calendar => "calendar",
            Self::Team => "team",
            Self::Rep => "rep",
            Self::Territory => "territory",
            Self::NamedAccount => "named_account",
            Self::Segment => "segment",
            Self::Role => "role",
            Self::SlaTerms => "sla_terms",
        }
    }

    /// In a sentence.
    pub fn words(self) -> &'static str {
        match self {
            Self::NamedAccount => "named account",
            Self::SlaTerms => "SLA terms",
            other => other.name(),
        }
    }

    /// The list of the roster file that holds entries of this kind.
    pub fn list(self) -> &'static str {
        match self {
            Self::Calendar => "calendars",
            Self::Team => "teams",
            Self::Rep => "reps",
            Self::Territory => "territories",
            Self::NamedAccount => "namedAccounts",
            Self::Segment => "segments",
            Self::Role => "roles",
            Self::SlaTerms => "slaTerms",
        }
    }

    /// The id as entries of this kind are found by it: accounts are compared in lower case.
    pub fn id_of(self, id: &str) -> String {
        if self == Self::NamedAccount { id.trim().to_lowercase() } else { id.to_owned() }
    }

    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// Which entry.
pub type Key = (Kind, String);

/// One entry as it is written.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Entry {
    Calendar(CalendarFile),
    Team(TeamFile),
    Rep(RepFile),
    Territory(TerritoryFile),
    NamedAccount(NamedAccountFile),
    Segment(SegmentFile),
    Role(RoleFile),
    SlaTerms(TermsFile),
}

impl Entry {
    pub fn kind(&self) -> Kind {
        match self {
            Self::Calendar(_) => Kind::Calendar,
            Self::Team(_) => Kind::Team,
            Self::Rep(_) => Kind::Rep,
            Self::Territory(_) => Kind::Territory,
            Self::NamedAccount(_) => Kind::NamedAccount,
            Self::Segment(_) => Kind::Segment,
            Self::Role(_) => Kind::Role,
            Self::SlaTerms(_) => Kind::SlaTerms,
        }
    }

    /// The id by which it is found.
    pub fn id(&self) -> String {
        match self {
            Self::Calendar(calendar) => calendar.id.clone(),
            Self::Team(team) => team.id.clone(),
            Self::Rep(rep) => rep.id.clone(),
            Self::Territory(territory) => territory.id.clone(),
            Self::NamedAccount(named) => Kind::NamedAccount.id_of(&named.account),
            Self::Segment(segment) => segment.key(),
            Self::Role(role) => role.id.clone(),
            Self::SlaTerms(terms) => terms.id.clone(),
        }
    }

    pub fn key(&self) -> Key {
        (self.kind(), self.id())
    }

    /// Gives the entry the id of the place where it is put; false when it says another one itself.
    pub fn take_id(&mut self, id: &str) -> bool {
        let own = match self {
            Self::Calendar(CalendarFile { id, .. })
            | Self::Team(TeamFile { id, .. })
            | Self::Rep(RepFile { id, .. })
            | Self::Territory(TerritoryFile { id, .. })
            | Self::Segment(SegmentFile { id, .. })
            | Self::Role(RoleFile { id, .. })
            | Self::SlaTerms(TermsFile { id, .. }) => id,
            Self::NamedAccount(named) => &mut named.account,
        };
        if own.is_empty() {
            id.clone_into(own);
        }
        self.id() == id
    }

    /// Reads an entry back from its JSON text.
    pub fn read(kind: Kind, text: &str) -> Result<Self, serde_json::Error> {
        Ok(match kind {
            Kind::Calendar => Self::Calendar(serde_json::from_str(text)?),
            Kind::Team => Self::Team(serde_json::from_str(text)?),
            Kind::Rep => Self::Rep(serde_json::from_str(text)?),
            Kind::Territory => Self::Territory(serde_json::from_str(text)?),
            Kind::NamedAccount => Self::NamedAccount(serde_json::from_str(text)?),
            Kind::Segment => Self::Segment(serde_json::from_str(text)?),
            Kind::Role => Self::Role(serde_json::from_str(text)?),
            Kind::SlaTerms => Self::SlaTerms(serde_json::from_str(text)?),
        })
    }
}

/// Every entry of a roster, by kind and id.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Entries(BTreeMap<Key, Entry>);

impl FromIterator<Entry> for Entries {
    fn from_iter<I: IntoIterator<Item = Entry>>(entries: I) -> Self {
        Self(entries.into_iter().map(|entry| (entry.key(), entry)).collect())
    }
}

impl Entries {
    pub fn get(&self, kind: Kind, id: &str) -> Option<&Entry> {
        self.0.get(&(kind, id.to_owned()))
    }

    /// Puts an entry in the place of the one with its kind and id.
    pub fn put(&mut self, entry: Entry) {
        self.0.insert(entry.key(), entry);
    }

    pub fn remove(&mut self, kind: Kind, id: &str) -> Option<Entry> {
        self.0.remove(&(kind, id.to_owned()))
    }

    pub fn iter(&self) -> impl Iterator<Item = (&Key, &Entry)> {
        self.0.iter()
    }

    /// The entries as one file, each list in the order of ids.
    pub fn file(&self) -> RosterFile {
        let mut file = RosterFile::default();
        for entry in self.0.values().cloned() {
            match entry {
                Entry::Calendar(calendar) => file.calendars.push(calendar),
                Entry::Team(team) => file.teams.push(team),
                Entry::Rep(rep) => file.reps.push(rep),
                Entry::Territory(territory) => file.territories.push(territory),
                Entry::NamedAccount(named) => file.named_accounts.push(named),
                Entry::Segment(segment) => file.segments.push(segment),
                Entry::Role(role) => file.roles.push(role),
                Entry::SlaTerms(terms) => file.sla_terms.push(terms),
            }
        }
        file
    }

    /// Which entry of [`Entries::file`] a fault of its check lies in, and where in there, such as `caps[0].limit`. None
    /// for a fault of the whole.
    pub fn place(&self, fault: &RosterFault) -> Option<(&Key, String)> {
        let (list, rest) = fault.path.split_once('[')?;
        let (index, inner) = rest.split_once(']')?;
        let index: usize = index.parse().ok()?;
        let kind = Kind::ALL.into_iter().find(|kind| kind.list() == list)?;
        let key = self.0.keys().filter(|key| key.0 == kind).nth(index)?;
        Some((key, inner.trim_start_matches('.').to_owned()))
    }

    /// What must be written to get from these entries to others.
    pub fn difference<'e>(&'e self, to: &'e Self) -> Difference<'e> {
        let mut difference = Difference::default();
        for (key, entry) in &to.0 {
            match self.0.get(key) {
                None => difference.added.push(entry),
                Some(before) if before != entry => difference.changed.push(entry),
                Some(_) => difference.unchanged.push(key),
            }
        }
        difference.removed = self.0.keys().filter(|key| !to.0.contains_key(*key)).collect();
        difference
    }
}

impl From<RosterFile> for Entries {
    /// Of entries with the same id the last one is kept; check the file first.
    fn from(file: RosterFile) -> Self {
        in_order(file).collect()
    }
}

/// The entries of a file, kind by kind, those of a kind in the order of the file.
pub fn in_order(file: RosterFile) -> impl Iterator<Item = Entry> {
    let calendars = file.calendars.into_iter().map(Entry::Calendar);
    let teams = file.teams.into_iter().map(Entry::Team);
    let reps = file.reps.into_iter().map(Entry::Rep);
    let territories = file.territories.into_iter().map(Entry::Territory);
    let named = file.named_accounts.into_iter().map(Entry::NamedAccount);
    let segments = file.segments.into_iter().map(Entry::Segment);
    let roles = file.roles.into_iter().map(Entry::Role);
    let terms = file.sla_terms.into_iter().map(Entry::SlaTerms);
    let entries = calendars.chain(teams).chain(reps).chain(territories).chain(named).chain(segments);
    entries.chain(roles).chain(terms)
}

/// What lies between two rosters.
#[derive(Debug, Default)]
pub struct Difference<'e> {
    pub added: Vec<&'e Entry>,
    pub changed: Vec<&'e Entry>,
    pub unchanged: Vec<&'e Key>,
    pub removed: Vec<&'e Key>,
}

impl Difference<'_> {
    pub fn is_empty(&self) -> bool {
        self.added.is_empty() && self.changed.is_empty() && self.removed.is_empty()
    }
}

/// Whose hours an edit or an absence changes: those whose running clocks must be settled before it is written.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct RosterChange {
    pub reps: BTreeSet<RepId>,
    pub teams: BTreeSet<TeamId>,
}

impl RosterChange {
    /// Those who work by another calendar, came or went. Members of a team with other hours are among them.
    pub fn between(before: &Roster, after: &Roster) -> Self {
        let reps = |roster: &Roster| -> BTreeMap<_, _> {
            roster.reps().iter().map(|rep| (rep.id.clone(), roster.calendar_of_rep(rep))).collect()
        };
        let teams = |roster: &Roster| -> BTreeMap<_, _> {
            roster.teams().map(|team| (team.id.clone(), roster.calendar_of_team(&team.id))).collect()
        };
        Self { reps: differing(reps(before), &reps(after)), teams: differing(teams(before), &teams(after)) }
    }

    /// An absence of one rep.
    pub fn of_rep(rep: RepId) -> Self {
        Self { reps: [rep].into(), teams: BTreeSet::new() }
    }
}

/// The names whose values differ, or that stand on one side only.
fn differing<K: Ord + Clone, V: PartialEq>(before: BTreeMap<K, V>, after: &BTreeMap<K, V>) -> BTreeSet<K> {
    let come = after.keys().filter(|name| !before.contains_key(*name)).cloned();
    let mut names: BTreeSet<K> = come.collect();
    names.extend(
        before.into_iter().filter(|(name, value)| after.get(name) != Some(value)).map(|(name, _)| name),
    );
    names
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn roster(calendar_of_cid: Option<&str>, opens: &str) -> RosterFile {
        let rep = |id: &str, team: &str, calendar: Option<&str>| json!({"id": id, "name": id, "email": "x", "team": team, "calendar": calendar});
        let hours = |opens: &str| json!({"monday": [format!("{opens}-17:00")]});
        let file = json!({
            "calendars": [
                {"id": "day", "zone": "UTC", "hours": hours(opens)}, {"id": "own", "zone": "UTC", "hours": hours("10:00")},
            ],
            "teams": [{"id": "sales", "calendar": "day"}, {"id": "success"}],
            "reps": [rep("ada", "sales", None), rep("ben", "sales", Some("own")), rep("cid", "success", calendar_of_cid)],
            "territories": [{"id": "t", "to": {"rep": "nobody"}}, {"id": "s", "to": {"rep": "ada"}}],
            "namedAccounts": [{"account": " ACME.com", "reps": ["ada"]}],
            "segments": [{"segment": "Mid Market", "teams": ["sales"], "to": {"rep": "ben"}}],
            "roles": [{"id": "sales_manager", "reps": ["ben"]}],
        });
        serde_json::from_value(file).unwrap()
    }

    fn changed(before: RosterFile, after: RosterFile) -> Value {
        let checked = |mut file: RosterFile| {
            file.territories.clear();
            file.named_accounts.clear();
            file.check().unwrap()
        };
        serde_json::to_value(RosterChange::between(&checked(before), &checked(after))).unwrap()
    }

    #[test]
    fn an_edit_changes_the_hours_of_those_who_work_by_them() {
        let before = || roster(None, "09:00");
        assert_eq!(changed(before(), before()), json!({"reps": [], "teams": []}));
        assert_eq!(changed(before(), roster(None, "08:00")), json!({"reps": ["ada"], "teams": ["sales"]}));
        assert_eq!(changed(before(), roster(Some("own"), "09:00")), json!({"reps": ["cid"], "teams": []}));
        let mut without = before();
        without.reps.retain(|rep| rep.id != "ada");
        assert_eq!(changed(without.clone(), before()), json!({"reps": ["ada"], "teams": []}));
        assert_eq!(changed(before(), without), json!({"reps": ["ada"], "teams": []}));
        let mut weighty = before();
        weighty.reps[0].weight = Some(7);
        assert_eq!(changed(before(), weighty), json!({"reps": [], "teams": []}), "no hours");
    }

    #[test]
    fn entries_are_found_again_and_a_fault_leads_to_its_entry() {
        let entries: Entries = roster(None, "09:00").into();
        assert!(entries.get(Kind::NamedAccount, &Kind::NamedAccount.id_of("Acme.COM")).is_some());
        assert!(entries.get(Kind::Segment, "mid-market.sales").is_some());
        let faults = entries.file().check().unwrap_err();
        // In the order of ids, the wrong territory is the second.
        let places: Vec<_> = faults.iter().filter_map(|fault| entries.place(fault)).collect();
        let account = (Kind::NamedAccount, "acme.com".to_owned());
        let territory = (Kind::Territory, "t".to_owned());
        assert_eq!(places, [(&territory, "to.rep".to_owned()), (&account, "account".to_owned())]);
        for (key, entry) in entries.iter() {
            let text = serde_json::to_string(entry).unwrap();
            assert_eq!(Entry::read(key.0, &text).unwrap(), *entry, "{text}");
        }
    }

    #[test]
    fn an_entry_takes_the_id_of_its_place_and_keeps_no_other() {
        let mut entry = Entry::Team(TeamFile::default());
        assert!(entry.take_id("sales") && entry.id() == "sales");
        assert!(entry.take_id("sales") && !entry.take_id("success"));
        let mut named =
            Entry::NamedAccount(NamedAccountFile { account: "ACME.com".into(), reps: Vec::new() });
        assert!(named.take_id("acme.com"));
    }
}
