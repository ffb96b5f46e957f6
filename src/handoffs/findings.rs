//! What is wrong between the roster and the handoff types, though each holds together by itself: pure.
//!
//! Promises: whatever a type names and nobody on the roster answers for is found, with what happens meanwhile and what to
//! do. A finding stops nothing: handoffs go on, and reach fewer people than somebody believes.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::assign::Roster;
use super::assign::names::TeamId;
use super::assign::roster::{Answers, Team};
use super::types::{HandoffType, HandoffTypes};

/// The kinds of finding. The names are part of the contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = RosterFindingCode)]
pub enum FindingCode {
    /// Types escalate to a role that nobody holds.
    RoleUnheld,
    /// A role that no type escalates to.
    RoleUnused,
    /// Types hand over to a team that is not on the roster.
    TeamMissing,
    /// Types hand over to a team whose rotation has nobody.
    TeamEmpty,
    /// Types ask for a skill that nobody in the team's rotation has.
    SkillMissing,
    /// Types hand over to a team without a fallback owner: what nobody can take waits without an end.
    TeamWithoutFallback,
}

/// One thing that somebody should look at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = RosterFinding)]
pub struct Finding {
    pub code: FindingCode,
    /// The role or the team.
    pub id: String,
    /// The handoff types that it concerns.
    pub handoff_types: Vec<String>,
    /// What is so, what it leads to, and what to do.
    pub message: String,
}

/// Everything that is found, by code and id.
pub fn findings(roster: &Roster, types: &HandoffTypes) -> Vec<Finding> {
    let (mut roles, mut teams) = (BTreeMap::<&str, Asked<'_>>::new(), BTreeMap::<&str, Vec<String>>::new());
    for (name, of) in types.iter() {
        teams.entry(&of.to_team).or_default().push(name.to_owned());
        for role in BTreeSet::from([of.sla.escalate_to.as_str(), of.sla.fallback_to.as_str()]) {
            let asked = roles.entry(role).or_default();
            asked.types.push(name.to_owned());
            asked.teams.insert(&of.to_team);
        }
    }
    let mut found: Vec<Finding> =
        roles.iter().filter_map(|(role, asked)| unheld(roster, role, asked)).collect();
    found.extend(roster.roles().filter(|role| !roles.contains_key(role)).map(|role| Finding {
        code: FindingCode::RoleUnused,
        id: role.to_owned(),
        handoff_types: Vec::new(),
        message: "No handoff type escalates to this role; its people are told nothing because of it. Remove it, or name it in a type.".to_owned(),
    }));
    found.extend(teams.into_iter().flat_map(|(team, types)| of_team(roster, team, &types)));
    found.extend(types.iter().flat_map(|(name, of)| of_skills(roster, name, of)));
    found.sort_by(|a, b| (a.code, &a.id).cmp(&(b.code, &b.id)));
    found
}

/// Who asks for a role.
#[derive(Default)]
struct Asked<'t> {
    types: Vec<String>,
    teams: BTreeSet<&'t str>,
}

/// A role that nobody holds, and who is told instead.
fn unheld(roster: &Roster, role: &str, asked: &Asked<'_>) -> Option<Finding> {
    let instead = asked.teams.iter().filter_map(|team| {
        let id = TeamId::parse(team).ok()?;
        match roster.answers_for(role, &id) {
            Answers::Holders(_) => None,
            Answers::Instead(rep) => Some(format!("in {team} {rep} is told instead")),
            Answers::Nobody => Some(format!("in {team} no person is told")),
        }
    });
    let instead: Vec<String> = instead.collect();
    (!instead.is_empty()).then(|| Finding {
        code: FindingCode::RoleUnheld,
        id: role.to_owned(),
        handoff_types: asked.types.clone(),
        message: format!(
            "Nobody who stays holds this role: {}. Name its people: PUT /v1/roles/{role}.",
            instead.join(", ")
        ),
    })
}

fn of_team(roster: &Roster, team: &str, types: &[String]) -> Vec<Finding> {
    let known = TeamId::parse(team).ok().and_then(|id| roster.team(&id));
    let finding = |code, message: &str| Finding {
        code,
        id: team.to_owned(),
        handoff_types: types.to_vec(),
        message: message.to_owned(),
    };
    let Some(known) = known else {
        let message = "This team is not on the roster: what is handed to it waits. Add it with its people, or name another team in the types.";
        return vec![finding(FindingCode::TeamMissing, message)];
    };
    let mut found = Vec::new();
    if !takes_turns(roster, known) {
        let message = "Nobody takes part in the rotation of this team: what no owner, territory or segment leads to somebody else waits for the fallback owner.";
        found.push(finding(FindingCode::TeamEmpty, message));
    }
    if known.fallback.is_none() {
        let message = "This team has no fallback owner: what nobody can take waits without an end. Set `fallbackOwner`.";
        found.push(finding(FindingCode::TeamWithoutFallback, message));
    }
    found
}

/// Skills that a type asks for and nobody in the rotation of its team has.
fn of_skills(roster: &Roster, name: &str, of: &HandoffType) -> Vec<Finding> {
    let team = TeamId::parse(&of.to_team).ok();
    let members = team.map(|team| roster.members(&team)).unwrap_or_default();
    let has = |skill: &str| members.iter().any(|at| roster.reps()[*at].knows(skill));
    let lacking = of.skills.iter().filter(|skill| !has(skill));
    let finding = |skill: &String| Finding {
        code: FindingCode::SkillMissing,
        id: of.to_team.clone(),
        handoff_types: vec![name.to_owned()],
        message: format!(
            "Nobody in this team has the skill `{skill}`: what comes by the rotation waits for the fallback owner. Add it to a rep's `skills`."
        ),
    };
    lacking.map(finding).collect()
}

fn takes_turns(roster: &Roster, team: &Team) -> bool {
    roster.members(&team.id).iter().any(|at| roster.reps()[*at].weight > 0)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::handoffs::assign::file::RosterFile;
    use crate::handoffs::types::DEFAULT_TYPES;

    fn found(roster: Value) -> Vec<(FindingCode, String, String)> {
        let roster = serde_json::from_value::<RosterFile>(roster).unwrap().check().unwrap();
        let types = HandoffTypes::parse(DEFAULT_TYPES).unwrap();
        findings(&roster, &types).into_iter().map(|one| (one.code, one.id, one.message)).collect()
    }

    fn rep(id: &str, team: &str) -> Value {
        json!({"id": id, "name": id, "email": "x", "team": team})
    }

    const ROLES: [&str; 5] =
        ["cs_manager", "marketing_manager", "partner_manager", "revops_manager", "sales_manager"];

    #[test]
    fn a_roster_that_answers_for_everything_has_no_findings() {
        let teams = ["sales", "customer_success", "partner"];
        let roster = json!({
            "teams": teams.map(|team| json!({"id": team, "fallbackOwner": "cid"})),
            "reps": teams.map(|team| rep(&format!("of-{team}"), team)).into_iter().chain([rep("cid", "sales")]).collect::<Vec<_>>(),
            "roles": ROLES.map(|role| json!({"id": role, "reps": ["cid"]})),
        });
        assert_eq!(found(roster), []);
    }

    #[test]
    fn a_skill_that_a_type_asks_for_and_nobody_has_is_found() {
        let asking = DEFAULT_TYPES
            .replace("[types.sql_to_ae]", "[types.sql_to_ae]\nskills = [\"French\", \"German\"]");
        let mut knows = rep("cid", "sales");
        knows["skills"] = json!(["german"]);
        let roster = json!({"teams": [{"id": "sales"}], "reps": [knows]});
        let roster = serde_json::from_value::<RosterFile>(roster).unwrap().check().unwrap();
        let found = findings(&roster, &HandoffTypes::parse(&asking).unwrap());
        let lacking: Vec<&Finding> =
            found.iter().filter(|one| one.code == FindingCode::SkillMissing).collect();
        assert!(lacking.len() == 1 && lacking[0].message.contains("`French`"), "{lacking:?}");
    }

    #[test]
    fn whatever_a_type_names_and_nobody_answers_for_is_found() {
        use FindingCode::{RoleUnheld, RoleUnused, TeamEmpty, TeamMissing, TeamWithoutFallback};
        let mut leaver = rep("ada", "sales");
        leaver["leaving"] = json!(true);
        let roster = json!({
            "teams": [{"id": "sales", "lead": "cid"}, {"id": "partner", "fallbackOwner": "cid"}],
            "reps": [leaver, rep("cid", "sales")],
            "roles": [{"id": "sales_manager", "reps": ["ada"]}, {"id": "sales_managr", "reps": ["cid"]},
                      {"id": "revops_manager", "reps": ["cid"]}],
        });
        let found = found(roster);
        let seen: Vec<(FindingCode, &str)> = found.iter().map(|one| (one.0, one.1.as_str())).collect();
        assert_eq!(
            seen,
            [
                (RoleUnheld, "cs_manager"),
                (RoleUnheld, "marketing_manager"),
                (RoleUnheld, "partner_manager"),
                (RoleUnheld, "sales_manager"),
                (RoleUnused, "sales_managr"),
                (TeamMissing, "customer_success"),
                (TeamEmpty, "partner"),
                (TeamWithoutFallback, "sales"),
            ]
        );
        assert!(found[0].2.contains("in customer_success no person is told"), "{}", found[0].2);
        assert!(found[3].2.contains("in sales cid is told instead"), "{}", found[3].2);
    }
}
