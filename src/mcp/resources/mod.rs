//! Documents to be looked at: reports, explanations, policies, what events look like. One in each file.
//!
//! A resource has an address by a template, such as `gtm://handoffs/{handoffId}/report`. A further one is a file here with a
//! type that is a [`Document`], and its line in [`all`].

mod decision_explanation;
mod deliverable_schema;
mod event_types;
mod handoff_design;
mod handoff_report;
mod plan_document;
mod plan_report;
mod policy;
mod programme_file;
mod renewal_packet;
mod vocabulary;

use std::future::Future;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;

use super::calls::{Calls, Refusal};

/// A document as it is read.
pub struct Text {
    pub text: String,
    pub mime_type: &'static str,
}

/// A document that there is.
pub struct Found {
    pub uri: String,
    pub name: String,
    pub title: String,
    pub mime_type: &'static str,
}

/// A kind of document.
pub trait Document: Send + Sync + 'static {
    /// Its address; what varies stands in braces.
    const TEMPLATE: &'static str;
    const NAME: &'static str;
    const TITLE: &'static str;
    const DESCRIPTION: &'static str;
    const MIME_TYPE: &'static str;
    /// The calls of the API that it makes, by their `operationId`.
    const CALLS: &'static [&'static str];

    /// Reads the one whose address has these values in its braces.
    fn read(calls: &Calls, given: &[String]) -> impl Future<Output = Result<Text, Refusal>> + Send;

    /// Those that are worth being offered by name.
    fn list(calls: &Calls) -> impl Future<Output = Result<Vec<Found>, Refusal>> + Send;
}

type Read = fn(Calls, Vec<String>) -> BoxFuture<'static, Result<Text, Refusal>>;
type List = fn(Calls) -> BoxFuture<'static, Result<Vec<Found>, Refusal>>;

/// A kind of document as the server keeps it.
pub struct Entry {
    pub template: &'static str,
    pub name: &'static str,
    pub title: &'static str,
    pub description: &'static str,
    pub mime_type: &'static str,
    pub calls: &'static [&'static str],
    read: Read,
    list: List,
}

/// All kinds, in the order in which they are listed.
pub fn all() -> Vec<Entry> {
    vec![
        Entry::of::<handoff_report::HandoffReport>(),
        Entry::of::<decision_explanation::DecisionExplanation>(),
        Entry::of::<handoff_design::HandoffDesign>(),
        Entry::of::<renewal_packet::RenewalPacket>(),
        Entry::of::<plan_report::PlanReport>(),
        Entry::of::<plan_document::PlanDocument>(),
        Entry::of::<programme_file::ProgrammeFile>(),
        Entry::of::<deliverable_schema::DeliverableSchema>(),
        Entry::of::<policy::Policy>(),
        Entry::of::<vocabulary::Vocabulary>(),
        Entry::of::<event_types::EventTypes>(),
    ]
}

impl Entry {
    fn of<D: Document>() -> Self {
        Self {
            template: D::TEMPLATE,
            name: D::NAME,
            title: D::TITLE,
            description: D::DESCRIPTION,
            mime_type: D::MIME_TYPE,
            calls: D::CALLS,
            read: |calls, given| async move { D::read(&calls, &given).await }.boxed(),
            list: |calls| async move { D::list(&calls).await }.boxed(),
        }
    }

    /// The values in the braces of an address of this kind.
    pub fn fits(&self, uri: &str) -> Option<Vec<String>> {
        let (template, uri): (Vec<&str>, Vec<&str>) =
            (self.template.split('/').collect(), uri.split('/').collect());
        let mut given = Vec::new();
        for (place, (wanted, found)) in template.iter().zip(&uri).enumerate() {
            if wanted.starts_with("{+") {
                // The rest of the address, however many steps it has.
                let rest = uri[place..].join("/");
                return (!rest.is_empty()).then(|| {
                    given.push(rest);
                    given
                });
            }
            if wanted.starts_with('{') && !found.is_empty() {
                given.push((*found).to_owned());
            } else if wanted != found {
                return None;
            }
        }
        (template.len() == uri.len()).then_some(given)
    }

    pub async fn read(&self, calls: Calls, given: Vec<String>) -> Result<Text, Refusal> {
        (self.read)(calls.declaring(self.calls), given).await
    }

    pub async fn list(&self, calls: Calls) -> Result<Vec<Found>, Refusal> {
        (self.list)(calls.declaring(self.calls)).await
    }
}

/// The address of the one with this value.
fn address(template: &str, value: &str) -> String {
    match (template.find('{'), template.find('}')) {
        (Some(from), Some(to)) => format!("{}{value}{}", &template[..from], &template[to + 1..]),
        _ => template.to_owned(),
    }
}

/// The value in the one pair of braces that a template has.
fn only(given: &[String]) -> String {
    given.first().cloned().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_leads_to_one_kind_and_its_value() {
        let kinds = all();
        let find = |uri: &str| kinds.iter().find_map(|kind| Some((kind.name, kind.fits(uri)?)));
        assert_eq!(find("gtm://handoffs/h1/report"), Some(("handoff_report", vec!["h1".to_owned()])));
        let file = vec!["p1".to_owned(), "strategy/personas/one.md".to_owned()];
        assert_eq!(
            find("gtm://programmes/p1/files/strategy/personas/one.md"),
            Some(("programme_file", file))
        );
        assert!(find("gtm://programmes/p1/files").is_none());
        assert_eq!(
            find("gtm://programmes/schemas/icp"),
            Some(("deliverable_schema", vec!["icp".to_owned()]))
        );
        assert_eq!(find("gtm://event-types"), Some(("event_types", Vec::new())));
        assert_eq!(find("gtm://policies/default-1").unwrap().0, "policy");
        assert!(find("gtm://handoffs//report").is_none() && find("gtm://handoffs/h1/report/x").is_none());
        for kind in &kinds {
            assert_eq!(
                kind.fits(&address(kind.template, "v")).unwrap().len(),
                kind.template.matches('{').count()
            );
        }
    }
}
