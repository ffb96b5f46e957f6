//! From the tree of a policy file to its compiled rules.
//!
//! Promises: reads the whole file whatever is wrong with it, and notes every fault; the result counts only
//! when none was noted.

mod conditions;
mod definitions;
mod guardrails;
mod ladder;

use std::collections::BTreeMap;
use std::sync::Arc;

use super::fault::{FaultCode, Faults};
use super::model::{Rules, Skill, SkillData};
use super::section::{Placed, Section};
use super::tree::Node;
use crate::motions::model::Motion;

/// The motions by name.
fn motions() -> Vec<(&'static str, Motion)> {
    Motion::ALL.iter().map(|motion| (motion.name(), *motion)).collect()
}

/// Reads all of a policy.
pub fn rules(node: &Node, faults: &Faults<'_>) -> Rules {
    let mut file = Section::root(node, faults);
    let name = file.text("name");
    check_name(&name, &file);
    let description = file.text("description").text;
    let hot = conditions::any(&file.text("hot"), faults);
    let partners = file.section_optional("partners").map(partners).unwrap_or_default();
    let definitions = definitions::read(file.section("definitions"));
    let guardrails = guardrails::read(file.section("guardrails"));
    let confidence = guardrails::confidence(file.section("confidence"));
    let skills = skills(file.section("skills"));
    let motions = ladder::motions(&mut file);
    let branches = ladder::branches(&mut file, &skills);
    file.finish();
    Rules {
        name: name.text,
        description,
        definitions,
        motions,
        branches,
        guardrails,
        confidence,
        skills,
        partners,
        hot: hot.unwrap_or_default(),
    }
}

/// A name is part of the version, of paths and of file names.
fn check_name(name: &Placed, file: &Section<'_>) {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if !name.text.chars().all(fits) || name.text.len() > 40 {
        let message = "a name has at most 40 lower-case letters, digits and hyphens";
        file.faults().add(FaultCode::OutOfRange, &name.span, &name.path, message);
    }
}

fn partners(section: Section<'_>) -> BTreeMap<String, String> {
    section.free_texts().into_iter().map(|(id, name)| (id, name.text)).collect()
}

fn skills(section: Section<'_>) -> Vec<Skill> {
    let names: Vec<(&str, SkillData)> = SkillData::ALL.iter().map(|data| (data.name(), *data)).collect();
    let read = |(name, mut skill): (String, Section<'_>)| {
        let data = skill.set_of("data", "data that a skill can be given", &names);
        let given: Vec<(&str, SkillData)> = data.iter().map(|data| (data.name(), *data)).collect();
        let needs_consent = skill.set_of("needs_consent", "data of this skill", &given);
        skill.finish();
        Skill { name: Arc::from(name), data, needs_consent }
    };
    section.free_sections().into_iter().map(read).collect()
}

/// Notes weights that do not sum to 1.
fn check_sum(section: &Section<'_>, what: &str, weights: &[f64]) {
    let sum: f64 = weights.iter().sum();
    if section.is_present() && (sum - 1.0).abs() > 1e-9 {
        // Rounded, so that 0.9999999999999999 is not shown for what a reader would add up to 1.
        let shown = (sum * 1e9).round() / 1e9;
        let message = format!("{what} must sum to 1, they sum to {shown}");
        section.faults().add(FaultCode::WeightSum, section.span(), section.path(), message);
    }
}
