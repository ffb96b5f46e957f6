//! Handoffs: an account passes from one team to the next, to somebody who answers in time.
//!
//! The pure core in reading order: [`types`] (the kinds of handoff, as data), [`package`] (what the receiver is told, and
//! how complete it is) and [`report`] (the same for a reader), [`entries`] and [`import`] (the roster as people edit it),
//! [`findings`] (what types name and nobody on it answers for),
//! [`assign`] (which rep, and why not the others), [`availability`] and [`hours`] (who is there and when), [`sla`] (the
//! clock of one handoff: what was spent, when it is due, which step comes next), [`handoff`] and [`lifecycle`] (what may
//! happen to a handoff), [`effects`] (what leaves the service because of it), [`alerts`] (how much of it a person is told at
//! once) and [`metrics`] (what all of them amount to). Around it: [`commands`] (the transactions), [`store`] (SQL),
//! [`api`] (HTTP), [`jobs`] (what runs by itself), [`recheck`] (packages against their seals in the audit log).
//! Owns the tables `roster_head`, `roster_entry`, `absence`, `rotation`, `handoff`, `handoff_turn`, `handoff_entry`,
//! `share_receipt`, `alert_budget` and `held_alert`.

pub mod alerts;
pub mod api;
pub mod assign;
pub mod availability;
pub mod commands;
pub mod effects;
pub mod entries;
pub mod findings;
pub mod handoff;
pub mod hours;
pub mod import;
pub mod jobs;
pub mod lifecycle;
pub mod metrics;
pub mod package;
pub mod recheck;
pub mod report;
pub mod sla;
pub mod store;
pub mod types;

// What others say of a handoff, and are told to do for one, is said in these words.
pub use effects::{ALERT, LOG_ACTIVITY, UPDATE_DEAL};
pub use handoff::{Status, TurnEnd};
pub use lifecycle::Action;
// What designs of a roster are made of.
pub use assign::caps::{Cap, Window, WindowKind};
pub use assign::file::{RepFile, RosterFile, SegmentFile, TargetFile, TeamFile, TermsFile};
pub use assign::names::{RepId, TeamId};
pub use assign::outcome::{Route, Waiting};
pub use assign::roster::{Answers, Rep, Step, StepRule, Target, Territory};
pub use assign::snapshot::{Availability, Firm};
pub use assign::{Outcome, Request, Roster, Snapshot};
pub use availability::Absences;
pub use entries::{Entries, Entry, Key, Kind};
pub use sla::{Basis, SlaTerms};
pub use types::{HandoffType, HandoffTypes};
