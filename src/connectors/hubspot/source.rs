//! HubSpot as a source: one object, one account, everything page by page.
//!
//! Promises: an object that is not there any more is looked for among the deleted; an account that HubSpot does not
//! know counts as read, so that it is not asked for again and again.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures_util::future::BoxFuture;

use super::client::HubSpot;
use super::deal::is_object_id;
use super::fields::Kind;
use super::sayings::{Around, Told, Whose};
use super::wire::Object;
use crate::connectors::inbound::{ObjectRef, Saying};
use crate::connectors::source::{Group, KnownAccount, Source, SourcePage};
use crate::connectors::vendor::{Trouble, TroubleKind};

/// In the order in which everything is read: the companies last, because with them accounts count as fresh, and by then
/// their people and deals are there.
const OBJECTS: &[&str] = &["contacts", "deals", "companies"];
/// Says that everything about an account has been read.
const SYNCED: &str = "gtm.source.synced";

/// What reads from a portal.
pub(super) struct HubSpotSource {
    hubspot: Arc<HubSpot>,
}

impl Source for HubSpotSource {
    fn group(&self) -> Group {
        Group::Crm
    }

    fn objects(&self) -> &'static [&'static str] {
        OBJECTS
    }

    fn object<'a>(&'a self, object: &'a ObjectRef) -> BoxFuture<'a, Result<Vec<Saying>, Trouble>> {
        Box::pin(async {
            let Some(kind) = Kind::of_collection(&object.object) else { return Ok(Vec::new()) };
            let Some(found) = self.hubspot.object(kind, &object.id).await? else { return Ok(Vec::new()) };
            let mut sayings = self.tell(kind, &[found], None).await?;
            // One object says nothing of the age of the others.
            sayings.retain(|saying| saying.event_type != SYNCED);
            Ok(sayings)
        })
    }

    fn account<'a>(&'a self, account: &'a KnownAccount) -> BoxFuture<'a, Result<Vec<Saying>, Trouble>> {
        Box::pin(self.whole(account))
    }

    fn page<'a>(
        &'a self,
        object: &'a str,
        cursor: Option<&'a str>,
    ) -> BoxFuture<'a, Result<SourcePage, Trouble>> {
        Box::pin(async move {
            let Some(kind) = Kind::of_collection(object) else { return Ok(SourcePage::default()) };
            // Lists do not say how much there is; the number is only for people, so nothing depends on it.
            let total = match cursor {
                None => self.hubspot.count(kind).await.ok().flatten(),
                Some(_) => None,
            };
            let page = self.hubspot.page_of(kind, cursor).await?;
            let next = page.next();
            let objects = u64::try_from(page.results.len()).unwrap_or(u64::MAX);
            Ok(SourcePage { sayings: self.tell(kind, &page.results, None).await?, objects, next, total })
        })
    }
}

impl HubSpotSource {
    pub(super) fn new(hubspot: Arc<HubSpot>) -> Self {
        Self { hubspot }
    }

    /// Says what some objects say, of the accounts that they belong to or of the one that asked.
    async fn tell(&self, kind: Kind, objects: &[Object], of: Option<&Whose>) -> Result<Vec<Saying>, Trouble> {
        let hubspot = &self.hubspot;
        let owners = match (kind, of) {
            (_, Some(_)) | (Kind::Company, _) => BTreeMap::new(),
            (Kind::Contact | Kind::Deal, None) => self.companies_of(objects).await?,
        };
        let catalogue = hubspot.catalogue(kind, objects).await?;
        let reps = hubspot.reps(objects).await?;
        let around = Around {
            settings: &hubspot.settings,
            catalogue: &catalogue,
            reps: &reps,
            now: hubspot.clock.now(),
        };
        let mut told = Told::default();
        for object in objects {
            let whose = match (of, kind) {
                (Some(whose), _) => whose.clone(),
                (None, Kind::Company) => Whose::of_company(&hubspot.settings, object),
                (None, Kind::Contact | Kind::Deal) => {
                    object.company().and_then(|id| owners.get(id)).cloned().unwrap_or_default()
                }
            };
            match kind {
                _ if object.archived => around.deleted(kind, object, &whose, &mut told),
                Kind::Company => around.company(object, &whose, &mut told),
                Kind::Contact => around.contact(object, &whose, &mut told),
                Kind::Deal => around.deal(object, &whose, &mut told),
            }
        }
        for warning in told.warnings {
            hubspot.warn(warning);
        }
        Ok(told.sayings)
    }

    /// The accounts of the companies that objects belong to.
    async fn companies_of(&self, objects: &[Object]) -> Result<BTreeMap<String, Whose>, Trouble> {
        let mut ids: Vec<String> = objects.iter().filter_map(Object::company).map(str::to_owned).collect();
        ids.sort_unstable();
        ids.dedup();
        let settings = &self.hubspot.settings;
        if settings.uses_company_id() {
            return Ok(ids.into_iter().map(|id| (id.clone(), Whose::of_company_id(&id))).collect());
        }
        let companies = self.hubspot.batch(Kind::Company, &ids).await?;
        Ok(companies.iter().map(|one| (one.id.clone(), Whose::of_company(settings, one))).collect())
    }

    /// Everything about an account.
    async fn whole(&self, account: &KnownAccount) -> Result<Vec<Saying>, Trouble> {
        let hubspot = &self.hubspot;
        let Some(company) = self.company_of(account).await? else {
            hubspot.warn(format!(
                "HubSpot has no company for account {}: nothing to read there",
                account.account_id
            ));
            return Ok(vec![self.fresh(&Whose::default().for_account(&account.account_id))]);
        };
        let whose = Whose::of_company(&hubspot.settings, &company).for_account(&account.account_id);
        let mut sayings = self.tell(Kind::Company, std::slice::from_ref(&company), Some(&whose)).await?;
        for kind in [Kind::Contact, Kind::Deal] {
            let ids = hubspot.of_company(&company.id, kind).await?;
            let objects = hubspot.batch(kind, &ids).await?;
            sayings.extend(self.tell(kind, &objects, Some(&whose)).await?);
        }
        // Said of the company alone above; now it is true of everything.
        sayings.retain(|saying| saying.event_type != SYNCED);
        sayings.push(self.fresh(&whose));
        Ok(sayings)
    }

    fn fresh(&self, whose: &Whose) -> Saying {
        let (catalogue, reps) = Default::default();
        let hubspot = &self.hubspot;
        let around = Around {
            settings: &hubspot.settings,
            catalogue: &catalogue,
            reps: &reps,
            now: hubspot.clock.now(),
        };
        around.synced(whose)
    }

    /// The company of an account: by the property that holds the account's id, by its own id, by domain.
    async fn company_of(&self, account: &KnownAccount) -> Result<Option<Object>, Trouble> {
        let hubspot = &self.hubspot;
        let id = account.account_id.as_str();
        if let Some(property) = &hubspot.settings.account_id_property
            && let Some(found) = hubspot.companies_with(property, id).await?.into_iter().next()
        {
            return Ok(Some(found));
        }
        let own_id = hubspot.settings.uses_company_id() && is_object_id(id);
        if own_id {
            match hubspot.batch(Kind::Company, &[id.to_owned()]).await {
                Ok(found) if !found.is_empty() => return Ok(found.into_iter().next()),
                Err(trouble) if trouble.kind != TroubleKind::Missing => return Err(trouble),
                _ => {}
            }
        }
        let Some(domain) = &account.domain else { return Ok(None) };
        Ok(hubspot.companies_with("domain", domain).await?.into_iter().next())
    }
}
