//! The server behind the tests: shared by all test processes of a checkout, kept between runs, gone when unused.
//!
//! The cluster lies in memory (`/dev/shm`) where there is plenty, because a clone is three hundred small files and disks
//! take ten times as long for them; it then keeps about 100 MB until the machine restarts or somebody removes
//! `/dev/shm/gtm-test-*`. Otherwise it lies in the target directory. Two checkouts never meet.
//!
//! Test processes end without a word, so none of them stops the server; instead the server watches itself: a session
//! inside it ([`watch_statement`]) ends it after [`IDLE_SECONDS`] without any other session. That also covers killed runs.
//!
//! The template database carries a hash of the migrations in its name. It is built once, under an advisory lock, and
//! is marked as a template only when complete. Leaves out: databases of other programs on a shared server, which are
//! never touched: all names here begin with [`PREFIX`].

use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
    str::FromStr,
    sync::{LazyLock, mpsc::Sender},
    time::Duration,
};

use sha2::{Digest, Sha256};
use sqlx::{
    AssertSqlSafe, ConnectOptions, Connection, PgConnection, PgPool,
    postgres::{PgConnectOptions, PgPoolOptions},
};
use tokio::{runtime::Runtime, sync::OnceCell};
use uuid::Uuid;

use crate::platform::{
    db,
    postgres::{self, Durability, Embedded, Options},
};

/// Any failure here ends the test, with this text.
type Failure = Box<dyn std::error::Error + Send + Sync>;

/// What every database made here is called.
const PREFIX: &str = "gtm_test_";
/// Advisory lock of whoever builds a template.
const BUILD_LOCK: i64 = 0x6774_6d01;
/// Age in seconds at which a database that nobody dropped is dropped: longer than any test.
const LEFTOVER_SECONDS: u64 = 30 * 60;
/// Idle time in seconds after which the server ends itself. Long enough to keep it warm between two runs.
const IDLE_SECONDS: u32 = 120;
/// How often (1 ms apart) the end of a database's sessions is looked for before it is dropped regardless.
const DROP_ROUNDS: u32 = 200;
/// The memory file system of Linux.
const MEMORY: &str = "/dev/shm";
/// Free kilobytes there that make it worth using: the cluster, hundreds of clones at once, and room for others.
const MEMORY_KILOBYTES_MIN: u64 = 4 << 20;
/// Sessions for creating and dropping databases, per test process.
const ADMIN_CONNECTIONS: u32 = 4;

/// Advisory lock of the session that watches for idleness.
const WATCH_LOCK: u32 = 0x6774_6d02;

/// The runtime of the administration. Tests have runtimes of their own that end with them; this one does not.
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .thread_name("test-databases")
        .enable_all()
        .build()
        .expect("a runtime for the test databases: the system has no threads left")
});

/// The server of this process, reached once.
static SERVER: OnceCell<Server> = OnceCell::const_new();

struct Server {
    /// Sessions on the maintenance database.
    admin: PgPool,
    /// How to reach the server; the database is filled in per use.
    options: PgConnectOptions,
    /// The name of the migrated template.
    template: String,
    /// Keeps this process's share in the server until the process ends.
    _share: Option<Embedded>,
}

/// Creates a database from the template: its name and how to connect.
pub(super) async fn create() -> Result<(String, PgConnectOptions), Failure> {
    RUNTIME
        .spawn(async {
            let server = SERVER.get_or_try_init(reach).await?;
            let name = format!("{PREFIX}{}", Uuid::now_v7().simple());
            let statement = format!("CREATE DATABASE {name} TEMPLATE {} STRATEGY file_copy", server.template);
            sqlx::raw_sql(AssertSqlSafe(statement)).execute(&server.admin).await?;
            Ok((name.clone(), server.options.clone().database(&name)))
        })
        .await?
}

/// Drops a database and reports on `done`, in whatever way it ends.
pub(super) fn remove(name: String, done: Sender<()>) {
    RUNTIME.spawn(async move {
        if let Some(server) = SERVER.get() {
            drop_database(&server.admin, &name).await;
        }
        // The test may have stopped waiting.
        let _ = done.send(());
    });
}

/// Best effort: a later run tries again. Sessions are ended first and their end is awaited here, because DROP DATABASE
/// looks for it only every 100 ms.
async fn drop_database(admin: &PgPool, name: &str) {
    for _ in 0..DROP_ROUNDS {
        let ending: i64 = sqlx::query_scalar(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = $1",
        )
        .bind(name)
        .fetch_one(admin)
        .await
        .unwrap_or_default();
        if ending == 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let statement = format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)");
    let _ = sqlx::raw_sql(AssertSqlSafe(statement)).execute(admin).await;
}

/// Connects to the server, starting it when necessary, and sees to template, watch and leftovers.
async fn reach() -> Result<Server, Failure> {
    let (admin, options, share) = match env::var("TEST_DATABASE_URL") {
        Ok(url) => {
            let options = PgConnectOptions::from_str(&url)?;
            (connect(&options).await?, options, None)
        }
        Err(_) => start().await?,
    };
    if share.is_some() {
        watch(&options, &admin, watch_statement(IDLE_SECONDS, 1.0)).await?;
    }
    let template = template(&options).await?;
    let sweeper = admin.clone();
    RUNTIME.spawn(async move { sweep(&sweeper).await });
    Ok(Server { admin, options, template, _share: share })
}

/// Starts or attaches. The server may end for idleness between the start and the first session, hence the repeats.
async fn start() -> Result<(PgPool, PgConnectOptions, Option<Embedded>), Failure> {
    let mut failure = None;
    for _ in 0..3 {
        let options = Options { root: cluster_root(), durability: Durability::Test, binaries: None };
        let embedded = postgres::start(options).await?;
        let options = embedded.connect_options("postgres");
        match connect(&options).await {
            Ok(admin) => return Ok((admin, options, Some(embedded))),
            Err(error) => failure = Some(error),
        }
    }
    Err(failure.map_or_else(|| "the test server was not tried".into(), Into::into))
}

async fn connect(options: &PgConnectOptions) -> Result<PgPool, sqlx::Error> {
    // The first session stays open for the life of the process: it is what keeps the server from being idle.
    PgPoolOptions::new()
        .max_connections(ADMIN_CONNECTIONS)
        .min_connections(1)
        .idle_timeout(None)
        .max_lifetime(None)
        .connect_with(options.clone().application_name("gtm test administration"))
        .await
}

/// Where the cluster of this checkout goes. A checkout is told by its target directory: cargo puts test programs and
/// benches into `<target>/<profile>/deps`. Any other program shares one below the temporary directory.
fn cluster_root() -> PathBuf {
    let program = env::current_exe().unwrap_or_default();
    let built_by_cargo = program.parent().is_some_and(|dir| dir.ends_with("deps"));
    let target = program.ancestors().nth(3).filter(|_| built_by_cargo);
    let user = rustix::process::geteuid().as_raw();
    let home = target.map_or_else(|| env::temp_dir().join(format!("gtm-test-{user}")), Path::to_owned);
    if free_kilobytes(MEMORY).is_some_and(|free| free >= MEMORY_KILOBYTES_MIN) {
        let checkout = hex::encode(&Sha256::digest(home.as_os_str().as_encoded_bytes())[..6]);
        return Path::new(MEMORY).join(format!("gtm-test-{user}-{checkout}"));
    }
    home.join("test-postgres")
}

/// What `df` says is free below `dir`; `None` when there is no such directory.
fn free_kilobytes(dir: &str) -> Option<u64> {
    let output =
        Command::new("df").args(["-P", "-k", dir]).output().ok().filter(|output| output.status.success())?;
    available(&String::from_utf8(output.stdout).ok()?)
}

/// The fourth column of the second line, as POSIX lays it down.
fn available(table: &str) -> Option<u64> {
    table.lines().nth(1)?.split_whitespace().nth(3)?.parse().ok()
}

/// Ends the server after `rounds` checks, `pause` seconds apart, that saw no session but this one. One per server: a
/// second one returns at once. It commits in each round, because the list of sessions is frozen within a transaction.
/// It goes on when its client ends, because a server notices a lost client only when it talks to it.
fn watch_statement(rounds: u32, pause: f64) -> String {
    format!(
        r#"DO $$
        DECLARE
            quiet integer := 0;
        BEGIN
            IF NOT pg_try_advisory_lock({WATCH_LOCK}) THEN
                RETURN;
            END IF;
            LOOP
                PERFORM pg_sleep({pause});
                COMMIT;
                quiet := quiet + 1;
                IF EXISTS (SELECT FROM pg_stat_activity
                           WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()) THEN
                    quiet := 0;
                END IF;
                IF quiet >= {rounds} THEN
                    COPY (SELECT 1) TO PROGRAM 'read -r pid < postmaster.pid && kill -INT "$pid"; read -r row';
                END IF;
            END LOOP;
        END $$"#
    )
}

/// Starts the watch unless there is one, and waits until it runs.
async fn watch(options: &PgConnectOptions, admin: &PgPool, statement: String) -> Result<(), Failure> {
    let running =
        "SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND objid::bigint = $1 AND granted)";
    let mut statement = Some(statement);
    for _ in 0..1000 {
        let running: bool = sqlx::query_scalar(running).bind(i64::from(WATCH_LOCK)).fetch_one(admin).await?;
        if running {
            return Ok(());
        }
        if let Some(statement) = statement.take() {
            let mut session = options.clone().application_name("gtm test watch").connect().await?;
            RUNTIME.spawn(async move { sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut session).await });
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    Err("the watch over the test server did not start: see server.log in the cluster directory".into())
}

/// The name of the template for the present migrations, building it when it is missing.
async fn template(options: &PgConnectOptions) -> Result<String, Failure> {
    let name = template_name();
    let mut session = options.connect().await?;
    sqlx::query("SELECT pg_advisory_lock($1)").bind(BUILD_LOCK).execute(&mut session).await?;
    let complete: bool =
        sqlx::query_scalar("SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1 AND datistemplate)")
            .bind(&name)
            .fetch_one(&mut session)
            .await?;
    if !complete {
        build(&mut session, options, &name).await?;
    }
    // Ends the lock, too.
    session.close().await?;
    Ok(name)
}

async fn build(session: &mut PgConnection, options: &PgConnectOptions, name: &str) -> Result<(), Failure> {
    for statement in
        [format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"), format!("CREATE DATABASE {name}")]
    {
        sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut *session).await?;
    }
    let pool = PgPoolOptions::new().max_connections(1).connect_with(options.clone().database(name)).await?;
    db::migrate(&pool).await?;
    sqlx::query("ANALYZE").execute(&pool).await?;
    pool.close().await;
    let statement = format!("ALTER DATABASE {name} WITH ALLOW_CONNECTIONS false IS_TEMPLATE true");
    sqlx::raw_sql(AssertSqlSafe(statement)).execute(session).await?;
    Ok(())
}

/// Carries twelve hex digits over version and content of every migration.
fn template_name() -> String {
    let mut hash = Sha256::new();
    for migration in db::MIGRATIONS.iter() {
        hash.update(migration.version.to_be_bytes());
        hash.update(&migration.checksum);
    }
    format!("{PREFIX}template_{}", hex::encode(&hash.finalize()[..6]))
}

/// Drops what was left behind, and nothing that may be in use.
async fn sweep(admin: &PgPool) {
    let names: Vec<String> =
        sqlx::query_scalar("SELECT datname::text FROM pg_database WHERE starts_with(datname, $1)")
            .bind(PREFIX)
            .fetch_all(admin)
            .await
            .unwrap_or_default();
    let now = seconds(Uuid::now_v7());
    for name in names {
        if born(&name).is_some_and(|born| born + LEFTOVER_SECONDS < now) {
            drop_database(admin, &name).await;
        }
    }
    // Templates of other migrations: kept for a day, so that going back and forth between branches stays fast.
    // The age of a file in them needs a superuser; on a server where this role is none, they stay.
    let templates: Vec<String> = sqlx::query_scalar(
        "SELECT datname::text FROM pg_database WHERE starts_with(datname, $1) AND datistemplate \
         AND (pg_stat_file(format('base/%s/PG_VERSION', oid), true)).modification < clock_timestamp() - interval '1 day' \
         AND datname <> $2",
    )
    .bind(format!("{PREFIX}template_"))
    .bind(template_name())
    .fetch_all(admin)
    .await
    .unwrap_or_default();
    for name in templates {
        let statement = format!("ALTER DATABASE {name} WITH IS_TEMPLATE false");
        let _ = sqlx::raw_sql(AssertSqlSafe(statement)).execute(admin).await;
        drop_database(admin, &name).await;
    }
}

/// When a test database was made, in seconds since 1970, from the identifier in its name. `None`: a template.
fn born(name: &str) -> Option<u64> {
    Uuid::try_parse(name.strip_prefix(PREFIX)?).ok().map(seconds)
}

fn seconds(id: Uuid) -> u64 {
    id.get_timestamp().map_or(0, |time| time.to_unix().0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_tells_the_age() {
        let id = Uuid::now_v7();
        assert_eq!(born(&format!("{PREFIX}{}", id.simple())), Some(seconds(id)));
        assert_eq!(born("gtm_test_template_0123456789ab"), None);
        assert_eq!(born("somebody_elses"), None);
    }

    #[tokio::test]
    async fn an_unused_server_ends_itself() {
        let root = env::temp_dir().join(format!("gtm-watch-{}", Uuid::now_v7().simple()));
        let options = Options { root: root.clone(), durability: Durability::Test, binaries: None };
        let embedded = postgres::start(options).await.unwrap();
        let pid_file = embedded.root().join("data/postmaster.pid");
        let options = embedded.connect_options("postgres");
        let admin = connect(&options).await.unwrap();
        watch(&options, &admin, watch_statement(3, 0.01)).await.unwrap();
        admin.close().await;
        let gone = async {
            while pid_file.exists() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), gone)
            .await
            .expect("the server should end without sessions");
        embedded.stop().await.unwrap();
        std::fs::remove_dir_all(root).unwrap();
    }

    #[test]
    fn reads_the_free_space() {
        let table =
            "Filesystem 1024-blocks Used Available Capacity Mounted on\ntmpfs 65536 4 65532 1% /dev/shm\n";
        assert_eq!(available(table), Some(65532));
        assert_eq!(available("df: nothing there\n"), None);
        assert_eq!(free_kilobytes("/nonexistent"), None);
    }

    #[test]
    fn the_cluster_lies_in_memory_or_beside_the_build() {
        let target = env::current_exe().unwrap().ancestors().nth(3).unwrap().to_owned();
        assert!(cluster_root().starts_with(MEMORY) || cluster_root().starts_with(target));
    }
}
