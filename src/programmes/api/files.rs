//! The files of a workspace, and all of it as an archive.

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::wire::{ProgrammeFileWire, Whole};
use crate::platform::http::{Json, Path, Problem, ProblemDocument, Query, Scoped, scope};
use crate::programmes::commands::{HandedFile, Programmes, Revision};
use crate::programmes::deliverable::Deliverable;

/// List the files of a programme
///
/// All of them in their newest versions, by path.
#[utoipa::path(
    get, path = "/v1/programmes/{programmeId}/files", tag = "programmes", operation_id = "list_programme_files",
    security(("api_key" = ["plans:read"])),
    params(("programmeId" = Uuid, Path, description = "The programme.")),
    responses(
        (status = 200, body = Whole<ProgrammeFileWire>, description = "By path."),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json", description = "There is no such programme."),
    )
)]
pub async fn list_programme_files(
    State(programmes): State<Programmes>,
    _caller: Scoped<scope::PlansRead>,
    Path(id): Path<Uuid>,
) -> Result<Json<Whole<ProgrammeFileWire>>, Problem> {
    let view = programmes.read(id).await?;
    Ok(Json(Whole { data: view.files.iter().map(ProgrammeFileWire::from).collect() }))
}

/// Which version.
#[derive(Debug, Clone, Copy, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields, default)]
pub struct FileVersion {
    /// The newest when left out.
    #[param(minimum = 1)]
    version: Option<i32>,
}

/// Read a file of a programme
///
/// Its path is that below the root of the workspace, such as `strategy/gtm-strategy.md`; `CONFIG.md` is the configuration.
#[utoipa::path(
    get, path = "/v1/programmes/{programmeId}/files/{*path}", tag = "programmes", operation_id = "get_programme_file",
    security(("api_key" = ["plans:read"])),
    params(
        ("programmeId" = Uuid, Path, description = "The programme."),
        ("path" = String, Path, description = "The path, with its slashes."),
        FileVersion,
    ),
    responses(
        (status = 200, description = "The file.", content((String = "text/markdown"), (String = "image/svg+xml"))),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json", description = "There is no such file."),
    )
)]
pub async fn get_programme_file(
    State(programmes): State<Programmes>,
    _caller: Scoped<scope::PlansRead>,
    Path((id, path)): Path<(Uuid, String)>,
    Query(query): Query<FileVersion>,
) -> Result<Response, Problem> {
    let file = programmes.file(id, &path, query.version).await?;
    let svg = std::path::Path::new(&file.path).extension().is_some_and(|ending| ending == "svg");
    let content_type = if svg { "image/svg+xml" } else { "text/markdown; charset=utf-8" };
    let headers = [
        (header::CONTENT_TYPE, content_type),
        // What others wrote is shown, never run.
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; style-src 'unsafe-inline'; sandbox"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    Ok((headers, file.content).into_response())
}

/// A new version of a deliverable.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FileBody {
    deliverable: Option<Deliverable>,
    /// The whole file with its head.
    text: Option<String>,
    /// The conflict whose decision is applied by it.
    conflict: Option<i32>,
    why: String,
}

/// The version that was made.
#[derive(Debug, Serialize, ToSchema)]
pub struct FilePut {
    path: String,
    version: i32,
}

/// Put a new version of a deliverable
///
/// By its agent or by a person. It is checked as what workers hand in, committed, and gates that wait are looked at again.
#[utoipa::path(
    put, path = "/v1/programmes/{programmeId}/files/{*path}", tag = "programmes", operation_id = "put_programme_file",
    security(("api_key" = ["plans:write"])),
    params(
        ("programmeId" = Uuid, Path, description = "The programme."),
        ("path" = String, Path, description = "The path, with its slashes."),
    ),
    request_body = FileBody,
    responses(
        (status = 200, body = FilePut, description = "The version that was made."),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json", description = "There is no such deliverable."),
        (status = 409, body = ProblemDocument, content_type = "application/problem+json", description = "The conflict is not decided, or not about this file."),
        (status = 422, body = ProblemDocument, content_type = "application/problem+json", description = "Every fault is named."),
    )
)]
pub async fn put_programme_file(
    State(programmes): State<Programmes>,
    caller: Scoped<scope::PlansWrite>,
    Path((id, path)): Path<(Uuid, String)>,
    Json(body): Json<FileBody>,
) -> Result<Json<FilePut>, Problem> {
    let file = HandedFile { path: None, deliverable: body.deliverable, text: body.text };
    let revision =
        Revision { path: path.clone(), file, conflict: body.conflict, why: body.why, by: caller.actor() };
    let version = programmes.revise_file(id, revision).await?;
    Ok(Json(FilePut { path, version }))
}

/// Read the workspace of a programme
///
/// A git repository in a `tar.gz`: the branches, commits and merges of the run. The same run gives the same commits.
#[utoipa::path(
    get, path = "/v1/programmes/{programmeId}/archive.tar.gz", tag = "programmes", operation_id = "get_programme_archive",
    security(("api_key" = ["plans:read"])),
    params(("programmeId" = Uuid, Path, description = "The programme.")),
    responses(
        (status = 200, description = "The archive.", content((String = "application/gzip"))),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json", description = "There is no such programme."),
    )
)]
pub async fn get_programme_archive(
    State(programmes): State<Programmes>,
    _caller: Scoped<scope::PlansRead>,
    Path(id): Path<Uuid>,
) -> Result<Response, Problem> {
    let packed = programmes.archive(id).await?;
    let name = format!("attachment; filename=\"programme-{id}.tar.gz\"");
    let headers =
        [(header::CONTENT_TYPE, "application/gzip".to_owned()), (header::CONTENT_DISPOSITION, name)];
    Ok((headers, packed).into_response())
}
