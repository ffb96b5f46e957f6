//! Reps: who takes handoffs over.

super::entries::operations! {
    Rep of RepFile, one "a rep", all "reps",
    list "/v1/reps" as "list_reps", path "/v1/reps/{id}" as "get_rep", "put_rep", "delete_rep",
    id "The rep, by the company's own id."
}
