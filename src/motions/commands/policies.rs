//! Policies: stored once by content, checked before they are stored, one of them in force.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use sqlx::{PgConnection, PgPool};

use super::MotionError;
use crate::kernel::clock::DateTime;
use crate::motions::policy::{BUILT_IN, Fault, Format, Policy};
use crate::motions::store::{self, PolicyRow};
use crate::platform::http::{self, Problem};
use crate::platform::{audit, db};

/// Compiled policies by version. A version never changes, so nothing here is ever stale; which version is in
/// force is read from the database with each decision.
#[derive(Clone, Default)]
pub struct Policies {
    compiled: Arc<RwLock<HashMap<String, Arc<Policy>>>>,
    latest: Arc<RwLock<Option<Arc<Policy>>>>,
}

/// What is wrong with a policy, all of it.
#[derive(Debug)]
pub struct PolicyFaults(pub Vec<Fault>);

impl PolicyFaults {
    /// The answer to whoever sent the policy.
    pub fn problem(&self) -> Problem {
        let faults = self.0.iter().map(|fault| http::Fault::new(fault.path.clone(), fault.to_string()));
        Problem::unprocessable(
            "invalid_policy",
            format!("The policy has {} fault(s); each names its line and path.", self.0.len()),
        )
        .faults(faults)
        .member("faults", serde_json::to_value(&self.0).unwrap_or_default())
    }
}

impl Policies {
    /// The policy of a version, compiled once per process.
    pub async fn get(&self, conn: &mut PgConnection, version: &str) -> Result<Arc<Policy>, MotionError> {
        let known = self.compiled.read().unwrap_or_else(PoisonError::into_inner).get(version).cloned();
        if let Some(policy) = known {
            return Ok(policy);
        }
        let row = store::policy_body(conn, version)
            .await?
            .ok_or_else(|| MotionError::NoPolicy(version.to_owned()))?;
        let format = if row.format == "json" { Format::Json } else { Format::Toml };
        let policy = Policy::compile(&row.body, format).map_err(|f| MotionError::Policy(PolicyFaults(f)))?;
        let policy = Arc::new(policy);
        self.compiled
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(version.to_owned(), policy.clone());
        Ok(policy)
    }

    /// The policy in force when a decision last looked; for hints such as priority, never for a decision.
    pub fn latest(&self) -> Option<Arc<Policy>> {
        self.latest.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The policy in force, as the caller's transaction sees it.
    pub async fn in_force(&self, conn: &mut PgConnection) -> Result<Arc<Policy>, MotionError> {
        let version = store::active_version(conn).await?.ok_or(MotionError::NoneActive)?;
        self.get(conn, &version).await
    }

    pub(super) fn note_latest(&self, policy: &Arc<Policy>) {
        let same = self.latest().is_some_and(|known| known.version() == policy.version());
        if !same {
            *self.latest.write().unwrap_or_else(PoisonError::into_inner) = Some(policy.clone());
        }
    }

    /// Stores the built-in policies and, on an empty database, puts the default in force.
    pub async fn install_built_in(&self, pool: &PgPool, now: DateTime) -> Result<(), MotionError> {
        let mut tx = db::begin(pool).await?;
        for (_, body) in BUILT_IN {
            add_in(&mut tx, body, Format::Toml, "system", now).await?;
        }
        if store::active_version(&mut tx).await?.is_none() {
            let default = Policy::compile(BUILT_IN[0].1, Format::Toml)
                .map_err(|faults| MotionError::Policy(PolicyFaults(faults)))?;
            activate_in(&mut tx, default.version(), "system", now).await?;
        }
        let active = store::active_version(&mut tx).await?.ok_or(MotionError::NoneActive)?;
        let policy = self.get(&mut tx, &active).await?;
        self.note_latest(&policy);
        tx.commit().await?;
        Ok(())
    }

    /// Checks and stores a policy; gives its row, and whether it is new.
    pub async fn add(
        &self,
        pool: &PgPool,
        body: &str,
        format: Format,
        by: &str,
        now: DateTime,
    ) -> Result<(PolicyRow, bool), MotionError> {
        let mut tx = db::begin(pool).await?;
        let (version, new) = add_in(&mut tx, body, format, by, now).await?;
        tx.commit().await?;
        let row = store::find_policy(pool, &version).await?.ok_or(MotionError::NoPolicy(version))?;
        Ok((row, new))
    }

    /// Puts a version in force for all replicas, from the moment this commits.
    pub async fn activate(
        &self,
        pool: &PgPool,
        version: &str,
        by: &str,
        now: DateTime,
    ) -> Result<PolicyRow, MotionError> {
        let mut tx = db::begin(pool).await?;
        // Compiled here too: what this release cannot compile must not come into force.
        self.get(&mut tx, version).await?;
        activate_in(&mut tx, version, by, now).await?;
        tx.commit().await?;
        store::find_policy(pool, version).await?.ok_or_else(|| MotionError::NoPolicy(version.to_owned()))
    }
}

async fn add_in(
    conn: &mut PgConnection,
    body: &str,
    format: Format,
    by: &str,
    now: DateTime,
) -> Result<(String, bool), MotionError> {
    let policy = Policy::compile(body, format).map_err(|faults| MotionError::Policy(PolicyFaults(faults)))?;
    let format = match format {
        Format::Toml => "toml",
        Format::Json => "json",
    };
    let version = policy.version().to_owned();
    let new = store::insert_policy(conn, &version, policy.name(), body, format, by, now).await?;
    if new {
        let entry = audit::Entry::new(
            by,
            "policy.added",
            format!("policy:{version}"),
            serde_json::json!({ "name": policy.name() }),
        );
        audit::append(conn, audit::SYSTEM, now, &[entry]).await?;
    }
    Ok((version, new))
}

async fn activate_in(
    conn: &mut PgConnection,
    version: &str,
    by: &str,
    now: DateTime,
) -> Result<(), MotionError> {
    let previous = store::activate_policy(conn, version, by, now).await?;
    if previous.as_deref() != Some(version) {
        let entry = audit::Entry::new(
            by,
            "policy.activated",
            format!("policy:{version}"),
            serde_json::json!({ "previous": previous }),
        );
        audit::append(conn, audit::SYSTEM, now, &[entry]).await?;
    }
    Ok(())
}
