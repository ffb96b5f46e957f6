//! Absences: noted ahead or at once, ended by themselves or by somebody.
//!
//! Promises: whoever stands in is another rep who stays, and at no instant do covers lead in a circle; both are checked
//! under the roster's lock, so that two who note absences at once cannot close a circle together. A team's lead notes and
//! ends absences of the team and their own, by the roster as it is under that lock, and nobody else's.

use uuid::Uuid;

use super::roster::{absence, read_absences};
use super::{HandoffError, Handoffs, before_change};
use crate::handoffs::assign::Roster;
use crate::handoffs::assign::names::RepId;
use crate::handoffs::assign::roster::Rep;
use crate::handoffs::availability::Absence;
use crate::handoffs::entries::{Kind, RosterChange};
use crate::handoffs::store::{self, AbsenceRow};
use crate::kernel::clock::{DateTime, truncate};
use crate::kernel::ids::new_id;
use crate::platform::http::Fault;
use crate::platform::{audit, db};

/// The longest note, in characters.
const NOTE_MAX: usize = 500;

/// An absence that is to be noted.
#[derive(Debug, Clone)]
pub struct NewAbsence {
    pub from: DateTime,
    /// Without one until somebody ends it.
    pub to: Option<DateTime>,
    pub cover: Option<String>,
    pub note: Option<String>,
}

/// Whose absences somebody may note and end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Authority {
    Everybody,
    /// Those of the teams that this rep leads, and the lead's own.
    Lead(RepId),
}

impl Authority {
    /// Refuses what goes beyond it, with the reason.
    fn check(&self, roster: &Roster, rep: &Rep) -> Result<(), HandoffError> {
        let Self::Lead(lead) = self else { return Ok(()) };
        if !roster.leads(lead) {
            let refusal =
                format!("{lead} leads no team; a team's lead notes absences, or whoever has config:write");
            return Err(HandoffError::NotAllowed(refusal));
        }
        let led = roster.team(&rep.team).is_some_and(|team| team.lead.as_ref() == Some(lead));
        if led || rep.id == *lead {
            return Ok(());
        }
        let refusal = format!("{} is in the team {}, which {lead} does not lead", rep.id, rep.team);
        Err(HandoffError::NotAllowed(refusal))
    }
}

/// An absence as it was noted.
pub type Noted = AbsenceRow;

impl Handoffs {
    /// Notes an absence.
    pub async fn add_absence(
        &self,
        rep: &str,
        new: NewAbsence,
        authority: &Authority,
        by: &str,
    ) -> Result<Noted, HandoffError> {
        let no_rep = || HandoffError::NoEntry { kind: Kind::Rep, id: rep.to_owned() };
        let now = self.clock.now();
        let mut tx = db::begin(&self.pool).await?;
        store::lock_roster(&mut tx).await?;
        let held = self.rosters.current(&mut tx).await?;
        let known = held.roster.rep(rep).ok_or_else(no_rep)?;
        authority.check(&held.roster, known)?;
        let rep_id = known.id.clone();
        let row = AbsenceRow {
            id: new_id(now),
            rep_id: rep.to_owned(),
            from_at: truncate(new.from),
            to_at: new.to.map(truncate),
            cover: new.cover,
            note: new.note,
            created_at: now,
            created_by: by.to_owned(),
        };
        let mut faults = own_faults(&row, now);
        if let Some(cover) = &row.cover {
            match held.roster.rep(cover) {
                None => faults.push(Fault::new("#/cover", format!("there is no rep {cover}"))),
                Some(cover) if cover.leaving => {
                    faults.push(Fault::new("#/cover", format!("{} is leaving and takes nothing", cover.id)));
                }
                Some(_) => {}
            }
        }
        let absent = absence(row.clone()).ok_or_else(no_rep)?;
        if faults.is_empty()
            && let Some(way) = read_absences(&mut tx, now).await?.circle(&absent)
        {
            faults.push(Fault::new("#/cover", circle(&way)));
        }
        if !faults.is_empty() {
            return Err(HandoffError::Invalid(faults));
        }
        before_change(&mut tx, &RosterChange::of_rep(rep_id), now).await?;
        store::insert_absence(&mut tx, &row).await?;
        audit::append(&mut tx, audit::SYSTEM, now, &[told(by, "absence.noted", &absent)]).await?;
        tx.commit().await?;
        self.work.notify_one();
        Ok(row)
    }

    /// Absences of a rep, the latest first.
    pub async fn absences(
        &self,
        rep: &str,
        before: Option<(DateTime, Uuid)>,
        limit: i64,
    ) -> Result<Vec<Noted>, HandoffError> {
        self.entry(Kind::Rep, rep).await?;
        Ok(store::list_absences(&self.pool, rep, before, limit).await?)
    }

    /// Ends an absence now; one that has not begun is gone. One that is over stays as it was.
    pub async fn end_absence(
        &self,
        rep: &str,
        id: Uuid,
        authority: &Authority,
        by: &str,
    ) -> Result<(), HandoffError> {
        let now = self.clock.now();
        let mut tx = db::begin(&self.pool).await?;
        store::lock_roster(&mut tx).await?;
        let held = self.rosters.current(&mut tx).await?;
        // Absences of somebody who has gone stay, for those who may see to everybody's.
        match held.roster.rep(rep) {
            Some(known) => authority.check(&held.roster, known)?,
            None if *authority == Authority::Everybody => {}
            None => return Err(HandoffError::NoEntry { kind: Kind::Rep, id: rep.to_owned() }),
        }
        let found = store::find_absence(&mut tx, rep, id).await?.and_then(absence);
        let absent = found.ok_or(HandoffError::NoAbsence(id))?;
        if absent.to.is_some_and(|to| to <= now) {
            return Ok(());
        }
        before_change(&mut tx, &RosterChange::of_rep(absent.rep.clone()), now).await?;
        if absent.from < now {
            store::end_absence(&mut tx, id, now).await?;
        } else {
            store::remove_absence(&mut tx, id).await?;
        }
        audit::append(&mut tx, audit::SYSTEM, now, &[told(by, "absence.ended", &absent)]).await?;
        tx.commit().await?;
        self.work.notify_one();
        Ok(())
    }
}

/// What is wrong with an absence by itself.
fn own_faults(row: &AbsenceRow, now: DateTime) -> Vec<Fault> {
    let note = row.note.as_deref().unwrap_or_default();
    let wrong = [
        (row.to_at.is_some_and(|to| to <= row.from_at), "#/to", "must be later than from"),
        (
            row.to_at.is_some_and(|to| to > row.from_at && to <= now),
            "#/to",
            "has passed; an absence that is over changes nothing",
        ),
        (row.cover.as_ref() == Some(&row.rep_id), "#/cover", "must be somebody else"),
        (note.chars().count() > NOTE_MAX, "#/note", "must have at most 500 characters"),
        (note.contains('\0'), "#/note", "must not contain a NUL character"),
    ];
    wrong.into_iter().filter(|fault| fault.0).map(|fault| Fault::new(fault.1, fault.2)).collect()
}

fn circle(way: &[RepId]) -> String {
    let names: Vec<&str> = way.iter().map(RepId::as_str).collect();
    format!("covers would lead in a circle: {}", names.join(", then "))
}

fn told(by: &str, action: &str, absent: &Absence) -> audit::Entry {
    let details = serde_json::json!({
        "absence": absent.id, "from": absent.from, "to": absent.to, "cover": absent.cover,
    });
    audit::Entry::new(by, action, format!("rep:{}", absent.rep), details)
}
