//! The role that each title speaks for.

use super::*;
use crate::handoffs::package::contacts::infer_role;
use crate::handoffs::package::model::BuyingRole::{
    self, Champion, EconomicBuyer, ExecutiveSponsor, Procurement, TechnicalEvaluator, Unknown, User,
};

#[test]
fn titles_speak_for_roles() {
    let cases: [(&str, BuyingRole, Option<&str>); 30] = [
        ("CFO", EconomicBuyer, Some("title_holds_budget")),
        ("Chief Financial Officer", EconomicBuyer, Some("title_holds_budget")),
        ("VP of Engineering", EconomicBuyer, Some("title_holds_budget")),
        ("Vice President, Sales", EconomicBuyer, Some("title_holds_budget")),
        ("Co-Founder & CEO", EconomicBuyer, Some("title_holds_budget")),
        ("Head of Finance", EconomicBuyer, Some("title_holds_budget")),
        ("CEO", ExecutiveSponsor, Some("title_executive")),
        ("President", ExecutiveSponsor, Some("title_executive")),
        ("Chief Operating Officer", ExecutiveSponsor, Some("title_executive")),
        ("CTO", TechnicalEvaluator, Some("title_technical_chief")),
        ("Chief Information Security Officer", TechnicalEvaluator, Some("title_technical_chief")),
        ("Senior Software Engineer", TechnicalEvaluator, Some("title_technical")),
        ("Head of IT", TechnicalEvaluator, Some("title_technical")),
        ("Solutions Architect", TechnicalEvaluator, Some("title_technical")),
        ("Procurement Lead", Procurement, Some("title_purchasing")),
        ("VP Procurement", Procurement, Some("title_purchasing")),
        ("Strategic Sourcing Manager", Procurement, Some("title_purchasing")),
        ("Director of Marketing", Champion, Some("title_leads_department")),
        ("RevOps Manager", Champion, Some("title_leads_department")),
        ("Product Owner", Champion, Some("title_close_to_decision")),
        ("Chief of Staff", Champion, Some("title_close_to_decision")),
        ("Assistant to the CEO", User, Some("title_assistant")),
        ("Marketing Analyst", User, Some("title_daily_work")),
        ("Account Executive", User, Some("title_daily_work")),
        ("Senior Staff", User, Some("title_seniority")),
        ("Finance", User, Some("title_department")),
        ("Homeowner relations", Unknown, None),
        ("Digital Itinerant", Unknown, None),
        ("Wizard", Unknown, None),
        ("", Unknown, None),
    ];
    for (title, role, rule) in cases {
        assert_eq!(infer_role(title), (role, rule), "{title}");
    }
}

#[test]
fn who_can_be_reached_comes_first_and_the_rule_of_the_role_is_named() {
    let package = packed(&World::prospect(), "sql_to_ae");
    let found: Vec<_> = package
        .contacts
        .iter()
        .map(|contact| (contact.name.as_deref().unwrap(), contact.role, contact.opted_out))
        .collect();
    let expected = [
        ("Ines Moreau", Champion, false),
        ("Vera Lindqvist", EconomicBuyer, false),
        ("Jonas Weber", TechnicalEvaluator, false),
        ("Omar Haddad", Procurement, true),
    ];
    assert_eq!(found, expected);
    assert!(package.contacts.iter().all(|contact| contact.role_rule.is_some()));
    let omar = &package.contacts[3];
    assert_eq!((&omar.email, &omar.phone), (&None, &None), "no address of who opted out");
}
