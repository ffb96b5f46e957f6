//! The SLA model of a design: what can be kept with whom, what it would take, what may go wrong, and what to do.
//!
//! In reading order: [`history`] (what was measured), [`world`] (what the model runs on), [`staffing`] (how many it takes),
//! [`risks`], and the recommendation here.
//!
//! Promises: a function of its inputs and the seed; every figure says where it comes from; what is only assumed is said so,
//! and how to replace it. Times are wall time unless a working-time clock is asked for.

pub mod history;
pub mod risks;
pub mod staffing;
pub mod world;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::brief::Brief;
use super::service::arrivals::Source;
use super::service::erlang::Figures;
use super::service::simulate::Simulated;
use super::words::{percent, percents, reps, span};
use crate::handoffs::Basis;
use history::History;
use risks::Risk;
use staffing::{Need, Row};
use world::Ground;

/// A figure that went into the model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ModelInput)]
pub struct Input {
    pub name: String,
    pub value: String,
    pub source: Source,
    /// How to replace what was only assumed; how it was measured.
    pub note: String,
}

/// What Erlang C says, for the hours that are staffed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ErlangEstimate {
    /// As if everything came in evenly while they work.
    pub arrivals_per_hour: f64,
    pub erlangs: f64,
    /// Absent where more comes in than they can do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub figures: Option<Figures>,
    /// The fewest with whom the share is kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub needed: Option<u32>,
}

/// The whole of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SlaModel {
    /// Such as `2h`.
    pub response: String,
    pub basis: Basis,
    pub service_level: f64,
    pub inputs: Vec<Input>,
    pub erlang: ErlangEstimate,
    /// With those who are there. Absent where nothing comes in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub simulation: Option<Simulated>,
    /// What no number of people can exceed without other hours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ceiling: Option<f64>,
    pub staffing: Vec<Row>,
    pub need: Need,
    pub risks: Vec<Risk>,
    /// What to do, in a sentence or two.
    pub recommendation: String,
}

/// How often the simulation is run, and from which seed.
#[derive(Debug, Clone, Copy)]
pub struct Sampling {
    pub seed: u64,
    /// Of the figures that are told.
    pub runs: u32,
}

impl Sampling {
    /// Runs of the sizes in between, of which only one is told.
    fn rough(self) -> u32 {
        self.runs.saturating_mul(3) / 10
    }
}

/// Models the response time with those who are to have the handoffs.
pub fn model(brief: &Brief, ground: &Ground<'_>, history: &History, sampling: Sampling) -> SlaModel {
    let made = world::make(brief, ground, history);
    let stage = super::service::stage::Stage::new(&made.world);
    let ceiling = stage.ceiling();
    let erlang = staffing::erlang(brief, &made);
    let search = staffing::search(brief, &made, ceiling, sampling);
    let mut model = SlaModel {
        response: brief.response.to_string(),
        basis: brief.basis,
        service_level: brief.service_level,
        inputs: made.inputs.clone(),
        erlang,
        simulation: search.present.clone(),
        ceiling,
        staffing: search.rows,
        need: search.need,
        risks: Vec::new(),
        recommendation: String::new(),
    };
    model.risks = risks::risks(brief, &made, &model);
    model.recommendation = recommendation(brief, &model);
    model
}

fn recommendation(brief: &Brief, model: &SlaModel) -> String {
    let (response, wanted) = (brief.response, percent(brief.service_level));
    let Some(now) = &model.simulation else {
        return format!(
            "Nothing comes in by these figures: {response} cannot be judged. Measure, or give the arrivals."
        );
    };
    let range = percents(now.within_target_range.low, now.within_target_range.high);
    let kept = format!("{response} is kept for {range} with {}", reps(now.workers));
    let alternative = match (&model.need.kept_instead, &model.need.business_share) {
        (Some(instead), _) => format!(" With those who are there, {instead} is what {wanted} can count on."),
        (None, Some(share)) => {
            format!(" Counted in working time, it is kept for {} with those who are there.", percent(*share))
        }
        (None, None) => String::new(),
    };
    match (model.need.reps, model.ceiling) {
        (Some(needed), _) if needed <= now.workers => {
            format!("{kept}, {wanted} are wanted: promise it.")
        }
        (Some(needed), _) => format!(
            "{kept}; {} keep {wanted}. Promise it once they are there, or promise later.{alternative}",
            reps(needed)
        ),
        (None, Some(ceiling)) if ceiling < brief.service_level => format!(
            "{kept}. No number of people keeps {wanted} in these hours: only {} of the handoffs come early enough before or \
             while somebody works. Cover more hours, count working time, or promise later.{alternative}",
            percent(ceiling)
        ),
        (None, _) => format!(
            "{kept}. Even {} do not keep {wanted}: a contact takes {} of work by itself. Shorten what lies before the \
             contact, or promise later.{alternative}",
            reps(model.need.searched_up_to),
            span(model.need.preparing_secs)
        ),
    }
}
