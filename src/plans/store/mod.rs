//! The rows of plans. SQL and nothing else.
//!
//! Promises: a row is JSON, column by column, so nothing is mapped by hand; all rows of one kind are one statement. Whoever
//! changes a plan has its row locked; a task is taken without that lock, and hence is locked itself before it is changed.

mod people;
mod plans;
mod tasks;

pub use people::{HeldDoc, docs, lock_plans_of, rewrite};
pub use plans::{
    EntryRow, GateRow, Paused, PlanFilter, PlanGauge, PlanRow, VersionRow, entries, find_plan, gates,
    insert_entries, insert_plan, insert_version, list_plans, lock_plan, plan_gauges, update_plan,
    upsert_gates, version, versions,
};
pub use tasks::{
    Claimable, TaskFilter, TaskRow, claim, find_task, list_tasks, lock_tasks, plan_of, tasks_of,
    update_tasks, upsert_tasks,
};
