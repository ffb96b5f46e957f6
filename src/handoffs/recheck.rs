//! Lets the verification of the audit log look at the packages that were handed over.
//!
//! A package is sealed by the entry with which its handoff left the hold, or was created when it never was held; an
//! erasure seals what it left. Promises: a package that does not fit its newest seal is found, as is one that is gone; a
//! package from which people were erased on request is named as that.
//! Leaves out: handoffs from before packages were sealed, and packages that are held.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::future::BoxFuture;
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

use super::store;
use crate::kernel::json::{canonical, sha256};
use crate::platform::audit::verify::{Checked, Mismatch, Recheck};
use crate::platform::audit::{self, Row};

/// The entries that can seal a package: they do where they name its digest as `package`.
pub const SEALS: [&str; 3] = ["handoff.created", "handoff.released", PACKAGE_ERASED];
/// The action under which what an erasure left of a package stands in the audit log.
pub const PACKAGE_ERASED: &str = "handoff.package_erased";

/// Compares packages with their seals in the audit log.
pub struct PackageSeals;

/// The digest of a package by the text that is stored: canonical, so that only its content counts.
pub fn seal(package: &str) -> Result<[u8; 32], serde_json::Error> {
    Ok(sha256(&canonical(&serde_json::from_str::<Value>(package)?)?))
}

/// A digest as the audit log writes it.
pub fn written(digest: &[u8]) -> String {
    format!("sha256:{}", hex::encode(digest))
}

impl Recheck for PackageSeals {
    fn check<'a>(
        &'a self,
        conn: &'a mut PgConnection,
        rows: &'a [Row],
    ) -> BoxFuture<'a, Result<Checked, sqlx::Error>> {
        Box::pin(async move {
            let seals: Vec<(&Row, Uuid, String)> = rows.iter().filter_map(sealed).collect();
            if seals.is_empty() {
                return Ok(Checked::default());
            }
            let ids: BTreeSet<Uuid> = seals.iter().map(|(_, id, _)| *id).collect();
            let ids: Vec<Uuid> = ids.into_iter().collect();
            let stored: BTreeMap<(String, Uuid), String> = store::sealed_packages(conn, &ids)
                .await?
                .into_iter()
                .map(|sealed| ((sealed.account_id, sealed.id), sealed.package))
                .collect();
            let subjects: Vec<(&str, &str)> =
                seals.iter().map(|(row, _, _)| (row.account_id.as_str(), row.subject.as_str())).collect();
            // An erasure supersedes the seals before it.
            let erased = audit::newest_of(conn, &subjects, PACKAGE_ERASED).await?;
            let mut checked = Checked::default();
            for (row, id, digest) in seals {
                let newest = erased.get(&(row.account_id.clone(), row.subject.clone()));
                if newest.is_some_and(|newest| *newest > row.seq) {
                    continue;
                }
                let package = stored.get(&(row.account_id.clone(), id));
                let remark =
                    |detail: String| Mismatch { account_id: row.account_id.clone(), seq: row.seq, detail };
                match package.map(|package| seal(package).map(|digest| written(&digest))) {
                    None => checked.mismatches.push(remark("the handoff is gone".to_owned())),
                    Some(Ok(found)) if found == digest => {
                        if row.action == PACKAGE_ERASED {
                            let on = row.at.date_naive();
                            let what = format!(
                                "people were erased from the package of handoff {id} on {on} by request"
                            );
                            checked.erased.push(remark(what));
                        }
                    }
                    Some(_) => {
                        checked.mismatches.push(remark("the handoff's package was changed".to_owned()));
                    }
                }
            }
            Ok(checked)
        })
    }
}

/// The handoff and the digest that an entry seals; nothing when it seals none.
fn sealed(row: &Row) -> Option<(&Row, Uuid, String)> {
    if !SEALS.contains(&row.action.as_str()) {
        return None;
    }
    let id = row.subject.strip_prefix("handoff:")?.parse().ok()?;
    let details: Value = serde_json::from_str(&row.details).ok()?;
    Some((row, id, details.get("package")?.as_str()?.to_owned()))
}
