//! Territories: which accounts lead to which reps.

super::entries::operations! {
    Territory of TerritoryFile, one "a territory", all "territories",
    list "/v1/territories" as "list_territories", path "/v1/territories/{id}" as "get_territory", "put_territory", "delete_territory",
    id "The territory."
}
