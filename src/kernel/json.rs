//! Canonical JSON (RFC 8785) and the digests made of it.
//!
//! Promises: equal values give equal text and equal digests, whatever order their keys had.

use serde::Serialize;
use sha2::{Digest, Sha256};

/// A SHA-256 digest.
pub type Hash = [u8; 32];

/// The RFC 8785 text of a value.
///
/// # Errors
/// When the value has a key that is no string, or a number that JSON cannot hold.
pub fn canonical(value: &impl Serialize) -> Result<Vec<u8>, serde_json::Error> {
    serde_jcs::to_vec(value)
}

/// SHA-256 of some bytes.
pub fn sha256(bytes: &[u8]) -> Hash {
    Sha256::digest(bytes).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn key_order_does_not_change_the_canonical_text() {
        let a: serde_json::Value = serde_json::from_str(r#"{"b":1,"a":{"y":2.0,"x":[1,2]}}"#).unwrap();
        let b: serde_json::Value = serde_json::from_str(r#"{"a":{"x":[1,2],"y":2.0},"b":1}"#).unwrap();
        assert_eq!(canonical(&a).unwrap(), canonical(&b).unwrap());
        assert_eq!(sha256(b"abc")[..4], [0xba, 0x78, 0x16, 0xbf]);
    }
}
