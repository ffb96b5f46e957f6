//! Proofs that a call comes from the system that it says: keyed digests compared without telling by time.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use sha2::Sha256;
use subtle::ConstantTimeEq;

use crate::kernel::clock::DateTime;

/// HMAC-SHA256 of the parts, one after the other.
pub fn hmac_sha256(key: &[u8], parts: &[&[u8]]) -> Vec<u8> {
    // HMAC takes keys of any length, so this cannot fail; an empty digest equals nothing that is sent.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else { return Vec::new() };
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().to_vec()
}

/// HMAC-SHA1 of the parts, for the systems that still use it.
pub fn hmac_sha1(key: &[u8], parts: &[&[u8]]) -> Vec<u8> {
    let Ok(mut mac) = Hmac::<Sha1>::new_from_slice(key) else { return Vec::new() };
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().to_vec()
}

/// Whether two secrets are the same, in a time that depends on their lengths alone.
pub fn same(one: &[u8], other: &[u8]) -> bool {
    !one.is_empty() && bool::from(one.ct_eq(other))
}

/// Whether base64 text is this digest.
pub fn is_base64(digest: &[u8], text: &str) -> bool {
    same(STANDARD.encode(digest).as_bytes(), text.as_bytes())
}

/// Whether hexadecimal text, in either case, is this digest.
pub fn is_hex(digest: &[u8], text: &str) -> bool {
    same(hex::encode(digest).as_bytes(), text.to_ascii_lowercase().as_bytes())
}

/// Whether an instant lies within so many seconds of another, both ways.
pub fn is_recent(at: DateTime, now: DateTime, tolerance_secs: i64) -> bool {
    (now - at).num_milliseconds().abs() <= tolerance_secs * 1_000
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 4231 and RFC 2202, second test case each.
    #[test]
    fn digests_equal_the_published_ones() {
        let (key, text) = (b"Jefe".as_slice(), [b"what do ya want ".as_slice(), b"for nothing?"]);
        let of_256 = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
        assert_eq!(hex::encode(hmac_sha256(key, &text)), of_256);
        assert_eq!(hex::encode(hmac_sha1(key, &text)), "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79");
    }

    #[test]
    fn nothing_equals_nothing() {
        assert!(!same(b"", b""), "an empty proof is none");
        assert!(same(b"ab", b"ab"));
        assert!(!same(b"ab", b"ac") && !same(b"ab", b"abc"));
        assert!(is_hex(&[0xab], "AB") && !is_hex(&[0xab], "ac"));
    }
}
