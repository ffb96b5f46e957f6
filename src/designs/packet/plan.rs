//! The plan of a design: intake, routing, SLA model, enablement, approvals, live.
//!
//! Promises: routing and enablement run side by side where what people are to say does not hang on what is still missing;
//! then everything meets at one gate. Every task has an owner and every owner somebody who stands in. Dates are those of the
//! team's working days; where the team works around the clock, those of an office.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{NaiveDate, NaiveTime, TimeDelta};
use serde_json::{Map, json};

use super::Packet;
use super::enablement::plain;
use super::escalation::RETRIES;
use crate::designs::brief::Brief;
use crate::designs::playbook::{Playbook, SignOff};
use crate::designs::readiness::Standing;
use crate::designs::words::percent;
use crate::kernel::calendar::{CalendarDraft, Length, OpenTime as _, WeekHoursDraft, WorkCalendar};
use crate::kernel::clock::DateTime;
use crate::plans::model::{
    CheckedBy, Direction, Duration, ErrorHandling, Gate, GateCheck, Guardrail, Holder, Plan, PlanKind, Role,
    SuccessMetric, Task, TaskId,
};

/// The name of the calendar in the plan.
const CALENDAR: &str = "team";
/// The merge gate before the sign-offs.
pub const GATE: &str = "ready-to-sign";
/// The stages in order, as people call them.
const STAGES: [(&str, &str); 6] = [
    ("intake", "Intake"),
    ("routing", "Routing"),
    ("sla", "SLA modelling"),
    ("enablement", "Enablement"),
    ("approvals", "Approvals"),
    ("launch", "Launch"),
];
/// Leads the whole.
const LEAD: &str = "revops_director";

/// What people call a stage.
pub fn stage_title(id: &str) -> String {
    STAGES.iter().find(|(stage, _)| *stage == id).map_or(id, |(_, title)| title).to_owned()
}

/// The task of a sign-off.
pub fn sign_task(sign: SignOff) -> TaskId {
    TaskId(format!("approve-{}", plain(sign.name())))
}

/// The task that makes the design live.
pub fn apply_task() -> TaskId {
    TaskId("apply".to_owned())
}

/// The plan, whose last task is done when the design is live, by the opening of the launch day.
pub fn plan(
    brief: &Brief,
    packet: &Packet,
    playbook: &Playbook,
    team: &Arc<WorkCalendar>,
    opening: DateTime,
    now: DateTime,
) -> Plan {
    let (draft, calendar) = office(team);
    let start_at = calendar.next_opening(now).unwrap_or(now);
    let days = Days { calendar: &calendar, start_at };
    let mut tasks = Vec::new();
    let defined = intake(packet, &mut tasks);
    let missing = defined.len() > 1;
    routing(defined, &mut tasks);
    // What people say is written once it is known what qualifies an account, and what is promised to it.
    let enabling = if missing { id("sla-model") } else { id("intake") };
    let mut ready = vec![id("sla-model")];
    ready.extend(enablement(packet, &enabling, &days, &mut tasks));
    let signed = approvals(playbook, &mut tasks);
    Plan {
        kind: PlanKind::HandoffDesign,
        objective: format!(
            "Handoffs of {} accounts for {} are answered within {} in {} of the cases, from {} on.",
            brief.segment.words(),
            brief.goal.words(),
            brief.response,
            percent(brief.service_level),
            brief.launch
        ),
        start_at,
        // A launch that comes with the start leaves a day, which is said to be too little.
        deadline: Some(calendar.next_opening(opening).unwrap_or(opening).max(start_at + TimeDelta::days(1))),
        direction: Direction::Workback,
        gates: vec![gate(ready, signed)],
        tasks,
        roles: holders(packet, playbook),
        calendars: BTreeMap::from([(CALENDAR.to_owned(), draft)]),
        error_handling: handling(playbook),
        success_metrics: metrics(packet),
        context: data(&json!({
            "handoffType": brief.handoff_type,
            "segment": brief.segment,
            "goal": brief.goal,
            "responseSla": brief.response,
            "basis": brief.basis,
            "team": brief.team,
            "pods": packet.routing.pods,
            "scoring": packet.intake.iter().find(|finding| finding.id == "scoring").map(|finding| &finding.says),
            "recommendation": packet.model.recommendation,
        })),
    }
}

/// What is known, and what is to be defined. Gives the tasks after which nothing is missing.
fn intake(packet: &Packet, tasks: &mut Vec<Task>) -> Vec<TaskId> {
    tasks.push(Task {
        outputs: vec!["intake findings".to_owned()],
        ..task("intake", "Brief intake", "intake", LEAD, 1)
    });
    let mut defined = vec![id("intake")];
    for finding in packet.intake.iter().filter(|finding| finding.status == Standing::Missing) {
        let name = format!("define-{}", plain(&finding.id));
        let title = format!("Define: {}", finding.asks);
        tasks.push(Task {
            detail: finding.what_to_do.clone().unwrap_or_default(),
            depends_on: vec![id("intake")],
            outputs: vec![format!("definition: {}", finding.id)],
            ..task(&name, &title, "intake", LEAD, 1)
        });
        defined.push(id(&name));
    }
    defined
}

/// Who gets which account, then which response time that allows.
fn routing(defined: Vec<TaskId>, tasks: &mut Vec<Task>) {
    tasks.push(Task {
        depends_on: defined,
        inputs: vec!["intake findings".to_owned()],
        outputs: vec!["routing matrix".to_owned()],
        ..task("routing-blueprint", "Routing blueprint", "routing", LEAD, 1)
    });
    tasks.push(Task {
        depends_on: vec![id("routing-blueprint")],
        inputs: vec!["routing matrix".to_owned()],
        outputs: vec!["SLA tables".to_owned()],
        ..task("sla-model", "SLA modelling", "sla", "revops_manager", 1)
    });
}

/// What people and systems need before the launch. Gives its tasks.
fn enablement(packet: &Packet, after: &TaskId, days: &Days<'_>, tasks: &mut Vec<Task>) -> Vec<TaskId> {
    let first = tasks.len();
    for line in &packet.enablement {
        let title = match &line.pod {
            Some(pod) => format!("{} ({pod})", line.title),
            None => line.title.clone(),
        };
        tasks.push(Task {
            outputs: vec![format!("{} {}", line.kind.words().to_lowercase(), line.id)],
            due: days.end_of(line.due_on),
            data: data(&json!({ "kind": line.kind, "pod": line.pod })),
            ..task(&format!("enable-{}", line.id), &title, "enablement", &line.owner, line.work_days)
        });
    }
    for line in &packet.checklist {
        tasks.push(Task {
            due: days.end_of(line.due_on),
            outputs: vec![format!("set up: {}", line.id)],
            data: data(&json!({ "kind": line.kind })),
            ..task(&format!("setup-{}", line.id), &line.title, "enablement", &line.owner, 1)
        });
    }
    for (number, line) in packet.dependencies.iter().enumerate().filter(|(_, line)| !line.ready) {
        tasks.push(Task {
            due: days.end_of(line.due_on),
            outputs: vec![line.name.clone()],
            ..task(&format!("dependency-{}", number + 1), &line.name, "enablement", &line.owner, 1)
        });
    }
    let made = tasks[first..].iter_mut().map(|task| {
        task.depends_on = vec![after.clone()];
        task.id.clone()
    });
    made.collect()
}

/// Every sign-off, then what makes the design live. Gives the sign-offs.
fn approvals(playbook: &Playbook, tasks: &mut Vec<Task>) -> Vec<TaskId> {
    for sign in SignOff::ALL {
        let owner = signer(playbook, sign);
        tasks.push(Task {
            duration: Duration::Time(Length::hours(2)),
            checkpoint: true,
            inputs: vec!["routing matrix".to_owned(), "SLA tables".to_owned()],
            outputs: vec![format!("sign-off by {}", sign.words())],
            work: "review".to_owned(),
            ..task(&sign_task(sign).0, &format!("Sign-off by {}", sign.words()), "approvals", owner, 1)
        });
    }
    let signed: Vec<TaskId> = SignOff::ALL.into_iter().map(sign_task).collect();
    tasks.push(Task {
        depends_on: signed.clone(),
        inputs: SignOff::ALL.iter().map(|sign| format!("sign-off by {}", sign.words())).collect(),
        outputs: vec!["live routing and SLA terms".to_owned()],
        duration: Duration::Time(Length::hours(1)),
        detail: "gtm design apply, or scheduled for the launch".to_owned(),
        ..task(&apply_task().0, "Apply as live routing and SLA terms", "launch", "revops_manager", 1)
    });
    signed
}

fn id(name: &str) -> TaskId {
    TaskId(name.to_owned())
}

fn data(value: &serde_json::Value) -> Map<String, serde_json::Value> {
    value.as_object().cloned().unwrap_or_default()
}

/// A task of so many working days, with nothing before it.
fn task(name: &str, title: &str, stage: &str, owner: &str, days: u16) -> Task {
    Task {
        id: id(name),
        title: title.to_owned(),
        detail: String::new(),
        stage: stage.to_owned(),
        owner: Role(owner.to_owned()),
        work: "draft".to_owned(),
        inputs: Vec::new(),
        outputs: Vec::new(),
        depends_on: Vec::new(),
        duration: Duration::WorkingDays(days),
        not_before: None,
        due: None,
        checkpoint: false,
        data: Map::new(),
    }
}

/// Who gives a sign-off first: the lowest on the ladder of those who may.
fn signer(playbook: &Playbook, sign: SignOff) -> &str {
    let ladder = playbook.ladder().into_iter();
    let mut may =
        ladder.filter(|role| playbook.roles.get(*role).is_some_and(|entry| entry.signs == Some(sign)));
    may.next().unwrap_or(LEAD)
}

fn gate(after: Vec<TaskId>, before: Vec<TaskId>) -> Gate {
    let check = |id: &str, asks: &str, by| GateCheck { id: id.to_owned(), asks: asks.to_owned(), by };
    Gate {
        id: id(GATE),
        title: "Everything is there to decide on".to_owned(),
        after,
        before,
        keeper: Role(LEAD.to_owned()),
        checks: vec![
            check(
                "sla-kept",
                "The model keeps the response time, or the gap is accepted by name.",
                CheckedBy::Computed,
            ),
            check("enablement-ready", "Every pod has what it needs.", CheckedBy::Attested),
        ],
    }
}

fn holders(packet: &Packet, playbook: &Playbook) -> BTreeMap<Role, Holder> {
    let holder = |line: &super::RoleLine| {
        let fallback = playbook.roles.get(&line.role).and_then(|entry| entry.fallback.clone()).map(Role);
        let holder = Holder {
            title: line.title.clone(),
            name: line.name.clone(),
            email: line.email.clone(),
            rep_id: line.rep_id.clone(),
            fallback,
            calendar: Some(CALENDAR.to_owned()),
            days_off: Vec::new(),
        };
        (Role(line.role.clone()), holder)
    };
    packet.roles.iter().map(holder).collect()
}

fn handling(playbook: &Playbook) -> ErrorHandling {
    let roles = |names: Vec<&str>| names.into_iter().map(|name| Role(name.to_owned())).collect::<Vec<_>>();
    ErrorHandling {
        retries: RETRIES,
        ladder: roles(playbook.ladder()),
        rung_after: Length::hours(24),
        guardrail: Guardrail {
            exceeded: 2,
            within: Length::hours(48),
            tell: roles(vec!["cro", "marketing_leader"]),
        },
    }
}

fn metrics(packet: &Packet) -> Vec<SuccessMetric> {
    let metric = |line: &super::MetricLine| SuccessMetric {
        name: line.name.clone(),
        target: line.target.clone(),
        measured_by: line.measured_by.clone(),
    };
    packet.metrics.iter().map(metric).collect()
}

/// The team's hours; those of an office where it works around the clock, because the people of a plan do not.
fn office(team: &Arc<WorkCalendar>) -> (CalendarDraft, Arc<WorkCalendar>) {
    let draft = CalendarDraft::from(team.as_ref().clone());
    if draft.hours.saturday.is_empty() || draft.hours.sunday.is_empty() {
        return (draft, team.clone());
    }
    let day = || vec!["09:00-17:00".to_owned()];
    let hours = WeekHoursDraft {
        monday: day(),
        tuesday: day(),
        wednesday: day(),
        thursday: day(),
        friday: day(),
        ..WeekHoursDraft::default()
    };
    let draft = CalendarDraft { hours, ..draft };
    match WorkCalendar::new(&draft) {
        Ok(calendar) => (draft, Arc::new(calendar)),
        Err(_) => (CalendarDraft::from(team.as_ref().clone()), team.clone()),
    }
}

struct Days<'c> {
    calendar: &'c WorkCalendar,
    start_at: DateTime,
}

impl Days<'_> {
    /// The closing of a working day; none for a day without hours, nor for one that is past: the packet says that it is too
    /// late, and the plan keeps the launch.
    fn end_of(&self, date: NaiveDate) -> Option<DateTime> {
        let day = self.calendar.zone().day_at(date.and_time(NaiveTime::MIN).and_utc() + TimeDelta::hours(12));
        self.calendar
            .intervals(day.from, day.to)
            .last()
            .map(|open| open.to)
            .filter(|end| *end > self.start_at)
    }
}
