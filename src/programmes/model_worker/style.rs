//! The two styles of chat API: what is sent and how the answer is read.

use reqwest::RequestBuilder;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{ModelError, ModelSettings};

/// The version of the messages API that requests are written for.
const MESSAGES_VERSION: &str = "2023-06-01";
/// The tool by whose input a deliverable is handed in.
const TOOL: &str = "hand_in_deliverable";

/// A style of chat API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Style {
    /// Chat completions, as many servers speak them; the key is a bearer token.
    Completions,
    /// Messages with tools; the key is `x-api-key`.
    Messages,
}

/// A conversation so far.
#[derive(Debug, Clone)]
pub(super) struct Exchange {
    system: String,
    /// Ours and theirs in turn, ours first.
    turns: Vec<String>,
    schema: Value,
}

impl Exchange {
    pub fn new(system: String, first: String, schema: Value) -> Self {
        Self { system, turns: vec![first], schema }
    }

    /// Adds what was said and what we say to it.
    pub fn answer(&mut self, said: &Said, ours: String) {
        self.turns.push(said.as_text());
        self.turns.push(ours);
    }
}

/// What a model said.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Said {
    Text(String),
    /// As the input of the tool.
    Data(Value),
    CutOff(String),
}

impl Said {
    fn as_text(&self) -> String {
        let text = match self {
            Self::Text(text) | Self::CutOff(text) => text.clone(),
            Self::Data(value) => value.to_string(),
        };
        // An empty turn is refused by some servers.
        if text.trim().is_empty() { "(nothing)".to_owned() } else { text }
    }
}

impl Style {
    pub(super) fn path(self) -> &'static str {
        match self {
            Self::Completions => "/chat/completions",
            Self::Messages => "/messages",
        }
    }

    pub(super) fn sign(self, request: RequestBuilder, key: &str) -> RequestBuilder {
        match self {
            Self::Completions if key.is_empty() => request,
            Self::Completions => request.bearer_auth(key),
            Self::Messages => request.header("x-api-key", key).header("anthropic-version", MESSAGES_VERSION),
        }
    }

    pub(super) fn request(self, settings: &ModelSettings, exchange: &Exchange) -> Value {
        let turns = exchange.turns.iter().enumerate().map(|(place, text)| {
            let role = if place % 2 == 0 { "user" } else { "assistant" };
            json!({ "role": role, "content": text })
        });
        match self {
            Self::Completions => {
                let system = json!({ "role": "system", "content": exchange.system });
                let messages: Vec<Value> = std::iter::once(system).chain(turns).collect();
                json!({
                    "model": settings.model,
                    "messages": messages,
                    "response_format": {
                        "type": "json_schema",
                        "json_schema": { "name": TOOL, "schema": exchange.schema, "strict": false },
                    },
                })
            }
            Self::Messages => json!({
                "model": settings.model,
                "max_tokens": settings.max_output_tokens,
                "system": exchange.system,
                "messages": turns.collect::<Vec<_>>(),
                "tools": [{ "name": TOOL, "description": "Hands in the deliverable.", "input_schema": exchange.schema }],
                "tool_choice": { "type": "tool", "name": TOOL },
            }),
        }
    }

    pub(super) fn read(self, bytes: &[u8]) -> Result<Said, ModelError> {
        let value: Value = serde_json::from_slice(bytes)
            .map_err(|error| ModelError::Passing(format!("answered what is not JSON: {error}")))?;
        let nothing = || ModelError::Passing("answered without a message".to_owned());
        match self {
            Self::Completions => {
                let choice = value.pointer("/choices/0").ok_or_else(nothing)?;
                if let Some(refusal) = choice.pointer("/message/refusal").and_then(Value::as_str) {
                    return Err(ModelError::Refused(format!(
                        "refuses: {}",
                        refusal.chars().take(200).collect::<String>()
                    )));
                }
                let text = choice
                    .pointer("/message/content")
                    .and_then(Value::as_str)
                    .ok_or_else(nothing)?
                    .to_owned();
                Ok(if choice["finish_reason"] == "length" { Said::CutOff(text) } else { Said::Text(text) })
            }
            Self::Messages => {
                let parts = value["content"].as_array().ok_or_else(nothing)?;
                if value["stop_reason"] == "refusal" {
                    return Err(ModelError::Refused("refuses".to_owned()));
                }
                let cut_off = value["stop_reason"] == "max_tokens";
                let tool = parts.iter().find(|part| part["type"] == "tool_use" && part["name"] == TOOL);
                if let Some(tool) = tool {
                    let input = tool["input"].clone();
                    return Ok(if cut_off { Said::CutOff(input.to_string()) } else { Said::Data(input) });
                }
                let text =
                    parts.iter().filter_map(|part| part["text"].as_str()).collect::<Vec<_>>().join("\n");
                if parts.is_empty() {
                    return Err(nothing());
                }
                Ok(if cut_off { Said::CutOff(text) } else { Said::Text(text) })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_of_both_styles_are_read() {
        let read = |style: Style, value: Value| style.read(value.to_string().as_bytes());
        let completion = json!({"choices": [{"message": {"content": "{}"}, "finish_reason": "stop"}]});
        assert_eq!(read(Style::Completions, completion).unwrap(), Said::Text("{}".to_owned()));
        let long = json!({"choices": [{"message": {"content": "{"}, "finish_reason": "length"}]});
        assert_eq!(read(Style::Completions, long).unwrap(), Said::CutOff("{".to_owned()));
        let refused = json!({"choices": [{"message": {"content": null, "refusal": "No"}}]});
        assert!(matches!(read(Style::Completions, refused), Err(ModelError::Refused(_))));
        let message = json!({"content": [{"type": "text", "text": "Here"}, {"type": "tool_use", "name": TOOL, "input": {"a": 1}}], "stop_reason": "tool_use"});
        assert_eq!(read(Style::Messages, message).unwrap(), Said::Data(json!({"a": 1})));
        assert!(matches!(read(Style::Messages, json!({"content": []})), Err(ModelError::Passing(_))));
        assert!(matches!(Style::Messages.read(b"<html>"), Err(ModelError::Passing(_))));
    }
}
