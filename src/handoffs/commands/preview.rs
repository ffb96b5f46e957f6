//! A look ahead: what a handoff that starts at some instant would go through.

use super::{HandoffError, Handoffs};
use crate::handoffs::assign::names::{RepId, TeamId};
use crate::handoffs::availability;
use crate::handoffs::entries::Kind;
use crate::handoffs::sla::{self, SlaPreview};
use crate::kernel::clock::DateTime;

/// Of what to look ahead.
#[derive(Debug, Clone)]
pub struct PreviewAsk {
    pub type_name: String,
    /// The type's receiving team when left out.
    pub team: Option<String>,
    /// The account's segment, where terms of its own may be in force for it.
    pub segment: Option<String>,
    /// Whoever would have it; nobody in particular when left out.
    pub rep: Option<String>,
    /// Now when left out.
    pub at: Option<DateTime>,
}

impl Handoffs {
    /// Steps and days of a handoff by the hours and absences that are known now. A team that only the type names has no
    /// hours of its own.
    pub async fn preview_sla(&self, ask: &PreviewAsk) -> Result<SlaPreview, HandoffError> {
        let of = self.types.get(&ask.type_name);
        let of = of.ok_or_else(|| HandoffError::NoType(ask.type_name.clone()))?;
        let mut conn = self.pool.acquire().await?;
        let start = ask.at.unwrap_or_else(|| self.clock.now());
        let (roster, absences) = self.load(&mut conn, start.min(self.clock.now())).await?;
        let unknown = |kind, id: &str| HandoffError::NoEntry { kind, id: id.to_owned() };
        let name = ask.team.as_deref().unwrap_or(&of.to_team);
        let team = TeamId::parse(name).map_err(|_| unknown(Kind::Team, name))?;
        if ask.team.is_some() && roster.team(&team).is_none() {
            return Err(unknown(Kind::Team, name));
        }
        let owner: Option<&RepId> = match &ask.rep {
            Some(rep) => Some(&roster.rep(rep).ok_or_else(|| unknown(Kind::Rep, rep))?.id),
            None => None,
        };
        let shift = availability::shift(&roster, &team, owner, &absences);
        let terms = roster.terms(&ask.type_name, ask.segment.as_deref().unwrap_or_default());
        Ok(sla::preview(terms.unwrap_or(&of.sla), &shift, start)?)
    }
}
