//! SLA terms: what is promised for a type of handoff, or for a segment of it, instead of what the type says.

super::entries::operations! {
    SlaTerms of TermsFile, one "SLA terms", all "SLA terms",
    list "/v1/sla-terms" as "list_sla_terms", path "/v1/sla-terms/{id}" as "get_sla_terms", "put_sla_terms", "delete_sla_terms",
    id "The terms."
}
