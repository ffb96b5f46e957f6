//! Crossbeam's API: overlaps of one account, all overlaps page by page, and a check of what it needs.
//!
//! A reading of everything ends with a bookmark, from which the next one hears only what changed, tombstones among it.
//! The bookmark lives as long as the process: after a restart a reading begins at the beginning, which adds nothing.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::future::BoxFuture;
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use super::NAME;
use super::overlap::{Words, next, rows};
use super::token::Credentials;
use crate::accounts::commands::domain_of;
use crate::connectors::inbound::{ObjectRef, Saying};
use crate::connectors::source::{Group, KnownAccount, Source, SourcePage};
use crate::connectors::vendor::{Trouble, TroubleKind, Vendor};
use crate::connectors::{Check, Finding};
use crate::kernel::clock::Clock;

/// Overlaps that one page asks for, the most that Crossbeam gives.
const PAGE: &str = "1000";
/// The kind of objects that there is.
const OVERLAPS: &str = "overlaps";

pub(super) struct Api {
    pub vendor: Vendor,
    pub client: reqwest::Client,
    pub clock: Clock,
    pub base: String,
    pub organization: String,
    pub credentials: Credentials,
    pub words: Arc<Words>,
    /// Whether webhooks are heard too, for the check.
    pub listens: bool,
    pub bookmark: Mutex<Option<String>>,
}

impl Api {
    /// An answer; a token that is refused is made anew once.
    async fn get(&self, path: &str, query: &[(&str, &str)]) -> Result<Value, Trouble> {
        let token = self.credentials.token().await?;
        let ask = |token: &str| {
            let request = self.client.get(format!("{}{path}", self.base)).query(query);
            request.bearer_auth(token).header("Xbeam-Organization", &self.organization)
        };
        match self.vendor.json(ask(token.expose_secret())).await {
            Err(trouble) if trouble.kind == TroubleKind::Unauthorised => {
                self.credentials.forget(&token).await;
                let token = self.credentials.token().await?;
                self.vendor.json(ask(token.expose_secret())).await
            }
            answer => answer,
        }
    }

    fn rows_of<'a>(&self, answer: &'a Value) -> Result<&'a Vec<Value>, Trouble> {
        let said = "its answer holds neither `data` nor `items`";
        rows(answer).ok_or_else(|| self.vendor.trouble(TroubleKind::Malformed, said))
    }

    /// What partners have at one account now: kinds of a partner that are not there any more have ended.
    async fn of_account(&self, account: &KnownAccount) -> Result<Vec<Saying>, Trouble> {
        let query = match &account.domain {
            Some(domain) => ("domain", domain.as_str()),
            None => ("record_id", account.account_id.as_str()),
        };
        let answer = match self.get("/v1/overlaps/accounts/search", &[query]).await {
            // No record of ours there: no partner is known at the account.
            Err(trouble) if trouble.kind == TroubleKind::Missing => json!({ "data": [] }),
            answer => answer?,
        };
        let now = self.clock.now();
        let ours = |row: &&Value| {
            let site = row["record_website"].as_str().and_then(domain_of);
            row["record_id"].as_str() == Some(&account.account_id)
                || (site.is_some() && site.as_deref() == account.domain.as_deref())
        };
        let rows: Vec<&Value> = self.rows_of(&answer)?.iter().filter(ours).collect();
        let mut said: Vec<Saying> =
            rows.iter().flat_map(|row| self.words.row(row, Some(&account.account_id), now)).collect();
        let there: BTreeSet<(String, String)> =
            said.iter().filter(|one| one.data["active"] == true).map(relation).collect();
        // A partner can meet the account by several records: what one of them has is not ended by another.
        said.retain(|one| one.data["active"] == true || !there.contains(&relation(one)));
        said.push(Saying {
            source: NAME.to_owned(),
            id: format!("synced/{}/{}", account.account_id, now.timestamp_micros()),
            event_type: "gtm.source.synced",
            subject: Some(account.account_id.clone()),
            time: Some(now),
            data: json!({ "source": "partner", "syncedAt": now }),
        });
        Ok(said)
    }

    async fn read_page(&self, cursor: Option<&str>) -> Result<SourcePage, Trouble> {
        let marked = self.bookmark.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let from = cursor.map(str::to_owned).or(marked);
        let mut query = vec![("limit", PAGE)];
        query.extend(from.as_deref().map(|from| ("cursor", from)));
        let answer = self.get("/v1/overlaps/accounts", &query).await?;
        let now = self.clock.now();
        let rows = self.rows_of(&answer)?;
        let sayings = rows.iter().flat_map(|row| self.words.row(row, None, now)).collect();
        let (cursor, more) = next(&answer);
        let objects = u64::try_from(rows.len()).unwrap_or(u64::MAX);
        // A cursor that leads to itself would lead there for ever.
        let next = cursor.clone().filter(|next| more && from.as_ref() != Some(next));
        if next.is_none() && cursor.is_some() {
            *self.bookmark.lock().unwrap_or_else(PoisonError::into_inner) = cursor;
        }
        Ok(SourcePage { sayings, objects, next, total: None })
    }

    /// Whether our organisation is among those of the token: the documentation and its examples differ in where.
    fn knows(&self, me: &Value) -> bool {
        let own = |uuid: &Value| uuid.as_str() == Some(&self.organization);
        let list = |value: &Value, name: &str| value[name].as_array().cloned().unwrap_or_default();
        let users = list(me, "data").into_iter().chain([me.clone()]);
        users.into_iter().any(|user| {
            list(&user, "organizations").iter().any(|one| own(&one["uuid"]))
                || list(&user, "authorizations").iter().any(|one| own(&one["organization"]["uuid"]))
        })
    }

    async fn findings(&self) -> Vec<Finding> {
        let mut findings = vec![match self.get("/v1/users/me", &[]).await {
            Ok(me) if self.knows(&me) => Finding::well("organization", "The token may read for it."),
            Ok(_) => Finding::amiss(
                "organization",
                "The token's owner is no member of it; copy the UUID from Crossbeam's settings.",
            ),
            Err(trouble) => Finding::amiss("token", trouble.to_string()),
        }];
        findings.push(match self.get("/v1/partner-populations", &[]).await {
            Ok(answer) => {
                let (_, unknown) = self.words.kinds(&Value::from(rows(&answer).cloned().unwrap_or_default()));
                if unknown.is_empty() {
                    Finding::well("populations", "Each stands for a kind of overlap.")
                } else {
                    Finding::amiss(
                        "populations",
                        format!(
                            "These stand for no kind of overlap and are left out: {}. Name them under \
                             [connectors.crossbeam.populations].",
                            unknown.join(", ")
                        ),
                    )
                }
            }
            Err(trouble) => Finding::amiss("scope read:populations", trouble.to_string()),
        });
        if self.credentials.were_exchanged() {
            findings.push(Finding::amiss(
                "refresh_token",
                "Crossbeam exchanged it for another, which is lost at the next restart: switch rotation off there.",
            ));
        }
        findings.push(if self.listens {
            Finding::well("webhook_secret", "Signals are heard at /v1/webhooks/crossbeam.")
        } else {
            Finding::well("webhook_secret", "Not set: partners are asked about, not heard.")
        });
        findings
    }
}

/// The partner and the kind of an overlap.
fn relation(saying: &Saying) -> (String, String) {
    let part = |name: &str| saying.data[name].as_str().unwrap_or_default().to_owned();
    (part("partnerId"), part("overlapType"))
}

impl Source for Api {
    fn group(&self) -> Group {
        Group::Partner
    }

    fn objects(&self) -> &'static [&'static str] {
        &[OVERLAPS]
    }

    /// Crossbeam's signals say all that they hint at, so no single object is ever asked for.
    fn object<'a>(&'a self, _: &'a ObjectRef) -> BoxFuture<'a, Result<Vec<Saying>, Trouble>> {
        Box::pin(async { Ok(Vec::new()) })
    }

    fn account<'a>(&'a self, account: &'a KnownAccount) -> BoxFuture<'a, Result<Vec<Saying>, Trouble>> {
        Box::pin(self.of_account(account))
    }

    fn page<'a>(&'a self, _: &'a str, cursor: Option<&'a str>) -> BoxFuture<'a, Result<SourcePage, Trouble>> {
        Box::pin(self.read_page(cursor))
    }
}

impl Check for Api {
    fn check(&self) -> BoxFuture<'_, Vec<Finding>> {
        Box::pin(self.findings())
    }
}
