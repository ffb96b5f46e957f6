//! Renewal play: the renewal of an account, from its risk to a plan that runs.

use super::{Argument, Prompt};

pub const PROMPT: Prompt = Prompt {
    name: "renewal_play",
    title: "Plan the renewal of an account",
    description: "Choose the play for a renewal by tier and risk, draw the plan back from the renewal date, show owners, dates \
        and what cannot be kept, start it once the user agrees, and keep track of its checkpoints.",
    arguments: &[
        Argument { name: "account", description: "The company's name, or the account's id.", required: true },
        Argument { name: "tier", description: "strategic, growth or scale.", required: false },
        Argument { name: "risk", description: "green, yellow or red.", required: false },
        Argument {
            name: "play",
            description: "exec-save, value-realization, pricing-refresh or adoption-accelerator.",
            required: false,
        },
        Argument { name: "deadline", description: "The renewal date, as YYYY-MM-DD.", required: false },
    ],
    text: "Plan the renewal of this account: {account}\nTier: {tier|as proposed}\nRisk: {risk|as rated}\nPlay: {play|as proposed}\n\
        Renewal date: {deadline|the next one}\n\n\
        1. If this is no account id, find it with find_accounts; ask me when several fit. See with list_upcoming_renewals \
        whether a plan is under way; if so, show it with show_renewal.\n\
        2. Call plan_renewal as a dry run with what I gave and nothing else. Tell me tier, risk and play with the reasons, the \
        tasks with owners and days, the checkpoints, and every date that cannot be kept with what would help.\n\
        3. Ask me who fills the roles that nobody fills.\n\
        4. When I agree, call plan_renewal with dryRun false and a fresh idempotencyKey. Start it (start true) only when I say \
        so; what is missing I waive by name or mend.\n\
        5. Show the packet with show_renewal (packet true).\n\
        6. Note checkpoints with hold_renewal_checkpoint as the people rate them, and say at once when it turns red.",
};
