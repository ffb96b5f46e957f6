//! Handoff orchestration: an account passes from one team to another without anything being lost.

use super::{Argument, Prompt};

pub const PROMPT: Prompt = Prompt {
    name: "handoff_orchestration",
    title: "Hand an account over",
    description: "Prepare a handoff, show who would get it, by when and what is missing, open it once the user agrees, and \
        follow it up.",
    arguments: &[
        Argument { name: "account", description: "The company's name, or the account's id.", required: true },
        Argument {
            name: "type",
            description: "The kind of handoff, such as mql_to_sales, sql_to_ae, closed_to_cs, expansion_to_sales.",
            required: false,
        },
        Argument {
            name: "deal",
            description: "The deal that goes with it, by the CRM's id.",
            required: false,
        },
    ],
    text: "Hand this account over: {account}\nKind of handoff: {type|find out which fits, from the account's stage}\nDeal: \
        {deal|none was named}\n\n\
        1. If this is no account id, find it with find_accounts; ask me when several fit.\n\
        2. See with list_handoffs whether one is under way already; if so, show it instead of opening another.\n\
        3. Call create_handoff as a dry run. Tell me who would get it and why, by when the customer is to be contacted, how \
        complete the package is, and what is missing with what to do about it.\n\
        4. If it would be held, say what releases it, and do not open it before I have seen that.\n\
        5. Ask me before anything is written. When I agree, call create_handoff with dryRun false and a fresh \
        idempotencyKey, and show the report with show_handoff (report true).\n\
        6. Note what happens to it with advance_handoff, and only what really happened.",
};
