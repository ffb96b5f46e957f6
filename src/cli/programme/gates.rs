//! Gates: how they stand, and what the coordinator says.

use clap::Args;
use serde_json::{Value, json};

use super::super::client::segment;
use super::super::context::Context;
use super::super::words::text;
use super::path;

#[derive(Debug, Args)]
pub struct Review {
    id: String,
    /// A gate or a phase, such as `pipeline-building`.
    gate: String,
    /// A check that holds, on your word; may be given several times.
    #[arg(long = "holds", value_name = "CHECK")]
    holds: Vec<String>,
    /// A check that does not hold.
    #[arg(long = "fails", value_name = "CHECK")]
    fails: Vec<String>,
    /// Why; needed with a word on a check.
    #[arg(long, default_value = "")]
    reason: String,
}

pub async fn list(id: &str, context: &Context) -> anyhow::Result<()> {
    let answer = context.client().await?.get(&path(id, "/gates")).await?;
    told(&answer, context);
    Ok(())
}

pub async fn review(args: Review, context: &Context) -> anyhow::Result<()> {
    let said = |checks: &[String], holds: bool| -> Vec<Value> {
        checks.iter().map(|check| json!({ "check": check, "holds": holds, "reason": args.reason })).collect()
    };
    let verdicts = [said(&args.holds, true), said(&args.fails, false)].concat();
    let below = format!("/gates/{}/review", segment(&args.gate));
    let answer =
        context.client().await?.post(&path(&args.id, &below), &json!({ "verdicts": verdicts })).await?;
    told(&answer, context);
    Ok(())
}

fn told(answer: &Value, context: &Context) {
    let gates = answer["data"].as_array().cloned().unwrap_or_default();
    if context.screen.json {
        for gate in &gates {
            context.screen.line(gate.to_string());
        }
        return;
    }
    for gate in &gates {
        context.screen.line(lines(gate).join("\n"));
    }
}

/// A gate for a reader: each check, and below one that fails what speaks against it.
fn lines(gate: &Value) -> Vec<String> {
    let mut lines = vec![format!("{}: {}", text(gate, &["/gate"]), text(gate, &["/status"]))];
    for check in gate["checks"].as_array().into_iter().flatten() {
        let sign = match check["passed"].as_bool() {
            Some(true) => "✓",
            Some(false) => "✗",
            None => "·",
        };
        let by = if check["computed"] == true { "" } else { " (attested)" };
        lines.push(format!("  {sign} {:<24} {}{by}", text(check, &["/check"]), text(check, &["/asks"])));
        for finding in check["findings"].as_array().into_iter().flatten() {
            lines.push(format!("      {}: {}", text(finding, &["/file"]), text(finding, &["/message"])));
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_check_that_fails_names_the_file_and_the_reason() {
        let gate = json!({"gate": "strategy", "status": "failed", "checks": [
            {"check": "budget-sums", "asks": "It sums", "computed": true, "passed": false,
             "findings": [{"file": "strategy/budget-allocation.md", "message": "the lines sum to 1.00"}]},
            {"check": "tone", "asks": "It sounds right", "computed": false, "passed": null, "findings": []},
        ]});
        let lines = lines(&gate).join("\n");
        assert!(
            lines.contains("✗ budget-sums")
                && lines.contains("strategy/budget-allocation.md: the lines sum to 1.00")
        );
        assert!(lines.contains("· tone") && lines.contains("(attested)"));
    }
}
