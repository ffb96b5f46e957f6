//! Who gets in: keys, hosts, pages of browsers, messages that are none; and that a stop waits.

use std::process::Stdio;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};

use super::agent::{MODERN, ask, call, modern, request};
use crate::client::{ADMIN_KEY, Client};
use crate::harness::{DataDir, Service};
use crate::stories::event;

#[tokio::test(flavor = "multi_thread")]
async fn nobody_gets_in_without_a_live_key() {
    let service = Service::sandbox().await;
    for (key, said) in [("", "needs a key"), ("gtm_nonsense", "")] {
        let mut asked = modern(&service.with_key(key), "tools/list", &json!({}));
        if key.is_empty() {
            let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "ping" });
            asked = service.http.post(service.url("/mcp")).json(&body);
        }
        let answer = asked.send().await.unwrap();
        assert_eq!(answer.status(), 401);
        assert!(answer.headers()["www-authenticate"].to_str().unwrap().starts_with("Bearer"));
        let problem: Value = answer.json().await.unwrap();
        assert!(problem["detail"].as_str().unwrap().contains(said), "{problem:#}");
        assert!(!problem["requestId"].is_null());
    }
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_from_elsewhere_and_names_that_are_not_ours_are_refused() {
    let service = Service::live(&[
        ("GTM_MCP__ALLOWED_HOSTS", "gtm.example.com,other.example.com"),
        ("GTM_MCP__ALLOWED_ORIGINS", "https://app.example"),
    ])
    .await;
    let port = service.running.address.port();
    let tried = [
        ("host", "evil.example".to_owned(), 403),
        ("host", format!("localhost:{port}"), 200),
        ("host", "gtm.example.com".to_owned(), 200),
        ("origin", "https://evil.example".to_owned(), 403),
        ("origin", "null".to_owned(), 403),
        ("origin", "https://app.example".to_owned(), 200),
        ("origin", "https://app.example:444".to_owned(), 403),
        ("origin", "http://localhost:6274".to_owned(), 200),
    ];
    for (header, value, status) in tried {
        let answer = modern(&service, "tools/list", &json!({})).header(header, &value).send().await.unwrap();
        assert_eq!(answer.status(), status, "{header}: {value}");
        if status == 403 {
            let problem: Value = answer.json().await.unwrap();
            assert_eq!(problem["code"], "host_or_origin_not_allowed");
            assert!(problem["detail"].as_str().unwrap().contains("mcp.allowed_"), "{problem:#}");
        }
    }
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_that_are_none_are_told_what_is_wrong() {
    let service = Service::live(&[("GTM_HTTP__BODY_LIMIT_BYTES", "4096")]).await;
    let post = |body: String| {
        let asked = service.request(reqwest::Method::POST, "/mcp");
        let asked = asked.header("accept", "application/json, text/event-stream");
        asked.header("content-type", "application/json").body(body)
    };
    let said = async |asked: reqwest::RequestBuilder| -> (u16, Value) {
        let answer = asked.send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap())
    };
    let (status, problem) = said(post("{".to_owned())).await;
    assert_eq!((status, &problem["code"]), (400, &json!("malformed_json")), "{problem:#}");
    let (status, problem) = said(post(format!("{{\"x\": \"{}\"}}", "x".repeat(5_000)))).await;
    assert_eq!((status, &problem["code"]), (413, &json!("body_too_large")), "{problem:#}");
    let (status, problem) = said(service.request(reqwest::Method::GET, "/mcp")).await;
    assert_eq!((status, &problem["code"]), (405, &json!("method_not_allowed")), "{problem:#}");
    let plain = service.request(reqwest::Method::POST, "/mcp").json(&json!({}));
    let (status, problem) = said(plain).await;
    assert_eq!(status, 406);
    assert!(problem["detail"].as_str().unwrap().contains("text/event-stream"), "{problem:#}");

    // What the headers repeat must be what the message says.
    let list = modern(&service, "tools/list", &json!({}));
    let (status, answer) = said(list.header("mcp-method", "tools/call")).await;
    assert_eq!((status, &answer["error"]["code"]), (400, &json!(-32020)), "{answer:#}");
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": { "_meta": {
        "io.modelcontextprotocol/protocolVersion": "2031-01-01",
        "io.modelcontextprotocol/clientInfo": { "name": "t", "version": "1" },
        "io.modelcontextprotocol/clientCapabilities": {} } } });
    let unknown = request(&service, &body).header("mcp-protocol-version", "2031-01-01");
    let (status, answer) = said(unknown.header("mcp-method", "tools/list")).await;
    assert_eq!((status, &answer["error"]["code"]), (400, &json!(-32022)), "{answer:#}");
    assert!(answer["error"]["data"]["supported"].as_array().unwrap().contains(&json!(MODERN)));
    let (status, answer) = said(modern(&service, "tools/dance", &json!({}))).await;
    assert_eq!((status, &answer["error"]["code"]), (404, &json!(-32601)), "{answer:#}");
    let unknown = call(&service, "dance", json!({})).await;
    assert_eq!(unknown["code"], -32602, "{unknown:#}");
    assert!(unknown["message"].as_str().unwrap().contains("orchestrate_account"), "it says what there is");
    let beyond = ask(&service, "tools/list", json!({ "cursor": "x" })).await;
    assert_eq!(beyond["code"], -32602, "{beyond:#}");
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_waits_for_the_call_that_is_under_way() {
    let service = Service::sandbox().await;
    service.events(&[event("gtm.account.upserted", "acme", json!({ "name": "Acme" }))]).await;
    service.until_applied().await;
    let mut lock = service.database.pool.acquire().await.unwrap();
    sqlx::query("BEGIN").execute(&mut *lock).await.unwrap();
    sqlx::query("SELECT 1 FROM account WHERE account_id = 'acme' FOR UPDATE")
        .execute(&mut *lock)
        .await
        .unwrap();
    let (client, database) = (service.client.clone(), service.database.clone());
    let asked = call(
        &client,
        "orchestrate_account",
        json!({ "accountId": "acme", "dryRun": false, "idempotencyKey": "k" }),
    );
    let waiting = "SELECT count(*) > 0 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()";
    let stopped = async move {
        service.until(waiting).await;
        let released = async move {
            sqlx::query("COMMIT").execute(&mut *lock).await.unwrap();
        };
        // The stop begins first; only then can the call go on.
        tokio::join!(service.stop(), released);
    };
    let (answer, ()) = tokio::join!(asked, stopped);
    assert_eq!(answer["structuredContent"]["accountId"], "acme", "{answer:#}");
    drop(database);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_key_of_an_agent_is_in_no_log() {
    let (database, data) = (gtm::testing::database().await, DataDir::new());
    let mut child = tokio::process::Command::new(env!("CARGO_BIN_EXE_gtm"))
        .args(["serve", "--bind", "127.0.0.1:0", "--data-dir"])
        .arg(&data.0)
        .env("DATABASE_URL", database.url())
        .env("GTM_ADMIN_KEY", ADMIN_KEY)
        // Everything that anybody could ask for, of the protocol too.
        .env("GTM_LOG__FILTER", "trace,rmcp=trace")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut log = child.stderr.take().unwrap();
    let listening = async move {
        let mut text = Vec::new();
        log.read_to_end(&mut text).await.unwrap();
        String::from_utf8_lossy(&text).into_owned()
    };
    let calling = async move {
        let mut said = BufReader::new(child.stdout.take().unwrap()).lines();
        let client = loop {
            let line = said.next_line().await.unwrap().expect("the service listens");
            if let Some((_, address)) = line.split_once(" at http://") {
                break Client::new(&format!("http://{address}"));
            }
        };
        let answer = call(&client, "find_accounts", json!({ "name": "whatever-it-is" })).await;
        assert_eq!(answer["isError"], false, "{answer:#}");
        child.kill().await.unwrap();
    };
    let (log, ()) = tokio::join!(listening, calling);
    assert!(log.contains("rmcp"), "the protocol was asked to tell everything");
    assert!(!log.contains(ADMIN_KEY), "the key is in the log");
}
