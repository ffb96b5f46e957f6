//! The command line: one subcommand per file, each a client of the HTTP API.
//!
//! Promises: answers go to standard output, everything else to standard error; `--json` gives the API's own
//! JSON (a list is one object per line); failures say what to do and end with a documented exit code.
//! Leaves out: deciding anything. What the command line knows it knows from the API; `policy check`, `plan check`
//! and `import --preview` use the service's own code to find faults before anything is sent.

mod accounts;
mod audit;
mod client;
mod conflicts;
mod connect;
mod context;
mod dead;
mod decisions;
mod deliveries;
mod demo_feed;
mod design;
mod events;
mod failure;
mod handoff;
mod import;
mod keys;
mod matches;
mod migrate;
mod openapi;
mod orchestrate;
mod plan;
mod policy;
mod privacy;
mod programme;
mod renewal;
mod replay;
mod reps;
mod roster;
mod screen;
mod serve;
mod service;
mod sla;
mod tasks;
mod words;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use context::Context;
use failure::{EXIT_CODES, Exit, Failure};
use screen::Screen;
use service::Target;

/// Decides per account which go-to-market motion is right, keeps the motions from colliding, and proves why.
#[derive(Debug, Parser)]
#[command(name = "gtm", version, about, after_help = EXIT_CODES)]
pub struct Cli {
    #[command(flatten)]
    target: Target,
    /// Print the API's JSON; a list is one object per line.
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the service.
    Serve(serve::Serve),
    /// Bring CSV exports in as events.
    Import(Box<import::Import>),
    /// Decide about accounts now.
    Orchestrate(orchestrate::Orchestrate),
    /// What was decided, and why.
    Decisions(decisions::Decisions),
    /// What is known of accounts.
    Accounts(accounts::Accounts),
    /// Whose are the people, companies and events that name no account?
    Matches(matches::Matches),
    /// Competing motions that wait for a person.
    Conflicts(conflicts::Conflicts),
    /// Accounts that pass from one team to the next: hand over, follow, measure.
    Handoff(handoff::Handoff),
    /// Contracts that are renewed on purpose: which are coming, their plans, how they go.
    Renewal(renewal::Renewal),
    /// Who takes handoffs, and when they are away.
    Reps(reps::Reps),
    /// Everything about who takes handoffs, in and out.
    Roster(roster::Roster),
    /// Design the handoffs of a segment: routing, response times, staffing, enablement, in a packet that can be signed.
    DefineHandoff(Box<design::DefineHandoff>),
    /// Designs of handoffs: read, sign, apply, roll back.
    Design(design::Design),
    /// What is promised, whether it can be kept, and whether it is.
    Sla(Box<sla::Sla>),
    /// Plans of all kinds: their dates, their change log, how far they have come.
    Plan(plan::Plan),
    /// Work that waits for somebody: take it, hand it over.
    Tasks(tasks::Tasks),
    /// Whole go-to-market programmes: run, watch, review, export.
    Programme(Box<programme::Programme>),
    /// One agent of a programme, with a task.
    Agent(programme::Agent),
    /// The rules, as versioned data.
    Policy(policy::Policy),
    /// The systems that the service is connected to.
    Connect(connect::Connect),
    /// What leaves the service, and what could not.
    Deliveries(deliveries::Deliveries),
    /// What was accepted and then given up: events and jobs.
    Dead(dead::Dead),
    /// Compute past decisions again and compare.
    Replay(replay::Replay),
    /// Is the log of decisions complete and unchanged?
    Audit(audit::Audit),
    /// What is held about people, and erasing them.
    Privacy(privacy::Privacy),
    /// Who may call the service.
    Keys(keys::Keys),
    /// Bring the database up to date, and nothing else.
    Migrate,
    /// The contract of the service as an `OpenAPI` document.
    #[command(name = "openapi")]
    OpenApi(openapi::OpenApi),
    /// Send events.
    Events(events::Events),
}

impl Command {
    /// Whether `--config` is the configuration of a business and not the service's settings.
    fn is_about_a_business(&self) -> bool {
        matches!(self, Self::Programme(_) | Self::Agent(_))
    }
}

/// Runs the program's command line to its end.
pub async fn run() -> ExitCode {
    let cli = Cli::parse();
    let mut target = cli.target;
    if cli.command.is_about_a_business() {
        // There `--config` is the business configuration; a settings file is named by the environment alone.
        target.config = std::env::var_os("GTM_CONFIG").map(Into::into);
    }
    let context = Context::new(target, Screen::new(cli.json));
    let done = dispatch(cli.command, &context).await;
    context.close().await;
    match done {
        Ok(code) => code,
        Err(error) => match error.downcast::<Failure>() {
            Ok(failure) => failure.report(cli.json),
            // The chain of causes in one sentence: what was tried, and why it did not work.
            Err(error) => Failure::new(Exit::Usage, format!("{error:#}")).report(cli.json),
        },
    }
}

async fn dispatch(command: Command, context: &Context) -> anyhow::Result<ExitCode> {
    match command {
        Command::Serve(args) => return serve::run(args, context).await,
        Command::Connect(args) => return connect::run(args, context).await,
        Command::Import(args) => import::run(*args, context).await,
        Command::Orchestrate(args) => orchestrate::run(args, context).await,
        Command::Decisions(args) => decisions::run(args, context).await,
        Command::Accounts(args) => accounts::run(args, context).await,
        Command::Matches(args) => matches::run(args, context).await,
        Command::Conflicts(args) => conflicts::run(args, context).await,
        Command::Handoff(args) => handoff::run(args, context).await,
        Command::Renewal(args) => renewal::run(args, context).await,
        Command::Reps(args) => reps::run(args, context).await,
        Command::Roster(args) => roster::run(args, context).await,
        Command::DefineHandoff(args) => design::define(*args, context).await,
        Command::Design(args) => design::run(args, context).await,
        Command::Sla(args) => sla::run(*args, context).await,
        Command::Plan(args) => plan::run(args, context).await,
        Command::Tasks(args) => tasks::run(args, context).await,
        Command::Programme(args) => programme::run(*args, context).await,
        Command::Agent(args) => programme::agent(args, context).await,
        Command::Policy(args) => policy::run(args, context).await,
        Command::Deliveries(args) => deliveries::run(args, context).await,
        Command::Dead(args) => dead::run(args, context).await,
        Command::Replay(args) => replay::run(args, context).await,
        Command::Audit(args) => audit::run(args, context).await,
        Command::Privacy(args) => privacy::run(args, context).await,
        Command::Keys(args) => keys::run(args, context).await,
        Command::Migrate => migrate::run(context).await,
        Command::OpenApi(args) => openapi::run(&args, context),
        Command::Events(args) => events::run(args, context).await,
    }
    .map(|()| ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
