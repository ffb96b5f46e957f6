//! What happened so far, as tables: results by month and channel, experiments, cohorts of customers.

use chrono::NaiveDate;

use super::markdown::Section;
use super::sections::Columns;
use super::{Channel, Cohort, Outcome, Trial};
use crate::programmes::fault::Faults;

pub(super) fn results(section: &Section, channels: &[Channel], faults: &mut Faults) -> Vec<Outcome> {
    let columns = ["Month", "Channel", "Spend", "Visits", "Leads", "MQLs", "Opportunities", "Won", "Revenue"];
    let columns = Columns::new(section, &columns, faults);
    let mut found: Vec<Outcome> = Vec::new();
    for cells in columns.rows() {
        let month = cells.text(0, "month", faults);
        if format!("{month}-01").parse::<NaiveDate>().is_err() {
            faults.add(cells.line(), "Results", format!("`{month}` is no month such as 2026-01"));
        }
        let name = cells.text(1, "channel", faults);
        let channel = channels.iter().find(|channel| channel.name.eq_ignore_ascii_case(&name));
        if channel.is_none() {
            let known: Vec<&str> = channels.iter().map(|channel| channel.name.as_str()).collect();
            faults.unknown(cells.line(), "Results", "channel", &name, &known);
        }
        let outcome = Outcome {
            month,
            channel: channel.map(|channel| channel.slug.clone()).unwrap_or_default(),
            spend: cells.number(2, "spend", faults),
            visits: cells.count(3, "visits", faults),
            leads: cells.count(4, "leads", faults),
            mqls: cells.count(5, "MQLs", faults),
            opportunities: cells.count(6, "opportunities", faults),
            won: cells.count(7, "customers won", faults),
            revenue: cells.number(8, "revenue", faults),
        };
        if found.iter().any(|other| other.month == outcome.month && other.channel == outcome.channel) {
            faults.add(cells.line(), "Results", format!("{} is there twice for {}", name, outcome.month));
        }
        let falling = [outcome.visits, outcome.leads, outcome.mqls, outcome.opportunities, outcome.won];
        if falling.windows(2).any(|pair| pair[1] > pair[0]) {
            faults.add(cells.line(), "Results", "a later stage has more than an earlier one");
        }
        found.push(outcome);
    }
    found
}

pub(super) fn experiments(section: &Section, faults: &mut Faults) -> Vec<Trial> {
    let columns =
        ["Experiment", "Control visitors", "Control conversions", "Variant visitors", "Variant conversions"];
    let columns = Columns::new(section, &columns, faults);
    let mut found = Vec::new();
    for cells in columns.rows() {
        let mut count = |column: usize| cells.count(column, "count", faults);
        let counts = [count(1), count(2), count(3), count(4)];
        if counts[1] > counts[0] || counts[3] > counts[2] || counts[0] == 0 || counts[2] == 0 {
            faults.add(cells.line(), "Experiment results", "more conversions than visitors, or no visitors");
        }
        found.push(Trial {
            name: cells.text(0, "name", faults),
            control_visitors: counts[0],
            control_conversions: counts[1],
            variant_visitors: counts[2],
            variant_conversions: counts[3],
        });
    }
    found
}

pub(super) fn cohorts(section: &Section, faults: &mut Faults) -> Vec<Cohort> {
    let Some(table) = section.tables.first() else {
        faults.add(section.line, "Cohorts", "needs a table: Quarter | Customers | 1 | 2 …");
        return Vec::new();
    };
    let mut found = Vec::new();
    for row in &table.rows {
        let counts: Vec<Option<u64>> = row
            .cells
            .iter()
            .skip(1)
            .filter(|cell| !cell.is_empty())
            .map(|cell| cell.replace(',', "").parse().ok())
            .collect();
        let counts: Option<Vec<u64>> = counts.into_iter().collect();
        match counts.as_deref() {
            Some([customers, left @ ..])
                if *customers > 0 && counts.iter().flatten().is_sorted_by(|a, b| a >= b) =>
            {
                let quarter = row.cells.first().cloned().unwrap_or_default();
                found.push(Cohort { quarter, customers: *customers, left: left.to_vec() });
            }
            _ => faults.add(
                row.line,
                "Cohorts",
                "must be counts that do not rise, the customers at first above 0",
            ),
        }
    }
    found
}
