//! `gtm renewal change` and `changes`: a new version, and all versions.

use clap::Args;
use reqwest::Method;
use reqwest::header::{ETAG, IF_MATCH};
use serde_json::{Map, Value};

use super::plan::people;
use super::{path, standing};
use crate::cli::client::Client;
use crate::cli::context::Context;
use crate::cli::failure::Failure;
use crate::cli::words::{text, when};

#[derive(Debug, Args)]
pub struct Change {
    id: String,
    #[arg(long)]
    play: Option<String>,
    #[arg(long)]
    tier: Option<String>,
    /// Set by people, it is not changed by later ratings; `auto` lets the rating decide again.
    #[arg(long)]
    risk: Option<String>,
    #[arg(long)]
    deadline: Option<String>,
    /// Whether every task takes no longer than it must.
    #[arg(long)]
    compressed: Option<bool>,
    /// Who fills a role, such as `csm=Anna Beck <anna@acme.com>`. May be repeated.
    #[arg(long = "person", value_name = "ROLE=NAME <E-MAIL>")]
    people: Vec<String>,
    /// Why, for the change log.
    #[arg(long)]
    why: String,
}

impl Change {
    fn body(&self) -> Result<Value, Failure> {
        let said = [("play", &self.play), ("tier", &self.tier), ("deadline", &self.deadline)];
        let mut body: Map<String, Value> = said
            .into_iter()
            .filter_map(|(name, value)| Some((name.to_owned(), value.clone()?.into())))
            .collect();
        if let Some(risk) = &self.risk {
            let risk = if risk == "auto" { Value::Null } else { risk.clone().into() };
            body.insert("risk".to_owned(), risk);
        }
        if let Some(compressed) = self.compressed {
            body.insert("compressed".to_owned(), compressed.into());
        }
        let people = people(&self.people)?;
        if !people.is_empty() {
            body.insert("people".to_owned(), people.into());
        }
        body.insert("why".to_owned(), self.why.clone().into());
        Ok(body.into())
    }
}

pub async fn change(client: &Client, args: Change, context: &Context) -> Result<(), Failure> {
    // What is changed is what is there now: somebody else who is faster is noticed by the tag.
    let read = client.send(client.request(Method::GET, &path(&args.id, ""))).await?;
    let tag = read.headers().get(ETAG).cloned();
    let mut request = client.request(Method::PATCH, &path(&args.id, "")).json(&args.body()?);
    if let Some(tag) = tag {
        request = request.header(IF_MATCH, tag);
    }
    let renewal = client.json(request).await?;
    context.screen.document(&renewal, standing);
    Ok(())
}

pub async fn log(client: &Client, id: &str, context: &Context) -> Result<(), Failure> {
    let answer = client.get(&path(id, "/changes")).await?;
    context.screen.document(&answer, |answer| {
        let versions = answer["data"].as_array().map(Vec::as_slice).unwrap_or_default();
        let told = versions.iter().map(|version| {
            let head = format!(
                "Version {}, {} by {}: {}",
                text(version, &["/version"]),
                when(version.get("madeAt")),
                text(version, &["/madeBy"]),
                text(version, &["/why"])
            );
            let words = version["words"].as_array().into_iter().flatten();
            let words = words.filter_map(Value::as_str).map(|words| format!("  {words}"));
            std::iter::once(head).chain(words).collect::<Vec<_>>().join("\n")
        });
        told.collect::<Vec<_>>().join("\n")
    });
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn auto_lets_go_of_the_risk() {
        let change = |risk: Option<&str>| Change {
            id: "r1".to_owned(),
            play: None,
            tier: None,
            risk: risk.map(str::to_owned),
            deadline: None,
            compressed: None,
            people: Vec::new(),
            why: "new facts".to_owned(),
        };
        assert_eq!(change(Some("auto")).body().unwrap(), json!({"risk": null, "why": "new facts"}));
        assert_eq!(change(Some("red")).body().unwrap()["risk"], "red");
        assert_eq!(change(None).body().unwrap(), json!({"why": "new facts"}));
    }
}
