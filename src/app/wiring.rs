//! The wiring: every slice gets what it needs of the platform and of the others, and nothing else.
//!
//! Promises: this is the only place that knows all slices; a slice knows another one by a handle or a trait that is given
//! to it here. Leaves out: what comes from files and settings before it (`start.rs`), and the work in the background
//! (`workers.rs`).

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use chrono::TimeDelta;
use tokio::sync::Notify;

use super::custody::PlatformCustodian;
use super::followers::Followers;
use super::start::ProgrammeParts;
use super::{App, Parts, Upkeep};
use crate::accounts::intake::{self, IntakeWorker};
use crate::accounts::{Accounts, Custodian, Suppressions};
use crate::connectors::commands::{Asker, CallCustodian};
use crate::connectors::{Connectors, Registry};
use crate::designs::commands::{DesignFollower, Designs};
use crate::handoffs::commands::{
    HandoffCustodian, HandoffFollower, HandoffTimeline, Handoffs, RoleHolders, Rosters,
};
use crate::handoffs::types::HandoffTypes;
use crate::kernel::clock::Clock;
use crate::motions::commands::{
    DeskWorker, Freshen, MotionCustodian, MotionFollower, Motions, Policies, open_desk,
};
use crate::plans::commands::{Followers as PlanFollowers, PlanCustodian, PlanFollower, Plans};
use crate::plans::model::PlanKind;
use crate::platform::http::Platform;
use crate::platform::outbox::Outbox;
use crate::programmes::commands::{Definitions, ProgrammeFollower, Programmes};
use crate::renewals::commands::{RenewalCustodian, RenewalFollower, RenewalPlanFollower, Renewals};
use crate::renewals::plays::Plays;
use crate::settings::Settings;

/// What wakes the worker of each kind of work. Whoever writes a row of work rings its bell.
#[derive(Default)]
struct Bells {
    evaluate: Arc<Notify>,
    hand_over: Arc<Notify>,
    renew: Arc<Notify>,
    draft: Arc<Notify>,
    deliver: Arc<Notify>,
}

/// Wires the slices to the platform and to each other.
pub fn wire(
    platform: Platform,
    types: HandoffTypes,
    plays: Plays,
    registry: Arc<Registry>,
    outbox: Arc<Outbox>,
    programmes: ProgrammeParts,
    settings: &Settings,
) -> (App, IntakeWorker, DeskWorker) {
    let (pool, clock) = (platform.pool.clone(), platform.clock.clone());
    let (types, plays) = (Arc::new(types), Arc::new(plays));
    let (bells, policies, rosters) = (Bells::default(), Policies::default(), Rosters::default());
    let suppressions = Suppressions::default();
    let (intake, worker) = intake::open(pool.clone(), clock.clone(), suppressions.clone());
    let (desk, desk_worker) = open_desk();
    let freshen: Arc<dyn Freshen> = Arc::new(Asker { registry: registry.clone() });
    let accounts = Accounts {
        pool: pool.clone(),
        clock: clock.clone(),
        intake,
        matching: Arc::new(Notify::new()),
        follower: Arc::new(account_followers(&clock, &policies, &freshen, &types, &plays, &bells, settings)),
        suppressions,
        custodians: custodians(),
    };
    let motions = Motions {
        pool: pool.clone(),
        clock: clock.clone(),
        accounts: accounts.clone(),
        policies,
        review: settings.policies.review,
        evaluate: bells.evaluate.clone(),
        activate: Arc::new(Notify::new()),
        deliver: bells.deliver.clone(),
        hand_over: bells.hand_over.clone(),
        freshen,
        tell: Arc::new(RoleHolders { rosters: rosters.clone() }),
        desk,
        timelines: Arc::new([Box::new(HandoffTimeline { pool: pool.clone() })]),
    };
    let handoffs = Handoffs {
        pool: pool.clone(),
        clock: clock.clone(),
        accounts: accounts.clone(),
        motions: motions.clone(),
        types,
        rosters,
        work: bells.hand_over.clone(),
        deliver: bells.deliver.clone(),
    };
    let (plans, renewals, designs, programmes) = on_plans(&handoffs, plays, programmes, bells, settings);
    let connectors = Connectors {
        pool,
        clock,
        accounts: accounts.clone(),
        handoffs: handoffs.clone(),
        registry,
        watch: Arc::new(settings.connectors.watch.clone()),
        work: Arc::new(Notify::new()),
        fetch: Arc::new(Notify::new()),
    };
    let upkeep = Upkeep::of(settings);
    let parts = Parts {
        platform,
        accounts,
        motions,
        handoffs,
        connectors,
        plans,
        designs,
        renewals,
        programmes,
        outbox,
        upkeep,
    };
    (App(Arc::new(parts)), worker, desk_worker)
}

/// The plan engine, and the slices that stand on it.
fn on_plans(
    handoffs: &Handoffs,
    plays: Arc<Plays>,
    programmes: ProgrammeParts,
    bells: Bells,
    settings: &Settings,
) -> (Plans, Renewals, Designs, Programmes) {
    let Handoffs { pool, clock, accounts, motions, .. } = handoffs;
    let plans = Plans {
        pool: pool.clone(),
        clock: clock.clone(),
        handoffs: handoffs.clone(),
        followers: Arc::new(plan_followers(&programmes.definitions, &bells)),
        work: Arc::new(Notify::new()),
        deliver: bells.deliver.clone(),
    };
    let renewals = Renewals {
        pool: pool.clone(),
        clock: clock.clone(),
        accounts: accounts.clone(),
        motions: motions.clone(),
        handoffs: handoffs.clone(),
        plans: plans.clone(),
        plays,
        work: bells.renew,
        deliver: bells.deliver.clone(),
    };
    let designs = Designs {
        pool: pool.clone(),
        clock: clock.clone(),
        handoffs: handoffs.clone(),
        motions: motions.clone(),
        plans: plans.clone(),
        terms: Arc::new(settings.watch.clone()),
        runs: settings.designs.runs,
        work: Arc::new(Notify::new()),
        deliver: bells.deliver,
    };
    let programmes = Programmes {
        pool: pool.clone(),
        clock: clock.clone(),
        plans: plans.clone(),
        definitions: programmes.definitions,
        model: programmes.model,
        work: bells.draft,
    };
    (plans, renewals, designs, programmes)
}

/// Who is told, in the same transaction, when events have changed an account.
fn account_followers(
    clock: &Clock,
    policies: &Policies,
    freshen: &Arc<dyn Freshen>,
    types: &Arc<HandoffTypes>,
    plays: &Arc<Plays>,
    bells: &Bells,
    settings: &Settings,
) -> Followers {
    let debounce = TimeDelta::milliseconds(i64::from(settings.motions.debounce_ms));
    let motions = MotionFollower {
        clock: clock.clone(),
        policies: policies.clone(),
        evaluate: bells.evaluate.clone(),
        debounce,
        freshen: freshen.clone(),
    };
    let handoffs = HandoffFollower {
        types: types.clone(),
        policies: policies.clone(),
        work: bells.hand_over.clone(),
        asked: AtomicBool::new(false),
    };
    let renewals = RenewalFollower {
        plays: plays.clone(),
        work: bells.renew.clone(),
        debounce,
        asked: AtomicBool::new(false),
    };
    Followers(vec![Box::new(motions), Box::new(handoffs), Box::new(renewals)])
}

/// Who keeps something about people, and gives it out or erases it when one of them asks.
fn custodians() -> Arc<[Box<dyn Custodian>]> {
    Arc::new([
        Box::new(MotionCustodian),
        Box::new(HandoffCustodian),
        Box::new(PlanCustodian),
        Box::new(RenewalCustodian),
        Box::new(CallCustodian),
        Box::new(PlatformCustodian),
    ])
}

/// Who follows the plans of each kind.
fn plan_followers(definitions: &Definitions, bells: &Bells) -> PlanFollowers {
    let designs: Vec<Box<dyn PlanFollower>> = vec![Box::new(DesignFollower)];
    let renewals: Vec<Box<dyn PlanFollower>> =
        vec![Box::new(RenewalPlanFollower { work: bells.renew.clone() })];
    let programmes: Vec<Box<dyn PlanFollower>> =
        vec![Box::new(ProgrammeFollower { definitions: definitions.clone(), work: bells.draft.clone() })];
    PlanFollowers(BTreeMap::from([
        (PlanKind::HandoffDesign, designs),
        (PlanKind::Renewal, renewals),
        (PlanKind::Programme, programmes),
    ]))
}
