//! People: everything held about them is shown and erased, and they do not come back.

use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::Service;
use crate::stories::{event, unaddressed};

const ID: &str = "zq77x41";
const EMAIL: &str = "zyxwina.q@acme.com";
/// What occurs of the person nowhere else.
const MARKS: [&str; 9] = [
    "zq77x41",
    "zyxwina",
    "quorvath",
    "01715550199",
    "5550 199",
    "chief zebra",
    "zebra crossing",
    "zq-home",
    // The id as it stands in a purpose where it is not plain.
    "zyxwina.q",
];

fn contact() -> Value {
    json!({
        "contactId": ID, "firstName": "Zyxwina", "lastName": "Quorvath", "title": "Chief Zebra", "email": EMAIL,
        "phone": "+49 1715550199", "isPrimary": true, "homepage": "zq-home.example",
    })
}

async fn team(service: &Service) {
    let rep = |id: &str, team: &str| json!({"id": id, "name": format!("{id} Smith"), "email": format!("{id}@seller.com"), "team": team});
    let teams: Vec<Value> = ["customer_success", "partner", "marketing", "sales"]
        .iter()
        .map(|team| json!({"id": team}))
        .collect();
    let roster = json!({"teams": teams, "reps": [rep("ada", "sales"), rep("ida", "partner")]});
    service.send(Method::POST, "/v1/roster/import", Some(json!({"roster": roster})), 200).await;
}

/// Everything that events can say of somebody.
fn said(service: &Service) -> Vec<Value> {
    let consent = |purpose: &str| {
        event(
            "gtm.consent.changed",
            "acme",
            json!({"purpose": purpose, "granted": true, "legalBasis": "consent"}),
        )
    };
    let mut named = event(
        "gtm.note.added",
        "acme",
        json!({"text": "Call Zyxwina Quorvath on 0171-5550199", "kind": "promise"}),
    );
    named["id"] = json!(format!("note-{ID}-1"));
    named["author"] = json!(EMAIL);
    vec![
        event(
            "gtm.account.upserted",
            "acme",
            json!({"name": "Acme", "domain": "acme.com", "employeeCount": 300}),
        ),
        event("gtm.contact.upserted", "acme", contact()),
        event(
            "gtm.contact.upserted",
            "acme",
            json!({"contactId": "c2", "firstName": "Bob", "email": "bob@acme.com"}),
        ),
        event(
            "gtm.activity.logged",
            "acme",
            json!({"activityType": "email", "direction": "inbound", "contactId": ID, "subject": "Zebra crossing", "content": "Regards, Z."}),
        ),
        named,
        event(
            "gtm.deal.upserted",
            "acme",
            json!({
                "dealId": "d1", "name": "Rollout", "stage": "qualification", "amount": "48000.00", "currency": "USD",
                "qualification": {"score": 82, "decisionProcess": "Quorvath, Zyxwina signs"},
            }),
        ),
        event("gtm.partner.referral", "acme", json!({"partnerId": "aws", "referredAt": service.now()})),
        consent("partner_data_sharing"),
        consent(&format!("partner_data_sharing:*:{ID}")),
    ]
}

async fn open(service: &Service, handoff_type: &str, key: &str) -> String {
    let body = json!({"handoffType": handoff_type, "accountId": "acme", "dealId": "d1"});
    let request = service.request(Method::POST, "/v1/handoffs").header("idempotency-key", key).json(&body);
    let answer = request.send().await.unwrap();
    assert_eq!(answer.status(), 201);
    answer.json::<Value>().await.unwrap()["handoffId"].as_str().unwrap().to_owned()
}

/// Somebody who is everywhere; gives the handoffs: delivered and lost, shown to a partner, still on its way.
async fn everywhere(service: &Service) -> [String; 3] {
    team(service).await;
    service.events(&said(service)).await;
    let lost = open(service, "mql_to_sales", "one").await;
    let shown = open(service, "sales_to_partner", "two").await;
    service.advance("PT1S").await;
    let reason = json!({"reason": "Zyxwina Quorvath said no"});
    service.send(Method::POST, &format!("/v1/handoffs/{lost}/lose"), Some(reason), 200).await;
    service.advance("PT1S").await;
    let waits = open(service, "sql_to_ae", "three").await;
    let lead = json!({"contactId": "x1", "firstName": "Zyxwina", "lastName": "Quorvath", "email": EMAIL, "company": "Nobody"});
    service
        .events(&[unaddressed(
            "gtm.contact.upserted",
            json!({"contactId": "x2", "email": "bob@nobody.example"}),
        )])
        .await;
    let mut lead = unaddressed("gtm.contact.upserted", lead);
    lead["data"]["email"] = json!("zyxwina.q@nobody.example");
    lead["data"]["contactEmail"] = json!(EMAIL);
    service.events(&[lead]).await;
    sqlx::query(
        "INSERT INTO inbox_dead (account_id, received_at, id, error, failed_at)
         SELECT account_id, received_at, id, 'no such thing: Zyxwina Quorvath', received_at FROM event
         WHERE type = 'gtm.note.added'",
    )
    .execute(&service.database.pool)
    .await
    .unwrap();
    // Two calls of a connected system, one still to be read; and an alert that waits for its digest.
    for (status, body) in
        [("waiting", json!({"who": {"email": EMAIL}}).to_string()), ("done", format!("payload=a%26{EMAIL}"))]
    {
        sqlx::query(
            "INSERT INTO received (id, connector, received_at, about, body, status, due_at, ended_at)
             VALUES ($1, 'gone', $2, '{}', $3, $4, $2 + interval '1 day', CASE WHEN $4 = 'done' THEN $2 END)",
        )
        .bind(uuid::Uuid::now_v7())
        .bind(service.now())
        .bind(body.into_bytes())
        .bind(status)
        .execute(&service.database.pool)
        .await
        .unwrap();
    }
    sqlx::query(
        "INSERT INTO held_alert (account_id, id, rep_id, handoff_id, entry_id, account_name, title, body, priority,
                                 matters, reason, held_at, state)
         SELECT account_id, gen_random_uuid(), 'ada', handoff_id, id, 'Acme', 'New handoff', 'Call Zyxwina Quorvath',
                'high', 'always', 'over_budget', at, 'held' FROM handoff_entry LIMIT 1",
    )
    .execute(&service.database.pool)
    .await
    .unwrap();
    [lost, shown, waits]
}

/// Every row of every table as text, but the commands that ask recipients to erase.
async fn everything(service: &Service) -> Vec<(String, String)> {
    let pool = &service.database.pool;
    let tables: Vec<String> = sqlx::query_scalar(
        "SELECT table_name::text FROM information_schema.tables
         WHERE table_schema = 'public' AND table_type = 'BASE TABLE' ORDER BY 1",
    )
    .fetch_all(pool)
    .await
    .unwrap();
    let mut rows = Vec::new();
    for table in tables {
        let mut query =
            sqlx::QueryBuilder::<sqlx::Postgres>::new(format!("SELECT t::text FROM {table} AS t"));
        match table.as_str() {
            "delivery" => drop(query.push(" WHERE privacy_id IS NULL")),
            // Bytes are text in hexadecimal digits otherwise.
            "received" => query = sqlx::QueryBuilder::new("SELECT convert_from(body, 'UTF8') FROM received"),
            "idempotency_key" => {
                query = sqlx::QueryBuilder::new("SELECT convert_from(body, 'UTF8') FROM idempotency_key");
            }
            _ => {}
        }
        let found: Vec<Option<String>> = query.build_query_scalar().fetch_all(pool).await.unwrap();
        rows.extend(found.into_iter().flatten().map(|row| (table.clone(), row)));
    }
    rows
}

/// Where a mark of the person is found.
async fn traces(service: &Service) -> Vec<String> {
    let rows = everything(service).await;
    assert!(rows.len() > 50, "the reading of the tables has broken");
    let found = |(table, row): &(String, String)| {
        let small = row.to_lowercase();
        let mark = MARKS.iter().find(|mark| small.contains(**mark))?;
        Some(format!("{table}: {mark} in {row}"))
    };
    rows.iter().filter_map(found).collect()
}

async fn erase(service: &Service, query: &str) -> Value {
    service.send(Method::DELETE, &format!("/v1/accounts/acme/personal-data?{query}"), None, 200).await
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_left_of_somebody_who_was_erased_and_the_audit_log_holds() {
    let service = Service::sandbox().await;
    let [lost, shown, waits] = everywhere(&service).await;
    assert!(traces(&service).await.len() > 10, "the person is everywhere");

    let export = service.get(&format!("/v1/accounts/acme/export?contactId={ID}")).await;
    let held = export["held"].as_object().unwrap();
    for kind in [
        "contacts",
        "events",
        "notes",
        "consents",
        "consentHistory",
        "state",
        "handoffPackages",
        "shareReceipts",
        "handoffTimelines",
        "handoffs",
        "deliveries",
        "keptAnswers",
        "deadEvents",
        "unmatchedEvents",
    ] {
        assert!(
            held.get(kind).is_some_and(|rows| !rows.as_array().unwrap().is_empty()),
            "{kind}: {export:#}"
        );
    }
    assert_eq!(export["emails"], json!([EMAIL]));
    for kind in ["contacts", "handoffPackages", "events"] {
        assert!(!held[kind].to_string().contains("bob@acme.com"), "nobody else's data are given: {export:#}");
    }

    let preview = erase(&service, &format!("contactId={ID}&dryRun=true")).await;
    assert_eq!((preview["dryRun"].as_bool(), &preview["erasureId"]), (Some(true), &Value::Null));
    assert!(traces(&service).await.len() > 10, "a preview changes nothing");
    let erased = erase(&service, &format!("contactId={ID}")).await;
    assert_eq!(erased["changed"], preview["changed"]);
    assert_eq!(erased["recipients"], preview["recipients"]);
    assert_eq!(traces(&service).await, Vec::<String>::new());

    let report = service.post("/v1/audit/verify", json!({})).await;
    assert_eq!(report["intact"], true, "{report:#}");
    let said = report["erased"].to_string();
    assert!([&lost, &shown, &waits].iter().all(|id| said.contains(id.as_str())), "{report:#}");
    assert!(said.contains("by request"), "{said}");

    // The others are as they were.
    let account = service.get("/v1/accounts/acme").await;
    assert_eq!(account["contacts"].as_array().unwrap().len(), 1);
    let handoff = service.get(&format!("/v1/handoffs/{waits}")).await;
    let package = handoff["package"]["contacts"].as_array().unwrap();
    assert!(package.iter().any(|contact| contact["email"] == "bob@acme.com"), "{package:?}");
    let pending = service.get("/v1/deliveries?accountId=acme&status=pending").await.to_string();
    assert!(pending.contains("bob@acme.com"), "what waits goes out without the person and with the others");

    let nothing = erase(&service, &format!("contactId={ID}")).await;
    assert_eq!((&nothing["erasureId"], &nothing["changed"]), (&Value::Null, &json!({})), "{nothing:#}");
    let export = service.get(&format!("/v1/accounts/acme/export?email={EMAIL}")).await;
    let left: Vec<&String> = export["held"].as_object().unwrap().keys().collect();
    assert!(
        left.iter().all(|kind| ["consents", "consentHistory", "decisions"].contains(&kind.as_str())),
        "{left:?}"
    );
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_package_that_was_changed_by_hand_is_found_before_and_after_an_erasure() {
    let service = Service::sandbox().await;
    let [lost, ..] = everywhere(&service).await;
    let pool = &service.database.pool;
    let tamper = async |from: &str, to: &str| {
        let sealed = sqlx::query(
            "UPDATE handoff SET package = replace(package::text, $1, $2)::json WHERE id = $3::uuid",
        );
        let refused = sealed.bind(from).bind(to).bind(&lost).execute(pool).await.unwrap_err();
        assert!(refused.to_string().contains("is sealed"), "{refused}");
        sqlx::raw_sql("ALTER TABLE handoff DISABLE TRIGGER handoff_package_sealed")
            .execute(pool)
            .await
            .unwrap();
        let sealed = sqlx::query(
            "UPDATE handoff SET package = replace(package::text, $1, $2)::json WHERE id = $3::uuid",
        );
        sealed.bind(from).bind(to).bind(&lost).execute(pool).await.unwrap();
        sqlx::raw_sql("ALTER TABLE handoff ENABLE TRIGGER handoff_package_sealed")
            .execute(pool)
            .await
            .unwrap();
    };
    let finding = async || {
        let report = service.post("/v1/audit/verify", json!({})).await;
        report["findings"].as_array().unwrap().iter().map(|found| found["detail"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(finding().await, Vec::<Value>::new());
    tamper("48000.00", "58000.00").await;
    assert_eq!(finding().await, [json!("the handoff's package was changed")]);
    tamper("58000.00", "48000.00").await;
    erase(&service, &format!("email={EMAIL}")).await;
    assert_eq!(finding().await, Vec::<Value>::new());
    tamper("48000.00", "58000.00").await;
    assert_eq!(finding().await, [json!("the handoff's package was changed")]);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn recipients_are_asked_to_erase_what_they_got_and_whom_it_was_about_is_forgotten_then() {
    let service = Service::sandbox().await;
    everywhere(&service).await;
    let erased = erase(&service, &format!("contactId={ID}")).await;
    let recipients: Vec<&String> = erased["recipients"].as_object().unwrap().keys().collect();
    assert!(recipients.iter().any(|to| *to == "email/briefing"), "{erased:#}");
    for to in recipients {
        let path = format!("/v1/deliveries?accountId=acme&destination=privacy/erasure:{to}");
        let asked = service.get(&path).await["data"].clone();
        assert_eq!(asked.as_array().unwrap().len(), 1, "{to}");
        let data = &asked[0]["payload"]["data"];
        assert_eq!((&data["contactIds"], &data["recipient"]), (&json!([ID]), &json!(to)));
        assert_eq!(data["erasureId"], erased["erasureId"]);
        assert!(!asked.to_string().contains(EMAIL), "no more than needed: {asked:#}");
    }
    service.advance("PT1S").await;
    let told = service.get("/v1/deliveries?accountId=acme&destination=privacy/erasure:email/briefing").await;
    assert_eq!(told["data"][0]["status"], "delivered", "{told:#}");
    assert!(!told.to_string().contains(ID), "{told:#}");
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_was_erased_comes_back_by_no_event_until_they_wish() {
    let service = Service::sandbox().await;
    everywhere(&service).await;
    let replica = service.replica(&[]).await;
    let erased = erase(&service, &format!("contactId={ID}")).await;
    assert_eq!(erased["suppressed"].as_array().unwrap().len(), 2);
    let again = || {
        let mut addressed = event("gtm.contact.upserted", "acme", contact());
        addressed["id"] = json!(format!("again-{ID}-{}", uuid::Uuid::now_v7()));
        let mail = json!({"activityType": "email", "contactId": ID, "content": "Zyxwina Quorvath", "direction": "inbound"});
        let moved = json!({"contactId": "new-id", "firstName": "Zyxwina", "lastName": "Quorvath", "email": EMAIL.to_uppercase()});
        vec![
            addressed,
            event("gtm.activity.logged", "acme", mail),
            event("gtm.contact.upserted", "acme", moved),
            event("gtm.note.added", "acme", json!({"text": format!("cc {EMAIL}")})),
        ]
    };
    service.events(&again()).await;
    assert_eq!(traces(&service).await, Vec::<String>::new(), "it is blanked before it is stored");
    // This replica may not have heard of it yet: it is blanked at the latest when it is applied.
    replica.events(&again()).await;
    let lead = json!({"contactId": "x7", "email": "info@nobody.example", "contactEmail": EMAIL, "firstName": "Zyxwina"});
    replica.events(&[unaddressed("gtm.contact.upserted", lead)]).await;
    let account = replica.get("/v1/accounts/acme").await;
    assert_eq!(account["contacts"].as_array().unwrap().len(), 1, "{account:#}");
    assert_eq!(traces(&service).await, Vec::<String>::new());
    let inbound = service.number("SELECT (state -> 'engagement' ->> 'inbound')::bigint FROM account").await;
    assert_eq!(inbound, 3, "that something happened is known");
    replica.stop().await;

    for by in [format!("contactId={ID}"), format!("email={EMAIL}")] {
        let lifted =
            service.send(Method::DELETE, &format!("/v1/accounts/acme/suppressions?{by}"), None, 200).await;
        assert_eq!(lifted["lifted"], 1, "{by}");
    }
    service.events(&[event("gtm.contact.upserted", "acme", contact())]).await;
    let account = service.get("/v1/accounts/acme").await;
    assert_eq!(account["contacts"].as_array().unwrap().len(), 2, "{account:#}");
    service.expect_intact_audit().await;
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_erasure_amid_a_stream_of_events_leaves_nothing_behind() {
    let service = Service::live(&[]).await;
    service.events(&said(&service)).await;
    let talk = |client: crate::client::Client| async move {
        for _ in 0..40 {
            let mail = json!({"activityType": "email", "contactId": ID, "subject": "Zebra crossing"});
            client
                .events(&[
                    event("gtm.contact.upserted", "acme", contact()),
                    event("gtm.activity.logged", "acme", mail),
                ])
                .await;
        }
    };
    let writers = futures_util::future::join_all((0..4).map(|_| talk(service.client.clone())));
    let erasures = async {
        for _ in 0..3 {
            erase(&service, &format!("contactId={ID}")).await;
        }
    };
    tokio::join!(writers, erasures);
    // Applies what still waits.
    let account = service.get("/v1/accounts/acme").await;
    assert_eq!(account["contacts"].as_array().unwrap().len(), 1);
    assert_eq!(traces(&service).await, Vec::<String>::new());
    service.expect_intact_audit().await;
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn everybody_of_an_account_can_be_erased_at_once_and_wrong_questions_are_refused() {
    let service = Service::sandbox().await;
    everywhere(&service).await;
    let erased = erase(&service, "").await;
    assert_eq!(erased["changed"]["contacts"], 2, "{erased:#}");
    assert_eq!(traces(&service).await, Vec::<String>::new());
    let rows = everything(&service).await;
    assert_eq!(rows.iter().find(|(_, row)| row.contains("bob@acme.com")), None);
    for (path, status) in [
        ("/v1/accounts/nobody/personal-data", 404),
        ("/v1/accounts/acme/personal-data?contactId=a%20b", 422),
        ("/v1/accounts/acme/personal-data?email=bob", 422),
        ("/v1/accounts/acme/personal-data?contactId=c2&email=bob@acme.com", 422),
        ("/v1/accounts/acme/suppressions", 422),
    ] {
        service.send(Method::DELETE, path, None, status).await;
    }
    service.expect_intact_audit().await;
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_shared_on_a_consent_is_recalled_once_when_it_is_withdrawn() {
    let service = Service::sandbox().await;
    let [_, shown, _] = everywhere(&service).await;
    let commands = async || {
        let all = service.get("/v1/deliveries?accountId=acme&limit=200").await["data"].clone();
        let all = all.as_array().unwrap().clone();
        let recalls = all
            .into_iter()
            .filter(|delivery| delivery["destination"].as_str().unwrap().starts_with("privacy/recall:"));
        recalls.collect::<Vec<Value>>()
    };
    let said = |granted: bool| {
        let purpose = format!("partner_data_sharing:*:{ID}");
        event("gtm.consent.changed", "acme", json!({"purpose": purpose, "granted": granted}))
    };
    service.events(&[said(true)]).await;
    service.get("/v1/accounts/acme").await;
    assert_eq!(commands().await, Vec::<Value>::new(), "a consent recalls nothing");
    service.events(&[said(false)]).await;
    service.get("/v1/accounts/acme").await;
    let recalled = commands().await;
    assert!(
        recalled.iter().any(|one| one["destination"] == "privacy/recall:email/briefing"),
        "{recalled:#?}"
    );
    for one in &recalled {
        let data = &one["payload"]["data"];
        assert_eq!((&data["contactIds"], &data["shares"][0]["handoffId"]), (&json!([ID]), &json!(shown)));
        assert_eq!(data["shares"][0]["partnerId"], "aws");
    }
    service.advance("PT1S").await;
    assert!(
        !json!(commands().await).to_string().contains(ID),
        "whom it was about is forgotten once it is told"
    );
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_who_is_known_at_several_accounts_is_erased_at_all_of_them() {
    use gtm::accounts::commands::{Who, erase};
    let service = Service::sandbox().await;
    everywhere(&service).await;
    let company = json!({"name": "Other", "domain": "other.example"});
    service
        .events(&[
            event("gtm.account.upserted", "other", company),
            event("gtm.contact.upserted", "other", json!({"contactId": "zq77x41b", "email": EMAIL})),
        ])
        .await;
    service.get("/v1/accounts/other").await;
    let one = erase_preview(&service).await;
    assert_eq!(one["alsoAt"], json!(["other"]));
    let accounts = &service.running.app.accounts;
    let erased = erase(accounts, None, Who::Email(EMAIL), "connector:crm").await.unwrap();
    let at: Vec<Option<&str>> = erased.iter().map(|one| one.account_id.as_deref()).collect();
    assert_eq!(at, [Some("acme"), Some("other"), None]);
    assert_eq!(traces(&service).await, Vec::<String>::new());
    let again = erase(accounts, None, Who::Email(EMAIL), "connector:crm").await.unwrap();
    assert!(again.iter().all(|one| one.erasure_id.is_none()), "{again:?}");
    service.expect_intact_audit().await;
    service.stop().await;
}

async fn erase_preview(service: &Service) -> Value {
    erase(service, &format!("email={EMAIL}&dryRun=true")).await
}
