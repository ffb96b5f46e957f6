//! Reports of each type as they stand in `golden`, their order, and that nothing in a text leaves its place.

use std::path::PathBuf;

use proptest::prelude::*;

use super::*;
use crate::handoffs::package::tests::{World, handoff_type, now, types};
use crate::handoffs::package::{self, DecisionContext, completeness, holds};
use chrono::TimeDelta;

/// Everything around a package that a report tells.
struct Scene {
    package: Package,
    type_name: String,
    handoff_type: HandoffType,
    completeness: Completeness,
    holds: Vec<Hold>,
    actions: Vec<Action>,
    zone: Zone,
    status: &'static str,
    person: String,
}

impl Scene {
    fn new(world: &World, type_name: &str) -> Self {
        let handoff_type = handoff_type(type_name);
        let package = package::build(&world.inputs(), type_name, &handoff_type);
        let holds = holds(&package, &handoff_type);
        let done = ["CRM updated", "Briefing sent to Mara Lind", "SLA clock started"];
        Self {
            type_name: type_name.to_owned(),
            completeness: completeness(&package, &handoff_type),
            status: if holds.is_empty() { "assigned" } else { "held" },
            actions: done.map(|label| Action { label: label.to_owned(), at: now() }).to_vec(),
            zone: Zone::find("Europe/Berlin").unwrap(),
            person: "Mara Lind".to_owned(),
            package,
            handoff_type,
            holds,
        }
    }

    /// A believable handoff of each type.
    fn of_type(type_name: &str) -> Self {
        let mut world = match type_name {
            "closed_to_cs" | "expansion_to_sales" => World::customer(),
            _ => World::prospect(),
        };
        if type_name == "plg_to_sales" {
            world.decision = Some(DecisionContext {
                reasoning: "Mid-market, usage at depth 72 and levelled off, and a partner overlaps."
                    .to_owned(),
                top_features: vec!["certificates".to_owned()],
                expansion_signals: vec!["seats_nearly_full".to_owned()],
                partner_context: Some("AWS Marketplace customer, eligible for co-sell".to_owned()),
                decision_id: None,
            });
        }
        Self::new(&world, type_name)
    }

    fn inputs(&self) -> ReportInputs<'_> {
        ReportInputs {
            package: &self.package,
            type_name: &self.type_name,
            handoff_type: &self.handoff_type,
            from: Party { team: &self.handoff_type.from_team, person: Some("Piet Brandt") },
            to: Party { team: &self.handoff_type.to_team, person: Some(&self.person) },
            why: Some("Next in turn in the territory dach-mid."),
            status: self.status,
            due_at: self
                .holds
                .is_empty()
                .then(|| now() + TimeDelta::seconds(self.handoff_type.sla.budget.total_seconds())),
            zone: &self.zone,
            completeness: &self.completeness,
            holds: &self.holds,
            actions: &self.actions,
            link: Some("https://gtm.example/handoffs/1"),
        }
    }
}

/// Compares with the file in `golden`; writes it when `UPDATE_DOCS` is set.
#[track_caller]
fn keep(name: &str, told: &str) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src/handoffs/report/golden").join(name);
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, told).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    let line = kept.lines().zip(told.lines()).position(|(kept, told)| kept != told);
    assert!(
        kept == told,
        "golden/{name} differs from line {:?} on. If it should, bring it up to date with:\n\n    \
         UPDATE_DOCS=1 cargo test --lib handoffs::report\n",
        line.map(|line| line + 1)
    );
}

#[test]
fn the_report_of_each_type_is_as_kept() {
    for (name, _) in types().iter() {
        keep(&format!("{name}.md"), &markdown(&Scene::of_type(name).inputs()));
    }
    keep("closed_to_cs.html", &html(&Scene::of_type("closed_to_cs").inputs()));
    let mut summaries = Vec::new();
    for (name, _) in types().iter() {
        summaries.push(summary(&Scene::of_type(name).inputs()));
    }
    summaries.push(summary(&Scene::new(&World::empty(), "mql_to_sales").inputs()));
    keep("summaries.txt", &format!("{}\n", summaries.join("\n\n")));
    keep("held.md", &markdown(&Scene::new(&World::empty(), "mql_to_sales").inputs()));
}

fn headings(report: &str) -> Vec<&str> {
    report.lines().filter_map(|line| line.strip_prefix("## ")).collect()
}

#[test]
fn each_type_leads_with_its_own_focus() {
    let cases: [(&str, &[&str]); 7] = [
        ("mql_to_sales", &["Account summary", "Contacts", "Journey highlights", "Signs of growth"]),
        ("sql_to_ae", &["Qualification", "Agreed next steps"]),
        ("closed_to_cs", &["Deal", "Promised outcomes and success criteria", "Contacts"]),
        ("expansion_to_sales", &["Product usage", "Signs of growth", "Relationship", "Pricing history"]),
        ("plg_to_sales", &["Product usage", "Signs of growth"]),
        ("sales_to_partner", &["Opportunity", "Partners", "What may be shared"]),
        ("partner_to_sales", &["Partners", "Agreed next steps"]),
    ];
    assert_eq!(cases.len(), types().iter().count());
    for (name, leading) in cases {
        let report = markdown(&Scene::of_type(name).inputs());
        assert_eq!(&headings(&report)[..leading.len()], leading, "{name}");
    }
}

#[test]
fn every_report_has_all_parts_whatever_is_known() {
    let parts = [
        "Account summary",
        "Contacts",
        "Journey highlights",
        "Qualification",
        "Recommended approach",
        "Actions taken",
    ];
    for (name, _) in types().iter() {
        for scene in [Scene::of_type(name), Scene::new(&World::empty(), name)] {
            let report = markdown(&scene.inputs());
            let found = headings(&report);
            for part in parts {
                assert_eq!(found.iter().filter(|heading| **heading == part).count(), 1, "{name}: {part}");
            }
            assert!(found.contains(&"Deal") || found.contains(&"Opportunity"), "{name}");
            assert!(found.contains(&"Next steps for Mara Lind"), "{name}");
            let inputs = scene.inputs();
            let html = html(&inputs);
            assert_eq!(html.matches("<h2 ").count(), found.len(), "both forms have the same sections");
        }
    }
}

#[test]
fn a_held_handoff_says_so_and_what_releases_it() {
    let scene = Scene::new(&World::empty(), "sql_to_ae");
    let report = markdown(&scene.inputs());
    assert_eq!(report.matches("**Held**").count(), scene.holds.len());
    assert!(report.contains("Deadline | the clock does not run"), "{report}");
    assert_eq!(next_steps(&scene.inputs())[0], scene.holds[0].released_by);
    assert!(summary(&scene.inputs()).contains("Held: Nobody at the company is known."));
}

#[test]
fn only_what_was_done_is_listed_as_done() {
    let mut scene = Scene::of_type("mql_to_sales");
    assert_eq!(markdown(&scene.inputs()).matches('✅').count(), 3);
    scene.actions.clear();
    let report = markdown(&scene.inputs());
    assert!(!report.contains('✅') && report.contains("None so far."));
}

/// Texts that try to be something else.
fn hostile() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("<script>alert(1)</script>"),
        Just("|"),
        Just("*"),
        Just("**b**"),
        Just("`"),
        Just("```"),
        Just("\n"),
        Just("\n\n# "),
        Just("\r\n| a | b |"),
        Just("\u{202e}"),
        Just("\u{2028}"),
        Just("\u{200f}"),
        Just("\\"),
        Just("\\|"),
        Just("[x](https://evil.example)"),
        Just("![x](y)"),
        Just("<https://evil.example>"),
        Just("https://evil.example"),
        Just("www.evil.example"),
        Just("\" onload=\"x"),
        Just("' x='"),
        Just("&lt;"),
        Just("&#60;b&#62;"),
        Just("<!--"),
        Just("-->"),
        Just("</td></tr></table>"),
        Just("- "),
        Just("1. "),
        Just("> "),
        Just("# "),
        Just("~~~"),
        Just("---"),
        Just("___"),
        Just("$x$"),
        Just("\t"),
        Just("\u{0007}"),
        Just("Anna"),
        Just(" "),
        Just("{{7*7}}"),
    ];
    prop::collection::vec(piece, 1..6).prop_map(|pieces| format!("{}n", pieces.concat()))
}

/// The same package with every text that others wrote replaced.
fn poisoned(package: &Package, with: &dyn Fn() -> String) -> Package {
    let mut package = package.clone();
    let set = |text: &mut Option<String>| *text = Some(with());
    let company = &mut package.company;
    for text in [
        &mut company.name,
        &mut company.website,
        &mut company.industry,
        &mut company.tier,
        &mut company.region,
    ] {
        set(text);
    }
    company.tech_stack = vec![with()];
    for contact in &mut package.contacts {
        set(&mut contact.name);
        set(&mut contact.title);
        set(&mut contact.email);
        set(&mut contact.phone);
    }
    set(&mut package.journey.source);
    package.journey.touchpoints.iter_mut().for_each(|touch| {
        touch.subject = Some(with());
        touch.activity_type = with();
    });
    package.journey.content_engaged = vec![with()];
    package.qualification.pain_points = vec![with()];
    set(&mut package.qualification.framework);
    set(&mut package.qualification.timeline);
    package.qualification.elements.iter_mut().for_each(|element| element.value = Some(with()));
    if let Some(deal) = &mut package.deal {
        set(&mut deal.name);
        set(&mut deal.stage);
        set(&mut deal.amount);
        set(&mut deal.currency);
        deal.products = vec![with()];
    }
    package.expansion.signals = vec![with()];
    let promises = &mut package.promises;
    for promise in
        promises.promised.iter_mut().chain(&mut promises.success_criteria).chain(&mut promises.next_steps)
    {
        promise.text = with();
        promise.source = with();
        if let Some(scope) = &mut promise.scope {
            scope.not_sold.iter_mut().for_each(|name| *name = with());
        }
    }
    package.recommendations.iter_mut().for_each(|advice| advice.text = with());
    set(&mut package.partner.context);
    package.partner.overlaps.iter_mut().for_each(|overlap| overlap.partner_id = with());
    package.partner.consents.iter_mut().for_each(|consent| consent.purpose = with());
    package.relationship.subscriptions.iter_mut().for_each(|of| of.plan_tier = Some(with()));
    package
}

/// What begins a block, again and again: headings, quotes, lists, numbers.
fn markers(line: &str) -> String {
    let (mut found, mut rest) = (String::new(), line);
    loop {
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let signs = rest.len() - rest.trim_start_matches(['#', '>', '-', '+', '=']).len();
        let numbered = digits > 0 && rest[digits..].starts_with(['.', ')']);
        let length = if numbered { digits + 1 } else { signs };
        if length == 0 {
            return found;
        }
        found.push_str(&rest[..length]);
        rest = rest[length..].trim_start();
    }
}

/// What a reader of Markdown takes for structure: for each line how it begins, and how many cells it has.
fn structure(markdown: &str) -> Vec<(String, usize)> {
    let cells = |line: &str| {
        let mut escaped = false;
        line.chars()
            .filter(|c| {
                let bar = *c == '|' && !escaped;
                escaped = *c == '\\' && !escaped;
                bar
            })
            .count()
    };
    markdown.lines().map(|line| (markers(line), cells(line))).collect()
}

/// Markup of Markdown that is not escaped, in order.
fn marks(markdown: &str) -> String {
    let mut escaped = false;
    let free = markdown.chars().filter(|c| {
        let free = !escaped && "`*[]<>~&$".contains(*c);
        escaped = *c == '\\' && !escaped;
        free
    });
    free.collect()
}

/// The tags of HTML, in order, with their attributes.
fn tags(html: &str) -> Vec<&str> {
    html.split('<').skip(1).map(|part| part.split('>').next().unwrap_or(part)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn no_text_breaks_a_row_or_injects_markup(texts in prop::collection::vec(hostile(), 1..5), of in 0_usize..7) {
        let name = types().iter().nth(of).map(|(name, _)| name.to_owned()).unwrap();
        let at = std::cell::Cell::new(0);
        let next = || {
            at.set(at.get() + 1);
            texts[at.get() % texts.len()].clone()
        };
        let (mut tame, mut wild) = (Scene::of_type(&name), Scene::of_type(&name));
        tame.package = poisoned(&tame.package, &|| "nn".to_owned());
        tame.person = "nn".to_owned();
        tame.actions[0].label = "nn".to_owned();
        wild.package = poisoned(&wild.package, &next);
        wild.person = next();
        wild.actions[0].label = next();

        let (plain, found) = (markdown(&tame.inputs()), markdown(&wild.inputs()));
        prop_assert_eq!(structure(&plain), structure(&found), "{}", found);
        prop_assert_eq!(marks(&plain), marks(&found), "{}", found);
        prop_assert!(!found.contains("https://evil.example") && !found.contains("www.evil"), "{}", found);

        let (plain, found) = (html(&tame.inputs()), html(&wild.inputs()));
        prop_assert_eq!(tags(&plain), tags(&found));
        for text in [&found, &summary(&wild.inputs())] {
            let unseen = ['\u{202e}', '\u{200f}', '\u{2028}', '\u{7}'].iter().any(|c| text.contains(*c));
            prop_assert!(!unseen);
        }
        prop_assert_eq!(summary(&tame.inputs()).lines().count(), summary(&wild.inputs()).lines().count());
    }
}
