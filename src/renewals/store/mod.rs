//! The SQL of renewals, and nothing else.

mod dates;
mod people;
mod renewals;
mod track;

pub use dates::{next_within, note_dates, open_of};
pub use people::{HeldNote, NOTES, notes, rewrite_notes};
pub use renewals::{RenewalFilter, account_of, find, insert, list, lock, open_at, update};
pub use track::{
    NewAppointment, add_appointments, add_checkpoint, add_firings, appointments, checkpoints,
    drop_appointments, fired,
};
