//! The intake: whether stages, qualification criteria and scoring thresholds are defined, from what is live.
//!
//! Promises: every question is answered from the live kinds of handoff, policy and roster, and where something is missing
//! or thin it says what to do. Leaves out whether the definitions are good.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::brief::{Brief, Goal, Segment};
use crate::handoffs::{HandoffType, HandoffTypes};
use crate::kernel::text::sentence_list;

/// What of the live policy a design looks at.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PolicyFacts {
    pub version: String,
    /// The deal stages, in the service's own words, that CRM stages are mapped to.
    pub deal_stages: Vec<String>,
    pub enterprise_from_employees: u64,
    pub smb_below_employees: u64,
    /// From which depth of use on an account counts as deeply used, in percent.
    pub plateau_depth: f64,
    pub seats_full_pct: f64,
    /// The facts that make an account fit the ideal customer.
    pub ideal_customer: Vec<String>,
    /// How many signs are weighed over all motions.
    pub indicators: usize,
    /// The branches that open a handoff: branch, type.
    pub opens: Vec<(String, String)>,
}

/// How a definition stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = IntakeStatus)]
pub enum Standing {
    Defined,
    /// There, but not enough to work by.
    Thin,
    Missing,
}

impl Standing {
    /// In a table.
    pub fn words(self) -> &'static str {
        match self {
            Self::Defined => "defined",
            Self::Thin => "thin",
            Self::Missing => "not defined",
        }
    }
}

/// One question of the intake and its answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = IntakeFinding)]
pub struct Finding {
    /// A stable code.
    pub id: String,
    pub asks: String,
    pub status: Standing,
    /// What was found.
    pub says: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub what_to_do: Option<String>,
}

/// The stages without which a pipeline cannot be told.
const STAGES: [&str; 6] =
    ["discovery", "qualification", "proposal", "negotiation", "closed_won", "closed_lost"];

/// The questions in order, with their answers.
pub fn intake(brief: &Brief, types: &HandoffTypes, policy: &PolicyFacts) -> Vec<Finding> {
    let Some(of_type) = types.get(&brief.handoff_type) else { return Vec::new() };
    vec![
        entry_stage(brief, types, policy),
        deal_stages(policy),
        segment(brief, policy),
        qualification(brief, of_type),
        framework(brief, of_type),
        scoring(brief, of_type, policy),
        completeness(brief, of_type),
    ]
}

fn finding(id: &str, asks: &str, status: Standing, says: String, what_to_do: &str) -> Finding {
    let what_to_do = (status != Standing::Defined).then(|| what_to_do.to_owned());
    Finding { id: id.to_owned(), asks: asks.to_owned(), status, says, what_to_do }
}

fn entry_stage(brief: &Brief, types: &HandoffTypes, policy: &PolicyFacts) -> Finding {
    let events = types.triggers().opening(&brief.handoff_type).into_iter();
    let mut opens: Vec<String> = events.map(|(kind, word)| format!("{kind} `{word}`")).collect();
    let branches = policy.opens.iter().filter(|(_, of)| *of == brief.handoff_type);
    opens.extend(branches.map(|(branch, _)| format!("the policy's branch `{branch}`")));
    let asks = "Which stage opens the handoff?";
    let kind = &brief.handoff_type;
    if opens.is_empty() {
        let says = format!("nothing opens {kind} by itself");
        let what = "Name the stage under [triggers] in the handoff types, or a `handoff` in the policy; until then it is \
                    opened by hand.";
        finding("entry_stage", asks, Standing::Missing, says, what)
    } else {
        finding(
            "entry_stage",
            asks,
            Standing::Defined,
            format!("{kind} is opened by {}", sentence_list(&opens)),
            "",
        )
    }
}

fn deal_stages(policy: &PolicyFacts) -> Finding {
    let asks = "Are the stages of a deal defined?";
    let known = |stage: &&str| policy.deal_stages.iter().any(|known| known == stage);
    let missing: Vec<String> =
        STAGES.iter().filter(|stage| !known(stage)).map(|stage| format!("`{stage}`")).collect();
    let (status, says) = if missing.is_empty() {
        (Standing::Defined, format!("policy {} maps the CRM's stages to {}", policy.version, STAGES.len()))
    } else if missing.len() == STAGES.len() {
        (Standing::Missing, format!("policy {} maps no stage of the CRM", policy.version))
    } else {
        let says = format!("policy {} has no names for {}", policy.version, sentence_list(&missing));
        (Standing::Thin, says)
    };
    let what = "Add the CRM's names of these stages under [definitions.deal_stages] of the policy.";
    finding("deal_stages", asks, status, says, what)
}

fn segment(brief: &Brief, policy: &PolicyFacts) -> Finding {
    let asks = "What makes an account belong to the segment?";
    let (from, below) = (policy.enterprise_from_employees, policy.smb_below_employees);
    let (status, says) = match brief.segment {
        Segment::Enterprise if from > 0 => (Standing::Defined, format!("{from} employees or more")),
        Segment::Smb if below > 0 => (Standing::Defined, format!("fewer than {below} employees")),
        Segment::MidMarket if from > below && below > 0 => {
            (Standing::Defined, format!("{below} to {} employees", from - 1))
        }
        Segment::Partner => (Standing::Defined, "every handoff from or to a partner".to_owned()),
        Segment::Enterprise | Segment::Smb | Segment::MidMarket => {
            (Standing::Missing, format!("policy {} sets no bounds", policy.version))
        }
    };
    finding("segment", asks, status, says, "Set the bounds under [definitions.segment] of the policy.")
}

fn qualification(brief: &Brief, of_type: &HandoffType) -> Finding {
    let asks = "Which criteria qualify an account?";
    let required: Vec<String> = of_type
        .required
        .iter()
        .filter_map(|field| Some(format!("`{}`", field.strip_prefix("qualification.")?)))
        .collect();
    let (status, says) = match required.len() {
        0 => (Standing::Missing, format!("{} requires nothing of the qualification", brief.handoff_type)),
        1 => (Standing::Thin, format!("only {} is required", required[0])),
        _ => (Standing::Defined, format!("{} are required", sentence_list(&required))),
    };
    let what = "List what a qualified account must have under `required` of the type, such as \
                `qualification.pain_points` or `qualification.timeline`.";
    finding("qualification", asks, status, says, what)
}

fn framework(brief: &Brief, of_type: &HandoffType) -> Finding {
    let asks = "By which framework is it qualified?";
    let required = of_type.required.iter().any(|field| field == "qualification.framework");
    let dwells = of_type.focus.iter().find(|focus| focus.contains("BANT") || focus.contains("MEDDIC"));
    let long_sale = matches!(brief.segment, Segment::Enterprise | Segment::MidMarket);
    let (status, says) = match (required, dwells) {
        (true, _) => (Standing::Defined, "every package names its framework".to_owned()),
        (false, Some(focus)) => (Standing::Defined, format!("the report dwells on {focus}")),
        (false, None) if long_sale => (Standing::Thin, "no framework is asked for".to_owned()),
        (false, None) => (Standing::Defined, format!("none is needed for {}", brief.segment.words())),
    };
    let what = "Agree on BANT or MEDDIC, and add `qualification.framework` to `required` of the type.";
    finding("framework", asks, status, says, what)
}

fn scoring(brief: &Brief, of_type: &HandoffType, policy: &PolicyFacts) -> Finding {
    let asks = "Which scores and thresholds decide?";
    let scored = of_type.required.iter().any(|field| field == "qualification.score");
    let thresholds = match brief.goal {
        Goal::ProductActivation | Goal::Expansion => {
            let (depth, seats) = (policy.plateau_depth, policy.seats_full_pct);
            (depth > 0.0 && seats > 0.0)
                .then(|| format!("usage depth from {depth} %, seats full at {seats} %"))
        }
        Goal::Pipeline | Goal::AbmCampaign => (!policy.ideal_customer.is_empty())
            .then(|| format!("the ideal customer by {}", sentence_list(&policy.ideal_customer))),
    };
    let (status, says) = match (scored, thresholds) {
        (true, Some(by)) => {
            let version = &policy.version;
            (
                Standing::Defined,
                format!("a score is required; policy {version} weighs {} signs and {by}", policy.indicators),
            )
        }
        (true, None) => {
            (Standing::Thin, format!("a score is required, but policy {} sets no threshold", policy.version))
        }
        (false, Some(by)) => (Standing::Thin, format!("{by}, but a package needs no score")),
        (false, None) => (Standing::Missing, "neither a score nor a threshold".to_owned()),
    };
    let what = "Add `qualification.score` to `required` of the type, and set the thresholds under [definitions] of the policy.";
    finding("scoring", asks, status, says, what)
}

fn completeness(brief: &Brief, of_type: &HandoffType) -> Finding {
    let asks = "What holds back a package that is too thin?";
    let contacts = of_type.required.iter().any(|field| field == "contacts");
    let (status, says) = match (of_type.hold_below, contacts) {
        (0, false) => {
            (Standing::Missing, format!("{} holds nothing back and needs no contact", brief.handoff_type))
        }
        (0, true) => {
            let says = "a package without anybody to contact or anything that qualifies it is held; how complete it is \
                        holds none back";
            (Standing::Thin, says.to_owned())
        }
        (percent, _) => (Standing::Defined, format!("packages less complete than {percent} % are held")),
    };
    finding("completeness", asks, status, says, "Set `hold_below` of the type, such as 60.")
}
