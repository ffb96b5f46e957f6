//! The contract, operation by operation: walked along the document that the service publishes.

use std::collections::BTreeSet;
use std::io::Write;

use chrono::TimeDelta;
use reqwest::{Method, Response};
use serde_json::{Value, json};

use crate::alerts;
use crate::client::Client;
use crate::connectors;
use crate::dead;
use crate::designs;
use crate::harness::Service;
use crate::programmes;
use crate::renewals;
use crate::roster;
use crate::stories;

/// Operations that anybody may call, and the doors of foreign systems, which prove by their own means who they are.
const PUBLIC: [&str; 7] = [
    "GET /livez",
    "GET /metrics",
    "GET /readyz",
    "POST /v1/batch",
    "POST /v1/segment/v1/{call}",
    "POST /v1/webhooks/{connector}",
    "POST /v1/webhooks/{connector}/{secret}",
];
/// Operations whose body is not one of our own types: its unknown fields are kept, or it is a file.
const FOREIGN_BODIES: [&str; 8] = [
    "POST /v1/batch",
    "POST /v1/events",
    "POST /v1/policies",
    "POST /v1/policies/check",
    "POST /v1/segment/v1/{call}",
    "POST /v1/webhooks/{connector}",
    "POST /v1/webhooks/{connector}/{secret}",
    "PUT /v1/accounts/{accountId}",
];
/// An id that nothing has.
const NOBODY: &str = "00000000-0000-7000-8000-000000000000";

/// One operation of the document.
struct Operation {
    method: Method,
    /// As in the document.
    template: String,
    /// The path with values in it.
    path: String,
    document: Value,
}

impl Operation {
    fn name(&self) -> String {
        format!("{} {}", self.method, self.template)
    }

    /// The scopes of which one will do; none for what is public.
    fn scopes(&self) -> Vec<&str> {
        let alternatives = self.document["security"].as_array().unwrap();
        alternatives.iter().filter_map(|one| one["api_key"][0].as_str()).collect()
    }

    fn parameters(&self, place: &str) -> Vec<&str> {
        let all = self.document["parameters"].as_array().map(Vec::as_slice).unwrap_or_default();
        all.iter().filter(|one| one["in"] == place).map(|one| one["name"].as_str().unwrap()).collect()
    }

    async fn call(&self, client: &Client, query: &str, body: Option<&Value>) -> Response {
        let request = client.request(self.method.clone(), &format!("{}{query}", self.path));
        body.map_or(request.try_clone().unwrap(), |body| request.json(body)).send().await.unwrap()
    }
}

/// All operations, each with a path that leads to the account `acc_1` and to nothing else that exists.
fn operations(document: &Value) -> Vec<Operation> {
    let mut found = Vec::new();
    for (template, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let mut path = template.clone();
            for parameter in operation["parameters"].as_array().map(Vec::as_slice).unwrap_or_default() {
                if parameter["in"] == "path" {
                    let value = match (&parameter["schema"]["format"], &parameter["schema"]["type"]) {
                        (format, _) if format == "uuid" => NOBODY,
                        (_, kind) if kind == "integer" => "1",
                        _ => "acc_1",
                    };
                    path = path.replace(&format!("{{{}}}", parameter["name"].as_str().unwrap()), value);
                }
            }
            assert!(!path.contains('{'), "{template} does not document its parameters");
            let method = method.to_ascii_uppercase().parse().unwrap();
            found.push(Operation { method, template: template.clone(), path, document: operation.clone() });
        }
    }
    assert!(found.len() > 20, "the document is nearly empty");
    found
}

/// Checks that an answer is a problem of this kind, whole, and gives it.
async fn problem(answer: Response, status: u16, code: &str, what: &str) -> Value {
    let found = answer.status().as_u16();
    let kind = answer.headers()["content-type"].to_str().unwrap().to_owned();
    let id = answer.headers()["x-request-id"].to_str().unwrap().to_owned();
    let text = answer.text().await.unwrap();
    assert_eq!((found, kind.as_str()), (status, "application/problem+json"), "{what}: {text}");
    let problem: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(problem["code"], code, "{what}: {problem}");
    assert_eq!((&problem["status"], &problem["requestId"]), (&json!(status), &json!(id)), "{what}");
    assert_eq!(problem["type"], format!("urn:gtm:problem:{code}"), "{what}");
    for member in ["title", "detail"] {
        assert!(problem[member].as_str().is_some_and(|text| !text.is_empty()), "{what}: {problem}");
    }
    problem
}

async fn key(service: &Service, scopes: &[&str]) -> Client {
    let body = json!({"label": "test", "scopes": scopes});
    let made = service.send(Method::POST, "/v1/keys", Some(body), 201).await;
    service.with_key(made["key"].as_str().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn every_operation_needs_the_scope_of_the_document_and_refuses_parameters_it_does_not_name() {
    let service = Service::sandbox().await;
    let document = service.get("/openapi.json").await;
    let scopes = [
        "events:write",
        "decisions:read",
        "decisions:write",
        "handoffs:read",
        "handoffs:write",
        "plans:read",
        "plans:write",
        "config:read",
        "config:write",
        "audit:read",
        "admin",
    ];
    let mut public = BTreeSet::new();
    for operation in operations(&document) {
        let name = operation.name();
        let needed = operation.scopes();
        if needed.is_empty() {
            public.insert(name);
            continue;
        }
        assert!(
            needed.iter().all(|scope| scopes.contains(scope)),
            "{name} needs {needed:?}, unknown to this test"
        );
        let bare = service.http.request(operation.method.clone(), service.url(&operation.path));
        problem(bare.send().await.unwrap(), 401, "unauthorized", &name).await;
        let others: Vec<&str> =
            scopes.into_iter().filter(|one| !needed.contains(one) && *one != "admin").collect();
        let wrong = key(&service, &others).await;
        let refused =
            problem(operation.call(&wrong, "", Some(&json!({}))).await, 403, "scope_missing", &name).await;
        assert_eq!(refused["requiredScope"], needed[0], "{name}");
        for scope in needed {
            let right = if scope == "admin" { service.client.clone() } else { key(&service, &[scope]).await };
            let asked = operation.call(&right, "?surprise=1", Some(&json!({}))).await;
            let refused = problem(asked, 400, "invalid_query", &name).await;
            assert_eq!(refused["errors"][0]["pointer"], "query:surprise", "{name}");
        }
    }
    assert_eq!(public, PUBLIC.map(str::to_owned).into());
    let audit = service
        .number(
            "SELECT count(*) FROM audit_entry WHERE action NOT LIKE 'key.%' AND action NOT LIKE 'policy.%'",
        )
        .await;
    assert_eq!(audit, 0, "nothing of all this was done");
    // What is written down for others is what is served, but for what only a sandbox has.
    let written = gtm::app::openapi_document().unwrap();
    let known: BTreeSet<String> = operations(&written).iter().map(Operation::name).collect();
    let served: BTreeSet<String> = operations(&document).iter().map(Operation::name).collect();
    let only_here: Vec<&String> = served.difference(&known).collect();
    assert!(
        known.is_subset(&served) && only_here.iter().all(|name| name.contains(" /v1/sandbox/")),
        "{only_here:?}"
    );
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_body_of_ours_is_refused_for_a_field_it_does_not_know() {
    let service = Service::sandbox().await;
    service.events(&[stories::employees("acc_1", 20)]).await;
    let document = service.get("/openapi.json").await;
    let mut checked = 0;
    for operation in operations(&document) {
        let name = operation.name();
        let takes_json = operation.document["requestBody"]["content"]["application/json"].is_object();
        if !takes_json || FOREIGN_BODIES.contains(&name.as_str()) {
            continue;
        }
        let answer = operation.call(&service, "", Some(&json!({"surprise": 1}))).await;
        let refused = problem(answer, 422, "invalid_body", &name).await;
        let pointers: Vec<&Value> =
            refused["errors"].as_array().unwrap().iter().map(|e| &e["pointer"]).collect();
        assert!(pointers.contains(&&json!("#/surprise")), "{name}: {refused}");
        let broken = service.request(operation.method.clone(), &operation.path);
        let broken = broken.header("content-type", "application/json").body("{").send().await.unwrap();
        problem(broken, 400, "malformed_json", &name).await;
        checked += 1;
    }
    assert!(checked >= 7, "only {checked} operations take a body");
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_exist_is_a_problem_everywhere() {
    let service = Service::sandbox().await;
    let document = service.get("/openapi.json").await;
    for operation in operations(&document) {
        if operation.method == Method::GET && operation.template.contains('{') {
            problem(operation.call(&service, "", None).await, 404, "not_found", &operation.name()).await;
        }
    }
    for path in ["/v1/nothing", "/v1/accounts/acc_1/nothing"] {
        problem(service.request(Method::GET, path).send().await.unwrap(), 404, "not_found", path).await;
    }
    let wrong_method = service.request(Method::PATCH, "/v1/decisions").send().await.unwrap();
    problem(wrong_method, 405, "method_not_allowed", "PATCH").await;
    let bad_path = service.request(Method::GET, "/v1/accounts/a%20b").send().await.unwrap();
    problem(bad_path, 400, "invalid_path", "an account id with a space").await;
    let no_number = format!("/v1/programmes/{NOBODY}/conflicts/first/decide");
    let no_number = service.request(Method::POST, &no_number).json(&json!({})).send().await.unwrap();
    problem(no_number, 400, "invalid_path", "a number that is none, one of two parts").await;
    let orchestrate = service.request(Method::POST, "/v1/accounts/acc_9/orchestrate").send().await.unwrap();
    problem(orchestrate, 404, "not_found", "an account nobody has heard of").await;
    service.stop().await;
}

/// Six of everything that is listed. Gives the id of a plan with a history.
async fn populate(service: &Service) -> String {
    for n in 0..6 {
        let account = format!("acc_{n}");
        service.events(&stories::worked_example(service.now(), &account, TimeDelta::zero())).await;
        assert_eq!(service.orchestrate(&account).await["outcome"], "executed");
        service.events(&[stories::employees(&account, 20)]).await;
        assert_eq!(service.orchestrate(&account).await["outcome"], "conflict");
        let stranger = json!({"text": "hello", "website": format!("stranger{n}.example")});
        service.events(&[stories::unaddressed("gtm.note.added", stranger)]).await;
        key(service, &["audit:read"]).await;
        let policy =
            include_str!("../../config/policies/default.toml").replacen("default", &format!("copy{n}"), 2);
        let request =
            service.request(Method::POST, "/v1/policies").header("content-type", "application/toml");
        let stored = request.body(policy).send().await.unwrap();
        assert_eq!(stored.status(), 201);
        let version = stored.json::<Value>().await.unwrap()["version"].as_str().unwrap().to_owned();
        service.post(&format!("/v1/policies/{version}/activate"), json!({})).await;
    }
    roster::populate(service).await;
    designs::populate(service).await;
    alerts::busy(service, "acc_1", 12).await;
    dead::kill_events(service, "gtm.partner.overlap").await;
    for n in 0..6 {
        dead::kill_job(service, &format!("acc_{n}")).await;
    }
    connectors::populate(service).await;
    renewals::populate(service).await;
    programmes::populate(service).await
}

/// The rows of a list, read in pages of so many.
async fn walked(service: &Service, path: &str, limit: usize) -> Vec<Value> {
    let (mut walked, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = service.get(&format!("{path}?limit={limit}{cursor}")).await;
        let rows = page["data"].as_array().unwrap();
        assert!(rows.len() <= limit, "{path}");
        walked.extend(rows.iter().cloned());
        match page["nextCursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return walked,
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_list_is_walked_by_its_cursors_once_and_completely() {
    let service = Service::connected_sandbox(&connectors::misunderstanding()).await;
    let plan = populate(&service).await;
    let document = service.get("/openapi.json").await;
    let mut lists = 0;
    for operation in operations(&document) {
        if !operation.parameters("query").contains(&"cursor") {
            continue;
        }
        let name = operation.name();
        // What is listed below an id is that of the plan with a history, which is a programme.
        let path = operation.path.replace(NOBODY, &plan);
        let all = walked(&service, &path, 200).await;
        assert!(all.len() > 5, "{name} has only {} rows", all.len());
        for limit in [1, 2, 5] {
            let found = walked(&service, &path, limit).await;
            let missing: Vec<&Value> = all.iter().filter(|row| !found.contains(row)).collect();
            let more: Vec<&Value> = found.iter().filter(|row| !all.contains(row)).collect();
            assert!(found == all, "{name} by {limit}: lacks {missing:#?}, has {more:#?}");
        }
        let foreign = service.request(Method::GET, &format!("{path}?cursor=MSJhIg")).send().await.unwrap();
        if !name.ends_with("/v1/accounts") {
            problem(foreign, 400, "invalid_query", &name).await;
        }
        lists += 1;
    }
    assert!(lists >= 7, "only {lists} lists");
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_newest_comes_first_even_while_the_clock_stands_still() {
    let service = Service::sandbox().await;
    service.events(&[stories::employees("acc_1", 20)]).await;
    let mut made = Vec::new();
    for _ in 0..12 {
        made.push(service.orchestrate("acc_1").await["decisionId"].clone());
    }
    made.reverse();
    let listed = service.get("/v1/decisions?accountId=acc_1").await;
    let listed: Vec<Value> =
        listed["data"].as_array().unwrap().iter().map(|decision| decision["decisionId"].clone()).collect();
    assert_eq!(listed, made);
    let timeline = service.get("/v1/accounts/acc_1/timeline?limit=12").await;
    let told: Vec<&Value> = timeline["data"].as_array().unwrap().iter().map(|entry| &entry["id"]).collect();
    assert_eq!(told, made.iter().collect::<Vec<_>>());
    service.stop().await;
}

/// An orchestration under a key.
async fn keyed(client: &Client, path: &str, key: &str, body: &Value) -> Response {
    client.request(Method::POST, path).header("idempotency-key", key).json(body).send().await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_orchestration_repeated_under_its_key_is_done_once() {
    let service = Service::sandbox().await;
    for n in 1..=2 {
        service.events(&stories::worked_example(service.now(), &format!("acc_{n}"), TimeDelta::zero())).await;
    }
    let one = ("/v1/accounts/acc_1/orchestrate", json!({}), json!({"dryRun": true}));
    let many =
        ("/v1/orchestrations", json!({"accountIds": ["acc_1", "acc_2"]}), json!({"accountIds": ["acc_2"]}));
    for (n, (path, body, another)) in [one, many].into_iter().enumerate() {
        let before = service.number("SELECT count(*) FROM decision").await;
        let first = keyed(&service, path, "k1", &body).await;
        assert!(first.status() == 200 && !first.headers().contains_key("idempotency-replayed"));
        let kind = first.headers()["content-type"].clone();
        let first = first.bytes().await.unwrap();
        let again = keyed(&service, path, "k1", &body).await;
        assert_eq!(
            (again.headers()["idempotency-replayed"].to_str().unwrap(), &again.headers()["content-type"]),
            ("true", &kind)
        );
        assert_eq!(again.bytes().await.unwrap(), first, "the same answer to the byte");
        let made = service.number("SELECT count(*) FROM decision").await - before;
        assert_eq!(made, [1, 2][n], "{path}");
        problem(keyed(&service, path, "k1", &another).await, 422, "idempotency_key_reused", path).await;
        let fresh = keyed(&service, path, "k2", &body).await.bytes().await.unwrap();
        assert_ne!(fresh, first, "another key asks anew");
    }
    // One transaction wrote the decision and its answer: no crash comes between the two.
    let together = "SELECT count(*) FROM idempotency_key k JOIN decision d ON d.xmin = k.xmin
                    WHERE k.route LIKE '%/orchestrate' AND convert_from(k.body, 'UTF8')::json ->> 'decisionId' = d.id::text";
    assert_eq!(service.number(together).await, 2);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_at_once_under_one_key_make_one_decision() {
    let service = Service::sandbox().await;
    service.events(&stories::worked_example(service.now(), "acc_1", TimeDelta::zero())).await;
    let body = json!({});
    let calls = (0..20).map(|_| keyed(&service, "/v1/accounts/acc_1/orchestrate", "k1", &body));
    let mut decided = BTreeSet::new();
    for answer in futures_util::future::join_all(calls).await {
        if answer.status() == 409 {
            problem(answer, 409, "idempotency_in_progress", "a repeat while the first runs").await;
        } else {
            assert_eq!(answer.status(), 200);
            decided.insert(answer.text().await.unwrap());
        }
    }
    assert_eq!(decided.len(), 1);
    assert_eq!(service.number("SELECT count(*) FROM decision").await, 1);
    service.stop().await;
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut zip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    zip.write_all(bytes).unwrap();
    zip.finish().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn events_may_be_compressed_and_a_bomb_is_refused() {
    let service = Service::sandbox().await;
    let send = |body: Vec<u8>| {
        let request = service.request(Method::POST, "/v1/events").header("content-encoding", "gzip");
        request.header("content-type", "application/cloudevents+json").body(body).send()
    };
    let event = stories::employees("acc_1", 20).to_string();
    assert_eq!(send(gzip(event.as_bytes())).await.unwrap().status(), 202);
    let bomb = gzip(&vec![b' '; 17 << 20]);
    assert!(bomb.len() < 1 << 15, "small on the wire");
    problem(send(bomb).await.unwrap(), 413, "body_too_large", "a bomb").await;
    problem(send(b"no gzip".to_vec()).await.unwrap(), 400, "unreadable_body", "no gzip").await;
    assert_eq!(service.number("SELECT count(*) FROM event").await, 1);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_has_not_changed_is_not_sent_again() {
    let service = Service::sandbox().await;
    service.events(&[stories::employees("acc_1", 20)]).await;
    let read =
        |tag: String| service.request(Method::GET, "/v1/accounts/acc_1").header("if-none-match", tag).send();
    let first = read(String::new()).await.unwrap();
    let tag = first.headers()["etag"].to_str().unwrap().to_owned();
    assert_eq!(first.json::<Value>().await.unwrap()["accountId"], "acc_1");
    for known in [tag.clone(), format!("W/{tag}"), format!("\"other\", {tag}")] {
        let same = read(known).await.unwrap();
        assert_eq!((same.status().as_u16(), same.headers()["etag"].to_str().unwrap()), (304, tag.as_str()));
        assert!(same.bytes().await.unwrap().is_empty());
    }
    service.events(&[stories::employees("acc_1", 21)]).await;
    let changed = read(tag.clone()).await.unwrap();
    assert_eq!(changed.status(), 200);
    assert_ne!(changed.headers()["etag"].to_str().unwrap(), tag);
    service.stop().await;
}
