//! Settings: embedded defaults, a file, the environment; checked before anything starts.
//!
//! Promises: every key has its default in `config/default.toml`, which is part of the program; an unknown key
//! or a wrong type stops the start with a message that names the key and where it was set; secrets are never
//! shown.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use config::{Config, Environment, File, FileFormat};
use secrecy::SecretString;
use serde::Deserialize;

use crate::connectors::ConnectorSettings;
use crate::designs::watch::WatchTerms;
use crate::mcp::McpSettings;
use crate::motions::policy::change::ReviewRule;
use crate::platform::outbox::OutboxSettings;
use crate::programmes::model_worker::ModelSettings;

/// The defaults, as a file that documents itself.
pub const DEFAULTS: &str = include_str!("../config/default.toml");

/// All settings of the service.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    pub http: HttpSettings,
    pub database: DatabaseSettings,
    pub events: EventSettings,
    pub motions: MotionSettings,
    pub policies: PolicySettings,
    pub handoffs: HandoffSettings,
    pub designs: DesignSettings,
    #[serde(default)]
    pub watch: WatchTerms,
    pub renewals: RenewalSettings,
    pub outbox: OutboxSettings,
    #[serde(default)]
    pub connectors: ConnectorSettings,
    pub mcp: McpSettings,
    pub programmes: ProgrammeSettings,
    pub audit: AuditSettings,
    pub log: LogSettings,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HttpSettings {
    pub bind: String,
    pub request_timeout_ms: u64,
    pub body_limit_bytes: usize,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DatabaseSettings {
    pub url: SecretString,
    pub max_connections: u32,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EventSettings {
    pub retention_days: u32,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MotionSettings {
    pub debounce_ms: u32,
    pub sweep_after_hours: u32,
    pub sweep_every_minutes: u32,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicySettings {
    pub review: ReviewRule,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HandoffSettings {
    pub types_file: PathBuf,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DesignSettings {
    pub runs: u32,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RenewalSettings {
    pub plays_file: PathBuf,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProgrammeSettings {
    pub definition_dir: PathBuf,
    pub model: ModelSettings,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuditSettings {
    pub signing_key_file: PathBuf,
    pub trusted_key_files: Vec<PathBuf>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogSettings {
    pub format: LogFormat,
    pub filter: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    Text,
    Json,
}

/// Why the settings cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    #[error("the settings file {path} cannot be read: {error}")]
    Unreadable { path: PathBuf, error: std::io::Error },
    #[error("the settings file {path} is not valid TOML: {error}")]
    Syntax { path: PathBuf, error: toml::de::Error },
    #[error("{0}")]
    Invalid(#[from] config::ConfigError),
    #[error("`{key}` {fault}")]
    Value { key: &'static str, fault: &'static str },
}

impl Settings {
    /// Reads the settings. `environment` is passed in so that tests need not change the process.
    pub fn load(
        file: Option<&Path>,
        environment: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, SettingsError> {
        let mut builder = Config::builder().add_source(File::from_str(DEFAULTS, FileFormat::Toml));
        if let Some(path) = file {
            let text = std::fs::read_to_string(path)
                .map_err(|error| SettingsError::Unreadable { path: path.to_owned(), error })?;
            // Parsed on its own first: this parser names line and column.
            toml::from_str::<toml::Table>(&text)
                .map_err(|error| SettingsError::Syntax { path: path.to_owned(), error })?;
            builder = builder.add_source(File::from(path).format(FileFormat::Toml));
        }
        let environment: Vec<(String, String)> = environment.into_iter().collect();
        // GTM_SECTION__KEY only: names without the double underscore (GTM_ADMIN_KEY, GTM_URL) are not settings.
        let ours: HashMap<String, String> = environment
            .iter()
            .filter(|(name, _)| name.starts_with("GTM_") && name[4..].contains("__"))
            .cloned()
            .collect();
        builder = builder.add_source(
            Environment::with_prefix("GTM")
                .prefix_separator("_")
                .separator("__")
                .try_parsing(true)
                .list_separator(",")
                .with_list_parse_key("outbox.retry_schedule_secs")
                .with_list_parse_key("audit.trusted_key_files")
                .with_list_parse_key("mcp.allowed_hosts")
                .with_list_parse_key("mcp.allowed_origins")
                .source(Some(ours)),
        );
        if let Some((_, url)) = environment.iter().find(|(name, _)| name == "DATABASE_URL") {
            builder = builder.set_override("database.url", url.as_str())?;
        }
        let settings: Self = builder.build()?.try_deserialize()?;
        settings.check()?;
        Ok(settings)
    }

    fn check(&self) -> Result<(), SettingsError> {
        let faults = [
            (self.database.max_connections < 4, "database.max_connections", "must be at least 4"),
            (self.events.retention_days < 7, "events.retention_days", "must be at least 7"),
            (self.outbox.timeout_ms == 0, "outbox.timeout_ms", "must be more than 0"),
            (self.outbox.concurrency == 0, "outbox.concurrency", "must be at least 1"),
            (self.motions.sweep_every_minutes == 0, "motions.sweep_every_minutes", "must be at least 1"),
            (!(24..=2_000).contains(&self.designs.runs), "designs.runs", "must be from 24 to 2000"),
        ];
        let wrong = faults.into_iter().filter(|(wrong, ..)| *wrong).map(|(_, key, fault)| (key, fault));
        match wrong.chain(self.watch.faults()).next() {
            Some((key, fault)) => Err(SettingsError::Value { key, fault }),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrecy::ExposeSecret;

    fn load(env: &[(&str, &str)]) -> Result<Settings, SettingsError> {
        Settings::load(None, env.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())))
    }

    #[test]
    fn the_defaults_load_and_the_environment_wins() {
        let settings = load(&[
            ("GTM_HTTP__BIND", "0.0.0.0:9"),
            ("GTM_MOTIONS__DEBOUNCE_MS", "7"),
            ("GTM_OUTBOX__RETRY_SCHEDULE_SECS", "1,60"),
            ("GTM_AUDIT__TRUSTED_KEY_FILES", "a.pem,b.pem"),
            ("DATABASE_URL", "postgres://somewhere/db"),
            ("GTM_ADMIN_KEY", "not a setting"),
        ])
        .unwrap();
        assert_eq!(settings.http.bind, "0.0.0.0:9");
        assert_eq!(settings.motions.debounce_ms, 7);
        assert_eq!(settings.database.url.expose_secret(), "postgres://somewhere/db");
        assert_eq!(settings.outbox.retry_schedule_secs, [1, 60]);
        assert_eq!(settings.audit.trusted_key_files, [PathBuf::from("a.pem"), PathBuf::from("b.pem")]);
    }

    #[test]
    fn the_written_defaults_are_the_ones_in_code() {
        let written = load(&[]).unwrap().outbox;
        let coded = OutboxSettings::default();
        assert_eq!(written.retry_schedule_secs, coded.retry_schedule_secs);
        assert_eq!(
            (written.timeout_ms, written.concurrency, written.breaker_failures, written.breaker_open_secs),
            (coded.timeout_ms, coded.concurrency, coded.breaker_failures, coded.breaker_open_secs)
        );
    }

    #[test]
    fn wrong_settings_name_the_key() {
        let unknown = load(&[("GTM_HTTP__BINDD", "x")]).unwrap_err().to_string();
        assert!(unknown.contains("bindd"), "{unknown}");
        let wrong = load(&[("GTM_DATABASE__MAX_CONNECTIONS", "many")]).unwrap_err().to_string();
        assert!(wrong.contains("max_connections"), "{wrong}");
        let low = load(&[("GTM_DATABASE__MAX_CONNECTIONS", "1")]).unwrap_err().to_string();
        assert!(low.contains("database.max_connections"), "{low}");
        let neither = load(&[("GTM_POLICIES__REVIEW", "maybe")]).unwrap_err().to_string();
        assert!(neither.contains("policies.review") && neither.contains("maybe"), "{neither}");
    }
}
