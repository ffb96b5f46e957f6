//! The motion orchestrator: which motion is right for an account, and what follows.

use super::{Argument, Prompt};

pub const PROMPT: Prompt = Prompt {
    name: "motion_orchestrator",
    title: "Which motion is right for an account?",
    description: "Look at an account's signals, say which go-to-market motion is right now and why, and act on it once the \
        user agrees.",
    arguments: &[Argument {
        name: "account",
        description: "The company's name, or the account's id.",
        required: true,
    }],
    text: "Find out which go-to-market motion is right now for this account: {account}\n\n\
        1. If this is no account id, find it with find_accounts; ask me when several fit.\n\
        2. Read what is known with get_account_signals. Point out what is missing or stale.\n\
        3. Ask what would be decided with orchestrate_account as a dry run.\n\
        4. Tell me the motion, how sure that is, the reasons that weighed most, and every guardrail that stands in the way. \
        If another motion holds the account, look at list_conflicts and tell me both sides.\n\
        5. Ask me before anything is written. When I agree, call orchestrate_account with dryRun false and a fresh \
        idempotencyKey, and tell me what was set in motion: downstream calls, handoff, deadline.\n\
        6. If somebody asks why, use explain_decision and keep to what it says.",
};
