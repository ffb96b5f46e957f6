//! What was promised in the sale, and whether it was sold.
//!
//! Promises: a promise is compared with the deal's products by the names in it: products of this deal, products of the
//! account's other deals, and names as people write them (in capitals, or between quotes). What is named and was not
//! sold is listed; what names nothing is said to be unclear and never passed as sold.
//! Leaves out: what the words mean. A promise in small letters throughout is for a person to read.

use std::collections::BTreeSet;

use super::model::{DealPart, Promise, Promises, ScopeCheck, ScopeVerdict};
use super::{Cut, Inputs, Note, clip};
use crate::accounts::model::value;

/// Names in capitals that are no products, in small letters.
const NO_PRODUCTS: [&str; 42] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
    "q1",
    "q2",
    "q3",
    "q4",
    "h1",
    "h2",
    "eu",
    "us",
    "uk",
    "usd",
    "eur",
    "gbp",
    "sla",
    "roi",
    "kpi",
    "ceo",
    "cfo",
    "cto",
    "i",
    "we",
    "they",
    "fy",
    "eod",
];

/// The binding notes; `deal` where its scope is handed over.
pub(super) fn promises(inputs: &Inputs<'_>, deal: Option<&DealPart>, cut: &mut Cut) -> Promises {
    let scope = deal.filter(|deal| !deal.products.is_empty()).map(|deal| Scope::new(inputs, deal));
    let mut of_kind = |path: &str, kinds: &[&str], compared: bool| {
        let mut notes: Vec<&Note> =
            inputs.notes.iter().filter(|note| kinds.contains(&note.kind.as_str())).collect();
        notes.sort_by(|a, b| b.at.cmp(&a.at).then_with(|| a.text.cmp(&b.text)));
        let promise = |note: &Note| Promise {
            text: clip(&note.text),
            source: clip(&note.source),
            at: note.at,
            scope: scope.as_ref().filter(|_| compared).map(|scope| scope.check(&note.text)),
        };
        cut.keep(path, notes.into_iter().map(promise).collect())
    };
    Promises {
        promised: of_kind("promises.promised", &["promise", "promised_outcome", "commitment"], true),
        success_criteria: of_kind(
            "promises.successCriteria",
            &["success_criterion", "success_criteria"],
            false,
        ),
        next_steps: of_kind("promises.nextSteps", &["next_step", "next_steps", "agreed_next_step"], false),
    }
}

/// What was sold, and what else has a name.
struct Scope {
    sold: Vec<Name>,
    /// Products of the account's other deals.
    elsewhere: Vec<Name>,
    /// Words of names that are no products: the company and its people.
    parties: BTreeSet<String>,
}

/// A product's name and its words in small letters.
struct Name {
    written: String,
    words: Vec<String>,
}

impl Name {
    fn new(written: &str) -> Option<Self> {
        let words = words(written);
        (!words.is_empty()).then(|| Self { written: clip(written), words })
    }

    fn is_in(&self, text: &[String]) -> bool {
        text.windows(self.words.len()).any(|window| window == self.words)
    }
}

fn words(text: &str) -> Vec<String> {
    let words = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    words.map(str::to_lowercase).collect()
}

impl Scope {
    fn new(inputs: &Inputs<'_>, deal: &DealPart) -> Self {
        let sold: Vec<Name> = deal.products.iter().filter_map(|product| Name::new(product)).collect();
        let others = inputs.state.deals.values().filter_map(|deal| value(&deal.products)).flatten();
        let elsewhere = others.filter_map(|product| Name::new(product));
        let elsewhere: BTreeSet<(String, Vec<String>)> = elsewhere
            .filter(|name| !sold.iter().any(|sold| sold.words == name.words))
            .map(|name| (name.written, name.words))
            .collect();
        let people = inputs.people.iter().flat_map(|person| {
            [&person.contact.first_name, &person.contact.last_name].into_iter().filter_map(value)
        });
        let parties = people.chain(value(&inputs.state.profile.name)).flat_map(|name| words(name)).collect();
        let elsewhere = elsewhere.into_iter().map(|(written, words)| Name { written, words }).collect();
        Self { sold, elsewhere, parties }
    }

    fn check(&self, text: &str) -> ScopeCheck {
        let said = words(text);
        let named = |names: &[Name]| -> Vec<String> {
            names.iter().filter(|name| name.is_in(&said)).map(|name| name.written.clone()).collect()
        };
        let (sold, mut not_sold) = (named(&self.sold), named(&self.elsewhere));
        for name in capitalised(text) {
            let its = words(&name);
            let known = its.iter().all(|word| {
                NO_PRODUCTS.contains(&word.as_str())
                    || self.parties.contains(word)
                    || word.chars().all(|c| c.is_ascii_digit())
                    || self.sold.iter().any(|sold| sold.words.contains(word))
            });
            let listed = not_sold.iter().any(|other| its.iter().all(|word| words(other).contains(word)));
            if !known && !listed {
                not_sold.push(name);
            }
        }
        not_sold.truncate(super::LIST_MAX);
        let verdict = match (sold.is_empty(), not_sold.is_empty()) {
            (_, false) => ScopeVerdict::OutOfScope,
            (false, true) => ScopeVerdict::InScope,
            (true, true) => ScopeVerdict::Unclear,
        };
        ScopeCheck { verdict, sold, not_sold }
    }
}

/// Names as people write them: runs of words in capitals, and what stands between quotes. A single word that begins a
/// sentence is one only when it has a second capital, as `SSO` or `HubSpot`.
fn capitalised(text: &str) -> Vec<String> {
    let (mut names, mut run): (Vec<String>, Vec<(&str, bool)>) = (Vec::new(), Vec::new());
    let mut begins = true;
    let mut close = |run: &mut Vec<(&str, bool)>| {
        let said = match run.as_slice() {
            [(word, true)] => word.chars().filter(|c| c.is_uppercase()).count() > 1,
            run => !run.is_empty(),
        };
        if said {
            let name = run.iter().map(|(word, _)| *word).collect::<Vec<_>>().join(" ");
            if !names.contains(&name) {
                names.push(name);
            }
        }
        run.clear();
    };
    for token in text.split_whitespace() {
        let word = token.trim_matches(|c: char| !c.is_alphanumeric());
        let quoted = token.starts_with(['"', '“', '‘', '«', '\'']);
        if word.chars().next().is_some_and(char::is_uppercase) {
            if quoted {
                close(&mut run);
            }
            run.push((word, begins && !quoted));
        } else {
            close(&mut run);
        }
        begins = token.ends_with(['.', '!', '?', ':']);
        if token.ends_with(|c: char| !c.is_alphanumeric()) {
            close(&mut run);
        }
    }
    close(&mut run);
    names
}
