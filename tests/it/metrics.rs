//! The figures of handoffs and the fairness of rotations over the API.

use gtm::handoffs::assign::names::RepId;
use gtm::handoffs::commands::{Deed, OpenAsk};
use gtm::handoffs::handoff::{Handoff, Status};
use gtm::handoffs::lifecycle::Action;
use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::Service;
use crate::stories;

/// Sales around the clock: Ben takes two of three.
async fn founded() -> Service {
    let service = Service::sandbox().await;
    let rep = |id: &str, weight: u32| json!({"id": id, "name": id, "email": format!("{id}@acme.com"), "team": "sales", "weight": weight});
    let roster = json!({"teams": [{"id": "sales"}, {"id": "idle"}], "reps": [rep("ada", 1), rep("ben", 2)]});
    service.send(Method::POST, "/v1/roster/import", Some(json!({"roster": roster})), 200).await;
    service
}

/// Hands an account over to whoever's turn it is.
async fn hand_over(service: &Service, account: &str, owner: Option<&str>) -> Handoff {
    service.events(&[stories::employees(account, 20)]).await;
    let ask = OpenAsk {
        handoff_type: "mql_to_sales".to_owned(),
        account_id: account.to_owned(),
        deal_id: None,
        from_team: None,
        to_team: None,
        owner_id: owner.map(|owner| RepId::parse(owner).unwrap()),
        skills: std::collections::BTreeSet::new(),
        dry_run: false,
        cause: format!("test:{account}"),
        decision_id: None,
        requested_by: "test".to_owned(),
    };
    let handoffs = &service.running.app.handoffs;
    let opened = handoffs.open(&ask).await.unwrap().handoff;
    // Nobody is known there whom one could contact.
    assert_eq!(opened.status, Status::Held);
    let release = Deed { next: ask.owner_id, ..Deed::new(Action::Release, "test") };
    handoffs.act(opened.id, &release).await.unwrap()
}

async fn advance(service: &Service, by: &str) {
    service.send(Method::POST, "/v1/sandbox/clock", Some(json!({"advance": by})), 200).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn handoffs_are_measured_in_total_and_by_group() {
    let service = founded().await;
    let empty = service.get("/v1/metrics/handoffs").await;
    assert_eq!(
        (&empty["total"]["count"], &empty["groups"], &empty["groupBy"]),
        (&json!(0), &json!([]), &json!(null))
    );
    assert_eq!(empty["total"]["conversion"]["rate"], json!({"value": null, "target": 0.7, "met": null}));

    let handoffs = &service.running.app.handoffs;
    let (first, second) =
        (hand_over(&service, "a1", None).await, hand_over(&service, "a2", Some("ada")).await);
    advance(&service, "PT20M").await;
    let contact = Action::Contact { at: service.now() };
    handoffs.act(first.id, &Deed::new(contact, "test")).await.unwrap();
    handoffs.act(first.id, &Deed::new(Action::Convert { nps: Some(9) }, "test")).await.unwrap();
    advance(&service, "PT5H").await;

    let found = service.get("/v1/metrics/handoffs?groupBy=rep").await;
    let total = &found["total"];
    assert_eq!((&total["count"], &total["byStatus"]["converted"]), (&json!(2), &json!(1)), "{total}");
    let times = json!({"count": 1, "p50Seconds": 1200.0, "p90Seconds": 1200.0, "p95Seconds": 1200.0});
    assert_eq!(total["contactTime"], times);
    // Four hours are the terms: the second has passed its deadline.
    let sla = json!({"met": 1, "breached": 1, "open": 0, "endedBefore": 0, "share": 0.5});
    assert_eq!(total["contactSla"], sla);
    assert_eq!(total["conversion"]["rate"], json!({"value": 1.0, "target": 0.7, "met": true}));
    assert_eq!(total["nps"], json!({"count": 1, "mean": {"value": 9.0, "target": 8.0, "met": true}}));
    assert_eq!(total["assignmentTime"]["p95Seconds"], 0.0);
    let keys: Vec<&Value> = found["groups"].as_array().unwrap().iter().map(|group| &group["key"]).collect();
    assert_eq!(keys, [&json!("ada"), &json!("ben")]);
    assert_eq!(first.owner_id.unwrap().as_str(), "ben");
    assert_eq!(found["groups"][0]["figures"]["contactSla"]["breached"], 1, "{second:?}");
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotation_shows_what_was_due_and_what_was_taken() {
    let service = founded().await;
    for n in 1..=4 {
        hand_over(&service, &format!("a{n}"), None).await;
    }
    hand_over(&service, "b1", Some("ada")).await;
    let found = service.get("/v1/metrics/pools").await;
    let teams: Vec<&Value> = found["pools"].as_array().unwrap().iter().map(|pool| &pool["teamId"]).collect();
    assert_eq!(teams, [&json!("idle"), &json!("sales")]);
    let sales = &found["pools"][1];
    assert_eq!((&sales["turns"], &sales["outsideCount"]), (&json!(4), &json!(1)), "{sales}");
    assert_eq!(sales["outside"], json!([{"route": "chosen", "count": 1}]));
    let reps = sales["reps"].as_array().unwrap();
    for (rep, (id, weight, share)) in reps.iter().zip([("ada", 1, 1.0 / 3.0), ("ben", 2, 2.0 / 3.0)]) {
        assert_eq!(
            (&rep["repId"], &rep["weight"], &rep["member"]),
            (&json!(id), &json!(weight), &json!(true))
        );
        let number = |name: &str| rep[name].as_f64().unwrap();
        assert!((number("expectedShare") - share).abs() < 1e-9, "{rep}");
        // The rotation began with these turns.
        assert!((number("expected") - number("turns") - number("deviation")).abs() < 1e-9, "{rep}");
        assert!(number("deviation").abs() < 1.0, "{rep}");
    }
    let largest = reps.iter().map(|rep| rep["deviation"].as_f64().unwrap().abs()).fold(0.0, f64::max);
    assert_eq!(sales["largestDeviation"].as_f64(), Some(largest));
    let none = service.get("/v1/metrics/pools?to=2020-01-01T00:00:00Z").await;
    assert_eq!(none["pools"][1]["turns"], 0);
    assert_eq!(none["pools"][1]["reps"][0]["expectedShare"], Value::Null);
    assert_eq!(
        none["pools"][1]["reps"][0]["deviation"], reps[0]["deviation"],
        "of the whole life of the rotation"
    );
    assert_eq!(none["pools"][0]["largestDeviation"], Value::Null);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn figures_of_no_stretch_of_time_or_no_known_group_are_refused() {
    let service = Service::sandbox().await;
    let refused = async |path: &str| service.send(Method::GET, path, None, 400).await;
    let grouped = refused("/v1/metrics/handoffs?groupBy=colour").await;
    assert_eq!(grouped["errors"][0]["pointer"], "query:groupBy");
    let detail = grouped["errors"][0]["detail"].as_str().unwrap();
    for choice in ["type", "team", "rep", "segment", "week"] {
        assert!(detail.contains(choice), "{detail}");
    }
    for call in ["/v1/metrics/handoffs", "/v1/metrics/pools"] {
        for (query, pointer, words) in [
            ("from=2027-03-02T00:00:00Z&to=2027-03-01T00:00:00Z", "query:from", "after `to`"),
            ("from=2025-01-01T00:00:00Z&to=2027-01-01T00:00:00Z", "query:from", "400 days"),
            ("to=yesterday", "query:to", ""),
        ] {
            let problem = refused(&format!("{call}?{query}")).await;
            assert_eq!(
                (&problem["code"], &problem["errors"][0]["pointer"]),
                (&json!("invalid_query"), &json!(pointer))
            );
            assert!(problem["errors"][0]["detail"].as_str().unwrap().contains(words), "{problem}");
        }
    }
    let same = "from=2027-03-01T00:00:00Z&to=2027-03-01T00:00:00Z";
    assert_eq!(service.get(&format!("/v1/metrics/handoffs?{same}")).await["total"]["count"], 0);
    service.stop().await;
}
