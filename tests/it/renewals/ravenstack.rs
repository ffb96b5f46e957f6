//! Renewals of a foreign export, where it lies beside the checkout: every contract that ends is in the list, and every
//! renewal of the list can be planned.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use chrono::{Days, Months, NaiveDate};
use gtm::kernel::clock::Clock;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::process::Command;

use crate::client::ADMIN_KEY;
use crate::harness::{DataDir, Service};

/// How far ahead the list looks.
const HORIZON_DAYS: u64 = 90;

/// The rows of a file of the export.
fn rows(dir: &Path, file: &str) -> Vec<csv::StringRecord> {
    let text = std::fs::read_to_string(dir.join(file)).unwrap();
    let mut reader = csv::Reader::from_reader(text.trim_start_matches('\u{feff}').as_bytes());
    reader.records().map(Result::unwrap).collect()
}

fn date(cell: &str) -> Option<NaiveDate> {
    NaiveDate::parse_from_str(cell.get(..10)?, "%d-%m-%Y").ok()
}

/// The accounts of which something renews within the horizon, read off the export without the service.
fn renewing(dir: &Path, today: NaiveDate) -> BTreeSet<String> {
    let files = ["accounts", "churn_events", "feature_usage", "subscriptions", "support_tickets"];
    let all = files.iter().flat_map(|file| rows(dir, &format!("ravenstack_{file}.csv")));
    let newest = all.filter_map(|row| row.iter().filter_map(date).max()).max().unwrap();
    // The import moves the export to the day of the machine, whatever day the sandbox has.
    let moved = |date: NaiveDate| date + (Clock::System.now().date_naive() - newest);
    let subscriptions = rows(dir, "ravenstack_subscriptions.csv");
    let real = subscriptions.iter().filter(|row| &row[8] == "FALSE");
    real.filter_map(|row| {
        let start = moved(date(&row[2]).unwrap());
        let next = match date(&row[3]) {
            Some(end) => moved(end),
            // Without an end it renews every year.
            None => (1..50)
                .map(|years| start + Months::new(12 * years))
                .find(|anniversary| *anniversary >= today)?,
        };
        (next >= today && next <= today + Days::new(HORIZON_DAYS)).then(|| row[1].to_owned())
    })
    .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_contract_of_a_foreign_export_that_ends_can_be_planned() {
    let dir: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/ravenstack");
    if !dir.is_dir() {
        println!("not run: {} is absent; the other tests cover the list and the plans", dir.display());
        return;
    }
    let service = Service::sandbox().await;
    let rejected = DataDir::new();
    let imported = Command::new(env!("CARGO_BIN_EXE_gtm"))
        .args(["import", "ravenstack", "--shift-to-now", "--rejected-dir"])
        .arg(&rejected.0)
        .arg(&dir)
        .env("GTM_URL", format!("http://{}", service.running.address))
        .env("GTM_API_KEY", ADMIN_KEY)
        .output()
        .await
        .unwrap();
    assert!(imported.status.success(), "{}", String::from_utf8_lossy(&imported.stderr));
    service.until_applied().await;

    let coming = service.get(&format!("/v1/renewals/upcoming?days={HORIZON_DAYS}&limit=1000")).await;
    let listed = coming["data"].as_array().unwrap();
    let accounts: BTreeSet<String> =
        listed.iter().map(|row| row["accountId"].as_str().unwrap().to_owned()).collect();
    assert_eq!(accounts, renewing(&dir, service.now().date_naive()));
    assert_eq!((coming["total"].as_u64(), coming["cut"].as_bool()), (Some(listed.len() as u64), Some(false)));

    let mut levels = BTreeSet::new();
    for row in listed {
        let body = json!({"accountId": row["accountId"], "deadline": row["deadline"], "dryRun": true});
        let planned = service.send(Method::POST, "/v1/renewals", Some(body), 201).await;
        let proposed = json!([row["play"]["play"], row["tier"]["tier"], row["risk"]["risk"]]);
        let made = json!([planned["play"], planned["tier"], planned["risk"]["level"]]);
        assert_eq!(made, proposed, "what the list says is what is planned: {row:#}");
        assert!(planned["tasks"].as_array().unwrap().len() > 10, "{planned:#}");
        levels.insert(row["risk"]["risk"].as_str().unwrap().to_owned());
        reasons(row);
    }
    assert_eq!(levels.len(), 3, "every level of risk occurs: {levels:?}");
    service.stop().await;
}

/// Every level but green has its reasons, and they add up.
fn reasons(row: &Value) {
    let found = row["risk"]["reasons"].as_array().unwrap();
    let points: u64 = found.iter().map(|reason| reason["points"].as_u64().unwrap()).sum();
    assert_eq!(row["risk"]["score"].as_u64().unwrap(), points, "{row:#}");
    assert!(row["risk"]["risk"] == "green" || !found.is_empty(), "{row:#}");
}
