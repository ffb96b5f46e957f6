//! The packet as a document: for those who sign it, and for those who work by it.
//!
//! In reading order: the document as a whole here, [`routing`], [`sla`], [`people`].
//!
//! Promises: what has to be decided stands first; Markdown and HTML are made from the same blocks; every figure says where
//! it comes from. What is not signed is said to be open.

pub mod people;
pub mod routing;
pub mod sla;
#[cfg(test)]
mod tests;

use chrono::NaiveDate;

use super::packet::Packet;
use super::packet::plan::stage_title;
use super::playbook::SignOff;
use super::readiness::Standing;
use super::words::{percent, readable, spelled};
use crate::handoffs::Basis;
use crate::kernel::calendar::Zone;
use crate::kernel::clock::DateTime;
use crate::kernel::document::block::{Block, Line, Text, labelled, plain};
use crate::kernel::document::{html, markdown};
use crate::plans::Schedule;
use crate::plans::document::{Told as ToldPlan, critical_path, gantt, instant, summary, timeline};
use crate::plans::model::Plan;

/// A sign-off as it is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed {
    pub sign: SignOff,
    pub name: String,
    pub at: DateTime,
    pub comment: Option<String>,
}

/// What a document is made from.
#[derive(Debug, Clone, Copy)]
pub struct Told<'a> {
    pub packet: &'a Packet,
    pub plan: &'a Plan,
    /// None where the plan has faults.
    pub schedule: Option<&'a Schedule>,
    pub version: i32,
    /// As the API names it, such as `draft`.
    pub status: &'a str,
    pub author: &'a str,
    pub made_at: DateTime,
    pub signed: &'a [Signed],
    pub zone: &'a Zone,
}

/// `Tue 12 Jan 2027`.
pub fn date(date: NaiveDate) -> String {
    date.format("%a %-d %b %Y").to_string()
}

/// As Markdown (`CommonMark` with tables).
pub fn as_markdown(told: &Told<'_>) -> String {
    markdown::render(&blocks(told))
}

/// As one HTML document.
pub fn as_html(told: &Told<'_>) -> String {
    html::render(&title(told.packet), &blocks(told))
}

/// Such as `Handoff design: enterprise, pipeline`.
pub fn title(packet: &Packet) -> String {
    format!("Handoff design: {}, {}", packet.segment.words(), packet.goal.words())
}

/// The whole of it.
pub fn blocks(told: &Told<'_>) -> Vec<Block> {
    let packet = told.packet;
    let mut blocks = vec![Block::Title(Text::new(&title(packet)))];
    blocks.extend(opening(told));
    blocks.extend(intake(packet));
    blocks.extend(routing::blocks(&packet.routing));
    blocks.extend(sla::blocks(packet));
    blocks.extend(people::escalation(&packet.escalation));
    blocks.extend(people::checklist(packet));
    blocks.extend(people::enablement(packet));
    blocks.extend(plan(told));
    blocks.extend(people::success(packet));
    blocks.extend(approvals(told));
    blocks
}

/// What is to be decided, and on which terms.
fn opening(told: &Told<'_>) -> Vec<Block> {
    let packet = told.packet;
    let model = &packet.model;
    let clock = match model.basis {
        Basis::Wall => "every hour counts",
        Basis::Business => "working time counts",
    };
    let status = told.status.replace('_', " ");
    let version =
        format!("{}, {status}, by {} on {}", told.version, told.author, instant(told.made_at, told.zone));
    let rows = [
        [
            "Promise",
            &format!("first contact within {} for {}; {clock}", model.response, percent(model.service_level)),
        ],
        [
            "Handoff",
            &format!(
                "{}, from {} to {}",
                spelled(&packet.routing.handoff_type),
                spelled(&packet.routing.from_team),
                spelled(&packet.routing.to_team)
            ),
        ],
        ["Launch", &date(packet.launch)],
        ["Version", &version],
    ];
    let rows = rows.map(|[name, value]| [plain(name), plain(value)]);
    let mut blocks = vec![Block::table(["Design", ""], rows), Block::heading("Recommendation")];
    let now = model.simulation.as_ref();
    let kept = now.is_some_and(|now| now.within_target >= model.service_level);
    let says = plain(&model.recommendation);
    blocks.push(if kept { Block::Paragraph(says) } else { Block::Warning(vec![says]) });
    let missing = packet.intake.iter().filter(|finding| finding.status == Standing::Missing).count();
    let late = packet.enablement.iter().filter(|line| line.is_late).count()
        + packet.dependencies.iter().filter(|line| line.is_late).count();
    let mut open = Vec::new();
    if missing > 0 {
        open.push(labelled(
            "Before the launch",
            format!("{missing} definitions are missing; see the intake."),
        ));
    }
    if late > 0 {
        open.push(labelled(
            "Dates",
            format!("{late} things cannot be there in time; see enablement and dependencies."),
        ));
    }
    open.extend(packet.capacity_notes.iter().map(|note| labelled("Capacity, as it was told", note)));
    if !open.is_empty() {
        blocks.push(Block::List(open));
    }
    blocks
}

fn intake(packet: &Packet) -> Vec<Block> {
    let rows = packet.intake.iter().map(|finding| {
        // Marks of code read as dirt where nothing formats; what is to be set is named as one writes it.
        let bare = |text: &str| plain(text.replace('`', ""));
        let what = finding.what_to_do.as_deref().unwrap_or("–");
        let says = plain(readable(&finding.says));
        [plain(&finding.asks), plain(finding.status.words()), says, bare(what)]
    });
    vec![
        Block::heading("Intake: what is defined"),
        Block::table(["Question", "Status", "Found", "What to do"], rows.collect::<Vec<[Line; 4]>>()),
    ]
}

fn plan(told: &Told<'_>) -> Vec<Block> {
    let mut blocks = vec![Block::heading("Plan")];
    match told.schedule {
        Some(schedule) => {
            let told = ToldPlan {
                plan: told.plan,
                schedule,
                tasks: None,
                gates: None,
                zone: told.zone,
                stage: stage_title,
            };
            blocks.extend(summary(&told));
            blocks.push(gantt(&told));
            blocks.extend(timeline(&told));
            blocks.extend(critical_path(&told));
        }
        None => blocks.push(Block::Warning(vec![plain("The plan has faults and no dates; see plan.json.")])),
    }
    blocks
}

fn approvals(told: &Told<'_>) -> Vec<Block> {
    let rows = SignOff::ALL.map(|sign| {
        let signed = told.signed.iter().find(|signed| signed.sign == sign);
        let (name, at, comment) =
            signed.map_or(("open".to_owned(), String::new(), String::new()), |signed| {
                let comment = signed.comment.clone().unwrap_or_default();
                (signed.name.clone(), instant(signed.at, told.zone), comment)
            });
        [plain(sign.words()), plain(name), plain(at), plain(comment)]
    });
    vec![
        Block::heading("Approvals"),
        Block::Paragraph(plain(
            "Two people sign; whoever made this version may be one of them. A change makes a new version, which is signed anew.",
        )),
        Block::table(["Sign-off", "Name", "When", "Comment"], rows),
    ]
}
