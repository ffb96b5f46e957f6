//! What a renewal would be: terms where people chose, proposals where they did not, and the plan of both.
//!
//! Promises: equal facts and choices give the equal plan, so that a preview says what making it does.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use serde_json::{Map, Value, json};

use super::sight::Sight;
use super::{RenewalError, Renewals};
use crate::accounts::Current;
use crate::kernel::clock::DateTime;
use crate::plans::model::{Plan, Role, Task};
use crate::platform::http::Fault;
use crate::renewals::build::{Recipe, build, is_time_left};
use crate::renewals::context::{Context, gather};
use crate::renewals::measures::{Measures, facts, measure};
use crate::renewals::model::{Person, Risk, Terms, Tier};
use crate::renewals::rating::{PlayProposal, Rating, TierProposal, propose_play, propose_tier, rate};
use crate::renewals::upcoming::{Starts, coming};

/// How far ahead a renewal date is looked for where none is given: a year and a month.
const HORIZON_DAYS: u32 = 400;

/// What people chose; the rest is proposed.
#[derive(Debug, Clone, Default)]
pub struct Choice {
    pub play: Option<String>,
    pub tier: Option<Tier>,
    pub risk: Option<Risk>,
    pub deadline: Option<NaiveDate>,
    pub compressed: bool,
    pub people: BTreeMap<Role, Person>,
}

/// What is proposed for an account, with why.
#[derive(Debug, Clone)]
pub struct Proposal {
    pub tier: TierProposal,
    pub rating: Rating,
    pub play: PlayProposal,
}

/// A renewal in the making.
pub(super) struct Drawn {
    pub terms: Terms,
    pub proposal: Proposal,
    pub facts: BTreeMap<String, String>,
    pub plan: Plan,
    pub risk_pinned: bool,
}

impl Renewals {
    /// Draws the plan of a renewal.
    pub(super) async fn draw(
        &self,
        conn: &mut sqlx::PgConnection,
        current: &Current,
        sight: &Sight,
        choice: &Choice,
        now: DateTime,
    ) -> Result<Drawn, RenewalError> {
        let known = sight.known(current);
        let measures = measure(&self.plays, &known);
        let deadline = if let Some(deadline) = choice.deadline {
            deadline
        } else {
            let next = coming(&self.plays, &current.state, &measures, HORIZON_DAYS, &mut Starts::default());
            next.ok_or(RenewalError::NoDeadline)?.deadline
        };
        let proposal = self.propose(&measures, deadline);
        let mut people = self.known_people(conn, current).await?;
        people.extend(choice.people.clone());
        let terms = Terms {
            play: choice.play.clone().unwrap_or_else(|| proposal.play.play.clone()),
            tier: choice.tier.unwrap_or(proposal.tier.tier),
            risk: choice.risk.unwrap_or(proposal.rating.risk),
            deadline,
            compressed: choice.compressed,
            people,
        };
        self.check(&terms, now)?;
        let context = gather(&self.plays, &known, &measures);
        let facts = facts(&measures, deadline);
        let plan = self.plan_of(&terms, &facts, Some(&context), (now, now), &[])?;
        Ok(Drawn { terms, proposal, facts, plan, risk_pinned: choice.risk.is_some() })
    }

    /// What is proposed for measures and a date.
    pub(super) fn propose(&self, measures: &Measures, deadline: NaiveDate) -> Proposal {
        let (tier, rating) = (propose_tier(&self.plays, measures), rate(&self.plays, measures, deadline));
        let play = propose_play(&self.plays, &rating);
        Proposal { tier, rating, play }
    }

    /// Everything that is wrong with what was chosen.
    pub(super) fn check(&self, terms: &Terms, now: DateTime) -> Result<(), RenewalError> {
        let mut faults = Vec::new();
        if self.plays.play(&terms.play).is_none() {
            let known = self.plays.names().join(", ");
            faults.push(Fault::new("#/play", format!("`{}` is no play: {known}", terms.play)));
        }
        if !is_time_left(&self.plays, terms.deadline, now) {
            let detail = format!("no working time is left before {}: give a later day", terms.deadline);
            faults.push(Fault::new("#/deadline", detail));
        } else if (terms.deadline - now.date_naive()).num_days() > DAYS_AHEAD_MAX {
            let detail = format!("{} lies more than {DAYS_AHEAD_MAX} days ahead", terms.deadline);
            faults.push(Fault::new("#/deadline", detail));
        }
        let roles = &self.plays.file().roles;
        for role in terms.people.keys().filter(|role| !roles.contains_key(&role.0)) {
            let known: Vec<&str> = roles.keys().map(String::as_str).collect();
            let detail = format!("`{role}` is no role of a renewal: {}", known.join(", "));
            faults.push(Fault::new(
                format!("#/people/{}", role.0.replace('~', "~0").replace('/', "~1")),
                detail,
            ));
        }
        if faults.is_empty() { Ok(()) } else { Err(RenewalError::Invalid(faults)) }
    }

    /// The plan of terms. `(start, now)`: when the renewal began, and from when on what is open can be done.
    pub(super) fn plan_of(
        &self,
        terms: &Terms,
        facts: &BTreeMap<String, String>,
        context: Option<&Context>,
        (start_at, now): (DateTime, DateTime),
        kept: &[Task],
    ) -> Result<Plan, RenewalError> {
        let recipe = Recipe { plays: &self.plays, terms, facts, start_at, now, context, kept };
        build(&recipe).ok_or_else(|| RenewalError::NoPlay(terms.play.clone()))
    }
}

/// No contract is planned for further ahead: three years.
const DAYS_AHEAD_MAX: i64 = 3 * 366;

/// What a plan keeps of the context in which it was made.
pub(super) fn context_of(plan: &Plan) -> Option<Context> {
    plan.context.get("known").cloned().and_then(|known| serde_json::from_value(known).ok())
}

/// A document for the audit log: what was decided, without people and texts.
pub(super) fn logged(terms: &Terms, rating: &Rating) -> Value {
    let mut log = Map::new();
    log.insert("play".to_owned(), json!(terms.play));
    log.insert("tier".to_owned(), json!(terms.tier));
    log.insert("risk".to_owned(), json!(terms.risk));
    log.insert("deadline".to_owned(), json!(terms.deadline));
    log.insert("score".to_owned(), json!(rating.score));
    log.insert("proposedRisk".to_owned(), json!(rating.risk));
    let signs: Vec<&str> = rating.reasons.iter().map(|reason| reason.code.as_str()).collect();
    log.insert("signs".to_owned(), json!(signs));
    Value::Object(log)
}
