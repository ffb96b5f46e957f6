//! Teams: who takes over together, in which order ways to an owner are tried, and who takes what nobody took.

super::entries::operations! {
    Team of TeamFile, one "a team", all "teams",
    list "/v1/teams" as "list_teams", path "/v1/teams/{id}" as "get_team", "put_team", "delete_team",
    id "The team."
}
