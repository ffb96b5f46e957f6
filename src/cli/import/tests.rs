//! The import as a whole, on small files of our own and against a service that a test plays.

use std::fmt::Write as _;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;
use axum::routing::post;
use flate2::read::GzDecoder;
use serde_json::Value;

use super::fixture::Folder;
use super::preview::{Preview, preview};
use super::*;
use crate::kernel::clock::DateTime;

const MAPPING: &str = r#"
name = "test"
source = "/import/test"
[text]
date_formats = ["%d-%m-%Y"]
[[files]]
file = "accounts.csv"
[[files.events]]
type = "gtm.account.upserted"
id = "account:{id}"
subject = "{id}"
time = "since"
data = { name = "name", seats = { column = "seats", as = "integer" }, techStack = { column = "tech", as = "list" } }
[[files.events]]
type = "gtm.partner.referral"
id = "referral:{id}"
subject = "{id}"
time = "since"
when = { column = "from", is = ["partner"] }
data = { partnerId = { value = "aws" }, referredAt = { newest = true } }
[[files]]
file = "usage.csv"
[files.lookups.sub]
file = "subs.csv"
match = "sub_id"
key = "id"
[[files.events]]
type = "gtm.usage.recorded"
id = "usage:{usage_id}"
subject = "{sub.account}"
time = "day"
[files.events.data]
date = { column = "day", as = "date" }
[files.events.data.features]
"{feature}" = { column = "count", as = "integer" }
"#;

fn now() -> DateTime {
    chrono::DateTime::parse_from_rfc3339("2026-11-20T09:30:00Z").unwrap().to_utc()
}

/// Two sound accounts, one with a bad date; four usage rows: sound, repeated, reused id, unknown subscription.
fn folder() -> Folder {
    Folder::with(
        "accounts.csv",
        "\u{feff}id,name,since,seats,tech,from\r\nA-1,\"Acme, \"\"Inc\"\"\",01-10-2026,\"1,200\",aws;gcp,partner\r\n\
         A-2,Birch,02-10-2026,,,ads\r\nA-3,Cedar,31-02-2026,x,,ads\r\n"
            .as_bytes(),
    )
    .and("subs.csv", b"id,account\nS-1,A-1\n")
    .and(
        "usage.csv",
        b"usage_id,sub_id,day,feature,count\nU-1,S-1,05-10-2026,api,3\nU-1,S-1,05-10-2026,api,3\n\
          U-1,S-1,06-10-2026,api,4\nU-2,S-9,05-10-2026,api,1\n",
    )
}

fn rows<'m>(mapping: &'m Mapping, folder: &Folder, shift: Shift) -> Rows<'m> {
    let newest = Rows::open(mapping, folder.root(), Moment::default(), now()).unwrap().newest_time().unwrap();
    let moment = Moment { shift, newest: newest.map(|at| shift.instant(at)) };
    Rows::open(mapping, folder.root(), moment, now()).unwrap()
}

fn previewed(mapping: &str, folder: &Folder) -> Preview {
    let mapping = Mapping::parse(mapping).unwrap();
    preview(rows(&mapping, folder, Shift::default())).unwrap()
}

#[test]
fn a_preview_counts_and_names_every_fault_with_its_place() {
    let preview = previewed(MAPPING, &folder());
    assert_eq!(preview.counts[0].events["gtm.account.upserted"], 2);
    assert_eq!(preview.counts[0].events["gtm.partner.referral"], 1);
    assert_eq!((preview.counts[0].rows, preview.counts[0].rejected_rows), (3, 1));
    assert_eq!((preview.counts[1].repeats, preview.counts[1].rejected_rows), (1, 2));
    let place = |start: &str| preview.faults.iter().find(|fault| fault.starts_with(start)).cloned();
    assert!(place("accounts.csv:4:since: \"31-02-2026\" is no date of the form %d-%m-%Y").is_some());
    assert!(place("accounts.csv:4:seats: \"x\" is no number").is_some(), "all faults of a row");
    assert!(
        place("usage.csv:4: makes the event id \"usage:U-1\", which line 2").is_some(),
        "{:?}",
        preview.faults
    );
    assert!(place("usage.csv:5:sub_id: no row of subs.csv has id \"S-9\"").is_some());
    assert_eq!(preview.fault_count, 4);
    let sample = &preview.samples["gtm.account.upserted"];
    assert_eq!(
        sample["data"],
        serde_json::json!({ "name": "Acme, \"Inc\"", "seats": 1200, "techStack": ["aws", "gcp"] })
    );
    assert_eq!(preview.samples["gtm.partner.referral"]["data"]["referredAt"], "2026-10-06T00:00:00Z");
    assert_eq!(preview.samples["gtm.usage.recorded"]["subject"], "A-1");
}

#[test]
fn a_column_that_is_not_there_is_named_before_any_row_is_read() {
    for (wrong, said) in [
        ("name = \"nmae\"", "accounts.csv has no column \"nmae\"; did you mean \"name\"?"),
        ("subject = \"{sub.acount}\"", "subs.csv has no column \"acount\"; did you mean \"account\"?"),
    ] {
        let right = if wrong.starts_with("name") { "name = \"name\"" } else { "subject = \"{sub.account}\"" };
        let mapping = Mapping::parse(&MAPPING.replace(right, wrong)).unwrap();
        let error =
            Rows::open(&mapping, folder().root(), Moment::default(), now()).err().unwrap().to_string();
        assert_eq!(error, said);
    }
}

#[test]
fn what_the_service_would_refuse_is_found_before_it_is_sent() {
    let folder = folder().and("accounts.csv", b"id,name,since,seats,tech,from\nA 1,Acme,01-10-2026,-5,,x\n");
    let preview = previewed(MAPPING, &folder);
    assert!(
        preview.faults.iter().any(|fault| fault.starts_with("accounts.csv:2:subject:")),
        "{:?}",
        preview.faults
    );
    assert!(
        preview.faults.iter().any(|fault| fault.starts_with("accounts.csv:2:data.seats:")),
        "{:?}",
        preview.faults
    );
}

#[test]
fn a_shift_moves_data_and_times_alike() {
    let mapping = Mapping::parse(MAPPING).unwrap();
    let newest =
        Rows::open(&mapping, folder().root(), Moment::default(), now()).unwrap().newest_time().unwrap();
    let shift = Shift::to_now(newest.unwrap(), now());
    assert_eq!(shift.days, 45);
    let preview = preview(rows(&mapping, &folder(), shift)).unwrap();
    let usage = &preview.samples["gtm.usage.recorded"];
    assert_eq!(usage["data"]["date"], "2026-11-19");
    assert_eq!(usage["time"], "2026-11-19T00:00:00Z");
    assert_eq!(preview.samples["gtm.partner.referral"]["data"]["referredAt"], "2026-11-20T00:00:00Z");
}

/// A service that remembers events by id, is busy once, refuses one event, and may fail for good.
#[derive(Clone, Default)]
struct Played(Arc<Mutex<Heard>>);

#[derive(Default)]
struct Heard {
    ids: Vec<String>,
    requests: usize,
    fails_from: Option<usize>,
    refuses: Option<String>,
}

async fn events(State(played): State<Played>, headers: HeaderMap, body: Bytes) -> axum::response::Response {
    let mut heard = played.0.lock().unwrap();
    heard.requests += 1;
    if heard.requests == 1 {
        return (StatusCode::TOO_MANY_REQUESTS, [("retry-after", "0")], "busy").into_response();
    }
    if heard.fails_from.is_some_and(|from| heard.requests >= from) {
        return (StatusCode::FORBIDDEN, r#"{"status":403,"detail":"No more.","code":"forbidden"}"#)
            .into_response();
    }
    assert_eq!(headers["content-encoding"], "gzip");
    assert_eq!(headers["content-type"], "application/cloudevents-batch+json");
    let events: Vec<Value> = serde_json::from_reader(GzDecoder::new(body.as_ref())).unwrap();
    let (mut accepted, mut duplicates, mut rejected) = (0, 0, Vec::new());
    for (index, event) in events.iter().enumerate() {
        let id = event["id"].as_str().unwrap().to_owned();
        if heard.refuses.as_ref() == Some(&id) {
            rejected
                .push(serde_json::json!({ "index": index, "id": id, "code": "x", "detail": "not today" }));
        } else if heard.ids.contains(&id) {
            duplicates += 1;
        } else {
            heard.ids.push(id);
            accepted += 1;
        }
    }
    let answer = serde_json::json!({ "accepted": accepted, "duplicates": duplicates, "rejected": rejected });
    (StatusCode::ACCEPTED, answer.to_string()).into_response()
}

/// Plays the service for as long as the test's runtime lives.
async fn played() -> (Played, Client) {
    let played = Played::default();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let router = Router::new().route("/v1/events", post(events)).with_state(played.clone());
    tokio::task::spawn_local(async move { axum::serve(listener, router).await });
    (played, Client::new(&url, "key".into()).unwrap())
}

/// One run of the import; the rows sent count as done, as they would with `gtm import`.
async fn import(folder: &Folder, client: &Client) -> anyhow::Result<Sent> {
    let mapping = Mapping::parse(MAPPING).unwrap();
    let reader = rows(&mapping, folder, Shift::default());
    let inputs = progress::inputs(MAPPING, &reader.paths(), client.url()).unwrap().digest;
    let file = ProgressFile::new(folder.root(), &inputs);
    let known = file.read(&inputs);
    let resumed = known.is_some();
    let sender = Sender {
        client,
        rejects: Rejects::new(folder.root(), 2, resumed),
        rows: reader,
        progress: known.unwrap_or_else(|| Progress::begin(inputs, Shift::default())),
        file,
        watch: &|_, _| {},
    };
    sender.run().await
}

#[tokio::test]
async fn an_import_sends_each_event_once_and_keeps_what_was_refused_beside_its_reason() {
    let local = tokio::task::LocalSet::new();
    local
        .run_until(async {
            let (service, client) = played().await;
            service.0.lock().unwrap().refuses = Some("account:A-2".to_owned());
            let folder = folder();
            let sent = import(&folder, &client).await.unwrap();
            assert_eq!((sent.counts[0].accepted, sent.counts[0].rejected_rows), (2, 2));
            assert_eq!((sent.counts[1].accepted, sent.counts[1].repeats), (1, 1));
            let rejected = std::fs::read_to_string(folder.path("accounts.rejected.csv")).unwrap();
            let lines: Vec<&str> = rejected.lines().collect();
            assert_eq!(lines[0], "id,name,since,seats,tech,from,rejected_because");
            assert!(lines[1].starts_with("A-2,") && lines[1].ends_with("refused by the service: not today"));
            assert!(lines[2].contains("since:") && lines[2].contains("seats:"), "{rejected}");
            assert_eq!(lines.len(), 3);
            // Once more: nothing is new.
            service.0.lock().unwrap().refuses = None;
            let again = import(&folder, &client).await.unwrap();
            assert_eq!((again.counts[0].accepted, again.counts[0].duplicates), (1, 2));
        })
        .await;
}

#[tokio::test]
async fn an_import_that_broke_goes_on_where_it_stopped() {
    let local = tokio::task::LocalSet::new();
    local
        .run_until(async {
            let (service, client) = played().await;
            // 2,000 accounts are four batches; the first request is told to wait, the fourth fails for good.
            let mut text = "id,name,since,seats,tech,from\n".to_owned();
            for n in 0..2_000 {
                let _ = writeln!(text, "B-{n},Name {n},01-10-2026,1,,x");
            }
            let folder = folder().and("accounts.csv", text.as_bytes());
            service.0.lock().unwrap().fails_from = Some(4);
            let failure = import(&folder, &client).await.err().unwrap();
            assert!(failure.to_string().contains("No more."), "{failure}");
            let taken = service.0.lock().unwrap().ids.len();
            assert!(taken < 2_000 && taken > 0, "{taken}");
            service.0.lock().unwrap().fails_from = None;
            let sent = import(&folder, &client).await.unwrap();
            assert_eq!((sent.counts[0].rows, sent.counts[0].events_made()), (2_000, 2_000));
            let heard = service.0.lock().unwrap();
            assert_eq!(heard.ids.len(), 2_001, "every account and the one sound usage row");
            // What had been answered before the failure was not sent again.
            assert_eq!(sent.counts[0].duplicates + sent.counts[0].accepted, 2_000);
        })
        .await;
}

#[test]
fn the_ready_mappings_are_sound() {
    for (name, text) in READY {
        let mapping = Mapping::parse(text).unwrap_or_else(|fault| panic!("{name}: {fault}"));
        assert!(!mapping.files.is_empty());
    }
}

#[test]
fn the_template_reads_a_file_of_its_own_form() {
    let folder = Folder::with(
        "accounts.csv",
        b"Account ID,Account Name,Website,Industry,Billing Country,Employees,Annual Revenue,Territory,Owner ID,\
          Technologies,Last Modified Date\n1,Acme,https://www.acme.example/,Software,Germany,\"1,200\",\
          \"$3,000,000\",EMEA,rep-1,AWS;Snowflake,2026-11-01T10:00:00Z\n",
    );
    let (_, text) = READY.into_iter().find(|(name, _)| *name == "generic-accounts").unwrap();
    let preview = previewed(text, &folder);
    assert_eq!(preview.faults, Vec::<String>::new());
    let data = &preview.samples["gtm.account.upserted"]["data"];
    assert_eq!((&data["country"], &data["employeeCount"]), (&"DE".into(), &1200.into()));
    assert_eq!(data["annualRevenue"]["amount"], "3000000");
    assert_eq!(preview.samples["gtm.source.synced"]["data"]["syncedAt"], "2026-11-01T10:00:00Z");
}

#[test]
fn the_template_reads_a_file_without_its_optional_columns_and_says_so() {
    let (_, text) = READY.into_iter().find(|(name, _)| *name == "generic-accounts").unwrap();
    let folder = Folder::with("accounts.csv", b"Account ID,Account Name,Industy\n1,Acme,Software\n");
    let context = Context::new(
        crate::cli::Target { url: None, data_dir: folder.root().to_owned(), config: None },
        crate::cli::Screen { json: true, terminal: false, now: now() },
    );
    let mapping = Mapping::parse(text).unwrap();
    let moment = moment(&mapping, folder.root(), &context, Wanted::AsWritten).unwrap();
    let preview = preview(Rows::open(&mapping, folder.root(), moment, now()).unwrap()).unwrap();
    assert_eq!(preview.faults, Vec::<String>::new());
    let event = &preview.samples["gtm.account.upserted"];
    assert_eq!((&event["data"], event.get("time")), (&serde_json::json!({ "name": "Acme" }), None));
    assert_eq!(
        preview.samples["gtm.source.synced"]["data"]["syncedAt"], "2026-11-20T09:30:00Z",
        "on arrival"
    );
    let said = preview.show(&context.screen);
    let typo = "\nLeft empty: accounts.csv has no column \"Industry\"; did you mean \"Industy\"?\n";
    assert!(said.contains(typo), "{said}");
    assert_eq!(preview.absent.len(), 9, "{:?}", preview.absent);

    let folder = Folder::with("accounts.csv", b"Account ID,Industry\n1,Software\n");
    let refused = Rows::open(&mapping, folder.root(), Moment::default(), now()).err().unwrap().to_string();
    assert!(refused.starts_with("accounts.csv has no column \"Account Name\""), "it is required: {refused}");
}

/// A foreign export, where it lies beside the checkout: every row of it becomes events.
#[test]
fn the_ravenstack_export_reads_without_a_fault() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/ravenstack");
    if !dir.is_dir() {
        println!("not run: {} is absent; the other tests cover the import", dir.display());
        return;
    }
    let (_, text) = READY.into_iter().find(|(name, _)| *name == "ravenstack").unwrap();
    let mapping = Mapping::parse(text).unwrap();
    let newest = Rows::open(&mapping, &dir, Moment::default(), now()).unwrap().newest_time().unwrap();
    let moment = Moment { shift: Shift::to_now(newest.unwrap(), now()), newest: Some(now()) };
    let preview = preview(Rows::open(&mapping, &dir, moment, now()).unwrap()).unwrap();
    assert_eq!(preview.faults, Vec::<String>::new());
    let rows: Vec<u64> = preview.counts.iter().map(|file| file.rows).collect();
    assert_eq!(rows, [500, 5_000, 25_000, 2_000, 600]);
    assert_eq!(
        preview.counts[2].events["gtm.usage.recorded"], 25_000,
        "two rows with one usage id are two events"
    );
}
