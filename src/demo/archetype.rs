//! The stories: who, what happens, what is expected of the default policy.

use crate::motions::model::Outcome;

/// A kind of account with one story.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Archetype {
    ReadyToExpand,
    FreshSignup,
    LevelledOff,
    LargeWithPartner,
    PartnerSyncLate,
    PilotAtGiant,
    StaleCrm,
    Referred,
    InNegotiation,
    AskedForQuiet,
    NoSelfServe,
    TouchedTwice,
    TugOfWar,
    NoConsent,
    DealOnItsWay,
    InTrouble,
    Quiet,
}

/// How long after the first beat of a company another one comes.
#[derive(Debug, Clone, Copy)]
pub struct Beat {
    pub after_ticks: u64,
}

/// What a decision about an account of the archetype should come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Expected {
    /// The rule that matches.
    pub rule: &'static str,
    pub outcome: Outcome,
}

/// One row of the table of archetypes.
#[derive(Debug, Clone, Copy)]
pub struct Entry {
    pub archetype: Archetype,
    /// Accounts when the demo begins.
    pub count: usize,
    /// Accounts of each later cohort.
    pub newcomers: usize,
    pub story: &'static str,
    /// After the opening and after each beat.
    pub expected: &'static [Expected],
    pub beats: &'static [Beat],
}

const fn then(rule: &'static str, outcome: Outcome) -> Expected {
    Expected { rule, outcome }
}

const WATCH: Expected = then("keep_watching", Outcome::Monitoring);
const ONE: &[Beat] = &[Beat { after_ticks: 0 }];
const TWO: &[Beat] = &[Beat { after_ticks: 0 }, Beat { after_ticks: 30 }];
const THREE: &[Beat] = &[Beat { after_ticks: 0 }, Beat { after_ticks: 20 }, Beat { after_ticks: 40 }];

const fn entry(
    archetype: Archetype,
    count: usize,
    newcomers: usize,
    story: &'static str,
    beats: &'static [Beat],
    expected: &'static [Expected],
) -> Entry {
    Entry { archetype, count, newcomers, story, expected, beats }
}

/// All archetypes: who, how many, which story, which decisions.
pub static TABLE: [Entry; 17] = {
    use Archetype as A;
    use Outcome::{Blocked, Conflict, Continued, Deferred, Executed};
    const EXPAND: &str = "self_serve_expansion";
    const PLATEAU: &str = "plateau_with_partner";
    const ENTERPRISE: &str = "enterprise_low_self_serve";
    const REFERRAL: &str = "partner_referral";
    [
        entry(
            A::ReadyToExpand,
            14,
            3,
            "A small business that uses the product daily discovers the rest of it; self-serve growth starts. \
             Later a second team joins, and the motion continues without a second prompt.",
            TWO,
            &[WATCH, then(EXPAND, Executed), then(EXPAND, Continued)],
        ),
        entry(
            A::FreshSignup,
            7,
            2,
            "A small business signed up four days ago and loves it; too little data for a prompt. The warehouse \
             delivers days it had missed, and the waiting decision goes ahead.",
            ONE,
            &[then(EXPAND, Deferred), then(EXPAND, Executed)],
        ),
        entry(
            A::LevelledOff,
            10,
            2,
            "A mid-market company uses the product a lot but no more than last month. AWS and Salesforce turn out \
             to be at work there: sales assist.",
            TWO,
            &[WATCH, then(PLATEAU, Executed), then(PLATEAU, Continued)],
        ),
        entry(
            A::LargeWithPartner,
            8,
            2,
            "An enterprise whose use has levelled off runs a partner's technology: co-sell with the partner.",
            ONE,
            &[WATCH, then(PLATEAU, Executed)],
        ),
        entry(
            A::PartnerSyncLate,
            6,
            1,
            "The same, but the partner platform has not confirmed its data for three days: held until it does.",
            ONE,
            &[then(PLATEAU, Deferred), then(PLATEAU, Executed)],
        ),
        entry(
            A::PilotAtGiant,
            12,
            2,
            "A quiet pilot of thirty seats. Then enrichment finds out that the company has thousands of people, \
             and somebody asks about budget: sales-led.",
            ONE,
            &[WATCH, then(ENTERPRISE, Executed)],
        ),
        entry(
            A::StaleCrm,
            6,
            1,
            "An enterprise for sales, but the CRM's data are three days old: held until the CRM has synced.",
            ONE,
            &[then(ENTERPRISE, Deferred), then(ENTERPRISE, Executed)],
        ),
        entry(
            A::Referred,
            10,
            2,
            "A company nobody has talked to yet is referred by a partner: partner-sourced.",
            TWO,
            &[WATCH, then(REFERRAL, Executed), then(REFERRAL, Continued)],
        ),
        entry(
            A::InNegotiation,
            6,
            1,
            "Its use has levelled off and a partner appears, but a deal is being negotiated: hands off. When the \
             deal falls back to a proposal, sales assist goes ahead.",
            TWO,
            &[WATCH, then(PLATEAU, Blocked), then(PLATEAU, Executed)],
        ),
        entry(
            A::AskedForQuiet,
            4,
            1,
            "An ideal self-serve customer that asked not to be contacted; later it changes its mind.",
            TWO,
            &[then(EXPAND, Blocked), then(EXPAND, Blocked), then(EXPAND, Executed)],
        ),
        entry(
            A::NoSelfServe,
            4,
            1,
            "A heavy user that wants no upgrade prompts, and stays without.",
            ONE,
            &[then(EXPAND, Blocked), then(EXPAND, Blocked)],
        ),
        entry(
            A::TouchedTwice,
            6,
            1,
            "Ready to expand, but a rep called and wrote this week already: two touches are the limit.",
            ONE,
            &[WATCH, then(EXPAND, Blocked)],
        ),
        entry(
            A::TugOfWar,
            6,
            1,
            "Self-serve growth has taken the account; then it turns out to be mid-market with a partner, and sales \
             wants it too: a conflict for RevOps.",
            ONE,
            &[then(EXPAND, Executed), then(PLATEAU, Conflict)],
        ),
        entry(
            A::NoConsent,
            5,
            1,
            "As with sales assist, but nobody agreed that partner data may be shared: it goes ahead without them.",
            ONE,
            &[WATCH, then(PLATEAU, Executed)],
        ),
        entry(
            A::DealOnItsWay,
            5,
            1,
            "A deal goes from discovery to a signature while one watches. Nothing needs to be decided.",
            THREE,
            &[WATCH, WATCH, WATCH, WATCH],
        ),
        entry(
            A::InTrouble,
            3,
            1,
            "Use declines and a ticket is escalated. No motion fits, and none is forced.",
            ONE,
            &[WATCH, WATCH],
        ),
        entry(A::Quiet, 8, 1, "A customer who is content.", &[], &[WATCH]),
    ]
};

impl Archetype {
    /// The archetype's row.
    pub fn entry(self) -> &'static Entry {
        // The table has a row for every archetype, in their order; a test holds it to that.
        &TABLE[self as usize]
    }

    pub fn beats(self) -> &'static [Beat] {
        self.entry().beats
    }

    /// The story in a sentence or two.
    pub fn story(self) -> &'static str {
        self.entry().story
    }
}
