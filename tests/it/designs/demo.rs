//! A design of the demo's company, modelled on what its own handoffs were and took.

use gtm::demo::{COHORT_TICKS, Demo, roster};
use reqwest::Method;
use serde_json::{Value, json};

use super::make;
use crate::handoffs::act;
use crate::harness::Service;

/// A week is measured from a week on.
const DAYS: u64 = 8;

/// Those who have handoffs acknowledge them and call after twenty minutes.
async fn answered(service: &Service) -> usize {
    let mine = service.get("/v1/handoffs?status=assigned&limit=200").await;
    let ids: Vec<String> = mine["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|handoff| handoff["handoffId"].as_str().unwrap().to_owned())
        .collect();
    for id in &ids {
        act(service, id, "acknowledge", json!({}), 200).await;
    }
    service.advance("PT20M").await;
    for id in &ids {
        act(service, id, "contact", json!({}), 200).await;
    }
    ids.len()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_demos_design_is_modelled_on_its_own_handoffs() {
    let service = Service::sandbox().await;
    service.send(Method::POST, "/v1/roster/import", Some(json!({ "roster": roster() })), 200).await;
    let demo = Demo::new(7);
    let mut handed = 0;
    for day in 1..=DAYS {
        // A cohort of newcomers a day, each with the stories of its seven minutes; everyday life of older accounts is left out.
        let newcomers = format!("-{day}");
        for tick in day * COHORT_TICKS..(day + 1) * COHORT_TICKS {
            let mut events = demo.live(service.now(), tick);
            events.retain(|event| event["subject"].as_str().unwrap().ends_with(&newcomers));
            if !events.is_empty() {
                service.events(&events).await;
                service.advance("PT1S").await;
            }
        }
        handed += answered(&service).await;
        service.advance("PT23H30M").await;
    }
    assert!(handed >= 20, "{handed}");

    let wanted = json!({
        "segment": "mid_market", "goal": "expansion", "handoffType": "plg_to_sales", "responseSla": "4h",
        "author": "Rosa Diaz",
    });
    let model = make(&service, wanted).await["packet"]["model"].clone();
    let input = |name: &str| {
        let inputs = model["inputs"].as_array().unwrap();
        inputs.iter().find(|input| input["name"] == name).unwrap_or_else(|| panic!("{model:#}")).clone()
    };
    let (arrivals, work): (Value, Value) = (input("Handoffs"), input("Work up to the contact"));
    assert_eq!((&arrivals["source"], &work["source"]), (&json!("measured"), &json!("measured")), "{model:#}");
    assert_eq!(work["value"], "20 min");
    service.stop().await;
}
