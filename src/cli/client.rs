//! The HTTP API as the commands use it.
//!
//! Promises: an error status is a [`Failure`] with all that the service said; lists are followed from page to
//! page until there is enough. Leaves out: retries, which only the import makes, because only its calls are
//! many and may all be repeated.

use std::time::Duration;

use reqwest::{Method, RequestBuilder, Response};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

use super::failure::Failure;
pub use crate::kernel::text::segment;

/// Longest wait for an answer; beyond the service's own limit, so that its words are heard.
const TIMEOUT: Duration = Duration::from_mins(2);
/// Longest wait for a sign of life.
const TIMEOUT_LIVE: Duration = Duration::from_secs(3);
/// Most rows that the service gives in one page.
const PAGE_ROWS_MAX: usize = 200;

/// A service and the key to it.
#[derive(Debug, Clone)]
pub struct Client {
    http: reqwest::Client,
    base: String,
    key: SecretString,
}

impl Client {
    /// A client of the service at `url`.
    pub fn new(url: &str, key: SecretString) -> Result<Self, Failure> {
        // Fails only when a provider is in place already, which serves as well.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let base = url.trim_end_matches('/').to_owned();
        if !base.starts_with("http://") && !base.starts_with("https://") {
            return Err(Failure::usage(format!(
                "{url:?} is no address of a service: it must begin with http:// or https://."
            )));
        }
        let http = reqwest::Client::builder()
            .timeout(TIMEOUT)
            .user_agent(concat!("gtm/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| Failure::unreachable(&base, &error))?;
        Ok(Self { http, base, key })
    }

    /// The service's address.
    pub fn url(&self) -> &str {
        &self.base
    }

    /// Whether anything listens at the address. A service that is too busy to answer is there.
    pub async fn is_there(&self) -> bool {
        let asked = self.http.get(format!("{}/livez", self.base)).timeout(TIMEOUT_LIVE).send().await;
        !asked.is_err_and(|error| error.is_connect())
    }

    /// A request to a path below the address, with the key.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.base)).bearer_auth(self.key.expose_secret())
    }

    /// Sends a request; an error status is a failure.
    pub async fn send(&self, request: RequestBuilder) -> Result<Response, Failure> {
        let answer = request.send().await.map_err(|error| Failure::unreachable(&self.base, &error))?;
        let status = answer.status().as_u16();
        if status < 400 {
            return Ok(answer);
        }
        let body = answer.text().await.unwrap_or_default();
        Err(Failure::from_answer(status, &body))
    }

    /// As [`Client::send`], and reads the answer as JSON; null when it has no body.
    pub async fn json(&self, request: RequestBuilder) -> Result<Value, Failure> {
        let body = self
            .send(request)
            .await?
            .text()
            .await
            .map_err(|error| Failure::unreachable(&self.base, &error))?;
        if body.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_str(&body).map_err(|_| {
            Failure::from_answer(
                502,
                &format!("{} is no service of this kind: it did not answer in JSON", self.base),
            )
        })
    }

    pub async fn get(&self, path: &str) -> Result<Value, Failure> {
        self.json(self.request(Method::GET, path)).await
    }

    pub async fn post(&self, path: &str, body: &Value) -> Result<Value, Failure> {
        self.json(self.request(Method::POST, path).json(body)).await
    }

    pub async fn delete(&self, path: &str) -> Result<Value, Failure> {
        self.json(self.request(Method::DELETE, path)).await
    }

    /// Up to `limit` rows of a list, all when there is none.
    pub async fn list(
        &self,
        path: &str,
        filters: &[(&str, &str)],
        limit: Option<usize>,
    ) -> Result<Vec<Value>, Failure> {
        let mut rows = Vec::new();
        let mut cursor: Option<String> = None;
        loop {
            let wanted = limit.map_or(PAGE_ROWS_MAX, |limit| (limit - rows.len()).min(PAGE_ROWS_MAX));
            if wanted == 0 {
                return Ok(rows);
            }
            let mut request =
                self.request(Method::GET, path).query(filters).query(&[("limit", wanted.to_string())]);
            if let Some(cursor) = &cursor {
                request = request.query(&[("cursor", cursor)]);
            }
            let mut page = self.json(request).await?;
            if let Value::Array(data) = page["data"].take() {
                rows.extend(data);
            }
            cursor = page["nextCursor"].as_str().map(str::to_owned);
            if cursor.is_none() {
                return Ok(rows);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_needs_a_scheme() {
        let failure = Client::new("localhost:8080", "k".into()).unwrap_err();
        assert!(failure.text.contains("http://"));
        assert_eq!(Client::new("http://h:1/", "k".into()).unwrap().url(), "http://h:1");
    }
}
