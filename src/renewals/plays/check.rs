//! Reading a file of plays, and everything that can be wrong with it.
//!
//! Promises: a fault of form stops at the first, with its line; all faults of values come at once. Every combination of
//! play, risk and tier is put together here once, so that none fails when it is needed.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use toml::Spanned;

use super::compose::{STAGES, compose};
use super::fault::{Faults, PlaysFault};
use super::file::{Additions, Asset, File, Step};
use super::texts::{self, FACTS};
use super::{Plays, Risk, Tier};
use crate::kernel::calendar::{WorkCalendar, Zone};
use crate::kernel::text::nearest;
use crate::renewals::model::Cause;
use crate::renewals::rating::SIGNS;

/// The most tasks and assets of one layer: far more than people can follow.
const ENTRIES_MAX: usize = 100;
/// The longest lead time and the longest way between two checkpoints, in days.
const DAYS_MAX: u16 = 366;

/// The file, or all that is wrong with it.
pub(super) fn read(text: &str) -> Result<Plays, Vec<PlaysFault>> {
    let mut faults = Faults::new(text);
    let file: File = match toml::from_str(text) {
        Ok(file) => file,
        Err(error) => {
            faults.add(error.span().as_ref(), String::new(), error.message().to_owned());
            return Err(faults.all());
        }
    };
    let calendar = WorkCalendar::new(&file.calendar).unwrap_or_else(|wrong| {
        for fault in wrong {
            faults.suggest(None, format!("calendar.{}", fault.path), fault.message, fault.suggestion);
        }
        WorkCalendar::around_the_clock(Zone::utc())
    });
    let mut check = Check { file: &file, faults };
    check.terms();
    check.roles();
    check.rating();
    check.layers();
    check.tiers();
    let Check { mut faults, .. } = check;
    let plays = Plays { file, calendar };
    combinations(&plays, &mut faults);
    let faults = faults.all();
    if faults.is_empty() { Ok(plays) } else { Err(faults) }
}

struct Check<'f, 't> {
    file: &'f File,
    faults: Faults<'t>,
}

impl Check<'_, '_> {
    fn wrong(&mut self, path: impl Into<String>, message: impl Into<String>) {
        self.faults.add(None, path.into(), message.into());
    }

    /// A name that must be one of those known.
    fn known<'n>(
        &mut self,
        named: &Spanned<String>,
        path: String,
        what: &str,
        known: impl Iterator<Item = &'n str>,
    ) {
        let (name, known) = (named.get_ref(), known.collect::<Vec<_>>());
        if known.contains(&name.as_str()) {
            return;
        }
        let hint = nearest(name, known.iter().copied()).map_or_else(
            || format!("one of {}", known.join(", ")),
            |meant| format!("did you mean `{meant}`?"),
        );
        self.faults.suggest(Some(&named.span()), path, format!("`{name}` is no {what}"), Some(hint));
    }

    fn role(&mut self, named: &Spanned<String>, path: String) {
        self.known(named, path, "role", self.file.roles.keys().map(String::as_str));
    }

    fn number(&mut self, path: String, value: u32, range: std::ops::RangeInclusive<u32>) {
        if !range.contains(&value) {
            let (least, most) = (range.start(), range.end());
            self.wrong(path, format!("{value} is out of range: write {least} to {most}"));
        }
    }

    fn terms(&mut self) {
        let terms = &self.file.terms;
        for (index, role) in terms.ladder.iter().enumerate() {
            self.role(role, format!("terms.ladder[{index}]"));
        }
        for (index, role) in terms.tell.iter().enumerate() {
            self.role(role, format!("terms.tell[{index}]"));
        }
        self.role(&terms.gate_keeper, "terms.gate_keeper".to_owned());
        if terms.ladder.is_empty() {
            self.wrong("terms.ladder", "is empty: name at least one role that is told first");
        }
        for (key, length) in [("rung_after", terms.rung_after), ("within", terms.within)] {
            if length.is_zero() {
                self.wrong(format!("terms.{key}"), "is no time at all: write `24h`, for example");
            }
        }
        let currency = &terms.currency;
        if currency.len() != 3 || !currency.bytes().all(|b| b.is_ascii_uppercase()) {
            self.wrong(
                "terms.currency",
                format!("`{currency}` is no currency: write three capitals, such as `USD`"),
            );
        }
        self.number("terms.retries".into(), terms.retries.into(), 0..=9);
        self.number("terms.red_checkpoints".into(), terms.red_checkpoints.into(), 1..=9);
        self.number("terms.slipped_milestones".into(), terms.slipped_milestones.into(), 1..=9);
        self.number("terms.assumed_term_months".into(), terms.assumed_term_months, 1..=120);
        self.number("terms.satisfaction_of".into(), terms.satisfaction_of, 1..=100);
        self.number("terms.one_renewal_days".into(), terms.one_renewal_days, 0..=366);
    }

    fn roles(&mut self) {
        for (name, role) in &self.file.roles {
            let path = format!("roles.{name}");
            if !is_name(name) {
                self.wrong(path.clone(), "a role is named in small letters, such as `exec_sponsor`");
            }
            if role.title.trim().is_empty() {
                self.wrong(format!("{path}.title"), "is empty");
            }
            if let Some(fallback) = &role.fallback {
                self.role(fallback, format!("{path}.fallback"));
            }
            if let Some(circle) = self.circle(name) {
                let message = format!("stands in for itself in the end: {circle}");
                let at = role.fallback.as_ref().map(Spanned::span);
                self.faults.suggest(at.as_ref(), format!("{path}.fallback"), message, None);
            }
        }
    }

    /// The circle of fallbacks that a role is in.
    fn circle(&self, name: &str) -> Option<String> {
        let mut way = vec![name];
        let mut at = name;
        while let Some(next) = self.file.roles.get(at).and_then(|role| role.fallback.as_ref()) {
            at = next.get_ref();
            way.push(at);
            if at == name {
                return Some(way.join(" → "));
            }
            if way.len() > self.file.roles.len() {
                break;
            }
        }
        None
    }

    fn rating(&mut self) {
        let rating = &self.file.rating;
        self.number("rating.yellow_from".into(), rating.yellow_from, 1..=1_000);
        self.number("rating.hold_days".into(), rating.hold_days, 0..=366);
        if rating.red_from <= rating.yellow_from {
            self.wrong("rating.red_from", "must be more than `yellow_from`: red is worse than yellow");
        }
        if rating.margin >= rating.yellow_from {
            self.wrong("rating.margin", "must be less than `yellow_from`, or nothing ever turns green again");
        }
        for (code, sign) in &rating.signs {
            let path = format!("rating.signs.{code}");
            self.number(format!("{path}.points"), sign.points, 0..=100);
            match SIGNS.iter().find(|known| known.code == code) {
                None => {
                    let hint = nearest(code, SIGNS.iter().map(|sign| sign.code))
                        .map(|meant| format!("did you mean `{meant}`?"));
                    self.faults.suggest(None, path, format!("`{code}` is no sign of risk"), hint);
                }
                Some(known) => match (known.unit, sign.at) {
                    (Some(unit), None) => self.wrong(path, format!("needs `at`, in {unit}")),
                    (None, Some(_)) => self.wrong(path, "is seen or not, and takes no `at`"),
                    (_, Some(at)) if !(0.0..=1e6).contains(&at) => self.wrong(path, "`at` is out of range"),
                    _ => {}
                },
            }
        }
        for known in SIGNS.iter().filter(|known| !rating.signs.contains_key(known.code)) {
            let message = format!("`{}` is missing: write it with `points = 0` to leave it out", known.code);
            self.wrong("rating.signs", message);
        }
    }

    fn layers(&mut self) {
        let file = self.file;
        self.layer("base", file.base.additions());
        for (name, play) in &file.plays {
            let path = format!("plays.{name}");
            if !is_name(name) {
                self.wrong(path.clone(), "a play is named in small letters, such as `exec-save`");
            }
            self.layer(&path, play.additions());
        }
        for cause in Cause::ALL {
            if !file.plays.values().any(|play| play.causes.contains(&cause)) {
                self.wrong(
                    "plays",
                    format!("no play is for the cause `{}`; name it in the `causes` of one", cause.name()),
                );
            }
        }
        for (name, level) in
            [("green", &file.risks.green), ("yellow", &file.risks.yellow), ("red", &file.risks.red)]
        {
            let path = format!("risks.{name}");
            self.number(format!("{path}.every"), level.every.into(), 1..=DAYS_MAX.into());
            self.role(&level.overseer, format!("{path}.overseer"));
            self.layer(&path, level.additions());
        }
    }

    fn layer(&mut self, path: &str, adds: Additions<'_>) {
        if adds.tasks.len() + adds.assets.len() > ENTRIES_MAX {
            self.wrong(path, format!("more than {ENTRIES_MAX} tasks; nobody can follow so many"));
        }
        for (index, step) in adds.tasks.iter().enumerate() {
            self.step(&format!("{path}.tasks[{index}]"), step);
        }
        for (index, asset) in adds.assets.iter().enumerate() {
            self.asset(&format!("{path}.assets[{index}]"), asset);
        }
        let personas = self.file.personas.keys().map(String::as_str);
        for (index, point) in adds.points.iter().enumerate() {
            let path = format!("{path}.points[{index}]");
            self.known(&point.persona, format!("{path}.persona"), "persona", personas.clone());
            self.text(&point.say, &format!("{path}.say"));
        }
        for (index, proof) in adds.proof.iter().enumerate() {
            self.text(&proof.evidence, &format!("{path}.proof[{index}].evidence"));
        }
    }

    fn step(&mut self, path: &str, step: &Step) {
        self.known(&step.stage, format!("{path}.stage"), "stage", STAGES.iter().map(|(id, _)| *id));
        self.work(
            path,
            &step.id,
            &step.owner,
            &step.title,
            [step.days, step.least.unwrap_or(step.days), step.before],
        );
    }

    fn asset(&mut self, path: &str, asset: &Asset) {
        let personas = self.file.personas.keys().map(String::as_str);
        self.known(&asset.persona, format!("{path}.persona"), "persona", personas);
        self.work(
            path,
            &asset.id,
            &asset.owner,
            &asset.title,
            [asset.days, asset.least.unwrap_or(asset.days), asset.before],
        );
    }

    fn work(
        &mut self,
        path: &str,
        id: &Spanned<String>,
        owner: &Spanned<String>,
        title: &Spanned<String>,
        [days, least, before]: [u16; 3],
    ) {
        self.role(owner, format!("{path}.owner"));
        self.text(title, &format!("{path}.title"));
        if !is_name(id.get_ref()) || id.get_ref().starts_with("checkpoint-") {
            let message =
                format!("`{}` is no id: small letters, digits and `-`, and not `checkpoint-…`", id.get_ref());
            self.faults.add(Some(&id.span()), format!("{path}.id"), message);
        }
        let mut at = |key: &str, wrong: bool, message: &str| {
            if wrong {
                self.faults.add(Some(&id.span()), format!("{path}.{key}"), message.to_owned());
            }
        };
        at("days", !(1..=250).contains(&days), "out of range: write 1 to 250 working days");
        at("least", least == 0 || least > days, "must be at least 1 and at most `days`");
        at("before", before > DAYS_MAX, "out of range: write 0 to 366 days");
    }

    fn text(&mut self, text: &Spanned<String>, path: &str) {
        for name in texts::names(text.get_ref()) {
            if !FACTS.iter().any(|fact| fact.name == name) {
                let known = FACTS.iter().map(|fact| fact.name);
                let hint = nearest(name, known.clone()).map_or_else(
                    || format!("one of {}", known.collect::<Vec<_>>().join(", ")),
                    |meant| format!("did you mean `{{{meant}}}`?"),
                );
                let message = format!("`{{{name}}}` is no fact of an account");
                self.faults.suggest(Some(&text.span()), path.to_owned(), message, Some(hint));
            }
        }
    }

    fn tiers(&mut self) {
        let file = self.file;
        let mut above: Option<u32> = None;
        for (tier, terms) in file.tiers.each() {
            let path = format!("tiers.{tier}");
            self.number(format!("{path}.lead"), terms.lead.into(), 10..=200);
            self.role(&terms.top, format!("{path}.top"));
            for (role, other) in &terms.stand_in {
                if !file.roles.contains_key(role) {
                    let hint = nearest(role, file.roles.keys().map(String::as_str));
                    let hint = hint.map(|meant| format!("did you mean `{meant}`?"));
                    let path = format!("{path}.stand_in.{role}");
                    self.faults.suggest(Some(&other.span()), path, format!("`{role}` is no role"), hint);
                }
                self.role(other, format!("{path}.stand_in.{role}"));
            }
            if above.is_some_and(|above| terms.value_from >= above) {
                self.wrong(format!("{path}.value_from"), "must be less than that of the tier above");
            }
            above = Some(terms.value_from);
            self.layer(&path, terms.additions());
            let names: BTreeSet<&str> = [&file.base.tasks[..], &terms.tasks]
                .into_iter()
                .chain(file.plays.values().map(|play| &play.tasks[..]))
                .flatten()
                .map(|step| step.id.get_ref().as_str())
                .collect();
            for (index, id) in terms.without.iter().enumerate() {
                self.known(
                    id,
                    format!("{path}.without[{index}]"),
                    "task that it could leave out",
                    names.iter().copied(),
                );
            }
        }
        if file.tiers.scale.value_from != 0 {
            self.wrong("tiers.scale.value_from", "must be 0, so that every account has a tier");
        }
    }
}

/// Small letters, digits, `_` and `-`, beginning with a letter.
fn is_name(text: &str) -> bool {
    text.len() <= 64
        && text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '-')
}

/// Where the tasks of a layer are written, by id.
fn places(adds: Additions<'_>) -> impl Iterator<Item = (&str, Range<usize>)> {
    let steps = adds.tasks.iter().map(|step| (step.id.get_ref().as_str(), step.id.span()));
    steps.chain(adds.assets.iter().map(|asset| (asset.id.get_ref().as_str(), asset.id.span())))
}

/// Puts every combination together.
fn combinations(plays: &Plays, faults: &mut Faults<'_>) {
    // Many combinations have the same fault.
    let mut told = BTreeSet::new();
    for (name, risk, tier) in plays.file.plays.keys().flat_map(|name| {
        Risk::ALL.into_iter().flat_map(move |risk| Tier::ALL.into_iter().map(move |tier| (name, risk, tier)))
    }) {
        let Some(whole) = compose(plays, name, risk, tier) else { continue };
        let layers = [
            plays.file.base.additions(),
            whole.play.additions(),
            whole.risk.additions(),
            whole.tier.additions(),
        ];
        let mut written: BTreeMap<&str, Range<usize>> = BTreeMap::new();
        let mut tell = |at: Option<&Range<usize>>, message: String| {
            if told.insert((at.map(|at| at.start), message.clone())) {
                faults.add(at, format!("{name}, {risk}, {tier}"), message);
            }
        };
        for (id, place) in layers.into_iter().flat_map(places) {
            if written.insert(id, place.clone()).is_some() {
                tell(Some(&place), format!("there are two tasks `{id}`"));
            }
        }
        let due: BTreeMap<&str, u16> = whole.tasks.iter().map(|task| (task.id, task.before)).collect();
        for task in &whole.tasks {
            let place = written.get(task.id);
            for needed in &task.after {
                match due.get(needed) {
                    None => tell(
                        place,
                        format!("`{}` comes after `{needed}`, and there is no such task", task.id),
                    ),
                    // This also rules out circles, but for tasks of the same day.
                    Some(before) if *before < task.before => tell(
                        place,
                        format!(
                            "`{}` is done {} days before and comes after `{needed}`, which is done {before} days before",
                            task.id, task.before
                        ),
                    ),
                    Some(_) => {}
                }
            }
        }
        for id in circle(&whole.tasks.iter().map(|task| (task.id, &task.after)).collect()) {
            tell(written.get(id), format!("`{id}` waits for itself in the end"));
        }
        let starts = whole.tasks.iter().filter(|task| task.stage == "commercial");
        if starts.count() == 0 {
            tell(None, "there is no task in the stage `commercial`: nothing would be offered".to_owned());
        }
    }
}

/// The tasks that are never reached because they wait for each other.
fn circle<'a>(needs: &BTreeMap<&'a str, &BTreeSet<&'a str>>) -> Vec<&'a str> {
    let mut left: BTreeSet<&str> = needs.keys().copied().collect();
    loop {
        let free: Vec<&str> =
            left.iter().copied().filter(|id| needs[id].iter().all(|on| !left.contains(on))).collect();
        if free.is_empty() {
            return left.into_iter().collect();
        }
        for id in free {
            left.remove(id);
        }
    }
}
