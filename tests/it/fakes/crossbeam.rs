//! Crossbeam as far as partners are read from it: tokens that end, answers in either of its documented shapes, a feed of
//! changes behind a bookmark.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};

use super::server::{Answer, Asked, Fake};

/// Answers as the documentation shows them; see the file.
const ANSWERS: &str = include_str!("../../fixtures/crossbeam/answers.json");
/// One that the owner of the token is a member of, in that answer.
const ORGANIZATION: &str = "36dff61a-70b1-4201-9e99-5f37cd2b6650";

/// One partner, who knows one account; the relation ends with the third reading.
pub struct Crossbeam {
    pub fake: Fake,
    /// Every token that was given so far is refused from now on.
    pub forgetful: Arc<AtomicBool>,
}

fn overlap(record: &str, website: &str, population: &str, deleted: bool) -> Value {
    json!({
        "partner_id": "p1", "partner_name": "Justice League, Inc.", "populations": [{"id": 1, "name": "Customers"}],
        "partner_populations": [{"id": 2, "name": population}], "record_id": record, "record_name": "Wayne Inc.",
        "record_website": website, "crossbeam_record_id": format!("c-{record}"), "partner_crossbeam_record_id": "c-p1",
        "is_deleted": deleted, "something_new": {"of": "later"},
    })
}

impl Crossbeam {
    /// The first searches go as in `trouble`.
    pub async fn start(trouble: Vec<Answer>) -> Self {
        let forgetful = Arc::new(AtomicBool::new(false));
        let forgets = forgetful.clone();
        let fake = Fake::start(move |asked, before| match asked.path.as_str() {
            "/oauth/token" if asked.form("refresh_token").as_deref() != Some("r1") => Answer::Json(
                403,
                json!({"error": "invalid_grant", "error_description": "Unknown or invalid refresh token."}),
            ),
            "/oauth/token" => {
                forgets.store(false, Ordering::SeqCst);
                Answer::Json(200, json!({"access_token": format!("t{before}"), "expires_in": 86_400}))
            }
            _ if forgets.load(Ordering::SeqCst) || !asked.header("authorization").starts_with("Bearer t") => {
                Answer::Json(401, json!({"message": "Unauthorized"}))
            }
            _ if asked.header("xbeam-organization") != ORGANIZATION => {
                Answer::Json(403, json!({"errors": ["no such organization"]}))
            }
            "/v1/overlaps/accounts/search" => match trouble.get(before) {
                Some(trouble) => trouble.clone(),
                None => search(asked),
            },
            "/v1/overlaps/accounts" => page(asked),
            "/v1/users/me" => {
                let answers: Value = serde_json::from_str(ANSWERS).unwrap();
                Answer::Json(200, answers["answers"]["/v1/users/me"].clone())
            }
            "/v1/partner-populations" => {
                let vip = json!({"id": 3, "name": "VIP", "standard_type": null});
                Answer::Json(
                    200,
                    json!({"data": [{"id": 2, "name": "Ours", "standard_type": "customers"}, vip]}),
                )
            }
            _ => Answer::Json(404, json!({"message": "Not found"})),
        })
        .await;
        Self { fake, forgetful }
    }

    /// The settings of a service that is connected to it.
    pub fn settings(&self) -> Value {
        json!({"crossbeam": {
            "client_id": "c", "client_secret": "s", "refresh_token": "r1", "organization": ORGANIZATION,
            "base_url": self.fake.url(""), "auth_url": self.fake.url(""), "webhook_secret": "hear me",
            "partners": {"Justice League, Inc.": "justice"},
        }})
    }
}

/// By domain; one of the records is another company's.
fn search(asked: &Asked) -> Answer {
    if asked.query != "domain=wayne.com" {
        return Answer::Json(200, json!({"data": []}));
    }
    let rows = [
        overlap("sf_1", "www.wayne.com", "Customers", false),
        overlap("sf_2", "stark.com", "Prospects", false),
    ];
    Answer::Json(200, json!({ "data": rows, "warnings": [] }))
}

/// Two pages, and behind the bookmark what changed since.
fn page(asked: &Asked) -> Answer {
    match asked.query.as_str() {
        "limit=1000" => {
            let next = "https://elsewhere.example/v1/overlaps/accounts?limit=1000&cursor=second";
            Answer::Json(
                200,
                json!({
                    "items": [overlap("acc_1", "wayne.com", "Open Opportunities", false)],
                    "pagination": {"has_more": true, "next_href": next},
                }),
            )
        }
        "limit=1000&cursor=second" => Answer::Json(
            200,
            json!({
                "data": [overlap("acc_2", "stark.com", "Prospects", false)],
                "pagination": {"has_more": false, "next_cursor": "bookmark"},
            }),
        ),
        "limit=1000&cursor=bookmark" => Answer::Json(
            200,
            json!({
                "data": [overlap("acc_1", "wayne.com", "Open Opportunities", true)],
                "pagination": {"has_more": false, "next_cursor": "bookmark"},
            }),
        ),
        _ => Answer::Json(400, json!({"message": "invalid cursor"})),
    }
}
