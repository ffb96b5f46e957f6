//! Handoffs as a table for a spreadsheet.
//!
//! Promises: however many there are, a page of them is in memory at a time; a cell that somebody wrote is text for a
//! spreadsheet too and never a formula; instants are RFC 3339 in UTC. An export that breaks off ends without its last
//! chunk, which clients tell as an error.

use axum::body::Body;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use futures_util::stream;

use super::handoffs::HandoffQuery;
use crate::handoffs::assign::Roster;
use crate::handoffs::commands::{HandoffError, Handoffs};
use crate::handoffs::handoff::{Handoff, Status};
use crate::handoffs::store::HandoffFilter;
use crate::kernel::clock::DateTime;
use crate::platform::http::{Problem, Query, Scoped, scope};

/// Rows that are read at a time.
const ROWS: i64 = 200;

const COLUMNS: [&str; 29] = [
    "handoff_id",
    "type",
    "status",
    "account_id",
    "deal_id",
    "segment",
    "urgency",
    "from_team",
    "to_team",
    "previous_owner",
    "owner_id",
    "owner_name",
    "owner_email",
    "sla_deadline",
    "overdue",
    "breached_at",
    "completeness",
    "missing",
    "held_for",
    "reassignments",
    "fell_back",
    "created_at",
    "assigned_at",
    "acknowledged_at",
    "contacted_at",
    "meeting_at",
    "closed_at",
    "close_reason",
    "nps",
];

/// Export handoffs
///
/// As CSV with a header, newest first, by the filters of the list and without its limit. Lists in a cell are separated by
/// `;`.
#[utoipa::path(
    get, path = "/v1/handoffs/export", tag = "handoffs", operation_id = "export_handoffs",
    security(("api_key" = ["handoffs:read"])),
    params(HandoffQuery),
    extensions(("x-timeout-seconds" = json!(900))),
    responses((status = 200, description = "All that the filters let through.", body = String, content_type = "text/csv"))
)]
pub async fn export_handoffs(
    State(handoffs): State<Handoffs>,
    _caller: Scoped<scope::HandoffsRead>,
    Query(query): Query<HandoffQuery>,
) -> Result<Response, Problem> {
    let now = handoffs.clock.now();
    let roster = handoffs.roster().await?;
    // The first page is read before the answer begins: what is wrong at once is told as a problem.
    let filter = HandoffFilter { limit: ROWS, ..query.filter(now) };
    let first = handoffs.list(&filter).await?;
    let state = Some((Some(first), true, filter));
    let pages = stream::try_unfold(state, move |state| {
        let (handoffs, roster) = (handoffs.clone(), roster.clone());
        async move {
            let Some((page, heads, mut filter)) = state else { return Ok::<_, HandoffError>(None) };
            let page = match page {
                Some(page) => page,
                None => handoffs.list(&filter).await?,
            };
            let text = table(&page, &roster.roster, heads, now);
            filter.before = page.last().map(|last| last.id);
            let more = i64::try_from(page.len()).unwrap_or(ROWS) >= ROWS;
            Ok(Some((text, more.then_some((None, false, filter)))))
        }
    });
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"handoffs.csv\""),
    ];
    Ok((headers, Body::from_stream(pages)).into_response())
}

/// Some rows, below the header where it is wanted.
fn table(rows: &[Handoff], roster: &Roster, heads: bool, now: DateTime) -> Vec<u8> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let lines = heads.then(|| COLUMNS.map(str::to_owned)).into_iter();
    for line in lines.chain(rows.iter().map(|row| cells(row, roster, now).map(|cell| harmless(&cell)))) {
        // Writing into memory does not fail, and every line has as many cells.
        writer.write_record(&line).unwrap_or_default();
    }
    writer.into_inner().unwrap_or_default()
}

fn cells(row: &Handoff, roster: &Roster, now: DateTime) -> [String; 29] {
    let owner = row.owner_id.as_ref().and_then(|id| roster.rep(id.as_str()));
    let at = |at: Option<DateTime>| at.map(|at| at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true));
    let text = |text: Option<String>| text.unwrap_or_default();
    let waits = matches!(row.status, Status::Assigned | Status::Acknowledged);
    let missing: Vec<&str> = row.missing.iter().map(|missing| missing.field.as_str()).collect();
    let holds: Vec<&str> = row.held_for.iter().flatten().map(|hold| hold.code.name()).collect();
    [
        row.id.to_string(),
        row.handoff_type.clone(),
        row.status.name().to_owned(),
        row.account_id.clone(),
        text(row.deal_id.clone()),
        row.segment.clone(),
        row.urgency.name().to_owned(),
        row.from_team.clone(),
        row.to_team.clone(),
        text(row.previous_owner.clone()),
        text(row.owner_id.as_ref().map(ToString::to_string)),
        text(owner.map(|owner| owner.name.clone())),
        text(owner.map(|owner| owner.email.clone())),
        text(at(row.due_at)),
        (waits && row.due_at.is_some_and(|due| due <= now)).to_string(),
        text(at(row.breached_at)),
        row.completeness.to_string(),
        missing.join(";"),
        holds.join(";"),
        row.reassignments.to_string(),
        row.fell_back.to_string(),
        text(at(Some(row.created_at))),
        text(at(row.assigned_at)),
        text(at(row.acknowledged_at)),
        text(at(row.contacted_at)),
        text(at(row.meeting_at)),
        text(at(row.closed_at)),
        text(row.close_reason.clone()),
        text(row.nps.map(|nps| nps.to_string())),
    ]
}

/// A cell as text: spreadsheets take one that begins like a formula for one.
fn harmless(cell: &str) -> String {
    if cell.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{cell}") } else { cell.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_somebody_wrote_is_never_a_formula() {
        for formula in ["=HYPERLINK(A1)", "+1", "-1", "@SUM(A1)", "\tx"] {
            assert_eq!(harmless(formula), format!("'{formula}"));
        }
        assert_eq!(harmless("a = b"), "a = b");
    }
}
