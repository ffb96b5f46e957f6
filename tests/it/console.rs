//! The console over real sockets: served to anybody, saying nothing, and held by its policy.

use reqwest::StatusCode;

use crate::harness::Service;

#[tokio::test(flavor = "multi_thread")]
async fn the_pages_are_served_with_a_policy_and_hold_nothing_of_anybody() {
    let service = Service::sandbox().await;
    let open = async |path: &str| {
        let answer = service.client.http.get(service.url(path)).send().await.unwrap();
        let header = |name: &str| answer.headers()[name].to_str().unwrap().to_owned();
        let (kind, policy) = (header("content-type"), header("content-security-policy"));
        (answer.status(), kind, policy, answer.text().await.unwrap())
    };
    let (status, kind, policy, page) = open("/").await;
    assert_eq!((status, kind.as_str()), (StatusCode::OK, "text/html; charset=utf-8"));
    assert!(policy.contains("script-src 'self';") && policy.contains("frame-ancestors 'none'"), "{policy}");

    // All that the page asks for is there, and what those ask for.
    let named = |text: &str| -> Vec<String> {
        text.split('"').filter(|part| part.starts_with("/console/")).map(str::to_owned).collect()
    };
    assert_eq!(named(&page), ["/console/style.css", "/console/main.js"]);
    for (path, expected) in [
        ("/console/style.css", "text/css; charset=utf-8"),
        ("/console/main.js", "text/javascript; charset=utf-8"),
        ("/console/pages/decisions.js", "text/javascript; charset=utf-8"),
    ] {
        let (status, kind, of_file, body) = open(path).await;
        assert_eq!((status, kind.as_str(), of_file), (StatusCode::OK, expected, policy.clone()), "{path}");
        assert!(!body.is_empty());
    }

    let (status, kind, _, problem) = open("/console/nothing.js").await;
    assert_eq!((status, kind.as_str()), (StatusCode::NOT_FOUND, "application/problem+json"), "{problem}");
    let answer = service.client.http.post(service.url("/")).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::METHOD_NOT_ALLOWED);
    service.stop().await;
}
