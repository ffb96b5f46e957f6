//! What designs are made of, read from what is live.
//!
//! Promises: nothing is written, and no connection is held while the model computes.

use std::sync::Arc;

use chrono::TimeDelta;

use super::{DesignError, Designs};
use crate::designs::brief::{Ask, Brief, check};
use crate::designs::estimate::Sampling;
use crate::designs::estimate::history::{History, Past};
use crate::designs::packet::{Design, Sources, make};
use crate::designs::playbook::Playbook;
use crate::designs::readiness::PolicyFacts;
use crate::designs::routing::Ground;
use crate::handoffs::commands::{Held, MeasureFilter};
use crate::handoffs::{Absences, HandoffTypes, Roster};
use crate::kernel::clock::DateTime;
use crate::kernel::json::{canonical, sha256};

/// How far back handoffs are measured: eight whole weeks.
const HISTORY: TimeDelta = TimeDelta::weeks(8);
/// The most handoffs that a model is made from; the newest weeks have the same pattern.
const HISTORY_MAX: i64 = 20_000;

/// Everything that a design is made of, as of one instant.
pub(super) struct Facts {
    pub held: Arc<Held>,
    pub roster: Arc<Roster>,
    pub absences: Absences,
    pub policy: PolicyFacts,
    pub types: Arc<HandoffTypes>,
    pub now: DateTime,
}

impl Designs {
    pub(super) async fn facts(&self) -> Result<Facts, DesignError> {
        let now = self.clock.now();
        let mut conn = self.pool.acquire().await?;
        let held = self.handoffs.rosters.current(&mut conn).await?;
        let (roster, absences) = self.handoffs.load(&mut conn, now).await?;
        let policy = self.policy(&mut conn).await?;
        Ok(Facts { held, roster, absences, policy, types: self.handoffs.types.clone(), now })
    }

    async fn policy(&self, conn: &mut sqlx::PgConnection) -> Result<PolicyFacts, DesignError> {
        let policy = self.motions.policies.in_force(conn).await?;
        let definitions = policy.definitions();
        let mut deal_stages: Vec<String> =
            definitions.deal_stages.values().map(|stage| stage.name().to_owned()).collect();
        deal_stages.sort_unstable();
        deal_stages.dedup();
        let icp = &definitions.icp;
        let fits = [
            (icp.industry.is_some(), "industry"),
            (icp.country.is_some(), "country"),
            (icp.tech_stack.is_some(), "technology"),
            (icp.employees.is_some(), "employees"),
        ];
        let opens = policy.branches().iter().flat_map(|branch| {
            branch.candidates.iter().filter_map(|candidate| {
                Some((branch.id.clone(), candidate.handoff.as_ref()?.handoff_type.to_string()))
            })
        });
        Ok(PolicyFacts {
            version: policy.version().to_owned(),
            deal_stages,
            enterprise_from_employees: definitions.segment.enterprise_from_employees,
            smb_below_employees: definitions.segment.smb_below_employees,
            plateau_depth: definitions.usage.plateau_depth,
            seats_full_pct: definitions.expansion.seats_full_pct,
            ideal_customer: fits.iter().filter(|(is, _)| *is).map(|(_, name)| (*name).to_owned()).collect(),
            indicators: crate::motions::model::Motion::ALL
                .iter()
                .map(|motion| policy.motion(*motion).indicators.len())
                .sum(),
            opens: opens.collect(),
        })
    }

    /// The request, checked.
    pub(super) fn brief(ask: &Ask, facts: &Facts) -> Result<Brief, DesignError> {
        let roles = Playbook::shipped().role_names();
        check(ask, &facts.types, &facts.roster, &roles, facts.now.date_naive()).map_err(DesignError::Brief)
    }

    /// The design of a request, computed aside.
    pub(super) async fn compute(
        &self,
        ask: &Ask,
        facts: Facts,
    ) -> Result<(Brief, Design, Facts), DesignError> {
        let brief = Self::brief(ask, &facts)?;
        let history = self.history(&brief, facts.now).await?;
        let sampling = Sampling { seed: seed(ask)?, runs: self.runs };
        let computed = tokio::task::spawn_blocking(move || {
            let ground = Ground {
                types: &facts.types,
                entries: &facts.held.entries,
                roster: &facts.roster,
                absences: &facts.absences,
            };
            let sources = Sources {
                ground,
                policy: &facts.policy,
                history: &history,
                playbook: Playbook::shipped(),
                now: facts.now,
                sampling,
            };
            let design = make(&brief, sources)?;
            Ok::<_, crate::designs::routing::Undrawn>((brief, design, facts))
        });
        Ok(computed.await.map_err(|_| DesignError::Interrupted)??)
    }

    /// What the service's own handoffs of this kind say.
    async fn history(&self, brief: &Brief, now: DateTime) -> Result<History, DesignError> {
        let filter = MeasureFilter {
            from: now - HISTORY,
            to: now,
            by_deadline: false,
            handoff_type: Some(brief.handoff_type.clone()),
            segment: brief.segment.of_accounts().map(str::to_owned),
            team: Some(brief.team.to_string()),
            limit: HISTORY_MAX,
        };
        let (measured, _) = self.handoffs.measured(&filter).await?;
        let handoffs = measured.into_iter().map(|handoff| Past {
            created_at: handoff.created_at,
            preparing_secs: handoff.preparing_secs,
            in_time: handoff.in_time,
        });
        Ok(History { from: filter.from, to: now, handoffs: handoffs.collect() })
    }
}

/// The seed of a request: the same request gives the same figures. Small enough for every reader of JSON.
fn seed(ask: &Ask) -> Result<u64, serde_json::Error> {
    let digest = sha256(&canonical(ask)?);
    Ok(u64::from(u32::from_be_bytes([digest[0], digest[1], digest[2], digest[3]])))
}
