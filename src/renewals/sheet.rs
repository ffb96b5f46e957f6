//! Tasks and escalation rules as a table that CRM and project tools import.
//!
//! Columns. `hubspot` has the labels of HubSpot's properties of tasks as headers, because its import takes a column for the
//! property of the same name: task title (`hs_task_subject`), notes (`hs_task_body`), due date (`hs_timestamp`), priority
//! (`hs_task_priority`: `LOW`, `MEDIUM`, `HIGH`), status (`hs_task_status`: `NOT_STARTED`, `COMPLETED`), type (`hs_task_type`: `TODO`),
//! assigned to (`hubspot_owner_id`, by e-mail address), and the company's name and domain to associate them; names and values
//! by the tasks API and the import pages of HubSpot's documentation. `salesforce` has the API names of the fields of the
//! Task object (`Subject`, `ActivityDate`, `Status`, `Priority`, `Description`, `OwnerId`, `WhatId`, `TaskSubtype`), which
//! Data Loader and Bulk API match by themselves, with dates as `YYYY-MM-DD`; names by the Salesforce field reference.
//! `OwnerId` and `WhatId` are filled only with ids of Salesforce's own form: an empty owner is whoever imports. `generic` says
//! everything.
//!
//! Promises: RFC 4180 with CRLF; a text that a spreadsheet would take for a formula is shown as a text; one row for each task
//! that is not done, each checkpoint that is to be held and each escalation rule.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::build::{is_milestone, number_of};
use super::plays::stage_title;
use super::telling::Telling;
use crate::kernel::clock::DateTime;
use crate::plans::model::{Role, Task};

/// The system whose columns a table has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = RenewalTableFormat)]
pub enum Format {
    Hubspot,
    Salesforce,
    #[default]
    Generic,
}

impl Format {
    pub const ALL: [Self; 3] = [Self::Hubspot, Self::Salesforce, Self::Generic];

    pub fn name(self) -> &'static str {
        match self {
            Self::Hubspot => "hubspot",
            Self::Salesforce => "salesforce",
            Self::Generic => "generic",
        }
    }

    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.name() == name)
    }

    fn columns(self) -> &'static [&'static str] {
        match self {
            Self::Hubspot => &[
                "Task Title",
                "Task Notes",
                "Due Date",
                "Priority",
                "Task Status",
                "Task Type",
                "Assigned To",
                "Company Name",
                "Company Domain Name",
            ],
            Self::Salesforce => &[
                "Subject",
                "ActivityDate",
                "Status",
                "Priority",
                "Description",
                "OwnerId",
                "WhatId",
                "TaskSubtype",
            ],
            Self::Generic => &[
                "kind",
                "id",
                "title",
                "detail",
                "stage",
                "milestone",
                "owner_role",
                "owner_name",
                "owner_email",
                "fallback_role",
                "start_date",
                "due_date",
                "due_at",
                "depends_on",
                "status",
                "priority",
                "critical",
                "account_id",
                "account",
                "renewal_id",
                "version",
            ],
        }
    }
}

/// The longest subject that Salesforce takes.
const SUBJECT_MAX: usize = 255;

/// One row, before it is written for a system.
struct Row<'a> {
    kind: &'static str,
    id: String,
    title: String,
    detail: String,
    stage: &'a str,
    milestone: bool,
    owner: &'a Role,
    start: String,
    due: String,
    due_at: DateTime,
    depends_on: String,
    status: String,
    high: bool,
    critical: bool,
}

/// The table.
pub fn csv(telling: &Telling<'_>, format: Format) -> Result<String, csv::Error> {
    let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    writer.write_record(format.columns())?;
    for row in rows(telling) {
        let cells = match format {
            Format::Hubspot => hubspot(telling, &row),
            Format::Salesforce => salesforce(telling, &row),
            Format::Generic => generic(telling, &row),
        };
        writer.write_record(cells.iter().map(|cell| safe(cell)))?;
    }
    let bytes = writer.into_inner().map_err(|error| csv::Error::from(error.into_error()))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// A cell that no spreadsheet runs: what begins like a formula is led by an apostrophe, which marks a text.
fn safe(cell: &str) -> String {
    let risky = cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠']);
    if risky { format!("'{cell}") } else { cell.to_owned() }
}

fn rows<'a>(telling: &'a Telling<'a>) -> Vec<Row<'a>> {
    let mut rows: Vec<Row<'a>> = Vec::new();
    for task in telling.by_date().into_iter().filter(|task| !telling.is_done(&task.id)) {
        if number_of(task).is_some_and(|n| held(telling, n)) {
            continue;
        }
        rows.push(of_task(telling, task));
    }
    rows.extend(escalations(telling));
    rows
}

fn held(telling: &Telling<'_>, n: u32) -> bool {
    telling.checkpoints.iter().any(|one| one.checkpoint.n == n && one.checkpoint.held.is_some())
}

fn of_task<'a>(telling: &'a Telling<'a>, task: &'a Task) -> Row<'a> {
    let slot = telling.slot(&task.id);
    let critical = slot.is_some_and(|slot| slot.critical);
    let status = telling.progress.get(&task.id).map_or("waiting", |progress| progress.status.as_str());
    let after: Vec<&str> = task.depends_on.iter().map(|id| id.0.as_str()).collect();
    Row {
        kind: if task.checkpoint { "checkpoint" } else { "task" },
        id: task.id.0.clone(),
        title: format!("{}: {}", telling.account, task.title),
        detail: task.detail.clone(),
        stage: stage_title(&task.stage),
        milestone: is_milestone(task),
        owner: &task.owner,
        start: telling.begins_on(task).to_string(),
        due: telling.ends_on(task).to_string(),
        due_at: slot.map(|slot| slot.end_at).or(task.due).unwrap_or(telling.made_at),
        depends_on: after.join(" "),
        status: status.to_owned(),
        high: critical || is_milestone(task) || task.checkpoint,
        critical,
    }
}

/// What the rules do by themselves, as rows for those whom they call: a reminder that is there before it is needed.
fn escalations<'a>(telling: &'a Telling<'a>) -> Vec<Row<'a>> {
    let rules = &telling.plan.error_handling;
    let terms = &telling.plays.file().terms;
    let tries = u32::from(rules.retries) + 1;
    let ladder = rules.ladder.iter().enumerate().map(|(step, role)| {
        let title =
            format!("{}: escalation {}, a checkpoint was missed {tries} times", telling.account, step + 1);
        let detail = format!(
            "Acts when nobody has held a checkpoint {tries} times{}. Hold it, or say who does.",
            if step == 0 { String::new() } else { format!(", {} after the step before", rules.rung_after) }
        );
        (format!("escalation-ladder-{}", step + 1), role, title, detail)
    });
    let tell = rules.guardrail.tell.iter().map(|role| {
        let title = format!("{}: escalation, the renewal stays red or slips", telling.account);
        let detail = format!(
            "Acts when {} checkpoints in a row are red, or {} milestones slipped. Decide what gives way.",
            terms.red_checkpoints, terms.slipped_milestones
        );
        (format!("escalation-{}", role.0), role, title, detail)
    });
    let due_at = telling.plan.deadline.unwrap_or(telling.schedule.ends_at);
    let row = |(id, owner, title, detail): (String, &'a Role, String, String)| Row {
        kind: "escalation",
        id,
        title,
        detail,
        stage: stage_title("governance"),
        milestone: false,
        owner,
        start: telling.plays.calendar().local_date(telling.plan.start_at).to_string(),
        due: telling.terms.deadline.to_string(),
        due_at,
        depends_on: String::new(),
        status: "on_condition".to_owned(),
        high: true,
        critical: false,
    };
    ladder.chain(tell).map(row).collect()
}

/// What is to be done, with who does it where the system does not know them.
fn notes(telling: &Telling<'_>, row: &Row<'_>) -> String {
    let mut parts = Vec::new();
    if !row.detail.is_empty() {
        parts.push(row.detail.clone());
    }
    parts.push(format!("{}. Owner: {}.", row.stage, telling.who(row.owner)));
    if !row.depends_on.is_empty() {
        parts.push(format!("Comes after {}.", row.depends_on.replace(' ', ", ")));
    }
    parts.push(format!(
        "Renewal of {} by {} ({}, version {}).",
        telling.account, telling.terms.deadline, row.id, telling.version
    ));
    parts.join(" ")
}

fn email<'t>(telling: &'t Telling<'_>, role: &Role) -> &'t str {
    telling.holder(role).and_then(|holder| holder.email.as_deref()).unwrap_or_default()
}

fn hubspot(telling: &Telling<'_>, row: &Row<'_>) -> Vec<String> {
    vec![
        row.title.clone(),
        notes(telling, row),
        row.due_at.format("%Y-%m-%dT%H:%M:%SZ").to_string(),
        if row.high { "HIGH" } else { "MEDIUM" }.to_owned(),
        "NOT_STARTED".to_owned(),
        "TODO".to_owned(),
        email(telling, row.owner).to_owned(),
        telling.account.to_owned(),
        telling.domain.unwrap_or_default().to_owned(),
    ]
}

fn salesforce(telling: &Telling<'_>, row: &Row<'_>) -> Vec<String> {
    let rep = telling.holder(row.owner).and_then(|holder| holder.rep_id.as_deref()).unwrap_or_default();
    let with_prefix = |id: &str, prefix: &str| {
        if is_salesforce_id(id) && id.starts_with(prefix) { id.to_owned() } else { String::new() }
    };
    let status = if row.kind == "escalation" { "Deferred" } else { "Not Started" };
    vec![
        row.title.chars().take(SUBJECT_MAX).collect(),
        row.due.clone(),
        status.to_owned(),
        if row.high { "High" } else { "Normal" }.to_owned(),
        notes(telling, row),
        with_prefix(rep, "005"),
        with_prefix(telling.account_id, "001"),
        "Task".to_owned(),
    ]
}

/// Fifteen or eighteen letters and digits.
fn is_salesforce_id(id: &str) -> bool {
    [15, 18].contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric())
}

fn generic(telling: &Telling<'_>, row: &Row<'_>) -> Vec<String> {
    let holder = telling.holder(row.owner);
    let text = |get: fn(&crate::plans::model::Holder) -> Option<&String>| {
        holder.and_then(get).cloned().unwrap_or_default()
    };
    vec![
        row.kind.to_owned(),
        row.id.clone(),
        row.title.clone(),
        row.detail.clone(),
        row.stage.to_owned(),
        if row.milestone { "yes" } else { "no" }.to_owned(),
        row.owner.0.clone(),
        text(|holder| holder.name.as_ref()),
        text(|holder| holder.email.as_ref()),
        text(|holder| holder.fallback.as_ref().map(|role| &role.0)),
        row.start.clone(),
        row.due.clone(),
        row.due_at.format("%Y-%m-%dT%H:%M:%SZ").to_string(),
        row.depends_on.clone(),
        row.status.clone(),
        if row.high { "high" } else { "normal" }.to_owned(),
        if row.critical { "yes" } else { "no" }.to_owned(),
        telling.account_id.to_owned(),
        telling.account.to_owned(),
        telling.id.to_string(),
        telling.version.to_string(),
    ]
}
