//! What a roster refuses, and what territories take.

use super::*;
use crate::handoffs::assign::check::RosterFaultCode as Code;

fn faults(file: Value) -> Vec<check::RosterFault> {
    serde_json::from_value::<RosterFile>(file).unwrap().check().unwrap_err()
}

#[test]
fn all_faults_come_at_once_with_what_was_meant() {
    let found = faults(json!({
        "teams": [{"id": "sales", "fallbackOwner": "aad"}, {"id": "sales"}, {"id": "no team", "order": []}],
        "reps": [
            rep("ada", json!({"team": "slaes", "weight": 1001, "manager": "ada", "caps": [{"limit": 0, "window": "day"}]})),
            rep("ben", json!({"leaving": true, "pods": ["dach"]})),
        ],
        "territories": [
            {"id": "t", "match": {"employees": {"min": 9, "max": 3}, "domains": ["*", "acme.com/x"]}, "to": {"team": "sales", "pod": "dahc"}},
            {"id": "u", "to": {"rep": "ada", "team": "sales"}},
            {"id": "v", "teams": ["sale"], "to": {}},
        ],
        "namedAccounts": [{"account": "acme.com", "reps": ["bne"]}],
    }));
    let seen: Vec<(&str, Code, Option<&str>)> =
        found.iter().map(|fault| (fault.path.as_str(), fault.code, fault.suggestion.as_deref())).collect();
    assert_eq!(
        seen,
        [
            ("teams[1].id", Code::Duplicate, None),
            ("teams[0].fallbackOwner", Code::UnknownName, Some("ada")),
            ("teams[2].order", Code::OutOfRange, None),
            ("teams[2].id", Code::BadName, None),
            ("reps[0].weight", Code::OutOfRange, None),
            ("reps[0].caps[0].limit", Code::OutOfRange, None),
            ("reps[0].manager", Code::Pointless, None),
            ("reps[0].team", Code::UnknownName, Some("sales")),
            ("territories[0].match.employees", Code::EmptyRange, None),
            ("territories[0].match.domains[0]", Code::BadName, None),
            ("territories[0].match.domains[1]", Code::BadName, None),
            ("territories[0].to.pod", Code::UnknownName, Some("dach")),
            ("territories[1].to", Code::BadTarget, None),
            ("territories[2].teams[0]", Code::UnknownName, Some("sales")),
            ("territories[2].to", Code::BadTarget, None),
            ("namedAccounts[0].reps[0]", Code::UnknownName, Some("ben")),
        ]
    );
    assert_eq!(found[1].to_string(), "teams[0].fallbackOwner: there is no rep `aad` (did you mean `ada`?)");
    let leaving = faults(json!({
        "teams": [{"id": "sales", "fallbackOwner": "ben", "order": [{"by": "team"}, {"by": "team"}]}],
        "reps": [rep("ben", json!({"leaving": true}))],
        "segments": [{"segment": "smb", "to": {"team": "sales"}}, {"segment": "SMB", "to": {"rep": "ben"}}],
    }));
    let seen: Vec<_> = leaving.iter().map(|fault| (fault.path.as_str(), fault.code)).collect();
    assert_eq!(
        seen,
        [
            ("teams[0].fallbackOwner", Code::Pointless),
            ("teams[0].order[1].by", Code::Duplicate),
            ("segments[1].segment", Code::Duplicate)
        ]
    );
}

#[test]
fn terms_must_make_sense_and_be_the_only_ones() {
    let terms = |id: &str, segment: Option<&str>, more: Value| {
        let mut terms = json!({
            "budget": "2h", "basis": "wall", "remindBefore": "30m", "ownerAlertAfter": "1h", "managerAlertAfter": "4h",
            "reassignAfter": "24h", "maxReassignments": 2, "escalateTo": "sales_manager", "fallbackTo": "revops_manager",
        });
        terms.as_object_mut().unwrap().extend(fields(more));
        json!({"id": id, "handoffType": "mql_to_sales", "segment": segment, "terms": terms})
    };
    let whole = json!({"slaTerms": [terms("a", None, Value::Null), terms("b", Some("SMB"), json!({"budget": "4h"}))]});
    let roster = serde_json::from_value::<RosterFile>(whole).unwrap().check().unwrap();
    assert_eq!(
        roster.terms("mql_to_sales", "smb").map(|terms| terms.budget.to_string()),
        Some("4h".to_owned())
    );
    assert_eq!(
        roster.terms("mql_to_sales", "other").map(|terms| terms.budget.to_string()),
        Some("2h".to_owned())
    );
    assert!(roster.terms("closed_won_to_cs", "smb").is_none());
    let found = faults(json!({"slaTerms": [
        terms("a", Some("smb"), json!({"remindBefore": "3h"})),
        terms("a", None, Value::Null),
        terms("b", Some("SMB"), Value::Null),
    ]}));
    let seen: Vec<_> = found.iter().map(|fault| (fault.path.as_str(), fault.code)).collect();
    assert_eq!(
        seen,
        [
            ("slaTerms[1].id", Code::Duplicate),
            ("slaTerms[0].terms.remindBefore", Code::BadTerms),
            ("slaTerms[2].handoffType", Code::Duplicate),
        ]
    );
}

#[test]
fn unknown_fields_are_refused() {
    let file = json!({"reps": [rep("ada", json!({"wieght": 2}))]});
    assert!(serde_json::from_value::<RosterFile>(file).is_err());
}

#[test]
fn a_territory_takes_what_fits_in_every_respect() {
    let takes = |matches: Value| {
        let more = json!({"territories": [{"id": "t", "match": matches, "to": {"rep": "ada"}}]});
        let roster =
            roster_with(json!({"order": [{"by": "territory"}]}), vec![rep("ada", Value::Null)], more);
        rep_of(&assign(&request(1), &snapshot(&roster), noon())).is_some()
    };
    let cases = [
        (json!({}), true),
        (json!({"countries": ["de", "fr"]}), true),
        (json!({"countries": ["fr"]}), false),
        (json!({"countries": ["de"], "industries": ["steel"]}), false),
        (json!({"regions": [" emea "], "industries": ["software"], "segments": ["Enterprise"]}), true),
        (json!({"employees": {"min": 500, "max": 500}}), true),
        (json!({"employees": {"min": 501}}), false),
        (json!({"employees": {"max": 499}}), false),
        (json!({"revenue": {"min": 20_000_000}}), true),
        (json!({"revenue": {"max": 19_999_999}}), false),
        (json!({"domains": ["ACME.com"]}), true),
        (json!({"domains": ["cme.com", "acme.co"]}), false),
        (json!({"domains": ["*.com"]}), true),
        (json!({"domains": [".acme.com"]}), false),
    ];
    for (matches, expected) in cases {
        assert_eq!(takes(matches.clone()), expected, "{matches}");
    }
}

#[test]
fn what_is_not_known_fits_only_where_nothing_is_asked() {
    let more = json!({"territories": [
        {"id": "size", "match": {"employees": {"min": 0}}, "to": {"rep": "ada"}},
        {"id": "land", "match": {"countries": ["de"]}, "to": {"rep": "ada"}},
        {"id": "site", "match": {"domains": [".com"]}, "to": {"rep": "ada"}},
        {"id": "zone", "match": {}, "to": {"rep": "ben"}},
    ]});
    let roster = roster_with(Value::Null, vec![rep("ada", Value::Null), rep("ben", Value::Null)], more);
    let mut unknown = request(1);
    unknown.firm = Firm { domain: None, country: None, employees: None, revenue: None, ..unknown.firm };
    assert_eq!(rep_of(&assign(&unknown, &snapshot(&roster), noon())), Some("ben"));
}
