//! E-mail as the service asks for it: the command `email/briefing`, whichever system sends it. Pure.

use serde::Deserialize;
use serde_json::{Map, Value};

/// The destination of deliveries.
pub(super) const BRIEFING: &str = "email/briefing";
/// The kind of mail that a template of a system is for; others are sent as they are written.
const TEMPLATED: &str = "handoff_briefing";

/// A mail to be sent.
#[derive(Debug, Deserialize)]
pub(super) struct Mail {
    #[serde(default)]
    template: String,
    pub to: Vec<String>,
    pub subject: String,
    #[serde(default)]
    pub variables: Map<String, Value>,
    #[serde(default)]
    pub html: Option<String>,
}

impl Mail {
    /// Whether a template can take its variables.
    pub(super) fn fits_template(&self) -> bool {
        self.template == TEMPLATED
    }

    /// What it says without markup.
    pub(super) fn text(&self) -> &str {
        self.variables.get("summary").and_then(Value::as_str).unwrap_or(&self.subject)
    }
}

/// The domain of an address like `Name <name@domain>`.
pub(super) fn domain(address: &str) -> &str {
    address.rsplit('@').next().unwrap_or_default().trim_end_matches('>').trim()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mail_says_its_summary_and_whether_a_template_fits() {
        let text = r#"{"template": "handoff_briefing", "to": ["a@b.example"], "subject": "S", "variables": {"summary": "T"}}"#;
        let mail: Mail = serde_json::from_str(text).unwrap();
        assert_eq!((mail.text(), mail.fits_template()), ("T", true));
        let alarm: Mail = serde_json::from_str(r#"{"to": [], "subject": "S"}"#).unwrap();
        assert_eq!((alarm.text(), alarm.fits_template()), ("S", false));
        assert_eq!(domain("RevOps <revops@company.example>"), "company.example");
    }
}
