//! The program under test as a process of its own, which can be killed.

use std::path::Path;
use std::process::Stdio;

use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

use crate::client::{ADMIN_KEY, Client};

/// A running `gtm serve`; killed when dropped.
pub struct Process {
    child: Child,
    pub client: Client,
    // Held open, so that the service has somewhere to write to.
    _said: Lines<BufReader<ChildStdout>>,
}

impl Process {
    /// Starts the service on a database and waits until it says where it listens.
    pub async fn start(database_url: &str, data_dir: &Path, env: &[(&str, &str)]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_gtm"))
            .args(["serve", "--bind", "127.0.0.1:0", "--data-dir"])
            .arg(data_dir)
            .env("DATABASE_URL", database_url)
            .env("GTM_ADMIN_KEY", ADMIN_KEY)
            .env("GTM_DATABASE__MAX_CONNECTIONS", "8")
            .env("GTM_LOG__FILTER", "error")
            .envs(env.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut said = BufReader::new(child.stdout.take().unwrap()).lines();
        while let Some(line) = said.next_line().await.unwrap() {
            if let Some((_, address)) = line.split_once(" at http://") {
                let client = Client::new(&format!("http://{address}"));
                return Self { child, client, _said: said };
            }
        }
        panic!("the service ended before it listened: {:?}", child.wait().await);
    }

    /// Ends the process at once, as `kill -9` does.
    pub async fn kill(mut self) {
        self.child.kill().await.unwrap();
    }
}
