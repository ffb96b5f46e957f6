//! What is known of an account beyond its state: its people, what was noted, what was last said to and by it.

use sqlx::PgConnection;

use crate::accounts::events::{ActivityLogged, Event, EventData};
use crate::accounts::store::{self, ContactRow, NoteRow};
use crate::kernel::clock::DateTime;

/// How many notes and activities are given, the newest of each.
const NOTES_MAX: i64 = 200;
const ACTIVITIES_MAX: usize = 100;

/// The people and the conversations of an account.
pub struct Portrait {
    pub people: Vec<ContactRow>,
    /// Newest first.
    pub notes: Vec<NoteRow>,
    /// Newest first, each with its instant.
    pub activities: Vec<(DateTime, ActivityLogged)>,
}

/// Reads the portrait of an account.
pub async fn portrait(conn: &mut PgConnection, account_id: &str) -> Result<Portrait, sqlx::Error> {
    let people = store::list_contacts(conn, account_id).await?;
    let notes = store::list_notes(conn, account_id, NOTES_MAX).await?;
    let stored = store::recent_activities(conn, account_id).await?;
    let activity = |event: Event| match event.data {
        EventData::ActivityLogged(data) => {
            Some((data.occurred_at.value().copied().unwrap_or(event.time), *data))
        }
        _ => None,
    };
    let mut activities: Vec<(DateTime, ActivityLogged)> =
        stored.iter().filter_map(|event| event.parse().ok()).filter_map(activity).collect();
    activities.sort_by_key(|(at, _)| std::cmp::Reverse(*at));
    activities.truncate(ACTIVITIES_MAX);
    Ok(Portrait { people, notes, activities })
}
