//! The program: parses the command line and runs it.

use std::process::ExitCode;

/// Requests are made of many small pieces; this allocator serves them in less time than the system's.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main]
async fn main() -> ExitCode {
    gtm::cli::run().await
}
