//! Handoffs: opening, listing, reading, reporting.

use std::collections::BTreeSet;

use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::wire::{HandoffWire, Telling};
use crate::handoffs::assign::names::RepId;
use crate::handoffs::commands::{Handoffs, OpenAsk};
use crate::handoffs::handoff::{Handoff, Status};
use crate::handoffs::store::HandoffFilter;
use crate::kernel::clock::DateTime;
use crate::kernel::ids::{AccountId, new_id};
use crate::platform::http::{
    Created, Fault, IdempotencyParams, Json, Page, PageParams, Paged, Path, Problem, ProblemDocument, Scoped,
    scope,
};
use crate::platform::outbox::api::DeliveryWire;

/// The most skills that a call may ask for, and the most characters of each.
const SKILLS_MAX: usize = 20;
const SKILL_CHARS_MAX: usize = 60;

/// What is handed over.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct OpenBody {
    /// Such as `mql_to_sales`.
    handoff_type: String,
    account_id: String,
    /// The deal that goes with it.
    deal_id: Option<String>,
    /// Instead of the type's.
    from_team: Option<String>,
    /// Instead of the type's.
    to_team: Option<String>,
    /// Who is to have it, whatever the routing says.
    owner_id: Option<String>,
    /// What its owner must know, such as a language, beside what the type asks for; for the rotation.
    #[serde(default)]
    skills: BTreeSet<String>,
    /// Say what would happen and write nothing.
    #[serde(default)]
    dry_run: bool,
}

impl OpenBody {
    /// What is asked, or everything that is wrong with it.
    fn ask(self, handoffs: &Handoffs, by: String) -> Result<OpenAsk, Problem> {
        let mut faults = Vec::new();
        let mut check = |pointer: &str, checked: Result<(), String>| {
            if let Err(detail) = checked {
                faults.push(Fault::new(pointer, detail));
            }
        };
        if handoffs.types.get(&self.handoff_type).is_none() {
            let known: Vec<&str> = handoffs.types.iter().map(|(name, _)| name).collect();
            let detail = format!("`{}` is no handoff type: {}", self.handoff_type, known.join(", "));
            check("#/handoffType", Err(detail));
        }
        let well_formed =
            |text: &str| AccountId::parse(text.to_owned()).map(drop).map_err(|error| error.to_string());
        check("#/accountId", well_formed(&self.account_id));
        for (pointer, text) in [
            ("#/dealId", &self.deal_id),
            ("#/fromTeam", &self.from_team),
            ("#/toTeam", &self.to_team),
            ("#/ownerId", &self.owner_id),
        ] {
            check(pointer, text.as_deref().map_or(Ok(()), well_formed));
        }
        if self.skills.len() > SKILLS_MAX {
            faults.push(Fault::new("#/skills", format!("has more than {SKILLS_MAX} skills")));
        }
        for (at, skill) in self.skills.iter().enumerate() {
            if skill.trim().is_empty() || skill.chars().count() > SKILL_CHARS_MAX {
                let detail = format!("must have 1 to {SKILL_CHARS_MAX} characters");
                faults.push(Fault::new(format!("#/skills/{at}"), detail));
            }
        }
        if !faults.is_empty() {
            return Err(Problem::invalid(faults));
        }
        Ok(OpenAsk {
            handoff_type: self.handoff_type,
            account_id: self.account_id,
            deal_id: self.deal_id,
            from_team: self.from_team,
            to_team: self.to_team,
            owner_id: self.owner_id.and_then(|id| RepId::parse(&id).ok()),
            skills: self.skills,
            dry_run: self.dry_run,
            // Each call is a cause of its own; a repeat is told by its idempotency key.
            cause: format!("call:{}", new_id(handoffs.clock.now())),
            decision_id: None,
            requested_by: by,
        })
    }
}

/// Hand an account over
///
/// Gathers the package, finds the owner, starts the clock, and puts everything that tells them on its way. A handoff
/// without somebody to contact, or without anything that qualifies the account, is held and says what releases it; one
/// that nobody can take now waits in the queue. With `dryRun` the answer is the same and nothing is written.
#[utoipa::path(
    post, path = "/v1/handoffs", tag = "handoffs", operation_id = "open_handoff",
    security(("api_key" = ["handoffs:write"])),
    params(IdempotencyParams),
    request_body = OpenBody,
    responses(
        (status = 201, body = HandoffWire, description = "The handoff, or the preview of it."),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json", description = "No event ever named the account."),
        (status = 409, body = ProblemDocument, content_type = "application/problem+json", description = "One of this type is under way for the account and the deal; `handoffId` names it."),
        (status = 422, body = ProblemDocument, content_type = "application/problem+json", description = "Every fault is named."),
    )
)]
pub async fn open_handoff(
    State(handoffs): State<Handoffs>,
    caller: Scoped<scope::HandoffsWrite>,
    Json(body): Json<OpenBody>,
) -> Result<Created<HandoffWire>, Problem> {
    let ask = body.ask(&handoffs, caller.actor())?;
    let opened = handoffs.open(&ask).await?;
    let id = opened.handoff.id;
    if !opened.new {
        let detail = format!(
            "A {} handoff is under way for this account{}: {id}. Read it, or cancel it first.",
            ask.handoff_type,
            if ask.deal_id.is_some() { " and deal" } else { "" }
        );
        return Err(Problem::conflict("handoff_under_way", detail).member("handoffId", id.to_string()));
    }
    let mut body = told(&handoffs, &opened.handoff, true).await?;
    body.withheld = opened.withheld;
    Ok(Created { location: format!("/v1/handoffs/{id}"), body })
}

/// A handoff for an answer.
pub(super) async fn told(
    handoffs: &Handoffs,
    handoff: &Handoff,
    whole: bool,
) -> Result<HandoffWire, Problem> {
    let roster = handoffs.roster().await?;
    let briefed = handoffs.briefed(&[handoff.id]).await?.contains(&handoff.id);
    let telling = Telling { roster: &roster.roster, briefed, whole, now: handoffs.clock.now() };
    HandoffWire::tell(handoff, &telling)
}

/// Which handoffs to list.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub struct HandoffQuery {
    #[param(inline)]
    status: Option<Status>,
    /// Only handoffs of this type.
    #[serde(rename = "type")]
    #[param(rename = "type")]
    handoff_type: Option<String>,
    /// Only what this rep has or had last.
    owner_id: Option<String>,
    /// Only handoffs of this account.
    account_id: Option<String>,
    /// Only handoffs past their deadline without contact, or only the others.
    overdue: Option<bool>,
}

impl HandoffQuery {
    /// The filter, with nothing said of pages.
    pub(super) fn filter(self, now: DateTime) -> HandoffFilter {
        HandoffFilter {
            status: self.status.map(Status::name),
            handoff_type: self.handoff_type,
            owner_id: self.owner_id,
            account_id: self.account_id,
            overdue: self.overdue.map(|overdue| (overdue, now)),
            ..HandoffFilter::default()
        }
    }
}

/// List handoffs
///
/// Newest first, without their packages.
#[utoipa::path(
    get, path = "/v1/handoffs", tag = "handoffs", operation_id = "list_handoffs",
    security(("api_key" = ["handoffs:read"])),
    params(HandoffQuery, PageParams),
    responses((status = 200, body = Page<HandoffWire>, description = "Handoffs, newest first."))
)]
pub async fn list_handoffs(
    State(handoffs): State<Handoffs>,
    _caller: Scoped<scope::HandoffsRead>,
    Paged { filter, page }: Paged<HandoffQuery>,
) -> Result<Json<Page<HandoffWire>>, Problem> {
    let now = handoffs.clock.now();
    let filter = HandoffFilter { before: page.after()?, limit: page.fetch(), ..filter.filter(now) };
    let rows = handoffs.list(&filter).await?;
    let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
    let (roster, briefed) = (handoffs.roster().await?, handoffs.briefed(&ids).await?);
    let rows: Vec<HandoffWire> = rows
        .iter()
        .map(|row| {
            let briefed = briefed.contains(&row.id);
            HandoffWire::tell(row, &Telling { roster: &roster.roster, briefed, whole: false, now })
        })
        .collect::<Result<_, _>>()?;
    Ok(Json(page.cut(rows, |row| row.handoff_id, |row| row)))
}

/// Read a handoff
#[utoipa::path(
    get, path = "/v1/handoffs/{handoffId}", tag = "handoffs", operation_id = "get_handoff",
    security(("api_key" = ["handoffs:read"])),
    params(("handoffId" = Uuid, Path, description = "The handoff.")),
    responses(
        (status = 200, body = HandoffWire, description = "The handoff with its package."),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json", description = "There is no such handoff."),
    )
)]
pub async fn get_handoff(
    State(handoffs): State<Handoffs>,
    _caller: Scoped<scope::HandoffsRead>,
    Path(id): Path<Uuid>,
) -> Result<Json<HandoffWire>, Problem> {
    let handoff = handoffs.find(id).await?;
    Ok(Json(told(&handoffs, &handoff, true).await?))
}

/// Read the report of a handoff
///
/// For the person who takes over, by the focus of its type. Markdown, or one HTML document when `Accept` prefers it.
#[utoipa::path(
    get, path = "/v1/handoffs/{handoffId}/report", tag = "handoffs", operation_id = "get_handoff_report",
    security(("api_key" = ["handoffs:read"])),
    params(("handoffId" = Uuid, Path, description = "The handoff.")),
    responses(
        (status = 200, description = "The report.", content(
            (String = "text/markdown"),
            (String = "text/html"),
        )),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json", description = "There is no such handoff."),
    )
)]
pub async fn get_handoff_report(
    State(handoffs): State<Handoffs>,
    _caller: Scoped<scope::HandoffsRead>,
    Path(id): Path<Uuid>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let handoff = handoffs.find(id).await?;
    let html = prefers_html(&headers);
    let report = handoffs.report(&handoff, html).await?;
    let content_type = if html { "text/html; charset=utf-8" } else { "text/markdown; charset=utf-8" };
    Ok(([(header::CONTENT_TYPE, content_type)], report).into_response())
}

/// Whether HTML comes before Markdown and plain text in what a client accepts.
pub fn prefers_html(headers: &HeaderMap) -> bool {
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let first = |kinds: &[&str]| kinds.iter().filter_map(|kind| accept.find(kind)).min();
    match (first(&["text/html"]), first(&["text/markdown", "text/plain"])) {
        (Some(html), Some(markdown)) => html < markdown,
        (html, _) => html.is_some(),
    }
}

/// One thing that happened to a handoff.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = HandoffTimelineEntry)]
pub struct TimelineEntry {
    pub id: Uuid,
    pub at: DateTime,
    /// Such as `created`, `assigned`, `step`, `acknowledged`, `delivery`.
    pub kind: String,
    /// Whose doing it was.
    pub actor: String,
    pub detail: Value,
    /// The delivery, for the kind `delivery`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delivery: Option<DeliveryWire>,
}

/// Everything that happened to a handoff.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = HandoffTimeline)]
pub struct Timeline {
    /// Oldest first.
    pub data: Vec<TimelineEntry>,
}

/// Read the timeline of a handoff
///
/// Every state, assignment, alert, escalation and delivery, oldest first.
#[utoipa::path(
    get, path = "/v1/handoffs/{handoffId}/timeline", tag = "handoffs", operation_id = "get_handoff_timeline",
    security(("api_key" = ["handoffs:read"])),
    params(("handoffId" = Uuid, Path, description = "The handoff.")),
    responses(
        (status = 200, body = Timeline, description = "What happened, oldest first."),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json", description = "There is no such handoff."),
    )
)]
pub async fn get_handoff_timeline(
    State(handoffs): State<Handoffs>,
    _caller: Scoped<scope::HandoffsRead>,
    Path(id): Path<Uuid>,
) -> Result<Json<Timeline>, Problem> {
    let handoff = handoffs.find(id).await?;
    let (rows, deliveries) = handoffs.timeline(&handoff).await?;
    let mut data: Vec<TimelineEntry> = rows
        .into_iter()
        .map(|row| TimelineEntry {
            id: row.id,
            at: row.at,
            kind: row.kind,
            actor: row.actor,
            // The column holds JSON, so this cannot fail.
            detail: serde_json::from_str(row.doc.0.get()).unwrap_or(Value::Null),
            delivery: None,
        })
        .collect();
    data.extend(deliveries.into_iter().map(|row| TimelineEntry {
        id: row.id,
        at: row.delivered_at.unwrap_or(row.created_at),
        kind: "delivery".to_owned(),
        actor: "worker:deliveries".to_owned(),
        detail: serde_json::json!({ "destination": row.destination, "status": row.status }),
        delivery: Some(DeliveryWire::from(row)),
    }));
    data.sort_by_key(|entry| (entry.at, entry.id));
    Ok(Json(Timeline { data }))
}
