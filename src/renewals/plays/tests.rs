//! The file that ships, and what is said of a wrong one.

use super::*;

fn lines(faults: &[PlaysFault]) -> String {
    faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

#[test]
fn the_plays_that_ship_are_as_promised() {
    let plays = Plays::parse(DEFAULT_PLAYS).unwrap_or_else(|faults| panic!("{}", lines(&faults)));
    assert_eq!(plays.names(), ["adoption-accelerator", "exec-save", "pricing-refresh", "value-realization"]);
    let terms = &plays.file().terms;
    assert_eq!((terms.retries, terms.red_checkpoints, terms.slipped_milestones), (2, 2, 2));
    let ladder: Vec<&str> = terms.ladder.iter().map(|role| role.get_ref().as_str()).collect();
    assert_eq!(ladder, ["csm", "renewal_director"]);
    let tell: Vec<&str> = terms.tell.iter().map(|role| role.get_ref().as_str()).collect();
    assert_eq!(tell, ["cro", "product", "finance"]);
    let every = Risk::ALL.map(|risk| plays.risk(risk).every);
    assert_eq!(every, [30, 14, 7], "the worse, the more often");
}

#[test]
fn every_combination_has_owners_material_and_something_to_say() {
    let plays = Plays::parse(DEFAULT_PLAYS).unwrap();
    for name in plays.names() {
        for (risk, tier) in Risk::ALL.into_iter().flat_map(|risk| Tier::ALL.map(|tier| (risk, tier))) {
            let whole = plays.compose(name, risk, tier).unwrap();
            let kinds: Vec<&str> =
                whole.tasks.iter().filter_map(|task| task.asset).map(|asset| asset.kind.as_str()).collect();
            assert!(kinds.contains(&"deck") && kinds.contains(&"faq"), "{name} {risk} {tier}: {kinds:?}");
            assert!(whole.tasks.iter().filter(|task| task.milestone).count() >= 4, "{name} {risk} {tier}");
            assert!(whole.points.len() >= 6 && !whole.proof.is_empty(), "{name} {risk} {tier}");
            for task in &whole.tasks {
                assert!(plays.file().roles.contains_key(task.owner), "{}", task.owner);
            }
        }
    }
    assert!(plays.compose("exec_save", Risk::Red, Tier::Scale).is_none());
}

#[test]
fn a_tier_leaves_out_shortens_and_has_others_stand_in() {
    let plays = Plays::parse(DEFAULT_PLAYS).unwrap();
    let scale = plays.compose("exec-save", Risk::Red, Tier::Scale).unwrap();
    let strategic = plays.compose("exec-save", Risk::Red, Tier::Strategic).unwrap();
    let task = |whole: &Composed<'_>, id: &str| {
        whole.tasks.iter().find(|task| task.id == id).map(|task| {
            (
                task.owner.to_owned(),
                task.before,
                task.after.iter().map(ToString::to_string).collect::<Vec<_>>(),
            )
        })
    };
    assert_eq!(task(&scale, "stakeholder-map"), None);
    assert_eq!(
        task(&scale, "play-brief"),
        Some(("csm".into(), 37, vec!["context-review".into(), "forecast-entry".into()])),
        "what it depended on takes the place of what is left out"
    );
    assert_eq!(task(&scale, "sponsor-call").unwrap().0, "renewal_director");
    assert_eq!(
        task(&strategic, "sponsor-call").unwrap(),
        ("exec_sponsor".into(), 64, vec!["save-brief".into()])
    );
}

#[test]
fn all_faults_of_values_come_at_once_with_line_and_suggestion() {
    let text = DEFAULT_PLAYS
        .replace("gate_keeper = \"renewal_director\"", "gate_keeper = \"renewal_directr\"")
        .replace("usage_plateau = {", "usage_plato = {")
        .replace("red_from = 55", "red_from = 20")
        .replace(
            "{seats_used} of {seats} seats were in use last week. Which",
            "{seats_use} of {seats} seats. Which",
        )
        .replace(
            "after = [\"usage-to-price\"]\n\n[[plays.pricing-refresh.tasks]]",
            "after = [\"usage-too-price\"]\n\n[[plays.pricing-refresh.tasks]]",
        )
        .replace("without = [\"stakeholder-map\"]", "without = [\"stakeholder-mapp\"]")
        .replace("lead = 85", "lead = 5")
        .replace("fallback = \"ceo\"", "fallback = \"finance\"");
    let faults = Plays::parse(&text).unwrap_err();
    let said = lines(&faults);
    for (path, hint) in [
        ("terms.gate_keeper: `renewal_directr` is no role", "did you mean `renewal_director`?"),
        ("rating.signs.usage_plato: `usage_plato` is no sign of risk", "did you mean `usage_plateau`?"),
        ("rating.signs: `usage_plateau` is missing", ""),
        ("rating.red_from: must be more", ""),
        (
            "plays.adoption-accelerator.points[0].say: `{seats_use}` is no fact",
            "did you mean `{seats_used}`?",
        ),
        ("tiers.scale.without[0]: `stakeholder-mapp` is no task", "did you mean `stakeholder-map`?"),
        ("tiers.growth.lead: 5 is out of range", ""),
        ("comes after `usage-too-price`, and there is no such task", ""),
        ("roles.cro.fallback: stands in for itself in the end: cro → finance → cro", ""),
    ] {
        let line = said.lines().find(|line| line.contains(path));
        assert!(line.is_some_and(|line| line.contains(hint)), "{path}\nin\n{said}");
    }
    let line = text.lines().position(|line| line.contains("renewal_directr")).unwrap() + 1;
    assert!(said.contains(&format!("{line}:15: terms.gate_keeper")), "{said}");
    let once = said.matches("usage-too-price").count();
    assert_eq!(once, 1, "nine combinations have it, and it is told once: {said}");
}

#[test]
fn orders_that_cannot_be_are_found() {
    let later = DEFAULT_PLAYS
        .replace("before = 35\nafter = [\"offer-terms\"]", "before = 45\nafter = [\"offer-terms\"]");
    let said = lines(&Plays::parse(&later).unwrap_err());
    assert!(said.contains("`renewal-offer` is done 45 days before and comes after `offer-terms`, which is done 40 days before"), "{said}");
    let twice = DEFAULT_PLAYS.replace("id = \"results-deck\"", "id = \"play-brief\"");
    let said = lines(&Plays::parse(&twice).unwrap_err());
    assert!(said.contains("there are two tasks `play-brief`"), "{said}");
    let circle = DEFAULT_PLAYS
        .replace("before = 40\n", "before = 40\nafter = [\"negotiation\"]\n")
        .replace("before = 35\nafter = [\"offer-terms\"]", "before = 40\nafter = [\"offer-terms\"]")
        .replace("before = 14\nafter = [\"renewal-offer\"]", "before = 40\nafter = [\"renewal-offer\"]");
    let said = lines(&Plays::parse(&circle).unwrap_err());
    assert!(said.contains("`negotiation` waits for itself in the end"), "{said}");
}

#[test]
fn a_fault_of_form_names_its_line() {
    let slip = DEFAULT_PLAYS.replace("milestone = true", "mile_stone = true");
    let faults = Plays::parse(&slip).unwrap_err();
    assert_eq!(faults.len(), 1);
    let line = slip.lines().position(|line| line.contains("mile_stone")).unwrap() + 1;
    assert_eq!(faults[0].line, line);
    assert!(faults[0].message.contains("mile_stone"), "{}", faults[0]);
    let zone = DEFAULT_PLAYS.replace("zone = \"UTC\"", "zone = \"Europe/Berln\"");
    let said = lines(&Plays::parse(&zone).unwrap_err());
    assert!(said.contains("calendar.zone") && said.contains("Europe/Berlin"), "{said}");
}
