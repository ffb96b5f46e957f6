//! Assignment: which rep takes a handoff over, and why not the others.
//!
//! Promises: [`assign`] is total and deterministic and reads nothing but its arguments: a request, a [`Snapshot`] and the
//! instant. No order of reps, territories or candidates plays a part; ties go by name. Nobody is chosen over a cap or the
//! capacity, who is leaving, or who just lost the handoff; nobody absent or outside hours unless as the fallback owner
//! in time of need. Every rep who was looked at has a reason. What a turn does to the rotation is data.
//!
//! The caller locks the rotations that a request may touch ([`rotations`] names them), reads the snapshot, assigns, and commits the
//! outcome with the changed accounts in one transaction: under the lock concurrent assignments are a sequence, and what
//! holds for a sequence ([`rotation`] says exactly what) holds for them.
//!
//! Leaves out: working hours, holidays and time zones, which arrive as [`snapshot::Availability`] and [`caps::Spans`].
//!
//! In reading order: [`mod@file`] and [`check`] (the roster as written, and checked), [`roster`], [`snapshot`], [`caps`],
//! [`candidates`] (who is able), [`rotation`] (whose turn), [`routing`] (the ways), [`many`], [`outcome`],
//! [`mod@explain`].

pub mod candidates;
pub mod caps;
pub mod check;
pub mod explain;
pub mod file;
pub mod many;
pub mod names;
pub mod outcome;
pub mod roster;
pub mod rotation;
pub mod routing;
pub mod snapshot;
#[cfg(test)]
mod tests;

pub use explain::explain;
pub use many::{assign_many, offboard, reassign};
pub use outcome::Outcome;
pub use roster::Roster;
pub use routing::{assign, rotations};
pub use snapshot::{Request, Snapshot};
