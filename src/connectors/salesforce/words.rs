//! How Salesforce says that something went wrong: a list of codes with messages; where tokens are given out, one error
//! and its description.

use chrono::TimeDelta;
use serde_json::Value;

use crate::connectors::limits::{Limits, Quota};
use crate::connectors::vendor::{Answer, Complaint, TroubleKind};
use crate::platform::outbox::sender::printable;

/// How long the organisation is left alone that has used up its calls of the last 24 hours: some of them come back every
/// hour.
const SPENT_WAIT: TimeDelta = TimeDelta::hours(1);

/// Of any answer.
pub(super) fn judge(answer: &Answer) -> Option<Complaint> {
    let kind = TroubleKind::of(answer.status)?;
    let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    let first = if body.is_array() { &body[0] } else { &body };
    let text = |key: &str| first[key].as_str();
    match (text("errorCode"), text("error")) {
        (Some(code), _) => Some(of_code(code, text("message").unwrap_or_default(), &first["fields"], kind)),
        (None, Some(error)) => Some(of_token(error, text("error_description").unwrap_or_default(), kind)),
        (None, None) if answer.status.is_redirection() => Some(Complaint {
            kind,
            said: "it sends us elsewhere: `url` has to be the My Domain address of the organisation"
                .to_owned(),
            wait: None,
        }),
        (None, None) => Some(Complaint { kind, said: printable(&answer.body), wait: None }),
    }
}

fn of_code(code: &str, message: &str, fields: &Value, by_status: TroubleKind) -> Complaint {
    let kind = match code {
        "INVALID_SESSION_ID" | "INVALID_AUTH_HEADER" => TroubleKind::Unauthorised,
        "REQUEST_LIMIT_EXCEEDED" => TroubleKind::Limited,
        "NOT_FOUND" | "ENTITY_IS_DELETED" => TroubleKind::Missing,
        "INSUFFICIENT_ACCESS"
        | "INSUFFICIENT_ACCESS_OR_READONLY"
        | "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY"
        | "API_DISABLED_FOR_ORG"
        | "API_CURRENTLY_DISABLED" => TroubleKind::Forbidden,
        // Somebody else writes the same record, or Salesforce is busy: it passes.
        "UNABLE_TO_LOCK_ROW" | "SERVER_UNAVAILABLE" | "UNKNOWN_EXCEPTION" | "QUERY_TIMEOUT" => {
            TroubleKind::Down
        }
        _ => by_status,
    };
    let mut said = vec![code.to_owned(), message.trim().to_owned()];
    let names: Vec<&str> = fields.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    if !names.is_empty() {
        said.push(format!("fields {}", names.join(", ")));
    }
    said.extend(advice(code).map(str::to_owned));
    said.retain(|part| !part.is_empty());
    let wait = (kind == TroubleKind::Limited).then_some(SPENT_WAIT);
    Complaint { kind, said: printable(said.join(": ").as_bytes()), wait }
}

fn advice(code: &str) -> Option<&'static str> {
    Some(match code {
        "INVALID_FIELD" | "INVALID_FIELD_FOR_INSERT_UPDATE" => {
            "create the field there and let the integration's user edit it, or name another in the settings"
        }
        "REQUEST_LIMIT_EXCEEDED" => "the organisation has used its calls of 24 hours; raise the limit there",
        "INACTIVE_OWNER_OR_USER" | "OWNER_NOT_ACTIVE" => "the new owner's user is switched off there",
        _ => return None,
    })
}

/// Of the place that gives out tokens.
fn of_token(error: &str, description: &str, by_status: TroubleKind) -> Complaint {
    let limited = description.contains("rate exceeded");
    let kind = match by_status {
        _ if limited => TroubleKind::Limited,
        TroubleKind::Down => TroubleKind::Down,
        _ => TroubleKind::Unauthorised,
    };
    let advice = "check client_id and client_secret, and that the app allows the client credentials flow and has a \
                  user to run as";
    let said = [error, description, advice].map(str::trim).join(": ");
    let wait = limited.then_some(SPENT_WAIT);
    Complaint { kind, said: printable(said.as_bytes()), wait }
}

/// Notes how much of its calls the organisation has used: `api-usage=25/5000; per-app-api-usage=17/250(appName=x)`.
pub(super) fn note_usage(answer: &Answer, limits: &Limits) {
    for part in answer.header("sforce-limit-info").unwrap_or_default().split(';') {
        let window = match part.trim().split_once('=') {
            Some(("api-usage", _)) => "day",
            Some(("per-app-api-usage", _)) => "day_of_app",
            _ => continue,
        };
        if let Some(quota) = quota(part) {
            limits.note(window, quota);
        }
    }
}

fn quota(part: &str) -> Option<Quota> {
    let (_, usage) = part.split_once('=')?;
    let (used, limit) = usage.split_once('/')?;
    let limit = limit.split(|c: char| !c.is_ascii_digit()).next()?;
    Some(Quota { used: used.trim().parse().ok()?, limit: limit.parse().ok()? })
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderMap, StatusCode};
    use serde_json::json;

    use super::*;

    fn answer(status: u16, body: &str) -> Answer {
        let status = StatusCode::from_u16(status).unwrap();
        Answer { status, headers: HeaderMap::new(), body: body.to_owned().into() }
    }

    fn complaint(status: u16, body: &Value) -> Complaint {
        judge(&answer(status, &body.to_string())).unwrap()
    }

    #[test]
    fn codes_say_what_kind_of_trouble_it_is() {
        use TroubleKind as K;
        for (status, code, kind) in [
            (401, "INVALID_SESSION_ID", K::Unauthorised),
            (403, "REQUEST_LIMIT_EXCEEDED", K::Limited),
            (403, "INSUFFICIENT_ACCESS_OR_READONLY", K::Forbidden),
            (400, "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY", K::Forbidden),
            (404, "NOT_FOUND", K::Missing),
            (404, "ENTITY_IS_DELETED", K::Missing),
            (400, "MALFORMED_QUERY", K::Invalid),
            (400, "REQUIRED_FIELD_MISSING", K::Invalid),
            (400, "INVALID_FIELD", K::Invalid),
            (400, "UNABLE_TO_LOCK_ROW", K::Down),
            (409, "CONFLICT", K::Conflict),
            (503, "SERVER_UNAVAILABLE", K::Down),
        ] {
            let said = complaint(status, &json!([{"message": "why", "errorCode": code, "fields": ["F__c"]}]));
            assert_eq!(said.kind, kind, "{code}");
            assert!(said.said.starts_with(&format!("{code}: why: fields F__c")), "{said:?}");
        }
        let field =
            complaint(400, &json!([{"errorCode": "INVALID_FIELD", "message": "No such column 'X__c'"}]));
        assert!(field.said.contains("create the field there"), "{field:?}");
    }

    #[test]
    fn the_documented_errors_are_a_session_to_renew_and_a_limit_to_wait_for() {
        const ERRORS: &str = include_str!("../../../tests/fixtures/salesforce/errors.json");
        let errors: Value = serde_json::from_str(ERRORS).unwrap();
        let over = complaint(401, &errors["answers"]["401 session"]);
        assert_eq!((over.kind, over.wait), (TroubleKind::Unauthorised, None));
        assert_eq!(over.said, "INVALID_SESSION_ID: Session expired or invalid");
        let spent = complaint(403, &errors["answers"]["403 limit"]);
        assert_eq!((spent.kind, spent.wait), (TroubleKind::Limited, Some(SPENT_WAIT)));
        assert!(spent.said.contains("TotalRequests Limit exceeded.: the organisation has used"), "{spent:?}");
    }

    #[test]
    fn troubles_of_the_token_and_of_nobody_in_particular_are_told_too() {
        let body = json!({"error": "invalid_client", "error_description": "invalid client credentials"});
        let said = complaint(400, &body);
        assert_eq!(said.kind, TroubleKind::Unauthorised);
        assert!(said.said.contains("invalid client credentials: check client_id"), "{said:?}");
        let often = json!({"error": "invalid_grant", "error_description": "login rate exceeded"});
        assert_eq!(complaint(400, &often).kind, TroubleKind::Limited);
        assert_eq!(complaint(503, &json!({"error": "unavailable"})).kind, TroubleKind::Down);
        let page = judge(&answer(503, "<html>Down for maintenance</html>")).unwrap();
        assert_eq!((page.kind, page.said.as_str()), (TroubleKind::Down, "<html>Down for maintenance</html>"));
        assert!(judge(&answer(302, "")).unwrap().said.contains("My Domain"));
        assert_eq!(judge(&answer(204, "")), None);
        assert_eq!(
            judge(&answer(200, "[{\"errorCode\": \"X\"}]")),
            None,
            "a list of records is no complaint"
        );
    }

    #[test]
    fn used_calls_are_noted_in_both_forms_of_the_header() {
        let noted = |text: &'static str| {
            let limits = Limits::new("salesforce", 1.0, 1);
            let mut answer = answer(200, "");
            answer.headers.insert("sforce-limit-info", text.parse().unwrap());
            note_usage(&answer, &limits);
            limits.quotas(std::time::Duration::from_mins(1))
        };
        assert_eq!(noted("api-usage=18/5000")["day"], Quota { used: 18, limit: 5_000 });
        let both = noted("api-usage=25/5000; per-app-api-usage=17/250(appName=sample-app)");
        assert_eq!(both["day_of_app"], Quota { used: 17, limit: 250 });
        assert!(noted("api-usage=many").is_empty() && noted("").is_empty());
    }
}
