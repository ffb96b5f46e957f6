//! What was said and written between the company and us: activities, notes, tickets.

use super::super::reading::{CallerId, Flag, OneOf, Past, Prose, Score, Text, Word};
use super::{event_data, vocabulary};

vocabulary! {
    /// Who started a conversation.
    Direction {
        /// The account came to us.
        Inbound = "inbound",
        /// We went to the account: a touch.
        Outbound = "outbound",
    }
}

event_data! {
    /// A conversation or other activity with the account. An outbound one counts as a touch.
    ActivityLogged {
        /// What it was, for example `call`, `email`, `meeting`.
        required activity_type = "activityType": Word,
        /// Who started it.
        optional direction = "direction": OneOf<Direction>,
        /// The person it was with.
        optional contact_id = "contactId": CallerId,
        /// Subject line.
        optional subject = "subject": Text<512>,
        /// What was said or written.
        optional content = "content": Prose,
        /// When it happened; the event's time when left out.
        optional occurred_at = "occurredAt": Past,
    }
}

event_data! {
    /// Something worth knowing about the account, in words.
    NoteAdded {
        /// The note.
        required text = "text": Prose,
        /// What it is about, for example `pain_point`, `success_criterion`, `promise`.
        optional kind = "kind": Word,
    }
}

event_data! {
    /// A support ticket, as it stands now.
    SupportTicket {
        /// The ticket's id in its own system.
        required ticket_id = "ticketId": Text<128>,
        /// Its status, for example `open`, `pending`, `solved`.
        required status = "status": Word,
        /// Its priority.
        optional priority = "priority": Word,
        /// How satisfied the person was, on the source's scale.
        optional satisfaction = "satisfaction": Score<100>,
        /// Whether it was escalated.
        optional escalated = "escalated": Flag,
    }
}
