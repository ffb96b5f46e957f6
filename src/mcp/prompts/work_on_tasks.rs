//! Work on tasks: an agent does what is ready.

use super::{Argument, Prompt};

pub const PROMPT: Prompt = Prompt {
    name: "work_on_tasks",
    title: "Work on what is ready",
    description: "Take tasks of a kind of work from the queue, do them, and hand them in, until nothing is ready.",
    arguments: &[
        Argument { name: "agent", description: "The name under which the work is taken.", required: true },
        Argument { name: "kinds", description: "The kinds of work, such as coordinator.", required: false },
        Argument { name: "plan", description: "Only tasks of this plan, by its id.", required: false },
    ],
    text: "Work on tasks as {agent}.\nKinds of work: {kinds|ask me which}\nPlan: {plan|any}\n\n\
        1. See with list_tasks (status ready) what there is, and with claim_task as a dry run what you would get.\n\
        2. Take one with claim_task, dryRun false and a fresh idempotencyKey.\n\
        3. Do it from its detail, inputs, data and context. Call heartbeat_task before the lease ends when it takes longer.\n\
        4. Try complete_task as a dry run, mend what it names, then hand it in with dryRun false.\n\
        5. What you cannot do you give back with fail_task and the reason; never complete what is not done.\n\
        6. Go on until nothing is ready, then tell me what you did.",
};
