//! The key that signs checkpoints.
//!
//! Promises: a key file is made when absent, readable by its owner alone, and a readable-by-others one is refused; a
//! signature is attributed to a key by the key's fingerprint. Replicas on one database share one key (given by
//! settings or a common file); retired keys stay trusted for what they signed. Leaves out: keys in hardware.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use ed25519_dalek::pkcs8::spki::der::pem::LineEnding;
use ed25519_dalek::pkcs8::{DecodePrivateKey, DecodePublicKey, EncodePrivateKey, EncodePublicKey};
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};

use crate::kernel::json::sha256;

/// Why there is no signing key.
#[derive(Debug, thiserror::Error)]
pub enum SignerError {
    #[error("the audit signing key {path} cannot be read or made: {cause}")]
    File { path: PathBuf, cause: std::io::Error },
    #[error("the audit signing key {0} can be read by others; run: chmod 600 {0}")]
    Open(PathBuf),
    #[error("the older audit key {path} cannot be used: {cause}")]
    Trusted { path: PathBuf, cause: String },
    #[error("an audit key is not an ed25519 key in PEM (PKCS#8 private, SPKI public): {0}")]
    Pem(String),
}

/// Signs, and knows whose signatures count.
#[derive(Clone)]
pub struct Signer {
    key: SigningKey,
    id: String,
    trusted: BTreeMap<String, VerifyingKey>,
}

impl Signer {
    /// The key in this file; made, with mode 0600, when there is none.
    ///
    /// # Errors
    /// When the file cannot be used, holds something else, or is open to others.
    pub fn load_or_create(path: &Path) -> Result<Self, SignerError> {
        let failed = |cause| SignerError::File { path: path.to_owned(), cause };
        match fs::read_to_string(path) {
            Ok(pem) => {
                let mode = fs::metadata(path).map_err(failed)?.permissions().mode();
                if mode & 0o077 != 0 {
                    return Err(SignerError::Open(path.to_owned()));
                }
                Self::from_pem(&pem)
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Self::create(path),
            Err(error) => Err(failed(error)),
        }
    }

    /// Makes the file. It appears under its name only when complete, and never replaces one: of two processes that
    /// start together the slower takes the key of the faster.
    fn create(path: &Path) -> Result<Self, SignerError> {
        let failed = |cause| SignerError::File { path: path.to_owned(), cause };
        let signer = Self::generate();
        let pem =
            signer.key.to_pkcs8_pem(LineEnding::LF).map_err(|error| SignerError::Pem(error.to_string()))?;
        let draft = path.with_extension(format!("new-{}", std::process::id()));
        let written = fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&draft)
            .and_then(|mut file| file.write_all(pem.as_bytes()).and_then(|()| file.sync_all()))
            .and_then(|()| fs::hard_link(&draft, path));
        // The draft is only ever a second name or a remnant.
        let _ = fs::remove_file(&draft);
        match written {
            Ok(()) => Ok(signer),
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists && path.exists() => {
                Self::load_or_create(path)
            }
            Err(error) => Err(failed(error)),
        }
    }

    /// A key given as PKCS#8 PEM.
    ///
    /// # Errors
    /// When it is none.
    pub fn from_pem(pem: &str) -> Result<Self, SignerError> {
        let key = SigningKey::from_pkcs8_pem(pem).map_err(|error| SignerError::Pem(error.to_string()))?;
        Ok(Self::of(key))
    }

    /// A fresh key that lives no longer than the process; for tests and trials.
    pub fn generate() -> Self {
        Self::of(SigningKey::from_bytes(&rand::random()))
    }

    fn of(key: SigningKey) -> Self {
        let public = key.verifying_key();
        let id = fingerprint(&public);
        Self { key, trusted: BTreeMap::from([(id.clone(), public)]), id }
    }

    /// Also trusts what this key (SPKI PEM) signed: one that was in use before.
    ///
    /// # Errors
    /// When it is no such key.
    pub fn trusting(mut self, public_pem: &str) -> Result<Self, SignerError> {
        let key = VerifyingKey::from_public_key_pem(public_pem)
            .map_err(|error| SignerError::Pem(error.to_string()))?;
        self.trusted.insert(fingerprint(&key), key);
        Ok(self)
    }

    /// As [`Signer::trusting`], for keys in files.
    ///
    /// # Errors
    /// When a file cannot be read or holds no such key; it is named.
    pub fn trusting_files(mut self, paths: &[PathBuf]) -> Result<Self, SignerError> {
        for path in paths {
            let failed = |cause: String| SignerError::Trusted { path: path.clone(), cause };
            let pem = fs::read_to_string(path).map_err(|error| failed(error.to_string()))?;
            self = self.trusting(&pem).map_err(|error| failed(error.to_string()))?;
        }
        Ok(self)
    }

    /// The fingerprint of the key: 16 hex digits of the SHA-256 of its public part.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The public part, for whoever verifies elsewhere.
    ///
    /// # Errors
    /// Never for a key in hand; the signature is that of the PEM writer.
    pub fn public_pem(&self) -> Result<String, SignerError> {
        self.key
            .verifying_key()
            .to_public_key_pem(LineEnding::LF)
            .map_err(|error| SignerError::Pem(error.to_string()))
    }

    pub(super) fn sign(&self, text: &[u8]) -> [u8; 64] {
        self.key.sign(text).to_bytes()
    }

    /// What is wrong with a signature, if anything.
    pub(super) fn fault(&self, signer: &str, text: &[u8], signature: &[u8]) -> Option<String> {
        let Some(key) = self.trusted.get(signer) else {
            return Some(format!("is signed by key {signer}, which is not trusted here"));
        };
        let valid = Signature::from_slice(signature).is_ok_and(|it| key.verify_strict(text, &it).is_ok());
        (!valid).then(|| "has a signature that does not fit its content".to_owned())
    }
}

impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Signer").field("id", &self.id).finish_non_exhaustive()
    }
}

fn fingerprint(key: &VerifyingKey) -> String {
    hex::encode(&sha256(key.as_bytes())[..8])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scratch() -> PathBuf {
        let path = std::env::temp_dir().join(format!("gtm-signer-{}", uuid::Uuid::new_v4()));
        fs::create_dir(&path).unwrap();
        path
    }

    #[test]
    fn the_key_file_is_made_once_private_and_used_again() {
        let folder = scratch();
        let path = folder.join("audit.pem");
        let made = Signer::load_or_create(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(Signer::load_or_create(&path).unwrap().id(), made.id());
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1, "no draft is left");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(matches!(Signer::load_or_create(&path), Err(SignerError::Open(_))));
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn only_trusted_keys_and_fitting_signatures_count() {
        let (old, new) = (Signer::generate(), Signer::generate());
        let signature = old.sign(b"text");
        assert_eq!(old.fault(old.id(), b"text", &signature), None);
        assert!(old.fault(old.id(), b"texts", &signature).is_some());
        assert!(new.fault(old.id(), b"text", &signature).unwrap().contains("not trusted"));
        let both = new.clone().trusting(&old.public_pem().unwrap()).unwrap();
        assert_eq!(both.fault(old.id(), b"text", &signature), None);
        let folder = scratch();
        let path = folder.join("old.pem");
        fs::write(&path, old.public_pem().unwrap()).unwrap();
        let both = new.clone().trusting_files(std::slice::from_ref(&path)).unwrap();
        assert_eq!(both.fault(old.id(), b"text", &signature), None);
        fs::write(&path, "no key").unwrap();
        let refused = new.trusting_files(std::slice::from_ref(&path)).unwrap_err().to_string();
        assert!(refused.contains("old.pem"), "{refused}");
        fs::remove_dir_all(folder).unwrap();
    }
}
