//! What official clients of both eras sent, sent again over a socket: the answers have the form that those clients took from
//! an official server.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::client::ADMIN_KEY;
use crate::harness::Service;
use crate::stories::{event, worked_example};

const FIXTURES: [(&str, &str); 4] = [
    ("python_modern", include_str!("../../fixtures/mcp/python_modern.json")),
    ("typescript_client_auto", include_str!("../../fixtures/mcp/typescript_client_auto.json")),
    ("typescript_client_default", include_str!("../../fixtures/mcp/typescript_client_default.json")),
    ("typescript_sdk_legacy", include_str!("../../fixtures/mcp/typescript_sdk_legacy.json")),
];
/// The tool of the server that the clients were recorded with, and the one of ours in its place.
const THEIRS: &str = "get_recommendation";
const OURS: &str = "orchestrate_account";

/// An answer over a socket: status, kind of body, body.
async fn sent(service: &Service, request: &Value) -> (u16, Option<String>, Option<Value>) {
    let body = match request.get("body") {
        Some(body) => body.to_string().replace(THEIRS, OURS).replace("account_id", "accountId").into_bytes(),
        None => Vec::new(),
    };
    let mut head = format!("{} /mcp HTTP/1.1\r\n", request["method"].as_str().unwrap());
    for pair in request["headers"].as_array().unwrap() {
        let (name, value) = (pair[0].as_str().unwrap(), pair[1].as_str().unwrap());
        if !["connection", "content-length", "accept-encoding"].contains(&name.to_ascii_lowercase().as_str())
        {
            head.push_str(&format!("{name}: {}\r\n", value.replace(THEIRS, OURS)));
        }
    }
    head.push_str(&format!("Authorization: Bearer {ADMIN_KEY}\r\nConnection: close\r\n"));
    head.push_str(&format!("Content-Length: {}\r\n\r\n", body.len()));
    let mut socket = tokio::net::TcpStream::connect(service.running.address).await.unwrap();
    socket.write_all(head.as_bytes()).await.unwrap();
    socket.write_all(&body).await.unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    let kind = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-type").then(|| value.trim().to_owned())
    });
    (status, kind, serde_json::from_str(body).ok())
}

fn members(value: &Value) -> BTreeSet<String> {
    value.as_object().into_iter().flatten().map(|(name, _)| name.clone()).collect()
}

/// Where we differ on purpose: a tool that there is not is an error of the protocol, as the specification has it.
fn unknown_tool(request: &Value) -> bool {
    request.pointer("/body/params/name").is_some_and(|name| name == "nope")
}

#[tokio::test(flavor = "multi_thread")]
async fn what_official_clients_sent_is_answered_in_the_form_that_they_took() {
    let service = Service::sandbox().await;
    service.events(&worked_example(service.now(), "acc_12345", chrono::TimeDelta::zero())).await;
    let mut answered = 0;
    for (name, text) in FIXTURES {
        let file: Value = serde_json::from_str(text).unwrap();
        for exchange in file["exchanges"].as_array().unwrap() {
            let (request, wanted) = (&exchange["request"], &exchange["response"]);
            let (status, kind, body) = sent(&service, request).await;
            let what = format!("{name}: {}", request.pointer("/body/method").unwrap_or(&request["method"]));
            assert_eq!(Some(u64::from(status)), wanted["status"].as_u64(), "{what}: {body:?}");
            let Some(expected) = wanted.get("body") else {
                assert!(status == 202 || status == 405, "{what}: {status}");
                continue;
            };
            let body = body.unwrap();
            assert_eq!(kind.as_deref(), wanted["contentType"].as_str(), "{what}");
            assert_eq!((&body["jsonrpc"], &body["id"]), (&expected["jsonrpc"], &expected["id"]), "{what}");
            if unknown_tool(request) {
                assert_eq!(body["error"]["code"], -32602, "{what}: {body:#}");
                answered += 1;
                continue;
            }
            let (found, expected) = (&body["result"], &expected["result"]);
            // What an official server sends must be there; more may be (what it is called, say).
            let missing: Vec<String> = members(expected).difference(&members(found)).cloned().collect();
            let missing: Vec<&String> = missing.iter().filter(|name| *name != "_meta").collect();
            assert!(missing.is_empty(), "{what} lacks {missing:?}: {found:#}");
            for same in ["resultType", "protocolVersion", "isError"] {
                assert_eq!(found[same], expected[same], "{what}: {same}");
            }
            // What is listed depends on the caller's scopes; a client that does not know the member passes over it.
            if let Some(scope) = found.get("cacheScope") {
                assert_eq!(scope, "private", "{what}");
            }
            if let Some(tools) = found["tools"].as_array() {
                let ours = tools.iter().find(|tool| tool["name"] == OURS).unwrap();
                let lacks: Vec<String> =
                    members(&expected["tools"][0]).difference(&members(ours)).cloned().collect();
                assert!(lacks.is_empty(), "{what} lacks {lacks:?}");
            }
            if expected["structuredContent"].is_object() {
                let recommendation = &found["structuredContent"]["recommendation"];
                assert_eq!(recommendation["motion"], expected["structuredContent"]["motion"], "{what}");
                assert_eq!(found["content"][0]["type"], "text", "{what}");
            }
            answered += 1;
        }
    }
    assert_eq!(answered, 13, "every request with an answer was compared");
    // Nothing of it wrote anything: the calls were dry runs.
    assert_eq!(service.number("SELECT count(*) FROM decision").await, 0);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn both_eras_are_spoken_at_one_address_by_any_replica() {
    let service = Service::sandbox().await;
    let replica = service.replica(&[]).await;
    service.events(&[event("gtm.account.upserted", "acme", json!({ "name": "Acme" }))]).await;
    service.until_applied().await;
    // Revisions without a session: the handshake went to one replica and what follows goes to the other.
    for version in ["2025-03-26", "2025-06-18", "2025-11-25"] {
        let hello = json!({ "jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
            "protocolVersion": version, "capabilities": {}, "clientInfo": { "name": "t", "version": "1" } } });
        let answer = super::agent::request(&service, &hello).send().await.unwrap();
        assert!(answer.headers().get("mcp-session-id").is_none());
        let answer: Value = answer.json().await.unwrap();
        assert_eq!(answer["result"]["protocolVersion"], version);
        assert!(answer["result"]["instructions"].as_str().unwrap().contains("idempotencyKey"));
        let find = json!({ "jsonrpc": "2.0", "id": 2, "method": "tools/call",
            "params": { "name": "find_accounts", "arguments": { "name": "acm" } } });
        let found = super::agent::request(&replica, &find).header("mcp-protocol-version", version);
        let found: Value = found.send().await.unwrap().json().await.unwrap();
        assert_eq!(found["result"]["structuredContent"]["data"][0]["accountId"], "acme", "{found:#}");
        assert!(found["result"].get("resultType").is_none(), "this revision does not know it: {found:#}");
    }
    replica.stop().await;
    service.stop().await;
}
