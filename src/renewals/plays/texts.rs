//! Texts of a play with facts of the account in braces.
//!
//! Promises: a text is filled whole or not at all; which facts there are stands here, and a file that names another is
//! refused when it is loaded.

use std::collections::BTreeMap;

/// A fact that texts may use.
pub struct FactName {
    pub name: &'static str,
    /// For a reader who is told that it is missing.
    pub label: &'static str,
}

macro_rules! fact_names {
    ($($name:literal, $label:literal;)*) => {
        /// All facts that texts may use.
        pub const FACTS: &[FactName] = &[$(FactName { name: $name, label: $label }),*];
    };
}

fact_names! {
    "account", "the name of the account";
    "deadline", "the renewal date";
    "value", "the yearly value";
    "seats", "the number of seats";
    "active_users", "the people at work with it each week";
    "seats_used", "the seats in use";
    "depth", "the depth of usage";
    "top_features", "the features most used";
    "open_tickets", "the open tickets";
    "satisfaction", "the satisfaction with support";
    "as_of", "the day of the facts";
}

/// What a fact is called for a reader.
pub fn label(name: &str) -> &str {
    FACTS.iter().find(|fact| fact.name == name).map_or(name, |fact| fact.label)
}

/// The names in braces, in order.
pub fn names(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some((_, after)) = rest.split_once('{') {
        let Some((name, next)) = after.split_once('}') else { break };
        found.push(name);
        rest = next;
    }
    found
}

/// The text with its facts, or the names of those that are not known.
pub fn filled(text: &str, facts: &BTreeMap<String, String>) -> Result<String, Vec<String>> {
    let missing: Vec<String> =
        names(text).into_iter().filter(|name| !facts.contains_key(*name)).map(str::to_owned).collect();
    if !missing.is_empty() {
        return Err(missing);
    }
    let mut told = String::with_capacity(text.len() + 32);
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        let Some((name, next)) = after.split_once('}') else { break };
        told.push_str(before);
        told.push_str(&facts[name]);
        rest = next;
    }
    told.push_str(rest);
    Ok(told)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_filled_whole_or_not_at_all() {
        let fact = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let facts = BTreeMap::from([fact("account", "Acme {deadline}"), fact("seats", "40")]);
        assert_eq!(filled("{account} has {seats}.", &facts).unwrap(), "Acme {deadline} has 40.");
        assert_eq!(filled("plain", &facts).unwrap(), "plain");
        let missing = filled("{depth} of {account} on {as_of}", &facts).unwrap_err();
        assert_eq!(missing, ["depth", "as_of"]);
    }
}
