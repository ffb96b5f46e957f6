//! Outbound Messages: SOAP 1.1, read with a strict reader into records such as the interface gives.
//!
//! Promises: no document type and no entities but XML's own five and numbers, so that nothing is expanded or looked up;
//! names count without their prefix. Leaves out: types; every value is text, and `xsi:nil` is null.

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};
use serde_json::{Map, Value};

/// Elements inside each other; Outbound Messages need seven, and one more for each compound field.
const DEPTH_MAX: usize = 32;

/// The answer that Salesforce takes for received.
pub(super) const ACK: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
    <soapenv:Envelope xmlns:soapenv=\"http://schemas.xmlsoap.org/soap/envelope/\">\
    <soapenv:Body><notificationsResponse xmlns=\"http://soap.sforce.com/2005/09/outbound\"><Ack>true</Ack>\
    </notificationsResponse></soapenv:Body></soapenv:Envelope>";

/// A call's notifications.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Message {
    pub(super) organisation: Option<String>,
    pub(super) notifications: Vec<Notification>,
}

/// One notification: a record as it was when the message was made.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Notification {
    pub(super) id: Option<String>,
    /// The kind of object, without its prefix.
    pub(super) object: String,
    /// Fields by name; compound ones are objects.
    pub(super) record: Map<String, Value>,
}

/// An element under way.
struct Open {
    name: String,
    object: Option<String>,
    nil: bool,
    text: String,
    children: Map<String, Value>,
}

/// Reads a call.
pub(super) fn parse(body: &[u8]) -> Result<Message, String> {
    let text = std::str::from_utf8(body).map_err(|_| "the body is not UTF-8".to_owned())?;
    let mut reader = Reader::from_str(text.trim_start_matches('\u{feff}').trim_start());
    let (mut message, mut open, mut seen) = (Message::default(), Vec::<Open>::new(), false);
    loop {
        match reader.read_event().map_err(|error| format!("the body is not XML: {error}"))? {
            Event::Start(start) => {
                seen |= start.local_name().as_ref() == b"notifications";
                if open.len() == DEPTH_MAX {
                    return Err(format!("the body nests more than {DEPTH_MAX} elements"));
                }
                open.push(opened(&start)?);
            }
            Event::Empty(start) => closed(opened(&start)?, &mut open, &mut message),
            Event::End(_) => {
                if let Some(done) = open.pop() {
                    closed(done, &mut open, &mut message);
                }
            }
            Event::Text(text) => {
                let text = text.xml10_content().map_err(|error| error.to_string())?;
                written(&text, &mut open);
            }
            Event::CData(text) => {
                let text = text.xml10_content().map_err(|error| error.to_string())?;
                written(&text, &mut open);
            }
            Event::GeneralRef(reference) => {
                let named = match reference.resolve_char_ref().map_err(|error| error.to_string())? {
                    Some(c) => c,
                    None => named(&reference.decode().map_err(|error| error.to_string())?)?,
                };
                written(named.encode_utf8(&mut [0; 4]), &mut open);
            }
            Event::DocType(_) => {
                return Err("the body declares a document type, which is not read".to_owned());
            }
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
            Event::Eof => break,
        }
    }
    match (open.last(), seen) {
        (Some(cut), _) => Err(format!("the body ends within `{}`", cut.name)),
        (None, false) => Err("the body is no Outbound Message: it has no `notifications`".to_owned()),
        (None, true) => Ok(message),
    }
}

fn named(entity: &str) -> Result<char, String> {
    Ok(match entity {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        other => return Err(format!("the body uses the entity `{other}`, which is not read")),
    })
}

fn opened(start: &BytesStart<'_>) -> Result<Open, String> {
    let local = |name: &[u8]| String::from_utf8_lossy(name).into_owned();
    let (mut object, mut nil) = (None, false);
    for attribute in start.attributes() {
        let attribute = attribute.map_err(|error| format!("the body is not XML: {error}"))?;
        let value = String::from_utf8_lossy(&attribute.value).into_owned();
        match attribute.key.local_name().as_ref() {
            b"type" => object = Some(value.rsplit(':').next().unwrap_or_default().to_owned()),
            b"nil" => nil = value == "true" || value == "1",
            _ => {}
        }
    }
    let name = local(start.local_name().as_ref());
    Ok(Open { name, object, nil, text: String::new(), children: Map::new() })
}

fn written(text: &str, open: &mut [Open]) {
    if let Some(inner) = open.last_mut() {
        inner.text.push_str(text);
    }
}

/// Puts a finished element where it belongs.
fn closed(done: Open, open: &mut [Open], message: &mut Message) {
    let parent = open.last().map(|parent| parent.name.as_str()).unwrap_or_default();
    match (parent, done.name.as_str()) {
        ("notifications", "OrganizationId") => message.organisation = Some(done.text.trim().to_owned()),
        ("notifications", "Notification") => {
            let mut children = done.children;
            let id = children.get("Id").and_then(Value::as_str).map(str::to_owned);
            let (object, record) = match children.remove("sObject") {
                Some(Value::Object(mut record)) => {
                    let object = record.remove(OBJECT).and_then(|name| name.as_str().map(str::to_owned));
                    (object.unwrap_or_default(), record)
                }
                _ => (String::new(), Map::new()),
            };
            message.notifications.push(Notification { id, object, record });
        }
        // Their content is taken where it stands; what is around them holds nothing.
        ("" | "Envelope" | "Body", _) => {}
        _ => {
            let (name, value) = value(done);
            if let Some(parent) = open.last_mut() {
                parent.children.insert(name, value);
            }
        }
    }
}

/// Where a record's kind of object waits until its notification ends; no field has such a name.
const OBJECT: &str = "xsi:type";

fn value(done: Open) -> (String, Value) {
    let Open { name, object, nil, text, mut children } = done;
    let value = if nil {
        Value::Null
    } else if children.is_empty() && object.is_none() {
        Value::String(text)
    } else {
        if let Some(object) = object {
            children.insert(OBJECT.to_owned(), object.into());
        }
        Value::Object(children)
    };
    (name, value)
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    /// What a real organisation sent: see the file.
    const SAMPLE: &str = include_str!("../../../tests/fixtures/salesforce/outbound_message.xml");

    fn around(inner: &str) -> String {
        format!(
            "<?xml version=\"1.0\"?><e:Envelope xmlns:e=\"x\"><e:Body><notifications><OrganizationId>00D</OrganizationId>\
             {inner}</notifications></e:Body></e:Envelope>"
        )
    }

    #[test]
    fn a_message_as_salesforce_sends_it_is_read() {
        let message = parse(SAMPLE.as_bytes()).unwrap();
        assert_eq!(message.organisation.as_deref(), Some("00D7F00000107XsUAI"));
        let [one] = message.notifications.try_into().unwrap();
        assert_eq!((one.id.as_deref(), one.object.as_str()), (Some("04l7F000008aeAyQAI"), "Opportunity"));
        assert_eq!(one.record["StageName"], "Perception Analysis");
        assert_eq!(one.record["Amount"], "120000.0");
        assert_eq!(one.record.len(), 7);
    }

    #[test]
    fn text_is_told_as_it_was_meant() {
        let inner = "<Notification><Id>n</Id><sObject xmlns:sf=\"y\" xsi:type=\"sf:Account\"><sf:Name>A &amp; B&#38;<![CDATA[<C>]]>\
                     </sf:Name><sf:Website xsi:nil=\"true\"/><sf:Type/><sf:BillingAddress><sf:country>DE</sf:country>\
                     </sf:BillingAddress></sObject></Notification>";
        let [one] = parse(around(inner).as_bytes()).unwrap().notifications.try_into().unwrap();
        assert_eq!(
            Value::Object(one.record),
            json!({"Name": "A & B&<C>", "Website": null, "Type": "", "BillingAddress": {"country": "DE"}})
        );
    }

    #[test]
    fn a_hundred_notifications_are_a_hundred() {
        let mut inner = String::new();
        for at in 0..100 {
            write!(inner, "<Notification><Id>n{at}</Id><sObject xsi:type=\"sf:Lead\"/></Notification>")
                .unwrap();
        }
        let message = parse(around(&inner).as_bytes()).unwrap();
        assert_eq!(message.notifications.len(), 100);
        assert_eq!(message.notifications[99].id.as_deref(), Some("n99"));
    }

    #[test]
    fn what_would_be_expanded_or_is_no_message_is_refused_with_the_reason() {
        let bomb = "<!DOCTYPE x [<!ENTITY a \"aa\">]><x>&a;</x>";
        let deep = "<a>".repeat(40);
        for (body, says) in [
            (bomb, "document type"),
            (&around("<Notification><Id>&xxe;</Id></Notification>"), "entity `xxe`"),
            ("<Envelope><Body>", "ends within `Body`"),
            ("<Envelope/>", "no `notifications`"),
            ("<a></b>", "not XML"),
            ("", "no `notifications`"),
            (&deep, "nests more"),
        ] {
            let fault = parse(body.as_bytes()).unwrap_err();
            assert!(fault.contains(says), "{body}: {fault}");
        }
        assert!(parse(&[0xff, 0xfe]).unwrap_err().contains("UTF-8"));
    }

    proptest! {
        #[test]
        fn no_body_makes_it_panic(body in proptest::collection::vec(any::<u8>(), 0..200), cut in 0..1200_usize) {
            let _ = parse(&body);
            let mut torn = SAMPLE.as_bytes()[..cut.min(SAMPLE.len())].to_vec();
            torn.extend(body);
            let _ = parse(&torn);
        }
    }
}
