//! `/v1/audit`: reading and verifying the log.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use sqlx::{PgPool, Postgres, QueryBuilder};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::chain::SYSTEM;
use super::verify::{Expected, Report, Scope, verify};
use crate::kernel::clock::DateTime;
use crate::kernel::ids::check_caller_id;
use crate::platform::http::{
    Fault, Json, Page, PageParams, PageRequest, Paged, Platform, Problem, Scoped, scope,
};

/// Which entries are asked for.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
struct Filter {
    /// One account's chain, or `@system` for configuration and keys.
    account_id: Option<String>,
    /// One action, such as `key.created`; with a `*` at the end, all that begin so.
    action: Option<String>,
    /// From this instant on.
    from: Option<DateTime>,
    /// Before this instant.
    to: Option<DateTime>,
}

/// An entry of the log.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct EntryView {
    /// The chain.
    account_id: String,
    /// Its number in the chain.
    seq: i64,
    /// When it happened.
    at: DateTime,
    /// Who did it.
    actor: String,
    /// What was done.
    action: String,
    /// What it was done to.
    subject: String,
    /// Particulars.
    #[schema(value_type = Object)]
    details: Box<RawValue>,
    /// Hash of the entry before, in hex.
    prev_hash: String,
    /// Hash of the entry, in hex.
    hash: String,
}

#[derive(sqlx::FromRow)]
struct Stored {
    account_id: String,
    seq: i64,
    at: DateTime,
    actor: String,
    action: String,
    subject: String,
    details: String,
    prev_hash: Vec<u8>,
    hash: Vec<u8>,
}

impl From<Stored> for EntryView {
    fn from(row: Stored) -> Self {
        Self {
            account_id: row.account_id,
            seq: row.seq,
            at: row.at,
            actor: row.actor,
            action: row.action,
            subject: row.subject,
            // Details that are no JSON any more were tampered with; they are shown as nothing, and verify names them.
            details: RawValue::from_string(row.details).unwrap_or_default(),
            prev_hash: hex::encode(row.prev_hash),
            hash: hex::encode(row.hash),
        }
    }
}

/// What to verify. An empty object verifies everything.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct VerifyRequest {
    /// One account's chain, or `@system`; all chains when absent.
    account_id: Option<String>,
    /// A checkpoint noted outside of the service, which must still be there.
    expect: Option<Expected>,
}

/// The routes.
pub fn routes() -> OpenApiRouter<Platform> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(verify_log))
}

/// The entries, newest first.
#[utoipa::path(get, path = "/v1/audit", operation_id = "listAuditEntries", tag = "audit",
    params(Filter, PageParams), security(("api_key" = ["audit:read"])),
    responses((status = 200, description = "One page.", body = Page<EntryView>)))]
async fn list(
    _caller: Scoped<scope::AuditRead>,
    State(platform): State<Platform>,
    Paged { filter, page }: Paged<Filter>,
) -> Result<Json<Page<EntryView>>, Problem> {
    let rows = select(&platform.pool, &filter, &page).await?;
    Ok(Json(page.cut(rows, |row| (row.at, row.account_id.clone(), row.seq), EntryView::from)))
}

async fn select(pool: &PgPool, filter: &Filter, page: &PageRequest) -> Result<Vec<Stored>, Problem> {
    let after: Option<(DateTime, String, i64)> = page.after()?;
    let mut query = QueryBuilder::<Postgres>::new(
        "select account_id, seq, at, actor, action, subject, details, prev_hash, hash from audit_entry where true",
    );
    if let Some(account_id) = &filter.account_id {
        query.push(" and account_id = ").push_bind(account_id);
    }
    match filter.action.as_deref().map(|action| (action, action.strip_suffix('*'))) {
        Some((_, Some(prefix))) => drop(query.push(" and starts_with(action, ").push_bind(prefix).push(")")),
        Some((action, None)) => drop(query.push(" and action = ").push_bind(action)),
        None => {}
    }
    if let Some(from) = filter.from {
        query.push(" and at >= ").push_bind(from);
    }
    if let Some(to) = filter.to {
        query.push(" and at < ").push_bind(to);
    }
    if let Some((at, account_id, seq)) = after {
        query.push(" and (at, account_id, seq) < (").push_bind(at).push(", ").push_bind(account_id);
        query.push(", ").push_bind(seq).push(")");
    }
    query.push(" order by at desc, account_id desc, seq desc limit ").push_bind(page.fetch());
    Ok(query.build_query_as().fetch_all(pool).await?)
}

/// Verifies the chains and their checkpoints. What is found is the answer, not an error.
#[utoipa::path(post, path = "/v1/audit/verify", operation_id = "verifyAudit", tag = "audit",
    request_body = VerifyRequest, security(("api_key" = ["audit:read"])),
    extensions(("x-timeout-seconds" = json!(900))),
    responses((status = 200, description = "The outcome.", body = Report)))]
async fn verify_log(
    _caller: Scoped<scope::AuditRead>,
    State(platform): State<Platform>,
    Json(request): Json<VerifyRequest>,
) -> Result<Json<Report>, Problem> {
    if let Some(id) = request.account_id.as_deref().filter(|id| *id != SYSTEM) {
        check_caller_id(id)
            .map_err(|error| Problem::invalid(vec![Fault::new("#/accountId", error.to_string())]))?;
    }
    let scope = Scope { account_id: request.account_id, expect: request.expect };
    Ok(Json(verify(&platform.pool, &platform.signer, &platform.rechecks, &scope).await?))
}
