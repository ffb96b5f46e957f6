//! Calls to HubSpot: with the token, at their turn, judged by HubSpot's own words.
//!
//! Promises: the token is in no error and no log; how long HubSpot is left alone is what it asks for, else what it
//! documents for the limit that was passed.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::http::header::RETRY_AFTER;
use chrono::TimeDelta;
use reqwest::{Method, RequestBuilder};
use secrecy::ExposeSecret;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::directory::Directory;
use super::settings::Settings;
use crate::connectors::Tools;
use crate::connectors::limits::{Limits, Quota};
use crate::connectors::settings::Secret;
use crate::connectors::vendor::{Answer, Complaint, Trouble, TroubleKind, Vendor, by_status};
use crate::kernel::clock::Clock;

/// Searches a second: HubSpot takes five of an account.
const SEARCHES_PER_SECOND: f64 = 4.0;
/// Warnings that are remembered so as not to repeat them.
const WARNED_MAX: usize = 1_000;
/// Begins what is said of a write that names properties which the portal does not have.
pub(super) const NO_SUCH_PROPERTY: &str = "PROPERTY_DOESNT_EXIST";

/// The portal that we talk to.
pub(super) struct HubSpot {
    pub settings: Arc<Settings>,
    pub clock: Clock,
    pub directory: Directory,
    vendor: Vendor,
    client: reqwest::Client,
    token: Secret,
    searches: Limits,
    warned: Mutex<BTreeSet<String>>,
}

impl HubSpot {
    pub(super) fn new(tools: &Tools, settings: Arc<Settings>, token: Secret, limits: Arc<Limits>) -> Self {
        Self {
            settings,
            clock: tools.clock.clone(),
            directory: Directory::default(),
            vendor: Vendor::new("HubSpot", tools.clock.clone(), limits, judge),
            client: tools.client.clone(),
            token,
            searches: Limits::new(super::NAME, SEARCHES_PER_SECOND, 1),
            warned: Mutex::default(),
        }
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let base = self.settings.base_url.trim_end_matches('/');
        self.client
            .request(method, format!("{base}{path}"))
            .bearer_auth(self.token.0.expose_secret())
            .timeout(Duration::from_millis(self.settings.timeout_ms))
    }

    async fn answer(&self, request: RequestBuilder) -> Result<Answer, Trouble> {
        let answer = self.vendor.call(request).await?;
        let daily = (
            answer.number("x-hubspot-ratelimit-daily"),
            answer.number("x-hubspot-ratelimit-daily-remaining"),
        );
        if let (Some(limit), Some(remaining)) = daily {
            self.vendor.limits.note("day", Quota { used: limit.saturating_sub(remaining), limit });
        }
        Ok(answer)
    }

    /// Reads.
    pub(super) async fn get<T: DeserializeOwned>(
        &self,
        path: &str,
        query: &[(&str, &str)],
    ) -> Result<T, Trouble> {
        self.read(self.request(Method::GET, path).query(query)).await
    }

    /// Sends a body and reads the answer.
    pub(super) async fn send<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: &Value,
    ) -> Result<T, Trouble> {
        self.read(self.request(method, path).json(body)).await
    }

    /// Searches, which has a limit of its own.
    pub(super) async fn search<T: DeserializeOwned>(
        &self,
        collection: &str,
        body: &Value,
    ) -> Result<T, Trouble> {
        self.searches.turn().await;
        self.send(Method::POST, &format!("{}/{collection}/search", self.settings.paths.objects), body).await
    }

    /// Whose the token is and what it may do. The token stands in the body, which is where HubSpot wants it.
    pub(super) async fn token_info<T: DeserializeOwned>(&self) -> Result<T, Trouble> {
        let body = serde_json::json!({ "tokenKey": self.token.0.expose_secret() });
        self.send(Method::POST, &self.settings.paths.token_info, &body).await
    }

    async fn read<T: DeserializeOwned>(&self, request: RequestBuilder) -> Result<T, Trouble> {
        let answer = self.answer(request).await?;
        answer.json().map_err(|trouble| Trouble { title: self.vendor.title, ..trouble })
    }

    /// What was said to people since the start, for the check: stages and values that no mapping knows, among others.
    pub(super) fn warnings(&self) -> Vec<String> {
        self.warned.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }

    /// Says something that a person should know, once.
    pub(super) fn warn(&self, warning: String) {
        let mut warned = self.warned.lock().unwrap_or_else(PoisonError::into_inner);
        if warned.len() < WARNED_MAX && !warned.contains(&warning) {
            tracing::warn!(connector = super::NAME, "{warning}");
            warned.insert(warning);
        }
    }
}

/// What HubSpot complains of.
fn judge(answer: &Answer) -> Option<Complaint> {
    let mut complaint = by_status(answer, &["/message"])?;
    let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    let message = body["message"].as_str().unwrap_or_default();
    if complaint.kind == TroubleKind::Invalid && names_missing_property(&body) {
        complaint.said = format!("{NO_SUCH_PROPERTY}: {}", complaint.said);
    }
    let scopes = missing_scopes(&body);
    if complaint.kind == TroubleKind::Forbidden && !scopes.is_empty() {
        complaint.said =
            format!("{} (one of these scopes is missing: {})", complaint.said, scopes.join(", "));
    }
    if let Some(id) = body["correlationId"].as_str() {
        let id: String = id.chars().take(64).collect();
        complaint.said = format!("{} [correlation id {id}]", complaint.said);
    }
    // What HubSpot asks for counts before what it documents.
    if !answer.headers.contains_key(RETRY_AFTER) {
        complaint.wait = match (answer.status.as_u16(), body["policyName"].as_str()) {
            (429, Some("TEN_SECONDLY_ROLLING")) => Some(TimeDelta::seconds(10)),
            (429, Some("SECONDLY")) => Some(TimeDelta::seconds(1)),
            (429, _) if message.contains("secondly limit") => Some(TimeDelta::seconds(1)),
            // A day's calls are used up, or the portal moves: both take hours.
            (429, Some("DAILY")) | (477, _) => Some(TimeDelta::hours(1)),
            (429, _) if message.contains("daily limit") => Some(TimeDelta::hours(1)),
            (423, _) => Some(TimeDelta::seconds(2)),
            _ => None,
        };
    }
    Some(complaint)
}

/// Whether a refusal is about properties that the portal does not have, which is said by a code or in words.
fn names_missing_property(body: &Value) -> bool {
    let text = body.to_string();
    text.contains(NO_SUCH_PROPERTY) || (text.contains("Property") && text.contains("does not exist"))
}

fn missing_scopes(body: &Value) -> Vec<&str> {
    let errors = body["errors"].as_array().map(Vec::as_slice).unwrap_or_default();
    let contexts = errors.iter().map(|error| &error["context"]).chain([&body["context"]]);
    let lists =
        contexts.flat_map(|context| ["requiredGranularScopes", "requiredScopes"].map(|name| &context[name]));
    lists.filter_map(Value::as_array).flatten().filter_map(Value::as_str).collect()
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderMap, StatusCode};
    use serde_json::json;

    use super::*;

    fn judged(status: u16, retry_after: Option<&str>, body: &Value) -> Option<Complaint> {
        let mut headers = HeaderMap::new();
        if let Some(wait) = retry_after {
            headers.insert(RETRY_AFTER, wait.parse().unwrap());
        }
        let status = StatusCode::from_u16(status).unwrap();
        judge(&Answer { status, headers, body: body.to_string().into() })
    }

    #[test]
    fn each_limit_has_its_documented_wait_and_retry_after_counts_before_it() {
        let wait = |status, policy: &str| judged(status, None, &json!({"policyName": policy})).unwrap().wait;
        assert_eq!(wait(429, "DAILY"), Some(TimeDelta::hours(1)));
        assert_eq!(wait(429, "TEN_SECONDLY_ROLLING"), Some(TimeDelta::seconds(10)));
        assert_eq!(wait(429, "SECONDLY"), Some(TimeDelta::seconds(1)));
        assert_eq!(wait(423, ""), Some(TimeDelta::seconds(2)));
        assert_eq!(wait(477, ""), Some(TimeDelta::hours(1)));
        let secondly = json!({"message": "You have reached your secondly limit."});
        assert_eq!(judged(429, None, &secondly).unwrap().wait, Some(TimeDelta::seconds(1)));
        assert_eq!(
            judged(429, Some("7"), &json!({"policyName": "DAILY"})).unwrap().wait,
            None,
            "the header is read later"
        );
    }

    #[test]
    fn a_complaint_names_the_missing_scope_and_the_missing_property() {
        let forbidden = json!({
            "status": "error", "category": "MISSING_SCOPES", "correlationId": "c-1", "message": "This app hasn't been granted all required scopes",
            "errors": [{"message": "One or more of the following scopes are required.", "context": {"requiredGranularScopes": ["crm.objects.deals.write"]}}],
        });
        let said = judged(403, None, &forbidden).unwrap();
        assert_eq!(said.kind, TroubleKind::Forbidden);
        assert!(said.said.contains("crm.objects.deals.write") && said.said.contains("c-1"), "{}", said.said);
        let invalid = json!({
            "status": "error", "category": "VALIDATION_ERROR",
            "message": "Property values were not valid: [{\"isValid\":false,\"message\":\"Property \\\"gtm_x\\\" does not exist\",\"error\":\"PROPERTY_DOESNT_EXIST\"}]",
        });
        assert!(judged(400, None, &invalid).unwrap().said.starts_with(NO_SUCH_PROPERTY));
        let other = json!({"status": "error", "category": "VALIDATION_ERROR", "message": "Property values were not valid: closedwonn was not one of the allowed options"});
        assert!(!judged(400, None, &other).unwrap().said.starts_with(NO_SUCH_PROPERTY));
        assert_eq!(judged(200, None, &json!({})), None);
        assert_eq!(judged(207, None, &json!({})), None);
    }
}
