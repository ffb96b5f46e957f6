//! The sections about business: deal, growth, relationship, prices, partners.

use super::super::ReportInputs;
use super::super::figures::{amount, count, date, day, number, share, words};
use super::{facts, joined, listed};
use crate::accounts::model::OverlapKind;
use crate::handoffs::package::model::{DealPart, Package, SubscriptionPart};
use crate::kernel::document::block::{Block, plain};

pub(super) fn deal(package: &Package) -> Vec<Block> {
    let Some(deal) = &package.deal else { return Vec::new() };
    let closes = if deal.closed { "Closed" } else { "Expected close" };
    facts([
        (
            "Deal",
            Some(deal.name.as_ref().map_or_else(|| deal.id.clone(), |name| format!("{name} ({})", deal.id))),
        ),
        ("Value", value(deal)),
        ("Stage", deal.stage.clone()),
        (closes, deal.close_date.map(date)),
        ("Products", joined(&deal.products)),
    ])
}

fn value(deal: &DealPart) -> Option<String> {
    Some(amount(deal.amount.as_ref()?, deal.currency.as_deref()))
}

pub(super) fn expansion(package: &Package) -> Vec<Block> {
    let known = &package.expansion;
    let mut blocks = Vec::new();
    if !known.signals.is_empty() {
        blocks.push(Block::List(known.signals.iter().map(|signal| plain(words(signal))).collect()));
    }
    let intents = known.intents.iter();
    let interest =
        intents.map(|intent| plain(format!("{}: {}", words(&intent.kind), share(intent.strength))));
    blocks.extend(listed("Interest observed", interest.collect()));
    blocks
}

pub(super) fn relationship(inputs: &ReportInputs<'_>) -> Vec<Block> {
    let known = &inputs.package.relationship;
    let escalated = if known.ticket_escalated { ", one of them escalated" } else { "" };
    let tickets =
        format!("{} open of {}{escalated}", count(known.open_tickets.into()), count(known.tickets.into()));
    let talks = known.inbound_activities + known.outbound_activities;
    let conversations = format!(
        "{} from them, {} from us",
        count(known.inbound_activities),
        count(known.outbound_activities)
    );
    facts([
        ("Conversations", (talks > 0).then_some(conversations)),
        ("Last word from them", known.last_inbound_at.map(|at| day(at, inputs.zone))),
        ("Last word from us", known.last_outbound_at.map(|at| day(at, inputs.zone))),
        ("Support tickets", (known.tickets > 0).then_some(tickets)),
        ("Satisfaction with support", known.satisfaction.map(number)),
    ])
}

pub(super) fn pricing(package: &Package) -> Vec<Block> {
    let known = &package.relationship;
    let mut blocks = Vec::new();
    if !known.subscriptions.is_empty() {
        let rows = known.subscriptions.iter().map(|of| {
            let monthly = of.mrr.as_ref().map(|mrr| amount(mrr, of.currency.as_deref()));
            let seats = of.seats.map(count);
            [
                plain(of.plan_tier.as_deref().unwrap_or(&of.id)),
                plain(seats.as_deref().unwrap_or("–")),
                plain(monthly.as_deref().unwrap_or("–")),
                plain(term(of)),
                plain(renewal(of)),
            ]
        });
        blocks.push(Block::table(["Plan", "Seats", "A month", "Term", "Renewal"], rows));
    }
    if !known.closed_deals.is_empty() {
        blocks.push(Block::subheading("Earlier deals"));
        let rows = known.closed_deals.iter().map(|deal| {
            [
                plain(deal.name.as_deref().unwrap_or(&deal.id)),
                plain(value(deal).as_deref().unwrap_or("–")),
                plain(deal.stage.as_deref().unwrap_or("–")),
                plain(deal.close_date.map(date).as_deref().unwrap_or("–")),
            ]
        });
        blocks.push(Block::table(["Deal", "Value", "Stage", "Closed"], rows));
    }
    blocks
}

fn term(of: &SubscriptionPart) -> String {
    match (of.start_date, of.end_date) {
        (Some(start), Some(end)) => format!("{} to {}", date(start), date(end)),
        (Some(start), None) => format!("since {}", date(start)),
        (None, Some(end)) => format!("until {}", date(end)),
        (None, None) => "–".to_owned(),
    }
}

fn renewal(of: &SubscriptionPart) -> &'static str {
    match (of.trial, of.auto_renew) {
        (Some(true), _) => "trial",
        (_, Some(true)) => "renews by itself",
        (_, Some(false)) => "ends unless renewed",
        (_, None) => "–",
    }
}

pub(super) fn partner(inputs: &ReportInputs<'_>) -> Vec<Block> {
    let known = &inputs.package.partner;
    let mut blocks = facts([("In short", known.context.clone())]);
    if !known.overlaps.is_empty() {
        let rows = known.overlaps.iter().map(|overlap| {
            [
                plain(&overlap.partner_id),
                plain(relation(overlap.overlap_type)),
                plain(share(overlap.strength)),
            ]
        });
        blocks.push(Block::table(["Partner", "Relation", "Strength"], rows));
    }
    let referrals = known.referrals.iter().map(|referral| {
        plain(format!("{} on {}", referral.partner_id, day(referral.referred_at, inputs.zone)))
    });
    blocks.extend(listed("Referred by", referrals.collect()));
    if let Some(purpose) = &known.withheld_for {
        let partners = if known.withheld == 1 {
            "1 partner is".to_owned()
        } else {
            format!("{} partners are", known.withheld)
        };
        let text = format!("{partners} not named: consent to {purpose} is missing.");
        blocks.push(Block::Paragraph(plain(text)));
    }
    blocks
}

fn relation(kind: OverlapKind) -> &'static str {
    match kind {
        OverlapKind::Customer => "is their customer",
        OverlapKind::Opportunity => "they have an open opportunity",
        OverlapKind::Prospect => "is their prospect",
        OverlapKind::TechStack => "uses their technology",
    }
}

pub(super) fn consent(inputs: &ReportInputs<'_>) -> Vec<Block> {
    let known = &inputs.package.partner.consents;
    if known.is_empty() {
        return Vec::new();
    }
    let rows = known.iter().map(|consent| {
        let until = consent.expires_at.map(|at| day(at, inputs.zone));
        [
            plain(&consent.purpose),
            plain(if consent.live { "yes" } else { "no" }),
            plain(consent.legal_basis.as_deref().map(words).as_deref().unwrap_or("–")),
            plain(until.as_deref().unwrap_or("–")),
        ]
    });
    vec![Block::table(["Purpose", "May be shared", "Legal basis", "Until"], rows)]
}
