//! How Slack says that something went wrong. The Web API answers 200 with `ok: false`; only too many calls and its own
//! failures have a status. Incoming webhooks answer a status and a word.

use serde_json::Value;

use crate::connectors::vendor::{Answer, Complaint, TroubleKind};
use crate::platform::outbox::sender::printable;

/// Of the Web API.
pub(super) fn of_api(answer: &Answer) -> Option<Complaint> {
    let of_status = TroubleKind::of(answer.status);
    let Ok(body) = serde_json::from_slice::<Value>(&answer.body) else {
        let kind = of_status.unwrap_or(TroubleKind::Malformed);
        return Some(Complaint { kind, said: printable(&answer.body), wait: None });
    };
    if of_status.is_none() && body["ok"] == true {
        return None;
    }
    let error = body["error"].as_str().unwrap_or("no error is named");
    let kind = of_status.unwrap_or_else(|| kind(error));
    let mut said = vec![error.to_owned()];
    if let Some(needed) = body["needed"].as_str() {
        said.push(format!("it needs the scope {needed}"));
    }
    let messages = body["response_metadata"]["messages"].as_array().into_iter().flatten();
    said.extend(messages.filter_map(Value::as_str).map(str::to_owned));
    said.extend(advice(error).map(str::to_owned));
    let said = said.join(": ");
    Some(Complaint { kind, said: printable(said.as_bytes()), wait: None })
}

fn kind(error: &str) -> TroubleKind {
    match error {
        "ratelimited" | "rate_limited" => TroubleKind::Limited,
        "not_authed" | "invalid_auth" | "account_inactive" | "token_revoked" | "token_expired" => {
            TroubleKind::Unauthorised
        }
        // A person can mend these, and the alert then goes out by itself.
        "missing_scope" | "not_in_channel" | "restricted_action" | "ekm_access_denied" | "no_permission"
        | "org_login_required" => TroubleKind::Forbidden,
        "channel_not_found" | "is_archived" | "user_not_found" | "users_not_found" | "message_not_found" => {
            TroubleKind::Missing
        }
        "internal_error" | "fatal_error" | "service_unavailable" | "request_timeout" => TroubleKind::Down,
        "no_text"
        | "msg_too_long"
        | "invalid_blocks"
        | "invalid_blocks_format"
        | "invalid_arguments"
        | "metadata_too_large"
        | "invalid_metadata_format" => TroubleKind::Invalid,
        _ => TroubleKind::Malformed,
    }
}

fn advice(error: &str) -> Option<&'static str> {
    Some(match error {
        "not_in_channel" => "invite the bot into the channel",
        "channel_not_found" => "the team's channel is misspelt in the roster, or private and without the bot",
        "is_archived" => "give the team another channel in the roster",
        _ => return None,
    })
}

/// Of an incoming webhook.
pub(super) fn of_hook(answer: &Answer) -> Option<Complaint> {
    let kind = TroubleKind::of(answer.status)?;
    let said = printable(&answer.body);
    let kind = match (kind, said.trim()) {
        (_, "no_active_hooks" | "no_service" | "no_service_id" | "no_team" | "invalid_token") => {
            TroubleKind::Unauthorised
        }
        (_, "action_prohibited") => TroubleKind::Forbidden,
        (kind, _) => kind,
    };
    Some(Complaint { kind, said, wait: None })
}
