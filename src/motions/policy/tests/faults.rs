//! Every kind of fault in a policy file: its code, its path, its place, its correction.

use super::*;
use FaultCode as Code;

/// The faults of the default policy with one text replaced by another.
fn faults_of(from: &str, to: &str) -> Vec<Fault> {
    assert!(DEFAULT.contains(from), "the default policy has no `{from}`");
    Policy::compile(&DEFAULT.replacen(from, to, 1), Format::Toml).expect_err(to)
}

/// A text of the default policy, what replaces it, and the fault that must come of it: code, path and a part
/// of its words.
const CASES: &[(&str, &str, Code, &str, &str)] = &[
    (
        "usage_depth > 70 && segment",
        "usage_dept > 70 && segment",
        Code::UnknownName,
        "branches[0].when",
        "did you mean `usage_depth`?",
    ),
    (
        "segment == \"smb\" && !has",
        "segment == \"smbb\" && !has",
        Code::UnknownValue,
        "branches[0].when",
        "did you mean `smb`?",
    ),
    (
        "exclusivity_hours = 72",
        "exclusivity_hour = 72",
        Code::UnknownKey,
        "guardrails.exclusivity_hour",
        "did you mean `exclusivity_hours`?",
    ),
    (
        "exclusivity_hours = 72",
        "exclusivity_hour = 72",
        Code::MissingKey,
        "guardrails.exclusivity_hours",
        "is missing",
    ),
    (
        "exclusivity_hours = 72",
        "exclusivity_hours = 0",
        Code::OutOfRange,
        "guardrails.exclusivity_hours",
        "between 1 and",
    ),
    (
        "exclusivity_hours = 72",
        "exclusivity_hours = \"72\"",
        Code::WrongType,
        "guardrails.exclusivity_hours",
        "needs a whole number, got a text",
    ),
    (
        "exclusivity_hours = 72",
        "exclusivity_hours = 1979-05-27",
        Code::WrongType,
        "guardrails.exclusivity_hours",
        "got a date",
    ),
    (
        "weight = 0.35\nindicators",
        "weight = 0.36\nindicators",
        Code::WeightSum,
        "",
        "must sum to 1, they sum to 1.01",
    ),
    (
        "id = \"high_engagement\", weight = 0.4",
        "id = \"high_engagement\", weight = 0.5",
        Code::WeightSum,
        "motions[0]",
        "they sum to 1.1",
    ),
    ("fit = 0.5", "fit = 0.6", Code::WeightSum, "confidence", "confidence"),
    ("breadth = 0.4", "breadth = 0.5", Code::WeightSum, "definitions.usage.depth_weights", "depth"),
    ("country = { any_of = [], weight = 0.2 }", "", Code::WeightSum, "definitions.icp", "customer profile"),
    (
        "id = \"smb_segment\"",
        "id = \"high_engagement\"",
        Code::Duplicate,
        "motions[0].indicators[1].id",
        "used twice",
    ),
    (
        "id = \"plateau_with_partner\"",
        "id = \"self_serve_expansion\"",
        Code::Duplicate,
        "branches[1].id",
        "used twice",
    ),
    (
        "motion = \"sales_led\"",
        "motion = \"sales_let\"",
        Code::UnknownValue,
        "branches[2].candidates[0].motion",
        "did you mean `sales_led`?",
    ),
    (
        "motion = \"partner_co_sell\"",
        "motion = \"sales_assist\"",
        Code::Duplicate,
        "branches[1].candidates[1].motion",
        "candidate twice",
    ),
    (
        "skill = \"revops/lead_routing\"",
        "skill = \"revops/lead_routin\"",
        Code::UnknownValue,
        "branches[2].candidates[0].skill",
        "did you mean `revops/lead_routing`?",
    ),
    (
        "parallel = [\"revops/opportunity_scoring\"]",
        "parallel = [\"x\"]",
        Code::UnknownValue,
        "branches[1].candidates[0].parallel[0]",
        "is no skill",
    ),
    (
        "frozen_stages = [\"negotiation\"",
        "frozen_stages = [\"negotiations\"",
        Code::UnknownValue,
        "guardrails.frozen_stages[0]",
        "did you mean `negotiation`?",
    ),
    (
        "frozen_stages = [\"negotiation\"",
        "frozen_stages = [\"closed_won\"",
        Code::UnknownValue,
        "guardrails.frozen_stages[0]",
        "is no stage of an open deal",
    ),
    (
        "closing = [\"closing\"",
        "closin = [\"closing\"",
        Code::UnknownValue,
        "definitions.deal_stages.closin",
        "did you mean `closing`?",
    ),
    (
        "closed_won = [\"closedwon\"",
        "closed_won = [\"closed lost\"",
        Code::Duplicate,
        "definitions.deal_stages.closed_lost[0]",
        "mapped to two stages",
    ),
    (
        "pro = \"mid_market\"",
        "pro = \"midmarket\"",
        Code::UnknownValue,
        "definitions.segment.plan_tiers.pro",
        "did you mean `mid_market`?",
    ),
    (
        "enterprise_from_employees = 2000",
        "enterprise_from_employees = 20",
        Code::OutOfRange,
        "definitions.segment.smb_below_employees",
        "is above",
    ),
    (
        "\"plg_self_serve | sales_led\"",
        "\"plg_self_serve | plg_self_serve\"",
        Code::Duplicate,
        "guardrails.competing[1]",
        "with itself",
    ),
    (
        "\"plg_self_serve | sales_led\"",
        "\"sales_assist | plg_self_serve\"",
        Code::Duplicate,
        "guardrails.competing[1]",
        "twice",
    ),
    (
        "\"plg_self_serve | sales_led\"",
        "\"plg_self_serve\"",
        Code::WrongType,
        "guardrails.competing[1]",
        "one | other",
    ),
    (
        "\"plg_self_serve | sales_led\"",
        "\"plg_self_serve | sales\"",
        Code::UnknownValue,
        "guardrails.competing[1]",
        "is no motion",
    ),
    (
        "data = [\"partner_ids\"",
        "data = [\"partner_id\"",
        Code::UnknownValue,
        "skills.\"ecosystem/nearbound_signal\".data[0]",
        "did you mean `partner_ids`?",
    ),
    (
        "needs_consent = [\"partner_ids\"",
        "needs_consent = [\"segment\"",
        Code::UnknownValue,
        "skills.\"ecosystem/nearbound_signal\".needs_consent[0]",
        "data of this skill",
    ),
    (
        "urgency = \"high\"",
        "urgency = \"hi\"",
        Code::UnknownValue,
        "branches[2].candidates[0].handoff.urgency",
        "is no urgency",
    ),
    (
        "sla = \"4h\"",
        "sla = \"4 hours\"",
        Code::WrongType,
        "branches[2].candidates[0].handoff.sla",
        "such as `30m`",
    ),
    (
        "sla = \"4h\"",
        "sla = \"0h\"",
        Code::WrongType,
        "branches[2].candidates[0].handoff.sla",
        "no length of time",
    ),
    (
        "({usage_depth}%)",
        "({usage_dept}%)",
        Code::UnknownName,
        "motions[0].indicators[0].says",
        "did you mean `usage_depth`?",
    ),
    ("({usage_depth}%)", "({usage_depth%)", Code::Syntax, "motions[0].indicators[0].says", "without its `}`"),
    (
        "when = 'partner_referral'\n",
        "when = 'partner_referral && !partner_referral'\n",
        Code::NeverTrue,
        "branches[3].when",
        "no account",
    ),
    (
        "when = 'partner_referral'\n",
        "when = 'partner_referral || usage_depth > 100'\n",
        Code::NeverTrue,
        "branches[3].when",
        "`usage_depth > 100` holds for no account",
    ),
    (
        "when = 'partner_referral'\n",
        "when = 'partner_referral && usage_days >= 0'\n",
        Code::AlwaysTrue,
        "branches[3].when",
        "`usage_days >= 0` holds for every account",
    ),
    (
        "when = 'usage_depth < 40'",
        "when = 'usage_depth <= 100'",
        Code::AlwaysTrue,
        "motions[2].indicators[1].when",
        "says nothing",
    ),
    (
        "when = 'partner_referral'\n",
        "when = 'segment == \"enterprise\" && usage_depth < 30'\n",
        Code::Unreachable,
        "branches[3].when",
        "branches[2] (`enterprise_low_self_serve`) takes all",
    ),
    (
        "when = 'partner_referral'\n",
        "when = 'true'\n",
        Code::Unreachable,
        "branches[4].when",
        "branches[3] (`partner_referral`) takes all",
    ),
    ("when = 'true'", "when = 'has_owner'", Code::NoCatchAll, "branches[4].when", "write `when = 'true'`"),
    ("exit = \"idle\"", "", Code::MissingKey, "branches[4].exit", "exit"),
    (
        "exit = \"plg_activation\"",
        "exit = \"\"",
        Code::OutOfRange,
        "branches[0].candidates[0].exit",
        "must not be empty",
    ),
    ("name = \"default\"", "name = \"De fault\"", Code::OutOfRange, "name", "lower-case"),
    ("name = \"default\"", "name = \"default", Code::Syntax, "", ""),
];

#[test]
fn every_fault_has_its_code_its_path_and_its_place() {
    for (from, to, code, path, text) in CASES {
        let faults = faults_of(from, to);
        let found = faults.iter().find(|fault| fault.code == *code && fault.path == *path);
        let Some(fault) = found else { panic!("{to}: expected {code:?} at `{path}`, got {faults:#?}") };
        assert!(fault.to_string().contains(text), "{to}: {fault}");
    }
}

#[test]
fn texts_and_keys_beyond_what_is_taken_are_refused() {
    let long = "a".repeat(5_000);
    let unknown = &faults_of("name = \"default\"", &format!("name = \"default\"\nextra = \"{long}\""))[0];
    assert_eq!((unknown.code, unknown.path.as_str()), (Code::UnknownKey, "extra"));
    let too_long = &faults_of("description = \"", &format!("description = \"{long}"))[0];
    assert_eq!((too_long.code, too_long.path.as_str()), (Code::TooLarge, "description"));
}

#[test]
fn a_place_inside_a_condition_is_the_place_in_the_file() {
    let text = DEFAULT.replacen(
        "when = 'usage_depth > 70 && segment == \"smb\" && !has_active_deal'",
        "when = \"\"\"\nusage_depth > 70\n  && segmnt == \\\"smb\\\" && \"\"\"",
        1,
    );
    let faults = Policy::compile(&text, Format::Toml).unwrap_err();
    // Escapes in TOML end before the condition begins; the condition itself ends too early here.
    let place = faults.iter().find(|fault| fault.path == "branches[0].when").unwrap();
    let line = text.lines().nth(place.line as usize - 1).unwrap();
    assert!(line.contains("segmnt"), "{place}");

    let text = text.replace(" && \"\"\"", "\"\"\"");
    let faults = Policy::compile(&text, Format::Toml).unwrap_err();
    let place = faults.iter().find(|fault| fault.path == "branches[0].when").unwrap();
    let line = text.lines().nth(place.line as usize - 1).unwrap();
    let at: String = line.chars().skip(place.column as usize - 1).take(6).collect();
    assert_eq!((at.as_str(), place.code), ("segmnt", FaultCode::UnknownName), "{place}");
}

#[test]
fn a_place_in_a_json_policy_is_the_place_in_the_json() {
    let json = serde_json::to_string_pretty(compiled("default").content()).unwrap();
    let text = json.replacen("segment == \\\"smb\\\" &&", "segment == \\\"smbb\\\" &&", 1);
    assert_ne!(text, json);
    let faults = Policy::compile(&text, Format::Json).unwrap_err();
    assert_eq!(faults.len(), 1);
    let line = text.lines().nth(faults[0].line as usize - 1).unwrap();
    let at: String = line.chars().skip(faults[0].column as usize - 1).take(8).collect();
    assert_eq!(at, "\\\"smbb\\\"", "{}", faults[0]);
    assert_eq!(faults[0].path, "branches[0].when");
    let broken = Policy::compile(&json[..json.len() / 2], Format::Json).unwrap_err();
    assert_eq!(broken[0].code, FaultCode::Syntax);
}

#[test]
fn all_faults_of_a_file_come_at_once_in_file_order() {
    let text = DEFAULT
        .replacen("usage_depth > 70 && segment", "usage_dept > 70 && segmnt", 1)
        .replacen("exclusivity_hours = 72", "exclusivity_hours = -1", 1)
        .replacen("fit = 0.5", "fit = 0.9", 1);
    let faults = Policy::compile(&text, Format::Toml).unwrap_err();
    let found: Vec<(&str, FaultCode)> =
        faults.iter().map(|fault| (fault.path.as_str(), fault.code)).collect();
    assert_eq!(
        found,
        [
            ("guardrails.exclusivity_hours", FaultCode::OutOfRange),
            ("confidence", FaultCode::WeightSum),
            ("branches[0].when", FaultCode::UnknownName),
            ("branches[0].when", FaultCode::UnknownName),
        ]
    );
    assert!(faults.windows(2).all(|pair| (pair[0].line, pair[0].column) <= (pair[1].line, pair[1].column)));
}

#[test]
fn branches_without_candidates_and_files_without_branches_are_refused() {
    let (start, end) = (
        DEFAULT.find("[[branches.candidates]]\nmotion = \"sales_led\"").unwrap(),
        DEFAULT.find("[[branches]]\nid = \"partner_referral\"").unwrap(),
    );
    let text = format!("{}{}", &DEFAULT[..start], &DEFAULT[end..]);
    let faults = Policy::compile(&text, Format::Toml).unwrap_err();
    assert_eq!((faults[0].code, faults[0].path.as_str()), (FaultCode::NoCandidate, "branches[2]"));
    for text in ["", "{}", "[]", "branches = []", "branches = 3", "motions = [1]"] {
        for format in [Format::Toml, Format::Json] {
            assert!(!Policy::compile(text, format).unwrap_err().is_empty(), "{text}");
        }
    }
    let big = format!("#{}", "x".repeat(FILE_MAX));
    assert_eq!(Policy::compile(&big, Format::Toml).unwrap_err()[0].code, FaultCode::TooLarge);
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(40))]
    #[test]
    fn no_damaged_file_makes_the_compiler_panic(at in 0..DEFAULT.len(), cut in 0_usize..40, insert in "\\PC{0,3}") {
        let start = (0..=at).rev().find(|i| DEFAULT.is_char_boundary(*i)).unwrap();
        let end = (start + cut..=DEFAULT.len()).find(|i| DEFAULT.is_char_boundary(*i)).unwrap_or(DEFAULT.len());
        let text = format!("{}{insert}{}", &DEFAULT[..start], &DEFAULT[end..]);
        for format in [Format::Toml, Format::Json] {
            if let Err(faults) = Policy::compile(&text, format) {
                proptest::prop_assert!(!faults.is_empty());
                proptest::prop_assert!(faults.iter().all(|fault| fault.line > 0 && fault.column > 0 && !fault.message.is_empty()));
            }
        }
    }
}
