//! A look at the organisation: what it lets us do, and what somebody has to set up there.

use std::sync::PoisonError;

use futures_util::future::BoxFuture;
use serde_json::Value;

use super::{Org, soql};
use crate::connectors::limits::Quota;
use crate::connectors::vendor::Trouble;
use crate::connectors::{Check, Finding};

/// Which objects are looked at, and what is done with each.
const OBJECTS: [&str; 5] = ["Account", "Contact", "Opportunity", "Task", "User"];

impl Check for Org {
    fn check(&self) -> BoxFuture<'_, Vec<Finding>> {
        Box::pin(async move {
            let mut findings = vec![self.version().await];
            // Without a token everything else would say the same.
            if findings.iter().all(|finding| finding.what != "token") {
                findings.insert(0, Finding::well("token", "The organisation gives us a token."));
                for object in OBJECTS {
                    findings.extend(self.object_findings(object).await);
                }
                findings.push(self.quota().await);
            }
            let unknown = self.unknown.lock().unwrap_or_else(PoisonError::into_inner).clone();
            findings.extend(unknown.into_iter().map(|unknown| {
                let detail = "No mapping knows it, and it is passed on by name: name it in `stages` or `lifecycle`, or in \
                              the policy.";
                Finding::amiss(format!("unknown {unknown}"), detail)
            }));
            findings.push(if self.listens {
                Finding::well(
                    "webhook",
                    "Point Outbound Messages at /v1/webhooks/salesforce/ and the secret of the settings.",
                )
            } else {
                Finding::amiss(
                    "webhook",
                    "Without webhook_secret changes are seen only when an account is asked for.",
                )
            });
            findings
        })
    }
}

impl Org {
    /// Whether we get a token, and the version of the settings with it.
    async fn version(&self) -> Finding {
        let versions = match self.client.versions().await {
            Ok(versions) => versions,
            Err(trouble) => return Finding::amiss("token", trouble.to_string()),
        };
        let known: Vec<&str> =
            versions.as_array().into_iter().flatten().filter_map(|one| one["version"].as_str()).collect();
        let (what, ours) = ("api_version", self.client.version.as_str());
        if known.contains(&ours) {
            Finding::well(what, format!("Version {ours} is spoken there."))
        } else {
            let newest = known.last().copied().unwrap_or("none");
            Finding::amiss(
                what,
                format!("Version {ours} is not spoken there; set api_version, at most {newest}."),
            )
        }
    }

    /// Whether an object can be read or written, and has the fields that are.
    async fn object_findings(&self, object: &str) -> Vec<Finding> {
        let what = format!("object {object}");
        match self.client.get(&format!("sobjects/{object}/describe")).await {
            Ok(description) => {
                let mut findings = vec![access(&what, object, &description)];
                findings.extend(self.lacking(object, &description));
                findings
            }
            Err(trouble) => vec![Finding::amiss(what, unseen(object, &trouble))],
        }
    }

    /// Fields that are missing, or that we may not write.
    fn lacking(&self, object: &str, description: &Value) -> Vec<Finding> {
        let field = |name: &str| {
            let fields = description["fields"].as_array();
            fields.into_iter().flatten().find(|field| field["name"] == name)
        };
        let found = |name: &str, right: &str, make: &str| {
            let what = format!("field {object}.{name}");
            match field(name) {
                Some(field) if right.is_empty() || field[right] == true => {
                    Finding::well(what, "It is there.")
                }
                Some(_) => Finding::amiss(what, format!("It is there, and not as it has to be: {make}")),
                None => Finding::amiss(what, format!("It is missing or hidden from us: {make}")),
            }
        };
        match object {
            "Task" => {
                let make = "create it as Text(36), External ID and Unique; until then activities are searched for before \
                            they are written again.";
                vec![found(&self.delivery_field, "externalId", make)]
            }
            "User" => Vec::new(),
            _ => {
                let ours = self.fields.all().filter(|_| object == "Opportunity");
                let mut findings: Vec<Finding> = ours
                    .map(|name| {
                        found(
                            name,
                            "updateable",
                            "create it on Opportunity and let the integration's user edit it.",
                        )
                    })
                    .collect();
                // Of what is read only what is amiss is worth a line.
                let read = soql::fields(object, &self.mapping);
                let own = read.iter().filter(|name| !name.contains('.'));
                let make =
                    "let the integration's user read it; until then nothing of this object can be read.";
                findings.extend(own.map(|name| found(name, "", make)).filter(|finding| !finding.ok));
                findings
            }
        }
    }

    /// How many calls of a day are left.
    async fn quota(&self) -> Finding {
        let limits = match self.client.get("limits").await {
            Ok(limits) => limits,
            Err(trouble) => return Finding::amiss("limits", trouble.to_string()),
        };
        let number = |key: &str| limits["DailyApiRequests"][key].as_u64();
        let (Some(limit), Some(left)) = (number("Max"), number("Remaining")) else {
            return Finding::amiss("limits", "The organisation does not say how many calls it allows.");
        };
        let quota = Quota { used: limit.saturating_sub(left), limit };
        let told = format!("{} of {limit} calls of 24 hours are used.", quota.used);
        if quota.ratio() < 0.9 {
            Finding::well("limits", told)
        } else {
            Finding::amiss("limits", format!("{told} Find out what uses them, or raise the limit there."))
        }
    }
}

/// Whether we may do with an object what is done with it.
fn access(what: &str, object: &str, description: &Value) -> Finding {
    let wanted: &[&str] = match object {
        "Opportunity" => &["queryable", "updateable"],
        "Task" => &["queryable", "createable", "updateable"],
        _ => &["queryable"],
    };
    let missing: Vec<&str> = wanted.iter().copied().filter(|right| description[right] != true).collect();
    if missing.is_empty() {
        Finding::well(what, format!("It is {}.", wanted.join(", ")))
    } else {
        let detail = format!(
            "It is not {}: give the integration's user this right in a permission set.",
            missing.join(", ")
        );
        Finding::amiss(what, detail)
    }
}

fn unseen(object: &str, trouble: &Trouble) -> String {
    format!("{trouble} Let the integration's user read {object} (permission set, Object Settings).")
}
