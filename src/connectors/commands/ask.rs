//! Asking systems for newer facts when a decision waits for them.
//!
//! Promises: the wish is a job in the decision's own transaction, one for each account and group, so that many
//! decisions make one look; where no system serves a group nothing is asked.

use crate::connectors::Registry;
use crate::kernel::clock::DateTime;
use crate::motions::commands::{Freshen, Stale};
use crate::platform::jobs::{Lane, NewJob};

use super::REFRESH;

/// What motion routing asks by.
pub struct Asker {
    crm: bool,
    partner: bool,
}

impl Asker {
    pub fn new(registry: &Registry) -> Self {
        use crate::connectors::source::Group;
        let serves = |group| registry.all().filter_map(|one| one.source.as_ref()).any(|s| s.group() == group);
        Self { crm: serves(Group::Crm), partner: serves(Group::Partner) }
    }
}

impl Freshen for Asker {
    fn kind(&self) -> &'static str {
        REFRESH
    }

    fn job(&self, account_id: &str, stale: Stale, now: DateTime) -> Option<NewJob> {
        let (serves, group) = match stale {
            Stale::Crm => (self.crm, "crm"),
            Stale::Partner => (self.partner, "partner"),
        };
        serves.then(|| NewJob {
            key: format!("{group}/{account_id}"),
            payload: serde_json::json!({ "group": group, "accountId": account_id }).to_string(),
            lane: Lane::Hot,
            due_at: now,
        })
    }
}
