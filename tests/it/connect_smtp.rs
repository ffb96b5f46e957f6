//! SMTP: a briefing arrives over an encrypted conversation whatever the server does on the way, and stands in for another
//! system where that took nothing.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use crate::connect_resend::{hand_over, until};
use crate::fakes::server::{Answer, Fake};
use crate::fakes::smtp::{Bad, MailServer, USER};
use crate::harness::Service;

async fn briefed(server: &MailServer) -> Service {
    let service = Service::connected(&server.settings()).await;
    hand_over(&service).await;
    service
}

fn waits_secs(delivery: &Value, service: &Service) -> i64 {
    let due: DateTime<Utc> = delivery["dueAt"].as_str().unwrap().parse().unwrap();
    (due - service.now()).num_seconds()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_briefing_goes_out_encrypted_with_its_page_and_its_text() {
    let server = MailServer::start(true, []).await;
    let service = briefed(&server).await;
    let delivery = until(&service, "delivered").await;
    assert_eq!((&delivery["provider"], &delivery["lastStatus"]), (&json!("smtp"), &json!(250)), "{delivery}");
    let [mail] = server.taken().try_into().unwrap();
    assert!(mail.encrypted, "nothing is said before STARTTLS");
    assert_eq!(
        (mail.user.as_deref(), mail.to.as_slice()),
        (Some(USER), ["ada@example.com".to_owned()].as_slice())
    );
    let id = delivery["deliveryId"].as_str().unwrap();
    for part in [&format!("Message-ID: <{id}@company.example>"), "text/plain", "text/html", "Acme"] {
        assert!(mail.text.contains(part), "{part}: {}", mail.text);
    }
    let found = service.post("/v1/connectors/smtp/check", json!({})).await;
    assert_eq!(found["ok"], true, "{found}");
    assert!(!found.to_string().contains("open sesame"), "{found}");
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_server_puts_off_breaks_off_or_leaves_unanswered_arrives_later() {
    let server = MailServer::start(
        false,
        [
            Bad::Says("greeting", "421 4.3.2 closing down"),
            Bad::Says("RCPT", "450 4.2.0 greylisted, come back"),
            Bad::Says("end", "451 4.3.0 try later"),
            Bad::BreaksOff("DATA"),
            Bad::Silent("MAIL"),
        ],
    )
    .await;
    let service = briefed(&server).await;
    let delivery = until(&service, "delivered").await;
    assert_eq!(delivery["attempts"], 6, "{delivery}");
    assert_eq!(server.taken().len(), 1);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_that_is_put_off_waits_five_minutes_and_the_others_go_on() {
    let server = MailServer::start(false, [Bad::Says("RCPT", "450 4.2.0 greylisted, come back")]).await;
    let service = briefed(&server).await;
    let delivery = until(&service, "retrying").await;
    assert!(delivery["lastError"].as_str().unwrap().contains("greylisted"), "{delivery}");
    assert_eq!(delivery["lastStatus"], 450);
    assert!((280..=330).contains(&waits_secs(&delivery, &service)), "{delivery}");
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_got_lost_repeats_the_same_mail() {
    let server = MailServer::start(false, [Bad::TakesAndBreaksOff]).await;
    let service = briefed(&server).await;
    until(&service, "delivered").await;
    let taken = server.taken();
    assert_eq!(taken.len(), 2, "nobody can know; mail programs know it by its id");
    let id = |text: &str| text.lines().find(|line| line.starts_with("Message-ID")).unwrap().to_owned();
    assert_eq!(id(&taken[0].text), id(&taken[1].text));
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_server_refuses_for_good_is_dead_and_says_why() {
    let server = MailServer::start(false, [Bad::Says("RCPT", "550 5.1.1 no such mailbox")]).await;
    let service = briefed(&server).await;
    let delivery = until(&service, "dead").await;
    let error = delivery["lastError"].as_str().unwrap();
    assert!(error.starts_with("The mail server calls the request wrong (550):"), "{error}");
    assert!(error.contains("no such mailbox"), "{error}");
    assert_eq!((&delivery["attempts"], server.taken().len()), (&json!(1), 0));
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn refused_credentials_rest_the_destination_and_say_so() {
    let server = MailServer::start(true, []).await;
    let mut settings = server.settings();
    settings["smtp"]["password"] = json!("open barley");
    let service = Service::connected(&settings).await;
    hand_over(&service).await;
    let delivery = until(&service, "retrying").await;
    assert!(delivery["lastError"].as_str().unwrap().contains("refuses the credentials (535)"), "{delivery}");
    assert!(waits_secs(&delivery, &service) > 250, "{delivery}");
    let found = service.post("/v1/connectors/smtp/check", json!({})).await;
    assert_eq!(found["ok"], false, "{found}");
    assert!(found.to_string().contains("refuses the credentials") && !found.to_string().contains("barley"));
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_without_encryption_or_with_a_strange_certificate_is_told_nothing() {
    let plain = MailServer::start(false, []).await;
    let mut settings = plain.settings();
    settings["smtp"]["tls"] = json!("starttls");
    let service = Service::connected(&settings).await;
    hand_over(&service).await;
    let delivery = until(&service, "retrying").await;
    assert!(delivery["lastError"].as_str().unwrap().contains("STARTTLS is not supported"), "{delivery}");
    assert_eq!(plain.taken().len(), 0);
    service.stop().await;

    let strange = MailServer::start(true, []).await;
    let mut settings = strange.settings();
    settings["smtp"].as_object_mut().unwrap().remove("ca_file");
    let service = Service::connected(&settings).await;
    let found = service.post("/v1/connectors/smtp/check", json!({})).await;
    assert_eq!(found["ok"], false, "{found}");
    assert!(found.to_string().contains("certificate") && found.to_string().contains("ca_file"), "{found}");
    assert_eq!(strange.taken().len(), 0);
    service.stop().await;
}

/// Resend first, and a mail server that stands in for it.
async fn with_stand_in(server: &MailServer, trouble: Answer) -> (Fake, Service) {
    let resend = Fake::start(move |_, before| match before {
        0 => trouble.clone(),
        _ => Answer::Json(200, json!({"id": "49a3999c"})),
    })
    .await;
    let mut settings = server.settings();
    settings["resend"] =
        json!({"token": "re_test", "from": "RevOps <revops@company.example>", "base_url": resend.url("")});
    settings["serve"] = json!({"email": ["resend", "smtp"]});
    let service = Service::connected(&settings).await;
    hand_over(&service).await;
    (resend, service)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_mail_server_stands_in_where_resend_surely_took_nothing_and_nowhere_else() {
    let server = MailServer::start(true, []).await;
    let spent = json!({"statusCode": 429, "name": "daily_quota_exceeded", "message": "no more today"});
    let (_resend, service) = with_stand_in(&server, Answer::Json(429, spent)).await;
    let delivery = until(&service, "delivered").await;
    assert_eq!((&delivery["provider"], &delivery["attempts"]), (&json!("smtp"), &json!(1)), "{delivery}");
    assert_eq!(server.taken().len(), 1);
    service.stop().await;

    let server = MailServer::start(true, []).await;
    let (resend, service) = with_stand_in(&server, Answer::Broken).await;
    let delivery = until(&service, "delivered").await;
    assert_eq!((&delivery["provider"], &delivery["attempts"]), (&json!("resend"), &json!(2)), "{delivery}");
    assert_eq!((server.taken().len(), resend.asked_at("/emails").len()), (0, 2), "it may have arrived there");
    service.stop().await;
}
