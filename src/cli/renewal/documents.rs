//! The documents of a renewal, fetched and written to a folder.

use std::path::{Path, PathBuf};

use reqwest::Method;
use reqwest::header::ACCEPT;
use serde_json::Value;

use super::path;
use crate::cli::client::Client;
use crate::cli::failure::Failure;
use crate::kernel::clock::DateTime;

async fn fetched(client: &Client, path: &str, kind: &str) -> Result<String, Failure> {
    let answer = client.send(client.request(Method::GET, path).header(ACCEPT, kind)).await?;
    answer.text().await.map_err(|error| Failure::unreachable(client.url(), &error))
}

/// The packet with its media type.
pub async fn packet(client: &Client, id: &str, html: bool) -> Result<(&'static str, String), Failure> {
    let kind = if html { "text/html" } else { "text/markdown" };
    Ok((kind, fetched(client, &path(id, "/packet"), kind).await?))
}

pub async fn tasks(client: &Client, id: &str, format: &str) -> Result<String, Failure> {
    let query = form_urlencoded::Serializer::new(String::new()).append_pair("format", format).finish();
    fetched(client, &path(id, &format!("/tasks.csv?{query}")), "text/csv").await
}

pub async fn calendar(client: &Client, id: &str) -> Result<String, Failure> {
    fetched(client, &path(id, "/calendar.ics"), "text/calendar").await
}

/// Writes all documents of a renewal into a folder; gives their paths.
pub async fn write_all(client: &Client, id: &str, folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let plan = client.get(&path(id, "/plan.json")).await?;
    let files = [
        ("packet.md", packet(client, id, false).await?.1),
        ("packet.html", packet(client, id, true).await?.1),
        ("tasks-hubspot.csv", tasks(client, id, "hubspot").await?),
        ("tasks-salesforce.csv", tasks(client, id, "salesforce").await?),
        ("tasks.csv", tasks(client, id, "generic").await?),
        ("calendar.ics", calendar(client, id).await?),
        ("plan.json", format!("{plan:#}\n")),
    ];
    std::fs::create_dir_all(folder)
        .map_err(|error| anyhow::anyhow!("the folder {} cannot be made: {error}", folder.display()))?;
    let mut written = Vec::with_capacity(files.len());
    for (name, text) in files {
        let place = folder.join(name);
        write(&place, &text)?;
        written.push(place);
    }
    Ok(written)
}

fn write(place: &Path, text: &str) -> anyhow::Result<()> {
    std::fs::write(place, text)
        .map_err(|error| anyhow::anyhow!("{} cannot be written: {error}", place.display()))
}

/// Saves a plan as `plan-TIMESTAMP.json`; gives its path. A plan of the same second stays.
pub fn save_plan(plan: &Value, folder: &Path, now: DateTime) -> anyhow::Result<PathBuf> {
    std::fs::create_dir_all(folder)
        .map_err(|error| anyhow::anyhow!("the folder {} cannot be made: {error}", folder.display()))?;
    let stamp = now.format("%Y%m%dT%H%M%SZ").to_string();
    let names =
        std::iter::once(format!("plan-{stamp}.json")).chain((2..).map(|n| format!("plan-{stamp}-{n}.json")));
    let Some(place) = names.map(|name| folder.join(name)).find(|place| !place.exists()) else {
        anyhow::bail!("{} holds too many plans of this second", folder.display())
    };
    write(&place, &format!("{plan:#}\n"))?;
    Ok(place)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::import::fixture::Folder;
    use serde_json::json;

    #[test]
    fn a_plan_is_saved_under_its_instant_and_overwrites_nothing() {
        let folder = Folder::new();
        let place = folder.root().join("plans");
        let now = "2026-11-20T10:00:00Z".parse().unwrap();
        let first = save_plan(&json!({"kind": "renewal"}), &place, now).unwrap();
        let second = save_plan(&json!({"kind": "other"}), &place, now).unwrap();
        assert_eq!(first.file_name().unwrap(), "plan-20261120T100000Z.json");
        assert_eq!(second.file_name().unwrap(), "plan-20261120T100000Z-2.json");
        assert!(std::fs::read_to_string(first).unwrap().contains("renewal"));
    }
}
