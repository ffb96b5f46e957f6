//! From a roster as it is written to one that holds together.
//!
//! Promises: all faults come at once, names that stand twice first, each with its place, a stable code, a sentence and, for a
//! misspelt name, the one that was probably meant. The roster that comes out does not depend on the order of the file.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::file::{MatchFile, RepFile, RoleFile, RosterFile, SegmentFile, TargetFile, TeamFile, TermsFile};
use super::names::{RepId, TeamId, TerritoryId};
use super::roster::{Matches, Range, Rep, Roster, SegmentRule, StepRule, Target, Team, Territory, fold};
use super::rotation::{MEMBERS_MAX, WEIGHT_MAX};
use crate::handoffs::sla::SlaTerms;
use crate::kernel::calendar::WorkCalendar;
use crate::kernel::ids::{IdError, check_caller_id};
use crate::kernel::text::nearest;

/// One thing wrong with a roster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "camelCase")]
pub struct RosterFault {
    /// Where, such as `reps[3].team`.
    pub path: String,
    pub code: RosterFaultCode,
    pub message: String,
    /// What was probably meant.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub suggestion: Option<String>,
}

impl fmt::Display for RosterFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.message)?;
        match &self.suggestion {
            Some(suggestion) => write!(f, " (did you mean `{suggestion}`?)"),
            None => Ok(()),
        }
    }
}

/// The kinds of fault. The names are part of the contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RosterFaultCode {
    /// An id that is empty, too long or has characters that ids do not have.
    BadName,
    Duplicate,
    /// A name that is nobody's.
    UnknownName,
    OutOfRange,
    /// A range whose ends are the wrong way round.
    EmptyRange,
    /// A target that names nothing, or too much.
    BadTarget,
    /// A fallback owner who takes nothing, or a manager of oneself.
    Pointless,
    /// A calendar that cannot be kept; the message says why.
    BadCalendar,
    /// Terms that cannot be kept; the message says why.
    BadTerms,
}

use RosterFaultCode as Code;

impl RosterFile {
    /// Checks everything and lists all faults.
    pub fn check(&self) -> Result<Roster, Vec<RosterFault>> {
        let mut checker = Checker {
            reps: self.reps.iter().map(|rep| rep.id.as_str()).collect(),
            teams: self.teams.iter().map(|team| team.id.as_str()).collect(),
            calendars: BTreeMap::new(),
            pods: self.reps.iter().flat_map(|rep| rep.pods.iter().map(String::as_str)).collect(),
            faults: Vec::new(),
        };
        let roster = checker.roster(self);
        if checker.faults.is_empty() { Ok(roster) } else { Err(checker.faults) }
    }
}

/// The names that there are, and the faults found so far.
struct Checker<'f> {
    reps: BTreeSet<&'f str>,
    teams: BTreeSet<&'f str>,
    /// Those with faults have no checked form.
    calendars: BTreeMap<&'f str, Option<Arc<WorkCalendar>>>,
    pods: BTreeSet<&'f str>,
    faults: Vec<RosterFault>,
}

impl<'f> Checker<'f> {
    fn add(&mut self, code: Code, path: impl Into<String>, message: impl Into<String>) {
        self.faults.push(RosterFault { path: path.into(), code, message: message.into(), suggestion: None });
    }

    fn roster(&mut self, file: &'f RosterFile) -> Roster {
        self.once(file.calendars.iter().map(|calendar| calendar.id.clone()), "calendars", "id");
        self.once(file.teams.iter().map(|team| team.id.clone()), "teams", "id");
        self.once(file.reps.iter().map(|rep| rep.id.clone()), "reps", "id");
        self.once(file.territories.iter().map(|territory| territory.id.clone()), "territories", "id");
        self.calendars(file);
        let teams: Vec<Team> = each(&file.teams, |at, team| self.team(at, team, file));
        let mut reps: Vec<Rep> = each(&file.reps, |at, rep| self.rep(at, rep));
        reps.sort_by(|a, b| a.id.cmp(&b.id));
        let territories = self.territories(file);
        let named = self.named(file);
        let segments = self.segments(file);
        let roles = self.roles(&file.roles);
        let terms = self.terms(&file.sla_terms);
        let mut members: BTreeMap<TeamId, Vec<usize>> = BTreeMap::new();
        for (at, rep) in reps.iter().enumerate().filter(|(_, rep)| !rep.leaving) {
            members.entry(rep.team.clone()).or_default().push(at);
        }
        for (team, _) in members.iter().filter(|(_, members)| members.len() > MEMBERS_MAX) {
            self.add(
                Code::OutOfRange,
                "reps",
                format!("team {team} has more than {MEMBERS_MAX} members; split it"),
            );
        }
        let teams = teams.into_iter().map(|team| (team.id.clone(), team)).collect();
        Roster { reps, teams, territories, named, segments, roles, terms, members }
    }

    fn once(&mut self, names: impl Iterator<Item = String>, list: &str, field: &str) {
        let mut seen = BTreeSet::new();
        let dot = if field.is_empty() { "" } else { "." };
        for (at, name) in names.enumerate() {
            if seen.contains(&name) {
                self.add(
                    Code::Duplicate,
                    format!("{list}[{at}]{dot}{field}"),
                    format!("`{name}` stands here a second time; names must differ"),
                );
            }
            seen.insert(name);
        }
    }

    fn calendars(&mut self, file: &'f RosterFile) {
        for (at, calendar) in file.calendars.iter().enumerate() {
            let path = format!("calendars[{at}]");
            self.name(&format!("{path}.id"), &calendar.id, check_caller_id);
            let checked = WorkCalendar::new(&calendar.draft());
            for fault in checked.as_ref().err().into_iter().flatten() {
                let message = match &fault.suggestion {
                    Some(suggestion) => format!("{}: {suggestion}", fault.message),
                    None => fault.message.clone(),
                };
                self.add(Code::BadCalendar, format!("{path}.{}", fault.path), message);
            }
            self.calendars.insert(&calendar.id, checked.ok().map(Arc::new));
        }
    }

    fn team(&mut self, at: usize, team: &TeamFile, file: &RosterFile) -> Option<Team> {
        let path = format!("teams[{at}]");
        let fallback = team
            .fallback_owner
            .as_ref()
            .and_then(|rep| self.known_rep(&format!("{path}.fallbackOwner"), rep));
        let leaves = fallback
            .as_ref()
            .and_then(|id| file.reps.iter().find(|rep| rep.id == id.as_str()))
            .is_some_and(|rep| rep.leaving);
        if leaves {
            self.add(
                Code::Pointless,
                format!("{path}.fallbackOwner"),
                "the fallback owner is leaving and takes nothing; name somebody who stays",
            );
        }
        let lead = team.lead.as_ref().and_then(|rep| self.known_rep(&format!("{path}.lead"), rep));
        self.order(&path, team.order.as_deref());
        let calendar = self.known_calendar(&path, team.calendar.as_deref());
        Some(Team {
            calendar,
            id: self.name(&format!("{path}.id"), &team.id, TeamId::parse)?,
            name: team.name.clone().unwrap_or_else(|| team.id.clone()),
            channel: team.channel.clone(),
            fallback,
            lead,
            returning: team.returning,
            overflow: team.overflow,
            order: team.order.clone().unwrap_or_else(|| StepRule::DEFAULT.to_vec()),
        })
    }

    /// The ways to an owner that a team or a segment's rule at `path` names.
    fn order(&mut self, path: &str, order: Option<&[StepRule]>) {
        if order.is_some_and(<[StepRule]>::is_empty) {
            self.add(
                Code::OutOfRange,
                format!("{path}.order"),
                "no way to an owner is left; leave `order` out for the usual ones",
            );
        }
        let steps = order.into_iter().flatten().map(|rule| format!("{:?}", rule.by));
        self.once(steps, &format!("{path}.order"), "by");
    }

    fn rep(&mut self, at: usize, rep: &RepFile) -> Option<Rep> {
        let path = format!("reps[{at}]");
        let weight = rep.weight.unwrap_or(1);
        if weight > WEIGHT_MAX {
            self.add(
                Code::OutOfRange,
                format!("{path}.weight"),
                format!("a weight is at most {WEIGHT_MAX}, this one is {weight}"),
            );
        }
        for (index, _) in rep.caps.iter().enumerate().filter(|(_, cap)| cap.limit == 0) {
            self.add(
                Code::OutOfRange,
                format!("{path}.caps[{index}].limit"),
                "a cap of 0 lets nothing through, ever; use `weight = 0` or `capacity = 0`",
            );
        }
        if rep.manager.as_ref() == Some(&rep.id) {
            self.add(Code::Pointless, format!("{path}.manager"), "nobody is their own manager");
        }
        let id = self.name(&format!("{path}.id"), &rep.id, RepId::parse);
        let team = self.known_team(&format!("{path}.team"), &rep.team);
        let manager = rep.manager.as_ref().map(|manager| self.known_rep(&format!("{path}.manager"), manager));
        let calendar = self.known_calendar(&path, rep.calendar.as_deref());
        Some(Rep {
            calendar,
            id: id?,
            name: rep.name.clone(),
            email: rep.email.clone(),
            manager: manager.flatten(),
            team: team?,
            pods: rep.pods.iter().map(|pod| fold(pod)).collect(),
            skills: rep.skills.iter().map(|skill| fold(skill)).collect(),
            weight,
            capacity: rep.capacity,
            caps: rep.caps.clone(),
            leaving: rep.leaving,
        })
    }

    fn territories(&mut self, file: &RosterFile) -> Vec<Territory> {
        let mut territories: Vec<Territory> = each(&file.territories, |at, territory| {
            let path = format!("territories[{at}]");
            let id = self.name(&format!("{path}.id"), &territory.id, TerritoryId::parse);
            let teams = self.teams(&format!("{path}.teams"), &territory.teams);
            let matches = self.matches(&format!("{path}.match"), &territory.matches);
            let to = self.target(&format!("{path}.to"), &territory.to);
            Some(Territory { id: id?, priority: territory.priority, teams, matches, to: to? })
        });
        territories.sort_by(|a, b| (a.priority, &a.id).cmp(&(b.priority, &b.id)));
        territories
    }

    fn matches(&mut self, path: &str, file: &MatchFile) -> Matches {
        for (name, range) in [("employees", file.employees), ("revenue", file.revenue)] {
            if let Range { min: Some(min), max: Some(max) } = range
                && min > max
            {
                self.add(
                    Code::EmptyRange,
                    format!("{path}.{name}"),
                    format!("no number is at least {min} and at most {max}"),
                );
            }
        }
        let folded = |list: &[String]| list.iter().map(|text| fold(text)).collect::<BTreeSet<String>>();
        let (mut domains, mut suffixes) = (BTreeSet::new(), BTreeSet::new());
        for (at, domain) in file.domains.iter().enumerate() {
            let domain = fold(domain);
            let bare = domain.trim_start_matches('*').trim_start_matches('.');
            if bare.is_empty() || bare.contains(['*', '/', '@', ' ']) {
                self.add(
                    Code::BadName,
                    format!("{path}.domains[{at}]"),
                    format!("`{domain}` is no domain; write `acme.com`, or `.gov.uk` for all below it"),
                );
            } else if bare.len() < domain.len() {
                suffixes.insert(format!(".{bare}"));
            } else {
                domains.insert(domain);
            }
        }
        Matches {
            countries: folded(&file.countries),
            regions: folded(&file.regions),
            industries: folded(&file.industries),
            segments: folded(&file.segments),
            domains,
            suffixes,
            employees: file.employees,
            revenue: file.revenue,
        }
    }

    fn named(&mut self, file: &RosterFile) -> BTreeMap<String, Vec<RepId>> {
        let accounts = file.named_accounts.iter().map(|named| fold(&named.account));
        self.once(accounts, "namedAccounts", "account");
        let mut owners: BTreeMap<String, Vec<RepId>> = BTreeMap::new();
        for (at, named) in file.named_accounts.iter().enumerate() {
            let path = format!("namedAccounts[{at}]");
            self.name(&format!("{path}.account"), &named.account, check_caller_id);
            if named.reps.is_empty() {
                self.add(
                    Code::BadTarget,
                    format!("{path}.reps"),
                    "an account without owners need not be named",
                );
            }
            self.once(named.reps.iter().cloned(), &format!("{path}.reps"), "");
            for (index, rep) in named.reps.iter().enumerate() {
                if let Some(rep) = self.known_rep(&format!("{path}.reps[{index}]"), rep) {
                    owners.entry(fold(&named.account)).or_default().push(rep);
                }
            }
        }
        for reps in owners.values_mut() {
            reps.sort();
        }
        owners
    }

    fn segments(&mut self, file: &RosterFile) -> Vec<SegmentRule> {
        let mut rules: Vec<SegmentRule> = each(&file.segments, |at, rule| {
            let path = format!("segments[{at}]");
            self.name(&format!("{path}.id"), &rule.key(), check_caller_id);
            let teams = self.teams(&format!("{path}.teams"), &rule.teams);
            self.order(&path, rule.order.as_deref());
            let to = self.target(&format!("{path}.to"), &rule.to)?;
            Some(SegmentRule { segment: fold(&rule.segment), teams, to, order: rule.order.clone() })
        });
        self.segment_ids(&file.segments);
        let names = rules.iter().map(|rule| format!("{} {:?}", rule.segment, rule.teams));
        self.once(names.collect::<Vec<_>>().into_iter(), "segments", "segment");
        // A rule for some teams goes before one for all; the order of the file plays no part.
        rules.sort_by(|a, b| {
            (&a.segment, a.teams.is_empty(), &a.teams).cmp(&(&b.segment, b.teams.is_empty(), &b.teams))
        });
        rules
    }

    fn roles(&mut self, roles: &[RoleFile]) -> BTreeMap<String, Vec<RepId>> {
        self.once(roles.iter().map(|role| role.id.clone()), "roles", "id");
        let mut held = BTreeMap::new();
        for (at, role) in roles.iter().enumerate() {
            let path = format!("roles[{at}]");
            self.name(&format!("{path}.id"), &role.id, check_caller_id);
            if role.reps.is_empty() {
                let message = "a role that nobody holds need not be listed: name its people, or remove it";
                self.add(Code::Pointless, format!("{path}.reps"), message);
            }
            self.once(role.reps.iter().cloned(), &format!("{path}.reps"), "");
            let people = role.reps.iter().enumerate();
            let people =
                people.filter_map(|(index, rep)| self.known_rep(&format!("{path}.reps[{index}]"), rep));
            held.insert(role.id.clone(), people.collect());
        }
        held
    }

    fn terms(&mut self, entries: &[TermsFile]) -> BTreeMap<(String, Option<String>), SlaTerms> {
        self.once(entries.iter().map(|entry| entry.id.clone()), "slaTerms", "id");
        let key = |entry: &TermsFile| (entry.handoff_type.clone(), entry.segment.as_deref().map(fold));
        let mut seen = BTreeMap::new();
        for (at, entry) in entries.iter().enumerate() {
            let path = format!("slaTerms[{at}]");
            self.name(&format!("{path}.id"), &entry.id, check_caller_id);
            for fault in entry.terms.faults() {
                let path = format!("{path}.terms.{}", camel(fault.key));
                self.add(Code::BadTerms, path, fault.message);
            }
            if seen.insert(key(entry), entry.terms.clone()).is_some() {
                let message = "other terms are for the same type and segment; keep one of them";
                self.add(Code::Duplicate, format!("{path}.handoffType"), message);
            }
        }
        seen
    }

    /// Two different rules with one id; rules that are the same are told of as such.
    fn segment_ids(&mut self, rules: &[SegmentFile]) {
        let mut seen: BTreeMap<String, (String, BTreeSet<&String>)> = BTreeMap::new();
        for (at, rule) in rules.iter().enumerate() {
            let content = (fold(&rule.segment), rule.teams.iter().collect());
            if let Some(before) = seen.get(&rule.key()).filter(|before| **before != content) {
                let message = format!("the rule of segment `{}` has the same id; give each one", before.0);
                self.add(Code::Duplicate, format!("segments[{at}].id"), message);
            }
            seen.insert(rule.key(), content);
        }
    }

    fn target(&mut self, path: &str, file: &TargetFile) -> Option<Target> {
        match (&file.rep, &file.team, &file.pod) {
            (Some(rep), None, None) => self.known_rep(&format!("{path}.rep"), rep).map(Target::Rep),
            (None, Some(team), pod) => {
                let pod = pod.as_ref().map(|pod| self.known_pod(&format!("{path}.pod"), pod));
                let team = self.known_team(&format!("{path}.team"), team)?;
                Some(Target::Pool { team, pod })
            }
            _ => {
                self.add(Code::BadTarget, path, "name either a `rep`, or a `team` with or without a `pod`");
                None
            }
        }
    }

    fn teams(&mut self, path: &str, names: &[String]) -> BTreeSet<TeamId> {
        names
            .iter()
            .enumerate()
            .filter_map(|(at, name)| self.known_team(&format!("{path}[{at}]"), name))
            .collect()
    }

    fn known_rep(&mut self, path: &str, name: &str) -> Option<RepId> {
        let known = self.reps.clone();
        self.known(path, name, "rep", &known)?;
        RepId::parse(name).ok()
    }

    fn known_team(&mut self, path: &str, name: &str) -> Option<TeamId> {
        let known = self.teams.clone();
        self.known(path, name, "team", &known)?;
        TeamId::parse(name).ok()
    }

    /// The calendar that a team or a rep at `path` names.
    fn known_calendar(&mut self, path: &str, name: Option<&str>) -> Option<Arc<WorkCalendar>> {
        let name = name?;
        let known = self.calendars.keys().copied().collect();
        self.known(&format!("{path}.calendar"), name, "calendar", &known)?;
        self.calendars.get(name).cloned().flatten()
    }

    fn known_pod(&mut self, path: &str, name: &str) -> String {
        let known = self.pods.clone();
        if !known.iter().any(|pod| fold(pod) == fold(name)) {
            self.known(path, name, "pod", &known);
        }
        fold(name)
    }

    fn known(&mut self, path: &str, name: &str, what: &str, known: &BTreeSet<&str>) -> Option<()> {
        if known.contains(name) {
            return Some(());
        }
        self.faults.push(RosterFault {
            path: path.to_owned(),
            code: Code::UnknownName,
            message: format!("there is no {what} `{name}`"),
            suggestion: nearest(name, known.iter().copied()).map(str::to_owned),
        });
        None
    }

    fn name<T>(&mut self, path: &str, text: &str, parse: fn(&str) -> Result<T, IdError>) -> Option<T> {
        parse(text).map_err(|error| self.add(Code::BadName, path, error.to_string())).ok()
    }
}

/// A key of the types' file as the API writes it.
fn camel(key: &str) -> String {
    let mut parts = key.split('_');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |name, part| {
        let (head, rest) = part.split_at(part.len().min(1));
        name + &head.to_uppercase() + rest
    })
}

/// The checked form of each entry that has one.
fn each<F, T>(entries: &[F], mut check: impl FnMut(usize, &F) -> Option<T>) -> Vec<T> {
    entries.iter().enumerate().filter_map(|(at, entry)| check(at, entry)).collect()
}
