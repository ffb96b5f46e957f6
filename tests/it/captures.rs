//! Requests that official clients sent, sent again over a socket of its own: the same bytes but for the address and key.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::harness::Service;

/// A request as a client sent it.
pub struct Capture {
    target: String,
    headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

/// The requests of a file under `tests/fixtures`.
pub fn all(text: &str) -> Vec<Capture> {
    let file: Value = serde_json::from_str(text).unwrap();
    let read = |request: &Value| {
        let pair =
            |pair: &Value| (pair[0].as_str().unwrap().to_owned(), pair[1].as_str().unwrap().to_owned());
        Capture {
            target: request["target"].as_str().unwrap().to_owned(),
            headers: request["headers"].as_array().unwrap().iter().map(pair).collect(),
            body: match request["raw_body_base64"].as_str() {
                Some(packed) => STANDARD.decode(packed).unwrap(),
                None => request["body_text"].as_str().unwrap().as_bytes().to_vec(),
            },
        }
    };
    file["requests"].as_array().unwrap().iter().map(read).collect()
}

impl Capture {
    /// Puts another key into the header that has one.
    pub fn authorised(mut self, key: &str) -> Self {
        for (_, value) in
            self.headers.iter_mut().filter(|(name, _)| name.eq_ignore_ascii_case("authorization"))
        {
            assert!(value.starts_with("Basic "));
            *value = format!("Basic {}", STANDARD.encode(format!("{key}:")));
        }
        self
    }

    pub fn is_packed(&self) -> bool {
        self.headers
            .iter()
            .any(|(name, value)| name.eq_ignore_ascii_case("content-encoding") && value == "gzip")
    }

    /// Sends it below a path; gives the status and the body of the answer.
    pub async fn send(&self, service: &Service, below: &str) -> (u16, String) {
        let mut request = format!("POST {below}{} HTTP/1.1\r\n", self.target).into_bytes();
        // The connection ends with the answer, so that the test sees where that ends.
        let kept = |name: &str| !["connection", "content-length", "accept-encoding"].contains(&name);
        for (name, value) in self.headers.iter().filter(|(name, _)| kept(&name.to_ascii_lowercase())) {
            request.extend(format!("{name}: {value}\r\n").bytes());
        }
        request.extend(format!("connection: close\r\ncontent-length: {}\r\n\r\n", self.body.len()).bytes());
        request.extend(&self.body);
        let mut socket = tokio::net::TcpStream::connect(service.running.address).await.unwrap();
        socket.write_all(&request).await.unwrap();
        let mut answer = String::new();
        socket.read_to_string(&mut answer).await.unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
    }
}

/// What is stored of events, one line for each: type, account, and the data beside the day.
pub async fn told(service: &Service) -> Vec<String> {
    service.until_read().await;
    let text = "SELECT e.type || ' ' || e.account_id || ' ' || (e.data::jsonb - 'mode')::text FROM event e ORDER BY 1";
    loop {
        // What was read is applied behind the reading.
        if service.number("SELECT count(*) FROM inbox").await == 0 {
            return sqlx::query_scalar(text).fetch_all(&service.database.pool).await.unwrap();
        }
        tokio::task::yield_now().await;
    }
}

/// What became of all calls: taken, known already, of no use, not understood.
pub async fn counts(service: &Service) -> [i64; 4] {
    service.until_read().await;
    [
        service.number("SELECT sum(accepted) FROM received").await,
        service.number("SELECT sum(duplicates) FROM received").await,
        service.number("SELECT sum(ignored) FROM received").await,
        service.number("SELECT count(*) FROM received WHERE status = 'dead'").await,
    ]
}

/// Where the values of a body stand and of what type they are; lists by their first item.
fn shape(at: &str, value: &Value, found: &mut Vec<String>) {
    match value {
        // Properties differ from portal to portal: only that there are some.
        Value::Object(_) if at.ends_with("/properties") => found.push(format!("{at} properties")),
        Value::Object(members) => {
            for (key, value) in members {
                shape(&format!("{at}/{key}"), value, found);
            }
        }
        Value::Array(items) => {
            found.push(format!("{at} list"));
            if let Some(first) = items.first() {
                shape(&format!("{at}/-"), first, found);
            }
        }
        Value::String(_) => found.push(format!("{at} text")),
        other => found.push(format!("{at} {other}")),
    }
}

/// The shape of a body: where its values stand and of what type they are.
pub fn shapes(value: &Value) -> Vec<String> {
    let mut found = Vec::new();
    shape("", value, &mut found);
    found.sort();
    found
}

/// A request of an official client, by its name in a file under `tests/fixtures`.
pub fn captured(text: &str, name: &str) -> Value {
    let file: Value = serde_json::from_str(text).unwrap();
    file["requests"].as_array().unwrap().iter().find(|one| one["name"] == name).unwrap().clone()
}
