//! What a downstream skill is told: the data that the policy lists for it, and nothing else.
//!
//! Promises: data that needs the partner consent is left out without it, and named as withheld.

use serde_json::{Map, Value, json};

use super::{Meta, partner_context};
use crate::motions::decide::Decision;
use crate::motions::model::{Ledger, Signals};
use crate::motions::policy::{Policy, SkillData, live_claims};

/// The body of a call of `skill`. A skill that the policy does not list is told no data.
pub fn skill_payload(
    policy: &Policy,
    skill: &str,
    signals: &Signals,
    ledger: &Ledger,
    decision: &Decision,
    meta: &Meta,
) -> Value {
    let mut data = Map::new();
    let mut withheld = Vec::new();
    if let Some(rules) = policy.skill(skill) {
        for part in &rules.data {
            if decision.partner_data_withheld && rules.needs_consent.contains(part) {
                withheld.push(part.name());
            } else {
                data.insert(part.name().to_owned(), value(*part, policy, signals, ledger, decision));
            }
        }
    }
    json!({
        "accountId": meta.account_id,
        "decisionId": meta.decision_id,
        "policyVersion": policy.version(),
        "skill": skill,
        "motion": decision.motion,
        "decidedAt": decision.decided_at,
        "data": data,
        "withheld": withheld,
    })
}

fn value(part: SkillData, policy: &Policy, signals: &Signals, ledger: &Ledger, decision: &Decision) -> Value {
    let (usage, crm, partner) = (&signals.usage, &signals.crm, &signals.partner);
    match part {
        SkillData::UsageContext => json!({
            "depth": usage.depth,
            "breadth": usage.breadth,
            "frequency": usage.frequency,
            "penetration": usage.penetration,
            "trendPct": usage.trend_pct,
            "plateau": usage.plateau,
            "weeklyActiveUsers": usage.weekly_active_users,
            "seats": usage.seats,
            "topFeatures": usage.top_features,
            "asOf": usage.provenance.as_of,
        }),
        SkillData::UpgradeTriggers => json!({
            "expansionSignals": usage.expansion_signals,
            "planTier": crm.plan_tier,
            "seats": usage.seats,
            "weeklyActiveUsers": usage.weekly_active_users,
        }),
        SkillData::Segment => json!({
            "segment": signals.lifecycle.segment,
            "basis": signals.lifecycle.segment_basis,
            "icpFit": signals.lifecycle.icp_fit,
            "lifecycleStage": signals.lifecycle.stage,
        }),
        SkillData::UsageSummary => json!({
            "depth": usage.depth,
            "days": usage.days,
            "trendPct": usage.trend_pct,
            "plateau": usage.plateau,
            "topFeatures": usage.top_features,
        }),
        SkillData::IntentSignals => json!(signals.intent.kinds),
        SkillData::AccountData => json!({
            "name": crm.name,
            "industry": crm.industry,
            "country": crm.country,
            "employeeCount": crm.employee_count,
            "segment": signals.lifecycle.segment,
            "planTier": crm.plan_tier,
            "seats": usage.seats,
            "ownerId": crm.owner_id,
            "territory": crm.territory,
            "activeDeals": crm.active_deals,
            "usageDepth": usage.depth,
            "expansionSignals": usage.expansion_signals,
        }),
        SkillData::MotionHistory => motion_history(ledger, decision),
        SkillData::PartnerIds => {
            let mut ids: Vec<&str> =
                partner.overlaps.iter().map(|overlap| overlap.partner_id.as_str()).collect();
            ids.dedup();
            json!(ids)
        }
        SkillData::OverlapType => json!(partner.overlaps),
        SkillData::DealContext => json!({
            "deal": crm.deal,
            "stage": crm.deal_stage,
            "activeDeals": crm.active_deals,
        }),
        SkillData::PartnerContext => json!({
            "summary": partner_context(policy, signals),
            "referredBy": partner.referrals,
            "overlaps": partner.overlaps,
        }),
    }
}

/// The motions that hold the account and how often it was touched lately.
fn motion_history(ledger: &Ledger, decision: &Decision) -> Value {
    let claims: Vec<Value> = live_claims(ledger, decision.decided_at)
        .map(|claim| {
            json!({
                "motion": claim.motion,
                "claimedAt": claim.claimed_at,
                "expiresAt": claim.expires_at,
                "decisionId": claim.decision_id,
            })
        })
        .collect();
    json!({ "live": claims, "touches": ledger.touches, "chosen": decision.motion })
}
