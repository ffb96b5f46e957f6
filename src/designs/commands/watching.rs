//! The watch at work: it looks, keeps windows that are over, and tells whom it concerns, each occasion once.
//!
//! Promises: whoever looks, however often and after whatever crash, an occasion is told by one row and the deliveries that
//! were written with it. Leaves out what is told of single handoffs, which their clocks tell.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::{Value, json};
use sqlx::PgConnection;
use uuid::Uuid;

use super::apply::people;
use super::{DesignError, Designs};
use crate::designs::store::{self, EscalationRow, WindowRow};
use crate::designs::watch::compliance::{Finding, findings, scopes};
use crate::designs::watch::rule::{
    Rule, breaches, concerns_leadership, guardrail, last_window, next_look, two_windows,
};
use crate::designs::watch::{Scope, ScopeKind};
use crate::designs::words::percent;
use crate::handoffs::ALERT;
use crate::handoffs::commands::{MeasureFilter, Measured};
use crate::kernel::clock::DateTime;
use crate::kernel::ids::new_id;
use crate::platform::http::{Fault, Problem};
use crate::platform::outbox::{self, Cause, NewEffect};
use crate::platform::{audit, db};

/// The most handoffs that one look takes in.
const LOOK_MAX: i64 = 50_000;
/// The longest stretch that is asked for at once.
const ASKED_MAX: chrono::TimeDelta = chrono::TimeDelta::days(100);
/// Who is told, role by role, with the team whose people stand in.
const LEADERSHIP: [&str; 2] = ["cro", "marketing_leader"];
/// Who is told of an owner.
const MANAGER: &str = "sales_manager";
/// The most escalations that are told at once.
const TOLD_MAX: i64 = 200;

/// Which stretch to look at.
#[derive(Debug, Clone, Copy, Default)]
pub struct WatchAsk {
    pub from: Option<DateTime>,
    pub to: Option<DateTime>,
    pub kind: Option<ScopeKind>,
    /// Only what is under the threshold.
    pub only_under: bool,
}

/// What was told.
#[derive(Debug, Clone)]
pub struct EscalationView {
    pub id: Uuid,
    pub scope: Scope,
    pub rule: Rule,
    pub occasion: DateTime,
    pub told: Value,
    pub at: DateTime,
}

/// How things stand.
#[derive(Debug, Clone)]
pub struct WatchView {
    pub from: DateTime,
    pub to: DateTime,
    pub findings: Vec<Finding>,
    /// More handoffs than one look takes in: the latest are missing.
    pub partial: bool,
    pub escalations: Vec<EscalationView>,
}

/// What is told of an occasion, as it is kept.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Occasion<'a> {
    title: String,
    body: String,
    roles: &'a [&'a str],
}

impl Designs {
    /// How promises are kept in a stretch of time: one window up to now when nothing is said.
    pub async fn watch(&self, ask: &WatchAsk) -> Result<WatchView, DesignError> {
        let now = self.clock.now();
        let to = ask.to.unwrap_or(now);
        let from = ask.from.unwrap_or(to - self.terms.window.as_delta());
        if from >= to || to - from > ASKED_MAX {
            let detail =
                format!("must lie before `to`, {to}, and at most {} days before it", ASKED_MAX.num_days());
            let problem =
                Problem::bad_request("invalid_query", "These two instants do not make a period; see errors.");
            return Err(DesignError::Precondition(problem.faults([Fault::new("query:from", detail)])));
        }
        let (handoffs, partial) = self.due_between(from, to).await?;
        let mut findings = findings(&handoffs, (from, to), &self.terms);
        findings.retain(|finding| {
            ask.kind.is_none_or(|kind| finding.scope.kind == kind) && (finding.under || !ask.only_under)
        });
        let rows = store::escalations(&self.pool, from, TOLD_MAX).await?;
        let escalations = rows.into_iter().filter_map(view).collect();
        Ok(WatchView { from, to, findings, partial, escalations })
    }

    async fn due_between(&self, from: DateTime, to: DateTime) -> Result<(Vec<Measured>, bool), DesignError> {
        let filter = MeasureFilter {
            from,
            to,
            by_deadline: true,
            handoff_type: None,
            segment: None,
            team: None,
            limit: LOOK_MAX,
        };
        Ok(self.handoffs.measured(&filter).await?)
    }

    /// Looks: keeps the window that has ended, and tells what is to be told.
    pub async fn look(&self) -> Result<(), DesignError> {
        let now = self.clock.now();
        let (from, to) = last_window(now, &self.terms);
        let (ended, _) = self.due_between(from, to).await?;
        let found = findings(&ended, (from, to), &self.terms);
        // Long enough back for two breaches, and for what made the first of them one.
        let back = self.terms.guardrail_within.as_delta() + self.terms.guardrail_over.as_delta();
        let (recent, _) = self.due_between(now - back, now + chrono::TimeDelta::microseconds(1)).await?;
        let mut tx = db::begin(&self.pool).await?;
        store::take_turn(&mut tx).await?;
        store::insert_windows(&mut tx, &rows(&found)?).await?;
        let mut told = self.tell_windows(&mut tx, to, now).await?;
        told += self.tell_guardrails(&mut tx, &recent, now).await?;
        tx.commit().await?;
        if told > 0 {
            self.deliver.notify_one();
        }
        Ok(())
    }

    /// Tells of scopes whose second window in a row is under the threshold.
    async fn tell_windows(
        &self,
        conn: &mut PgConnection,
        to: DateTime,
        now: DateTime,
    ) -> Result<usize, DesignError> {
        let length = self.terms.window.as_delta();
        let mut by_scope: BTreeMap<(String, String), Vec<WindowRow>> = BTreeMap::new();
        for row in store::windows(conn, to - length * 12, to).await? {
            by_scope.entry((row.scope_kind.clone(), row.scope.clone())).or_default().push(row);
        }
        let mut told = 0;
        for rows in by_scope.into_values() {
            // A window in which nothing was due breaks the row.
            let adjacent = rows
                .iter()
                .enumerate()
                .take_while(|(at, row)| row.to_at == to - length * i32::try_from(*at).unwrap_or(i32::MAX));
            let under: Vec<bool> = adjacent.map(|(_, row)| row.under).collect();
            let (Some(newest), true) = (rows.first(), two_windows(&under)) else { continue };
            let finding: Finding = serde_json::from_str(&newest.finding)?;
            let body = format!(
                "Two windows in a row under {}: {} in time in the last one ({} of {}). {}",
                percent(finding.threshold),
                percent(finding.share),
                finding.in_time,
                finding.in_time + finding.late,
                because(&finding)
            );
            told += usize::from(self.tell(conn, (&finding.scope, Rule::TwoWindows, to), body, now).await?);
        }
        Ok(told)
    }

    /// Tells of scopes that breached the guardrail twice.
    async fn tell_guardrails(
        &self,
        conn: &mut PgConnection,
        recent: &[Measured],
        now: DateTime,
    ) -> Result<usize, DesignError> {
        let last: BTreeMap<(String, String), DateTime> = store::last_told(conn, Rule::Guardrail.name())
            .await?
            .into_iter()
            .map(|(kind, scope, at)| ((kind, scope), at))
            .collect();
        let all: BTreeSet<Scope> = recent.iter().flat_map(scopes).filter(concerns_leadership).collect();
        let mut told = 0;
        for scope in all {
            let told_at = last.get(&(scope.kind.name().to_owned(), scope.name.clone())).copied();
            let breaches: Vec<DateTime> =
                breaches(recent, &scope, &self.terms).into_iter().filter(|at| *at <= now).collect();
            let Some(occasion) = guardrail(&breaches, told_at, &self.terms) else { continue };
            let body = format!(
                "The guardrail was breached twice within {}: {} breaches since {}. `GET /v1/sla-watch` has the causes.",
                self.terms.guardrail_within,
                breaches.len(),
                (now - self.terms.guardrail_within.as_delta()).format("%a %d %b, %H:%M UTC")
            );
            told += usize::from(self.tell(conn, (&scope, Rule::Guardrail, occasion), body, now).await?);
        }
        Ok(told)
    }

    /// Tells whom an occasion concerns, unless it was told before.
    async fn tell(
        &self,
        conn: &mut PgConnection,
        (scope, rule, occasion): (&Scope, Rule, DateTime),
        body: String,
        now: DateTime,
    ) -> Result<bool, DesignError> {
        let roles: &[&str] = if concerns_leadership(scope) { &LEADERSHIP } else { &[MANAGER] };
        let title = format!("Response times of {} need a decision", scope.words());
        let occasion_told = Occasion { title, body, roles };
        let row = EscalationRow {
            id: new_id(now),
            scope_kind: scope.kind.name().to_owned(),
            scope: scope.name.clone(),
            rule: rule.name().to_owned(),
            occasion,
            told: serde_json::to_string(&occasion_told)?,
            at: now,
        };
        if !store::insert_escalation(conn, &row).await? {
            return Ok(false);
        }
        let held = self.handoffs.rosters.current(conn).await?;
        let team = team_of(scope, &held.roster);
        let effects: Vec<NewEffect> = roles
            .iter()
            .map(|role| {
                let data = json!({
                    "channel": Value::Null, "to": people(&held.roster, role, team), "role": role,
                    "title": occasion_told.title, "body": occasion_told.body, "priority": "urgent",
                    "path": "/v1/sla-watch", "scope": scope, "rule": rule, "occasion": occasion,
                    "escalationId": row.id,
                });
                NewEffect::new(Cause::Digest(new_id(now)), ALERT, &data, now)
            })
            .collect();
        outbox::enqueue(conn, &effects, now).await?;
        let details = json!({ "rule": rule.name(), "scope": scope.name, "kind": scope.kind.name(), "occasion": occasion });
        let entry =
            audit::Entry::new("worker:sla-watch", "sla.escalated", format!("escalation:{}", row.id), details);
        audit::append(conn, audit::SYSTEM, now, &[entry]).await?;
        Ok(true)
    }

    /// The next instant after `looked_at` at which a look may find something, for a clock that is moved by hand: after a
    /// deadline, or at the end of a window with deadlines.
    pub async fn next_look(&self, looked_at: DateTime) -> Result<Option<DateTime>, DesignError> {
        let due = self.handoffs.next_due(looked_at).await?;
        let (_, ended) = last_window(looked_at, &self.terms);
        let ends = ended + self.terms.window.as_delta();
        let in_window = self.handoffs.any_due(ended, ends).await?;
        let after_due = due.map(|at| next_look(at.max(looked_at), &self.terms));
        let at_end = in_window.then(|| next_look(ends - chrono::TimeDelta::microseconds(1), &self.terms));
        Ok(after_due.into_iter().chain(at_end).filter(|at| *at > looked_at).min())
    }
}

/// The team whose lead is told where nobody holds a role.
/// Whose lead stands in for a role that nobody holds; none for a segment, which is of all teams.
fn team_of<'a>(scope: &'a Scope, roster: &'a crate::handoffs::Roster) -> Option<&'a str> {
    match scope.kind {
        ScopeKind::Team => Some(&scope.name),
        ScopeKind::Owner => roster.rep(&scope.name).map(|rep| rep.team.as_str()),
        ScopeKind::Segment => None,
    }
}

fn rows(findings: &[Finding]) -> Result<Vec<WindowRow>, serde_json::Error> {
    let row = |finding: &Finding| {
        Ok(WindowRow {
            scope_kind: finding.scope.kind.name().to_owned(),
            scope: finding.scope.name.clone(),
            from_at: finding.from,
            to_at: finding.to,
            under: finding.under,
            finding: serde_json::to_string(finding)?,
        })
    };
    findings.iter().map(row).collect()
}

/// The commonest cause and what to do about it.
fn because(finding: &Finding) -> String {
    let cause = finding.causes.first();
    cause.map(|cause| format!("Mostly: {}. {}", cause.evidence, cause.action)).unwrap_or_default()
}

fn view(row: EscalationRow) -> Option<EscalationView> {
    let kind = ScopeKind::ALL.into_iter().find(|kind| kind.name() == row.scope_kind)?;
    let rule = [Rule::TwoWindows, Rule::Guardrail].into_iter().find(|rule| rule.name() == row.rule)?;
    Some(EscalationView {
        id: row.id,
        scope: Scope { kind, name: row.scope },
        rule,
        occasion: row.occasion,
        told: serde_json::from_str(&row.told).ok()?,
        at: row.at,
    })
}
