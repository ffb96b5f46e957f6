//! A language model as a worker: asked for one deliverable at a time over a chat API, its answer checked like anybody's.
//!
//! Promises: two styles of API (chat completions as many servers speak them, and messages with tools), any address; what passes by
//! itself is tried again a few times; an answer that is no deliverable of its kind is sent back once with its first fault, then it
//! has failed; no key and no address is in an error. Leaves out: what to do after a failure, which the plan's rules say.

mod ask;
mod settings;
mod style;

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::TimeDelta;
use secrecy::ExposeSecret as _;
use serde_json::Value;

use super::deliverable::{Deliverable, Kind};
use crate::kernel::clock::Clock;
use crate::platform::outbox::sender::retry_after;
pub use settings::{ModelSettings, ModelSetupError};
pub use style::Style;
use style::{Exchange, Said};

/// The longest that a model is waited for because it says that it is busy.
const WAIT_MAX: Duration = Duration::from_mins(1);
/// The largest answer that is read, in bytes.
const ANSWER_MAX: usize = 4 * 1024 * 1024;

/// The language model of the settings.
pub struct ModelWorker {
    settings: ModelSettings,
    client: reqwest::Client,
    clock: Clock,
}

/// What is asked of a model.
#[derive(Debug, Clone, Copy)]
pub struct Order<'o> {
    /// The agent whose work it is, as people call it.
    pub agent: &'o str,
    pub does: &'o str,
    pub path: &'o str,
    pub about: &'o str,
    pub detail: &'o str,
    pub config: &'o str,
    /// Files that the work begins with, by path.
    pub inputs: &'o [(String, String)],
    /// Figures that must not be computed anew.
    pub figures: &'o BTreeMap<&'static str, f64>,
    pub kind: &'o str,
}

/// Why a model gave no deliverable.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ModelError {
    /// It may work later.
    #[error("the language model {0}")]
    Passing(String),
    /// It does not work as it is set up.
    #[error("the language model {0}")]
    Refused(String),
    #[error("the language model's answer was no deliverable, and the repaired one neither: {0}")]
    Wrong(String),
}

impl ModelWorker {
    /// A worker by the settings; nothing where no model is set up.
    pub fn of(settings: &ModelSettings, clock: Clock) -> Result<Option<Self>, ModelSetupError> {
        if settings.base_url.is_empty() && settings.model.is_empty() {
            return Ok(None);
        }
        settings.check()?;
        let client = crate::platform::outbox::client(Duration::from_millis(settings.timeout_ms))
            .map_err(|error| ModelSetupError(format!("no client can be made: {error}")))?;
        Ok(Some(Self { settings: settings.clone(), client, clock }))
    }

    /// How long a task is held: longer than all attempts at one file take.
    pub fn lease(&self) -> TimeDelta {
        let calls = i64::from(self.settings.attempts) * 2;
        let one = i64::try_from(self.settings.timeout_ms).unwrap_or(i64::MAX / 1_000) / 1_000 + 60;
        TimeDelta::seconds((calls * one).clamp(60, 12 * 3_600))
    }

    /// One deliverable: asked for, checked, repaired once.
    pub async fn write(&self, order: &Order<'_>) -> Result<Deliverable, ModelError> {
        let kind = Kind::named(order.kind).unwrap_or(Kind::Document);
        let schema = kind.schema();
        let mut exchange = Exchange::new(ask::system(order), ask::first(order, &schema), schema);
        let said = self.say(&exchange).await?;
        let fault = match read(&said, kind) {
            Ok(deliverable) => return Ok(deliverable),
            Err(fault) => fault,
        };
        exchange.answer(&said, ask::repair(&fault));
        let said = self.say(&exchange).await?;
        read(&said, kind).map_err(ModelError::Wrong)
    }

    /// One answer; what passes by itself is tried again.
    async fn say(&self, exchange: &Exchange) -> Result<Said, ModelError> {
        let mut wait = Duration::from_millis(self.settings.wait_ms);
        let mut attempt = 1;
        loop {
            match self.once(exchange).await {
                Err((ModelError::Passing(_), asked)) if attempt < self.settings.attempts => {
                    tokio::time::sleep(asked.unwrap_or(wait).min(WAIT_MAX)).await;
                    wait *= 2;
                    attempt += 1;
                }
                Ok(said) => return Ok(said),
                Err((error, _)) => return Err(error),
            }
        }
    }

    async fn once(&self, exchange: &Exchange) -> Result<Said, (ModelError, Option<Duration>)> {
        let style = self.settings.style;
        let url = format!("{}{}", self.settings.base_url.trim_end_matches('/'), style.path());
        let body = style.request(&self.settings, exchange);
        let key = self.settings.key.as_ref().map_or("", |key| key.0.expose_secret());
        let request = style.sign(self.client.post(url), key).json(&body);
        let passing = |words: String| (ModelError::Passing(words), None);
        let answer = request.send().await.map_err(|error| passing(unreached(&error)))?;
        let status = answer.status();
        let asked = retry_after(answer.headers(), self.clock.now()).and_then(|wait| wait.to_std().ok());
        let bytes = read_all(answer).await.map_err(passing)?;
        if status.is_success() {
            return style.read(&bytes).map_err(|words| (words, None));
        }
        let words = format!("answered {}: {}", status.as_u16(), complaint(&bytes));
        match status.as_u16() {
            408 | 409 | 425 | 429 | 500.. => Err((ModelError::Passing(words), asked)),
            _ => Err((ModelError::Refused(words), None)),
        }
    }
}

/// An error of the transport without the address.
fn unreached(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        "did not answer in time".to_owned()
    } else {
        "could not be reached, or broke off".to_owned()
    }
}

async fn read_all(mut answer: reqwest::Response) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(|error| unreached(&error))? {
        bytes.extend_from_slice(&chunk);
        if bytes.len() > ANSWER_MAX {
            return Err(format!("answered more than {ANSWER_MAX} bytes"));
        }
    }
    Ok(bytes)
}

/// What a server says of its own trouble, shortened.
fn complaint(bytes: &[u8]) -> String {
    let value: Value = serde_json::from_slice(bytes).unwrap_or_default();
    let said = value.pointer("/error/message").or(value.get("error")).and_then(Value::as_str);
    let text = said.map_or_else(|| String::from_utf8_lossy(bytes).into_owned(), str::to_owned);
    let shown: String = text.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(200).collect();
    if shown.is_empty() { "nothing more".to_owned() } else { shown }
}

/// A deliverable from what was said, or what is wrong with it.
fn read(said: &Said, kind: Kind) -> Result<Deliverable, String> {
    let value = match said {
        Said::Data(value) => value.clone(),
        Said::Text(text) => serde_json::from_str(unfenced(text))
            .map_err(|error| format!("the answer is not JSON: {error}"))?,
        Said::CutOff(_) => {
            return Err("the answer was cut off before its end; write a shorter text".to_owned());
        }
    };
    let deliverable: Deliverable = serde_path_to_error::deserialize(value)
        .map_err(|error| format!("at `{}`: {}", error.path(), error.inner()))?;
    deliverable.check(kind).map_err(|fault| fault.to_string())?;
    Ok(deliverable)
}

/// The text within a fence of code, where a model puts its JSON into one.
fn unfenced(text: &str) -> &str {
    let text = text.trim();
    let Some(inner) = text.strip_prefix("```").and_then(|rest| rest.strip_suffix("```")) else { return text };
    inner.split_once('\n').map_or(inner, |(_, rest)| rest).trim()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_found_within_a_fence() {
        assert_eq!(unfenced("```json\n{\"a\": 1}\n```"), "{\"a\": 1}");
        assert_eq!(unfenced(" {\"a\": 1} "), "{\"a\": 1}");
    }

    #[test]
    fn what_is_wrong_is_said_with_its_place() {
        let said =
            Said::Text("{\"title\": \"T\", \"body\": \"B\", \"data\": {\"month_total\": 1}}".to_owned());
        assert!(read(&said, Kind::Budget).unwrap_err().contains("/data/month_total"));
        assert!(read(&Said::Text("Sure! Here".to_owned()), Kind::Budget).unwrap_err().contains("not JSON"));
        let said = Said::Text("{\"title\": \"T\", \"body\": \"B\"}".to_owned());
        assert!(read(&said, Kind::Document).is_ok());
    }
}
