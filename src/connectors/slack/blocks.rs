//! An alert as a Slack message: a header, the text, who and what it is about, buttons. Pure.
//!
//! Promises: no part is longer than Slack takes; what people wrote cannot become markup, a mention or a link.

use serde::Deserialize;
use serde_json::{Value, json};

/// Longest texts that Slack takes, in characters.
const HEADER_MAX: usize = 150;
const SECTION_MAX: usize = 3_000;
const FALLBACK_MAX: usize = 4_000;
/// So much of each alert of a digest; the handoff itself has the rest.
const HELD_MAX: usize = 300;

/// What of a message depends on the set-up.
#[derive(Debug, Clone)]
pub(super) struct Layout {
    /// Our own address as people reach it, without the slash at its end.
    pub(super) public_url: Option<String>,
    /// Whether pressed buttons reach us.
    pub(super) buttons: bool,
}

/// The commands `messaging/alert` and `messaging/digest`, as far as a message shows them.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Alert {
    #[serde(default)]
    pub(super) channel: Option<String>,
    #[serde(default)]
    pub(super) to: Vec<Person>,
    #[serde(default)]
    pub(super) role: Option<String>,
    pub(super) title: String,
    #[serde(default)]
    pub(super) body: String,
    /// What a digest tells of.
    #[serde(default)]
    alerts: Vec<Held>,
    pub(super) priority: String,
    #[serde(default)]
    account_name: Option<String>,
    #[serde(default)]
    pub(super) handoff_id: Option<String>,
    #[serde(default)]
    path: Option<String>,
    /// What the reader may do from the message.
    #[serde(default)]
    actions: Vec<String>,
}

/// One of the alerts of a digest.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Held {
    title: String,
    body: String,
    account_name: String,
}

impl Alert {
    /// What it says, in Slack's dialect.
    fn text(&self) -> String {
        let item = |one: &Held| {
            let (title, account) = (escaped(&one.title), escaped(&one.account_name));
            let body = dialect(&escaped(&shortened(&one.body, HELD_MAX)));
            format!("• *{account}*: {title}\n{body}")
        };
        match self.alerts.as_slice() {
            [] => dialect(&escaped(&self.body)),
            alerts => alerts.iter().map(item).collect::<Vec<_>>().join("\n"),
        }
    }
}

/// Whom an alert is for.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Person {
    #[serde(default)]
    pub(super) name: Option<String>,
    #[serde(default)]
    pub(super) email: Option<String>,
    /// Slack's own id, once it is known.
    #[serde(skip)]
    pub(super) slack_id: Option<String>,
}

/// The buttons that there are: what an alert calls it, the id it comes back by, its face, its style.
pub(super) const BUTTONS: [(&str, &str, &str, Option<&str>); 3] = [
    ("acknowledge", "handoff_ack", "Acknowledge", Some("primary")),
    ("take_over", "handoff_take", "Take over", None),
    ("reject", "handoff_reject", "Give back", Some("danger")),
];

/// `&`, `<` and `>` are all that Slack reads as markup of its own.
pub(super) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// The beginning of a text, with an ellipsis where it goes on.
pub(super) fn shortened(text: &str, max: usize) -> String {
    if text.chars().count() <= max {
        return text.to_owned();
    }
    text.chars().take(max - 1).chain(['…']).collect()
}

/// Markdown as people and reports write it, in Slack's dialect: `**bold**` is `*bold*`, headings are bold.
fn dialect(text: &str) -> String {
    let line = |line: &str| {
        let heading = line.trim_start_matches('#');
        let line = if heading.len() < line.len() { format!("*{}*", heading.trim()) } else { line.to_owned() };
        line.replace("**", "*")
    };
    text.lines().map(line).collect::<Vec<_>>().join("\n")
}

/// The message: `text` for notifications and screen readers, `blocks` for the eye.
pub(super) fn message(alert: &Alert, layout: &Layout) -> Value {
    let body = shortened(&alert.text(), SECTION_MAX);
    let mut blocks = vec![
        json!({"type": "header", "text": {"type": "plain_text", "text": shortened(&alert.title, HEADER_MAX), "emoji": false}}),
        json!({"type": "section", "text": {"type": "mrkdwn", "text": body}}),
    ];
    let about = about(alert);
    if !about.is_empty() {
        blocks.push(json!({"type": "context", "elements": [{"type": "mrkdwn", "text": shortened(&about, SECTION_MAX)}]}));
    }
    let buttons = buttons(alert, layout);
    if let (false, Some(id)) = (buttons.is_empty(), &alert.handoff_id) {
        blocks.push(json!({"type": "actions", "block_id": format!("handoff_{id}"), "elements": buttons}));
    }
    json!({
        "text": shortened(&format!("{}: {}", escaped(&alert.title), alert.text()), FALLBACK_MAX),
        "blocks": blocks, "unfurl_links": false,
    })
}

/// Account, urgency, and who is meant.
fn about(alert: &Alert) -> String {
    let people = alert.to.iter().filter_map(|person| match (&person.slack_id, &person.name) {
        (Some(id), _) => Some(format!("<@{id}>")),
        (None, name) => name.as_deref().or(person.email.as_deref()).map(escaped),
    });
    let role = alert.role.as_deref().map(|role| escaped(&role.replace('_', " ")));
    let account = alert.account_name.as_deref().map(|name| format!("*{}*", escaped(name)));
    let for_whom: Vec<String> = people.chain(role).collect();
    let for_whom = (!for_whom.is_empty()).then(|| format!("for {}", for_whom.join(", ")));
    let parts = [account, Some(escaped(&alert.priority)), for_whom];
    parts.into_iter().flatten().collect::<Vec<_>>().join(" · ")
}

fn buttons(alert: &Alert, layout: &Layout) -> Vec<Value> {
    let Some(id) = &alert.handoff_id else { return Vec::new() };
    let offered =
        BUTTONS.iter().filter(|(name, ..)| layout.buttons && alert.actions.iter().any(|a| a == name));
    let mut buttons: Vec<Value> = offered
        .map(|(_, action, face, style)| {
            let mut button = json!({
                "type": "button", "action_id": action, "value": id, "text": {"type": "plain_text", "text": face},
            });
            if let Some(style) = style {
                button["style"] = json!(style);
            }
            button
        })
        .collect();
    if let (Some(url), Some(path)) = (&layout.public_url, &alert.path) {
        let text = json!({"type": "plain_text", "text": "Open"});
        buttons.push(
            json!({"type": "button", "action_id": "open", "url": format!("{url}{path}"), "text": text}),
        );
    }
    buttons
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn alert(title: &str, body: &str) -> Alert {
        serde_json::from_value(json!({
            "channel": "C1", "to": [{"repId": "r1", "name": "Jane <Doe>", "email": "jane@example.com"}], "role": "sales_manager",
            "title": title, "body": body, "priority": "urgent", "accountName": "A & B", "handoffId": "ho_1",
            "path": "/v1/handoffs/ho_1", "actions": ["acknowledge", "take_over", "reject"],
        }))
        .unwrap()
    }

    fn layout() -> Layout {
        Layout { public_url: Some("https://hooks.example.com".to_owned()), buttons: true }
    }

    #[test]
    fn an_alert_shows_what_who_and_what_to_do() {
        let mut alert = alert("New mql_to_sales handoff: A & B", "**Next**: call\n## Why\nThey asked");
        alert.to[0].slack_id = Some("U123".to_owned());
        let message = message(&alert, &layout());
        let blocks = message["blocks"].as_array().unwrap();
        assert_eq!(blocks[0]["text"]["text"], "New mql_to_sales handoff: A & B");
        assert_eq!(blocks[1]["text"]["text"], "*Next*: call\n*Why*\nThey asked");
        assert_eq!(blocks[2]["elements"][0]["text"], "*A &amp; B* · urgent · for <@U123>, sales manager");
        let faces: Vec<&str> = blocks[3]["elements"]
            .as_array()
            .unwrap()
            .iter()
            .map(|b| b["action_id"].as_str().unwrap())
            .collect();
        assert_eq!(faces, ["handoff_ack", "handoff_take", "handoff_reject", "open"]);
        assert_eq!(blocks[3]["elements"][3]["url"], "https://hooks.example.com/v1/handoffs/ho_1");
    }

    #[test]
    fn without_interactivity_there_are_no_buttons_that_do_nothing() {
        let message = message(&alert("t", "b"), &Layout { public_url: None, buttons: false });
        assert_eq!(message["blocks"].as_array().unwrap().len(), 3);
    }

    proptest! {
        #[test]
        fn no_part_is_longer_than_slack_takes_and_nobody_writes_markup(title in ".{0,300}", body in ".{0,5000}") {
            let message = message(&alert(&title, &format!("<!channel> {body}")), &layout());
            let blocks = message["blocks"].as_array().unwrap();
            let length = |value: &Value| value.as_str().unwrap().chars().count();
            prop_assert!(length(&blocks[0]["text"]["text"]) <= HEADER_MAX);
            prop_assert!(length(&blocks[1]["text"]["text"]) <= SECTION_MAX);
            prop_assert!(length(&message["text"]) <= FALLBACK_MAX);
            prop_assert!(!blocks[1]["text"]["text"].as_str().unwrap().contains('<'));
        }
    }
}
