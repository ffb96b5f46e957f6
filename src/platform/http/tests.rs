//! Stories over the whole stack of layers, against a real database.

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, Request, StatusCode, header};
use axum::response::Response;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::sync::{Notify, Semaphore};
use tower::ServiceExt;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::server::{Limits, Service, build};
use super::*;
use crate::kernel::clock::Clock;
use crate::kernel::ids::AccountId;
use crate::platform::audit::Signer;
use crate::platform::keys::ensure_admin;
use crate::platform::lifecycle::Lifecycle;
use crate::testing::{self, TestDatabase};

/// What the small slice of these tests shares with them.
#[derive(Clone)]
struct Slice {
    platform: Platform,
    made: Arc<AtomicUsize>,
    gate: Arc<Semaphore>,
    entered: Arc<Notify>,
}

impl axum::extract::FromRef<Slice> for Platform {
    fn from_ref(slice: &Slice) -> Self {
        slice.platform.clone()
    }
}

#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Thing {
    name: String,
    size: u32,
}

#[utoipa::path(post, path = "/v1/things", params(IdempotencyParams), request_body = Thing,
    security(("api_key" = ["events:write"])), responses((status = 201, body = Value)))]
async fn create(
    _caller: Scoped<scope::EventsWrite>,
    State(slice): State<Slice>,
    Json(thing): Json<Thing>,
) -> Result<Created<Value>, Problem> {
    slice.entered.notify_one();
    slice.gate.acquire().await.map_err(Problem::internal)?.forget();
    assert_ne!(thing.name, "panic", "this handler was told to panic");
    if thing.size > 9 {
        return Err(Problem::unprocessable("too_big", "A thing has at most size 9."));
    }
    let number = slice.made.fetch_add(1, Ordering::SeqCst) + 1;
    Ok(Created { location: format!("/v1/things/{number}"), body: json!({ "number": number }) })
}

#[utoipa::path(get, path = "/v1/accounts/{accountId}/things", params(PageParams, ("accountId" = String, Path)),
    security(("api_key" = ["decisions:read"])), responses((status = 200, body = Value)))]
async fn read(
    caller: Scoped<scope::DecisionsRead>,
    Path(account): Path<AccountId>,
    Paged { page, .. }: Paged<NoFilter>,
) -> Json<Value> {
    Json(json!({ "account": account, "fetch": page.fetch(), "label": caller.label }))
}

#[utoipa::path(get, path = "/v1/panic", security(()), responses((status = 200)))]
async fn panics() -> &'static str {
    panic!("secret reason")
}

#[utoipa::path(get, path = "/v1/endless", security(()), extensions(("x-timeout-seconds" = json!(0))),
    responses((status = 200)))]
async fn endless() -> &'static str {
    std::future::pending().await
}

/// The service with the small slice, and its first admin key.
struct Api {
    router: Router,
    slice: Slice,
    admin: String,
    document: Value,
    _database: TestDatabase,
}

async fn api() -> Api {
    let database = testing::database().await;
    let platform = Platform::new(database.pool.clone(), Clock::System, Lifecycle::new(), Signer::generate());
    let admin = ensure_admin(&platform.keys, None).await.unwrap().unwrap();
    let slice = Slice {
        platform: platform.clone(),
        made: Arc::default(),
        gate: Arc::new(Semaphore::new(1_000)),
        entered: Arc::default(),
    };
    let slices = OpenApiRouter::new()
        .routes(routes!(create))
        .routes(routes!(read))
        .routes(routes!(panics))
        .routes(routes!(endless))
        .with_state(slice.clone());
    let limits = Limits { body_bytes: 10_000, answer: Duration::from_secs(20) };
    let further = Router::new().route("/v1/hidden", axum::routing::get(async || "hidden"));
    let Service { router, document, .. } = build(platform, slices, further, &limits).unwrap();
    Api {
        router,
        slice,
        admin: secrecy::ExposeSecret::expose_secret(&admin).to_owned(),
        document,
        _database: database,
    }
}

impl Api {
    async fn send(&self, request: Request<Body>) -> (StatusCode, HeaderMap, Value) {
        let response: Response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        let body = serde_json::from_slice(&bytes).unwrap_or_else(|_| String::from_utf8_lossy(&bytes).into());
        (parts.status, parts.headers, body)
    }

    async fn call(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &Value,
    ) -> (StatusCode, HeaderMap, Value) {
        let mut request =
            Request::builder().method(method).uri(path).header("content-type", "application/json");
        if !headers.iter().any(|(name, _)| *name == "authorization") {
            request = request.header("authorization", format!("Bearer {}", self.admin));
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let body = if body.is_null() { Body::empty() } else { Body::from(body.to_string()) };
        self.send(request.body(body).unwrap()).await
    }

    async fn key(&self, scopes: &[&str]) -> (String, String) {
        let (status, _, body) =
            self.call("POST", "/v1/keys", &[], &json!({ "label": "test", "scopes": scopes })).await;
        assert_eq!(status, StatusCode::CREATED, "{body}");
        (body["key"].as_str().unwrap().to_owned(), body["id"].as_str().unwrap().to_owned())
    }
}

fn thing() -> Value {
    json!({ "name": "a", "size": 1 })
}

#[tokio::test]
async fn every_call_needs_a_live_key_with_the_scope_of_the_document() {
    let api = api().await;
    let bare = Request::post("/v1/things").body(Body::empty()).unwrap();
    let (status, headers, body) = api.send(bare).await;
    assert_eq!((status, body["code"].as_str()), (StatusCode::UNAUTHORIZED, Some("unauthorized")));
    assert!(headers.contains_key(header::WWW_AUTHENTICATE));
    assert_eq!(headers[header::CONTENT_TYPE], "application/problem+json");
    assert_eq!(body["requestId"].as_str().unwrap(), headers["x-request-id"]);

    let wrong = ("authorization", "Bearer gtm_0000000000000000000000000000000000000000000");
    assert_eq!(api.call("POST", "/v1/things", &[wrong], &thing()).await.0, StatusCode::UNAUTHORIZED);

    let (reader, _) = api.key(&["decisions:read"]).await;
    let reader = format!("Bearer {reader}");
    let reader = ("authorization", reader.as_str());
    let (status, _, body) = api.call("POST", "/v1/things", &[reader], &thing()).await;
    assert_eq!((status, &body["requiredScope"]), (StatusCode::FORBIDDEN, &json!("events:write")));
    let (status, _, body) = api.call("GET", "/v1/accounts/a1/things?limit=7", &[reader], &Value::Null).await;
    assert_eq!((status, body), (StatusCode::OK, json!({ "account": "a1", "fetch": 8, "label": "test" })));
    assert_eq!(api.slice.made.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn whatever_goes_wrong_is_a_problem_with_the_request_id() {
    let api = api().await;
    let big = json!({ "name": "x".repeat(20_000), "size": 1 });
    let id = ("x-request-id", "my-id-1");
    let cases = [
        ("GET", "/v1/nothing", Value::Null, 404, "not_found"),
        ("PUT", "/v1/things", thing(), 405, "method_not_allowed"),
        ("POST", "/v1/things?colour=red", thing(), 400, "invalid_query"),
        ("POST", "/v1/things", json!({ "name": 1, "sise": 2 }), 422, "invalid_body"),
        ("POST", "/v1/things", big, 413, "body_too_large"),
        ("GET", "/v1/accounts/a%20b/things", Value::Null, 400, "invalid_path"),
        ("GET", "/v1/panic", Value::Null, 500, "internal_error"),
        ("GET", "/v1/endless", Value::Null, 503, "timeout"),
        ("GET", "/v1/hidden", Value::Null, 500, "internal_error"),
        ("GET", "/v1/audit?accountId=%00", Value::Null, 422, "value_out_of_range"),
    ];
    for (method, path, body, status, code) in cases {
        let (found, headers, body) = api.call(method, path, &[id], &body).await;
        assert_eq!((found.as_u16(), body["code"].as_str()), (status, Some(code)), "{method} {path}: {body}");
        assert_eq!(headers[header::CONTENT_TYPE], "application/problem+json", "{path}");
        assert_eq!(
            (&body["requestId"], &headers["x-request-id"]),
            (&json!("my-id-1"), &"my-id-1".parse().unwrap())
        );
        assert_eq!(headers["x-content-type-options"], "nosniff");
        assert!(!body.to_string().contains("secret reason"));
    }
    let (_, headers, _) = api.call("PUT", "/v1/things", &[], &thing()).await;
    assert_eq!(headers[header::ALLOW], "POST");
    let plain = Request::post("/v1/things").header("authorization", format!("Bearer {}", api.admin));
    let plain = plain.header("content-type", "text/plain").body(Body::from(thing().to_string())).unwrap();
    assert_eq!(api.send(plain).await.0, StatusCode::UNSUPPORTED_MEDIA_TYPE);
}

#[tokio::test]
async fn gzip_is_taken_and_its_size_is_that_of_what_comes_out() {
    let api = api().await;
    let zipped = |value: &Value| {
        let mut zip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        zip.write_all(value.to_string().as_bytes()).unwrap();
        zip.finish().unwrap()
    };
    let send = async |body: Vec<u8>, encoding: &str| {
        let request = Request::post("/v1/things")
            .header("authorization", format!("Bearer {}", api.admin))
            .header("content-type", "application/json")
            .header("content-encoding", encoding)
            .body(Body::from(body));
        api.send(request.unwrap()).await
    };
    assert_eq!(send(zipped(&thing()), "gzip").await.0, StatusCode::CREATED);
    let bomb = zipped(&json!({ "name": "x".repeat(1 << 20), "size": 1 }));
    assert!(bomb.len() < 10_000);
    let (status, _, body) = send(bomb, "gzip").await;
    assert_eq!((status, &body["code"]), (StatusCode::PAYLOAD_TOO_LARGE, &json!("body_too_large")));
    let (status, _, body) = send(b"no gzip".to_vec(), "gzip").await;
    assert_eq!((status, &body["code"]), (StatusCode::BAD_REQUEST, &json!("unreadable_body")));
    let (status, _, body) = send(thing().to_string().into_bytes(), "zstd").await;
    assert_eq!(
        (status, &body["code"]),
        (StatusCode::UNSUPPORTED_MEDIA_TYPE, &json!("unsupported_media_type"))
    );
}

#[tokio::test]
async fn the_document_and_the_operators_pages_are_open_and_complete() {
    let api = api().await;
    let open = async |path: &str| api.send(Request::get(path).body(Body::empty()).unwrap()).await;
    let (status, _, document) = open("/openapi.json").await;
    assert_eq!((status, &document), (StatusCode::OK, &api.document));
    let create = &document["paths"]["/v1/things"]["post"];
    for answer in ["401", "403", "default"] {
        let kind = &create["responses"][answer]["content"]["application/problem+json"]["schema"]["$ref"];
        assert_eq!(kind, "#/components/schemas/Problem", "{answer}");
    }
    assert_eq!(open("/docs/").await.0, StatusCode::OK);
    let (_, _, script) = open("/docs/swagger-initializer.js").await;
    assert!(script.as_str().unwrap().contains("/openapi.json"), "{script}");
    assert_eq!(open("/livez").await.0, StatusCode::OK);
    let pulse = api.slice.platform.health.watch("sweeper", Duration::from_mins(1));
    let (status, _, ready) = open("/readyz").await;
    assert_eq!((status, &ready["ready"]), (StatusCode::OK, &json!(true)), "{ready}");
    pulse.failed("no");
    assert_eq!(open("/readyz").await.0, StatusCode::SERVICE_UNAVAILABLE);
    pulse.beat();
    api.slice.platform.life.stop();
    assert_eq!(open("/readyz").await.0, StatusCode::SERVICE_UNAVAILABLE);
    let (_, _, measured) = open("/metrics").await;
    let line =
        r#"http_server_request_duration_seconds_bucket{method="GET",route="/livez",status="200",le="0.005"}"#;
    assert!(measured.as_str().unwrap().contains(line), "{measured}");
}

#[tokio::test]
async fn a_route_that_says_nothing_of_security_keeps_the_service_from_starting() {
    #[utoipa::path(get, path = "/v1/loose", responses((status = 200)))]
    async fn loose() {}
    let platform = api().await.slice.platform;
    let slices = OpenApiRouter::new().routes(routes!(loose));
    let error = build(platform, slices, Router::new(), &Limits::default()).unwrap_err();
    assert!(error.to_string().contains("GET /v1/loose"), "{error}");
}

#[tokio::test]
async fn a_repeat_under_the_same_key_gets_the_same_answer_and_makes_nothing() {
    let api = api().await;
    let key = [("idempotency-key", "k1")];
    let (status, first, body) = api.call("POST", "/v1/things", &key, &thing()).await;
    assert_eq!(status, StatusCode::CREATED);
    let quoted = [("idempotency-key", "\"k1\"")];
    let (status, again, repeated) = api.call("POST", "/v1/things", &quoted, &thing()).await;
    assert_eq!((status, &repeated), (StatusCode::CREATED, &body));
    for name in ["location", "content-type"] {
        assert_eq!(again[name], first[name]);
    }
    assert_eq!(
        (first.get("idempotency-replayed"), again["idempotency-replayed"].to_str().unwrap()),
        (None, "true")
    );
    let (status, _, other) = api.call("POST", "/v1/things", &key, &json!({ "name": "b", "size": 1 })).await;
    assert_eq!((status.as_u16(), &other["code"]), (422, &json!("idempotency_key_reused")));
    assert_eq!(api.slice.made.load(Ordering::SeqCst), 1);

    let (other, _) = api.key(&["events:write"]).await;
    let bearer = format!("Bearer {other}");
    let (_, _, others) =
        api.call("POST", "/v1/things", &[key[0], ("authorization", &bearer)], &thing()).await;
    assert_eq!(others["number"], 2, "another caller's key is another key");
    for bad in ["", "a b", &"x".repeat(256)] {
        let (status, _, body) = api.call("POST", "/v1/things", &[("idempotency-key", bad)], &thing()).await;
        assert_eq!((status.as_u16(), &body["code"]), (400, &json!("invalid_idempotency_key")), "{bad:?}");
    }
}

#[tokio::test]
async fn a_refused_or_panicking_request_leaves_its_key_free() {
    let api = api().await;
    let key = [("idempotency-key", "k1")];
    let big = json!({ "name": "a", "size": 10 });
    assert_eq!(api.call("POST", "/v1/things", &key, &big).await.2["code"], "too_big");
    let panicking = json!({ "name": "panic", "size": 1 });
    assert_eq!(api.call("POST", "/v1/things", &key, &panicking).await.0, StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(api.call("POST", "/v1/things", &key, &thing()).await.0, StatusCode::CREATED);
}

#[tokio::test]
async fn a_repeat_while_the_first_still_runs_is_told_so_and_a_lost_caller_loses_nothing() {
    let api = api().await;
    api.slice.gate.forget_permits(1_000);
    let key = [("idempotency-key", "k1")];
    let body = thing();
    {
        let first = api.call("POST", "/v1/things", &key, &body);
        tokio::pin!(first);
        tokio::select! {
            _ = &mut first => unreachable!("the gate is closed"),
            () = api.slice.entered.notified() => {}
        }
        let (status, headers, body) = api.call("POST", "/v1/things", &key, &body).await;
        assert_eq!((status.as_u16(), &body["code"]), (409, &json!("idempotency_in_progress")));
        assert!(headers.contains_key("retry-after"));
        // The caller hangs up here.
    }
    api.slice.gate.add_permits(1);
    assert_eq!(api.slice.platform.life.stop_and_wait().await, crate::platform::lifecycle::End::Clean);
    let (status, headers, body) = api.call("POST", "/v1/things", &key, &body).await;
    assert_eq!((status, &body["number"]), (StatusCode::CREATED, &json!(1)));
    assert_eq!(headers["idempotency-replayed"], "true");
}

#[tokio::test]
async fn many_at_once_under_one_key_make_one_thing() {
    let api = api().await;
    let (key, body) = ([("idempotency-key", "k1")], thing());
    let calls = (0..20).map(|_| api.call("POST", "/v1/things", &key, &body));
    let answers = futures_util::future::join_all(calls).await;
    assert!(answers.iter().all(|(status, _, _)| matches!(status.as_u16(), 201 | 409)), "{answers:?}");
    assert!(answers.iter().any(|(status, _, _)| *status == StatusCode::CREATED));
    assert_eq!(api.slice.made.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn answers_are_compressed_when_asked_for() {
    let api = api().await;
    let request =
        Request::get("/openapi.json").header("accept-encoding", "gzip").body(Body::empty()).unwrap();
    let response = api.router.clone().oneshot(request).await.unwrap();
    assert_eq!(response.headers()[header::CONTENT_ENCODING], "gzip");
}

#[tokio::test]
async fn a_stop_finishes_what_is_under_way_and_what_the_workers_still_hold() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let api = api().await;
    let life = api.slice.platform.life.clone();
    api.slice.platform.start();
    api.slice.gate.forget_permits(1_000);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    life.spawn("http", server::serve(listener, api.router.clone(), life.clone()));
    let body = thing().to_string();
    let mut caller = tokio::net::TcpStream::connect(address).await.unwrap();
    let request = format!(
        "POST /v1/things HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\ncontent-type: application/json\r\n\
         content-length: {}\r\n\r\n{body}",
        api.admin,
        body.len()
    );
    caller.write_all(request.as_bytes()).await.unwrap();
    api.slice.entered.notified().await;
    life.stop();
    api.slice.gate.add_permits(1);
    let mut answer = String::new();
    caller.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
    assert_eq!(life.stop_and_wait().await, crate::platform::lifecycle::End::Clean);
    let (used, pinned): (i64, i64) = sqlx::query_as(
        "select (select count(*) from api_key where last_used_at is not null), (select count(*) from audit_checkpoint)",
    )
    .fetch_one(&api.slice.platform.pool)
    .await
    .unwrap();
    assert_eq!((used, pinned), (1, 1));
}
