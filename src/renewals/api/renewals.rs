//! Renewals: made, listed, read, changed.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::response::Response;
use chrono::NaiveDate;
use serde::{Deserialize, Deserializer};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::wire::{MadeWire, ProposalWire, RenewalWire, SummaryWire};
use crate::kernel::ids::AccountId;
use crate::plans::model::Role;
use crate::platform::http::{
    Created, Fault, IdempotencyParams, Json, Page, PageParams, Paged, Path, Precondition, Problem,
    ProblemDocument, Scoped, Tagged, scope,
};
use crate::renewals::commands::{Ask, Choice, Renewals, Revision, RiskChange};
use crate::renewals::model::{Person, Risk, Tier};
use crate::renewals::renewal::Status;
use crate::renewals::store::RenewalFilter;

/// The longest text that people give with a call.
pub(super) const TEXT_MAX: usize = 2_000;

/// What is to be renewed; what is not said is proposed from the account's facts.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[schema(as = CreateRenewal)]
pub struct CreateBody {
    account_id: String,
    /// Such as `exec-save`; the one for what is wrong when left out.
    play: Option<String>,
    tier: Option<Tier>,
    /// Set by people, it is not changed by later ratings.
    risk: Option<Risk>,
    /// The renewal date; the next one by subscriptions and renewal deals when left out.
    deadline: Option<NaiveDate>,
    /// Every task takes no longer than it must.
    #[serde(default)]
    compressed: bool,
    /// Who fills a role, such as `csm`; the account's owner is known without.
    #[serde(default)]
    #[schema(value_type = BTreeMap<String, Person>)]
    people: BTreeMap<Role, Person>,
    /// Let it run at once. Findings of the pre-flight that block must be waived.
    #[serde(default)]
    start: bool,
    /// Findings of the pre-flight that are waived, by name; `*` for all.
    #[serde(default)]
    waive: Vec<String>,
    /// Why, for the change log.
    why: Option<String>,
    /// Say what it would be and write nothing.
    #[serde(default)]
    dry_run: bool,
}

/// A text of people that is not too long.
pub(super) fn text(pointer: &str, text: Option<String>, faults: &mut Vec<Fault>) -> Option<String> {
    let text = text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
    if text.as_ref().is_some_and(|text| text.chars().count() > TEXT_MAX) {
        faults.push(Fault::new(pointer, format!("is longer than {TEXT_MAX} characters")));
    }
    text
}

fn people(people: &BTreeMap<Role, Person>, faults: &mut Vec<Fault>) {
    for (role, person) in people {
        let long =
            [&person.name, &person.email, &person.rep_id].into_iter().flatten().any(|text| text.len() > 200);
        if long || (person.name.is_none() && person.email.is_none() && person.rep_id.is_none()) {
            let pointer = format!("#/people/{}", role.0.replace('~', "~0").replace('/', "~1"));
            faults.push(Fault::new(
                pointer,
                "needs a name, an e-mail address or a rep, each of at most 200 characters",
            ));
        }
    }
}

/// Plan a renewal
///
/// Draws the plan back from the renewal date, with what is known of the account. Play, tier, risk and date are proposed
/// where they are not given, each with why. With `dryRun` the answer is the same and nothing is written.
#[utoipa::path(
    post, path = "/v1/renewals", tag = "plans", operation_id = "create_renewal",
    security(("api_key" = ["plans:write"])),
    params(IdempotencyParams),
    request_body = CreateBody,
    responses(
        (status = 201, body = MadeWire, description = "The renewal, or the preview of it."),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json", description = "No event ever named the account."),
        (status = 409, body = ProblemDocument, content_type = "application/problem+json", description = "One is under way for this account and date (`renewalId` names it), or something is missing before it can start (`findings`)."),
        (status = 422, body = ProblemDocument, content_type = "application/problem+json", description = "Every fault is named."),
    )
)]
pub async fn create_renewal(
    State(renewals): State<Renewals>,
    caller: Scoped<scope::PlansWrite>,
    Json(body): Json<CreateBody>,
) -> Result<Created<MadeWire>, Problem> {
    let mut faults = Vec::new();
    if let Err(error) = AccountId::parse(body.account_id.clone()) {
        faults.push(Fault::new("#/accountId", error.to_string()));
    }
    let why = text("#/why", body.why, &mut faults);
    people(&body.people, &mut faults);
    if !faults.is_empty() {
        return Err(Problem::invalid(faults));
    }
    let ask = Ask {
        account_id: body.account_id,
        choice: Choice {
            play: body.play,
            tier: body.tier,
            risk: body.risk,
            deadline: body.deadline,
            compressed: body.compressed,
            people: body.people,
        },
        dry_run: body.dry_run,
        start: body.start.then_some(body.waive),
        why: why.unwrap_or_else(|| "made".to_owned()),
        by: caller.actor(),
    };
    let made = renewals.create(&ask).await?;
    let location = format!("/v1/renewals/{}", made.view.renewal.id);
    let body =
        MadeWire { renewal: RenewalWire::tell(&made.view), proposal: ProposalWire::from(made.proposal) };
    Ok(Created { location, body })
}

/// Which renewals to list.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub struct RenewalQuery {
    #[param(inline)]
    status: Option<Status>,
    #[param(inline)]
    risk: Option<Risk>,
    /// Only renewals of this account.
    account_id: Option<String>,
    /// Only those whose date is not later.
    due_by: Option<NaiveDate>,
}

/// List renewals
///
/// Newest first.
#[utoipa::path(
    get, path = "/v1/renewals", tag = "plans", operation_id = "list_renewals",
    security(("api_key" = ["plans:read"])),
    params(RenewalQuery, PageParams),
    responses((status = 200, body = Page<SummaryWire>, description = "Renewals, newest first."))
)]
pub async fn list_renewals(
    State(renewals): State<Renewals>,
    _caller: Scoped<scope::PlansRead>,
    Paged { filter, page }: Paged<RenewalQuery>,
) -> Result<Json<Page<SummaryWire>>, Problem> {
    let filter = RenewalFilter {
        status: filter.status.map(Status::name),
        risk: filter.risk.map(Risk::name),
        account_id: filter.account_id,
        due_by: filter.due_by,
        before: page.after()?,
        limit: page.fetch(),
    };
    let rows = renewals.list(&filter).await?;
    let rows: Vec<SummaryWire> = rows.iter().map(SummaryWire::from).collect();
    Ok(Json(page.cut(rows, |row| row.renewal_id, |row| row)))
}

/// Read a renewal
#[utoipa::path(
    get, path = "/v1/renewals/{renewalId}", tag = "plans", operation_id = "get_renewal",
    security(("api_key" = ["plans:read"])),
    params(("renewalId" = Uuid, Path, description = "The renewal.")),
    responses(
        (status = 200, body = RenewalWire, description = "The renewal with its plan; `ETag` names this state of it."),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json", description = "There is no such renewal."),
    )
)]
pub async fn get_renewal(
    State(renewals): State<Renewals>,
    _caller: Scoped<scope::PlansRead>,
    Path(id): Path<Uuid>,
) -> Result<Tagged<RenewalWire>, Problem> {
    let view = renewals.view(id).await?;
    Ok(Tagged { tag: view.etag.clone(), body: RenewalWire::tell(&view) })
}

/// What is to be different; what is not named stays.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
#[schema(as = ChangeRenewal)]
pub struct ChangeBody {
    play: Option<String>,
    tier: Option<Tier>,
    /// Set by people, it is not changed by later ratings; null lets the rating decide again.
    #[serde(deserialize_with = "risk_change")]
    #[schema(value_type = Option<Risk>)]
    risk: RiskChange,
    deadline: Option<NaiveDate>,
    compressed: Option<bool>,
    /// By role; null takes the person out.
    #[schema(value_type = Object)]
    people: BTreeMap<Role, Option<Person>>,
    /// Why, for the change log.
    why: String,
    /// Say how it would then stand and write nothing.
    dry_run: bool,
}

/// Tells null from nothing, which is the default.
fn risk_change<'de, D: Deserializer<'de>>(deserializer: D) -> Result<RiskChange, D::Error> {
    Ok(Option::deserialize(deserializer)?.map_or(RiskChange::Rated, RiskChange::Set))
}

/// Change a renewal
///
/// Makes a new version of the plan; what is done, begun or past stays as it was. The change log says what differs.
#[utoipa::path(
    patch, path = "/v1/renewals/{renewalId}", tag = "plans", operation_id = "change_renewal",
    security(("api_key" = ["plans:write"])),
    params(
        ("renewalId" = Uuid, Path, description = "The renewal."),
        ("If-Match" = String, Header, description = "The `ETag` of the state that is changed."),
        IdempotencyParams,
    ),
    request_body = ChangeBody,
    responses(
        (status = 200, body = RenewalWire, description = "The renewal as it now is."),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json", description = "There is no such renewal."),
        (status = 409, body = ProblemDocument, content_type = "application/problem+json", description = "It is closed, or another one has this date."),
        (status = 412, body = ProblemDocument, content_type = "application/problem+json", description = "It was changed meanwhile."),
        (status = 422, body = ProblemDocument, content_type = "application/problem+json", description = "Every fault is named."),
        (status = 428, body = ProblemDocument, content_type = "application/problem+json", description = "`If-Match` is missing."),
    )
)]
pub async fn change_renewal(
    State(renewals): State<Renewals>,
    caller: Scoped<scope::PlansWrite>,
    Path(id): Path<Uuid>,
    precondition: Precondition,
    Json(body): Json<ChangeBody>,
) -> Result<Response, Problem> {
    let mut faults = Vec::new();
    let why = text("#/why", Some(body.why), &mut faults);
    if why.is_none() {
        faults.push(Fault::new(
            "#/why",
            "is missing: say in a sentence why, for those who read the change log",
        ));
    }
    let named =
        body.people.iter().filter_map(|(role, person)| Some((role.clone(), person.clone()?))).collect();
    people(&named, &mut faults);
    if !faults.is_empty() {
        return Err(Problem::invalid(faults));
    }
    let revision = Revision {
        play: body.play,
        tier: body.tier,
        risk: body.risk,
        deadline: body.deadline,
        compressed: body.compressed,
        people: body.people,
        why: why.unwrap_or_default(),
        dry_run: body.dry_run,
    };
    let revised = renewals.revise(id, &revision, &precondition, &caller.actor()).await?;
    let (tag, body) = (revised.view.etag.clone(), RenewalWire::tell(&revised.view));
    Ok(axum::response::IntoResponse::into_response(Tagged { tag, body }))
}
