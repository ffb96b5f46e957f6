//! What the service would refuse, found before anything is sent.
//!
//! Promises: the same rules as the service's own, because it is the same code; the place of a fault is the
//! field of the event.

use serde_json::Value;

use super::rows::RowFault;
use crate::accounts::events::{Event, Parts};
use crate::kernel::clock::DateTime;

/// Checks one event; the faults are those of the row that made it.
pub fn check(event: &Value, now: DateTime) -> Result<(), Vec<RowFault>> {
    let text = |name: &str| event.get(name).and_then(Value::as_str);
    let data = event.get("data").map(Value::to_string);
    let parts = Parts {
        source: text("source"),
        id: text("id"),
        event_type: text("type"),
        subject: text("subject"),
        time: text("time"),
        content_type: None,
        data: data.as_deref(),
    };
    Event::parse(parts, now).map(drop).map_err(|rejected| {
        let event_type = text("type").unwrap_or("event");
        rejected
            .faults
            .into_iter()
            .map(|fault| {
                let place = fault.pointer.trim_start_matches('/').replace('/', ".");
                RowFault::new(place, format!("{} ({event_type})", fault.detail))
            })
            .collect()
    })
}
