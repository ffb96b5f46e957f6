//! Decoding, tried on the recorded requests of the official clients and on requests made to go wrong.

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::super::{Arrived, Event, EventType, FaultCode, Rejected};
use super::{BATCH_EVENTS_MAX, Decoded, RequestFault, decode};
use crate::kernel::clock::DateTime;

fn at(text: &str) -> DateTime {
    chrono::DateTime::parse_from_rfc3339(text).unwrap().to_utc()
}

/// Later than every recorded request.
fn now() -> DateTime {
    at("2026-11-20T18:00:00Z")
}

fn headers(pairs: &[(&str, &[u8])]) -> HeaderMap {
    pairs
        .iter()
        .map(|(name, value)| {
            (HeaderName::from_bytes(name.as_bytes()).unwrap(), HeaderValue::from_bytes(value).unwrap())
        })
        .collect()
}

/// The events of a request that was taken apart, whatever its mode.
fn events(decoded: Decoded) -> Vec<Result<Event, Rejected>> {
    match decoded {
        Decoded::Single(event) => vec![event.map(addressed)],
        Decoded::Batch(events) => events.into_iter().map(|event| event.map(addressed)).collect(),
        Decoded::Refused(fault) => panic!("refused: {fault}"),
    }
}

fn addressed(arrived: Arrived) -> Event {
    arrived.addressed().unwrap()
}

fn structured(body: &str) -> Result<Event, Rejected> {
    let headers = headers(&[("content-type", b"application/cloudevents+json")]);
    events(decode(&headers, body.as_bytes(), now())).remove(0)
}

fn codes(result: Result<Event, Rejected>) -> Vec<(String, FaultCode)> {
    result.unwrap_err().faults.into_iter().map(|fault| (fault.pointer, fault.code)).collect()
}

/// A structured event with members changed (null takes one away).
fn envelope(changes: &Value) -> String {
    let mut event = json!({"specversion": "1.0", "id": "e1", "source": "/crm", "type": "gtm.lifecycle.changed",
        "subject": "acc_1", "time": "2026-11-20T10:00:00Z", "data": {"stage": "customer"}});
    for (name, value) in changes.as_object().unwrap().clone() {
        if value.is_null() {
            event.as_object_mut().unwrap().remove(&name);
        } else {
            event[&name] = value;
        }
    }
    event.to_string()
}

/// Compares what came of a recorded request with what its record expects.
fn check(case: &str, expected: &Value, result: &Result<Event, Rejected>) {
    match result {
        Ok(event) => {
            assert_eq!(event.id, expected["id"], "{case}");
            assert_eq!(event.event_type, EventType::UsageRecorded, "{case}");
            assert_eq!(event.account_id.as_str(), "acc_12345", "{case}");
            assert_eq!(event.time, at(expected["time"].as_str().unwrap()), "{case}");
            assert_eq!(event.data_text, expected["data"], "{case}: the data are kept as written");
            assert_eq!(json!(event.extensions), expected["extensions"], "{case}");
        }
        Err(rejected) => {
            let faults: Vec<String> =
                rejected.faults.iter().map(|fault| format!("{} {}", fault.pointer, fault.code)).collect();
            assert_eq!(json!(faults), expected["faults"], "{case}");
        }
    }
}

#[test]
fn the_recorded_requests_of_the_official_clients_decode_as_expected() {
    let mut decoded_events = 0;
    for text in [
        include_str!("../../../../tests/fixtures/cloudevents/node.json"),
        include_str!("../../../../tests/fixtures/cloudevents/python.json"),
    ] {
        let fixture: Value = serde_json::from_str(text).unwrap();
        for request in fixture["requests"].as_array().unwrap() {
            let case = format!("{}, {}", fixture["client"], request["name"]);
            let mut headers = HeaderMap::new();
            for header in request["headers"].as_array().unwrap() {
                let name = HeaderName::from_bytes(header[0].as_str().unwrap().as_bytes()).unwrap();
                // The records show each byte as the character with its number.
                let bytes: Vec<u8> = header[1]
                    .as_str()
                    .unwrap()
                    .chars()
                    .map(|c| u8::try_from(u32::from(c)).unwrap())
                    .collect();
                headers.append(name, HeaderValue::from_bytes(&bytes).unwrap());
            }
            let body = match request["body"].as_str() {
                Some(text) => text.as_bytes().to_vec(),
                None => STANDARD.decode(request["bodyBase64"].as_str().unwrap()).unwrap(),
            };
            let decoded = decode(&headers, &body, now());
            assert_eq!(matches!(decoded, Decoded::Batch(_)), request["mode"] == "batch", "{case}");
            let results = events(decoded);
            let expected = request["expect"].as_array().unwrap();
            assert_eq!(results.len(), expected.len(), "{case}");
            for (expected, result) in expected.iter().zip(&results) {
                check(&case, expected, result);
                decoded_events += usize::from(result.is_ok());
            }
        }
    }
    assert_eq!(decoded_events, 12, "each adapted request gives its events");
}

#[test]
fn the_content_type_may_have_any_case_and_parameters() {
    let body = envelope(&json!({}));
    for content_type in [
        "Application/CloudEvents+JSON; charset=UTF-8",
        "application/cloudevents+json;charset=\"utf-8\"; profile=x",
        "application/cloudevents+json ; q",
    ] {
        let headers = headers(&[("content-type", content_type.as_bytes())]);
        assert!(events(decode(&headers, body.as_bytes(), now())).remove(0).is_ok(), "{content_type}");
    }
    let with_mark = [b"\xef\xbb\xbf", body.as_bytes()].concat();
    let headers = headers(&[("content-type", b"application/cloudevents+json")]);
    assert!(events(decode(&headers, &with_mark, now())).remove(0).is_ok());
}

#[test]
fn what_is_no_cloudevent_is_refused_with_what_to_send() {
    for (content_type, part) in [
        ("application/json", "no CloudEvent"),
        ("application/cloudevents+avro", "cloudevents+json"),
        ("application/cloudevents+json; charset=utf-16", "UTF-8"),
    ] {
        let headers = headers(&[("content-type", content_type.as_bytes())]);
        match decode(&headers, b"{}", now()) {
            Decoded::Refused(RequestFault::UnsupportedMediaType(text)) => {
                assert!(text.contains(part), "{text}");
            }
            other => panic!("{content_type}: {other:?}"),
        }
    }
    for body in [&b"{\"id\":"[..], b"", b"\xff", b"{} {}"] {
        let headers = headers(&[("content-type", b"application/cloudevents+json")]);
        let decoded = decode(&headers, body, now());
        assert!(matches!(decoded, Decoded::Refused(RequestFault::Malformed(_))), "{decoded:?}");
    }
}

#[test]
fn attributes_are_checked_and_all_faults_listed() {
    assert!(structured(&envelope(&json!({}))).is_ok());
    for (changes, pointer, code) in [
        (json!({"specversion": "0.3"}), "/specversion", FaultCode::UnsupportedSpecversion),
        (json!({"specversion": null}), "/specversion", FaultCode::Required),
        (json!({"id": ""}), "/id", FaultCode::Required),
        (json!({"id": 7}), "/id", FaultCode::WrongType),
        (json!({"id": "x".repeat(257)}), "/id", FaultCode::TooLong),
        (json!({"source": null}), "/source", FaultCode::Required),
        (json!({"source": "a\nb"}), "/source", FaultCode::InvalidFormat),
        (json!({"type": null}), "/type", FaultCode::Required),
        (json!({"subject": null}), "/subject", FaultCode::Required),
        (json!({"subject": "Größe"}), "/subject", FaultCode::InvalidFormat),
        (json!({"time": "2026-11-22T00:00:00Z"}), "/time", FaultCode::OutOfRange),
        (json!({"time": "now"}), "/time", FaultCode::InvalidFormat),
        (json!({"data": null}), "/data", FaultCode::Required),
        (json!({"data": "text"}), "/data", FaultCode::WrongType),
        (json!({"data": {"stage": 1}}), "/data/stage", FaultCode::WrongType),
        (json!({"datacontenttype": "text/plain"}), "/datacontenttype", FaultCode::UnsupportedDataContentType),
        (json!({"data_base64": "e30="}), "/data_base64", FaultCode::Contradiction),
        (json!({"data": null, "data_base64": "%%"}), "/data_base64", FaultCode::InvalidEncoding),
        (json!({"data": null, "data_base64": "/w=="}), "/data_base64", FaultCode::InvalidEncoding),
        (json!({"own": {"a": 1}}), "/own", FaultCode::WrongType),
        (json!({"own": "x".repeat(2_000)}), "/own", FaultCode::TooLong),
        (json!({"own": "\0"}), "/own", FaultCode::InvalidEncoding),
    ] {
        let found = codes(structured(&envelope(&changes)));
        assert_eq!(found[0], (pointer.to_owned(), code), "{changes}");
    }
    let rejected = structured("{}").unwrap_err();
    let pointers: Vec<&str> = rejected.faults.iter().map(|fault| fault.pointer.as_str()).collect();
    assert_eq!(pointers, ["/specversion", "/id", "/source", "/type", "/subject"]);
}

#[test]
fn null_attributes_are_absent_and_repeated_ones_refused() {
    let body = r#"{"specversion":"1.0","id":"e1","source":"/crm","type":"gtm.lifecycle.changed","subject":"acc_1",
        "time":null,"own":null,"data":{"stage":"customer"}}"#;
    let event = structured(body).unwrap();
    assert_eq!((event.time, event.extensions.len()), (now(), 0));
    let twice = body.replacen("\"id\":\"e1\"", "\"id\":\"e1\",\"id\":\"e2\"", 1);
    assert_eq!(codes(structured(&twice)), [("/id".to_owned(), FaultCode::Duplicate)]);
    let headers = headers(&[("ce-id", b"e1"), ("ce-id", b"e2"), ("ce-specversion", b"1.0")]);
    let found = codes(events(decode(&headers, b"{}", now())).remove(0));
    assert_eq!(found[0], ("/id".to_owned(), FaultCode::Duplicate));
}

#[test]
fn binary_mode_takes_json_of_any_name_and_no_other_data() {
    let binary = |content_type: Option<&str>, body: &[u8]| {
        let mut all = headers(&[
            ("ce-specversion", b"1.0"),
            ("ce-id", b"e1"),
            ("ce-source", b"/crm"),
            ("ce-type", b"gtm.lifecycle.changed"),
            ("ce-subject", b"acc_1"),
            ("ce-sequence", b"a%20b"),
        ]);
        if let Some(content_type) = content_type {
            all.insert("content-type", HeaderValue::from_str(content_type).unwrap());
        }
        events(decode(&all, body, now())).remove(0)
    };
    let body = br#" {"stage": "customer"} "#;
    for content_type in [None, Some("application/json"), Some("Application/Vnd.Acme+JSON; charset=utf-8")] {
        let event = binary(content_type, body).unwrap();
        assert_eq!(event.data_text, r#"{"stage": "customer"}"#, "{content_type:?}");
        assert_eq!(event.extensions["sequence"], "a b");
    }
    let text = codes(binary(Some("text/plain"), body));
    assert_eq!(text[0], ("/datacontenttype".to_owned(), FaultCode::UnsupportedDataContentType));
    assert_eq!(codes(binary(None, b"")), [("/data".to_owned(), FaultCode::Required)]);
    assert_eq!(codes(binary(None, b"{} x")), [("/data".to_owned(), FaultCode::MalformedJson)]);
    assert_eq!(codes(binary(None, b"\xff"))[0], ("/data".to_owned(), FaultCode::InvalidEncoding));
}

#[test]
fn a_batch_answers_for_each_event_and_keeps_to_its_limit() {
    let headers = headers(&[("content-type", b"application/cloudevents-batch+json")]);
    let good = envelope(&json!({}));
    let body = format!("[{good}, 7, {}, {good}]", envelope(&json!({"id": "e2", "subject": null})));
    let results = events(decode(&headers, body.as_bytes(), now()));
    assert_eq!(results.iter().map(Result::is_ok).collect::<Vec<_>>(), [true, false, false, true]);
    let rejected = results[2].as_ref().unwrap_err();
    assert_eq!((rejected.index, rejected.id.as_deref()), (2, Some("e2")));
    assert_eq!(results[1].as_ref().unwrap_err().code(), FaultCode::WrongType);

    assert_eq!(decode(&headers, b"[]", now()), Decoded::Batch(vec![]));
    let full = format!("[{}]", vec!["0"; BATCH_EVENTS_MAX].join(","));
    assert!(
        matches!(decode(&headers, full.as_bytes(), now()), Decoded::Batch(all) if all.len() == BATCH_EVENTS_MAX)
    );
    let over = format!("[{}]", vec!["0"; BATCH_EVENTS_MAX + 1].join(","));
    assert_eq!(decode(&headers, over.as_bytes(), now()), Decoded::Refused(RequestFault::TooManyEvents));
    for broken in [&b"{}"[..], b"[", b"[] x"] {
        let decoded = decode(&headers, broken, now());
        assert!(matches!(decoded, Decoded::Refused(RequestFault::Malformed(_))), "{decoded:?}");
    }
}

proptest::proptest! {
    #[test]
    fn no_body_and_no_value_breaks_the_decoding(
        noise in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..64),
        text in "\\PC{0,12}",
        field in proptest::sample::select(
            EventType::ALL.into_iter().flat_map(|event_type| {
                event_type.spec().fields.iter().map(move |field| (event_type.name(), field.name))
            }).collect::<Vec<_>>(),
        ),
    ) {
        for content_type in [&b"application/cloudevents+json"[..], b"application/cloudevents-batch+json"] {
            let decoded = decode(&headers(&[("content-type", content_type)]), &noise, now());
            proptest::prop_assert!(!matches!(decoded, Decoded::Single(event) if event.is_ok()));
        }
        let (event_type, name) = field;
        for value in [json!(text), json!([text]), json!({&text: text}), json!({"amount": text})] {
            if let Err(rejected) = structured(&envelope(&json!({"type": event_type, "data": {name: value}}))) {
                proptest::prop_assert!(!rejected.faults.is_empty());
            }
        }
    }
}
