//! Which service a command talks to.
//!
//! Promises, in this order: the one named by `GTM_URL` with `GTM_API_KEY`; else the one that runs on this
//! machine's data directory, found and authenticated by the file it keeps there (ignored when its process is
//! gone); else one started here, on a free port, for as long as the command runs.

use std::path::PathBuf;

use anyhow::Context as _;

use super::client::Client;
use super::failure::{Exit, Failure};
use crate::app::{self, Running, StartOptions};
use crate::settings::Settings;

/// Loopback, and a port that the system chooses: a command never collides with a service.
const ANY_PORT: &str = "127.0.0.1:0";

/// Where to look for a service.
#[derive(Debug, Clone, clap::Args)]
pub struct Target {
    /// Address of the service; its key is read from `GTM_API_KEY`.
    #[arg(long, env = "GTM_URL", global = true, value_name = "URL")]
    pub url: Option<String>,
    /// Directory of the service on this machine.
    #[arg(long, env = "GTM_DATA_DIR", global = true, value_name = "DIR", default_value = "./gtm-data")]
    pub data_dir: PathBuf,
    /// Settings file, for a service that is started here.
    #[arg(long, env = "GTM_CONFIG", global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

impl Target {
    /// A client of the service that is named or running; nothing when neither is.
    pub async fn running(&self) -> Result<Option<Client>, Failure> {
        if let Some(url) = &self.url {
            let key = std::env::var("GTM_API_KEY").map_err(|_| {
                Failure::new(Exit::Refused, "GTM_URL names a service, but GTM_API_KEY holds no key to it.")
            })?;
            return Client::new(url, key.into()).map(Some);
        }
        let Some(file) = app::read_service_file(&self.data_dir) else { return Ok(None) };
        let client = Client::new(&file.url, file.key.into())?;
        // A killed service leaves its file, and its process id may by now be another program's.
        Ok(client.is_there().await.then_some(client))
    }

    /// The settings of a service that is started here.
    pub fn settings(&self) -> Result<Settings, Failure> {
        Settings::load(self.config.as_deref(), std::env::vars())
            .map_err(|error| Failure::usage(error.to_string()))
    }

    /// Starts a service for one command.
    pub async fn start(&self) -> anyhow::Result<(Running, Client)> {
        let mut settings = self.settings()?;
        ANY_PORT.clone_into(&mut settings.http.bind);
        let admin_key = std::env::var("GTM_ADMIN_KEY").ok().map(Into::into);
        let options = StartOptions {
            settings,
            data_dir: self.data_dir.clone(),
            sandbox: false,
            announced: false,
            admin_key,
        };
        let running = app::start(options).await.context("no service runs here, and none could be started")?;
        let client = Client::new(&format!("http://{}", running.address), running.local_key.clone())?;
        Ok((running, client))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::import::fixture::Folder;

    fn target(folder: &Folder) -> Target {
        Target { url: None, data_dir: folder.root().to_owned(), config: None }
    }

    #[tokio::test]
    async fn a_service_is_found_by_its_file_only_while_something_listens_there() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let file = app::ServiceFile {
            url: url.clone(),
            key: "k".to_owned(),
            pid: std::process::id(),
            started_at: chrono::DateTime::UNIX_EPOCH,
        };
        let folder = Folder::with("service.json", &serde_json::to_vec(&file).unwrap());
        let serving = axum::serve(listener, axum::Router::new());
        let target_here = target(&folder);
        let found = tokio::select! {
            found = target_here.running() => found.unwrap(),
            _ = std::future::IntoFuture::into_future(serving) => panic!("the listener ended"),
        };
        assert_eq!(found.unwrap().url(), url);
        // The listener is gone, the process of the file is not: another program has its number.
        assert!(target_here.running().await.unwrap().is_none());
        assert!(target(&Folder::new()).running().await.unwrap().is_none());
    }
}
