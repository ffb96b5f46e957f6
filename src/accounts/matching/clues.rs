//! What an event that names no account says about whose it is.
//!
//! Promises: the same members of `data` count for every type of event ([`CLUES`]), besides the company's own
//! name in `gtm.account.upserted`; a free-mail address and an over-long text are no clue; clues come out of the
//! stored text again as they came out of the request.
//! Leaves out: ids of people, deals and the like, which say nothing before the account is known.

use serde_json::{Map, Value};

use super::normalise::{domain_of, email_domain, is_free_mail};
use super::rank::Query;

/// The type whose own `name` is the company's.
const COMPANY: &str = "gtm.account.upserted";
/// Members that hold a web domain or address, the surest first.
const DOMAINS: [&str; 4] = ["domain", "accountDomain", "companyDomain", "website"];
/// Members that hold an e-mail address.
const EMAILS: [&str; 3] = ["email", "contactEmail", "billingEmail"];
/// Members that hold the company's name.
const NAMES: [&str; 3] = ["accountName", "companyName", "company"];
/// Characters of a text beyond which it is no name: what an event's own fields may hold.
const TEXT_MAX: usize = 256;

/// The members of `data` that an account can be found by, for answers.
pub const CLUES: &str = "a domain (domain, accountDomain, companyDomain, website), an e-mail address that is no \
                         free mail (email, contactEmail, billingEmail) or a company's name (accountName, \
                         companyName, company; name in gtm.account.upserted)";

/// The clues in an event's data; without any its query has no keys.
pub fn clues(event_type: &str, data: &str) -> Query {
    let Ok(data) = serde_json::from_str::<Map<String, Value>>(data) else { return Query::default() };
    let text = |name: &str| {
        let text = data.get(name)?.as_str()?.trim();
        (!text.is_empty() && text.chars().count() <= TEXT_MAX).then_some(text)
    };
    let own_name = (event_type == COMPANY).then(|| text("name")).flatten();
    Query {
        domain: DOMAINS
            .into_iter()
            .filter_map(text)
            .filter_map(domain_of)
            .find(|domain| !is_free_mail(domain)),
        email: EMAILS
            .into_iter()
            .filter_map(text)
            .find(|email| email_domain(email).is_some())
            .map(str::to_owned),
        name: own_name.or_else(|| NAMES.into_iter().find_map(text)).map(str::to_owned),
        country: text("country").map(str::to_owned),
        region: text("region").map(str::to_owned),
        ..Query::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(event_type: &str, data: &str) -> Vec<String> {
        clues(event_type, data).keys()
    }

    #[test]
    fn every_type_may_carry_clues_and_a_deals_name_is_none() {
        let data =
            r#"{"name": "Acme Inc.", "website": "https://www.acme.com/x", "billingEmail": "x@pay.acme.org"}"#;
        assert_eq!(
            keys(COMPANY, data),
            ["domain:acme.com", "domain:pay.acme.org", "domain:acme.org", "name:acme"]
        );
        assert_eq!(
            keys("gtm.deal.upserted", data),
            ["domain:acme.com", "domain:pay.acme.org", "domain:acme.org"]
        );
        let said = r#"{"company": "Acme", "email": "ana@gmail.com", "contactEmail": "ana@acme.com"}"#;
        assert_eq!(keys("gtm.contact.upserted", said), ["domain:acme.com", "name:acme"]);
    }

    #[test]
    fn free_mail_an_address_and_what_is_no_text_are_nothing_to_go_by() {
        let long = format!(r#"{{"company": "{}"}}"#, "x".repeat(257));
        for data in [
            r#"{"email": "ana@gmail.com", "domain": "gmail.com", "country": "DE"}"#,
            r#"{"email": 7, "domain": null, "company": " "}"#,
            long.as_str(),
            "[]",
            "broken",
        ] {
            assert_eq!(keys("gtm.contact.upserted", data), Vec::<String>::new(), "{data}");
        }
    }
}
