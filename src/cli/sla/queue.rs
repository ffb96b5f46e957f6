//! `gtm sla queue`: a queue by itself, by formula and by counting, so that one can be compared with the other.
//!
//! Needs no service: it is the code that designs are modelled with.

use chrono::TimeDelta;
use clap::Args;
use serde_json::{Value, json};

use crate::cli::context::Context;
use crate::cli::failure::Failure;
use crate::cli::words::NOTHING;
use crate::designs::service::arrivals::{Arrivals, Source, WEEK_HOURS};
use crate::designs::service::erlang;
use crate::designs::service::simulate::simulate;
use crate::designs::service::stage::{Counted, Handling, Stage, Takes, Worker, World};
use crate::designs::words::span;
use crate::kernel::calendar::{CalendarDraft, Interval, Length, Shift, WeekHoursDraft, WorkCalendar, Zone};
use crate::kernel::clock::DateTime;

#[derive(Debug, Args)]
pub struct Queue {
    /// How many work on it.
    #[arg(long)]
    servers: u32,
    /// How many come in an hour.
    #[arg(long, value_name = "COUNT")]
    per_hour: f64,
    /// How long one keeps somebody busy, such as `30m`.
    #[arg(long, value_name = "LENGTH")]
    handling: String,
    /// Until the contact, such as `2h`.
    #[arg(long, value_name = "LENGTH")]
    target: String,
    /// Which part of the handling lies before the contact, 0 to 1.
    #[arg(long, value_name = "SHARE", default_value_t = 0.0)]
    contact_share: f64,
    /// The share that is wanted.
    #[arg(long, value_name = "SHARE", default_value_t = 0.9)]
    service_level: f64,
    /// Everybody has a queue of their own, as handoffs have owners, instead of one for all.
    #[arg(long)]
    own_queues: bool,
    /// Everybody works from nine to five, Monday to Friday, instead of always; as much comes in, in those hours.
    #[arg(long)]
    office_hours: bool,
    /// So many of them are away for the first two of the four weeks.
    #[arg(long, value_name = "COUNT", default_value_t = 0)]
    away: u32,
    /// How much days differ beyond chance: the variance of a day's factor, such as 0.3.
    #[arg(long, value_name = "VARIANCE", default_value_t = 0.0)]
    bursts: f64,
    #[arg(long, default_value_t = 1)]
    seed: u64,
    #[arg(long, default_value_t = 200)]
    runs: u32,
}

pub fn run(args: &Queue, context: &Context) -> anyhow::Result<()> {
    let length = |text: &str| text.parse::<Length>().map_err(|error| Failure::usage(error.to_string()));
    let (handling, target) = (length(&args.handling)?, length(&args.target)?);
    let seconds = |length: Length| length.as_delta().as_seconds_f64();
    let sane = args.servers > 0 && args.servers <= 1_000 && args.per_hour > 0.0 && !handling.is_zero();
    if !sane || !(0.0..=1.0).contains(&args.contact_share) || args.bursts < 0.0 {
        let text = "A queue needs 1 to 1000 servers, something that comes in and takes time, and shares from 0 to 1.";
        return Err(Failure::usage(text).into());
    }
    if args.away >= args.servers {
        return Err(Failure::usage("Somebody has to stay: --away is fewer than --servers.").into());
    }
    let queue = erlang::Queue {
        servers: args.servers,
        arrivals_per_hour: args.per_hour,
        handling_secs: seconds(handling),
        contact_share: args.contact_share,
    };
    let formula = queue.figures(seconds(target));
    let world = world(args, seconds(handling), seconds(target));
    let counted = simulate(&Stage::new(&world), args.runs.clamp(2, 2_000), args.seed);
    let answer = json!({
        "erlangs": queue.erlangs(),
        "erlangC": formula,
        "needed": queue.needed(seconds(target), args.service_level),
        "simulation": counted,
    });
    context.screen.document(&answer, shown);
    Ok(())
}

/// The same queue to be counted.
fn world(args: &Queue, handling_secs: f64, target_secs: f64) -> World {
    // A Monday; which one plays no part.
    let from = DateTime::from_timestamp(1_804_464_000, 0).unwrap_or_default();
    let office = office();
    let open = |hour: usize| !args.office_hours || (hour / 24 < 5 && (9..17).contains(&(hour % 24)));
    let shift = || match &office {
        Some(calendar) if args.office_hours => Shift::from(calendar.clone()),
        _ => Shift::always(),
    };
    let gone = Interval { from, to: from + TimeDelta::weeks(2) };
    let worker = |number: u32| Worker {
        name: format!("server {number}"),
        weight: 1,
        shift: if number <= args.away { shift().without([gone]) } else { shift() },
        at_once: (!args.own_queues).then_some(1),
        per_day: None,
    };
    let by_hour = (0..WEEK_HOURS).map(|hour| if open(hour) { args.per_hour } else { 0.0 });
    World {
        from,
        until: from + TimeDelta::weeks(4),
        arrivals: Arrivals {
            by_hour: by_hour.collect(),
            zone: Zone::utc(),
            counted: None,
            bursts: args.bursts,
            source: Source::Given,
        },
        handling: Handling {
            takes: Takes::Mean { secs: handling_secs, counted: None },
            contact_share: args.contact_share,
        },
        workers: (1..=args.servers).map(worker).collect(),
        team: Shift::always(),
        counted: Counted::Wall,
        target_secs,
    }
}

fn office() -> Option<WorkCalendar> {
    let day = || vec!["09:00-17:00".to_owned()];
    let hours = WeekHoursDraft {
        monday: day(),
        tuesday: day(),
        wednesday: day(),
        thursday: day(),
        friday: day(),
        ..WeekHoursDraft::default()
    };
    WorkCalendar::new(&CalendarDraft { zone: "UTC".to_owned(), hours, special_days: Vec::new() }).ok()
}

/// A share in percent with a decimal: what is compared here differs by less than a whole one.
fn percent(value: Option<&Value>) -> String {
    let share = value.and_then(Value::as_f64);
    share.map_or_else(|| NOTHING.to_owned(), |share| format!("{:.1} %", share * 100.0))
}

fn shown(answer: &Value) -> String {
    let time = |value: Option<&Value>| value.and_then(Value::as_f64).map_or_else(|| "never".to_owned(), span);
    let formula = match &answer["erlangC"] {
        Value::Null => "Erlang C: overrun, more comes in than they can do".to_owned(),
        figures => format!(
            "Erlang C: {} in time, mean wait {}, 95 % within {}, busy {}",
            percent(figures.get("withinTarget")),
            time(figures.get("meanWaitSecs")),
            time(figures.get("p95ResponseSecs")),
            percent(figures.get("utilisation"))
        ),
    };
    let counted = &answer["simulation"];
    let simulated = format!(
        "Simulation: {} in time (sure to {} to {}), mean wait {}, 95 % within {}, busy {}; {} runs of four weeks",
        percent(counted.get("withinTarget")),
        percent(counted.pointer("/withinTargetConfidence/low")),
        percent(counted.pointer("/withinTargetConfidence/high")),
        time(counted.get("meanWaitSecs")),
        time(counted.get("p95ResponseSecs")),
        percent(counted.get("utilisation")),
        counted["runs"]
    );
    let needed = match answer["needed"].as_u64() {
        Some(needed) => format!("By the formula the wanted share takes {needed}."),
        None => "By the formula no number of servers keeps the wanted share.".to_owned(),
    };
    [formula, simulated, needed].join("\n")
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::kernel::calendar::OpenTime as _;

    #[derive(Debug, clap::Parser)]
    struct Line {
        #[command(flatten)]
        queue: Queue,
    }

    #[test]
    fn who_is_away_is_away_for_two_weeks_and_the_others_work() {
        let line = "x --servers 3 --per-hour 2 --handling 30m --target 1h --away 1";
        let args = Line::try_parse_from(line.split(' ')).unwrap().queue;
        let world = world(&args, 1_800.0, 3_600.0);
        let works = |at: usize, weeks: i64| {
            let from = world.from + TimeDelta::weeks(weeks);
            !world.workers[at].shift.intervals(from, from + TimeDelta::hours(1)).is_empty()
        };
        assert_eq!([works(0, 0), works(0, 1), works(0, 2)], [false, false, true]);
        assert!(works(1, 0) && works(2, 0));
    }
}
