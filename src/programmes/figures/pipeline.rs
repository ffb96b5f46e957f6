//! Stages of a sale by the sales motion, a pipeline of invented deals, and the forecast that follows from them.

use serde::Serialize;

use super::split::split_count;
use super::{DealScore, cents, rate};
use crate::programmes::business::{Business, SalesMotion};

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Stage {
    pub id: String,
    pub name: String,
    pub entry: Vec<String>,
    pub exit: Vec<String>,
    pub activities: Vec<String>,
    /// That a deal of this stage is won.
    pub probability: f64,
    /// As long as a deal usually stays.
    pub days: u64,
    /// A deal that stays longer is stuck.
    pub stuck_after: u64,
    /// The training module for it.
    pub module: String,
}

/// A stage as it is written here: id, name, entry, exit, activities, part of the cycle in hundredths, module.
type Written =
    (&'static str, &'static str, [&'static str; 2], [&'static str; 2], [&'static str; 2], f64, &'static str);

const SELF_SERVE: [Written; 5] = [
    (
        "signed-up",
        "Signed up",
        ["Account created with a work address", "Company is in the segment"],
        ["First use by a second person", "Reason for looking is known"],
        ["Welcome by e-mail within the hour", "Ask what they want to solve"],
        15.0,
        "discovery",
    ),
    (
        "activated",
        "Activated",
        ["The product was used as intended once", "A second person uses it"],
        ["Used in two weeks of three", "An owner on their side"],
        ["Show the figure that improved", "Invite the rest of the team"],
        30.0,
        "demo",
    ),
    (
        "qualified",
        "Qualified",
        ["Use grows or a limit is near", "The economic buyer is known"],
        ["Buyer has seen the figure", "Need for a paid plan is agreed"],
        ["Call with the buyer", "Compute the return with their figures"],
        25.0,
        "demo",
    ),
    (
        "proposal",
        "Proposal",
        ["Plan and seats are agreed in words", "Budget is named"],
        ["Terms are accepted", "Security questions are answered"],
        ["Send the offer within a day", "Answer security questions"],
        20.0,
        "negotiation",
    ),
    (
        "closing",
        "Closing",
        ["Contract is sent", "Signatory is known"],
        ["Contract is signed", "Start of onboarding is booked"],
        ["Agree the day of signature", "Book the start of onboarding"],
        10.0,
        "closing",
    ),
];

const SALES_ASSISTED: [Written; 5] = [
    (
        "discovery",
        "Discovery",
        ["Lead was accepted by sales", "First talk is booked"],
        ["Cost of the problem is stated by the buyer", "Economic buyer and evaluators are named"],
        ["Discovery call by the guide", "Write the findings to the buyer the same day"],
        15.0,
        "discovery",
    ),
    (
        "demonstration",
        "Demonstration",
        ["Problem and its cost are written down", "Champion and economic buyer take part"],
        ["Buyer says which problem it solves", "Criteria of the trial are agreed"],
        ["Demo by the persona's script", "Agree what must be seen in the trial"],
        20.0,
        "demo",
    ),
    (
        "trial",
        "Trial",
        ["Criteria and end of the trial are written down", "Users are named and invited"],
        ["Criteria are met, with their figures", "Evaluators have no open finding"],
        ["Check in after three days", "Meet on the figures at the end"],
        30.0,
        "demo",
    ),
    (
        "proposal",
        "Proposal",
        ["Return is computed with the trial's figures", "Budget and way of approval are known"],
        ["Terms are agreed in words", "Security and legal are answered"],
        ["Send the offer within two days", "Walk the buyer through the return"],
        25.0,
        "negotiation",
    ),
    (
        "contract",
        "Contract",
        ["Contract is sent to the signatory", "Day of signature is agreed"],
        ["Contract is signed", "Hand-over to customer success is held"],
        ["Mutual plan to the day of signature", "Fill in the hand-over"],
        10.0,
        "closing",
    ),
];

const SALES_LED: [Written; 5] = [
    (
        "qualification",
        "Qualification",
        ["Account is on the target list", "A person with the problem has answered"],
        ["Problem, cost and date are known", "A champion wants to go on"],
        ["Research the account", "First call with two people"],
        15.0,
        "discovery",
    ),
    (
        "discovery",
        "Discovery",
        ["Champion opens doors", "Economic buyer is named"],
        ["Economic buyer has confirmed the cost", "Decision process is written down"],
        ["Interviews with each persona", "Write the business case with the champion"],
        25.0,
        "discovery",
    ),
    (
        "solution",
        "Solution",
        ["Business case is shared", "Technical evaluators are named"],
        ["Evaluators agree in writing", "Preferred over the alternatives"],
        ["Demo to all personas", "Proof on their site with their data"],
        30.0,
        "demo",
    ),
    (
        "proposal",
        "Proposal",
        ["Preferred, with reasons", "Budget holder is at the table"],
        ["Commercial terms are agreed", "Legal has no open point"],
        ["Offer in three options", "Plan of the roll-out"],
        20.0,
        "negotiation",
    ),
    (
        "negotiation",
        "Negotiation",
        ["Procurement is involved", "Day of decision is agreed"],
        ["Contract is signed", "Hand-over to customer success is held"],
        ["Give-and-take list", "Executive call"],
        10.0,
        "closing",
    ),
];

/// The stages of the sales motion, with the days of the cycle and a probability that rises from the rate of the funnel.
pub(super) fn stages(business: &Business) -> Vec<Stage> {
    let written = match business.sales_motion {
        SalesMotion::SelfServe => SELF_SERVE,
        SalesMotion::SalesAssisted => SALES_ASSISTED,
        SalesMotion::SalesLed => SALES_LED,
    };
    let days = split_count(u64::from(business.sales_cycle_days), &written.map(|stage| stage.5));
    let first = business.rates.opportunity_to_won;
    let probability = |place: usize| {
        // Each stage removes the same part of the doubt, so that the first has the funnel's rate.
        let left = [1.0, 0.8, 0.6, 0.4, 0.2][place];
        (first.powf(left) * 100.0).round() / 100.0
    };
    let owned = |texts: [&str; 2]| texts.map(str::to_owned).to_vec();
    let stage = |(place, (id, name, entry, exit, activities, _, module)): (usize, Written)| Stage {
        id: id.to_owned(),
        name: name.to_owned(),
        entry: owned(entry),
        exit: owned(exit),
        activities: owned(activities),
        probability: probability(place),
        days: days[place],
        stuck_after: (days[place] * 3).div_ceil(2).max(3),
        module: module.to_owned(),
    };
    written.into_iter().enumerate().map(stage).collect()
}

/// A deal of the sample pipeline; invented, and said to be so.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Deal {
    pub name: String,
    pub stage: String,
    pub stage_name: String,
    pub amount: f64,
    pub probability: f64,
    pub weighted: f64,
    pub engagement: u32,
    pub fit: u32,
    pub intent: u32,
    pub score: u32,
    pub days_in_stage: u64,
    pub stuck: bool,
    /// `commit`, `best_case`, `pipeline` or `at_risk`.
    pub category: String,
    pub problem: String,
    pub action: String,
    pub owner: String,
    pub due_in_days: u64,
}

/// Names of places that do not exist, stage, size in hundredths of an average deal, the three parts of the score, time in the stage
/// in hundredths of the usual.
const SAMPLE: [(&str, usize, u32, [u32; 3], u64); 8] = [
    ("Alder Creek", 4, 140, [90, 85, 95], 80),
    ("Two Rivers", 4, 95, [60, 75, 65], 90),
    ("Northgate", 3, 180, [85, 90, 75], 90),
    ("Saltmarsh", 3, 70, [40, 60, 35], 190),
    ("Quarry Hill", 2, 110, [80, 70, 60], 70),
    ("Fenwick", 2, 100, [35, 80, 30], 210),
    ("Larkspur", 1, 120, [70, 65, 55], 60),
    ("Millbrook", 0, 85, [55, 50, 45], 50),
];

pub(super) fn deals(business: &Business, stages: &[Stage], score: &DealScore) -> Vec<Deal> {
    SAMPLE.iter().map(|sample| deal(business, stages, score, sample)).collect()
}

fn deal(
    business: &Business,
    stages: &[Stage],
    model: &DealScore,
    (place, at, size, parts, stay): &(&str, usize, u32, [u32; 3], u64),
) -> Deal {
    let stage = &stages[*at];
    let industry = &business.market.industries[place.len() % business.market.industries.len().max(1)];
    let amount = cents((business.deal_size * f64::from(*size) / 100.0).round());
    let score = model.of(*parts);
    let days_in_stage = (stage.days * stay).div_ceil(100).max(1);
    let stuck = days_in_stage > stage.stuck_after;
    let category = if score < model.weak_below || (stuck && score < model.strong_from) {
        "at_risk"
    } else if *at >= 3 && score >= model.strong_from {
        "commit"
    } else if *at >= 2 {
        "best_case"
    } else {
        "pipeline"
    };
    let (problem, action, due_in_days) = coaching(parts, stuck, stage, days_in_stage);
    Deal {
        name: format!("{place} {industry} (sample)"),
        stage: stage.id.clone(),
        stage_name: stage.name.clone(),
        amount,
        probability: stage.probability,
        weighted: cents(amount * stage.probability),
        engagement: parts[0],
        fit: parts[1],
        intent: parts[2],
        score,
        days_in_stage,
        stuck,
        category: category.to_owned(),
        problem,
        action,
        owner: "account executive".to_owned(),
        due_in_days,
    }
}

/// What is wrong with a deal, what is done about it, and in how many days.
fn coaching(parts: &[u32; 3], stuck: bool, stage: &Stage, days: u64) -> (String, String, u64) {
    let weakest = parts.iter().enumerate().min_by_key(|(_, part)| **part).map(|(place, _)| place);
    let exit = stage.exit.first().map(|text| text.to_lowercase()).unwrap_or_default();
    match (stuck, weakest) {
        (true, Some(0)) => (
            format!("{days} days in {}, {} are usual; the buyer has gone quiet", stage.name, stage.days),
            "Call the champion, ask for twenty minutes with the economic buyer, bring the cost of waiting"
                .to_owned(),
            3,
        ),
        (true, _) => (
            format!(
                "{days} days in {}, {} are usual; there is no date that forces a decision",
                stage.name, stage.days
            ),
            format!("Agree in writing by when “{exit}” is reached; without a date move it back one stage"),
            5,
        ),
        (false, Some(0)) => (
            "Only one person of the account is involved".to_owned(),
            "Ask the champion to invite the evaluator to the next call".to_owned(),
            7,
        ),
        (false, Some(1)) => (
            "Size or problem are at the edge of the segment".to_owned(),
            "Check with the buyer's own figures that the return holds; drop it if not".to_owned(),
            7,
        ),
        (false, _) => (
            "No date and no budget have been named".to_owned(),
            format!("Ask what happens if nothing is decided this quarter, then aim at “{exit}”"),
            7,
        ),
    }
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Forecast {
    pub open: f64,
    pub weighted: f64,
    pub commit: f64,
    /// Commit and what may be won if all goes well.
    pub best_case: f64,
    /// Between commit and best case: the weighted part of what is not committed.
    pub upside: f64,
    pub at_risk: f64,
    pub commit_share: f64,
}

pub(super) fn forecast(deals: &[Deal], stages: &[Stage]) -> Forecast {
    let sum = |wanted: &dyn Fn(&Deal) -> bool, amount: &dyn Fn(&Deal) -> f64| {
        cents(deals.iter().filter(|deal| wanted(deal)).map(amount).sum())
    };
    let of = |category: &'static str| move |deal: &Deal| deal.category == category;
    let amount = |deal: &Deal| deal.amount;
    debug_assert!(!stages.is_empty(), "every motion has stages");
    let open = sum(&|_| true, &amount);
    let commit = sum(&of("commit"), &amount);
    Forecast {
        open,
        weighted: sum(&|_| true, &|deal| deal.weighted),
        commit,
        best_case: cents(commit + sum(&of("best_case"), &amount)),
        upside: sum(&of("best_case"), &|deal| deal.weighted),
        at_risk: sum(&of("at_risk"), &amount),
        commit_share: rate(commit / open.max(1.0)),
    }
}
