//! A system on a socket of its own: it keeps what it was asked, and answers as it is told to.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use gtm::platform::lifecycle::Lifecycle;
use serde_json::Value;

/// A request as it came.
#[derive(Clone, Debug)]
pub struct Asked {
    pub method: Method,
    pub path: String,
    pub query: String,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Asked {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// A field of a form.
    pub fn form(&self, name: &str) -> Option<String> {
        form_urlencoded::parse(&self.body).find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
    }
}

/// How it answers.
#[derive(Clone, Debug)]
pub enum Answer {
    Json(u16, Value),
    Text(u16, &'static str),
    /// 429 with this `Retry-After` in seconds.
    Limited(u64),
    /// The status and then the connection breaks.
    Broken,
    /// Nothing, for as long as the connection lasts.
    Silent,
}

type Behaviour = dyn Fn(&Asked, usize) -> Answer + Send + Sync;

struct Shared {
    asked: Mutex<Vec<Asked>>,
    behave: Box<Behaviour>,
}

/// Runs until it is dropped.
pub struct Fake {
    pub address: SocketAddr,
    shared: Arc<Shared>,
    life: Lifecycle,
}

impl Fake {
    /// Behaves as a function of the request and of how many came to the same path before.
    pub async fn start(behave: impl Fn(&Asked, usize) -> Answer + Send + Sync + 'static) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared { asked: Mutex::default(), behave: Box::new(behave) });
        let router = Router::new().fallback(answer).with_state(shared.clone());
        let life = Lifecycle::new();
        drop(life.run(async move { axum::serve(listener, router).await.unwrap() }));
        Self { address, shared, life }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Everything that it was asked, in order.
    pub fn asked(&self) -> Vec<Asked> {
        self.shared.asked.lock().unwrap().clone()
    }

    /// What it was asked at one path.
    pub fn asked_at(&self, path: &str) -> Vec<Asked> {
        self.asked().into_iter().filter(|asked| asked.path == path).collect()
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        self.life.hard().cancel();
        self.life.stop();
    }
}

async fn answer(
    State(shared): State<Arc<Shared>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let asked = Asked {
        method,
        path: uri.path().to_owned(),
        query: uri.query().unwrap_or_default().to_owned(),
        headers,
        body: body.to_vec(),
    };
    let before = {
        let mut all = shared.asked.lock().unwrap();
        let before = all.iter().filter(|one| one.path == asked.path).count();
        all.push(asked.clone());
        before
    };
    match (shared.behave)(&asked, before) {
        Answer::Json(status, body) => {
            (StatusCode::from_u16(status).unwrap(), axum::Json(body)).into_response()
        }
        Answer::Text(status, text) => (StatusCode::from_u16(status).unwrap(), text).into_response(),
        Answer::Limited(secs) => {
            (StatusCode::TOO_MANY_REQUESTS, [("retry-after", secs.to_string())]).into_response()
        }
        Answer::Broken => {
            let torn = futures_util::stream::once(async { Err::<Bytes, _>(std::io::Error::other("torn")) });
            Body::from_stream(torn).into_response()
        }
        Answer::Silent => std::future::pending().await,
    }
}
