//! The partner part of a package: who is related to the account, who referred it, what may be shared.

use std::collections::BTreeSet;

use super::model::{ConsentPart, OverlapPart, PartnerPart, ReferralPart};
use super::sharing::is_live;
use super::{Cut, Inputs, clip};

pub(super) fn partner(inputs: &Inputs<'_>, cut: &mut Cut) -> PartnerPart {
    let overlaps: Vec<OverlapPart> = inputs
        .signals
        .partner
        .overlaps
        .iter()
        .map(|overlap| OverlapPart {
            partner_id: overlap.partner_id.clone(),
            overlap_type: overlap.overlap_type,
            strength: overlap.strength,
        })
        .collect();
    let dates = &inputs.state.referrals;
    let referrals = inputs.signals.partner.referrals.iter().filter_map(|partner_id| {
        let referred_at = dates.get(partner_id)?.value;
        Some(ReferralPart { partner_id: partner_id.clone(), referred_at })
    });
    let referrals: Vec<ReferralPart> = referrals.collect();
    let ids: BTreeSet<String> = overlaps
        .iter()
        .map(|overlap| overlap.partner_id.clone())
        .chain(referrals.iter().map(|referral| referral.partner_id.clone()))
        .collect();
    PartnerPart {
        partner_ids: cut.keep("partner.partnerIds", ids.into_iter().collect()),
        overlaps: cut.keep("partner.overlaps", overlaps),
        referrals: cut.keep("partner.referrals", referrals),
        context: inputs.decision.and_then(|decision| decision.partner_context.as_deref()).map(clip),
        consents: cut.keep("partner.consents", consents(inputs)),
    }
}

/// Consents to sharing with partners; live ones first, so that none of them is left out for one that is over.
fn consents(inputs: &Inputs<'_>) -> Vec<ConsentPart> {
    let below = format!("{}:", inputs.partner_purpose);
    let ours = inputs
        .state
        .consents
        .iter()
        .filter(|(purpose, _)| *purpose == inputs.partner_purpose || purpose.starts_with(&below));
    let mut found: Vec<ConsentPart> = ours
        .map(|(purpose, fact)| ConsentPart {
            purpose: purpose.clone(),
            live: is_live(&fact.value, inputs.now),
            legal_basis: fact.value.legal_basis.clone(),
            expires_at: fact.value.expires_at,
        })
        .collect();
    found.sort_by_key(|consent| !consent.live);
    found
}
