//! The SQL of connectors: what was received, how far readings of whole systems have come, how systems are doing.

mod progress;
mod received;
mod watch;

pub use progress::SyncProgress;
pub(super) use progress::{advance, begin_progress, progress, stumble};
pub(super) use received::{
    Claimed, Ended, HeldCall, calls_after, claim, count_dead, drop_calls, faults_text, find, finish,
    forget_before, give_back, has_unread, insert_received, list, requeue_dead, rewrite_calls, standings,
};
pub use received::{DeadReceived, ReceivedFilter, ReceivedRow, Standing};
pub(super) use watch::{
    alarms, end_alarms, live_alarms, lock_alarms, note_failing, note_read, note_watched, source_states,
    write_alarms,
};
