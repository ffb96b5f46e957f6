//! `gtm migrate`: bring the database up to date, and nothing else.

use std::str::FromStr as _;

use anyhow::Context as _;
use secrecy::ExposeSecret as _;
use sqlx::postgres::PgConnectOptions;

use super::context::Context;
use crate::platform::db;
use crate::platform::postgres::{self, Durability};

/// The directory of the embedded server within the data directory.
pub const CLUSTER: &str = "postgres";
/// The database that the service uses on an embedded server.
pub const DATABASE: &str = "postgres";
/// Connections that the migrations need.
const CONNECTIONS: u32 = 2;

pub async fn run(context: &Context) -> anyhow::Result<()> {
    let settings = context.target.settings()?;
    let url = settings.database.url.expose_secret();
    if !url.is_empty() {
        let options = PgConnectOptions::from_str(url).context("the database's address cannot be read")?;
        return migrate(options, context).await;
    }
    let server = postgres::start(postgres::Options {
        root: context.target.data_dir.join(CLUSTER),
        durability: Durability::Durable,
        binaries: None,
    })
    .await?;
    let migrated = migrate(server.connect_options(DATABASE), context).await;
    server.stop().await?;
    migrated
}

async fn migrate(options: PgConnectOptions, context: &Context) -> anyhow::Result<()> {
    let pool = db::connect(options, CONNECTIONS).await.context("the database cannot be reached")?;
    let migrated = db::migrate(&pool).await;
    pool.close().await;
    migrated?;
    context
        .screen
        .line(format!("The database is up to date ({} migrations).", db::MIGRATIONS.iter().count()));
    Ok(())
}
