//! Signed webhooks: how deliveries reach an endpoint that was configured for their destination.

use futures_util::future::BoxFuture;
use reqwest::header::CONTENT_TYPE;

use super::sender::{Next, Outgoing, Sender, Sent, Unsent, beginning, is_down, retry_after};
use super::{EndpointSettings, OutboxError, Secret};

/// An endpoint and how we prove who we are.
pub(super) struct Webhook {
    client: reqwest::Client,
    url: String,
    secret: Secret,
}

impl Webhook {
    /// Checks address and secret.
    pub(super) fn new(
        destination: &str,
        endpoint: &EndpointSettings,
        client: reqwest::Client,
    ) -> Result<Self, OutboxError> {
        let secret = Secret::parse(&endpoint.secret)
            .map_err(|error| OutboxError::Secret { destination: destination.to_owned(), error })?;
        let usable =
            reqwest::Url::parse(&endpoint.url).is_ok_and(|url| matches!(url.scheme(), "http" | "https"));
        if !usable {
            return Err(OutboxError::Url { destination: destination.to_owned(), url: endpoint.url.clone() });
        }
        Ok(Self { client, url: endpoint.url.clone(), secret })
    }

    async fn attempt(&self, outgoing: Outgoing<'_>) -> Result<Sent, Unsent> {
        let (id, now) = (outgoing.id.to_string(), outgoing.now);
        let signature = self.secret.sign(&id, now.timestamp(), outgoing.payload.as_bytes());
        let answer = self
            .client
            .post(&self.url)
            .header(CONTENT_TYPE, "application/json")
            .header("webhook-id", &id)
            .header("webhook-timestamp", now.timestamp())
            .header("webhook-signature", signature)
            .header("idempotency-key", &id)
            .body(outgoing.payload.to_owned())
            .send()
            .await
            .map_err(|error| Unsent::of_transport(&error))?;
        let status = answer.status().as_u16();
        if answer.status().is_success() {
            return Ok(Sent::of(status));
        }
        let next = match retry_after(answer.headers(), now) {
            // 410 says that the receiver is gone for good.
            _ if status == 410 => Next::Never,
            Some(wait) => Next::After(wait),
            None => Next::Planned,
        };
        let error = format!("HTTP {status}: {}", beginning(answer).await);
        Err(Unsent { status: Some(status), error, next, down: is_down(status), unsure: status >= 500 })
    }
}

impl Sender for Webhook {
    fn provider(&self) -> &'static str {
        "webhook"
    }

    fn serves(&self, _: &str) -> bool {
        true
    }

    fn send<'a>(&'a self, outgoing: Outgoing<'a>) -> BoxFuture<'a, Result<Sent, Unsent>> {
        Box::pin(self.attempt(outgoing))
    }
}
