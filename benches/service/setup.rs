//! A durable cluster of the benchmark's own, databases on it, and services over them.

use std::path::PathBuf;
use std::process::Command;

use gtm::app::{self, Running, StartOptions};
use gtm::platform::postgres::{self, Durability, Embedded, Options};
use gtm::settings::Settings;
use sqlx::PgPool;
use sqlx::postgres::PgPoolOptions;

use crate::cpu::Cpu;

pub const KEY: &str = "bench-admin-key-0123456789";
/// Connections of every pool that is compared.
pub const CONNECTIONS: u32 = 16;

/// The cluster that everything runs on.
pub struct Bench {
    cluster: Embedded,
    dir: PathBuf,
}

impl Bench {
    pub async fn start() -> Self {
        let dir = std::env::temp_dir().join(format!("gtm-bench-{}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        let root = dir.join("postgres");
        let cluster =
            postgres::start(Options { root, durability: Durability::Durable, binaries: None }).await.unwrap();
        Self { cluster, dir }
    }

    /// A plain pool on a database, as the baselines use it.
    pub async fn pool(&self, database: &str, connections: u32) -> PgPool {
        PgPoolOptions::new()
            .max_connections(connections)
            .min_connections(connections)
            .test_before_acquire(false)
            .connect_with(self.cluster.connect_options(database))
            .await
            .unwrap()
    }

    /// A new, empty database.
    pub async fn database(&self, name: &str) {
        let pool = self.pool("postgres", 1).await;
        sqlx::raw_sql(sqlx::AssertSqlSafe(format!("CREATE DATABASE {name}"))).execute(&pool).await.unwrap();
        pool.close().await;
    }

    /// The address of a new, empty database.
    pub async fn database_url(&self, name: &str) -> String {
        self.database(name).await;
        let options = self.cluster.connect_options(name);
        let socket = options.get_socket().unwrap().display().to_string();
        format!(
            "postgres:///{name}?host={socket}&port={}&user={}",
            options.get_port(),
            options.get_username()
        )
    }

    /// What the processors did so far.
    pub fn cpu(&self) -> Option<Cpu> {
        Cpu::now(&self.dir.join("postgres"))
    }

    /// A data directory of a service.
    pub fn dir(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    /// A service on a new database.
    pub async fn service(&self, name: &str) -> Running {
        let url = self.database_url(name).await;
        let settings = Settings::load(
            None,
            [
                ("DATABASE_URL", url.as_str()),
                ("GTM_HTTP__BIND", "127.0.0.1:0"),
                ("GTM_DATABASE__MAX_CONNECTIONS", &CONNECTIONS.to_string()),
            ]
            .map(|(name, value)| (name.to_owned(), value.to_owned())),
        )
        .unwrap();
        let options = StartOptions {
            settings,
            data_dir: self.dir.join(name),
            sandbox: false,
            announced: true,
            admin_key: Some(KEY.into()),
        };
        app::start(options).await.unwrap()
    }

    /// Runs pgbench on a new database of its own; gives the transactions per second of its TPC-B-like script.
    pub async fn pgbench(&self, clients: u32, seconds: u32) -> f64 {
        let name = "pgbench";
        let pool = self.pool("postgres", 1).await;
        sqlx::raw_sql("DROP DATABASE IF EXISTS pgbench").execute(&pool).await.unwrap();
        pool.close().await;
        self.database(name).await;
        let options = self.cluster.connect_options(name);
        let run = |args: &[&str]| {
            let output = Command::new("pgbench")
                .args(["-h", &options.get_socket().unwrap().display().to_string()])
                .args(["-p", &options.get_port().to_string(), "-U", options.get_username()])
                .args(args)
                .arg(name)
                .output()
                .expect("pgbench belongs to the PostgreSQL packages and must be on PATH");
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            String::from_utf8_lossy(&output.stdout).into_owned()
        };
        run(&["-i", "-q", "-s", "20"]);
        let (clients, seconds) = (clients.to_string(), seconds.to_string());
        let text = run(&["-M", "prepared", "-c", &clients, "-j", "2", "-T", &seconds]);
        let line = text.lines().find(|line| line.starts_with("tps = ")).unwrap();
        line.split_whitespace().nth(2).unwrap().parse().unwrap()
    }

    pub async fn stop(self) {
        self.cluster.stop().await.unwrap();
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}
