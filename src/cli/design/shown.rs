//! A design for a person at a terminal: the decision first, then what it rests on, then what to do next.

use serde_json::Value;

use crate::cli::screen::Screen;
use crate::cli::sla;
use crate::cli::words::{percent, text, when};
use crate::kernel::text::wrapped;

fn list<'v>(value: &'v Value, pointer: &str) -> &'v [Value] {
    value.pointer(pointer).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// The whole of it on a screen.
pub fn design(design: &Value, screen: &Screen) -> String {
    let width = screen.width();
    let model = &design["packet"]["model"];
    let mut parts = vec![format!(
        "{} for {}: {} from {} to {}, first contact within {} for {}",
        text(design, &["/goal"]).replace('_', " "),
        text(design, &["/segment"]).replace('_', " "),
        text(design, &["/handoffType"]),
        text(design, &["/packet/routing/fromTeam"]),
        text(design, &["/team"]),
        text(model, &["/response"]),
        percent(model.get("serviceLevel")),
    )];
    let id = text(design, &["/designId"]);
    parts.push(format!(
        "{id}, version {}, {}, launch {}",
        text(design, &["/version"]),
        text(design, &["/status"]).replace('_', " "),
        text(design, &["/packet/launch"])
    ));
    parts.push(format!("\n{}", wrapped(&text(model, &["/recommendation"]), width, 0)));
    let missing: Vec<&Value> =
        list(design, "/packet/intake").iter().filter(|finding| finding["status"] != "defined").collect();
    if !missing.is_empty() {
        parts.push("\nIntake".to_owned());
        parts.extend(missing.iter().map(|finding| {
            let status = text(finding, &["/status"]);
            let said = format!("{status}: {} {}", text(finding, &["/asks"]), text(finding, &["/whatToDo"]));
            format!("  {}", wrapped(&said, width, 4))
        }));
    }
    parts.push(format!("\nRouting: {}", text(design, &["/packet/routing/choice"]).replace('_', " ")));
    let cases = list(design, "/packet/routing/matrix")
        .iter()
        .map(|case| vec![text(case, &["/case"]), text(case, &["/leadsTo"]), text(case, &["/because"])]);
    parts.push(screen.table(&["the account", "goes to", "by"], cases));
    parts.push(String::new());
    parts.push(sla::model(model, screen));
    parts.push(format!("\n{}", text(design, &["/pattern/explanation"])));
    let edits = list(design, "/packet/routing/edits").iter();
    let edits: Vec<String> = edits.map(|edit| format!("  {}", text(edit, &["/says"]))).collect();
    if !edits.is_empty() {
        parts.push("\nWould change on the live roster".to_owned());
        parts.extend(edits);
    }
    parts.push(String::new());
    parts.push(standing(design));
    parts.join("\n")
}

/// Who signed.
pub fn signed(design: &Value) -> String {
    let approvals = list(design, "/approvals").iter().map(|approval| {
        format!(
            "{}: {} at {}",
            text(approval, &["/role"]).replace('_', " "),
            text(approval, &["/name"]),
            when(approval.get("at"))
        )
    });
    let mut parts: Vec<String> = approvals.collect();
    parts.push(standing(design));
    parts.join("\n")
}

/// What became of it.
pub fn applied(design: &Value) -> String {
    standing(design)
}

/// Where it stands, and what comes next.
fn standing(design: &Value) -> String {
    let id = text(design, &["/designId"]);
    let application = &design["application"];
    let changed: Vec<String> =
        list(design, "/baseChanged").iter().filter_map(Value::as_str).map(str::to_owned).collect();
    let mut says = match design["status"].as_str().unwrap_or_default() {
        _ if design["designId"].is_null() => "Nothing was written.".to_owned(),
        "draft" => {
            let signed: Vec<&str> =
                list(design, "/approvals").iter().filter_map(|approval| approval["role"].as_str()).collect();
            let open: Vec<&str> =
                ["revops", "sales_leadership"].into_iter().filter(|role| !signed.contains(role)).collect();
            format!("It needs sign-offs: gtm design approve {id} --role {} --name NAME", open.join("|"))
        }
        "approved" => format!("It is approved: gtm design apply {id} [--at INSTANT]"),
        "scheduled" => format!("It becomes live at {}.", when(application.get("dueAt"))),
        "applied" => {
            format!(
                "It is live since {}. Back again: gtm design rollback {id} --why WHY",
                when(application.get("appliedAt"))
            )
        }
        "stopped" => {
            let why: Vec<&str> = list(application, "/stoppedFor").iter().filter_map(Value::as_str).collect();
            format!("It was stopped: {}. Make it anew: gtm design change {id} --why WHY", why.join("; "))
        }
        "rolled_back" => format!("It was rolled back at {}.", when(application.get("rolledBackAt"))),
        other => other.to_owned(),
    };
    if !changed.is_empty() && design["status"] != "stopped" {
        says = format!("{says}\nWhat it was made on has changed: {}.", changed.join("; "));
    }
    says
}

/// Every version with what differs.
pub fn changes(changes: &Value) -> String {
    let version = |version: &Value| {
        let mut parts = vec![format!(
            "Version {} by {} at {}: {}",
            text(version, &["/version"]),
            text(version, &["/author"]),
            when(version.get("at")),
            text(version, &["/why"])
        )];
        parts.extend(
            list(version, "/inputs").iter().filter_map(Value::as_str).map(|said| format!("  {said}")),
        );
        parts.extend(list(version, "/plan").iter().map(|change| format!("  {}", text(change, &["/says"]))));
        parts.join("\n")
    };
    list(changes, "/data").iter().map(version).collect::<Vec<_>>().join("\n\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn where_a_design_stands_says_what_comes_next() {
        let of = |status: &str, more: Value| {
            let mut design = json!({"designId": "d1", "status": status, "approvals": [], "application": null, "baseChanged": []});
            for (name, value) in more.as_object().unwrap() {
                design[name] = value.clone();
            }
            standing(&design)
        };
        assert!(
            of("draft", json!({"approvals": [{"role": "revops"}]}))
                .ends_with("--role sales_leadership --name NAME")
        );
        assert!(
            of("approved", json!({"baseChanged": ["rep ada was removed"]}))
                .ends_with("has changed: rep ada was removed.")
        );
        assert!(
            of("scheduled", json!({"application": {"dueAt": "2027-03-01T08:00:00Z"}}))
                .contains("2027-03-01 08:00")
        );
        assert!(
            of("stopped", json!({"application": {"stoppedFor": ["a", "b"]}}))
                .starts_with("It was stopped: a; b.")
        );
        assert_eq!(of("draft", json!({"designId": null})), "Nothing was written.");
    }
}
