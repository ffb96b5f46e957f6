//! Those who were erased, as the intake knows them: their digests in memory, so that nobody waits for a look-up.
//!
//! Promises: an event about somebody on the list is blanked before it is stored. The list in memory is as old as its last
//! [`Suppressions::refresh`]; what slips through meanwhile is found when the event is applied, which asks the database
//! under the account's lock. Without an entry the list costs an event nothing.

use std::collections::HashSet;
use std::sync::{Arc, PoisonError, RwLock};

use sqlx::PgPool;

use super::events::{Event, Unaddressed};
use super::privacy::{self, Handle, Salt, Subject};
use super::store;
use crate::kernel::json::Hash;

/// The list. Cloning gives another handle to the same.
#[derive(Clone, Default)]
pub struct Suppressions(Arc<RwLock<Arc<Known>>>);

/// The list as it was read.
#[derive(Default)]
struct Known {
    version: Option<i64>,
    salt: Option<Salt>,
    digests: HashSet<Hash>,
}

impl Suppressions {
    /// Reads the list again where it has changed.
    pub async fn refresh(&self, pool: &PgPool) -> Result<(), sqlx::Error> {
        let mut conn = pool.acquire().await?;
        let head = store::privacy_head(&mut conn).await?;
        if self.known().version == Some(head.version) {
            return Ok(());
        }
        let digests = store::suppressed_digests(&mut conn).await?.into_iter().collect();
        let known = Known { version: Some(head.version), salt: Some(head.salt), digests };
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(known);
        Ok(())
    }

    /// The salt of the installation; none before the list was first read.
    pub(super) fn salt(&self) -> Option<Salt> {
        self.known().salt.clone()
    }

    fn known(&self) -> Arc<Known> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Blanks what an event says of somebody who was erased.
    pub(super) fn blank(&self, event: &mut Event) {
        let known = self.known();
        let account_id = Some(event.account_id.as_str());
        let Some(subject) = known.named(account_id, event.event_type.name(), &event.data_text) else {
            return;
        };
        if let Some(data) = subject.redact_event(event.event_type.name(), &event.data_text) {
            event.data_text = data;
        }
        if let Some(attributes) = event.attributes_text().and_then(|text| subject.redact_json(&text, &[])) {
            event.extensions = serde_json::from_str(&attributes).unwrap_or_default();
            // It is among the attributes of the text.
            event.content_type = None;
        }
        event.kept_id = subject.redact_event_id(&event.id);
        count(1);
    }

    /// As [`Suppressions::blank`], for an event without an account.
    pub(super) fn blank_unaddressed(&self, event: &mut Unaddressed) {
        let known = self.known();
        let Some(subject) = known.named(None, event.event_type.name(), &event.data_text) else { return };
        if let Some(data) = subject.redact_event(event.event_type.name(), &event.data_text) {
            event.data_text = data;
        }
        if let Some(attributes) =
            event.attributes_text.as_deref().and_then(|text| subject.redact_json(text, &[]))
        {
            event.attributes_text = Some(attributes);
        }
        event.kept_id = subject.redact_event_id(&event.id);
        count(1);
    }
}

/// Counts events that were blanked.
pub(super) fn count(events: usize) {
    metrics::counter!("gtm_events_suppressed_total").increment(events as u64);
}

impl Known {
    /// Those whom an event names and who were erased; none where there is nobody.
    fn named(&self, account_id: Option<&str>, event_type: &str, data: &str) -> Option<Subject> {
        let salt = self.salt.as_ref().filter(|_| !self.digests.is_empty())?;
        let mut handles: Vec<Handle> = privacy::named_in(account_id, data);
        handles.retain(|handle| self.digests.contains(&salt.digest(handle)));
        (!handles.is_empty()).then(|| privacy::whoever_is(&handles, event_type, data))
    }
}
