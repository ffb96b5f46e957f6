//! Whom an event names, so that those who were erased do not come back by it.

use serde_json::Value;

use super::{ERASED_ID, Subject, names};

/// By what somebody who was erased is known again.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Handle {
    /// A contact of one account.
    Contact { account_id: String, contact_id: String },
    /// An address, in small letters, at every account.
    Email(String),
}

/// Everybody whom the data of an event name: contacts, where the account is known, and every e-mail address in any text.
pub fn named_in(account_id: Option<&str>, data: &str) -> Vec<Handle> {
    let mut handles = Vec::new();
    // The quickest no: most events name nobody.
    if !(data.contains('@') || data.contains("\\u") || data.to_ascii_lowercase().contains("id\"")) {
        return handles;
    }
    if let Ok(value) = serde_json::from_str::<Value>(data) {
        collect(account_id, "", &value, &mut handles);
    }
    handles.sort();
    handles.dedup();
    handles
}

fn collect(account_id: Option<&str>, name: &str, value: &Value, handles: &mut Vec<Handle>) {
    match value {
        Value::String(text) => {
            if let Some(account_id) = account_id.filter(|_| names::is_contact_id(name) && text != ERASED_ID) {
                let (account_id, contact_id) = (account_id.to_owned(), text.clone());
                handles.push(Handle::Contact { account_id, contact_id });
            }
            handles.extend(addresses(text).map(Handle::Email));
        }
        Value::Array(elements) => {
            for element in elements {
                collect(account_id, name, element, handles);
            }
        }
        Value::Object(members) => {
            for (name, member) in members {
                collect(account_id, name, member, handles);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// What looks like an e-mail address, in small letters.
fn addresses(text: &str) -> impl Iterator<Item = String> + '_ {
    let local = |c: char| c.is_alphanumeric() || "._%+-'".contains(c);
    let host = |c: char| c.is_alphanumeric() || c == '.' || c == '-';
    text.match_indices('@').filter_map(move |(at, _)| {
        let before = &text[..at];
        let start = before
            .rfind(|c| !local(c))
            .map_or(0, |last| last + before[last..].chars().next().map_or(0, char::len_utf8));
        let after = &text[at + 1..];
        let end = after.find(|c| !host(c)).unwrap_or(after.len());
        let (local, host) = (&before[start..], after[..end].trim_end_matches(['.', '-']));
        let local = local.trim_start_matches(['.', '\'']);
        (!local.is_empty() && host.contains('.')).then(|| format!("{local}@{host}").to_lowercase())
    })
}

/// Those whom an event names and who are not to come back, with what the event itself says of them.
pub fn whoever_is(handles: &[Handle], event_type: &str, data: &str) -> Subject {
    let mut subject = Subject::default();
    for handle in handles {
        match handle {
            Handle::Contact { contact_id, .. } => subject.add_id(contact_id),
            Handle::Email(email) => subject.add_email(email),
        }
    }
    if event_type == "gtm.contact.upserted"
        && let Ok(data) = serde_json::from_str::<Value>(data)
    {
        let text = |name: &str| data.get(name).and_then(Value::as_str);
        let theirs = text("contactId").is_some_and(|id| subject.has_id(id))
            || text("email").is_some_and(|email| subject.has_email(email));
        if theirs {
            subject.add_all(text("contactId"), None, text("phone"));
            subject.add_name(text("firstName"), text("lastName"));
        }
    }
    subject
}
