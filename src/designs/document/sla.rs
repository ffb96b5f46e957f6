//! The SLA tables: what went in, what comes out, how many people it takes, what may go wrong.

use crate::designs::estimate::SlaModel;
use crate::designs::packet::Packet;
use crate::designs::service::simulate::Simulated;
use crate::designs::words::{number, percent, percents, span};
use crate::kernel::document::block::{Block, Line, plain};

pub fn blocks(packet: &Packet) -> Vec<Block> {
    let model = &packet.model;
    let mut blocks = vec![Block::heading("SLA tables"), Block::subheading("What went into the model")];
    let inputs = model.inputs.iter().map(|input| {
        [
            plain(&input.name),
            plain(&input.value),
            plain(input.source.words()),
            plain(input.note.replace('`', "")),
        ]
    });
    blocks.push(Block::table(["Figure", "Value", "Source", "How"], inputs.collect::<Vec<[Line; 4]>>()));
    blocks.push(Block::subheading("What can be kept with those who are there"));
    blocks.push(figures(model));
    blocks.push(Block::subheading("How many people it takes"));
    blocks.extend(staffing(model));
    blocks.push(Block::subheading("Risks"));
    if model.risks.is_empty() {
        blocks.push(Block::Paragraph(plain("None that the figures show.")));
    } else {
        let risks = model
            .risks
            .iter()
            .map(|risk| [plain(risk.severity.words()), plain(&risk.says), plain(&risk.what_to_do)]);
        blocks.push(Block::table(["Weight", "Risk", "What to do"], risks.collect::<Vec<[Line; 3]>>()));
    }
    blocks
}

/// Formula and counting side by side.
fn figures(model: &SlaModel) -> Block {
    let formula = model.erlang.figures.as_ref();
    let counted = model.simulation.as_ref();
    let of_formula = |tell: fn(&crate::designs::service::erlang::Figures) -> String| {
        formula.map_or_else(|| "overrun".to_owned(), tell)
    };
    let of_counted = |tell: fn(&Simulated) -> String| counted.map_or_else(|| "–".to_owned(), tell);
    let share = format!("Answered within {}", model.response);
    let rows = [
        [
            share.as_str(),
            &of_formula(|f| percent(f.within_target)),
            &of_counted(|s| percent(s.within_target)),
        ],
        [
            "In nine of ten periods of four weeks",
            "–",
            &of_counted(|s| percents(s.within_target_range.low, s.within_target_range.high)),
        ],
        [
            "The mean of the simulation is sure to",
            "–",
            &of_counted(|s| percents(s.within_target_confidence.low, s.within_target_confidence.high)),
        ],
        [
            "Mean time to the contact",
            &of_formula(|f| span(f.mean_response_secs)),
            &of_counted(|s| span(s.mean_response_secs)),
        ],
        [
            "95 % are contacted within",
            &of_formula(|f| span(f.p95_response_secs)),
            &of_counted(|s| s.p95_response_secs.map_or_else(|| "never".to_owned(), span)),
        ],
        ["Reps are busy", &of_formula(|f| percent(f.utilisation)), &of_counted(|s| percent(s.utilisation))],
        ["No staffing of these hours exceeds", "–", &model.ceiling.map_or_else(|| "–".to_owned(), percent)],
    ];
    let rows = rows.map(|[name, formula, counted]| [plain(name), plain(formula), plain(counted)]);
    Block::table(["", "Erlang C, staffed hours only", "Simulation over the calendar"], rows)
}

fn staffing(model: &SlaModel) -> Vec<Block> {
    let rows = model.staffing.iter().map(|row| {
        let p95 = row.p95_response_secs.map_or_else(|| "never".to_owned(), span);
        [
            plain(row.reps.to_string()),
            plain(percent(row.within_target)),
            plain(percents(row.range.low, row.range.high)),
            plain(p95),
            plain(percent(row.utilisation)),
            plain(format!(
                "{} with {} at once",
                row.erlang_within_target.map_or_else(|| "overrun".to_owned(), percent),
                row.at_once
            )),
        ]
    });
    let mut blocks = vec![Block::table(
        ["Reps", "In time", "Range", "95 % within", "Busy", "Erlang C"],
        rows.collect::<Vec<[Line; 6]>>(),
    )];
    let wanted = percent(model.service_level);
    blocks.push(Block::Paragraph(plain(match model.need.reps {
        Some(1) => format!("For {wanted} it takes 1 rep of these hours."),
        Some(count) => format!("For {wanted} it takes {count} reps of these hours."),
        None => {
            format!("No number of reps up to {} keeps {wanted} in these hours.", model.need.searched_up_to)
        }
    })));
    let counted = model.simulation.as_ref();
    blocks.extend(counted.map(|counted| {
        Block::Paragraph(plain(format!(
            "Simulated with seed {}: {} runs of four weeks with {} handoffs each on average. The same seed gives the same figures.",
            counted.seed,
            counted.runs,
            number(counted.arrivals_per_run)
        )))
    }));
    blocks
}
