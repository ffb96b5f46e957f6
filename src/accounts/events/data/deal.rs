//! What is said of deals, subscriptions and how handoffs ended.

use std::collections::BTreeMap;

use serde_json::Value;

use super::super::fault::FaultCode;
use super::super::reading::{
    CallerId, Count, Currency, Day, Fields, Flag, Instant, Kind, List, Money, OneOf, Place, Reading, Said,
    Score, Text, UniqueId, Word,
};
use super::super::shape::Shape;
use super::{event_data, vocabulary};
use crate::accounts::model::{Amount, Qualification};

event_data! {
    /// A deal (opportunity) at the account. A field that is left out keeps its value; null clears it.
    DealUpserted {
        /// The caller's id of the deal.
        required deal_id = "dealId": CallerId,
        /// The deal's name.
        optional name = "name": Text,
        /// What it is worth, in `currency` or with its own.
        optional amount = "amount": Money<true>,
        /// The currency of `amount`.
        optional currency = "currency": Currency,
        /// The stage, as the CRM calls it.
        required stage = "stage": Text<128>,
        /// The rep who owns the deal.
        optional owner_id = "ownerId": CallerId,
        /// Where the deal came from.
        optional source = "source": Text,
        /// When it is expected to close.
        optional expected_close_date = "expectedCloseDate": Day,
        /// When it closed.
        optional closed_at = "closedAt": Instant,
        /// Products in the deal.
        optional products = "products": List<Text>,
        /// How well it is qualified. One statement: it replaces the one before as a whole.
        optional qualification = "qualification": Qualified,
    }
}

event_data! {
    /// The known part of a deal's qualification.
    QualificationFields {
        /// Score, as the framework counts it.
        optional score = "score": Score<1000>,
        /// The framework, for example `bant` or `meddic`.
        optional framework = "framework": Word,
        /// Whether the budget is confirmed.
        optional budget_confirmed = "budgetConfirmed": Flag,
        /// When the buyer wants to decide or start.
        optional timeline = "timeline": Text<1_000>,
        /// How the buyer decides.
        optional decision_process = "decisionProcess": Text<2_000>,
        /// What hurts.
        optional pain_points = "painPoints": List<Text<1_000>>,
    }
}

/// The qualification of a deal; what a framework adds of its own is kept.
pub struct Qualified;

/// Bytes of a qualification that are kept.
const QUALIFICATION_BYTES_MAX: usize = 16_384;

impl Kind for Qualified {
    type Value = Qualification;
    const SHAPE: Shape =
        Shape::Object { summary: QualificationFields::SUMMARY, fields: QualificationFields::FIELDS };

    fn read(raw: &str, place: &Place<'_>, reading: &mut Reading) -> Option<Qualification> {
        if raw.len() > QUALIFICATION_BYTES_MAX {
            let detail = format!("has {} bytes, at most {QUALIFICATION_BYTES_MAX} are kept", raw.len());
            return reading.refuse(place, FaultCode::TooLong, detail);
        }
        let fields = Fields::split(raw, place, reading)?;
        let known = QualificationFields::read_fields(&fields, place, reading)?;
        Some(Qualification {
            score: some(known.score),
            framework: some(known.framework),
            budget_confirmed: some(known.budget_confirmed),
            timeline: some(known.timeline),
            decision_process: some(known.decision_process),
            pain_points: some(known.pain_points).unwrap_or_default(),
            other: other(&fields, place, reading)?,
        })
    }
}

/// The value that was said, if any.
fn some<T>(said: Said<T>) -> Option<T> {
    match said {
        Said::Value(value) => Some(value),
        Said::Nothing | Said::Cleared => None,
    }
}

/// What the framework adds, with floats as text.
fn other(fields: &Fields<'_>, place: &Place<'_>, reading: &mut Reading) -> Option<BTreeMap<String, Value>> {
    let known = |name: &str| QualificationFields::FIELDS.iter().any(|field| field.name == name);
    let mut other = BTreeMap::new();
    for (name, raw) in fields.iter().filter(|(name, _)| !known(name)) {
        match serde_json::from_str::<Value>(raw) {
            Ok(value) => {
                other.insert(name.to_owned(), without_floats(value));
            }
            Err(error) => {
                let place = Place::Key(place, name);
                return reading.refuse(&place, FaultCode::MalformedJson, error.to_string());
            }
        }
    }
    Some(other)
}

/// Floats as their decimal text, so that what is stored reads back the same.
fn without_floats(value: Value) -> Value {
    match value {
        Value::Number(number) if number.is_f64() => Value::String(number.to_string()),
        Value::Array(items) => Value::Array(items.into_iter().map(without_floats).collect()),
        Value::Object(members) => {
            Value::Object(members.into_iter().map(|(name, value)| (name, without_floats(value))).collect())
        }
        plain => plain,
    }
}

/// The currency of an amount, when the amount and the field beside it do not contradict each other.
fn check_currency(
    amount: &Said<Amount>,
    currency: &Said<String>,
    place: &Place<'_>,
    reading: &mut Reading,
) -> Option<()> {
    match (amount.value().and_then(|amount| amount.currency.as_ref()), currency.value()) {
        (Some(inner), Some(outer)) if inner != outer => reading.refuse(
            &Place::Key(place, "currency"),
            FaultCode::Contradiction,
            format!("{outer} beside an amount in {inner}: say the currency once"),
        ),
        _ => Some(()),
    }
}

impl DealUpserted {
    /// What no single field shows.
    pub(in super::super) fn check(&self, place: &Place<'_>, reading: &mut Reading) -> Option<()> {
        check_currency(&self.amount, &self.currency, place, reading)
    }
}

event_data! {
    /// A subscription of the account. A field that is left out keeps its value; null clears it.
    SubscriptionUpserted {
        /// The subscription's id in its own system.
        required subscription_id = "subscriptionId": Text<128>,
        /// The plan.
        optional plan_tier = "planTier": Word,
        /// Seats bought.
        optional seats = "seats": Count,
        /// Monthly recurring revenue, in `currency` or with its own.
        optional mrr = "mrr": Money,
        /// The currency of `mrr`.
        optional currency = "currency": Currency,
        /// First day.
        optional start_date = "startDate": Day,
        /// Last day.
        optional end_date = "endDate": Day,
        /// Whether it renews by itself.
        optional auto_renew = "autoRenew": Flag,
        /// Whether it is a trial.
        optional trial = "trial": Flag,
    }
}

impl SubscriptionUpserted {
    /// What no single field shows.
    pub(in super::super) fn check(&self, place: &Place<'_>, reading: &mut Reading) -> Option<()> {
        if let (Some(start), Some(end)) = (self.start_date.value(), self.end_date.value())
            && end < start
        {
            let detail = format!("{end} lies before the start on {start}");
            return reading.refuse(&Place::Key(place, "endDate"), FaultCode::Contradiction, detail);
        }
        check_currency(&self.mrr, &self.currency, place, reading)
    }
}

vocabulary! {
    /// How far a handoff got, as its receiver's system saw it.
    Outcome {
        Contacted = "contacted",
        MeetingBooked = "meeting_booked",
        Converted = "converted",
        Lost = "lost",
    }
}

event_data! {
    /// What became of a handoff.
    HandoffOutcome {
        /// The handoff's id, as the service gave it.
        required handoff_id = "handoffId": UniqueId,
        /// How far it got.
        required outcome = "outcome": OneOf<Outcome>,
        /// How likely the person is to recommend us, 0–10, asked at the handoff.
        optional nps = "nps": Score<10>,
    }
}
