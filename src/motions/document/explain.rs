//! A decision in words: the reasoning, and a sentence for each thing that was checked.
//!
//! Promises: every text follows from the decision's values; none is empty.

use super::inline;
use super::wire::{BranchVerdict, BranchView, ConfidenceView, GuardrailView, IndicatorView, ScoreView};
use crate::kernel::clock::DateTime;
use crate::kernel::text::sentence_list;
use crate::motions::decide::{Decision, Detail, Guardrail, GuardrailId, MotionScore, NotApplicable, Verdict};
use crate::motions::model::{Ledger, Outcome, Signals};
use crate::motions::policy::vocabulary::{self, Items, Kind, Scope, WORDS, WordId};
use crate::motions::policy::{Piece, Policy, Template};

/// Why this outcome, in a sentence or a few.
pub fn reasoning(policy: &Policy, signals: &Signals, ledger: &Ledger, decision: &Decision) -> String {
    let scope = Scope { signals, ledger, now: decision.decided_at };
    let Some(motion) = decision.motion else { return keep_watching(policy, scope, decision) };
    let teller = Teller { policy, scope, name_partners: !decision.partner_data_withheld };
    let reasons = teller.reasons(&decision.scores[motion.index()]);
    let mut sentences = vec![if reasons.is_empty() {
        let rule = policy.branches().get(decision.matched).map_or("", |branch| branch.says.as_str());
        format!("{} follows from the rule \"{rule}\".", motion.label())
    } else {
        format!("{} fits: {}.", motion.label(), sentence_list(&reasons))
    }];
    if let [best, next, ..] = decision.candidates.as_slice() {
        let (ahead, behind) = (plain(best.score, 3), plain(next.score, 3));
        let mut second = format!("{} comes second (score {behind} against {ahead})", next.motion.label());
        let reasons = teller.reasons(&decision.scores[next.motion.index()]);
        if !reasons.is_empty() {
            second = format!("{second}: {}", sentence_list(&reasons));
        }
        sentences.push(format!("{second}."));
    }
    match decision.outcome {
        Outcome::Executed | Outcome::Monitoring => {}
        Outcome::Continued => {
            sentences.push("It already runs on this account, so nothing is done twice.".to_owned());
        }
        Outcome::Deferred | Outcome::Blocked | Outcome::Conflict => {
            let stops = decision.stopped_by().map(|guardrail| detail(policy, signals, decision, guardrail));
            sentences.push(format!("Not started: {}", stops.collect::<Vec<_>>().join(" ")));
        }
    }
    sentences.join(" ")
}

fn keep_watching(policy: &Policy, scope: Scope<'_>, decision: &Decision) -> String {
    let rule = policy.branches().get(decision.matched).map_or("", |branch| branch.says.as_str());
    let tried = decision.branches.len().saturating_sub(1);
    let text = format!("{rule}: none of the {tried} rules before it applies.");
    // Of equal scores the first motion, as everywhere.
    let closest = decision.scores.iter().rev().max_by(|a, b| a.score.total_cmp(&b.score));
    match closest.filter(|closest| closest.score > 0.0) {
        None => text,
        Some(closest) => {
            let teller = Teller { policy, scope, name_partners: true };
            let reasons = sentence_list(&teller.reasons(closest));
            let score = plain(closest.score, 3);
            format!("{text} By score {} is closest ({score}): {reasons}.", inline(closest.motion))
        }
    }
}

/// Turns indicators into words.
struct Teller<'a> {
    policy: &'a Policy,
    scope: Scope<'a>,
    /// Without the consent to share, partners are counted and not named.
    name_partners: bool,
}

impl Teller<'_> {
    /// What the indicators that fired say.
    fn reasons(&self, score: &MotionScore) -> Vec<String> {
        let indicators = self.policy.motion(score.motion).indicators.iter().enumerate();
        indicators
            .filter(|(index, _)| score.fired >> index & 1 == 1)
            .map(|(_, indicator)| self.render(&indicator.says))
            .collect()
    }

    fn render(&self, template: &Template) -> String {
        let mut text = String::new();
        for piece in &template.0 {
            match piece {
                Piece::Text(written) => text.push_str(written),
                Piece::Word(word) => text.push_str(&self.shown(*word)),
            }
        }
        // A value that is not there leaves no empty parentheses behind.
        text.replace(" ()", "")
    }

    /// The value of a word for a reader.
    fn shown(&self, word: WordId) -> String {
        let scope = self.scope;
        match WORDS[word].kind {
            Kind::Number { .. } => plain(vocabulary::number(word, scope), 1),
            Kind::Flag { get } => if get(scope) { "yes" } else { "no" }.to_owned(),
            Kind::Choice { get, values } => {
                values.get(get(scope)).map_or("", |value| value).replace('_', "-")
            }
            Kind::Text { get } => get(scope).to_owned(),
            Kind::List { get, .. }
                if matches!(WORDS[word].name, "partner_overlap" | "referring_partners") =>
            {
                self.partners(get(scope))
            }
            Kind::List { get, .. } => {
                sentence_list(&get(scope).iter().map(|item| item.replace('_', " ")).collect::<Vec<_>>())
            }
        }
    }

    fn partners(&self, ids: Items<'_>) -> String {
        if self.name_partners {
            let names = ids.iter().map(|id| self.policy.partner_name(id).to_owned());
            return sentence_list(&names.collect::<Vec<_>>());
        }
        match ids.len() {
            1 => "one partner".to_owned(),
            many => format!("{many} partners"),
        }
    }
}

/// A number without needless digits.
fn plain(value: f64, decimals: usize) -> String {
    let text = format!("{value:.decimals$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

fn instant(at: DateTime) -> String {
    at.format("%Y-%m-%d %H:%M UTC").to_string()
}

fn hours(seconds: i64) -> String {
    match seconds {
        ..60 => "less than a minute".to_owned(),
        60..3_600 => format!("{} min", seconds / 60),
        3_600..172_800 => {
            let (hours, minutes) = (seconds / 3_600, seconds % 3_600 / 60);
            if minutes == 0 { format!("{hours} h") } else { format!("{hours} h {minutes} min") }
        }
        _ => format!("{} days", seconds / 86_400),
    }
}

/// How the confidence comes about.
pub fn confidence(policy: &Policy, signals: &Signals, decision: &Decision) -> ConfidenceView {
    let rules = policy.confidence();
    let made = decision.confidence;
    let percent = |share: f64| plain(share * 100.0, 0);
    let mut explanation = if decision.motion.is_none() {
        "No motion is chosen, so there is nothing to be sure of.".to_owned()
    } else {
        format!(
            "{}% of the indicators of the motion fired (weight {}), it leads the next candidate by {}% (weight {}), and {}% of the evidence is present and fresh (weight {}).",
            percent(made.fit),
            rules.fit_weight,
            percent(made.lead),
            rules.lead_weight,
            percent(made.evidence),
            rules.evidence_weight,
        )
    };
    for (group, provenance) in
        [("CRM", &signals.crm.provenance), ("partner source", &signals.partner.provenance)]
    {
        if provenance.degraded {
            let said =
                format!(" The {group} cannot be read at present, so what is known of it is no evidence.");
            explanation.push_str(&said);
        }
    }
    ConfidenceView { value: made.value, fit: made.fit, lead: made.lead, evidence: made.evidence, explanation }
}

/// The scores of all motions with what each indicator added.
pub fn scores(policy: &Policy, decision: &Decision) -> Vec<ScoreView> {
    decision.scores.iter().map(|score| score_view(policy, score)).collect()
}

fn score_view(policy: &Policy, score: &MotionScore) -> ScoreView {
    let rules = policy.motion(score.motion);
    let indicators = rules.indicators.iter().enumerate();
    let view = indicators.map(|(index, indicator)| {
        let fired = score.fired >> index & 1 == 1;
        IndicatorView {
            id: indicator.id.clone(),
            condition: indicator.when.source().to_owned(),
            fired,
            weight: indicator.weight,
            contribution: if fired { indicator.contribution } else { 0.0 },
        }
    });
    ScoreView { motion: score.motion, weight: rules.weight, score: score.score, indicators: view.collect() }
}

/// All branches with how they were met.
pub fn branches(policy: &Policy, decision: &Decision) -> Vec<BranchView> {
    let branches = policy.branches().iter().enumerate();
    let view = branches.map(|(index, branch)| {
        let trial = decision.branches.get(index);
        let verdict = match trial {
            None => BranchVerdict::NotTried,
            Some(trial) if trial.matched => BranchVerdict::Matched,
            Some(_) => BranchVerdict::NotMatched,
        };
        let failing = trial.map_or(0, |trial| trial.failing);
        let parts = branch.when.labels().iter().enumerate();
        BranchView {
            id: branch.id.clone(),
            says: branch.says.clone(),
            condition: branch.when.source().to_owned(),
            verdict,
            failing: parts
                .filter(|(part, _)| failing >> part & 1 == 1)
                .map(|(_, text)| text.clone())
                .collect(),
        }
    });
    view.collect()
}

/// All guardrails with a sentence each.
pub fn guardrails(policy: &Policy, signals: &Signals, decision: &Decision) -> Vec<GuardrailView> {
    let view = |guardrail: &Guardrail| GuardrailView {
        id: guardrail.id,
        outcome: guardrail.verdict,
        blocking: guardrail.id.class() != crate::motions::decide::Class::Shaping,
        detail: detail(policy, signals, decision, guardrail),
        facts: guardrail.detail,
    };
    decision.guardrails.iter().map(view).collect()
}

/// What a guardrail found, as a sentence.
fn detail(policy: &Policy, signals: &Signals, decision: &Decision, guardrail: &Guardrail) -> String {
    let wanted = decision.motion.map_or_else(|| "the motion".to_owned(), inline);
    match guardrail.detail {
        Detail::NotApplicable { reason } => not_applicable(reason).to_owned(),
        Detail::Free => "No competing motion holds the account.".to_owned(),
        Detail::Held { by, until, .. } => {
            format!("{} holds the account until {}.", by.label(), instant(until))
        }
        Detail::TakesOver { from, .. } => {
            format!("RevOps switched the account from {} to {wanted}, which takes over.", inline(from))
        }
        Detail::UsageDays { days, needed } => {
            let s = if days == 1 { "day" } else { "days" };
            format!("{days} {s} of usage data are known, {needed} are needed.")
        }
        Detail::Age { as_of, max_age_hours } => {
            age(source_name(guardrail.id), as_of, max_age_hours, decision.decided_at)
        }
        Detail::Touches { count, limit, window_days, frees_at } => {
            let used = format!("{count} of {limit} touches are used in the last {window_days} days");
            match frees_at {
                Some(at) => format!("{used}; the next is free from {}.", instant(at)),
                None => format!("{used}."),
            }
        }
        Detail::NotAllowed => format!("The account allows only other motions than {wanted}."),
        Detail::BlockedMotion => format!("The account does not want {wanted}."),
        Detail::PreferencesAllow => "The account's preferences allow the motion.".to_owned(),
        Detail::Contact { do_not_contact: true } => "The account asked not to be contacted.".to_owned(),
        Detail::Contact { do_not_contact: false } => "The account may be contacted.".to_owned(),
        Detail::NotPaused => "RevOps has not paused the motion.".to_owned(),
        Detail::Paused { until, .. } => {
            format!("RevOps paused {wanted} on this account until {}.", instant(until))
        }
        Detail::DealStage { stage } if guardrail.verdict == Verdict::Failed => {
            format!("A deal is in {}: motions do not change until it leaves that stage.", words(stage.name()))
        }
        Detail::DealStage { .. } => "No open deal is in a stage that freezes motions.".to_owned(),
        Detail::Consent { granted, expires_at } => {
            consent(policy, granted, expires_at, guardrail.verdict == Verdict::Passed)
        }
        Detail::Owned => {
            let owner = signals.crm.owner_id.as_deref().unwrap_or("its owner");
            format!("The CRM names {owner} as owner, who takes a handoff before every routing rule.")
        }
    }
}

fn not_applicable(reason: NotApplicable) -> &'static str {
    match reason {
        NotApplicable::NoMotion => "No motion is wanted, so there is nothing to guard.",
        NotApplicable::OtherMotions => "Needed for other motions only.",
        NotApplicable::Continuation => "The motion already runs and nothing new is done.",
        NotApplicable::NoPartnerData => "Nothing of a partner would be shared.",
        NotApplicable::NoOwner => "The CRM names no owner of the account.",
    }
}

fn source_name(id: GuardrailId) -> &'static str {
    if id == GuardrailId::PartnerSync { "Partner data" } else { "CRM data" }
}

fn age(source: &str, as_of: Option<DateTime>, max_age_hours: u32, now: DateTime) -> String {
    match as_of {
        None => format!("{source} was never confirmed; it must be at most {max_age_hours} h old."),
        Some(as_of) => {
            let old = hours((now - as_of).num_seconds());
            format!(
                "{source} is {old} old (as of {}), at most {max_age_hours} h are allowed.",
                instant(as_of)
            )
        }
    }
}

fn consent(policy: &Policy, granted: bool, expires_at: Option<DateTime>, live: bool) -> String {
    let purpose = &policy.guardrails().consent_purpose;
    match (live, granted, expires_at) {
        (true, _, Some(at)) => format!("Consent for {purpose} is given until {}.", instant(at)),
        (true, _, None) => format!("Consent for {purpose} is given."),
        (false, true, Some(at)) => {
            format!("Partner data is withheld: the consent for {purpose} expired on {}.", instant(at))
        }
        (false, ..) => format!("Partner data is withheld: there is no consent for {purpose}."),
    }
}

fn words(name: &str) -> String {
    name.replace('_', " ")
}
