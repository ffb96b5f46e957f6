//! The database of the service: an existing server, or one that is started with it.

use std::path::Path;
use std::str::FromStr;

use secrecy::ExposeSecret;
use sqlx::PgPool;
use sqlx::postgres::PgConnectOptions;

use super::start::StartError;
use crate::platform::db;
use crate::platform::postgres::{self, Durability, Embedded, Options};
use crate::settings::DatabaseSettings;

/// A pool, and the server behind it when it is ours.
pub(super) struct Database {
    pub pool: PgPool,
    pub embedded: Option<Embedded>,
}

/// Opens the database and brings its schema up to date.
pub(super) async fn open(settings: &DatabaseSettings, data_dir: &Path) -> Result<Database, StartError> {
    let url = settings.url.expose_secret();
    let (options, embedded) = if url.is_empty() {
        let root = data_dir.join("postgres");
        let embedded =
            postgres::start(Options { root, durability: Durability::Durable, binaries: None }).await?;
        (embedded.connect_options("postgres"), Some(embedded))
    } else {
        (PgConnectOptions::from_str(url).map_err(|_| StartError::DatabaseUrl)?, None)
    };
    let pool = db::connect(options, settings.max_connections).await.map_err(StartError::Connect)?;
    db::migrate(&pool).await?;
    Ok(Database { pool, embedded })
}
