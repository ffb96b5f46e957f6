//! How a command fails: a sentence for people, a document for programs, an exit code for scripts.
//!
//! Promises: an error of the service is printed with its sentence, its code, every fault and the request id;
//! the exit code tells whether asking again, asking otherwise or asking somebody else can help.

use std::fmt::Write as _;
use std::process::ExitCode;

use serde_json::{Value, json};

/// The exit codes, as `gtm --help` lists them.
pub const EXIT_CODES: &str = "\
Exit codes:
  0  done
  1  done, and the answer is bad: a fault was found, a replay differs, the audit chain is broken, rows were rejected
  2  the command line or an input file is wrong
  3  not found
  4  the service refused: a missing or insufficient key, a conflict, an invalid request
  5  the service cannot be reached, or failed; trying again later may help";

/// What kind of end a command came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    BadAnswer = 1,
    Usage = 2,
    NotFound = 3,
    Refused = 4,
    Unavailable = 5,
}

/// Why a command did not do what it was asked.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{text}")]
pub struct Failure {
    pub exit: Exit,
    /// Sentences and lists, without a trailing line break. May be empty: then everything has been said.
    pub text: String,
    /// The problem document, where the service sent one.
    pub document: Option<Value>,
}

impl Failure {
    pub fn new(exit: Exit, text: impl Into<String>) -> Self {
        Self { exit, text: text.into(), document: None }
    }

    /// The command line or an input file is wrong.
    pub fn usage(text: impl Into<String>) -> Self {
        Self::new(Exit::Usage, text)
    }

    /// The command has printed its answer, and the answer is bad.
    pub fn said() -> Self {
        Self::new(Exit::BadAnswer, "")
    }

    /// The service cannot be reached.
    pub fn unreachable(url: &str, error: &reqwest::Error) -> Self {
        let reason = if error.is_timeout() {
            "it did not answer in time".to_owned()
        } else if error.is_connect() {
            "nothing answers there".to_owned()
        } else {
            // The innermost error says what happened; the outer ones only where.
            let mut source: &dyn std::error::Error = error;
            while let Some(inner) = source.source() {
                source = inner;
            }
            source.to_string()
        };
        Self::new(Exit::Unavailable, format!("The service at {url} cannot be reached: {reason}."))
    }

    /// An answer with an error status: a problem document, or whatever a proxy in between said.
    pub fn from_answer(status: u16, body: &str) -> Self {
        let document = serde_json::from_str::<Value>(body).ok().filter(|value| value["status"].is_number());
        let exit = match status {
            404 => Exit::NotFound,
            408 | 429 | 500.. => Exit::Unavailable,
            _ => Exit::Refused,
        };
        let text = document.as_ref().map_or_else(
            || format!("The service answered {status} without saying why: {}", first_line(body)),
            |document| sentences(status, document),
        );
        Self { exit, text, document }
    }

    /// Prints the failure to standard error and gives the exit code.
    pub fn report(&self, json: bool) -> ExitCode {
        if !self.text.is_empty() {
            if json {
                let document = self.document.clone().unwrap_or_else(|| json!({ "detail": self.text }));
                eprintln!("{document}");
            } else {
                eprintln!("{}", self.text);
            }
        }
        ExitCode::from(self.exit as u8)
    }
}

fn first_line(body: &str) -> String {
    let line: String = body.lines().next().unwrap_or_default().chars().take(200).collect();
    if line.is_empty() { "(no text)".to_owned() } else { line }
}

/// A problem document as sentences.
fn sentences(status: u16, document: &Value) -> String {
    let text = |name: &str| document[name].as_str().unwrap_or_default();
    let detail = match text("detail") {
        "" => text("title"),
        detail => detail,
    };
    let mut out = detail.to_owned();
    for fault in document["errors"].as_array().into_iter().flatten() {
        let pointer = fault["pointer"].as_str().unwrap_or_default();
        let detail = fault["detail"].as_str().unwrap_or_default();
        let _ = write!(out, "\n  {pointer}: {detail}");
    }
    if status == 401 {
        out.push_str("\nSet GTM_API_KEY to a key of this service (`gtm keys create` makes one).");
    }
    let _ = write!(out, "\n({status} {}", text("code"));
    if !text("requestId").is_empty() {
        let _ = write!(out, ", request {}", text("requestId"));
    }
    out.push(')');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_document_becomes_sentences_with_every_fault() {
        let body = json!({
            "type": "urn:gtm:problem:invalid_body", "title": "Invalid body", "status": 422,
            "detail": "The request has 2 faults; see errors.", "code": "invalid_body", "requestId": "r-7",
            "errors": [{ "pointer": "#/a", "detail": "is missing" }, { "pointer": "#/b", "detail": "is no date" }],
        });
        let failure = Failure::from_answer(422, &body.to_string());
        assert_eq!(failure.exit, Exit::Refused);
        assert_eq!(
            failure.text,
            "The request has 2 faults; see errors.\n  #/a: is missing\n  #/b: is no date\n\
             (422 invalid_body, request r-7)"
        );
    }

    #[test]
    fn other_answers_keep_their_meaning() {
        let missing = json!({ "status": 404, "detail": "There is no account x.", "code": "not_found" });
        assert_eq!(Failure::from_answer(404, &missing.to_string()).exit, Exit::NotFound);
        let proxy = Failure::from_answer(502, "<html>\nBad gateway");
        assert_eq!((proxy.exit, proxy.document), (Exit::Unavailable, None));
        assert!(proxy.text.contains("502") && proxy.text.contains("<html>"));
        let key = json!({ "status": 401, "detail": "This key is not valid.", "code": "unauthorized" });
        assert!(Failure::from_answer(401, &key.to_string()).text.contains("GTM_API_KEY"));
    }
}
