//! Making a run and changing who fills its agents.

use std::collections::BTreeSet;

use serde_json::json;
use sqlx::PgConnection;
use uuid::Uuid;

use super::{Kept, ProgrammeError, Programmes};
use crate::kernel::clock::DateTime;
use crate::kernel::ids::new_id;
use crate::plans::commands::{NewPlan, Start};
use crate::plans::model::Plan;
use crate::platform::db;
use crate::platform::http::Fault;
use crate::programmes::advice::{Advice, History, advise};
use crate::programmes::business::Business;
use crate::programmes::course;
use crate::programmes::definition::{CONFIG, Definition, Phase};
use crate::programmes::fault;
use crate::programmes::figures::{Figures, quarter};
use crate::programmes::order;
use crate::programmes::selection::{Scope, Selection, overlaps, pieces, select};
use crate::programmes::store::{self, Made as MadeBy, NewFile, ProgrammeFilter, ProgrammeRow};
use crate::programmes::workers::Workers;
use crate::programmes::workspace::Author;

/// So many earlier runs of a company are looked through for what a new one builds on.
const EARLIER_MAX: i64 = 50;

/// The document that says whether there is a strategy.
const STRATEGY: &str = "strategy/gtm-strategy.md";

/// What somebody wants to run.
#[derive(Debug, Clone, Default)]
pub struct Ask {
    /// The text of `CONFIG.md`.
    pub config: String,
    pub scope: Scope,
    pub workers: Workers,
    /// The run whose files this one builds on; the newest of the company that has them when left out.
    pub based_on: Option<Uuid>,
    /// Findings of the pre-flight that may be, by their names.
    pub waive: BTreeSet<String>,
    /// Inputs that may be missing.
    pub without_inputs: bool,
    /// Whether it begins at once.
    pub start: bool,
    pub by: String,
}

/// A run that was made, or that would be.
#[derive(Debug, Clone)]
pub struct Made {
    /// Nothing where it was a look only.
    pub id: Option<Uuid>,
    pub plan: Plan,
    pub mode: Option<String>,
    pub based_on: Option<Uuid>,
    pub advice: Advice,
    /// What is doubtful in the configuration.
    pub warnings: Vec<fault::Fault>,
}

/// What is changed of a run.
#[derive(Debug, Clone)]
pub struct Change {
    pub workers: Workers,
    pub why: String,
    pub by: String,
}

/// What an ask amounts to.
struct Prepared<'d> {
    business: Business,
    figures: Figures,
    selection: Selection<'d>,
    base: Option<Base>,
    advice: Advice,
}

/// What a run builds on.
struct Base {
    id: Uuid,
    files: Vec<store::FileRow>,
}

impl Programmes {
    /// Makes a run and, if asked, starts it; everything that is wrong or missing is said before anything runs.
    pub async fn create(&self, ask: &Ask) -> Result<Made, ProgrammeError> {
        let kept = self.definitions.present().clone();
        let mut tx = db::begin(&self.pool).await?;
        let now = self.clock.now();
        let prepared = self.prepare(&mut tx, &kept.definition, ask).await?;
        let plan = course::plan(&kept.definition, &prepared.business, &prepared.selection, &ask.workers, now);
        let id = new_id(now);
        self.definitions.keep(&mut tx).await?;
        self.write(&mut tx, id, &kept, ask, &prepared, now).await?;
        let given = given(&prepared, &plan, ask);
        let why = format!("programme of {}", prepared.business.company);
        let new = NewPlan { id: Some(id), account_id: None, plan: plan.clone(), by: ask.by.clone(), why };
        self.plans.create(&mut tx, now, new).await?;
        if ask.start {
            let start = Start { given, waive: ask.waive.clone(), by: ask.by.clone() };
            self.plans.start(&mut tx, now, id, &start).await?;
        }
        tx.commit().await?;
        self.ring();
        Ok(made(Some(id), plan, prepared))
    }

    /// What a run would be; nothing is kept.
    pub async fn preview(&self, ask: &Ask) -> Result<Made, ProgrammeError> {
        let kept = self.definitions.present().clone();
        let mut conn = self.pool.acquire().await?;
        let prepared = self.prepare(&mut conn, &kept.definition, ask).await?;
        let plan = course::plan(
            &kept.definition,
            &prepared.business,
            &prepared.selection,
            &ask.workers,
            self.clock.now(),
        );
        Ok(made(None, plan, prepared))
    }

    /// Starts a run that was made without being started.
    pub async fn start(
        &self,
        id: Uuid,
        waive: BTreeSet<String>,
        by: String,
        dry_run: bool,
    ) -> Result<(), ProgrammeError> {
        let mut tx = db::begin(&self.pool).await?;
        let view = self.plans.read_on(&mut tx, id).await?;
        let there = store::heads(&mut tx, id).await?;
        let paths: Vec<&str> = there.iter().map(|file| file.path.as_str()).collect();
        let mut given: BTreeSet<String> = present_inputs(&view.plan, &paths);
        given.insert(CONFIG.to_owned());
        self.plans.start(&mut tx, self.clock.now(), id, &Start { given, waive, by }).await?;
        self.close(tx, dry_run).await?;
        Ok(())
    }

    /// Makes the next version of a run: who fills its agents.
    pub async fn change(
        &self,
        id: Uuid,
        expected: i32,
        change: &Change,
        dry_run: bool,
    ) -> Result<(), ProgrammeError> {
        let mut tx = db::begin(&self.pool).await?;
        let loaded = self.load(&mut tx, id).await?;
        let faults = change.workers.faults(&loaded.definition, self.model.is_some());
        refuse(faults)?;
        let scope: Scope = serde_json::from_value(loaded.row.scope.clone())?;
        let selection = select(&loaded.definition, &scope).map_err(invalid)?;
        let view = self.plans.read_on(&mut tx, id).await?;
        let (definition, workers) = (&loaded.definition, &change.workers);
        let mut plan = course::plan(definition, &loaded.business, &selection, workers, view.plan.start_at);
        order::keep(&view.plan, &mut plan, definition, workers);
        let now = self.clock.now();
        self.plans.revise(&mut tx, now, id, expected, plan, &change.by, &change.why).await?;
        store::set_workers(&mut tx, id, &serde_json::to_value(&change.workers)?).await?;
        self.close(tx, dry_run).await?;
        Ok(())
    }

    /// Holds a run: nobody is given a task of it, until it is resumed; what is claimed may be completed.
    pub async fn pause(&self, id: Uuid, why: &str, by: &str, dry_run: bool) -> Result<(), ProgrammeError> {
        let mut tx = db::begin(&self.pool).await?;
        store::find_programme(&mut tx, id).await?.ok_or(ProgrammeError::NoProgramme(id))?;
        self.plans.pause(&mut tx, self.clock.now(), id, by, why).await?;
        self.close(tx, dry_run).await?;
        Ok(())
    }

    /// Lets a run go on that is held.
    pub async fn resume(&self, id: Uuid, by: &str, dry_run: bool) -> Result<(), ProgrammeError> {
        let mut tx = db::begin(&self.pool).await?;
        store::find_programme(&mut tx, id).await?.ok_or(ProgrammeError::NoProgramme(id))?;
        self.plans.resume(&mut tx, self.clock.now(), id, by).await?;
        self.close(tx, dry_run).await?;
        Ok(())
    }

    async fn prepare<'d>(
        &self,
        conn: &mut PgConnection,
        definition: &'d Definition,
        ask: &Ask,
    ) -> Result<Prepared<'d>, ProgrammeError> {
        let business =
            Business::read(CONFIG, &ask.config, &definition.agent_ids()).map_err(ProgrammeError::Config)?;
        let mut faults = ask.workers.faults(definition, self.model.is_some());
        let selection = match select(definition, &ask.scope) {
            Ok(selection) => selection,
            Err(more) => {
                faults.extend(more);
                return Err(invalid(faults));
            }
        };
        refuse(faults)?;
        let (base, history) = self.earlier(conn, definition, &business, &selection, ask).await?;
        let figures = Figures::of(&business, &definition.restart);
        let advice = advise(definition, &business, &figures, &selection, &history);
        Ok(Prepared { business, figures, selection, base, advice })
    }

    /// The run that this one builds on, and what was done before. What is needed and nowhere is a fault.
    async fn earlier(
        &self,
        conn: &mut PgConnection,
        definition: &Definition,
        business: &Business,
        selection: &Selection<'_>,
        ask: &Ask,
    ) -> Result<(Option<Base>, History), ProgrammeError> {
        let filter =
            ProgrammeFilter { company: Some(business.company.clone()), before: None, limit: EARLIER_MAX };
        let known = store::list_programmes(conn, &filter).await?;
        if let Some(wanted) = ask.based_on {
            store::find_programme(conn, wanted).await?.ok_or(ProgrammeError::NoProgramme(wanted))?;
        }
        let needs_base = !selection.missing(definition, []).is_empty();
        let (mut base, mut history) = (None, History::default());
        for row in &known {
            let heads = store::heads(conn, row.id).await?;
            learn(&mut history, definition, business, row, &heads);
            let paths: Vec<&str> = heads.iter().map(|file| file.path.as_str()).collect();
            let fits =
                needs_base && ask.based_on.is_none() && selection.missing(definition, paths).is_empty();
            if fits && base.is_none() {
                base = Some(Base { id: row.id, files: store::files(conn, row.id).await? });
            }
        }
        if let Some(wanted) = ask.based_on {
            let files = store::files(conn, wanted).await?;
            // Whoever made it, what it gives is there.
            if history.strategy.is_none() && files.iter().any(|file| file.path == STRATEGY) {
                history.strategy = Some(business.start);
            }
            base = Some(Base { id: wanted, files });
        }
        let there: Vec<&str> =
            base.iter().flat_map(|base| base.files.iter().map(|file| file.path.as_str())).collect();
        let missing = selection.missing(definition, there);
        if missing.is_empty() || ask.without_inputs {
            Ok((base, history))
        } else {
            Err(ProgrammeError::Missing(missing))
        }
    }

    async fn write(
        &self,
        conn: &mut PgConnection,
        id: Uuid,
        kept: &Kept,
        ask: &Ask,
        prepared: &Prepared<'_>,
        now: DateTime,
    ) -> Result<(), ProgrammeError> {
        let row = ProgrammeRow {
            id,
            company: prepared.business.company.clone(),
            product: prepared.business.product.clone(),
            mode: prepared.selection.mode.clone(),
            config: ask.config.clone(),
            definition: kept.digest.clone(),
            scope: serde_json::to_value(&ask.scope)?,
            workers: serde_json::to_value(&ask.workers)?,
            advice: serde_json::to_value(&prepared.advice)?,
            based_on: prepared.base.as_ref().map(|base| base.id),
            created_at: now,
            created_by: ask.by.clone(),
        };
        store::insert_programme(conn, &row).await?;
        let files: Vec<NewFile> = prepared
            .base
            .iter()
            .flat_map(|base| &base.files)
            .map(|file| NewFile {
                path: file.path.clone(),
                content: file.content.clone(),
                kind: file.kind.clone(),
            })
            .collect();
        let made = MadeBy { agent: course::COORDINATOR, task: None, at: now, by: &ask.by };
        let versions = store::insert_files(conn, id, &files, made).await?;
        let what = if versions.is_empty() {
            "the business configuration"
        } else {
            "the configuration and what this run builds on"
        };
        let entry = json!({
            "kind": "commit", "phase": "", "agent": course::COORDINATOR,
            "message": format!("setup: add {what}"), "config": true, "files": versions,
        });
        store::add_entry(conn, id, "setup", &entry, now).await?;
        Ok(())
    }
}

/// Adds what an earlier run of the company tells; the newest comes first.
fn learn(
    history: &mut History,
    definition: &Definition,
    business: &Business,
    row: &ProgrammeRow,
    heads: &[store::FileHead],
) {
    // What it made itself; what it was given lies there as well, without a task.
    let made: Vec<&str> =
        heads.iter().filter(|file| file.task.is_some()).map(|file| file.path.as_str()).collect();
    history.has_execution |= made.iter().any(|path| path.starts_with("demand-gen/campaign-configs/"));
    // A configuration that can no longer be read tells nothing.
    let Ok(earlier) = Business::read(CONFIG, &row.config, &definition.agent_ids()) else { return };
    if made.contains(&STRATEGY) {
        history.strategy = history.strategy.max(Some(earlier.start));
    }
    if earlier.scenario == business.scenario && quarter(earlier.start) == quarter(business.start) {
        let finished = |phase: &&Phase| {
            let mut own = pieces(definition).into_iter().filter(|piece| piece.phase.id == phase.id);
            own.all(|piece| made.iter().any(|path| overlaps(&piece.path(), path)))
        };
        history.done.extend(definition.phases.iter().filter(finished).map(|phase| phase.id.clone()));
    }
    if history.competitors.is_none() {
        history.competitors = Some(earlier.competitors.into_iter().map(|of| of.slug).collect());
    }
    history.last_month = history.last_month.take().max(earlier.results.into_iter().map(|of| of.month).max());
}

fn made(id: Option<Uuid>, plan: Plan, prepared: Prepared<'_>) -> Made {
    drop(prepared.figures);
    Made {
        id,
        plan,
        mode: prepared.selection.mode,
        based_on: prepared.base.map(|base| base.id),
        advice: prepared.advice,
        warnings: prepared.business.warnings,
    }
}

/// The inputs of a plan that are there already.
fn present_inputs(plan: &Plan, paths: &[&str]) -> BTreeSet<String> {
    let inputs = plan.tasks.iter().flat_map(|task| &task.inputs);
    let there =
        |input: &&String| paths.iter().any(|path| crate::programmes::selection::overlaps(input, path));
    inputs.filter(there).cloned().collect()
}

fn given(prepared: &Prepared<'_>, plan: &Plan, ask: &Ask) -> BTreeSet<String> {
    let paths: Vec<&str> =
        prepared.base.iter().flat_map(|base| base.files.iter().map(|file| file.path.as_str())).collect();
    let mut given = present_inputs(plan, &paths);
    given.insert(CONFIG.to_owned());
    if ask.without_inputs {
        given.extend(plan.tasks.iter().flat_map(|task| task.inputs.iter().cloned()));
    }
    given
}

fn refuse(faults: Vec<(String, String)>) -> Result<(), ProgrammeError> {
    if faults.is_empty() { Ok(()) } else { Err(invalid(faults)) }
}

fn invalid(faults: Vec<(String, String)>) -> ProgrammeError {
    ProgrammeError::Invalid(faults.into_iter().map(|(pointer, detail)| Fault::new(pointer, detail)).collect())
}

/// Who signs for an agent: its title, at the host of the company's address.
pub(super) fn author(definition: &Definition, business: &Business, agent: &str) -> Author {
    let found = definition.agent(agent);
    let host = business.website.trim_start_matches("https://").split('/').next().unwrap_or_default();
    Author {
        name: found.map_or(agent, |agent| agent.title.as_str()).to_owned(),
        email: format!("{agent}@{host}"),
        commits_as: found.map_or(agent, |agent| agent.commits_as.as_str()).to_owned(),
    }
}

/// All pieces of a run's selection by the names of their tasks.
pub(super) fn piece_of<'d>(
    definition: &'d Definition,
    task: &str,
) -> Option<crate::programmes::selection::Piece<'d>> {
    pieces(definition).into_iter().find(|piece| piece.task_id() == task)
}
