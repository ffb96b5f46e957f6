//! What follows from a message of product analytics.
//!
//! How people are counted: a day's active users are told one by one, each as an event of its own whose identity is
//! the account, the day and the person (as a digest). The first message of a person on a day says it, every later one
//! says the same again and is known already, across calls, replicas and repeats, for as long as events are kept.
//! Nothing has to be remembered between calls, and late messages count for their own day.
//! Only messages that name both account and person count one: an anonymous visitor who signs in would be counted
//! twice, and so would somebody whose messages name the account at one time and leave it to be sought at another.

use std::collections::BTreeSet;

use chrono::NaiveTime;
use serde_json::{Value, json};

use super::{Meaning, Message, traits};
use crate::accounts::commands::clues;
use crate::connectors::inbound::{Reading, Saying, Statement};
use crate::kernel::json::sha256;

/// Characters of a counted name, as events hold them.
const NAME_MAX: usize = 128;
/// Bytes of an id that is taken as it is.
const ID_MAX: usize = 200;

/// Says what messages of one call mean.
pub struct Teller<'a> {
    source: &'a str,
    pub reading: Reading,
    /// Who was counted already in this call.
    counted: BTreeSet<String>,
}

impl<'a> Teller<'a> {
    /// For a system by this name, which is the source of all that is said.
    pub fn new(source: &'a str) -> Self {
        Self { source, reading: Reading::default(), counted: BTreeSet::new() }
    }

    /// An event of the product.
    pub fn event(&mut self, message: &Message<'_>, name: &str, meaning: &Meaning) {
        let Some(name) = traits::text(&json!(name), NAME_MAX) else {
            self.reading.ignored += 1;
            return;
        };
        match meaning {
            Meaning::Usage => self.used(message, &name),
            Meaning::Intent { kind, strength } => {
                let data = json!({ "kind": kind, "strength": strength, "detail": name });
                self.say(message, "gtm.intent.observed", data);
            }
            Meaning::Lifecycle { stage, segment } => {
                let mut data = json!({ "stage": stage });
                if let Some(segment) = segment {
                    data["segment"] = segment.as_str().into();
                }
                self.say(message, "gtm.lifecycle.changed", data);
            }
            Meaning::Nothing => self.reading.ignored += 1,
        }
    }

    fn used(&mut self, message: &Message<'_>, name: &str) {
        let date = message.at.date_naive();
        let data = json!({ "date": date, "features": { name: 1 }, "mode": "add" });
        self.say(message, "gtm.usage.recorded", data);
        let (Some(account), Some(user)) = (&message.account, &message.user) else { return };
        let who = hex::encode(sha256(format!("{account}\0{user}").as_bytes()));
        let id = format!("active/{date}/{}", &who[..32]);
        if !self.counted.insert(id.clone()) {
            return;
        }
        // Nothing of the message but its day is in it, so that the same is said by every message of the day.
        let saying = Saying {
            source: self.source.to_owned(),
            id,
            event_type: "gtm.usage.recorded",
            subject: message.account.clone(),
            time: Some(date.and_time(NaiveTime::MIN).and_utc()),
            data: json!({ "date": date, "activeUsers": 1, "mode": "add" }),
        };
        self.reading.say(message.place, Statement::Event(saying));
    }

    /// What is known of the account.
    pub fn account(&mut self, message: &Message<'_>, traits: &Value) {
        match traits::account(traits) {
            Some(data) => self.say(message, "gtm.account.upserted", data),
            None => self.reading.ignored += 1,
        }
    }

    /// What is known of the person.
    pub fn contact(&mut self, message: &Message<'_>, traits: &Value) {
        match &message.user {
            Some(user) => self.say(message, "gtm.contact.upserted", traits::contact(user, traits)),
            None => self.reading.ignored += 1,
        }
    }

    /// Says one thing in the message's name; without account and clue it is of no use.
    fn say(&mut self, message: &Message<'_>, event_type: &'static str, mut data: Value) {
        if message.account.is_none() {
            if let Some(email) = message.email.as_ref().and_then(|email| traits::email(&json!(email)))
                && data.get("email").is_none()
            {
                data["email"] = email.into();
            }
            if clues(event_type, &data.to_string()).keys().is_empty() {
                self.reading.ignored += 1;
                return;
            }
        }
        let saying = Saying {
            source: self.source.to_owned(),
            id: identity(&message.id),
            event_type,
            subject: message.account.clone(),
            time: Some(message.at),
            data,
        };
        self.reading.say(message.place, Statement::Event(saying));
    }
}

/// The id of a message, in the length that events hold.
fn identity(id: &str) -> String {
    if id.len() <= ID_MAX { id.to_owned() } else { hex::encode(sha256(id.as_bytes())) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::kernel::clock::DateTime;

    fn message(id: &str, account: Option<&str>, user: Option<&str>, at: &str) -> Message<'static> {
        Message {
            place: "/batch/0",
            id: id.to_owned(),
            account: account.map(str::to_owned),
            user: user.map(str::to_owned),
            email: None,
            at: at.parse::<DateTime>().unwrap(),
        }
    }

    fn said(teller: &Teller<'_>) -> Vec<Saying> {
        let of = |(_, statement): &(String, Statement)| match statement {
            Statement::Event(saying) => saying.clone(),
            other => panic!("{other:?}"),
        };
        teller.reading.said.iter().map(of).collect()
    }

    #[test]
    fn a_person_counts_once_a_day_and_nobody_who_is_unknown() {
        let mut teller = Teller::new("segment");
        let (day, night, next) = ("2026-01-02T03:04:05Z", "2026-01-02T23:00:00Z", "2026-01-03T00:00:00Z");
        for (id, user, at) in [
            ("1", Some("u"), day),
            ("2", Some("u"), night),
            ("3", Some("v"), day),
            ("4", None, day),
            ("5", Some("u"), next),
        ] {
            teller.event(&message(id, Some("acc"), user, at), "Opened", &Meaning::Usage);
        }
        let active: Vec<Saying> =
            said(&teller).into_iter().filter(|one| one.data.get("activeUsers").is_some()).collect();
        assert_eq!(active.len(), 3, "u and v on one day, u on the next");
        assert_eq!(said(&teller).len(), 8, "each event counts as use of its feature");
    }

    #[test]
    fn without_account_and_clue_a_message_is_of_no_use() {
        let mut teller = Teller::new("segment");
        let at = "2026-01-02T03:04:05Z";
        teller.event(&message("1", None, Some("u"), at), "Opened", &Meaning::Usage);
        let clue = Message { email: Some("ann@acme.com".to_owned()), ..message("2", None, Some("u"), at) };
        teller.event(&clue, "Opened", &Meaning::Usage);
        let free = Message { email: Some("ann@gmail.com".to_owned()), ..message("3", None, Some("u"), at) };
        teller.event(&free, "Opened", &Meaning::Usage);
        let [one] = said(&teller).try_into().unwrap();
        assert_eq!((one.subject, one.data["email"].as_str()), (None, Some("ann@acme.com")));
        assert_eq!(teller.reading.ignored, 2);
    }

    proptest! {
        #[test]
        fn every_message_of_a_person_and_day_counts_the_person_in_the_same_words(
            first in 0_i64..86_400, second in 0_i64..86_400, user in ".{1,20}",
        ) {
            let counted = |secs: i64, id: &str| {
                let mut teller = Teller::new("posthog");
                let mut one = message(id, Some("acc"), Some(&user), "2026-01-02T00:00:00Z");
                one.at += chrono::TimeDelta::seconds(secs);
                teller.event(&one, "Opened", &Meaning::Usage);
                said(&teller).pop().unwrap()
            };
            prop_assert_eq!(counted(first, "1"), counted(second, "2"));
        }
    }
}
