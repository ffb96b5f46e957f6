//! The fold of what is said about partners, intent, freshness, consent, preferences and tickets: one
//! statement by key, newest wins; where the statement is itself an instant, the latest instant wins.

use super::{Applied, keep_last, say, say_whole};
use crate::accounts::events::{
    ConsentChanged, IntentObserved, PartnerOverlap, PartnerReferral, PreferenceChanged, SourceSynced,
    SupportTicket,
};
use crate::accounts::model::{
    AccountState, Consent, Fact, Intent, NAMES_KEPT, Overlap, RECORDS_KEPT, Stamp, TICKETS_KEPT, Ticket,
};
use crate::kernel::clock::DateTime;

/// Strength of a sign or relation whose source gives none: it is simply there.
const STRENGTH_UNSAID: f64 = 1.0;

/// An observed intent, by kind.
pub(super) fn intent(state: &mut AccountState, data: &IntentObserved, stamp: Stamp, applied: &mut Applied) {
    let intent = Intent {
        strength: data.strength.value().copied().unwrap_or(STRENGTH_UNSAID),
        detail: data.detail.value().cloned(),
    };
    applied.changed = say_whole(&mut state.intents, data.kind.clone(), intent, stamp);
    keep_last(&mut state.intents, NAMES_KEPT, "intents", &mut applied.dropped);
}

/// A partner's relation of one kind.
pub(super) fn overlap(state: &mut AccountState, data: &PartnerOverlap, stamp: Stamp, applied: &mut Applied) {
    let overlap = Overlap {
        strength: data.strength.value().copied().unwrap_or(STRENGTH_UNSAID),
        active: data.active.value().copied().unwrap_or(true),
    };
    let kinds = state.overlaps.entry(data.partner_id.clone()).or_default();
    applied.changed = say_whole(kinds, data.overlap_type, overlap, stamp);
    keep_last(&mut state.overlaps, RECORDS_KEPT, "overlaps", &mut applied.dropped);
}

/// A referral: of several by one partner the latest counts.
pub(super) fn referral(
    state: &mut AccountState,
    data: &PartnerReferral,
    time: DateTime,
    stamp: Stamp,
    applied: &mut Applied,
) {
    let at = data.referred_at.value().copied().unwrap_or(time);
    let mut known = state.referrals.remove(&data.partner_id);
    applied.changed = latest(&mut known, at, stamp);
    state.referrals.extend(known.map(|fact| (data.partner_id.clone(), fact)));
    keep_last(&mut state.referrals, RECORDS_KEPT, "referrals", &mut applied.dropped);
}

/// How far a source is in step.
pub(super) fn sync(state: &mut AccountState, data: &SourceSynced, stamp: Stamp, applied: &mut Applied) {
    let mut known = state.syncs.remove(&data.source);
    applied.changed = latest(&mut known, data.synced_at, stamp);
    state.syncs.extend(known.map(|fact| (data.source, fact)));
}

/// Keeps the later of two instants; of equal ones that with the later stamp.
fn latest(slot: &mut Option<Fact<DateTime>>, at: DateTime, stamp: Stamp) -> bool {
    let later = slot.as_ref().is_none_or(|known| (known.value, &known.stamp) < (at, &stamp));
    if later {
        *slot = Some(Fact::new(at, stamp));
    }
    later
}

/// Consent for one purpose.
pub(super) fn consent(state: &mut AccountState, data: &ConsentChanged, stamp: Stamp, applied: &mut Applied) {
    let consent = Consent {
        granted: data.granted,
        legal_basis: data.legal_basis.value().cloned(),
        expires_at: data.expires_at.value().copied(),
    };
    applied.changed = say_whole(&mut state.consents, data.purpose.clone(), consent, stamp);
    keep_last(&mut state.consents, NAMES_KEPT, "consents", &mut applied.dropped);
}

/// What the account asked for.
pub(super) fn preference(
    state: &mut AccountState,
    data: &PreferenceChanged,
    stamp: &Stamp,
    applied: &mut Applied,
) {
    let preferences = &mut state.preferences;
    let changes = [
        say(&mut preferences.allowed_motions, &data.allowed_motions, stamp),
        say(&mut preferences.blocked_motions, &data.blocked_motions, stamp),
        say(&mut preferences.do_not_contact, &data.do_not_contact, stamp),
    ];
    applied.changed = changes.contains(&true);
}

/// A support ticket. When there are too many, the one whose last word is oldest goes: a ticket is one
/// statement, so what went comes back only by a newer one, in whatever order they arrive.
pub(super) fn ticket(state: &mut AccountState, data: &SupportTicket, stamp: Stamp, applied: &mut Applied) {
    let ticket = Ticket {
        status: data.status.clone(),
        priority: data.priority.value().cloned(),
        satisfaction: data.satisfaction.value().copied(),
        escalated: data.escalated.value().copied(),
    };
    let said = stamp.clone();
    applied.changed = say_whole(&mut state.tickets, data.ticket_id.clone(), ticket, stamp);
    if state.tickets.len() > TICKETS_KEPT {
        let oldest = state.tickets.iter().min_by_key(|(_, fact)| &fact.stamp).map(|(id, _)| id.clone());
        if let Some(oldest) = oldest.and_then(|id| state.tickets.remove(&id)) {
            applied.dropped = Some("tickets");
            applied.changed = oldest.stamp != said;
        }
    }
}
