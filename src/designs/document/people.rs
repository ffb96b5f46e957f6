//! What people do: the escalation tree, data and tools, enablement, what tells success.

use super::date;
use crate::designs::packet::Packet;
use crate::designs::packet::escalation::Escalation;
use crate::kernel::document::block::{Block, Line, plain};

/// A role with who fills it.
fn owner(packet: &Packet, role: &str) -> String {
    let line = packet.roles.iter().find(|line| line.role == role);
    match line.map(|line| (line.name.as_deref(), line.title.as_str())) {
        Some((Some(name), title)) => format!("{name}, {title}"),
        Some((None, title)) => title.to_owned(),
        None => role.to_owned(),
    }
}

pub fn escalation(tree: &Escalation) -> Vec<Block> {
    let steps = tree.steps.iter().map(|step| [plain(&step.when), plain(&step.what), plain(&step.who)]);
    let rungs = tree.ladder.iter().map(|rung| {
        let who =
            rung.name.as_ref().map_or_else(|| rung.title.clone(), |name| format!("{name}, {}", rung.title));
        let fallback = rung.fallback.as_deref().unwrap_or("nobody");
        plain(format!("{who}; {fallback} stands in"))
    });
    vec![
        Block::heading("Escalation tree"),
        Block::table(["When", "What", "Who is told"], steps.collect::<Vec<[Line; 3]>>()),
        Block::Paragraph(plain(format!(
            "What fails is tried {} times again; then the ladder is climbed, a rung a day:",
            tree.retries
        ))),
        Block::Steps(rungs.collect()),
        Block::Paragraph(plain(&tree.guardrail)),
    ]
}

pub fn checklist(packet: &Packet) -> Vec<Block> {
    let rows = packet.checklist.iter().map(|line| {
        [
            plain(line.kind.words()),
            plain(&line.title),
            plain(owner(packet, &line.owner)),
            plain(date(line.due_on)),
        ]
    });
    let mut blocks = vec![
        Block::heading("Data and tooling"),
        Block::table(["Kind", "What", "Owner", "Due"], rows.collect::<Vec<[Line; 4]>>()),
    ];
    if !packet.dependencies.is_empty() {
        let rows = packet.dependencies.iter().map(|line| {
            let status = match (line.ready, line.is_late) {
                (true, _) => "there",
                (false, false) => "awaited",
                (false, true) => "too late",
            };
            [plain(&line.name), plain(owner(packet, &line.owner)), plain(date(line.due_on)), plain(status)]
        });
        blocks.push(Block::subheading("What the design depends on"));
        blocks.push(Block::table(["What", "Owner", "By", "Status"], rows.collect::<Vec<[Line; 4]>>()));
    }
    blocks
}

pub fn enablement(packet: &Packet) -> Vec<Block> {
    let rows = packet.enablement.iter().map(|line| {
        let late = if line.is_late { ", too late" } else { "" };
        [
            plain(line.kind.words()),
            plain(&line.title),
            plain(line.pod.as_deref().unwrap_or("all")),
            plain(owner(packet, &line.owner)),
            plain(date(line.begin_on)),
            plain(format!("{}{late}", date(line.due_on))),
        ]
    });
    vec![
        Block::heading("Enablement"),
        Block::Paragraph(plain(
            "Due dates are worked back from the launch over the team's working days; the last one before it is for the sign-offs.",
        )),
        Block::table(["Kind", "What", "For", "Owner", "Begin", "Due"], rows.collect::<Vec<[Line; 6]>>()),
    ]
}

pub fn success(packet: &Packet) -> Vec<Block> {
    let rows = packet
        .metrics
        .iter()
        .map(|metric| [plain(&metric.name), plain(&metric.target), plain(&metric.measured_by)]);
    vec![
        Block::heading("What tells success"),
        Block::table(["Figure", "Target", "Measured by"], rows.collect::<Vec<[Line; 3]>>()),
    ]
}
