//! A HubSpot portal on a socket of its own: it keeps objects, refuses what HubSpot refuses, and fails as it is told to.
//!
//! Knows what the connector uses and no more: objects, search, batches, associations, owners, pipelines, properties.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};

use gtm::platform::lifecycle::Lifecycle;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

pub const TOKEN: &str = "pat-na1-00000000-0000-0000-0000-000000000000";

/// How a request goes wrong.
#[derive(Clone, Debug)]
pub enum Bad {
    /// Another answer: status, further headers (`name: value\r\n` each), body.
    Answer(u16, &'static str, Value),
    /// The connection breaks before anything is done.
    Reset,
    /// It is done, and the connection breaks before the answer.
    DoneThenReset,
    /// Nothing is said for as long as the connection lasts.
    Silence,
}

/// A request as it came.
#[derive(Clone, Debug)]
pub struct Seen {
    pub method: String,
    pub path: String,
    pub query: Vec<(String, String)>,
    pub authorised: bool,
    pub body: Value,
}

/// What the portal holds.
#[derive(Default)]
pub struct Portal {
    /// By collection and id: an object as the API gives it.
    pub objects: BTreeMap<(String, String), Value>,
    /// Names of properties, by collection; others are refused in writes.
    pub properties: BTreeMap<String, BTreeSet<String>>,
    /// Stages of the one pipeline.
    pub stages: Vec<Value>,
    pub owners: Vec<Value>,
    /// What the token may do; none: HubSpot does not say.
    pub scopes: Option<Vec<&'static str>>,
    /// Objects of a page at the most.
    pub page: usize,
    next_id: u64,
    /// The first that fits a request (method and a part of the target) makes it go wrong, once.
    bad: VecDeque<(&'static str, &'static str, Bad)>,
    seen: Vec<Seen>,
}

/// Takes requests until it is dropped.
pub struct HubSpot {
    address: SocketAddr,
    portal: Arc<Mutex<Portal>>,
    life: Lifecycle,
}

impl Drop for HubSpot {
    fn drop(&mut self) {
        self.life.hard().cancel();
    }
}

impl HubSpot {
    /// A portal with the properties that every portal has.
    pub async fn start() -> Self {
        let standard: [(&str, &[&str]); 4] = [
            (
                "companies",
                &[
                    "name",
                    "domain",
                    "industry",
                    "numberofemployees",
                    "annualrevenue",
                    "country",
                    "state",
                    "hubspot_owner_id",
                    "createdate",
                    "lifecyclestage",
                ],
            ),
            (
                "contacts",
                &[
                    "firstname",
                    "lastname",
                    "jobtitle",
                    "email",
                    "phone",
                    "hs_email_optout",
                    "associatedcompanyid",
                    "hs_legal_basis",
                ],
            ),
            (
                "deals",
                &[
                    "dealname",
                    "amount",
                    "deal_currency_code",
                    "hubspot_owner_id",
                    "hs_analytics_source",
                    "closedate",
                    "dealstage",
                    "pipeline",
                ],
            ),
            ("notes", &["hs_timestamp", "hs_note_body", "hubspot_owner_id"]),
        ];
        let names = |names: &[&str]| names.iter().map(ToString::to_string).collect();
        let properties = standard.iter().map(|(of, all)| ((*of).to_owned(), names(all))).collect();
        let portal = Portal { properties, page: 100, next_id: 5_000, ..Portal::default() };
        let portal = Arc::new(Mutex::new(portal));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let life = Lifecycle::new();
        let (ours, tasks) = (portal.clone(), life.clone());
        drop(life.run(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let portal = ours.clone();
                drop(tasks.run(async move { serve(stream, &portal).await.unwrap_or_default() }));
            }
        }));
        Self { address, portal, life }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn portal(&self) -> MutexGuard<'_, Portal> {
        self.portal.lock().unwrap()
    }

    /// Makes the next request of this kind go wrong; several wait in line.
    pub fn fail(&self, method: &'static str, part: &'static str, bad: Bad) {
        self.portal().bad.push_back((method, part, bad));
    }

    /// Puts an object there. `associations` are ids by collection.
    pub fn put(&self, collection: &str, id: &str, properties: &Value, associations: &Value) {
        let link = |id: &Value| json!({"id": id, "type": format!("{}_to_company", &collection[..collection.len() - 1])});
        let links = associations.as_object().unwrap().iter().map(|(to, ids)| {
            (to.clone(), json!({"results": ids.as_array().unwrap().iter().map(link).collect::<Vec<_>>()}))
        });
        let object = json!({
            "id": id, "properties": properties, "createdAt": "2026-01-01T00:00:00.000Z",
            "updatedAt": "2026-11-01T00:00:00.123Z", "archived": false, "url": "ignored",
            "associations": links.collect::<serde_json::Map<_, _>>(),
        });
        self.portal().objects.insert((collection.to_owned(), id.to_owned()), object);
    }

    /// Requests so far whose method and target fit.
    pub fn seen(&self, method: &str, part: &str) -> Vec<Seen> {
        let seen = &self.portal().seen;
        seen.iter().filter(|one| one.method == method && one.path.contains(part)).cloned().collect()
    }

    pub fn notes(&self) -> Vec<Value> {
        let portal = self.portal();
        portal.objects.iter().filter(|((of, _), _)| of == "notes").map(|(_, note)| note.clone()).collect()
    }
}

async fn serve(mut stream: TcpStream, portal: &Mutex<Portal>) -> std::io::Result<()> {
    let Some(seen) = read(&mut stream).await? else { return Ok(()) };
    let (answer, bad) = {
        let mut portal = portal.lock().unwrap();
        portal.seen.push(seen.clone());
        let fits = |(method, part, _): &(&str, &str, Bad)| *method == seen.method && seen.path.contains(part);
        let at = portal.bad.iter().position(fits);
        let bad = at.and_then(|at| portal.bad.remove(at)).map(|(.., bad)| bad);
        let acts = matches!(bad, None | Some(Bad::DoneThenReset));
        (if acts { portal.answer(&seen) } else { (200, json!({})) }, bad)
    };
    let (status, headers, body) = match bad {
        None => (answer.0, "", answer.1),
        Some(Bad::Answer(status, headers, body)) => (status, headers, body),
        Some(Bad::Reset | Bad::DoneThenReset) => return stream.set_zero_linger(),
        Some(Bad::Silence) => return stream.read_to_end(&mut Vec::new()).await.map(drop),
    };
    // A text stands for a body that is no JSON.
    let body = body.as_str().map_or_else(|| body.to_string(), str::to_owned);
    let head = format!(
        "HTTP/1.1 {status} Whatever\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\
         x-hubspot-ratelimit-daily: 1000\r\nx-hubspot-ratelimit-daily-remaining: 750\r\n{headers}\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(body.as_bytes()).await?;
    stream.shutdown().await
}

/// Reads one request; none when the other side went away first.
async fn read(stream: &mut TcpStream) -> std::io::Result<Option<Seen>> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break end;
        }
        if stream.read_buf(&mut bytes).await? == 0 {
            return Ok(None);
        }
    };
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let header = |name: &str| {
        head.lines().find_map(|line| line.split_once(": ").filter(|(key, _)| key.eq_ignore_ascii_case(name)))
    };
    let length: usize = header("content-length").map_or(0, |(_, length)| length.parse().unwrap());
    let mut body = bytes.split_off(end + 4);
    while body.len() < length {
        if stream.read_buf(&mut body).await? == 0 {
            return Ok(None);
        }
    }
    let mut line = head.lines().next().unwrap().split(' ');
    let (method, target) = (line.next().unwrap().to_owned(), line.next().unwrap());
    let url = reqwest::Url::parse(&format!("http://h{target}")).unwrap();
    Ok(Some(Seen {
        method,
        path: url.path().to_owned(),
        query: url.query_pairs().into_owned().collect(),
        authorised: header("authorization").is_some_and(|(_, value)| value == format!("Bearer {TOKEN}")),
        body: serde_json::from_slice(&body).unwrap_or(Value::Null),
    }))
}

fn error(status: u16, category: &str, message: &str) -> (u16, Value) {
    (status, json!({"status": "error", "category": category, "message": message, "correlationId": "c-1"}))
}

impl Seen {
    pub fn query(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

impl Portal {
    fn answer(&mut self, seen: &Seen) -> (u16, Value) {
        let steps: Vec<&str> = seen.path.trim_matches('/').split('/').collect();
        if let ["oauth", ..] = steps.as_slice() {
            return match &self.scopes {
                Some(scopes) => (200, json!({"hubId": 33, "appId": 1, "userId": 2, "scopes": scopes})),
                None => error(404, "OBJECT_NOT_FOUND", "no such thing"),
            };
        }
        if !seen.authorised {
            return error(401, "INVALID_AUTHENTICATION", "Authentication credentials not found.");
        }
        match (seen.method.as_str(), steps.as_slice()) {
            ("GET", ["account-info", ..]) => (200, json!({"portalId": 33, "timeZone": "Europe/Berlin"})),
            ("GET", ["crm", "v3", "objects", of, id]) => {
                self.one(of, id, seen.query("archived") == Some("true"))
            }
            ("GET", ["crm", "v3", "objects", of]) => self.list(of, seen),
            ("POST", ["crm", "v3", "objects", of, "search"]) => self.search(of, &seen.body),
            ("POST", ["crm", "v3", "objects", of, "batch", "read"]) => self.batch(of, &seen.body),
            ("PATCH", ["crm", "v3", "objects", of, id]) => self.write(of, Some(id), &seen.body),
            ("POST", ["crm", "v3", "objects", of]) => self.write(of, None, &seen.body),
            ("GET", ["crm", "v4", "objects", _, id, "associations", to]) => self.linked(id, to),
            ("GET", ["crm", "v3", "owners"]) => {
                let email = seen.query("email");
                let fits = |owner: &&Value| email.is_none_or(|email| owner["email"] == email);
                (200, json!({"results": self.owners.iter().filter(fits).collect::<Vec<_>>()}))
            }
            ("GET", ["crm", "v3", "owners", id]) => {
                let found = self.owners.iter().find(|owner| owner["id"] == *id);
                found.map_or_else(|| error(404, "OBJECT_NOT_FOUND", "no owner"), |owner| (200, owner.clone()))
            }
            ("GET", ["crm", "v3", "pipelines", "deals"]) => (
                200,
                json!({"results": [{"id": "p", "label": "Sales", "displayOrder": 0, "stages": self.stages}]}),
            ),
            ("GET", ["crm", "v3", "properties", _, name]) => {
                (200, json!({"name": name, "options": [{"label": "Champion", "value": "4711"}]}))
            }
            ("GET", ["crm", "v3", "properties", of]) => {
                let names = self.properties[*of].iter().map(|name| json!({"name": name, "label": name}));
                (200, json!({"results": names.collect::<Vec<_>>()}))
            }
            ("POST", ["crm", "v3", "properties", _, "groups"]) => (201, seen.body.clone()),
            ("POST", ["crm", "v3", "properties", of]) => {
                let name = seen.body["name"].as_str().unwrap().to_owned();
                if self.properties.get_mut(*of).unwrap().insert(name) {
                    (201, seen.body.clone())
                } else {
                    error(409, "CONFLICT", "A property named that already exists.")
                }
            }
            _ => error(404, "OBJECT_NOT_FOUND", "no such path"),
        }
    }

    fn of<'a>(&'a self, of: &'a str) -> impl Iterator<Item = &'a Value> {
        let kept = self.objects.iter().filter(move |((collection, _), _)| collection == of);
        kept.map(|(_, object)| object).filter(|object| object["archived"] != true)
    }

    fn one(&self, of: &str, id: &str, archived: bool) -> (u16, Value) {
        let found = self.objects.get(&(of.to_owned(), id.to_owned()));
        match found.filter(|object| object["archived"] == archived) {
            Some(object) => (200, object.clone()),
            None => error(404, "OBJECT_NOT_FOUND", "Object not found."),
        }
    }

    fn list(&self, of: &str, seen: &Seen) -> (u16, Value) {
        let limit: usize = seen.query("limit").unwrap().parse().unwrap();
        let all: Vec<&Value> = self.of(of).collect();
        let after = |object: &&Value| {
            seen.query("after").is_some_and(|after| object["id"].as_str().unwrap() <= after)
        };
        let start = all.iter().take_while(|object| after(object)).count();
        let page = &all[start..(start + limit.min(self.page)).min(all.len())];
        let mut body = json!({ "results": page });
        if start + page.len() < all.len() {
            body["paging"] = json!({"next": {"after": page.last().unwrap()["id"], "link": "ignored"}});
        }
        (200, body)
    }

    fn search(&self, of: &str, body: &Value) -> (u16, Value) {
        let filters =
            body.pointer("/filterGroups/0/filters").and_then(Value::as_array).cloned().unwrap_or_default();
        for filter in &filters {
            let name = filter["propertyName"].as_str().unwrap();
            if !self.properties[of].contains(name) {
                return error(400, "VALIDATION_ERROR", "There was a problem with the request.");
            }
        }
        let fits = |object: &&Value| {
            filters.iter().all(|filter| {
                object["properties"][filter["propertyName"].as_str().unwrap()] == filter["value"]
            })
        };
        let found: Vec<&Value> = self.of(of).filter(fits).collect();
        (200, json!({"total": found.len(), "results": found.iter().take(10).collect::<Vec<_>>()}))
    }

    fn batch(&self, of: &str, body: &Value) -> (u16, Value) {
        let inputs = body["inputs"].as_array().unwrap();
        let id = |input: &Value| input["id"].as_str().unwrap().to_owned();
        let results: Vec<_> =
            inputs.iter().filter_map(|input| self.objects.get(&(of.to_owned(), id(input)))).collect();
        let status = if results.len() == inputs.len() { 200 } else { 207 };
        (status, json!({"status": "COMPLETE", "results": results, "numErrors": inputs.len() - results.len()}))
    }

    fn linked(&self, company: &str, to: &str) -> (u16, Value) {
        let belongs = |object: &&Value| {
            let links = object["associations"]["companies"]["results"].as_array();
            links.is_some_and(|links| links.iter().any(|link| link["id"] == company))
        };
        // Older versions write the id as a number.
        let target =
            |object: &Value| json!({"toObjectId": object["id"].as_str().unwrap().parse::<u64>().unwrap()});
        (200, json!({"results": self.of(to).filter(belongs).map(target).collect::<Vec<_>>()}))
    }

    fn write(&mut self, of: &str, id: Option<&str>, body: &Value) -> (u16, Value) {
        let properties = body["properties"].as_object().unwrap();
        if let Some(name) = properties.keys().find(|name| !self.properties[of].contains(*name)) {
            let message = format!(
                "Property values were not valid: [{{\"isValid\":false,\"message\":\"Property \\\"{name}\\\" does not \
                 exist\",\"error\":\"PROPERTY_DOESNT_EXIST\",\"name\":\"{name}\"}}]"
            );
            return error(400, "VALIDATION_ERROR", &message);
        }
        let id = id.map_or_else(
            || {
                self.next_id += 1;
                self.next_id.to_string()
            },
            str::to_owned,
        );
        let key = (of.to_owned(), id.clone());
        if of == "deals" && !self.objects.contains_key(&key) {
            return error(404, "OBJECT_NOT_FOUND", "Object not found.");
        }
        let object = self.objects.entry(key).or_insert_with(
            || json!({"id": id, "properties": {}, "archived": false, "sent": body["associations"]}),
        );
        object["properties"].as_object_mut().unwrap().extend(properties.clone());
        (if of == "notes" { 201 } else { 200 }, object.clone())
    }
}
