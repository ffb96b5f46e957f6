//! Requests that official clients sent, sent again over a socket of its own: the same bytes but for the address and key.
//!
//! Promises: every recording under `tests/fixtures` is spoken for: a test sends, reads or compares it, or the table says
//! why we make no such call.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::harness::Service;

/// A request as a client sent it.
pub struct Capture {
    target: String,
    headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

/// The requests of a file under `tests/fixtures`.
pub fn all(text: &str) -> Vec<Capture> {
    let file: Value = serde_json::from_str(text).unwrap();
    let read = |request: &Value| {
        let pair =
            |pair: &Value| (pair[0].as_str().unwrap().to_owned(), pair[1].as_str().unwrap().to_owned());
        Capture {
            target: request["target"].as_str().unwrap().to_owned(),
            headers: request["headers"].as_array().unwrap().iter().map(pair).collect(),
            body: match request["raw_body_base64"].as_str() {
                Some(packed) => STANDARD.decode(packed).unwrap(),
                None => request["body_text"].as_str().unwrap().as_bytes().to_vec(),
            },
        }
    };
    file["requests"].as_array().unwrap().iter().map(read).collect()
}

impl Capture {
    /// Puts another key into the header that has one.
    pub fn authorised(mut self, key: &str) -> Self {
        for (_, value) in
            self.headers.iter_mut().filter(|(name, _)| name.eq_ignore_ascii_case("authorization"))
        {
            assert!(value.starts_with("Basic "));
            *value = format!("Basic {}", STANDARD.encode(format!("{key}:")));
        }
        self
    }

    pub fn is_packed(&self) -> bool {
        self.headers
            .iter()
            .any(|(name, value)| name.eq_ignore_ascii_case("content-encoding") && value == "gzip")
    }

    /// Sends it below a path; gives the status and the body of the answer.
    pub async fn send(&self, service: &Service, below: &str) -> (u16, String) {
        let mut request = format!("POST {below}{} HTTP/1.1\r\n", self.target).into_bytes();
        // The connection ends with the answer, so that the test sees where that ends.
        let kept = |name: &str| !["connection", "content-length", "accept-encoding"].contains(&name);
        for (name, value) in self.headers.iter().filter(|(name, _)| kept(&name.to_ascii_lowercase())) {
            request.extend(format!("{name}: {value}\r\n").bytes());
        }
        request.extend(format!("connection: close\r\ncontent-length: {}\r\n\r\n", self.body.len()).bytes());
        request.extend(&self.body);
        let mut socket = tokio::net::TcpStream::connect(service.running.address).await.unwrap();
        socket.write_all(&request).await.unwrap();
        let mut answer = String::new();
        socket.read_to_string(&mut answer).await.unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
    }
}

/// What is stored of events, one line for each: type, account, and the data beside the day.
pub async fn told(service: &Service) -> Vec<String> {
    service.until_read().await;
    let text = "SELECT e.type || ' ' || e.account_id || ' ' || (e.data::jsonb - 'mode')::text FROM event e ORDER BY 1";
    loop {
        // What was read is applied behind the reading.
        if service.number("SELECT count(*) FROM inbox").await == 0 {
            return sqlx::query_scalar(text).fetch_all(&service.database.pool).await.unwrap();
        }
        tokio::task::yield_now().await;
    }
}

/// What became of all calls: taken, known already, of no use, not understood.
pub async fn counts(service: &Service) -> [i64; 4] {
    service.until_read().await;
    [
        service.number("SELECT sum(accepted) FROM received").await,
        service.number("SELECT sum(duplicates) FROM received").await,
        service.number("SELECT sum(ignored) FROM received").await,
        service.number("SELECT count(*) FROM received WHERE status = 'dead'").await,
    ]
}

/// Where the values of a body stand and of what type they are; lists by their first item.
fn shape(at: &str, value: &Value, found: &mut Vec<String>) {
    match value {
        // Properties differ from portal to portal: only that there are some.
        Value::Object(_) if at.ends_with("/properties") => found.push(format!("{at} properties")),
        Value::Object(members) => {
            for (key, value) in members {
                shape(&format!("{at}/{key}"), value, found);
            }
        }
        Value::Array(items) => {
            found.push(format!("{at} list"));
            if let Some(first) = items.first() {
                shape(&format!("{at}/-"), first, found);
            }
        }
        Value::String(_) => found.push(format!("{at} text")),
        other => found.push(format!("{at} {other}")),
    }
}

/// The shape of a body: where its values stand and of what type they are.
pub fn shapes(value: &Value) -> Vec<String> {
    let mut found = Vec::new();
    shape("", value, &mut found);
    found.sort();
    found
}

/// A request of an official client, by its name in a file under `tests/fixtures`.
pub fn captured(text: &str, name: &str) -> Value {
    let file: Value = serde_json::from_str(text).unwrap();
    file["requests"].as_array().unwrap().iter().find(|one| one["name"] == name).unwrap().clone()
}

/// What is done with a recording.
enum Spoken {
    /// This test sends it, reads it, or compares with it what we send.
    By(&'static str),
    /// We make no such call: what of its address stands nowhere in the connectors, and why.
    NoSuchCall(&'static str, &'static str),
}

/// Every recording, by its file and name. `*`: all of the file, which a test goes through one by one.
const SPOKEN_FOR: &[(&str, &str, Spoken)] = {
    use Spoken::{By, NoSuchCall};
    const CLOUDEVENTS: Spoken = By("recorded_requests_of_cloudevents_clients_are_taken_and_refused_alike");
    const MCP: Spoken = By("what_official_clients_sent_is_answered_in_the_form_that_they_took");
    const HUBSPOT: Spoken = By("requests_are_those_of_the_official_client");
    const RESEND: Spoken = By("every_attempt_carries_the_same_key_and_the_same_bytes");
    const SALESFORCE: Spoken =
        By("a_handoff_is_written_to_the_deal_and_as_an_activity_as_official_clients_would");
    const SALESFORCE_READ: Spoken = By("an_account_is_read_by_its_id_or_by_its_domain");
    const SALESFORCE_ERRORS: Spoken =
        By("the_documented_errors_are_a_session_to_renew_and_a_limit_to_wait_for");
    const SLACK: Spoken = By("requests_are_those_of_the_official_clients");
    const SLACK_HOOK: Spoken = By("an_incoming_webhook_is_the_simple_way");
    const CROSSBEAM_OVERLAPS: Spoken = By("every_overlap_of_the_documented_examples_becomes_events");
    const CROSSBEAM_SIGNALS: Spoken = By("every_signal_of_the_documented_examples_is_understood");
    const CROSSBEAM_PAGES: Spoken = By("every_answer_of_the_documented_examples_is_a_page");
    const CROSSBEAM_POPULATIONS: Spoken = By("every_population_of_the_documented_examples_is_known_or_named");
    &[
        ("cloudevents/node.json", "*", CLOUDEVENTS),
        ("cloudevents/python.json", "*", CLOUDEVENTS),
        ("crossbeam/answers.json", "/v1/users/me", By("a_check_names_what_is_missing_in_crossbeam")),
        ("crossbeam/answers.json", "/v1/users/organization/:id", CROSSBEAM_PAGES),
        ("crossbeam/answers.json", "/v1/partners", CROSSBEAM_PAGES),
        ("crossbeam/answers.json", "/v1/partners/:id", CROSSBEAM_PAGES),
        ("crossbeam/answers.json", "/v1/partner-tags", CROSSBEAM_PAGES),
        ("crossbeam/answers.json", "/v1/populations", CROSSBEAM_POPULATIONS),
        ("crossbeam/answers.json", "/v1/populations/:id", CROSSBEAM_POPULATIONS),
        ("crossbeam/answers.json", "/v1/partner-populations", CROSSBEAM_POPULATIONS),
        ("crossbeam/answers.json", "/v1/partner-populations/:id", CROSSBEAM_POPULATIONS),
        ("crossbeam/answers.json", "/v1/reports", CROSSBEAM_PAGES),
        ("crossbeam/answers.json", "/v1/records/accounts", CROSSBEAM_PAGES),
        ("crossbeam/answers.json", "/v1/audit-logs", CROSSBEAM_PAGES),
        ("crossbeam/answers.json", "/v1/records/accounts/search", CROSSBEAM_PAGES),
        ("crossbeam/answers.json", "/v1/records/leads", CROSSBEAM_PAGES),
        ("crossbeam/answers.json", "/v1/records/leads/search", CROSSBEAM_PAGES),
        ("crossbeam/answers.json", "/v1/overlaps/accounts", CROSSBEAM_OVERLAPS),
        ("crossbeam/answers.json", "/v1/overlaps/accounts/search", CROSSBEAM_OVERLAPS),
        ("crossbeam/answers.json", "/v1/overlaps/leads", CROSSBEAM_OVERLAPS),
        ("crossbeam/answers.json", "/v1/overlaps/leads/search", CROSSBEAM_OVERLAPS),
        ("crossbeam/answers.json", "/v1/signals/accounts", CROSSBEAM_SIGNALS),
        ("crossbeam/answers.json", "/v1/signals/leads", CROSSBEAM_SIGNALS),
        ("crossbeam/answers.json", "/v1/signals/own-deals", CROSSBEAM_SIGNALS),
        ("crossbeam/signatures.json", "*", By("signatures_by_crossbeams_example_are_believed_and_no_others")),
        ("hubspot/requests.json", "company", HUBSPOT),
        ("hubspot/requests.json", "company_search", HUBSPOT),
        ("hubspot/requests.json", "company_contacts", HUBSPOT),
        ("hubspot/requests.json", "contacts_batch", HUBSPOT),
        ("hubspot/requests.json", "deal_update", HUBSPOT),
        ("hubspot/requests.json", "note_create", HUBSPOT),
        (
            "hubspot/requests.json",
            "task_create",
            NoSuchCall("objects/tasks", "what is to be done is a task of a plan here; HubSpot gets a note"),
        ),
        ("hubspot/requests.json", "owner_by_email", HUBSPOT),
        ("hubspot/requests.json", "owner_by_id", HUBSPOT),
        ("hubspot/requests.json", "property_create", HUBSPOT),
        ("hubspot/requests.json", "group_create", HUBSPOT),
        ("hubspot/requests.json", "pipelines", HUBSPOT),
        (
            "hubspot/requests.json",
            "associate",
            NoSuchCall("associations/default", "a note is written with what it belongs to, in one call"),
        ),
        (
            "hubspot/signatures.json",
            "*",
            By("every_vector_of_the_official_client_is_believed_and_the_encoded_one_is_not"),
        ),
        ("mcp/python_modern.json", "*", MCP),
        ("mcp/typescript_client_auto.json", "*", MCP),
        ("mcp/typescript_client_default.json", "*", MCP),
        ("mcp/typescript_sdk_legacy.json", "*", MCP),
        ("posthog/node.json", "*", By("calls_of_posthogs_node_client_count_once")),
        ("posthog/python.json", "*", By("calls_of_posthogs_python_client_count_once")),
        ("resend/requests.json", "rendered", RESEND),
        ("resend/requests.json", "rendered_python", RESEND),
        ("resend/requests.json", "template", By("a_template_takes_its_variables_in_place_of_the_page")),
        (
            "resend/requests.json",
            "batch",
            NoSuchCall("emails/batch", "each mail is a delivery of its own, with a key of its own"),
        ),
        ("resend/signatures.json", "*", By("signatures_of_the_official_library_are_believed_and_no_others")),
        ("salesforce/change_event.json", "*", By("where_objects_can_be_asked_for_a_call_only_names_them")),
        ("salesforce/errors.json", "401 session", SALESFORCE_ERRORS),
        ("salesforce/errors.json", "403 limit", SALESFORCE_ERRORS),
        ("salesforce/outbound_message.xml", "*", By("a_message_as_salesforce_sends_it_is_read")),
        ("salesforce/platform_event.json", "*", By("where_objects_can_be_asked_for_a_call_only_names_them")),
        (
            "salesforce/requests.json",
            "GET /services/data/v60.0/sobjects/Account/001xx000003DGb2AAG",
            NoSuchCall("sobjects/Account", "an account is asked for with its owner, which only a query can"),
        ),
        ("salesforce/requests.json", "GET /services/data/v60.0/query", SALESFORCE_READ),
        ("salesforce/requests.json", "GET /services/data/v60.0/query/", SALESFORCE_READ),
        (
            "salesforce/requests.json",
            "PATCH /services/data/v60.0/sobjects/Opportunity/006xx000001a2b3AAA",
            SALESFORCE,
        ),
        ("salesforce/requests.json", "POST /services/data/v60.0/sobjects/Task", SALESFORCE),
        (
            "salesforce/requests.json",
            "PATCH /services/data/v60.0/sobjects/Account/External_Id__c/acc_12345",
            SALESFORCE,
        ),
        ("salesforce/requests.json", "POST /services/oauth2/token", SALESFORCE),
        ("segment/node.json", "*", By("calls_of_segments_node_client_count_once")),
        ("segment/python.json", "*", By("calls_of_segments_python_client_count_once")),
        ("segment/rudderstack_node.json", "*", By("calls_of_rudderstacks_node_client_count_once")),
        ("segment/rudderstack_python.json", "*", By("calls_of_rudderstacks_python_client_count_once")),
        ("segment/signatures.json", "*", By("signatures_of_segment_are_believed_and_no_others")),
        ("slack/requests.json", "post", SLACK),
        ("slack/requests.json", "post_python", SLACK),
        (
            "slack/requests.json",
            "update",
            NoSuchCall("chat.update", "what became of a press is told at its response_url"),
        ),
        ("slack/requests.json", "lookup", SLACK),
        ("slack/requests.json", "auth_test", SLACK),
        ("slack/requests.json", "hook", SLACK_HOOK),
        ("slack/requests.json", "hook_python", SLACK_HOOK),
        ("slack/signatures.json", "*", By("signatures_of_the_official_libraries_are_believed_and_no_others")),
        ("webhooks/signatures.json", "*", By("signatures_equal_those_of_the_official_libraries")),
    ]
};

/// The names of what a file holds, one for each recording; `*` where they are gone through as a whole.
fn names(file: &Path) -> Vec<String> {
    let whole = vec!["*".to_owned()];
    let Ok(content) = serde_json::from_str::<Value>(&std::fs::read_to_string(file).unwrap()) else {
        return whole;
    };
    if let Some(answers) = content["answers"].as_object() {
        return answers.keys().cloned().collect();
    }
    // Requests as a client of the system sends them to it; those with an HTTP version or a mode came to us.
    let to_a_system = |one: &&Value| one["http_version"].is_null() && one["mode"].is_null();
    let requests = content["requests"].as_array().into_iter().flatten().filter(to_a_system);
    let name = |one: &Value| {
        if let Some(name) = one["name"].as_str() {
            return name.to_owned();
        }
        let (method, target) = (one["method"].as_str().unwrap(), one["target"].as_str().unwrap());
        format!("{method} {}", target.split('?').next().unwrap())
    };
    let names: Vec<String> = requests.map(name).collect();
    if names.is_empty() { whole } else { names }
}

/// All files below a directory with such an end.
fn files(dir: &Path, ends: &[&str], found: &mut Vec<std::path::PathBuf>) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, ends, found);
        } else if path.extension().is_some_and(|end| ends.iter().any(|known| end == *known)) {
            found.push(path);
        }
    }
}

#[test]
fn every_recording_is_spoken_for() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let fixtures = root.join("tests/fixtures");
    let mut recorded = Vec::new();
    files(&fixtures, &["json", "xml"], &mut recorded);
    let mut there = BTreeSet::new();
    for file in recorded {
        let path = file.strip_prefix(&fixtures).unwrap().to_str().unwrap().to_owned();
        there.extend(names(&file).into_iter().map(|name| (path.clone(), name)));
    }
    let said: BTreeMap<(String, String), &Spoken> = SPOKEN_FOR
        .iter()
        .map(|(file, name, spoken)| (((*file).to_owned(), (*name).to_owned()), spoken))
        .collect();
    assert_eq!(said.len(), SPOKEN_FOR.len(), "one is named twice");
    let named: BTreeSet<_> = said.keys().cloned().collect();
    let unsaid: Vec<_> = there.difference(&named).collect();
    assert!(unsaid.is_empty(), "say in SPOKEN_FOR what is done with: {unsaid:?}");
    let gone: Vec<_> = named.difference(&there).collect();
    assert!(gone.is_empty(), "these are not recorded: {gone:?}");

    let (mut tests, mut connectors) = (Vec::new(), Vec::new());
    files(&root.join("tests/it"), &["rs"], &mut tests);
    files(&root.join("src"), &["rs"], &mut tests);
    files(&root.join("src/connectors"), &["rs"], &mut connectors);
    let read = |files: Vec<std::path::PathBuf>| -> String {
        files.into_iter().map(|file| std::fs::read_to_string(file).unwrap()).collect()
    };
    let (tests, connectors) = (read(tests), read(connectors));
    for ((file, name), spoken) in said {
        match spoken {
            Spoken::By(test) => {
                assert!(tests.contains(&format!("fn {test}()")), "{file} {name}: there is no test {test}");
            }
            Spoken::NoSuchCall(part, why) => {
                assert!(!why.is_empty() && !connectors.contains(part), "{file} {name}: we do call {part}");
            }
        }
    }
}
