//! The data of each deliverable, from the figures.

mod analysis;

use serde_json::{Map, Value};

pub(super) use analysis::{added_up, recommendations};

use super::naming::Subject;
use super::wording;
use crate::programmes::business::{Business, Persona};
use crate::programmes::deliverable::{
    Kind,
    data::{
        AttributionData, BattleCard, BudgetData, BudgetItem, Campaign, Coaching, Competitors, Dashboard,
        Dashboards, DealScoring, Document, ExperimentFramework, ForecastData, Handoff, HealthData, Journey,
        JourneyStage, KpiItem, Kpis, LeadScoring, Line, Mail, Mapping, Messaging, Metric, MilestoneItem,
        Module, Objection, Objections, Onboarding, PersonaData, PitchDeck, Points, Positioning, Proposition,
        QuestionItem, Recommendations, Review, Rival, RoiData, Segments, Sequence, Share, Sizing, StageItem,
        Stages, Strategy, Test, Tests, TouchpointItem, Touchpoints, ValueProps, Variant, Variants, VoiceData,
        Wording,
    },
};
use crate::programmes::draft::words;
use crate::programmes::figures::{Figures, TestPlan, Weight};

/// What a deliverable of a kind says as data; `path` tells apart those of one kind.
pub(super) fn of(
    kind: Kind,
    business: &Business,
    figures: &Figures,
    subject: &Subject<'_>,
    path: &str,
) -> Map<String, Value> {
    let value = match kind {
        Kind::Document => json(&Document {}),
        Kind::Strategy => json(&strategy(business)),
        Kind::Persona => json(&subject.persona().map(persona).unwrap_or_default()),
        Kind::Competitors => json(&competitors(business)),
        Kind::Budget => json(&budget(figures)),
        Kind::Positioning => json(&positioning(business)),
        Kind::ValueProps => json(&value_props(business)),
        Kind::Messaging => json(&Messaging { library: library(business), variants: variants(business) }),
        Kind::Voice => {
            json(&VoiceData { is: business.voice.is.clone(), avoid: business.voice.avoid.clone() })
        }
        Kind::Attribution => json(&AttributionData {
            model: figures.attribution.model.clone(),
            weights: shares(&figures.attribution.weights),
        }),
        Kind::Kpis => json(&kpis(figures)),
        Kind::Dashboards => json(&dashboards(figures)),
        Kind::Dashboard => json(&dashboard(figures, path)),
        Kind::ExperimentFramework => json(&framework(figures)),
        Kind::Campaign => json(&campaign(business, figures, subject)),
        Kind::Variants => json(&Variants { variants: copies(business, figures, subject) }),
        Kind::Sequence => json(&Sequence { mails: mails(business, figures, subject, path) }),
        Kind::LeadScoring => json(&lead_scoring(figures)),
        Kind::DealScoring => json(&DealScoring {
            lead_scoring: lead_scoring(figures),
            weights: shares(&figures.deal_score.weights),
        }),
        Kind::Stages => json(&stages(business, figures)),
        Kind::Forecast => {
            let of = &figures.forecast;
            json(&ForecastData { weighted: of.weighted, commit: of.commit, best_case: of.best_case })
        }
        Kind::Handoff => {
            json(&Handoff { fields: figures.handoff.iter().map(|field| field.id.clone()).collect() })
        }
        Kind::Onboarding => json(&onboarding(business, figures)),
        Kind::Health => json(&HealthData {
            weights: shares(&figures.health.weights),
            healthy_from: figures.health.healthy_from,
            watch_from: figures.health.watch_from,
        }),
        Kind::Segments => {
            json(&Segments { segments: figures.segments.iter().map(|of| of.slug.clone()).collect() })
        }
        Kind::PitchDeck => json(&pitch_deck(business)),
        Kind::BattleCard => json(&battle_card(subject)),
        Kind::Roi => {
            let of = &figures.roi;
            json(&RoiData { yearly_value: of.yearly_value, price: of.price, roi: of.roi })
        }
        Kind::Objections => {
            json(&Objections { answers: business.personas.iter().flat_map(objections).collect() })
        }
        Kind::Tests => json(&tests(figures, subject)),
        Kind::Module => json(&module(figures, subject)),
        Kind::Review => json(&review(business, figures)),
        Kind::Journey => json(&journey(figures)),
        Kind::Touchpoints => json(&touchpoints(figures, subject)),
        Kind::Economics => json(&analysis::economics(business, figures)),
        Kind::Recommendations => {
            json(&Recommendations { recommendations: analysis::recommendations(business, figures) })
        }
        Kind::Reallocation => json(&analysis::reallocation(figures)),
        Kind::Iteration => json(&analysis::iteration(business, figures)),
    };
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

fn json<T: serde::Serialize>(value: &T) -> Value {
    serde_json::to_value(value).unwrap_or_default()
}

fn shares(weights: &[Weight]) -> Vec<Share> {
    weights.iter().map(|weight| Share { touch: weight.id.clone(), percent: weight.percent }).collect()
}

fn exact(cents: i64) -> String {
    format!("{}.{:02}", cents / 100, cents % 100)
}

fn strategy(business: &Business) -> Strategy {
    let metric = |goal: &crate::programmes::business::Goal| Metric {
        goal: goal.slug.clone(),
        metric: goal.metric.clone(),
        target: goal.target,
        by: goal.by.to_string(),
        measured_by: measured_by(&goal.metric).to_owned(),
    };
    Strategy { metrics: business.goals.iter().map(metric).collect() }
}

/// Where the figure of a goal comes from.
pub(super) fn measured_by(metric: &str) -> &'static str {
    match metric {
        "new_revenue" => "CRM: won deals, first-year value",
        "new_customers" => "CRM: accounts with their first won deal",
        "opportunities" => "CRM: deals that entered the first stage",
        "cac" => "Programme spend and sales cost over new customers, by quarter",
        "payback_months" => "CAC over the monthly margin of a customer",
        "net_revenue_retention" => "Billing: revenue of last year's customers now over then",
        "activation_rate" => "Product analytics: the activation event by its day",
        "annual_churn" => "Billing: customers lost in a year over those at its start",
        _ => "",
    }
}

fn objections(persona: &Persona) -> Vec<Objection> {
    let owned = |of: &crate::programmes::business::Objection| Objection {
        says: of.says.clone(),
        answer: of.answer.clone(),
    };
    persona.objections.iter().map(owned).collect()
}

fn persona(persona: &Persona) -> PersonaData {
    PersonaData {
        id: persona.slug.clone(),
        pains: persona.pains.clone(),
        triggers: persona.triggers.clone(),
        objections: objections(persona),
    }
}

fn competitors(business: &Business) -> Competitors {
    let rival = |of: &crate::programmes::business::Competitor| Rival {
        id: of.slug.clone(),
        strengths: of.strengths.clone(),
        weaknesses: of.weaknesses.clone(),
        we_win_when: of.win_when.clone(),
    };
    Competitors { competitors: business.competitors.iter().map(rival).collect() }
}

fn budget(figures: &Figures) -> BudgetData {
    let line = |of: &crate::programmes::figures::BudgetLine| BudgetItem {
        channel: of.channel.clone(),
        amount: exact(of.cents),
        why: of.why.clone(),
    };
    BudgetData {
        month_total: exact(figures.budget.month_cents),
        lines: figures.budget.lines.iter().map(line).collect(),
    }
}

/// The statement in the order that all know: for whom, who, what, that, unlike, we.
pub(super) fn statement(business: &Business) -> String {
    let offer = &business.offer;
    format!(
        "For {} who {}, {} is a {} that {}; unlike {}, it {}.",
        words::small(&business.market.segment),
        offer.need,
        business.product,
        offer.category,
        offer.key_benefit,
        offer.alternative,
        offer.differentiator
    )
}

fn positioning(business: &Business) -> Positioning {
    let offer = &business.offer;
    Positioning {
        statement: statement(business),
        target: words::small(&business.market.segment),
        need: offer.need.clone(),
        product: business.product.clone(),
        category: offer.category.clone(),
        benefit: offer.key_benefit.clone(),
        alternative: offer.alternative.clone(),
        differentiator: offer.differentiator.clone(),
    }
}

fn value_props(business: &Business) -> ValueProps {
    let slugs: Vec<String> = business.personas.iter().map(|of| of.slug.clone()).collect();
    let proposition = |of: &crate::programmes::business::ValueProp| Proposition {
        id: of.slug.clone(),
        promise: of.promise.clone(),
        proofs: of.proofs.clone(),
    };
    let mapping = |of: &crate::programmes::business::Feature| Mapping {
        feature: of.slug.clone(),
        benefit: of.benefit.clone(),
        outcome: of.outcome.clone(),
        personas: slugs.clone(),
    };
    ValueProps {
        value_props: business.value_props.iter().map(proposition).collect(),
        features: business.features.iter().map(mapping).collect(),
    }
}

/// The texts that all quote.
pub(super) fn library(business: &Business) -> Vec<Line> {
    let line = |id: &str, text: &str| Line { id: id.to_owned(), text: text.to_owned() };
    let mut made = vec![
        line("tagline", &business.offer.tagline),
        line("value-proposition", &business.offer.value_proposition),
        line("statement", &statement(business)),
    ];
    made.extend(business.value_props.iter().map(|of| line(&format!("promise-{}", of.slug), &of.promise)));
    made
}

fn variants(business: &Business) -> Vec<Variant> {
    let variant = |(place, of): (usize, &Persona)| Variant {
        persona: of.slug.clone(),
        headline: of.pains.first().cloned().unwrap_or_default(),
        promise: business.value_props[place % business.value_props.len()].promise.clone(),
    };
    business.personas.iter().enumerate().map(variant).collect()
}

fn kpis(figures: &Figures) -> Kpis {
    let item = |of: &crate::programmes::figures::Kpi| KpiItem {
        id: of.id.clone(),
        stage: of.stage.clone(),
        target: of.target,
        unit: of.unit.clone(),
        measured_by: of.measured_by.clone(),
    };
    Kpis { kpis: figures.kpis.iter().map(item).collect() }
}

fn dashboards(figures: &Figures) -> Dashboards {
    let item = |of: &crate::programmes::figures::Question| QuestionItem {
        id: of.id.clone(),
        question: of.question.clone(),
        stakeholder: of.stakeholder.clone(),
        kpis: of.kpis.clone(),
        dashboard: of.dashboard.clone(),
    };
    Dashboards { questions: figures.questions.iter().map(item).collect() }
}

/// The name of a file without folder and ending.
fn stem(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or_default().trim_end_matches(".md")
}

fn dashboard(figures: &Figures, path: &str) -> Dashboard {
    let name = stem(path);
    let answers =
        figures.questions.iter().filter(|of| of.dashboard == name).map(|of| of.id.clone()).collect();
    Dashboard { name: name.to_owned(), answers }
}

fn framework(figures: &Figures) -> ExperimentFramework {
    let first = figures.tests.first();
    let size = |of: &crate::programmes::figures::SampleRow| Sizing {
        baseline: of.baseline,
        expected: of.expected,
        per_arm: of.per_arm,
    };
    ExperimentFramework {
        alpha: first.map_or(0.05, |of| of.alpha),
        power: first.map_or(0.8, |of| of.power),
        sizes: figures.sample_sizes.iter().map(size).collect(),
    }
}

fn campaign(business: &Business, figures: &Figures, subject: &Subject<'_>) -> Campaign {
    let Some(channel) = subject.channel() else { return Campaign::default() };
    let line = figures.budget.lines.iter().find(|line| line.channel == channel.slug);
    Campaign {
        channel: channel.slug.clone(),
        monthly_amount: exact(line.map_or(0, |line| line.cents)),
        variants: wording::ads(business, channel),
    }
}

fn copies(business: &Business, figures: &Figures, subject: &Subject<'_>) -> Vec<Wording> {
    match (subject.channel(), subject.persona()) {
        (Some(channel), _) => wording::ads(business, channel),
        (None, Some(persona)) => wording::page(business, figures, persona),
        (None, None) => Vec::new(),
    }
}

fn mails(business: &Business, figures: &Figures, subject: &Subject<'_>, path: &str) -> Vec<Mail> {
    let Some(persona) = subject.persona() else { return Vec::new() };
    if path.starts_with("sales-enablement/") {
        wording::outbound(business, figures, persona)
    } else {
        wording::nurture(business, figures, persona)
    }
}

fn lead_scoring(figures: &Figures) -> LeadScoring {
    let of = &figures.lead_score;
    LeadScoring {
        criteria: of.criteria.iter().map(|of| Points { id: of.id.clone(), points: of.points }).collect(),
        mql: of.mql,
        sql: of.sql,
    }
}

fn stages(business: &Business, figures: &Figures) -> Stages {
    let item = |of: &crate::programmes::figures::Stage| StageItem {
        id: of.id.clone(),
        name: of.name.clone(),
        entry: of.entry.clone(),
        exit: of.exit.clone(),
        activities: of.activities.clone(),
        probability: of.probability,
        days: of.days,
    };
    Stages {
        motion: business.sales_motion.name().to_owned(),
        cycle_days: u64::from(business.sales_cycle_days),
        stages: figures.stages.iter().map(item).collect(),
    }
}

fn onboarding(business: &Business, figures: &Figures) -> Onboarding {
    let item = |of: &crate::programmes::figures::Milestone| MilestoneItem {
        day: of.day,
        name: of.name.clone(),
        measure: of.measure.clone(),
        target: of.target.clone(),
    };
    Onboarding {
        days: business.onboarding_days,
        milestones: figures.milestones.iter().map(item).collect(),
        needs: figures.handoff.iter().map(|field| field.id.clone()).collect(),
    }
}

fn pitch_deck(business: &Business) -> PitchDeck {
    PitchDeck {
        parts: ["problem", "impact", "solution", "proof", "ask"].map(str::to_owned).to_vec(),
        variants: business.personas.iter().map(|of| of.slug.clone()).collect(),
    }
}

fn battle_card(subject: &Subject<'_>) -> BattleCard {
    let Some(rival) = subject.competitor() else { return BattleCard::default() };
    let counter = |(strength, weakness): (&String, &String)| Objection {
        says: strength.clone(),
        answer: weakness.clone(),
    };
    BattleCard {
        competitor: rival.slug.clone(),
        counters: rival.strengths.iter().zip(rival.weaknesses.iter().cycle()).map(counter).collect(),
    }
}

fn test(of: &TestPlan) -> Test {
    Test {
        id: of.slug.clone(),
        channel: of.channel.clone(),
        element: of.element.clone(),
        hypothesis: of.hypothesis.clone(),
        metric: of.metric.clone(),
        baseline: of.baseline,
        expected: of.expected,
        alpha: of.alpha,
        power: of.power,
        per_arm: of.per_arm,
        visits_per_day: of.visits_per_day,
        days: of.days,
        success: of.success.clone(),
    }
}

fn tests(figures: &Figures, subject: &Subject<'_>) -> Tests {
    let tests = match (subject.channel(), subject.experiment()) {
        (_, Some(experiment)) => vec![test(experiment)],
        (Some(channel), None) => {
            figures.tests.iter().filter(|of| of.channel == channel.slug).map(test).collect()
        }
        (None, None) => Vec::new(),
    };
    Tests { tests }
}

fn module(figures: &Figures, subject: &Subject<'_>) -> Module {
    let slug = subject.slug();
    let covers =
        figures.stages.iter().filter(|stage| stage.module == slug).map(|stage| stage.id.clone()).collect();
    Module { module: slug.to_owned(), covers }
}

fn review(business: &Business, figures: &Figures) -> Review {
    let coaching = |deal: &crate::programmes::figures::Deal| Coaching {
        deal: deal.name.clone(),
        problem: deal.problem.clone(),
        action: deal.action.clone(),
        owner: deal.owner.clone(),
        due: words::later(business.start, deal.due_in_days).to_string(),
    };
    Review { deals: figures.deals.iter().map(coaching).collect() }
}

fn journey(figures: &Figures) -> Journey {
    let stages = ["onboarding", "adoption", "expansion", "renewal"];
    let of = |stage: &str| JourneyStage {
        stage: stage.to_owned(),
        touchpoints: figures
            .touchpoints
            .iter()
            .filter(|of| of.stage == stage)
            .map(|of| of.id.clone())
            .collect(),
    };
    Journey { stages: stages.iter().map(|stage| of(stage)).collect() }
}

fn touchpoints(figures: &Figures, subject: &Subject<'_>) -> Touchpoints {
    let segment = subject.slug().to_owned();
    let item = |of: &crate::programmes::figures::Touchpoint| TouchpointItem {
        id: of.id.clone(),
        stage: of.stage.clone(),
        day: of.day,
    };
    let touchpoints = figures.touchpoints.iter().filter(|of| of.segment == segment).map(item).collect();
    Touchpoints { segment, touchpoints }
}
