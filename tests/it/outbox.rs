//! Deliveries to receivers that misbehave: what is promised of them holds all the same.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use gtm::kernel::clock::Clock;
use gtm::platform::lifecycle::Lifecycle;
use gtm::platform::outbox::{EndpointSettings, Outbox, OutboxSettings};
use gtm::platform::worker::Pace;
use serde_json::{Value, json};

use crate::harness::Service;
use crate::receiver::{Received, Receiver, Reply};
use crate::stories;

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
/// The three skills that the worked example calls.
const SCORING: &str = "revops/opportunity_scoring";
const NEARBOUND: &str = "ecosystem/nearbound_signal";
const DEPTH: &str = "plg/usage_depth_analyzer";

fn settings(endpoints: &[(&str, &Receiver)]) -> OutboxSettings {
    let endpoint = |receiver: &Receiver| EndpointSettings { url: receiver.url(), secret: SECRET.into() };
    OutboxSettings {
        retry_schedule_secs: vec![5, 300, 1_800, 7_200],
        timeout_ms: 200,
        breaker_failures: 100,
        endpoints: endpoints.iter().map(|(name, at)| ((*name).to_owned(), endpoint(at))).collect(),
        ..OutboxSettings::default()
    }
}

/// A sandbox, which sends nothing by itself, with one decision on record; and an outbox driven by hand.
async fn service_with_a_decision() -> Service {
    let service = Service::sandbox().await;
    decide(&service, "acc_1").await;
    service
}

async fn decide(service: &Service, account: &str) {
    service.events(&stories::worked_example(service.now(), account, TimeDelta::zero())).await;
    assert_eq!(service.orchestrate(account).await["outcome"], "executed");
}

fn clock(service: &Service) -> Clock {
    service.running.app.platform.clock.clone()
}

fn outbox(service: &Service, settings: OutboxSettings) -> Outbox {
    Outbox::new(service.database.pool.clone(), clock(service), settings, []).unwrap()
}

/// The newest delivery to a destination.
async fn delivery(service: &Service, destination: &str) -> Value {
    let page = service.get(&format!("/v1/deliveries?destination={destination}")).await;
    page["data"][0].clone()
}

async fn retry(service: &Service, id: &str, expected: u16) -> Value {
    let path = format!("/v1/deliveries/{id}/retry");
    service.send(reqwest::Method::POST, &path, Some(json!({})), expected).await
}

fn due_at(delivery: &Value) -> DateTime<Utc> {
    delivery["dueAt"].as_str().unwrap().parse().unwrap()
}

/// Checks a request with the library of the specification.
fn check_signature(request: &Received) {
    let (id, timestamp) = (request.header("webhook-id"), request.header("webhook-timestamp"));
    let signed = standardwebhooks::Webhook::new(SECRET)
        .unwrap()
        .sign(id, timestamp.parse().unwrap(), &request.body)
        .unwrap();
    assert_eq!(request.header("webhook-signature"), signed);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_receiver_is_sent_the_same_message_until_it_takes_it() {
    let service = service_with_a_decision().await;
    let receiver = Receiver::start([
        // What a receiver says of its failure can be anything, also what no database takes as text.
        Reply::Status(500, "", b"out \0of order \xff"),
        Reply::Reset,
        Reply::Silence,
        Reply::Status(429, "retry-after: 10000\r\n", b""),
    ])
    .await;
    let outbox = outbox(&service, settings(&[(SCORING, &receiver)]));
    let expected = [
        (Some(500), "HTTP 500: out \u{fffd}of order \u{fffd}", 5),
        (None, "the connection broke before an answer came", 300),
        (None, "no answer in time", 1_800),
        (Some(429), "HTTP 429: ", 10_000),
    ];
    for (n, (status, error, wait)) in expected.into_iter().enumerate() {
        assert_eq!(outbox.step().await.unwrap(), 1, "attempt {n}");
        let failed = delivery(&service, SCORING).await;
        assert_eq!((&failed["status"], &failed["attempts"]), (&json!("retrying"), &json!(n + 1)));
        assert_eq!((&failed["lastStatus"], &failed["lastError"]), (&json!(status), &json!(error)));
        // The schedule, with up to a tenth more so that what failed together does not come back together.
        let (due, sooner) = (due_at(&failed), service.now() + TimeDelta::seconds(wait));
        assert!(due >= sooner && due <= sooner + TimeDelta::seconds(wait / 10 + 1), "attempt {n}: {due}");
        clock(&service).advance_to(due - TimeDelta::microseconds(1));
        assert_eq!(outbox.step().await.unwrap(), 0, "not a moment too soon");
        clock(&service).advance_to(due);
    }
    assert_eq!(outbox.step().await.unwrap(), 1);
    let delivered = delivery(&service, SCORING).await;
    assert_eq!((&delivered["status"], &delivered["attempts"]), (&json!("delivered"), &json!(5)));
    assert_eq!((&delivered["lastStatus"], &delivered["lastError"]), (&json!(204), &Value::Null));
    assert_eq!(outbox.step().await.unwrap(), 0, "what is delivered is not sent again");

    let received = receiver.received();
    assert_eq!(received.len(), 5);
    for request in &received {
        assert_eq!(request.body, received[0].body, "the same to the byte");
        for name in ["webhook-id", "idempotency-key"] {
            assert_eq!(request.header(name), delivered["deliveryId"].as_str().unwrap());
        }
        assert_eq!(request.header("content-type"), "application/json");
        check_signature(request);
    }
    // The library signs it the same. (It takes its time from the machine, and would not take that of a sandbox.)
    let library = standardwebhooks::Webhook::new(SECRET).unwrap();
    let (id, sent_at) = (received[0].header("webhook-id"), received[0].header("webhook-timestamp"));
    let signed = library.sign(id, sent_at.parse().unwrap(), &received[0].body).unwrap();
    assert_eq!(received[0].header("webhook-signature"), signed);
    assert_eq!(serde_json::from_slice::<Value>(&received[0].body).unwrap(), delivered["payload"]);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_delivered_is_kept_as_dead_and_can_be_sent_again() {
    let service = service_with_a_decision().await;
    let gone = Receiver::start([Reply::Status(410, "", b"gone")]).await;
    let failing = Receiver::start([Reply::Status(503, "", b""); 5]).await;
    let outbox = outbox(&service, settings(&[(SCORING, &gone), (NEARBOUND, &failing)]));
    for _ in 0..5 {
        outbox.step().await.unwrap();
        clock(&service).advance_to(service.now() + TimeDelta::hours(3));
    }
    assert_eq!(gone.received().len(), 1, "410 is final");
    assert_eq!(failing.received().len(), 5, "the schedule is used up");
    let dead = service.get("/v1/deliveries?status=dead").await;
    let mut dead: Vec<_> =
        dead["data"].as_array().unwrap().iter().map(|d| (&d["destination"], &d["lastStatus"])).collect();
    dead.sort_by_key(|(destination, _)| destination.to_string());
    assert_eq!(dead, [(&json!(NEARBOUND), &json!(503)), (&json!(SCORING), &json!(410))]);

    let first = delivery(&service, SCORING).await;
    let id = first["deliveryId"].as_str().unwrap();
    let waiting = retry(&service, id, 200).await;
    assert_eq!((&waiting["status"], &waiting["attempts"]), (&json!("pending"), &json!(0)));
    assert_eq!(outbox.step().await.unwrap(), 1);
    let delivered = service.get(&format!("/v1/deliveries/{id}")).await;
    assert_eq!((&delivered["status"], &delivered["payload"]), (&json!("delivered"), &first["payload"]));
    let received = gone.received();
    assert_eq!(received[0].body, received[1].body);
    assert_eq!(received[0].header("webhook-id"), received[1].header("webhook-id"));
    assert_eq!(retry(&service, id, 409).await["code"], "already_delivered");
    retry(&service, "00000000-0000-7000-8000-000000000000", 404).await;
    let audit = service.get("/v1/audit?accountId=acc_1&action=delivery.retried").await;
    assert_eq!(audit["data"].as_array().unwrap().len(), 1);
    service.expect_intact_audit().await;
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_an_endpoint_a_delivery_is_recorded_and_sent_once_there_is_one() {
    let service = service_with_a_decision().await;
    assert_eq!(outbox(&service, settings(&[])).step().await.unwrap(), 0);
    let recorded = service.get("/v1/deliveries?status=recorded").await;
    assert_eq!(recorded["data"].as_array().unwrap().len(), 3, "{recorded:#}");
    let receiver = Receiver::start([]).await;
    let outbox = outbox(&service, settings(&[(DEPTH, &receiver)]));
    assert_eq!(outbox.step().await.unwrap(), 0, "recorded ones are left until somebody asks");
    let id = delivery(&service, DEPTH).await["deliveryId"].as_str().unwrap().to_owned();
    retry(&service, &id, 200).await;
    assert_eq!(outbox.step().await.unwrap(), 1);
    assert_eq!(delivery(&service, DEPTH).await["status"], "delivered");
    assert_eq!(receiver.received()[0].header("webhook-id"), id);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_destination_that_keeps_failing_is_left_in_peace_for_a_while() {
    let service = service_with_a_decision().await;
    let down = Receiver::start([Reply::Status(500, "", b""); 3]).await;
    let fine = Receiver::start([]).await;
    let rules = OutboxSettings {
        retry_schedule_secs: vec![1; 9],
        breaker_failures: 2,
        breaker_open_secs: 60,
        ..settings(&[(SCORING, &down), (NEARBOUND, &fine)])
    };
    let outbox = outbox(&service, rules);
    let after = |seconds| clock(&service).advance_to(service.now() + TimeDelta::seconds(seconds));
    assert_eq!(outbox.step().await.unwrap(), 2, "one each");
    after(2);
    assert_eq!(outbox.step().await.unwrap(), 1);
    after(2);
    decide(&service, "acc_2").await;
    assert_eq!(outbox.step().await.unwrap(), 1, "the circuit is open there, and nowhere else");
    assert_eq!((down.received().len(), fine.received().len()), (2, 2));
    after(60);
    // Tried again after its rest: one attempt fails, the other gets through.
    assert_eq!(outbox.step().await.unwrap(), 2);
    assert_eq!(down.received().len(), 4);
    after(61);
    assert_eq!(outbox.step().await.unwrap(), 1);
    let waiting = service.get("/v1/deliveries?status=retrying").await;
    assert_eq!(waiting["data"], json!([]));
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_replicas_send_a_delivery_once_and_one_takes_over_from_the_other() {
    let service = service_with_a_decision().await;
    let receiver = Receiver::start([Reply::Silence]).await;
    let patient = OutboxSettings { timeout_ms: 600_000, ..settings(&[(SCORING, &receiver)]) };
    let (one, other) = (outbox(&service, patient.clone()), outbox(&service, patient));
    tokio::select! {
        _ = one.step() => unreachable!("the receiver says nothing"),
        () = receiver.wait_for(1) => {}
    }
    // The first replica is gone in the middle of its attempt.
    assert_eq!(other.step().await.unwrap(), 0, "its lease still runs");
    sqlx::query("UPDATE delivery SET leased_until = clock_timestamp() - interval '1 second' WHERE leased_until > now()")
        .execute(&service.database.pool)
        .await
        .unwrap();
    let (sent, also) = tokio::join!(one.step(), other.step());
    assert_eq!(sent.unwrap() + also.unwrap(), 1, "one of them takes it over");
    let received = receiver.received();
    assert_eq!(received.len(), 2);
    assert_eq!(received[0].body, received[1].body);
    assert_eq!(received[0].header("webhook-id"), received[1].header("webhook-id"));
    let delivered = delivery(&service, SCORING).await;
    assert_eq!((&delivered["status"], &delivered["attempts"]), (&json!("delivered"), &json!(2)));
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_destination_that_says_nothing_holds_up_no_other() {
    let service = service_with_a_decision().await;
    let dead = Receiver::start([Reply::Silence]).await;
    let fine = Receiver::start([]).await;
    // So long that a delivery which waited for the dead one would fail this test by its time limit.
    let settings =
        OutboxSettings { timeout_ms: 600_000, ..settings(&[(SCORING, &dead), (NEARBOUND, &fine)]) };
    let (outbox, life) = (outbox(&service, settings), Lifecycle::new());
    let (stop, ring) = (life.soft().clone(), service.running.app.motions.deliver.clone());
    let running = life.run(async move {
        let pace = Pace { stop: &stop, wake: &ring, idle: Duration::from_mins(10) };
        outbox.run(pace, |_| {}).await;
    });
    let scenario = async {
        dead.wait_for(1).await;
        fine.wait_for(1).await;
        for n in 2..=4 {
            decide(&service, &format!("acc_{n}")).await;
            fine.wait_for(n).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), scenario).await.expect("the other destination waited");
    assert_eq!(dead.received().len(), 1, "one round at a time");
    // The receiver ends, and with it the attempt; a stop waits for that.
    life.soft().cancel();
    drop(dead);
    tokio::time::timeout(Duration::from_secs(30), running).await.expect("the outbox did not stop").unwrap();
    assert_eq!(delivery(&service, SCORING).await["status"], "pending", "of the newest account: not tried");
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_refusal_of_a_receiver_but_410_is_tried_again_by_the_schedule() {
    let service = service_with_a_decision().await;
    let refusals = [401, 403, 404, 409, 422, 400];
    let receiver = Receiver::start(refusals.map(|status| Reply::Status(status, "", b"no"))).await;
    let rules = OutboxSettings { retry_schedule_secs: vec![5; 6], ..settings(&[(SCORING, &receiver)]) };
    let outbox = outbox(&service, rules);
    for (n, status) in refusals.into_iter().enumerate() {
        assert_eq!(outbox.step().await.unwrap(), 1, "{status}");
        let failed = delivery(&service, SCORING).await;
        assert_eq!((&failed["status"], &failed["lastStatus"]), (&json!("retrying"), &json!(status)));
        assert_eq!(failed["attempts"], n + 1, "{status}");
        assert!(due_at(&failed) >= service.now() + TimeDelta::seconds(5), "{status}: {failed}");
        clock(&service).advance_to(due_at(&failed));
    }
    assert_eq!(outbox.step().await.unwrap(), 1);
    assert_eq!(delivery(&service, SCORING).await["status"], "delivered", "it is mended, and takes it");
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn deliveries_of_an_account_wait_for_those_before_them() {
    let service = service_with_a_decision().await;
    let first = delivery(&service, SCORING).await["deliveryId"].as_str().unwrap().to_owned();
    sqlx::query(
        "INSERT INTO delivery (account_id, id, destination, digest_id, payload, status, due_at, created_at)
         VALUES ('acc_1', 'ffffffff-0000-7000-8000-000000000000', $1, gen_random_uuid(), '{}', 'pending', $2, $2)",
    )
    .bind(SCORING)
    .bind(service.now())
    .execute(&service.database.pool)
    .await
    .unwrap();
    let receiver = Receiver::start([Reply::Status(503, "", b"")]).await;
    let outbox = outbox(&service, settings(&[(SCORING, &receiver)]));
    assert_eq!(outbox.step().await.unwrap(), 1, "the later one waits");
    assert_eq!(outbox.step().await.unwrap(), 0, "as long as the receiver is not well");
    clock(&service).advance_to(service.now() + TimeDelta::seconds(10));
    while outbox.step().await.unwrap() > 0 {}
    let told: Vec<String> =
        receiver.received().iter().map(|request| request.header("webhook-id").to_owned()).collect();
    assert_eq!(told, [&first, &first, "ffffffff-0000-7000-8000-000000000000"]);
    service.stop().await;
}
