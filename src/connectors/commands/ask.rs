//! Asking systems for newer facts when a decision waits for them or somebody asks for one, and saying which systems
//! cannot be read.
//!
//! Promises: the wish is a job in the decision's own transaction, one for each account and group, so that many
//! decisions make one look; where no system serves a group nothing is asked. Which systems fail is what this process
//! last saw or read from the notes of others, so saying it asks nobody.

use std::sync::Arc;

use crate::connectors::source::Group;
use crate::connectors::{Connector, Registry};
use crate::kernel::clock::DateTime;
use crate::motions::commands::{Failing, Freshen, Stale};
use crate::platform::jobs::{Lane, NewJob};

use super::REFRESH;

/// What motion routing asks by.
pub struct Asker {
    pub registry: Arc<Registry>,
}

impl Freshen for Asker {
    fn kind(&self) -> &'static str {
        REFRESH
    }

    fn job(&self, account_id: &str, stale: Stale, now: DateTime) -> Option<NewJob> {
        let group = match stale {
            Stale::Crm => Group::Crm,
            Stale::Partner => Group::Partner,
        };
        self.registry.keeping(group)?;
        let group = group.name();
        Some(NewJob {
            key: format!("{group}/{account_id}"),
            payload: serde_json::json!({ "group": group, "accountId": account_id }).to_string(),
            lane: Lane::Hot,
            due_at: now,
        })
    }

    fn failing(&self) -> Failing {
        let fails = |group| self.registry.keeping(group).is_some_and(Connector::is_failing);
        Failing { crm: fails(Group::Crm), partner: fails(Group::Partner) }
    }
}
