//! Cases of records as events.

use proptest::prelude::*;

use super::*;

fn now() -> DateTime {
    DateTime::from_timestamp(1_800_000_000, 0).unwrap()
}

fn told(object: &str, fields: &Value, mapping: &Mapping) -> Result<Said, &'static str> {
    let (fields, origin) = (fields.as_object().unwrap(), Origin::Read { at: now() });
    said(Record { object, fields, origin, subject: None }, mapping)
}

fn account() -> Value {
    json!({
        "attributes": {"type": "Account"}, "Id": "001xx000003DGb2AAG", "Name": " Acme ", "Website": "https://www.Acme.com/de",
        "Industry": null, "NumberOfEmployees": 300, "AnnualRevenue": 5.0e6, "Type": "Customer", "BillingCountry": "DE",
        "BillingState": "", "OwnerId": "005xx000001SwiUAAS", "Owner": {"Email": "Ada@example.com"},
        "CreatedDate": "2026-01-01T10:00:00.000+0000", "SystemModstamp": "2026-06-01T10:00:00.000+0200",
    })
}

fn deal(stage: &str, closed: bool, won: bool) -> Value {
    json!({
        "Id": "006xx000001a2b3AAA", "AccountId": "001xx000003DGb2", "StageName": stage, "IsClosed": closed, "IsWon": won,
        "CloseDate": "2026-05-31", "SystemModstamp": "2026-06-01T10:00:00.000+0000", "Amount": 100,
    })
}

fn mapping() -> Mapping {
    Mapping {
        lifecycle_field: "Type".to_owned(),
        lifecycle: [("Customer".to_owned(), "customer".to_owned())].into(),
        stages: [("Legal".to_owned(), "negotiation".to_owned())].into(),
        owners: [("ada".to_owned(), "ada@example.com".to_owned())].into(),
        ..Mapping::default()
    }
}

#[test]
fn an_account_says_what_it_is_where_it_stands_and_how_fresh_that_is() {
    let said = told("Account", &account(), &mapping()).unwrap();
    let [company, lifecycle, synced] = said.sayings.try_into().unwrap();
    assert_eq!(
        company.data,
        json!({
            "name": "Acme", "domain": "acme.com", "industry": null, "employeeCount": 300, "annualRevenue": 5.0e6,
            "country": "DE", "region": null, "ownerId": "ada", "createdAt": "2026-01-01T10:00:00Z",
        })
    );
    assert_eq!(company.subject.as_deref(), Some("001xx000003DGb2AAG"));
    assert_eq!(company.time, Some("2026-06-01T08:00:00Z".parse().unwrap()));
    assert_eq!(lifecycle.data, json!({"stage": "customer"}));
    assert_eq!(synced.data["source"], "crm");
    for saying in [company, lifecycle, synced] {
        saying.arrived(now()).unwrap();
    }
}

#[test]
fn a_value_that_cannot_be_taken_costs_the_record_nothing() {
    let mut odd = account();
    odd["Website"] = json!("n/a");
    odd["NumberOfEmployees"] = json!(-1);
    odd["AnnualRevenue"] = json!(-5);
    let said = told("Account", &odd, &mapping()).unwrap();
    assert!(said.sayings[0].data.get("domain").is_none(), "{said:?}");
    said.sayings[0].arrived(now()).unwrap();
    let contact = json!({"Id": "003xx000004TmiQAAS", "AccountId": "001xx000003DGb2AAG", "Email": "at@@home", "LastName": "Lee", "HasOptedOutOfEmail": true});
    let [contact] = told("Contact", &contact, &mapping()).unwrap().sayings.try_into().unwrap();
    assert_eq!(contact.data, json!({"contactId": "003xx000004TmiQAAS", "lastName": "Lee", "optedOut": true}));
    assert_eq!(contact.subject.as_deref(), Some("001xx000003DGb2AAG"));
    let nobody = json!({"Id": "003xx000004TmiQAAS", "AccountId": null, "LastName": "Lee"});
    assert_eq!(told("Contact", &nobody, &mapping()), Err("AccountId"), "nothing says whose it is");
}

#[test]
fn consents_of_people_and_of_the_account_are_said_where_they_are_clear() {
    let consents = serde_json::from_value(json!([
        {"purpose": "partner_data_sharing", "object": "Contact", "field": "Share__c", "partner": "aws"},
        {"purpose": "partner_data_sharing", "object": "Account", "field": "Share_All__c"},
    ]))
    .unwrap();
    let mapping = Mapping { consents, ..mapping() };
    let contact = |share: Value| {
        let contact = json!({"Id": "003xx000004TmiQAAS", "AccountId": "001xx000003DGb2AAG", "LastName": "Lee",
            "Share__c": share, "SystemModstamp": "2026-06-01T10:00:00.000+0000"});
        told("Contact", &contact, &mapping).unwrap().sayings
    };
    let [_, given] = contact(json!(true)).try_into().unwrap();
    assert_eq!(given.event_type, "gtm.consent.changed");
    assert_eq!(
        given.data,
        json!({"purpose": "partner_data_sharing:aws:003xx000004TmiQAAS", "granted": true})
    );
    given.arrived(now()).unwrap();
    let [_, withdrawn] = contact(json!(false)).try_into().unwrap();
    assert_eq!(withdrawn.data["granted"], false);
    assert_ne!(given.id, withdrawn.id);
    assert_eq!(contact(Value::Null).len(), 1, "silence neither gives nor withdraws");
    let mut company = account();
    company["Share_All__c"] = json!("true");
    let said = told("Account", &company, &mapping).unwrap();
    let consent = said.sayings.iter().find(|one| one.event_type == "gtm.consent.changed").unwrap();
    assert_eq!(consent.data, json!({"purpose": "partner_data_sharing", "granted": true}));
    assert!(
        soql_asks_for("Contact", "Share__c", &mapping) && !soql_asks_for("Account", "Share__c", &mapping)
    );
}

fn soql_asks_for(object: &str, field: &str, mapping: &Mapping) -> bool {
    crate::connectors::salesforce::soql::fields(object, mapping).iter().any(|one| one == field)
}

#[test]
fn a_closed_deal_is_won_or_lost_whatever_its_stage_is_called() {
    for (stage, closed, won, name, unknown) in [
        ("Signed!", true, true, "Closed Won", false),
        ("Gone", true, false, "Closed Lost", false),
        ("Legal", false, false, "negotiation", false),
        ("Negotiation/Review", false, false, "Negotiation/Review", false),
        ("Waiting for Godot", false, false, "Waiting for Godot", true),
    ] {
        let said = told("Opportunity", &deal(stage, closed, won), &mapping()).unwrap();
        assert_eq!(said.sayings[0].data["stage"], name);
        assert_eq!(said.unknown.len(), usize::from(unknown), "{stage}: {:?}", said.unknown);
        assert_eq!(said.sayings[0].data["closedAt"].is_string(), closed);
        assert_eq!(said.sayings[0].subject.as_deref(), Some("001xx000003DGb2AAG"));
        said.sayings[0].arrived(now()).unwrap();
    }
    let mut unknown = account();
    unknown["Type"] = json!("Rival");
    assert_eq!(told("Account", &unknown, &mapping()).unwrap().unknown, ["Type Rival"]);
}

#[test]
fn the_account_is_that_of_the_mapped_field() {
    let mapped = Mapping { account_field: Some("External_Id__c".to_owned()), ..mapping() };
    let mut record = deal("Legal", false, false);
    assert_eq!(told("Opportunity", &record, &mapped), Err("AccountId"), "whose it is is not known");
    record["Account"] = json!({"External_Id__c": "acc_1"});
    assert_eq!(told("Opportunity", &record, &mapped).unwrap().sayings[0].subject.as_deref(), Some("acc_1"));
    record["Account"] = json!({"External_Id__c": "no id!"});
    assert_eq!(told("Opportunity", &record, &mapped), Err("AccountId"));
}

#[test]
fn amounts_have_the_currency_that_the_record_or_the_settings_name() {
    let euro = Mapping { currency: Some("EUR".to_owned()), ..mapping() };
    let mut record = deal("Legal", false, false);
    let amount = |record: &Value, mapping: &Mapping| {
        told("Opportunity", record, mapping).unwrap().sayings[0].data["amount"].clone()
    };
    assert_eq!(amount(&record, &mapping()), json!(100));
    assert_eq!(amount(&record, &euro), json!({"amount": 100, "currency": "EUR"}));
    record["CurrencyIsoCode"] = json!("USD");
    assert_eq!(amount(&record, &euro), json!({"amount": 100, "currency": "USD"}));
}

#[test]
fn the_same_version_has_the_same_identity_until_it_says_something_else() {
    let id = |record: &Value, mapping: &Mapping| {
        told("Opportunity", record, mapping).unwrap().sayings[0].id.clone()
    };
    let record = deal("Legal", false, false);
    let first = id(&record, &mapping());
    assert_eq!(first, id(&record, &mapping()));
    assert!(first.starts_with("Opportunity/006xx000001a2b3AAA/1780308000000/deal/"), "{first}");
    let mut later = record.clone();
    later["SystemModstamp"] = json!("2026-06-01T10:00:01.000+0000");
    assert_ne!(first, id(&later, &mapping()));
    assert_ne!(first, id(&record, &Mapping::default()), "a mended mapping says something else");
}

#[test]
fn hosts_are_those_of_websites() {
    for (website, expected) in [
        ("acme.com", Some("acme.com")),
        (" HTTP://WWW.Acme.com:80/x?y ", Some("acme.com")),
        ("shop.acme.com.", Some("shop.acme.com")),
        ("n/a", None),
        ("none", None),
        ("a..b", None),
        ("see our page", None),
        ("", None),
    ] {
        assert_eq!(host(website).as_deref(), expected, "{website}");
    }
}

proptest! {
    #[test]
    fn no_record_is_refused_for_one_odd_value(
        field in "(Website|Industry|NumberOfEmployees|AnnualRevenue|BillingCountry|CreatedDate|OwnerId|Email|Type|Amount)",
        text in "\\PC{0,40}", number in -1_000_000_000_i64..1_000_000_000, kind in 0..3,
    ) {
        let odd = match kind {
            0 => json!(text),
            1 => json!(number),
            _ => Value::Null,
        };
        let mut contact = json!({"Id": "003xx000004TmiQAAS", "AccountId": "001xx000003DGb2AAG", "LastName": "Lee"});
        let (mut account, mut deal) = (account(), deal("Legal", false, false));
        for record in [&mut account, &mut contact, &mut deal] {
            record[field.as_str()] = odd.clone();
        }
        for (object, record) in [("Account", account), ("Contact", contact), ("Opportunity", deal)] {
            for saying in told(object, &record, &mapping()).unwrap().sayings {
                let refused = saying.arrived(now()).map(drop).map_err(|rejected| format!("{:?}", rejected.faults));
                prop_assert_eq!(refused, Ok(()), "{:?}", saying.data);
            }
        }
    }
}
