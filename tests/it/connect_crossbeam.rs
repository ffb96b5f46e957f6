//! Crossbeam: partners of an account are known when they are asked for, heard when they act, and gone when they end.

use std::sync::atomic::Ordering;

use chrono::TimeDelta;
use gtm::connectors::source::Group;
use serde_json::{Value, json};

use crate::captures::{counts, told};
use crate::fakes::crossbeam::Crossbeam;
use crate::fakes::server::Answer;
use crate::harness::Service;
use crate::stories::event;

const SEARCH: &str = "/v1/overlaps/accounts/search";

async fn connected(crossbeam: &Crossbeam) -> Service {
    let service = Service::connected(&crossbeam.settings()).await;
    let account = json!({"name": "Wayne", "domain": "wayne.com"});
    service.events(&[event("gtm.account.upserted", "acc_1", account)]).await;
    told(&service).await;
    service
}

async fn refreshed(service: &Service) -> bool {
    service.refresh("acc_1", Group::Partner).await
}

/// What is told of overlaps: account, partner, kind and whether it is there.
async fn overlaps(service: &Service) -> Vec<String> {
    told(service).await;
    sqlx::query_scalar(
        "SELECT concat_ws(' ', account_id, data->>'partnerId', data->>'overlapType', data->>'active') FROM event
         WHERE type = 'gtm.partner.overlap' ORDER BY occurred_at, 1",
    )
    .fetch_all(&service.database.pool)
    .await
    .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn partners_of_an_account_are_found_by_its_domain_and_by_no_other() {
    let crossbeam = Crossbeam::start(Vec::new()).await;
    let service = connected(&crossbeam).await;
    assert!(refreshed(&service).await);
    assert_eq!(overlaps(&service).await, ["acc_1 justice customer true"]);
    let synced =
        "SELECT count(*) FROM event WHERE type = 'gtm.source.synced' AND data->>'source' = 'partner'";
    assert_eq!(service.number(synced).await, 1);
    let [asked] = crossbeam.fake.asked_at(SEARCH).try_into().unwrap();
    assert_eq!((asked.method.as_str(), asked.query.as_str()), ("GET", "domain=wayne.com"));
    assert!(asked.header("user-agent").starts_with("gtm-motion-orchestrator/"));

    // The token ends before its time: one new one, and the same call again.
    crossbeam.forgetful.store(true, Ordering::SeqCst);
    assert!(refreshed(&service).await);
    let token = crossbeam.fake.asked_at("/oauth/token");
    assert_eq!(token.len(), 2);
    assert_eq!(token[0].form("grant_type").as_deref(), Some("refresh_token"));
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_crossbeam_does_the_partners_are_known_once_it_answers() {
    let trouble = vec![
        Answer::Limited(1),
        Answer::Text(503, "upstream"),
        Answer::Json(403, json!({"message": "no plan for this"})),
        Answer::Json(422, json!({"message": "wrong"})),
        Answer::Json(200, json!({"rows": []})),
        Answer::Text(200, "<html>"),
        Answer::Silent,
        Answer::Broken,
    ];
    let (faults, crossbeam) = (trouble.len(), Crossbeam::start(trouble).await);
    let service = connected(&crossbeam).await;
    for _ in 0..faults {
        assert!(!refreshed(&service).await, "what was known before holds");
        assert_eq!(overlaps(&service).await, Vec::<String>::new());
    }
    assert!(refreshed(&service).await);
    assert_eq!(overlaps(&service).await.len(), 1);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_crossbeam_does_not_have_has_no_partners() {
    let crossbeam = Crossbeam::start(vec![Answer::Json(404, json!({"message": "Not found"}))]).await;
    let service = connected(&crossbeam).await;
    assert!(refreshed(&service).await, "that is an answer too");
    assert_eq!(overlaps(&service).await, Vec::<String>::new());
    service.stop().await;
}

async fn read_all(service: &Service) {
    service.running.app.connectors.begin_sync("crossbeam").await.unwrap();
    while service.number("SELECT count(*) FROM sync_progress WHERE finished_at IS NULL").await > 0 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reading_takes_all_pages_and_the_next_one_only_what_ended_since() {
    let crossbeam = Crossbeam::start(Vec::new()).await;
    let service = connected(&crossbeam).await;
    read_all(&service).await;
    let first = ["acc_1 justice opportunity true", "acc_2 justice prospect true"];
    assert_eq!(overlaps(&service).await, first);
    read_all(&service).await;
    assert_eq!(overlaps(&service).await[2..], ["acc_1 justice opportunity false"]);
    let asked: Vec<String> =
        crossbeam.fake.asked_at("/v1/overlaps/accounts").into_iter().map(|asked| asked.query).collect();
    assert_eq!(asked, ["limit=1000", "limit=1000&cursor=second", "limit=1000&cursor=bookmark"]);
    service.stop().await;
}

async fn signal(service: &Service, body: &Value, secret: &[u8]) -> u16 {
    let (body, stamp) = (body.to_string(), service.now().timestamp().to_string());
    let digest = gtm::connectors::sign::hmac_sha256(secret, &[body.as_bytes(), stamp.as_bytes()]);
    let signature = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, digest);
    let request = service.http.post(service.url("/v1/webhooks/crossbeam")).body(body);
    let request =
        request.header("x-crossbeam-signature-256", signature).header("x-crossbeam-timestamp", stamp);
    request.send().await.unwrap().status().as_u16()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signal_counts_once_and_a_forged_one_never() {
    let crossbeam = Crossbeam::start(Vec::new()).await;
    let service = connected(&crossbeam).await;
    let won = json!({
        "event_id": "e1", "event_type": "partner_deal_closed_won", "triggered_at": service.now(), "record_type": "account",
        "record_id": "acc_1", "partner_id": "p1", "partner_name": "Justice League, Inc.",
        "partner_populations": [{"name": "Customers", "segment": "customers"}],
    });
    assert_eq!(signal(&service, &won, b"hear someone else").await, 401);
    for _ in 0..2 {
        assert_eq!(signal(&service, &won, b"hear me").await, 200);
    }
    assert_eq!(counts(&service).await, [2, 2, 0, 0]);
    assert_eq!(overlaps(&service).await, ["acc_1 justice customer true", "acc_1 justice opportunity false"]);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_names_what_is_missing_in_crossbeam() {
    let crossbeam = Crossbeam::start(Vec::new()).await;
    let service = Service::connected(&crossbeam.settings()).await;
    let found = service.post("/v1/connectors/crossbeam/check", json!({})).await;
    let finding = |found: &Value, what: &str| {
        let findings = found["findings"].as_array().unwrap().clone();
        findings.into_iter().find(|one| one["what"] == what).unwrap_or_else(|| panic!("{what}: {found}"))
    };
    assert_eq!(finding(&found, "organization")["ok"], true);
    assert!(finding(&found, "populations")["detail"].as_str().unwrap().contains("VIP"), "{found}");
    let [asked] = crossbeam.fake.asked_at("/v1/users/me").try_into().unwrap();
    assert_eq!((asked.method.as_str(), asked.query.as_str()), ("GET", ""));
    assert!(asked.header("authorization").starts_with("Bearer "));
    service.stop().await;

    let mut spent = crossbeam.settings();
    spent["crossbeam"]["refresh_token"] = "r0".into();
    let service = Service::connected(&spent).await;
    let found = service.post("/v1/connectors/crossbeam/check", json!({})).await;
    let said = finding(&found, "token")["detail"].as_str().unwrap().to_owned();
    assert!(
        said.contains("refuses the credentials") && said.contains("Unknown or invalid refresh token"),
        "{said}"
    );
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_look_is_repeated_after_its_time_and_one_that_is_refused_for_good_is_over() {
    for refused in [403, 422] {
        let trouble =
            vec![Answer::Limited(600), Answer::Json(refused, json!({"message": "no plan for this"}))];
        let crossbeam = Crossbeam::start(trouble).await;
        let service = Service::connected_sandbox(&crossbeam.settings()).await;
        let account = json!({"name": "Wayne", "domain": "wayne.com"});
        service.events(&[event("gtm.account.upserted", "acc_1", account)]).await;
        service.get("/v1/accounts/acc_1").await;
        let clock = service.running.app.platform.clock.clone();
        let step = async |secs| {
            clock.advance_to(clock.now() + TimeDelta::seconds(secs));
            service.running.app.connectors.fetch_due().await.unwrap();
            crossbeam.fake.asked_at(SEARCH).len()
        };
        let left = "SELECT count(*) FROM job WHERE kind = 'connector_refresh'";
        assert!(!refreshed(&service).await);
        assert_eq!((step(599).await, service.number(left).await), (1, 1), "not before `Retry-After`");
        assert_eq!((step(1).await, service.number(left).await), (2, 0), "{refused} ends it");
        assert_eq!(step(86_400).await, 2);
        service.stop().await;
    }
}
