//! What is wanted of a design: for whom, to what end, how soon, by when; as it is written, and checked.
//!
//! Promises: all that is wrong comes at once, each fault with its place and what to do; what was left out has a default that
//! is said. Leaves out whether it can be kept, which the model says, and whether anybody is ready, which the intake says.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::handoffs::{Basis, HandoffTypes, Roster, TeamId};
use crate::kernel::calendar::Length;
use crate::kernel::text::nearest;

/// The share of handoffs that is to be answered in time, when nobody says another.
pub const SERVICE_LEVEL: f64 = 0.9;
/// The share of handoffs that comes in while nobody works, when nobody says another and nothing was measured.
pub const OUTSIDE_SHARE: f64 = 0.25;
/// The longest text of a note, a name, a title.
const TEXT_MAX: usize = 500;
/// The most notes, dependencies, pods.
const LIST_MAX: usize = 50;
/// The longest response time that a design may promise, in seconds: two weeks.
const RESPONSE_MAX_SECS: i64 = 14 * 86_400;
/// How far ahead a launch may lie, in days.
const LAUNCH_MAX_DAYS: i64 = 400;

/// Whose handoffs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = DesignSegment)]
pub enum Segment {
    Enterprise,
    MidMarket,
    Smb,
    Partner,
}

impl Segment {
    pub const ALL: [Self; 4] = [Self::Enterprise, Self::MidMarket, Self::Smb, Self::Partner];

    /// The name in the API, in the database and, but for partners, of the accounts' segment.
    pub fn name(self) -> &'static str {
        match self {
            Self::Enterprise => "enterprise",
            Self::MidMarket => "mid_market",
            Self::Smb => "smb",
            Self::Partner => "partner",
        }
    }

    /// In a sentence.
    pub fn words(self) -> &'static str {
        match self {
            Self::Enterprise => "enterprise",
            Self::MidMarket => "mid-market",
            Self::Smb => "SMB",
            Self::Partner => "partner",
        }
    }

    /// The segment of the accounts, where it is one.
    pub fn of_accounts(self) -> Option<&'static str> {
        (self != Self::Partner).then(|| self.name())
    }
}

/// To what end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = DesignGoal)]
pub enum Goal {
    Pipeline,
    Expansion,
    ProductActivation,
    AbmCampaign,
}

impl Goal {
    pub const ALL: [Self; 4] = [Self::Pipeline, Self::Expansion, Self::ProductActivation, Self::AbmCampaign];

    /// The name in the API and in the database.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pipeline => "pipeline",
            Self::Expansion => "expansion",
            Self::ProductActivation => "product_activation",
            Self::AbmCampaign => "abm_campaign",
        }
    }

    /// In a sentence.
    pub fn words(self) -> &'static str {
        match self {
            Self::Pipeline => "pipeline",
            Self::Expansion => "expansion",
            Self::ProductActivation => "product activation",
            Self::AbmCampaign => "ABM campaign",
        }
    }

    /// The type of handoff that serves it.
    fn handoff_type(self, segment: Segment) -> &'static str {
        match (self, segment) {
            (Self::Pipeline | Self::AbmCampaign, Segment::Partner) => "partner_to_sales",
            (Self::Expansion, Segment::Partner) => "sales_to_partner",
            (Self::Pipeline | Self::AbmCampaign, _) => "mql_to_sales",
            (Self::Expansion, _) => "expansion_to_sales",
            (Self::ProductActivation, _) => "plg_to_sales",
        }
    }
}

/// What is wanted, as it is written.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = DesignInputs)]
pub struct Ask {
    /// `enterprise`, `mid_market`, `smb` or `partner`.
    #[schema(example = "enterprise")]
    pub segment: String,
    /// `pipeline`, `expansion`, `product_activation` or `abm_campaign`.
    #[schema(example = "pipeline")]
    pub goal: String,
    /// From the handoff to the first contact, such as `2h` or `1d`.
    #[schema(example = "2h")]
    pub response_sla: String,
    /// Which clock counts it; the type's when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub basis: Option<Basis>,
    /// The share that is to be answered in time; 0.9 when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = 0.9)]
    pub service_level: Option<f64>,
    /// The type of handoff that is designed; the one that serves segment and goal when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub handoff_type: Option<String>,
    /// The team that receives; the type's when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team: Option<String>,
    /// Pods of that team that are to have them; found when left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pods: Vec<String>,
    #[serde(default, skip_serializing_if = "Capacity::is_empty")]
    pub capacity: Capacity,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dependencies: Vec<Dependency>,
    /// The first day on which it is to hold; four weeks from now when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub launch: Option<NaiveDate>,
    /// Who fills the roles of the plan, such as `revops_director`; the holders of the roster's roles when left out.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub owners: BTreeMap<String, Owner>,
    /// Who makes the design, by name; the key's name when left out. Kept with the version, not with the inputs.
    #[serde(default, skip_serializing_if = "not_kept")]
    pub author: Option<String>,
    /// Write nothing. Not kept.
    #[serde(default, skip_serializing_if = "not_kept")]
    pub dry_run: bool,
}

/// What belongs to the request alone is no part of what is stored.
fn not_kept<T>(_value: &T) -> bool {
    true
}

/// What is known of capacity besides what the service measures.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[schema(as = DesignCapacity)]
pub struct Capacity {
    /// In words, kept with the design.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// How many work on it, where it is not the number on the roster.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reps: Option<u32>,
    /// How long a rep is busy with one, in working time, such as `45m`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "45m")]
    pub handling: Option<String>,
    /// Which part of it lies before the customer has been contacted, such as `10m`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "10m")]
    pub preparing: Option<String>,
    /// Instead of those that were measured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub arrivals_per_week: Option<f64>,
    /// Which share of these comes while nobody works; 0.25 when left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outside_share: Option<f64>,
    /// The most that a rep has open at once: becomes the rep's capacity.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at_once: Option<u32>,
    /// The most that a rep is given on a day: becomes a cap of the rep.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub per_day: Option<u32>,
}

impl Capacity {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// A system, content or decision that must be there before the launch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = DesignDependency)]
pub struct Dependency {
    #[schema(example = "lead scoring model v2")]
    pub name: String,
    /// The role that brings it; RevOps when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// It is there already.
    #[serde(default)]
    pub ready: bool,
    /// By when it will be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ready_by: Option<NaiveDate>,
}

/// Somebody by name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = DesignOwner)]
pub struct Owner {
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Where they are on the roster.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rep_id: Option<String>,
}

/// What is wanted, checked: every name leads somewhere.
#[derive(Debug, Clone, PartialEq)]
pub struct Brief {
    pub segment: Segment,
    pub goal: Goal,
    pub response: Length,
    pub basis: Basis,
    pub service_level: f64,
    pub handoff_type: String,
    /// Whether somebody asked for this type.
    pub type_was_given: bool,
    pub team: TeamId,
    pub pods: Vec<String>,
    pub capacity: Capacity,
    pub handling: Option<Length>,
    pub preparing: Option<Length>,
    pub dependencies: Vec<Dependency>,
    pub launch: NaiveDate,
    pub owners: BTreeMap<String, Owner>,
}

/// One thing wrong with what is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BriefFault {
    /// Such as `/capacity/handling`.
    pub pointer: String,
    pub detail: String,
}

/// Checks what is wanted against the kinds of handoff and the roster; `roles` are those of the plan.
pub fn check(
    ask: &Ask,
    types: &HandoffTypes,
    roster: &Roster,
    roles: &[&str],
    today: NaiveDate,
) -> Result<Brief, Vec<BriefFault>> {
    let mut faults = Faults::default();
    let segment = faults.one_of("/segment", &ask.segment, &Segment::ALL, Segment::name);
    let goal = faults.one_of("/goal", &ask.goal, &Goal::ALL, Goal::name);
    let response = faults.length("/responseSla", Some(&ask.response_sla));
    if response.is_some_and(|sla| !(60..=RESPONSE_MAX_SECS).contains(&sla.total_seconds())) {
        faults.add("/responseSla", "must be from a minute to two weeks, such as `2h`");
    }
    let level = ask.service_level.unwrap_or(SERVICE_LEVEL);
    if !(0.5..=0.999).contains(&level) {
        faults.add("/serviceLevel", "must be a share from 0.5 to 0.999, such as 0.9");
    }
    let usual = segment.zip(goal).map(|(segment, goal)| goal.handoff_type(segment).to_owned());
    let handoff_type = ask.handoff_type.clone().or(usual);
    let of_type = handoff_type.as_ref().and_then(|name| types.get(name));
    if let Some(name) = handoff_type.as_ref().filter(|_| of_type.is_none()) {
        let known: Vec<&str> = types.iter().map(|(name, _)| name).collect();
        let pointer = if ask.handoff_type.is_some() { "/handoffType" } else { "/goal" };
        faults.unknown(pointer, "handoff type", name, &known);
    }
    let basis = ask.basis.or_else(|| of_type.map(|found| found.sla.basis)).unwrap_or_default();
    if basis == Basis::Business && response.is_some_and(Length::uses_days) {
        faults.add("/responseSla", "a day of working time has no fixed length: write hours, such as `8h`");
    }
    let team = faults.team(ask.team.as_deref(), of_type.map(|found| found.to_team.as_str()), roster);
    faults.pods(&ask.pods, team.as_ref(), roster);
    let (handling, preparing) = faults.capacity(&ask.capacity);
    faults.dependencies(&ask.dependencies, roles, today);
    faults.owners(&ask.owners, roles, roster);
    let launch = ask.launch.unwrap_or(today + chrono::TimeDelta::weeks(4));
    if launch <= today {
        faults.add("/launch", "must be tomorrow or later");
    } else if (launch - today).num_days() > LAUNCH_MAX_DAYS {
        faults.add("/launch", "lies more than 400 days ahead");
    }
    match (segment, goal, response, handoff_type, team) {
        (Some(segment), Some(goal), Some(response), Some(handoff_type), Some(team))
            if faults.0.is_empty() =>
        {
            Ok(Brief {
                segment,
                goal,
                response,
                basis,
                service_level: level,
                handoff_type,
                type_was_given: ask.handoff_type.is_some(),
                team,
                pods: ask.pods.clone(),
                capacity: ask.capacity.clone(),
                handling,
                preparing,
                dependencies: ask.dependencies.clone(),
                launch,
                owners: ask.owners.clone(),
            })
        }
        _ => Err(faults.0),
    }
}

#[derive(Default)]
struct Faults(Vec<BriefFault>);

impl Faults {
    fn add(&mut self, pointer: impl Into<String>, detail: impl Into<String>) {
        self.0.push(BriefFault { pointer: pointer.into(), detail: detail.into() });
    }

    fn unknown(&mut self, pointer: &str, what: &str, name: &str, known: &[&str]) {
        let hint = match nearest(name, known.iter().copied()) {
            Some(meant) => format!("did you mean `{meant}`?"),
            None if known.is_empty() => "there is none yet".to_owned(),
            None => format!("write one of {}", known.join(", ")),
        };
        self.add(pointer, format!("there is no {what} `{name}`: {hint}"));
    }

    /// A value by its name; names may be written with `-` and in any case.
    fn one_of<T: Copy>(
        &mut self,
        pointer: &str,
        text: &str,
        all: &[T],
        name: fn(T) -> &'static str,
    ) -> Option<T> {
        let plain = text.trim().to_lowercase().replace(['-', ' '], "_");
        let found = all.iter().copied().find(|value| name(*value) == plain);
        if found.is_none() {
            let known: Vec<&str> = all.iter().copied().map(name).collect();
            self.unknown(pointer, pointer.trim_start_matches('/'), text, &known);
        }
        found
    }

    fn length(&mut self, pointer: &str, text: Option<&String>) -> Option<Length> {
        text?
            .parse()
            .map_err(|error: crate::kernel::calendar::LengthError| self.add(pointer, error.to_string()))
            .ok()
    }

    fn team(&mut self, given: Option<&str>, usual: Option<&str>, roster: &Roster) -> Option<TeamId> {
        let name = given.or(usual)?;
        let known: Vec<&str> = roster.teams().map(|team| team.id.as_str()).collect();
        if let Some(found) = TeamId::parse(name).ok().filter(|team| roster.team(team).is_some()) {
            return Some(found);
        }
        if given.is_some() {
            self.unknown("/team", "team", name, &known);
        } else {
            let detail = format!(
                "its handoffs go to the team `{name}`, which is not on the roster: put it there (PUT /v1/teams/{name}), or \
                 name another `team`"
            );
            self.add("/goal", detail);
        }
        None
    }

    fn pods(&mut self, pods: &[String], team: Option<&TeamId>, roster: &Roster) {
        let Some(team) = team else { return };
        let members = roster.members(team).iter().map(|at| &roster.reps()[*at]);
        let known: Vec<&str> = members.flat_map(|rep| rep.pods.iter().map(String::as_str)).collect();
        self.few("/pods", pods.len());
        for (at, pod) in pods.iter().enumerate() {
            if !known.contains(&pod.trim().to_lowercase().as_str()) {
                self.unknown(&format!("/pods/{at}"), &format!("pod of team {team}"), pod, &known);
            }
        }
    }

    fn capacity(&mut self, capacity: &Capacity) -> (Option<Length>, Option<Length>) {
        let handling = self.length("/capacity/handling", capacity.handling.as_ref());
        let preparing = self.length("/capacity/preparing", capacity.preparing.as_ref());
        if handling.is_some_and(Length::is_zero) {
            self.add("/capacity/handling", "nothing takes no time: write at least a minute");
        }
        if handling.zip(preparing).is_some_and(|(handling, preparing)| preparing > handling) {
            self.add("/capacity/preparing", "is a part of the handling and cannot take longer");
        }
        for (at, note) in capacity.notes.iter().enumerate() {
            self.text(&format!("/capacity/notes/{at}"), note);
        }
        self.few("/capacity/notes", capacity.notes.len());
        if capacity.reps == Some(0) || capacity.reps.is_some_and(|reps| reps > 1_000) {
            self.add("/capacity/reps", "must be from 1 to 1000");
        }
        let arrivals = capacity.arrivals_per_week;
        if arrivals.is_some_and(|count| !(0.1..=100_000.0).contains(&count)) {
            self.add("/capacity/arrivalsPerWeek", "must be from 0.1 to 100000");
        }
        if capacity.outside_share.is_some_and(|share| !(0.0..=1.0).contains(&share)) {
            self.add("/capacity/outsideShare", "must be a share from 0 to 1");
        }
        for (name, count) in [("atOnce", capacity.at_once), ("perDay", capacity.per_day)] {
            if count == Some(0) {
                self.add(format!("/capacity/{name}"), "0 would let nothing through, ever");
            }
        }
        (handling, preparing)
    }

    fn dependencies(&mut self, all: &[Dependency], roles: &[&str], today: NaiveDate) {
        self.few("/dependencies", all.len());
        for (at, dependency) in all.iter().enumerate() {
            self.text(&format!("/dependencies/{at}/name"), &dependency.name);
            if let Some(owner) = dependency.owner.as_ref().filter(|owner| !roles.contains(&owner.as_str())) {
                self.unknown(&format!("/dependencies/{at}/owner"), "role", owner, roles);
            }
            if dependency.ready_by.is_some_and(|date| date < today) && !dependency.ready {
                let detail = "lies in the past; say `ready: true` where it is there, else a day to come";
                self.add(format!("/dependencies/{at}/readyBy"), detail);
            }
        }
    }

    fn owners(&mut self, owners: &BTreeMap<String, Owner>, roles: &[&str], roster: &Roster) {
        for (role, owner) in owners {
            if !roles.contains(&role.as_str()) {
                self.unknown(&format!("/owners/{role}"), "role", role, roles);
            }
            self.text(&format!("/owners/{role}/name"), &owner.name);
            if let Some(rep) = owner.rep_id.as_ref().filter(|rep| roster.rep(rep).is_none()) {
                let known: Vec<&str> = roster.reps().iter().map(|rep| rep.id.as_str()).collect();
                self.unknown(&format!("/owners/{role}/repId"), "rep", rep, &known);
            }
        }
    }

    fn text(&mut self, pointer: &str, text: &str) {
        if text.trim().is_empty() {
            self.add(pointer, "is empty");
        } else if text.chars().count() > TEXT_MAX {
            self.add(pointer, format!("is longer than {TEXT_MAX} characters"));
        }
    }

    fn few(&mut self, pointer: &str, count: usize) {
        if count > LIST_MAX {
            self.add(pointer, format!("holds {count}; at most {LIST_MAX}"));
        }
    }
}
