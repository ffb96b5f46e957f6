//! The words that conditions are written in: one table from which the checker, the evaluator and the
//! documentation come.
//!
//! Promises: every word has a value for every account. There are no nulls: a number that is not known is 0
//! and has a companion `<name>_known`; a text that is not known is empty; a number outside its declared
//! range is read as the nearest end, so that what the checker proves from ranges holds.

use serde::Serialize;

use crate::accounts::model::OverlapKind;
use crate::kernel::clock::DateTime;
use crate::motions::model::{Claim, Family, Ledger, PartnerOverlap, Signals};

/// What a condition is evaluated over.
#[derive(Debug, Clone, Copy)]
pub struct Scope<'a> {
    pub signals: &'a Signals,
    pub ledger: &'a Ledger,
    pub now: DateTime,
}

/// A word of the vocabulary.
#[derive(Debug)]
pub struct Word {
    pub name: &'static str,
    pub kind: Kind,
    /// `%`, `days`, `hours`, `count`, `0–1`; empty where there is none.
    pub unit: &'static str,
    pub meaning: &'static str,
}

/// The type of a word, its possible values and where the value comes from.
#[derive(Debug, Clone, Copy)]
pub enum Kind {
    /// A number in a closed range; `whole` when it has no fraction.
    Number {
        get: fn(Scope<'_>) -> f64,
        min: f64,
        max: f64,
        whole: bool,
    },
    Flag {
        get: fn(Scope<'_>) -> bool,
    },
    /// One of fixed values, by position.
    Choice {
        get: fn(Scope<'_>) -> usize,
        values: &'static [&'static str],
    },
    Text {
        get: for<'a> fn(Scope<'a>) -> &'a str,
    },
    /// A list of texts; with `values`, only these and what ends in `suffix` ever occur.
    List {
        get: for<'a> fn(Scope<'a>) -> Items<'a>,
        values: &'static [&'static str],
        suffix: &'static str,
    },
}

/// A list of texts, read in place.
#[derive(Debug, Clone, Copy)]
pub enum Items<'a> {
    Texts(&'a [String]),
    /// The partners of overlaps, each once; overlaps of a partner stand together.
    Partners(&'a [PartnerOverlap]),
}

impl<'a> Items<'a> {
    pub fn iter(self) -> impl Iterator<Item = &'a str> {
        let (texts, partners): (&[String], &[PartnerOverlap]) = match self {
            Self::Texts(texts) => (texts, &[]),
            Self::Partners(partners) => (&[], partners),
        };
        let starts = move |i: &usize| *i == 0 || partners[*i].partner_id != partners[i - 1].partner_id;
        let partner_ids = (0..partners.len()).filter(starts).map(|i| partners[i].partner_id.as_str());
        texts.iter().map(String::as_str).chain(partner_ids)
    }

    pub fn len(self) -> usize {
        match self {
            Self::Texts(texts) => texts.len(),
            Self::Partners(_) => self.iter().count(),
        }
    }

    pub fn is_empty(self) -> bool {
        match self {
            Self::Texts(texts) => texts.is_empty(),
            Self::Partners(partners) => partners.is_empty(),
        }
    }

    pub fn contains(self, item: &str) -> bool {
        match self {
            Self::Texts(texts) => texts.iter().any(|text| text == item),
            Self::Partners(partners) => partners.iter().any(|partner| partner.partner_id == item),
        }
    }
}

/// The position of a word in [`WORDS`].
pub type WordId = usize;

/// Finds a word by its name.
pub fn find(name: &str) -> Option<WordId> {
    WORDS.iter().position(|word| word.name == name)
}

/// The value of a number within its declared range; 0 for a word that is no number.
pub fn number(word: WordId, scope: Scope<'_>) -> f64 {
    match WORDS[word].kind {
        Kind::Number { get, min, max, .. } => {
            let value = get(scope);
            if value.is_nan() { 0.0 } else { value.clamp(min, max) }
        }
        _ => 0.0,
    }
}

const UNBOUNDED: f64 = 9_007_199_254_740_992.0;

const fn range(get: fn(Scope<'_>) -> f64, min: f64, max: f64) -> Kind {
    Kind::Number { get, min, max, whole: false }
}

const fn count(get: fn(Scope<'_>) -> f64) -> Kind {
    Kind::Number { get, min: 0.0, max: UNBOUNDED, whole: true }
}

const fn flag(get: fn(Scope<'_>) -> bool) -> Kind {
    Kind::Flag { get }
}

const fn text(get: for<'a> fn(Scope<'a>) -> &'a str) -> Kind {
    Kind::Text { get }
}

const fn list(get: for<'a> fn(Scope<'a>) -> Items<'a>) -> Kind {
    Kind::List { get, values: &[], suffix: "" }
}

const fn word(name: &'static str, kind: Kind, unit: &'static str, meaning: &'static str) -> Word {
    Word { name, kind, unit, meaning }
}

const SEGMENTS: &[&str] = &["smb", "mid_market", "enterprise", "unknown"];
const STAGES: &[&str] = &[
    "none",
    "open",
    "discovery",
    "qualification",
    "proposal",
    "negotiation",
    "closing",
    "closed_won",
    "closed_lost",
];
const FAMILIES: &[&str] = &["none", "plg", "sales", "partner"];
/// Expansion signals that are not about one feature.
const EXPANSION: &[&str] = &["new_department_users", "usage_spike", "seats_nearly_full"];

#[expect(clippy::cast_precision_loss, reason = "counts beyond 2^53 are read as the end of the range")]
fn whole(count: u64) -> f64 {
    count as f64
}

fn age_hours(scope: Scope<'_>, at: Option<DateTime>) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "seconds between two instants stay far below 2^53")]
    at.map_or(0.0, |at| (scope.now - at).num_seconds() as f64 / 3600.0)
}

fn intent(scope: Scope<'_>, kind: &str) -> f64 {
    scope.signals.intent.kinds.get(kind).copied().unwrap_or(0.0)
}

fn has_overlap(scope: Scope<'_>, kind: OverlapKind) -> bool {
    scope.signals.partner.overlaps.iter().any(|overlap| overlap.overlap_type == kind)
}

fn seat_use(scope: Scope<'_>) -> f64 {
    match scope.signals.usage.seats {
        Some(seats) if seats > 0 => whole(scope.signals.usage.weekly_active_users) / whole(seats) * 100.0,
        _ => 0.0,
    }
}

/// The claims that hold the account at an instant: a claim ends exactly when it expires.
pub fn live_claims(ledger: &Ledger, now: DateTime) -> impl Iterator<Item = &Claim> {
    ledger.claims.iter().filter(move |claim| claim.expires_at > now)
}

/// The way of going to market the account is on: that of the oldest live claim; without one, sales where a
/// deal is open, partner where one referred the account, product-led where the product is used.
pub fn current_motion(signals: &Signals, ledger: &Ledger, now: DateTime) -> Family {
    if let Some(claim) = live_claims(ledger, now).min_by_key(|claim| (claim.claimed_at, claim.id)) {
        return claim.motion.family();
    }
    if signals.crm.active_deals > 0 {
        Family::Sales
    } else if !signals.partner.referrals.is_empty() {
        Family::Partner
    } else if signals.usage.days > 0 {
        Family::Plg
    } else {
        Family::None
    }
}

fn opt(text: Option<&String>) -> &str {
    text.map_or("", String::as_str)
}

/// All words, by group.
#[rustfmt::skip]
pub static WORDS: &[Word] = &[
    word("segment", Kind::Choice { get: |s| s.signals.lifecycle.segment as usize, values: SEGMENTS }, "", "Company size class by the policy's thresholds."),
    word("lifecycle_stage", text(|s| opt(s.signals.lifecycle.stage.as_ref())), "", "Stage as the lifecycle source calls it."),
    word("icp_fit", range(|s| s.signals.lifecycle.icp_fit, 0.0, 1.0), "0–1", "Fit to the ideal customer profile of the policy."),

    word("has_usage", flag(|s| s.signals.usage.days > 0), "", "Any day of product usage is known."),
    word("usage_depth", range(|s| s.signals.usage.depth, 0.0, 100.0), "%", "Blend of breadth, frequency and penetration."),
    word("usage_breadth", range(|s| s.signals.usage.breadth, 0.0, 100.0), "%", "Features used in the window out of the catalogue."),
    word("usage_frequency", range(|s| s.signals.usage.frequency, 0.0, 100.0), "%", "Active days in the window out of the days expected."),
    word("usage_penetration", range(|s| s.signals.usage.penetration, 0.0, 100.0), "%", "Weekly active users out of seats, at most 100."),
    word("usage_days", count(|s| s.signals.usage.days.into()), "days", "Distinct days with recorded usage."),
    word("usage_history_days", count(|s| s.signals.usage.history_days.into()), "days", "Days from the first to the last recorded day."),
    word("usage_trend_pct", range(|s| s.signals.usage.trend_pct.unwrap_or(0.0), -100.0, UNBOUNDED), "%", "Change of the last trend window against the one before."),
    word("usage_trend_pct_known", flag(|s| s.signals.usage.trend_pct.is_some()), "", "The earlier trend window has usage to compare with."),
    word("usage_plateau", flag(|s| s.signals.usage.plateau), "", "Usage has levelled off by the policy's definition."),
    word("usage_age_hours", range(|s| age_hours(s, s.signals.usage.provenance.as_of), -UNBOUNDED, UNBOUNDED), "hours", "Age of the newest usage fact."),
    word("usage_age_hours_known", flag(|s| s.signals.usage.provenance.as_of.is_some()), "", "Any usage fact is known."),
    word("weekly_active_users", count(|s| whole(s.signals.usage.weekly_active_users)), "count", "Highest daily active users of the last seven days."),
    word("seats", count(|s| whole(s.signals.usage.seats.unwrap_or(0))), "count", "Seats by usage, else subscription, else profile."),
    word("seats_known", flag(|s| s.signals.usage.seats.is_some()), "", "The number of seats is known."),
    word("seat_utilisation_pct", range(seat_use, 0.0, UNBOUNDED), "%", "Weekly active users out of seats; above 100 when more are active than paid for."),
    word("seat_utilisation_pct_known", flag(|s| s.signals.usage.seats.is_some_and(|seats| seats > 0)), "", "There are seats to compare with."),
    word("expansion_signals", Kind::List { get: |s| Items::Texts(&s.signals.usage.expansion_signals), values: EXPANSION, suffix: "_usage_spike" }, "", "Signs that the account grows: `new_department_users`, `<feature>_usage_spike`, `usage_spike`, `seats_nearly_full`."),
    word("top_features", list(|s| Items::Texts(&s.signals.usage.top_features)), "", "Most used features, most used first."),

    word("employee_count", count(|s| whole(s.signals.crm.employee_count.unwrap_or(0))), "count", "Employees."),
    word("employee_count_known", flag(|s| s.signals.crm.employee_count.is_some()), "", "The number of employees is known."),
    word("industry", text(|s| opt(s.signals.crm.industry.as_ref())), "", "Industry, spelt as in the CRM."),
    word("country", text(|s| opt(s.signals.crm.country.as_ref())), "", "Country, spelt as in the CRM."),
    word("territory", text(|s| opt(s.signals.crm.territory.as_ref())), "", "Sales territory, spelt as in the CRM."),
    word("plan_tier", text(|s| opt(s.signals.crm.plan_tier.as_ref())), "", "Plan of the product the account is on."),
    word("tech_stack", list(|s| Items::Texts(&s.signals.crm.tech_stack)), "", "Technologies the account uses."),
    word("has_owner", flag(|s| s.signals.crm.owner_id.is_some()), "", "The CRM names an owner of the account."),
    word("has_active_deal", flag(|s| s.signals.crm.active_deals > 0), "", "A deal is open."),
    word("active_deals", count(|s| s.signals.crm.active_deals.into()), "count", "Open deals."),
    word("deal_stage", Kind::Choice { get: |s| s.signals.crm.deal_stage as usize, values: STAGES }, "", "Furthest stage of an open deal, else how the newest one closed."),
    word("prior_engagement", flag(|s| s.signals.crm.prior_engagement), "", "There was ever a deal or a conversation."),
    word("open_tickets", count(|s| s.signals.crm.open_tickets.into()), "count", "Open support tickets."),
    word("ticket_escalated", flag(|s| s.signals.crm.ticket_escalated), "", "An open support ticket is escalated."),
    word("crm_age_hours", range(|s| age_hours(s, s.signals.crm.provenance.as_of), -UNBOUNDED, UNBOUNDED), "hours", "Age of the newest CRM fact or confirmation."),
    word("crm_age_hours_known", flag(|s| s.signals.crm.provenance.as_of.is_some()), "", "Anything is known from the CRM."),

    word("partner_overlap", list(|s| Items::Partners(&s.signals.partner.overlaps)), "", "Partners with an active overlap, by id."),
    word("partner_customer_overlap", flag(|s| has_overlap(s, OverlapKind::Customer)), "", "The account is a customer of a partner."),
    word("partner_opportunity_overlap", flag(|s| has_overlap(s, OverlapKind::Opportunity)), "", "A partner has an open opportunity with the account."),
    word("partner_tech_overlap", flag(|s| has_overlap(s, OverlapKind::TechStack)), "", "The account runs a partner's technology."),
    word("partner_overlap_strength", range(|s| s.signals.partner.overlaps.iter().fold(0.0, |top, o| o.strength.max(top)), 0.0, 1.0), "0–1", "Strength of the strongest overlap."),
    word("partner_referral", flag(|s| !s.signals.partner.referrals.is_empty()), "", "A partner referred the account within the policy's window."),
    word("referring_partners", list(|s| Items::Texts(&s.signals.partner.referrals)), "", "Partners who referred the account within the window, newest first."),
    word("partner_age_hours", range(|s| age_hours(s, s.signals.partner.synced_at), -UNBOUNDED, UNBOUNDED), "hours", "Age of the partner source's last confirmation."),
    word("partner_age_hours_known", flag(|s| s.signals.partner.synced_at.is_some()), "", "The partner source ever confirmed to be in step."),

    word("intent_budget", range(|s| intent(s, "budget"), 0.0, 1.0), "0–1", "Strength of observed budget intent; 0 when none was observed in the window."),
    word("intent_expansion", range(|s| intent(s, "expansion"), 0.0, 1.0), "0–1", "Strength of observed expansion intent."),
    word("intent_evaluation", range(|s| intent(s, "evaluation"), 0.0, 1.0), "0–1", "Strength of observed evaluation intent."),
    word("intent_strongest", range(|s| s.signals.intent.kinds.values().fold(0.0, |top, v| v.max(top)), 0.0, 1.0), "0–1", "Strength of the strongest intent of any kind."),

    word("current_motion", Kind::Choice { get: |s| current_motion(s.signals, s.ledger, s.now) as usize, values: FAMILIES }, "", "The way of going to market the account is on now."),
    word("recent_touches", count(|s| whole(s.ledger.touches.len() as u64)), "count", "Touches handed to the decision: those of the budget's window."),
    word("do_not_contact", flag(|s| s.ledger.preferences.do_not_contact), "", "The account asked not to be contacted."),
];

impl Kind {
    /// The name of the type for an error text and for the documentation.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Number { .. } => "number",
            Self::Flag { .. } => "bool",
            Self::Choice { .. } => "enum",
            Self::Text { .. } => "text",
            Self::List { .. } => "list of text",
        }
    }
}

/// A word as documentation shows it.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct WordEntry {
    pub name: &'static str,
    /// `number`, `bool`, `enum`, `text`, `list of text`.
    pub r#type: &'static str,
    #[serde(skip_serializing_if = "str::is_empty")]
    pub unit: &'static str,
    pub meaning: &'static str,
    /// The possible values of an enum or a closed list; `*` stands for any text.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<String>,
    /// Lowest and highest value of a number; an open end is absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub minimum: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub maximum: Option<f64>,
}

/// The whole vocabulary, for documentation and editors.
pub fn vocabulary() -> Vec<WordEntry> {
    WORDS.iter().map(entry).collect()
}

fn entry(word: &Word) -> WordEntry {
    let owned = |values: &[&str]| values.iter().map(|value| (*value).to_owned()).collect::<Vec<_>>();
    let (values, minimum, maximum) = match word.kind {
        Kind::Number { min, max, .. } => {
            (Vec::new(), (min > -UNBOUNDED).then_some(min), (max < UNBOUNDED).then_some(max))
        }
        Kind::Choice { values, .. } => (owned(values), None, None),
        Kind::List { values, suffix, .. } => {
            let pattern = (!suffix.is_empty()).then(|| format!("*{suffix}"));
            (owned(values).into_iter().chain(pattern).collect(), None, None)
        }
        Kind::Flag { .. } | Kind::Text { .. } => (Vec::new(), None, None),
    };
    WordEntry {
        name: word.name,
        r#type: word.kind.name(),
        unit: word.unit,
        meaning: word.meaning,
        values,
        minimum,
        maximum,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::motions::model::{DealStage, Segment};

    #[test]
    fn choices_list_their_enums_in_order_and_names_are_unique() {
        assert_eq!(SEGMENTS, Segment::ALL.map(Segment::name));
        assert_eq!(STAGES, DealStage::ALL.map(DealStage::name));
        assert_eq!(FAMILIES, Family::ALL.map(Family::name));
        for (i, word) in WORDS.iter().enumerate() {
            assert_eq!(find(word.name), Some(i), "{}", word.name);
            assert!(word.meaning.ends_with('.'), "{}", word.name);
        }
        for segment in Segment::ALL {
            assert_eq!(Segment::ALL[segment as usize], segment);
        }
        assert!(DealStage::ALL.iter().enumerate().all(|(i, stage)| *stage as usize == i));
        assert!(Family::ALL.iter().enumerate().all(|(i, family)| *family as usize == i));
    }

    #[test]
    fn every_number_that_may_be_unknown_says_whether_it_is_known() {
        for name in ["seats", "employee_count", "usage_trend_pct", "usage_age_hours", "crm_age_hours"] {
            assert!(find(&format!("{name}_known")).is_some(), "{name}");
        }
        assert_eq!(vocabulary().len(), WORDS.len());
    }
}
