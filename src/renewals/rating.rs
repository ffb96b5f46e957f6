//! What is proposed for a renewal: the level of risk, the tier and the play, each with its reasons.
//!
//! Promises: the score is the sum of the points of the signs that are seen, each told with what was seen, where it came
//! from and when it was true. A rating gets worse at once and better only by a margin and after a time, so that signals that
//! waver do not make it waver; see [`rerate`]. Equal facts give equal proposals.
//! Leaves out what people decide; they may overrule each of the three.

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::measures::{Evidence, Measures, Origin, cause_words, told_ratings, told_worth};
use super::model::{Cause, Risk, Tier};
use super::money::Money;
use super::plays::Plays;
use crate::kernel::clock::DateTime;
use crate::kernel::text::sentence_list;
use crate::motions::model::Segment;

/// A sign of risk that can be seen in facts.
pub struct SignDef {
    /// Stable; the file of plays gives it points.
    pub code: &'static str,
    /// What `at` counts, where the sign has a beginning.
    pub unit: Option<&'static str>,
    pub means: &'static str,
    evidence: Evidence,
    /// What was seen, if it was; `at` is the beginning.
    seen: fn(&Measures, f64) -> Option<String>,
}

macro_rules! signs {
    ($($code:literal, $evidence:ident, $unit:expr, $means:literal, $seen:expr;)*) => {
        /// All signs, in the order in which they are told.
        pub const SIGNS: &[SignDef] = &[
            $(SignDef { code: $code, unit: $unit, means: $means, evidence: Evidence::$evidence, seen: $seen }),*
        ];
    };
}

signs! {
    "marked_churned", Crm, None, "the lifecycle says that the account has churned",
        |m, _| m.churned.then(|| "The lifecycle stage says that the account has churned.".to_owned());
    "churn_intent", Intents, None, "an intent to leave was observed",
        |m, _| (m.churn_intent > 0.0).then(|| format!("An intent to leave was observed (strength {:.0} %).", m.churn_intent * 100.0));
    "left_before", History, None, "the account has left before",
        |m, _| match m.left { 0 => None, 1 => Some("The account has left once before.".into()), n => Some(format!("The account has left {n} times before.")) };
    "ticket_escalated", Tickets, None, "an open ticket is escalated",
        |m, _| (m.escalated > 0).then(|| "A support ticket that is still open was escalated.".to_owned());
    "tickets_open", Tickets, Some("open tickets"), "many tickets are open",
        |m, at| m.open_tickets.filter(|open| f64::from(*open) >= at).map(|open| format!("{open} support tickets are open."));
    "satisfaction_low", Tickets, Some("the mean rating of tickets, up to `satisfaction_of`"), "ratings of support are low",
        |m, at| m.satisfaction.filter(|(mean, _)| *mean <= at).map(|(mean, count)| format!("Support is rated {} in half a year.", told_ratings(mean, m.satisfaction_of, count)));
    "nps_low", Conversations, Some("a score from 0 to 10"), "the last recommendation score is low",
        |m, at| m.nps.filter(|nps| f64::from(nps.score) <= at).map(|nps| format!("The last recommendation score is {} of 10.", nps.score));
    "usage_falling", Usage, Some("percent less in 14 days than in the 14 before"), "usage falls",
        |m, at| m.trend.filter(|trend| -*trend >= at).map(|trend| format!("Usage fell by {:.0} % in the last two weeks.", -trend));
    "usage_collapsing", Usage, Some("percent less in 14 days than in the 14 before"), "usage collapses",
        |m, at| m.trend.filter(|trend| -*trend >= at).map(|_| "That is a collapse, not a dip.".to_owned());
    "usage_shallow", Usage, Some("depth of usage, 0 to 100"), "usage is shallow",
        |m, at| m.depth.filter(|depth| *depth < at).map(|depth| format!("Depth of usage is {depth:.0} of 100."));
    "usage_plateau", Usage, None, "usage stands still",
        |m, _| m.plateau.then(|| "Usage has stopped growing.".to_owned());
    "usage_unknown", Usage, None, "nothing is known of usage",
        |m, _| (m.usage_days == 0).then(|| "Nothing is known of usage: it may be good or bad.".to_owned());
    "seats_unused", Usage, Some("percent of seats in use"), "seats are paid for and not used",
        |m, at| m.seat_use().filter(|used| *used < at).map(|used| format!("{used:.0} % of the seats are in use."));
    "seats_cut", Contracts, None, "fewer seats are under contract than half a year ago",
        |m, _| m.seats_by_contract.filter(|(now, then)| now < then).map(|(now, then)| format!("Seats under contract went from {then} to {now} in half a year."));
    "price_intent", Intents, None, "the price is talked about",
        |m, _| (m.price_intent > 0.0).then(|| "An intent to pay less was observed.".to_owned());
    "auto_renew_off", Contracts, None, "a subscription does not renew by itself",
        |m, _| match m.auto_renew_off { 0 => None, 1 => Some("A subscription does not renew by itself.".into()), n => Some(format!("{n} subscriptions do not renew by themselves.")) };
    "silent", Conversations, Some("days since the customer last said something"), "the customer has fallen silent",
        |m, at| m.silent_days.filter(|days| days_at_least(*days, at)).map(|days| format!("The customer has not said anything for {days} days."));
    "nobody_to_call", Wishes, None, "nobody can be reached",
        |m, _| (m.reachable == 0).then(|| "Nobody is known there who can be reached.".to_owned());
    "do_not_contact", Wishes, None, "the account does not want to be contacted",
        |m, _| m.do_not_contact.then(|| "The account asked not to be contacted.".to_owned());
    "late_without_deal", Crm, Some("days before the renewal"), "the renewal is near and nobody has opened a deal",
        |_, _| None;
}

#[expect(clippy::cast_precision_loss, reason = "days of a customer relation stay far below 2^53")]
fn days_at_least(days: i64, at: f64) -> bool {
    days as f64 >= at
}

/// Why an account is rated as it is: one sign.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = RenewalRiskReason)]
pub struct Reason {
    /// Such as `usage_falling`.
    pub code: String,
    pub points: u32,
    pub cause: Cause,
    /// What was seen.
    pub text: String,
    /// Who said so last, where anybody did.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub source: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub as_of: Option<DateTime>,
}

/// A rating as the facts give it, before what was decided earlier is looked at.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = RenewalRating)]
pub struct Rating {
    pub risk: Risk,
    pub score: u32,
    /// The weightiest first.
    pub reasons: Vec<Reason>,
}

/// Rates an account whose contract ends on a date.
pub fn rate(plays: &Plays, measures: &Measures, deadline: chrono::NaiveDate) -> Rating {
    let mut reasons = Vec::new();
    for def in SIGNS {
        let Some(sign) = plays.signs().get(def.code).filter(|sign| sign.points > 0) else { continue };
        let at = sign.at.unwrap_or_default();
        let seen = if def.code == "late_without_deal" {
            late(measures, deadline, at)
        } else {
            (def.seen)(measures, at)
        };
        let Some(text) = seen else { continue };
        let origin = match measures.nps.filter(|_| def.code == "nps_low") {
            Some(nps) => Origin { source: Some("handoffs".to_owned()), as_of: Some(nps.at) },
            None => measures.origin(def.evidence),
        };
        reasons.push(Reason {
            code: def.code.to_owned(),
            points: sign.points,
            cause: sign.cause,
            text,
            source: origin.source,
            as_of: origin.as_of,
        });
    }
    reasons.sort_by_key(|reason| std::cmp::Reverse(reason.points));
    let score = reasons.iter().map(|reason| reason.points).sum();
    Rating { risk: level(plays, score), score, reasons }
}

/// The renewal is near and has no deal, although deals are kept for this account.
fn late(measures: &Measures, deadline: chrono::NaiveDate, at: f64) -> Option<String> {
    let left = (deadline - measures.today).num_days();
    let near = left >= 0 && !days_at_least(left, at + 1.0);
    (near && measures.any_deal && !measures.renewal_deal)
        .then(|| format!("The contract ends in {left} days and no renewal deal is open."))
}

fn level(plays: &Plays, score: u32) -> Risk {
    let rating = &plays.file().rating;
    if score >= rating.red_from {
        Risk::Red
    } else if score >= rating.yellow_from {
        Risk::Yellow
    } else {
        Risk::Green
    }
}

/// The level that holds after a new score, given the one that held and since when. Worse holds at once; better holds when the
/// score is below the border by the margin and the last change lies back long enough.
pub fn rerate(plays: &Plays, held: Risk, since: DateTime, score: u32, now: DateTime) -> Risk {
    let rating = &plays.file().rating;
    let raw = level(plays, score);
    if raw >= held {
        return raw;
    }
    let rested = now - since >= TimeDelta::days(i64::from(rating.hold_days));
    let surely = level(plays, score.saturating_add(rating.margin));
    if rested { surely.min(held) } else { held }
}

/// Something proposed, with why in a sentence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TierProposal {
    pub tier: Tier,
    pub why: String,
}

/// The tier of an account: what the CRM says, else by its yearly value, else by its segment.
pub fn propose_tier(plays: &Plays, measures: &Measures) -> TierProposal {
    let said = measures.said_tier.as_ref().and_then(|said| Tier::from_name(&said.trim().to_lowercase()));
    if let Some(tier) = said {
        return TierProposal { tier, why: format!("The CRM says that the account is {tier}.") };
    }
    let tiers = plays.file().tiers.each();
    if let Some(worth) = &measures.yearly {
        let found = tiers.iter().find(|(_, terms)| worth.amount >= Money::units(terms.value_from));
        let (tier, terms) = found.unwrap_or(&tiers[2]);
        let more = match measures.uncounted {
            0 => String::new(),
            n => format!(" {n} more in another currency or without an amount are not counted."),
        };
        let why = format!(
            "Its subscriptions are worth {} a year; {tier} begins at {} {}.{more}",
            told_worth(worth),
            terms.value_from,
            worth.currency
        );
        return TierProposal { tier: *tier, why };
    }
    let segment = measures.segment.name();
    if let Some((tier, _)) = tiers.iter().find(|(_, terms)| terms.segments.iter().any(|one| one == segment)) {
        let why = format!("What it is worth is not known; its segment is {}.", segment.replace('_', " "));
        return TierProposal { tier: *tier, why };
    }
    let why = match measures.segment {
        Segment::Unknown => "Neither what it is worth nor its size is known.".to_owned(),
        _ => format!("What it is worth is not known, and no tier is for the segment {segment}."),
    };
    TierProposal { tier: Tier::Scale, why }
}

/// A play that is proposed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PlayProposal {
    pub play: String,
    pub why: String,
}

/// The play for a rating: the one that a score asks for, else the one for the cause with the most points. Without any sign
/// it is the play for value: a renewal without trouble is the time to show what it was worth.
pub fn propose_play(plays: &Plays, rating: &Rating) -> PlayProposal {
    let file = plays.file();
    let mut by_score: Vec<(u32, &String)> = file
        .plays
        .iter()
        .filter_map(|(name, play)| Some((play.from_score.filter(|from| rating.score >= *from)?, name)))
        .collect();
    by_score.sort();
    if let Some((from, name)) = by_score.last() {
        let why = format!("The score of {} is {from} or more, whatever the causes are.", rating.score);
        return PlayProposal { play: (*name).clone(), why };
    }
    let points = |cause: Cause| -> u32 {
        rating.reasons.iter().filter(|reason| reason.cause == cause).map(|reason| reason.points).sum()
    };
    // The first of equal ones: the order of causes is the order of urgency.
    let leading = Cause::ALL.into_iter().rev().max_by_key(|cause| points(*cause));
    let (cause, why) = match leading.filter(|cause| points(*cause) > 0) {
        Some(cause) => {
            let texts: Vec<String> = rating
                .reasons
                .iter()
                .filter(|reason| reason.cause == cause)
                .map(|reason| reason.code.replace('_', " "))
                .collect();
            (cause, format!("Most points are about {}: {}.", cause_words(cause), sentence_list(&texts)))
        }
        None => (Cause::Value, "No sign of risk: show what it was worth.".to_owned()),
    };
    let play = file.plays.iter().find(|(_, play)| play.causes.contains(&cause));
    PlayProposal { play: play.map(|(name, _)| name.clone()).unwrap_or_default(), why }
}
