//! Benchmarks of the whole service on a real, durable Postgres, each printed as a ratio against a baseline that is
//! measured in the same run: machines differ and are noisy, ratios travel.
//!
//! `cargo bench --bench service` runs all; `cargo bench --bench service -- intake decisions` some. Leaves out the
//! pure parts, which have benchmarks of their own (`decide`, `intake_decode`).
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a benchmark prints, and stops where it cannot go on"
)]
#![expect(clippy::cast_precision_loss, reason = "counts and durations far below 2^53")]

mod cpu;
mod decisions;
mod handoffs;
mod intake;
mod latency;
mod load;
mod scale;
mod setup;

use setup::Bench;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    let wanted: Vec<String> = std::env::args().skip(1).filter(|arg| !arg.starts_with('-')).collect();
    let wants = |name: &str| wanted.is_empty() || wanted.iter().any(|one| one == name);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let bench = Bench::start().await;
        if wants("intake") {
            intake::run(&bench).await;
        }
        if wants("decisions") {
            decisions::run(&bench).await;
        }
        if wants("handoffs") {
            handoffs::run(&bench).await;
        }
        if wants("latency") {
            latency::run(&bench).await;
        }
        if wants("scale") {
            scale::run(&bench).await;
        }
        // Only when named: load on the service alone, for a profiler that is attached from outside.
        if wanted.iter().any(|one| one == "profile") {
            intake::profile(&bench).await;
        }
        bench.stop().await;
    });
}
