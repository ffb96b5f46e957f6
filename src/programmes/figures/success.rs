//! After the sale: health, segments, onboarding, what is handed over, touchpoints.

use serde::Serialize;

use super::cents;
use super::scoring::Weight;
use crate::programmes::business::Business;

/// How well a customer does.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Health {
    pub weights: Vec<Weight>,
    pub signals: Vec<HealthSignal>,
    pub healthy_from: u32,
    pub watch_from: u32,
    pub examples: Vec<HealthExample>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct HealthSignal {
    pub of: String,
    pub full: String,
    pub half: String,
    pub none: String,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct HealthExample {
    pub who: String,
    pub parts: Vec<(String, u32, u32)>,
    pub score: u32,
    pub band: String,
}

pub(super) fn health(business: &Business) -> Health {
    let parts = [
        ("usage", "Usage", 40),
        ("engagement", "Engagement", 25),
        ("support", "Support", 20),
        ("outcome", "Outcome", 15),
    ];
    let weights: Vec<Weight> = parts
        .iter()
        .map(|(id, name, percent)| Weight {
            id: (*id).to_owned(),
            name: (*name).to_owned(),
            percent: *percent,
        })
        .collect();
    let signal = |(of, full, half, none): (&str, String, &str, &str)| HealthSignal {
        of: of.to_owned(),
        full,
        half: half.to_owned(),
        none: none.to_owned(),
    };
    let cases = [
        ("A customer in the third month who uses it as intended", [95, 80, 90, 70]),
        ("A customer whose champion has left", [65, 30, 80, 50]),
        ("A customer with falling use and two open complaints", [25, 40, 20, 30]),
    ];
    let (healthy_from, watch_from) = (75, 50);
    let example = |(who, points): (&str, [u32; 4])| {
        let parts: Vec<(String, u32, u32)> = weights
            .iter()
            .zip(points)
            .map(|(weight, point)| (weight.name.clone(), weight.percent, point))
            .collect();
        let score = (parts.iter().map(|(_, percent, point)| percent * point).sum::<u32>() + 50) / 100;
        let band = if score >= healthy_from {
            "healthy"
        } else if score >= watch_from {
            "watch"
        } else {
            "at risk"
        };
        HealthExample { who: who.to_owned(), parts, score, band: band.to_owned() }
    };
    let examples = cases.map(example).into();
    let signals = vec![
        signal(("Usage", business.offer.habit.clone(), "Half as often", "Less, or none for 14 days")),
        signal((
            "Engagement",
            "Economic buyer met this quarter, champion answers in two days".to_owned(),
            "Champion only",
            "Nobody answers",
        )),
        signal((
            "Support",
            "No open complaint, last one closed in time".to_owned(),
            "One open complaint",
            "Two or more, or one escalated",
        )),
        signal((
            "Outcome",
            "The agreed figure has improved as planned".to_owned(),
            "Improved by half of it",
            "Not measured or not improved",
        )),
    ];
    Health { weights, signals, healthy_from, watch_from, examples }
}

/// How much attention a customer gets, by what it pays.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Segment {
    pub slug: String,
    pub name: String,
    pub rule: String,
    pub from: f64,
    pub per_manager: u32,
    pub cadence: String,
    pub qbr: String,
    pub onboarding: String,
}

pub(super) fn segments(business: &Business) -> Vec<Segment> {
    let size = business.deal_size;
    let (high, mid) =
        (cents((size * 1.6 / 100.0).round() * 100.0), cents((size * 0.7 / 100.0).round() * 100.0));
    let money =
        |amount: f64| format!("{} {}", crate::programmes::draft::words::amount(amount), business.currency);
    let segment = |(slug, name, rule, from, per_manager, cadence, qbr, onboarding): (
        &str,
        &str,
        String,
        f64,
        u32,
        &str,
        &str,
        &str,
    )| Segment {
        slug: slug.to_owned(),
        name: name.to_owned(),
        rule,
        from,
        per_manager,
        cadence: cadence.to_owned(),
        qbr: qbr.to_owned(),
        onboarding: onboarding.to_owned(),
    };
    vec![
        segment((
            "high-touch",
            "High touch",
            format!("from {} a year", money(high)),
            high,
            20,
            "Call every two weeks",
            "Quarterly, on site",
            "On site, with a project plan",
        )),
        segment((
            "mid-touch",
            "Mid touch",
            format!("{} to {} a year", money(mid), money(high)),
            mid,
            60,
            "Call each month",
            "Twice a year, by video",
            "By video, in three sessions",
        )),
        segment((
            "tech-touch",
            "Tech touch",
            format!("below {} a year", money(mid)),
            0.0,
            250,
            "Messages by use, office hour each week",
            "Yearly summary by e-mail",
            "In the product, with a weekly group session",
        )),
    ]
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Milestone {
    pub day: u32,
    pub name: String,
    pub done_when: String,
    pub measure: String,
    pub target: String,
    pub owner: String,
}

/// Onboarding day by day, stretched over the days of the configuration.
pub(super) fn milestones(business: &Business) -> Vec<Milestone> {
    let days = business.onboarding_days;
    let at = |hundredths: u32| (days * hundredths).div_ceil(100).max(1);
    let milestone =
        |(day, name, done_when, measure, target, owner): (u32, &str, String, &str, &str, &str)| Milestone {
            day,
            name: name.to_owned(),
            done_when,
            measure: measure.to_owned(),
            target: target.to_owned(),
            owner: owner.to_owned(),
        };
    let first = business.drivers.first().map(|driver| driver.name.to_lowercase()).unwrap_or_default();
    let mut made: Vec<Milestone> = vec![
        milestone((
            1,
            "Kick-off",
            "Goal, figures today, users and dates are written down and sent to all".to_owned(),
            "Kick-off notes sent",
            "the same day",
            "customer success manager",
        )),
        milestone((
            at(15),
            "Access",
            "All named users have signed in".to_owned(),
            "Users signed in",
            "100 % of those named",
            "customer success manager",
        )),
        milestone((
            at(30),
            "First value",
            business.offer.activation.clone(),
            "Activation reached",
            "80 % of customers by this day",
            "champion",
        )),
        milestone((
            at(55),
            "Second team",
            "A second team uses it without help".to_owned(),
            "Active teams",
            "at least 2",
            "champion",
        )),
        milestone((
            at(75),
            "Habit",
            business.offer.habit.clone(),
            "Weeks with the habit",
            "1 full week",
            "champion",
        )),
        milestone((
            days,
            "Result",
            format!("The first figure on {first} is shown to the economic buyer"),
            "Improvement against the kick-off",
            "a third of the planned improvement",
            "customer success manager",
        )),
    ];
    // Short onboardings bring two milestones to the same day; one after the other all the same, until the days are used up.
    for place in 1..made.len() {
        let before = made[place - 1].day;
        made[place].day = made[place].day.max(before + 1).min(days);
    }
    made
}

/// One thing that customer success must be told of a won deal.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct HandoffField {
    pub id: String,
    pub name: String,
    pub why: String,
    /// The milestone that cannot begin without it.
    pub needed_for: String,
}

pub(super) fn handoff() -> Vec<HandoffField> {
    let field = |(id, name, why, needed_for): (&str, &str, &str, &str)| HandoffField {
        id: id.to_owned(),
        name: name.to_owned(),
        why: why.to_owned(),
        needed_for: needed_for.to_owned(),
    };
    [
        ("goal", "Goal of the customer, in its own words", "The result is measured against it", "Kick-off"),
        (
            "baseline",
            "The figure today that is to improve",
            "Without it no improvement can be shown",
            "Kick-off",
        ),
        ("economic_buyer", "Economic buyer, with what was promised", "Sees the result at the end", "Result"),
        ("champion", "Champion", "Brings the users", "Access"),
        ("users", "Teams and users of the first weeks", "Are invited before the kick-off", "Access"),
        ("evaluator_findings", "Open findings of IT and security", "Block access otherwise", "Access"),
        (
            "promises",
            "Everything promised in the sale, with dates",
            "Is kept, or taken back early",
            "Kick-off",
        ),
        ("terms", "Contract: start, end, price, renewal", "Sets the day of the renewal", "Kick-off"),
    ]
    .map(field)
    .into()
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Touchpoint {
    pub id: String,
    pub segment: String,
    /// `onboarding`, `adoption`, `expansion` or `renewal`.
    pub stage: String,
    /// After the start of the contract.
    pub day: u32,
    pub what: String,
    pub by: String,
    pub owner: String,
}

/// What each segment hears from us in a year.
pub(super) fn touchpoints(business: &Business, segments: &[Segment]) -> Vec<Touchpoint> {
    let end = business.onboarding_days;
    let moments: [(&str, &str, u32, &str, [&str; 3]); 9] = [
        ("kick-off", "onboarding", 1, "Kick-off", ["on site", "video call", "guided tour in the product"]),
        (
            "first-value",
            "onboarding",
            (end * 30).div_ceil(100).max(2),
            "First value is reached, or help is offered",
            ["call", "call", "message in the product"],
        ),
        (
            "result",
            "onboarding",
            end,
            "First result is shown",
            ["meeting", "video call", "e-mail with their figures"],
        ),
        ("adoption-check", "adoption", end + 30, "Use of all teams is looked at", ["call", "call", "e-mail"]),
        (
            "business-review",
            "adoption",
            end + 90,
            "Business review",
            ["on site", "video call", "summary by e-mail"],
        ),
        ("reference", "expansion", 150, "Asked for a reference or a review", ["call", "e-mail", "e-mail"]),
        (
            "expansion",
            "expansion",
            180,
            "The next line, site or team is proposed",
            ["meeting", "video call", "offer in the product"],
        ),
        (
            "renewal-opens",
            "renewal",
            245,
            "Renewal is opened, 120 days before its day",
            ["meeting", "video call", "e-mail"],
        ),
        (
            "renewal-signed",
            "renewal",
            335,
            "Terms are agreed, 30 days before its day",
            ["meeting", "call", "e-mail"],
        ),
    ];
    let mut made = Vec::new();
    for (place, segment) in segments.iter().enumerate() {
        for (id, stage, day, what, by) in &moments {
            made.push(Touchpoint {
                id: format!("{}-{id}", segment.slug),
                segment: segment.slug.clone(),
                stage: (*stage).to_owned(),
                day: *day,
                what: (*what).to_owned(),
                by: by[place.min(2)].to_owned(),
                owner: if *stage == "renewal" { "account manager" } else { "customer success manager" }
                    .to_owned(),
            });
        }
    }
    made
}
