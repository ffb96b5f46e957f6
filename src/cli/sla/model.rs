//! `gtm sla model`: the SLA model of a design that is not made.

use clap::Args;
use serde_json::{Value, json};

use crate::cli::context::Context;
use crate::cli::design::Inputs;
use crate::cli::screen::Screen;
use crate::cli::words::{percent, text};
use crate::designs::words::span;
use crate::kernel::text::wrapped;

#[derive(Debug, Args)]
pub struct Model {
    #[command(flatten)]
    inputs: Inputs,
}

pub async fn run(args: Model, context: &Context) -> anyhow::Result<()> {
    let mut body = args.inputs.body()?;
    body["dryRun"] = json!(true);
    let design = context.client().await?.post("/v1/handoff-designs", &body).await?;
    let found = &design["packet"]["model"];
    context.screen.document(found, |found| {
        let advice = wrapped(&text(found, &["/recommendation"]), context.screen.width(), 0);
        format!("{advice}\n\n{}", model(found, &context.screen))
    });
    Ok(())
}

fn time(value: Option<&Value>) -> String {
    value.and_then(Value::as_f64).map_or_else(|| "never".to_owned(), span)
}

/// The tables of a model.
pub fn model(model: &Value, screen: &Screen) -> String {
    let list = |name: &str| model[name].as_array().cloned().unwrap_or_default();
    let inputs = list("inputs");
    let inputs = inputs.iter().map(|input| {
        vec![
            text(input, &["/name"]),
            text(input, &["/value"]),
            text(input, &["/source"]),
            text(input, &["/note"]),
        ]
    });
    let rows = list("staffing");
    let rows = rows.iter().map(|row| {
        vec![
            text(row, &["/reps"]),
            percent(row.get("withinTarget")),
            format!("{} to {}", percent(row.pointer("/range/low")), percent(row.pointer("/range/high"))),
            time(row.get("p95ResponseSecs")),
            percent(row.get("utilisation")),
            row.get("erlangWithinTarget").map_or_else(|| "overrun".to_owned(), |share| percent(Some(share))),
        ]
    });
    let risks = list("risks");
    let risks: Vec<String> = risks
        .iter()
        .map(|risk| {
            let said = format!(
                "{}: {} {}",
                text(risk, &["/severity"]),
                text(risk, &["/says"]),
                text(risk, &["/whatToDo"])
            );
            format!("  {}", wrapped(&said, screen.width(), 4))
        })
        .collect();
    let mut parts = vec![
        screen.table(&["went in", "value", "source", "how"], inputs),
        String::new(),
        screen.table(&["reps", "in time", "nine of ten periods", "95 % within", "busy", "Erlang C"], rows),
    ];
    if let Some(ceiling) = model.get("ceiling") {
        parts.push(format!("No number of people exceeds {} in these hours.", percent(Some(ceiling))));
    }
    if !risks.is_empty() {
        parts.push("\nRisks".to_owned());
        parts.extend(risks);
    }
    parts.join("\n")
}
