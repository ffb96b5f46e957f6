//! Policies: checked, stored by content, put in force.

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::kernel::clock::DateTime;
use crate::motions::commands::{MotionError, Motions, PolicyFaults};
use crate::motions::policy::{Format, Policy, WordEntry, vocabulary};
use crate::motions::store::{self, PolicyRow};
use crate::platform::http::{
    Json, NoFilter, Page, PageParams, Paged, Path, Problem, ProblemDocument, RawBody, Scoped, scope,
};

/// A policy version.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PolicyWire {
    /// The name and the first digits of the digest of the content.
    pub version: String,
    pub name: String,
    /// Whether it is the one in force.
    pub active: bool,
    #[schema(required = true)]
    pub activated_at: Option<DateTime>,
    pub created_at: DateTime,
    pub created_by: String,
    /// `toml` or `json`.
    pub format: String,
    /// The file as it was given; left out in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    pub body: Option<String>,
}

impl PolicyWire {
    fn new(row: PolicyRow, with_body: bool) -> Self {
        Self {
            version: row.version,
            name: row.name,
            active: row.active,
            activated_at: row.activated_at,
            created_at: row.created_at,
            created_by: row.created_by,
            format: row.format,
            body: with_body.then_some(row.body),
        }
    }
}

/// List policy versions
///
/// Newest first.
#[utoipa::path(
    get, path = "/v1/policies", tag = "policies", operation_id = "list_policies",
    security(("api_key" = ["config:read"])),
    params(PageParams),
    responses((status = 200, body = Page<PolicyWire>, description = "Versions, newest first."))
)]
pub async fn list_policies(
    State(motions): State<Motions>,
    _caller: Scoped<scope::ConfigRead>,
    Paged { page, .. }: Paged<NoFilter>,
) -> Result<Json<Page<PolicyWire>>, Problem> {
    let rows = store::list_policies(&motions.pool, page.after()?, page.fetch()).await?;
    let key = |row: &PolicyRow| (row.created_at, row.version.clone());
    Ok(Json(page.cut(rows, key, |row| PolicyWire::new(row, false))))
}

/// Read a policy version
#[utoipa::path(
    get, path = "/v1/policies/{version}", tag = "policies", operation_id = "get_policy",
    security(("api_key" = ["config:read"])),
    params(("version" = String, Path, description = "The version.")),
    responses(
        (status = 200, body = PolicyWire, description = "The version with its file."),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json", description = "There is no such version."),
    )
)]
pub async fn get_policy(
    State(motions): State<Motions>,
    _caller: Scoped<scope::ConfigRead>,
    Path(version): Path<String>,
) -> Result<Json<PolicyWire>, Problem> {
    let row = store::find_policy(&motions.pool, &version).await?.ok_or(MotionError::NoPolicy(version))?;
    Ok(Json(PolicyWire::new(row, true)))
}

/// Store a policy
///
/// The file is checked first: every fault comes back with line, column, path and a suggestion, and nothing is
/// stored. The same content gives the same version. Storing does not put it in force.
#[utoipa::path(
    post, path = "/v1/policies", tag = "policies", operation_id = "add_policy",
    security(("api_key" = ["config:write"])),
    request_body(
        description = "The policy file.",
        content((String = "application/toml"), (serde_json::Value = "application/json"))
    ),
    responses(
        (status = 200, body = PolicyWire, description = "This content was stored before."),
        (status = 201, body = PolicyWire, description = "Stored."),
        (status = 422, body = ProblemDocument, content_type = "application/problem+json", description = "Every fault is named."),
    )
)]
pub async fn add_policy(
    State(motions): State<Motions>,
    caller: Scoped<scope::ConfigWrite>,
    headers: HeaderMap,
    RawBody(body): RawBody,
) -> Result<(StatusCode, Json<PolicyWire>), Problem> {
    let (text, format) = policy_file(&headers, &body)?;
    let now = motions.clock.now();
    let (row, new) = motions.policies.add(&motions.pool, text, format, &caller.actor(), now).await?;
    let status = if new { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, Json(PolicyWire::new(row, false))))
}

/// What a check found.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct PolicyCheck {
    /// The version that the content would have.
    pub version: String,
    pub name: String,
}

/// Check a policy without storing it
#[utoipa::path(
    post, path = "/v1/policies/check", tag = "policies", operation_id = "check_policy",
    security(("api_key" = ["config:read"])),
    request_body(
        description = "The policy file.",
        content((String = "application/toml"), (serde_json::Value = "application/json"))
    ),
    responses(
        (status = 200, body = PolicyCheck, description = "No faults."),
        (status = 422, body = ProblemDocument, content_type = "application/problem+json", description = "Every fault is named."),
    )
)]
pub async fn check_policy(
    _caller: Scoped<scope::ConfigRead>,
    headers: HeaderMap,
    RawBody(body): RawBody,
) -> Result<Json<PolicyCheck>, Problem> {
    let (text, format) = policy_file(&headers, &body)?;
    let policy = Policy::compile(text, format).map_err(|faults| PolicyFaults(faults).problem())?;
    Ok(Json(PolicyCheck { version: policy.version().to_owned(), name: policy.name().to_owned() }))
}

/// Put a policy version in force
///
/// For all replicas, from the next decision on, without a restart. Recorded in the audit log.
#[utoipa::path(
    post, path = "/v1/policies/{version}/activate", tag = "policies", operation_id = "activate_policy",
    security(("api_key" = ["config:write"])),
    params(("version" = String, Path, description = "The version.")),
    responses(
        (status = 200, body = PolicyWire, description = "In force."),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json", description = "There is no such version."),
    )
)]
pub async fn activate_policy(
    State(motions): State<Motions>,
    caller: Scoped<scope::ConfigWrite>,
    Path(version): Path<String>,
) -> Result<Json<PolicyWire>, Problem> {
    let now = motions.clock.now();
    let row = motions.policies.activate(&motions.pool, &version, &caller.actor(), now).await?;
    Ok(Json(PolicyWire::new(row, false)))
}

/// The words that conditions may use
///
/// Name, type, unit, meaning and possible values of each.
#[utoipa::path(
    get, path = "/v1/policies/vocabulary", tag = "policies", operation_id = "get_vocabulary",
    security(("api_key" = ["config:read"])),
    responses((status = 200, body = Vec<WordEntry>, description = "The vocabulary."))
)]
pub async fn get_vocabulary(_caller: Scoped<scope::ConfigRead>) -> Json<Vec<WordEntry>> {
    Json(vocabulary())
}

/// The text of a policy file and its format, which the content type says; TOML when it says nothing.
fn policy_file<'b>(headers: &HeaderMap, body: &'b [u8]) -> Result<(&'b str, Format), Problem> {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let format = if kind.to_ascii_lowercase().contains("json") { Format::Json } else { Format::Toml };
    let text = std::str::from_utf8(body).map_err(|error| {
        Problem::bad_request("unreadable_body", "The policy must be UTF-8 text.").because(error)
    })?;
    Ok((text, format))
}
