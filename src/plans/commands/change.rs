//! Writing what happened to a plan, with everything that follows from it.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::PgConnection;
use uuid::Uuid;

use super::{PlanError, Plans, READY, TASK};
use crate::kernel::clock::DateTime;
use crate::kernel::ids::new_id;
use crate::plans::effects;
use crate::plans::graph::Graph;
use crate::plans::happening::{Happened, What};
use crate::plans::lifecycle::{self, GateState, Happening, TaskState, Terms, progress};
use crate::plans::model::{Plan, TaskId};
use crate::plans::store::{self, EntryRow, GateRow, PlanRow, TaskRow};
use crate::platform::audit;
use crate::platform::jobs::{self, Lane, NewJob};
use crate::platform::outbox::{self, Cause, NewEffect};

/// A plan under its lock, and what has happened to it in this transaction.
#[derive(Debug)]
pub(super) struct Changing {
    pub row: PlanRow,
    pub plan: Plan,
    /// In the order of the document.
    pub tasks: Vec<TaskRow>,
    /// Those that were taken out of it.
    pub gone: Vec<TaskRow>,
    /// In the order of the document.
    pub gates: Vec<GateRow>,
    /// A version was made: tasks and gates are written whole.
    pub anew: bool,
    pub happened: Vec<(Option<TaskId>, What)>,
    /// As they were read.
    pub states_before: Vec<TaskState>,
    pub gates_before: Vec<GateState>,
    pub plan_before: PlanRow,
    /// The places of tasks that something else was changed of than how far they have come.
    touched: BTreeSet<usize>,
}

impl Changing {
    /// The place of a task in the document.
    pub fn place(&self, task: Uuid) -> Option<usize> {
        self.tasks.iter().position(|row| row.id == task)
    }

    /// Notes what happened to a task.
    pub fn note(&mut self, place: usize, happened: impl IntoIterator<Item = Happening>) {
        let name = self.plan.tasks[place].id.clone();
        self.happened.extend(happened.into_iter().map(|one| (Some(name.clone()), What::Task(one))));
    }

    pub fn is_running(&self) -> bool {
        self.row.status == "running"
    }
}

/// What a plan says about a task of it.
pub(super) fn terms<'p>(plan: &'p Plan, place: usize, row: &TaskRow) -> Terms<'p> {
    Terms::of(&plan.error_handling, &plan.tasks[place], row.end_at)
}

/// A job that is due at an instant.
pub(super) fn job(key: Uuid, due_at: DateTime) -> NewJob {
    NewJob { key: key.to_string(), payload: "{}".to_owned(), lane: Lane::Normal, due_at }
}

impl Plans {
    /// Locks a plan and these of its tasks, and reads it.
    pub(super) async fn load(
        &self,
        conn: &mut PgConnection,
        id: Uuid,
        locked: Locked,
    ) -> Result<Changing, PlanError> {
        let row = store::lock_plan(conn, id).await?.ok_or(PlanError::NoPlan(id))?;
        let version = store::version(conn, &row.account_id, id, row.version).await?;
        let version = version.ok_or(PlanError::NoVersion { plan: id, version: row.version })?;
        let plan: Plan = serde_json::from_str(version.doc.get())?;
        let mut tasks = store::tasks_of(conn, &row.account_id, id).await?;
        let ids: Vec<Uuid> = match locked {
            Locked::Task(task) => vec![task],
            Locked::All => tasks.iter().map(|task| task.id).collect(),
            Locked::None => Vec::new(),
        };
        if !ids.is_empty() {
            for fresh in store::lock_tasks(conn, &row.account_id, id, &ids).await? {
                if let Some(known) = tasks.iter_mut().find(|task| task.id == fresh.id) {
                    *known = fresh;
                }
            }
        }
        let (tasks, gone) = tasks.into_iter().partition(|task: &TaskRow| task.place.is_some());
        let gates = in_order(&plan, &row, store::gates(conn, &row.account_id, id).await?);
        Ok(Changing::of(row, plan, tasks, gone, gates))
    }

    /// Writes changes and what follows from them, and tells those who follow.
    pub(super) async fn settle(
        &self,
        conn: &mut PgConnection,
        mut one: Changing,
        actor: &str,
        now: DateTime,
    ) -> Result<Changing, PlanError> {
        let ready_at = one.advance(now);
        one.count(now);
        one.finish(actor, now);
        let mut timers = one.timers();
        if one.row != one.plan_before {
            store::update_plan(conn, &one.row).await?;
        }
        if one.anew {
            store::upsert_tasks(conn, &one.tasks).await?;
            store::upsert_tasks(conn, &one.gone).await?;
            store::upsert_gates(conn, &one.gates).await?;
        } else {
            store::update_tasks(conn, &one.changed_tasks()).await?;
            store::upsert_gates(conn, &one.changed_gates()).await?;
        }
        let happened = one.told(now);
        record(conn, &one.plan, &happened, actor, now).await?;
        timers.sort_by(|a, b| a.key.cmp(&b.key));
        jobs::enqueue(conn, TASK, &timers, now).await?;
        let ready: Vec<NewJob> = ready_at.map(|at| job(one.row.id, at)).into_iter().collect();
        jobs::enqueue(conn, READY, &ready, now).await?;
        self.follow(conn, &happened, now).await?;
        log(conn, &happened, actor, now).await?;
        one.happened.clear();
        Ok(one)
    }

    async fn follow(
        &self,
        conn: &mut PgConnection,
        happened: &[Happened],
        now: DateTime,
    ) -> Result<(), PlanError> {
        let Some(first) = happened.first() else { return Ok(()) };
        for follower in self.followers.0.get(&first.kind).into_iter().flatten() {
            follower.after(self, conn, happened, now).await?;
        }
        Ok(())
    }

    /// Wakes whoever does what may now be due.
    pub fn ring(&self) {
        self.work.notify_one();
        self.deliver.notify_one();
    }
}

/// Which tasks are locked with their plan.
#[derive(Debug, Clone, Copy)]
pub(super) enum Locked {
    None,
    Task(Uuid),
    All,
}

/// Gates in the order of the document; those that are new wait.
pub(super) fn in_order(plan: &Plan, row: &PlanRow, known: Vec<GateRow>) -> Vec<GateRow> {
    let mut known: BTreeMap<String, GateRow> =
        known.into_iter().map(|gate| (gate.name.clone(), gate)).collect();
    let gate = |gate: &crate::plans::model::Gate| {
        known.remove(&gate.id.0).unwrap_or_else(|| GateRow {
            account_id: row.account_id.clone(),
            plan_id: row.id,
            name: gate.id.0.clone(),
            state: GateState::default(),
        })
    };
    plan.gates.iter().map(gate).collect()
}

impl Changing {
    pub fn of(
        row: PlanRow,
        plan: Plan,
        tasks: Vec<TaskRow>,
        gone: Vec<TaskRow>,
        gates: Vec<GateRow>,
    ) -> Self {
        Self {
            states_before: tasks.iter().map(|task| task.state.clone()).collect(),
            gates_before: gates.iter().map(|gate| gate.state.clone()).collect(),
            plan_before: row.clone(),
            row,
            plan,
            tasks,
            gone,
            gates,
            anew: false,
            happened: Vec::new(),
            touched: BTreeSet::new(),
        }
    }

    /// Brings tasks and gates of a running plan to where they are now; gives when the next becomes ready by its date.
    fn advance(&mut self, now: DateTime) -> Option<DateTime> {
        if !self.is_running() {
            return None;
        }
        let mut states: Vec<TaskState> = self.tasks.iter().map(|task| task.state.clone()).collect();
        let mut gates: Vec<GateState> = self.gates.iter().map(|gate| gate.state.clone()).collect();
        let found = {
            let graph = Graph::of(&self.plan);
            progress(&self.plan, &graph, &mut states, &mut gates, now)
        };
        for (task, state) in self.tasks.iter_mut().zip(states) {
            task.state = state;
        }
        for (gate, state) in self.gates.iter_mut().zip(gates) {
            gate.state = state;
        }
        for place in found.opened {
            self.happened.push((Some(self.plan.gates[place].id.clone()), What::GateOpened));
        }
        for (place, happening) in found.happened {
            self.note(place, [happening]);
        }
        if found.done {
            self.row.end("done", now);
            self.happened.push((None, What::Done));
        }
        found.ready_at
    }

    /// Counts what counts against the guardrail, and rings where it is too much.
    fn count(&mut self, now: DateTime) {
        let rule = &self.plan.error_handling.guardrail;
        let counted: Vec<DateTime> = self
            .happened
            .iter()
            .filter_map(|(_, what)| match what {
                What::Task(happening) => happening.counts_at(),
                _ => None,
            })
            .collect();
        for at in counted {
            if self.row.watch.note(at.min(now), rule) {
                self.row.alarms += 1;
                let number = self.row.alarms;
                let alarms = rule.tell.iter().map(|role| (None, What::Alarm { number, role: role.clone() }));
                self.happened.extend(alarms.collect::<Vec<_>>());
            }
        }
    }

    /// The ends of tasks that ended.
    fn finish(&mut self, actor: &str, now: DateTime) {
        for task in self.tasks.iter_mut().chain(&mut self.gone) {
            if task.state.status.is_final() && task.ended_at.is_none() {
                task.ended_at = Some(now);
                task.ended_by = Some(actor.to_owned());
            }
        }
    }

    /// Sets when time brings each task something next; gives the timers of those for which that has changed.
    fn timers(&mut self) -> Vec<NewJob> {
        let running = self.is_running();
        let mut timers = Vec::new();
        for (place, task) in self.tasks.iter_mut().enumerate() {
            let terms = terms(&self.plan, place, task);
            let next = if running { lifecycle::next_at(&task.state, terms) } else { None };
            if next != task.next_at || self.anew {
                timers.extend(next.map(|at| job(task.id, at)));
                task.next_at = next;
                self.touched.insert(place);
            }
        }
        for task in &mut self.gone {
            task.next_at = None;
        }
        timers
    }

    fn changed_tasks(&self) -> Vec<TaskRow> {
        let pairs = self.tasks.iter().zip(&self.states_before).enumerate();
        let changed =
            pairs.filter(|(place, (task, before))| task.state != **before || self.touched.contains(place));
        changed.map(|(_, (task, _))| task.clone()).collect()
    }

    fn changed_gates(&self) -> Vec<GateRow> {
        let pairs = self.gates.iter().zip(&self.gates_before);
        pairs.filter(|(gate, before)| gate.state != **before).map(|(gate, _)| gate.clone()).collect()
    }

    fn told(&self, now: DateTime) -> Vec<Happened> {
        let told = self.happened.iter().map(|(name, what)| Happened {
            account_id: self.row.account_id.clone(),
            plan_id: self.row.id,
            kind: self.row.kind,
            name: name.clone(),
            at: what.at().unwrap_or(now),
            what: what.clone(),
        });
        told.collect()
    }
}

/// The lines of the timeline and what leaves because of them.
pub(super) async fn record(
    conn: &mut PgConnection,
    plan: &Plan,
    happened: &[Happened],
    actor: &str,
    now: DateTime,
) -> Result<(), PlanError> {
    let (mut entries, mut leaving) = (Vec::with_capacity(happened.len()), Vec::new());
    for one in happened {
        let entry = EntryRow {
            account_id: one.account_id.clone(),
            plan_id: one.plan_id,
            id: new_id(now),
            at: one.at,
            noted_at: now,
            name: one.name.as_ref().map(|name| name.0.clone()),
            what: one.what.name().to_owned(),
            actor: actor.to_owned(),
            doc: one.what.details(),
            once: one.what.once(one.name.as_ref()),
        };
        if let Some(data) = effects::of(plan, one) {
            let (account_id, plan_id) = (one.account_id.clone(), one.plan_id);
            let cause = Cause::PlanEntry { account_id, plan_id, entry_id: entry.id };
            leaving.push(NewEffect::new(cause, effects::ALERT, &data, now));
        }
        entries.push(entry);
    }
    store::insert_entries(conn, &entries).await?;
    Ok(outbox::enqueue(conn, &leaving, now).await?)
}

/// The entries of the audit log.
pub(super) async fn log(
    conn: &mut PgConnection,
    happened: &[Happened],
    actor: &str,
    now: DateTime,
) -> Result<(), PlanError> {
    let mut entries: BTreeMap<String, Vec<audit::Entry>> = BTreeMap::new();
    for one in happened.iter().filter(|one| one.what.is_logged()) {
        let (action, subject) = (format!("plan.{}", one.what.name()), format!("plan:{}", one.plan_id));
        let entry = audit::Entry::new(actor, &action, subject, one.logged());
        entries.entry(one.account_id.clone()).or_default().push(entry);
    }
    Ok(audit::append_all(conn, now, &entries).await?)
}

/// The plans that these tasks are of, in order.
pub(super) fn plans_of(tasks: &[TaskRow]) -> BTreeSet<(String, Uuid)> {
    tasks.iter().map(|task| (task.account_id.clone(), task.plan_id)).collect()
}
