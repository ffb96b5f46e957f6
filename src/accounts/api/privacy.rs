//! People over HTTP: what is held about them, erasing them, and letting them come back.
//!
//! All of it needs the scope `admin`: it is personal data wholesale, from every part of the service (raw events, packages,
//! deliveries), and taking it away cannot be undone. No narrower scope reaches all these parts.

use std::collections::{BTreeMap, BTreeSet};

use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::accounts::Accounts;
use crate::accounts::commands::{self, Erased, Export, Who};
use crate::kernel::clock::DateTime;
use crate::kernel::ids::AccountId;
use crate::platform::http::{Fault, Json, Path, Problem, ProblemDocument, Query, Scoped, scope};

/// For how long things are kept.
const RETENTION: &str = "Raw events, dead and unmatched ones as long as the setting events.retention_days says; answers kept \
                         for repeats a day; everything else until it is erased.";

/// Whom a request is about.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub struct PersonQuery {
    /// One person, by the caller's id.
    contact_id: Option<String>,
    /// One person, by an e-mail address that they have or had.
    email: Option<String>,
}

/// Whom to erase.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub struct ErasureQuery {
    /// One person, by the caller's id.
    contact_id: Option<String>,
    /// One person, by an e-mail address that they have or had.
    email: Option<String>,
    /// Count what would be changed, and change nothing.
    dry_run: bool,
}

/// Reads whom a request is about; everybody where nothing is said.
fn who<'a>(contact_id: Option<&'a String>, email: Option<&'a String>) -> Result<Who<'a>, Problem> {
    let fault = |detail: &str| Problem::invalid(vec![Fault::new("#/email", detail)]);
    match (contact_id, email) {
        (None, None) => Ok(Who::Everybody),
        (Some(id), None) => match crate::kernel::ids::check_caller_id(id) {
            Ok(()) => Ok(Who::Contact(id)),
            Err(error) => Err(Problem::invalid(vec![Fault::new("#/contactId", error.to_string())])),
        },
        (None, Some(email)) if email.contains('@') => Ok(Who::Email(email)),
        (None, Some(_)) => Err(fault("is no e-mail address")),
        (Some(_), Some(_)) => Err(fault("say contactId or email, not both")),
    }
}

/// Everything that is held about people.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PersonalDataExport {
    pub account_id: String,
    pub exported_at: DateTime,
    /// What the people are known by.
    pub contact_ids: Vec<String>,
    pub emails: Vec<String>,
    /// What is held, by kind, such as `contacts`, `events`, `handoffPackages`, `deliveries`. `decisions` are those about the
    /// account: they are made by rules, about the company, and hold no people.
    #[schema(value_type = Object)]
    pub held: BTreeMap<&'static str, Vec<Value>>,
    /// What consents were asked for.
    pub purposes: BTreeSet<String>,
    /// Who told us.
    pub sources: BTreeSet<String>,
    /// To whom something was sent, or waits to be.
    pub recipients: BTreeSet<String>,
    /// For how long it is kept, in words.
    pub retention: String,
}

impl PersonalDataExport {
    fn new(account_id: String, export: Export) -> Self {
        let mut held: BTreeMap<&'static str, Vec<Value>> = BTreeMap::new();
        for holding in export.holdings {
            held.entry(holding.kind).or_default().push(holding.held);
        }
        let texts = |kinds: &[&str], pointer: &str| -> BTreeSet<String> {
            let rows = kinds.iter().filter_map(|kind| held.get(kind)).flatten();
            rows.filter_map(|row| row.pointer(pointer)?.as_str()).map(str::to_owned).collect()
        };
        Self {
            purposes: texts(&["consents"], "/purpose"),
            sources: texts(&["events", "unmatchedEvents"], "/source"),
            recipients: texts(&["deliveries"], "/recipient"),
            retention: RETENTION.to_owned(),
            account_id,
            exported_at: export.exported_at,
            contact_ids: export.subject.ids().map(str::to_owned).collect(),
            emails: export.subject.emails().map(str::to_owned).collect(),
            held,
        }
    }
}

/// What is held about people
///
/// Everything, from every part of the service, about one person or all people of an account: profile, consents and their
/// history, raw events that are still kept, notes, handoff packages and share receipts, deliveries with their recipients,
/// dead letters, and in short the decisions about the account with their reasons. Of documents that speak of others too,
/// only the places that hold the person are given. It is what an erasure would change.
#[utoipa::path(
    get, path = "/v1/accounts/{accountId}/export", tag = "privacy", operation_id = "export_personal_data",
    security(("api_key" = ["admin"])),
    extensions(("x-timeout-seconds" = json!(300))),
    params(("accountId" = String, Path, description = "The account, by the caller's id."), PersonQuery),
    responses(
        (status = 200, body = PersonalDataExport, description = "What is held; empty where nothing is."),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json", description = "No event ever named the account."),
    )
)]
pub async fn export_personal_data(
    State(accounts): State<Accounts>,
    _caller: Scoped<scope::Admin>,
    Path(account_id): Path<AccountId>,
    Query(query): Query<PersonQuery>,
) -> Result<Json<PersonalDataExport>, Problem> {
    let who = who(query.contact_id.as_ref(), query.email.as_ref())?;
    match commands::export(&accounts, account_id.as_str(), who).await? {
        Some(export) => Ok(Json(PersonalDataExport::new(account_id.into(), export))),
        None => Err(Problem::not_found("account", account_id)),
    }
}

/// What an erasure changed, or would change.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ErasureAnswer {
    /// Names the erasure in the audit log and in the commands to recipients; absent (null) in a preview and where nothing
    /// was left to erase.
    #[schema(required = true)]
    pub erasure_id: Option<Uuid>,
    pub account_id: String,
    pub dry_run: bool,
    /// How many rows held somebody, by kind.
    pub changed: BTreeMap<String, u64>,
    /// Who had received something and is asked to erase it: the destination, and how many deliveries. See
    /// `/v1/deliveries?accountId=`.
    pub recipients: BTreeMap<String, u64>,
    /// Under which salted digests the people are kept from coming back, in hex.
    pub suppressed: Vec<String>,
    /// Other accounts that know one of them by an e-mail address: erase them there too.
    pub also_at: Vec<String>,
}

impl ErasureAnswer {
    fn new(account_id: String, dry_run: bool, erased: Erased) -> Self {
        Self {
            erasure_id: erased.erasure_id,
            account_id,
            dry_run,
            changed: erased.changed.into_iter().map(|(kind, rows)| (kind.to_owned(), rows)).collect(),
            recipients: erased.recipients,
            suppressed: erased.suppressed.iter().map(hex::encode).collect(),
            also_at: erased.also_at,
        }
    }
}

/// Erase people
///
/// One person or all people of an account, from everything that is kept: contacts, raw events and those that wait or are
/// dead, notes, handoff packages and receipts, deliveries (those that wait go out without them), answers kept for repeats.
/// One transaction; asked for again it changes nothing. The audit log stays verifiable and records the erasure under
/// salted digests. Whoever had received something is asked to erase it too. Later events about the people are taken, and
/// stored without them.
#[utoipa::path(
    delete, path = "/v1/accounts/{accountId}/personal-data", tag = "privacy", operation_id = "erase_personal_data",
    security(("api_key" = ["admin"])),
    extensions(("x-timeout-seconds" = json!(300))),
    params(("accountId" = String, Path, description = "The account, by the caller's id."), ErasureQuery),
    responses(
        (status = 200, body = ErasureAnswer, description = "Erased, or what would be."),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json", description = "No event ever named the account."),
    )
)]
pub async fn erase_personal_data(
    State(accounts): State<Accounts>,
    caller: Scoped<scope::Admin>,
    Path(account_id): Path<AccountId>,
    Query(query): Query<ErasureQuery>,
) -> Result<Json<ErasureAnswer>, Problem> {
    let who = who(query.contact_id.as_ref(), query.email.as_ref())?;
    let erased =
        commands::erase_at(&accounts, account_id.as_str(), who, query.dry_run, &caller.actor()).await?;
    match erased {
        Some(erased) => Ok(Json(ErasureAnswer::new(account_id.into(), query.dry_run, erased))),
        None => Err(Problem::not_found("account", account_id)),
    }
}

/// Who may come back.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct LiftAnswer {
    /// How many digests no longer keep anybody away.
    pub lifted: u64,
}

/// Let somebody come back
///
/// For a person who was erased and wants to be known again: later events about them are stored whole. What was erased stays
/// so. Lift both the id and the address, where both are known.
#[utoipa::path(
    delete, path = "/v1/accounts/{accountId}/suppressions", tag = "privacy", operation_id = "lift_suppression",
    security(("api_key" = ["admin"])),
    params(("accountId" = String, Path, description = "The account, by the caller's id."), PersonQuery),
    responses((status = 200, body = LiftAnswer, description = "Lifted; 0 where nobody was kept away."))
)]
pub async fn lift_suppression(
    State(accounts): State<Accounts>,
    caller: Scoped<scope::Admin>,
    Path(account_id): Path<AccountId>,
    Query(query): Query<PersonQuery>,
) -> Result<Json<LiftAnswer>, Problem> {
    let who = who(query.contact_id.as_ref(), query.email.as_ref())?;
    if who == Who::Everybody {
        return Err(Problem::invalid(vec![Fault::new("#/contactId", "say contactId or email")]));
    }
    let lifted = commands::lift_suppression(&accounts, account_id.as_str(), who, &caller.actor()).await?;
    Ok(Json(LiftAnswer { lifted }))
}
