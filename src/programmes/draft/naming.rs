//! What files an output has, and how commits and branches are called.
//!
//! Promises: the same whoever makes the files, so what an outside worker hands in and what the drafter makes lie in the same places.

use minijinja::Value;

use crate::kernel::text::sentence_list;
use crate::programmes::business::{Business, Channel, Competitor, Persona};
use crate::programmes::definition::{Agent, Each, Item, Output, Step};
use crate::programmes::figures::{Figures, Segment, TestPlan};

/// What one file of a folder is about.
#[derive(Debug, Clone, Copy)]
pub enum Subject<'s> {
    Whole,
    Persona(&'s Persona),
    Competitor(&'s Competitor),
    Channel(&'s Channel),
    Segment(&'s Segment),
    Experiment(&'s TestPlan),
    Item(&'s Item),
}

impl<'s> Subject<'s> {
    pub fn slug(&self) -> &'s str {
        match self {
            Self::Whole => "",
            Self::Persona(of) => &of.slug,
            Self::Competitor(of) => &of.slug,
            Self::Channel(of) => &of.slug,
            Self::Segment(of) => &of.slug,
            Self::Experiment(of) => &of.slug,
            Self::Item(of) => &of.slug,
        }
    }

    pub fn persona(&self) -> Option<&'s Persona> {
        if let Self::Persona(of) = self { Some(of) } else { None }
    }

    pub fn competitor(&self) -> Option<&'s Competitor> {
        if let Self::Competitor(of) = self { Some(of) } else { None }
    }

    pub fn channel(&self) -> Option<&'s Channel> {
        if let Self::Channel(of) = self { Some(of) } else { None }
    }

    pub fn experiment(&self) -> Option<&'s TestPlan> {
        if let Self::Experiment(of) = self { Some(of) } else { None }
    }

    pub(super) fn value(&self) -> Value {
        match self {
            Self::Whole => Value::UNDEFINED,
            Self::Persona(of) => Value::from_serialize(of),
            Self::Competitor(of) => Value::from_serialize(of),
            Self::Channel(of) => Value::from_serialize(of),
            Self::Segment(of) => Value::from_serialize(of),
            Self::Experiment(of) => Value::from_serialize(of),
            Self::Item(of) => Value::from_serialize(of),
        }
    }
}

/// What a folder has files for; the whole for a single file.
pub fn subjects<'s>(business: &'s Business, figures: &'s Figures, output: &'s Output) -> Vec<Subject<'s>> {
    if !output.items.is_empty() {
        return output.items.iter().map(Subject::Item).collect();
    }
    match output.each {
        None => vec![Subject::Whole],
        Some(Each::Persona) => business.personas.iter().map(Subject::Persona).collect(),
        Some(Each::Competitor) => business.competitors.iter().map(Subject::Competitor).collect(),
        Some(Each::Channel) => business.channels.iter().map(Subject::Channel).collect(),
        Some(Each::Segment) => figures.segments.iter().map(Subject::Segment).collect(),
        Some(Each::Experiment) => figures.experiments.iter().map(Subject::Experiment).collect(),
    }
}

/// The paths of an output, below the root.
pub fn paths(business: &Business, figures: &Figures, output: &Output, agent: &Agent) -> Vec<String> {
    let path = output.path_for(agent);
    let of = |subject: &Subject<'_>| {
        if output.is_folder() { format!("{path}{}.md", subject.slug()) } else { path.clone() }
    };
    subjects(business, figures, output).iter().map(of).collect()
}

/// Stands for a channel in the name of a branch whose work is for all of them.
const ALL_CHANNELS: &str = "all-channels";

/// The channel that a file of an output is about, where the step has a branch for each channel.
pub fn channel_of<'b>(
    business: &'b Business,
    step: &Step,
    output: &Output,
    path: &str,
) -> Option<&'b Channel> {
    if output.each != Some(Each::Channel) || !step.branch.contains("{channel}") {
        return None;
    }
    let name = path.rsplit('/').next()?;
    let (stem, end) = name.rsplit_once('.')?;
    // A chart is called like the file beside which it lies, and more; the longest name that fits is meant.
    let fits = |of: &&Channel| {
        of.slug == stem
            || (end != "md" && stem.strip_prefix(&of.slug).is_some_and(|rest| rest.starts_with('-')))
    };
    business.channels.iter().filter(fits).max_by_key(|of| of.slug.len())
}

/// The message of the commit of an output, without the agent; of the part for one channel, where there is one.
pub fn commit_message(
    business: &Business,
    figures: &Figures,
    output: &Output,
    channel: Option<&Channel>,
) -> String {
    let names: Vec<String> = business.competitors.iter().map(|of| of.name.clone()).collect();
    let message = output
        .commit
        .replace("{count}", &subjects(business, figures, output).len().to_string())
        .replace("{names}", &sentence_list(&names))
        .replace("{onboarding_days}", &business.onboarding_days.to_string());
    match channel {
        None => message.replace("{channel}", "all channels"),
        Some(channel) if message.contains("{channel}") => message.replace("{channel}", &channel.name),
        Some(channel) => format!("{message} ({})", channel.name),
    }
}

/// The branch of a step, below `gtm/`; of its work for one channel, where there is one.
pub fn branch(
    business: &Business,
    figures: &Figures,
    step: &Step,
    agent: &Agent,
    channel: Option<&Channel>,
) -> String {
    step.branch
        .replace("{date}", &business.start.to_string())
        .replace("{quarter}", &figures.dates.quarter)
        .replace("{channel}", channel.map_or(ALL_CHANNELS, |of| of.slug.as_str()))
        .replace("{agent}", &agent.id)
}

/// Whose branches a step has: one for each channel and one for all of them, or a single one.
pub fn parts<'b>(business: &'b Business, step: &Step) -> Vec<Option<&'b Channel>> {
    let own = step.branch.contains("{channel}").then_some(&business.channels);
    own.into_iter().flatten().map(Some).chain([None]).collect()
}
