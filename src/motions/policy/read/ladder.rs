//! The `motions` and `branches` parts of a policy: what a motion is judged by and which rule leads where.

use std::ops::Range;
use std::sync::Arc;

use super::{check_sum, conditions};
use crate::motions::model::Motion;
use crate::motions::policy::cel::{Cond, Condition, Proof, prove};
use crate::motions::policy::fault::{FaultCode, Faults};
use crate::motions::policy::model::{
    BRANCHES_MAX, Branch, CANDIDATES_MAX, Candidate, HandoffBlock, INDICATORS_MAX, Indicator, MotionRules,
    Skill, Urgency,
};
use crate::motions::policy::section::{Placed, Section};

/// Reads the five motions, each of which must be there once.
pub fn motions(file: &mut Section<'_>) -> [MotionRules; 5] {
    let names = super::motions();
    let mut rules: [Option<MotionRules>; 5] = Default::default();
    let sections = file.sections("motions", 16);
    let any = !sections.is_empty();
    for mut section in sections {
        let id = section.text("id");
        let motion: Option<Motion> =
            if id.text.is_empty() { None } else { section.named(&id, "motion", &names) };
        let weight = section.number("weight", 0.0..=1.0);
        let indicators = indicators(&mut section, weight);
        section.finish();
        let Some(motion) = motion else { continue };
        let slot = &mut rules[motion.index()];
        if slot.is_some() {
            let message = format!("`{}` is described twice", id.text);
            file.faults().add(FaultCode::Duplicate, &id.span, &id.path, message);
        }
        *slot = Some(MotionRules { weight, indicators });
    }
    if any {
        for motion in Motion::ALL.into_iter().filter(|motion| rules[motion.index()].is_none()) {
            let message = format!("the motion `{}` is not described", motion.name());
            file.faults().add(FaultCode::MissingKey, file.span(), "motions", message);
        }
        let weights: Vec<f64> = rules.iter().flatten().map(|rules| rules.weight).collect();
        if rules.iter().all(Option::is_some) {
            check_sum(file, "the weights of the motions", &weights);
        }
    }
    rules.map(Option::unwrap_or_default)
}

fn indicators(motion: &mut Section<'_>, motion_weight: f64) -> Vec<Indicator> {
    let faults = motion.faults();
    let mut indicators: Vec<Indicator> = Vec::new();
    for mut section in motion.sections("indicators", INDICATORS_MAX) {
        let id = section.text("id");
        note_duplicate(&id, indicators.iter().map(|indicator| indicator.id.as_str()), faults);
        let says = conditions::template(&section.text("says"), faults);
        let when = conditions::telling(&section.text("when"), faults).unwrap_or_default();
        let weight = section.number("weight", 0.0..=1.0);
        section.finish();
        let contribution = crate::motions::decide::round6(motion_weight * weight);
        indicators.push(Indicator { id: id.text, says, when, weight, contribution });
    }
    let weights: Vec<f64> = indicators.iter().map(|indicator| indicator.weight).collect();
    if !weights.is_empty() {
        check_sum(motion, "the weights of the indicators", &weights);
    }
    indicators
}

fn note_duplicate<'n>(id: &Placed, mut earlier: impl Iterator<Item = &'n str>, faults: &Faults<'_>) {
    if !id.text.is_empty() && earlier.any(|known| known == id.text) {
        faults.add(FaultCode::Duplicate, &id.span, &id.path, format!("`{}` is used twice", id.text));
    }
}

/// A branch with what the checks need of it.
struct Read {
    branch: Branch,
    when: Placed,
    condition: Option<Condition>,
    at: Range<usize>,
    path: String,
}

/// Reads the ladder and checks that every rung can be reached.
pub fn branches(file: &mut Section<'_>, skills: &[Skill]) -> Vec<Branch> {
    let faults = file.faults();
    let sections = file.sections("branches", BRANCHES_MAX);
    let last = sections.len().saturating_sub(1);
    let mut ladder: Vec<Read> = Vec::new();
    for (index, mut section) in sections.into_iter().enumerate() {
        let id = section.text("id");
        note_duplicate(&id, ladder.iter().map(|read| read.branch.id.as_str()), faults);
        let says = section.text("says").text;
        let when = section.text("when");
        let condition = conditions::any(&when, faults);
        let candidates = candidates(&mut section, skills);
        let exit = if candidates.is_empty() { section.text_optional("exit") } else { None };
        if candidates.is_empty() && index == last && exit.is_none() {
            let path = section.path_of("exit");
            faults.add(FaultCode::MissingKey, section.span(), &path, "the last branch needs an `exit` state");
        }
        if candidates.is_empty() && index != last {
            let message = "leads nowhere: only the last branch has no candidates";
            faults.add(FaultCode::NoCandidate, section.span(), section.path(), message);
        }
        let (at, path) = (section.span().clone(), section.path().to_owned());
        section.finish();
        let exit = Arc::from(exit.map(|exit| exit.text).unwrap_or_default());
        let branch =
            Branch { id: id.text, says, when: condition.clone().unwrap_or_default(), candidates, exit };
        ladder.push(Read { branch, when, condition, at, path });
    }
    if file.is_present() && ladder.is_empty() {
        faults.add(FaultCode::NoCatchAll, file.span(), "branches", "the ladder has no branches");
    }
    reachability(&ladder, faults);
    ladder.into_iter().map(|read| read.branch).collect()
}

fn reachability(ladder: &[Read], faults: &Faults<'_>) {
    let mut earlier: Vec<&[Cond]> = Vec::new();
    let mut positions: Vec<usize> = Vec::new();
    for (index, read) in ladder.iter().enumerate() {
        let Some(condition) = &read.condition else { continue };
        let unreachable = |message: String| {
            let hint = Some("move it up, narrow the earlier one, or remove it".to_owned());
            faults.suggest(FaultCode::Unreachable, &read.when.span, &read.when.path, message, hint);
        };
        match prove(condition.atoms(), &earlier) {
            Proof::Never => conditions::never(&read.when, faults),
            Proof::Within(before) => {
                let before = positions[before];
                let id = &ladder[before].branch.id;
                unreachable(format!(
                    "never reached: branches[{before}] (`{id}`) takes all its accounts first"
                ));
            }
            Proof::Covered => {
                unreachable(
                    "never reached: the earlier branches together take all its accounts first".to_owned(),
                );
            }
            Proof::Always | Proof::Open => conditions::parts(condition, &read.when, faults),
        }
        earlier.push(condition.atoms());
        positions.push(index);
    }
    if let Some((read, condition)) = ladder.last().and_then(|read| Some((read, read.condition.as_ref()?))) {
        if prove(condition.atoms(), &[]) != Proof::Always {
            let message = "the last branch must take every account";
            let hint = Some("write `when = 'true'`".to_owned());
            faults.suggest(FaultCode::NoCatchAll, &read.when.span, &read.when.path, message, hint);
        }
        if !read.branch.candidates.is_empty() {
            let message = "the last branch keeps watching: it has no candidates";
            faults.add(FaultCode::NoCatchAll, &read.at, &read.path, message);
        }
    }
}

fn candidates(branch: &mut Section<'_>, skills: &[Skill]) -> Vec<Candidate> {
    let names = super::motions();
    let known: Vec<(&str, usize)> = skills.iter().enumerate().map(|(i, skill)| (&*skill.name, i)).collect();
    let mut candidates: Vec<Candidate> = Vec::new();
    let mut seen: Vec<Motion> = Vec::new();
    for mut section in branch.sections_optional("candidates", CANDIDATES_MAX) {
        let named = section.text("motion");
        let motion: Option<Motion> =
            if named.text.is_empty() { None } else { section.named(&named, "motion", &names) };
        if motion.is_some_and(|motion| seen.contains(&motion)) {
            let message = format!("`{}` is a candidate twice", named.text);
            section.faults().add(FaultCode::Duplicate, &named.span, &named.path, message);
        }
        seen.extend(motion);
        let skill = section.one_of("skill", "skill of this policy", &known);
        let parallel = section.set_of("parallel", "skill of this policy", &known);
        let exit = section.text("exit").text;
        let handoff = section.section_optional("handoff").map(handoff);
        section.finish();
        let name = |index: usize| skills[index].name.clone();
        let needs = |index: &usize| !skills[*index].needs_consent.is_empty();
        let shares_partner_data = handoff.is_some() || skill.iter().chain(&parallel).any(needs);
        candidates.push(Candidate {
            motion: motion.unwrap_or(Motion::PlgSelfServe),
            skill: skill.map_or_else(|| Arc::from(""), name),
            parallel: parallel.into_iter().map(name).collect(),
            exit: Arc::from(exit),
            handoff,
            shares_partner_data,
        });
    }
    candidates
}

fn handoff(mut section: Section<'_>) -> HandoffBlock {
    let urgencies = Urgency::ALL.map(|urgency| (urgency.name(), urgency));
    let team = Arc::from(section.text("team").text);
    let handoff_type = Arc::from(section.text("type").text);
    let urgency = section.one_of("urgency", "urgency", &urgencies).unwrap_or_default();
    let sla = section.text("sla");
    let sla_seconds = duration(&sla.text).unwrap_or_else(|| {
        if !sla.text.is_empty() {
            let message = format!("`{}` is no length of time", sla.text);
            let hint = Some("write minutes, hours or days, such as `30m`, `48h`, `2d`".to_owned());
            section.faults().suggest(FaultCode::WrongType, &sla.span, &sla.path, message, hint);
        }
        0
    });
    section.finish();
    HandoffBlock { team, handoff_type, urgency, sla: Arc::from(sla.text), sla_seconds }
}

/// Seconds of `30m`, `48h`, `2d`; at most a year.
fn duration(text: &str) -> Option<i64> {
    let split = text.len().checked_sub(1)?;
    let count: i64 = text.get(..split)?.parse().ok().filter(|count| *count > 0)?;
    let unit = match text.get(split..)? {
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => return None,
    };
    count.checked_mul(unit).filter(|seconds| *seconds <= 366 * 86_400)
}
