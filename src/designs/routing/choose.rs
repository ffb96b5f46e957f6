//! Which ways to an owner, in which order, and why.
//!
//! Promises: relationships go before rotations; what may be waited for leaves three quarters of the response time; every
//! choice says its reason.

use std::collections::BTreeMap;

use super::{Choice, Enrichment, Pod, Undrawn, Way};
use crate::designs::brief::{Brief, Goal, Segment};
use crate::handoffs::{Basis, HandoffType, Rep, Roster, Step, StepRule, Target};

/// A pod of fewer is no pod: one absence and nobody is there.
const POD_MIN: usize = 2;
/// The longest that an owner is waited for, in minutes: beyond that somebody else is the better answer.
const WAIT_MAX: i64 = 240;

/// What was chosen.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    pub choice: Choice,
    pub because: Vec<String>,
    pub order: Vec<StepRule>,
    /// The pod that has them, where it is one.
    pub pod: Option<String>,
    pub pods: Vec<Pod>,
}

/// Chooses; fails where nobody could take anything.
pub fn choose(brief: &Brief, roster: &Roster) -> Result<Plan, Undrawn> {
    let members: Vec<&Rep> = members(brief, roster);
    if members.is_empty() {
        return Err(Undrawn::Nobody(brief.team.to_string()));
    }
    let mut by_pod: BTreeMap<&str, Vec<&Rep>> = BTreeMap::new();
    for rep in &members {
        for pod in &rep.pods {
            by_pod.entry(pod).or_default().push(rep);
        }
    }
    let (choice, pod, reason) = pool(brief, roster, &by_pod);
    let mut because = vec![reason];
    let mut order = owners(brief, &mut because);
    order.extend(match choice {
        Choice::Pod => vec![StepRule::new(Step::Segment), StepRule::new(Step::Team)],
        Choice::TerritoryPods => vec![StepRule::new(Step::Territory), StepRule::new(Step::Team)],
        Choice::RoundRobin => vec![StepRule::new(Step::Team)],
    });
    let of = |name: &str, reps: &[&Rep]| Pod {
        name: name.to_owned(),
        reps: reps.iter().map(|rep| rep.id.to_string()).collect(),
        people: reps.iter().map(|rep| rep.name.clone()).collect(),
    };
    let pods = match (choice, &pod) {
        (Choice::Pod, Some(name)) => vec![of(name, &by_pod[name.as_str()])],
        (Choice::TerritoryPods, _) => {
            let led = led_pods(brief, roster);
            by_pod.iter().filter(|(name, _)| led.contains(name)).map(|(name, reps)| of(name, reps)).collect()
        }
        _ => vec![of(brief.team.as_str(), &members)],
    };
    Ok(Plan { choice, because, order, pod, pods })
}

/// Those of the team who take part in its rotation.
pub fn members<'r>(brief: &Brief, roster: &'r Roster) -> Vec<&'r Rep> {
    let all = roster.members(&brief.team).iter().map(|at| &roster.reps()[*at]);
    all.filter(|rep| rep.weight > 0).collect()
}

/// The pods of the team that territories lead to.
fn led_pods<'r>(brief: &Brief, roster: &'r Roster) -> Vec<&'r str> {
    let led = roster.territories().iter().filter_map(|territory| match &territory.to {
        Target::Pool { team, pod: Some(pod) } if *team == brief.team => Some(pod.as_str()),
        _ => None,
    });
    led.collect()
}

/// Who has what no owner takes.
fn pool(
    brief: &Brief,
    roster: &Roster,
    by_pod: &BTreeMap<&str, Vec<&Rep>>,
) -> (Choice, Option<String>, String) {
    let words = brief.segment.words();
    let large = |pod: &str| by_pod.get(pod).is_some_and(|reps| reps.len() >= POD_MIN);
    let given: Vec<String> = brief.pods.iter().map(|pod| pod.trim().to_lowercase()).collect();
    if let [pod] = given.as_slice() {
        return (Choice::Pod, Some(pod.clone()), format!("pod {pod} was asked for"));
    }
    if brief.segment == Segment::Smb && given.is_empty() {
        let reason = "SMB accounts are many and alike: whoever of the team has the next turn answers soonest";
        return (Choice::RoundRobin, None, reason.to_owned());
    }
    let own = [brief.segment.name(), "mid-market"]
        .into_iter()
        .find(|pod| large(pod) && (*pod != "mid-market" || brief.segment == Segment::MidMarket));
    if let Some(pod) = own.filter(|_| given.is_empty()) {
        let count = by_pod[pod].len();
        let reason = format!("pod {pod} with {count} reps is there for {words} accounts, and knows them");
        return (Choice::Pod, Some(pod.to_owned()), reason);
    }
    let led = led_pods(brief, roster);
    if led.iter().any(|pod| large(pod)) {
        let reason = format!(
            "territories lead to pods of the team; {words} accounts stay with the pod that is near them, and no pod is \
             theirs alone"
        );
        return (Choice::TerritoryPods, None, reason);
    }
    let reason = format!(
        "no pod of {POD_MIN} or more is there for {words} accounts: a rotation over the whole team is the least that one \
         absence can stop"
    );
    (Choice::RoundRobin, None, reason)
}

/// The owners who are asked first.
fn owners(brief: &Brief, because: &mut Vec<String>) -> Vec<StepRule> {
    let wait = wait_minutes(brief);
    let waited = |by, wait_minutes| StepRule { wait_minutes, ..StepRule::new(by) };
    let (order, reason) = match (brief.goal, brief.segment) {
        (Goal::AbmCampaign, _) => (
            vec![waited(Step::NamedAccount, wait), waited(Step::AccountOwner, wait)],
            "a campaign is for named accounts: whoever it names comes first",
        ),
        (Goal::Expansion, _) => (
            vec![waited(Step::AccountOwner, wait), waited(Step::NamedAccount, 0)],
            "an expansion lives from the relationship: the account's owner comes first",
        ),
        (_, Segment::Enterprise | Segment::Partner) => (
            vec![waited(Step::AccountOwner, wait), waited(Step::NamedAccount, wait)],
            "an account that has an owner stays with its owner, and is worth a short wait",
        ),
        (_, Segment::MidMarket | Segment::Smb) => (
            vec![waited(Step::AccountOwner, 0), waited(Step::NamedAccount, 0)],
            "an account that has an owner stays with its owner, but does not wait: the first answer counts",
        ),
    };
    because.push(reason.to_owned());
    if order.iter().any(|rule| rule.wait_minutes > 0) {
        because.push(format!(
            "an owner who is back within {wait} minutes is waited for, a quarter of the response time at the most"
        ));
    }
    order
}

/// A quarter of the response time; nothing where that is minutes only, or counts working time, in which nobody waits over
/// night.
fn wait_minutes(brief: &Brief) -> u32 {
    let quarter = brief.response.total_seconds() / 60 / 4;
    match brief.basis {
        Basis::Wall if quarter >= 15 => u32::try_from(quarter.min(WAIT_MAX)).unwrap_or(0),
        Basis::Wall | Basis::Business => 0,
    }
}

/// The ways as they are told.
pub fn ways(brief: &Brief, plan: &Plan) -> Vec<Way> {
    let way = |rule: &StepRule| {
        let (by, leads_to, because) = match rule.by {
            Step::AccountOwner => (
                "accountOwner",
                "the account's owner in the CRM, or who covers".to_owned(),
                "knows the account",
            ),
            Step::NamedAccount => (
                "namedAccount",
                "the rep who is named for the account".to_owned(),
                "was given the account by name",
            ),
            Step::Territory => (
                "territory",
                "the rotation of the territory's pod".to_owned(),
                "is near: same hours, same language",
            ),
            Step::Segment => {
                let pod = plan.pod.as_deref().unwrap_or_default();
                ("segment", format!("the rotation of pod {pod}"), "is there for accounts like this one")
            }
            Step::Team => (
                "team",
                format!("the rotation of team {}", brief.team),
                "nobody is left out, nothing waits for one pod",
            ),
        };
        Way { by: by.to_owned(), leads_to, because: because.to_owned(), wait_minutes: rule.wait_minutes }
    };
    plan.order.iter().map(way).collect()
}

/// What must be known for the ways to work.
pub fn enrichment(brief: &Brief, plan: &Plan, of_type: &HandoffType) -> Vec<Enrichment> {
    let need = |field: &str, because: &str, source: &str| Enrichment {
        field: field.to_owned(),
        because: because.to_owned(),
        source: source.to_owned(),
    };
    let mut needs = vec![
        need("ownerId", "leads to the account's owner", "CRM; the owner must be a rep of the roster"),
        need("domain", "finds named accounts, and accounts that arrive without their id", "CRM"),
    ];
    if let Some(segment) = brief.segment.of_accounts() {
        let because = format!("tells {segment} accounts from others");
        needs.push(need("employeeCount", &because, "CRM or enrichment; else seats or plan decide"));
    }
    if plan.choice == Choice::TerritoryPods {
        needs.push(need("country", "finds the territory", "CRM or enrichment"));
        needs.push(need("industry", "finds territories by industry", "CRM or enrichment"));
    }
    if brief.segment == Segment::Partner || of_type.for_partner {
        needs.push(need("partnerId", "says which partner it comes from or goes to", "partner system"));
        needs.push(need("consent", "says what may be shared", "consent records"));
    }
    let package = of_type.required.iter().filter(|field| !field.starts_with("company."));
    for field in package {
        needs.push(need(field, "required in the package", "CRM, marketing automation or product analytics"));
    }
    needs
}
