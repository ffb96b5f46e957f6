//! Who can take handoffs and by which rules: reps, teams, territories, named accounts, segments and roles, checked.
//!
//! Promises: a [`Roster`] in hand is consistent: every name in it leads somewhere, limits hold, reps and teams stand in
//! the order of their names. It is made from a [`RosterFile`](super::file::RosterFile), which lists all of its faults.
//! Leaves out: absences, and what hours amount to at an instant: an
//! [`Availability`](super::snapshot::Availability).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::caps::Cap;
use super::names::{RepId, TeamId, TerritoryId};
use super::rotation::ReturnPolicy;
use super::snapshot::Firm;
use crate::handoffs::sla::SlaTerms;
use crate::kernel::calendar::{WorkCalendar, Zone};

/// A rep.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rep {
    pub id: RepId,
    pub name: String,
    pub email: String,
    pub manager: Option<RepId>,
    pub team: TeamId,
    pub pods: BTreeSet<String>,
    pub skills: BTreeSet<String>,
    /// The rep's part in the rotation relative to the others; 0 takes no part in it, but keeps own accounts.
    pub weight: u32,
    /// The most open handoffs at a time.
    pub capacity: Option<u32>,
    pub caps: Vec<Cap>,
    /// A leaver is given nothing more.
    pub leaving: bool,
    /// The rep's own hours; see [`Roster::calendar_of_rep`].
    pub calendar: Option<Arc<WorkCalendar>>,
}

impl Rep {
    /// Whether the rep has a skill, however it is written.
    pub fn knows(&self, skill: &str) -> bool {
        self.skills.contains(&fold(skill))
    }
}

/// A team and how it shares out what comes to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Team {
    pub id: TeamId,
    pub name: String,
    /// Where the team is told of its handoffs.
    pub channel: Option<String>,
    /// Who takes what nobody took in time.
    pub fallback: Option<RepId>,
    /// Who may note the absences of the team's members.
    pub lead: Option<RepId>,
    pub returning: ReturnPolicy,
    pub overflow: Overflow,
    /// The ways to an owner, in the order in which they are tried.
    pub order: Vec<StepRule>,
    /// The team's hours; see [`Roster::calendar_of_team`].
    pub calendar: Option<Arc<WorkCalendar>>,
}

/// When waiting work becomes somebody's concern, counted from when it began to wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Overflow {
    pub alarm_minutes: u32,
    /// When the fallback owner takes it; 0 at once.
    pub fallback_minutes: u32,
}

impl Default for Overflow {
    fn default() -> Self {
        Self { alarm_minutes: 60, fallback_minutes: 240 }
    }
}

/// A way to an owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = RouteStep)]
pub enum Step {
    AccountOwner,
    NamedAccount,
    Territory,
    Segment,
    /// The rotation of the team that the request names.
    Team,
}

/// A way to an owner, and what happens when those it leads to cannot take the handoff now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = RouteStepRule)]
pub struct StepRule {
    pub by: Step,
    /// Whether the cover of an absent owner is asked first. Rotations need no cover: the others of the pool step in.
    #[serde(default = "yes")]
    pub cover: bool,
    /// How long, from when the handoff began to wait, it may wait for somebody on this way who will be able within that
    /// time, before the next way is tried. 0: not at all, since the first to call wins.
    #[serde(default)]
    pub wait_minutes: u32,
}

fn yes() -> bool {
    true
}

impl StepRule {
    pub const fn new(by: Step) -> Self {
        Self { by, cover: true, wait_minutes: 0 }
    }

    /// The account's own people first, then those of its territory, then of its segment, then the whole team; cover for
    /// who is absent, and no waiting.
    pub const DEFAULT: [Self; 5] = [
        Self::new(Step::AccountOwner),
        Self::new(Step::NamedAccount),
        Self::new(Step::Territory),
        Self::new(Step::Segment),
        Self::new(Step::Team),
    ];
}

/// Where a territory, a segment or a team leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    Rep(RepId),
    /// The rotation of a team, or of a pod in it.
    Pool {
        team: TeamId,
        pod: Option<String>,
    },
}

/// A range of whole numbers, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Range {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max: Option<u64>,
}

impl Range {
    /// Whether a known value lies inside; one that is not known does only when the range is open at both ends.
    pub fn holds(self, value: Option<u64>) -> bool {
        match value {
            Some(value) => self.min.is_none_or(|min| value >= min) && self.max.is_none_or(|max| value <= max),
            None => self == Self::default(),
        }
    }
}

/// What firms a territory takes: all that is given must hold; of a list, one entry. Texts are in lower case.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Matches {
    pub countries: BTreeSet<String>,
    pub regions: BTreeSet<String>,
    pub industries: BTreeSet<String>,
    pub segments: BTreeSet<String>,
    /// Whole domains such as `acme.com`.
    pub domains: BTreeSet<String>,
    /// Ends of domains with their dot, such as `.gov.uk`; each takes everything below it.
    pub suffixes: BTreeSet<String>,
    pub employees: Range,
    /// Annual, in whole units of the company's reporting currency.
    pub revenue: Range,
}

impl Matches {
    pub fn takes(&self, firm: &Firm) -> bool {
        let lists = [
            (&self.countries, &firm.country),
            (&self.regions, &firm.region),
            (&self.industries, &firm.industry),
            (&self.segments, &firm.segment),
        ];
        let listed = |(list, value): &(&BTreeSet<String>, &Option<String>)| {
            list.is_empty() || value.as_ref().is_some_and(|value| list.contains(&fold(value)))
        };
        lists.iter().all(listed)
            && self.takes_domain(firm.domain.as_deref())
            && self.employees.holds(firm.employees)
            && self.revenue.holds(firm.revenue)
    }

    fn takes_domain(&self, domain: Option<&str>) -> bool {
        if self.domains.is_empty() && self.suffixes.is_empty() {
            return true;
        }
        domain.is_some_and(|domain| {
            let domain = fold(domain);
            self.domains.contains(&domain)
                || self.suffixes.iter().any(|suffix| domain.ends_with(suffix.as_str()))
        })
    }
}

/// Text as it is compared: without blanks around it, in lower case.
pub(super) fn fold(text: &str) -> String {
    text.trim().to_lowercase()
}

/// A territory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Territory {
    pub id: TerritoryId,
    /// Lower first; among equals the name that sorts first.
    pub priority: u32,
    /// The teams whose requests it takes; empty for all.
    pub teams: BTreeSet<TeamId>,
    pub matches: Matches,
    pub to: Target,
}

/// What a segment's requests to some teams lead to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SegmentRule {
    pub segment: String,
    /// The teams whose requests it takes; empty for all.
    pub teams: BTreeSet<TeamId>,
    pub to: Target,
    /// The ways to an owner, instead of the team's.
    pub order: Option<Vec<StepRule>>,
}

/// Whom a role leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answers<'r> {
    /// Those who hold it, in the order of the roster.
    Holders(Vec<&'r RepId>),
    /// Nobody holds it: the lead or the fallback owner of the team.
    Instead(&'r RepId),
    Nobody,
}

impl<'r> Answers<'r> {
    pub fn people(self) -> Vec<&'r RepId> {
        match self {
            Self::Holders(holders) => holders,
            Self::Instead(rep) => vec![rep],
            Self::Nobody => Vec::new(),
        }
    }
}

/// The whole configuration of assignment, consistent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Roster {
    /// By name.
    pub(super) reps: Vec<Rep>,
    pub(super) teams: BTreeMap<TeamId, Team>,
    /// By priority, then name.
    pub(super) territories: Vec<Territory>,
    /// By account id or domain, in lower case; several for accounts that have an owner in each of several teams.
    pub(super) named: BTreeMap<String, Vec<RepId>>,
    pub(super) segments: Vec<SegmentRule>,
    /// Who is told what is said to a role.
    pub(super) roles: BTreeMap<String, Vec<RepId>>,
    /// By type of handoff and segment; without one for all that have none of their own.
    pub(super) terms: BTreeMap<(String, Option<String>), SlaTerms>,
    /// Positions in `reps`, by team, by name.
    pub(super) members: BTreeMap<TeamId, Vec<usize>>,
}

impl Roster {
    /// The reps, by name.
    pub fn reps(&self) -> &[Rep] {
        &self.reps
    }

    pub fn rep(&self, id: &str) -> Option<&Rep> {
        self.position(id).map(|at| &self.reps[at])
    }

    /// The position of a rep in [`Roster::reps`].
    pub fn position(&self, id: &str) -> Option<usize> {
        self.reps.binary_search_by(|rep| rep.id.as_str().cmp(id)).ok()
    }

    pub fn team(&self, id: &TeamId) -> Option<&Team> {
        self.teams.get(id)
    }

    /// The rule of a segment for the requests to a team.
    pub fn segment_rule(&self, segment: &str, team: &TeamId) -> Option<&SegmentRule> {
        let segment = fold(segment);
        let serves = |rule: &&SegmentRule| rule.teams.is_empty() || rule.teams.contains(team);
        self.segments.iter().filter(|rule| rule.segment == segment).find(serves)
    }

    /// What is promised for new handoffs of a type and a segment, where it is not what the type says.
    pub fn terms(&self, handoff_type: &str, segment: &str) -> Option<&SlaTerms> {
        let of = |segment| self.terms.get(&(handoff_type.to_owned(), segment));
        of(Some(fold(segment))).or_else(|| of(None))
    }

    /// The territories, in the order in which they are asked.
    pub fn territories(&self) -> &[Territory] {
        &self.territories
    }

    /// The named accounts with their owners, by account.
    pub fn named_accounts(&self) -> impl Iterator<Item = (&str, &[RepId])> {
        self.named.iter().map(|(account, reps)| (account.as_str(), reps.as_slice()))
    }

    /// Whether a rep leads a team, whichever.
    pub fn leads(&self, id: &RepId) -> bool {
        self.teams.values().any(|team| team.lead.as_ref() == Some(id))
    }

    /// The roles that somebody is named for, by name.
    pub fn roles(&self) -> impl Iterator<Item = &str> {
        self.roles.keys().map(String::as_str)
    }

    /// Whom a role leads to when something of a team is escalated: those who hold it and are not leaving; else the
    /// team's lead; else its fallback owner. Nobody where there is none of them.
    pub fn answers_for(&self, role: &str, team: &TeamId) -> Answers<'_> {
        let holders = self.holders(role);
        if !holders.is_empty() {
            return Answers::Holders(holders);
        }
        let team = self.team(team);
        let instead = team.and_then(|team| team.lead.as_ref().filter(|lead| self.stays(lead)));
        match instead.or_else(|| team.and_then(|team| team.fallback.as_ref())) {
            Some(rep) => Answers::Instead(rep),
            None => Answers::Nobody,
        }
    }

    /// Who holds a role and is not leaving.
    pub fn holders(&self, role: &str) -> Vec<&RepId> {
        self.roles.get(role).into_iter().flatten().filter(|rep| self.stays(rep)).collect()
    }

    fn stays(&self, id: &RepId) -> bool {
        self.rep(id.as_str()).is_some_and(|rep| !rep.leaving)
    }

    pub fn teams(&self) -> impl Iterator<Item = &Team> {
        self.teams.values()
    }

    /// Positions of a team's reps, by name; leavers are none of them.
    pub fn members(&self, team: &TeamId) -> &[usize] {
        self.members.get(team).map_or(&[], Vec::as_slice)
    }

    /// When a rep works: by a calendar of its own, else by that of its team, else around the clock in UTC.
    pub fn calendar_of_rep(&self, rep: &Rep) -> Arc<WorkCalendar> {
        rep.calendar.clone().unwrap_or_else(|| self.calendar_of_team(&rep.team))
    }

    /// When a team works: by its calendar, else around the clock in UTC; a team that is not on the roster too.
    pub fn calendar_of_team(&self, team: &TeamId) -> Arc<WorkCalendar> {
        let written = self.teams.get(team).and_then(|team| team.calendar.clone());
        written.unwrap_or_else(|| Arc::new(WorkCalendar::around_the_clock(Zone::utc())))
    }

    /// The same roster with a rep who is leaving: given nothing more and no longer in the rotation.
    #[must_use]
    pub fn with_leaver(&self, id: &RepId) -> Self {
        let mut roster = self.clone();
        if let Some(at) = roster.position(id.as_str()) {
            roster.reps[at].leaving = true;
            for members in roster.members.values_mut() {
                members.retain(|member| *member != at);
            }
        }
        roster
    }

    /// Where the roster still names a rep, as sentences: what somebody must edit before the rep is gone.
    pub fn mentions(&self, id: &RepId) -> Vec<String> {
        let leads = |to: &Target| matches!(to, Target::Rep(rep) if rep == id);
        let fallbacks = self.teams.values().filter(|team| team.fallback.as_ref() == Some(id));
        let led = self.teams.values().filter(|team| team.lead.as_ref() == Some(id));
        let managed = self.reps.iter().filter(|rep| rep.manager.as_ref() == Some(id));
        let territories = self.territories.iter().filter(|territory| leads(&territory.to));
        let named = self.named.iter().filter(|(_, reps)| reps.contains(id));
        let segments = self.segments.iter().filter(|rule| leads(&rule.to));
        let roles = self.roles.iter().filter(|(_, reps)| reps.contains(id));
        territories
            .map(|territory| format!("territory {} leads to {id}", territory.id))
            .chain(named.map(|(account, _)| format!("named account {account} is owned by {id}")))
            .chain(segments.map(|rule| format!("segment {} leads to {id}", rule.segment)))
            .chain(roles.map(|(role, _)| format!("role {role} is held by {id}")))
            .chain(fallbacks.map(|team| format!("team {} falls back on {id}", team.id)))
            .chain(led.map(|team| format!("team {} is led by {id}", team.id)))
            .chain(managed.map(|rep| format!("{} is managed by {id}", rep.id)))
            .collect()
    }
}
