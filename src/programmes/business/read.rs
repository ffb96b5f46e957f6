//! From the text of a configuration to a [`Business`], or to everything that is wrong with it.

use std::collections::BTreeSet;

use super::front::Front;
use super::markdown::{self, Section};
use super::sections::{Columns, Keys, number};
use super::{
    Business, Channel, ChannelKind, Competitor, Driver, Feature, GOAL_METRICS, Goal, Market, Member,
    Objection, Offer, Persona, Rates, SalesMotion, Scenario, Targets, ValueProp, Voice, check, history, slug,
};
use crate::programmes::fault::{Fault, Faults, unknown};

/// The longest configuration, in bytes; a person's text is far below.
const SIZE_MAX: usize = 512 * 1024;
/// So many personas, competitors or channels at the most: each becomes a handful of documents.
const ITEMS_MAX: usize = 12;
const SECTIONS: [&str; 14] = [
    "Market",
    "Product",
    "Value drivers",
    "Personas",
    "Competitors",
    "Channels",
    "Goals",
    "Team",
    "Voice",
    "Results",
    "Experiment results",
    "Cohorts",
    "Features",
    "Value propositions",
];

pub(super) fn business(file: &str, text: &str, agents: &[&str]) -> Result<Business, Vec<Fault>> {
    let mut faults = Faults::of(file);
    if text.len() > SIZE_MAX {
        faults.add(0, "", format!("has {} bytes, at most {SIZE_MAX} are read", text.len()));
        return Err(faults.into_sorted());
    }
    let Some(parts) = markdown::parts(text) else {
        let message =
            "must begin with figures between two lines `+++`; see config/programme/example/CONFIG.md";
        faults.add(1, "", message);
        return Err(faults.into_sorted());
    };
    let root = markdown::read(parts.body, parts.body_line);
    let mut business = figures(parts.front, &mut faults);
    for child in root
        .children
        .iter()
        .filter(|child| !SECTIONS.iter().any(|name| name.eq_ignore_ascii_case(&child.title)))
    {
        faults.add(child.line, "", unknown("section", &child.title, &SECTIONS));
    }
    business.about = root.text.join(" ");
    if business.about.is_empty() {
        faults.add(
            root.line,
            "",
            "say in a paragraph below the title who the company is and what it is about to do",
        );
    }
    section(&root, "Market", &mut faults, |section, faults| business.market = market(section, faults));
    section(&root, "Product", &mut faults, |section, faults| product(section, &mut business, faults));
    section(&root, "Value drivers", &mut faults, |section, faults| {
        business.drivers = drivers(section, faults);
    });
    section(&root, "Personas", &mut faults, |section, faults| {
        business.personas = each(section, faults, "persona", persona);
    });
    section(&root, "Competitors", &mut faults, |section, faults| {
        business.competitors = each(section, faults, "competitor", competitor);
    });
    let personas = business.personas.clone();
    section(&root, "Channels", &mut faults, |section, faults| {
        business.channels =
            each(section, faults, "channel", |section, faults| channel(section, &personas, faults));
    });
    section(&root, "Goals", &mut faults, |section, faults| business.goals = goals(section, faults));
    section(&root, "Team", &mut faults, |section, faults| business.team = team(section, faults));
    section(&root, "Voice", &mut faults, |section, faults| business.voice = voice(section, faults));
    // What happened so far is known to some only.
    if let Some(section) = root.child("Results") {
        business.results = history::results(section, &business.channels, &mut faults);
    }
    if let Some(section) = root.child("Experiment results") {
        business.experiments = history::experiments(section, &mut faults);
    }
    if let Some(section) = root.child("Cohorts") {
        business.cohorts = history::cohorts(section, &mut faults);
    }
    if faults.is_empty() {
        check::contradictions(&business, &root, parts.front, agents, &mut faults);
    }
    if !faults.is_empty() {
        return Err(faults.into_sorted());
    }
    business.warnings = check::doubts(&business, agents, file);
    Ok(business)
}

/// Runs `read` on a section that must be there.
fn section(root: &Section, title: &str, faults: &mut Faults, read: impl FnOnce(&Section, &mut Faults)) {
    match root.child(title) {
        Some(found) => read(found, faults),
        None => faults.add(0, "", format!("the section `## {title}` is missing")),
    }
}

#[expect(clippy::cast_possible_truncation, reason = "an amount of at most a billion")]
fn figures(text: &str, faults: &mut Faults) -> Business {
    let mut front = Front::new(text, faults);
    let budget = front.number("monthly_budget", 100.0, 1e9, "what may be spent on programmes each month");
    Business {
        company: front.text("company", "the name of the company"),
        product: front.text("product", "the name of the product"),
        website: front.text("website", "where links lead"),
        currency: front.text("currency", "three letters, such as USD"),
        start: front.date("start", "the day on which the programme begins"),
        scenario: front.one_of("scenario", &Scenario::ALL, "scenario"),
        sales_motion: front.one_of("sales_motion", &SalesMotion::ALL, "sales motion"),
        deal_size: front.number("deal_size", 1.0, 1e9, "the average first-year value of a contract"),
        sales_cycle_days: front.whole("sales_cycle_days", 1, 1_000, "days from opportunity to signature"),
        monthly_budget_cents: (budget * 100.0).round() as i64,
        sales_cost_per_month: front.number(
            "sales_cost_per_month",
            0.0,
            1e9,
            "salaries of those who win customers",
        ),
        gross_margin: front.rate("gross_margin", "such as 0.8"),
        annual_churn: front.rate("annual_churn", "the part of customers that leaves in a year, such as 0.1"),
        annual_expansion: front.number("annual_expansion", 0.0, 5.0, "growth of those who stay, such as 0.1"),
        onboarding_days: front.whole("onboarding_days", 5, 120, "days until a new customer works with it"),
        rates: Rates {
            lead_to_mql: front.rate("rates.lead_to_mql", "the part of leads that qualifies"),
            mql_to_sql: front.rate("rates.mql_to_sql", "the part that sales accepts"),
            sql_to_opportunity: front
                .rate("rates.sql_to_opportunity", "the part that becomes an opportunity"),
            opportunity_to_won: front.rate("rates.opportunity_to_won", "the part that is won"),
        },
        targets: Targets {
            cac: front.number("targets.cac", 1.0, 1e9, "the most that a customer may cost"),
            payback_months: front.number(
                "targets.payback_months",
                0.5,
                120.0,
                "months until it is earned back",
            ),
            net_revenue_retention: front.number("targets.net_revenue_retention", 0.1, 3.0, "such as 1.1"),
        },
        about: String::new(),
        market: Market {
            size: String::new(),
            segment: String::new(),
            industries: Vec::new(),
            employees_min: 0,
            employees_max: 0,
            regions: Vec::new(),
            changes: Vec::new(),
        },
        offer: Offer {
            category: String::new(),
            need: String::new(),
            key_benefit: String::new(),
            alternative: String::new(),
            differentiator: String::new(),
            tagline: String::new(),
            value_proposition: String::new(),
            activation: String::new(),
            habit: String::new(),
        },
        features: Vec::new(),
        value_props: Vec::new(),
        drivers: Vec::new(),
        personas: Vec::new(),
        competitors: Vec::new(),
        channels: Vec::new(),
        goals: Vec::new(),
        team: Vec::new(),
        voice: Voice::default(),
        results: Vec::new(),
        experiments: Vec::new(),
        cohorts: Vec::new(),
        warnings: Vec::new(),
    }
}

fn market(section: &Section, faults: &mut Faults) -> Market {
    let mut keys = Keys::new(section, "Market", faults);
    let employees = keys.text("Employees", "a range such as 100–900");
    let bounds: Vec<Option<f64>> = employees.split(['–', '-']).map(number).collect();
    let (employees_min, employees_max) = match bounds[..] {
        [Some(min), Some(max)] if min >= 1.0 && max >= min && max < 1e7 => (min, max),
        _ => {
            if !employees.is_empty() {
                let line = keys.line("Employees");
                keys.faults.add(
                    line,
                    "Market / Employees",
                    format!("`{employees}` is no range such as 100–900"),
                );
            }
            (1.0, 1.0)
        }
    };
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 1 to ten million")]
    let market = Market {
        size: keys.text("Size", "how many buyers there are"),
        segment: keys.text("Segment", "who they are, in a phrase that fits after `for`"),
        industries: keys.words("Industries", "parted by commas"),
        employees_min: employees_min as u32,
        employees_max: employees_max as u32,
        regions: keys.words("Regions", "parted by commas"),
        changes: keys.list("Change", "what changes in the market, one per line"),
    };
    keys.finish();
    market
}

fn product(section: &Section, business: &mut Business, faults: &mut Faults) {
    let mut keys = Keys::new(section, "Product", faults);
    business.offer = Offer {
        category: keys.text("Category", "what kind of thing it is"),
        need: keys.text("Need", "what its buyers need, beginning with a verb"),
        key_benefit: keys.text("Key benefit", "what it does for them, beginning with a verb"),
        alternative: keys.text("Alternative", "what they would use otherwise"),
        differentiator: keys.text("Differentiator", "what only this product does, beginning with a verb"),
        tagline: keys.text("Tagline", "a few words"),
        value_proposition: keys.text("Value proposition", "one sentence"),
        activation: keys
            .text("Activation", "what a new customer does once and then has seen what it is good for"),
        habit: keys.text("Habit", "what a customer does who stays"),
    };
    keys.finish();
    match section.child("Features") {
        Some(found) => business.features = features(found, faults),
        None => faults.add(section.line, "Product", "the part `### Features` is missing"),
    }
    match section.child("Value propositions") {
        Some(found) => business.value_props = value_props(found, faults),
        None => faults.add(section.line, "Product", "the part `### Value propositions` is missing"),
    }
}

fn features(section: &Section, faults: &mut Faults) -> Vec<Feature> {
    let columns = Columns::new(section, &["Feature", "Benefit", "Outcome"], faults);
    let read = |cells: super::sections::Cells<'_>, faults: &mut Faults| {
        let name = cells.text(0, "feature", faults);
        let (benefit, outcome) = (cells.text(1, "benefit", faults), cells.text(2, "outcome", faults));
        Feature { slug: slug(&name), name, benefit, outcome }
    };
    columns.rows().map(|cells| read(cells, faults)).collect()
}

fn value_props(section: &Section, faults: &mut Faults) -> Vec<ValueProp> {
    let columns = Columns::new(section, &["Name", "Promise", "Proof"], faults);
    let mut found = Vec::new();
    for cells in columns.rows() {
        let name = cells.text(0, "name", faults);
        let promise = cells.text(1, "promise", faults);
        let proofs = cells.text(2, "proof; without one it is a claim", faults);
        let proofs = proofs.split(';').map(|proof| proof.trim().to_owned()).filter(|proof| !proof.is_empty());
        found.push(ValueProp { slug: slug(&name), name, promise, proofs: proofs.collect() });
    }
    found
}

fn drivers(section: &Section, faults: &mut Faults) -> Vec<Driver> {
    let columns = ["Driver", "Per month", "Unit", "Value of one", "Improvement"];
    let columns = Columns::new(section, &columns, faults);
    let mut found = Vec::new();
    for cells in columns.rows() {
        let improvement = cells.number(4, "improvement", faults);
        if improvement > 1.0 {
            faults.add(cells.line(), "Value drivers", "an improvement is at most 100 %; write it with `%`");
        }
        found.push(Driver {
            name: cells.text(0, "driver", faults),
            per_month: cells.number(1, "amount", faults),
            unit: cells.text(2, "unit", faults),
            value: cells.number(3, "value of one", faults),
            improvement: improvement.min(1.0),
        });
    }
    found
}

/// Reads each part below a section.
fn each<T>(
    section: &Section,
    faults: &mut Faults,
    what: &str,
    mut read: impl FnMut(&Section, &mut Faults) -> T,
) -> Vec<T> {
    if section.children.is_empty() {
        faults.add(section.line, &section.title, format!("names none; write `### Name` for each {what}"));
    }
    if section.children.len() > ITEMS_MAX {
        faults.add(section.line, &section.title, format!("at most {ITEMS_MAX} fit into one programme"));
    }
    let mut seen = BTreeSet::new();
    for child in &section.children {
        if !seen.insert(slug(&child.title)) {
            faults.add(child.line, &section.title, format!("`{}` is there twice", child.title));
        }
        if slug(&child.title).is_empty() {
            faults.add(
                child.line,
                &section.title,
                format!("`{}` has no letters to name files by", child.title),
            );
        }
    }
    section.children.iter().map(|child| read(child, faults)).collect()
}

fn persona(section: &Section, faults: &mut Faults) -> Persona {
    let mut keys = Keys::new(section, format!("Personas / {}", section.title), faults);
    let mut objections = Vec::new();
    for text in keys.list("Objections", "each as `what is said → what to answer`") {
        match text.split_once('→').or_else(|| text.split_once("->")) {
            Some((says, answer)) if !says.trim().is_empty() && !answer.trim().is_empty() => {
                objections.push(Objection { says: says.trim().to_owned(), answer: answer.trim().to_owned() });
            }
            _ => {
                let (line, path) =
                    (keys.line("Objections"), format!("Personas / {} / Objections", section.title));
                keys.faults.add(line, path, format!("`{text}` has no answer; write `{text} → the answer`"));
            }
        }
    }
    let persona = Persona {
        slug: slug(&section.title),
        title: section.title.clone(),
        name: keys.text("Name", "a first name to speak of"),
        role: keys.text("Role", "in the purchase, such as economic buyer"),
        titles: keys.words("Titles", "as on business cards"),
        demographics: keys.text("Demographics", "age, career, what they answer for"),
        psychographics: keys.text("Psychographics", "what they trust and what they dislike"),
        goals: keys.list("Goals", "what they are measured by"),
        pains: keys.list("Pains", "what hurts, parted by `;`"),
        triggers: keys.list("Triggers", "what makes them look, parted by `;`"),
        objections,
        watches: keys.text("Watches", "the figure they look at"),
        reads: keys.text("Reads", "where they are reached"),
        offer: keys.text("Offer", "what a first talk gives them"),
    };
    keys.finish();
    persona
}

fn competitor(section: &Section, faults: &mut Faults) -> Competitor {
    let mut keys = Keys::new(section, format!("Competitors / {}", section.title), faults);
    let competitor = Competitor {
        slug: slug(&section.title),
        name: section.title.clone(),
        kind: keys.text("Kind", "what kind of thing it is"),
        price: keys.text("Price", "as far as known"),
        strengths: keys.list("Strengths", "parted by `;`"),
        weaknesses: keys.list("Weaknesses", "parted by `;`"),
        claim: keys.text("Claim", "what they say of themselves"),
        win_when: keys.text("Win when", "when we win against them"),
        lose_when: keys.text("Lose when", "when we lose"),
        trap: keys.text("Trap", "a question that shows the difference"),
    };
    keys.finish();
    competitor
}

fn channel(section: &Section, personas: &[Persona], faults: &mut Faults) -> Channel {
    let path = format!("Channels / {}", section.title);
    let mut keys = Keys::new(section, path.clone(), faults);
    let kind = keys.text("Kind", "paid_search, paid_social, organic, events, partner or email");
    let found = ChannelKind::ALL.iter().find(|(name, _)| *name == kind);
    if found.is_none() && !kind.is_empty() {
        let known = ChannelKind::ALL.map(|(name, _)| name);
        let line = keys.line("Kind");
        keys.faults.unknown(line, &format!("{path} / Kind"), "kind of channel", &kind, &known);
    }
    let mut named = Vec::new();
    for title in keys.words("Personas", "titles from the section Personas") {
        if let Some(persona) = personas.iter().find(|persona| persona.title.eq_ignore_ascii_case(&title)) {
            named.push(persona.slug.clone());
        } else {
            let known: Vec<&str> = personas.iter().map(|persona| persona.title.as_str()).collect();
            let line = keys.line("Personas");
            keys.faults.unknown(line, &format!("{path} / Personas"), "persona", &title, &known);
        }
    }
    let channel = Channel {
        slug: slug(&section.title),
        name: section.title.clone(),
        kind: found.map_or(ChannelKind::Email, |(_, kind)| *kind),
        share: keys.number("Share", 0.0, 1.0, "of the monthly budget, such as 30 %"),
        cost_per_visit: keys.number("Cost per visit", 0.01, 1e6, "in the currency"),
        visit_to_lead: keys.number("Visit to lead", 0.0001, 1.0, "such as 4.5 %"),
        personas: named,
        why: keys.text("Why", "what speaks for it, in a sentence"),
    };
    keys.finish();
    channel
}

fn goals(section: &Section, faults: &mut Faults) -> Vec<Goal> {
    let columns = Columns::new(section, &["Goal", "Metric", "Target", "By"], faults);
    let mut found = Vec::new();
    for cells in columns.rows() {
        let name = cells.text(0, "goal", faults);
        let metric = cells.text(1, "metric", faults);
        if !GOAL_METRICS.iter().any(|(known, _)| *known == metric) {
            let known = GOAL_METRICS.map(|(name, _)| name);
            faults.unknown(cells.line(), "Goals", "metric", &metric, &known);
        }
        let target = cells.number(2, "target", faults);
        found.push(Goal { slug: slug(&name), name, metric, target, by: cells.date(3, "day", faults) });
    }
    found
}

fn team(section: &Section, faults: &mut Faults) -> Vec<Member> {
    let columns = Columns::new(section, &["Who", "Role", "Agent"], faults);
    let mut found = Vec::new();
    for cells in columns.rows() {
        found.push(Member {
            name: cells.text(0, "name", faults),
            role: cells.text(1, "role", faults),
            agent: cells.text(2, "agent", faults),
        });
    }
    found
}

fn voice(section: &Section, faults: &mut Faults) -> Voice {
    let mut keys = Keys::new(section, "Voice", faults);
    let voice = Voice {
        is: keys.words("Is", "how it sounds"),
        is_not: keys.words("Is not", "how it does not sound"),
        say: keys.words("Say", "words to use"),
        avoid: keys.words("Avoid", "words to leave out"),
        example: keys.text("Example", "a sentence as it should sound"),
    };
    keys.finish();
    voice
}
