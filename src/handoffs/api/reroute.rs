//! Many handoffs to others at once: a rep leaves, or work is shared out anew.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::wire::{Owner, owner};
use crate::handoffs::assign::Roster;
use crate::handoffs::assign::names::RepId;
use crate::handoffs::commands::Handoffs;
use crate::handoffs::handoff::{Handoff, Status, TurnEnd};
use crate::kernel::clock::DateTime;
use crate::platform::http::extract::parse;
use crate::platform::http::{
    Fault, IdempotencyParams, Json, Path, Problem, ProblemDocument, RawBody, Scoped, scope,
};

/// Handoffs that one call passes on: their accounts are held until all of them are.
const MANY: usize = 200;
/// The same for those of a leaver, whom the caller cannot ask for in parts.
const OFF_BOARDED_MAX: usize = 1_000;

/// Whether to do it.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub struct OffBoardBody {
    /// Say where everything would go and write nothing.
    dry_run: bool,
}

/// What is passed on.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct RerouteBody {
    /// 1 to 200 handoffs.
    handoff_ids: Vec<Uuid>,
    /// Say where everything would go and write nothing.
    #[serde(default)]
    dry_run: bool,
}

/// Where one handoff went, or would go.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct HandoffMove {
    pub handoff_id: Uuid,
    pub account_id: String,
    pub status: Status,
    /// Nobody, while it waits for somebody who can take it.
    #[schema(required = true)]
    pub to: Option<Owner>,
    #[schema(required = true)]
    pub sla_deadline: Option<DateTime>,
}

/// What was passed on, or would be.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RerouteAnswer {
    /// Nothing was written.
    pub dry_run: bool,
    pub moved: Vec<HandoffMove>,
    /// Handoffs that were left as they are, because nobody has them now.
    pub left: Vec<Uuid>,
}

/// A rep who leaves.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OffBoardAnswer {
    /// Nothing was written.
    pub dry_run: bool,
    /// At most 1,000 in one call.
    pub moved: Vec<HandoffMove>,
    /// How many more the rep has: call again.
    pub left: usize,
    /// Where the roster still names the rep, as sentences: handoffs pass these places by, and somebody should edit them.
    pub mentions: Vec<String>,
}

fn moved(handoffs: &[Handoff], roster: &Roster) -> Vec<HandoffMove> {
    let one = |handoff: &Handoff| HandoffMove {
        handoff_id: handoff.id,
        account_id: handoff.account_id.clone(),
        status: handoff.status,
        to: handoff.owner_id.as_ref().map(|id| owner(id.as_str(), roster)),
        sla_deadline: handoff.due_at,
    };
    handoffs.iter().map(one).collect()
}

/// Off-board a rep
///
/// From now on the rep is given nothing, and everything that the rep has open goes to others by the routing, up to 1,000
/// handoffs in one call; `left` says how many are still the rep's. The answer also names the places of the roster that still lead to the rep.
#[utoipa::path(
    post, path = "/v1/reps/{id}/offboard", tag = "handoffs", operation_id = "off_board_rep",
    security(("api_key" = ["config:write"])),
    params(("id" = String, Path, description = "The rep."), IdempotencyParams),
    request_body(content = Option<OffBoardBody>, description = "Nothing, or whether only to say."),
    responses(
        (status = 200, body = OffBoardAnswer, description = "What was passed on, or would be."),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json", description = "There is no such rep."),
    )
)]
pub async fn off_board_rep(
    State(handoffs): State<Handoffs>,
    caller: Scoped<scope::ConfigWrite>,
    Path(rep): Path<RepId>,
    RawBody(raw): RawBody,
) -> Result<Json<OffBoardAnswer>, Problem> {
    let body: OffBoardBody = if raw.is_empty() { OffBoardBody::default() } else { parse(&raw)? };
    let done = handoffs.off_board(&rep, OFF_BOARDED_MAX, body.dry_run, &caller.actor()).await?;
    let roster = handoffs.roster().await?;
    let moved = moved(&done.moved, &roster.roster);
    Ok(Json(OffBoardAnswer { dry_run: body.dry_run, moved, left: done.left, mentions: done.mentions }))
}

/// Pass handoffs on to others
///
/// Each to whoever is next by the routing as it is now, with a clock that begins anew; not to whoever has it. With
/// `dryRun` the answer is the same and nothing is written.
#[utoipa::path(
    post, path = "/v1/handoffs/reroute", tag = "handoffs", operation_id = "reroute_handoffs",
    security(("api_key" = ["handoffs:write"])),
    params(IdempotencyParams),
    request_body = RerouteBody,
    responses(
        (status = 200, body = RerouteAnswer, description = "What was passed on, or would be."),
        (status = 422, body = ProblemDocument, content_type = "application/problem+json", description = "Every fault is named."),
    )
)]
pub async fn reroute_handoffs(
    State(handoffs): State<Handoffs>,
    caller: Scoped<scope::HandoffsWrite>,
    Json(body): Json<RerouteBody>,
) -> Result<Json<RerouteAnswer>, Problem> {
    if body.handoff_ids.is_empty() || body.handoff_ids.len() > MANY {
        let detail = format!("must name 1 to {MANY} handoffs, names {}", body.handoff_ids.len());
        return Err(Problem::invalid(vec![Fault::new("#/handoffIds", detail)]));
    }
    let keys = handoffs.keys_of(&body.handoff_ids).await?;
    let by = caller.actor();
    let moves = handoffs.reroute(keys, TurnEnd::Reassigned, None, body.dry_run, &by).await?;
    let left = body.handoff_ids.iter().filter(|id| moves.iter().all(|one| one.id != **id)).copied().collect();
    let roster = handoffs.roster().await?;
    Ok(Json(RerouteAnswer { dry_run: body.dry_run, moved: moved(&moves, &roster.roster), left }))
}
