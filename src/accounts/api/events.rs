//! `POST /v1/events`: the door for everything that happens.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::accounts::events::cloudevents::RequestFault;
use crate::accounts::events::{Arrived, Decoded, Event, EventSpec, Rejected, Unaddressed, catalogue, decode};
use crate::accounts::intake::{IntakeError, Taken};
use crate::accounts::{Accounts, commands};
use crate::kernel::clock::DateTime;
use crate::platform::http::{Delivered, Fault, Json, Problem, ProblemDocument, Query, Scoped, scope};
use crate::platform::jobs::Lane;

/// How the events of a request are queued.
#[derive(Debug, Clone, Copy, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct EventsQuery {
    /// `bulk` lets everything else go first: for imports and replays.
    #[serde(default)]
    lane: QueryLane,
}

#[derive(Debug, Clone, Copy, Default, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum QueryLane {
    #[default]
    Normal,
    Bulk,
}

/// What became of the events of a request.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct EventsAnswer {
    /// Events stored now, for good.
    pub accepted: usize,
    /// Events whose (source, id) was stored before.
    pub duplicates: usize,
    /// Events that were refused; the others were taken.
    pub rejected: Vec<RejectedEvent>,
    /// Of the accepted events those that name no account and whose account is not clear yet; left out when there
    /// are none. `GET /v1/matches/unmatched` lists them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unmatched: Option<usize>,
}

/// A refused event of a batch.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RejectedEvent {
    /// Place in the batch, from 0.
    pub index: usize,
    /// The event's id, where it could be read.
    #[schema(required = true)]
    pub id: Option<String>,
    /// Stable name of the fault; `invalid_event` when there are several kinds.
    pub code: String,
    /// All faults in a sentence.
    pub detail: String,
    /// Each fault with its place in the event.
    pub errors: Vec<EventFault>,
}

/// One thing wrong with an event.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct EventFault {
    /// JSON pointer into the event.
    pub pointer: String,
    /// Stable name of the fault.
    pub code: String,
    /// What is wrong, and what to send instead.
    pub detail: String,
}

/// Take in events about accounts
///
/// `CloudEvents` 1.0 in structured, batch or binary mode; `subject` is the account id. An event without one is
/// matched by what its `data` says (domain, e-mail address, company name) and waits when its account is not clear.
/// What is accepted is durable before the answer. An event is identified by (`source`, `id`); repeats count as duplicates and
/// change nothing. A wrong event sent alone is refused with all its faults; in a batch the good ones are taken.
#[utoipa::path(
    post, path = "/v1/events", tag = "events", operation_id = "post_events",
    security(("api_key" = ["events:write"])),
    params(EventsQuery),
    request_body(
        description = "One CloudEvent, a batch of at most 1,000, or the data of one in binary mode.",
        content(
            (serde_json::Value = "application/cloudevents+json"),
            (Vec<serde_json::Value> = "application/cloudevents-batch+json"),
            (serde_json::Value = "application/json"),
        )
    ),
    responses(
        (status = 202, body = EventsAnswer, description = "Durable."),
        (status = 422, body = ProblemDocument, content_type = "application/problem+json", description = "A single event was refused; errors names every fault."),
    )
)]
pub async fn post_events(
    State(accounts): State<Accounts>,
    _caller: Scoped<scope::EventsWrite>,
    Query(query): Query<EventsQuery>,
    Delivered { headers, body }: Delivered,
) -> Result<(StatusCode, Json<EventsAnswer>), Problem> {
    let lane = match query.lane {
        QueryLane::Normal => Lane::Normal,
        QueryLane::Bulk => Lane::Bulk,
    };
    let now = accounts.clock.now();
    let (arrived, rejected) = match decode(&headers, &body, now) {
        Decoded::Refused(fault) => return Err(refused_request(&fault)),
        Decoded::Single(outcome) => match *outcome {
            Ok(event) => (vec![event], Vec::new()),
            Err(rejected) => return Err(refused_event(&rejected)),
        },
        Decoded::Batch(outcomes) => split(outcomes),
    };
    let (events, unaddressed) = stamped(&accounts, arrived, now);
    let taken = accounts.intake.take(events, lane).await?;
    let accepted = taken.iter().filter(|taken| **taken == Taken::Accepted).count();
    let sought = commands::take_unaddressed(&accounts, unaddressed, lane)
        .await
        .map_err(|error| IntakeError::Database(Arc::new(error)))?;
    let answer = EventsAnswer {
        accepted: accepted + sought.accepted,
        duplicates: taken.len() - accepted + sought.duplicates,
        rejected,
        unmatched: Some(sought.unmatched).filter(|count| *count > 0),
    };
    Ok((StatusCode::ACCEPTED, Json(answer)))
}

/// Parts events by whether they name their account, those without a time stamped in the order of their arrival.
fn stamped(accounts: &Accounts, arrived: Vec<Arrived>, now: DateTime) -> (Vec<Event>, Vec<Unaddressed>) {
    let (mut events, mut unaddressed) = (Vec::with_capacity(arrived.len()), Vec::new());
    for event in arrived {
        match event {
            Arrived::Addressed(mut event) => {
                accounts.intake.stamp_arrivals(std::slice::from_mut(&mut event), now);
                events.push(event);
            }
            Arrived::Unaddressed(mut event) => {
                if event.time == event.received_at {
                    event.time = accounts.intake.next_arrival(now);
                }
                unaddressed.push(*event);
            }
        }
    }
    (events, unaddressed)
}

/// The event types that the service understands
///
/// Each type with the fields of its `data`, their types and which are required.
#[utoipa::path(
    get, path = "/v1/event-types", tag = "events", operation_id = "list_event_types",
    security(("api_key" = ["events:write"])),
    responses((status = 200, body = Vec<EventTypeWire>, description = "The catalogue."))
)]
pub async fn list_event_types(_caller: Scoped<scope::EventsWrite>) -> Json<Vec<EventTypeWire>> {
    let wire = |spec: EventSpec| EventTypeWire {
        r#type: spec.event_type.name().to_owned(),
        summary: spec.summary.to_owned(),
        data: spec.data_schema(),
    };
    Json(catalogue().map(wire).collect())
}

/// A type of event.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct EventTypeWire {
    /// The `type` attribute.
    pub r#type: String,
    /// What it means.
    pub summary: String,
    /// JSON Schema of its `data`. Fields that are not named are kept.
    #[schema(value_type = Object)]
    pub data: serde_json::Value,
}

fn split(outcomes: Vec<Result<Arrived, Rejected>>) -> (Vec<Arrived>, Vec<RejectedEvent>) {
    let mut events = Vec::with_capacity(outcomes.len());
    let mut refused = Vec::new();
    for outcome in outcomes {
        match outcome {
            Ok(event) => events.push(event),
            Err(rejected) => refused.push(RejectedEvent {
                index: rejected.index,
                code: rejected.code().name().to_owned(),
                detail: rejected.detail(),
                errors: rejected
                    .faults
                    .iter()
                    .map(|fault| EventFault {
                        pointer: fault.pointer.clone(),
                        code: fault.code.name().to_owned(),
                        detail: fault.detail.clone(),
                    })
                    .collect(),
                id: rejected.id,
            }),
        }
    }
    (events, refused)
}

fn refused_event(rejected: &Rejected) -> Problem {
    let faults =
        rejected.faults.iter().map(|fault| Fault::new(format!("#{}", fault.pointer), fault.detail.clone()));
    Problem::unprocessable(rejected.code().name(), rejected.detail()).faults(faults)
}

fn refused_request(fault: &RequestFault) -> Problem {
    let status = match fault {
        RequestFault::Malformed(_) => StatusCode::BAD_REQUEST,
        RequestFault::UnsupportedMediaType(_) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        RequestFault::TooManyEvents => StatusCode::PAYLOAD_TOO_LARGE,
    };
    Problem::new(status, fault.code(), fault.to_string())
}

impl From<IntakeError> for Problem {
    fn from(error: IntakeError) -> Self {
        match error {
            IntakeError::Full => {
                Self::unavailable("Too many events are waiting; send this again shortly.", 1)
            }
            IntakeError::Stopping => {
                Self::unavailable("The service is stopping; send this again shortly.", 5)
            }
            IntakeError::Database(error) => {
                Self::unavailable("The events could not be stored; send this again shortly.", 2)
                    .because(error)
            }
        }
    }
}
