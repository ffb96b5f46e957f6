//! Finding the account that a person or company belongs to, and correcting what was found.

use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::accounts::matching::{Match, Query};
use crate::accounts::{Accounts, commands};
use crate::kernel::ids::AccountId;
use crate::platform::http::{Fault, Json, Problem, ProblemDocument, Scoped, scope};

/// What is known of the person or company. At least one of id, domain, e-mail and name.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct MatchBody {
    /// An id by which the account may be known.
    account_id: Option<String>,
    domain: Option<String>,
    /// Its domain counts, unless it is a free-mail domain.
    email: Option<String>,
    /// The company's name.
    name: Option<String>,
    country: Option<String>,
    region: Option<String>,
}

/// The accounts that could be meant.
#[derive(Debug, Serialize, ToSchema)]
pub struct MatchAnswer {
    /// What candidates and corrections are looked up by; the first one is the surest.
    pub keys: Vec<String>,
    /// Best first, with the reasons in points.
    pub matches: Vec<Match>,
}

impl From<MatchBody> for Query {
    fn from(body: MatchBody) -> Self {
        Self {
            account_id: body.account_id,
            domain: body.domain,
            email: body.email,
            name: body.name,
            country: body.country,
            region: body.region,
            pinned: None,
            ruled_out: Vec::new(),
        }
    }
}

/// Find the account of a person or company
///
/// By id, domain and name, with candidates, reasons and tie-breaks. What a person has corrected stands first.
#[utoipa::path(
    post, path = "/v1/matches", tag = "accounts", operation_id = "find_matches",
    security(("api_key" = ["decisions:read"])),
    request_body = MatchBody,
    responses((status = 200, body = MatchAnswer, description = "Candidates, best first; none when nothing fits."))
)]
pub async fn find_matches(
    State(accounts): State<Accounts>,
    _caller: Scoped<scope::DecisionsRead>,
    Json(body): Json<MatchBody>,
) -> Result<Json<MatchAnswer>, Problem> {
    let query = Query::from(body);
    let keys = query.keys();
    if keys.is_empty() {
        return Err(Problem::invalid(vec![nothing_to_go_by()]));
    }
    let matches = commands::find_matches(&accounts, query).await?;
    Ok(Json(MatchAnswer { keys, matches }))
}

/// A correction: this belongs to that account, or does not.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct CorrectionBody {
    /// What is known of the person or company; its surest key is corrected.
    query: MatchBody,
    #[schema(value_type = String)]
    account_id: AccountId,
    /// False: it does not belong to that account.
    #[serde(default = "yes")]
    belongs: bool,
    /// Why.
    note: String,
    /// Say what would be moved and write nothing.
    #[serde(default)]
    dry_run: bool,
}

fn yes() -> bool {
    true
}

/// What a correction moved, or would move.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CorrectionAnswer {
    /// What candidates and corrections are looked up by; the first one is corrected.
    pub keys: Vec<String>,
    /// What the same query finds now; in a dry run, without the correction.
    pub matches: Vec<Match>,
    /// Nothing was written.
    pub dry_run: bool,
    #[serde(flatten)]
    pub rerouted: Rerouted,
}

/// Events that found another account.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Rerouted {
    /// Unmatched events that found their account.
    pub matched: usize,
    /// Events that leave the account that they had been matched to, by account.
    pub moved: Vec<MovedAwayWire>,
}

/// Events that leave an account.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MovedAwayWire {
    /// The account that they leave.
    pub account_id: String,
    pub events: usize,
    /// The accounts that they go to.
    pub to: Vec<String>,
    /// Of these events: those that wait among the unmatched ones again.
    pub unmatched: usize,
    /// Whether the account was rebuilt without them. False when part of what it learned rests on raw events that
    /// are no longer kept: then it keeps what it learned, from the moved events too, until newer events say
    /// otherwise; their notes and touches go in either case.
    pub rebuilt: bool,
}

impl From<commands::Corrected> for Rerouted {
    fn from(corrected: commands::Corrected) -> Self {
        let wire = |moved: commands::MovedAway| MovedAwayWire {
            account_id: moved.account_id,
            events: moved.events,
            to: moved.to.into_iter().collect(),
            unmatched: moved.unmatched,
            rebuilt: moved.rebuilt,
        };
        Self { matched: corrected.matched, moved: corrected.moved.into_iter().map(wire).collect() }
    }
}

/// Correct a match
///
/// The correction sticks: it wins over every rule until it is corrected again. Events that came without an account
/// id and went to the wrong account by this key move, and both accounts are looked at again. `dryRun` shows
/// beforehand what would move. Recorded in the audit log of every account concerned.
#[utoipa::path(
    post, path = "/v1/matches/corrections", tag = "accounts", operation_id = "correct_match",
    security(("api_key" = ["events:write"])),
    request_body = CorrectionBody,
    responses(
        (status = 200, body = CorrectionAnswer, description = "The preview, with dryRun."),
        (status = 201, body = CorrectionAnswer, description = "Corrected."),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json", description = "There is no such account."),
    )
)]
pub async fn correct_match(
    State(accounts): State<Accounts>,
    caller: Scoped<scope::EventsWrite>,
    Json(body): Json<CorrectionBody>,
) -> Result<(StatusCode, Json<CorrectionAnswer>), Problem> {
    let query = Query::from(body.query);
    let keys = query.keys();
    let Some(key) = keys.first() else { return Err(Problem::invalid(vec![nothing_to_go_by()])) };
    let correction = commands::Correction {
        key,
        account_id: body.account_id.as_str(),
        belongs: body.belongs,
        note: reason(&body.note)?,
        by: &caller.actor(),
    };
    let Some(corrected) = commands::correct_match(&accounts, &correction, body.dry_run).await? else {
        return Err(Problem::not_found("account", body.account_id));
    };
    let matches = commands::find_matches(&accounts, query).await?;
    let status = if body.dry_run { StatusCode::OK } else { StatusCode::CREATED };
    let answer = CorrectionAnswer { keys, matches, dry_run: body.dry_run, rerouted: corrected.into() };
    Ok((status, Json(answer)))
}

/// The reason that a person gives.
pub(super) fn reason(note: &str) -> Result<&str, Problem> {
    let note = note.trim();
    if note.is_empty() || note.len() > 2_000 {
        let detail = "must say why, in 1 to 2,000 characters";
        return Err(Problem::invalid(vec![Fault::new("#/note", detail)]));
    }
    Ok(note)
}

fn nothing_to_go_by() -> Fault {
    Fault::new("#", "must hold an accountId, a domain, an e-mail address that is no free mail, or a name")
}
