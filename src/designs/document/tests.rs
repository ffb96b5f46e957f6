//! Documents as they stand in `golden`, and that texts of others stay texts.

use std::path::PathBuf;

use serde_json::json;

use super::*;
use crate::designs::samples::{Scene, ask, now};
use crate::plans::schedule::schedule;

/// Compares with the file in `golden`; writes it when `UPDATE_DOCS` is set.
#[track_caller]
fn keep(name: &str, told: &str) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src/designs/document/golden").join(name);
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, told).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    let line = kept.lines().zip(told.lines()).position(|(kept, told)| kept != told);
    assert!(
        kept == told,
        "golden/{name} differs from line {:?} on. If it should, bring it up to date with:\n\n    \
         UPDATE_DOCS=1 cargo test --lib designs::document\n",
        line.map(|line| line + 1)
    );
}

fn told(
    scene: &Scene,
    ask: &serde_json::Value,
    signed: &[Signed],
    tell: impl Fn(&Told<'_>) -> String,
) -> String {
    let design = scene.design(ask);
    let dates = schedule(&design.plan).ok();
    let zone = Zone::find("Europe/Berlin").unwrap();
    tell(&Told {
        packet: &design.packet,
        plan: &design.plan,
        schedule: dates.as_ref(),
        version: 1,
        status: "draft",
        author: "Rosa Diaz",
        made_at: now(),
        signed,
        zone: &zone,
    })
}

#[test]
fn the_packet_is_as_kept() {
    let signed = [Signed {
        sign: SignOff::Revops,
        name: "Rosa Diaz".to_owned(),
        at: now() + chrono::TimeDelta::hours(5),
        comment: Some("Fine for the first quarter".to_owned()),
    }];
    keep("enterprise_pipeline.md", &told(&Scene::default(), &ask(), &signed, as_markdown));
    keep("enterprise_pipeline.html", &told(&Scene::default(), &ask(), &signed, as_html));
    let measured = json!({
        "segment": "smb", "goal": "product_activation", "responseSla": "4h", "basis": "business", "launch": "2027-03-01",
    });
    keep("smb_activation.md", &told(&Scene::measured(8, 24), &measured, &[], as_markdown));
}

#[test]
fn it_is_told_in_words_and_not_in_names_of_the_code() {
    let page = told(&Scene::default(), &ask(), &[], as_markdown);
    for raw in ["\\`", "mql_to_sales", "enterprise_low", "revops manager", "### sla", "ready-to-sign"] {
        assert!(!page.contains(raw), "{raw} in\n{page}");
    }
    assert!(page.contains("“SLA modelling”") && page.contains("the RevOps Manager"), "{page}");
}

#[test]
fn texts_of_others_stay_texts() {
    let mut hostile = ask();
    hostile["capacity"]["notes"] = json!(["<script>alert(1)</script> | # x"]);
    hostile["owners"]["cro"]["name"] = json!("</td><b>Tom");
    hostile["dependencies"][0]["name"] = json!("a | b\n# c");
    let html = told(&Scene::default(), &hostile, &[], as_html);
    assert!(!html.contains("<script") && !html.contains("<b>Tom"), "markup came through");
    let markdown = told(&Scene::default(), &hostile, &[], as_markdown);
    assert!(!markdown.contains("\n# c") && markdown.contains(r"a \| b # c"), "{markdown}");
}
