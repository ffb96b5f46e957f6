//! What a deliverable says as data, so that gates can compute with it: one type for each kind.
//!
//! Promises: unknown fields are refused, each type has a published JSON Schema, all kinds of worker deliver the same.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Declares the types with what all of them have in common.
macro_rules! data {
    ($($(#[$about:meta])* $name:ident { $($(#[$field_about:meta])* $field:ident: $type:ty),* $(,)? })*) => {
        $($(#[$about])*
        #[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, ToSchema)]
        #[serde(deny_unknown_fields, rename_all = "snake_case")]
        pub struct $name { $($(#[$field_about])* pub $field: $type),* })*
    };
}

data! {
    /// Nothing but its text.
    Document {}

    /// One figure by which a goal is measured.
    Metric {
        /// The slug of the goal.
        goal: String,
        metric: String,
        target: f64,
        by: String,
        measured_by: String,
    }
    Strategy { metrics: Vec<Metric> }

    Objection { says: String, answer: String }
    PersonaData {
        id: String,
        pains: Vec<String>,
        triggers: Vec<String>,
        objections: Vec<Objection>,
    }

    Rival { id: String, strengths: Vec<String>, weaknesses: Vec<String>, we_win_when: String }
    Competitors { competitors: Vec<Rival> }

    BudgetItem {
        /// The slug of the channel.
        channel: String,
        /// In the currency, with two decimals, such as `10800.00`.
        amount: String,
        why: String,
    }
    BudgetData { month_total: String, lines: Vec<BudgetItem> }

    Positioning {
        statement: String,
        target: String,
        need: String,
        product: String,
        category: String,
        benefit: String,
        alternative: String,
        differentiator: String,
    }

    Proposition { id: String, promise: String, proofs: Vec<String> }
    Mapping { feature: String, benefit: String, outcome: String, personas: Vec<String> }
    ValueProps { value_props: Vec<Proposition>, features: Vec<Mapping> }

    Line { id: String, text: String }
    Variant { persona: String, headline: String, promise: String }
    Messaging {
        /// Texts that all others quote as they are.
        library: Vec<Line>,
        variants: Vec<Variant>,
    }
    VoiceData { is: Vec<String>, avoid: Vec<String> }

    Share { touch: String, percent: u32 }
    AttributionData { model: String, weights: Vec<Share> }

    KpiItem { id: String, stage: String, target: f64, unit: String, measured_by: String }
    Kpis { kpis: Vec<KpiItem> }

    QuestionItem { id: String, question: String, stakeholder: String, kpis: Vec<String>, dashboard: String }
    Dashboards { questions: Vec<QuestionItem> }
    Dashboard {
        name: String,
        /// Ids of questions.
        answers: Vec<String>,
    }

    Sizing { baseline: f64, expected: f64, per_arm: u64 }
    ExperimentFramework { alpha: f64, power: f64, sizes: Vec<Sizing> }

    Wording { id: String, headline: String, body: String }
    Campaign { channel: String, monthly_amount: String, variants: Vec<Wording> }
    Variants { variants: Vec<Wording> }
    Mail { day: u32, subject: String, body: String }
    Sequence { mails: Vec<Mail> }

    Points { id: String, points: i32 }
    LeadScoring { criteria: Vec<Points>, mql: u32, sql: u32 }
    DealScoring {
        /// As agreed with demand generation.
        lead_scoring: LeadScoring,
        weights: Vec<Share>,
    }

    StageItem { id: String, name: String, entry: Vec<String>, exit: Vec<String>, activities: Vec<String>, probability: f64, days: u64 }
    Stages { motion: String, cycle_days: u64, stages: Vec<StageItem> }
    ForecastData { weighted: f64, commit: f64, best_case: f64 }

    Handoff { fields: Vec<String> }
    MilestoneItem { day: u32, name: String, measure: String, target: String }
    Onboarding {
        days: u32,
        milestones: Vec<MilestoneItem>,
        /// Ids of fields that sales hands over.
        needs: Vec<String>,
    }
    HealthData { weights: Vec<Share>, healthy_from: u32, watch_from: u32 }
    Segments { segments: Vec<String> }

    PitchDeck { parts: Vec<String>, variants: Vec<String> }
    BattleCard { competitor: String, counters: Vec<Objection> }
    RoiData { yearly_value: f64, price: f64, roi: f64 }
    Objections { answers: Vec<Objection> }

    Test {
        id: String,
        channel: String,
        element: String,
        hypothesis: String,
        metric: String,
        baseline: f64,
        expected: f64,
        alpha: f64,
        power: f64,
        per_arm: u64,
        visits_per_day: f64,
        days: u64,
        success: String,
    }
    Tests { tests: Vec<Test> }

    Module {
        module: String,
        /// Ids of stages.
        covers: Vec<String>,
    }
    Coaching { deal: String, problem: String, action: String, owner: String, due: String }
    Review { deals: Vec<Coaching> }
    Journey { stages: Vec<JourneyStage> }
    JourneyStage { stage: String, touchpoints: Vec<String> }
    TouchpointItem { id: String, stage: String, day: u32 }
    Touchpoints { segment: String, touchpoints: Vec<TouchpointItem> }

    EconomicsData {
        spend: f64,
        sales_cost: f64,
        customers: u64,
        cac: f64,
        monthly_margin: f64,
        payback_months: f64,
        yearly_margin: f64,
        lifetime_years: f64,
        ltv: f64,
    }
    Recommendation { id: String, title: String, priority: u32, effect: String }
    Recommendations { recommendations: Vec<Recommendation> }
    Reallocation { month_total: String, lines: Vec<BudgetItem> }
    DecisionItem { recommendation: String, decision: String, why: String }
    Iteration { verdict: String, decisions: Vec<DecisionItem> }
}
