//! HubSpot's three forms of signature. Pure.
//!
//! Promises: all are compared in constant time; version 3 is the only one that bounds the age of a call.

use super::settings::Version;
use crate::connectors::inbound::{Call, Refusal};
use crate::connectors::sign;
use crate::kernel::clock::DateTime;
use crate::kernel::json::sha256;

/// How old a signed call may be, and how far ahead, in seconds.
const TOLERANCE_SECS: i64 = 300;

/// Characters that are signed as themselves although the address holds their escapes.
const DECODED: [(&str, &str); 12] = [
    ("%3A", ":"),
    ("%2F", "/"),
    ("%3F", "?"),
    ("%40", "@"),
    ("%21", "!"),
    ("%24", "$"),
    ("%27", "'"),
    ("%28", "("),
    ("%29", ")"),
    ("%2A", "*"),
    ("%2C", ","),
    ("%3B", ";"),
];

/// A request as a signature sees it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Signed<'a> {
    pub secret: &'a [u8],
    pub method: &'a str,
    /// The whole address, query included.
    pub url: &'a str,
    pub body: &'a [u8],
}

impl Signed<'_> {
    /// Hexadecimal SHA-256 of secret and body.
    pub(super) fn is_v1(&self, sent: &str) -> bool {
        sign::is_hex(&sha256(&[self.secret, self.body].concat()), sent)
    }

    /// Hexadecimal SHA-256 of secret, method, address and body.
    pub(super) fn is_v2(&self, sent: &str) -> bool {
        let parts = [self.secret, self.method.as_bytes(), self.url.as_bytes(), self.body];
        sign::is_hex(&sha256(&parts.concat()), sent)
    }

    /// Base64 HMAC-SHA256 of method, decoded address, body and timestamp.
    pub(super) fn is_v3(&self, timestamp: &str, sent: &str) -> bool {
        let url = decoded(self.url);
        let parts = [self.method.as_bytes(), url.as_bytes(), self.body, timestamp.as_bytes()];
        sign::is_base64(&sign::hmac_sha256(self.secret, &parts), sent)
    }
}

/// Believes a call by the strongest signature that it carries, or says why not.
pub(super) fn verify(call: &Call<'_>, signed: &Signed<'_>, allowed: &[Version]) -> Result<(), Refusal> {
    if let Some(sent) = call.header("x-hubspot-signature-v3")
        && allowed.contains(&Version::V3)
    {
        let timestamp = call.header("x-hubspot-request-timestamp").ok_or(Refusal::Unsigned)?;
        // The signature first: what an unproven timestamp says is no news.
        if !signed.is_v3(timestamp, sent) {
            return Err(Refusal::Forged);
        }
        let at = instant(timestamp).ok_or(Refusal::Stale)?;
        return if sign::is_recent(at, call.now, TOLERANCE_SECS) { Ok(()) } else { Err(Refusal::Stale) };
    }
    let sent = call.header("x-hubspot-signature").ok_or(Refusal::Unsigned)?;
    let version = match call.header("x-hubspot-signature-version") {
        Some("v2") => Version::V2,
        _ => Version::V1,
    };
    let fits = match version {
        Version::V2 => signed.is_v2(sent),
        _ => signed.is_v1(sent),
    };
    match (allowed.contains(&version), fits) {
        (false, _) => Err(Refusal::Unsigned),
        (true, true) => Ok(()),
        (true, false) => Err(Refusal::Forged),
    }
}

/// The address with the twelve escapes undone that HubSpot undoes, each once and no other.
fn decoded(url: &str) -> String {
    let mut text = String::with_capacity(url.len());
    let mut rest = url;
    while let Some(at) = rest.find('%') {
        text.push_str(&rest[..at]);
        rest = &rest[at..];
        let escape =
            rest.get(..3).and_then(|three| DECODED.iter().find(|(code, _)| code.eq_ignore_ascii_case(three)));
        if let Some((_, plain)) = escape {
            text.push_str(plain);
            rest = &rest[3..];
        } else {
            text.push('%');
            rest = &rest[1..];
        }
    }
    text.push_str(rest);
    text
}

fn instant(millis: &str) -> Option<DateTime> {
    chrono::DateTime::from_timestamp_millis(millis.parse().ok()?)
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderMap, HeaderName};
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    /// Made with `@hubspot/api-client` 13.5.0; the file says more.
    fn vectors() -> Vec<Value> {
        let text = include_str!("../../../tests/fixtures/hubspot/signatures.json");
        let file: Value = serde_json::from_str(text).unwrap();
        file["vectors"].as_array().unwrap().clone()
    }

    fn text<'a>(vector: &'a Value, key: &str) -> &'a str {
        vector[key].as_str().unwrap_or_default()
    }

    fn signed(vector: &Value) -> Signed<'_> {
        Signed {
            secret: text(vector, "client_secret").as_bytes(),
            method: text(vector, "method"),
            url: text(vector, "url"),
            body: text(vector, "request_body").as_bytes(),
        }
    }

    fn fits(vector: &Value, signed: Signed<'_>) -> bool {
        let sent = text(vector, "signature");
        match text(vector, "version") {
            "v1" => signed.is_v1(sent),
            "v2" => signed.is_v2(sent),
            _ => signed.is_v3(&vector["timestamp"].to_string(), sent),
        }
    }

    #[test]
    fn every_vector_of_the_official_client_is_believed_and_the_encoded_one_is_not() {
        let vectors = vectors();
        assert_eq!(vectors.len(), 11);
        for vector in &vectors {
            let over_encoded = text(vector, "name").contains("over the ENCODED text");
            assert_eq!(fits(vector, signed(vector)), !over_encoded, "{}", vector["name"]);
        }
        let with = |url: &str| vectors.iter().find(|vector| text(vector, "url").contains(url)).unwrap();
        // What the client sends percent-encoded is signed decoded.
        let (plain, encoded) = (with("tenant=a:b"), with("tenant=a%3A"));
        assert!(fits(plain, Signed { url: text(encoded, "url"), ..signed(plain) }));
    }

    #[test]
    fn any_other_part_makes_every_vector_a_forgery() {
        for vector in vectors().iter().filter(|vector| !text(vector, "name").contains("ENCODED text")) {
            let good = signed(vector);
            assert!(!fits(vector, Signed { secret: b"other", ..good }), "{}", vector["name"]);
            assert!(!fits(vector, Signed { body: b"other", ..good }), "{}", vector["name"]);
            if text(vector, "version") != "v1" {
                assert!(!fits(vector, Signed { url: "https://example.com/", ..good }), "{}", vector["name"]);
                assert!(!fits(vector, Signed { method: "PUT", ..good }), "{}", vector["name"]);
            }
        }
    }

    fn verified(
        headers: &[(&'static str, &str)],
        vector: &Value,
        now_ms: i64,
        allowed: &[Version],
    ) -> Result<(), Refusal> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.insert(HeaderName::from_static(name), value.parse().unwrap());
        }
        let signed = signed(vector);
        let now = chrono::DateTime::from_timestamp_millis(now_ms).unwrap();
        let call = Call { headers: &map, body: signed.body, path_secret: None, path: "/", now };
        verify(&call, &signed, allowed)
    }

    #[test]
    fn a_call_is_believed_for_five_minutes_and_no_weaker_proof_replaces_a_stronger() {
        let vectors = vectors();
        let v3 = vectors.iter().find(|vector| text(vector, "name") == "v3 contact.creation batch").unwrap();
        let at = v3["timestamp"].as_i64().unwrap();
        let (stamp, sent) = (at.to_string(), text(v3, "signature"));
        let whole = [("x-hubspot-signature-v3", sent), ("x-hubspot-request-timestamp", stamp.as_str())];
        let only = [Version::V3];
        assert_eq!(verified(&whole, v3, at, &only), Ok(()));
        assert_eq!(verified(&whole, v3, at + 300_000, &only), Ok(()));
        assert_eq!(verified(&whole, v3, at + 300_001, &only), Err(Refusal::Stale));
        assert_eq!(verified(&whole, v3, at - 300_001, &only), Err(Refusal::Stale));
        assert_eq!(verified(&whole[..1], v3, at, &only), Err(Refusal::Unsigned));
        assert_eq!(verified(&[], v3, at, &only), Err(Refusal::Unsigned));
        let later = (at + 1).to_string();
        let moved = [whole[0], ("x-hubspot-request-timestamp", later.as_str())];
        assert_eq!(verified(&moved, v3, at, &only), Err(Refusal::Forged));

        let v1 = vectors.iter().find(|vector| text(vector, "version") == "v1").unwrap();
        let old = [("x-hubspot-signature", text(v1, "signature")), ("x-hubspot-signature-version", "v1")];
        assert_eq!(verified(&old, v1, 0, &only), Err(Refusal::Unsigned), "not by default");
        assert_eq!(verified(&old, v1, 0, &[Version::V1]), Ok(()));
        // The same body proven by v1 does not help a wrong v3.
        let both = [old[0], old[1], ("x-hubspot-signature-v3", "AAAA"), whole[1]];
        assert_eq!(verified(&both, v1, at, &[Version::V1, Version::V3]), Err(Refusal::Forged));
        let v2 = vectors.iter().find(|vector| text(vector, "name").starts_with("v2 POST")).unwrap();
        let sent = [("x-hubspot-signature", text(v2, "signature")), ("x-hubspot-signature-version", "v2")];
        assert_eq!(verified(&sent, v2, 0, &[Version::V2]), Ok(()));
        assert_eq!(verified(&sent, v2, 0, &[Version::V1]), Err(Refusal::Unsigned));
    }

    proptest! {
        #[test]
        fn decoding_never_panics_and_leaves_text_without_escapes_alone(text in "\\PC{0,40}") {
            let plain = decoded(&text);
            if !text.contains('%') {
                prop_assert_eq!(plain, text);
            }
        }
    }
}
