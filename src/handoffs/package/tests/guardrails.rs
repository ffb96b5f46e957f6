//! Completeness and holds at their boundaries.

use super::company::{known, note};
use super::*;

fn codes(package: &Package, type_name: &str) -> Vec<HoldCode> {
    let held = holds(package, &handoff_type(type_name));
    assert!(held.iter().all(|hold| !hold.detail.is_empty() && !hold.released_by.is_empty()));
    held.into_iter().map(|hold| hold.code).collect()
}

#[test]
fn a_full_package_of_each_type_is_not_held() {
    for (name, handoff_type) in types().iter() {
        let world = if matches!(name, "closed_to_cs" | "expansion_to_sales") {
            World::customer()
        } else {
            World::prospect()
        };
        let package = packed(&world, name);
        assert_eq!(holds(&package, handoff_type), [], "{name}");
        let complete = completeness(&package, handoff_type);
        assert_eq!((complete.percent, complete.missing), (100, Vec::new()), "{name}");
    }
}

#[test]
fn nothing_known_holds_every_type_and_is_zero_percent() {
    for (name, handoff_type) in types().iter() {
        let package = packed(&World::empty(), name);
        let held = codes(&package, name);
        assert_eq!(held, [HoldCode::NoCustomerContact, HoldCode::NoQualification], "{name}");
        assert_eq!(completeness(&package, handoff_type).percent, 0, "{name}");
    }
}

#[test]
fn a_type_may_hold_what_is_less_complete_than_it_says() {
    let world = World { people: World::prospect().people, ..World::empty() };
    let package = packed(&world, "sql_to_ae");
    let mut handoff_type = handoff_type("sql_to_ae");
    let percent = completeness(&package, &handoff_type).percent;
    assert!(percent > 0 && percent < 100, "{percent}");
    let mut held_below = |limit| {
        handoff_type.hold_below = limit;
        holds(&package, &handoff_type).iter().any(|hold| hold.code == HoldCode::TooIncomplete)
    };
    assert_eq!([0, percent, percent + 1, 100].map(&mut held_below), [false, false, true, true]);
}

#[test]
fn a_contact_counts_with_an_address_or_a_number_and_without_an_objection() {
    let cases = [
        ("a@acme.com", "", false, true),
        ("", "+1 555 0100", false, true),
        ("", "", false, false),
        ("a@acme.com", "", true, false),
    ];
    for (email, phone, opted_out, counts) in cases {
        let mut world = World::prospect();
        world.people = vec![person("c-1", "Ann", "Lee", "CFO", email, phone)];
        world.people[0].contact.opted_out = known(opted_out);
        let held = codes(&packed(&world, "sql_to_ae"), "sql_to_ae");
        let expected = if counts { vec![] } else { vec![HoldCode::NoCustomerContact] };
        assert_eq!(held, expected, "{email} {phone} {opted_out}");
    }
}

#[test]
fn one_of_score_framework_and_pain_point_is_qualification() {
    let bare = || {
        let mut world = World::prospect();
        world.notes.clear();
        world.state.deals.get_mut("deal-481").unwrap().qualification = None;
        world
    };
    let held = |world: &World| {
        let held = codes(&packed(world, "mql_to_sales"), "mql_to_sales");
        held.contains(&HoldCode::NoQualification)
    };
    assert!(held(&bare()));
    let mut noted = bare();
    noted.notes.push(note("pain_point", "Too slow", 1));
    assert!(!held(&noted));
    for (score, framework) in [(Some(0.0), None), (None, Some("bant".to_owned()))] {
        let mut world = bare();
        let said = crate::accounts::model::Qualification { score, framework, ..Default::default() };
        world.state.deals.get_mut("deal-481").unwrap().qualification = known(said);
        assert!(!held(&world));
    }
}

#[test]
fn required_fields_count_twice_and_the_percentage_is_rounded_down() {
    // Of plg_to_sales three are required, and two come by its focus: signs of growth and the features most used.
    let mut world = World::prospect();
    let percent = |world: &World| {
        let handoff_type = handoff_type("plg_to_sales");
        let found = completeness(&packed(world, "plg_to_sales"), &handoff_type);
        let missing: Vec<(String, bool)> =
            found.missing.into_iter().map(|field| (field.field, field.required)).collect();
        (found.percent, missing)
    };
    assert_eq!(percent(&world), (100, vec![]));
    world.signals.usage.expansion_signals.clear();
    let signs = ("expansion.signals".to_owned(), false);
    assert_eq!(percent(&world), (87, vec![signs.clone()]), "seven of eight");
    world.people.clear();
    assert_eq!(percent(&world), (62, vec![("contacts".to_owned(), true), signs]), "five of eight");
}

#[test]
fn the_score_of_usage_stands_in_only_where_usage_qualifies() {
    let mut world = World::prospect();
    world.state.deals.clear();
    let world = world.derived();
    let cases = [
        ("plg_to_sales", Some("product_usage")),
        ("expansion_to_sales", Some("product_usage")),
        ("partner_to_sales", Some("partner_overlap")),
        ("sales_to_partner", Some("partner_overlap")),
        ("mql_to_sales", None),
        ("sql_to_ae", None),
        ("closed_to_cs", None),
    ];
    for (name, basis) in cases {
        assert_eq!(packed(&world, name).qualification.score_basis.as_deref(), basis, "{name}");
    }
    assert_eq!(packed(&World::prospect(), "plg_to_sales").qualification.score_basis.as_deref(), Some("deal"));
}
