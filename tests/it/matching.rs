//! Events that name no account: found, kept when it is not clear whose they are, corrected, moved.

use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::Service;
use crate::stories::{event, touched, unaddressed};
use crate::truths;

fn lead(contact: &str, email: &str) -> Value {
    unaddressed("gtm.contact.upserted", json!({"contactId": contact, "email": email}))
}

async fn company(service: &Service, account: &str, data: Value) {
    service.events(&[event("gtm.account.upserted", account, data)]).await;
    // Known for matching once it is applied, which reading does.
    service.get(&format!("/v1/accounts/{account}")).await;
}

async fn contacts(service: &Service, account: &str) -> Vec<String> {
    let account = service.get(&format!("/v1/accounts/{account}")).await;
    let contacts = account["contacts"].as_array().unwrap();
    contacts.iter().map(|contact| contact["contactId"].as_str().unwrap().to_owned()).collect()
}

async fn unmatched(service: &Service) -> Vec<Value> {
    service.get("/v1/matches/unmatched").await["data"].as_array().unwrap().clone()
}

async fn correct(service: &Service, mut correction: Value, expected: u16) -> Value {
    correction["note"] = json!("says the rep");
    service.send(Method::POST, "/v1/matches/corrections", Some(correction), expected).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_whose_account_is_clear_is_seen_by_the_next_call_and_counts_once() {
    let service = Service::sandbox().await;
    company(&service, "acme", json!({"name": "Acme Inc.", "domain": "acme.com"})).await;
    let said = lead("ana", "ana@eu.acme.com");
    let answer = service.events(&[said.clone(), said.clone()]).await;
    assert_eq!(answer, json!({"accepted": 1, "duplicates": 1, "rejected": []}));
    assert_eq!(contacts(&service, "acme").await, ["ana"]);
    let again = service.events(&[said]).await;
    assert_eq!((&again["accepted"], &again["duplicates"]), (&json!(0), &json!(1)));
    assert_eq!(unmatched(&service).await, Vec::<Value>::new());
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_waits_for_its_account_and_goes_there_by_itself() {
    let service = Service::sandbox().await;
    let answer = service.events(&[lead("ana", "ana@acme.com")]).await;
    assert_eq!(answer, json!({"accepted": 1, "duplicates": 0, "rejected": [], "unmatched": 1}));
    let waiting = unmatched(&service).await;
    assert_eq!(
        (&waiting[0]["why"], &waiting[0]["keys"]),
        (&json!("no_candidate"), &json!(["domain:acme.com"]))
    );
    // A later week: the event goes into the partition of the week that it came in.
    service.advance("P9D").await;
    company(&service, "acme", json!({"name": "Acme", "domain": "acme.com"})).await;
    service.advance("PT1S").await;
    assert_eq!(contacts(&service, "acme").await, ["ana"]);
    assert_eq!(unmatched(&service).await, Vec::<Value>::new());
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_of_a_week_that_nothing_else_came_in_finds_its_place() {
    let service = Service::sandbox().await;
    company(&service, "acme", json!({"name": "Acme", "domain": "acme.com"})).await;
    service.advance("P70D").await;
    service.events(&[lead("ana", "ana@acme.com")]).await;
    assert_eq!(contacts(&service, "acme").await, ["ana"]);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_with_nothing_to_go_by_is_refused() {
    let service = Service::sandbox().await;
    let answer = service.batch(&[lead("ana", "ana@gmail.com"), lead("bob", "bob@acme.com")]).await;
    assert_eq!((&answer["accepted"], &answer["unmatched"]), (&json!(1), &json!(1)));
    let fault = &answer["rejected"][0];
    assert_eq!((&fault["index"], &fault["code"]), (&json!(0), &json!("required")));
    assert_eq!(fault["errors"][0]["pointer"], "/subject");
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_says_where_an_ambiguous_event_belongs_and_it_is_remembered() {
    let service = Service::sandbox().await;
    for account in ["acme-1", "acme-2"] {
        company(&service, account, json!({"name": "Acme", "domain": "acme.com"})).await;
    }
    service.events(&[lead("ana", "ana@acme.com"), lead("bob", "bob@acme.com")]).await;
    let waiting = unmatched(&service).await;
    assert_eq!(waiting[0]["why"], "ambiguous");
    let candidates: Vec<&Value> =
        waiting[0]["candidates"].as_array().unwrap().iter().map(|c| &c["accountId"]).collect();
    assert_eq!(candidates, ["acme-1", "acme-2"]);

    let path = format!("/v1/matches/unmatched/{}/resolve", waiting[0]["id"].as_str().unwrap());
    let word = json!({"accountId": "acme-2", "note": "says the rep"});
    let resolved = service.post(&path, word.clone()).await;
    assert_eq!(resolved, json!({"matched": 2, "moved": []}), "the other one is decided with it");
    assert_eq!(contacts(&service, "acme-2").await, ["ana", "bob"]);
    service.send(Method::POST, &path, Some(word), 404).await;

    service.events(&[lead("eve", "eve@acme.com")]).await;
    assert_eq!(contacts(&service, "acme-2").await, ["ana", "bob", "eve"]);
    service.expect_intact_audit().await;
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_makes_a_new_account_of_an_event() {
    let service = Service::sandbox().await;
    service.events(&[lead("ana", "ana@acme.com"), lead("bob", "bob@acme.com")]).await;
    let waiting = unmatched(&service).await;
    let path = format!("/v1/matches/unmatched/{}/resolve", waiting[1]["id"].as_str().unwrap());
    let unknown = json!({"accountId": "acme", "note": "new"});
    service.send(Method::POST, &path, Some(unknown), 404).await;
    let word = json!({"accountId": "acme", "newAccount": true, "remember": false, "note": "new"});
    service.post(&path, word).await;
    let account = service.get("/v1/accounts/acme").await;
    assert_eq!(account["state"]["profile"]["domain"]["value"], "acme.com");
    // Nothing was remembered; the domain that the account now has is enough for the other one.
    service.advance("PT1S").await;
    assert_eq!(contacts(&service, "acme").await, ["ana", "bob"]);

    service.events(&[lead("eve", "eve@zenith.com")]).await;
    let waiting = unmatched(&service).await;
    let path = format!("/v1/matches/unmatched/{}/resolve", waiting[0]["id"].as_str().unwrap());
    let taken = json!({"accountId": "acme", "newAccount": true, "note": "new"});
    service.send(Method::POST, &path, Some(taken), 409).await;
    service.stop().await;
}

/// Two accounts, and events that the domain led to the wrong one.
async fn mistaken(service: &Service) {
    company(service, "wrong", json!({"name": "Wrong", "domain": "acme.com", "employeeCount": 800})).await;
    company(service, "right", json!({"name": "Right", "domain": "right.com"})).await;
    let mut outbound = touched(service.now(), "");
    outbound.as_object_mut().unwrap().remove("subject");
    outbound["data"]["contactEmail"] = json!("ana@acme.com");
    let deal = json!({"dealId": "d1", "stage": "discovery", "website": "www.acme.com"});
    let note = json!({"text": "wants a demo", "accountDomain": "acme.com"});
    service
        .events(&[
            lead("ana", "ana@acme.com"),
            outbound,
            unaddressed("gtm.deal.upserted", deal),
            unaddressed("gtm.note.added", note),
            event("gtm.contact.upserted", "wrong", json!({"contactId": "tom", "email": "tom@acme.com"})),
        ])
        .await;
    service.advance("PT10S").await;
    assert_eq!(contacts(service, "wrong").await, ["ana", "tom"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_correction_moves_what_went_to_the_wrong_account_and_both_are_decided_anew() {
    let service = Service::sandbox().await;
    mistaken(&service).await;
    let decided = |account: &str| format!("/v1/decisions?accountId={account}");
    let touches = "SELECT count(*) FROM touch WHERE account_id = 'wrong' AND decision_id IS NULL";
    assert_eq!(service.number(touches).await, 1);
    let looked_at = "SELECT count(*) FROM motion_state WHERE account_id = 'right'
                     AND evaluated_at = (SELECT evaluated_at FROM motion_state WHERE account_id = 'wrong')";

    let correction = json!({"query": {"domain": "acme.com"}, "accountId": "right"});
    let mut dry = correction.clone();
    dry["dryRun"] = json!(true);
    let moved =
        json!([{"accountId": "wrong", "events": 4, "to": ["right"], "unmatched": 0, "rebuilt": true}]);
    let preview = correct(&service, dry, 200).await;
    assert_eq!(
        (&preview["dryRun"], &preview["matched"], &preview["moved"]),
        (&json!(true), &json!(0), &moved)
    );
    assert_eq!(contacts(&service, "wrong").await, ["ana", "tom"], "a preview writes nothing");

    let done = correct(&service, correction.clone(), 201).await;
    assert_eq!(done["moved"], moved);
    assert_eq!(done["matches"][0]["accountId"], "right");
    assert_eq!(contacts(&service, "wrong").await, ["tom"], "what names its account stays");
    assert_eq!(contacts(&service, "right").await, ["ana"]);
    let (wrong, right) = (service.get("/v1/accounts/wrong").await, service.get("/v1/accounts/right").await);
    assert_eq!(wrong["state"].get("deals"), None);
    assert_eq!(wrong["state"]["profile"]["employeeCount"]["value"], 800);
    assert!(right["state"]["deals"]["d1"].is_object(), "{right:#}");
    assert_eq!(service.number(touches).await, 0);
    assert_eq!(service.number("SELECT count(*) FROM note WHERE account_id = 'right'").await, 1);
    assert_eq!(service.number("SELECT count(*) FROM note WHERE account_id = 'wrong'").await, 0);

    service.advance("PT1M").await;
    assert_eq!(service.number(looked_at).await, 1, "both were looked at after the move");
    for account in ["wrong", "right"] {
        assert!(!service.get(&decided(account)).await["data"].as_array().unwrap().is_empty());
    }

    // Said again, it moves nothing; what comes in later goes to the right one at once.
    let again = correct(&service, correction, 201).await;
    assert_eq!((&again["matched"], &again["moved"]), (&json!(0), &json!([])));
    service.events(&[lead("eve", "eve@eu.acme.com")]).await;
    assert_eq!(contacts(&service, "right").await, ["ana", "eve"]);
    truths::check(&service.database).await;
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_exclusion_sends_events_back_to_the_queue_and_a_pin_brings_them_in() {
    let service = Service::sandbox().await;
    mistaken(&service).await;
    let denial = json!({"query": {"domain": "acme.com"}, "accountId": "wrong", "belongs": false});
    let done = correct(&service, denial, 201).await;
    assert_eq!((&done["moved"][0]["events"], &done["moved"][0]["unmatched"]), (&json!(4), &json!(4)));
    assert_eq!(unmatched(&service).await.len(), 4);
    service.events(&[lead("eve", "eve@acme.com")]).await;
    assert_eq!(contacts(&service, "wrong").await, ["tom"], "never routed to what is ruled out");
    let pin = json!({"query": {"domain": "acme.com"}, "accountId": "right"});
    assert_eq!(correct(&service, pin, 201).await["matched"], 5);
    assert_eq!(contacts(&service, "right").await, ["ana", "eve"]);
    service.expect_intact_audit().await;
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_rests_on_forgotten_events_says_so_and_keeps_what_it_learned() {
    let service = Service::live(&[]).await;
    service
        .events(&[event("gtm.account.upserted", "wrong", json!({"name": "Wrong", "domain": "acme.com"}))])
        .await;
    service.events(&[event("gtm.account.upserted", "right", json!({"name": "Right"}))]).await;
    for account in ["wrong", "right"] {
        service.get(&format!("/v1/accounts/{account}")).await;
    }
    // As the retention does with an event of long ago.
    sqlx::query("DELETE FROM event WHERE account_id = 'wrong'")
        .execute(&service.database.pool)
        .await
        .unwrap();
    let note = json!({"text": "wants a demo", "accountDomain": "acme.com"});
    service.events(&[lead("ana", "ana@acme.com"), unaddressed("gtm.note.added", note)]).await;
    assert_eq!(contacts(&service, "wrong").await, ["ana"]);

    let pin = json!({"query": {"domain": "acme.com"}, "accountId": "right"});
    let moved = correct(&service, pin, 201).await["moved"].clone();
    assert_eq!(
        moved,
        json!([{"accountId": "wrong", "events": 2, "to": ["right"], "unmatched": 0, "rebuilt": false}])
    );
    assert_eq!(contacts(&service, "wrong").await, ["ana"]);
    assert_eq!(contacts(&service, "right").await, ["ana"]);
    assert_eq!(service.number("SELECT count(*) FROM note WHERE account_id = 'wrong'").await, 0);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn corrections_while_events_pour_in_lose_nothing_and_the_last_word_holds() {
    const SENDERS: usize = 4;
    const LEADS: usize = 25;
    let service = Service::live(&[]).await;
    let replica = service.replica(&[]).await;
    for account in ["left", "right"] {
        company(&service, account, json!({"name": account, "domain": format!("{account}.com")})).await;
    }
    let mut sending = tokio::task::JoinSet::new();
    for sender in 0..SENDERS {
        let client = if sender % 2 == 0 { service.client.clone() } else { replica.client.clone() };
        sending.spawn(async move {
            for n in 0..LEADS {
                client.events(&[lead(&format!("c{sender}-{n}"), "x@acme.com")]).await;
            }
        });
    }
    // From here to there and back, while they come in.
    let pin = |account: &str| json!({"query": {"domain": "acme.com"}, "accountId": account});
    for account in ["left", "right", "left", "right", "left", "right"] {
        correct(&service, pin(account), 201).await;
    }
    while let Some(sent) = sending.join_next().await {
        sent.unwrap();
    }
    correct(&replica, pin("left"), 201).await;
    correct(&service, pin("right"), 201).await;
    // A correction takes along what waits: nothing is left to be done by itself.
    assert_eq!(contacts(&service, "right").await.len(), SENDERS * LEADS);
    assert_eq!(contacts(&service, "left").await, Vec::<String>::new());
    let raw = "SELECT count(*) FROM event WHERE type = 'gtm.contact.upserted'";
    assert_eq!(service.number(raw).await, i64::try_from(SENDERS * LEADS).unwrap());
    assert_eq!(service.number("SELECT count(*) FROM unmatched_key").await, 0);
    service.expect_intact_audit().await;
    truths::check(&service.database).await;
    replica.stop().await;
    service.stop().await;
}
