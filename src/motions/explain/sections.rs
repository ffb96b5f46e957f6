//! The sections of the explanation, each a heading and a few lines.

use std::fmt::Write as _;

use super::Page;
use crate::kernel::text::{age, name_of, number, wrapped};
use crate::motions::decide::{Awaited, Verdict};
use crate::motions::document::{BranchVerdict, DecisionDocument, ScoreView};
use crate::motions::model::{Outcome, Provenance, UsageSignals};

/// Characters of the bar of a full score.
const BAR: usize = 12;

fn section(heading: &str, lines: impl IntoIterator<Item = String>) -> String {
    let mut out = heading.to_owned();
    for line in lines {
        out.push_str("\n  ");
        out.push_str(line.trim_end());
    }
    out
}

/// The width of a first column.
fn widest<'a>(names: impl IntoIterator<Item = &'a str>) -> usize {
    names.into_iter().map(|name| name.chars().count()).max().unwrap_or(0)
}

pub fn confidence(page: Page, document: &DecisionDocument) -> String {
    let confidence = &document.confidence;
    let share = |value: f64| format!("{:.0} %", value * 100.0);
    section(
        &format!("How sure: {}", share(confidence.value)),
        [
            format!(
                "fit {} · lead over the next {} · evidence present and fresh {}",
                share(confidence.fit),
                share(confidence.lead),
                share(confidence.evidence)
            ),
            wrapped(&confidence.explanation, page.width - 2, 2),
        ],
    )
}

pub fn evidence(page: Page, document: &DecisionDocument) -> String {
    let signals = &document.signals;
    let analysis = &document.analysis;
    let overlaps: Vec<String> = signals
        .partner
        .overlaps
        .iter()
        .map(|overlap| {
            let kind = name_of(&overlap.overlap_type).replace('_', " ");
            format!("{} ({kind}, {})", overlap.partner_id, number(overlap.strength, 2))
        })
        .collect();
    let referrals = &signals.partner.referrals;
    let partner = match (overlaps.is_empty(), referrals.is_empty()) {
        (true, true) => "none known".to_owned(),
        (false, true) => overlaps.join(", "),
        (true, false) => format!("referred by {}", referrals.join(", ")),
        (false, false) => format!("{}; referred by {}", overlaps.join(", "), referrals.join(", ")),
    };
    let intents: Vec<String> = signals
        .intent
        .kinds
        .iter()
        .map(|(kind, strength)| format!("{kind} {}", number(*strength, 2)))
        .collect();
    let owner =
        signals.crm.owner_id.as_deref().map_or("no owner".to_owned(), |owner| format!("owner {owner}"));
    let lines = [
        (
            "segment",
            format!(
                "{} by {}",
                analysis.segment_fit.name(),
                signals.lifecycle.segment_basis.replace('_', " ")
            ),
            &signals.lifecycle.provenance,
        ),
        ("usage", usage(&signals.usage), &signals.usage.provenance),
        ("crm", format!("{}, {owner}", analysis.deal_status.replace('_', " ")), &signals.crm.provenance),
        ("partners", partner, &signals.partner.provenance),
        (
            "intent",
            if intents.is_empty() { "none seen".to_owned() } else { intents.join(", ") },
            &signals.intent.provenance,
        ),
    ];
    section(
        "Evidence",
        lines.map(|(name, text, provenance)| {
            let line = format!("{name:<9} {text}  [{}]", origin(page, provenance));
            wrapped_hanging(&line, page.width - 2, 12)
        }),
    )
}

/// Wraps a line whose first column must stay as it is spaced.
fn wrapped_hanging(line: &str, width: usize, indent: usize) -> String {
    let head: String = line.chars().take(indent - 2).collect();
    let rest: String = line.chars().skip(indent - 2).collect();
    let rest = wrapped(&rest, width.saturating_sub(indent - 2), 0);
    format!("{head}{}", rest.replace('\n', &format!("\n{}", " ".repeat(indent))))
}

fn origin(page: Page, provenance: &Provenance) -> String {
    let degraded = if provenance.degraded { ", its source does not answer" } else { "" };
    match provenance.as_of {
        Some(at) => format!("{}, {}{degraded}", provenance.source, age(page.now, at)),
        None => format!("nothing known{degraded}"),
    }
}

fn usage(usage: &UsageSignals) -> String {
    let mut text = format!(
        "depth {} (breadth {}, frequency {}, penetration {})",
        number(usage.depth, 0),
        number(usage.breadth, 0),
        number(usage.frequency, 0),
        number(usage.penetration, 0)
    );
    let _ = write!(text, ", {} days", usage.days);
    if let Some(trend) = usage.trend_pct {
        let _ = write!(text, ", trend {trend:+.1} %");
    }
    if usage.plateau {
        text.push_str(", levelled off");
    }
    if !usage.expansion_signals.is_empty() {
        let _ = write!(text, ", {}", usage.expansion_signals.join(", "));
    }
    text
}

pub fn rules(page: Page, document: &DecisionDocument) -> String {
    let width = widest(document.branches.iter().map(|branch| branch.id.as_str()));
    section(
        "Rules, in order; the first that holds counts",
        document.branches.iter().map(|branch| {
            let (mark, note) = match branch.verdict {
                BranchVerdict::Matched => ("✓", branch.says.clone()),
                BranchVerdict::NotMatched => ("✗", format!("fails: {}", branch.failing.join("; "))),
                BranchVerdict::NotTried => ("·", "not tried".to_owned()),
            };
            let note = wrapped(&note, page.width.saturating_sub(width + 6).max(20), 0);
            format!(
                "{mark} {:<width$}  {}",
                branch.id,
                note.replace('\n', &format!("\n{}", " ".repeat(width + 6)))
            )
        }),
    )
}

pub fn scores(_: Page, document: &DecisionDocument) -> String {
    let mut scores: Vec<&ScoreView> = document.scores.iter().collect();
    scores.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.motion.cmp(&b.motion)));
    let width = widest(scores.iter().map(|score| score.motion.name()));
    let top = scores.first().map_or(0.0, |score| score.score);
    section(
        "Scores, and what made them",
        scores.into_iter().map(|score| {
            let made: Vec<String> = score
                .indicators
                .iter()
                .filter(|indicator| indicator.fired)
                .map(|indicator| format!("{} +{}", indicator.id, number(indicator.contribution, 4)))
                .collect();
            let chosen = if document.recommendation.motion == Some(score.motion) { "→" } else { " " };
            format!(
                "{chosen} {:<width$}  {:>6}  {}  {}",
                score.motion.name(),
                format!("{:.4}", score.score),
                bar(score.score, top),
                made.join(", ")
            )
        }),
    )
}

fn bar(score: f64, top: f64) -> String {
    let share = if top > 0.0 { (score / top).clamp(0.0, 1.0) } else { 0.0 };
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to BAR")]
    #[expect(clippy::cast_precision_loss, reason = "BAR is small")]
    let filled = (share * BAR as f64).round() as usize;
    format!("{}{}", "█".repeat(filled), "░".repeat(BAR - filled))
}

pub fn guardrails(page: Page, document: &DecisionDocument) -> String {
    let names: Vec<&str> = document.guardrails.iter().map(|guardrail| guardrail.id.name()).collect();
    let width = widest(names);
    section(
        "Guardrails",
        document.guardrails.iter().map(|guardrail| {
            let mark = match (guardrail.outcome, guardrail.blocking) {
                (Verdict::Passed, _) => "✓",
                (Verdict::Failed, true) => "✗",
                (Verdict::Failed, false) => "!",
                (Verdict::NotApplicable, _) => "·",
            };
            let detail = wrapped(&guardrail.detail, page.width.saturating_sub(width + 6).max(20), 0);
            let indent = format!("\n{}", " ".repeat(width + 6));
            format!("{mark} {:<width$}  {}", guardrail.id.name(), detail.replace('\n', &indent))
        }),
    )
}

/// What was set in motion; nothing for a decision that does nothing.
pub fn consequences(page: Page, document: &DecisionDocument) -> Option<String> {
    if document.outcome != Outcome::Executed {
        return None;
    }
    let recommendation = &document.recommendation;
    let mut lines = Vec::new();
    let skills: Vec<&str> = recommendation
        .next_skill
        .iter()
        .chain(&recommendation.parallel_actions)
        .map(String::as_str)
        .collect();
    if !skills.is_empty() {
        lines.push(format!("calls {}", skills.join(", ")));
    }
    if let Some(handoff) = &document.handoff {
        let owner = handoff.owner_id.as_deref().map_or(String::new(), |owner| format!(" for {owner}"));
        lines.push(format!(
            "hands over to {}{owner} ({}), urgency {}, within {}",
            handoff.target_team,
            handoff.handoff_type,
            name_of(&handoff.urgency),
            handoff.sla
        ));
        let mut told = handoff.context.top_features.clone();
        told.extend(handoff.context.expansion_signals.iter().cloned());
        told.extend(handoff.context.partner_context.iter().cloned());
        if !told.is_empty() {
            lines.push(wrapped(&format!("who receives it is told: {}", told.join(", ")), page.width - 2, 4));
        }
    }
    let heading = if document.dry_run { "What it would set in motion" } else { "What it set in motion" };
    Some(section(heading, lines))
}

/// What would let a stopped decision through.
pub fn change(page: Page, document: &DecisionDocument) -> Option<String> {
    let mut lines: Vec<String> =
        document.waits_for.iter().map(|awaited| waits_for(*awaited).to_owned()).collect();
    if let Some(at) = document.wake_at {
        lines.retain(|line| line != waits_for(Awaited::Time));
        lines.push(format!("{} UTC, {}", at.format("%Y-%m-%d %H:%M"), age(page.now, at)));
    }
    if lines.is_empty() {
        return None;
    }
    Some(section("It is looked at again by itself on", lines))
}

fn waits_for(awaited: Awaited) -> &'static str {
    match awaited {
        Awaited::CrmSync => "fresh data from the CRM",
        Awaited::PartnerSync => "a confirmed sync of the partner data",
        Awaited::Usage => "more days of product usage",
        Awaited::Consent => "a consent",
        Awaited::Preference => "a change of what the account allows",
        Awaited::DealStage => "a change of the deal's stage",
        Awaited::ConflictResolution => "a decision by RevOps about the conflict",
        Awaited::Time => "time passing",
    }
}
