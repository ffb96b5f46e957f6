//! Experiments: what each is about, how many visitors it needs, how long it runs.

use serde::Serialize;

use super::statistics::per_arm;
use super::{Budget, Roi, cents, rate, real};
use crate::programmes::business::{Business, slug};

/// The chance of taking noise for an effect, two-sided.
pub const ALPHA: f64 = 0.05;
/// The chance of finding an effect that is there.
pub const POWER: f64 = 0.80;
/// A test that would run longer looks for a larger effect instead: campaigns and seasons change within two months.
const DAYS_MAX: u64 = 56;
/// Whole weeks, because days of the week differ.
const DAYS_MIN: u64 = 14;
/// Relative changes that are worth looking for, in hundredths.
const LIFTS: [u32; 6] = [20, 30, 40, 50, 75, 100];

/// One cell of the table of sample sizes.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SampleRow {
    pub baseline: f64,
    pub expected: f64,
    pub lift: f64,
    pub per_arm: u64,
}

/// One experiment.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TestPlan {
    pub slug: String,
    pub title: String,
    /// Slug.
    pub channel: String,
    pub channel_name: String,
    /// What differs between the arms.
    pub element: String,
    pub control: String,
    pub variant: String,
    pub hypothesis: String,
    pub metric: String,
    pub baseline: f64,
    pub expected: f64,
    pub lift: f64,
    pub alpha: f64,
    pub power: f64,
    pub per_arm: u64,
    pub visits_per_day: f64,
    pub days: u64,
    /// Whether so many visitors come within the longest time that makes sense.
    pub feasible: bool,
    pub success: String,
}

/// Sizes for rates as they occur, among them 10 % to 12 %.
pub(super) fn table() -> Vec<SampleRow> {
    let pairs = [
        (0.02, 0.025),
        (0.03, 0.039),
        (0.05, 0.06),
        (0.05, 0.075),
        (0.10, 0.12),
        (0.10, 0.15),
        (0.20, 0.25),
        (0.30, 0.36),
    ];
    let row = |(baseline, expected): (f64, f64)| SampleRow {
        baseline,
        expected,
        lift: rate(expected / baseline - 1.0),
        per_arm: per_arm(baseline, expected, ALPHA, POWER).unwrap_or_default(),
    };
    pairs.into_iter().map(row).collect()
}

/// The smallest effect that can be told in time, with its size and duration.
fn size(baseline: f64, visits_per_day: f64) -> (f64, f64, u64, u64, bool) {
    let mut last = (0.2, baseline, 0, DAYS_MAX, false);
    for lift in LIFTS.map(|hundredths| f64::from(hundredths) / 100.0) {
        let expected = rate((baseline * (1.0 + lift)).min(0.95));
        let Some(arm) = per_arm(baseline, expected, ALPHA, POWER) else { continue };
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "not negative; absurd ones saturate"
        )]
        let days = (2.0 * real(arm) / visits_per_day.max(0.1)).ceil() as u64;
        let days = days.div_ceil(7).max(DAYS_MIN / 7) * 7;
        last = (lift, expected, arm, days, days <= DAYS_MAX);
        if last.4 {
            break;
        }
    }
    last
}

struct Idea {
    element: &'static str,
    control: String,
    variant: String,
    because: String,
}

fn plan(business: &Business, budget: &Budget, place: usize, idea: Idea) -> TestPlan {
    let (channel, line) = (&business.channels[place], &budget.lines[place]);
    let visits_per_day = cents(real(line.visits) / 30.0);
    let baseline = rate(channel.visit_to_lead);
    let (lift, expected, arm, days, feasible) = size(baseline, visits_per_day);
    TestPlan {
        slug: slug(&format!("{} {}", channel.name, idea.element)),
        title: format!("{}: {}", channel.name, idea.element),
        channel: channel.slug.clone(),
        channel_name: channel.name.clone(),
        element: idea.element.to_owned(),
        hypothesis: format!(
            "If the {} on {} says “{}” instead of “{}”, then the part of visits that become leads rises from {:.1} % to at \
             least {:.1} %, because {}.",
            idea.element,
            channel.name,
            idea.variant,
            idea.control,
            baseline * 100.0,
            expected * 100.0,
            idea.because
        ),
        control: idea.control,
        variant: idea.variant,
        metric: "visit to lead".to_owned(),
        baseline,
        expected,
        lift,
        alpha: ALPHA,
        power: POWER,
        per_arm: arm,
        visits_per_day,
        days,
        feasible,
        success: format!(
            "p below {ALPHA} after {arm} visitors in each arm, and no fall in the part of leads that qualify"
        ),
    }
}

/// A headline test for each channel: what it costs to do nothing against the tagline.
pub(super) fn of_channels(business: &Business, budget: &Budget) -> Vec<TestPlan> {
    let idea = |place: usize| {
        let persona = business.channels[place].personas.first();
        let persona = business.personas.iter().find(|of| Some(&of.slug) == persona);
        let pain = persona.and_then(|of| of.pains.first()).cloned().unwrap_or_default();
        let title = persona.map(|of| of.title.to_lowercase()).unwrap_or_default();
        Idea {
            element: "headline",
            control: business.offer.tagline.clone(),
            variant: pain,
            because: format!("a {title} stops for the problem before the product"),
        }
    };
    (0..business.channels.len()).map(|place| plan(business, budget, place, idea(place))).collect()
}

/// The first experiments, on the three channels with the most visitors.
pub(super) fn experiments(business: &Business, tests: &[TestPlan], roi: &Roi) -> Vec<TestPlan> {
    let mut order: Vec<usize> = (0..tests.len()).collect();
    order.sort_by(|a, b| tests[*b].visits_per_day.total_cmp(&tests[*a].visits_per_day).then(a.cmp(b)));
    let budget = super::funnel::budget(business);
    let prop = business.value_props.first();
    let persona = business.personas.first();
    let ideas = [
        Idea {
            element: "offer",
            control: "Book a demonstration".to_owned(),
            variant: persona.map(|of| of.offer.clone()).unwrap_or_default(),
            because: "a first step that gives something is smaller than a meeting that takes something"
                .to_owned(),
        },
        Idea {
            element: "proof",
            control: prop.map(|of| of.promise.clone()).unwrap_or_default(),
            variant: prop.and_then(|of| of.proofs.first()).cloned().unwrap_or_default(),
            because: "a named result is believed sooner than a promise".to_owned(),
        },
        Idea {
            element: "calculator",
            control: business.offer.value_proposition.clone(),
            variant: format!(
                "What does it cost you? A company like yours loses {:.0} {} a year",
                roi.yearly_loss, business.currency
            ),
            because: "an amount of their own is passed on inside the company".to_owned(),
        },
    ];
    order.into_iter().zip(ideas).map(|(place, idea)| plan(business, &budget, place, idea)).collect()
}
