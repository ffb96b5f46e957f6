//! The partner part of a package: who is related to the account, who referred it, what may be shared.
//!
//! Promises: a partner for whom no consent of the company is live is counted and not named, here and as the source of the
//! journey. The decision gates its own words by the same purpose.

use std::collections::BTreeSet;

use super::model::{ConsentPart, OverlapPart, PartnerPart, ReferralPart};
use super::sharing::{Sharing, is_live};
use super::{Cut, Inputs, clip};

pub(super) fn partner(inputs: &Inputs<'_>, cut: &mut Cut) -> PartnerPart {
    let partners = &inputs.signals.partner;
    let all: BTreeSet<&str> = partners
        .overlaps
        .iter()
        .map(|overlap| overlap.partner_id.as_str())
        .chain(partners.referrals.iter().map(String::as_str))
        .collect();
    let named: BTreeSet<&str> =
        all.iter().copied().filter(|partner_id| is_named(inputs, partner_id)).collect();
    let overlaps = partners.overlaps.iter().filter(|overlap| named.contains(overlap.partner_id.as_str()));
    let overlaps = overlaps.map(|overlap| OverlapPart {
        partner_id: overlap.partner_id.clone(),
        overlap_type: overlap.overlap_type,
        strength: overlap.strength,
    });
    let referrals = partners.referrals.iter().filter(|partner_id| named.contains(partner_id.as_str()));
    let referrals = referrals.filter_map(|partner_id| {
        let referred_at = inputs.state.referrals.get(partner_id)?.value;
        Some(ReferralPart { partner_id: partner_id.clone(), referred_at })
    });
    let withheld = all.len() - named.len();
    PartnerPart {
        overlaps: cut.keep("partner.overlaps", overlaps.collect()),
        referrals: cut.keep("partner.referrals", referrals.collect()),
        partner_ids: cut.keep("partner.partnerIds", named.into_iter().map(str::to_owned).collect()),
        context: inputs.decision.and_then(|decision| decision.partner_context.as_deref()).map(clip),
        consents: cut.keep("partner.consents", consents(inputs)),
        withheld: u32::try_from(withheld).unwrap_or(u32::MAX),
        withheld_for: (withheld > 0).then(|| inputs.partner_purpose.to_owned()),
    }
}

/// Whether a live consent of the company covers sharing with the partner; otherwise nobody is told of the partner.
pub(super) fn is_named(inputs: &Inputs<'_>, partner_id: &str) -> bool {
    let sharing = Sharing {
        partner_id,
        purpose: inputs.partner_purpose,
        consents: &inputs.state.consents,
        people: &[],
        now: inputs.now,
    };
    sharing.covers_company()
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
