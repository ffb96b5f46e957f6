//! Slack's Web API as far as alerts use it: 200 with `ok: false` for nearly everything that goes wrong, 429 when there
//! are too many calls, and answers that get lost.

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use super::server::{Answer, Asked, Fake};

/// A workspace with one channel, which the bot is in.
pub struct Slack {
    pub fake: Fake,
    /// Messages that were posted, newest last.
    pub posted: Arc<Mutex<Vec<Value>>>,
}

impl Slack {
    /// The first calls of `chat.postMessage` go as in `trouble`; a `Broken` one is posted all the same.
    pub async fn start(trouble: Vec<Answer>) -> Self {
        let posted: Arc<Mutex<Vec<Value>>> = Arc::default();
        let channel = posted.clone();
        let fake = Fake::start(move |asked, before| {
            if asked.header("authorization") != "Bearer xoxb-test" && !asked.path.starts_with("/respond") {
                return Answer::Json(200, json!({"ok": false, "error": "invalid_auth"}));
            }
            match asked.path.as_str() {
                "/api/chat.postMessage" => post(&channel, asked, trouble.get(before)),
                "/api/users.lookupByEmail" => match asked.form("email").as_deref() {
                    Some("ada@example.com") => Answer::Json(200, json!({"ok": true, "user": {"id": "UADA"}})),
                    _ => Answer::Json(200, json!({"ok": false, "error": "users_not_found"})),
                },
                "/api/users.info" => {
                    let profile = json!({"email": "ben@example.com"});
                    Answer::Json(200, json!({"ok": true, "user": {"id": "UBEN", "profile": profile}}))
                }
                "/api/conversations.history" => {
                    Answer::Json(200, json!({"ok": true, "messages": *channel.lock().unwrap()}))
                }
                "/api/auth.test" => Answer::Json(200, json!({"ok": true, "user": "gtm", "team": "Acme"})),
                "/api/users.list" => {
                    Answer::Json(200, json!({"ok": false, "error": "missing_scope", "needed": "users:read"}))
                }
                "/api/conversations.info" => {
                    Answer::Json(200, json!({"ok": true, "channel": {"is_member": true}}))
                }
                _ => Answer::Text(200, "ok"),
            }
        })
        .await;
        Self { fake, posted }
    }

    /// The settings of a service that is connected to it.
    pub fn settings(&self) -> Value {
        json!({"slack": {
            "token": "xoxb-test", "signing_secret": "press me", "channel": "#gtm", "base_url": self.fake.url("/api"),
            "public_url": "https://hooks.example.com",
        }})
    }
}

fn post(channel: &Mutex<Vec<Value>>, asked: &Asked, trouble: Option<&Answer>) -> Answer {
    if let Some(trouble) = trouble
        && !matches!(trouble, Answer::Broken)
    {
        return trouble.clone();
    }
    let mut posted = channel.lock().unwrap();
    posted.push(asked.json());
    match trouble {
        Some(trouble) => trouble.clone(),
        None => Answer::Json(200, json!({"ok": true, "channel": "C1", "ts": format!("{}.0", posted.len())})),
    }
}
