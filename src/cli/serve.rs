//! `gtm serve`: run the service until it is told to stop.

use std::io::IsTerminal as _;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Args;
use secrecy::ExposeSecret as _;
use tracing_subscriber::EnvFilter;

use super::client::Client;
use super::context::Context;
use super::demo_feed;
use crate::app::{self, Running, StartOptions};
use crate::platform::lifecycle::End;
use crate::settings::{LogFormat, LogSettings};

#[derive(Debug, Args)]
pub struct Serve {
    /// Where to listen; loopback unless told otherwise.
    #[arg(long, value_name = "ADDRESS")]
    bind: Option<String>,
    /// Fill the service with an invented company and let things happen there.
    #[arg(long)]
    demo: bool,
    /// Time stands still until it is moved over the API, and nothing leaves the process.
    #[arg(long)]
    sandbox: bool,
}

/// Runs the service; its end decides the exit code.
pub async fn run(args: Serve, context: &Context) -> anyhow::Result<ExitCode> {
    let mut settings = context.target.settings()?;
    if let Some(bind) = args.bind {
        settings.http.bind = bind;
    }
    log(&settings.log, args.demo)?;
    let data_dir = context.target.data_dir.clone();
    let admin_key = std::env::var("GTM_ADMIN_KEY").ok().map(Into::into);
    let running =
        app::start(StartOptions { settings, data_dir, sandbox: args.sandbox, announced: true, admin_key })
            .await?;
    context.screen.line(welcome(&running, context, args.sandbox));
    if args.demo
        && let Err(error) = begin_demo(&running, context).await
    {
        running.stop().await;
        return Err(error);
    }
    let end = running.stopped().await.context("the signals of the system cannot be listened to")?;
    if let End::Failed(reason) = &end {
        eprintln!("The service stopped because of a failure: {reason}");
    }
    Ok(ExitCode::from(end.exit_code()))
}

/// Logs go to standard error; standard output is for the start block and the demo.
fn log(settings: &LogSettings, demo: bool) -> anyhow::Result<()> {
    // The demo is a client that asks every second: its lines would bury those that one wants to read. What the
    // settings say of the access log comes after and wins.
    let quiet = if demo { "access=warn," } else { "" };
    // The protocol of AI agents tells of each request as it is served; the access log does that already.
    let filter = EnvFilter::try_new(format!("rmcp=warn,{quiet}{}", settings.filter))
        .context("log.filter is no valid filter")?;
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal());
    let set = match settings.format {
        LogFormat::Text => builder.try_init(),
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
    };
    set.map_err(|error| anyhow::anyhow!("logging could not be set up: {error}"))
}

/// What to know, on one screen.
fn welcome(running: &Running, context: &Context, sandbox: bool) -> String {
    let data_dir = context.target.data_dir.display();
    let mut lines = vec![
        format!("GTM Motion Orchestrator {} at http://{}", env!("CARGO_PKG_VERSION"), running.address),
        format!("Data in {data_dir}. Stop with Ctrl-C."),
    ];
    if sandbox {
        lines.push(
            "A sandbox: time stands still until POST /v1/sandbox/clock, and nothing is sent out.".to_owned(),
        );
    }
    if let Some(key) = &running.new_admin_key {
        lines.push(format!("\nThe first admin key, shown this once: {}", key.expose_secret()));
    }
    let elsewhere = context.target.data_dir.as_os_str() != "./gtm-data";
    let option = if elsewhere { format!(" --data-dir {data_dir}") } else { String::new() };
    lines.push("\nIn another terminal (the key is found by itself):".to_owned());
    lines.push(format!("  gtm{option} decisions"));
    lines.push(format!("  gtm{option} decisions why ACCOUNT"));
    lines.push(format!("  gtm{option} import ravenstack DIRECTORY --preview"));
    lines.join("\n")
}

/// Loads the demo's history and lets it live on beside the service.
async fn begin_demo(running: &Running, context: &Context) -> anyhow::Result<()> {
    let client = Client::new(&format!("http://{}", running.address), running.local_key.clone())?;
    let life = running.app.platform.life.clone();
    let clock = running.app.platform.clock.clone();
    let feed = demo_feed::prepare(client.clone(), clock, context.screen.clone()).await?;
    let stop = life.soft().clone();
    life.spawn("demo", feed.run(stop));
    Ok(())
}
