//! Charts as SVG, drawn here: bars and lines with their numbers written beside them.
//!
//! Promises: readable without colours and without scripts; texts are escaped; the same figures give the same bytes.

use std::fmt::Write as _;

use crate::programmes::business::Business;
use crate::programmes::definition::Output;
use crate::programmes::draft::{File, words};
use crate::programmes::figures::{Figures, real};

/// What draws a chart; nothing where there is nothing to draw.
type Draw = fn(&Business, &Figures) -> Option<String>;

/// All charts by name.
pub const CHARTS: &[(&str, Draw)] = &[
    ("budget", budget),
    ("funnel", funnel),
    ("attribution", attribution),
    ("sample-size", sample_size),
    ("forecast", forecast),
    ("channels", channels),
    ("cac-trend", cac_trend),
    ("cohorts", cohorts),
];

/// The SVG of a chart by its name.
pub fn chart(name: &str, business: &Business, figures: &Figures) -> Option<String> {
    CHARTS.iter().find(|(known, _)| *known == name).and_then(|(_, draw)| draw(business, figures))
}

/// The charts of an output, beside one of its files.
pub fn beside(output: &Output, path: &str, business: &Business, figures: &Figures) -> Vec<File> {
    let stem = path.trim_end_matches(".md");
    let one = |name: &String| {
        Some(File { path: format!("{stem}-{name}.svg"), text: chart(name, business, figures)? })
    };
    output.charts.iter().filter_map(one).collect()
}

const WIDTH: f64 = 720.0;
const LABELS: f64 = 230.0;
const ROW: f64 = 30.0;
const TOP: f64 = 44.0;

struct Bar {
    label: String,
    value: f64,
    shown: String,
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

fn opened(title: &str, height: f64) -> String {
    let title = escaped(title);
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH:.0} {height:.0}\" role=\"img\" aria-label=\"{title}\" \
         font-family=\"sans-serif\" font-size=\"13\">\n<title>{title}</title>\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n\
         <text x=\"16\" y=\"24\" font-size=\"15\" font-weight=\"bold\" fill=\"#1c2530\">{title}</text>\n"
    )
}

/// Horizontal bars, one below the other.
fn bars(title: &str, bars: &[Bar]) -> Option<String> {
    let most = bars.iter().map(|bar| bar.value).fold(0.0, f64::max);
    if bars.is_empty() || most <= 0.0 {
        return None;
    }
    let height = TOP + real(bars.len() as u64) * ROW + 12.0;
    let mut svg = opened(title, height);
    for (place, bar) in bars.iter().enumerate() {
        let y = TOP + real(place as u64) * ROW;
        let length = ((WIDTH - LABELS - 150.0) * (bar.value / most).max(0.0)).max(1.0);
        let _ = writeln!(
            svg,
            "<text x=\"{:.0}\" y=\"{:.0}\" text-anchor=\"end\" fill=\"#1c2530\">{}</text>\
             <rect x=\"{LABELS:.0}\" y=\"{:.0}\" width=\"{length:.1}\" height=\"18\" rx=\"2\" fill=\"#2f6f8f\"/>\
             <text x=\"{:.1}\" y=\"{:.0}\" fill=\"#44505c\">{}</text>",
            LABELS - 10.0,
            y + 14.0,
            escaped(&bar.label),
            y,
            LABELS + length + 8.0,
            y + 14.0,
            escaped(&bar.shown)
        );
    }
    svg.push_str("</svg>\n");
    Some(svg)
}

/// One line over named places; `shown` writes a value.
fn line(title: &str, points: &[(String, f64)], shown: impl Fn(f64) -> String) -> Option<String> {
    if points.len() < 2 {
        return None;
    }
    let most = points.iter().map(|(_, value)| *value).fold(f64::MIN, f64::max);
    let least = points.iter().map(|(_, value)| *value).fold(f64::MAX, f64::min).min(most - 1e-9);
    let (left, right, top, bottom) = (60.0, WIDTH - 60.0, 64.0, 220.0);
    let x = |place: usize| left + (right - left) * real(place as u64) / real(points.len() as u64 - 1);
    let y = |value: f64| bottom - (bottom - top) * (value - least) / (most - least);
    let mut svg = opened(title, 264.0);
    let path: Vec<String> = points
        .iter()
        .enumerate()
        .map(|(place, (_, value))| format!("{:.1},{:.1}", x(place), y(*value)))
        .collect();
    let _ = writeln!(
        svg,
        "<polyline points=\"{}\" fill=\"none\" stroke=\"#2f6f8f\" stroke-width=\"2.5\"/>",
        path.join(" ")
    );
    for (place, (label, value)) in points.iter().enumerate() {
        let (px, py) = (x(place), y(*value));
        let _ = writeln!(
            svg,
            "<circle cx=\"{px:.1}\" cy=\"{py:.1}\" r=\"4\" fill=\"#2f6f8f\"/>\
             <text x=\"{px:.1}\" y=\"{:.1}\" text-anchor=\"middle\" fill=\"#1c2530\">{}</text>\
             <text x=\"{px:.1}\" y=\"246\" text-anchor=\"middle\" fill=\"#44505c\">{}</text>",
            py - 10.0,
            escaped(&shown(*value)),
            escaped(label)
        );
    }
    svg.push_str("</svg>\n");
    Some(svg)
}

fn budget(business: &Business, figures: &Figures) -> Option<String> {
    let bar = |line: &crate::programmes::figures::BudgetLine| Bar {
        label: line.name.clone(),
        value: line.amount,
        shown: format!(
            "{} {} · {}",
            words::amount(line.amount),
            business.currency,
            words::percent(line.share)
        ),
    };
    bars("Monthly budget by channel", &figures.budget.lines.iter().map(bar).collect::<Vec<_>>())
}

fn funnel(_: &Business, figures: &Figures) -> Option<String> {
    let of = &figures.funnel;
    let stages = [
        ("Leads", of.leads),
        ("MQLs", of.mqls),
        ("SQLs", of.sqls),
        ("Opportunities", of.opportunities),
        ("Customers", of.customers),
    ];
    let bar = |(label, count): (&str, u64)| Bar {
        label: label.to_owned(),
        value: real(count),
        shown: words::number(real(count)),
    };
    bars("From lead to customer, over the whole programme", &stages.map(bar))
}

fn attribution(_: &Business, figures: &Figures) -> Option<String> {
    let bar = |weight: &crate::programmes::figures::Weight| Bar {
        label: weight.name.clone(),
        value: f64::from(weight.percent),
        shown: format!("{} %", weight.percent),
    };
    bars("Credit for each touch", &figures.attribution.weights.iter().map(bar).collect::<Vec<_>>())
}

fn sample_size(_: &Business, figures: &Figures) -> Option<String> {
    let bar = |row: &crate::programmes::figures::SampleRow| Bar {
        label: format!("{} to {}", words::percent(row.baseline), words::percent(row.expected)),
        value: real(row.per_arm),
        shown: format!("{} in each arm", words::number(real(row.per_arm))),
    };
    bars("Visitors needed", &figures.sample_sizes.iter().map(bar).collect::<Vec<_>>())
}

fn forecast(business: &Business, figures: &Figures) -> Option<String> {
    let of = &figures.forecast;
    let bar = |(label, value): (&str, f64)| Bar {
        label: label.to_owned(),
        value,
        shown: format!("{} {}", words::amount(value), business.currency),
    };
    bars(
        "Forecast of the sample pipeline",
        &[
            ("Commit", of.commit),
            ("Weighted", of.weighted),
            ("Best case", of.best_case),
            ("All open deals", of.open),
        ]
        .map(bar),
    )
}

fn channels(business: &Business, figures: &Figures) -> Option<String> {
    let measured =
        figures.economics.channels.iter().filter_map(|of| Some((of.name.clone(), of.cost_per_opportunity?)));
    let mut rows: Vec<(String, f64)> = measured.collect();
    let title = if rows.is_empty() {
        rows =
            figures.budget.lines.iter().map(|line| (line.name.clone(), line.cost_per_opportunity)).collect();
        "Cost per opportunity by channel, planned"
    } else {
        "Cost per opportunity by channel, measured"
    };
    let bar = |(label, value): (String, f64)| Bar {
        label,
        value,
        shown: format!("{} {}", words::amount(value), business.currency),
    };
    bars(title, &rows.into_iter().map(bar).collect::<Vec<_>>())
}

fn cac_trend(_: &Business, figures: &Figures) -> Option<String> {
    let points: Vec<(String, f64)> =
        figures.economics.months.iter().filter_map(|month| Some((month.month.clone(), month.cac?))).collect();
    line("Cost of a new customer by month", &points, words::amount)
}

fn cohorts(_: &Business, figures: &Figures) -> Option<String> {
    let mut points = vec![("start".to_owned(), 1.0)];
    points.extend(
        figures.retention.iter().enumerate().map(|(place, kept)| (format!("quarter {}", place + 1), *kept)),
    );
    line("Customers kept", &points, words::percent)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_escaped_and_nothing_is_drawn_from_nothing() {
        let bar = Bar { label: "<&\">".to_owned(), value: 2.0, shown: "2".to_owned() };
        let svg = bars("A & B", &[bar]).unwrap();
        assert!(svg.contains("&lt;&amp;&quot;&gt;") && svg.contains("A &amp; B") && !svg.contains("NaN"));
        assert!(bars("Empty", &[]).is_none());
        assert!(line("One", &[("a".to_owned(), 1.0)], words::number).is_none());
        let flat = line("Flat", &[("a".to_owned(), 1.0), ("b".to_owned(), 1.0)], words::number).unwrap();
        assert!(!flat.contains("NaN") && !flat.contains("inf"));
    }
}
