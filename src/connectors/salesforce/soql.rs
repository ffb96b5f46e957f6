//! Questions in Salesforce's query language.
//!
//! Promises: whatever a text holds, as a literal it stays one; names of fields are checked when the settings are read.

use super::Mapping;
use crate::connectors::consent::ConsentObject;

/// A text as a literal, with its quotes.
pub(super) fn literal(text: &str) -> String {
    format!("'{}'", escaped(text))
}

/// A literal for `LIKE` that fits whatever holds the text.
pub(super) fn holding(text: &str) -> String {
    let mut pattern = String::with_capacity(text.len() + 4);
    for c in text.chars() {
        match c {
            // The pattern's own backslash is one of the literal's as well.
            '%' | '_' => pattern.extend(['\\', c]),
            c => escape(c, &mut pattern),
        }
    }
    format!("'%{pattern}%'")
}

fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    text.chars().for_each(|c| escape(c, &mut escaped));
    escaped
}

fn escape(c: char, into: &mut String) {
    match c {
        '\'' | '\\' => into.extend(['\\', c]),
        '\n' => into.push_str("\\n"),
        '\r' => into.push_str("\\r"),
        '\t' => into.push_str("\\t"),
        c => into.push(c),
    }
}

/// Whether a text is the name of a field: letters, digits and underscores, a letter first.
pub(super) fn is_field(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.len() <= 80
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// The fields that are read of an object, by its name.
pub(super) fn fields(object: &str, mapping: &Mapping) -> Vec<String> {
    let (mut fields, of_account, owned): (Vec<&str>, &str, bool) = match object {
        "Account" => (
            vec![
                "Id",
                "Name",
                "Website",
                "Industry",
                "NumberOfEmployees",
                "AnnualRevenue",
                "Type",
                "BillingCountry",
                "BillingState",
                "CreatedDate",
                "SystemModstamp",
            ],
            "",
            true,
        ),
        "Contact" => (
            vec![
                "Id",
                "AccountId",
                "FirstName",
                "LastName",
                "Title",
                "Email",
                "Phone",
                "HasOptedOutOfEmail",
                "SystemModstamp",
            ],
            "Account.",
            false,
        ),
        _ => (
            vec![
                "Id",
                "AccountId",
                "Name",
                "StageName",
                "Amount",
                "CloseDate",
                "IsClosed",
                "IsWon",
                "LeadSource",
                "SystemModstamp",
            ],
            "Account.",
            true,
        ),
    };
    if owned {
        fields.extend(["OwnerId", "Owner.Email"]);
    }
    if mapping.multi_currency && object != "Contact" {
        fields.push("CurrencyIsoCode");
    }
    let mut fields: Vec<String> = fields.into_iter().map(str::to_owned).collect();
    let mapped = [mapping.account_field.as_ref().map(|field| format!("{of_account}{field}"))];
    let lifecycle = (object == "Account").then(|| mapping.lifecycle_field.clone());
    let of_object = match object {
        "Account" => Some(ConsentObject::Companies),
        "Contact" => Some(ConsentObject::Contacts),
        _ => None,
    };
    let consents = mapping.consents.iter().filter(|consent| Some(consent.object) == of_object);
    let consents = consents.map(|consent| consent.property.clone());
    for field in mapped.into_iter().flatten().chain(lifecycle).chain(consents) {
        if !fields.contains(&field) {
            fields.push(field);
        }
    }
    fields
}

/// All of an object that is read, up to the condition.
pub(super) fn select(object: &str, mapping: &Mapping) -> String {
    format!("SELECT {} FROM {object}", fields(object, mapping).join(", "))
}

/// The ids of the objects that fit a condition.
pub(super) fn ids(object: &str, condition: &str) -> String {
    format!("SELECT Id FROM {object} WHERE {condition}")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The text of a literal, as Salesforce reads it: none when something stands after its end.
    fn read(literal: &str) -> Option<String> {
        let (mut text, mut chars) = (String::new(), literal.strip_prefix('\'')?.chars());
        loop {
            match chars.next()? {
                '\'' => return chars.next().is_none().then_some(text),
                '\\' => text.push(match chars.next()? {
                    'n' => '\n',
                    'r' => '\r',
                    't' => '\t',
                    c => c,
                }),
                c => text.push(c),
            }
        }
    }

    proptest! {
        #[test]
        fn a_literal_never_ends_before_its_text_does(text in "(['\\\\%_\n\r\t]|.){0,30}") {
            prop_assert_eq!(read(&literal(&text)), Some(text.clone()));
            let held = read(&holding(&text)).unwrap();
            prop_assert_eq!(held, format!("%{text}%"), "a pattern is one literal");
        }

        #[test]
        fn a_pattern_has_no_wildcards_but_its_own(text in "[%_a']{0,12}") {
            let pattern = holding(&text);
            let inner = &pattern[2..pattern.len() - 2];
            let mut before = ' ';
            for c in inner.chars() {
                prop_assert!(!"%_'".contains(c) || before == '\\', "{}", pattern);
                before = c;
            }
        }

        #[test]
        fn what_is_taken_for_a_field_can_end_nothing(name in ".{0,12}") {
            prop_assert!(!is_field(&name) || !name.contains([' ', '\'', ',', '.', '(', '\\']));
        }
    }

    #[test]
    fn names_of_fields_are_those_of_salesforce() {
        assert!(is_field("External_Id__c") && is_field("Type"));
        assert!(!is_field("") && !is_field("1a") && !is_field("Name FROM User"));
    }
}
