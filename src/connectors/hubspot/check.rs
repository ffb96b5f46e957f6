//! What a connection to HubSpot needs, tried one by one. Writes nothing.

use std::collections::BTreeSet;
use std::sync::Arc;

use futures_util::future::BoxFuture;

use super::client::HubSpot;
use super::fields::Kind;
use super::provision;
use super::settings::{Settings, Version};
use super::wire::{Account, Definition, Object, Owner, Page, TokenInfo};
use crate::connectors::vendor::Trouble;
use crate::connectors::{Check, Finding};

/// Scopes and what each is for.
const SCOPES: [(&str, &str); 8] = [
    ("crm.objects.companies.read", "reading companies"),
    ("crm.objects.contacts.read", "reading contacts"),
    ("crm.objects.deals.read", "reading deals and their stages"),
    ("crm.objects.owners.read", "finding owners by e-mail address"),
    ("crm.objects.deals.write", "writing handoffs to deals"),
    ("crm.objects.contacts.write", "writing notes"),
    ("crm.schemas.deals.write", "making the properties of handoffs on deals"),
    ("crm.schemas.contacts.write", "making the property of notes"),
];

/// Warnings that a check lists.
const WARNINGS_SHOWN: usize = 20;

/// Where to mend scopes.
const SCOPES_PLACE: &str = "in HubSpot under Settings, Integrations, Private Apps, the app, Scopes";

/// Tries a portal.
pub(super) struct HubSpotCheck {
    settings: Arc<Settings>,
    hubspot: Option<Arc<HubSpot>>,
}

impl Check for HubSpotCheck {
    fn check(&self) -> BoxFuture<'_, Vec<Finding>> {
        Box::pin(async {
            let mut findings = vec![self.webhooks()];
            match &self.hubspot {
                None => findings.push(Finding::amiss(
                    "token",
                    "None is set: webhooks are taken, and nothing can be read or written. Make a private app in HubSpot \
                     and put its access token into connectors.hubspot.token.",
                )),
                Some(hubspot) => hubspot.findings(&mut findings).await,
            }
            findings
        })
    }
}

impl HubSpotCheck {
    pub(super) fn new(settings: Arc<Settings>, hubspot: Option<Arc<HubSpot>>) -> Self {
        Self { settings, hubspot }
    }

    fn webhooks(&self) -> Finding {
        let what = "webhooks";
        let settings = &self.settings;
        if settings.client_secret.is_none() {
            return Finding::amiss(
                what,
                "connectors.hubspot.client_secret is not set, so no webhook is taken and changes arrive only by a sync. \
                 Copy the client secret of the private app, and set its webhook address and public_url alike.",
            );
        }
        let url = settings.public_url.as_deref().unwrap_or_default();
        let path = url.split(['?', '#']).next().unwrap_or_default();
        if !path.ends_with("/v1/webhooks/hubspot") {
            let detail = format!(
                "public_url is {url}; unless a proxy rewrites it, it should end in /v1/webhooks/hubspot."
            );
            return Finding::amiss(what, detail);
        }
        if url.contains('?') {
            return Finding::amiss(
                what,
                "public_url has a query, which HubSpot signs in more than one way: leave it off.",
            );
        }
        if !url.starts_with("https://") {
            return Finding::amiss(
                what,
                format!("HubSpot calls https addresses only, and public_url is {url}."),
            );
        }
        if settings.signatures.iter().any(|version| *version != Version::V3) {
            return Finding::amiss(
                what,
                "Signatures of an old form are believed, which anybody who saw a call can repeat. Use only \"v3\" once \
                 nothing calls with the others.",
            );
        }
        Finding::well(what, format!("Calls to {url} are believed by their signature."))
    }
}

impl HubSpot {
    async fn findings(&self, findings: &mut Vec<Finding>) {
        let scopes = match self.token(findings).await {
            Err(()) => return,
            Ok(scopes) => scopes,
        };
        self.scopes(scopes, findings).await;
        findings.push(self.owners().await);
        for collection in ["deals", "notes"] {
            self.custom_properties(collection, findings).await;
        }
        self.mapped_properties(findings).await;
        let warnings = self.warnings();
        let more = warnings.len().saturating_sub(WARNINGS_SHOWN);
        findings.extend(
            warnings.into_iter().take(WARNINGS_SHOWN).map(|warning| Finding::amiss("what was read", warning)),
        );
        if more > 0 {
            findings.push(Finding::amiss("what was read", format!("{more} more: see the log.")));
        }
    }

    /// Whose the token is, and its scopes where HubSpot says them.
    async fn token(&self, findings: &mut Vec<Finding>) -> Result<Option<BTreeSet<String>>, ()> {
        let (portal, scopes) = match self.token_info::<TokenInfo>().await {
            Ok(info) => (info.hub_id, (!info.scopes.is_empty()).then(|| info.scopes.into_iter().collect())),
            // Not every kind of token can be asked about itself.
            Err(_) => match self.get::<Account>(&self.settings.paths.account, &[]).await {
                Ok(account) => (account.portal_id, None),
                Err(trouble) => {
                    findings.push(Finding::amiss("token", trouble.to_string()));
                    return Err(());
                }
            },
        };
        let finding = match (portal, self.settings.portal_id) {
            (Some(found), Some(wanted)) if found != wanted => Finding::amiss(
                "token",
                format!("It belongs to portal {found}, and connectors.hubspot.portal_id says {wanted}."),
            ),
            (Some(found), _) => Finding::well("token", format!("It is accepted by portal {found}.")),
            (None, _) => Finding::well("token", "It is accepted."),
        };
        findings.push(finding);
        Ok(scopes)
    }

    async fn scopes(&self, granted: Option<BTreeSet<String>>, findings: &mut Vec<Finding>) {
        for (scope, purpose) in SCOPES {
            let what = format!("scope {scope}");
            let missing = |why: &str| {
                let detail = format!("It is missing, and needed for {purpose}: add it {SCOPES_PLACE}.{why}");
                Finding::amiss(what.clone(), detail)
            };
            let finding = match &granted {
                Some(granted) if granted.contains(scope) => Finding::well(what, format!("For {purpose}.")),
                Some(_) => missing(""),
                None => match self.probe(scope).await {
                    None => {
                        Finding::well(what, format!("Not tried, which only a write could do. For {purpose}."))
                    }
                    Some(Ok(())) => Finding::well(what, format!("For {purpose}.")),
                    Some(Err(trouble)) => missing(&format!(" {trouble}")),
                },
            };
            findings.push(finding);
        }
    }

    /// Tries a scope that a read can try.
    async fn probe(&self, scope: &str) -> Option<Result<(), Trouble>> {
        let kind =
            Kind::ALL.into_iter().find(|kind| scope == format!("crm.objects.{}.read", kind.collection()))?;
        let path = format!("{}/{}", self.settings.paths.objects, kind.collection());
        Some(self.get::<Page<Object>>(&path, &[("limit", "1")]).await.map(drop))
    }

    async fn owners(&self) -> Finding {
        let path = format!("{}/", self.settings.paths.owners);
        match self.get::<Page<Owner>>(&path, &[("limit", "1"), ("archived", "false")]).await {
            Ok(_) => Finding::well("owners", "They can be read."),
            Err(trouble) => Finding::amiss("owners", trouble.to_string()),
        }
    }

    async fn names(&self, collection: &str) -> Result<BTreeSet<String>, Trouble> {
        let path = format!("{}/{collection}", self.settings.paths.properties);
        let page: Page<Definition> = self.get(&path, &[]).await?;
        Ok(page.results.into_iter().map(|definition| definition.name).collect())
    }

    async fn custom_properties(&self, collection: &str, findings: &mut Vec<Finding>) {
        let found = self.names(collection).await;
        for custom in provision::of_collection(collection) {
            let what = format!("property {} of {collection}", custom.name);
            findings.push(match &found {
                Ok(names) if names.contains(custom.name) => Finding::well(what, "It is there."),
                Ok(_) => Finding::amiss(
                    what,
                    "It is missing. The first handoff makes it when the token may write schemas; otherwise make it by hand, \
                     as docs/connectors/hubspot.md describes it.",
                ),
                Err(trouble) => Finding::amiss(what, trouble.to_string()),
            });
        }
    }

    /// Properties that the settings name and the portal does not have.
    async fn mapped_properties(&self, findings: &mut Vec<Finding>) {
        for kind in Kind::ALL {
            let collection = kind.collection();
            let what = format!("mapping of {collection}");
            let names = match self.names(collection).await {
                Ok(names) => names,
                Err(trouble) => {
                    findings.push(Finding::amiss(what, trouble.to_string()));
                    continue;
                }
            };
            let mapped = self.settings.properties(kind);
            let missing: Vec<&str> = mapped.into_iter().filter(|name| !names.contains(*name)).collect();
            findings.push(if missing.is_empty() {
                Finding::well(what, "All properties that it reads are there.")
            } else {
                let detail = format!(
                    "The portal has no property {}: name another in connectors.hubspot.fields.{collection}, or an empty \
                     text to leave the field out.",
                    missing.join(", ")
                );
                Finding::amiss(what, detail)
            });
        }
    }
}
