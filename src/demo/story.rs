//! The stories themselves: how each archetype begins, what its beats tell, and everyday life.
//!
//! The numbers are chosen by the default policy's definitions: depth is 0.4 × breadth (features out of 10)
//! + 0.3 × frequency (active days of 28 out of 20) + 0.3 × penetration (users out of seats).

use chrono::{Datelike, Days, NaiveDate, TimeDelta, Weekday};
use serde_json::{Value, json};

use super::archetype::Archetype as A;
use super::company::{PEOPLE, TITLES};
use super::dice::Dice;
use super::teller::{FEATURES, System, Teller, stamp};

/// Days of use that the history tells.
const HISTORY_DAYS: u64 = 60;
/// The consent that the default policy asks for before partner data leave.
const PARTNER_CONSENT: &str = "partner_data_sharing";
/// The stream of chance that contracts are drawn from.
const CONTRACT: u64 = 365;

/// How an account uses the product.
struct Pattern {
    features: usize,
    /// Users on a working day, out of a hundred seats.
    users_pct: u64,
    days: u64,
    working_days_only: bool,
    /// Percent by which use falls over the whole time.
    decline_pct: u64,
}

impl Pattern {
    const fn steady(features: usize, users_pct: u64) -> Self {
        Self { features, users_pct, days: HISTORY_DAYS, working_days_only: true, decline_pct: 0 }
    }
}

/// What the systems know when the story begins. Use comes first and the profile last: until the size of a
/// company is known nothing is decided on half of the facts.
pub fn opening(teller: &mut Teller<'_>) {
    let archetype = teller.company.archetype;
    match archetype {
        // 24 + 30 + 13.5 = 67.5: just below deep.
        A::ReadyToExpand | A::TouchedTwice => usage(teller, &Pattern::steady(6, 45)),
        // 40 + 6 + 28.5 = 74.5 on four days.
        A::FreshSignup => {
            usage(teller, &Pattern { days: 4, working_days_only: false, ..Pattern::steady(10, 95) });
        }
        // 32 + 30 + 18 = 80, level.
        A::LevelledOff | A::InNegotiation | A::NoConsent => usage(teller, &Pattern::steady(8, 60)),
        A::LargeWithPartner | A::PartnerSyncLate => usage(teller, &Pattern::steady(7, 50)),
        A::AskedForQuiet | A::NoSelfServe | A::TugOfWar => usage(teller, &Pattern::steady(9, 80)),
        // 8 + 30 + 3 at the most: low.
        A::PilotAtGiant | A::StaleCrm => usage(teller, &Pattern::steady(1, 10)),
        A::InTrouble => usage(teller, &Pattern { decline_pct: 70, ..Pattern::steady(4, 40) }),
        A::DealOnItsWay => usage(teller, &Pattern::steady(3, 20)),
        A::Quiet => usage(teller, &Pattern::steady(5, 35)),
        A::Referred => {}
    }
    people(teller);
    circumstances(teller, archetype);
    syncs(teller, archetype);
    size_and_profile(teller, archetype);
}

/// The use of the product, day by day, with today. The same weekday of the fortnight before looks the same,
/// so that what is steady is exactly level.
fn usage(teller: &mut Teller<'_>, pattern: &Pattern) {
    let seats = teller.company.seats;
    for back in (0..pattern.days).rev() {
        let date = teller.day_before(back);
        if pattern.working_days_only && is_weekend(date) {
            continue;
        }
        let fortnight = u64::from(date.num_days_from_ce().unsigned_abs()) % 14;
        let decline = pattern.decline_pct * (pattern.days - back) / pattern.days;
        let users = (seats * pattern.users_pct / 100 * (100 - decline) / 100).max(1);
        let per_feature = (users * 3 / 2 + fortnight).max(2);
        teller.usage_day(date, users, &FEATURES[..pattern.features], per_feature, "operations");
    }
}

fn is_weekend(date: NaiveDate) -> bool {
    matches!(date.weekday(), Weekday::Sat | Weekday::Sun)
}

fn people(teller: &mut Teller<'_>) {
    let start = teller.dice.between(0, PEOPLE.len() as u64 - 1);
    for n in 0..2_u64 {
        let (first, last) =
            PEOPLE[usize::try_from((start + n * 5) % PEOPLE.len() as u64).unwrap_or_default()];
        let title = *teller.dice.pick(&TITLES);
        let email = format!("{}.{}@{}", first.to_lowercase(), last.to_lowercase(), teller.company.domain);
        let contact_id = format!("{}.c{}", teller.company.id, n + 1);
        let at = teller.ago(24 * 30);
        let data = json!({
            "contactId": contact_id, "firstName": first, "lastName": last, "title": title, "email": email,
            "isPrimary": n == 0,
        });
        teller.tell_at(System::Crm, at, "gtm.contact.upserted", data);
    }
}

/// Deals, partners, wishes and touches, as the story needs them.
fn circumstances(teller: &mut Teller<'_>, archetype: A) {
    if matches!(
        archetype,
        A::LevelledOff | A::LargeWithPartner | A::PartnerSyncLate | A::InNegotiation | A::TugOfWar
    ) {
        consent(teller, true);
    }
    match archetype {
        A::PartnerSyncLate => overlaps(teller, 72),
        A::InNegotiation => deal(teller, "Negotiation", 24 * 6),
        A::DealOnItsWay => deal(teller, "Discovery", 24 * 9),
        A::AskedForQuiet => {
            let at = teller.ago(24 * 20);
            teller.tell_at(System::App, at, "gtm.preference.changed", json!({ "doNotContact": true }));
        }
        A::NoSelfServe => {
            let at = teller.ago(24 * 20);
            let data = json!({ "blockedMotions": ["plg_self_serve"] });
            teller.tell_at(System::App, at, "gtm.preference.changed", data);
        }
        A::TouchedTwice => {
            activity(teller, "call", "outbound", "Quarterly check-in", 24 * 3);
            activity(teller, "email", "outbound", "Follow-up with the new price list", 24);
        }
        A::InTrouble => ticket(teller, 1, "open", "high", false, 24 * 4),
        A::Quiet => ticket(teller, 1, "solved", "low", false, 24 * 12),
        _ => {}
    }
}

fn syncs(teller: &mut Teller<'_>, archetype: A) {
    teller.synced(System::Warehouse, "analytics", 1);
    teller.synced(System::Crm, "crm", if archetype == A::StaleCrm { 72 } else { 2 });
    teller.synced(System::Partners, "partner", if archetype == A::PartnerSyncLate { 72 } else { 3 });
}

fn size_and_profile(teller: &mut Teller<'_>, archetype: A) {
    let company = teller.company;
    // Facts of the CRM are as old as its last sync: otherwise a stale CRM would look fresh.
    let at = teller.ago(if archetype == A::StaleCrm { 80 } else { 24 * 10 });
    if archetype != A::Referred {
        let mut data = json!({
            "subscriptionId": format!("{}.sub", company.id), "planTier": plan(archetype), "seats": company.seats,
            "mrr": { "amount": format!("{}.00", company.seats * 29), "currency": "USD" },
        });
        if archetype == A::FreshSignup {
            data["startDate"] = teller.day_before(8).to_string().into();
            data["trial"] = true.into();
        } else {
            let (starts, ends) = contract(company.dice_seed, teller.today());
            (data["startDate"], data["endDate"]) = (starts.to_string().into(), ends.to_string().into());
            data["autoRenew"] = (ends.ordinal() % 3 > 0).into();
        }
        teller.tell_at(System::Crm, at, "gtm.subscription.upserted", data);
    }
    let mut data = json!({
        "name": company.name, "domain": company.domain, "industry": company.industry, "country": company.country,
        "territory": company.territory, "ownerId": company.owner, "employeeCount": company.employees,
        "createdAt": stamp(teller.ago(24 * 210)),
    });
    match archetype {
        // Enrichment has not found the size of the company yet.
        A::PilotAtGiant => drop(data.as_object_mut().and_then(|fields| fields.remove("employeeCount"))),
        // Nobody owns whom nobody knows.
        A::Referred => drop(data.as_object_mut().and_then(|fields| fields.remove("ownerId"))),
        A::LargeWithPartner | A::PartnerSyncLate => data["techStack"] = json!([company.partner, "postgres"]),
        _ => {}
    }
    teller.tell_at(System::Crm, at, "gtm.account.upserted", data);
}

/// The year of contract that a day falls into. Each company has a day of the year on which it renews, so that some renewal
/// is always near, and a demo that starts again on another day tells of the same contracts.
fn contract(dice_seed: u64, today: NaiveDate) -> (NaiveDate, NaiveDate) {
    let nth = Dice::of(dice_seed, &[CONTRACT]).between(0, 364);
    let ends = |year: i32| NaiveDate::from_yo_opt(year, 1).unwrap_or_default() + Days::new(nth);
    let year = today.year();
    let year = if ends(year) < today { year + 1 } else { year };
    (ends(year - 1), ends(year))
}

fn plan(archetype: A) -> &'static str {
    match archetype {
        A::FreshSignup | A::PilotAtGiant => "starter",
        A::LargeWithPartner | A::PartnerSyncLate | A::StaleCrm => "enterprise",
        A::LevelledOff | A::InNegotiation | A::NoConsent | A::DealOnItsWay => "business",
        _ => "team",
    }
}

/// What a beat of the story tells.
pub fn beat(teller: &mut Teller<'_>, number: usize) {
    match (teller.company.archetype, number) {
        (A::ReadyToExpand | A::TouchedTwice | A::AskedForQuiet, 0) | (A::NoSelfServe, _) => discovery(teller),
        (A::ReadyToExpand, _) => second_team(teller),
        (A::FreshSignup, _) => backfill(teller),
        (A::LevelledOff | A::NoConsent | A::InNegotiation, 0) | (A::LargeWithPartner, _) => {
            partner_appears(teller);
        }
        (A::LevelledOff, _) => {
            intent(teller, "expansion", 0.7, "Asked in chat how to add a second workspace");
        }
        (A::PartnerSyncLate, _) => teller.synced(System::Partners, "partner", 0),
        (A::PilotAtGiant, _) => giant(teller),
        (A::StaleCrm, _) => teller.synced(System::Crm, "crm", 0),
        (A::Referred, 0) => referral(teller),
        (A::Referred, _) => activity(teller, "web_visit", "inbound", "Read the security page", 0),
        (A::InNegotiation, _) | (A::DealOnItsWay, 0) => deal(teller, "Proposal/Price Quote", 0),
        (A::AskedForQuiet, _) => {
            teller.tell(System::App, "gtm.preference.changed", json!({ "doNotContact": false }));
        }
        (A::TugOfWar, _) => {
            let data = json!({ "stage": "customer", "segment": "mid_market" });
            teller.tell(System::App, "gtm.lifecycle.changed", data);
            partner_appears(teller);
        }
        (A::DealOnItsWay, 1) => deal(teller, "Contract Sent", 0),
        (A::DealOnItsWay, _) => won(teller),
        (A::InTrouble, _) => {
            ticket(teller, 1, "open", "urgent", true, 0);
            note(teller, "pain_point", "Imports have failed every night since the last release.");
        }
        // Beyond what the table tells of them nothing happens.
        (A::Quiet | A::TouchedTwice | A::NoConsent, _) => {}
    }
}

/// A bit of everyday life that decides nothing.
pub fn everyday(teller: &mut Teller<'_>, dice: &mut Dice) {
    match dice.between(0, 9) {
        0..=3 if teller.company.archetype != A::Referred => {
            let feature = FEATURES[0];
            let data = json!({
                "date": teller.today().to_string(), "features": { feature: dice.between(1, 2) }, "mode": "add",
            });
            teller.tell(System::Warehouse, "gtm.usage.recorded", data);
        }
        4 if teller.company.archetype != A::StaleCrm => teller.synced(System::Crm, "crm", 0),
        5 if teller.company.archetype != A::PartnerSyncLate => teller.synced(System::Partners, "partner", 0),
        6 if teller.company.archetype != A::Referred => {
            ticket(teller, dice.between(10, 99), "solved", "low", false, 0);
        }
        7 => note(teller, "note", "Asked for the date of the next product update."),
        _ => teller.synced(System::Warehouse, "analytics", 0),
    }
}

/// Most of the seats try most of the features on one day.
fn discovery(teller: &mut Teller<'_>) {
    let users = teller.company.seats * 80 / 100;
    let today = teller.today();
    teller.usage_day(today, users, &FEATURES[..10], users * 2, "operations");
}

fn second_team(teller: &mut Teller<'_>) {
    let data = json!({
        "date": teller.today().to_string(), "activeUsers": 3, "features": { "dashboards": 12, "exports": 6 },
        "department": "finance", "mode": "add",
    });
    teller.tell(System::Warehouse, "gtm.usage.recorded", data);
}

/// The days that the warehouse had missed.
fn backfill(teller: &mut Teller<'_>) {
    let users = teller.company.seats * 90 / 100;
    for back in (4..9).rev() {
        let date = teller.day_before(back);
        teller.usage_day(date, users, &FEATURES[..8], users, "operations");
    }
    teller.synced(System::Warehouse, "analytics", 0);
}

fn partner_appears(teller: &mut Teller<'_>) {
    overlaps(teller, 0);
    teller.synced(System::Partners, "partner", 0);
}

fn overlaps(teller: &mut Teller<'_>, hours_ago: i64) {
    let at = teller.ago(hours_ago);
    let (first, second) = match teller.company.archetype {
        A::LevelledOff | A::InNegotiation | A::NoConsent => ("aws", "salesforce"),
        _ => (teller.company.partner, "snowflake"),
    };
    let told = [(first, "tech_stack", 0.85), (second, "customer", 0.6)];
    for (partner, kind, strength) in told {
        let data = json!({ "partnerId": partner, "overlapType": kind, "strength": strength, "active": true });
        teller.tell_at(System::Partners, at, "gtm.partner.overlap", data);
    }
}

fn giant(teller: &mut Teller<'_>) {
    let company = teller.company;
    let data = json!({
        "name": company.name, "employeeCount": company.employees,
        "annualRevenue": { "amount": format!("{}.00", company.employees * 210_000), "currency": "USD" },
    });
    teller.tell(System::Crm, "gtm.account.upserted", data);
    intent(teller, "budget", 0.8, "Asked for an offer for the whole group");
}

fn referral(teller: &mut Teller<'_>) {
    let data = json!({ "partnerId": teller.company.partner, "referredAt": stamp(teller.now) });
    teller.tell(System::Partners, "gtm.partner.referral", data);
}

fn won(teller: &mut Teller<'_>) {
    deal(teller, "Closed Won", 0);
    teller.tell(System::App, "gtm.lifecycle.changed", json!({ "stage": "customer" }));
    note(teller, "promise", "Migration of the old plans within six weeks.");
}

fn consent(teller: &mut Teller<'_>, granted: bool) {
    let data = json!({
        "purpose": PARTNER_CONSENT, "granted": granted, "legalBasis": "consent",
        "expiresAt": stamp(teller.now + TimeDelta::days(300)),
    });
    let at = teller.ago(24 * 40);
    teller.tell_at(System::App, at, "gtm.consent.changed", data);
}

fn deal(teller: &mut Teller<'_>, stage: &str, hours_ago: i64) {
    let company = teller.company;
    let mut data = json!({
        "dealId": format!("{}.d1", company.id), "name": format!("{}: group licence", company.name), "stage": stage,
        "amount": format!("{}.00", company.seats * 29 * 12), "currency": "USD", "ownerId": company.owner,
        "expectedCloseDate": (teller.today() + TimeDelta::days(25)).to_string(),
        "qualification": { "framework": "bant", "score": 70, "budgetConfirmed": true, "timeline": "this quarter" },
    });
    let at = teller.ago(hours_ago);
    if stage == "Closed Won" {
        data["closedAt"] = stamp(at).into();
    }
    teller.tell_at(System::Crm, at, "gtm.deal.upserted", data);
}

fn intent(teller: &mut Teller<'_>, kind: &str, strength: f64, detail: &str) {
    let data = json!({ "kind": kind, "strength": strength, "detail": detail });
    teller.tell(System::App, "gtm.intent.observed", data);
}

fn activity(teller: &mut Teller<'_>, kind: &str, direction: &str, subject: &str, hours_ago: i64) {
    let at = teller.ago(hours_ago);
    let data: Value = json!({
        "activityType": kind, "direction": direction, "subject": subject,
        "contactId": format!("{}.c1", teller.company.id), "occurredAt": stamp(at),
    });
    teller.tell_at(System::Crm, at, "gtm.activity.logged", data);
}

fn ticket(
    teller: &mut Teller<'_>,
    number: u64,
    status: &str,
    priority: &str,
    escalated: bool,
    hours_ago: i64,
) {
    let at = teller.ago(hours_ago);
    let data = json!({
        "ticketId": format!("{}.t{number}", teller.company.id), "status": status, "priority": priority,
        "escalated": escalated,
    });
    teller.tell_at(System::Support, at, "gtm.support.ticket", data);
}

fn note(teller: &mut Teller<'_>, kind: &str, text: &str) {
    teller.tell(System::App, "gtm.note.added", json!({ "kind": kind, "text": text }));
}
