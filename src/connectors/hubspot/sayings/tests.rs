//! What companies, contacts and deals say, with what real portals hold and leave out.

use super::*;

fn now() -> DateTime {
    "2026-11-21T12:00:00Z".parse().unwrap()
}

fn settings(table: &Value) -> Settings {
    let mut whole = json!({"token": "t"});
    whole.as_object_mut().unwrap().extend(table.as_object().unwrap().clone());
    serde_json::from_value(whole).unwrap()
}

fn object(id: &str, properties: &Value) -> Object {
    let body = json!({"id": id, "properties": properties, "createdAt": "2026-01-01T00:00:00Z",
        "updatedAt": "2026-11-20T10:00:00.123Z", "archived": false, "newInThisVersion": {"x": 1}});
    serde_json::from_value(body).unwrap()
}

fn told(settings: &Settings, tell: impl Fn(&Around<'_>, &mut Told)) -> Told {
    let (catalogue, reps) = (Catalogue::default(), BTreeMap::from([("77".to_owned(), "ada".to_owned())]));
    let mut told = Told::default();
    tell(&Around { settings, catalogue: &catalogue, reps: &reps, now: now() }, &mut told);
    for saying in &told.sayings {
        assert!(saying.arrived(now()).is_ok(), "{saying:?} is taken");
    }
    told
}

#[test]
fn a_company_says_its_account_its_stage_and_that_the_crm_is_fresh() {
    let settings =
        settings(&json!({"portal_id": 33, "segment_property": "size", "segments": {"XL": "enterprise"}}));
    let company = object(
        "512",
        &json!({
            "name": "Acme", "domain": "acme.com", "industry": null, "numberofemployees": "1500.0", "annualrevenue": "",
            "hubspot_owner_id": "77", "lifecyclestage": "customer", "createdate": "2025-01-01T00:00:00Z", "size": "XL",
        }),
    );
    let told = told(&settings, |around, told| {
        around.company(&company, &Whose::of_company(&settings, &company), told);
    });
    let [account, lifecycle, synced] = told.sayings.as_slice() else { panic!("{told:?}") };
    assert_eq!(
        (account.source.as_str(), account.id.as_str()),
        ("hubspot/33", "company/512/1795168800123/account")
    );
    assert_eq!(
        (account.subject.as_deref(), account.time),
        (Some("512"), Some("2026-11-20T10:00:00.123Z".parse().unwrap()))
    );
    assert_eq!(
        account.data,
        json!({
            "name": "Acme", "domain": "acme.com", "employeeCount": 1500, "annualRevenue": null, "ownerId": "ada",
            "createdAt": "2025-01-01T00:00:00+00:00",
        }),
        "what was never filled is left out, what was emptied is cleared"
    );
    assert_eq!(lifecycle.data, json!({"stage": "customer", "segment": "enterprise"}));
    assert_eq!(synced.data, json!({"source": "crm", "syncedAt": "2026-11-21T12:00:00+00:00"}));
    assert_eq!(told.warnings, Vec::<String>::new());
}

#[test]
fn one_unusable_field_costs_the_others_nothing() {
    let settings = settings(&json!({}));
    let company =
        object("512", &json!({"name": "Acme", "domain": "n/a", "country": "x".repeat(100), "state": "Utah"}));
    let told = told(&settings, |around, told| {
        around.company(&company, &Whose::of_company(&settings, &company), told);
    });
    assert_eq!(told.sayings[0].data, json!({"name": "Acme", "region": "Utah"}));
    assert!(
        told.warnings[0].contains("/data/domain") && told.warnings[0].contains("/data/country"),
        "{:?}",
        told.warnings
    );
    let nameless = object("513", &json!({}));
    let told =
        self::told(&settings, |around, told| around.company(&nameless, &Whose::of_company_id("513"), told));
    assert_eq!(told.sayings[0].data["name"], "Company 513");
}

#[test]
fn accounts_are_the_companys_own_a_propertys_or_sought() {
    let company = object("512", &json!({"name": "Acme", "domain": "acme.com", "gtm_account": "acc_1"}));
    let own = Whose::of_company(&settings(&json!({})), &company);
    assert_eq!(own.subject.as_deref(), Some("512"));
    let by_property = settings(&json!({"account_id_property": "gtm_account"}));
    assert_eq!(Whose::of_company(&by_property, &company).subject.as_deref(), Some("acc_1"));
    let without = object("513", &json!({"name": "Beta", "domain": "beta.com"}));
    assert_eq!(Whose::of_company(&by_property, &without).subject, None);
    let matched = settings(&json!({"match_accounts": true}));
    let sought = Whose::of_company(&matched, &company);
    let contact = object("1", &json!({"email": "ann@acme.com"}));
    let told = told(&matched, |around, told| around.contact(&contact, &sought, told));
    assert_eq!(told.sayings[0].subject, None);
    assert_eq!(told.sayings[0].data["accountDomain"], "acme.com");
    assert_eq!(told.sayings[0].data["accountName"], "Acme");
}

#[test]
fn consent_is_said_where_it_is_clear_and_never_cleared_by_silence() {
    let settings = settings(&json!({"consents": [
        {"purpose": "partner_data_sharing", "object": "contacts", "property": "share_ok"},
    ]}));
    let says = |properties: Value| {
        let contact = object("9", &properties);
        let told =
            told(&settings, |around, told| around.contact(&contact, &Whose::of_company_id("512"), told));
        let opted_out = told.sayings[0].data.get("optedOut").cloned();
        (opted_out, told.sayings.into_iter().nth(1).map(|saying| saying.data))
    };
    assert_eq!(says(json!({"hs_email_optout": null, "share_ok": "maybe"})), (None, None));
    assert_eq!(says(json!({"hs_email_optout": "true"})), (Some(json!(true)), None));
    assert_eq!(says(json!({"hs_email_optout": "false"})), (Some(json!(false)), None));
    let given = json!({"share_ok": "true", "hs_legal_basis": "Legitimate interest – prospect/lead;Freely given consent from contact"});
    assert_eq!(
        says(given).1.unwrap(),
        json!({"purpose": "partner_data_sharing:*:9", "granted": true, "legalBasis": "consent"})
    );
    assert_eq!(says(json!({"share_ok": "no"})).1.unwrap()["granted"], false);
}

#[test]
fn a_deal_is_expected_to_close_or_has_closed() {
    let settings = settings(
        &json!({"fields": {"deals": {"qualification.score": "fit", "qualification.painPoints": "pains", "source": ""}}}),
    );
    let deal = |stage: &str| {
        let deal = object(
            "900",
            &json!({
                "dealname": "Rollout", "amount": "4.8E4", "dealstage": stage, "closedate": "2026-12-01T00:00:00Z",
                "hs_analytics_source": "PAID", "fit": "82", "pains": "slow close;errors", "hubspot_owner_id": null,
            }),
        );
        let told = told(&settings, |around, told| around.deal(&deal, &Whose::of_company_id("512"), told));
        (told.sayings[0].clone(), told.warnings.len())
    };
    let (open, warnings) = deal("contractsent");
    assert_eq!((open.id.as_str(), warnings), ("deal/900/1795168800123/deal/of/512", 0));
    assert_eq!(
        open.data,
        json!({
            "dealId": "900", "name": "Rollout", "amount": "48000", "stage": "contractsent", "ownerId": null,
            "expectedCloseDate": "2026-12-01", "closedAt": null,
            "qualification": {"score": 82.0, "painPoints": ["slow close", "errors"]},
        })
    );
    let (won, _) = deal("closedwon");
    assert_eq!(
        (&won.data["stage"], &won.data["closedAt"]),
        (&json!("closed_won"), &json!("2026-12-01T00:00:00Z"))
    );
    assert!(won.data.get("expectedCloseDate").is_none());
    let (unknown, warnings) = deal("4711");
    assert_eq!((unknown.data["stage"].as_str(), warnings), (Some("4711"), 1));
}

#[test]
fn what_was_deleted_is_no_longer_open_or_to_be_contacted() {
    let settings = settings(&json!({}));
    let deleted = Object { archived_at: Some(now()), ..object("900", &json!({})) };
    let whose = Whose::of_company_id("512");
    let say = |kind| {
        let told = told(&settings, |around, told| around.deleted(kind, &deleted, &whose, told));
        told.sayings.first().map(|saying| saying.data.clone())
    };
    assert_eq!(
        say(Kind::Deal),
        Some(json!({"dealId": "900", "stage": "closed_lost", "closedAt": "2026-11-21T12:00:00Z"}))
    );
    assert_eq!(say(Kind::Contact), Some(json!({"contactId": "900", "optedOut": true})));
    assert_eq!(say(Kind::Company), None);
    let homeless =
        told(&settings, |around, told| around.deleted(Kind::Deal, &deleted, &Whose::default(), told));
    assert_eq!((homeless.sayings.len(), homeless.warnings.len()), (0, 1));
}

#[test]
fn a_raised_mapping_says_the_same_change_anew_and_a_moved_object_too() {
    let contact = object("9", &json!({"email": "ann@acme.com"}));
    let say = |version: u32, company: &str| {
        let settings = settings(&json!({"mapping_version": version}));
        let told =
            told(&settings, |around, told| around.contact(&contact, &Whose::of_company_id(company), told));
        (told.sayings[0].id.clone(), told.sayings[0].time.unwrap())
    };
    assert_eq!(say(0, "1"), say(0, "1"));
    assert!(say(0, "1").0 != say(0, "2").0 && say(0, "1").0 != say(1, "1").0);
    assert!(say(0, "1").1 < say(1, "1").1);
}
