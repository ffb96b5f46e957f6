//! `gtm sla watch`: who keeps the promises, why not where they do not, and what was told.

use clap::Args;
use reqwest::Method;
use serde_json::Value;

use crate::cli::context::Context;
use crate::cli::screen::Screen;
use crate::cli::words::{percent, text, when};
use crate::kernel::text::wrapped;

#[derive(Debug, Args)]
pub struct Watch {
    /// Handoffs that were due from this instant on; one window ago when left out.
    #[arg(long)]
    from: Option<String>,
    /// Handoffs that were due before this instant; now when left out.
    #[arg(long)]
    to: Option<String>,
    /// Only by `segment`, `team` or `owner`.
    #[arg(long, value_name = "KIND")]
    by: Option<String>,
    /// Only what is under the threshold.
    #[arg(long)]
    under: bool,
}

pub async fn run(args: Watch, context: &Context) -> anyhow::Result<()> {
    let Watch { from, to, by, under } = args;
    let mut query: Vec<(&str, String)> = [("from", from), ("to", to), ("groupBy", by)]
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)))
        .collect();
    query.extend(under.then(|| ("under", "true".to_owned())));
    let client = context.client().await?;
    let answer = client.json(client.request(Method::GET, "/v1/sla-watch").query(&query)).await?;
    context.screen.document(&answer, |answer| shown(answer, &context.screen));
    Ok(())
}

fn shown(answer: &Value, screen: &Screen) -> String {
    let list = |value: &Value, name: &str| value[name].as_array().cloned().unwrap_or_default();
    let findings = list(answer, "findings");
    let mut parts = vec![format!(
        "Due from {} to {} (UTC), against {}",
        when(answer.get("from")),
        when(answer.get("to")),
        percent(answer.get("threshold"))
    )];
    if findings.is_empty() {
        parts.push("Nothing was due.".to_owned());
    } else {
        let rows = findings.iter().map(|finding| {
            let under = finding["under"].as_bool().unwrap_or_default();
            let certain = finding["certain"].as_bool().unwrap_or_default();
            vec![
                text(finding, &["/scope/kind"]),
                text(finding, &["/scope/name"]),
                percent(finding.get("share")),
                format!(
                    "{} to {}",
                    percent(finding.pointer("/sure/low")),
                    percent(finding.pointer("/sure/high"))
                ),
                text(finding, &["/inTime"]),
                text(finding, &["/late"]),
                match (under, certain) {
                    (true, true) => "under",
                    (true, false) => "under, maybe by chance",
                    (false, _) => "",
                }
                .to_owned(),
            ]
        });
        parts.push(screen.table(&["by", "name", "in time", "sure to", "met", "late", ""], rows));
    }
    for finding in findings.iter().filter(|finding| finding["under"] == true) {
        parts.push(format!("\n{} {}", text(finding, &["/scope/kind"]), text(finding, &["/scope/name"])));
        for cause in list(finding, "causes") {
            let kind = text(&cause, &["/kind"]).replace('_', " ");
            let owner = text(&cause, &["/owner"]).replace('_', " ");
            let said =
                format!("{kind}: {}. {owner}: {}", text(&cause, &["/evidence"]), text(&cause, &["/action"]));
            parts.push(format!("  {}", wrapped(&said, screen.width(), 4)));
        }
    }
    let told = list(answer, "escalations");
    if !told.is_empty() {
        parts.push("\nWas told".to_owned());
        parts.extend(told.iter().map(|one| {
            format!(
                "  {} {}: {}",
                when(one.get("at")),
                text(one, &["/rule"]).replace('_', " "),
                text(one, &["/told/title"])
            )
        }));
    }
    parts.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::screen::Screen;
    use serde_json::json;

    #[test]
    fn findings_under_the_threshold_say_why_and_who_acts() {
        let answer = json!({
            "from": "2027-03-01T00:00:00Z", "to": "2027-03-08T00:00:00Z", "threshold": 0.9,
            "findings": [{
                "scope": {"kind": "segment", "name": "enterprise"}, "share": 0.5, "sure": {"low": 0.2, "high": 0.8},
                "inTime": 3, "late": 3, "under": true, "certain": true,
                "causes": [{"kind": "one_rep", "evidence": "3 of 3 late ones were ben's", "action": "Talk.", "owner": "sales_manager"}],
            }],
            "escalations": [{"at": "2027-03-08T00:05:00Z", "rule": "two_windows", "told": {"title": "Response times"}}],
        });
        let shown = shown(&answer, &Screen::new(false));
        for part in [
            "enterprise",
            "50 %",
            "one rep: 3 of 3 late ones were ben's. sales manager: Talk.",
            "two windows: Response times",
        ] {
            assert!(shown.contains(part), "{part}: {shown}");
        }
    }
}
