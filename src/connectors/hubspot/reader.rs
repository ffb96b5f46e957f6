//! Objects as the API gives them: one, a hundred by their ids, a page, those that go with another.

use serde_json::json;

use super::client::HubSpot;
use super::fields::Kind;
use super::wire::{Object, Page, Target};
use crate::connectors::vendor::{Trouble, TroubleKind};
use reqwest::Method;

/// Objects that one call reads by their ids, and that a page holds.
const BATCH: usize = 100;
/// Associations that a page holds.
const LINKS: &str = "500";
/// Objects of one kind that are read of one account: enough for any account that people work on.
const OF_ACCOUNT_MAX: usize = 2_000;

impl HubSpot {
    fn collection(&self, kind: Kind) -> String {
        format!("{}/{}", self.settings.paths.objects, kind.collection())
    }

    /// One object with what it is associated with; none when there is no such object, nor was one.
    pub(super) async fn object(&self, kind: Kind, id: &str) -> Result<Option<Object>, Trouble> {
        for archived in [false, true] {
            match self.object_of(kind, id, archived).await {
                Ok(object) => return Ok(Some(Object { archived, ..object })),
                Err(trouble) if trouble.kind == TroubleKind::Missing => {}
                Err(trouble) => return Err(trouble),
            }
        }
        Ok(None)
    }

    async fn object_of(&self, kind: Kind, id: &str, archived: bool) -> Result<Object, Trouble> {
        let mut query: Vec<(&str, &str)> =
            self.settings.properties(kind).into_iter().map(|name| ("properties", name)).collect();
        if kind != Kind::Company {
            query.push(("associations", "companies"));
        }
        if archived {
            query.push(("archived", "true"));
        }
        self.get(&format!("{}/{id}", self.collection(kind)), &query).await
    }

    /// A page of all objects of a kind.
    pub(super) async fn page_of(&self, kind: Kind, after: Option<&str>) -> Result<Page<Object>, Trouble> {
        let properties = self.settings.properties(kind).join(",");
        let limit = BATCH.to_string();
        let mut query = vec![("limit", limit.as_str()), ("properties", properties.as_str())];
        if kind != Kind::Company {
            query.push(("associations", "companies"));
        }
        query.extend(after.map(|after| ("after", after)));
        self.get(&self.collection(kind), &query).await
    }

    /// How many objects of a kind there are, as the search counts them.
    pub(super) async fn count(&self, kind: Kind) -> Result<Option<u64>, Trouble> {
        let body = json!({"limit": 1, "after": "0", "sorts": [], "properties": [], "filterGroups": []});
        let page: Page<Object> = self.search(kind.collection(), &body).await?;
        Ok(page.total)
    }

    /// Companies with a property's value, those that changed last first.
    pub(super) async fn companies_with(&self, property: &str, value: &str) -> Result<Vec<Object>, Trouble> {
        let body = json!({
            "limit": 10, "after": "0", "sorts": ["-hs_lastmodifieddate"],
            "properties": self.settings.properties(Kind::Company),
            "filterGroups": [{"filters": [{"propertyName": property, "operator": "EQ", "value": value}]}],
        });
        let page: Page<Object> = self.search(Kind::Company.collection(), &body).await?;
        Ok(page.results)
    }

    /// Objects by their ids; those that there are none of are left out.
    pub(super) async fn batch(&self, kind: Kind, ids: &[String]) -> Result<Vec<Object>, Trouble> {
        let mut objects = Vec::with_capacity(ids.len());
        for ids in ids.chunks(BATCH) {
            let inputs: Vec<_> = ids.iter().map(|id| json!({ "id": id })).collect();
            let body = json!({
                "propertiesWithHistory": [], "inputs": inputs, "properties": self.settings.properties(kind),
            });
            let path = format!("{}/batch/read", self.collection(kind));
            let page: Page<Object> = self.send(Method::POST, &path, &body).await?;
            objects.extend(page.results);
        }
        Ok(objects)
    }

    /// The ids of what goes with a company.
    pub(super) async fn of_company(&self, company: &str, kind: Kind) -> Result<Vec<String>, Trouble> {
        let path = format!(
            "{}/companies/{company}/associations/{}",
            self.settings.paths.associations,
            kind.collection()
        );
        let (mut ids, mut after) = (Vec::new(), None::<String>);
        loop {
            let mut query = vec![("limit", LINKS)];
            query.extend(after.as_deref().map(|after| ("after", after)));
            let page: Page<Target> = self.get(&path, &query).await?;
            after = page.next();
            ids.extend(page.results.into_iter().map(|target| target.to_object_id));
            if after.is_none() || ids.len() >= OF_ACCOUNT_MAX {
                break;
            }
        }
        if after.is_some() {
            self.warn(format!(
                "company {company} has more than {OF_ACCOUNT_MAX} {}: the others are read when they change",
                kind.collection()
            ));
        }
        Ok(ids)
    }
}
