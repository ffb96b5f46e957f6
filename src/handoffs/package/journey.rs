//! The journey of a package: where the company came from, what it did, how it uses the product.

use super::model::{DealPart, Journey, ProductUsage, Touchpoint};
use super::partner::is_named;
use super::{Activity, Cut, Inputs, clip};
use crate::accounts::model::value;
use crate::kernel::clock::DateTime;

/// Kinds of activity that are about content: one of these words stands in the type.
const CONTENT: [&str; 16] = [
    "content",
    "download",
    "webinar",
    "ebook",
    "whitepaper",
    "page",
    "blog",
    "video",
    "case_study",
    "event",
    "guide",
    "form",
    "article",
    "podcast",
    "newsletter",
    "demo_request",
];

pub(super) fn journey(inputs: &Inputs<'_>, deal: Option<&DealPart>, cut: &mut Cut) -> Journey {
    let mut activities: Vec<&Activity> = inputs.activities.iter().collect();
    // The whole of an activity breaks ties, so that the order in which they came plays no part.
    activities.sort_by(|a, b| {
        let rest = |of: &Activity| (of.activity_type.clone(), of.subject.clone(), of.contact_id.clone());
        b.at.cmp(&a.at).then_with(|| rest(a).cmp(&rest(b)))
    });
    let (source, basis) = source(inputs, deal, &activities).unzip();
    let mut content: Vec<String> = Vec::new();
    for activity in &activities {
        let kind = &activity.activity_type;
        let engaged = activity.direction.as_deref() != Some("outbound")
            && CONTENT.iter().any(|word| kind.contains(word));
        let told = clip(activity.subject.as_deref().unwrap_or(kind));
        if engaged && !content.contains(&told) {
            content.push(told);
        }
    }
    let touchpoints = cut.keep("journey.touchpoints", activities.iter().copied().map(touchpoint).collect());
    Journey {
        source,
        source_basis: basis.map(str::to_owned),
        first_touch: first_touch(inputs),
        touchpoints,
        content_engaged: cut.keep("journey.contentEngaged", content),
        product_usage: product_usage(inputs, cut),
    }
}

fn touchpoint(activity: &Activity) -> Touchpoint {
    Touchpoint {
        at: activity.at,
        activity_type: clip(&activity.activity_type),
        direction: activity.direction.clone(),
        contact_id: activity.contact_id.clone(),
        subject: activity.subject.as_deref().map(clip),
    }
}

/// Where the company came from: as the deal says, else the partner who referred it first, else the earliest inbound
/// activity that is known, else the product.
fn source(
    inputs: &Inputs<'_>,
    deal: Option<&DealPart>,
    activities: &[&Activity],
) -> Option<(String, &'static str)> {
    let state = inputs.state;
    let said = deal.and_then(|deal| value(&state.deals.get(&deal.id)?.source)).map(|source| clip(source));
    if let Some(source) = said.filter(|source| !source.is_empty()) {
        return Some((source, "deal"));
    }
    if let Some((partner, _)) = state.referrals.iter().min_by_key(|(partner, fact)| (fact.value, *partner)) {
        let named = is_named(inputs, partner);
        let told = if named { format!("partner:{partner}") } else { "partner".to_owned() };
        return Some((told, "partner_referral"));
    }
    let inbound = |activity: &&&Activity| activity.direction.as_deref() == Some("inbound");
    if let Some(first) = activities.iter().rev().find(inbound) {
        return Some((clip(&first.activity_type), "earliest_inbound"));
    }
    state.usage.first_day.map(|_| ("product".to_owned(), "product_usage"))
}

/// The first conversation; without one, when the CRM came to know the company.
fn first_touch(inputs: &Inputs<'_>) -> Option<DateTime> {
    let activities = inputs.activities.iter().map(|activity| activity.at);
    let first = activities.chain(inputs.state.engagement.first_at).min();
    first.or_else(|| value(&inputs.state.profile.created_at).copied())
}

fn product_usage(inputs: &Inputs<'_>, cut: &mut Cut) -> Option<ProductUsage> {
    let usage = &inputs.signals.usage;
    (usage.days > 0).then(|| ProductUsage {
        depth: usage.depth,
        trend_pct: usage.trend_pct,
        plateau: usage.plateau,
        weekly_active_users: usage.weekly_active_users,
        seats: usage.seats,
        top_features: cut.keep("journey.productUsage.topFeatures", usage.top_features.clone()),
        as_of: usage.provenance.as_of,
    })
}
