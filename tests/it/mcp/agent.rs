//! An agent of the revision 2026-07-28, which needs no handshake, and one of 2025-06-18.

use gtm::platform::lifecycle::End;
use reqwest::RequestBuilder;
use serde_json::{Map, Value, json};

use crate::client::Client;
use crate::harness::Service;

/// The newest revision.
pub const MODERN: &str = "2026-07-28";

/// A request with the headers that every one needs.
pub fn request(client: &Client, body: &Value) -> RequestBuilder {
    client
        .request(reqwest::Method::POST, "/mcp")
        .header("accept", "application/json, text/event-stream")
        .json(body)
}

/// A message of the newest revision, with the headers that repeat what it says.
pub fn modern(client: &Client, method: &str, params: &Value) -> RequestBuilder {
    let mut params = params.clone();
    params["_meta"] = json!({
        "io.modelcontextprotocol/protocolVersion": MODERN,
        "io.modelcontextprotocol/clientInfo": { "name": "test", "version": "1" },
        "io.modelcontextprotocol/clientCapabilities": {},
    });
    let name = params["name"].as_str().or(params["uri"].as_str()).map(str::to_owned);
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
    let request = request(client, &body).header("mcp-protocol-version", MODERN).header("mcp-method", method);
    match name {
        Some(name) => request.header("mcp-name", name),
        None => request,
    }
}

/// What a method gives, or the error of the protocol.
pub async fn ask(client: &Client, method: &str, params: Value) -> Value {
    let answer = modern(client, method, &params).send().await.unwrap();
    let answer: Value = answer.json().await.unwrap();
    assert_eq!(answer["jsonrpc"], "2.0", "{answer:#}");
    if answer["result"].is_object() { answer["result"].clone() } else { answer["error"].clone() }
}

/// What a tool gives, good or not.
pub async fn call(client: &Client, tool: &str, arguments: Value) -> Value {
    ask(client, "tools/call", json!({ "name": tool, "arguments": arguments })).await
}

/// What a tool gives in its structured answer.
pub async fn told(client: &Client, tool: &str, arguments: Value) -> Value {
    let result = call(client, tool, arguments).await;
    assert_eq!(result["isError"], false, "{tool}: {result:#}");
    result["structuredContent"].clone()
}

/// What a tool says when it does not do it.
pub async fn refusal(client: &Client, tool: &str, arguments: Value) -> String {
    let result = call(client, tool, arguments).await;
    assert_eq!(result["isError"], true, "{tool}: {result:#}");
    assert!(result["structuredContent"].is_null(), "what fails need not fit the schema: {result:#}");
    text(&result)
}

/// The text of a result.
pub fn text(result: &Value) -> String {
    result["content"][0]["text"].as_str().unwrap().to_owned()
}

/// A key that is enough for some things only.
pub async fn with_scopes(service: &Service, scopes: &[&str]) -> Client {
    let body = json!({ "label": "agent", "scopes": scopes });
    let made = service.send(reqwest::Method::POST, "/v1/keys", Some(body), 201).await;
    service.with_key(made["key"].as_str().unwrap())
}

/// The schemas of what tools take and of what they give, by name.
pub async fn schemas(client: &Client) -> (Map<String, Value>, Map<String, Value>) {
    let list = ask(client, "tools/list", json!({})).await;
    let tools = list["tools"].as_array().unwrap().iter();
    let named = |tool: &Value, kind: &str| (tool["name"].as_str().unwrap().to_owned(), tool[kind].clone());
    let both = tools.map(|tool| (named(tool, "inputSchema"), named(tool, "outputSchema")));
    both.unzip()
}

/// Ends a service that several hold.
pub async fn stop(service: Service) {
    assert_eq!(service.running.stop().await, End::Clean);
}
