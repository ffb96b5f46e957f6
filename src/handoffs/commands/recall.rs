//! Recalling what was shared with partners when the consent that it rested on is withdrawn.
//!
//! Promises: whoever got something of a handoff that was shared on that consent is asked once for each withdrawal to stop
//! using it, in the transaction of the event; what is withdrawn again without a share in between recalls nothing new.
//! Leaves out: consents that run out, which end what comes later and take nothing back.

use serde_json::{Value, json};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::accounts::{AppliedEvent, Turn};
use crate::handoffs::store::{self, SharedOn};
use crate::kernel::clock::DateTime;
use crate::kernel::ids::new_id;
use crate::platform::outbox::people::{self, Command, RECALL};

/// Recalls what was shared on consents that events withdraw.
pub(super) async fn recall_withdrawn(
    conn: &mut PgConnection,
    events: &[AppliedEvent],
    now: DateTime,
) -> Result<(), sqlx::Error> {
    for event in events {
        if let Some(Turn::Withdrawal(purpose)) = event.applied.news.as_ref().map(|news| &news.what) {
            let shares = store::shared_on(conn, &event.account_id, purpose).await?;
            recall(conn, &event.account_id, event.id, &shares, now).await?;
        }
    }
    Ok(())
}

async fn recall(
    conn: &mut PgConnection,
    account_id: &str,
    cause: Uuid,
    shares: &[SharedOn],
    now: DateTime,
) -> Result<(), sqlx::Error> {
    if shares.is_empty() {
        return Ok(());
    }
    let handoffs: Vec<Uuid> = shares.iter().map(|share| share.handoff_id).collect();
    let recipients = people::recipients_of(conn, account_id, &handoffs).await?;
    let command = |recipient: String| Command {
        id: new_id(now),
        destination: people::lane(RECALL, &recipient),
        payload: body(account_id, &recipient, shares, now).to_string(),
    };
    let commands: Vec<Command> = recipients.into_iter().map(command).collect();
    people::command(conn, account_id, cause, &commands, now).await
}

/// What is recalled: of which handoffs, with which partner, which fields; and of whom, in the place that is forgotten once
/// the recipient was told.
fn body(account_id: &str, recipient: &str, shares: &[SharedOn], now: DateTime) -> Value {
    let shared: Vec<Value> = shares
        .iter()
        .map(|share| {
            json!({"handoffId": share.handoff_id, "partnerId": share.partner_id, "fields": share.fields, "sharedAt": share.shared_at})
        })
        .collect();
    let mut contacts: Vec<&str> = shares.iter().filter_map(|share| share.contact_id.as_deref()).collect();
    contacts.sort_unstable();
    contacts.dedup();
    json!({
        "type": RECALL, "timestamp": now,
        "data": {"accountId": account_id, "recipient": recipient, "shares": shared, "contactIds": contacts},
    })
}
