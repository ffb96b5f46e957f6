//! Consents as fields of a CRM: a field says yes or no to a purpose, for a partner or all, of a person or the account. Pure.

use serde::Deserialize;

/// A field that says yes or no to a purpose.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ConsentField {
    pub purpose: String,
    /// The partner whom it is about; all of them where none is named.
    #[serde(default)]
    pub partner: Option<String>,
    /// `companies`: the consent of the whole account; `contacts`: of one person. Salesforce's own names do, too.
    pub object: ConsentObject,
    #[serde(alias = "field")]
    pub property: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum ConsentObject {
    #[serde(alias = "Account", alias = "accounts")]
    Companies,
    #[serde(alias = "Contact")]
    Contacts,
}

impl ConsentField {
    /// The purpose as a consent is kept by: behind it stand the partner and the person whom it reaches.
    pub(super) fn purpose_of(&self, person: &str) -> String {
        let partner = self.partner.as_deref();
        match self.object {
            ConsentObject::Companies => {
                partner.map_or_else(|| self.purpose.clone(), |partner| format!("{}:{partner}", self.purpose))
            }
            ConsentObject::Contacts => format!("{}:{}:{person}", self.purpose, partner.unwrap_or("*")),
        }
    }

    /// What tells its events from those of other consents of the same object.
    pub(super) fn part(&self) -> String {
        let partner = self.partner.as_deref().map_or_else(String::new, |partner| format!(":{partner}"));
        format!("consent/{}{partner}", self.purpose)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_consent_reaches_the_account_or_one_person_and_all_partners_or_one() {
        let of = |object: &str, partner: Option<&str>| {
            let consent = json!({"purpose": "share", "object": object, "partner": partner, "property": "ok"});
            serde_json::from_value::<ConsentField>(consent).unwrap().purpose_of("c1")
        };
        assert_eq!(of("companies", None), "share");
        assert_eq!(of("Account", Some("aws")), "share:aws");
        assert_eq!(of("contacts", None), "share:*:c1");
        assert_eq!(of("Contact", Some("aws")), "share:aws:c1");
    }
}
