//! Calls to the organisation's REST interface with a token that is got when it is needed.
//!
//! Promises: a token serves until Salesforce calls it invalid, then it is renewed once for the call that found out;
//! many calls at once make one renewal; every answer's note of used calls is kept.

use reqwest::Method;
use reqwest::header::CONTENT_TYPE;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::Value;
use tokio::sync::Mutex;

use super::words;
use crate::connectors::vendor::{Answer, Trouble, TroubleKind, Vendor};

/// The flow without a person.
const GRANT: &str = "grant_type=client_credentials";

/// How we prove who we are where tokens are given out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Proof {
    /// In the form.
    #[default]
    Form,
    /// By HTTP Basic.
    Basic,
}

/// The organisation, as far as it can be called.
pub(super) struct Client {
    pub(super) vendor: Vendor,
    pub(super) http: reqwest::Client,
    /// The My Domain address.
    pub(super) url: String,
    pub(super) client_id: String,
    pub(super) client_secret: SecretString,
    pub(super) proof: Proof,
    /// Of the interface: `60.0`.
    pub(super) version: String,
    pub(super) session: Mutex<Option<Session>>,
}

/// A token and where it holds.
#[derive(Clone)]
pub(super) struct Session {
    token: SecretString,
    base: String,
}

/// One call.
struct Ask<'a> {
    method: Method,
    path: &'a str,
    query: &'a [(&'a str, &'a str)],
    body: Option<&'a Value>,
}

/// A part of the records that a question finds.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Found {
    #[serde(default)]
    pub(super) total_size: u64,
    /// The path of the next part.
    #[serde(default)]
    pub(super) next_records_url: Option<String>,
    #[serde(default)]
    pub(super) records: Vec<Value>,
}

impl Client {
    /// The path of something of our version.
    fn data(&self, rest: &str) -> String {
        format!("/services/data/v{}/{rest}", self.version)
    }

    /// Reads something by its path below the version.
    pub(super) async fn get(&self, rest: &str) -> Result<Value, Trouble> {
        self.json(Ask { method: Method::GET, path: &self.data(rest), query: &[], body: None }).await
    }

    /// The versions that the organisation speaks.
    pub(super) async fn versions(&self) -> Result<Value, Trouble> {
        self.json(Ask { method: Method::GET, path: "/services/data", query: &[], body: None }).await
    }

    /// Who our user is.
    pub(super) async fn user_info(&self) -> Result<Value, Trouble> {
        self.json(Ask { method: Method::GET, path: "/services/oauth2/userinfo", query: &[], body: None })
            .await
    }

    /// Writes something by its path below the version: `PATCH` changes, `POST` makes.
    pub(super) async fn write(&self, method: Method, rest: &str, body: &Value) -> Result<Answer, Trouble> {
        self.call(Ask { method, path: &self.data(rest), query: &[], body: Some(body) }).await
    }

    /// Asks a question; the first part of what it finds.
    pub(super) async fn query(&self, soql: &str) -> Result<Found, Trouble> {
        let query = [("q", soql)];
        self.found(Ask { method: Method::GET, path: &self.data("query"), query: &query, body: None }).await
    }

    /// A further part.
    pub(super) async fn more(&self, path: &str) -> Result<Found, Trouble> {
        if !path.starts_with("/services/data/") {
            return Err(self
                .vendor
                .trouble(TroubleKind::Malformed, "the next page is at no path of the interface"));
        }
        self.found(Ask { method: Method::GET, path, query: &[], body: None }).await
    }

    async fn found(&self, ask: Ask<'_>) -> Result<Found, Trouble> {
        let title = self.vendor.title;
        self.call(ask).await?.json().map_err(|trouble| Trouble { title, ..trouble })
    }

    async fn json(&self, ask: Ask<'_>) -> Result<Value, Trouble> {
        let title = self.vendor.title;
        self.call(ask).await?.json().map_err(|trouble| Trouble { title, ..trouble })
    }

    async fn call(&self, ask: Ask<'_>) -> Result<Answer, Trouble> {
        let session = self.session(None).await?;
        match self.once(&session, &ask).await {
            Err(trouble) if trouble.kind == TroubleKind::Unauthorised => {
                let renewed = self.session(Some(&session)).await?;
                self.once(&renewed, &ask).await
            }
            outcome => outcome,
        }
    }

    async fn once(&self, session: &Session, ask: &Ask<'_>) -> Result<Answer, Trouble> {
        let mut request = self
            .http
            .request(ask.method.clone(), format!("{}{}", session.base, ask.path))
            .query(ask.query)
            .bearer_auth(session.token.expose_secret());
        if let Some(body) = ask.body {
            request = request.json(body);
        }
        let answer = self.vendor.call(request).await?;
        words::note_usage(&answer, &self.vendor.limits);
        Ok(answer)
    }

    /// The session that holds, or a new one where there is none or only the spent one.
    async fn session(&self, spent: Option<&Session>) -> Result<Session, Trouble> {
        let mut held = self.session.lock().await;
        let is_spent = |session: &Session| {
            spent.is_some_and(|spent| spent.token.expose_secret() == session.token.expose_secret())
        };
        if let Some(session) = held.as_ref().filter(|session| !is_spent(session)) {
            return Ok(session.clone());
        }
        *held = None;
        let session = self.log_in().await?;
        *held = Some(session.clone());
        Ok(session)
    }

    /// Gets a token by the client credentials flow.
    async fn log_in(&self) -> Result<Session, Trouble> {
        #[derive(Deserialize)]
        struct Token {
            access_token: SecretString,
            instance_url: String,
        }
        let request = self.http.post(format!("{}/services/oauth2/token", self.url));
        let (request, form) = match self.proof {
            Proof::Form => (request, self.form()),
            Proof::Basic => {
                let secret = self.client_secret.expose_secret();
                (request.basic_auth(&self.client_id, Some(secret)), GRANT.to_owned())
            }
        };
        let request = request.header(CONTENT_TYPE, "application/x-www-form-urlencoded").body(form);
        let token: Token = self.vendor.json(request).await?;
        let base = token.instance_url.trim_end_matches('/').to_owned();
        // A token is not carried over a plainer way than it came.
        if self.url.starts_with("https://") && !base.starts_with("https://") {
            return Err(self.vendor.trouble(TroubleKind::Malformed, "its instance_url is not https"));
        }
        Ok(Session { token: token.access_token, base })
    }

    fn form(&self) -> String {
        let mut form = form_urlencoded::Serializer::for_suffix(GRANT.to_owned(), 0);
        form.append_pair("client_id", &self.client_id);
        form.append_pair("client_secret", self.client_secret.expose_secret());
        form.finish()
    }
}
