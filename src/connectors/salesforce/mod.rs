//! Salesforce: accounts, people and deals come from it, handoffs go to it.
//!
//! It calls us by Outbound Messages, or a relay posts its change events; both only hint at what changed where the
//! organisation can be asked (`client_id`), and are all that is known where it cannot.
//!
//! Promises: the same object in the same state is said by the same events, however it came; a write that may have
//! arrived is not made twice; what the organisation lacks (fields, rights, calls) is named with what to do.
//! Leaves out: Pub/Sub and streaming connections, which need a client that stays connected.

mod client;
mod deliver;
mod hear;
mod ids;
mod look;
mod provision;
mod read;
mod say;
mod soap;
mod soql;
mod words;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use serde::Deserialize;

use super::consent::ConsentField;
use super::limits::Limits;
use super::settings::{Secret, Section, SetupFault};
use super::vendor::Vendor;
use super::{Connector, Tools};
use crate::kernel::clock::DateTime;
use crate::platform::outbox::Sender;
use client::{Client, Proof};
use deliver::{Fields, People};

/// What it does with handoffs.
const SERVES: [&str; 2] = [deliver::UPDATE_DEAL, deliver::LOG_ACTIVITY];
/// Far below what an organisation takes; the limit that counts is that of a day.
const PER_SECOND: f64 = 10.0;
const BURST: u32 = 10;

/// `[connectors.salesforce]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    /// The last step of the address that Outbound Messages and relays post to.
    #[serde(default)]
    webhook_secret: Option<Secret>,
    /// The organisation that Outbound Messages have to come from, `00D…`.
    #[serde(default)]
    organization_id: Option<String>,
    /// The My Domain address, `https://example.my.salesforce.com`.
    #[serde(default)]
    url: Option<String>,
    #[serde(default)]
    client_id: Option<String>,
    #[serde(default)]
    client_secret: Option<Secret>,
    #[serde(default)]
    client_proof: Proof,
    #[serde(default = "api_version")]
    api_version: String,
    #[serde(default)]
    calls_per_second: Option<f64>,
    /// The field of Account that holds our account id; the record's own id where there is none.
    #[serde(default)]
    account_field: Option<String>,
    /// The field of Account whose values `lifecycle` maps.
    #[serde(default = "lifecycle_field")]
    lifecycle_field: String,
    /// Our lifecycle stage, by the field's value.
    #[serde(default)]
    lifecycle: BTreeMap<String, String>,
    /// Our name of a deal's stage, by Salesforce's.
    #[serde(default)]
    stages: BTreeMap<String, String>,
    /// The e-mail address or id of a rep's user, by the rep's id in the roster.
    #[serde(default)]
    owners: BTreeMap<String, String>,
    /// The currency of amounts, where the organisation has only one.
    #[serde(default)]
    currency: Option<String>,
    /// Whether records name their currency.
    #[serde(default)]
    multi_currency: bool,
    /// Fields of Account and Contact that say yes or no to a purpose.
    #[serde(default)]
    consents: Vec<ConsentField>,
    /// Fields of Opportunity that handoffs are written to.
    #[serde(default)]
    fields: Fields,
    /// Whether fields of ours that are missing are made, where the user may do that.
    #[serde(default = "yes")]
    make_fields: bool,
    /// A unique external id of Task, by which no activity is written twice.
    #[serde(default = "delivery_field")]
    delivery_field: String,
}

/// What of Salesforce is what here: the settings of the same names.
#[derive(Debug, Clone, Default)]
pub(super) struct Mapping {
    account_field: Option<String>,
    lifecycle_field: String,
    lifecycle: BTreeMap<String, String>,
    stages: BTreeMap<String, String>,
    owners: BTreeMap<String, String>,
    currency: Option<String>,
    multi_currency: bool,
    consents: Vec<ConsentField>,
}

fn api_version() -> String {
    "60.0".to_owned()
}

fn lifecycle_field() -> String {
    "Type".to_owned()
}

fn yes() -> bool {
    true
}

fn delivery_field() -> String {
    "GTM_Delivery_Id__c".to_owned()
}

impl Mapping {
    fn of(settings: &Settings) -> Self {
        Self {
            account_field: settings.account_field.clone(),
            lifecycle_field: settings.lifecycle_field.clone(),
            lifecycle: settings.lifecycle.clone(),
            stages: settings.stages.clone(),
            owners: settings.owners.clone(),
            currency: settings.currency.clone(),
            multi_currency: settings.multi_currency,
            consents: settings.consents.clone(),
        }
    }
}

/// The organisation that can be asked and written to.
pub(super) struct Org {
    client: Client,
    clock: crate::kernel::clock::Clock,
    mapping: Arc<Mapping>,
    fields: Fields,
    delivery_field: String,
    makes_fields: bool,
    /// When it was last tried to make the fields of an object.
    provisioned: Mutex<BTreeMap<&'static str, DateTime>>,
    /// Whether it may call us.
    listens: bool,
    /// Names of stages and the like that were read and that no mapping knows.
    unknown: Mutex<BTreeSet<String>>,
    people: Mutex<People>,
}

/// Makes the connector.
pub(super) fn connect(tools: &Tools, section: &Section) -> Result<Vec<Connector>, SetupFault> {
    let settings: Settings = section.read()?;
    check_names(&settings, section)?;
    let mapping = Arc::new(Mapping::of(&settings));
    let mut connector = Connector::named("salesforce");
    let asks = settings.client_id.is_some();
    if let Some(secret) = &settings.webhook_secret {
        let id = settings.organization_id.as_deref().and_then(|id| ids::of(ids::ORGANISATION, id));
        let organisation = id.ok_or_else(|| {
            section.fault(
                "organization_id",
                "has to be the organisation's id (00D…): Setup, Company Information",
            )
        })?;
        let secret = secret.0.clone();
        let listener = hear::Listener { secret, organisation, mapping: mapping.clone(), asks };
        connector.inbound = Some(Arc::new(listener));
    }
    if asks {
        let limits =
            Arc::new(Limits::new("salesforce", settings.calls_per_second.unwrap_or(PER_SECOND), BURST));
        connector.limits = Some(limits.clone());
        let org = Arc::new(organisation(tools, section, settings, mapping, limits)?);
        connector.senders = SERVES.map(|to| (to, org.clone() as Arc<dyn Sender>)).into();
        connector.source = Some(org.clone());
        connector.check = Some(org);
    } else if connector.inbound.is_none() {
        return Err(section.fault("client_id", "is missing; or set `webhook_secret` to listen only"));
    }
    Ok(vec![connector])
}

fn organisation(
    tools: &Tools,
    section: &Section,
    settings: Settings,
    mapping: Arc<Mapping>,
    limits: Arc<Limits>,
) -> Result<Org, SetupFault> {
    let missing = |key| section.fault(key, "is missing beside `client_id`");
    let url = settings.url.ok_or_else(|| missing("url"))?;
    let is_http = reqwest::Url::parse(&url).is_ok_and(|url| matches!(url.scheme(), "https" | "http"));
    if !is_http {
        return Err(section.fault("url", "has to be an address like https://example.my.salesforce.com"));
    }
    let client = Client {
        vendor: Vendor::new("Salesforce", tools.clock.clone(), limits, words::judge),
        http: tools.client.clone(),
        url: url.trim_end_matches('/').to_owned(),
        client_id: settings.client_id.ok_or_else(|| missing("client_id"))?,
        client_secret: settings.client_secret.ok_or_else(|| missing("client_secret"))?.0,
        proof: settings.client_proof,
        version: settings.api_version.trim_start_matches('v').to_owned(),
        session: tokio::sync::Mutex::default(),
    };
    Ok(Org {
        client,
        clock: tools.clock.clone(),
        mapping,
        fields: settings.fields,
        delivery_field: settings.delivery_field,
        makes_fields: settings.make_fields,
        provisioned: Mutex::default(),
        listens: settings.webhook_secret.is_some(),
        unknown: Mutex::default(),
        people: Mutex::default(),
    })
}

/// Names that become parts of questions and addresses are names and nothing else.
fn check_names(settings: &Settings, section: &Section) -> Result<(), SetupFault> {
    let mut names = vec![
        ("lifecycle_field", settings.lifecycle_field.as_str()),
        ("delivery_field", settings.delivery_field.as_str()),
    ];
    names.extend(settings.account_field.as_deref().map(|name| ("account_field", name)));
    names.extend(settings.fields.all().map(|name| ("fields", name)));
    names.extend(settings.consents.iter().map(|consent| ("consents", consent.property.as_str())));
    if let Some((key, name)) = names.into_iter().find(|(_, name)| !soql::is_field(name)) {
        return Err(section.fault(key, format!("`{name}` is no name of a field; take its API name")));
    }
    let version = settings.api_version.trim_start_matches('v');
    let is_version = version
        .split_once('.')
        .is_some_and(|(major, minor)| [major, minor].iter().all(|part| part.parse::<u16>().is_ok()));
    if !is_version {
        return Err(section.fault("api_version", "is written like \"60.0\""));
    }
    if !settings.calls_per_second.is_none_or(|rate| rate > 0.0) {
        return Err(section.fault("calls_per_second", "has to be more than 0"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::connectors::settings::ConnectorSettings;

    fn made(table: &Value) -> Result<Connector, String> {
        let all: ConnectorSettings = serde_json::from_value(json!({ "salesforce": table })).unwrap();
        let tools = Tools {
            clock: crate::kernel::clock::Clock::manual(crate::kernel::clock::DateTime::UNIX_EPOCH),
            client: crate::platform::outbox::client(std::time::Duration::from_secs(1)).unwrap(),
        };
        let section = all.sections().next().unwrap();
        connect(&tools, &section).map(|mut made| made.pop().unwrap()).map_err(|fault| fault.to_string())
    }

    fn asking() -> Value {
        json!({"url": "https://example.my.salesforce.com", "client_id": "id", "client_secret": "secret"})
    }

    #[test]
    fn it_listens_asks_or_does_both() {
        let listening = made(&json!({"webhook_secret": "s", "organization_id": "00D7F00000107Xs"})).unwrap();
        assert!(listening.inbound.is_some() && listening.source.is_none() && listening.senders.is_empty());
        let mut table = asking();
        table["account_field"] = json!("External_Id__c");
        table["stages"] = json!({"Legal": "negotiation"});
        let asking = made(&table).unwrap();
        assert!(asking.inbound.is_none() && asking.source.is_some() && asking.senders.len() == 2);
    }

    #[test]
    fn faults_name_the_key_and_what_to_do() {
        for (key, value, says) in [
            ("url", json!("example"), "my.salesforce.com"),
            ("client_secret", json!(null), "is missing beside"),
            ("api_version", json!("latest"), "\"60.0\""),
            ("account_field", json!("Id FROM User"), "API name"),
            ("fields", json!({"handoff_type": "a'b"}), "API name"),
            ("calls_per_second", json!(0), "more than 0"),
            ("webhook_secret", json!("s"), "Company Information"),
        ] {
            let mut table = asking();
            table[key] = value;
            let fault = made(&table).err().unwrap();
            assert!(fault.contains(says), "{key}: {fault}");
        }
        let mut table = asking();
        table["clientt_id"] = json!("x");
        assert!(made(&table).err().unwrap().contains("clientt_id"));
        assert!(made(&json!({})).err().unwrap().contains("client_id"));
    }
}
