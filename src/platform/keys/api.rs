//! `/v1/keys`: making, listing and ending keys.
//!
//! A new key is shown once. A repeat under the same `Idempotency-Key` must give the same answer, yet no key may be
//! stored. So the key is computed, as HMAC-SHA-256 over a random salt with the maker's own key as secret; handler and
//! stored answer carry the salt in its place, and [`reveal`], outside of both, puts in the key. The database alone
//! knows the salt (for a day) and no key; the maker alone knows the key that is the secret and no salt; so neither
//! has the new key without the other.

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::Sha256;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::{spell, store};
use crate::kernel::clock::DateTime;
use crate::kernel::ids::{check_caller_id, new_id};
use crate::kernel::json::sha256;
use crate::platform::audit::{self, Entry};
use crate::platform::db;
use crate::platform::http::{
    Claim, Created, Fault, IdempotencyParams, Json, NoFilter, Page, PageParams, Paged, Path, Platform,
    Problem, Scope, Scoped, auth, scope,
};

/// The path of the keys, which [`reveal`] watches.
const PATH: &str = "/v1/keys";

/// A key, without the key itself.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct KeyView {
    /// The public id of the key; the actor `key:<id>` in the audit log.
    pub id: Uuid,
    /// What it is for, in its maker's words.
    pub label: String,
    /// What it may be used for.
    pub scopes: Vec<Scope>,
    /// When it was made.
    pub created_at: DateTime,
    /// The actor that made it.
    pub created_by: String,
    /// When it ends by itself.
    #[schema(required = true)]
    pub expires_at: Option<DateTime>,
    /// When it was ended.
    #[schema(required = true)]
    pub revoked_at: Option<DateTime>,
    /// When it was last used, to the minute.
    #[schema(required = true)]
    pub last_used_at: Option<DateTime>,
    /// The rep whom it acts for.
    #[schema(required = true)]
    pub rep_id: Option<String>,
}

impl From<store::Row> for KeyView {
    fn from(row: store::Row) -> Self {
        Self {
            id: row.id,
            label: row.label,
            scopes: row.scopes.iter().filter_map(|name| Scope::parse(name)).collect(),
            created_at: row.created_at,
            created_by: row.created_by,
            expires_at: row.expires_at,
            revoked_at: row.revoked_at,
            last_used_at: row.last_used_at,
            rep_id: row.rep_id,
        }
    }
}

/// A new key.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct NewKey {
    /// The key. This is the only time it is shown.
    #[schema(example = "gtm_3q2-7w…")]
    key: String,
    #[serde(flatten)]
    view: KeyView,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct KeyRequest {
    /// What it is for.
    #[schema(min_length = 1, max_length = 200)]
    label: String,
    /// What it may be used for.
    #[schema(min_items = 1)]
    scopes: Vec<Scope>,
    /// When it ends by itself.
    expires_at: Option<DateTime>,
    /// The rep whom it acts for: what a rep may do as somebody's lead, the key may then too. Whether there is such a rep
    /// is seen when it is used.
    rep_id: Option<String>,
}

impl KeyRequest {
    fn check(&self, now: DateTime) -> Result<(), Problem> {
        let length = self.label.trim().chars().count();
        let wrong = [
            (!(1..=200).contains(&length), "#/label", "must have 1 to 200 characters"),
            (self.label.contains('\0'), "#/label", "must not contain a NUL character"),
            (self.scopes.is_empty(), "#/scopes", "must name at least one scope"),
            (self.expires_at.is_some_and(|end| end <= now), "#/expiresAt", "must lie in the future"),
        ];
        let mut faults: Vec<_> =
            wrong.into_iter().filter(|fault| fault.0).map(|fault| Fault::new(fault.1, fault.2)).collect();
        if let Some(Err(error)) = self.rep_id.as_deref().map(check_caller_id) {
            faults.push(Fault::new("#/repId", error.to_string()));
        }
        if faults.is_empty() { Ok(()) } else { Err(Problem::invalid(faults)) }
    }
}

/// The routes.
pub fn routes() -> OpenApiRouter<Platform> {
    OpenApiRouter::new().routes(routes!(list, create)).routes(routes!(revoke))
}

/// The keys, newest first; ended ones too.
#[utoipa::path(get, path = PATH, operation_id = "listKeys", tag = "operations",
    params(PageParams), security(("api_key" = ["admin"])),
    responses((status = 200, description = "One page.", body = Page<KeyView>)))]
async fn list(
    _caller: Scoped<scope::Admin>,
    State(platform): State<Platform>,
    Paged { page, .. }: Paged<NoFilter>,
) -> Result<Json<Page<KeyView>>, Problem> {
    let rows = store::list(&platform.pool, page.after()?, page.fetch()).await?;
    Ok(Json(page.cut(rows, |row| row.id, KeyView::from)))
}

/// Makes a key.
#[utoipa::path(post, path = PATH, operation_id = "createKey", tag = "operations",
    params(IdempotencyParams), security(("api_key" = ["admin"])), request_body = KeyRequest,
    responses((status = 201, description = "The key, shown this once.", body = NewKey)))]
async fn create(
    caller: Scoped<scope::Admin>,
    State(platform): State<Platform>,
    claim: Option<Claim>,
    headers: axum::http::HeaderMap,
    Json(request): Json<KeyRequest>,
) -> Result<Created<NewKey>, Problem> {
    let now = platform.clock.now();
    request.check(now)?;
    let salt = URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>());
    let key = derive(auth::bearer(&headers)?, &salt)?;
    let row = row_of(&request, caller.actor(), now);
    let details =
        json!({ "label": row.label, "scopes": row.scopes, "expiresAt": row.expires_at, "repId": row.rep_id });
    let entry = Entry::new(caller.actor(), "key.created", format!("key:{}", row.id), details);
    let mut tx = db::begin(&platform.pool).await?;
    store::insert(&mut tx, &row, &sha256(key.as_bytes()), "api").await?;
    audit::append(&mut tx, audit::SYSTEM, now, &[entry]).await?;
    let location = format!("{PATH}/{}", row.id);
    let body = NewKey { key: salt, view: row.into() };
    if let Some(claim) = claim {
        claim.keep(&mut tx, StatusCode::CREATED, &body).await?;
    }
    tx.commit().await?;
    Ok(Created { location, body })
}

fn row_of(request: &KeyRequest, created_by: String, now: DateTime) -> store::Row {
    let mut scopes: Vec<_> = request.scopes.iter().map(|scope| scope.as_str().to_owned()).collect();
    scopes.sort_unstable();
    scopes.dedup();
    store::Row {
        id: new_id(now),
        label: request.label.trim().to_owned(),
        scopes,
        created_at: now,
        created_by,
        expires_at: request.expires_at.map(crate::kernel::clock::truncate),
        revoked_at: None,
        last_used_at: None,
        rep_id: request.rep_id.clone(),
    }
}

/// Ends a key. Ending an ended key changes nothing. The last live admin key cannot be ended.
#[utoipa::path(delete, path = "/v1/keys/{id}", operation_id = "revokeKey", tag = "operations",
    params(("id" = Uuid, Path, description = "The public id of the key.")),
    security(("api_key" = ["admin"])),
    responses((status = 204, description = "The key has ended, here at once and everywhere within 5 seconds."),
              (status = 404, description = "There is no such key.", body = crate::platform::http::ProblemDocument,
               content_type = "application/problem+json"),
              (status = 409, description = "It is the last admin key.",
               body = crate::platform::http::ProblemDocument, content_type = "application/problem+json")))]
async fn revoke(
    caller: Scoped<scope::Admin>,
    State(platform): State<Platform>,
    Path(id): Path<Uuid>,
) -> Result<StatusCode, Problem> {
    let now = platform.clock.now();
    let mut tx = db::begin(&platform.pool).await?;
    // Two revocations at once must not end the last two admin keys.
    store::lock_first_start(&mut tx).await?;
    if store::revoke(&mut tx, id, now).await? {
        if !store::has_admin(&mut tx, now).await? {
            let detail = "This is the last admin key; make another before you end it.";
            return Err(Problem::conflict("last_admin_key", detail));
        }
        let entry = Entry::new(caller.actor(), "key.revoked", format!("key:{id}"), json!({}));
        audit::append(&mut tx, audit::SYSTEM, now, &[entry]).await?;
    } else if !store::exists(&mut tx, id).await? {
        return Err(Problem::not_found("key", id));
    }
    tx.commit().await?;
    platform.keys.forget(id);
    Ok(StatusCode::NO_CONTENT)
}

/// The key that a maker's key and a salt give.
fn derive(maker: &str, salt: &str) -> Result<String, Problem> {
    let mut mac = Hmac::<Sha256>::new_from_slice(maker.as_bytes()).map_err(Problem::internal)?;
    mac.update(b"gtm api key\0");
    mac.update(salt.as_bytes());
    Ok(spell(&mac.finalize().into_bytes().into()))
}

/// The layer that turns the salt in the answer to a creation into the key, for a fresh and a repeated answer alike.
/// It lies outside of the idempotency keys; see the head of this file.
pub(in crate::platform) async fn reveal<F>(request: Request, next: impl FnOnce(Request) -> F) -> Response
where
    F: Future<Output = Response>,
{
    let creation = request.method() == axum::http::Method::POST && request.uri().path() == PATH;
    let maker = creation.then(|| auth::bearer(request.headers()).map(str::to_owned)).and_then(Result::ok);
    let response = next(request).await;
    match maker {
        Some(maker) if response.status() == StatusCode::CREATED => {
            revealed(response, &maker).await.unwrap_or_else(IntoResponse::into_response)
        }
        _ => response,
    }
}

async fn revealed(response: Response, maker: &str) -> Result<Response, Problem> {
    let (mut parts, body) = response.into_parts();
    let body = axum::body::to_bytes(body, 1 << 16).await.map_err(Problem::internal)?;
    let mut answer: Value = serde_json::from_slice(&body).map_err(Problem::internal)?;
    answer["key"] = derive(maker, answer["key"].as_str().unwrap_or_default())?.into();
    parts.headers.remove(header::CONTENT_LENGTH);
    Ok(Response::from_parts(parts, Body::from(answer.to_string())))
}
