//! Digests by which those who were erased are known again and by nothing else.
//!
//! HMAC-SHA256 under the salt of the installation, over the kind and the parts, each with its length in front. Whoever
//! holds the database holds the salt and can test a guess: the digests are pseudonyms, and no secret of their own.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::Handle;
use crate::kernel::json::Hash;

/// The salt of an installation.
#[derive(Clone)]
pub struct Salt(Hash);

impl std::fmt::Debug for Salt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Salt([REDACTED])")
    }
}

impl Salt {
    pub fn new(bytes: Hash) -> Self {
        Self(bytes)
    }

    pub fn digest(&self, handle: &Handle) -> Hash {
        match handle {
            Handle::Contact { account_id, contact_id } => self.over(&["contact", account_id, contact_id]),
            Handle::Email(email) => self.over(&["email", email]),
        }
    }

    fn over(&self, parts: &[&str]) -> Hash {
        // HMAC takes keys of any length, so this cannot fail.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.0) else { return Hash::default() };
        for part in parts {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part.as_bytes());
        }
        mac.finalize().into_bytes().into()
    }
}
