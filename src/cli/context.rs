//! What every command is given: where to talk to and where to write to.

use super::client::Client;
use super::failure::{Exit, Failure};
use super::screen::Screen;
use super::service::Target;

/// The surroundings of one command.
pub struct Context {
    pub target: Target,
    pub screen: Screen,
}

impl Context {
    pub fn new(target: Target, screen: Screen) -> Self {
        Self { target, screen }
    }

    /// A client of the service.
    pub async fn client(&self) -> anyhow::Result<Client> {
        if let Some(client) = self.target.running()? {
            return Ok(client);
        }
        Err(Failure::new(Exit::Unavailable, "No service runs here; `gtm serve` starts one.").into())
    }

    /// Ends what was started for the command.
    pub async fn close(&self) -> anyhow::Result<()> {
        Ok(())
    }
}
