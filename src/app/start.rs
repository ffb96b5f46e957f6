//! Starting the service and stopping it.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use tokio::net::TcpListener;
use uuid::Uuid;

use super::database::{self, Database};
use super::local::{self, ServiceFile};
use super::wiring::wire;
use super::{App, routes, sandbox, workers};
use crate::accounts::store;
use crate::connectors::{Registry, SetupFault, Tools};
use crate::handoffs::package;
use crate::handoffs::recheck::PackageSeals;
use crate::handoffs::types::{DEFAULT_TYPES, HandoffTypes, TypesFault};
use crate::kernel::clock::Clock;
use crate::mcp::McpError;
use crate::motions::commands::MotionError;
use crate::motions::recheck::DecisionDigests;
use crate::platform::audit::Signer;
use crate::platform::http::Platform;
use crate::platform::http::server::{self, BuildError, Limits};
use crate::platform::keys::{FirstKeyError, LocalKey};
use crate::platform::lifecycle::{End, Lifecycle};
use crate::platform::outbox::{self, Outbox, OutboxError};
use crate::platform::postgres::Embedded;
use crate::platform::{audit, keys, postgres};
use crate::programmes::commands::Definitions;
use crate::programmes::definition::Source;
use crate::programmes::fault::Fault as ProgrammeFault;
use crate::programmes::model_worker::{ModelSetupError, ModelWorker};
use crate::renewals::plays::{DEFAULT_PLAYS, Plays, PlaysFault};
use crate::settings::Settings;

/// How long a stop waits for the database to note that the command line's key is over.
const KEY_END_PATIENCE: Duration = Duration::from_secs(2);

/// How to start.
pub struct StartOptions {
    pub settings: Settings,
    /// Where everything lies that this installation keeps.
    pub data_dir: PathBuf,
    /// Time stands still until it is moved, and nothing leaves the process.
    pub sandbox: bool,
    /// Commands on this machine find the service by a file in the data directory. Not for one that a command starts
    /// for itself.
    pub announced: bool,
    /// The first admin key; one is made when there is none.
    pub admin_key: Option<SecretString>,
}

/// A running service.
pub struct Running {
    pub address: SocketAddr,
    /// Made at the first start; shown once and never again.
    pub new_admin_key: Option<SecretString>,
    /// A key for the command line of this machine.
    pub local_key: SecretString,
    pub app: App,
    local_key_id: Uuid,
    embedded: Option<Embedded>,
    data_dir: PathBuf,
    announced: bool,
}

/// Why the service did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("the data directory {path} cannot be used: {error}")]
    DataDir { path: PathBuf, error: std::io::Error },
    #[error("DATABASE_URL is not a postgres:// address")]
    DatabaseUrl,
    #[error("the database cannot be reached: {0}")]
    Connect(sqlx::Error),
    #[error(transparent)]
    Embedded(#[from] postgres::Error),
    #[error("the schema could not be brought up to date: {0}")]
    Migrate(#[from] sqlx::migrate::MigrateError),
    #[error("the database failed during the start: {0}")]
    Database(#[from] sqlx::Error),
    #[error("the handoff types in {path} cannot be used:\n{}", lines(.faults))]
    HandoffTypes { path: PathBuf, faults: Vec<TypesFault> },
    #[error("the plays of renewals in {path} cannot be used:\n{}", lines(.faults))]
    Plays { path: PathBuf, faults: Vec<PlaysFault> },
    #[error("the definition of programmes in {path} cannot be used:\n{}", lines(.faults))]
    Programmes { path: PathBuf, faults: Vec<ProgrammeFault> },
    #[error(transparent)]
    Model(#[from] ModelSetupError),
    #[error("the policies could not be installed: {0}")]
    Policies(#[from] MotionError),
    #[error("the connectors cannot be set up:\n{}", lines(.0))]
    Connectors(Vec<SetupFault>),
    #[error(transparent)]
    Outbox(#[from] OutboxError),
    #[error(transparent)]
    Signer(#[from] audit::signer::SignerError),
    #[error(transparent)]
    FirstKey(#[from] FirstKeyError),
    #[error(transparent)]
    Build(#[from] BuildError),
    #[error(transparent)]
    Mcp(#[from] McpError),
    #[error("{bind} cannot be listened on: {error}. Is another service there? Choose another with --bind.")]
    Bind { bind: String, error: std::io::Error },
    #[error("this database was used without --sandbox; a sandbox needs one of its own (another --data-dir)")]
    NotASandbox,
    #[error("this database belongs to a sandbox; start with --sandbox, or take another --data-dir")]
    IsASandbox,
}

/// Starts the service and waits until it answers.
pub async fn start(options: StartOptions) -> Result<Running, StartError> {
    let StartOptions { settings, data_dir, sandbox, announced, admin_key } = options;
    let types = handoff_types(&settings.handoffs.types_file)?;
    let plays = plays(&settings.renewals.plays_file)?;
    std::fs::create_dir_all(&data_dir)
        .map_err(|error| StartError::DataDir { path: data_dir.clone(), error })?;
    let Database { pool, embedded } = database::open(&settings.database, &data_dir).await?;
    let clock = sandbox::clock(&pool, sandbox).await?;
    let life = Lifecycle::new();
    let key_file = &settings.audit.signing_key_file;
    let signer = if key_file.as_os_str().is_empty() {
        Signer::load_or_create(&data_dir.join("audit.pem"))?
    } else {
        Signer::load_or_create(key_file)?
    }
    .trusting_files(&settings.audit.trusted_key_files)?;
    let platform = Platform::new(pool.clone(), clock.clone(), life.clone(), signer)
        .rechecking(vec![Box::new(DecisionDigests), Box::new(PackageSeals)]);
    let registry = Arc::new(registry(&settings, &clock)?);
    let senders = registry.senders(&settings.connectors);
    let outbox = Arc::new(Outbox::new(pool.clone(), clock.clone(), settings.outbox.clone(), senders)?);
    let programmes = programme_parts(&settings, &clock)?;
    let (app, intake, desk) = wire(platform, types, plays, registry, outbox.clone(), programmes, &settings);
    let now = clock.now();
    store::ensure_event_partitions(&pool, now).await?;
    app.accounts.suppressions.refresh(&pool).await?;
    app.motions.policies.install_built_in(&pool, now).await?;
    let new_admin_key = keys::ensure_admin(&app.platform.keys, admin_key.as_ref()).await?;
    let label = local::label(&data_dir, announced)
        .map_err(|error| StartError::DataDir { path: data_dir.clone(), error })?;
    let LocalKey { id: local_key_id, key: local_key } =
        keys::local_key(&app.platform.keys, &label, announced).await?;

    workers::spawn(&app, intake, &desk, (!sandbox).then_some(outbox));
    app.platform.start();

    let bind = settings.http.bind.clone();
    let listener =
        TcpListener::bind(&bind).await.map_err(|error| StartError::Bind { bind: bind.clone(), error })?;
    let address = listener.local_addr().map_err(|error| StartError::Bind { bind, error })?;
    let limits = Limits {
        body_bytes: settings.http.body_limit_bytes,
        answer: Duration::from_millis(settings.http.request_timeout_ms),
    };
    let service = routes::service(app.clone(), &settings, &limits, sandbox)?;
    life.spawn("http", server::serve(listener, service.router, life.clone()));
    if announced {
        let file = ServiceFile {
            url: format!("http://{address}"),
            key: local_key.expose_secret().to_owned(),
            pid: std::process::id(),
            started_at: now,
        };
        local::write_service_file(&data_dir, &file)
            .map_err(|error| StartError::DataDir { path: data_dir.clone(), error })?;
    }
    Ok(Running { address, new_admin_key, local_key, app, local_key_id, embedded, data_dir, announced })
}

/// The systems that the settings connect the service to.
fn registry(settings: &Settings, clock: &Clock) -> Result<Registry, StartError> {
    let client =
        outbox::client(Duration::from_millis(settings.outbox.timeout_ms)).map_err(OutboxError::from)?;
    Registry::new(&settings.connectors, &Tools { clock: clock.clone(), client })
        .map_err(StartError::Connectors)
}

fn lines<T: std::fmt::Display>(faults: &[T]) -> String {
    faults.iter().map(|fault| format!("  {fault}")).collect::<Vec<_>>().join("\n")
}

/// The kinds of handoff: those of a file, or the ones that ship.
fn handoff_types(path: &Path) -> Result<HandoffTypes, StartError> {
    let fault = |faults| StartError::HandoffTypes { path: path.to_owned(), faults };
    let text = if path.as_os_str().is_empty() {
        DEFAULT_TYPES.to_owned()
    } else {
        std::fs::read_to_string(path).map_err(|error| {
            fault(vec![TypesFault { path: String::new(), message: format!("cannot be read: {error}") }])
        })?
    };
    let types = HandoffTypes::parse(&text).map_err(fault)?;
    let faults = package::fields::check(&types);
    if faults.is_empty() { Ok(types) } else { Err(fault(faults)) }
}

/// The plays of renewals: those of a file, or the ones that ship.
fn plays(path: &Path) -> Result<Plays, StartError> {
    let fault = |faults| StartError::Plays { path: path.to_owned(), faults };
    let text = if path.as_os_str().is_empty() {
        DEFAULT_PLAYS.to_owned()
    } else {
        std::fs::read_to_string(path)
            .map_err(|error| fault(vec![PlaysFault::of_file(format!("cannot be read: {error}"))]))?
    };
    Plays::parse(&text).map_err(fault)
}

/// What programmes are made of and by.
pub struct ProgrammeParts {
    pub definitions: Definitions,
    pub model: Option<Arc<ModelWorker>>,
}

/// The definition of programmes, of a folder or as it ships, and the language model where one is set up.
pub fn programme_parts(settings: &Settings, clock: &Clock) -> Result<ProgrammeParts, StartError> {
    let path = &settings.programmes.definition_dir;
    let fault = |faults| StartError::Programmes { path: path.clone(), faults };
    let source = if path.as_os_str().is_empty() {
        Source::shipped()
    } else {
        Source::with_folder(path).map_err(|error| fault(vec![ProgrammeFault::unread(path, &error)]))?
    };
    let definitions = Definitions::new(source).map_err(fault)?;
    let model = ModelWorker::of(&settings.programmes.model, clock.clone())?.map(Arc::new);
    Ok(ProgrammeParts { definitions, model })
}

impl Running {
    /// Waits until the service is asked to stop (by a signal, or because a worker failed), and stops it.
    pub async fn stopped(self) -> std::io::Result<End> {
        let end = self.app.platform.life.until_stopped().await?;
        self.close().await;
        Ok(end)
    }

    /// Stops the service now.
    pub async fn stop(self) -> End {
        let end = self.app.platform.life.stop_and_wait().await;
        self.close().await;
        end
    }

    async fn close(self) {
        if self.announced {
            local::remove_service_file(&self.data_dir);
        }
        let ended = keys::end_local_key(&self.app.platform.keys, self.local_key_id);
        match tokio::time::timeout(KEY_END_PATIENCE, ended).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, "the command line's key was not ended; see gtm keys"),
            Err(_) => tracing::warn!("the command line's key was not ended in time; see gtm keys"),
        }
        self.app.platform.pool.close().await;
        if let Some(embedded) = self.embedded
            && let Err(error) = embedded.stop().await
        {
            tracing::warn!(%error, "Postgres could not be stopped; the next start takes it over");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_faults_of_the_handoff_types_stop_the_start() {
        assert!(handoff_types(Path::new("")).is_ok(), "those that ship");
        let gone = handoff_types(Path::new("/nowhere/types.toml")).unwrap_err().to_string();
        assert!(gone.contains("/nowhere/types.toml") && gone.contains("cannot be read"), "{gone}");
        let wrong = DEFAULT_TYPES
            .replace("escalate_to = \"cs_manager\"", "escalate_to = \" \"")
            .replace("to_team = \"partner\"", "to_team = \"\"");
        let path = std::env::temp_dir().join(format!("gtm-types-{}.toml", std::process::id()));
        std::fs::write(&path, wrong).unwrap();
        let said = handoff_types(&path).unwrap_err().to_string();
        std::fs::remove_file(&path).unwrap();
        let named = ["types.closed_to_cs.sla.escalate_to", "types.sales_to_partner.to_team"];
        assert!(named.iter().all(|path| said.contains(path)), "{said}");
    }

    #[test]
    fn a_file_of_types_that_names_no_field_of_a_package_stops_the_start() {
        let place = std::env::temp_dir().join(format!("gtm-types-{}.toml", Uuid::now_v7()));
        let text = DEFAULT_TYPES.replace("\"deal.products\"", "\"deal.product\"");
        std::fs::write(&place, text).unwrap();
        let refused = handoff_types(&place).unwrap_err();
        std::fs::remove_file(&place).unwrap();
        let StartError::HandoffTypes { faults, .. } = refused else { panic!("{refused}") };
        assert_eq!(faults.len(), 1, "{faults:?}");
        assert!(faults[0].to_string().contains("deal.products"), "it says what was meant: {}", faults[0]);
    }

    #[test]
    fn all_faults_of_the_plays_stop_the_start() {
        assert!(plays(Path::new("")).is_ok(), "those that ship");
        let place = std::env::temp_dir().join(format!("gtm-plays-{}.toml", Uuid::now_v7()));
        let text =
            DEFAULT_PLAYS.replace("gate_keeper = \"renewal_director\"", "gate_keeper = \"renewal_directr\"");
        std::fs::write(&place, text).unwrap();
        let said = plays(&place).unwrap_err().to_string();
        std::fs::remove_file(&place).unwrap();
        let named = ["gate_keeper", "renewal_director", &place.display().to_string()];
        assert!(named.iter().all(|part| said.contains(part)), "{said}");
        let gone = plays(Path::new("/nowhere/plays.toml")).unwrap_err().to_string();
        assert!(gone.contains("/nowhere/plays.toml") && gone.contains("cannot be read"), "{gone}");
    }
}
