//! Policies: checked, stored by content, read. How they come into force is in `policy_changes.rs`.

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::policy_changes::PolicyReview;
use crate::kernel::clock::DateTime;
use crate::motions::commands::{AddAsk, Motions, PolicyFaults, PolicyView};
use crate::motions::policy::{Format, Policy, WordEntry, vocabulary};
use crate::motions::store::{self, PolicyRow};
use crate::platform::http::{
    Json, NoFilter, Page, PageParams, Paged, Path, Problem, ProblemDocument, Query, RawBody, Scoped, scope,
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
    /// When it comes into force, where it waits for that.
    #[schema(required = true)]
    pub scheduled_at: Option<DateTime>,
    pub created_at: DateTime,
    pub created_by: String,
    /// Who made it, by name, where they gave it.
    #[schema(required = true)]
    pub author: Option<String>,
    /// `toml` or `json`.
    pub format: String,
    /// The file as it was given; left out in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    pub body: Option<String>,
    /// What was said of it, the first one first; left out in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    pub reviews: Option<Vec<PolicyReview>>,
}

impl PolicyWire {
    fn line(row: PolicyRow) -> Self {
        Self {
            version: row.version,
            name: row.name,
            active: row.active,
            activated_at: row.activated_at,
            scheduled_at: row.scheduled_at,
            created_at: row.created_at,
            created_by: row.created_by,
            author: row.author,
            format: row.format,
            body: None,
            reviews: None,
        }
    }

    /// With what was said of it.
    pub fn reviewed(view: PolicyView) -> Self {
        let reviews = view.reviews.into_iter().map(PolicyReview::from).collect();
        Self { reviews: Some(reviews), ..Self::line(view.row) }
    }

    fn whole(mut view: PolicyView) -> Self {
        let body = std::mem::take(&mut view.row.body);
        Self { body: Some(body), ..Self::reviewed(view) }
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
    Ok(Json(page.cut(rows, key, PolicyWire::line)))
}

/// Read a policy version
#[utoipa::path(
    get, path = "/v1/policies/{version}", tag = "policies", operation_id = "get_policy",
    security(("api_key" = ["config:read"])),
    params(("version" = String, Path, description = "The version.")),
    responses(
        (status = 200, body = PolicyWire, description = "The version with its file and its reviews."),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json", description = "There is no such version."),
    )
)]
pub async fn get_policy(
    State(motions): State<Motions>,
    _caller: Scoped<scope::ConfigRead>,
    Path(version): Path<String>,
) -> Result<Json<PolicyWire>, Problem> {
    Ok(Json(PolicyWire::whole(motions.read_policy(&version).await?)))
}

/// Who made a policy.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct AddParams {
    /// Who made it, by name: they do not review it. Kept with the version when it is stored first.
    author: Option<String>,
}

/// Store a policy
///
/// The file is checked first: every fault comes back with line, column, path and a suggestion, and nothing is
/// stored. The same content gives the same version. Storing does not put it in force.
#[utoipa::path(
    post, path = "/v1/policies", tag = "policies", operation_id = "add_policy",
    security(("api_key" = ["config:write"])),
    params(AddParams),
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
    Query(params): Query<AddParams>,
    headers: HeaderMap,
    RawBody(body): RawBody,
) -> Result<(StatusCode, Json<PolicyWire>), Problem> {
    let (text, format) = policy_file(&headers, &body)?;
    let now = motions.clock.now();
    let (actor, author) = (caller.actor(), params.author.as_deref());
    let ask = AddAsk { body: text, format, actor: &actor, author };
    let (row, new) = motions.policies.add(&motions.pool, &ask, now).await?;
    let status = if new { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, Json(PolicyWire::line(row))))
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
