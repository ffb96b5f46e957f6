//! Resend: briefings as e-mail, and what became of them.
//!
//! Promises: a briefing is sent once, because every attempt carries the delivery's id as its idempotency key and the same
//! bytes; one that bounces later is shown as not delivered, with the reason of the receiving server.
//! Leaves out: other mail; what people answer goes to `reply_to`.

mod bounce;
mod mail;

use std::sync::Arc;

use futures_util::future::BoxFuture;
use reqwest::header::CONTENT_TYPE;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::Value;

use super::limits::Limits;
use super::mail::{BRIEFING, domain};
use super::settings::{Secret, Section, SetupFault};
use super::vendor::{Answer, Complaint, Trouble, TroubleKind, Vendor};
use super::{Check, Connector, Finding, Tools};
use crate::platform::outbox::sender::printable;
use crate::platform::outbox::{Outgoing, Sender, Sent, Unsent};
use mail::Look;

/// The team's limit is five calls a second; the rest is left to others.
const PER_SECOND: f64 = 4.0;
const BURST: u32 = 4;

/// `[connectors.resend]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    /// The API key, `re_…`.
    token: Secret,
    /// `Name <address>` of a verified domain.
    from: String,
    #[serde(default)]
    reply_to: Option<String>,
    /// A published template that takes the briefing's variables; without it the service's own page is sent.
    #[serde(default)]
    template: Option<String>,
    /// Proves what Resend tells us of bounces, `whsec_…`.
    #[serde(default)]
    webhook_secret: Option<Secret>,
    #[serde(default = "base_url")]
    base_url: String,
}

fn base_url() -> String {
    "https://api.resend.com".to_owned()
}

/// Makes the connector.
pub(super) fn connect(tools: &Tools, section: &Section) -> Result<Vec<Connector>, SetupFault> {
    let settings: Settings = section.read()?;
    if !settings.from.contains('@') {
        return Err(
            section.fault("from", format!("`{}` is no address: write Name <name@domain>", settings.from))
        );
    }
    let limits = Arc::new(Limits::new("resend", PER_SECOND, BURST));
    let mailer = Arc::new(Mailer {
        vendor: Vendor::new("Resend", tools.clock.clone(), limits.clone(), complaint),
        client: tools.client.clone(),
        base: settings.base_url.trim_end_matches('/').to_owned(),
        token: settings.token.0,
        look: Look { from: settings.from, reply_to: settings.reply_to, template: settings.template },
    });
    let mut connector = Connector { limits: Some(limits), ..Connector::named("resend") };
    if let Some(secret) = settings.webhook_secret {
        let listener =
            bounce::Listener::new(&secret.0).map_err(|fault| section.fault("webhook_secret", fault))?;
        connector.inbound = Some(Arc::new(listener));
    }
    connector.senders.push((BRIEFING, mailer.clone()));
    connector.check = Some(mailer);
    Ok(vec![connector])
}

/// Sends mail.
struct Mailer {
    vendor: Vendor,
    client: reqwest::Client,
    base: String,
    token: SecretString,
    look: Look,
}

impl Sender for Mailer {
    fn provider(&self) -> &'static str {
        "resend"
    }

    fn in_order(&self) -> bool {
        false
    }

    fn send<'a>(&'a self, outgoing: Outgoing<'a>) -> BoxFuture<'a, Result<Sent, Unsent>> {
        Box::pin(async move {
            let body = self.look.mail(outgoing.data()?, outgoing.id);
            let request = self
                .client
                .post(format!("{}/emails", self.base))
                .bearer_auth(self.token.expose_secret())
                .header(CONTENT_TYPE, "application/json")
                .header("idempotency-key", outgoing.id.to_string())
                .body(body);
            match self.vendor.call(request).await {
                Ok(answer) => Ok(Sent::of(answer.status.as_u16())),
                // The key was used for other bytes: an earlier attempt, made by another version, was taken.
                Err(trouble) if trouble.said.starts_with(OTHER_CONTENT) => {
                    Ok(Sent { status: trouble.status, by: None })
                }
                Err(trouble) => Err(trouble.into()),
            }
        })
    }
}

impl Check for Mailer {
    fn check(&self) -> BoxFuture<'_, Vec<Finding>> {
        Box::pin(async move {
            let request =
                self.client.get(format!("{}/domains", self.base)).bearer_auth(self.token.expose_secret());
            let found: Result<Value, Trouble> = self.vendor.json(request).await;
            let domain = domain(&self.look.from);
            vec![match found {
                Ok(answer) => {
                    let domains = answer["data"].as_array().cloned().unwrap_or_default();
                    match domains.iter().find(|one| one["name"] == domain) {
                        Some(one) if one["status"] == "verified" => {
                            Finding::well("domain", format!("{domain} is verified."))
                        }
                        Some(one) => Finding::amiss(
                            "domain",
                            format!("{domain} is {}: finish its DNS records in Resend.", one["status"]),
                        ),
                        None => Finding::amiss(
                            "domain",
                            format!("{domain} is not among the domains of this key."),
                        ),
                    }
                }
                // A key that may only send cannot list domains, and is the better key to have.
                Err(trouble) if trouble.said.starts_with("restricted_api_key") => {
                    Finding::well("token", "The key may send and nothing else, as it should.")
                }
                Err(trouble) => Finding::amiss("token", trouble.to_string()),
            }]
        })
    }
}

/// Resend's name for a key that was used with other bytes before.
const OTHER_CONTENT: &str = "invalid_idempotent_request";

/// How Resend says that something went wrong: `{statusCode, name, message}`.
fn complaint(answer: &Answer) -> Option<Complaint> {
    let kind = TroubleKind::of(answer.status)?;
    let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    let name = body["name"].as_str().unwrap_or_default();
    let kind = match name {
        "concurrent_idempotent_requests"
        | "rate_limit_exceeded"
        | "daily_quota_exceeded"
        | "monthly_quota_exceeded" => TroubleKind::Limited,
        "missing_api_key" | "invalid_api_key" => TroubleKind::Unauthorised,
        "restricted_api_key" => TroubleKind::Forbidden,
        _ => kind,
    };
    let wait = match name {
        // A quota is not there again in a moment.
        "daily_quota_exceeded" | "monthly_quota_exceeded" => Some(chrono::TimeDelta::hours(1)),
        "concurrent_idempotent_requests" => Some(chrono::TimeDelta::seconds(5)),
        _ => None,
    };
    let said = match body["message"].as_str() {
        Some(message) => format!("{name}: {message}"),
        None => String::from_utf8_lossy(&answer.body).into_owned(),
    };
    Some(Complaint { kind, said: printable(said.as_bytes()), wait })
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderMap, StatusCode};
    use serde_json::json;

    use super::*;

    #[test]
    fn words_of_resend_say_how_long_to_wait() {
        use TroubleKind as K;
        let of = |status: u16, name: &str| {
            let body = json!({"statusCode": status, "name": name, "message": "why"}).to_string();
            let status = StatusCode::from_u16(status).unwrap();
            complaint(&Answer { status, headers: HeaderMap::new(), body: body.into() }).unwrap()
        };
        let secs = |complaint: &Complaint| complaint.wait.map(|wait| wait.num_seconds());
        for (status, name, kind, wait) in [
            (409, "concurrent_idempotent_requests", K::Limited, Some(5)),
            (429, "rate_limit_exceeded", K::Limited, None),
            (429, "daily_quota_exceeded", K::Limited, Some(3_600)),
            (429, "monthly_quota_exceeded", K::Limited, Some(3_600)),
            (403, "invalid_api_key", K::Unauthorised, None),
            (401, "restricted_api_key", K::Forbidden, None),
            (403, "validation_error", K::Forbidden, None),
            (422, "invalid_from_address", K::Invalid, None),
            (404, "not_found", K::Missing, None),
            (500, "application_error", K::Down, None),
        ] {
            let said = of(status, name);
            assert_eq!((said.kind, secs(&said)), (kind, wait), "{name}");
            assert_eq!(said.said, format!("{name}: why"));
        }
    }
}
