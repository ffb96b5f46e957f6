//! What assignment promises, by example and as laws.

mod batches;
mod laws;
mod reasons;
mod rosters;
mod routes;
mod turns;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::{FixedOffset, TimeDelta};
use serde_json::{Value, json};
use uuid::Uuid;

use super::caps::Spans;
use super::file::RosterFile;
use super::names::{RepId, TeamId};
use super::outcome::{Candidate, Outcome, Queued, Reason};
use super::snapshot::{Availability, Firm, Standing};
use super::*;
use crate::kernel::clock::DateTime;
use crate::kernel::ids::AccountId;

/// A Wednesday at noon.
fn noon() -> DateTime {
    "2027-03-10T12:00:00Z".parse().unwrap()
}

fn after(minutes: i64) -> DateTime {
    noon() + TimeDelta::minutes(minutes)
}

fn rep_id(id: &str) -> RepId {
    RepId::parse(id).unwrap()
}

fn team_id(id: &str) -> TeamId {
    TeamId::parse(id).unwrap()
}

/// The fields of an object; none of anything else.
fn fields(value: Value) -> serde_json::Map<String, Value> {
    if let Value::Object(fields) = value { fields } else { serde_json::Map::new() }
}

/// A rep of `sales`, with what else is given.
fn rep(id: &str, more: Value) -> Value {
    let mut rep = json!({"id": id, "name": format!("{}{}", id[..1].to_uppercase(), &id[1..]), "email": format!("{id}@acme.com"), "team": "sales"});
    rep.as_object_mut().unwrap().extend(fields(more));
    rep
}

/// A roster of the team `sales` (with what else is given for it) and these reps, with what else is given for the whole.
fn roster_with(team: Value, reps: Vec<Value>, more: Value) -> Arc<Roster> {
    let mut sales = json!({"id": "sales"});
    sales.as_object_mut().unwrap().extend(fields(team));
    let mut file = json!({"teams": [sales], "reps": Value::Array(reps)});
    for (key, value) in fields(more) {
        match (file.get_mut(&key), value) {
            (Some(Value::Array(list)), Value::Array(more)) => list.extend(more),
            (_, value) => file[key] = value,
        }
    }
    let file: RosterFile = serde_json::from_value(file).unwrap();
    Arc::new(file.check().unwrap_or_else(|faults| panic!("{faults:?}")))
}

/// Ada, Ben and Cid of `sales`.
fn three() -> Arc<Roster> {
    roster_with(Value::Null, ["ada", "ben", "cid"].map(|id| rep(id, Value::Null)).into(), Value::Null)
}

fn present() -> Standing {
    let utc = FixedOffset::east_opt(0).unwrap();
    Standing {
        availability: Availability::Available,
        open: 0,
        taken: Vec::new(),
        spans: Spans::at_offset(noon(), utc),
    }
}

fn absent(until: i64, cover: Option<&str>) -> Standing {
    let cover = cover.map(rep_id);
    Standing { availability: Availability::Absent { until: Some(after(until)), cover }, ..present() }
}

fn closed(opens: i64) -> Standing {
    Standing { availability: Availability::OutsideHours { opens_at: Some(after(opens)) }, ..present() }
}

/// Everybody is there, and nobody has anything.
fn snapshot(roster: &Arc<Roster>) -> Snapshot {
    let standings = roster.reps().iter().map(|rep| (rep.id.clone(), present()));
    Snapshot::new(roster.clone(), standings, BTreeMap::new())
}

fn firm() -> Firm {
    Firm {
        account_id: AccountId::parse("acc_1").unwrap(),
        domain: Some("acme.com".into()),
        country: Some("DE".into()),
        region: Some("EMEA".into()),
        industry: Some("Software".into()),
        segment: Some("enterprise".into()),
        employees: Some(500),
        revenue: Some(20_000_000),
    }
}

fn request(id: u128) -> Request {
    Request {
        handoff_id: Uuid::from_u128(id),
        firm: firm(),
        team: team_id("sales"),
        skills: BTreeSet::new(),
        crm_owner: None,
        lost_by: BTreeSet::new(),
        priority: 0,
        waiting_since: noon(),
    }
}

fn lost_by(id: &str) -> Request {
    Request { lost_by: [rep_id(id)].into(), ..request(1) }
}

fn rep_of(outcome: &Outcome) -> Option<&str> {
    outcome.rep().map(RepId::as_str)
}

fn queued(outcome: &Outcome) -> &Queued {
    match outcome {
        Outcome::Queued(queued) => queued,
        other => panic!("should wait: {other:?}"),
    }
}

/// The route that led to a rep.
fn route_of(outcome: &Outcome) -> &'static str {
    outcome.tried().last().unwrap().route.name()
}

/// What was said of a rep, at the last place where it was looked at.
fn said_of<'o>(outcome: &'o Outcome, rep: &str) -> &'o [Reason] {
    let mut candidates = outcome.tried().iter().flat_map(|tried| &tried.candidates);
    let found: Option<&Candidate> = candidates.rfind(|candidate| candidate.rep == rep);
    found.map_or(&[], |candidate| &candidate.reasons)
}

fn codes(outcome: &Outcome, rep: &str) -> Vec<&'static str> {
    said_of(outcome, rep).iter().map(Reason::code).collect()
}
