//! Renewals from the list of those that come to the signature: proposals, the plan, its documents, rules that fire once,
//! ratings that change the plan.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::handoffs::sales_team;
use crate::harness::Service;
use crate::simulation::run::cut_short;
use crate::stories::{event, event_at, usage};

/// A customer whose contract ends in so many days.
async fn customer(service: &Service, id: &str, days: i64) -> NaiveDate {
    let (now, end) = (service.now(), service.now().date_naive() + TimeDelta::days(days));
    let mut events = vec![
        event(
            "gtm.account.upserted",
            id,
            json!({"name": "Acme <Corp>", "domain": "acme.com", "employeeCount": 800, "ownerId": "ada"}),
        ),
        event("gtm.source.synced", id, json!({"source": "crm", "syncedAt": now})),
        event(
            "gtm.contact.upserted",
            id,
            json!({"contactId": "c1", "firstName": "Ann", "lastName": "Lee", "title": "Head of Finance",
                   "email": "ann@acme.com", "isPrimary": true}),
        ),
        event(
            "gtm.subscription.upserted",
            id,
            json!({"subscriptionId": "s1", "planTier": "Pro", "seats": 100, "mrr": "5400.00", "currency": "USD",
                   "startDate": end - TimeDelta::days(365), "endDate": end, "autoRenew": true}),
        ),
        event(
            "gtm.activity.logged",
            id,
            json!({"activityType": "call", "direction": "inbound", "occurredAt": now - TimeDelta::days(2)}),
        ),
    ];
    events.extend(usage(
        now,
        id,
        40,
        &json!({"activeUsers": 70, "features": {"reports": 60, "api": 40, "alerts": 20}}),
    ));
    service.events(&events).await;
    end
}

/// Usage collapses, a ticket is escalated.
async fn trouble(service: &Service, id: &str) {
    let now = service.now();
    let mut events: Vec<Value> = (0..14)
        .map(|back| {
            let day = json!({"date": now.date_naive() - TimeDelta::days(back), "activeUsers": 4, "features": {"reports": 1}, "mode": "replace"});
            event("gtm.usage.recorded", id, day)
        })
        .collect();
    events.push(event(
        "gtm.support.ticket",
        id,
        json!({"ticketId": "t1", "status": "open", "priority": "urgent", "escalated": true}),
    ));
    service.events(&events).await;
}

async fn plan(service: &Service, body: Value) -> Value {
    service.send(Method::POST, "/v1/renewals", Some(body), 201).await
}

fn id_of(renewal: &Value) -> String {
    renewal["renewalId"].as_str().unwrap().to_owned()
}

async fn read(service: &Service, id: &str) -> Value {
    service.get(&format!("/v1/renewals/{id}")).await
}

/// Alerts about a renewal that have left, by title and the role that they were for.
async fn alerts(service: &Service, id: &str) -> BTreeMap<(String, String), usize> {
    let effects = service.get("/v1/sandbox/effects").await;
    let mut found = BTreeMap::new();
    for effect in effects.as_array().unwrap() {
        let data = &effect["payload"]["data"];
        if effect["destination"] == "messaging/alert" && data["planId"] == *id {
            let text = |field: &str| data[field].as_str().unwrap().to_owned();
            *found.entry((text("title"), text("role"))).or_default() += 1;
        }
    }
    found
}

fn count(alerts: &BTreeMap<(String, String), usize>, title: &str) -> Vec<(String, usize)> {
    let of = alerts.iter().filter(|((found, _), _)| found == title);
    of.map(|((_, role), count)| (role.clone(), *count)).collect()
}

/// Everybody who takes part.
fn people() -> Value {
    let person = |name: &str| json!({"name": name, "email": format!("{}@seller.com", name.to_lowercase())});
    json!({"csm": person("Cleo"), "product": person("Pia"), "finance": person("Fay"), "exec_sponsor": person("Ed"),
           "renewal_director": person("Rob"), "cro": person("Kim"), "ceo": person("Lou"), "ae": person("Al")})
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renewal_goes_from_the_list_to_the_signature() {
    let service = Service::sandbox().await;
    sales_team(&service).await;
    let end = customer(&service, "acme", 100).await;
    let coming = service.get("/v1/renewals/upcoming?days=120").await;
    let row = &coming["data"][0];
    assert_eq!(
        (row["accountId"].as_str(), row["deadline"].as_str()),
        (Some("acme"), Some(end.to_string().as_str()))
    );
    assert_eq!(row["value"], json!({"amount": "64800.00", "currency": "USD"}));
    assert_eq!(
        (row["tier"]["tier"].as_str(), row["risk"]["risk"].as_str()),
        (Some("growth"), Some("green")),
        "{row:#}"
    );
    assert_eq!(row["renewalId"], Value::Null);
    assert_eq!(service.get("/v1/renewals/upcoming?days=90").await["total"], 0);

    let preview = plan(&service, json!({"accountId": "acme", "dryRun": true})).await;
    assert_eq!(preview["deadline"], json!(end.to_string()));
    assert_eq!(service.get("/v1/renewals").await["data"], json!([]), "a preview writes nothing");
    assert_eq!(service.number("SELECT count(*) FROM plan").await, 0);
    let made = plan(&service, json!({"accountId": "acme", "why": "it comes"})).await;
    let id = id_of(&made);
    for part in ["play", "tier", "deadline", "rating", "tasks", "checkpoints", "pattern", "proposal"] {
        assert_eq!(made[part], preview[part], "{part}: the preview said so");
    }
    assert_eq!(made["pattern"]["kind"], "diamond", "{:#}", made["pattern"]);
    assert_eq!(made["people"]["ae"]["name"], "ada Smith", "the account's owner is known");
    let again = service.send(Method::POST, "/v1/renewals", Some(json!({"accountId": "acme"})), 409).await;
    assert_eq!(again["renewalId"], json!(id));
    let begun = service.get("/v1/renewals/upcoming?days=120").await;
    assert_eq!(begun["data"][0]["renewalId"], json!(id));

    // What is missing is named, and mended by a new version.
    let refused = service.send(Method::POST, &format!("/v1/renewals/{id}/start"), Some(json!({})), 409).await;
    assert_eq!(refused["code"], "preflight");
    let named: Vec<&str> =
        refused["findings"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect();
    assert!(named.contains(&"no_person:product"), "{named:?}");
    let path = format!("/v1/renewals/{id}");
    let patch = json!({"people": people(), "why": "the team is complete"});
    let without = service.request(Method::PATCH, &path).json(&patch).send().await.unwrap();
    assert_eq!(without.status(), StatusCode::PRECONDITION_REQUIRED);
    let tag = service.request(Method::GET, &path).send().await.unwrap().headers()["etag"].clone();
    let changed = service
        .request(Method::PATCH, &path)
        .header("if-match", tag.clone())
        .json(&patch)
        .send()
        .await
        .unwrap();
    assert_eq!(changed.status(), StatusCode::OK);
    let changed: Value = changed.json().await.unwrap();
    assert_eq!(changed["version"], 2);
    let stale =
        service.request(Method::PATCH, &path).header("if-match", tag).json(&patch).send().await.unwrap();
    assert_eq!(stale.status(), StatusCode::PRECONDITION_FAILED);
    let log = service.get(&format!("{path}/changes")).await;
    let versions = log["data"].as_array().unwrap();
    assert_eq!((versions.len(), versions[1]["why"].as_str()), (2, Some("the team is complete")));
    assert!(!versions[1]["words"].as_array().unwrap().is_empty());

    let running = service.send(Method::POST, &format!("{path}/start"), Some(json!({})), 200).await;
    assert_eq!(running["status"], "running");
    documents(&service, &id, end).await;
    let closed = service
        .send(
            Method::POST,
            &format!("{path}/close"),
            Some(json!({"outcome": "expanded", "note": "two more teams"})),
            200,
        )
        .await;
    assert_eq!((closed["status"].as_str(), closed["outcome"].as_str()), (Some("closed"), Some("expanded")));
    service.send(Method::POST, &format!("{path}/close"), Some(json!({"outcome": "lost"})), 409).await;
    service.send(Method::POST, &format!("{path}/checkpoints/1"), Some(json!({"rating": "green"})), 409).await;
    service.advance("P120D").await;
    assert_eq!(alerts(&service, &id).await, BTreeMap::new(), "nothing fires after the end");
    service.expect_intact_audit().await;
    service.stop().await;
}

/// The documents of the renewal of Acme.
async fn documents(service: &Service, id: &str, end: NaiveDate) {
    let path = format!("/v1/renewals/{id}");
    let markdown = service.text(&format!("{path}/packet"), "text/markdown").await;
    let told = end.format("%a %-d %b %Y").to_string();
    for text in [
        r"# Renewal of Acme \<Corp\>",
        told.as_str(),
        "Ann Lee (Head of Finance)",
        "Cleo (Customer Success Manager)",
        "64,800 USD",
    ] {
        assert!(markdown.contains(text), "{text} in\n{markdown}");
    }
    let html = service.text(&format!("{path}/packet"), "text/html").await;
    assert!(
        html.starts_with("<!doctype html>") && html.contains("Acme &lt;Corp&gt;") && html.contains("<svg")
    );
    let document = service.get(&format!("{path}/plan.json")).await;
    assert_eq!(document["kind"], "renewal");
    let tasks = document["tasks"].as_array().unwrap().len();
    let table = service.text(&format!("{path}/tasks.csv?format=generic"), "text/csv").await;
    let mut reader = csv::Reader::from_reader(table.as_bytes());
    assert_eq!(reader.records().count(), tasks + 6, "and six rows of escalation");
    for format in ["hubspot", "salesforce"] {
        let table = service.text(&format!("{path}/tasks.csv?format={format}"), "text/csv").await;
        assert!(table.split("\r\n").count() > tasks, "{format}");
    }
    let calendar = service.text(&format!("{path}/calendar.ics"), "text/calendar").await;
    let parsed = ical::IcalParser::new(calendar.as_bytes()).next().unwrap().unwrap();
    assert_eq!(parsed.events.len(), tasks + 1);
}

/// A renewal that runs, with everybody named.
async fn running(service: &Service, account: &str, more: Value) -> String {
    let mut body = json!({"accountId": account, "people": people(), "start": true, "waive": ["*"]});
    for (key, value) in more.as_object().unwrap() {
        body[key] = value.clone();
    }
    id_of(&plan(service, body).await)
}

#[tokio::test(flavor = "multi_thread")]
async fn two_red_checkpoints_call_those_who_can_change_something_once() {
    let service = Service::sandbox().await;
    sales_team(&service).await;
    customer(&service, "acme", 120).await;
    let id = running(&service, "acme", json!({"risk": "red"})).await;
    let replica = service.replica(&[]).await;
    let hold = async |number: u32, rating: &str, expected: u16| {
        let path = format!("/v1/renewals/{id}/checkpoints/{number}");
        service
            .send(Method::POST, &path, Some(json!({"rating": rating, "note": "no sponsor"})), expected)
            .await
    };
    let due = |renewal: &Value, number: usize| -> DateTime<Utc> {
        renewal["checkpoints"][number - 1]["dueAt"].as_str().unwrap().parse().unwrap()
    };
    let first = due(&read(&service, &id).await, 1);
    let until = |at: DateTime<Utc>, now: DateTime<Utc>| format!("PT{}S", (at - now).num_seconds());
    service.advance(&until(first - TimeDelta::hours(2), service.now())).await;
    hold(1, "red", 200).await;
    assert_eq!(count(&alerts(&service, &id).await, "The renewal stays red"), []);
    hold(1, "green", 409).await;
    let second = due(&read(&service, &id).await, 2);
    service.advance(&until(second - TimeDelta::hours(2), service.now())).await;
    let held = hold(2, "red", 200).await;
    let fired = held["escalations"].as_array().unwrap();
    assert!(
        fired.iter().any(|one| one["code"] == "red_after_checkpoints" && one["key"] == "red:2"),
        "{fired:#?}"
    );
    let told = [("cro".to_owned(), 1), ("finance".to_owned(), 1), ("product".to_owned(), 1)];
    assert_eq!(count(&alerts(&service, &id).await, "The renewal stays red"), told);

    // Whoever looks again, here or there, tells nobody twice, wherever it is cut off.
    for polls in 0..40 {
        sqlx::query(
            "INSERT INTO job (kind, key, payload, lane, due_at, created_at) VALUES ('renewal_look', $1, '{}', 1, '-infinity', now())
             ON CONFLICT (kind, key) DO UPDATE SET due_at = '-infinity', leased_until = NULL, lease = 0",
        )
        .bind(&id)
        .execute(&service.database.pool)
        .await
        .unwrap();
        let (_, there) = tokio::join!(
            cut_short(service.running.app.renewals.work_due(), polls),
            replica.running.app.renewals.work_due()
        );
        there.unwrap();
    }
    assert_eq!(count(&alerts(&service, &id).await, "The renewal stays red"), told);
    hold(3, "red", 200).await;
    assert_eq!(count(&alerts(&service, &id).await, "The renewal stays red"), told, "one row is told once");
    service.expect_intact_audit().await;
    replica.stop().await;
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn missed_checkpoints_climb_the_ladder_and_slipped_milestones_ring_even_after_failures() {
    let service = Service::sandbox().await;
    sales_team(&service).await;
    customer(&service, "acme", 120).await;
    let id = running(&service, "acme", json!({"risk": "yellow"})).await;
    let renewal = read(&service, &id).await;
    let first: DateTime<Utc> = renewal["checkpoints"][0]["dueAt"].as_str().unwrap().parse().unwrap();
    let wait = (first - service.now()).num_seconds();
    service.advance(&format!("PT{}S", wait - 1)).await;
    assert_eq!(alerts(&service, &id).await, BTreeMap::new());
    service.advance("PT1S").await;
    assert_eq!(count(&alerts(&service, &id).await, "A checkpoint is overdue"), [("csm".to_owned(), 1)]);
    service.advance("PT24H").await;
    assert_eq!(
        count(&alerts(&service, &id).await, "A checkpoint is overdue"),
        [("csm".to_owned(), 2)],
        "two retries"
    );
    service.advance("PT24H").await;
    assert_eq!(count(&alerts(&service, &id).await, "A task of a plan needs you"), [("csm".to_owned(), 1)]);
    service.advance("PT48H").await;
    let climbed = [("cro".to_owned(), 1), ("csm".to_owned(), 1), ("renewal_director".to_owned(), 1)];
    assert_eq!(count(&alerts(&service, &id).await, "A task of a plan needs you"), climbed);
    assert_eq!(read(&service, &id).await["checkpoints"][0]["status"], "escalated");

    // The look that would ring fails: nothing of it is there, and the next one does it, once.
    sqlx::raw_sql(
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'not now'; END $$;
         CREATE TRIGGER refuse BEFORE INSERT ON renewal_firing FOR EACH ROW EXECUTE FUNCTION refuse();",
    )
    .execute(&service.database.pool)
    .await
    .unwrap();
    let milestones: Vec<DateTime<Utc>> = renewal["tasks"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|task| task["milestone"] == true)
        .map(|task| task["endAt"].as_str().unwrap().parse().unwrap())
        .collect();
    let second = milestones[1];
    let clock = &service.running.app.platform.clock;
    clock.advance_to(second);
    while service
        .number("SELECT count(*) FROM job WHERE kind = 'renewal_look' AND last_error LIKE '%not now%'")
        .await
        == 0
    {
        service.running.app.renewals.work_due().await.unwrap();
    }
    assert_eq!(service.number("SELECT count(*) FROM renewal_firing").await, 0);
    sqlx::raw_sql("DROP TRIGGER refuse ON renewal_firing").execute(&service.database.pool).await.unwrap();
    service.advance("PT1H").await;
    let told = [("cro".to_owned(), 1), ("finance".to_owned(), 1), ("product".to_owned(), 1)];
    let title = "Milestones of the renewal slipped 2 times";
    assert_eq!(count(&alerts(&service, &id).await, title), told);
    let fired = &read(&service, &id).await["escalations"][0];
    assert_eq!(
        (fired["code"].as_str(), fired["key"].as_str()),
        (Some("milestones_slipped"), Some("slipped:2"))
    );
    let at: DateTime<Utc> = fired["at"].as_str().unwrap().parse().unwrap();
    assert_eq!(at, second, "at its own time, however late it was noticed");
    service.expect_intact_audit().await;
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worse_rating_makes_a_new_version_in_which_what_is_done_stays() {
    let service = Service::sandbox().await;
    sales_team(&service).await;
    customer(&service, "acme", 120).await;
    customer(&service, "pinned", 120).await;
    let id = running(&service, "acme", json!({})).await;
    let pinned = running(&service, "pinned", json!({"risk": "green"})).await;
    let before = read(&service, &id).await;
    assert_eq!(
        (before["risk"]["level"].as_str(), before["risk"]["pinned"].as_bool()),
        (Some("green"), Some(false))
    );
    let first: DateTime<Utc> = before["tasks"][0]["startAt"].as_str().unwrap().parse().unwrap();
    service.advance(&format!("PT{}S", (first - service.now()).num_seconds().max(1))).await;
    let tasks = service.get("/v1/tasks?status=ready").await;
    let task = tasks["data"].as_array().unwrap().iter().find(|task| task["planId"] == json!(id)).unwrap();
    let done = service
        .send(
            Method::POST,
            &format!("/v1/tasks/{}/complete", task["taskId"].as_str().unwrap()),
            Some(json!({})),
            200,
        )
        .await;
    assert_eq!(done["status"], "done", "{done:#}");

    trouble(&service, "acme").await;
    trouble(&service, "pinned").await;
    service.advance("PT1M").await;
    let after = read(&service, &id).await;
    assert_eq!(
        (after["version"].as_u64(), after["risk"]["level"].as_str()),
        (Some(2), Some("red")),
        "{:#}",
        after["rating"]
    );
    assert_eq!(after["tasks"].as_array().unwrap().iter().filter(|task| task["status"] == "done").count(), 1);
    assert!(after["checkpoints"].as_array().unwrap().len() > before["checkpoints"].as_array().unwrap().len());
    let log = service.get(&format!("/v1/renewals/{id}/changes")).await;
    let version = &log["data"][1];
    assert!(
        version["why"]
            .as_str()
            .unwrap()
            .starts_with("The risk went from green to red: it got worse. The score went from"),
        "{version:#}"
    );
    assert_eq!(version["madeBy"], "worker:renewals");
    assert!(
        version["words"]
            .as_array()
            .unwrap()
            .iter()
            .any(|words| words.as_str().unwrap().contains("sponsor-alignment")),
        "{version:#}"
    );
    let calendar = service.text(&format!("/v1/renewals/{id}/calendar.ics"), "text/calendar").await;
    assert!(calendar.contains("SEQUENCE:1\r\n"));

    // What people have set stays, and what it would be is told.
    let held = read(&service, &pinned).await;
    assert_eq!((held["version"].as_u64(), held["risk"]["level"].as_str()), (Some(1), Some("green")));
    assert_eq!(held["risk"]["wouldBe"], "red");
    let path = format!("/v1/renewals/{pinned}");
    let tag = service.request(Method::GET, &path).send().await.unwrap().headers()["etag"].clone();
    let let_go = json!({"risk": null, "why": "the rating knows better"});
    let answer =
        service.request(Method::PATCH, &path).header("if-match", tag).json(&let_go).send().await.unwrap();
    let answer: Value = answer.json().await.unwrap();
    assert_eq!(
        (answer["risk"]["level"].as_str(), answer["risk"]["pinned"].as_bool()),
        (Some("red"), Some(false)),
        "{answer:#}"
    );

    // The same again says nothing new.
    service.advance("P3D").await;
    assert_eq!(read(&service, &id).await["version"], 2);
    service.expect_intact_audit().await;
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_reports_by_doing_the_task_of_a_checkpoint() {
    let service = Service::sandbox().await;
    sales_team(&service).await;
    customer(&service, "acme", 120).await;
    let id = running(&service, "acme", json!({"risk": "red"})).await;
    let renewal = read(&service, &id).await;
    let first: DateTime<Utc> = renewal["checkpoints"][0]["dueAt"].as_str().unwrap().parse().unwrap();
    service.advance(&format!("PT{}S", (first - service.now()).num_seconds() - 3_600)).await;
    let claimed = service
        .post("/v1/tasks/claim", json!({"agent": "renewal-bot", "kinds": ["checkpoint"], "max": 1}))
        .await;
    let task = &claimed["tasks"][0];
    let body = json!({"lease": task["lease"], "data": {"rating": "yellow", "note": "waits for budget"}});
    service
        .send(
            Method::POST,
            &format!("/v1/tasks/{}/complete", task["taskId"].as_str().unwrap()),
            Some(body),
            200,
        )
        .await;
    service.advance("PT1S").await;
    let held = &read(&service, &id).await["checkpoints"][0]["held"];
    assert_eq!((held["rating"].as_str(), held["note"].as_str()), (Some("yellow"), Some("waits for budget")));
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_fault_of_a_request_is_named() {
    let service = Service::sandbox().await;
    sales_team(&service).await;
    customer(&service, "acme", 120).await;
    service
        .events(&[event_at(service.now(), "gtm.account.upserted", "empty", json!({"name": "Empty"}))])
        .await;
    let body = json!({"accountId": "acme", "play": "exec_save", "deadline": "2020-01-01", "people": {"boss": {"name": "B"}}});
    let problem = service.send(Method::POST, "/v1/renewals", Some(body), 422).await;
    let pointers: Vec<&str> = problem["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|fault| fault["pointer"].as_str().unwrap())
        .collect();
    assert_eq!(pointers, ["#/play", "#/deadline", "#/people/boss"]);
    let none = service.send(Method::POST, "/v1/renewals", Some(json!({"accountId": "empty"})), 422).await;
    assert_eq!(none["errors"][0]["pointer"], "#/deadline");
    service.send(Method::POST, "/v1/renewals", Some(json!({"accountId": "nobody"})), 404).await;
    service.send(Method::GET, "/v1/renewals/upcoming?days=500", None, 422).await;
    let id = running(&service, "acme", json!({})).await;
    service
        .send(Method::POST, &format!("/v1/renewals/{id}/checkpoints/99"), Some(json!({"rating": "red"})), 404)
        .await;
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_erased_is_gone_from_notes_and_packets() {
    let service = Service::sandbox().await;
    sales_team(&service).await;
    customer(&service, "acme", 120).await;
    let id = running(&service, "acme", json!({"risk": "red"})).await;
    for number in [1, 2] {
        let path = format!("/v1/renewals/{id}/checkpoints/{number}");
        let note = json!({"rating": "red", "note": "Ann Lee (ann@acme.com) does not answer"});
        service.send(Method::POST, &path, Some(note), 200).await;
    }
    let before = service.text(&format!("/v1/renewals/{id}/packet"), "text/markdown").await;
    assert!(before.contains("Ann Lee"));
    let export = service.get("/v1/accounts/acme/export").await.to_string();
    assert!(export.contains("does not answer"));
    service.send(Method::DELETE, "/v1/accounts/acme/personal-data?contactId=c1", None, 200).await;
    let after = service.text(&format!("/v1/renewals/{id}/packet"), "text/markdown").await;
    assert!(!after.contains("Ann") && !after.contains("ann@acme.com"), "{after}");
    let held = read(&service, &id).await.to_string();
    assert!(!held.contains("Ann Lee") && !held.contains("ann@acme.com"), "{held}");
    service.expect_intact_audit().await;
    service.stop().await;
}
