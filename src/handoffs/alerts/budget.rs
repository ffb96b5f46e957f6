//! Whether one more alert passes.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Alert, AlertTerms, Person};
use crate::handoffs::assign::names::RepId;
use crate::kernel::clock::DateTime;
use crate::motions::Urgency;

/// When a person was alerted of late, oldest first: as many instants as a later alert depends on.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Sent(pub Vec<DateTime>);

impl Sent {
    /// Whether an alert passes now; one that does is counted. An alert exactly one window ago no longer counts, and
    /// neither does one so far ahead, which a wrong clock has written.
    pub fn admit(&mut self, priority: Urgency, terms: &AlertTerms, now: DateTime) -> bool {
        let window = terms.window.as_delta();
        self.0.retain(|at| (now - at).abs() < window);
        let budget = usize::from(terms.budget);
        let passes = priority == Urgency::Urgent || self.0.len() < budget;
        if passes {
            self.0.push(now);
            self.0.sort_unstable();
            // Whether the window is full shows in its newest ones.
            self.0.drain(..self.0.len().saturating_sub(budget));
        }
        passes
    }
}

/// Takes out of an alert those whose budget is spent, and gives them. Nobody is counted for an alert twice.
pub fn split(
    alert: &mut Alert,
    sent: &mut BTreeMap<RepId, Sent>,
    terms: &AlertTerms,
    now: DateTime,
) -> Vec<Person> {
    alert.to.sort_by(|a, b| a.rep_id.cmp(&b.rep_id));
    alert.to.dedup_by(|a, b| a.rep_id == b.rep_id);
    let priority = alert.priority;
    let (passed, held) = std::mem::take(&mut alert.to)
        .into_iter()
        .partition(|person| sent.entry(person.rep_id.clone()).or_default().admit(priority, terms, now));
    alert.to = passed;
    held
}
