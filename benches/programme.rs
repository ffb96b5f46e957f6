//! How long a whole programme takes with the built-in drafter, in seconds: from the request to the last task, and the export of
//! its workspace besides. The promise is under 10 for the run.
//!
//! The service, its database and its workers are those of a real run, on a durable cluster of the benchmark's own.
//!
//! `cargo bench --bench programme` prints one line for each run.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a benchmark prints, and stops where it cannot go on"
)]

#[path = "service/cpu.rs"]
#[expect(dead_code, reason = "shared with the benchmark of the service, which uses more of it")]
mod cpu;
#[path = "service/setup.rs"]
#[expect(dead_code, reason = "shared with the benchmark of the service, which uses more of it")]
mod setup;

use std::time::{Duration, Instant};

use gtm::programmes::business::EXAMPLE;
use reqwest::Client;
use serde_json::{Value, json};

use setup::{Bench, KEY};

/// Runs one after the other.
const RUNS: usize = 3;
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Runs the example to its end; gives the seconds of the run and of the export, and the size of the archive.
async fn run(client: &Client, service: &str) -> (f64, f64, usize) {
    let begin = Instant::now();
    let asked =
        client.post(format!("{service}/v1/programmes")).bearer_auth(KEY).json(&json!({ "config": EXAMPLE }));
    let made: Value = asked.send().await.unwrap().error_for_status().unwrap().json().await.unwrap();
    let address = format!("{service}/v1/programmes/{}", made["programmeId"].as_str().unwrap());
    loop {
        let answer = client.get(&address).bearer_auth(KEY).send().await.unwrap();
        let programme: Value = answer.error_for_status().unwrap().json().await.unwrap();
        if programme["plan"]["status"] == "done" {
            break;
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
    let ran = begin.elapsed().as_secs_f64();
    let begin = Instant::now();
    let archive = client.get(format!("{address}/archive.tar.gz")).bearer_auth(KEY).send().await.unwrap();
    let bytes = archive.error_for_status().unwrap().bytes().await.unwrap().len();
    (ran, begin.elapsed().as_secs_f64(), bytes)
}

#[tokio::main]
async fn main() {
    // Tests run every target; a run of minutes is none of theirs.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let bench = Bench::start().await;
    let service = bench.service("programme").await;
    let client = gtm::platform::outbox::client(Duration::from_mins(1)).unwrap();
    let address = format!("http://{}", service.address);
    for number in 1..=RUNS {
        let (ran, exported, bytes) = run(&client, &address).await;
        println!("run {number}: {ran:.2} s to the last task; export {exported:.2} s, {} kB", bytes / 1024);
    }
    service.stop().await;
    bench.stop().await;
}
