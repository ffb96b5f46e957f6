//! Absences of reps, with whoever stands in.

use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::handoffs::assign::names::{EntryId, RepId};
use crate::handoffs::commands::{Authority, Handoffs, NewAbsence, Noted};
use crate::kernel::clock::DateTime;
use crate::platform::http::{
    Created, Either, IdempotencyParams, Json, NoFilter, Page, PageParams, Paged, Path, Problem,
    ProblemDocument, Scope, Scoped, scope,
};

/// When a rep is away.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct AbsenceBody {
    /// May have passed.
    from: DateTime,
    /// Exclusive. Without it the absence lasts until it is ended.
    to: Option<DateTime>,
    /// The rep who stands in.
    cover: Option<String>,
    /// At most 500 characters.
    note: Option<String>,
}

/// An absence.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AbsenceWire {
    pub absence_id: Uuid,
    pub rep_id: String,
    pub from: DateTime,
    #[schema(required = true)]
    pub to: Option<DateTime>,
    #[schema(required = true)]
    pub cover: Option<String>,
    #[schema(required = true)]
    pub note: Option<String>,
    pub created_at: DateTime,
    pub created_by: String,
}

impl From<Noted> for AbsenceWire {
    fn from(noted: Noted) -> Self {
        Self {
            absence_id: noted.id,
            rep_id: noted.rep_id,
            from: noted.from_at,
            to: noted.to_at,
            cover: noted.cover,
            note: noted.note,
            created_at: noted.created_at,
            created_by: noted.created_by,
        }
    }
}

/// Whoever may note absences: those who configure everything, and a lead by a key that acts for them.
type Noting = Scoped<Either<scope::ConfigWrite, scope::HandoffsWrite>>;

/// Whose absences a caller may note.
fn authority(caller: &Noting) -> Result<Authority, Problem> {
    if caller.may(Scope::ConfigWrite) {
        return Ok(Authority::Everybody);
    }
    let lead = caller.rep_id.as_deref().and_then(|id| RepId::parse(id).ok());
    lead.map(Authority::Lead).ok_or_else(|| {
        let detail = "Without config:write a key notes absences only for the rep whom it acts for, and this one acts \
                      for nobody; make a key with repId.";
        Problem::forbidden("not_your_team", detail)
    })
}

/// List absences of a rep
///
/// The latest first, those that are over too.
#[utoipa::path(
    get, path = "/v1/reps/{id}/absences", tag = "roster", operation_id = "list_absences",
    security(("api_key" = ["config:read"])),
    params(("id" = String, Path, description = "The rep."), PageParams),
    responses(
        (status = 200, body = Page<AbsenceWire>, description = "Absences, the latest first."),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json", description = "There is no such rep."),
    )
)]
pub async fn list_absences(
    State(handoffs): State<Handoffs>,
    _caller: Scoped<scope::ConfigRead>,
    Path(rep): Path<EntryId>,
    Paged { page, .. }: Paged<NoFilter>,
) -> Result<Json<Page<AbsenceWire>>, Problem> {
    let rows = handoffs.absences(rep.as_str(), page.after()?, page.fetch()).await?;
    Ok(Json(page.cut(rows, |row| (row.from_at, row.id), AbsenceWire::from)))
}

/// Note an absence
///
/// From its beginning on the rep is given nothing and the cover is asked in the rep's place; at its end all is as
/// before by itself. Covers must not lead in a circle. A key with `handoffs:write` that acts for a team's lead may note
/// absences of the team's members and the lead's own.
#[utoipa::path(
    post, path = "/v1/reps/{id}/absences", tag = "roster", operation_id = "add_absence",
    security(("api_key" = ["config:write"]), ("api_key" = ["handoffs:write"])),
    params(("id" = String, Path, description = "The rep."), IdempotencyParams),
    request_body = AbsenceBody,
    responses(
        (status = 201, body = AbsenceWire, description = "Noted."),
        (status = 403, body = ProblemDocument, content_type = "application/problem+json", description = "The key neither has `config:write` nor acts for the lead of the rep's team."),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json", description = "There is no such rep."),
        (status = 422, body = ProblemDocument, content_type = "application/problem+json", description = "Every fault is named."),
    )
)]
pub async fn add_absence(
    State(handoffs): State<Handoffs>,
    caller: Noting,
    Path(rep): Path<EntryId>,
    Json(body): Json<AbsenceBody>,
) -> Result<Created<AbsenceWire>, Problem> {
    let AbsenceBody { from, to, cover, note } = body;
    let new = NewAbsence { from, to, cover, note };
    let authority = authority(&caller)?;
    let noted = handoffs.add_absence(rep.as_str(), new, &authority, &caller.actor()).await?;
    Ok(Created { location: format!("/v1/reps/{rep}/absences/{}", noted.id), body: noted.into() })
}

/// End an absence
///
/// Now; one that has not begun is removed, one that is over stays as it was.
#[utoipa::path(
    delete, path = "/v1/reps/{id}/absences/{absenceId}", tag = "roster", operation_id = "end_absence",
    security(("api_key" = ["config:write"]), ("api_key" = ["handoffs:write"])),
    params(
        ("id" = String, Path, description = "The rep."),
        ("absenceId" = Uuid, Path, description = "The absence."),
    ),
    responses(
        (status = 204, description = "It is over."),
        (status = 403, body = ProblemDocument, content_type = "application/problem+json", description = "The key neither has `config:write` nor acts for the lead of the rep's team."),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json", description = "The rep has no such absence."),
    )
)]
pub async fn end_absence(
    State(handoffs): State<Handoffs>,
    caller: Noting,
    Path((rep, id)): Path<(EntryId, Uuid)>,
) -> Result<StatusCode, Problem> {
    handoffs.end_absence(rep.as_str(), id, &authority(&caller)?, &caller.actor()).await?;
    Ok(StatusCode::NO_CONTENT)
}
