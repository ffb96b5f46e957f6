//! The company that examples are about: Halden Instruments, first as a prospect and then as a customer.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use chrono::{Days, NaiveDate, TimeDelta};

use crate::accounts::model::{
    AccountState, Amount, Consent, Contact, Deal, Fact, Intent, Overlap, OverlapKind, Qualification, Stamp,
    Subscription, Ticket, UsageDay,
};
use crate::handoffs::package::{Activity, DecisionContext, Inputs, Note, Person};
use crate::kernel::clock::DateTime;
use crate::kernel::ids::AccountId;
use crate::motions::model::Signals;
use crate::motions::policy::Policy;
use crate::motions::samples::policy;
pub(crate) use crate::motions::samples::{known, now};
use crate::motions::signals;

/// Compiled once: laws derive signals thousands of times.
static POLICY: LazyLock<Policy> = LazyLock::new(policy);

pub(crate) const PURPOSE: &str = "partner_data_sharing";

pub(crate) fn days_ago(days: i64) -> DateTime {
    now() - TimeDelta::days(days)
}

pub(crate) fn fact<T>(value: T) -> Fact<T> {
    Fact::new(value, Stamp { as_of: days_ago(1), tie: 0, source: "crm".to_owned() })
}

fn word(text: &str) -> Option<Fact<Option<String>>> {
    known(text.to_owned())
}

fn date(text: &str) -> Option<Fact<Option<NaiveDate>>> {
    known(text.parse().unwrap())
}

/// A person; an empty text is not known.
pub(crate) fn person(id: &str, first: &str, last: &str, title: &str, email: &str, phone: &str) -> Person {
    let said = |text: &str| if text.is_empty() { None } else { word(text) };
    let contact = Contact {
        first_name: said(first),
        last_name: said(last),
        title: said(title),
        email: said(email),
        phone: said(phone),
        ..Contact::default()
    };
    Person { id: id.to_owned(), contact }
}

pub(crate) fn note(kind: &str, text: &str, days: i64) -> Note {
    Note { kind: kind.to_owned(), text: text.to_owned(), at: days_ago(days), source: "crm".to_owned() }
}

pub(crate) fn activity(kind: &str, direction: &str, contact: &str, subject: &str, days: i64) -> Activity {
    let said = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    Activity {
        activity_type: kind.to_owned(),
        direction: said(direction),
        contact_id: said(contact),
        subject: said(subject),
        at: days_ago(days),
    }
}

/// An account with all that packages are made of.
#[derive(Debug, Clone)]
pub(crate) struct World {
    pub account_id: AccountId,
    pub state: AccountState,
    pub signals: Signals,
    pub people: Vec<Person>,
    pub notes: Vec<Note>,
    pub activities: Vec<Activity>,
    pub decision: Option<DecisionContext>,
    pub deal_id: Option<String>,
}

impl World {
    /// An account of which nothing is known.
    pub(crate) fn empty() -> Self {
        let state = AccountState::default();
        Self {
            account_id: AccountId::parse("acc-halden").unwrap(),
            signals: signals::derive(POLICY.definitions(), &state, signals::Failing::default(), now()),
            state,
            people: Vec::new(),
            notes: Vec::new(),
            activities: Vec::new(),
            decision: None,
            deal_id: None,
        }
    }

    /// In the sale: a deal with MEDDIC, product usage, a partner, people and conversations.
    pub(crate) fn prospect() -> Self {
        let mut world = Self::empty();
        profile(&mut world.state);
        usage(&mut world.state);
        world.state.deals.insert("deal-481".to_owned(), deal());
        partners(&mut world.state);
        world.state.intents.insert("evaluation".to_owned(), fact(Intent { strength: 0.8, detail: None }));
        world.people = people();
        world.activities = vec![
            activity("webinar", "inbound", "c-ines", "Calibration without spreadsheets", 40),
            activity("content_download", "inbound", "c-ines", "Audit trail checklist", 33),
            activity("call", "outbound", "c-ines", "Discovery call", 20),
            activity("demo", "outbound", "c-jonas", "Technical demo with the lab team", 9),
            activity("email", "inbound", "c-vera", "Questions about the budget year", 3),
        ];
        world.state.engagement.first_at = Some(days_ago(40));
        world.state.engagement.inbound = 3;
        world.state.engagement.outbound = 2;
        world.state.engagement.last_inbound_at = Some(days_ago(3));
        world.state.engagement.last_outbound_at = Some(days_ago(9));
        world.notes = vec![
            note("pain_point", "Certificates are typed by hand, and auditors find the slips", 20),
            note("next_step", "Send the security questionnaire to Jonas Weber by Friday", 3),
        ];
        world.derived()
    }

    /// After the sale: the deal is won, a subscription runs, promises wait to be kept.
    pub(crate) fn customer() -> Self {
        let mut world = Self::prospect();
        let won = world.state.deals.get_mut("deal-481").unwrap();
        won.stage = word("closedwon");
        won.closed_at = known(days_ago(2));
        let pilot = Deal {
            name: word("Halden pilot"),
            stage: word("closedwon"),
            amount: word("6000.00"),
            currency: word("EUR"),
            closed_at: known(days_ago(200)),
            products: known(vec!["Starter".to_owned(), "Training Days".to_owned()]),
            ..Deal::default()
        };
        world.state.deals.insert("deal-112".to_owned(), pilot);
        let subscription = Subscription {
            plan_tier: word("team"),
            seats: known(30),
            mrr: word("1250.5"),
            currency: word("EUR"),
            start_date: date("2026-05-01"),
            end_date: date("2027-04-30"),
            auto_renew: known(true),
            trial: None,
        };
        world.state.subscriptions.insert("sub-7".to_owned(), subscription);
        for (id, status, satisfaction) in
            [("t-1", "solved", Some(4.0)), ("t-2", "open", None), ("t-3", "solved", Some(5.0))]
        {
            let ticket =
                Ticket { status: status.to_owned(), priority: None, satisfaction, escalated: Some(false) };
            world.state.tickets.insert(id.to_owned(), fact(ticket));
        }
        world.notes.extend([
            note("success_criterion", "The audit in March passes without a finding on calibration", 12),
            note("promise", "Calibration Cloud is live in both labs by the end of January", 11),
            note("promise", "SSO with their Azure tenant is set up before the kick-off", 8),
            note("promise", "somebody looks after the migration of old certificates", 5),
        ]);
        world.derived()
    }

    /// The same with signals derived anew, after the state was changed.
    pub(crate) fn derived(mut self) -> Self {
        self.signals = signals::derive(POLICY.definitions(), &self.state, signals::Failing::default(), now());
        self
    }

    pub(crate) fn inputs(&self) -> Inputs<'_> {
        Inputs {
            account_id: &self.account_id,
            state: &self.state,
            signals: &self.signals,
            people: &self.people,
            notes: &self.notes,
            activities: &self.activities,
            deal_id: self.deal_id.as_deref(),
            decision: self.decision.as_ref(),
            partner_purpose: PURPOSE,
            now: now(),
        }
    }
}

fn profile(state: &mut AccountState) {
    let profile = &mut state.profile;
    profile.name = word("Halden Instruments");
    profile.domain = word("halden-instruments.example");
    profile.industry = word("Laboratory equipment");
    profile.employee_count = known(840);
    profile.annual_revenue =
        known(Amount { amount: "96500000".to_owned(), currency: Some("EUR".to_owned()) });
    profile.country = word("DE");
    profile.region = word("EMEA");
    profile.territory = word("dach-mid");
    profile.tier = word("mid_market");
    profile.tech_stack = known(vec!["aws".to_owned(), "salesforce".to_owned()]);
    profile.created_at = known(days_ago(60));
}

fn usage(state: &mut AccountState) {
    let features: BTreeMap<String, u64> = [("api", 12), ("certificates", 30), ("reports", 8)]
        .map(|(name, uses)| (name.to_owned(), uses))
        .into();
    for back in 0..42 {
        let day = UsageDay { active_users: 27, features: features.clone(), ..UsageDay::default() };
        state.usage.days.insert(now().date_naive() - Days::new(back), day);
    }
    state.usage.first_day = Some(now().date_naive() - Days::new(41));
    state.usage.departments.insert("quality".to_owned(), now().date_naive() - Days::new(40));
    state.usage.departments.insert("research".to_owned(), now().date_naive() - Days::new(4));
    state.usage.latest = Some(Stamp { as_of: days_ago(0), tie: 0, source: "product".to_owned() });
    state.profile.seats = known(30);
}

fn deal() -> Deal {
    let other = [
        ("metrics", "40 hours a month less paperwork"),
        ("decisionCriteria", "audit trail, single sign-on, price"),
    ];
    Deal {
        name: word("Halden rollout"),
        stage: word("proposal"),
        amount: word("84000.00"),
        currency: word("EUR"),
        source: word("webinar"),
        expected_close_date: date("2026-12-18"),
        products: known(vec!["Calibration Cloud".to_owned(), "Audit Trail".to_owned()]),
        qualification: known(Qualification {
            score: Some(78.0),
            framework: Some("meddic".to_owned()),
            budget_confirmed: Some(true),
            timeline: Some("Live before the audit in March 2027".to_owned()),
            decision_process: Some("Quality proposes, finance decides, purchasing signs".to_owned()),
            pain_points: vec!["Two labs keep different records of the same instrument".to_owned()],
            other: other.map(|(name, text)| (name.to_owned(), text.into())).into(),
        }),
        ..Deal::default()
    }
}

fn partners(state: &mut AccountState) {
    let overlap = |strength| fact(Overlap { strength, active: true });
    state.overlaps.entry("aws".to_owned()).or_default().insert(OverlapKind::Customer, overlap(0.9));
    state.overlaps.entry("salesforce".to_owned()).or_default().insert(OverlapKind::TechStack, overlap(0.6));
    state.referrals.insert("aws".to_owned(), fact(days_ago(30)));
    let consent =
        Consent { granted: true, legal_basis: Some("consent".to_owned()), expires_at: Some(days_ago(-200)) };
    state.consents.insert(format!("{PURPOSE}:aws"), fact(consent));
}

fn people() -> Vec<Person> {
    let mut people = vec![
        person(
            "c-ines",
            "Ines",
            "Moreau",
            "Head of Quality",
            "ines.moreau@halden.example",
            "+49 40 5550 1420",
        ),
        person("c-vera", "Vera", "Lindqvist", "CFO", "vera.lindqvist@halden.example", ""),
        person("c-jonas", "Jonas", "Weber", "IT Security Engineer", "jonas_weber@halden.example", ""),
        person("c-omar", "Omar", "Haddad", "Purchasing Manager", "omar@halden.example", "+49 40 5550 1999"),
    ];
    people[0].contact.is_primary = known(true);
    people[3].contact.opted_out = known(true);
    people
}
