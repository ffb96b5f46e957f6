//! The program: parses the command line and runs it.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    gtm::cli::run().await
}
