//! One play from its four layers: what every renewal needs, the play, the level of risk, the tier.
//!
//! Promises: layers only add; a tier leaves tasks out, and what depended on them then depends on what they depended on; a
//! stand-in has every task of the role for which it stands. Tasks come by stage, and within a stage the earliest first.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use super::file::{Additions, Asset, Play, Point, Proof, RiskLevel, Step, TierTerms};
use super::{Plays, Risk, Tier};

/// The headings under which tasks stand, in the order of the work; with their words.
pub const STAGES: [(&str, &str); 6] = [
    ("context", "Know where we stand"),
    ("tailoring", "Fit the play to the people"),
    ("actions", "Act with the customer"),
    ("enablement", "Prepare what is shown"),
    ("commercial", "Offer and contract"),
    ("governance", "Watch and conclude"),
];

/// The words of a stage.
pub fn stage_title(id: &str) -> &str {
    STAGES.iter().find(|(stage, _)| *stage == id).map_or(id, |(_, title)| title)
}

/// The stage of enablement material.
pub const ENABLEMENT: &str = "enablement";

/// A play for a level of risk and a tier.
#[derive(Debug, Clone, PartialEq)]
pub struct Composed<'a> {
    pub name: &'a str,
    pub play: &'a Play,
    pub risk: &'a RiskLevel,
    pub tier: &'a TierTerms,
    pub tasks: Vec<ComposedTask<'a>>,
    pub points: Vec<&'a Point>,
    pub proof: Vec<&'a Proof>,
    /// Who runs the checkpoints.
    pub overseer: &'a str,
}

/// A task of a combination.
#[derive(Debug, Clone, PartialEq)]
pub struct ComposedTask<'a> {
    pub id: &'a str,
    pub title: &'a str,
    pub detail: &'a str,
    /// What is there afterwards.
    pub gives: &'a str,
    pub stage: &'a str,
    pub owner: &'a str,
    /// In working days.
    pub days: u16,
    pub least: u16,
    /// In calendar days before the deadline.
    pub before: u16,
    pub after: BTreeSet<&'a str>,
    pub milestone: bool,
    /// Where it makes something that is shown.
    pub asset: Option<&'a Asset>,
}

pub(super) fn compose<'a>(plays: &'a Plays, play: &str, risk: Risk, tier: Tier) -> Option<Composed<'a>> {
    let (name, play) = plays.file.plays.get_key_value(play)?;
    let (risk, tier) = (plays.risk(risk), plays.tier(tier));
    let layers = [plays.file.base.additions(), play.additions(), risk.additions(), tier.additions()];
    Some(Composed {
        name,
        play,
        risk,
        tier,
        tasks: tasks(&layers, tier),
        points: layers.iter().flat_map(|layer| layer.points).collect(),
        proof: layers.iter().flat_map(|layer| layer.proof).collect(),
        overseer: stand_in(tier, risk.overseer.get_ref()),
    })
}

fn stand_in<'a>(tier: &'a TierTerms, role: &'a str) -> &'a str {
    tier.stand_in.get(role).map_or(role, |other| other.get_ref())
}

fn tasks<'a>(layers: &[Additions<'a>], tier: &'a TierTerms) -> Vec<ComposedTask<'a>> {
    let mut found: Vec<ComposedTask<'a>> = Vec::new();
    for layer in layers {
        found.extend(layer.tasks.iter().map(|step| of_step(step, tier)));
        found.extend(layer.assets.iter().map(|asset| of_asset(asset, tier)));
    }
    let needs: BTreeMap<&str, BTreeSet<&str>> =
        found.iter().map(|task| (task.id, task.after.clone())).collect();
    let without: BTreeSet<&str> = tier.without.iter().map(|id| id.get_ref().as_str()).collect();
    found.retain(|task| !without.contains(task.id));
    for task in &mut found {
        task.after = kept(&task.after, &needs, &without);
    }
    let place = |stage: &str| STAGES.iter().position(|(id, _)| *id == stage);
    found.sort_by_key(|task| (place(task.stage), Reverse(task.before)));
    found
}

/// Dependencies with those that are left out replaced by their own.
fn kept<'a>(
    after: &BTreeSet<&'a str>,
    needs: &BTreeMap<&'a str, BTreeSet<&'a str>>,
    without: &BTreeSet<&str>,
) -> BTreeSet<&'a str> {
    let (mut kept, mut seen) = (BTreeSet::new(), BTreeSet::new());
    let mut open: Vec<&str> = after.iter().copied().collect();
    while let Some(id) = open.pop() {
        if !seen.insert(id) {
            continue;
        }
        if without.contains(id) {
            open.extend(needs.get(id).into_iter().flatten());
        } else {
            kept.insert(id);
        }
    }
    kept
}

/// Lead times of a tier, rounded to whole days.
fn lead(before: u16, tier: &TierTerms) -> u16 {
    let days = (u32::from(before) * u32::from(tier.lead) + 50) / 100;
    u16::try_from(days).unwrap_or(u16::MAX)
}

fn names(after: &[toml::Spanned<String>]) -> BTreeSet<&str> {
    after.iter().map(|id| id.get_ref().as_str()).collect()
}

fn of_step<'a>(step: &'a Step, tier: &'a TierTerms) -> ComposedTask<'a> {
    ComposedTask {
        id: step.id.get_ref(),
        title: step.title.get_ref(),
        detail: &step.detail,
        gives: &step.gives,
        stage: step.stage.get_ref(),
        owner: stand_in(tier, step.owner.get_ref()),
        days: step.days,
        least: step.least.unwrap_or(step.days),
        before: lead(step.before, tier),
        after: names(&step.after),
        milestone: step.milestone,
        asset: None,
    }
}

fn of_asset<'a>(asset: &'a Asset, tier: &'a TierTerms) -> ComposedTask<'a> {
    ComposedTask {
        id: asset.id.get_ref(),
        title: asset.title.get_ref(),
        detail: "",
        gives: asset.title.get_ref(),
        stage: ENABLEMENT,
        owner: stand_in(tier, asset.owner.get_ref()),
        days: asset.days,
        least: asset.least.unwrap_or(asset.days),
        before: lead(asset.before, tier),
        after: names(&asset.after),
        milestone: false,
        asset: Some(asset),
    }
}
