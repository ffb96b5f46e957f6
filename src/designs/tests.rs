//! Designs from end to end, without a database: what is wrong with a request, what is defined, who gets what, what it takes.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::estimate::risks::Severity;
use super::packet::plan::{GATE, apply_task, sign_task};
use super::playbook::SignOff;
use super::readiness::{Standing, intake};
use super::routing::{Choice, draw, edits::scaled};
use super::samples::{Scene, ask, day};
use crate::handoffs::{Basis, Entry, Kind, Step};
use crate::kernel::calendar::Length;
use crate::plans::pattern::{PatternKind, pattern};
use crate::plans::preflight::{self, FindingCode, preflight};
use crate::plans::schedule::schedule;

fn with(changes: &Value) -> Value {
    let mut ask = ask();
    for (key, value) in changes.as_object().unwrap() {
        ask[key] = value.clone();
    }
    ask
}

#[test]
fn every_fault_of_a_request_comes_at_once() {
    let faults = Scene::default()
        .check(&json!({
            "segment": "enterprize", "goal": "pipelines", "responseSla": "soon", "serviceLevel": 1.5, "team": "sale",
            "launch": "2020-01-01",
            "capacity": {"handling": "10m", "preparing": "20m", "reps": 0, "outsideShare": 2.0, "atOnce": 0, "notes": [" "]},
            "dependencies": [{"name": "", "owner": "nobody", "readyBy": "2020-01-01"}],
            "owners": {"cfo": {"name": "x"}, "cro": {"name": "y", "repId": "adda"}},
        }))
        .unwrap_err();
    let pointers: Vec<&str> = faults.iter().map(|fault| fault.pointer.as_str()).collect();
    let expected = [
        "/segment",
        "/goal",
        "/responseSla",
        "/serviceLevel",
        "/team",
        "/capacity/preparing",
        "/capacity/notes/0",
        "/capacity/reps",
        "/capacity/outsideShare",
        "/capacity/atOnce",
        "/dependencies/0/name",
        "/dependencies/0/owner",
        "/dependencies/0/readyBy",
        "/owners/cfo",
        "/owners/cro/repId",
        "/launch",
    ];
    assert_eq!(pointers, expected, "{faults:#?}");
    let said = |at: usize| faults[at].detail.as_str();
    assert!(said(0).contains("did you mean `enterprise`?") && said(4).contains("`sales`"), "{faults:#?}");
    assert!(said(2).contains("such as `90m`"), "{}", said(2));
}

#[test]
fn what_is_left_out_is_found_from_segment_and_goal() {
    let scene = Scene::default();
    for (segment, goal, handoff_type, team) in [
        ("enterprise", "pipeline", "mql_to_sales", "sales"),
        ("smb", "product-activation", "plg_to_sales", "sales"),
        ("Mid-Market", "expansion", "expansion_to_sales", "sales"),
        ("partner", "expansion", "sales_to_partner", "partner"),
        ("partner", "abm_campaign", "partner_to_sales", "sales"),
    ] {
        let brief = scene.brief(&json!({"segment": segment, "goal": goal, "responseSla": "1d"}));
        assert_eq!(
            (brief.handoff_type.as_str(), brief.team.as_str()),
            (handoff_type, team),
            "{segment} {goal}"
        );
        assert_eq!((brief.launch, brief.basis), (day("2027-03-01"), Basis::Wall));
    }
    let days = scene.check(&with(&json!({"responseSla": "1d", "basis": "business"}))).unwrap_err();
    assert!(days[0].detail.contains("write hours"), "{days:?}");
}

#[test]
fn the_intake_says_what_is_not_defined() {
    let scene = Scene::default();
    let status = |scene: &Scene, ask: &Value| {
        let findings = intake(&scene.brief(ask), &scene.types, &scene.policy);
        findings.into_iter().map(|finding| (finding.id, finding.status)).collect::<Vec<_>>()
    };
    let of = |all: &[(String, Standing)], id: &str| all.iter().find(|(found, _)| found == id).unwrap().1;
    let full = status(&scene, &ask());
    assert_eq!(of(&full, "entry_stage"), Standing::Defined);
    assert_eq!(of(&full, "deal_stages"), Standing::Defined);
    assert_eq!(of(&full, "scoring"), Standing::Defined);
    assert_eq!(of(&full, "qualification"), Standing::Thin, "only a score is required");
    assert_eq!(of(&full, "framework"), Standing::Thin);
    assert_eq!(of(&full, "completeness"), Standing::Thin);
    let mut bare = Scene::default();
    bare.policy.deal_stages = vec!["discovery".to_owned()];
    bare.policy.ideal_customer.clear();
    bare.policy.opens.clear();
    bare.policy.enterprise_from_employees = 0;
    let bare = status(
        &bare,
        &json!({"segment": "enterprise", "goal": "pipeline", "responseSla": "2h", "handoffType": "partner_to_sales"}),
    );
    assert_eq!(of(&bare, "entry_stage"), Standing::Missing);
    assert_eq!(of(&bare, "deal_stages"), Standing::Thin);
    assert_eq!(of(&bare, "segment"), Standing::Missing);
    assert_eq!(of(&bare, "scoring"), Standing::Thin);
    let findings = intake(&scene.brief(&ask()), &scene.types, &scene.policy);
    assert!(
        findings.iter().all(|finding| finding.what_to_do.is_some() == (finding.status != Standing::Defined))
    );
}

#[test]
fn routing_is_chosen_for_reasons_and_becomes_entries() {
    let scene = Scene::default();
    let choice = |ask: &Value| {
        let drawn = draw(&scene.brief(ask), scene.ground(), scene.now).unwrap();
        let order: Vec<Step> = drawn
            .entries
            .iter()
            .find_map(|entry| match entry {
                Entry::Segment(rule) => {
                    rule.order.as_ref().map(|order| order.iter().map(|rule| rule.by).collect())
                }
                _ => None,
            })
            .unwrap_or_default();
        (drawn.blueprint.choice, order)
    };
    let owners = |first, second, rest: &[Step]| [&[first, second], rest].concat();
    assert_eq!(
        choice(&ask()),
        (Choice::Pod, owners(Step::AccountOwner, Step::NamedAccount, &[Step::Segment, Step::Team]))
    );
    let abm = with(&json!({"goal": "abm_campaign"}));
    assert_eq!(choice(&abm).1[0], Step::NamedAccount);
    let smb = with(&json!({"segment": "smb"}));
    assert_eq!(
        choice(&smb),
        (Choice::RoundRobin, owners(Step::AccountOwner, Step::NamedAccount, &[Step::Team]))
    );
    let mid = with(&json!({"segment": "mid_market"}));
    assert_eq!(choice(&mid).0, Choice::TerritoryPods, "no pod of its own, and a territory leads to one");
    let asked = with(&json!({"segment": "mid_market", "pods": ["EMEA"]}));
    assert_eq!(choice(&asked).0, Choice::Pod);
}

#[test]
fn a_design_touches_its_own_segment_only() {
    let scene = Scene::default();
    let drawn = draw(&scene.brief(&ask()), scene.ground(), scene.now).unwrap();
    let keys: Vec<(Kind, String)> = drawn.entries.iter().map(Entry::key).collect();
    assert_eq!(
        keys,
        [
            (Kind::Segment, "enterprise.sales".to_owned()),
            (Kind::SlaTerms, "mql_to_sales.enterprise".to_owned()),
        ]
    );
    let budget = |segment| drawn.after.terms("mql_to_sales", segment).map(|terms| terms.budget);
    assert_eq!(budget("enterprise"), Some(Length::hours(2)));
    assert_eq!(budget("smb"), None);
    assert_eq!(drawn.after.terms("sql_to_ae", "enterprise"), None);
    // Drawn again on the roster that it made, there is nothing to do.
    let mut entries = scene.entries.clone();
    drawn.entries.iter().for_each(|entry| entries.put(entry.clone()));
    let ground = super::routing::Ground { entries: &entries, roster: &drawn.after, ..scene.ground() };
    assert!(draw(&scene.brief(&ask()), ground, scene.now).unwrap().entries.is_empty());
    // Limits are the reps'.
    let limits = with(&json!({"capacity": {"atOnce": 12, "perDay": 4}}));
    let limited = draw(&scene.brief(&limits), scene.ground(), scene.now).unwrap();
    assert_eq!(limited.entries.iter().filter(|entry| entry.kind() == Kind::Rep).count(), 4);
    assert!(!limited.blueprint.notes.is_empty());
    // A team that others' handoffs go to keeps its ways.
    let partner = json!({"segment": "partner", "goal": "pipeline", "responseSla": "4h"});
    let partner = draw(&scene.brief(&partner), scene.ground(), scene.now).unwrap();
    assert_eq!(partner.entries.iter().map(Entry::kind).collect::<Vec<_>>(), [Kind::SlaTerms]);
    assert!(partner.blueprint.notes[0].contains("stay as they are"), "{:?}", partner.blueprint.notes);
}

#[test]
fn the_matrix_is_what_assignment_does() {
    let scene = Scene::default();
    let drawn = draw(&scene.brief(&ask()), scene.ground(), scene.now).unwrap();
    let lead = |case: &str| {
        let found = drawn.blueprint.matrix.iter().find(|found| found.case.starts_with(case));
        found.unwrap_or_else(|| panic!("{case}: {:#?}", drawn.blueprint.matrix)).leads_to.clone()
    };
    assert_eq!(lead("It has an owner in the team"), "Ada Lind");
    assert_eq!(lead("Its owner is absent"), "Ben Okafor, who covers for Ada Lind");
    assert_eq!(lead("Its owner is back"), "waits, up to 15 min");
    assert_eq!(lead("It is a named account"), "Ada Lind");
    assert_eq!(lead("It has no owner"), "whoever has the turn in pod enterprise of sales");
    assert_eq!(lead("Nobody works"), "waits, up to 720 min");
    let mid = with(&json!({"segment": "mid_market"}));
    let mid = draw(&scene.brief(&mid), scene.ground(), scene.now).unwrap().blueprint.matrix;
    assert!(mid.iter().any(|case| case.leads_to == "whoever has the turn in pod emea of sales"), "{mid:#?}");
}

#[test]
fn the_model_says_what_can_be_kept_and_what_it_takes() {
    let scene = Scene::default();
    // Two hours of wall time cannot be kept with a quarter of them coming at night.
    let night = scene.design(&ask()).packet.model;
    assert_eq!(night.need.reps, None);
    assert!(night.ceiling.unwrap() < 0.9 && night.need.kept_instead.is_some(), "{night:#?}");
    assert!(night.need.business_share.unwrap() > night.simulation.as_ref().unwrap().within_target);
    assert!(night.recommendation.contains("No number of people keeps 90 %"), "{}", night.recommendation);
    let codes = |model: &super::estimate::SlaModel| {
        model.risks.iter().map(|risk| (risk.code.clone(), risk.severity)).collect::<Vec<_>>()
    };
    assert!(codes(&night).contains(&("hours".to_owned(), Severity::High)));
    assert!(night.risks.is_sorted_by_key(|risk| risk.severity));
    // In working time it can, with enough people.
    let mut day = with(&json!({"basis": "business"}));
    day["capacity"]["arrivalsPerWeek"] = json!(120.0);
    let working = scene.design(&day).packet.model;
    let (there, needed) = (working.simulation.as_ref().unwrap().workers, working.need.reps.unwrap());
    assert!(there == 4 && needed > 4, "{working:#?}");
    assert!(
        working.recommendation.contains(&format!("{needed} reps keep 90 %")),
        "{}",
        working.recommendation
    );
    let row = |reps| working.staffing.iter().find(|row| row.reps == reps).unwrap();
    assert!(row(needed).within_target >= 0.88 && row(there).within_target < 0.9);
    // Hours of the erlang kind: the formula knows nothing of two time zones and own queues.
    assert!(working.erlang.figures.is_some() && working.erlang.erlangs > 1.0);
}

#[test]
fn measured_figures_go_before_usual_ones_and_given_ones_before_both() {
    let scene = Scene::measured(8, 8);
    let mut bare = with(&json!({}));
    bare["capacity"] = json!({});
    let source = |scene: &Scene, ask: &Value| {
        let inputs = scene.design(ask).packet.model.inputs;
        inputs.into_iter().map(|input| (input.name, input.value, input.source.words())).collect::<Vec<_>>()
    };
    let measured = source(&scene, &bare);
    assert!(
        measured.contains(&("Handoffs".to_owned(), "39.8 a week".to_owned(), "measured")),
        "{measured:?}"
    );
    assert!(measured.iter().all(|(.., source)| *source == "measured"), "{measured:?}");
    let given = source(&scene, &ask());
    assert!(given.contains(&("Handoffs".to_owned(), "60 a week".to_owned(), "given")), "{given:?}");
    let assumed = source(&Scene::default(), &bare);
    assert!(assumed.iter().filter(|(.., source)| *source == "assumed").count() >= 3, "{assumed:?}");
    let risks = Scene::default().design(&bare).packet.model.risks;
    assert!(risks.iter().any(|risk| risk.code == "assumed"), "{risks:?}");
}

#[test]
fn the_plan_is_a_diamond_where_enablement_need_not_wait() {
    let scene = Scene::default();
    let design = scene.design(&ask());
    assert_eq!(crate::plans::check::check(&design.plan), []);
    let shape = pattern(&design.plan);
    assert_eq!(shape.kind, PatternKind::Diamond, "{}", shape.explanation);
    assert!(shape.explanation.contains(GATE), "{}", shape.explanation);
    let dates = schedule(&design.plan).unwrap();
    assert!(dates.impossible.is_empty(), "{:?}", dates.impossible);
    assert_eq!(
        dates.slot(&apply_task()).map(|slot| slot.end_at <= design.plan.deadline.unwrap()),
        Some(true)
    );
    // Where definitions are missing, enablement waits for them and for what is promised.
    let mut bare = Scene::default();
    bare.policy.opens.clear();
    let missing = json!({"segment": "enterprise", "goal": "pipeline", "responseSla": "2h", "handoffType": "partner_to_sales", "launch": "2027-04-01"});
    let waits = bare.design(&missing).plan;
    assert!(waits.tasks.iter().any(|task| task.id.0 == "define-entry-stage"));
    let enable = waits.tasks.iter().find(|task| task.id.0.starts_with("enable-")).unwrap();
    assert_eq!(enable.depends_on[0].0, "sla-model");
    assert_eq!(crate::plans::check::check(&waits), []);
}

#[test]
fn the_preflight_names_who_is_missing() {
    let scene = Scene::default();
    let mut unowned = ask();
    unowned["owners"] = json!({});
    let found = preflight(&scene.design(&unowned).plan, &preflight::Known::default());
    assert!(
        found.iter().any(|finding| finding.blocks && finding.code == FindingCode::NoPerson),
        "{found:#?}"
    );
    let named = preflight(&scene.design(&ask()).plan, &preflight::Known::default());
    assert!(named.iter().all(|finding| finding.code != FindingCode::NoPerson), "{named:#?}");
    assert!(
        named
            .iter()
            .all(|finding| finding.code != FindingCode::NoDeliverable
                && finding.code != FindingCode::OutputTwice),
        "{named:#?}"
    );
}

#[test]
fn due_dates_are_working_days_before_the_launch() {
    let scene = Scene::default();
    let packet = scene.design(&ask()).packet;
    let calendar = scene.roster.calendar_of_team(&scene.brief(&ask()).team);
    for line in &packet.enablement {
        assert!(calendar.is_working_day(line.due_on) && calendar.is_working_day(line.begin_on), "{line:?}");
        assert!(line.begin_on <= line.due_on && line.due_on < packet.launch && !line.is_late, "{line:?}");
        let days = calendar.working_days_between(line.begin_on, line.due_on) + 1;
        assert_eq!(days, i32::from(line.work_days), "{line:?}");
    }
    let dashboards =
        packet.enablement.iter().filter(|line| line.pod.as_deref() == Some("enterprise")).count();
    assert!(dashboards >= 4, "each kind for the pod");
    let soon = scene.design(&with(&json!({"launch": "2027-02-03"}))).packet;
    assert!(soon.enablement.iter().any(|line| line.is_late) && soon.dependencies[0].is_late);
}

#[test]
fn the_plan_keeps_the_days_that_the_packet_tells() {
    let scene = Scene::default();
    for segment in super::brief::Segment::ALL {
        for goal in super::brief::Goal::ALL {
            let mut ask = with(&json!({"segment": segment, "goal": goal}));
            ask["pods"] = json!([]);
            let design = scene.design(&ask);
            let dates = schedule(&design.plan).unwrap();
            assert!(dates.impossible.is_empty(), "{segment:?} {goal:?}: {:?}", dates.impossible);
            let calendar = scene.roster.calendar_of_team(&scene.brief(&ask).team);
            let ends_on = |name: &str| {
                let at = design.plan.tasks.iter().position(|task| task.id.0 == name).unwrap();
                calendar.local_date(dates.slots[at].end_at - chrono::TimeDelta::microseconds(1))
            };
            let packet = &design.packet;
            let enablement =
                packet.enablement.iter().map(|line| (format!("enable-{}", line.id), line.due_on));
            let checklist = packet.checklist.iter().map(|line| (format!("setup-{}", line.id), line.due_on));
            for (name, due_on) in enablement.chain(checklist) {
                assert_eq!(ends_on(&name), due_on, "{segment:?} {goal:?} {name}");
            }
        }
    }
}

#[test]
fn two_roles_sign_and_each_has_its_task() {
    let design = Scene::default().design(&ask());
    for sign in SignOff::ALL {
        let task = design.plan.tasks.iter().find(|task| task.id == sign_task(sign)).unwrap();
        assert!(task.checkpoint, "{task:?}");
    }
    let gate = design.plan.gates.iter().find(|gate| gate.id.0 == GATE).unwrap();
    assert_eq!(gate.before.len(), 2);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn scaled_terms_hold_together(minutes in 1_u16..3_000, business in any::<bool>(), kind in 0_usize..7) {
        let scene = Scene::default();
        let (_, of_type) = scene.types.iter().nth(kind).unwrap();
        let basis = if business { Basis::Business } else { Basis::Wall };
        let terms = scaled(&of_type.sla, Length::minutes(minutes), basis);
        prop_assert!(terms.faults().is_empty(), "{minutes} {:?}", terms.faults());
    }

    #[test]
    fn any_design_has_a_plan_without_faults_and_entries_that_hold_together(
        segment in 0_usize..4, goal in 0_usize..4, minutes in 5_u32..10_000, days in 1_i64..200, pods in any::<bool>(),
    ) {
        let scene = Scene { runs: 24, ..Scene::default() };
        let launch = scene.now.date_naive() + chrono::TimeDelta::days(days);
        let ask = json!({
            "segment": super::brief::Segment::ALL[segment], "goal": super::brief::Goal::ALL[goal],
            "responseSla": format!("{minutes}m"), "launch": launch,
            "capacity": {"arrivalsPerWeek": 3.0, "handling": "30m", "preparing": "5m"},
            "pods": if pods && segment != 3 { json!(["enterprise"]) } else { json!([]) },
        });
        let design = scene.design(&ask);
        prop_assert_eq!(crate::plans::check::check(&design.plan), []);
        // Dates that cannot be kept are said, and all others lie in working time.
        let dates = schedule(&design.plan).unwrap();
        prop_assert!(dates.ends_at <= design.plan.deadline.unwrap() || !dates.impossible.is_empty());
        let again = scene.design(&ask);
        prop_assert_eq!(&design.packet, &again.packet, "the same request gives the same packet");
        let mut entries = scene.entries.clone();
        design.entries.iter().for_each(|entry| entries.put(entry.clone()));
        prop_assert!(entries.file().check().is_ok());
    }
}
