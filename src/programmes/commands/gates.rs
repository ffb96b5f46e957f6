//! Judging gates: what is computed by the service, what a coordinator attests.

use std::collections::BTreeMap;

use sqlx::PgConnection;
use uuid::Uuid;

use super::{Loaded, ProgrammeError, Programmes};
use crate::kernel::clock::DateTime;
use crate::plans::{GateStatus, TaskId, Verdict as PlanVerdict};
use crate::platform::db;
use crate::platform::http::Fault;
use crate::programmes::course::gate_id;
use crate::programmes::definition::{Gate, Phase};
use crate::programmes::gates::{Verdict, Workspace, judge};
use crate::programmes::store;

/// Under whose name the service computes.
pub(super) const COMPUTED_BY: &str = "service:gates";

/// A gate as it stands, with what speaks against it.
#[derive(Debug, Clone)]
pub struct GateView {
    pub phase: String,
    pub gate: String,
    pub title: String,
    pub status: GateStatus,
    pub checks: Vec<CheckView>,
}

/// One check of a gate.
#[derive(Debug, Clone)]
pub struct CheckView {
    pub verdict: Verdict,
    pub computed: bool,
    /// The last word on it: by whom, when, and why.
    pub said: Option<PlanVerdict>,
}

/// What a coordinator says of a check.
#[derive(Debug, Clone)]
pub struct Attested {
    pub check: String,
    pub holds: bool,
    pub reason: String,
}

impl Programmes {
    pub(super) async fn workspace(
        &self,
        conn: &mut PgConnection,
        id: Uuid,
    ) -> Result<Workspace, ProgrammeError> {
        let files = store::files(conn, id).await?;
        let deliverables = files.iter().filter(|file| file.kind.is_some());
        Ok(Workspace::read(deliverables.map(|file| (file.path.as_str(), file.content.as_str()))))
    }

    /// Computes the checks of a gate that is open, and tells the plan.
    pub(super) async fn judge(
        &self,
        conn: &mut PgConnection,
        loaded: &Loaded,
        gate: &TaskId,
        now: DateTime,
    ) -> Result<(), ProgrammeError> {
        let Some((_, defined)) = gates(loaded).find(|(_, of)| gate_id(&of.id) == gate.0) else {
            return Ok(());
        };
        let workspace = self.workspace(conn, loaded.row.id).await?;
        let mut verdicts = BTreeMap::new();
        for verdict in judge(defined, &loaded.business, &workspace) {
            // What nobody computes waits for the coordinator.
            let Some(holds) = verdict.passed else { continue };
            let findings: Vec<String> =
                verdict.findings.iter().map(|of| format!("{} {}", of.file, of.message)).collect();
            let note = findings.join("; ");
            verdicts.insert(verdict.check, PlanVerdict { holds, note, by: COMPUTED_BY.to_owned(), at: now });
        }
        if !verdicts.is_empty() {
            self.plans.computed(conn, now, loaded.row.id, gate, verdicts, COMPUTED_BY).await?;
        }
        Ok(())
    }

    /// Looks again at all gates that are open or have failed.
    pub(super) async fn judge_waiting(
        &self,
        conn: &mut PgConnection,
        loaded: &Loaded,
        now: DateTime,
    ) -> Result<(), ProgrammeError> {
        let view = self.plans.read_on(conn, loaded.row.id).await?;
        if view.row.status != "running" {
            return Ok(());
        }
        for gate in view
            .gates
            .iter()
            .filter(|gate| matches!(gate.state.status, GateStatus::Open | GateStatus::Failed))
        {
            self.judge(conn, loaded, &TaskId(gate.name.clone()), now).await?;
        }
        Ok(())
    }

    /// All gates of a run with their checks as they stand.
    pub async fn gates(&self, id: Uuid) -> Result<Vec<GateView>, ProgrammeError> {
        let mut conn = self.pool.acquire().await?;
        self.gates_on(&mut conn, id).await
    }

    async fn gates_on(&self, conn: &mut PgConnection, id: Uuid) -> Result<Vec<GateView>, ProgrammeError> {
        let loaded = self.load(conn, id).await?;
        let view = self.plans.read_on(conn, id).await?;
        let workspace = self.workspace(conn, id).await?;
        let mut made = Vec::new();
        for (phase, gate) in gates(&loaded) {
            let Some(row) = view.gates.iter().find(|row| row.name == gate_id(&gate.id)) else { continue };
            let waits = row.state.status == GateStatus::Waiting;
            let verdicts = judge(gate, &loaded.business, &workspace);
            let checks = verdicts.into_iter().zip(&gate.checks).map(|(verdict, check)| {
                let said = row.state.verdicts.get(&check.id).cloned();
                let mut verdict = verdict;
                // What is not all there yet is neither well nor wrong; what was attested holds as it was said.
                if waits {
                    verdict.passed = None;
                    verdict.findings.clear();
                } else if check.rule.is_none() {
                    verdict.passed = said.as_ref().map(|said| said.holds);
                }
                CheckView { verdict, computed: check.rule.is_some(), said }
            });
            made.push(GateView {
                phase: phase.id.clone(),
                gate: gate.id.clone(),
                title: gate.title.clone(),
                status: row.state.status,
                checks: checks.collect(),
            });
        }
        Ok(made)
    }

    /// Computes the checks of a gate, or of all gates of a phase, anew, and takes what the coordinator attests.
    pub async fn review(
        &self,
        id: Uuid,
        name: &str,
        attested: &[Attested],
        by: &str,
        dry_run: bool,
    ) -> Result<Vec<GateView>, ProgrammeError> {
        let mut tx = db::begin(&self.pool).await?;
        let now = self.clock.now();
        self.plans.lock(&mut tx, id).await?;
        let loaded = self.load(&mut tx, id).await?;
        let view = self.plans.read_on(&mut tx, id).await?;
        let named: Vec<&Gate> = gates(&loaded)
            .filter(|(phase, gate)| phase.id == name || gate.id == name)
            .map(|(_, gate)| gate)
            .collect();
        // A gate that is called like its phase is that gate alone.
        let exact: Vec<&Gate> = named.iter().copied().filter(|gate| gate.id == name).collect();
        let phase_has_one = named.len() == 1;
        let named = if exact.is_empty() || phase_has_one { named } else { exact };
        if named.is_empty() {
            let known: Vec<String> = gates(&loaded).map(|(_, gate)| format!("`{}`", gate.id)).collect();
            return Err(ProgrammeError::NoGate {
                programme: id,
                name: name.to_owned(),
                known: known.join(", "),
            });
        }
        check_attested(&named, attested)?;
        for gate in named {
            let task = TaskId(gate_id(&gate.id));
            let open = view.gates.iter().any(|row| {
                row.name == task.0 && matches!(row.state.status, GateStatus::Open | GateStatus::Failed)
            });
            if open {
                self.judge(&mut tx, &loaded, &task, now).await?;
            }
            let own = attested
                .iter()
                .filter(|of| gate.checks.iter().any(|check| check.id == of.check && check.rule.is_none()));
            let verdicts: BTreeMap<String, PlanVerdict> = own
                .map(|of| {
                    let verdict =
                        PlanVerdict { holds: of.holds, note: of.reason.clone(), by: by.to_owned(), at: now };
                    (of.check.clone(), verdict)
                })
                .collect();
            if !verdicts.is_empty() {
                self.plans.review(&mut tx, now, id, &task, verdicts, by).await?;
            }
        }
        let gates = self.gates_on(&mut tx, id).await?;
        self.close(tx, dry_run).await?;
        Ok(gates)
    }
}

/// The gates of a run's definition with their phases.
pub(super) fn gates(loaded: &Loaded) -> impl Iterator<Item = (&Phase, &Gate)> {
    loaded.definition.phases.iter().flat_map(|phase| phase.gates.iter().map(move |gate| (phase, gate)))
}

fn check_attested(gates: &[&Gate], attested: &[Attested]) -> Result<(), ProgrammeError> {
    let mut faults = Vec::new();
    for (place, of) in attested.iter().enumerate() {
        let check = gates.iter().flat_map(|gate| &gate.checks).find(|check| check.id == of.check);
        match check {
            None => {
                let known: Vec<&str> =
                    gates.iter().flat_map(|gate| &gate.checks).map(|check| check.id.as_str()).collect();
                let detail = crate::programmes::fault::unknown("check of this gate", &of.check, &known);
                faults.push(Fault::new(format!("#/verdicts/{place}/check"), detail));
            }
            Some(check) if check.rule.is_some() => faults.push(Fault::new(
                format!("#/verdicts/{place}/check"),
                format!(
                    "`{}` is computed from the files and cannot be attested; change the file that it names",
                    of.check
                ),
            )),
            Some(_) => {}
        }
        if of.reason.trim().is_empty() {
            faults.push(Fault::new(format!("#/verdicts/{place}/reason"), "say why"));
        }
    }
    if faults.is_empty() { Ok(()) } else { Err(ProgrammeError::Invalid(faults)) }
}
