//! GTM programme: four phases from a business configuration, with gates.

use super::{Argument, Prompt};

pub const PROMPT: Prompt = Prompt {
    name: "gtm_programme",
    title: "Run a GTM programme",
    description: "Check a business configuration, choose the mode that fits, run the programme once the user agrees, and bring \
        it through its quality gates as coordinator.",
    arguments: &[
        Argument {
            name: "config",
            description: "The text of the business configuration, CONFIG.md.",
            required: true,
        },
        Argument {
            name: "mode",
            description: "full, strategy, build-and-execute, analysis, or one agent with a task.",
            required: false,
        },
        Argument {
            name: "workers",
            description: "Who fills which agent: the drafter, people, an assistant.",
            required: false,
        },
    ],
    text: "Run a go-to-market programme.\nMode: {mode|the one that the coordinator advises}\nWorkers: {workers|the built-in drafter}\n\n\
        Configuration:\n{config}\n\n\
        1. Call run_programme as a dry run. Mend with me every fault of the configuration that it names by line.\n\
        2. Tell me the advice: the mode and why, risk, doubts, whether figures say to go on or to begin anew.\n\
        3. Ask me before it runs. Then call run_programme with dryRun false and a fresh idempotencyKey.\n\
        4. Follow it with show_programme. What is to be worked on by an assistant you take with claim_task (kinds: the agent's \
        name, planId: the programme), do from its inputs and context, and hand in with complete_task; mend what the dry run \
        refuses.\n\
        5. At a gate, read the files before you attest a check with review_gate, and give the reason. A check that is computed \
        and fails is mended in the file that it names.\n\
        6. See with list_programme_conflicts which outputs contradict each other. Read both, tell me what you would decide and why, \
        and decide nothing (decide_programme_conflict) against my word; name only the files that are wrong. What nobody has found \
        you raise with raise_programme_conflict.\n\
        7. Where I want it to stand still, hold it with pause_programme and let it go on with resume_programme.",
};
