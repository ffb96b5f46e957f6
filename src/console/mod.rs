//! The console at `/`: pages for people, who look at decisions, decide conflicts, take over handoffs and do tasks.
//!
//! It is a client of the API like the command line: files that a browser runs, which call `/v1` with the key of whoever is
//! signed in. So it may do what its key may do and nothing else, there is no second way past the checks, no session to keep
//! and no cookie that another site could use.
//!
//! Promises: the files say nothing of any account; a browser runs only them, asks only this service and shows texts as texts
//! (`tests/tidy/console.rs` holds them to it: every call that they make is an operation of the API).
//! Leaves out: a build step. The files are as they are served.

use axum::Router;
use axum::http::header;
use axum::routing::get;

/// What a browser may do with the pages. Styles may stand inline for the documents that are shown in frames.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; connect-src 'self'; \
                      img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

macro_rules! assets {
    ($($file:literal),+ $(,)?) => {
        [$((concat!("/console/", $file), include_str!(concat!("assets/", $file)))),+]
    };
}

/// Addresses and what is there.
const ASSETS: [(&str, &str); 12] = assets![
    "api.js",
    "dom.js",
    "main.js",
    "pages/conflicts.js",
    "pages/decisions.js",
    "pages/designs.js",
    "pages/handoffs.js",
    "pages/programmes.js",
    "pages/renewals.js",
    "pages/tasks.js",
    "style.css",
    "index.html",
];

/// The page at `/` and the files that it asks for.
pub fn router<S: Clone + Send + Sync + 'static>() -> Router<S> {
    ASSETS.into_iter().fold(Router::new(), |router, (address, body)| {
        let (address, kind) = match address.rsplit_once('.') {
            Some((_, "html")) => ("/", "text/html; charset=utf-8"),
            Some((_, "css")) => (address, "text/css; charset=utf-8"),
            _ => (address, "text/javascript; charset=utf-8"),
        };
        let headers = [
            (header::CONTENT_TYPE, kind),
            (header::CONTENT_SECURITY_POLICY, POLICY),
            // Asked for anew each time: a page of this release with a file of the one before would be neither.
            (header::CACHE_CONTROL, "no-cache"),
        ];
        router.route(address, get(move || async move { (headers, body) }))
    })
}
