//! Cases of what Salesforce tells us: who is believed, and what calls say with and without a way to ask.

use axum::http::HeaderMap;
use uuid::Uuid;

use super::*;
use crate::connectors::inbound::Saying;

const MESSAGE: &str = include_str!("../../../../tests/fixtures/salesforce/outbound_message.xml");
const CHANGE: &str = include_str!("../../../../tests/fixtures/salesforce/change_event.json");
const PLATFORM: &str = include_str!("../../../../tests/fixtures/salesforce/platform_event.json");

fn listener(asks: bool) -> Listener {
    let organisation = "00D7F00000107XsUAI".to_owned();
    let lifecycle = [("Customer".to_owned(), "customer".to_owned())].into();
    let mapping = Mapping { lifecycle, lifecycle_field: "Type".to_owned(), ..Mapping::default() };
    Listener { secret: "sesame".to_owned().into(), organisation, mapping: Arc::new(mapping), asks }
}

fn verified(body: &str, path_secret: Option<&str>) -> Result<(), Refusal> {
    let (headers, now) = (HeaderMap::new(), DateTime::UNIX_EPOCH);
    let call = Call { headers: &headers, body: body.as_bytes(), path_secret, path: "/", now };
    listener(true).verify(&call)
}

fn read(asks: bool, body: &str) -> Reading {
    let about = crate::connectors::inbound::About::new();
    let received_at = DateTime::UNIX_EPOCH;
    listener(asks).read(&Received { id: Uuid::nil(), received_at, about: &about, body: body.as_bytes() })
}

fn sayings(reading: Reading) -> Vec<Saying> {
    let saying = |(_, statement)| match statement {
        Statement::Event(saying) => Some(saying),
        _ => None,
    };
    reading.said.into_iter().filter_map(saying).collect()
}

fn change(kind: &str) -> Value {
    let mut event: Value = serde_json::from_str(CHANGE).unwrap();
    let mut event = event["call"].take();
    event["data"]["payload"]["ChangeEventHeader"]["changeType"] = kind.into();
    event
}

/// An event whose meaning its makers agreed on.
fn platform_event() -> Value {
    let mut event: Value = serde_json::from_str(PLATFORM).unwrap();
    event["call"].take()
}

#[test]
fn a_call_is_believed_by_its_address_and_its_organisation() {
    assert_eq!(verified(MESSAGE, Some("sesame")), Ok(()));
    assert_eq!(verified(MESSAGE, Some("sesamy")), Err(Refusal::Forged));
    assert_eq!(verified(MESSAGE, Some("")), Err(Refusal::Forged));
    assert_eq!(verified(MESSAGE, None), Err(Refusal::Unsigned));
    let other = MESSAGE.replace("00D7F00000107XsUAI", "00D7F00000107XtUAI");
    assert_eq!(verified(&other, Some("sesame")), Err(Refusal::Forged));
    let short = MESSAGE.replace("00D7F00000107XsUAI", "00D7F00000107Xs");
    assert_eq!(verified(&short, Some("sesame")), Ok(()), "ids have two forms");
    let nameless = MESSAGE.replace("OrganizationId", "OrgId");
    assert_eq!(verified(&nameless, Some("sesame")), Err(Refusal::Forged));
    assert_eq!(verified(&change("CREATE").to_string(), Some("sesame")), Ok(()));
    assert_eq!(verified(&platform_event().to_string(), Some("sesame")), Ok(()));
    assert_eq!(verified("<torn", Some("sesame")), Ok(()), "kept, to be seen among the dead");
}

#[test]
fn messages_are_acknowledged_as_salesforce_wants_it() {
    let (headers, now) = (HeaderMap::new(), DateTime::UNIX_EPOCH);
    let reply = |body: &str| {
        listener(true).reply(&Call {
            headers: &headers,
            body: body.as_bytes(),
            path_secret: None,
            path: "/",
            now,
        })
    };
    let ack = reply(MESSAGE);
    assert!(ack.content_type.starts_with("text/xml"), "{ack:?}");
    assert!(ack.body.contains(
        "<notificationsResponse xmlns=\"http://soap.sforce.com/2005/09/outbound\"><Ack>true</Ack>"
    ));
    assert_eq!(reply("{}").content_type, "application/json");
}

#[test]
fn where_objects_can_be_asked_for_a_call_only_names_them() {
    let reading = read(true, MESSAGE);
    let id = "0067F000003pmdWQAQ".to_owned();
    let changed = Statement::Changed(ObjectRef { object: "Opportunity".to_owned(), id });
    assert_eq!(reading.said, vec![("/notifications/0".to_owned(), changed)]);
    for (body, said, ignored) in [
        (change("UPDATE"), 1, 0),
        (change("GAP_UPDATE"), 1, 0),
        (change("UNDELETE"), 1, 0),
        (change("GAP_UNDELETE"), 1, 0),
        (change("DELETE"), 0, 1),
        (change("GAP_DELETE"), 0, 1),
        (json!([change("CREATE"), change("UPDATE")["data"]["payload"]]), 2, 0),
        (platform_event(), 0, 1),
        (json!([platform_event(), change("CREATE")]), 1, 1),
    ] {
        let reading = read(true, &body.to_string());
        assert_eq!((reading.said.len(), reading.ignored, reading.faults.len()), (said, ignored, 0), "{body}");
    }
}

#[test]
fn where_they_cannot_a_message_says_what_it_holds_under_its_own_id() {
    let [deal] = sayings(read(false, MESSAGE)).try_into().unwrap();
    assert_eq!((deal.event_type, deal.id.as_str()), ("gtm.deal.upserted", "04l7F000008aeAyQAI/deal"));
    assert_eq!(deal.subject.as_deref(), Some("0017F000007ydJmQAI"));
    assert_eq!(
        deal.data,
        json!({
            "dealId": "0067F000003pmdWQAQ", "stage": "Perception Analysis", "name": "Express Logistics SLA",
            "amount": 120_000.0, "source": "Phone Inquiry", "expectedCloseDate": "2017-04-03",
        })
    );
    assert!(deal.arrived(DateTime::UNIX_EPOCH).is_ok());
    let [account] = sayings(read(false, &change("CREATE").to_string())).try_into().unwrap();
    assert_eq!(account.time, DateTime::from_timestamp_millis(1_501_010_206_653));
    assert_eq!(account.data, json!({"name": "Acme", "ownerId": "005xx000001SwiUAAS"}));
    assert_eq!(account.id, "001b7375-0086-250e-e6ca-b99bc3a8b69f/1/001xx000003DGb2AAG/account");
}

#[test]
fn compound_fields_of_change_events_are_opened() {
    let mut event = change("CREATE");
    event["data"]["payload"]["BillingAddress"] = json!({"Country": "DE", "City": "Bonn"});
    event["data"]["payload"]["Type"] = json!("Customer");
    let [account, lifecycle] = sayings(read(false, &event.to_string())).try_into().unwrap();
    assert_eq!(account.data["country"], "DE");
    assert_eq!(lifecycle.data, json!({"stage": "customer"}));
    event["data"]["payload"]["ChangeEventHeader"]["entityName"] = json!("Contact");
    event["data"]["payload"]["ChangeEventHeader"]["recordIds"] = json!(["003xx000004TmiQAAS"]);
    event["data"]["payload"]["Name"] = json!({"FirstName": "Ann", "LastName": "Lee"});
    event["data"]["payload"]["Email"] = json!("ann@acme.com");
    let [contact] = sayings(read(false, &event.to_string())).try_into().unwrap();
    assert_eq!((&contact.data["firstName"], &contact.data["lastName"]), (&json!("Ann"), &json!("Lee")));
    assert_eq!(contact.subject, None, "whose it is its clues tell");
}

#[test]
fn what_a_message_lacks_is_named_and_what_a_change_lacks_is_not_missed() {
    let bare = MESSAGE.replace("StageName", "Stage__c");
    let [fault] = read(false, &bare).faults.try_into().unwrap();
    assert_eq!(fault.pointer, "/notifications/0/StageName");
    assert!(fault.detail.contains("add the field to the Outbound Message"), "{fault:?}");
    let mut event = change("UPDATE");
    event["data"]["payload"].as_object_mut().unwrap().remove("Name");
    let reading = read(false, &event.to_string());
    assert_eq!((reading.ignored, reading.faults.len()), (1, 0));
    for torn in ["<torn", "{\"data\":", "7", ""] {
        assert_eq!(read(true, torn).faults.len(), 1, "{torn}");
    }
    let [fault] = read(true, &MESSAGE.replace("0067F000003pmdWQAQ", "x")).faults.try_into().unwrap();
    assert_eq!(fault.pointer, "/notifications/0/Id");
}
