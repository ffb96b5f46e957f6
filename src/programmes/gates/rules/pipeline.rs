//! What pipeline building made: campaigns, enablement, stages, onboarding, and what the agents agreed with each other.

use super::{Finding, Found, Look, blank};
use crate::programmes::deliverable::Deliverable;
use crate::programmes::deliverable::data::{
    BattleCard, Campaign, DealScoring, Handoff, LeadScoring, Onboarding, PitchDeck, Stages,
};

/// A test compares at least two.
const VARIANTS_MIN: usize = 2;

pub(super) fn campaigns_cover(look: &Look<'_>) -> Vec<Finding> {
    let mut found = Found::default();
    let campaigns = look.of::<Campaign>(look.file(), &mut found);
    for channel in look.business.channels.iter().filter(|of| of.share > 0.0) {
        found.need(campaigns.iter().any(|(_, _, of)| of.channel == channel.slug), look.file(), || {
            format!("has no campaign for `{}`", channel.slug)
        });
    }
    for (file, _, campaign) in &campaigns {
        let different: std::collections::BTreeSet<&str> =
            campaign.variants.iter().map(|of| of.headline.trim()).filter(|text| !text.is_empty()).collect();
        found.need(different.len() >= VARIANTS_MIN, file, || {
            format!("has {} different variants, a test needs {VARIANTS_MIN}", different.len())
        });
    }
    found.0
}

/// Whether any file of a folder is about something.
fn about(look: &Look<'_>, folder: &str, fits: impl Fn(&Deliverable) -> bool) -> bool {
    let path = format!("{}{folder}", look.file());
    look.workspace.below(&path).any(|(_, deliverable, _)| fits(deliverable))
}

pub(super) fn enablement_covers(look: &Look<'_>) -> Vec<Finding> {
    let mut found = Found::default();
    for persona in &look.business.personas {
        for folder in ["demo-scripts/", "email-templates/"] {
            let there = about(look, folder, |of| of.personas.contains(&persona.slug));
            found.need(there, &format!("{}{folder}", look.file()), || {
                format!("has nothing for `{}`", persona.slug)
            });
        }
    }
    let cards = format!("{}battle-cards/", look.file());
    for rival in &look.business.competitors {
        let card = look
            .workspace
            .below(&cards)
            .find(|(_, of, _)| of.read::<BattleCard>().is_ok_and(|card| card.competitor == rival.slug));
        match card {
            Some((file, of, _)) => {
                let counters = of.read::<BattleCard>().map(|card| card.counters).unwrap_or_default();
                found.need(!counters.is_empty(), file, || "counters nothing".to_owned());
            }
            None => found.add(&cards, format!("has no card on `{}`", rival.slug)),
        }
    }
    let deck = format!("{}pitch-deck.md", look.file());
    let variants = look
        .workspace
        .below(&deck)
        .find_map(|(_, of, _)| of.read::<PitchDeck>().ok())
        .map(|deck| deck.variants);
    for slug in look.persona_slugs() {
        let there = variants.as_ref().is_some_and(|variants| variants.iter().any(|of| of == slug));
        found.need(there, &deck, || format!("has no variant for `{slug}`"));
    }
    found.0
}

pub(super) fn stages_clear(look: &Look<'_>) -> Vec<Finding> {
    let mut found = Found::default();
    for (file, _, data) in look.of::<Stages>(look.file(), &mut found) {
        found.need(data.stages.len() >= 3, file, || format!("has {} stages", data.stages.len()));
        for stage in &data.stages {
            for (name, texts) in [
                ("entry criteria", &stage.entry),
                ("exit criteria", &stage.exit),
                ("required activities", &stage.activities),
            ] {
                found.need(texts.iter().any(|text| !blank(text)), file, || {
                    format!("“{}” has no {name}", stage.name)
                });
            }
            found.need((0.0..=1.0).contains(&stage.probability), file, || {
                format!("“{}” is won with {}", stage.name, stage.probability)
            });
        }
        for pair in data.stages.windows(2) {
            found.need(pair[0].probability < pair[1].probability, file, || {
                format!("“{}” is no likelier than “{}”", pair[1].name, pair[0].name)
            });
        }
        let motion = look.business.sales_motion.name();
        found.need(data.motion == motion, file, || {
            format!("is for the motion `{}`, the configuration says `{motion}`", data.motion)
        });
        let days: u64 = data.stages.iter().map(|stage| stage.days).sum();
        let cycle = u64::from(look.business.sales_cycle_days);
        found.need(days == cycle && data.cycle_days == cycle, file, || {
            format!("the stages take {days} days, a sale takes {cycle}")
        });
    }
    found.0
}

pub(super) fn onboarding_measurable(look: &Look<'_>) -> Vec<Finding> {
    let mut found = Found::default();
    for (file, _, data) in look.of::<Onboarding>(look.file(), &mut found) {
        found.need(data.milestones.len() >= 3, file, || format!("has {} milestones", data.milestones.len()));
        for milestone in &data.milestones {
            let named = !blank(&milestone.measure) && !blank(&milestone.target);
            found.need(named, file, || format!("“{}” has no measure or no target", milestone.name));
            found.need(milestone.day >= 1 && milestone.day <= data.days, file, || {
                format!("“{}” is on day {} of {}", milestone.name, milestone.day, data.days)
            });
        }
        let days = look.business.onboarding_days;
        found.need(data.days == days, file, || {
            format!("takes {} days, the configuration says {days}", data.days)
        });
    }
    found.0
}

pub(super) fn lead_scoring_aligned(look: &Look<'_>) -> Vec<Finding> {
    let mut found = Found::default();
    let own = look.of::<LeadScoring>(look.file(), &mut found);
    let other = look.of::<DealScoring>(look.against(), &mut found);
    for (file, _, marketing) in &own {
        found.need(marketing.mql < marketing.sql, file, || {
            format!("qualifies from {}, and calls at once from {}", marketing.mql, marketing.sql)
        });
        for (against, _, sales) in &other {
            let sales = &sales.lead_scoring;
            for (name, ours, theirs) in [("MQL", marketing.mql, sales.mql), ("SQL", marketing.sql, sales.sql)]
            {
                if ours != theirs {
                    found.between(
                        file,
                        against,
                        format!("{name} from {ours} points, {against} says {theirs}"),
                    );
                }
            }
            for criterion in &marketing.criteria {
                let theirs = sales.criteria.iter().find(|of| of.id == criterion.id).map(|of| of.points);
                let says = match theirs {
                    Some(points) if points == criterion.points => continue,
                    Some(points) => format!("says {points}"),
                    None => "does not know it".to_owned(),
                };
                let message =
                    format!("`{}` counts {} points, {against} {says}", criterion.id, criterion.points);
                found.between(file, against, message);
            }
            for unknown in
                sales.criteria.iter().filter(|of| !marketing.criteria.iter().any(|own| own.id == of.id))
            {
                found.between(against, file, format!("counts `{}`, which {file} does not", unknown.id));
            }
        }
    }
    found.0
}

pub(super) fn handoff_complete(look: &Look<'_>) -> Vec<Finding> {
    let mut found = Found::default();
    let given = look.of::<Handoff>(look.file(), &mut found);
    let wanted = look.of::<Onboarding>(look.against(), &mut found);
    for (file, _, handoff) in &given {
        for (against, _, onboarding) in &wanted {
            found.need(!onboarding.needs.is_empty(), against, || {
                "needs nothing from sales, which cannot be".to_owned()
            });
            for need in onboarding.needs.iter().filter(|need| !handoff.fields.contains(need)) {
                found.between(file, against, format!("does not hand over `{need}`, which {against} needs"));
            }
        }
    }
    found.0
}
