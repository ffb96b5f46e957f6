//! `gtm sla`: what is promised, whether it can be kept, and whether it is.

mod model;
mod preview;
mod queue;
mod watch;

use clap::{Args, Subcommand};

use super::context::Context;
pub use model::model;

#[derive(Debug, Args)]
pub struct Sla {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// The steps of a handoff with their times, and what each day gives to its clock.
    Preview(preview::Preview),
    /// Which response time can be kept with whom, from what was measured and the live calendars. Nothing is written.
    Model(Box<model::Model>),
    /// A queue by itself: Erlang C beside a simulation of the same. Needs no service.
    Queue(queue::Queue),
    /// Who keeps the promises, why not where they do not, and what was told.
    Watch(watch::Watch),
}

pub async fn run(args: Sla, context: &Context) -> anyhow::Result<()> {
    match args.action {
        Action::Preview(args) => preview::run(args, context).await,
        Action::Model(args) => model::run(*args, context).await,
        Action::Queue(args) => queue::run(&args, context),
        Action::Watch(args) => watch::run(args, context).await,
    }
}
