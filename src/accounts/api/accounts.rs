//! Accounts: lists, one account, and what is set directly.

use axum::extract::State;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::wire::{AccountSummary, AccountWire};
use crate::accounts::events::{Event, Parts, Rejected};
use crate::accounts::{Accounts, commands, store};
use crate::kernel::clock::DateTime;
use crate::kernel::ids::{AccountId, new_id};
use crate::platform::http::{
    Caller, Fault, Json, Page, PageParams, Paged, Path, Precondition, Problem, ProblemDocument, Scoped, scope,
};
use crate::platform::jobs::Lane;

/// Which accounts to list.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub struct AccountQuery {
    /// Only accounts of this rep.
    owner_id: Option<String>,
    /// Only accounts with this web domain.
    domain: Option<String>,
    /// Only accounts whose name holds this, in any case.
    name: Option<String>,
}

/// List accounts
#[utoipa::path(
    get, path = "/v1/accounts", tag = "accounts", operation_id = "list_accounts",
    security(("api_key" = ["decisions:read"])),
    params(AccountQuery, PageParams),
    responses((status = 200, body = Page<AccountSummary>, description = "Accounts by id."))
)]
pub async fn list_accounts(
    State(accounts): State<Accounts>,
    _caller: Scoped<scope::DecisionsRead>,
    Paged { filter, page }: Paged<AccountQuery>,
) -> Result<Json<Page<AccountSummary>>, Problem> {
    let filter = store::AccountFilter {
        owner_id: filter.owner_id,
        domain: filter.domain,
        name_contains: filter.name,
        after: page.after()?,
        limit: page.fetch(),
    };
    let rows = store::list_accounts(&accounts.pool, &filter).await?;
    Ok(Json(page.cut(rows, |row| row.account_id.clone(), AccountSummary::from)))
}

/// Read an account
///
/// Everything known about it, each value with its source and `asOf`. Every event acknowledged before this call
/// is seen.
#[utoipa::path(
    get, path = "/v1/accounts/{accountId}", tag = "accounts", operation_id = "get_account",
    security(("api_key" = ["decisions:read"])),
    params(("accountId" = String, Path, description = "The account, by the caller's id.")),
    responses(
        (status = 200, body = AccountWire, description = "The account."),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json", description = "No event ever named it."),
    )
)]
pub async fn get_account(
    State(accounts): State<Accounts>,
    _caller: Scoped<scope::DecisionsRead>,
    Path(account_id): Path<AccountId>,
    precondition: Precondition,
) -> Result<Response, Problem> {
    precondition.answer(view(&accounts, &account_id).await?)
}

/// Set firmographics directly
///
/// The same fields as the event `gtm.account.upserted`, which this call makes and applies; what is left out
/// keeps its value, null clears it.
#[utoipa::path(
    put, path = "/v1/accounts/{accountId}", tag = "accounts", operation_id = "put_account",
    security(("api_key" = ["events:write"])),
    params(("accountId" = String, Path, description = "The account, by the caller's id.")),
    request_body(content = Object, description = "The data of gtm.account.upserted."),
    responses(
        (status = 200, body = AccountWire, description = "The account as it now is."),
        (status = 422, body = ProblemDocument, content_type = "application/problem+json", description = "Every fault is named."),
    )
)]
pub async fn put_account(
    State(accounts): State<Accounts>,
    caller: Scoped<scope::EventsWrite>,
    Path(account_id): Path<AccountId>,
    Json(data): Json<Value>,
) -> Result<Json<AccountWire>, Problem> {
    state_fact(&accounts, &caller, &account_id, "gtm.account.upserted", &data).await?;
    Ok(Json(view(&accounts, &account_id).await?))
}

/// What the account asks for.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct PreferencesBody {
    /// When not empty: these motions and no others.
    #[serde(default)]
    allowed_motions: Vec<String>,
    /// Never these motions.
    #[serde(default)]
    blocked_motions: Vec<String>,
    /// Nobody contacts the account in any motion.
    #[serde(default)]
    do_not_contact: bool,
}

/// Set explicit motion preferences
#[utoipa::path(
    put, path = "/v1/accounts/{accountId}/preferences", tag = "accounts", operation_id = "put_preferences",
    security(("api_key" = ["events:write"])),
    params(("accountId" = String, Path, description = "The account, by the caller's id.")),
    request_body = PreferencesBody,
    responses((status = 200, body = AccountWire, description = "The account as it now is."))
)]
pub async fn put_preferences(
    State(accounts): State<Accounts>,
    caller: Scoped<scope::EventsWrite>,
    Path(account_id): Path<AccountId>,
    Json(body): Json<PreferencesBody>,
) -> Result<Json<AccountWire>, Problem> {
    let data = serde_json::to_value(&body).map_err(Problem::internal)?;
    state_fact(&accounts, &caller, &account_id, "gtm.preference.changed", &data).await?;
    Ok(Json(view(&accounts, &account_id).await?))
}

/// A consent for one purpose.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ConsentBody {
    /// Whether consent is given; false withdraws it.
    granted: bool,
    /// The legal basis, such as `consent` or `contract`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    legal_basis: Option<String>,
    /// Until when it holds; without it, until it is withdrawn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expires_at: Option<DateTime>,
}

/// Give or withdraw consent for a purpose
#[utoipa::path(
    put, path = "/v1/accounts/{accountId}/consents/{purpose}", tag = "accounts", operation_id = "put_consent",
    security(("api_key" = ["events:write"])),
    params(
        ("accountId" = String, Path, description = "The account, by the caller's id."),
        ("purpose" = String, Path, description = "What for, such as partner_data_sharing."),
    ),
    request_body = ConsentBody,
    responses((status = 200, body = AccountWire, description = "The account as it now is."))
)]
pub async fn put_consent(
    State(accounts): State<Accounts>,
    caller: Scoped<scope::EventsWrite>,
    Path((account_id, purpose)): Path<(AccountId, String)>,
    Json(body): Json<ConsentBody>,
) -> Result<Json<AccountWire>, Problem> {
    let mut data = serde_json::to_value(&body).map_err(Problem::internal)?;
    data["purpose"] = purpose.into();
    state_fact(&accounts, &caller, &account_id, "gtm.consent.changed", &data).await?;
    Ok(Json(view(&accounts, &account_id).await?))
}

/// Turns a direct statement into the event that says it, stored and applied like any other.
async fn state_fact(
    accounts: &Accounts,
    caller: &Caller,
    account_id: &AccountId,
    event_type: &str,
    data: &Value,
) -> Result<(), Problem> {
    let now = accounts.clock.now();
    let (source, id, data) =
        (format!("/v1/keys/{}", caller.key_id), new_id(now).to_string(), data.to_string());
    let parts = Parts {
        source: Some(&source),
        id: Some(&id),
        event_type: Some(event_type),
        subject: Some(account_id.as_str()),
        time: None,
        content_type: None,
        data: Some(&data),
    };
    let mut events = vec![Event::parse(parts, now).map_err(|rejected| refused(&rejected))?];
    accounts.intake.stamp_arrivals(&mut events, now);
    accounts.intake.take(events, Lane::Normal).await?;
    Ok(())
}

/// The faults of the data, as places in the body of the request.
fn refused(rejected: &Rejected) -> Problem {
    Problem::invalid(
        rejected
            .faults
            .iter()
            .map(|fault| {
                let place = fault.pointer.strip_prefix("/data").unwrap_or(&fault.pointer);
                Fault::new(format!("#{place}"), fault.detail.clone())
            })
            .collect(),
    )
}

async fn view(accounts: &Accounts, account_id: &AccountId) -> Result<AccountWire, Problem> {
    match commands::view(accounts, account_id.as_str()).await? {
        Some((current, contacts)) => {
            AccountWire::new(current.account_id, current.version, &current.state, &contacts)
        }
        None => Err(Problem::not_found("account", account_id)),
    }
}
