//! The guardrails, each checked on its own against the candidate.
//!
//! Boundaries: a claim ends at the instant it expires; data exactly as old as allowed is taken; a touch
//! exactly as old as the window no longer counts.

use chrono::TimeDelta;

use super::decision::{Detail, Guardrail, GuardrailId, NotApplicable, Verdict};
use crate::kernel::clock::DateTime;
use crate::motions::model::{Claim, Ledger, Motion, Touch};
use crate::motions::policy::vocabulary::Scope;
use crate::motions::policy::{AgeGate, Candidate, Guardrails, Policy};

/// Checks all guardrails, in the order of [`GuardrailId::ALL`]. A continuation is checked only against what
/// the account asked for.
pub fn check(policy: &Policy, scope: Scope<'_>, candidate: &Candidate, continues: bool) -> [Guardrail; 11] {
    let rules = policy.guardrails();
    GuardrailId::ALL.map(|id| {
        if continues && !binds_continuation(id) {
            return Guardrail::not_applicable(id, NotApplicable::Continuation);
        }
        let (passed, detail) = match one(id, rules, scope, candidate) {
            Ok(checked) => checked,
            Err(reason) => return Guardrail::not_applicable(id, reason),
        };
        Guardrail { id, verdict: if passed { Verdict::Passed } else { Verdict::Failed }, detail }
    })
}

fn binds_continuation(id: GuardrailId) -> bool {
    use GuardrailId as Id;
    matches!(
        id,
        Id::MotionPreferences
            | Id::DoNotContact
            | Id::MotionPause
            | Id::PartnerConsent
            | Id::AccountOwnership
    )
}

type Checked = Result<(bool, Detail), NotApplicable>;

fn one(id: GuardrailId, rules: &Guardrails, scope: Scope<'_>, candidate: &Candidate) -> Checked {
    let (signals, ledger, now, motion) = (scope.signals, scope.ledger, scope.now, candidate.motion);
    match id {
        GuardrailId::MotionExclusivity => Ok(exclusivity(rules, ledger, motion, now)),
        GuardrailId::UsageDataDays => {
            applies(&rules.usage_days.motions, motion)?;
            let (days, needed) = (signals.usage.days, rules.usage_days.min_days);
            Ok((days >= needed, Detail::UsageDays { days, needed }))
        }
        GuardrailId::CrmFreshness => age(&rules.crm, motion, signals.crm.provenance.as_of, now),
        GuardrailId::PartnerSync => age(&rules.partner, motion, signals.partner.synced_at, now),
        GuardrailId::TouchBudget => Ok(touch_budget(rules, &ledger.touches, now)),
        GuardrailId::MotionPreferences => {
            let preferences = &ledger.preferences;
            if preferences.blocked.contains(&motion) {
                Ok((false, Detail::BlockedMotion))
            } else if !preferences.allowed.is_empty() && !preferences.allowed.contains(&motion) {
                Ok((false, Detail::NotAllowed))
            } else {
                Ok((true, Detail::PreferencesAllow))
            }
        }
        GuardrailId::DoNotContact => {
            let do_not_contact = ledger.preferences.do_not_contact;
            Ok((!do_not_contact, Detail::Contact { do_not_contact }))
        }
        GuardrailId::MotionPause => {
            let paused = ledger.pauses.iter().filter(|pause| pause.motion == motion && pause.until > now);
            Ok(match paused.max_by_key(|pause| pause.until) {
                Some(pause) => (false, Detail::Paused { until: pause.until, conflict_id: pause.conflict_id }),
                None => (true, Detail::NotPaused),
            })
        }
        GuardrailId::DealStageFreeze => {
            let crm = &signals.crm;
            let frozen = crm.open_stages.iter().find(|stage| rules.frozen.contains(stage));
            Ok((frozen.is_none(), Detail::DealStage { stage: frozen.copied().unwrap_or(crm.deal_stage) }))
        }
        GuardrailId::PartnerConsent => {
            let partner = &signals.partner;
            if !candidate.shares_partner_data || (partner.overlaps.is_empty() && partner.referrals.is_empty())
            {
                return Err(NotApplicable::NoPartnerData);
            }
            let consent = ledger.consents.get(&rules.consent_purpose);
            let expires_at = consent.and_then(|consent| consent.expires_at);
            let granted = consent.is_some_and(|consent| consent.granted);
            let live = granted && expires_at.is_none_or(|at| at > now);
            Ok((live, Detail::Consent { granted, expires_at }))
        }
        GuardrailId::AccountOwnership => match signals.crm.owner_id {
            Some(_) => Ok((true, Detail::Owned)),
            None => Err(NotApplicable::NoOwner),
        },
    }
}

fn applies(motions: &[Motion], motion: Motion) -> Result<(), NotApplicable> {
    if motions.contains(&motion) { Ok(()) } else { Err(NotApplicable::OtherMotions) }
}

fn age(gate: &AgeGate, motion: Motion, as_of: Option<DateTime>, now: DateTime) -> Checked {
    applies(&gate.motions, motion)?;
    let fresh = as_of.is_some_and(|as_of| now - as_of <= gate.max_age);
    let max_age_hours = u32::try_from(gate.max_age.num_hours()).unwrap_or(u32::MAX);
    Ok((fresh, Detail::Age { as_of, max_age_hours }))
}

/// The live claims that compete with a motion.
pub fn rivals<'l>(
    rules: &Guardrails,
    ledger: &'l Ledger,
    motion: Motion,
    now: DateTime,
) -> impl Iterator<Item = &'l Claim> {
    ledger.claims.iter().filter(move |claim| claim.expires_at > now && rules.compete(claim.motion, motion))
}

/// The rival that holds longest: the account is free for the motion when that one has gone.
pub fn holder<'l>(
    rules: &Guardrails,
    ledger: &'l Ledger,
    motion: Motion,
    now: DateTime,
) -> Option<&'l Claim> {
    rivals(rules, ledger, motion, now).max_by_key(|claim| (claim.expires_at, claim.id))
}

fn exclusivity(rules: &Guardrails, ledger: &Ledger, motion: Motion, now: DateTime) -> (bool, Detail) {
    let Some(claim) = holder(rules, ledger, motion, now) else { return (true, Detail::Free) };
    if ledger.switch_to == Some(motion) {
        return (true, Detail::TakesOver { claim_id: claim.id, from: claim.motion });
    }
    (false, Detail::Held { claim_id: claim.id, by: claim.motion, until: claim.expires_at })
}

fn touch_budget(rules: &Guardrails, touches: &[Touch], now: DateTime) -> (bool, Detail) {
    let since = now.checked_sub_signed(rules.touch_window).unwrap_or(DateTime::MIN_UTC);
    let counting = || touches.iter().map(|touch| touch.at).filter(move |at| *at > since);
    let count = u32::try_from(counting().count()).unwrap_or(u32::MAX);
    let limit = rules.touch_limit;
    let frees_at =
        (count >= limit).then(|| frees_at(counting(), count - limit, rules.touch_window)).flatten();
    let window_days = u32::try_from(rules.touch_window.num_days()).unwrap_or(u32::MAX);
    (count < limit, Detail::Touches { count, limit, window_days, frees_at })
}

/// When enough touches have left the window: the one at `index`, oldest first, is the last that must.
fn frees_at(counting: impl Iterator<Item = DateTime>, index: u32, window: TimeDelta) -> Option<DateTime> {
    let mut at: Vec<DateTime> = counting.collect();
    at.sort_unstable();
    at.get(index as usize)?.checked_add_signed(window)
}
