//! Conditions against CEL itself, and proofs against accounts.

use proptest::prelude::*;

use super::*;
use crate::kernel::clock::DateTime;
use crate::motions::model::{Ledger, Signals};
use crate::motions::policy::fault::Fault;
use crate::motions::policy::vocabulary::{self, Kind, WORDS};
use crate::motions::samples::{any_ledger, any_signals, now};

/// Compiles a condition that stands alone in a file, in single quotes.
fn compiled(source: &str) -> Result<Condition, Vec<Fault>> {
    on_deep_stack(|| {
        let text = format!("'{source}'");
        let faults = Faults::new(&text);
        let placed = Placed { text: source.to_owned(), span: 0..text.len(), path: "when".to_owned() };
        match compile(&placed, &faults) {
            Some(condition) if faults.is_empty() => Ok(condition),
            _ => Err(faults.into_sorted()),
        }
    })
    .unwrap()
}

fn proof(source: &str, earlier: &[&str]) -> Proof {
    let earlier: Vec<Condition> = earlier.iter().map(|source| compiled(source).unwrap()).collect();
    let atoms: Vec<&[Cond]> = earlier.iter().map(Condition::atoms).collect();
    prove(compiled(source).unwrap().atoms(), &atoms)
}

/// What the `cel` crate's own interpreter makes of a condition.
fn interpreted(source: &str, signals: &Signals, ledger: &Ledger, now: DateTime) -> bool {
    let scope = Scope { signals, ledger, now };
    let mut context = cel::Context::default();
    for (id, word) in WORDS.iter().enumerate() {
        match word.kind {
            Kind::Number { .. } => context.add_variable_from_value(word.name, vocabulary::number(id, scope)),
            Kind::Flag { get } => context.add_variable_from_value(word.name, get(scope)),
            Kind::Choice { get, values } => context.add_variable_from_value(word.name, values[get(scope)]),
            Kind::Text { get } => context.add_variable_from_value(word.name, get(scope)),
            Kind::List { get, .. } => {
                let items: Vec<cel::Value> = get(scope).iter().map(cel::Value::from).collect();
                context.add_variable_from_value(word.name, items);
            }
        }
    }
    match cel::Program::compile(source).unwrap().execute(&context) {
        Ok(cel::Value::Bool(value)) => value,
        other => panic!("{source}: {other:?}"),
    }
}

fn number_word() -> impl Strategy<Value = String> {
    let words = [
        "usage_depth",
        "usage_days",
        "usage_trend_pct",
        "seats",
        "employee_count",
        "intent_budget",
        "crm_age_hours",
    ];
    prop::sample::select(words.to_vec()).prop_map(str::to_owned)
}

fn constant() -> impl Strategy<Value = String> {
    prop_oneof![
        prop::sample::select(vec!["0", "1", "7", "40", "70", "100", "-5", "200"]).prop_map(str::to_owned),
        prop::sample::select(vec!["0.5", "70.0", "39.99", "-12.5"]).prop_map(str::to_owned),
    ]
}

fn operator() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["<", "<=", "==", "!=", ">=", ">"])
}

/// Conditions of the allowed language. `simple` ones are those that proofs take apart.
fn atom(simple: bool) -> BoxedStrategy<String> {
    let plain = prop_oneof![
        prop::sample::select(vec![
            "true",
            "false",
            "usage_plateau",
            "has_active_deal",
            "has_owner",
            "seats_known"
        ])
        .prop_map(str::to_owned),
        (number_word(), operator(), constant()).prop_map(|(word, op, value)| format!("{word} {op} {value}")),
        (constant(), operator(), number_word()).prop_map(|(value, op, word)| format!("{value} {op} {word}")),
        (
            prop::sample::select(vec!["==", "!="]),
            prop::sample::select(vec!["smb", "mid_market", "enterprise"])
        )
            .prop_map(|(op, value)| format!("segment {op} \"{value}\"")),
        Just("segment in [\"mid_market\", \"enterprise\"]".to_owned()),
        Just("deal_stage in [\"proposal\", \"none\"]".to_owned()),
        Just("current_motion == \"plg\"".to_owned()),
        prop::sample::select(vec!["aws", "salesforce"]).prop_map(|id| format!("\"{id}\" in partner_overlap")),
        Just("\"api_usage_spike\" in expansion_signals".to_owned()),
        (
            prop::sample::select(vec!["partner_overlap", "expansion_signals", "top_features"]),
            operator(),
            0..3
        )
            .prop_map(|(list, op, n)| format!("size({list}) {op} {n}")),
        Just("\"snowflake\" == industry || industry == \"abc\"".to_owned())
            .prop_map(|text| format!("({text})")),
    ];
    if simple {
        return plain.boxed();
    }
    prop_oneof![
        4 => plain,
        1 => (number_word(), number_word(), operator(), number_word())
            .prop_map(|(a, b, op, c)| format!("{a} + 2.0 * {b} - 1.5 {op} -{c}")),
        1 => Just("partner_overlap.size() + 1 > size(top_features) * 2".to_owned()),
        1 => Just("usage_plateau == has_active_deal".to_owned()),
        1 => Just("(seats_known ? seats : 100.0) >= 50".to_owned()),
        1 => Just("plan_tier in top_features".to_owned()),
        1 => Just("plan_tier == industry".to_owned()),
        1 => Just("seats in [0, 100.0, 25]".to_owned()),
        1 => Just("industry in [\"\", \"abc\"]".to_owned()),
    ]
    .boxed()
}

fn condition(simple: bool) -> impl Strategy<Value = String> {
    atom(simple).prop_recursive(4, 24, 3, |inner| {
        prop_oneof![
            3 => prop::collection::vec(inner.clone(), 2..4).prop_map(|parts| format!("({})", parts.join(" && "))),
            3 => prop::collection::vec(inner.clone(), 2..4).prop_map(|parts| format!("({})", parts.join(" || "))),
            2 => inner.clone().prop_map(|part| format!("!({part})")),
            1 => (inner.clone(), inner.clone(), inner).prop_map(|(a, b, c)| format!("({a} ? {b} : {c})")),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn the_evaluator_agrees_with_cel(source in condition(false), signals in any_signals(), ledger in any_ledger()) {
        let compiled = compiled(&source).map_err(|faults| TestCaseError::fail(format!("{source}: {faults:?}")))?;
        let scope = Scope { signals: &signals, ledger: &ledger, now: now() };
        let expected = interpreted(&source, &signals, &ledger, now());
        prop_assert_eq!(compiled.holds(scope), expected, "{}", source);
        prop_assert_eq!(compiled.failing(scope) == 0, expected);
    }

    #[test]
    fn the_shown_form_of_a_condition_means_the_same(source in condition(false), signals in any_signals(), ledger in any_ledger()) {
        let written = compiled(&source).unwrap();
        let shown = written.labels().iter().map(|label| format!("({label})")).collect::<Vec<_>>().join(" && ");
        let scope = Scope { signals: &signals, ledger: &ledger, now: now() };
        prop_assert_eq!(interpreted(&shown, &signals, &ledger, now()), written.holds(scope), "{} as {}", source, shown);
    }

    #[test]
    fn what_is_proved_is_so(
        sources in prop::collection::vec(condition(true), 1..4),
        accounts in prop::collection::vec((any_signals(), any_ledger()), 12),
    ) {
        let conditions: Vec<Condition> = sources.iter().map(|source| compiled(source).unwrap()).collect();
        let (last, earlier) = conditions.split_last().unwrap();
        let before: Vec<&[Cond]> = earlier.iter().map(Condition::atoms).collect();
        let proof = prove(last.atoms(), &before);
        for (signals, ledger) in &accounts {
            let scope = Scope { signals, ledger, now: now() };
            let taken = earlier.iter().any(|condition| condition.holds(scope));
            match proof {
                Proof::Open => {}
                Proof::Never => prop_assert!(!last.holds(scope), "{:?}", sources),
                Proof::Always => prop_assert!(last.holds(scope), "{:?}", sources),
                Proof::Within(index) => prop_assert!(!last.holds(scope) || earlier[index].holds(scope), "{:?}", sources),
                Proof::Covered => prop_assert!(!last.holds(scope) || taken, "{:?}", sources),
            }
        }
    }

    #[test]
    fn no_text_makes_the_compiler_panic(source in r#"[a-z_ &|!<>=()\[\]"0-9.,?:+*-]{0,60}"#) {
        // Single quotes would end the condition in its file.
        let _ = compiled(&source);
    }

    #[test]
    fn no_broken_condition_makes_the_compiler_panic(source in condition(false), cut in 0_usize..80, insert in "\\PC{0,3}") {
        let insert = insert.replace('\'', "");
        let cut = source.char_indices().map(|(at, _)| at).nth(cut).unwrap_or(source.len());
        let _ = compiled(&format!("{}{insert}{}", &source[..cut], &source[cut..]));
    }
}

#[test]
fn proofs_find_contradictions_and_tautologies() {
    for never in [
        "false",
        "usage_depth > 80 && usage_depth < 20",
        "usage_depth > 100",
        "usage_days < 0",
        "usage_days > 3 && usage_days < 4",
        "usage_days > 3 && usage_days < 6 && usage_days != 4 && usage_days != 5",
        "segment == \"smb\" && segment != \"smb\"",
        "segment == \"smb\" && segment in [\"mid_market\", \"enterprise\"]",
        "usage_plateau && !usage_plateau",
        "\"aws\" in partner_overlap && size(partner_overlap) == 0",
        "industry == \"a\" && industry == \"b\"",
        "has_active_deal == true && !has_active_deal",
        "seats * 2.0 > 10 && !(seats * 2.0 > 10)",
        "70 < usage_depth && 60 >= usage_depth",
    ] {
        assert_eq!(proof(never, &[]), Proof::Never, "{never}");
    }
    for always in [
        "true",
        "usage_depth >= 0",
        "usage_depth <= 100 || has_owner",
        "usage_plateau || !usage_plateau",
        "segment in [\"smb\", \"mid_market\", \"enterprise\", \"unknown\"]",
        "usage_depth < 50 || usage_depth >= 50",
        "industry == \"a\" || industry != \"a\"",
        "size(top_features) >= 0",
    ] {
        assert_eq!(proof(always, &[]), Proof::Always, "{always}");
    }
    for open in [
        "usage_days > 3.5 && usage_days <= 4",
        "usage_days >= 3.5 && usage_days < 4.5",
        "!(usage_depth < 70) && usage_depth <= 70",
        "!(usage_depth <= 70) && usage_depth <= 70.5",
        "!(usage_depth > 70) && usage_depth >= 70",
        "!(usage_depth >= 70) && usage_depth > 69.5",
        "!(usage_depth != 70)",
        "usage_depth > 99",
        "usage_trend_pct < 0",
        "industry == \"a\"",
        "size(partner_overlap) == 0",
    ] {
        assert_eq!(proof(open, &[]), Proof::Open, "{open}");
    }
}

#[test]
fn proofs_find_rules_that_earlier_ones_leave_nothing_to() {
    assert_eq!(proof("usage_depth > 80 && has_owner", &["usage_depth > 70"]), Proof::Within(0));
    assert_eq!(proof("usage_depth > 70", &["usage_depth > 80"]), Proof::Open);
    assert_eq!(proof("usage_depth > 70", &["usage_depth >= 70"]), Proof::Within(0));
    assert_eq!(proof("usage_depth >= 70", &["usage_depth > 70"]), Proof::Open);
    assert_eq!(proof("segment == \"smb\"", &["has_owner", "segment != \"enterprise\""]), Proof::Within(1));
    assert_eq!(
        proof("has_owner", &["has_owner && usage_plateau", "has_owner && !usage_plateau"]),
        Proof::Covered
    );
    assert_eq!(proof("true", &["usage_depth > 50", "usage_depth <= 50"]), Proof::Covered);
    assert_eq!(proof("\"aws\" in partner_overlap", &["size(partner_overlap) > 0"]), Proof::Within(0));
}

#[test]
fn an_analysis_that_grows_too_large_reports_nothing() {
    let words =
        ["usage_plateau", "has_owner", "has_active_deal", "seats_known", "has_usage", "partner_referral"];
    let choices: Vec<String> =
        (0..12).map(|i| format!("({} == (usage_depth > {i}))", words[i % words.len()])).collect();
    assert_eq!(proof(&choices.join(" && "), &[]), Proof::Open);
}

fn fault_of(source: &str) -> (FaultCode, u32, String) {
    let faults = compiled(source).expect_err(source);
    let shown = match &faults[0].suggestion {
        Some(hint) => format!("{} ({hint})", faults[0].message),
        None => faults[0].message.clone(),
    };
    (faults[0].code, faults[0].column - 1, shown)
}

#[test]
fn faults_name_the_place_and_the_correction() {
    use FaultCode as Code;
    for (source, code, column, text) in [
        ("usage_dept > 70", Code::UnknownName, 1, "unknown name `usage_dept` (did you mean `usage_depth`?)"),
        ("é", Code::Syntax, 1, ""),
        (
            "segment == \"smbb\"",
            Code::UnknownValue,
            12,
            "`smbb` is never a value of `segment` (did you mean `smb`?)",
        ),
        ("segment in [\"smb\", \"mm\"]", Code::UnknownValue, 20, "`mm` is never a value of `segment`"),
        ("usage_depth > \"70\"", Code::WrongType, 13, "`>` compares numbers, got a number and a text"),
        ("usage_depth", Code::WrongType, 1, "needs a bool, got a number (write `usage_depth > 0`)"),
        (
            "has_owner && partner_overlap",
            Code::WrongType,
            14,
            "needs a bool, got a list (write `size(partner_overlap) > 0`)",
        ),
        ("seats * 2 > 3", Code::WrongType, 7, "mixes a whole number with a fractional one (write `2.0`)"),
        ("seats / 2.0 > 3", Code::NotAllowed, 7, "division can fail"),
        ("getenv(\"A\") == \"b\"", Code::NotAllowed, 1, "function `getenv` is not allowed in policies"),
        ("top_features.exists(f, f == \"a\")", Code::NotAllowed, 0, "`all`, `exists`, `map` and `filter`"),
        ("top_features[0] == \"a\"", Code::NotAllowed, 1, "picking from a list"),
        ("account.depth > 1", Code::NotAllowed, 0, "fields of a value"),
        (
            "\"api_usage_spik\" in expansion_signals",
            Code::UnknownValue,
            1,
            "never a value of `expansion_signals`",
        ),
        ("segment == 3", Code::WrongType, 9, "cannot compare an enum with a whole number"),
        ("seats == null", Code::NotAllowed, 10, "there are no nulls"),
        ("partner_overlap == \"aws\"", Code::WrongType, 17, "write `\"value\" in partner_overlap`"),
        ("seats > 3u", Code::NotAllowed, 9, "write the number without `u`"),
        (
            "has_owner ? seats : usage_plateau",
            Code::WrongType,
            21,
            "the sides of `:` are a number and a bool",
        ),
        ("usage_depth > ", Code::Syntax, 0, "the condition ends too early"),
        ("usage_depth >> 70", Code::Syntax, 0, "not a condition"),
    ] {
        let (found, at, message) = fault_of(source);
        assert_eq!(found, code, "{source}: {message}");
        assert!(message.contains(text), "{source}: {message}");
        assert!(column == 0 || at == column, "{source}: column {at}, expected {column}: {message}");
    }
}

#[test]
fn a_feature_spike_of_any_feature_is_a_possible_signal() {
    assert!(compiled("\"exports_usage_spike\" in expansion_signals").is_ok());
    assert!(compiled("\"_usage_spike\" in expansion_signals").is_err());
}

#[test]
fn all_faults_of_a_condition_are_told_with_columns_in_characters() {
    let faults = compiled("industry == \"é\" && usage_dept > 70 && segmnt == \"smb\"").unwrap_err();
    let columns: Vec<u32> = faults.iter().map(|fault| fault.column - 1).collect();
    assert_eq!(columns, [20, 39]);
}

#[test]
fn the_largest_conditions_are_read_and_larger_ones_refused() {
    let deep = format!("{}has_owner && 1 < 2{}", "(".repeat(16), ")".repeat(16));
    for (source, fits) in [
        (deep.clone(), true),
        (format!("({deep})"), false),
        (format!("{}has_owner", "!".repeat(200)), true),
        (format!("{}has_owner", "!".repeat(201)), false),
        (vec!["has_owner"; 300].join(" || "), true),
        (format!("{} > 1", vec!["1"; 200].join("+")), true),
        (format!("{} > 1", vec!["1"; 201].join("+")), false),
        (format!("{}1 > 2", "- ".repeat(199)), true),
        (format!("has_owner{}", " == has_owner".repeat(100)), true),
        (format!("{}has_owner", "has_owner ? has_owner : ".repeat(20)), true),
        (format!("{}has_owner", "has_owner ? has_owner : ".repeat(150)), false),
        (format!("seats in [{}]", vec!["1"; 1_500].join(",")), true),
        (format!("a{}", ".a".repeat(200)), false),
        (format!("a{}", "()".repeat(1_500)), false),
        ("\"\\\\\" == industry".to_owned(), false),
    ] {
        assert_eq!(compiled(&source).is_ok(), fits, "{source}");
    }
    let wide = vec!["has_owner"; ATOMS_MAX + 1].join(" && ");
    assert_eq!(fault_of(&wide).0, FaultCode::TooLarge);
}
