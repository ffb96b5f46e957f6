//! A briefing as the mail that is sent: the same bytes for the same command. Pure.

use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::connectors::mail::Mail;

/// What of a mail depends on the set-up.
pub(super) struct Look {
    pub(super) from: String,
    pub(super) reply_to: Option<String>,
    pub(super) template: Option<String>,
}

impl Look {
    /// The body of the request. Its fields stand in one order whatever happens, because a repeated attempt must be the
    /// same to the byte.
    pub(super) fn mail(&self, briefing: Mail, id: Uuid) -> String {
        let mut mail = json!({
            "from": self.from, "to": briefing.to, "subject": briefing.subject,
            "headers": {"X-Entity-Ref-ID": id}, "tags": [{"name": "delivery_id", "value": id}],
        });
        if let Some(reply_to) = &self.reply_to {
            mail["reply_to"] = json!(reply_to);
        }
        match &self.template {
            Some(template) if briefing.fits_template() => {
                let variables: Map<String, Value> =
                    briefing.variables.iter().map(|(name, value)| (snake(name), flat(value))).collect();
                mail["template"] = json!({"id": template, "variables": variables});
            }
            _ => {
                mail["text"] = json!(briefing.text());
                if let Some(html) = briefing.html {
                    mail["html"] = json!(html);
                }
            }
        }
        mail.to_string()
    }
}

/// Templates name their variables in `snake_case`.
fn snake(name: &str) -> String {
    let mut out = String::with_capacity(name.len() + 4);
    for letter in name.chars() {
        if letter.is_uppercase() {
            out.push('_');
        }
        out.extend(letter.to_lowercase());
    }
    out
}

/// Templates take text and numbers only: people are `Name, Title <address>`, one to a line.
fn flat(value: &Value) -> Value {
    let person = |one: &Value| {
        let said = |key: &str| one[key].as_str().filter(|text| !text.is_empty());
        let who: Vec<&str> = [said("name"), said("title")].into_iter().flatten().collect();
        match (who.is_empty(), said("email")) {
            (false, Some(email)) => format!("{} <{email}>", who.join(", ")),
            (true, Some(email)) => email.to_owned(),
            (_, None) => who.join(", "),
        }
    };
    match value {
        Value::Number(_) | Value::String(_) => value.clone(),
        Value::Null => json!(""),
        Value::Bool(flag) => json!(flag.to_string()),
        Value::Array(many) => json!(many.iter().map(person).collect::<Vec<_>>().join("\n")),
        Value::Object(_) => json!(person(value)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look(template: Option<&str>) -> Look {
        Look {
            from: "RevOps <revops@company.example>".to_owned(),
            reply_to: None,
            template: template.map(str::to_owned),
        }
    }

    fn briefing() -> Mail {
        serde_json::from_value(json!({
            "template": "handoff_briefing", "to": ["rep@example.com"], "subject": "New handoff: Acme",
            "variables": {
                "ownerName": "Jane", "slaDeadline": "2026-01-02T07:00:00Z", "summary": "They called.",
                "keyContacts": [{"name": "Ann Lee", "title": "VP", "email": "ann@acme.com"}, {"email": "x@acme.com"}],
                "recommendedApproach": null,
            },
            "html": "<p>hi</p>",
        }))
        .unwrap()
    }

    /// The shape of what the official clients send: `resend` 6.38.0 for JavaScript.
    #[test]
    fn a_briefing_is_a_mail_with_page_and_text_or_a_template_with_flat_variables() {
        let id = Uuid::nil();
        let plain: Value = serde_json::from_str(&look(None).mail(briefing(), id)).unwrap();
        assert_eq!((&plain["html"], &plain["text"]), (&json!("<p>hi</p>"), &json!("They called.")));
        assert_eq!(plain["to"], json!(["rep@example.com"]));
        assert_eq!(plain["tags"][0], json!({"name": "delivery_id", "value": id}));
        let templated: Value =
            serde_json::from_str(&look(Some("tmpl_handoff_briefing")).mail(briefing(), id)).unwrap();
        assert!(templated.get("html").is_none() && templated["subject"] == "New handoff: Acme");
        let expected = json!({"id": "tmpl_handoff_briefing", "variables": {
            "owner_name": "Jane", "sla_deadline": "2026-01-02T07:00:00Z", "summary": "They called.",
            "key_contacts": "Ann Lee, VP <ann@acme.com>\nx@acme.com", "recommended_approach": "",
        }});
        assert_eq!(templated["template"], expected);
    }

    #[test]
    fn the_same_command_is_the_same_mail_to_the_byte() {
        let mail = || look(None).mail(briefing(), Uuid::nil());
        assert_eq!(mail(), mail());
    }
}
