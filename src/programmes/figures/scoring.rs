//! Scores by which touches, leads and deals are weighed, each with worked examples that add up.

use serde::Serialize;

use super::budget_amount;
use super::split::split;
use crate::programmes::business::Business;

/// How the revenue of a deal is credited to the touches that led to it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Attribution {
    pub model: String,
    pub why: String,
    pub weights: Vec<Weight>,
    pub example: Vec<Credit>,
    pub example_total: f64,
}

/// A part of a whole, in hundredths so that they add up exactly.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Weight {
    pub id: String,
    pub name: String,
    pub percent: u32,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Credit {
    pub touch: String,
    pub channel: String,
    pub part: String,
    pub amount: f64,
}

fn weights<const N: usize>(parts: [(&str, &str, u32); N]) -> Vec<Weight> {
    let weight =
        |(id, name, percent): (&str, &str, u32)| Weight { id: id.to_owned(), name: name.to_owned(), percent };
    parts.into_iter().map(weight).collect()
}

/// By the length of the sales cycle: the longer it is, the more happens between the first touch and the opportunity.
pub(super) fn attribution(business: &Business) -> Attribution {
    let days = business.sales_cycle_days;
    let (model, why, [first, lead, opportunity, others]) = if days < 30 {
        (
            "Position-based, weighted to the end",
            format!("{days} days are short: what happened last decided most"),
            [20, 25, 45, 10],
        )
    } else if days <= 90 {
        (
            "Position-based (first touch, lead, opportunity)",
            format!(
                "{days} days leave room for three moments that matter: being found, leaving a name, starting an opportunity"
            ),
            [30, 30, 30, 10],
        )
    } else {
        (
            "Full path",
            format!(
                "{days} days are long: what keeps a deal warm between the moments counts as much as each of them"
            ),
            [25, 25, 25, 25],
        )
    };
    let weights = weights([
        ("first_touch", "First touch", first),
        ("lead_creation", "Touch that made the lead", lead),
        ("opportunity_creation", "Touch that made the opportunity", opportunity),
        ("others", "All touches between, in equal parts", others),
    ]);
    Attribution {
        model: model.to_owned(),
        why,
        example: example(business, &weights),
        example_total: business.deal_size,
        weights,
    }
}

/// A deal with five touches.
fn example(business: &Business, weights: &[Weight]) -> Vec<Credit> {
    let channel = |place: usize| business.channels[place % business.channels.len()].name.clone();
    let half = f64::from(weights[3].percent) / 2.0;
    let touches = [
        ("First visit", channel(0), "first touch", f64::from(weights[0].percent)),
        ("Guide read", channel(2), "between", half),
        ("Form filled in", channel(1), "lead", f64::from(weights[1].percent)),
        ("Webinar attended", channel(3), "between", half),
        ("Talk asked for", channel(0), "opportunity", f64::from(weights[2].percent)),
    ];
    let shares: Vec<f64> = touches.iter().map(|(_, _, _, share)| *share).collect();
    #[expect(clippy::cast_possible_truncation, reason = "a contract of at most a billion")]
    let total = (business.deal_size * 100.0).round() as i64;
    let credit = |((touch, channel, part, _), cents): ((&str, String, &str, f64), i64)| Credit {
        touch: touch.to_owned(),
        channel,
        part: part.to_owned(),
        amount: budget_amount(cents),
    };
    touches.into_iter().zip(split(total, &shares)).map(credit).collect()
}

/// When a lead goes to sales.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LeadScore {
    pub criteria: Vec<Criterion>,
    /// From so many points on marketing passes it on.
    pub mql: u32,
    /// From so many points on sales calls the same day.
    pub sql: u32,
    pub examples: Vec<Example>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Criterion {
    pub id: String,
    /// `fit`, `interest` or `against`.
    pub group: String,
    pub signal: String,
    pub points: i32,
}

/// A worked example: what was seen, the points of each, their sum, what follows.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Example {
    pub who: String,
    pub parts: Vec<(String, i32)>,
    pub total: i32,
    pub verdict: String,
}

pub(super) fn lead_score(business: &Business) -> LeadScore {
    let market = &business.market;
    let titles: Vec<String> = business.personas.iter().map(|of| of.title.to_lowercase()).collect();
    let criterion = |(id, group, signal, points): (&str, &str, String, i32)| Criterion {
        id: id.to_owned(),
        group: group.to_owned(),
        signal,
        points,
    };
    let criteria: Vec<Criterion> = [
        ("title", "fit", format!("Title of a persona: {}", titles.join(", ")), 20),
        ("industry", "fit", format!("Industry is {}", market.industries.join(" or ")), 15),
        ("size", "fit", format!("{} to {} employees", market.employees_min, market.employees_max), 15),
        ("region", "fit", format!("In {}", market.regions.join(" or ")), 10),
        ("talk", "interest", "Asked for a talk or a trial".to_owned(), 30),
        ("calculator", "interest", "Filled in the ROI calculator".to_owned(), 20),
        ("event", "interest", "Attended a webinar to the end".to_owned(), 15),
        ("prices", "interest", "Looked at prices twice in a week".to_owned(), 15),
        ("guide", "interest", "Downloaded a guide".to_owned(), 10),
        ("private", "against", "Private e-mail address".to_owned(), -20),
        ("rival", "against", "Works for a competitor, or studies".to_owned(), -60),
        ("silent", "against", "No visit for 30 days".to_owned(), -15),
    ]
    .into_iter()
    .map(criterion)
    .collect();
    let (mql, sql) = (60, 80);
    let examples = examples(business, &criteria, mql, sql);
    LeadScore { criteria, mql: mql.unsigned_abs(), sql: sql.unsigned_abs(), examples }
}

fn examples(business: &Business, criteria: &[Criterion], mql: i32, sql: i32) -> Vec<Example> {
    let person = |place: usize| business.personas[place % business.personas.len()].title.to_lowercase();
    let cases = [
        (
            format!("A {} in the segment who asked for a talk", person(0)),
            vec!["title", "industry", "size", "region", "talk"],
        ),
        (
            format!("A {} in the segment who read a guide", person(1)),
            vec!["title", "industry", "size", "region", "guide"],
        ),
        (
            "A student with a private address who downloaded two guides".to_owned(),
            vec!["region", "guide", "private", "rival"],
        ),
    ];
    let example = |who: String, seen: Vec<&str>| {
        let of = criteria.iter().filter(|criterion| seen.contains(&criterion.id.as_str()));
        let parts: Vec<(String, i32)> =
            of.map(|criterion| (criterion.signal.clone(), criterion.points)).collect();
        let total: i32 = parts.iter().map(|(_, points)| points).sum();
        let verdict = if total >= sql {
            "to sales, called the same day"
        } else if total >= mql {
            "qualified, to sales within two days"
        } else {
            "stays in nurture"
        };
        Example { who, parts, total, verdict: verdict.to_owned() }
    };
    cases.map(|(who, seen)| example(who, seen)).into()
}

/// How good a deal is, besides its stage.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DealScore {
    pub weights: Vec<Weight>,
    pub factors: Vec<Factor>,
    /// From so many points on a deal may be committed.
    pub strong_from: u32,
    /// Below so many points it is looked at.
    pub weak_below: u32,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Factor {
    pub of: String,
    pub signal: String,
    pub points: u32,
}

pub(super) fn deal_score() -> DealScore {
    let factor = |(of, signal, points): (&str, &str, u32)| Factor {
        of: of.to_owned(),
        signal: signal.to_owned(),
        points,
    };
    DealScore {
        weights: weights([("engagement", "Engagement", 40), ("fit", "Fit", 35), ("intent", "Intent", 25)]),
        factors: [
            ("engagement", "Economic buyer met in the last 14 days", 40),
            ("engagement", "At least three people of the account involved", 30),
            ("engagement", "Answers within two working days", 30),
            ("fit", "Industry and size of the segment", 40),
            ("fit", "The problem has a cost that the buyer has stated", 35),
            ("fit", "No blocker among the evaluators", 25),
            ("intent", "A date by which it must be solved", 40),
            ("intent", "Budget confirmed", 35),
            ("intent", "Asked for contract or security documents", 25),
        ]
        .map(factor)
        .into(),
        strong_from: 70,
        weak_below: 45,
    }
}

impl DealScore {
    /// The weighted score of the three parts, each 0 to 100.
    pub fn of(&self, parts: [u32; 3]) -> u32 {
        let sum: u32 = self.weights.iter().zip(parts).map(|(weight, part)| weight.percent * part).sum();
        (sum + 50) / 100
    }
}
