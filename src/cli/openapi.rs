//! `gtm openapi`: the contract of the service as an `OpenAPI` 3.1 document. Needs no service.

use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;

use super::context::Context;
use crate::app;

#[derive(Debug, Args)]
pub struct OpenApi {
    /// Write to this file instead of standard output.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

pub fn run(args: &OpenApi, context: &Context) -> anyhow::Result<()> {
    let document = app::openapi_document()?;
    let text = format!("{document:#}\n");
    match &args.out {
        Some(path) => {
            std::fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))?;
        }
        None => context.screen.line(text.trim_end()),
    }
    Ok(())
}
