//! What may go wrong with a promise, each with what to do about it.
//!
//! Promises: a flag rests on a figure that it tells; codes are stable. Leaves out risks that no figure shows.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::SlaModel;
use super::world::{Made, reps};
use crate::designs::brief::Brief;
use crate::designs::service::arrivals::Source;
use crate::designs::words::{number, percent, span, weeks};
use crate::kernel::calendar::OpenTime as _;
use crate::kernel::clock::DateTime;

/// Busier than this, queues grow fast.
const BUSY: f64 = 0.85;
/// Measured over less, weeks differ too much to know them.
const WEEKS_MIN: f64 = 4.0;
/// Fewer handoffs say little.
const COUNTED_MIN: u32 = 100;
/// Somebody who is away for more than this part of their time is missed.
const AWAY: f64 = 0.2;
/// Days differ by more than chance from here on.
const BURSTS: f64 = 0.2;
/// So far apart, formula and counting tell different stories.
const APART: f64 = 0.05;

/// How much it matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = RiskSeverity)]
pub enum Severity {
    /// The promise is broken by it.
    High,
    Medium,
    /// Worth knowing.
    Low,
}

impl Severity {
    /// In a table.
    pub fn words(self) -> &'static str {
        match self {
            Self::High => "high",
            Self::Medium => "medium",
            Self::Low => "low",
        }
    }
}

/// Something that may go wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = DesignRisk)]
pub struct Risk {
    /// A stable code.
    pub code: String,
    pub severity: Severity,
    pub says: String,
    pub what_to_do: String,
}

fn risk(code: &str, severity: Severity, says: String, what_to_do: &str) -> Risk {
    Risk { code: code.to_owned(), severity, says, what_to_do: what_to_do.to_owned() }
}

/// All flags, the gravest first.
pub fn risks(brief: &Brief, made: &Made, model: &SlaModel) -> Vec<Risk> {
    let mut risks: Vec<Risk> = [
        overrun(model),
        not_kept(brief, model),
        hours(brief, model),
        busy(model),
        few_people(made),
        bursts(made),
        short_history(made),
        formula_apart(model),
    ]
    .into_iter()
    .flatten()
    .collect();
    risks.extend(assumed(model));
    risks.extend(absent(made));
    risks.extend(launch(brief, made));
    risks.sort_by_key(|risk| risk.severity);
    risks
}

fn overrun(model: &SlaModel) -> Option<Risk> {
    let now = model.simulation.as_ref()?;
    let more = now.utilisation >= 1.0 || now.never_share > 0.01;
    more.then(|| {
        let says = format!(
            "more comes in than can be done: {} erlang of work for {} reps, {} never answered",
            number(model.erlang.erlangs),
            now.workers,
            percent(now.never_share)
        );
        risk(
            "overrun",
            Severity::High,
            says,
            "Add people, shorten the work, or let less come in, before anything is promised.",
        )
    })
}

fn not_kept(brief: &Brief, model: &SlaModel) -> Option<Risk> {
    let now = model.simulation.as_ref()?;
    let (kept, wanted) = (now.within_target, brief.service_level);
    (kept < wanted).then(|| {
        let says =
            format!("{} is kept for {}, {} are wanted", brief.response, percent(kept), percent(wanted));
        risk("not_kept", Severity::High, says, "Follow the recommendation before the design is approved.")
    })
}

fn hours(brief: &Brief, model: &SlaModel) -> Option<Risk> {
    let ceiling = model.ceiling?;
    (ceiling < brief.service_level).then(|| {
        let says = format!(
            "{} of the handoffs come when nobody is at work within {}",
            percent(1.0 - ceiling),
            brief.response
        );
        let what = "Cover more hours with reps of other zones or shifts, or let the SLA count working time.";
        risk("hours", Severity::High, says, what)
    })
}

fn busy(model: &SlaModel) -> Option<Risk> {
    let now = model.simulation.as_ref()?;
    (now.utilisation > BUSY && now.utilisation < 1.0).then(|| {
        let says = format!(
            "reps are busy {} of their time: a few more handoffs make long queues",
            percent(now.utilisation)
        );
        risk(
            "utilisation",
            Severity::Medium,
            says,
            "Keep people below 85 %, or agree on what is left undone on busy days.",
        )
    })
}

fn few_people(made: &Made) -> Option<Risk> {
    let count = reps(&made.world);
    (count < 3).then(|| {
        let says = format!("the whole promise rests on {}", crate::designs::words::reps(count));
        risk(
            "few_people",
            Severity::Medium,
            says,
            "Name a cover for each absence, and a fallback owner for the team.",
        )
    })
}

fn bursts(made: &Made) -> Option<Risk> {
    let bursts = made.world.arrivals.bursts;
    (bursts > BURSTS).then(|| {
        let says =
            format!("days differ by {} more than chance has it: they come in bursts", percent(bursts.sqrt()));
        risk(
            "bursts",
            Severity::Medium,
            says,
            "Spread campaigns over days, or have somebody ready on the days of one.",
        )
    })
}

fn short_history(made: &Made) -> Option<Risk> {
    let counted = made.world.arrivals.counted?;
    (counted < COUNTED_MIN || made.weeks_measured < WEEKS_MIN).then(|| {
        let says = format!("only {counted} handoffs in {} were measured", weeks(made.weeks_measured));
        risk(
            "short_history",
            Severity::Medium,
            says,
            "Take the range seriously, and model again after four weeks.",
        )
    })
}

/// One flag for all that nobody measured or gave.
fn assumed(model: &SlaModel) -> Option<Risk> {
    let names: Vec<String> = model
        .inputs
        .iter()
        .filter(|input| input.source == Source::Assumed)
        .map(|input| format!("{} ({})", input.name.to_lowercase(), input.value))
        .collect();
    (!names.is_empty()).then(|| {
        let says = format!("assumed and not measured: {}", crate::kernel::text::sentence_list(&names));
        risk(
            "assumed",
            Severity::Medium,
            says,
            "Replace them by the capacity of the request, and model again.",
        )
    })
}

fn formula_apart(model: &SlaModel) -> Option<Risk> {
    let now = model.simulation.as_ref()?;
    let formula = model.erlang.figures.as_ref()?;
    let apart = formula.within_target - now.within_target;
    (apart.abs() > APART).then(|| {
        let says = format!(
            "Erlang C says {}, counting over the calendar says {}: hours, absences, bursts and a queue for each rep are not \
             in the formula",
            percent(formula.within_target),
            percent(now.within_target)
        );
        risk("formula", Severity::Low, says, "Trust the simulation; the formula is the best case.")
    })
}

/// Those who are away much of the time.
fn absent(made: &Made) -> Vec<Risk> {
    let (from, until) = (made.world.from, made.world.until);
    let hours = |shift: &crate::kernel::calendar::Shift| shift.between(from, until).as_seconds_f64();
    let away = made.world.workers.iter().filter_map(|worker| {
        let whole = worker.shift.calendar().map(|calendar| calendar.between(from, until).as_seconds_f64())?;
        let missed = 1.0 - hours(&worker.shift) / whole.max(1.0);
        (whole > 0.0 && missed > AWAY).then(|| {
            let says = format!("{} is away for {} of the first four weeks", worker.name, percent(missed));
            risk("absence", Severity::Medium, says, "Name a cover, or launch when they are back.")
        })
    });
    away.collect()
}

/// A launch on a day without hours.
fn launch(brief: &Brief, made: &Made) -> Option<Risk> {
    let noon: DateTime = brief.launch.and_time(chrono::NaiveTime::MIN).and_utc();
    let team = made.world.team.calendar()?;
    let opens = team.next_opening(noon).ok()?;
    (!team.is_working_day(brief.launch)).then(|| {
        let says = format!(
            "the team does not work on the day of the launch; its next hours begin {} after midnight",
            span((opens - noon).as_seconds_f64())
        );
        risk("launch_day", Severity::Low, says, "Move the launch to a working day.")
    })
}
