//! Connectors: the systems that users already have, on both sides of the service.
//!
//! One folder per system. A system can be any of: somebody who calls us ([`Inbound`]), a way out for deliveries
//! ([`Sender`]), a place to read from ([`Source`]). What calls us is checked, stored as it came, answered, and read
//! afterwards from its row: nothing acknowledged is held only in memory. What is read becomes events like any other.
//!
//! Promises: a connector knows its system's words and nothing of how this service stores or decides; adding one is a
//! folder and a line in [`ALL`]; no secret of a system is logged or given out.
//! Leaves out: when deliveries are repeated (the outbox), and whose account an event is (accounts).
//!
//! Owns the tables `received`, `sync_progress`, `source_state` and `alarm`.

mod analytics;
pub mod api;
pub mod commands;
mod consent;
mod crossbeam;
mod generic;
mod hubspot;
pub mod inbound;
pub mod jobs;
pub mod limits;
mod mail;
mod posthog;
mod resend;
mod salesforce;
mod segment;
pub mod settings;
pub mod sign;
mod slack;
mod smtp;
pub mod source;
mod standin;
mod store;
pub mod vendor;
pub mod watch;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::future::BoxFuture;
use sqlx::PgPool;
use tokio::sync::Notify;

use crate::accounts::Accounts;
use crate::handoffs::commands::Handoffs;
use crate::kernel::clock::Clock;
use crate::platform::outbox::Sender;

pub use inbound::Inbound;
pub use settings::{ConnectorSettings, Secret, Section, SetupFault};
pub use source::Source;

/// Makes the connectors of one section of the settings; most sections make one.
type Make = fn(&Tools, &Section) -> Result<Vec<Connector>, SetupFault>;

/// Every system that the service can be connected to, by the name of its section in the settings.
const ALL: &[(&str, Make)] = &[
    ("crossbeam", crossbeam::connect),
    ("hubspot", hubspot::connect),
    ("posthog", posthog::connect),
    ("resend", resend::connect),
    ("salesforce", salesforce::connect),
    ("segment", segment::connect),
    ("slack", slack::connect),
    ("smtp", smtp::connect),
    ("webhooks", generic::connect),
];

/// Those that need no settings: they are there unless a section switches them off, because whoever calls them proves it
/// by a key of this service.
const ALWAYS: [&str; 2] = [posthog::NAME, segment::NAME];

/// What a connector is made with.
#[derive(Clone)]
pub struct Tools {
    pub clock: Clock,
    /// For every call that leaves the process: no redirects, a time-out, our name.
    pub client: reqwest::Client,
}

/// One system, as far as it is set up.
pub struct Connector {
    /// The last step of its address (`/v1/webhooks/{name}`), and its name everywhere else.
    pub name: String,
    pub inbound: Option<Arc<dyn Inbound>>,
    /// Destinations of deliveries that it serves.
    pub senders: Vec<(&'static str, Arc<dyn Sender>)>,
    pub source: Option<Arc<dyn Source>>,
    /// Whether it can be reached and may do what it is to do.
    pub check: Option<Arc<dyn Check>>,
    /// How much of what the system allows has been used.
    pub limits: Option<Arc<limits::Limits>>,
    /// Whether it could not be read when that was last tried, here or, as noted, elsewhere.
    failing: AtomicBool,
}

impl Connector {
    /// A connector that does nothing yet.
    pub fn named(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            inbound: None,
            senders: Vec::new(),
            source: None,
            check: None,
            limits: None,
            failing: AtomicBool::new(false),
        }
    }

    /// Whether it cannot be read at present.
    pub fn is_failing(&self) -> bool {
        self.failing.load(Ordering::Relaxed)
    }

    /// Notes whether it could be read.
    fn set_failing(&self, failing: bool) {
        self.failing.store(failing, Ordering::Relaxed);
    }
}

/// A look at how a connector is set up, made when a person asks for it.
pub trait Check: Send + Sync {
    /// Tries each thing that the connector needs, one finding each; writes nothing to the system.
    fn check(&self) -> BoxFuture<'_, Vec<Finding>>;
}

/// One thing that a check looked at.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ConnectorFinding)]
pub struct Finding {
    /// What was looked at: `token`, `scope crm.objects.deals.write`, `property gtm_handoff_id`.
    pub what: String,
    pub ok: bool,
    /// What was found; when it is not well, what to do.
    pub detail: String,
}

impl Finding {
    /// It is as it should be.
    pub fn well(what: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { what: what.into(), ok: true, detail: detail.into() }
    }

    /// It is not, and this is what to do.
    pub fn amiss(what: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { what: what.into(), ok: false, detail: detail.into() }
    }
}

/// The systems that are set up, by name.
#[derive(Default)]
pub struct Registry(BTreeMap<String, Connector>);

/// A sender with the name of its connector.
type Named<'r> = (&'r str, Arc<dyn Sender>);

impl Registry {
    /// Makes what the settings ask for.
    ///
    /// # Errors
    /// All faults of all sections at once: unknown systems, unusable values, two that want the same destination.
    pub fn new(settings: &ConnectorSettings, tools: &Tools) -> Result<Self, Vec<SetupFault>> {
        let (mut made, mut faults) = (BTreeMap::new(), Vec::new());
        for section in settings.sections().chain(settings.unwritten(&ALWAYS)) {
            let Some((_, make)) = ALL.iter().find(|(name, _)| *name == section.name) else {
                faults.push(SetupFault::unknown(&section.name, ALL.iter().map(|(name, _)| *name)));
                continue;
            };
            match make(tools, &section) {
                Ok(connectors) => made.extend(connectors.into_iter().map(|one| (one.name.clone(), one))),
                Err(fault) => faults.push(fault),
            }
        }
        faults.extend(rivals(&made, settings));
        if faults.is_empty() { Ok(Self(made)) } else { Err(faults) }
    }

    /// The connector that a destination belongs to; none for an endpoint.
    pub fn serving(&self, destination: &str) -> Option<&str> {
        let serves = |one: &&Connector| one.senders.iter().any(|(to, _)| *to == destination);
        self.all().find(serves).map(|one| one.name.as_str())
    }

    /// The system that keeps a group of signals fresh.
    pub fn keeping(&self, group: source::Group) -> Option<&Connector> {
        self.all().find(|one| one.source.as_ref().is_some_and(|source| source.group() == group))
    }

    pub fn get(&self, name: &str) -> Option<&Connector> {
        self.0.get(name)
    }

    /// All of them, by name.
    pub fn all(&self) -> impl Iterator<Item = &Connector> {
        self.0.values()
    }

    /// Who serves which destination of deliveries: the one that can, or those that were chosen, one standing in for another.
    pub fn senders(&self, settings: &ConnectorSettings) -> Vec<(&'static str, Arc<dyn Sender>)> {
        let mut serving: BTreeMap<&'static str, Vec<Named<'_>>> = BTreeMap::new();
        for one in self.all() {
            for (to, sender) in &one.senders {
                serving.entry(*to).or_default().push((&one.name, sender.clone()));
            }
        }
        let of = |(destination, mut by): (&'static str, Vec<Named<'_>>)| {
            let chosen = settings.prefers(destination);
            let place = |name: &str| chosen.iter().position(|chosen| *chosen == name);
            by.retain(|(name, _)| chosen.is_empty() || place(name).is_some());
            by.sort_by_key(|(name, _)| place(name));
            let mut senders = by.into_iter().map(|(_, sender)| sender);
            let (first, others) = (senders.next()?, senders.collect::<Vec<_>>());
            if others.is_empty() {
                return Some((destination, first));
            }
            Some((destination, Arc::new(standin::StandIn { first, others }) as Arc<dyn Sender>))
        };
        serving.into_iter().filter_map(of).collect()
    }
}

/// Destinations that several systems could serve and nobody has chosen between.
fn rivals(made: &BTreeMap<String, Connector>, settings: &ConnectorSettings) -> Vec<SetupFault> {
    let mut serving: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (name, connector) in made {
        for (destination, _) in &connector.senders {
            serving.entry(destination).or_default().push(name);
        }
    }
    let chosen = |destination: &str, by: &[&str]| {
        settings.prefers(destination).iter().any(|preferred| by.contains(preferred))
    };
    serving
        .into_iter()
        .filter(|(destination, by)| by.len() > 1 && !chosen(destination, by))
        .map(|(destination, by)| SetupFault::rivals(destination, &by))
        .chain(settings.chosen().filter(|(_, name)| !made.contains_key(*name)).map(|(kind, name)| {
            let known = made.keys().map(String::as_str);
            SetupFault::unserved(kind, name, known)
        }))
        .collect()
}

/// The connectors of the service: a handle to their use cases.
#[derive(Clone)]
pub struct Connectors {
    pub pool: PgPool,
    pub clock: Clock,
    pub accounts: Accounts,
    pub handoffs: Handoffs,
    pub registry: Arc<Registry>,
    /// When something is an alarm, and who is told.
    pub watch: Arc<watch::WatchSettings>,
    /// Rung when something was received.
    pub work: Arc<Notify>,
    /// Rung when something is to be read from a system.
    pub fetch: Arc<Notify>,
}
