//! What changes seldom and is asked for often: pipelines, names of stages, owners.
//!
//! Promises: what is kept is at most ten minutes old, and a stage that is not among it has it asked for anew; where the
//! token may not read it, objects are read without it and the log says so.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::TimeDelta;

use super::client::HubSpot;
use super::fields::{Form, Kind};
use super::stages::{Catalogue, is_usual_lifecycle};
use super::wire::{Definition, Object, Owner, Page, Pipeline};
use crate::connectors::vendor::{Trouble, TroubleKind};
use crate::kernel::clock::DateTime;

/// How long what was read is believed.
const KEPT: TimeDelta = TimeDelta::minutes(10);
/// How soon it is asked for anew because something is not among it.
const KEPT_AT_LEAST: TimeDelta = TimeDelta::seconds(30);
/// Owners that are remembered.
const OWNERS_MAX: usize = 5_000;

/// What is remembered of the portal.
#[derive(Default)]
pub(super) struct Directory {
    catalogue: Mutex<Option<(DateTime, Arc<Catalogue>)>>,
    /// E-mail addresses by owner id, and owner ids by e-mail address.
    owners: Mutex<BTreeMap<String, Found>>,
}

/// The outcome of a look for an owner; also that there is none is remembered.
#[derive(Clone)]
struct Found {
    at: DateTime,
    what: Option<String>,
}

fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl HubSpot {
    /// The names of the stages that some objects are in.
    pub(super) async fn catalogue(&self, kind: Kind, objects: &[Object]) -> Result<Arc<Catalogue>, Trouble> {
        let deal_stages =
            objects.iter().filter(|_| kind == Kind::Deal).filter_map(|one| one.property("dealstage"));
        let deal_stages: Vec<&str> = deal_stages.collect();
        let lifecycle = objects.iter().filter(|_| kind == Kind::Company);
        let lifecycle =
            lifecycle.filter_map(|one| one.property("lifecyclestage")).filter(|id| !is_usual_lifecycle(id));
        let lifecycle: Vec<&str> = lifecycle.collect();
        if deal_stages.is_empty() && lifecycle.is_empty() {
            return Ok(Arc::default());
        }
        let now = self.clock.now();
        let kept = held(&self.directory.catalogue).clone();
        if let Some((read_at, catalogue)) = kept {
            let whole = deal_stages.iter().all(|id| catalogue.has_stage(id))
                && lifecycle.iter().all(|id| catalogue.lifecycle.contains_key(*id));
            let age = now - read_at;
            if age < KEPT_AT_LEAST || (whole && age < KEPT) {
                return Ok(catalogue);
            }
        }
        let catalogue = Arc::new(Catalogue {
            pipelines: self.allowed(self.pipelines().await, "pipelines of deals")?,
            lifecycle: self.allowed(self.lifecycle_labels().await, "names of lifecycle stages")?,
        });
        *held(&self.directory.catalogue) = Some((now, catalogue.clone()));
        Ok(catalogue)
    }

    /// What the token may not read is nothing, and said once.
    fn allowed<T: Default>(&self, read: Result<T, Trouble>, what: &str) -> Result<T, Trouble> {
        match read {
            Err(trouble) if trouble.kind == TroubleKind::Forbidden => {
                self.warn(format!("the {what} cannot be read: {trouble}"));
                Ok(T::default())
            }
            other => other,
        }
    }

    async fn pipelines(&self) -> Result<Vec<Pipeline>, Trouble> {
        let page: Page<Pipeline> = self.get(&format!("{}/deals", self.settings.paths.pipelines), &[]).await?;
        Ok(page.results)
    }

    async fn lifecycle_labels(&self) -> Result<BTreeMap<String, String>, Trouble> {
        let path = format!("{}/companies/lifecyclestage", self.settings.paths.properties);
        let definition: Definition = self.get(&path, &[]).await?;
        Ok(definition.options.into_iter().map(|choice| (choice.value, choice.label)).collect())
    }

    /// The reps of the owners of some objects, where they are called otherwise than there.
    pub(super) async fn reps(&self, objects: &[Object]) -> Result<BTreeMap<String, String>, Trouble> {
        let owners = &self.settings.owners;
        let by_email = owners.keys().any(|key| key.contains('@'));
        let mut reps = BTreeMap::new();
        for id in self.owner_ids(objects) {
            if let Some(rep) = owners.get(&id) {
                reps.insert(id, rep.clone());
            } else if by_email && let Some(email) = self.owner_email(&id).await? {
                let rep = owners.iter().find(|(key, _)| key.eq_ignore_ascii_case(&email));
                reps.extend(rep.map(|(_, rep)| (id, rep.clone())));
            }
        }
        Ok(reps)
    }

    /// The owners of some objects, each once.
    fn owner_ids(&self, objects: &[Object]) -> BTreeSet<String> {
        let mapped = Kind::ALL.into_iter().flat_map(|kind| self.settings.mapping(kind));
        let properties: BTreeSet<&str> =
            mapped.filter(|(_, form, _)| *form == Form::Owner).map(|(.., property)| property).collect();
        let ids = objects.iter().flat_map(|one| properties.iter().filter_map(|name| one.property(name)));
        ids.map(str::to_owned).collect()
    }

    fn remembered(&self, key: &str) -> Option<Found> {
        let now = self.clock.now();
        let owners = held(&self.directory.owners);
        owners.get(key).filter(|found| now - found.at < KEPT).cloned()
    }

    fn remember(&self, key: &str, what: Option<String>) {
        let mut owners = held(&self.directory.owners);
        if owners.len() >= OWNERS_MAX {
            owners.clear();
        }
        owners.insert(key.to_owned(), Found { at: self.clock.now(), what });
    }

    /// The e-mail address of an owner; none for one who left.
    pub(super) async fn owner_email(&self, id: &str) -> Result<Option<String>, Trouble> {
        if let Some(found) = self.remembered(id) {
            return Ok(found.what);
        }
        let path = format!("{}/{id}", self.settings.paths.owners);
        let query = [("idProperty", "id"), ("archived", "false")];
        let email = match self.get::<Owner>(&path, &query).await {
            Ok(owner) => owner.email,
            Err(trouble) if trouble.kind == TroubleKind::Missing => None,
            Err(trouble) => self.allowed(Err(trouble), "owners")?,
        };
        self.remember(id, email.clone());
        Ok(email)
    }

    /// The owner with an e-mail address.
    async fn owner_by_email(&self, email: &str) -> Result<Option<String>, Trouble> {
        let email = email.to_lowercase();
        if let Some(found) = self.remembered(&email) {
            return Ok(found.what);
        }
        let query = [("email", email.as_str()), ("limit", "100"), ("archived", "false")];
        let page: Page<Owner> = self.get(&format!("{}/", self.settings.paths.owners), &query).await?;
        let is =
            |owner: &&Owner| owner.email.as_deref().is_some_and(|found| found.eq_ignore_ascii_case(&email));
        let id = page.results.iter().find(is).map(|owner| owner.id.clone());
        self.remember(&email, id.clone());
        Ok(id)
    }

    /// The owner that a rep of the roster is here: by the settings, by an id that is HubSpot's own, by e-mail address.
    pub(super) async fn owner_of(&self, rep: &str, email: Option<&str>) -> Result<Option<String>, Trouble> {
        let chosen =
            self.settings.owners.iter().find(|(_, mapped)| *mapped == rep).map(|(owner, _)| owner.as_str());
        match chosen {
            Some(owner) if owner.contains('@') => self.owner_by_email(owner).await,
            Some(owner) => Ok(Some(owner.to_owned())),
            None if !rep.is_empty() && rep.bytes().all(|b| b.is_ascii_digit()) => Ok(Some(rep.to_owned())),
            None => match email {
                Some(email) => self.owner_by_email(email).await,
                None => Ok(None),
            },
        }
    }
}
