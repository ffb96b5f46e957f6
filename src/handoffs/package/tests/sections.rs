//! How the sections are made.

use serde_json::json;

use super::company::{activity, days_ago, known, note};
use super::*;
use crate::accounts::model::{Deal, Qualification, Usage};
use crate::handoffs::package::fields::{FIELDS, FOCUSES, Field};
use crate::handoffs::package::model::ScopeVerdict;
use crate::handoffs::types::DEFAULT_TYPES;

#[test]
fn the_types_that_ship_ask_only_for_what_packages_have() {
    assert_eq!(fields::check(types()), []);
    for focus in FOCUSES {
        assert!(focus.fields.iter().all(|path| Field::find(path).is_some()), "{}", focus.name);
    }
    let mut paths: Vec<&str> = FIELDS.iter().map(|field| field.path).collect();
    paths.sort_unstable();
    paths.dedup();
    assert_eq!(paths.len(), FIELDS.len(), "each path once");
}

#[test]
fn a_slip_in_the_types_is_found_with_what_was_meant() {
    let text = DEFAULT_TYPES
        .replace("\"deal.id\", \"deal.amount\"", "\"deal.id\", \"deal.amuont\", \"weather.tomorrow\"")
        .replace("\"stakeholder map\"", "\"stakeholders map\"");
    let found = fields::check(&HandoffTypes::parse(&text).unwrap());
    let found: Vec<String> = found.iter().map(ToString::to_string).collect();
    assert!(found[0].starts_with("types.closed_to_cs.required[3]: `deal.amuont`"), "{found:#?}");
    assert!(found[0].ends_with("did you mean `deal.amount`?"), "{found:#?}");
    assert!(
        found[1].contains("required[4]") && found[1].contains("`contacts`, `contacts.primary`"),
        "{found:#?}"
    );
    assert!(found[2].contains("focus[2]") && found[2].contains("`stakeholder map`"), "{found:#?}");
    assert_eq!(found.len(), 3);
}

#[test]
fn the_package_is_told_in_camel_case_and_reads_back_equal() {
    let package = packed(&World::customer(), "closed_to_cs");
    let told = serde_json::to_value(&package).unwrap();
    for (pointer, value) in [
        ("/company/name", json!("Halden Instruments")),
        ("/company/size", json!(840)),
        ("/contacts/0/email", json!("ines.moreau@halden.example")),
        ("/contacts/0/isPrimary", json!(true)),
        ("/contacts/1/role", json!("economic_buyer")),
        ("/journey/source", json!("webinar")),
        ("/journey/productUsage/topFeatures/0", json!("certificates")),
        ("/qualification/framework", json!("MEDDIC")),
        ("/qualification/budgetConfirmed", json!(true)),
        ("/deal/amount", json!("84000.00")),
        ("/deal/closeDate", json!("2026-11-16")),
        ("/relationship/satisfaction", json!(4.5)),
    ] {
        assert_eq!(told.pointer(pointer), Some(&value), "{pointer}");
    }
    assert_eq!(serde_json::from_value::<Package>(told).unwrap(), package);
}

#[test]
fn the_source_comes_from_the_deal_then_the_referral_then_the_first_inbound_then_the_product() {
    let mut world = World::prospect();
    let source = |world: &World| {
        let journey = packed(world, "mql_to_sales").journey;
        (journey.source.unwrap_or_default(), journey.source_basis.unwrap_or_default())
    };
    let of = |source: &str, basis: &str| (source.to_owned(), basis.to_owned());
    assert_eq!(source(&world), of("webinar", "deal"));
    world.state.deals.get_mut("deal-481").unwrap().source = None;
    assert_eq!(source(&world), of("partner:aws", "partner_referral"));
    world.state.consents.clear();
    assert_eq!(source(&world), of("partner", "partner_referral"), "not named without consent");
    world.state.referrals.clear();
    world.activities = vec![
        activity("call", "outbound", "", "", 50),
        activity("form", "inbound", "", "", 40),
        activity("email", "inbound", "", "", 30),
    ];
    assert_eq!(source(&world), of("form", "earliest_inbound"));
    world.activities.clear();
    assert_eq!(source(&world), of("product", "product_usage"));
    world.state.usage = Usage::default();
    assert_eq!(source(&world), of("", ""));
}

#[test]
fn touchpoints_are_newest_first_and_content_is_told_once() {
    let mut world = World::prospect();
    world.activities.push(activity("webinar", "inbound", "c-vera", "Calibration without spreadsheets", 2));
    world.activities.push(activity("webinar", "outbound", "", "An invitation of ours", 1));
    let journey = packed(&world, "mql_to_sales").journey;
    assert!(journey.touchpoints.is_sorted_by(|a, b| a.at >= b.at));
    assert_eq!(journey.content_engaged, ["Calibration without spreadsheets", "Audit trail checklist"]);
    assert_eq!(journey.first_touch, Some(days_ago(40)));
}

#[test]
fn a_partner_without_a_live_consent_is_counted_and_not_named() {
    let mut world = World::prospect();
    let partner = packed(&world, "partner_to_sales").partner;
    assert_eq!((partner.partner_ids, partner.withheld), (vec!["aws".to_owned()], 1));
    assert_eq!(partner.withheld_for.as_deref(), Some("partner_data_sharing"));
    let everyone = crate::accounts::model::Consent { granted: true, legal_basis: None, expires_at: None };
    world.state.consents.insert("partner_data_sharing".to_owned(), super::company::fact(everyone));
    let partner = packed(&world, "partner_to_sales").partner;
    assert_eq!((partner.overlaps.len(), partner.withheld, partner.withheld_for), (2, 0, None));
    world.state.consents.clear();
    let partner = packed(&world, "partner_to_sales").partner;
    assert_eq!((partner.withheld, partner.overlaps.len(), partner.referrals.len()), (2, 0, 0));
    world.state.profile.tech_stack = None;
    world.state.deals.clear();
    let text = serde_json::to_string(&packed(&world.derived(), "partner_to_sales")).unwrap();
    assert!(!text.contains("aws") && !text.contains("salesforce"), "{text}");
}

#[test]
fn a_framework_names_its_parts_and_which_are_filled() {
    let package = packed(&World::prospect(), "sql_to_ae");
    let elements: Vec<(&str, bool)> =
        package.qualification.elements.iter().map(|e| (e.name.as_str(), e.filled)).collect();
    let expected = [
        ("metrics", true),
        ("economic_buyer", true),
        ("decision_criteria", true),
        ("decision_process", true),
        ("identify_pain", true),
        ("champion", true),
    ];
    assert_eq!(elements, expected);
    let mut world = World::prospect();
    world.people.clear();
    world.notes.clear();
    let said = Qualification {
        framework: Some("Bant".to_owned()),
        budget_confirmed: Some(false),
        ..Qualification::default()
    };
    world.state.deals.get_mut("deal-481").unwrap().qualification = known(said);
    let qualification = packed(&world, "sql_to_ae").qualification;
    let elements: Vec<(&str, bool)> =
        qualification.elements.iter().map(|e| (e.name.as_str(), e.filled)).collect();
    assert_eq!(elements, [("budget", false), ("authority", false), ("need", false), ("timeline", false)]);
    assert_eq!(qualification.elements[0].value.as_deref(), Some("not confirmed"));
}

#[test]
fn pain_points_come_from_the_deal_and_from_notes_each_once() {
    let mut world = World::prospect();
    world.notes.push(note("pain_point", "two labs keep different records of the same instrument", 1));
    let expected = [
        "Two labs keep different records of the same instrument",
        "Certificates are typed by hand, and auditors find the slips",
    ];
    assert_eq!(packed(&world, "sql_to_ae").qualification.pain_points, expected);
}

#[test]
fn promises_are_compared_with_what_was_sold() {
    let cases: [(&str, ScopeVerdict, &[&str], &[&str]); 9] = [
        (
            "Calibration Cloud is live by the end of January",
            ScopeVerdict::InScope,
            &["Calibration Cloud"],
            &[],
        ),
        ("calibration cloud for all labs", ScopeVerdict::InScope, &["Calibration Cloud"], &[]),
        ("SSO with their Azure tenant", ScopeVerdict::OutOfScope, &[], &["SSO", "Azure"]),
        ("Two training days are included", ScopeVerdict::OutOfScope, &[], &["Training Days"]),
        (
            "Audit Trail, and Premium Support for a year",
            ScopeVerdict::OutOfScope,
            &["Audit Trail"],
            &["Premium Support"],
        ),
        ("we throw in the “Lab Mobile” app", ScopeVerdict::OutOfScope, &[], &["Lab Mobile"]),
        ("Ines Moreau gets a call every Monday in Q1", ScopeVerdict::Unclear, &[], &[]),
        ("Somebody looks after the migration. They need no help", ScopeVerdict::Unclear, &[], &[]),
        ("Halden can use the Audit Trail from March on", ScopeVerdict::InScope, &["Audit Trail"], &[]),
    ];
    for (text, verdict, sold, not_sold) in cases {
        let mut world = World::customer();
        world.notes = vec![note("promise", text, 1)];
        let promises = packed(&world, "closed_to_cs").promises.promised;
        let scope = promises[0].scope.clone().unwrap();
        assert_eq!(
            (scope.verdict, scope.sold, scope.not_sold),
            (
                verdict,
                sold.iter().map(ToString::to_string).collect(),
                not_sold.iter().map(ToString::to_string).collect()
            ),
            "{text}"
        );
    }
    let other = packed(&World::customer(), "expansion_to_sales");
    assert!(other.promises.promised.iter().all(|promise| promise.scope.is_none()), "no scope is handed over");
}

#[test]
fn the_deal_is_the_one_asked_for_else_the_one_that_speaks_for_the_account() {
    let mut world = World::customer();
    let deal = |world: &World| packed(world, "closed_to_cs").deal.map(|deal| (deal.id, deal.closed));
    assert_eq!(deal(&world), Some(("deal-481".to_owned(), true)));
    world.deal_id = Some("deal-112".to_owned());
    assert_eq!(deal(&world), Some(("deal-112".to_owned(), true)));
    world.deal_id = Some("deal-999".to_owned());
    assert_eq!(deal(&world), None);
    let closed = packed(&World::customer(), "closed_to_cs").relationship.closed_deals;
    assert_eq!(closed.iter().map(|deal| deal.id.as_str()).collect::<Vec<_>>(), ["deal-112"]);
    let open = packed(&World::prospect(), "sql_to_ae").deal.unwrap();
    assert!(!open.closed && open.close_date == "2026-12-18".parse().ok());
}

#[test]
fn the_headline_follows_what_the_type_dwells_on() {
    let headline = |world: &World, name: &str| packed(world, name).recommendations[0].rule.clone();
    let (prospect, customer) = (World::prospect(), World::customer());
    for (world, name, rule) in [
        (&prospect, "mql_to_sales", "pain_point"),
        (&prospect, "sql_to_ae", "pain_point"),
        (&customer, "closed_to_cs", "promise_not_sold"),
        (&customer, "expansion_to_sales", "seats_nearly_full"),
        (&prospect, "plg_to_sales", "seats_nearly_full"),
        (&prospect, "sales_to_partner", "referral"),
        (&prospect, "partner_to_sales", "referral"),
    ] {
        assert_eq!(headline(world, name), rule, "{name}");
    }
    let mut escalated = World::customer();
    for ticket in escalated.state.tickets.values_mut() {
        ticket.value.escalated = Some(true);
    }
    assert_eq!(headline(&escalated.derived(), "expansion_to_sales"), "escalated_ticket");
    let nobody = packed(&World::empty(), "mql_to_sales").recommendations;
    assert_eq!(nobody.iter().map(|advice| advice.rule.as_str()).collect::<Vec<_>>(), ["first_call"]);
    for (name, _) in types().iter() {
        let advice = packed(&customer, name).recommendations;
        assert!(advice.len() <= 5 && advice.iter().all(|advice| !advice.facts.is_empty()), "{name}");
        assert_eq!(advice.last().unwrap().rule, "first_call", "{name}");
    }
}

#[test]
fn lists_and_texts_are_bounded_and_say_what_was_left_out() {
    let mut world = World::prospect();
    world.activities =
        (0..30).map(|n| activity("call", "inbound", "", "x".repeat(900).as_str(), n)).collect();
    world.people = (0..60)
        .map(|n| person(&format!("c-{n:02}"), "A", "B", "", if n == 59 { "last@acme.com" } else { "" }, ""))
        .collect();
    for n in 0..25 {
        world
            .state
            .deals
            .insert(format!("old-{n}"), Deal { closed_at: known(days_ago(300)), ..Deal::default() });
    }
    let package = packed(&world, "mql_to_sales");
    assert_eq!((package.contacts.len(), package.journey.touchpoints.len()), (CONTACTS_MAX, LIST_MAX));
    assert_eq!(package.contacts[0].id, "c-59", "whoever can be reached stays");
    let expected = [("contacts", 10), ("journey.touchpoints", 10), ("relationship.closedDeals", 5)];
    assert_eq!(package.omitted, expected.map(|(list, more)| (list.to_owned(), more)).into());
    let subject = package.journey.touchpoints[0].subject.as_deref().unwrap();
    assert_eq!((subject.chars().count(), subject.ends_with('…')), (TEXT_CHARS_MAX, true));
}
