//! What a decision costs: nanoseconds for each branch of the default policy, against a baseline of the same
//! run, and the rendering of its document apart.
//!
//! The baseline is the same ladder, scores and guardrails written by hand in Rust, without policy data and
//! without an explanation: the least that the same answer (motion and outcome) can cost. The ratio to it is
//! the price of rules that are data and of decisions that explain themselves; unlike nanoseconds, it can be
//! compared between machines.
//!
//! `cargo bench --bench decide` prints criterion's figures and then one table: the fastest sample of each.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::hint::black_box;
use std::time::{Duration, Instant};

use chrono::TimeDelta;
use criterion::Criterion;
use gtm::accounts::model::{AccountState, Fact, OverlapKind, Stamp, SyncSource, UsageDay};
use gtm::kernel::clock::DateTime;
use gtm::kernel::ids::AccountId;
use gtm::motions::decide::decide;
use gtm::motions::document::{Meta, document};
use gtm::motions::model::{
    ConsentView, DealStage, Ledger, Motion, Outcome, PartnerOverlap, Segment, Signals,
};
use gtm::motions::policy::{Format, Policy};
use gtm::motions::signals::{Failing, derive};

const DEFAULT: &str = include_str!("../config/policies/default.toml");

fn now() -> DateTime {
    DateTime::from_timestamp(1_795_000_000, 0).unwrap_or_default()
}

/// Seven weeks of usage of eight features, with CRM and partner in step.
fn state() -> AccountState {
    let mut state = AccountState::default();
    let stamp = || Stamp { as_of: now() - TimeDelta::hours(1), tie: 0, source: "bench".to_owned() };
    for back in 0..49 {
        let features = (0..8_u64).map(|i| (format!("feature_{i}"), 10 + i)).collect();
        let day = UsageDay { active_users: 22, features, ..UsageDay::default() };
        state.usage.days.insert((now() - TimeDelta::days(back)).date_naive(), day);
    }
    state.usage.first_day = state.usage.days.keys().next().copied();
    state.usage.latest = Some(stamp());
    state.profile.employee_count = Some(Fact::new(Some(650), stamp()));
    state.profile.seats = Some(Fact::new(Some(30), stamp()));
    for source in [SyncSource::Crm, SyncSource::Partner] {
        state.syncs.insert(source, Fact::new(now() - TimeDelta::hours(1), stamp()));
    }
    state
}

/// One account for each branch of the ladder, and the signals it has.
fn accounts(policy: &Policy) -> Vec<(&'static str, Signals)> {
    let base = derive(policy.definitions(), &state(), Failing::default(), now());
    let with = |change: fn(&mut Signals)| {
        let mut signals = base.clone();
        signals.usage.plateau = false;
        change(&mut signals);
        signals
    };
    vec![
        ("1 self-serve expansion", with(|s| s.lifecycle.segment = Segment::Smb)),
        (
            "2 plateau with partner",
            with(|s| {
                s.usage.plateau = true;
                let overlap = |partner_id: &str, overlap_type| PartnerOverlap {
                    partner_id: partner_id.to_owned(),
                    overlap_type,
                    strength: 0.8,
                };
                s.partner.overlaps = vec![
                    overlap("aws", OverlapKind::Customer),
                    overlap("aws", OverlapKind::TechStack),
                    overlap("salesforce", OverlapKind::TechStack),
                ];
            }),
        ),
        (
            "3 enterprise, low self-serve",
            with(|s| {
                s.lifecycle.segment = Segment::Enterprise;
                s.usage.depth = 12.0;
            }),
        ),
        ("4 partner referral", with(|s| s.partner.referrals = vec!["aws".to_owned()])),
        ("5 keep watching", with(|_| {})),
    ]
}

fn ledger() -> Ledger {
    let consent = ConsentView { granted: true, legal_basis: None, expires_at: None };
    Ledger { consents: BTreeMap::from([("partner_data_sharing".to_owned(), consent)]), ..Ledger::default() }
}

/// The baseline: the default policy by hand, answer only.
fn by_hand(s: &Signals, ledger: &Ledger, now: DateTime) -> (Option<Motion>, Outcome) {
    let larger = matches!(s.lifecycle.segment, Segment::MidMarket | Segment::Enterprise);
    let smb = s.lifecycle.segment == Segment::Smb;
    let overlap = !s.partner.overlaps.is_empty();
    let motion = if s.usage.depth > 70.0 && smb && s.crm.active_deals == 0 {
        Motion::PlgSelfServe
    } else if s.usage.plateau && larger && overlap {
        let expansion = !s.usage.expansion_signals.is_empty()
            || s.intent.kinds.get("expansion").is_some_and(|strength| *strength >= 0.5);
        let mid_market = s.lifecycle.segment == Segment::MidMarket;
        let assist =
            0.25 * (f64::from(u8::from(mid_market)) * 0.35 + 0.35 + f64::from(u8::from(expansion)) * 0.3);
        let tech = s.partner.overlaps.iter().any(|overlap| overlap.overlap_type == OverlapKind::TechStack);
        let co_sell = 0.15 * (0.6 + f64::from(u8::from(tech)) * 0.4);
        if assist >= co_sell { Motion::SalesAssist } else { Motion::PartnerCoSell }
    } else if s.lifecycle.segment == Segment::Enterprise && s.usage.depth < 40.0 {
        Motion::SalesLed
    } else if !s.partner.referrals.is_empty() {
        Motion::PartnerSourced
    } else {
        return (None, Outcome::Monitoring);
    };
    (Some(motion), guarded(motion, s, ledger, now))
}

fn guarded(motion: Motion, s: &Signals, ledger: &Ledger, now: DateTime) -> Outcome {
    let live = |claim: &gtm::motions::model::Claim| claim.expires_at > now;
    let day = TimeDelta::hours(24);
    let fresh = |as_of: Option<DateTime>| as_of.is_some_and(|as_of| now - as_of <= day);
    let preferences = &ledger.preferences;
    let allowed = preferences.allowed.is_empty() || preferences.allowed.contains(&motion);
    let paused = ledger.pauses.iter().any(|pause| pause.motion == motion && pause.until > now);
    if preferences.blocked.contains(&motion) || !allowed || preferences.do_not_contact || paused {
        return Outcome::Blocked;
    }
    if ledger.claims.iter().any(|claim| live(claim) && claim.motion == motion) {
        return Outcome::Continued;
    }
    if matches!(s.crm.deal_stage, DealStage::Negotiation | DealStage::Closing) {
        return Outcome::Blocked;
    }
    let gated = match motion {
        Motion::PlgSelfServe => s.usage.days < 7,
        Motion::SalesAssist | Motion::SalesLed => !fresh(s.crm.provenance.as_of),
        Motion::PartnerCoSell => !fresh(s.partner.synced_at),
        Motion::PartnerSourced => false,
    };
    if gated {
        return Outcome::Deferred;
    }
    if ledger.switch_to != Some(motion) && ledger.claims.iter().any(live) {
        return Outcome::Conflict;
    }
    let since = now - TimeDelta::days(7);
    if ledger.touches.iter().filter(|touch| touch.at > since).count() >= 2 {
        return Outcome::Blocked;
    }
    Outcome::Executed
}

/// The fastest sample of each measurement, in nanoseconds.
#[derive(Default)]
struct Fastest(RefCell<BTreeMap<String, f64>>);

impl Fastest {
    fn measure<T>(&self, criterion: &mut Criterion, name: &str, mut work: impl FnMut() -> T) {
        criterion.bench_function(name, |bencher| {
            bencher.iter_custom(|count| {
                let start = Instant::now();
                for _ in 0..count {
                    black_box(work());
                }
                let taken = start.elapsed();
                #[expect(clippy::cast_precision_loss, reason = "counts of a benchmark")]
                let each = taken.as_nanos() as f64 / count as f64;
                let mut fastest = self.0.borrow_mut();
                let best = fastest.entry(name.to_owned()).or_insert(f64::INFINITY);
                *best = best.min(each);
                taken
            });
        });
    }

    fn of(&self, name: &str) -> f64 {
        self.0.borrow().get(name).copied().unwrap_or(f64::NAN)
    }
}

fn main() {
    let policy = match Policy::compile(DEFAULT, Format::Toml) {
        Ok(policy) => policy,
        Err(faults) => {
            for fault in faults {
                println!("{fault}");
            }
            std::process::exit(1);
        }
    };
    let mut criterion = Criterion::default()
        .configure_from_args()
        .sample_size(30)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1));
    let (fastest, ledger, at) = (Fastest::default(), ledger(), now());
    let accounts = accounts(&policy);
    let Ok(account_id) = AccountId::parse("acc_12345") else { return };
    let meta = Meta { account_id, decision_id: uuid::Uuid::nil(), dry_run: false };
    for (name, signals) in &accounts {
        let decision = decide(&policy, signals, &ledger, at);
        let by_hand_says = by_hand(signals, &ledger, at);
        assert_eq!(
            (decision.motion, decision.outcome),
            by_hand_says,
            "{name}: the baseline must answer the same"
        );
        fastest.measure(&mut criterion, &format!("baseline/{name}"), || {
            by_hand(black_box(signals), black_box(&ledger), black_box(at))
        });
        fastest.measure(&mut criterion, &format!("decide/{name}"), || {
            decide(black_box(&policy), black_box(signals), black_box(&ledger), black_box(at))
        });
        fastest.measure(&mut criterion, &format!("document/{name}"), || {
            document(&policy, black_box(signals), &ledger, black_box(&decision), &meta)
        });
    }
    let known = state();
    fastest.measure(&mut criterion, "derive", || {
        derive(policy.definitions(), black_box(&known), Failing::default(), at)
    });
    fastest.measure(&mut criterion, "compile", || Policy::compile(black_box(DEFAULT), Format::Toml).is_ok());
    table(&fastest, &accounts);
    criterion.final_summary();
}

fn table(fastest: &Fastest, accounts: &[(&'static str, Signals)]) {
    println!(
        "\n{:<30} {:>12} {:>12} {:>8} {:>14}",
        "branch", "decide ns", "by hand ns", "ratio", "document ns"
    );
    for (name, _) in accounts {
        let (decide, by_hand) =
            (fastest.of(&format!("decide/{name}")), fastest.of(&format!("baseline/{name}")));
        let document = fastest.of(&format!("document/{name}"));
        println!("{name:<30} {decide:>12.0} {by_hand:>12.1} {:>8.1} {document:>14.0}", decide / by_hand);
    }
    println!("{:<30} {:>12.0}", "derive (49 days, 8 features)", fastest.of("derive"));
    println!("{:<30} {:>12.0}", "compile the default policy", fastest.of("compile"));
}
