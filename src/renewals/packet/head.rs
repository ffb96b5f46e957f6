//! The case on one page: what is at stake, what stands in the way, why it is rated so.

use super::said_by;
use crate::kernel::document::block::{Block, Inline, Line, Text, labelled, plain};
use crate::kernel::text::sentence_list;
use crate::plans::model::Role;
use crate::renewals::measures::told_date;
use crate::renewals::remedy::{late, remedies};
use crate::renewals::telling::Telling;

/// How many dates that cannot be kept are told one by one.
const LATE_TOLD_MAX: usize = 5;

/// What is at stake, and by whom it is run.
pub(super) fn case(telling: &Telling<'_>) -> Vec<Block> {
    let plays = telling.plays;
    let (risk, tier) = (plays.risk(telling.terms.risk), plays.tier(telling.terms.tier));
    let play = plays.play(&telling.terms.play);
    let mut rows: Vec<[Line; 2]> = vec![
        [plain("Account"), plain(telling.account)],
        [plain("Renewal date"), plain(told_date(telling.terms.deadline))],
    ];
    if let Some(value) = telling.facts.get("value") {
        rows.push([plain("Yearly value"), plain(value)]);
    }
    let title = play.map_or(telling.terms.play.as_str(), |play| play.title.as_str());
    rows.push([plain("Play"), plain(title)]);
    rows.push([plain("Tier"), plain(&tier.title)]);
    rows.push([plain("Risk"), strong(&format!("{} (score {})", risk.title, telling.rating.score))]);
    rows.push([plain("Oversight"), plain(&risk.oversight)]);
    rows.push([plain("Status"), plain(telling.status.replace('_', " "))]);
    let calendar = plays.calendar();
    let end = calendar.local_date(telling.schedule.ends_at).max(telling.terms.deadline);
    let start = calendar.local_date(telling.schedule.starts_at);
    rows.push([plain("Runs"), plain(format!("{} to {}", told_date(start), told_date(end)))]);
    let made = told_date(calendar.local_date(telling.made_at));
    rows.push([plain("Version"), plain(format!("{}, of {made}", telling.version))]);
    let mut blocks = vec![Block::table(["Renewal", ""], rows)];
    if let Some(play) = play {
        blocks.push(Block::Paragraph(labelled("What we do", &play.summary)));
    }
    blocks
}

fn strong(text: &str) -> Line {
    vec![Inline::Strong(Text::new(text))]
}

/// What stands in the way: dates that cannot be kept, people who are missing.
pub(super) fn warnings(telling: &Telling<'_>) -> Vec<Block> {
    let mut lines: Vec<Line> = Vec::new();
    let late = late(telling.plays, telling.plan, telling.schedule);
    if !late.is_empty() {
        let count = late.len();
        let dates = if count == 1 {
            "1 date cannot be kept".to_owned()
        } else {
            format!("{count} dates cannot be kept")
        };
        let titles: Vec<String> = late
            .iter()
            .take(LATE_TOLD_MAX)
            .map(|one| format!("\"{}\" by {}", one.task.title, told_date(one.should)))
            .collect();
        let more = count.saturating_sub(LATE_TOLD_MAX);
        let named =
            if more > 0 { format!("{} and {more} more", titles.join(", ")) } else { sentence_list(&titles) };
        lines.push(labelled(&dates, named));
        lines.extend(
            remedies(telling.plays, telling.terms, telling.plan, telling.schedule)
                .iter()
                .map(|remedy| labelled("What helps", remedy)),
        );
    }
    let missing = unfilled(telling);
    if !missing.is_empty() {
        lines.push(labelled("Nobody is named for", sentence_list(&missing)));
    }
    if lines.is_empty() { Vec::new() } else { vec![Block::Warning(lines)] }
}

/// The roles with tasks that nobody holds.
fn unfilled(telling: &Telling<'_>) -> Vec<String> {
    let mut roles: Vec<&Role> = telling.plan.tasks.iter().map(|task| &task.owner).collect();
    roles.extend(&telling.plan.error_handling.ladder);
    roles.sort_unstable();
    roles.dedup();
    let holders = roles.into_iter().filter_map(|role| telling.holder(role));
    holders.filter(|holder| holder.name.is_none()).map(|holder| holder.title.clone()).collect()
}

/// Why it is rated so.
pub(super) fn reasons(telling: &Telling<'_>) -> Vec<Block> {
    let mut blocks = vec![Block::heading("Why it is rated so")];
    if telling.rating.reasons.is_empty() {
        blocks.push(Block::Paragraph(plain("No sign of risk was seen in what is known.")));
        return blocks;
    }
    let calendar = telling.plays.calendar();
    let rows = telling.rating.reasons.iter().map(|reason| {
        let as_of = reason.as_of.map_or_else(String::new, |at| told_date(calendar.local_date(at)));
        [
            plain(&reason.text),
            plain(reason.points.to_string()),
            plain(reason.source.as_deref().map_or("computed from the facts of the account", said_by)),
            plain(as_of),
        ]
    });
    blocks.push(Block::table(["What was seen", "Points", "Said by", "As of"], rows));
    let file = &telling.plays.file().rating;
    let text = format!(
        "Together {} points; yellow begins at {}, red at {}.",
        telling.rating.score, file.yellow_from, file.red_from
    );
    blocks.push(Block::Paragraph(plain(text)));
    blocks
}

/// What tells afterwards whether it was worth it.
pub(super) fn success(telling: &Telling<'_>) -> Vec<Block> {
    let rows = telling
        .plan
        .success_metrics
        .iter()
        .map(|metric| [plain(&metric.name), plain(&metric.target), plain(&metric.measured_by)]);
    vec![Block::heading("What success is"), Block::table(["Figure", "Target", "Measured by"], rows)]
}
