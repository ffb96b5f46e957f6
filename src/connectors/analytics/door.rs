//! The door for clients of product analytics: whose call it is, and the body as it is kept.
//!
//! Clients put their key into an `Authorization` header of their own kind, or into the body. It is one of the service's
//! own keys, so it is taken out before the body is stored: what was received is shown to people later.
//! Promises: a body is read whatever its content type; compressed ones too, also those that do not say so, up to
//! [`BODY_BYTES_MAX`]; the key of a call is nowhere in what is kept.
//! Leaves out: looking keys up, which is for the API.

use std::io::Read;

use axum::http::{HeaderMap, header};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::read::MultiGzDecoder;
use serde_json::value::RawValue;

/// The largest body that is taken, in bytes after decompression (20 MiB).
pub const BODY_BYTES_MAX: usize = 20 << 20;
/// What every gzip stream begins with.
const GZIP: [u8; 2] = [0x1f, 0x8b];
/// Members of a body that hold the key.
const KEYS: [&str; 4] = ["writeKey", "write_key", "api_key", "token"];
/// What stands in a kept body where the key was.
const WITHHELD: &str = "\"withheld\"";
/// Shorter texts are no keys of this service.
const KEY_BYTES_MIN: usize = 16;

/// A body that can be kept.
#[derive(Debug, PartialEq, Eq)]
pub struct Opened {
    pub body: Vec<u8>,
    /// The key that stood in it.
    pub key: Option<String>,
}

/// Why a body is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unread {
    #[error("The body is not JSON: {0}.")]
    NotJson(String),
    #[error("The body says that it is gzip and cannot be unpacked.")]
    NotGzip,
    #[error("The body is larger than {} MiB.", BODY_BYTES_MAX >> 20)]
    TooLarge,
}

/// Unpacks a body where it has to be, checks that it is JSON, and takes the key out of it.
pub fn open(body: &[u8]) -> Result<Opened, Unread> {
    if !body.starts_with(&GZIP) {
        return without_key(body);
    }
    let mut unpacked = Vec::new();
    let limit = u64::try_from(BODY_BYTES_MAX).unwrap_or(u64::MAX).saturating_add(1);
    MultiGzDecoder::new(body).take(limit).read_to_end(&mut unpacked).map_err(|_| Unread::NotGzip)?;
    if unpacked.len() > BODY_BYTES_MAX {
        return Err(Unread::TooLarge);
    }
    without_key(&unpacked)
}

fn without_key(body: &[u8]) -> Result<Opened, Unread> {
    let not_json = |error: &dyn std::fmt::Display| Unread::NotJson(error.to_string());
    let text = std::str::from_utf8(body).map_err(|error| not_json(&error))?;
    let whole: &RawValue = serde_json::from_str(text).map_err(|error| not_json(&error))?;
    if !whole.get().starts_with('{') {
        return Ok(Opened { body: body.to_vec(), key: None });
    }
    let members: std::collections::BTreeMap<String, &RawValue> =
        serde_json::from_str(whole.get()).map_err(|error| not_json(&error))?;
    let mut kept = text.to_owned();
    let mut key = None;
    for raw in KEYS.iter().filter_map(|name| members.get(*name)) {
        let Ok(found) = serde_json::from_str::<String>(raw.get()) else { continue };
        if found.len() >= KEY_BYTES_MIN {
            kept = kept.replace(raw.get(), WITHHELD);
        }
        key.get_or_insert(found);
    }
    Ok(Opened { body: kept.into_bytes(), key: key.filter(|key| !key.is_empty()) })
}

/// The key that the headers carry: the name of `Basic`, with nothing as its password, or a bearer.
pub fn of_headers(headers: &HeaderMap) -> Option<String> {
    let (scheme, proof) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    if scheme.eq_ignore_ascii_case("bearer") {
        return Some(proof.trim().to_owned());
    }
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let pair = String::from_utf8(STANDARD.decode(proof.trim()).ok()?).ok()?;
    let name = pair.split_once(':').map_or(pair.as_str(), |(name, _)| name);
    (!name.is_empty()).then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use proptest::prelude::*;

    use super::*;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packer.write_all(bytes).unwrap();
        packer.finish().unwrap()
    }

    #[test]
    fn a_key_is_read_and_not_kept() {
        let body = br#"{"batch":[{"properties":{"token":"gtm_0123456789abcdef"}}],"writeKey":"gtm_0123456789abcdef"}"#;
        let opened = open(body).unwrap();
        assert_eq!(opened.key.as_deref(), Some("gtm_0123456789abcdef"));
        let kept = r#"{"batch":[{"properties":{"token":"withheld"}}],"writeKey":"withheld"}"#;
        assert_eq!(String::from_utf8(opened.body).unwrap(), kept);
        assert_eq!(open(&gzip(body)).unwrap().key.as_deref(), Some("gtm_0123456789abcdef"));
    }

    #[test]
    fn what_cannot_be_read_says_why() {
        assert!(matches!(open(b"{"), Err(Unread::NotJson(_))));
        assert!(matches!(open(b"\xff"), Err(Unread::NotJson(_))));
        assert_eq!(open(b"\x1f\x8bxx"), Err(Unread::NotGzip));
        assert_eq!(open(&gzip(&vec![b' '; BODY_BYTES_MAX + 1])), Err(Unread::TooLarge));
        assert_eq!(open(b"[1]").unwrap(), Opened { body: b"[1]".to_vec(), key: None });
    }

    #[test]
    fn a_key_in_the_headers_is_a_name_or_a_bearer() {
        let of = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::AUTHORIZATION, text.parse().unwrap());
            of_headers(&headers)
        };
        assert_eq!(of("Basic V1JJVEVfS0VZXzEyMzo=").as_deref(), Some("WRITE_KEY_123"));
        assert_eq!(of("bearer abc").as_deref(), Some("abc"));
        for nothing in ["Basic Og==", "Basic %", "Digest x", "Basic"] {
            assert_eq!(of(nothing), None, "{nothing}");
        }
    }

    proptest! {
        #[test]
        fn no_kept_body_holds_its_key(key in "[ -~]{16,60}", other in ".{0,40}", at in 0_usize..4) {
            let body = serde_json::json!({ KEYS[at]: key, "batch": [{ "x": other, "token": key }] });
            let opened = open(body.to_string().as_bytes()).unwrap();
            prop_assert_eq!(opened.key.as_deref(), Some(key.as_str()));
            let kept: serde_json::Value = serde_json::from_slice(&opened.body).unwrap();
            prop_assert_eq!(kept["batch"][0]["token"].as_str(), Some("withheld"));
            prop_assert_eq!(kept[KEYS[at]].as_str(), Some("withheld"));
        }
    }
}
