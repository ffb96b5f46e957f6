//! Slack: a handoff's alert arrives once with buttons, and what people press on it happens once, in their name.

use serde_json::{Value, json};

use crate::captures::captured;
use crate::fakes::server::{Answer, Fake};
use crate::fakes::slack::Slack;
use crate::harness::Service;
use crate::stories::event;

/// A service with Slack, a team of two, and a handoff that one of them has; gives its id.
async fn handed_over(slack: &Slack) -> (Service, String) {
    let service = Service::connected(&slack.settings()).await;
    let rep = |id: &str, weight: u32| json!({"id": id, "name": id, "email": format!("{id}@example.com"), "team": "sales", "weight": weight});
    let teams = json!([{"id": "sales", "channel": "#sales"}, {"id": "marketing"}, {"id": "partner"}, {"id": "customer_success"}]);
    // All goes to Ada until somebody decides otherwise.
    let roster = json!({"teams": teams, "reps": [rep("ada", 1), rep("ben", 0)]});
    service.post("/v1/roster/import", json!({"roster": roster})).await;
    let contact = json!({"contactId": "c1", "firstName": "Ann", "email": "ann@acme.com"});
    let deal = json!({"dealId": "d1", "stage": "qualification", "qualification": {"score": 82}});
    service
        .events(&[
            event("gtm.account.upserted", "acc_1", json!({"name": "Acme", "employeeCount": 300})),
            event("gtm.contact.upserted", "acc_1", contact),
            event("gtm.deal.upserted", "acc_1", deal),
        ])
        .await;
    let asked = json!({"handoffType": "mql_to_sales", "accountId": "acc_1", "dealId": "d1"});
    let handoff = service.send(reqwest::Method::POST, "/v1/handoffs", Some(asked), 201).await;
    assert_eq!(handoff["assignedOwner"]["id"], "ada", "{handoff}");
    let id = handoff["handoffId"].as_str().unwrap().to_owned();
    (service, id)
}

/// Waits for the alert's delivery to have this status; has retries due at once.
async fn until(service: &Service, status: &str) -> Value {
    loop {
        let page = service.get("/v1/deliveries?destination=messaging/alert").await;
        if let Some(one) = page["data"].as_array().unwrap().iter().find(|one| one["status"] == status) {
            return one.clone();
        }
        sqlx::query("UPDATE delivery SET due_at = created_at WHERE status = 'retrying'")
            .execute(&service.database.pool)
            .await
            .unwrap();
        tokio::task::yield_now().await;
    }
}

/// Presses a button as somebody.
async fn press(service: &Service, action: &str, handoff: &str, user: &str, respond: &str) {
    send(service, pressed(service, action, handoff, user, respond)).await;
}

/// The signed call of a pressed button: time stamp, signature and body.
fn pressed(service: &Service, action: &str, handoff: &str, user: &str, respond: &str) -> [String; 3] {
    let payload = json!({
        "type": "block_actions", "user": {"id": user, "username": user.to_lowercase()}, "response_url": respond,
        "actions": [{"action_id": action, "value": handoff, "type": "button"}],
    });
    let body =
        form_urlencoded::Serializer::new(String::new()).append_pair("payload", &payload.to_string()).finish();
    let stamp = service.now().timestamp().to_string();
    let parts: [&[u8]; 4] = [b"v0:", stamp.as_bytes(), b":", body.as_bytes()];
    let digest = gtm::connectors::sign::hmac_sha256(b"press me", &parts);
    [stamp, format!("v0={}", hex::encode(digest)), body]
}

async fn send(service: &Service, [stamp, signature, body]: [String; 3]) {
    let answer = service
        .http
        .post(service.url("/v1/webhooks/slack"))
        .header("content-type", "application/x-www-form-urlencoded")
        .header("x-slack-request-timestamp", stamp)
        .header("x-slack-signature", signature)
        .body(body)
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 200);
    service.until_read().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alert_is_posted_once_with_its_owner_and_its_buttons() {
    let slack = Slack::start(Vec::new()).await;
    let (service, id) = handed_over(&slack).await;
    let delivery = until(&service, "delivered").await;
    assert_eq!(delivery["provider"], "slack", "{delivery}");
    let [asked] = slack.fake.asked_at("/api/chat.postMessage").try_into().unwrap();
    // As the official clients send it.
    assert_eq!((asked.method.as_str(), asked.query.as_str()), ("POST", ""));
    assert!(asked.header("content-type").starts_with("application/json"));
    assert!(asked.header("user-agent").starts_with("gtm-motion-orchestrator/"));
    let [message] = slack.posted.lock().unwrap().clone().try_into().unwrap();
    assert_eq!(message["channel"], "#sales");
    assert!(message["text"].as_str().unwrap().contains("Acme"), "{message}");
    let shown = message["blocks"].to_string();
    assert!(shown.contains("<@UADA>"), "the owner is named: {shown}");
    for action in ["handoff_ack", "handoff_take", "handoff_reject"] {
        assert!(shown.contains(action), "{shown}");
    }
    assert!(shown.contains(&format!("https://hooks.example.com/v1/handoffs/{id}")), "{shown}");
    service.stop().await;
}

/// Requests of the official clients; see the file.
const REQUESTS: &str = include_str!("../fixtures/slack/requests.json");

/// The members of an object, by name.
fn members(value: &Value) -> std::collections::BTreeSet<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_are_those_of_the_official_clients() {
    let slack = Slack::start(Vec::new()).await;
    let (service, _) = handed_over(&slack).await;
    until(&service, "delivered").await;
    service.post("/v1/connectors/slack/check", json!({})).await;
    // A message is JSON as the Python client sends it, and says what the JavaScript one says in a form.
    let python = captured(REQUESTS, "post_python");
    let [ours] = slack.fake.asked_at("/api/chat.postMessage").try_into().unwrap();
    assert_eq!((ours.method.as_str(), ours.path.as_str()), ("POST", python["target"].as_str().unwrap()));
    assert!(ours.header("authorization").starts_with("Bearer xoxb-"));
    assert!(python["content_type"].as_str().unwrap().starts_with(ours.header("content-type")));
    let node = captured(REQUESTS, "post")["body"].as_str().unwrap().to_owned();
    let form: std::collections::BTreeMap<String, String> =
        form_urlencoded::parse(node.as_bytes()).into_owned().collect();
    let own = ours.json();
    assert_eq!(members(&own), form.keys().map(String::as_str).collect());
    let theirs: Value = serde_json::from_str(&form["metadata"]).unwrap();
    assert_eq!(members(&own["metadata"]), members(&theirs));
    let theirs: Value = serde_json::from_str(&form["blocks"]).unwrap();
    for block in theirs.as_array().unwrap() {
        let same = own["blocks"].as_array().unwrap().iter().find(|one| one["type"] == block["type"]).unwrap();
        assert_eq!(members(same), members(block), "{same}");
        for part in block["elements"].as_array().into_iter().flatten() {
            let of = |one: &&Value| one["action_id"] == part["action_id"];
            let same = same["elements"].as_array().unwrap().iter().find(of).unwrap();
            assert_eq!(members(same), members(part), "{same}");
        }
    }
    // Questions are forms.
    for (name, field) in [("lookup", Some("email")), ("auth_test", None)] {
        let theirs = captured(REQUESTS, name);
        let ours = &slack.fake.asked_at(theirs["target"].as_str().unwrap())[0];
        assert_eq!(ours.header("content-type"), theirs["content_type"].as_str().unwrap(), "{name}");
        let names =
            |body: &[u8]| form_urlencoded::parse(body).map(|(key, _)| key.into_owned()).collect::<Vec<_>>();
        assert_eq!(names(&ours.body), field.into_iter().collect::<Vec<_>>(), "{name}");
        assert_eq!(names(theirs["body"].as_str().unwrap().as_bytes()), names(&ours.body), "{name}");
    }
    service.stop().await;
}

/// A service that posts by an incoming webhook which answers like this.
async fn hooked(answers: Vec<Answer>) -> (Fake, Service) {
    let hook = Fake::start(move |asked, before| match asked.body.as_slice() {
        b"{}" => Answer::Text(400, "no_text"),
        _ => answers.get(before).cloned().unwrap_or(Answer::Text(200, "ok")),
    })
    .await;
    let url = hook.url("/services/T000/B000/XXXX");
    let service = Service::connected(&json!({"slack": {"webhook_url": url}})).await;
    crate::connect_resend::hand_over(&service).await;
    (hook, service)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_incoming_webhook_is_the_simple_way() {
    let (hook, service) = hooked(vec![Answer::Text(500, "rollup_error"), Answer::Silent]).await;
    let delivery = until(&service, "delivered").await;
    assert_eq!((&delivery["provider"], &delivery["attempts"]), (&json!("slack"), &json!(3)), "{delivery}");
    let posted = hook.asked();
    let theirs = captured(REQUESTS, "hook");
    let ours = posted.last().unwrap();
    assert_eq!((ours.method.as_str(), ours.path.as_str()), ("POST", theirs["target"].as_str().unwrap()));
    assert_eq!(ours.header("content-type"), theirs["content_type"].as_str().unwrap());
    assert_eq!(ours.header("authorization"), "", "whoever has the address may post");
    for member in members(&ours.json()) {
        assert!(theirs["body"].get(member).is_some(), "{member} is a member of theirs");
    }
    let python = captured(REQUESTS, "hook_python");
    assert_eq!((&python["method"], &python["target"]), (&theirs["method"], &theirs["target"]));
    assert!(python["content_type"].as_str().unwrap().starts_with(ours.header("content-type")));
    for member in members(&python["body"]) {
        assert!(ours.json().get(member).is_some(), "{member} is a member of ours");
    }
    let shown = ours.json()["blocks"].to_string();
    assert!(shown.contains("Acme") && !shown.contains("handoff_ack"), "nobody would hear a button: {shown}");
    let found = service.post("/v1/connectors/slack/check", json!({})).await;
    assert_eq!(found["ok"], true, "{found}");
    assert!(!found.to_string().contains("/services/"), "the address is a secret: {found}");
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_incoming_webhook_that_was_revoked_rests_and_says_so() {
    let (_hook, service) = hooked(vec![Answer::Text(404, "no_service")]).await;
    let delivery = loop {
        let page = service.get("/v1/deliveries?destination=messaging/alert").await;
        if page["data"][0]["status"] == "retrying" {
            break page["data"][0].clone();
        }
        tokio::task::yield_now().await;
    };
    assert!(
        delivery["lastError"].as_str().unwrap().contains("refuses the credentials (404): no_service"),
        "{delivery}"
    );
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_slack_refuses_for_now_arrives_later_and_what_got_lost_is_not_posted_twice() {
    let trouble = vec![
        Answer::Json(200, json!({"ok": false, "error": "internal_error"})),
        Answer::Text(503, "upstream"),
        Answer::Silent,
        Answer::Broken,
    ];
    let slack = Slack::start(trouble).await;
    let (service, _) = handed_over(&slack).await;
    let delivery = until(&service, "delivered").await;
    assert_eq!(delivery["attempts"], 5, "{delivery}");
    assert_eq!(
        slack.posted.lock().unwrap().len(),
        1,
        "the last of these was posted, though nobody heard of it"
    );
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn too_many_calls_rest_the_destination_and_say_so() {
    let slack = Slack::start(vec![Answer::Limited(3_600)]).await;
    let (service, _) = handed_over(&slack).await;
    let delivery = loop {
        let page = service.get("/v1/deliveries?destination=messaging/alert").await;
        let one = page["data"][0].clone();
        if one["status"] == "retrying" {
            break one;
        }
        tokio::task::yield_now().await;
    };
    assert!(delivery["lastError"].as_str().unwrap().contains("takes no more calls"), "{delivery}");
    let due: chrono::DateTime<chrono::Utc> = delivery["dueAt"].as_str().unwrap().parse().unwrap();
    assert!((due - service.now()).num_seconds() > 3_500, "Retry-After is heeded: {delivery}");
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_succeed_is_dead_at_once_and_says_what_to_do() {
    let archived = Answer::Json(200, json!({"ok": false, "error": "is_archived"}));
    let slack = Slack::start(vec![archived]).await;
    let (service, _) = handed_over(&slack).await;
    let delivery = until(&service, "dead").await;
    let error = delivery["lastError"].as_str().unwrap();
    assert!(error.contains("is_archived: give the team another channel in the roster"), "{error}");
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pressed_buttons_acknowledge_and_take_over_in_the_name_of_whoever_pressed() {
    let slack = Slack::start(Vec::new()).await;
    let (service, id) = handed_over(&slack).await;
    let respond = slack.fake.url("/respond");
    press(&service, "handoff_ack", &id, "UADA", &respond).await;
    let path = format!("/v1/handoffs/{id}");
    assert_eq!(service.get(&path).await["status"], "acknowledged");
    // Pressed twice it says so, and changes nothing.
    press(&service, "handoff_ack", &id, "UADA", &respond).await;
    press(&service, "handoff_take", &id, "UBEN", &respond).await;
    let handoff = service.get(&path).await;
    assert_eq!(handoff["assignedOwner"]["id"], "ben", "{handoff}");
    let timeline = service.get(&format!("{path}/timeline")).await.to_string();
    assert!(timeline.contains("slack:UADA") && timeline.contains("slack:UBEN"), "{timeline}");
    let told: Vec<String> = slack
        .fake
        .asked_at("/respond")
        .iter()
        .map(|asked| asked.json()["text"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(told.len(), 3);
    assert_eq!(told[0], "The handoff is now acknowledged.");
    assert_eq!(told[1], told[0], "pressed twice it is as it was");
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_names_what_is_missing() {
    let slack = Slack::start(Vec::new()).await;
    let service = Service::connected(&slack.settings()).await;
    let found = service.post("/v1/connectors/slack/check", json!({})).await;
    assert_eq!(found["ok"], false);
    let findings = found["findings"].as_array().unwrap();
    let finding = |what: &str| findings.iter().find(|one| one["what"] == what).unwrap();
    assert_eq!(finding("token")["detail"], "The bot is gtm in Acme.");
    let scope = finding("scope users:read")["detail"].as_str().unwrap().to_owned();
    assert!(scope.contains("it needs the scope users:read"), "{scope}");
    assert_eq!(finding("channel")["ok"], true);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_identical_press_sent_again_changes_nothing() {
    let slack = Slack::start(Vec::new()).await;
    let (service, id) = handed_over(&slack).await;
    let call = pressed(&service, "handoff_ack", &id, "UADA", &slack.fake.url("/respond"));
    send(&service, call.clone()).await;
    let path = format!("/v1/handoffs/{id}");
    let before = (service.get(&path).await, service.get(&format!("{path}/timeline")).await);
    assert_eq!(before.0["status"], "acknowledged");
    for _ in 0..2 {
        send(&service, call.clone()).await;
    }
    assert_eq!((service.get(&path).await, service.get(&format!("{path}/timeline")).await), before);
    let told = slack.fake.asked_at("/respond");
    assert_eq!(told.len(), 3, "whoever pressed is told each time");
    assert!(told.iter().all(|one| one.json()["text"] == told[0].json()["text"]));
    service.stop().await;
}
