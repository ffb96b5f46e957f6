//! Access to Crossbeam: a token that lasts a day, made of a refresh token when it is needed.
//!
//! Promises: many calls at once make one refresh; a token that is refused is made anew once. Leaves out: keeping a
//! refresh token that Crossbeam exchanges for a new one beyond this process; a check says when that happens.

use std::sync::atomic::{AtomicBool, Ordering};

use chrono::TimeDelta;
use reqwest::header::CONTENT_TYPE;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use tokio::sync::Mutex;

use crate::connectors::Tools;
use crate::connectors::vendor::{Answer, Complaint, Trouble, TroubleKind, Vendor, by_status};
use crate::kernel::clock::{Clock, DateTime};

/// How long before its end a token is made anew.
const EARLY: TimeDelta = TimeDelta::minutes(5);
/// How long a token lasts whose answer does not say.
const LASTS_SECS: i64 = 3_600;
/// Words of OAuth that mean that our credentials are refused, whatever the status.
const REFUSED: [&str; 4] = ["invalid_grant", "invalid_client", "unauthorized_client", "access_denied"];

/// What Crossbeam and its identity provider complain of.
pub(super) fn complaint(answer: &Answer) -> Option<Complaint> {
    let mut complaint =
        by_status(answer, &["/error_description", "/message", "/errors/0/message", "/errors/0", "/error"])?;
    let body: Option<Value> = serde_json::from_slice(&answer.body).ok();
    let error = body.as_ref().and_then(|body| body["error"].as_str());
    if error.is_some_and(|error| REFUSED.contains(&error)) {
        complaint.kind = TroubleKind::Unauthorised;
    }
    Some(complaint)
}

/// What tokens are made of, and the one at hand.
pub(super) struct Credentials {
    clock: Clock,
    client: reqwest::Client,
    vendor: Vendor,
    auth: String,
    id: String,
    secret: SecretString,
    held: Mutex<Held>,
    exchanged: AtomicBool,
}

struct Held {
    refresh: SecretString,
    token: Option<(SecretString, DateTime)>,
}

impl Credentials {
    pub fn new(
        tools: &Tools,
        vendor: Vendor,
        auth: String,
        id: String,
        secret: SecretString,
        refresh: SecretString,
    ) -> Self {
        Self {
            clock: tools.clock.clone(),
            client: tools.client.clone(),
            vendor,
            auth,
            id,
            secret,
            held: Mutex::new(Held { refresh, token: None }),
            exchanged: AtomicBool::new(false),
        }
    }

    /// Whether Crossbeam has exchanged the refresh token, so that the one in the settings is spent.
    pub fn were_exchanged(&self) -> bool {
        self.exchanged.load(Ordering::Relaxed)
    }

    /// A token that is good for now.
    pub async fn token(&self) -> Result<SecretString, Trouble> {
        let mut held = self.held.lock().await;
        let now = self.clock.now();
        if let Some((token, until)) = &held.token
            && *until > now + EARLY
        {
            return Ok(token.clone());
        }
        let form = form_urlencoded::Serializer::new(String::new())
            .append_pair("grant_type", "refresh_token")
            .append_pair("client_id", &self.id)
            .append_pair("client_secret", self.secret.expose_secret())
            .append_pair("refresh_token", held.refresh.expose_secret())
            .finish();
        let request = self
            .client
            .post(format!("{}/oauth/token", self.auth))
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(form);
        let answer: Value = self.vendor.json(request).await?;
        let Some(token) = answer["access_token"].as_str() else {
            return Err(self.vendor.trouble(TroubleKind::Malformed, "its answer holds no access_token"));
        };
        let token = SecretString::from(token.to_owned());
        let lasts = answer["expires_in"].as_i64().unwrap_or(LASTS_SECS).clamp(0, 7 * 86_400);
        if let Some(refresh) = answer["refresh_token"].as_str()
            && refresh != held.refresh.expose_secret()
        {
            held.refresh = refresh.to_owned().into();
            self.exchanged.store(true, Ordering::Relaxed);
            tracing::warn!(
                "Crossbeam exchanged the refresh token: after a restart the one in the settings is refused; switch \
                 rotation off for the application there, or put a new token into the settings"
            );
        }
        held.token = Some((token.clone(), now + TimeDelta::seconds(lasts)));
        Ok(token)
    }

    /// Forgets a token that was refused, unless another has taken its place.
    pub async fn forget(&self, refused: &SecretString) {
        let mut held = self.held.lock().await;
        if held.token.as_ref().is_some_and(|(token, _)| token.expose_secret() == refused.expose_secret()) {
            held.token = None;
        }
    }
}
