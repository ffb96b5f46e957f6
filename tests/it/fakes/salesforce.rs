//! A Salesforce organisation as far as it is used: tokens that end, questions answered page by page, errors as lists of
//! codes, fields that somebody has to create first, and answers that get lost.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use serde_json::{Map, Value, json};

use super::server::{Answer, Asked, Fake};

pub const ACCOUNT: &str = "001xx000003DGb2AAG";
pub const CONTACT: &str = "003xx000004TmiQAAS";
pub const DEAL: &str = "006xx000001a2b3AAA";
pub const USER: &str = "005xx000001SwiUAAS";
pub const ORGANISATION: &str = "00D7F00000107XsUAI";
const DATA: &str = "/services/data/v60.0/";

/// What an organisation holds.
#[derive(Default)]
pub struct Org {
    /// Records by kind, in the order in which they are given out.
    pub records: BTreeMap<&'static str, Vec<Value>>,
    /// Tokens that were given out; the newest is good.
    tokens: usize,
    /// The good one is good no more.
    expired: bool,
    /// What goes wrong with the next calls whose path holds a text, one after the other.
    trouble: BTreeMap<&'static str, Vec<Answer>>,
    /// The app was deleted.
    refused: bool,
    /// Custom fields that somebody has created.
    custom: bool,
    /// Whether our user may create them.
    customises: bool,
    /// What was made: names of fields, permission sets, rights.
    pub made: Vec<Value>,
}

impl Org {
    /// Somebody creates the custom fields.
    pub fn create_custom_fields(&mut self) {
        self.custom = true;
    }
}

/// An organisation on a socket.
pub struct Salesforce {
    pub fake: Fake,
    pub org: Arc<Mutex<Org>>,
}

impl Salesforce {
    /// With an account, a contact and a deal.
    pub async fn start() -> Self {
        let org = Org { records: records(), custom: true, ..Org::default() };
        let org = Arc::new(Mutex::new(org));
        let (shared, address) = (org.clone(), Arc::new(Mutex::new(String::new())));
        let own = address.clone();
        let fake =
            Fake::start(move |asked, _| behave(&mut shared.lock().unwrap(), &own.lock().unwrap(), asked))
                .await;
        *address.lock().unwrap() = fake.url("");
        Self { fake, org }
    }

    /// The settings of a service that is connected to it.
    pub fn settings(&self) -> Value {
        json!({"salesforce": {
            "webhook_secret": "sesame", "organization_id": ORGANISATION, "url": self.fake.url(""), "client_id": "cid",
            "client_secret": "csec", "owners": {"ada": "ada@example.com"}, "lifecycle": {"Customer": "customer"},
            "calls_per_second": 1000.0,
        }})
    }

    /// The next calls whose path holds a text go like this; a `Broken` one is done all the same.
    pub fn trouble(&self, at: &'static str, trouble: Vec<Answer>) {
        self.org.lock().unwrap().trouble.insert(at, trouble);
    }

    /// Gives out no token any more.
    pub fn refuse(&self) {
        self.org.lock().unwrap().refused = true;
    }

    /// The token that is in use is good no more.
    pub fn expire(&self) {
        self.org.lock().unwrap().expired = true;
    }

    /// Nobody has created the custom fields.
    pub fn without_custom_fields(&self) {
        self.org.lock().unwrap().custom = false;
    }

    /// Nobody has created the custom fields, and our user may.
    pub fn lets_create(&self) {
        let mut org = self.org.lock().unwrap();
        (org.custom, org.customises) = (false, true);
    }

    /// Changes fields of the first record of a kind.
    pub fn change(&self, object: &'static str, fields: &Value) {
        let mut org = self.org.lock().unwrap();
        let record = org.records.get_mut(object).unwrap()[0].as_object_mut().unwrap();
        record.extend(fields.as_object().unwrap().clone());
    }

    /// Records of a kind.
    pub fn records(&self, object: &str) -> Vec<Value> {
        self.org.lock().unwrap().records.get(object).cloned().unwrap_or_default()
    }

    /// What it was asked to write.
    pub fn writes(&self) -> Vec<Asked> {
        self.fake
            .asked()
            .into_iter()
            .filter(|asked| asked.path.contains("/sobjects/") && asked.method != "GET")
            .collect()
    }
}

/// An error as Salesforce tells it.
pub fn error(status: u16, code: &str, message: &str) -> Answer {
    Answer::Json(status, json!([{"message": message, "errorCode": code}]))
}

fn records() -> BTreeMap<&'static str, Vec<Value>> {
    let stamp = "2026-06-01T10:00:00.000+0000";
    let owner = json!({"Email": "ada@example.com"});
    let account = json!({
        "Id": ACCOUNT, "Name": "Acme", "Website": "https://www.acme.com", "Industry": "Software", "NumberOfEmployees": 300,
        "AnnualRevenue": 5.0e6, "Type": "Customer", "BillingCountry": "DE", "BillingState": null, "OwnerId": USER,
        "Owner": owner, "CreatedDate": stamp, "SystemModstamp": stamp,
    });
    let contact = json!({
        "Id": CONTACT, "AccountId": ACCOUNT, "FirstName": "Ann", "LastName": "Lee", "Title": "CTO", "Email": "ann@acme.com",
        "Phone": null, "HasOptedOutOfEmail": true, "SystemModstamp": stamp,
    });
    let deal = json!({
        "Id": DEAL, "AccountId": ACCOUNT, "Name": "Acme renewal", "StageName": "Negotiation/Review", "Amount": 120_000.0,
        "CloseDate": "2027-01-31", "IsClosed": false, "IsWon": false, "LeadSource": null, "OwnerId": USER, "Owner": owner,
        "SystemModstamp": stamp,
    });
    let user = json!({"Id": USER, "Email": "ada@example.com", "IsActive": true});
    [
        ("Account", vec![account]),
        ("Contact", vec![contact]),
        ("Opportunity", vec![deal]),
        ("User", vec![user]),
    ]
    .into()
}

fn behave(org: &mut Org, own: &str, asked: &Asked) -> Answer {
    if asked.path == "/services/oauth2/token" {
        return token(org, own, asked);
    }
    if org.expired || asked.header("authorization") != format!("Bearer 00Dxx!{}", org.tokens) {
        return error(401, "INVALID_SESSION_ID", "Session expired or invalid");
    }
    if asked.path == "/services/oauth2/userinfo" {
        return Answer::Json(200, json!({"user_id": USER, "organization_id": ORGANISATION}));
    }
    let Some(path) = asked.path.strip_prefix(DATA) else {
        return Answer::Json(200, json!([{"version": "59.0"}, {"version": "60.0"}]));
    };
    let mut troubles = org.trouble.iter_mut();
    let trouble =
        troubles.find(|(at, left)| path.contains(**at) && !left.is_empty()).map(|(_, left)| left.remove(0));
    match trouble {
        Some(Answer::Broken) => {
            data(org, path, asked);
            Answer::Broken
        }
        Some(trouble) => trouble,
        None => data(org, path, asked),
    }
}

fn token(org: &mut Org, own: &str, asked: &Asked) -> Answer {
    let form = |name| asked.form(name).unwrap_or_default();
    let by_form = form("client_id") == "cid" && form("client_secret") == "csec";
    // `cid:csec`
    let proven = by_form || asked.header("authorization") == "Basic Y2lkOmNzZWM=";
    if org.refused || !proven || form("grant_type") != "client_credentials" {
        let said = json!({"error": "invalid_client", "error_description": "invalid client credentials"});
        return Answer::Json(400, said);
    }
    (org.tokens, org.expired) = (org.tokens + 1, false);
    let token = json!({
        "access_token": format!("00Dxx!{}", org.tokens), "instance_url": own, "token_type": "Bearer",
        "issued_at": "1800000000000", "signature": "x",
    });
    Answer::Json(200, token)
}

fn data(org: &mut Org, path: &str, asked: &Asked) -> Answer {
    let steps: Vec<&str> = path.split('/').collect();
    match (asked.method.as_str(), steps.as_slice()) {
        ("GET", ["query"]) => {
            let soql =
                form_urlencoded::parse(asked.query.as_bytes()).find(|(name, _)| name == "q").unwrap().1;
            query(org, &soql, 0)
        }
        // The place in a reading holds the kind and how far it has come.
        ("GET", ["query", place]) => {
            let (kind, from) = place.split_once('-').unwrap();
            query(org, &format!("SELECT Id FROM {kind}"), from.parse().unwrap())
        }
        ("GET", ["sobjects", object, "describe"]) => describe(org, object),
        ("GET", ["limits"]) => {
            Answer::Json(200, json!({"DailyApiRequests": {"Max": 5_000, "Remaining": 4_982}}))
        }
        ("PATCH", ["sobjects", "Opportunity", id]) => update(org, id, &asked.json()),
        ("PATCH", ["sobjects", "Task", field, key]) if org.custom => {
            let mut task = asked.json();
            task[*field] = json!(key);
            let tasks = org.records.entry("Task").or_default();
            let known = tasks.iter_mut().find(|one| one[*field] == json!(key));
            let status = if known.is_some() { 200 } else { 201 };
            match known {
                Some(known) => *known = task,
                None => tasks.push(task),
            }
            Answer::Json(status, json!({"id": "00Txx0000000001AAA", "success": true, "errors": []}))
        }
        ("PATCH", ["sobjects", "Task", field, _]) => {
            let said = format!("Provided external ID field does not exist or is not accessible: {field}");
            error(404, "NOT_FOUND", &said)
        }
        (
            "POST",
            ["tooling", "sobjects", "CustomField"]
            | ["sobjects", "PermissionSet" | "PermissionSetAssignment" | "FieldPermissions"],
        ) if !org.customises => {
            error(403, "INSUFFICIENT_ACCESS", "insufficient access rights on cross-reference id")
        }
        ("POST", ["tooling", "sobjects", "CustomField"]) if org.made.contains(&asked.json()) => {
            error(400, "DUPLICATE_DEVELOPER_NAME", "There is already a field with that name")
        }
        (
            "POST",
            ["tooling", "sobjects", "CustomField"]
            | ["sobjects", "PermissionSet" | "PermissionSetAssignment"],
        ) => {
            org.made.push(asked.json());
            Answer::Json(201, json!({"id": "0PSxx0000000001AAA", "success": true, "errors": []}))
        }
        ("POST", ["sobjects", "FieldPermissions"]) => {
            org.made.push(asked.json());
            // A field can be written once it was made and shown.
            org.custom = org.made.iter().filter(|made| made["PermissionsEdit"] == true).count() >= 1;
            Answer::Json(201, json!({"id": "01kxx0000000001AAA", "success": true, "errors": []}))
        }
        ("POST", ["sobjects", "Task"]) => {
            org.records.entry("Task").or_default().push(asked.json());
            Answer::Json(201, json!({"id": "00Txx0000000001AAA", "success": true, "errors": []}))
        }
        _ => error(404, "NOT_FOUND", "The requested resource does not exist"),
    }
}

fn update(org: &mut Org, id: &str, fields: &Value) -> Answer {
    let fields = fields.as_object().unwrap();
    if let Some(name) = fields.keys().find(|name| name.ends_with("__c") && !org.custom) {
        let said = format!("No such column '{name}' on sobject of type Opportunity");
        return error(400, "INVALID_FIELD", &said);
    }
    let deals = org.records.get_mut("Opportunity").unwrap();
    match deals.iter_mut().find(|one| one["Id"] == id) {
        Some(deal) => {
            deal.as_object_mut().unwrap().extend(fields.clone());
            Answer::Text(204, "")
        }
        None => error(404, "NOT_FOUND", "The requested resource does not exist"),
    }
}

/// Two records of a kind that fit, and where the rest is. Conditions are `Field = 'value'` and `LIKE '%…%'`.
fn query(org: &Org, soql: &str, from: usize) -> Answer {
    let rest = soql.split_once(" FROM ").unwrap().1;
    let (kind, condition) = rest.split_once(" WHERE ").unwrap_or((rest, ""));
    let parts: Vec<&str> = condition
        .split(" LIMIT ")
        .next()
        .unwrap()
        .split(" ORDER BY ")
        .next()
        .unwrap()
        .split(" AND ")
        .collect();
    let fits = |record: &&Value| {
        parts.iter().all(|part| match (part.split_once(" = '"), part.split_once(" LIKE '%")) {
            (Some((field, value)), _) => record[field] == value.trim_end_matches('\''),
            (_, Some((field, value))) => {
                record[field].as_str().is_some_and(|text| text.contains(value.trim_end_matches("%'")))
            }
            _ => true,
        })
    };
    let none = Vec::new();
    let all: Vec<&Value> = org.records.get(kind).unwrap_or(&none).iter().filter(fits).collect();
    let page: Vec<&&Value> = all.iter().skip(from).take(2).collect();
    let mut answer = json!({"totalSize": all.len(), "done": from + 2 >= all.len(), "records": page});
    if from + 2 < all.len() {
        answer["nextRecordsUrl"] = json!(format!("{DATA}query/{kind}-{}", from + 2));
    }
    Answer::Json(200, answer)
}

fn describe(org: &Org, object: &str) -> Answer {
    let none = Map::new();
    let record = org.records.get(object).and_then(|records| records[0].as_object()).unwrap_or(&none);
    let mut fields: Vec<Value> =
        record.keys().map(|name| json!({"name": name, "updateable": true})).collect();
    if org.custom {
        let custom =
            ["Handoff_Completed_At", "Handoff_Type", "Previous_Owner", "Handoff_Id", "Handoff_Undone_At"];
        fields.extend(custom.map(|name| json!({"name": format!("GTM_{name}__c"), "updateable": true})));
        fields.push(json!({"name": "GTM_Delivery_Id__c", "externalId": true}));
    }
    Answer::Json(200, json!({"queryable": true, "createable": true, "updateable": true, "fields": fields}))
}
