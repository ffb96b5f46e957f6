//! The first key of an installation: without one, nobody could make any.
//!
//! Promises: a key given by the environment is the word of whoever runs the service: it is made live with the scope
//! `admin`, and keys of earlier environments end. Otherwise, when no live admin key exists, one is made and returned
//! once. Replicas that start together take turns, so exactly one of them gets to show it.

use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use sqlx::PgConnection;
use uuid::Uuid;

use super::{Keys, spell, store};
use crate::kernel::clock::DateTime;
use crate::kernel::ids::new_id;
use crate::kernel::json::sha256;
use crate::platform::audit::{self, AuditError, Entry};
use crate::platform::db;

/// Fewest characters of a key given by the environment.
const GIVEN_MIN: usize = 16;
/// Most characters of a key given by the environment.
const GIVEN_MAX: usize = 200;

/// Why there is no first key.
#[derive(Debug, thiserror::Error)]
pub enum FirstKeyError {
    #[error(
        "GTM_ADMIN_KEY must have {GIVEN_MIN} to {GIVEN_MAX} visible ASCII characters without spaces; \
         make one with: openssl rand -base64 32"
    )]
    Given,
    #[error("the first admin key could not be stored: {0}")]
    Database(#[from] sqlx::Error),
    #[error("the first admin key could not be audited: {0}")]
    Audit(#[from] AuditError),
}

/// Sees to it that an admin key exists. The answer is a newly made key, to be printed once and never stored.
pub async fn ensure_admin(
    keys: &Keys,
    given: Option<&SecretString>,
) -> Result<Option<SecretString>, FirstKeyError> {
    let now = keys.0.clock.now();
    let mut tx = db::begin(&keys.0.pool).await?;
    store::lock_first_start(&mut tx).await?;
    let made = match given {
        Some(given) => {
            take_given(&mut tx, given.expose_secret(), now).await?;
            None
        }
        None if store::has_admin(&mut tx, now).await? => None,
        None => {
            let key = spell(&rand::random());
            insert(&mut tx, &key, "first admin key", "first_start", now).await?;
            Some(key.into())
        }
    };
    tx.commit().await?;
    Ok(made)
}

/// The key of the command line of the machine that a service runs on.
pub struct LocalKey {
    pub id: Uuid,
    pub key: SecretString,
}

/// A key for the command line of the machine that the service runs on, made anew at each start and ended by
/// [`end_local_key`] at the stop. With `replaces`, keys of the same label that earlier starts left behind end now.
pub async fn local_key(keys: &Keys, label: &str, replaces: bool) -> Result<LocalKey, FirstKeyError> {
    let now = keys.0.clock.now();
    let mut tx = db::begin(&keys.0.pool).await?;
    store::lock_first_start(&mut tx).await?;
    let key = spell(&rand::random());
    let id = insert(&mut tx, &key, label, "local", now).await?;
    if replaces {
        for ended in store::revoke_other_local_keys(&mut tx, label, id, now).await? {
            let entry =
                Entry::new("operator", "key.revoked", format!("key:{ended}"), json!({ "replacedBy": id }));
            audit::append(&mut tx, audit::SYSTEM, now, &[entry]).await?;
        }
    }
    tx.commit().await?;
    Ok(LocalKey { id, key: key.into() })
}

/// Ends the key of a command line whose service stops.
pub async fn end_local_key(keys: &Keys, id: Uuid) -> Result<(), FirstKeyError> {
    let now = keys.0.clock.now();
    let mut tx = db::begin(&keys.0.pool).await?;
    if store::revoke(&mut tx, id, now).await? {
        let entry = Entry::new("operator", "key.revoked", format!("key:{id}"), json!({ "stopped": true }));
        audit::append(&mut tx, audit::SYSTEM, now, &[entry]).await?;
    }
    tx.commit().await?;
    Ok(())
}

async fn take_given(conn: &mut PgConnection, key: &str, now: DateTime) -> Result<(), FirstKeyError> {
    if !(GIVEN_MIN..=GIVEN_MAX).contains(&key.len()) || !key.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(FirstKeyError::Given);
    }
    let id = match store::environment_key(conn, &sha256(key.as_bytes())).await? {
        Some(id) => id,
        None => insert(conn, key, "GTM_ADMIN_KEY", "environment", now).await?,
    };
    for ended in store::revoke_other_environment_keys(conn, id, now).await? {
        let entry =
            Entry::new("operator", "key.revoked", format!("key:{ended}"), json!({ "replacedBy": id }));
        audit::append(conn, audit::SYSTEM, now, &[entry]).await?;
    }
    Ok(())
}

async fn insert(
    conn: &mut PgConnection,
    key: &str,
    label: &str,
    origin: &str,
    now: DateTime,
) -> Result<Uuid, FirstKeyError> {
    let row = store::Row {
        id: new_id(now),
        label: label.to_owned(),
        scopes: vec!["admin".to_owned()],
        created_at: now,
        created_by: "operator".to_owned(),
        expires_at: None,
        revoked_at: None,
        last_used_at: None,
        rep_id: None,
    };
    let id = store::insert(conn, &row, &sha256(key.as_bytes()), origin).await?;
    let details = json!({ "label": label, "origin": origin, "scopes": row.scopes });
    let entry = Entry::new("operator", "key.created", format!("key:{id}"), details);
    audit::append(conn, audit::SYSTEM, now, &[entry]).await?;
    Ok(id)
}
