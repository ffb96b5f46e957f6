//! What to do first, by rules over the package.
//!
//! Promises: the rules are the table below; one fires when its facts are there, and names them. What cannot wait comes
//! first, then the rules follow the focus of the type, then those for all types; rules alike in this keep the order of the
//! table. There is always a last one that says whom to call. The first recommendation is the headline.

use super::fields::{Section, leading_sections};
use super::model::{BuyingRole, Package, PackageContact, Recommendation, ScopeVerdict};
use crate::handoffs::types::HandoffType;

/// How many recommendations there are at most: more are read by nobody.
const RECOMMENDATIONS_MAX: usize = 5;
/// Usage depth in percent from which the product is in daily use.
const DEEP_USE: f64 = 60.0;
/// A fall of usage in percent against the fortnight before that needs an answer.
const DECLINE_PCT: f64 = -15.0;

/// What a rule that fires says, and the facts that it rests on.
type Advice = (String, Vec<String>);

/// A rule of approach.
struct Rule {
    id: &'static str,
    /// It has its place where the focus of a type comes to one of these.
    dwelling_on: &'static [Section],
    kind: Kind,
    fires: fn(&Package) -> Option<Advice>,
}

/// Which types a rule is for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Those that dwell on its sections, before all else.
    Urgent,
    /// Those that dwell on its sections.
    Focused,
    /// All types; those that do not dwell on its sections hear it last.
    General,
    /// All types, before all else.
    Always,
}

const fn urgent(id: &'static str, on: &'static [Section], fires: fn(&Package) -> Option<Advice>) -> Rule {
    Rule { id, dwelling_on: on, kind: Kind::Urgent, fires }
}

const fn focused(id: &'static str, on: &'static [Section], fires: fn(&Package) -> Option<Advice>) -> Rule {
    Rule { id, dwelling_on: on, kind: Kind::Focused, fires }
}

const fn general(id: &'static str, on: &'static [Section], fires: fn(&Package) -> Option<Advice>) -> Rule {
    Rule { id, dwelling_on: on, kind: Kind::General, fires }
}

const RULES: [Rule; 16] = [
    Rule {
        id: "escalated_ticket",
        dwelling_on: &[],
        kind: Kind::Always,
        fires: |p| {
            p.relationship.ticket_escalated.then(|| {
                advice(
                    "Settle the escalated support ticket first: until then nobody there will hear anything else.",
                    [format!("relationship.openTickets = {}", p.relationship.open_tickets)],
                )
            })
        },
    },
    urgent("promise_not_sold", &[Section::Promises], |p| {
        let open = |promise: &&super::model::Promise| {
            promise.scope.as_ref().is_some_and(|scope| scope.verdict == ScopeVerdict::OutOfScope)
        };
        let named = p.promises.promised.iter().filter(open).filter_map(|promise| promise.scope.as_ref());
        let mut named: Vec<String> = named.flat_map(|scope| scope.not_sold.clone()).collect();
        named.sort_unstable();
        named.dedup();
        named.truncate(super::LIST_MAX);
        (!named.is_empty()).then(|| {
            advice(
                &format!(
                    "Settle with the seller, before the kick-off, what was promised and not sold: {}.",
                    named.join(", ")
                ),
                named.iter().map(|name| format!("promises.promised.scope.notSold = {name}")),
            )
        })
    }),
    focused("agreed_step", &[Section::NextSteps], |p| {
        let step = p.promises.next_steps.first()?;
        Some(advice(
            &format!("Open with what was agreed: {}", sentence(&step.text)),
            [format!("promises.nextSteps[0] of {}", step.at.date_naive())],
        ))
    }),
    focused("success_criterion", &[Section::Promises], |p| {
        let criterion = p.promises.success_criteria.first()?;
        Some(advice(
            &format!(
                "Plan the first milestone around the customer's own measure: {}",
                sentence(&criterion.text)
            ),
            [format!("promises.successCriteria[0] of {}", criterion.at.date_naive())],
        ))
    }),
    focused("seats_nearly_full", &[Section::Usage, Section::Expansion], |p| {
        let usage = p.journey.product_usage.as_ref()?;
        p.expansion.signals.iter().any(|signal| signal == "seats_nearly_full").then(|| {
            let seats =
                usage.seats.map_or_else(|| "their".to_owned(), |seats| format!("all but a few of {seats}"));
            advice(
                &format!(
                    "Talk about capacity: they use {seats} seats, and new colleagues will soon be shut out."
                ),
                [
                    "expansion.signals has seats_nearly_full".to_owned(),
                    format!("journey.productUsage.weeklyActiveUsers = {}", usage.weekly_active_users),
                ],
            )
        })
    }),
    focused("new_department", &[Section::Usage, Section::Expansion], |p| {
        p.expansion.signals.iter().any(|signal| signal == "new_department_users").then(|| {
            advice(
                "Ask who brought the new department in, and what it wants to do: that person is the way to a wider \
                 agreement.",
                ["expansion.signals has new_department_users".to_owned()],
            )
        })
    }),
    focused("feature_spike", &[Section::Usage, Section::Expansion], |p| {
        let spike = p.expansion.signals.iter().find_map(|signal| signal.strip_suffix("_usage_spike"))?;
        Some(advice(
            &format!("Ask what changed: use of {} has jumped.", spike.replace('_', " ")),
            [format!("expansion.signals has {spike}_usage_spike")],
        ))
    }),
    focused("usage_falls", &[Section::Usage, Section::Relationship], |p| {
        let trend = p.journey.product_usage.as_ref()?.trend_pct.filter(|trend| *trend <= DECLINE_PCT)?;
        Some(advice(
            "Find out why they use the product less before you speak of more.",
            [format!("journey.productUsage.trendPct = {trend}")],
        ))
    }),
    focused("plateau", &[Section::Usage], |p| {
        let usage = p.journey.product_usage.as_ref().filter(|usage| usage.plateau)?;
        Some(advice(
            "Their use has levelled off: show the next thing that they could do, not more of the same.",
            [format!("journey.productUsage.plateau at depth {}", usage.depth)],
        ))
    }),
    focused("deep_use", &[Section::Usage], |p| {
        let usage = p.journey.product_usage.as_ref().filter(|usage| usage.depth >= DEEP_USE)?;
        let about = match usage.top_features.first() {
            Some(feature) => format!("Begin with what they do every day, {}", feature.replace('_', " ")),
            None => "Begin with what they do every day".to_owned(),
        };
        Some(advice(
            &format!("{about}: they know the product and need no introduction."),
            [format!("journey.productUsage.depth = {}", usage.depth)],
        ))
    }),
    focused("referral", &[Section::Partner], |p| {
        let referral = p.partner.referrals.first()?;
        Some(advice(
            &format!("Thank {} and ask for an introduction before you call.", referral.partner_id),
            [format!("partner.referrals[0] of {}", referral.referred_at.date_naive())],
        ))
    }),
    focused("partner_overlap", &[Section::Partner, Section::Consent], |p| {
        let best = p.partner.overlaps.iter().max_by(|a, b| a.strength.total_cmp(&b.strength))?;
        Some(advice(
            &format!("Agree with {} who speaks to whom before either of you does.", best.partner_id),
            [format!("partner.overlaps: {} at {}", best.partner_id, best.strength)],
        ))
    }),
    general("pain_point", &[Section::Qualification, Section::Company], |p| {
        let pain = p.qualification.pain_points.first()?;
        Some(advice(
            &format!("Speak about what hurts: {}", sentence(pain)),
            ["qualification.painPoints[0]".to_owned()],
        ))
    }),
    general("content", &[Section::Journey], |p| {
        let content = p.journey.content_engaged.first()?;
        Some(advice(
            &format!("Take up what they looked at last: {}", sentence(content)),
            ["journey.contentEngaged[0]".to_owned()],
        ))
    }),
    general("no_economic_buyer", &[Section::Qualification], |p| {
        let known = p.contacts.iter().any(|contact| contact.role == BuyingRole::EconomicBuyer);
        (!known && !p.contacts.is_empty()).then(|| {
            advice(
                "Find out who decides about the money: none of the known contacts seems to.",
                [format!("contacts: {}, none an economic_buyer", p.contacts.len())],
            )
        })
    }),
    general("first_call", &[], |p| {
        let Some(contact) = p.contacts.iter().find(|contact| contact.is_reachable()) else {
            return Some(advice("Find somebody to talk to.", ["contacts: nobody can be reached".to_owned()]));
        };
        let way = if contact.phone.is_some() { "Call" } else { "Write to" };
        Some(advice(
            &format!("{way} {} first.", called(contact)),
            [format!("contacts: {} can be reached", contact.id)],
        ))
    }),
];

/// What the rules say, by the type, best first.
pub(super) fn recommendations(package: &Package, handoff_type: &HandoffType) -> Vec<Recommendation> {
    let leading = leading_sections(handoff_type);
    // No place is before all places; a rule that is not for the type has none of this.
    let place = |rule: &Rule| match rule.kind {
        Kind::Always => Some(None),
        kind => {
            let at = leading.iter().position(|section| rule.dwelling_on.contains(section));
            match (kind, at) {
                (Kind::Urgent, Some(_)) => Some(None),
                (_, Some(at)) => Some(Some(at)),
                (Kind::General, None) => Some(Some(usize::MAX)),
                (_, None) => None,
            }
        }
    };
    let mut ordered: Vec<(Option<usize>, &Rule)> =
        RULES.iter().filter_map(|rule| Some((place(rule)?, rule))).collect();
    ordered.sort_by_key(|(place, _)| *place);
    let said = ordered.into_iter().filter_map(|(_, rule)| {
        let (text, facts) = (rule.fires)(package)?;
        Some(Recommendation { rule: rule.id.to_owned(), text: super::clip(&text), facts })
    });
    let mut said: Vec<Recommendation> = said.collect();
    // The last rule always fires, and stays when others are too many.
    let last = said.pop();
    said.truncate(RECOMMENDATIONS_MAX - 1);
    said.extend(last);
    said
}

fn advice(text: &str, facts: impl IntoIterator<Item = String>) -> Advice {
    (text.to_owned(), facts.into_iter().collect())
}

/// The text with a full stop, unless it ends like a sentence.
fn sentence(text: &str) -> String {
    let text = text.trim();
    if text.ends_with(['.', '!', '?', '…']) { text.to_owned() } else { format!("{text}.") }
}

/// A person by name and title.
fn called(contact: &PackageContact) -> String {
    let name = contact.name.as_deref().unwrap_or(&contact.id);
    match &contact.title {
        Some(title) => format!("{name} ({title})"),
        None => name.to_owned(),
    }
}
