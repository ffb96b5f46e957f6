//! `gtm import`: CSV exports as events.
//!
//! A mapping (TOML, see `config/import/generic-accounts.toml`) says which columns become which fields of
//! which events. Promises: importing twice changes nothing, because the ids of the events come from the
//! rows; a broken import goes on where it stopped; no row disappears: it is an event, a repeat of one, none
//! by a condition of the mapping, or stands in a rejected file with the reason. Usage rows have their own
//! date as event time, so that history arrives as history.
//! Leaves out: the sources themselves (no connection to any system), and named time zones.

mod contract;
mod dates;
#[cfg(test)]
pub(crate) mod fixture;
mod lookup;
mod mapping;
mod preview;
mod progress;
mod rejects;
mod rows;
mod send;
mod spec;
mod summary;
mod table;
mod template;
#[cfg(test)]
mod tests;
mod value;

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;

use super::client::Client;
use super::context::Context;
use super::failure::Failure;
use super::words::{counted, thousands};
use dates::Shift;
use mapping::Mapping;
use progress::{Progress, ProgressFile};
use rejects::Rejects;
use rows::{Moment, Rows};
use send::{Sender, Sent};

/// The mappings that come with the program.
const READY: [(&str, &str); 2] = [
    ("ravenstack", include_str!("../../../config/import/ravenstack.toml")),
    ("generic-accounts", include_str!("../../../config/import/generic-accounts.toml")),
];

#[derive(Debug, Args)]
pub struct Import {
    /// A mapping file, or a mapping that comes with the program: `ravenstack`, `generic-accounts`.
    mapping: String,
    /// The directory with the CSV files.
    #[arg(default_value = ".")]
    dir: PathBuf,
    /// Show what would be sent, and the faults; nothing is sent.
    #[arg(long)]
    preview: bool,
    /// Move all dates by the same number of days, so that the newest event happens today. For trying old
    /// exports: rules about freshness and recent use would see nothing otherwise.
    #[arg(long)]
    shift_to_now: bool,
    /// Where `<name>.rejected.csv` is written.
    #[arg(long, value_name = "DIR", default_value = ".")]
    rejected_dir: PathBuf,
    /// Begin again, even where an interrupted import could go on.
    #[arg(long)]
    restart: bool,
    /// Print the mapping and end: a template for one of your own.
    #[arg(long, conflicts_with_all = ["preview", "shift_to_now", "restart"])]
    show_mapping: bool,
}

pub async fn run(args: Import, context: &Context) -> anyhow::Result<()> {
    let text = mapping_text(&args.mapping)?;
    if args.show_mapping {
        context.screen.line(text.trim_end());
        return Ok(());
    }
    let mapping =
        Mapping::parse(&text).map_err(|fault| Failure::usage(format!("{}: {fault}", args.mapping)))?;
    if args.preview {
        return show_preview(&args, &mapping, context);
    }
    let client = context.client().await?;
    let sent = send(&args, &text, &mapping, &client, context).await?;
    report(context, &sent)
}

/// The text of a mapping file, or of one that comes with the program.
fn mapping_text(name: &str) -> Result<String, Failure> {
    if let Some((_, text)) = READY.into_iter().find(|(ready, _)| *ready == name) {
        return Ok(text.to_owned());
    }
    std::fs::read_to_string(name).map_err(|error| {
        let ready: Vec<&str> = READY.iter().map(|(name, _)| *name).collect();
        Failure::usage(format!("cannot read the mapping {name}: {error} (ready ones: {})", ready.join(", ")))
    })
}

/// What is to happen with the dates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wanted {
    AsWritten,
    /// The newest event happens today.
    ToNow,
    /// As an interrupted import moved them.
    By(i64),
}

/// What the rows share in time. Needs a pass over the files of its own where anything depends on it.
fn moment(mapping: &Mapping, dir: &Path, context: &Context, wanted: Wanted) -> anyhow::Result<Moment> {
    let now = context.screen.now;
    let events = || mapping.files.iter().flat_map(|file| &file.events);
    let needs_newest = events()
        .any(|event| event.data.needs_newest() || event.time.as_ref().is_some_and(spec::Spec::needs_newest));
    if wanted == Wanted::AsWritten && !needs_newest {
        return Ok(Moment::default());
    }
    let newest = match (Rows::open(mapping, dir, Moment::default(), now)?.newest_time()?, wanted) {
        (Some(newest), _) => newest,
        // Rows without times are true on arrival, and so is what is said of the whole file.
        (None, Wanted::AsWritten) => return Ok(Moment { newest: Some(now), ..Moment::default() }),
        (None, _) => bail!("no row has an event time, so nothing can be called the newest"),
    };
    let shift = match wanted {
        Wanted::AsWritten => Shift::default(),
        Wanted::ToNow => Shift::to_now(newest, now),
        Wanted::By(days) => Shift { days, not_after: Some(now) },
    };
    Ok(Moment { shift, newest: Some(shift.instant(newest)) })
}

fn show_preview(args: &Import, mapping: &Mapping, context: &Context) -> anyhow::Result<()> {
    let wanted = if args.shift_to_now { Wanted::ToNow } else { Wanted::AsWritten };
    let moment = moment(mapping, &args.dir, context, wanted)?;
    let rows = Rows::open(mapping, &args.dir, moment, context.screen.now)?;
    let preview = preview::preview(rows)?;
    let screen = &context.screen;
    if screen.json {
        screen.line(preview.json().to_string());
    } else {
        screen.line(preview.show(screen));
        say_shift(context, moment.shift);
        screen.line("A preview: nothing was sent.");
    }
    if preview.fault_count == 0 { Ok(()) } else { Err(Failure::said().into()) }
}

fn say_shift(context: &Context, shift: Shift) {
    if shift.days != 0 {
        let days = counted(shift.days.unsigned_abs(), "day");
        let direction = if shift.days > 0 { "later" } else { "earlier" };
        context.screen.line(format!(
            "All dates were moved {days} {direction}, so that the newest event happens today. These are not the \
             dates of your files."
        ));
    }
}

async fn send(
    args: &Import,
    text: &str,
    mapping: &Mapping,
    client: &Client,
    context: &Context,
) -> anyhow::Result<Sent> {
    let paths = Rows::open(mapping, &args.dir, Moment::default(), context.screen.now)?.paths();
    let inputs = progress::inputs(&format!("{text}{}", args.shift_to_now), &paths, client.url())?;
    let file = ProgressFile::new(&context.target.data_dir.join("imports"), &inputs.digest);
    let known = if args.restart { None } else { file.read(&inputs.digest) };
    let resumed = known.is_some();
    let wanted = match &known {
        _ if !args.shift_to_now => Wanted::AsWritten,
        Some(progress) => Wanted::By(progress.shift_days),
        None => Wanted::ToNow,
    };
    let moment = moment(mapping, &args.dir, context, wanted)?;
    let progress = known.unwrap_or_else(|| Progress::begin(inputs.digest.clone(), moment.shift));
    if resumed && !context.screen.json {
        let done = counted(progress.rows_done, "row");
        context.screen.line(format!("Going on where the last import stopped: {done} done already."));
    }
    let bar = bar(inputs.lines);
    bar.set_position(progress.rows_done);
    let sender = Sender {
        client,
        rows: Rows::open(mapping, &args.dir, moment, context.screen.now)?,
        progress,
        file,
        rejects: Rejects::new(&args.rejected_dir, paths.len(), resumed),
        watch: &|rows, rejected| {
            bar.set_position(rows);
            if rejected > 0 {
                bar.set_message(format!("{} rejected", thousands(rejected)));
            }
        },
    };
    let sent = sender.run().await;
    bar.finish_and_clear();
    let sent = sent.context("the import stopped; run the same command again and it goes on from here")?;
    if !context.screen.json {
        say_shift(context, moment.shift);
    }
    Ok(sent)
}

/// A bar on standard error; hidden where that is no terminal.
fn bar(lines: u64) -> ProgressBar {
    let bar = ProgressBar::new(lines);
    // The template is constant: a fault in it would leave the plain bar.
    if let Ok(style) =
        ProgressStyle::with_template("{wide_bar} {human_pos}/{human_len} rows, {per_sec}, {eta} left {msg}")
    {
        bar.set_style(style);
    }
    bar
}

fn report(context: &Context, sent: &Sent) -> anyhow::Result<()> {
    let screen = &context.screen;
    let total = summary::total(&sent.counts);
    if screen.json {
        screen.line(json!({ "files": sent.counts, "rejectedFiles": sent.rejected_files }).to_string());
    } else {
        screen.line(summary::by_file(screen, &sent.counts));
        for file in &sent.rejected_files {
            screen.line(format!("Rejected rows, with the reason beside each: {}", file.display()));
        }
    }
    if total.rejected_rows == 0 { Ok(()) } else { Err(Failure::said().into()) }
}
