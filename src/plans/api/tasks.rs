//! Tasks: looking for work, taking it, handing it over.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::actions::words;
use super::wire::{ClaimedWire, TaskWire};
use crate::kernel::calendar::Length;
use crate::kernel::clock::DateTime;
use crate::kernel::ids::check_caller_id;
use crate::plans::commands::{CLAIM_MAX, Claim, Deed, Plans};
use crate::plans::lifecycle::{Action, TaskStatus};
use crate::plans::store::TaskFilter;
use crate::platform::http::extract::parse;
use crate::platform::http::{
    Fault, IdempotencyParams, Json, Page, PageParams, Paged, Path, Problem, ProblemDocument, RawBody, Scoped,
    scope,
};

/// How long a task is held without a sign of life, where nothing is said.
const LEASE: Length = Length::minutes(15);
/// The shortest and the longest lease, in seconds.
const LEASE_SECS: std::ops::RangeInclusive<i64> = 10..=7 * 86_400;
/// The most outputs that are handed over.
const OUTPUTS_MAX: usize = 1_000;

/// Which tasks to list.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub struct TaskQuery {
    #[param(inline)]
    status: Option<TaskStatus>,
    /// Only this kind of work.
    work: Option<String>,
    /// Only tasks of this role.
    owner: Option<String>,
    /// Only what this agent works on.
    held_by: Option<String>,
    /// Only tasks of this plan.
    plan_id: Option<Uuid>,
    /// Only tasks of plans of this account.
    account_id: Option<String>,
    /// Only tasks past their planned end that are not over, or only the others.
    overdue: Option<bool>,
}

/// List tasks
///
/// Of all plans, in the order in which they are planned to begin.
#[utoipa::path(
    get, path = "/v1/tasks", tag = "tasks", operation_id = "list_tasks",
    security(("api_key" = ["plans:read"])),
    params(TaskQuery, PageParams),
    responses((status = 200, body = Page<TaskWire>, description = "Tasks, those that begin first before the others."))
)]
pub async fn list_tasks(
    State(plans): State<Plans>,
    _caller: Scoped<scope::PlansRead>,
    Paged { filter, page }: Paged<TaskQuery>,
) -> Result<Json<Page<TaskWire>>, Problem> {
    let after: Option<(DateTime, Uuid)> = page.after()?;
    let now = plans.clock.now();
    let filter = TaskFilter {
        status: filter.status.map(TaskStatus::name),
        work: filter.work,
        owner: filter.owner,
        held_by: filter.held_by,
        plan_id: filter.plan_id,
        account_id: filter.account_id,
        overdue: filter.overdue.map(|overdue| (overdue, now)),
        after,
        limit: page.fetch(),
    };
    let rows: Vec<TaskWire> = plans.list_tasks(&filter).await?.iter().map(TaskWire::from).collect();
    Ok(Json(page.cut(rows, |row| (row.start_at, row.task_id), |row| row)))
}

/// Read a task
#[utoipa::path(
    get, path = "/v1/tasks/{taskId}", tag = "tasks", operation_id = "get_task",
    security(("api_key" = ["plans:read"])),
    params(("taskId" = Uuid, Path, description = "The task.")),
    responses(
        (status = 200, body = TaskWire, description = "The task as it stands."),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json", description = "There is no such task."),
    )
)]
pub async fn get_task(
    State(plans): State<Plans>,
    _caller: Scoped<scope::PlansRead>,
    Path(id): Path<Uuid>,
) -> Result<Json<TaskWire>, Problem> {
    let (task, _) = plans.read_task(id).await?;
    Ok(Json(TaskWire::from(&task)))
}

/// Who looks for work, and for which.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ClaimBody {
    /// As the agent calls itself: 1 to 128 of `A-Za-z0-9_.:-`.
    agent: String,
    /// Kinds of work; any when left out.
    kinds: Option<Vec<String>>,
    /// Only tasks of this plan.
    plan_id: Option<Uuid>,
    /// How many at the most; 1 when left out.
    #[schema(minimum = 1, maximum = 100)]
    max: Option<i64>,
    /// How long they are held without a sign of life, such as `15m`.
    #[schema(value_type = Option<String>, example = "15m")]
    lease: Option<Length>,
    /// Say what would be taken and leave it there; the leases in the answer hold nothing.
    #[serde(default)]
    dry_run: bool,
}

/// What was taken.
#[derive(Debug, Serialize, ToSchema)]
pub struct ClaimsWire {
    tasks: Vec<ClaimedWire>,
}

/// Take tasks
///
/// Those that are ready, the ones that are planned to begin first before the others; nobody else gets them meanwhile. A claim
/// is a lease: whoever neither completes nor fails a task nor sends a sign of life before it ends loses it, and it goes back to
/// the queue. With nothing to do the list is empty.
#[utoipa::path(
    post, path = "/v1/tasks/claim", tag = "tasks", operation_id = "claim_tasks",
    security(("api_key" = ["plans:write"])),
    params(IdempotencyParams),
    request_body = ClaimBody,
    responses(
        (status = 200, body = ClaimsWire, description = "What was taken, with the lease of each."),
        (status = 422, body = ProblemDocument, content_type = "application/problem+json", description = "Every fault is named."),
    )
)]
pub async fn claim_tasks(
    State(plans): State<Plans>,
    caller: Scoped<scope::PlansWrite>,
    Json(body): Json<ClaimBody>,
) -> Result<Json<ClaimsWire>, Problem> {
    let mut faults = Vec::new();
    if let Err(error) = check_caller_id(&body.agent) {
        faults.push(Fault::new("#/agent", error.to_string()));
    }
    let max = body.max.unwrap_or(1);
    if !(1..=CLAIM_MAX).contains(&max) {
        faults.push(Fault::new("#/max", format!("must be from 1 to {CLAIM_MAX}")));
    }
    if body.kinds.as_ref().is_some_and(Vec::is_empty) {
        faults.push(Fault::new("#/kinds", "is empty: name a kind of work, or leave it out for any"));
    }
    let lease = lease("#/lease", body.lease, &mut faults);
    if !faults.is_empty() {
        return Err(Problem::invalid(faults));
    }
    let claim = Claim {
        agent: body.agent,
        works: body.kinds,
        plan_id: body.plan_id,
        max,
        lease: lease.as_delta(),
        by: caller.actor(),
        dry_run: body.dry_run,
    };
    let tasks = plans.claim(&claim).await?.into_iter().map(ClaimedWire::from).collect();
    Ok(Json(ClaimsWire { tasks }))
}

fn lease(pointer: &str, given: Option<Length>, faults: &mut Vec<Fault>) -> Length {
    let lease = given.unwrap_or(LEASE);
    if !LEASE_SECS.contains(&lease.total_seconds()) {
        faults.push(Fault::new(pointer, "must be from 10 seconds to a week, such as `15m`"));
    }
    lease
}

/// A sign of life.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct HeartbeatBody {
    /// From the claim.
    lease: i64,
    /// How long it is held from now on; as long as a claim that says nothing when left out.
    #[serde(rename = "for")]
    #[schema(value_type = Option<String>, example = "15m")]
    held_for: Option<Length>,
    /// Say until when it would be held and write nothing.
    #[serde(default)]
    dry_run: bool,
}

/// A lease that goes on.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct LeaseWire {
    lease: i64,
    lease_until: DateTime,
}

/// Give a sign of life
///
/// Holds the task for longer. A lease that has ended does not come back.
#[utoipa::path(
    post, path = "/v1/tasks/{taskId}/heartbeat", tag = "tasks", operation_id = "heartbeat_task",
    security(("api_key" = ["plans:write"])),
    params(("taskId" = Uuid, Path, description = "The task."), IdempotencyParams),
    request_body = HeartbeatBody,
    responses(
        (status = 200, body = LeaseWire, description = "Until when it is held now."),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json", description = "There is no such task."),
        (status = 409, body = ProblemDocument, content_type = "application/problem+json", description = "The lease has ended; `legal` lists what can be done."),
        (status = 422, body = ProblemDocument, content_type = "application/problem+json", description = "Every fault is named."),
    )
)]
pub async fn heartbeat_task(
    State(plans): State<Plans>,
    _caller: Scoped<scope::PlansWrite>,
    Path(id): Path<Uuid>,
    Json(body): Json<HeartbeatBody>,
) -> Result<Json<LeaseWire>, Problem> {
    let mut faults = Vec::new();
    let length = lease("#/for", body.held_for, &mut faults);
    if !faults.is_empty() {
        return Err(Problem::invalid(faults));
    }
    let lease = plans.heartbeat(id, body.lease, length.as_delta(), body.dry_run).await?;
    Ok(Json(LeaseWire { lease: lease.token, lease_until: lease.until }))
}

/// What was done.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default, rename_all = "camelCase")]
pub struct CompleteBody {
    /// From the claim; left out by whoever did it without claiming.
    lease: Option<i64>,
    /// What is there now, by the names that the task has for it.
    outputs: Vec<String>,
    /// Belongs to the kind of plan.
    #[schema(value_type = Object)]
    data: Map<String, Value>,
    note: Option<String>,
    /// Say how it would then stand and write nothing.
    dry_run: bool,
}

/// Complete a task
///
/// Under the lease of the claim; or without one, where somebody did it who did not claim it and nobody else works on it. What
/// waited for it goes on. Said again with the same lease it changes nothing.
#[utoipa::path(
    post, path = "/v1/tasks/{taskId}/complete", tag = "tasks", operation_id = "complete_task",
    security(("api_key" = ["plans:write"])),
    params(("taskId" = Uuid, Path, description = "The task."), IdempotencyParams),
    request_body(content = Option<CompleteBody>, description = "What was done, as far as there is something to say."),
    responses(
        (status = 200, body = TaskWire, description = "The task as it stands now."),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json", description = "There is no such task."),
        (status = 409, body = ProblemDocument, content_type = "application/problem+json", description = "It does not fit, or is somebody else's; `legal` lists what fits."),
        (status = 422, body = ProblemDocument, content_type = "application/problem+json", description = "Every fault is named."),
    )
)]
pub async fn complete_task(
    State(plans): State<Plans>,
    caller: Scoped<scope::PlansWrite>,
    Path(id): Path<Uuid>,
    RawBody(raw): RawBody,
) -> Result<Json<TaskWire>, Problem> {
    let body: CompleteBody = if raw.is_empty() { CompleteBody::default() } else { parse(&raw)? };
    if body.outputs.len() > OUTPUTS_MAX {
        let detail = format!("{} entries; at most {OUTPUTS_MAX}", body.outputs.len());
        return Err(Problem::invalid(vec![Fault::new("#/outputs", detail)]));
    }
    let note = words("#/note", body.note.as_deref().unwrap_or_default(), false)?;
    let result = json!({ "outputs": body.outputs, "data": body.data, "note": note });
    let action = Action::Complete { token: body.lease };
    let deed = Deed { action, result: Some(result), by: caller.actor() };
    done(&plans, id, deed, body.dry_run).await
}

/// Why it did not work.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct FailBody {
    /// From the claim; left out by whoever tried it without claiming.
    lease: Option<i64>,
    reason: String,
    /// Say how it would then stand and write nothing.
    #[serde(default)]
    dry_run: bool,
}

/// Fail a task
///
/// It goes back to the queue as often as the plan allows retries; after that the people on the plan's ladder are told, one
/// after the other.
#[utoipa::path(
    post, path = "/v1/tasks/{taskId}/fail", tag = "tasks", operation_id = "fail_task",
    security(("api_key" = ["plans:write"])),
    params(("taskId" = Uuid, Path, description = "The task."), IdempotencyParams),
    request_body = FailBody,
    responses(
        (status = 200, body = TaskWire, description = "The task as it stands now: `ready` or `escalated`."),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json", description = "There is no such task."),
        (status = 409, body = ProblemDocument, content_type = "application/problem+json", description = "It does not fit, or is somebody else's; `legal` lists what fits."),
        (status = 422, body = ProblemDocument, content_type = "application/problem+json", description = "Every fault is named."),
    )
)]
pub async fn fail_task(
    State(plans): State<Plans>,
    caller: Scoped<scope::PlansWrite>,
    Path(id): Path<Uuid>,
    Json(body): Json<FailBody>,
) -> Result<Json<TaskWire>, Problem> {
    let reason = words("#/reason", &body.reason, true)?;
    let deed = Deed { action: Action::Fail { token: body.lease, reason }, result: None, by: caller.actor() };
    done(&plans, id, deed, body.dry_run).await
}

/// Why.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct WhyBody {
    reason: String,
    /// Say how it would then stand and write nothing.
    #[serde(default)]
    dry_run: bool,
}

/// Skip a task
///
/// It need not be done; what waits for it goes on.
#[utoipa::path(
    post, path = "/v1/tasks/{taskId}/skip", tag = "tasks", operation_id = "skip_task",
    security(("api_key" = ["plans:write"])),
    params(("taskId" = Uuid, Path, description = "The task."), IdempotencyParams),
    request_body = WhyBody,
    responses(
        (status = 200, body = TaskWire, description = "The task as it stands now."),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json", description = "There is no such task."),
        (status = 409, body = ProblemDocument, content_type = "application/problem+json", description = "It does not fit; `legal` lists what fits."),
        (status = 422, body = ProblemDocument, content_type = "application/problem+json", description = "Every fault is named."),
    )
)]
pub async fn skip_task(
    State(plans): State<Plans>,
    caller: Scoped<scope::PlansWrite>,
    Path(id): Path<Uuid>,
    Json(body): Json<WhyBody>,
) -> Result<Json<TaskWire>, Problem> {
    let note = words("#/reason", &body.reason, true)?;
    let deed = Deed { action: Action::Skip, result: Some(json!({ "note": note })), by: caller.actor() };
    done(&plans, id, deed, body.dry_run).await
}

/// How a task is tried again.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default, rename_all = "camelCase")]
pub struct RetryBody {
    /// Say how it would then stand and write nothing.
    dry_run: bool,
}

/// Let a task be tried again
///
/// One that was escalated goes back to the queue, with as many retries as at first.
#[utoipa::path(
    post, path = "/v1/tasks/{taskId}/retry", tag = "tasks", operation_id = "retry_task",
    security(("api_key" = ["plans:write"])),
    params(("taskId" = Uuid, Path, description = "The task."), IdempotencyParams),
    request_body(content = Option<RetryBody>, description = "Nothing, or that it is a look only."),
    responses(
        (status = 200, body = TaskWire, description = "The task as it stands now."),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json", description = "There is no such task."),
        (status = 409, body = ProblemDocument, content_type = "application/problem+json", description = "It is not escalated; `legal` lists what fits."),
        (status = 422, body = ProblemDocument, content_type = "application/problem+json", description = "Every fault is named."),
    )
)]
pub async fn retry_task(
    State(plans): State<Plans>,
    caller: Scoped<scope::PlansWrite>,
    Path(id): Path<Uuid>,
    RawBody(raw): RawBody,
) -> Result<Json<TaskWire>, Problem> {
    let body: Option<RetryBody> = if raw.is_empty() { None } else { parse(&raw)? };
    let dry_run = body.unwrap_or_default().dry_run;
    done(&plans, id, Deed { action: Action::Retry, result: None, by: caller.actor() }, dry_run).await
}

/// Give a task up
///
/// It cannot be done. What waits for it goes on waiting, until a new version of the plan goes another way.
#[utoipa::path(
    post, path = "/v1/tasks/{taskId}/give-up", tag = "tasks", operation_id = "give_up_task",
    security(("api_key" = ["plans:write"])),
    params(("taskId" = Uuid, Path, description = "The task."), IdempotencyParams),
    request_body = WhyBody,
    responses(
        (status = 200, body = TaskWire, description = "The task as it stands now."),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json", description = "There is no such task."),
        (status = 409, body = ProblemDocument, content_type = "application/problem+json", description = "It does not fit; `legal` lists what fits."),
        (status = 422, body = ProblemDocument, content_type = "application/problem+json", description = "Every fault is named."),
    )
)]
pub async fn give_up_task(
    State(plans): State<Plans>,
    caller: Scoped<scope::PlansWrite>,
    Path(id): Path<Uuid>,
    Json(body): Json<WhyBody>,
) -> Result<Json<TaskWire>, Problem> {
    let reason = words("#/reason", &body.reason, true)?;
    let deed = Deed { action: Action::GiveUp { reason }, result: None, by: caller.actor() };
    done(&plans, id, deed, body.dry_run).await
}

async fn done(plans: &Plans, id: Uuid, deed: Deed, dry_run: bool) -> Result<Json<TaskWire>, Problem> {
    let row = if dry_run { plans.task_would(id, &deed).await? } else { plans.task(id, &deed).await? };
    Ok(Json(TaskWire::from(&row)))
}
