//! Policies: stored once by content, checked before they are stored. How one of them comes into force is in
//! `policy_changes.rs`.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use sqlx::{PgConnection, PgPool};

use super::MotionError;
use crate::kernel::clock::DateTime;
use crate::kernel::ids::new_id;
use crate::motions::policy::change::{ActivationKind, ActivationStatus, person};
use crate::motions::policy::{BUILT_IN, Fault, Format, Policy};
use crate::motions::store::{self, ActivationRow, NewPolicy, PolicyRow};
use crate::platform::http::{self, Problem};
use crate::platform::{audit, db};

/// Compiled policies by version. A version never changes, so nothing here is ever stale; which version is in
/// force is read from the database with each decision.
#[derive(Clone, Default)]
pub struct Policies {
    compiled: Arc<RwLock<HashMap<String, Arc<Policy>>>>,
    latest: Arc<RwLock<Option<Arc<Policy>>>>,
}

/// Who stores what ships with the service.
const INSTALLER: &str = "system";
/// The longest name of somebody.
pub(super) const NAME_MAX: usize = 200;

/// A policy that is to be stored.
#[derive(Debug)]
pub struct AddAsk<'a> {
    pub body: &'a str,
    pub format: Format,
    /// The caller.
    pub actor: &'a str,
    /// Who made it, by name.
    pub author: Option<&'a str>,
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
        // Replicas that start together on an empty database take turns from here on: they store the same rows.
        for (_, body) in BUILT_IN {
            add_in(&mut tx, &AddAsk { body, format: Format::Toml, actor: INSTALLER, author: None }, now)
                .await?;
        }
        if store::active_version(&mut tx).await?.is_none() {
            let default = Policy::compile(BUILT_IN[0].1, Format::Toml)
                .map_err(|faults| MotionError::Policy(PolicyFaults(faults)))?;
            begin_history(&mut tx, default.version(), now).await?;
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
        ask: &AddAsk<'_>,
        now: DateTime,
    ) -> Result<(PolicyRow, bool), MotionError> {
        if ask.author.is_some_and(|name| name.trim().is_empty() || name.chars().count() > NAME_MAX) {
            let fault = http::Fault::new("query:author", format!("must have 1 to {NAME_MAX} characters"));
            return Err(MotionError::Invalid(vec![fault]));
        }
        let mut tx = db::begin(pool).await?;
        let (version, new) = add_in(&mut tx, ask, now).await?;
        tx.commit().await?;
        let row = store::find_policy(pool, &version).await?.ok_or(MotionError::NoPolicy(version))?;
        Ok((row, new))
    }
}

async fn add_in(
    conn: &mut PgConnection,
    ask: &AddAsk<'_>,
    now: DateTime,
) -> Result<(String, bool), MotionError> {
    let policy =
        Policy::compile(ask.body, ask.format).map_err(|faults| MotionError::Policy(PolicyFaults(faults)))?;
    let version = policy.version().to_owned();
    let stored = NewPolicy {
        version: &version,
        name: policy.name(),
        body: ask.body,
        format: match ask.format {
            Format::Toml => "toml",
            Format::Json => "json",
        },
        created_by: ask.actor,
        author: ask.author.map(str::trim),
        maker: &ask.author.map(person).unwrap_or_default(),
    };
    let new = store::insert_policy(conn, &stored, now).await?;
    if new {
        let entry = audit::Entry::new(
            ask.actor,
            "policy.added",
            format!("policy:{version}"),
            serde_json::json!({ "name": policy.name() }),
        );
        audit::append(conn, audit::SYSTEM, now, &[entry]).await?;
    }
    Ok((version, new))
}

/// Puts the version in force that a new database begins with.
async fn begin_history(conn: &mut PgConnection, version: &str, now: DateTime) -> Result<(), MotionError> {
    let first = ActivationRow {
        id: new_id(now),
        version: version.to_owned(),
        kind: ActivationKind::First.name().to_owned(),
        status: ActivationStatus::InForce.name().to_owned(),
        base: None,
        back_to: None,
        asked_by: INSTALLER.to_owned(),
        asked_at: now,
        note: Some("what a new database begins with".to_owned()),
        due_at: now,
        approved_by: None,
        in_force_at: Some(now),
        ended_at: None,
        ended_by: None,
        ended_why: None,
    };
    store::insert_activation(conn, &first).await?;
    store::put_in_force(conn, &first, INSTALLER, now).await?;
    let details = serde_json::json!({ "previous": null, "activation": first.id });
    let entry = audit::Entry::new(INSTALLER, "policy.activated", format!("policy:{version}"), details);
    audit::append(conn, audit::SYSTEM, now, &[entry]).await?;
    Ok(())
}
