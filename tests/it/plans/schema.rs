//! The published schema against documents as they are: good ones pass it, broken ones do not.

use reqwest::Method;
use serde_json::{Value, json};

use super::{create, document};
use crate::harness::Service;

#[tokio::test]
async fn documents_fit_the_published_schema_and_broken_ones_do_not() {
    let service = Service::sandbox().await;
    let schema = service.get("/v1/plans/schema.json").await;
    assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
    let fits = jsonschema::validator_for(&schema).unwrap();
    let mut rich = document(&service);
    rich["direction"] = json!("workback");
    rich["tasks"][1]["duration"] = json!({ "working_days": 2 });
    rich["tasks"][1]["due"] = json!(service.now() + chrono::TimeDelta::days(9));
    rich["roles"]["cro"]["daysOff"] = json!(["2026-12-24"]);
    rich["calendars"]["office"]["specialDays"] = json!([{ "on": "12-25", "name": "Christmas" }]);
    let id = create(&service, &rich).await;
    // As it was sent, and as the service gives it back.
    let kept = service.get(&format!("/v1/plans/{id}/plan.json")).await;
    for good in [&document(&service), &rich, &kept] {
        let faults: Vec<String> = fits.iter_errors(good).map(|fault| fault.to_string()).collect();
        assert_eq!(faults, Vec::<String>::new());
    }
    let breaks: [fn(&mut Value); 7] = [
        |plan| plan["kind"] = json!("holiday"),
        |plan| plan["tasks"][0]["duration"] = json!({ "working_days": "two" }),
        |plan| plan["tasks"][0]["owner"] = json!(7),
        |plan| plan["startAt"] = json!(12),
        |plan| plan["colour"] = json!("red"),
        |plan| drop(plan.as_object_mut().and_then(|plan| plan.remove("roles"))),
        |plan| plan["gates"][0]["checks"][0]["by"] = json!("guessed"),
    ];
    for (at, breaks) in breaks.into_iter().enumerate() {
        let mut broken = document(&service);
        breaks(&mut broken);
        assert!(!fits.is_valid(&broken), "{at}: {broken:#}");
        assert!(serde_json::from_value::<gtm::plans::model::Plan>(broken).is_err(), "{at}");
    }
    service.send(Method::GET, "/v1/plans/schema.json?x=1", None, 400).await;
    service.stop().await;
}
