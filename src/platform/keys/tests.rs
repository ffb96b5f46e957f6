//! Keys from making to ending.

use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use tower::ServiceExt;
use utoipa_axum::router::OpenApiRouter;

use super::*;
use crate::platform::audit::{Signer, verify};
use crate::platform::http::Platform;
use crate::platform::http::server::{Limits, build};
use crate::platform::lifecycle::Lifecycle;
use crate::testing;

fn at(seconds: i64) -> DateTime {
    chrono::DateTime::from_timestamp(1_800_000_000 + seconds, 0).unwrap()
}

async fn send(
    router: &Router,
    bearer: &str,
    method: &str,
    path: &str,
    key: Option<&str>,
    body: Value,
) -> (StatusCode, Value) {
    let mut request = Request::builder()
        .method(method)
        .uri(path)
        .header("authorization", format!("Bearer {bearer}"))
        .header("content-type", "application/json");
    if let Some(key) = key {
        request = request.header("idempotency-key", key);
    }
    let response = router.clone().oneshot(request.body(Body::from(body.to_string())).unwrap()).await.unwrap();
    let status = response.status();
    let bytes = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
    (status, serde_json::from_slice(&bytes).unwrap_or_default())
}

#[tokio::test]
async fn a_key_lives_from_its_making_to_its_end_and_both_are_audited() {
    let database = testing::database().await;
    let clock = Clock::manual(at(0));
    let platform = Platform::new(database.pool.clone(), clock.clone(), Lifecycle::new(), Signer::generate());
    let admin = ensure_admin(&platform.keys, None).await.unwrap().unwrap();
    let admin = admin.expose_secret();
    assert!(admin.starts_with("gtm_") && admin.len() == 47);
    assert!(ensure_admin(&platform.keys, None).await.unwrap().is_none(), "there is one already");
    let router =
        build(platform.clone(), OpenApiRouter::new(), Router::new(), &Limits::default()).unwrap().router;

    let order = json!({ "label": "crm", "scopes": ["audit:read"], "expiresAt": at(3600), "repId": "ada" });
    let (status, made) = send(&router, admin, "POST", "/v1/keys", Some("k"), order.clone()).await;
    assert_eq!(status, StatusCode::CREATED, "{made}");
    let key = made["key"].as_str().unwrap();
    assert!(key.starts_with("gtm_") && key.len() == 47);
    let (_, again) = send(&router, admin, "POST", "/v1/keys", Some("k"), order.clone()).await;
    assert_eq!(again, made, "the same answer, key and all");
    let (_, other) = send(&router, admin, "POST", "/v1/keys", None, order).await;
    assert_ne!(other["key"], made["key"]);
    let dump: String = sqlx::query_scalar(
        "select coalesce(string_agg(convert_from(body, 'UTF8') || k::text, ''), '') from idempotency_key k",
    )
    .fetch_one(&database.pool)
    .await
    .unwrap();
    assert!(!dump.contains(&key[4..]), "no key is stored");

    assert_eq!(send(&router, key, "GET", "/v1/audit", None, Value::Null).await.0, StatusCode::OK);
    platform.keys.write_uses().await.unwrap();
    let (_, page) = send(&router, admin, "GET", "/v1/keys?limit=200", None, Value::Null).await;
    let shown = page["data"].as_array().unwrap().iter().find(|row| row["id"] == made["id"]).unwrap();
    assert_eq!((&shown["lastUsedAt"], &shown["repId"]), (&json!(at(0)), &json!("ada")));
    assert_eq!(shown.get("key"), None);

    let path = format!("/v1/keys/{}", made["id"].as_str().unwrap());
    for _ in 0..2 {
        assert_eq!(send(&router, admin, "DELETE", &path, None, Value::Null).await.0, StatusCode::NO_CONTENT);
    }
    assert_eq!(send(&router, key, "GET", "/v1/audit", None, Value::Null).await.0, StatusCode::UNAUTHORIZED);
    let unknown = format!("/v1/keys/{}", Uuid::now_v7());
    assert_eq!(send(&router, admin, "DELETE", &unknown, None, Value::Null).await.0, StatusCode::NOT_FOUND);

    let (_, log) =
        send(&router, admin, "GET", "/v1/audit?accountId=@system&action=key.*", None, Value::Null).await;
    let actions: Vec<_> = log["data"].as_array().unwrap().iter().map(|row| row["action"].clone()).collect();
    assert_eq!(actions, ["key.revoked", "key.created", "key.created", "key.created"]);
    let (_, report) = send(&router, admin, "POST", "/v1/audit/verify", None, json!({})).await;
    assert_eq!(report["intact"], true, "{report}");

    let expired = other["key"].as_str().unwrap();
    assert_eq!(send(&router, expired, "GET", "/v1/audit", None, Value::Null).await.0, StatusCode::OK);
    clock.advance_to(at(3600));
    assert_eq!(
        send(&router, expired, "GET", "/v1/audit", None, Value::Null).await.0,
        StatusCode::UNAUTHORIZED
    );
}

#[tokio::test]
async fn a_request_for_a_key_that_cannot_be_is_refused_with_all_its_faults() {
    let database = testing::database().await;
    let platform =
        Platform::new(database.pool.clone(), Clock::manual(at(0)), Lifecycle::new(), Signer::generate());
    let admin = ensure_admin(&platform.keys, None).await.unwrap().unwrap();
    let router = build(platform, OpenApiRouter::new(), Router::new(), &Limits::default()).unwrap().router;
    let order = json!({ "label": " ", "scopes": [], "expiresAt": at(0), "repId": "a b" });
    let (status, body) = send(&router, admin.expose_secret(), "POST", "/v1/keys", None, order).await;
    assert_eq!((status.as_u16(), body["errors"].as_array().unwrap().len()), (422, 4), "{body}");
    let order = json!({ "label": "x", "scopes": ["audit:reed"] });
    let (_, body) = send(&router, admin.expose_secret(), "POST", "/v1/keys", None, order).await;
    assert!(body["errors"][0]["detail"].as_str().unwrap().contains("did you mean audit:read?"), "{body}");
}

#[tokio::test]
async fn the_last_admin_key_cannot_be_ended() {
    let database = testing::database().await;
    let platform =
        Platform::new(database.pool.clone(), Clock::manual(at(0)), Lifecycle::new(), Signer::generate());
    let admin = ensure_admin(&platform.keys, None).await.unwrap().unwrap();
    let id = platform.keys.caller(admin.expose_secret()).await.unwrap().key_id;
    let router = build(platform, OpenApiRouter::new(), Router::new(), &Limits::default()).unwrap().router;
    let path = format!("/v1/keys/{id}");
    let (status, body) = send(&router, admin.expose_secret(), "DELETE", &path, None, Value::Null).await;
    assert_eq!((status.as_u16(), &body["code"]), (409, &json!("last_admin_key")));
}

#[tokio::test]
async fn a_key_of_the_environment_replaces_the_one_before() {
    let database = testing::database().await;
    let keys = Keys::new(database.pool.clone(), Clock::manual(at(0)));
    let one = SecretString::from("an-admin-key-of-the-operator");
    let two = SecretString::from("another-admin-key-entirely");
    for _ in 0..2 {
        assert!(ensure_admin(&keys, Some(&one)).await.unwrap().is_none());
    }
    assert!(keys.caller(one.expose_secret()).await.is_ok());
    ensure_admin(&keys, Some(&two)).await.unwrap();
    let elsewhere = Keys::new(database.pool.clone(), Clock::manual(at(0)));
    assert_eq!(elsewhere.caller(one.expose_secret()).await.unwrap_err().status(), StatusCode::UNAUTHORIZED);
    assert!(elsewhere.caller(two.expose_secret()).await.is_ok());
    ensure_admin(&keys, Some(&one)).await.unwrap();
    assert!(elsewhere.caller(one.expose_secret()).await.is_ok(), "given again, it lives again");
    let short = SecretString::from("short");
    assert!(matches!(ensure_admin(&keys, Some(&short)).await, Err(FirstKeyError::Given)));
    let scope = verify::Scope::default();
    let report = verify::verify(&database.pool, &Signer::generate(), &[], &scope).await.unwrap();
    assert!(report.intact, "{report:?}");
}

#[tokio::test]
async fn replicas_that_start_together_make_one_first_key() {
    let database = testing::database().await;
    let starts = (0..6).map(|_| {
        let keys = Keys::new(database.pool.clone(), Clock::manual(at(0)));
        async move { ensure_admin(&keys, None).await.unwrap() }
    });
    let made = futures_util::future::join_all(starts).await;
    assert_eq!(made.iter().flatten().count(), 1);
}

#[tokio::test]
async fn a_known_key_needs_no_round_trip_and_an_old_memory_is_not_believed() {
    let database = testing::database().await;
    let keys = Keys::new(database.pool.clone(), Clock::manual(at(0)));
    let admin = ensure_admin(&keys, None).await.unwrap().unwrap();
    let caller = keys.caller(admin.expose_secret()).await.unwrap();
    sqlx::query("update api_key set revoked_at = created_at").execute(&database.pool).await.unwrap();
    assert!(keys.caller(admin.expose_secret()).await.is_ok(), "known, within the TTL");
    let age = |seconds: u64| {
        for known in keys.memory().by_hash.values_mut() {
            known.read_at = Instant::now().checked_sub(Duration::from_secs(seconds)).unwrap();
            known.renewing = true;
        }
    };
    age(4);
    assert!(keys.caller(admin.expose_secret()).await.is_ok(), "somebody else is reading it again");
    age(5);
    assert!(keys.caller(admin.expose_secret()).await.is_err(), "past the TTL the database is asked");
    keys.forget(caller.key_id);
    assert!(keys.memory().by_hash.is_empty());
}

#[tokio::test]
async fn the_command_lines_of_two_services_keep_their_keys_and_one_that_starts_anew_replaces_its_own() {
    let database = testing::database().await;
    let keys = || Keys::new(database.pool.clone(), Clock::manual(at(0)));
    let live = async |key: &LocalKey| keys().caller(key.key.expose_secret()).await.is_ok();
    let one = local_key(&keys(), "command line of data, installation 1", true).await.unwrap();
    let other = local_key(&keys(), "command line of data, installation 2", true).await.unwrap();
    let command = local_key(&keys(), "one command in data", false).await.unwrap();
    let another = local_key(&keys(), "one command in data", false).await.unwrap();
    let again = local_key(&keys(), "command line of data, installation 1", true).await.unwrap();
    assert!(!live(&one).await, "the start before is over");
    end_local_key(&keys(), command.id).await.unwrap();
    assert!(!live(&command).await);
    for key in [&other, &another, &again] {
        assert!(live(key).await);
    }
    let ended = "select count(*) from audit_entry where action = 'key.revoked'";
    let ended: i64 = sqlx::query_scalar(ended).fetch_one(&database.pool).await.unwrap();
    assert_eq!(ended, 2, "every end is on record");
}
