//! The built-in drafter: every deliverable of a programme from its configuration alone.
//!
//! Promises: figures come from [`Figures`] and the messaging library, and what a text states or quotes is noted in its head as the
//! text is made, so that gates compare what was really written; the same configuration gives the same bytes. Texts are templates
//! of the definition: people edit them without touching code. Leaves out opinions: what the configuration does not say and
//! figures do not give is not in the documents.

pub mod charts;
mod data;
pub mod naming;
#[cfg(test)]
pub(crate) mod tests;
mod wording;
pub mod words;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use minijinja::{AutoEscape, Environment, UndefinedBehavior, Value, context};

use naming::{Subject, subjects};

use super::business::{Business, slug};
use super::definition::{Agent, Definition, Output, Step};
use super::deliverable::{Deliverable, Kind, Origin};
use super::figures::Figures;

/// One file of a workspace, below its root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    pub path: String,
    pub text: String,
}

/// A template does not fit the configuration.
#[derive(Debug, thiserror::Error)]
#[error("the text `{template}` could not be made: {message}")]
pub struct DraftError {
    pub template: String,
    pub message: String,
}

/// What a text has stated, quoted and named while it was made.
#[derive(Debug, Default)]
struct Noted {
    figures: BTreeMap<String, f64>,
    messages: BTreeMap<String, String>,
    personas: BTreeSet<String>,
    competitors: BTreeSet<String>,
    channels: BTreeSet<String>,
}

type Notes = Arc<Mutex<Noted>>;

/// Makes deliverables of one programme.
pub struct Drafter<'d> {
    definition: &'d Definition,
    business: &'d Business,
    figures: Figures,
    environment: Environment<'d>,
    shared: Value,
    notes: Notes,
    task: Option<String>,
}

impl<'d> Drafter<'d> {
    /// Prepares what all texts are made from.
    pub fn new(definition: &'d Definition, business: &'d Business) -> Self {
        let figures = Figures::of(business, &definition.restart);
        let notes = Notes::default();
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_auto_escape_callback(|_| AutoEscape::None);
        environment.set_trim_blocks(true);
        environment.set_lstrip_blocks(true);
        add_filters(&mut environment, business);
        add_functions(&mut environment, business, &figures, &notes);
        let shared = context! {
            b => Value::from_serialize(business),
            f => Value::from_serialize(&figures),
            agents => Value::from_serialize(&definition.agents),
            scenario => Value::from_serialize(definition.scenarios.iter().find(|of| of.id == business.scenario.name())),
            recommendations => Value::from_serialize(data::recommendations(business, &figures)),
            adds => figures.lead_score.examples.iter().map(data::added_up).collect::<Vec<_>>(),
        };
        Self { definition, business, figures, environment, shared, notes, task: None }
    }

    /// What one agent alone is asked to do: each document says in its head and its first line what it answers.
    #[must_use]
    pub fn asked(self, task: Option<&str>) -> Self {
        Self { task: task.map(|task| task.split_whitespace().collect::<Vec<_>>().join(" ")), ..self }
    }

    pub fn figures(&self) -> &Figures {
        &self.figures
    }

    /// All files of one output, made by one agent.
    pub fn draft(
        &self,
        phase: u32,
        step: &Step,
        output: &Output,
        agent: &Agent,
    ) -> Result<Vec<File>, DraftError> {
        let Some(kind) = Kind::named(&output.kind) else {
            return Err(DraftError {
                template: output.template.clone(),
                message: format!("unknown kind `{}`", output.kind),
            });
        };
        let path = output.path_for(agent);
        let origin = Origin { agent: &agent.id, phase, step: &step.id, task: self.task.as_deref() };
        let mut files = Vec::new();
        for subject in subjects(self.business, &self.figures, output) {
            let path = if output.is_folder() { format!("{path}{}.md", subject.slug()) } else { path.clone() };
            let (deliverable, drawn) = self.deliverable(kind, output, agent, &subject, &path)?;
            files.push(File { path, text: deliverable.render(kind, &origin) });
            files.extend(drawn);
        }
        Ok(files)
    }

    fn deliverable(
        &self,
        kind: Kind,
        output: &Output,
        agent: &Agent,
        subject: &Subject<'_>,
        path: &str,
    ) -> Result<(Deliverable, Vec<File>), DraftError> {
        let data = data::of(kind, self.business, &self.figures, subject, path);
        self.note(|noted| *noted = Noted::default());
        // Read as it is needed: a task has one text, a definition has many.
        let source = self.definition.templates.get(&output.template).map_or("", String::as_str);
        let template = self
            .environment
            .template_from_named_str(&output.template, source)
            .map_err(|error| failed(&output.template, &error))?;
        let own = context! { item => subject.value(), agent => Value::from_serialize(agent), data => Value::from_serialize(&data), path => path };
        let text = template
            .render(context! { ..own, ..self.shared.clone() })
            .map_err(|error| failed(&output.template, &error))?;
        // The first line of a text is its title.
        let (title, body) = text.trim_start().split_once('\n').unwrap_or((text.trim(), ""));
        let title = title.trim_start_matches('#').trim().to_owned();
        let (pictures, drawn) = self.drawn(output, path);
        let mut noted = Noted::default();
        self.note(|of| std::mem::swap(of, &mut noted));
        noted.personas.extend(subject.persona().map(|of| of.slug.clone()));
        noted.competitors.extend(subject.competitor().map(|of| of.slug.clone()));
        noted.channels.extend(subject.channel().map(|of| of.slug.clone()));
        noted.channels.extend(subject.experiment().map(|of| of.channel.clone()));
        let asked = self.task.as_ref().map(|task| format!("> Asked for: {task}\n\n")).unwrap_or_default();
        let deliverable = Deliverable {
            title,
            personas: noted.personas.into_iter().collect(),
            competitors: noted.competitors.into_iter().collect(),
            channels: noted.channels.into_iter().collect(),
            messages: noted.messages,
            figures: noted.figures,
            data,
            body: format!("{asked}{}{pictures}", body.trim()),
        };
        let message = |error: super::deliverable::Malformed| DraftError {
            template: output.template.clone(),
            message: error.to_string(),
        };
        deliverable.check(kind).map_err(message)?;
        Ok((deliverable, drawn))
    }

    /// Charts beside a file, and the lines that show them.
    fn drawn(&self, output: &Output, path: &str) -> (String, Vec<File>) {
        let stem = path.trim_end_matches(".md");
        let name = stem.rsplit('/').next().unwrap_or_default();
        let files = charts::beside(output, path, self.business, &self.figures);
        let shown = |file: &File| {
            let picture = file.path.rsplit('/').next().unwrap_or_default();
            let chart = picture.trim_start_matches(name).trim_matches('-').trim_end_matches(".svg");
            format!("\n\n![{}]({picture})", words::capital(&chart.replace('-', " ")))
        };
        (files.iter().map(shown).collect(), files)
    }

    fn note(&self, change: impl FnOnce(&mut Noted)) {
        note(&self.notes, change);
    }

    pub fn definition(&self) -> &Definition {
        self.definition
    }
}

fn note(notes: &Notes, change: impl FnOnce(&mut Noted)) {
    // A panic while a note is taken loses that note only.
    let mut noted = notes.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    change(&mut noted);
}

/// What is wrong with the form of a text: its line and the reason.
pub fn template_fault(name: &str, text: &str) -> Option<(usize, String)> {
    let environment = Environment::new();
    let error = environment.template_from_named_str(name, text).err()?;
    Some((
        error.line().unwrap_or_default(),
        error.detail().unwrap_or("is no text that can be made").to_owned(),
    ))
}

fn failed(template: &str, error: &minijinja::Error) -> DraftError {
    let line = error.line().map(|line| format!("line {line}: ")).unwrap_or_default();
    DraftError { template: template.to_owned(), message: format!("{line}{error}") }
}

fn add_filters(environment: &mut Environment<'_>, business: &Business) {
    let currency = business.currency.clone();
    environment.add_filter("money", move |value: f64| format!("{} {currency}", words::amount(value)));
    environment.add_filter("num", |value: f64| words::number(value));
    environment.add_filter("floor", |value: f64| value.floor());
    environment.add_filter("pct", |value: f64| words::percent(value));
    environment.add_filter("small", |text: &str| words::small(text));
    environment.add_filter("cap", |text: &str| words::capital(text));
    environment.add_filter("slug", |text: &str| slug(text));
    environment.add_filter("list", |texts: Vec<String>| crate::kernel::text::sentence_list(&texts));
    environment.add_filter("stop", |text: &str| text.trim_end_matches('.').to_owned());
    environment.add_filter("day", |text: &str| text.parse().map_or_else(|_| text.to_owned(), words::date));
}

fn add_functions(environment: &mut Environment<'_>, business: &Business, figures: &Figures, notes: &Notes) {
    let missing = |what: &str| {
        minijinja::Error::new(minijinja::ErrorKind::InvalidOperation, format!("there is no {what}"))
    };
    let named = figures.named(business);
    let kept = notes.clone();
    environment.add_function("fig", move |name: &str| {
        let value = *named.get(name).ok_or_else(|| missing(&format!("figure `{name}`")))?;
        note(&kept, |noted| {
            noted.figures.insert(name.to_owned(), value);
        });
        Ok::<f64, minijinja::Error>(value)
    });
    let library: BTreeMap<String, String> =
        data::library(business).into_iter().map(|line| (line.id, line.text)).collect();
    let kept = notes.clone();
    environment.add_function("msg", move |id: &str| {
        let text = library.get(id).cloned().ok_or_else(|| missing(&format!("message `{id}`")))?;
        note(&kept, |noted| {
            noted.messages.insert(id.to_owned(), text.clone());
        });
        Ok::<String, minijinja::Error>(text)
    });
    add_names(environment, business, notes);
    let start = business.start;
    environment.add_function("after", move |days: u64| words::date(words::later(start, days)));
    environment.add_function("measured_by", |metric: &str| data::measured_by(metric).to_owned());
}

/// Names that are noted when they are written: personas, competitors, channels.
fn add_names(environment: &mut Environment<'_>, business: &Business, notes: &Notes) {
    let titles: BTreeMap<String, String> =
        business.personas.iter().map(|of| (of.slug.clone(), of.title.clone())).collect();
    let kept = notes.clone();
    environment.add_function("who", move |slug: &str| {
        note(&kept, |noted| {
            noted.personas.insert(slug.to_owned());
        });
        titles.get(slug).cloned().unwrap_or_else(|| slug.to_owned())
    });
    let names: BTreeMap<String, String> =
        business.competitors.iter().map(|of| (of.slug.clone(), of.name.clone())).collect();
    let kept = notes.clone();
    environment.add_function("rival", move |slug: &str| {
        note(&kept, |noted| {
            noted.competitors.insert(slug.to_owned());
        });
        names.get(slug).cloned().unwrap_or_else(|| slug.to_owned())
    });
    let names: BTreeMap<String, String> =
        business.channels.iter().map(|of| (of.slug.clone(), of.name.clone())).collect();
    let kept = notes.clone();
    environment.add_function("via", move |slug: &str| {
        note(&kept, |noted| {
            noted.channels.insert(slug.to_owned());
        });
        names.get(slug).cloned().unwrap_or_else(|| slug.to_owned())
    });
}
