//! What people do to a handoff: one call for each action.

use axum::extract::State;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use utoipa::ToSchema;
use uuid::Uuid;

use super::handoffs::told;
use super::wire::HandoffWire;
use crate::handoffs::assign::names::RepId;
use crate::handoffs::commands::{Deed, Handoffs};
use crate::handoffs::handoff::TurnEnd;
use crate::handoffs::lifecycle::Action;
use crate::kernel::clock::DateTime;
use crate::platform::http::extract::parse;
use crate::platform::http::{
    Fault, IdempotencyParams, Json, Path, Problem, ProblemDocument, RawBody, Scoped, scope,
};

/// The most characters of a reason, a question or an answer.
const WORDS_MAX: usize = 1_000;

/// Nothing more to say.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub struct PlainBody {
    /// Say how the handoff would then stand and write nothing.
    dry_run: bool,
}

/// When it was.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub struct AtBody {
    /// Now when left out.
    at: Option<DateTime>,
    /// Say how the handoff would then stand and write nothing.
    dry_run: bool,
}

/// How it was received.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub struct ConvertBody {
    /// How likely the customer is to recommend us.
    #[schema(minimum = 0, maximum = 10)]
    nps: Option<u8>,
    /// Say how the handoff would then stand and write nothing.
    dry_run: bool,
}

/// Why.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub struct ReasonBody {
    reason: Option<String>,
    /// Say how the handoff would then stand and write nothing.
    dry_run: bool,
}

/// Why the owner gives it back.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct RejectBody {
    reason: String,
    /// Whether somebody else of the team gets it; otherwise it goes back to the team it came from and is over.
    #[serde(default = "yes")]
    #[schema(default = true)]
    reroute: bool,
    /// Say how the handoff would then stand and write nothing.
    #[serde(default)]
    dry_run: bool,
}

fn yes() -> bool {
    true
}

/// Who gets it.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub struct ReassignBody {
    /// The rep; whoever is next by the routing when left out.
    owner_id: Option<String>,
    /// Say how the handoff would then stand and write nothing.
    dry_run: bool,
}

/// What the owner wants to know.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct AskBody {
    question: String,
    /// Say how the handoff would then stand and write nothing.
    #[serde(default)]
    dry_run: bool,
}

/// What those who handed over say.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub struct AnswerBody {
    /// Left out where it was answered in another way.
    answer: Option<String>,
    /// Say how the handoff would then stand and write nothing.
    dry_run: bool,
}

/// An empty body says nothing.
fn body<T: DeserializeOwned + Default>(raw: &[u8]) -> Result<T, Problem> {
    if raw.is_empty() { Ok(T::default()) } else { parse(raw) }
}

fn checked(reason: Option<String>) -> Result<Option<String>, Problem> {
    reason.map(|reason| words("#/reason", &reason)).transpose()
}

/// Something that a person wrote.
fn words(pointer: &'static str, text: &str) -> Result<String, Problem> {
    let text = text.trim();
    if text.is_empty() {
        return Err(fault(pointer, "is empty: write a sentence, or leave it out where that is possible"));
    }
    if text.chars().count() > WORDS_MAX {
        return Err(fault(pointer, &format!("is longer than {WORDS_MAX} characters")));
    }
    Ok(text.to_owned())
}

fn fault(pointer: &'static str, detail: &str) -> Problem {
    Problem::invalid(vec![Fault::new(pointer, detail.to_owned())])
}

async fn done(handoffs: &Handoffs, id: Uuid, deed: Deed) -> Result<Json<HandoffWire>, Problem> {
    let handoff = handoffs.act(id, &deed).await?;
    Ok(Json(told(handoffs, &handoff, true).await?))
}

/// One call: its path, its body, and the action that it asks for.
macro_rules! action {
    ($(#[$doc:meta])* $name:ident, $path:literal, $body:ty, $said:literal, |$given:pat_param, $now:pat_param| $action:expr) => {
        $(#[$doc])*
        #[utoipa::path(
            post, path = $path, tag = "handoffs", operation_id = stringify!($name),
            security(("api_key" = ["handoffs:write"])),
            params(("handoffId" = Uuid, Path, description = "The handoff."), IdempotencyParams),
            request_body(content = Option<$body>, description = $said),
            responses(
                (status = 200, body = HandoffWire, description = "The handoff as it stands now."),
                (status = 404, body = ProblemDocument, content_type = "application/problem+json", description = "There is no such handoff."),
                (status = 409, body = ProblemDocument, content_type = "application/problem+json", description = "It does not fit; `legal` lists what does."),
                (status = 422, body = ProblemDocument, content_type = "application/problem+json", description = "Every fault is named."),
            )
        )]
        pub async fn $name(
            State(handoffs): State<Handoffs>,
            caller: Scoped<scope::HandoffsWrite>,
            Path(id): Path<Uuid>,
            RawBody(raw): RawBody,
        ) -> Result<Json<HandoffWire>, Problem> {
            let given: $body = body(&raw)?;
            let dry_run = given.dry_run;
            let ($given, $now) = (given, handoffs.clock.now());
            let action: Result<Action, Problem> = $action;
            done(&handoffs, id, Deed { dry_run, ..Deed::new(action?, caller.actor()) }).await
        }
    };
}

action! {
    /// Acknowledge a handoff
    ///
    /// The owner has seen it. Tracked apart from the contact, which is what meets the SLA.
    acknowledge_handoff, "/v1/handoffs/{handoffId}/acknowledge", PlainBody, "Nothing, or that it is only a look.",
    |_, _| Ok(Action::Acknowledge)
}

action! {
    /// Ask those who handed over
    ///
    /// The owner needs to know something before the customer is contacted. Whoever was responsible on the sending side is
    /// told; the clock stands still until the answer, once in a turn and for as long as the type says (`wait_for_answer`)
    /// at most. Counts as acknowledged.
    ask_handoff, "/v1/handoffs/{handoffId}/ask", AskBody, "The question.",
    |given, _| Ok(Action::Ask { question: words("#/question", &given.question)? })
}

action! {
    /// Answer what the owner has asked
    ///
    /// The owner is told, and the clock goes on where it stood.
    answer_handoff, "/v1/handoffs/{handoffId}/answer", AnswerBody, "The answer; nothing where it was given in another way.",
    |given, _| {
        let answer = given.answer.map(|answer| words("#/answer", &answer)).transpose()?;
        Ok(Action::Answer { answer })
    }
}

action! {
    /// Note the contact with the customer
    ///
    /// The first one ends the clock; whether in time is said by its instant.
    contact_handoff, "/v1/handoffs/{handoffId}/contact", AtBody, "When it was; now when left out.",
    |given, now| Ok(Action::Contact { at: given.at.unwrap_or(now) })
}

action! {
    /// Note a meeting
    ///
    /// It is booked; counts as contact.
    book_handoff_meeting, "/v1/handoffs/{handoffId}/meeting", AtBody, "When the meeting is; now when left out.",
    |given, now| Ok(Action::Meeting { at: given.at.unwrap_or(now) })
}

action! {
    /// Note that a handoff led to what it was for
    convert_handoff, "/v1/handoffs/{handoffId}/convert", ConvertBody, "How it was received.",
    |given, _| match given.nps {
        Some(nps) if nps > 10 => Err(fault("#/nps", "is from 0 to 10")),
        nps => Ok(Action::Convert { nps }),
    }
}

action! {
    /// Note that a handoff led to nothing
    lose_handoff, "/v1/handoffs/{handoffId}/lose", ReasonBody, "Why.",
    |given, _| Ok(Action::Lose { reason: checked(given.reason)? })
}

action! {
    /// Cancel a handoff
    ///
    /// At any time before it is over; the owner is told, and the CRM.
    cancel_handoff, "/v1/handoffs/{handoffId}/cancel", ReasonBody, "Why.",
    |given, _| Ok(Action::Cancel { reason: checked(given.reason)? })
}

action! {
    /// Roll a handoff back
    ///
    /// Within 30 minutes of its making: as if it had not been. The turn is credited back, the CRM gets its previous
    /// owner back.
    roll_back_handoff, "/v1/handoffs/{handoffId}/rollback", ReasonBody, "Why.",
    |given, _| Ok(Action::RollBack { reason: checked(given.reason)? })
}

action! {
    /// Release a held handoff
    ///
    /// It goes on although something is missing, on the caller's word.
    release_handoff, "/v1/handoffs/{handoffId}/release", PlainBody, "Nothing, or that it is only a look.",
    |_, _| Ok(Action::Release)
}

/// Give a handoff back
///
/// Its owner does not take it: somebody else of the team gets it, or it goes back to the team it came from. The turn is
/// credited back, and the same rep is not asked again.
#[utoipa::path(
    post, path = "/v1/handoffs/{handoffId}/reject", tag = "handoffs", operation_id = "reject_handoff",
    security(("api_key" = ["handoffs:write"])),
    params(("handoffId" = Uuid, Path, description = "The handoff."), IdempotencyParams),
    request_body = RejectBody,
    responses(
        (status = 200, body = HandoffWire, description = "The handoff as it stands now."),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json", description = "There is no such handoff."),
        (status = 409, body = ProblemDocument, content_type = "application/problem+json", description = "It does not fit; `legal` lists what does."),
        (status = 422, body = ProblemDocument, content_type = "application/problem+json", description = "Every fault is named."),
    )
)]
pub async fn reject_handoff(
    State(handoffs): State<Handoffs>,
    caller: Scoped<scope::HandoffsWrite>,
    Path(id): Path<Uuid>,
    Json(given): Json<RejectBody>,
) -> Result<Json<HandoffWire>, Problem> {
    let reason = checked(Some(given.reason))?.unwrap_or_default();
    let action = Action::Reject { reason, reroute: given.reroute };
    done(&handoffs, id, Deed { dry_run: given.dry_run, ..Deed::new(action, caller.actor()) }).await
}

/// Give a handoff to somebody else
///
/// To the rep who is named, or to whoever is next. The clock begins anew; whoever had it does not get it again.
#[utoipa::path(
    post, path = "/v1/handoffs/{handoffId}/reassign", tag = "handoffs", operation_id = "reassign_handoff",
    security(("api_key" = ["handoffs:write"])),
    params(("handoffId" = Uuid, Path, description = "The handoff."), IdempotencyParams),
    request_body(content = Option<ReassignBody>, description = "Nothing, or who gets it."),
    responses(
        (status = 200, body = HandoffWire, description = "The handoff as it stands now."),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json", description = "There is no such handoff."),
        (status = 409, body = ProblemDocument, content_type = "application/problem+json", description = "It does not fit; `legal` lists what does."),
        (status = 422, body = ProblemDocument, content_type = "application/problem+json", description = "Every fault is named."),
    )
)]
pub async fn reassign_handoff(
    State(handoffs): State<Handoffs>,
    caller: Scoped<scope::HandoffsWrite>,
    Path(id): Path<Uuid>,
    RawBody(raw): RawBody,
) -> Result<Json<HandoffWire>, Problem> {
    let given: ReassignBody = body(&raw)?;
    let next = given.owner_id.map(|id| RepId::parse(&id)).transpose();
    let next = next.map_err(|error| fault("#/ownerId", &error.to_string()))?;
    let action = Action::Reassign { reason: TurnEnd::Reassigned };
    let deed = Deed { next, dry_run: given.dry_run, ..Deed::new(action, caller.actor()) };
    done(&handoffs, id, deed).await
}
