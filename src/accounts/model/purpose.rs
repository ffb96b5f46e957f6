//! How ids stand in the purpose of a consent.
//!
//! Promises: two ids are never the same in a purpose, although purposes are kept in small letters and are short.

use crate::kernel::json::sha256;

/// The longest id that stands in a purpose as it is.
const PLAIN_ID_MAX: usize = 20;

/// An id as it stands in a purpose: as it is when it is short and plain, otherwise `~` and the first sixteen digits of its
/// SHA-256.
pub fn id_in_purpose(id: &str) -> String {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '.';
    if !id.is_empty() && id.len() <= PLAIN_ID_MAX && id.chars().all(plain) {
        return id.to_owned();
    }
    format!("~{}", &hex::encode(sha256(id.as_bytes()))[..16])
}

/// The person whom a purpose names, as they stand in it: what is behind the purpose itself and the partner.
pub fn person_in_purpose(purpose: &str) -> Option<&str> {
    purpose.splitn(3, ':').nth(2)
}
