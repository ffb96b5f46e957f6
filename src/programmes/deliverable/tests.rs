//! Heads are read back as written; wrong data is refused with its place; schemas lead nowhere wrong.

use serde_json::json;

use super::*;

fn sample() -> Deliverable {
    let Value::Object(data) = json!({"month_total": "100.00", "lines": [{"channel": "a", "amount": "100.00", "why": "“quoted” \"text\"\nwith a line"}]})
    else {
        unreachable!("an object")
    };
    Deliverable {
        title: "Budget: all of it".to_owned(),
        personas: vec!["plant-manager".to_owned()],
        competitors: Vec::new(),
        channels: vec!["a".to_owned()],
        messages: BTreeMap::from([("tagline".to_owned(), "It's = \"fine\"".to_owned())]),
        figures: BTreeMap::from([("monthly_budget".to_owned(), 100.0), ("rate".to_owned(), 0.125)]),
        data,
        body: "## Lines\n\n+++ is no head here".to_owned(),
    }
}

#[test]
fn what_is_rendered_is_read_back() {
    let origin = Origin { agent: "coordinator", phase: 1, step: "gtm-strategy", task: None };
    let text = sample().render(Kind::Budget, &origin);
    assert!(text.starts_with("+++\ntitle = "), "{text}");
    assert_eq!(Deliverable::parse(&text).unwrap(), (sample(), Kind::Budget));
}

#[test]
fn wrong_data_is_refused_with_its_place() {
    let mut wrong = sample();
    wrong.data["lines"][0]["amount"] = json!(100);
    let fault = wrong.check(Kind::Budget).unwrap_err();
    assert_eq!(fault.path, "/data/lines/0/amount");
    let mut extra = sample();
    extra.data.insert("more".to_owned(), json!(1));
    assert!(extra.check(Kind::Budget).unwrap_err().message.contains("unknown field `more`"));
    let mut empty = sample();
    empty.body = " ".to_owned();
    assert_eq!(empty.check(Kind::Budget).unwrap_err().path, "/body");
    assert!(Deliverable::parse("# No head").is_err());
}

#[test]
fn every_schema_refers_only_to_its_own_parts() {
    for kind in Kind::ALL {
        let schema = kind.schema();
        let text = schema.to_string();
        assert!(!text.contains("#/components"), "{}: {text}", kind.name());
        for reference in text.split("\"#/$defs/").skip(1) {
            let name = reference.split('"').next().unwrap();
            assert!(schema["$defs"][name].is_object(), "{}: {name}", kind.name());
        }
        assert_eq!(schema["properties"]["data"]["type"], "object", "{}", kind.name());
        assert_eq!(schema["properties"]["data"]["additionalProperties"], false, "{}", kind.name());
    }
}
