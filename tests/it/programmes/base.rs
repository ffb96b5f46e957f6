//! What a run builds on: the newest run of the company that has what is needed, or the one that is named.

use gtm::programmes::business::EXAMPLE;
use reqwest::Method;
use serde_json::{Value, json};

use super::{ask, begin, text, until_done};
use crate::harness::Service;

const STRATEGY: &str = "strategy/gtm-strategy.md";

async fn would(service: &Service, changes: Value) -> Value {
    let mut body = ask(changes);
    body["dryRun"] = json!(true);
    service.send(Method::POST, "/v1/programmes", Some(body), 200).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_newest_that_has_it_is_built_on_or_the_one_that_is_named() {
    let service = Service::live(&[]).await;
    let older = begin(&service, json!({ "phases": ["strategy"] })).await;
    until_done(&service, &older).await;
    let changed = EXAMPLE.replace("Kelpline Shift", "Kelpline Rota");
    let newer = begin(&service, json!({ "config": changed, "phases": ["strategy"] })).await;
    until_done(&service, &newer).await;
    // One that has made nothing yet is newer still and is not built on.
    let empty = begin(&service, json!({ "phases": ["strategy"], "start": false })).await;

    let build = || json!({ "phases": ["pipeline-building"] });
    assert_eq!(would(&service, build()).await["basedOn"], json!(newer));
    let mut named = build();
    named["basedOn"] = json!(older);
    assert_eq!(would(&service, named.clone()).await["basedOn"], json!(older));
    let made = service.send(Method::POST, "/v1/programmes", Some(ask(named)), 201).await;
    let made = made["programmeId"].as_str().unwrap().to_owned();
    assert_eq!(text(&service, &made, STRATEGY).await, text(&service, &older, STRATEGY).await);
    assert_ne!(text(&service, &made, STRATEGY).await, text(&service, &newer, STRATEGY).await);

    // Whoever is named gives what it has and no more; one that is not there is refused.
    let mut lacking = build();
    lacking["basedOn"] = json!(empty);
    let refused = service.send(Method::POST, "/v1/programmes", Some(ask(lacking)), 409).await;
    assert_eq!(refused["code"], "inputs_missing");
    let mut nowhere = build();
    nowhere["basedOn"] = json!("01900000-0000-7000-8000-000000000000");
    service.send(Method::POST, "/v1/programmes", Some(ask(nowhere)), 404).await;
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_based_on_anothers_strategy_has_one() {
    let service = Service::live(&[]).await;
    let strategy = begin(&service, json!({ "phases": ["strategy"] })).await;
    until_done(&service, &strategy).await;
    let other = EXAMPLE.replace("Kelpline", "Marshlight").replace("kelpline", "marshlight");
    let build = json!({ "config": other, "phases": ["pipeline-building"] });
    let refused = service.send(Method::POST, "/v1/programmes", Some(ask(build.clone())), 409).await;
    assert_eq!(refused["code"], "inputs_missing", "nothing of another company is taken unasked");
    let mut without = build.clone();
    without["withoutInputs"] = json!(true);
    let first = would(&service, without).await;
    assert_eq!(first["advice"]["because"], "Nothing was run yet", "{:#}", first["advice"]);
    let mut based = build;
    based["basedOn"] = json!(strategy);
    let told = would(&service, based).await;
    assert_eq!(told["basedOn"], json!(strategy));
    assert_ne!(told["advice"]["because"], first["advice"]["because"], "{:#}", told["advice"]);
    service.stop().await;
}
