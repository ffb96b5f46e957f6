//! Reading renewals: lists, one with its plan, its documents.
//!
//! Promises: a document tells what is so when it is read; people at the customer are read anew each time.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::PgConnection;
use uuid::Uuid;

use super::plan::{PlanState, Version};
use super::propose::context_of;
use super::sight::Sight;
use super::{RenewalError, Renewals};
use crate::accounts::Current;
use crate::accounts::commands::glance;
use crate::accounts::model::value;
use crate::plans::change::Subject;
use crate::plans::model::TaskId;
use crate::platform::http::ETag;
use crate::renewals::build::{date_of, due_date, number_of};
use crate::renewals::context::Context;
use crate::renewals::remedy::remedies;
use crate::renewals::renewal::Renewal;
use crate::renewals::sheet::{self, Format};
use crate::renewals::store::{self, RenewalFilter};
use crate::renewals::telling::{Counterpart, Removed, Standing, Telling};
use crate::renewals::tracker::{Checkpoint, Firing, Track, status};
use crate::renewals::{ics, packet};

/// A renewal with everything that is told of it.
#[derive(Debug)]
pub struct View {
    pub renewal: Renewal,
    pub account: String,
    pub domain: Option<String>,
    pub state: PlanState,
    pub checkpoints: Vec<Standing>,
    pub fired: Vec<Firing>,
    pub counterparts: BTreeMap<String, Vec<Counterpart>>,
    /// What can be done about dates that cannot be kept.
    pub remedies: Vec<String>,
    pub etag: ETag,
}

impl View {
    pub fn context(&self) -> Option<Context> {
        context_of(&self.state.plan)
    }
}

/// A view with what its documents need besides.
#[derive(Debug)]
pub struct Whole {
    pub view: View,
    context: Option<Context>,
    removed: Vec<Removed>,
}

impl Whole {
    /// As documents tell it.
    pub fn telling<'a>(&'a self, plays: &'a crate::renewals::plays::Plays) -> Telling<'a> {
        let view = &self.view;
        Telling {
            id: view.renewal.id,
            account_id: &view.renewal.account_id,
            account: &view.account,
            domain: view.domain.as_deref(),
            version: view.state.version,
            made_at: view.state.made_at,
            status: view.renewal.status.name(),
            terms: &view.renewal.terms,
            plays,
            plan: &view.state.plan,
            schedule: &view.state.schedule,
            rating: &view.renewal.rating,
            context: self.context.as_ref(),
            facts: &view.renewal.facts,
            progress: &view.state.progress,
            checkpoints: &view.checkpoints,
            fired: &view.fired,
            removed: &self.removed,
            counterparts: &view.counterparts,
        }
    }
}

impl Renewals {
    /// Renewals, newest first.
    pub async fn list(&self, filter: &RenewalFilter) -> Result<Vec<Renewal>, RenewalError> {
        Ok(store::list(&self.pool, filter).await?)
    }

    /// A renewal as it stands.
    pub async fn view(&self, id: Uuid) -> Result<View, RenewalError> {
        let mut conn = self.pool.acquire().await?;
        self.view_in(&mut conn, id, None).await
    }

    /// The same, in the caller's transaction.
    pub(super) async fn view_in(
        &self,
        conn: &mut PgConnection,
        id: Uuid,
        sight: Option<Sight>,
    ) -> Result<View, RenewalError> {
        let renewal = store::find(conn, id).await?.ok_or(RenewalError::NoRenewal(id))?;
        let found = glance(conn, std::slice::from_ref(&renewal.account_id)).await?.pop();
        let (account_id, state) = found.ok_or_else(|| RenewalError::NoAccount(renewal.account_id.clone()))?;
        let current = Current { account_id, state, version: 0 };
        let sight = match sight {
            Some(sight) => sight,
            None => self.sight(conn, &current, self.clock.now()).await?,
        };
        let plan = self.read_plan(conn, &renewal).await?;
        let track = self.track(conn, &renewal, &plan).await?;
        let checkpoints = track.checkpoints.iter().map(|checkpoint| {
            let task = TaskId(format!("checkpoint-{}", checkpoint.n));
            let status = status(checkpoint, plan.states.get(&task));
            Standing { checkpoint: checkpoint.clone(), status }
        });
        let checkpoints = checkpoints.collect();
        let remedies = remedies(&self.plays, &renewal.terms, &plan.plan, &plan.schedule);
        let name = value(&current.state.profile.name).cloned();
        Ok(View {
            account: name.unwrap_or_else(|| renewal.account_id.clone()),
            domain: value(&current.state.profile.domain).cloned(),
            fired: store::fired(conn, &renewal.account_id, renewal.id).await?,
            etag: self.etag(conn, &renewal).await?,
            counterparts: sight.counterparts,
            state: plan,
            checkpoints,
            remedies,
            renewal,
        })
    }

    /// What the rules look at.
    pub(super) async fn track(
        &self,
        conn: &mut PgConnection,
        renewal: &Renewal,
        state: &PlanState,
    ) -> Result<Track, RenewalError> {
        let held = store::checkpoints(conn, &renewal.account_id, renewal.id).await?;
        let mut checkpoints: Vec<Checkpoint> = state
            .plan
            .tasks
            .iter()
            .filter_map(|task| {
                let n = number_of(task)?;
                let held = held.iter().find(|(number, _)| *number == n).map(|(_, held)| held.clone());
                Some(Checkpoint {
                    n,
                    due_at: task.due.unwrap_or(state.made_at),
                    owner: task.owner.clone(),
                    held,
                })
            })
            .collect();
        checkpoints.sort_by_key(|checkpoint| checkpoint.n);
        let mut milestones = store::appointments(conn, &renewal.account_id, renewal.id).await?;
        for milestone in &mut milestones {
            milestone.done_at = state.progress.get(&milestone.task).and_then(|progress| progress.done_at);
        }
        Ok(Track { checkpoints, milestones, closed_at: renewal.closed_at })
    }

    /// A renewal with what its documents need.
    pub async fn whole(&self, id: Uuid) -> Result<Whole, RenewalError> {
        let view = self.view(id).await?;
        let changes = self.changes(id).await?;
        let removed = removed(&view, &changes, |at| self.plays.calendar().local_date(at));
        Ok(Whole { context: view.context(), view, removed })
    }

    /// The packet, as Markdown or as HTML.
    pub async fn packet(&self, id: Uuid, html: bool) -> Result<String, RenewalError> {
        let whole = self.whole(id).await?;
        let telling = whole.telling(&self.plays);
        Ok(if html { packet::to_html(&telling) } else { packet::to_markdown(&telling) })
    }

    /// Tasks and rules as a table.
    pub async fn tasks(&self, id: Uuid, format: Format) -> Result<String, RenewalError> {
        let whole = self.whole(id).await?;
        Ok(sheet::csv(&whole.telling(&self.plays), format)?)
    }

    /// The dates for a calendar program.
    pub async fn calendar(&self, id: Uuid) -> Result<String, RenewalError> {
        let whole = self.whole(id).await?;
        Ok(ics::calendar(&whole.telling(&self.plays)))
    }
}

/// Tasks of earlier versions that the present one does not have, as they stood when they were taken out.
fn removed(
    view: &View,
    versions: &[Version],
    day: impl Fn(crate::kernel::clock::DateTime) -> chrono::NaiveDate,
) -> Vec<Removed> {
    let there: BTreeSet<&TaskId> = view.state.plan.tasks.iter().map(|task| &task.id).collect();
    let mut gone: BTreeMap<TaskId, Removed> = BTreeMap::new();
    for change in versions.iter().flat_map(|version| &version.changes) {
        let (Subject::Task(id), None, None, Some(before)) =
            (&change.of, &change.field, &change.to, &change.from)
        else {
            continue;
        };
        let Ok(task) = serde_json::from_value::<crate::plans::model::Task>(before.clone()) else { continue };
        let on = date_of(&task).or_else(|| due_date(&task)).or_else(|| task.due.map(&day));
        if let Some(on) = on.filter(|_| !there.contains(id)) {
            gone.insert(id.clone(), Removed { id: id.clone(), title: task.title, on });
        }
    }
    gone.into_values().collect()
}
