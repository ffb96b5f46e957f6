//! What every command is given: where to talk to and where to write to.

use secrecy::ExposeSecret as _;
use tokio::sync::Mutex;

use super::client::Client;
use super::screen::Screen;
use super::service::Target;
use crate::app::Running;

/// The surroundings of one command.
pub struct Context {
    pub target: Target,
    pub screen: Screen,
    /// The service that was started for the command, with its client.
    started: Mutex<Option<(Running, Client)>>,
}

impl Context {
    pub fn new(target: Target, screen: Screen) -> Self {
        Self { target, screen, started: Mutex::new(None) }
    }

    /// A client of the service; starts one where none runs.
    pub async fn client(&self) -> anyhow::Result<Client> {
        let mut started = self.started.lock().await;
        if let Some((_, client)) = started.as_ref() {
            return Ok(client.clone());
        }
        if let Some(client) = self.target.running().await? {
            return Ok(client);
        }
        let (running, client) = self.target.start().await?;
        if let Some(key) = &running.new_admin_key {
            // Shown now or never, whichever command it was that made the database.
            eprintln!(
                "The first admin key of {}, shown this once: {}",
                self.target.data_dir.display(),
                key.expose_secret()
            );
        }
        *started = Some((running, client.clone()));
        Ok(client)
    }

    /// Whether the service ends with the command.
    pub async fn ends_with_command(&self) -> bool {
        self.started.lock().await.is_some()
    }

    /// Ends what was started for the command.
    pub async fn close(&self) {
        if let Some((running, _)) = self.started.lock().await.take() {
            running.stop().await;
        }
    }
}
