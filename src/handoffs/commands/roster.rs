//! The roster: read, edited entry by entry, brought in as a whole, and turned into what assignment reads.
//!
//! Promises: an edit commits only when the whole roster holds together with it, and names all that is wrong at once; a
//! rep goes only when nothing open and nobody's absence leads there. An edit of whoever is in a pool leaves the accounts
//! of its rotation as they are. The checked roster is kept in memory by the edit that it is of, and never used for
//! another.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, PoisonError, RwLock};

use chrono::TimeDelta;
use sqlx::PgConnection;

use super::{HandoffError, Handoffs, before_change, read_entry};
use crate::handoffs::assign::file::{RepFile, TermsFile};
use crate::handoffs::assign::names::{RepId, TeamId};
use crate::handoffs::assign::rotation::Rotation;
use crate::handoffs::assign::{Roster, Snapshot};
use crate::handoffs::availability::{self, Absence, Absences};
use crate::handoffs::entries::{Difference, Entries, Entry, Key, Kind, RosterChange};
use crate::handoffs::import::{self, Import, pointer};
use crate::handoffs::store::{self, AbsenceRow, EditRow, NewEntry, RotationRow};
use crate::handoffs::types::HandoffTypes;
use crate::kernel::clock::DateTime;
use crate::kernel::json;
use crate::kernel::text::nearest;
use crate::platform::http::{ETag, Fault, Precondition};
use crate::platform::{audit, db};

/// How far back assignments are counted: longer than the longest window of a cap, a week with its change of clocks.
const TAKEN_SINCE: TimeDelta = TimeDelta::days(8);

/// A roster as of one edit.
#[derive(Debug)]
pub struct Held {
    pub edit: EditRow,
    pub entries: Entries,
    pub roster: Arc<Roster>,
}

/// The latest roster that was read, by its edit. An edit that is read by its own transaction and then rolled back is kept too,
/// and never used again: no other edit is of that transaction.
#[derive(Debug, Clone, Default)]
pub struct Rosters(Arc<RwLock<Option<Arc<Held>>>>);

impl Rosters {
    /// The roster in force, as the caller's transaction sees it.
    pub async fn current(&self, conn: &mut PgConnection) -> Result<Arc<Held>, HandoffError> {
        let edit = store::roster_edit(conn).await?;
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(held) = known.filter(|held| held.edit == edit) {
            return Ok(held);
        }
        // One statement gives entries and version, so that what is kept belongs together.
        let (edit, rows) = store::roster_entries(conn).await?;
        let entries = rows.iter().map(|row| read_entry(&row.kind, &row.id, &row.doc));
        let entries: Entries = entries.collect::<Result<_, _>>()?;
        let roster = entries.file().check().map_err(HandoffError::StoredRoster)?;
        let held = Arc::new(Held { edit, entries, roster: Arc::new(roster) });
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Some(held.clone());
        Ok(held)
    }
}

/// What became of an entry that was put.
#[derive(Debug)]
pub struct Put {
    pub entry: Entry,
    pub tag: ETag,
    /// It was not there before.
    pub new: bool,
}

/// What an edit of several entries did.
#[derive(Debug, Clone, PartialEq)]
pub struct Edited {
    /// What stood in the place of each entry that was put; none where there was nothing.
    pub before: Vec<(Key, Option<Entry>)>,
    /// The roster's edit from now on.
    pub version: i64,
}

/// What an import did, or would do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Imported {
    pub added: Vec<Key>,
    pub changed: Vec<Key>,
    pub removed: Vec<Key>,
    pub unchanged: usize,
}

impl Handoffs {
    /// The roster in force and the absences that are not over.
    pub async fn load(
        &self,
        conn: &mut PgConnection,
        now: DateTime,
    ) -> Result<(Arc<Roster>, Absences), HandoffError> {
        let held = self.rosters.current(conn).await?;
        Ok((held.roster.clone(), read_absences(conn, now).await?))
    }

    /// The whole roster in force.
    pub async fn roster(&self) -> Result<Arc<Held>, HandoffError> {
        let mut conn = self.pool.acquire().await?;
        self.rosters.current(&mut conn).await
    }

    /// The rep with an e-mail address, whatever its case.
    pub async fn rep_by_email(&self, email: Option<&str>) -> Result<Option<RepId>, HandoffError> {
        let Some(email) = email else { return Ok(None) };
        let held = self.roster().await?;
        let found = held.roster.reps().iter().find(|rep| rep.email.eq_ignore_ascii_case(email));
        Ok(found.map(|rep| rep.id.clone()))
    }

    /// One entry.
    pub async fn entry(&self, kind: Kind, id: &str) -> Result<Entry, HandoffError> {
        let row = store::find_entry(&self.pool, kind.name(), &kind.id_of(id)).await?;
        let row = row.ok_or_else(|| HandoffError::NoEntry { kind, id: id.to_owned() })?;
        read_entry(&row.kind, &row.id, &row.doc)
    }

    /// Entries of a kind, by id.
    pub async fn entries(
        &self,
        kind: Kind,
        after: Option<String>,
        limit: i64,
    ) -> Result<Vec<Entry>, HandoffError> {
        let rows = store::list_entries(&self.pool, kind.name(), after, limit).await?;
        rows.iter().map(|row| read_entry(&row.kind, &row.id, &row.doc)).collect()
    }

    /// Puts an entry in the place of the one with its kind and `id`, or there for the first time.
    pub async fn put_entry(
        &self,
        mut entry: Entry,
        id: &str,
        precondition: &Precondition,
        by: &str,
    ) -> Result<Put, HandoffError> {
        let (kind, field) = (entry.kind(), if entry.kind() == Kind::NamedAccount { "account" } else { "id" });
        let id = &kind.id_of(id);
        if !entry.take_id(id) {
            let detail = format!("is not the one of the path, {id}; leave it out, or put the entry there");
            return Err(HandoffError::Invalid(vec![Fault::new(format!("#/{field}"), detail)]));
        }
        let now = self.clock.now();
        let mut tx = db::begin(&self.pool).await?;
        store::lock_roster(&mut tx).await?;
        let held = self.rosters.current(&mut tx).await?;
        let present = held.entries.get(kind, id);
        check(precondition, present)?;
        let put = Put { tag: tag(&entry)?, new: present.is_none(), entry: entry.clone() };
        if present == Some(&entry) {
            return Ok(put);
        }
        let mut entries = held.entries.clone();
        entries.put(entry);
        let roster = checked(&entries, (kind, id)).map_err(HandoffError::Roster)?;
        self.write_edit(&mut tx, &held, (&entries, &roster), by, now).await?;
        tx.commit().await?;
        self.work.notify_one();
        Ok(put)
    }

    /// Notes that a rep is leaving: given nothing more from now on. Nothing when that is known.
    pub(super) async fn mark_leaving(&self, rep: &RepId, by: &str) -> Result<(), HandoffError> {
        let now = self.clock.now();
        let mut tx = db::begin(&self.pool).await?;
        store::lock_roster(&mut tx).await?;
        let held = self.rosters.current(&mut tx).await?;
        let Some(Entry::Rep(known)) = held.entries.get(Kind::Rep, rep.as_str()) else {
            return Err(HandoffError::NoEntry { kind: Kind::Rep, id: rep.to_string() });
        };
        let mut entries = held.entries.clone();
        entries.put(Entry::Rep(RepFile { leaving: true, ..known.clone() }));
        let roster = checked(&entries, (Kind::Rep, rep.as_str())).map_err(HandoffError::Roster)?;
        if entries != held.entries {
            self.write_edit(&mut tx, &held, (&entries, &roster), by, now).await?;
            tx.commit().await?;
        }
        Ok(())
    }

    /// Removes an entry that nothing else names.
    pub async fn remove_entry(
        &self,
        kind: Kind,
        id: &str,
        precondition: &Precondition,
        by: &str,
    ) -> Result<(), HandoffError> {
        let (id, now) = (&kind.id_of(id), self.clock.now());
        let mut tx = db::begin(&self.pool).await?;
        store::lock_roster(&mut tx).await?;
        let held = self.rosters.current(&mut tx).await?;
        let mut entries = held.entries.clone();
        let removed =
            entries.remove(kind, id).ok_or_else(|| HandoffError::NoEntry { kind, id: id.to_owned() })?;
        check(precondition, Some(&removed))?;
        let roster = checked(&entries, (kind, id))
            .map_err(|faults| HandoffError::Needed(faults.into_iter().map(|fault| fault.detail).collect()))?;
        self.write_edit(&mut tx, &held, (&entries, &roster), by, now).await?;
        tx.commit().await?;
        self.work.notify_one();
        Ok(())
    }

    /// Puts and removes entries together, in the caller's transaction; nothing is written where the roster would not hold
    /// together with all of them. Whoever commits calls [`Handoffs::roster_changed`].
    pub async fn edit_roster(
        &self,
        conn: &mut PgConnection,
        (puts, removes): (&[Entry], &[Key]),
        by: &str,
        now: DateTime,
    ) -> Result<Edited, HandoffError> {
        store::lock_roster(conn).await?;
        let held = self.rosters.current(conn).await?;
        let keys = puts.iter().map(Entry::key).chain(removes.iter().cloned());
        let before =
            keys.map(|(kind, id)| ((kind, id.clone()), held.entries.get(kind, &id).cloned())).collect();
        let entries = edited(&held.entries, puts, removes);
        if entries == held.entries {
            return Ok(Edited { before, version: held.edit.version });
        }
        let roster = checked(&entries, (Kind::Team, "")).map_err(HandoffError::Roster)?;
        self.write_edit(conn, &held, (&entries, &roster), by, now).await?;
        Ok(Edited { before, version: store::roster_edit(conn).await?.version })
    }

    /// Whether the roster would hold together with these entries; nothing is written.
    pub async fn try_roster(&self, conn: &mut PgConnection, puts: &[Entry]) -> Result<(), HandoffError> {
        let held = self.rosters.current(conn).await?;
        let entries = edited(&held.entries, puts, &[]);
        checked(&entries, (Kind::Team, "")).map(drop).map_err(HandoffError::Roster)
    }

    /// Rings those who may go on after an edit of the roster was committed.
    pub fn roster_changed(&self) {
        self.work.notify_one();
    }

    /// Brings in a whole roster, tables, or both, in one transaction; a dry run says what would be done.
    pub async fn import_roster(
        &self,
        import: &Import,
        dry_run: bool,
        by: &str,
    ) -> Result<Imported, HandoffError> {
        let now = self.clock.now();
        let mut tx = db::begin(&self.pool).await?;
        store::lock_roster(&mut tx).await?;
        let held = self.rosters.current(&mut tx).await?;
        let (entries, roster) = import::plan(&held.entries, import).map_err(HandoffError::Import)?;
        let difference = held.entries.difference(&entries);
        let imported = Imported {
            added: difference.added.iter().map(|entry| entry.key()).collect(),
            changed: difference.changed.iter().map(|entry| entry.key()).collect(),
            removed: difference.removed.iter().map(|key| (*key).clone()).collect(),
            unchanged: difference.unchanged.len(),
        };
        if difference.is_empty() {
            return Ok(imported);
        }
        // Also in a dry run, because this may refuse.
        self.write_edit(&mut tx, &held, (&entries, &roster), by, now).await?;
        if !dry_run {
            tx.commit().await?;
            self.work.notify_one();
        }
        Ok(imported)
    }

    /// How everything stands with these reps, or with all, and the accounts of these teams' rotations. The caller holds the
    /// roster's lock where it is going to assign.
    pub async fn snapshot(
        &self,
        conn: &mut PgConnection,
        (roster, absences): (&Arc<Roster>, &Absences),
        reps: Option<&BTreeSet<RepId>>,
        teams: &BTreeSet<TeamId>,
        now: DateTime,
    ) -> Result<Snapshot, HandoffError> {
        let asked = roster.reps().iter().filter(|rep| reps.is_none_or(|reps| reps.contains(&rep.id)));
        let (asked, capped): (Vec<&str>, Vec<bool>) =
            asked.map(|rep| (rep.id.as_str(), !rep.caps.is_empty())).unzip();
        let loads = store::loads(conn, &asked, &capped, now - TAKEN_SINCE).await?;
        let standings = loads.into_iter().filter_map(|load| {
            let rep = roster.rep(&load.rep_id)?;
            let had = (u32::try_from(load.open).unwrap_or(u32::MAX), load.taken);
            Some((rep.id.clone(), availability::standing(roster, rep, absences, had, now)))
        });
        let standings: Vec<_> = standings.collect();
        let rotations = read_rotations(conn, teams).await?;
        Ok(Snapshot::new(roster.clone(), standings, rotations))
    }
}

/// The absences that are not over.
pub(super) async fn read_absences(conn: &mut PgConnection, now: DateTime) -> Result<Absences, HandoffError> {
    let rows = store::absences_from(conn, now).await?;
    Ok(rows.into_iter().filter_map(absence).collect())
}

/// The absence of a row; one whose rep has a name that none can have is nobody's.
pub(super) fn absence(row: AbsenceRow) -> Option<Absence> {
    Some(Absence {
        id: row.id,
        rep: RepId::parse(&row.rep_id).ok()?,
        from: row.from_at,
        to: row.to_at,
        cover: row.cover.and_then(|cover| RepId::parse(&cover).ok()),
    })
}

/// The accounts of the rotations of these teams, where there are any.
pub async fn read_rotations(
    conn: &mut PgConnection,
    teams: &BTreeSet<TeamId>,
) -> Result<BTreeMap<TeamId, Rotation>, HandoffError> {
    let names: Vec<&str> = teams.iter().map(TeamId::as_str).collect();
    let mut rotations = BTreeMap::new();
    for row in store::rotations(conn, &names).await? {
        if let Some(team) = teams.get(row.team_id.as_str()) {
            rotations.insert(team.clone(), serde_json::from_str(&row.doc)?);
        }
    }
    Ok(rotations)
}

/// Writes the accounts of rotations, under the roster's lock.
pub async fn write_rotations(
    conn: &mut PgConnection,
    rotations: impl IntoIterator<Item = (&TeamId, &Rotation)>,
    now: DateTime,
) -> Result<(), HandoffError> {
    let rows: Vec<RotationRow> = rotations
        .into_iter()
        .map(|(team, rotation)| {
            Ok(RotationRow { team_id: team.to_string(), doc: serde_json::to_string(rotation)? })
        })
        .collect::<Result<_, serde_json::Error>>()?;
    Ok(store::write_rotations(conn, &rows, now).await?)
}

fn tag(entry: &Entry) -> Result<ETag, HandoffError> {
    ETag::of(entry).map_err(HandoffError::Precondition)
}

fn check(precondition: &Precondition, present: Option<&Entry>) -> Result<(), HandoffError> {
    let tag = present.map(tag).transpose()?;
    precondition.check_change(tag.as_ref()).map_err(HandoffError::Precondition)
}

/// Entries after an edit.
fn edited(held: &Entries, puts: &[Entry], removes: &[Key]) -> Entries {
    let mut entries = held.clone();
    for (kind, id) in removes {
        entries.remove(*kind, id);
    }
    for entry in puts {
        entries.put(entry.clone());
    }
    entries
}

/// The roster that entries make. Faults in the edited entry point into what was sent, the others say where they are.
fn checked(entries: &Entries, edited: (Kind, &str)) -> Result<Roster, Vec<Fault>> {
    let faults = match entries.file().check() {
        Ok(roster) => return Ok(roster),
        Err(faults) => faults,
    };
    let place = |fault| {
        let message = |fault: &crate::handoffs::assign::check::RosterFault| match &fault.suggestion {
            Some(suggestion) => format!("{}; did you mean `{suggestion}`?", fault.message),
            None => fault.message.clone(),
        };
        match entries.place(fault) {
            Some(((kind, id), inner)) if (*kind, id.as_str()) == edited => {
                let step = pointer(&inner);
                let step = if step.is_empty() { step } else { format!("/{step}") };
                Fault::new(format!("#{step}"), message(fault))
            }
            Some(((kind, id), inner)) => {
                Fault::new("#", format!("{} {id}, {inner}: {}", kind.words(), message(fault)))
            }
            None => Fault::new("#", message(fault)),
        }
    };
    Err(faults.iter().map(place).collect())
}

/// Terms of types that there are none of.
fn unknown_types(types: &HandoffTypes, difference: &Difference<'_>) -> Vec<Fault> {
    let written = difference.added.iter().chain(&difference.changed);
    let unknown = written.filter_map(|entry| match entry {
        Entry::SlaTerms(terms) if types.get(&terms.handoff_type).is_none() => Some(terms),
        _ => None,
    });
    let fault = |terms: &TermsFile| {
        let hint = nearest(&terms.handoff_type, types.iter().map(|(name, _)| name));
        let hint = hint.map(|meant| format!("; did you mean `{meant}`?")).unwrap_or_default();
        Fault::new("#/handoffType", format!("there is no handoff type `{}`{hint}", terms.handoff_type))
    };
    unknown.map(fault).collect()
}

impl Handoffs {
    /// Writes what lies between two rosters, with its audit entries; refuses to remove a rep whom something open needs, and
    /// terms of a type that there is none of.
    async fn write_edit(
        &self,
        conn: &mut PgConnection,
        before: &Held,
        (entries, roster): (&Entries, &Roster),
        by: &str,
        now: DateTime,
    ) -> Result<(), HandoffError> {
        let difference = before.entries.difference(entries);
        let unknown = unknown_types(&self.types, &difference);
        if !unknown.is_empty() {
            return Err(HandoffError::Roster(unknown));
        }
        let removed: Vec<(&str, &str)> =
            difference.removed.iter().map(|(kind, id)| (kind.name(), id.as_str())).collect();
        let leaving: Vec<&str> =
            difference.removed.iter().filter(|key| key.0 == Kind::Rep).map(|key| key.1.as_str()).collect();
        let needed = still_needed(conn, &leaving, now).await?;
        if !needed.is_empty() {
            return Err(HandoffError::Needed(needed));
        }
        before_change(conn, &RosterChange::between(&before.roster, roster), now).await?;
        let mut written = Vec::new();
        let mut log = Vec::new();
        for (action, list) in [("added", &difference.added), ("changed", &difference.changed)] {
            for entry in list {
                let doc = serde_json::to_string(entry)?;
                let digest = hex::encode(json::sha256(doc.as_bytes()));
                let details = serde_json::json!({ "content": format!("sha256:{digest}") });
                log.push(told(by, action, &entry.key(), details));
                written.push(NewEntry { kind: entry.kind().name(), id: entry.id(), doc });
            }
        }
        log.extend(difference.removed.iter().map(|key| told(by, "removed", key, serde_json::json!({}))));
        store::write_entries(conn, &written, &removed, by, now).await?;
        audit::append(conn, audit::SYSTEM, now, &log).await?;
        Ok(())
    }
}

fn told(by: &str, action: &str, (kind, id): &Key, details: serde_json::Value) -> audit::Entry {
    audit::Entry::new(by, format!("{}.{action}", kind.name()), format!("{}:{id}", kind.name()), details)
}

/// Why these reps cannot go: open handoffs, and absences of others that they cover.
async fn still_needed(
    conn: &mut PgConnection,
    reps: &[&str],
    now: DateTime,
) -> Result<Vec<String>, HandoffError> {
    if reps.is_empty() {
        return Ok(Vec::new());
    }
    let loads = store::loads(conn, reps, &vec![false; reps.len()], now).await?;
    let busy = loads.into_iter().filter(|load| load.open > 0);
    let mut reasons: Vec<String> =
        busy.map(|load| format!("rep {} has {} open handoffs", load.rep_id, load.open)).collect();
    for absence in store::absences_from(conn, now).await? {
        if absence.cover.as_deref().is_some_and(|cover| reps.contains(&cover))
            && !reps.contains(&absence.rep_id.as_str())
        {
            let cover = absence.cover.unwrap_or_default();
            reasons.push(format!("rep {cover} stands in for {}", absence.rep_id));
        }
    }
    reasons.sort_unstable();
    Ok(reasons)
}
