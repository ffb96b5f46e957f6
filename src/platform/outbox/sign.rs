//! Signatures after the Standard Webhooks specification.
//!
//! Promises: `webhook-signature` is `v1,` and the base64 of HMAC-SHA256 over `id.timestamp.body`, keyed with
//! the decoded secret; a secret never shows in debug output.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;

/// A decoded signing secret.
#[derive(Clone)]
pub struct Secret(Vec<u8>);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret([REDACTED])")
    }
}

/// Why a secret cannot be used.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum SecretError {
    #[error("a signing secret is `whsec_` followed by base64; this one is not base64")]
    Encoding,
    #[error("a signing secret has 24 to 64 bytes, this one has {0}")]
    Length(usize),
}

impl Secret {
    /// Decodes `whsec_…` (the prefix may be missing).
    pub fn parse(text: &SecretString) -> Result<Self, SecretError> {
        let text = text.expose_secret();
        let encoded = text.strip_prefix("whsec_").unwrap_or(text);
        let bytes = STANDARD.decode(encoded).map_err(|_| SecretError::Encoding)?;
        if !(24..=64).contains(&bytes.len()) {
            return Err(SecretError::Length(bytes.len()));
        }
        Ok(Self(bytes))
    }

    /// The `webhook-signature` header of a message; `timestamp` in seconds since the epoch.
    pub fn sign(&self, id: &str, timestamp: i64, body: &[u8]) -> String {
        // HMAC takes keys of any length, so this cannot fail; an empty signature would be refused anyway.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.0) else { return String::new() };
        mac.update(format!("{id}.{timestamp}.").as_bytes());
        mac.update(body);
        format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Vectors made with the official libraries (`standardwebhooks` 1.1 for JavaScript and Python, `svix`).
    #[test]
    fn signatures_equal_those_of_the_official_libraries() {
        let file: serde_json::Value =
            serde_json::from_str(include_str!("../../../tests/fixtures/webhooks/signatures.json")).unwrap();
        let vectors = file["vectors"].as_array().unwrap();
        assert_eq!(vectors.len(), 4);
        for vector in vectors {
            let text = |key: &str| vector[key].as_str().unwrap();
            let secret = Secret::parse(&text("secret").into()).unwrap();
            let at = vector["webhook_timestamp"].as_i64().unwrap();
            let signature = secret.sign(text("webhook_id"), at, text("body").as_bytes());
            assert_eq!(signature, text("webhook_signature"), "{}", vector["name"]);
        }
    }

    #[test]
    fn a_receiver_with_an_independent_library_accepts_what_we_sign() {
        let text = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
        #[expect(clippy::disallowed_methods, reason = "the other library checks against the machine's clock")]
        let now = chrono::Utc::now().timestamp();
        let signature = Secret::parse(&text.into()).unwrap().sign("msg_1", now, b"{\"a\":1}");
        let mut headers = http::HeaderMap::new();
        headers.insert("webhook-id", "msg_1".parse().unwrap());
        headers.insert("webhook-timestamp", now.to_string().parse().unwrap());
        headers.insert("webhook-signature", signature.parse().unwrap());
        standardwebhooks::Webhook::new(text).unwrap().verify(b"{\"a\":1}", &headers).unwrap();
        assert!(standardwebhooks::Webhook::new(text).unwrap().verify(b"{\"a\":2}", &headers).is_err());
    }

    #[test]
    fn unusable_secrets_are_named() {
        assert_eq!(Secret::parse(&"whsec_!!".into()).unwrap_err(), SecretError::Encoding);
        assert_eq!(Secret::parse(&"whsec_AAAA".into()).unwrap_err(), SecretError::Length(3));
        let shown = format!("{:?}", Secret::parse(&"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".into()).unwrap());
        assert_eq!(shown, "Secret([REDACTED])");
    }
}
