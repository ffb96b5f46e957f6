//! Define handoff: how the handoffs of a segment are to go, up to the signatures.

use super::{Argument, Prompt};

pub const PROMPT: Prompt = Prompt {
    name: "define_handoff",
    title: "Design the handoffs of a segment",
    description: "Design routing, response times and enablement for the handoffs of a segment, show whether the promise can be \
        kept, keep it as a draft once the user agrees, and bring it to its signatures.",
    arguments: &[
        Argument { name: "segment", description: "enterprise, mid_market, smb or partner.", required: true },
        Argument {
            name: "goal",
            description: "pipeline, expansion, product_activation or abm_campaign.",
            required: true,
        },
        Argument {
            name: "response_sla",
            description: "The promised time to the first contact, such as 2h or 1d.",
            required: true,
        },
        Argument { name: "capacity", description: "What is known of people and load.", required: false },
        Argument {
            name: "dependencies",
            description: "Systems and content that must be ready.",
            required: false,
        },
    ],
    text: "Design how handoffs are to go.\nSegment: {segment}\nGoal: {goal}\nPromised time to the first contact: {response_sla}\n\
        Capacity: {capacity|nothing was said; what is measured counts}\nMust be ready: {dependencies|nothing was named}\n\n\
        1. See with list_plans (kind handoff_design) whether there is a design for this already; if so, show it first.\n\
        2. Call define_handoff as a dry run. Tell me the routing and why, whether the promise can be kept with the people there \
        are and how many it takes, every risk with what to do, and which stages, criteria or thresholds are not defined.\n\
        3. If the promise cannot be kept, say which response time could, and ask me before you go on.\n\
        4. When I agree, call define_handoff with dryRun false and a fresh idempotencyKey, and show the packet with \
        show_handoff_design (document true): routing matrix, response times, escalation tree, checklist, enablement.\n\
        5. RevOps and sales leadership sign it, two people, each after reading it: sign_handoff_design with the name that they \
        give you, never with another.\n\
        6. When both have signed, look with apply_handoff_design (a dry run) what would change, tell me, and apply it only when \
        I say so. Watch afterwards with watch_sla whether the promise is kept.",
};
