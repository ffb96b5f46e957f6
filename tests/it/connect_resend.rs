//! Resend: a briefing is sent once, with the same bytes however often it is tried, and a bounce is told.

use serde_json::{Value, json};

use crate::captures::{captured, shapes};
use crate::fakes::server::{Answer, Fake};
use crate::harness::Service;
use crate::stories::event;

/// Requests of the official clients; see the file.
const REQUESTS: &str = include_str!("../fixtures/resend/requests.json");
const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

fn refused(status: u16, name: &str) -> Answer {
    Answer::Json(status, json!({"statusCode": status, "name": name, "message": "as it is written"}))
}

/// A Resend whose first calls go as in `trouble`, and a service with a briefing to send.
async fn briefed(trouble: Vec<Answer>) -> (Fake, Service) {
    let fake = Fake::start(move |asked, before| match asked.path.as_str() {
        "/emails" => trouble.get(before).cloned().unwrap_or(Answer::Json(200, json!({"id": "49a3999c"}))),
        _ => refused(401, "restricted_api_key"),
    })
    .await;
    let settings = json!({"resend": {
        "token": "re_test", "from": "RevOps <revops@company.example>", "base_url": fake.url(""), "webhook_secret": SECRET,
    }});
    let service = Service::connected(&settings).await;
    hand_over(&service).await;
    (fake, service)
}

/// A handoff of which Ada gets a briefing.
pub async fn hand_over(service: &Service) {
    let teams = json!([{"id": "sales"}, {"id": "marketing"}, {"id": "partner"}, {"id": "customer_success"}]);
    let ada = json!({"id": "ada", "name": "Ada", "email": "ada@example.com", "team": "sales"});
    service.post("/v1/roster/import", json!({"roster": {"teams": teams, "reps": [ada]}})).await;
    service
        .events(&[
            event("gtm.account.upserted", "acc_1", json!({"name": "Acme", "employeeCount": 300})),
            event(
                "gtm.contact.upserted",
                "acc_1",
                json!({"contactId": "c1", "firstName": "Ann", "email": "ann@acme.com"}),
            ),
            event(
                "gtm.deal.upserted",
                "acc_1",
                json!({"dealId": "d1", "stage": "qualification", "qualification": {"score": 82}}),
            ),
        ])
        .await;
    let asked = json!({"handoffType": "mql_to_sales", "accountId": "acc_1", "dealId": "d1"});
    service.send(reqwest::Method::POST, "/v1/handoffs", Some(asked), 201).await;
}

/// Waits for the briefing to have this status; has retries due at once, unless that is what is waited for.
pub async fn until(service: &Service, status: &str) -> Value {
    loop {
        let page = service.get("/v1/deliveries?destination=email/briefing").await;
        if let Some(one) = page["data"].as_array().unwrap().iter().find(|one| one["status"] == status) {
            return one.clone();
        }
        if status == "retrying" {
            tokio::task::yield_now().await;
            continue;
        }
        sqlx::query("UPDATE delivery SET due_at = created_at WHERE status = 'retrying'")
            .execute(&service.database.pool)
            .await
            .unwrap();
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_attempt_carries_the_same_key_and_the_same_bytes() {
    let trouble = vec![refused(500, "internal_server_error"), Answer::Broken, Answer::Silent];
    let (fake, service) = briefed(trouble).await;
    let delivery = until(&service, "delivered").await;
    assert_eq!((&delivery["provider"], &delivery["attempts"]), (&json!("resend"), &json!(4)), "{delivery}");
    let asked = fake.asked_at("/emails");
    assert_eq!(asked.len(), 4);
    for one in &asked {
        assert_eq!(one.header("idempotency-key"), delivery["deliveryId"].as_str().unwrap());
        assert_eq!(one.header("authorization"), "Bearer re_test");
        assert!(
            one.header("user-agent").starts_with("gtm-motion-orchestrator/"),
            "Resend refuses calls without"
        );
        assert_eq!(one.body, asked[0].body, "repeated under its key it must be the same to the byte");
    }
    assert_eq!(asked[0].json()["to"], json!(["ada@example.com"]));
    // As the official clients send a mail that is written out.
    for name in ["rendered", "rendered_python"] {
        let theirs = captured(REQUESTS, name);
        assert_eq!(
            (asked[0].method.as_str(), asked[0].path.as_str()),
            ("POST", theirs["target"].as_str().unwrap())
        );
        assert_eq!(asked[0].header("content-type"), theirs["content_type"].as_str().unwrap());
        assert!(theirs["idempotency_key"].is_string() && theirs["user_agent"].is_string());
    }
    let theirs = shapes(&captured(REQUESTS, "rendered")["body"]);
    for shape in shapes(&asked[0].json()) {
        assert!(theirs.contains(&shape) || shape.contains("X-Entity"), "{shape} is none of {theirs:?}");
    }
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_template_takes_its_variables_in_place_of_the_page() {
    let fake = Fake::start(|_, _| Answer::Json(200, json!({"id": "49a3999c"}))).await;
    let settings = json!({"resend": {
        "token": "re_test", "from": "revops@company.example", "base_url": fake.url(""), "template": "tmpl_handoff_briefing",
    }});
    let service = Service::connected(&settings).await;
    hand_over(&service).await;
    until(&service, "delivered").await;
    let mail = fake.asked_at("/emails")[0].json();
    let theirs = captured(REQUESTS, "template")["body"].clone();
    for member in theirs.as_object().unwrap().keys() {
        assert!(mail.get(member).is_some(), "{member}: {mail}");
    }
    assert!(mail.get("html").is_none() && mail.get("text").is_none(), "{mail}");
    assert_eq!(mail["template"]["id"], "tmpl_handoff_briefing");
    for variable in [
        "owner_name",
        "account_name",
        "handoff_type",
        "key_contacts",
        "summary",
        "recommended_approach",
        "sla_deadline",
    ] {
        assert!(mail["template"]["variables"][variable].is_string(), "{variable}: {mail}");
    }
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_was_used_for_other_bytes_means_that_an_earlier_attempt_was_taken() {
    let (fake, service) = briefed(vec![refused(409, "invalid_idempotent_request")]).await;
    until(&service, "delivered").await;
    assert_eq!(fake.asked_at("/emails").len(), 1);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_resend_refuses_for_good_is_dead_and_says_why() {
    let (_fake, service) = briefed(vec![refused(422, "validation_error")]).await;
    let delivery = until(&service, "dead").await;
    let error = delivery["lastError"].as_str().unwrap();
    assert!(
        error.contains("Resend calls the request wrong (422): validation_error: as it is written"),
        "{error}"
    );
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_spent_quota_rests_the_destination_for_an_hour() {
    let (_fake, service) = briefed(vec![refused(429, "daily_quota_exceeded")]).await;
    let delivery = until(&service, "retrying").await;
    let due: chrono::DateTime<chrono::Utc> = delivery["dueAt"].as_str().unwrap().parse().unwrap();
    assert!((due - service.now()).num_minutes() >= 58, "{delivery}");
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_briefing_that_bounces_is_no_longer_delivered() {
    let (_fake, service) = briefed(Vec::new()).await;
    let delivery = until(&service, "delivered").await;
    let body = json!({"type": "email.bounced", "data": {
        "tags": {"delivery_id": delivery["deliveryId"]}, "bounce": {"message": "The recipient does not exist"},
    }})
    .to_string();
    let (id, at) = ("msg_1", service.now().timestamp());
    let signature =
        gtm::platform::outbox::Secret::parse(&SECRET.into()).unwrap().sign(id, at, body.as_bytes());
    let call = |signature: String| {
        service
            .http
            .post(service.url("/v1/webhooks/resend"))
            .header("svix-id", id)
            .header("svix-timestamp", at.to_string())
            .header("svix-signature", signature)
            .body(body.clone())
            .send()
    };
    assert_eq!(call("v1,AAAA".to_owned()).await.unwrap().status(), 401);
    assert_eq!(call(signature.clone()).await.unwrap().status(), 200);
    service.until_read().await;
    let delivery = until(&service, "dead").await;
    assert_eq!(delivery["lastError"], "email.bounced: The recipient does not exist");
    // The identical call sent again changes nothing.
    assert_eq!(call(signature).await.unwrap().status(), 200);
    service.until_read().await;
    assert_eq!(until(&service, "dead").await, delivery);
    let checked = service.post("/v1/connectors/resend/check", json!({})).await;
    assert_eq!(checked["ok"], true, "a key that may only send is the better one: {checked}");
    service.stop().await;
}
