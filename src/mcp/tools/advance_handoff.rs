//! `advance_handoff`: what people do to a handoff.

use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::kernel::clock::DateTime;
use crate::mcp::calls::{Calls, Operations, Refusal};
use crate::mcp::schema::Schema;
use crate::mcp::tool::{Effect, Told, Tool, yes};
use crate::mcp::tools::show_handoff;
use crate::mcp::words::handoff;
use crate::platform::http::{Fault, Problem};

/// What is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = HandoffDeed)]
enum Action {
    Acknowledge,
    Contact,
    Meeting,
    Convert,
    Lose,
    Reject,
    Reassign,
    Cancel,
    Rollback,
    Release,
}

/// What is done to which handoff.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Input {
    /// The handoff, by its id as `list_handoffs` gives it.
    handoff_id: Uuid,
    /// acknowledge: its owner has seen it. contact: the customer was contacted, which meets the deadline. meeting: one is
    /// booked. convert or lose: how it ended. reject: the owner gives it back (reason needed). reassign: somebody else gets
    /// it. cancel: it is not needed any more. rollback: undo it, within 30 minutes of its making. release: a held one goes on
    /// although something is missing.
    action: Action,
    /// With contact: when it was, now when left out. With meeting: when the meeting is. RFC 3339, UTC.
    at: Option<DateTime>,
    /// With lose, cancel, rollback: why. With reject it is needed.
    #[schema(max_length = 1000)]
    reason: Option<String>,
    /// With convert: how likely the customer is to recommend us, 0 to 10.
    #[schema(minimum = 0, maximum = 10)]
    nps: Option<u8>,
    /// With reject: true (the default there) gives it to somebody else of the team, false sends it back to where it came from.
    reroute: Option<bool>,
    /// With reassign: the rep who gets it; whoever is next by the routing when left out.
    owner_id: Option<String>,
    /// True (the default): say how the handoff would then stand and write nothing. False: do it.
    #[serde(default = "yes")]
    #[schema(default = true)]
    dry_run: bool,
    /// Needed when dryRun is false: a fresh text, such as a UUID. A repeat with the same one does nothing twice.
    #[schema(min_length = 1, max_length = 255)]
    idempotency_key: Option<String>,
}

/// The calls of all actions, and what goes with each.
#[cfg(test)]
pub fn pairs() -> Vec<(&'static str, &'static [&'static str])> {
    use Action::{Acknowledge, Cancel, Contact, Convert, Lose, Meeting, Reassign, Reject, Release, Rollback};
    let all = [Acknowledge, Contact, Meeting, Convert, Lose, Reject, Reassign, Cancel, Rollback, Release];
    all.map(Action::call).to_vec()
}

impl Action {
    /// The call behind it, and what goes with it.
    fn call(self) -> (&'static str, &'static [&'static str]) {
        match self {
            Self::Acknowledge => ("acknowledge_handoff", &[]),
            Self::Contact => ("contact_handoff", &["at"]),
            Self::Meeting => ("book_handoff_meeting", &["at"]),
            Self::Convert => ("convert_handoff", &["nps"]),
            Self::Lose => ("lose_handoff", &["reason"]),
            Self::Reject => ("reject_handoff", &["reason", "reroute"]),
            Self::Reassign => ("reassign_handoff", &["ownerId"]),
            Self::Cancel => ("cancel_handoff", &["reason"]),
            Self::Rollback => ("roll_back_handoff", &["reason"]),
            Self::Release => ("release_handoff", &[]),
        }
    }
}

pub struct AdvanceHandoff;

impl Tool for AdvanceHandoff {
    type Input = Input;
    const NAME: &'static str = "advance_handoff";
    const TITLE: &'static str = "Move a handoff on";
    const DESCRIPTION: &'static str = "Note what was done about a handoff, or change who has it: acknowledge, contact, meeting, \
        convert, lose, reject, reassign, cancel, rollback, release. Which of them fit now is in the actions of the handoff \
        (show_handoff); one that does not fit is refused with those that do. A dry run (the default) says how the handoff \
        would then stand. Note only what really happened: deadlines and figures are computed from it.";
    const CALLS: &'static [&'static str] = &[
        "acknowledge_handoff",
        "contact_handoff",
        "book_handoff_meeting",
        "convert_handoff",
        "lose_handoff",
        "reject_handoff",
        "reassign_handoff",
        "cancel_handoff",
        "roll_back_handoff",
        "release_handoff",
    ];
    const EFFECT: Effect = Effect::Changes;

    fn output(operations: &Operations) -> Option<Schema> {
        show_handoff::without_package(Self::CALLS, operations)
    }

    async fn run(calls: &Calls, input: Input) -> Result<Told, Refusal> {
        let (call, takes) = input.action.call();
        let given = json!({
            "at": input.at,
            "reason": input.reason,
            "nps": input.nps,
            "reroute": input.reroute,
            "ownerId": input.owner_id,
        });
        let misplaced = given
            .as_object()
            .into_iter()
            .flatten()
            .filter(|(name, value)| !value.is_null() && !takes.contains(&name.as_str()));
        let faults: Vec<Fault> = misplaced
            .map(|(name, _)| Fault::new(format!("#/{name}"), "does not go with this action; leave it out"))
            .collect();
        if !faults.is_empty() {
            return Err(Problem::invalid(faults).into());
        }
        let moved = calls
            .to(call)
            .path("handoffId", &input.handoff_id)
            .body(given)
            .once(input.dry_run, input.idempotency_key.as_deref())?
            .json()
            .await?;
        let mut text = handoff(&moved, calls.now);
        if input.dry_run {
            text = format!("So it would stand (nothing was written):\n{text}");
        }
        Ok(Told { text, structured: show_handoff::bare(moved) })
    }
}
