//! How a language model is set up.

use serde::Deserialize;

use super::Style;
use crate::connectors::Secret;

/// The section `programmes.model`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelSettings {
    pub style: Style,
    /// With the version, such as `https://models.example/v1`; empty for none.
    pub base_url: String,
    pub model: String,
    /// None for a server that asks for none.
    #[serde(default)]
    pub key: Option<Secret>,
    pub timeout_ms: u64,
    /// The longest answer, where the API wants one to be named.
    pub max_output_tokens: u32,
    /// How often one answer is asked for before it has failed.
    pub attempts: u32,
    /// The first wait between two attempts; doubled with each.
    pub wait_ms: u64,
}

/// The model cannot be used as it is set up.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("programmes.model: {0}")]
pub struct ModelSetupError(pub String);

impl ModelSettings {
    /// Whether everything fits.
    pub(super) fn check(&self) -> Result<(), ModelSetupError> {
        let fault = |text: &str| Err(ModelSetupError(text.to_owned()));
        if !self.base_url.starts_with("https://") && !self.base_url.starts_with("http://") {
            return fault("`base_url` must begin with https:// or http://");
        }
        if self.model.trim().is_empty() {
            return fault("`model` is empty: name the model that is asked");
        }
        if self.timeout_ms == 0 || self.attempts == 0 || self.max_output_tokens == 0 {
            return fault("`timeout_ms`, `attempts` and `max_output_tokens` must be more than 0");
        }
        Ok(())
    }
}
