//! The roster over the API: edited with care for what others saw, brought in whole, and absences with their covers.

use std::collections::BTreeSet;

use gtm::handoffs::assign::names::TeamId;
use gtm::handoffs::assign::rotation::Rotation;
use gtm::handoffs::commands::{read_rotations, write_rotations};
use reqwest::{Method, Response};
use serde_json::{Value, json};

use crate::client::Client;
use crate::harness::Service;

/// A rep of sales.
fn rep(id: &str) -> Value {
    json!({"id": id, "name": id.to_uppercase(), "email": format!("{id}@acme.com"), "team": "sales"})
}

/// A team by the clock of Berlin, three reps, and whatever leads to them.
fn company() -> Value {
    let day = ["09:00-17:00"];
    json!({
        "calendars": [{
            "id": "berlin", "zone": "Europe/Berlin",
            "hours": {"monday": day, "tuesday": day, "wednesday": day, "thursday": day, "friday": day},
            "specialDays": [{"on": "2027-03-29", "name": "Easter Monday"}],
        }],
        "teams": [{"id": "sales", "calendar": "berlin", "fallbackOwner": "cid"}],
        "reps": [rep("ada"), rep("ben"), rep("cid")],
        "territories": [{"id": "dach", "match": {"countries": ["de"]}, "to": {"team": "sales"}}],
        "namedAccounts": [{"account": "acme.com", "reps": ["ada"]}],
        "segments": [{"segment": "Mid Market", "to": {"rep": "ben"}}],
    })
}

async fn import(client: &Client, body: Value, expected: u16) -> Value {
    client.send(Method::POST, "/v1/roster/import", Some(body), expected).await
}

async fn founded() -> Service {
    let service = Service::sandbox().await;
    import(&service, json!({"roster": company()}), 200).await;
    service
}

/// Six entries of each kind, with six absences of the rep `acc_1`.
pub async fn populate(service: &Service) {
    let of = |make: fn(String) -> Value| (0..6).map(|n| make(format!("acc_{n}"))).collect::<Value>();
    let roster = json!({
        "calendars": of(|id| json!({"id": id, "zone": "UTC", "hours": {"monday": ["09:00-17:00"]}})),
        "teams": of(|id| json!({"id": id})),
        "reps": of(|id| json!({"id": id, "name": id, "email": "x@acme.com", "team": "acc_0"})),
        "territories": of(|id| json!({"id": id, "to": {"rep": id}})),
        "namedAccounts": of(|id| json!({"account": id, "reps": [id]})),
        "segments": of(|id| json!({"segment": id, "to": {"rep": id}})),
        "roles": of(|id| json!({"id": id, "reps": [id]})),
        "slaTerms": of(|id| json!({"id": id, "handoffType": "mql_to_sales", "segment": id, "terms": terms()})),
    });
    import(service, json!({"roster": roster}), 200).await;
    for n in 1..=6 {
        let body = json!({"from": format!("2099-01-0{n}T00:00:00Z")});
        service.send(Method::POST, "/v1/reps/acc_1/absences", Some(body), 201).await;
    }
}

fn terms() -> Value {
    json!({
        "budget": "2h", "basis": "wall", "remindBefore": "30m", "ownerAlertAfter": "1h", "managerAlertAfter": "4h",
        "reassignAfter": "24h", "maxReassignments": 2, "escalateTo": "sales_manager", "fallbackTo": "revops_manager",
    })
}

/// A request under a condition.
async fn under(
    client: &Client,
    method: Method,
    path: &str,
    tag: Option<&str>,
    body: Option<&Value>,
) -> Response {
    let mut request = client.request(method, path);
    if let Some(tag) = tag {
        request = request.header("if-match", tag);
    }
    if let Some(body) = body {
        request = request.json(body);
    }
    request.send().await.unwrap()
}

fn tag(answer: &Response) -> String {
    answer.headers()["etag"].to_str().unwrap().to_owned()
}

fn pointers(problem: &Value) -> Vec<&str> {
    problem["errors"].as_array().unwrap().iter().map(|error| error["pointer"].as_str().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_is_changed_only_by_those_who_have_seen_what_it_is() {
    let service = founded().await;
    let path = "/v1/reps/dan";
    let mut dan = rep("dan");
    dan.as_object_mut().unwrap().remove("id");
    let made = under(&service, Method::PUT, path, None, Some(&dan)).await;
    assert_eq!(made.status(), 201);
    let first = tag(&made);
    let mut seen: Value = made.json().await.unwrap();
    assert_eq!(seen, rep("dan"), "what was put, with its id");
    let read = under(&service, Method::GET, path, None, None).await;
    assert_eq!(tag(&read), first);

    seen["weight"] = json!(3);
    assert_eq!(under(&service, Method::PUT, path, None, Some(&seen)).await.status(), 428);
    let changed = under(&service, Method::PUT, path, Some(&first), Some(&seen)).await;
    assert_eq!(changed.status(), 200);
    let second = tag(&changed);
    let late = under(&service, Method::PUT, path, Some(&first), Some(&dan)).await;
    assert_eq!((late.status().as_u16(), tag(&late)), (412, second.clone()));
    assert_eq!(service.get(path).await, seen);

    let elsewhere = under(&service, Method::PUT, "/v1/reps/eve", None, Some(&seen)).await;
    assert_eq!(pointers(&elsewhere.json().await.unwrap()), ["#/id"]);
    assert_eq!(under(&service, Method::DELETE, path, Some(&first), None).await.status(), 412);
    assert_eq!(under(&service, Method::DELETE, path, Some(&second), None).await.status(), 204);
    assert_eq!(under(&service, Method::GET, path, None, None).await.status(), 404);

    let log = service.get("/v1/audit?accountId=@system&action=rep.*").await;
    let actions: Vec<&Value> = log["data"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|e| e["subject"] == "rep:dan")
        .map(|e| &e["action"])
        .collect();
    assert_eq!(actions, ["rep.removed", "rep.changed", "rep.added"]);
    service.expect_intact_audit().await;
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn all_faults_of_an_entry_come_at_once_and_point_into_it() {
    let service = founded().await;
    let before = service.get("/v1/roster").await;
    let wrong = json!({
        "name": "Dan", "email": "dan@acme.com", "team": "slaes", "calendar": "brelin", "weight": 5000,
        "caps": [{"limit": 0, "window": "day"}],
    });
    let problem = service.send(Method::PUT, "/v1/reps/dan", Some(wrong), 422).await;
    assert_eq!(problem["code"], "invalid_body");
    let expected = ["#/weight", "#/caps/0/limit", "#/team", "#/calendar"];
    assert_eq!(pointers(&problem), expected, "{problem:#}");
    assert!(problem["errors"][2]["detail"].as_str().unwrap().contains("did you mean `sales`?"), "{problem}");
    let calendar = json!({"zone": "Europe/Berln", "hours": {"monday": ["09:00-08:00"]}});
    let problem = service.send(Method::PUT, "/v1/calendars/office", Some(calendar), 422).await;
    assert_eq!(pointers(&problem), ["#/zone", "#/hours/monday/0"]);
    // Cid becomes a leaver, and it is his team that is wrong then: it falls back on him.
    let cid = under(&service, Method::GET, "/v1/reps/cid", None, None).await;
    let (tag_of_cid, mut body) = (tag(&cid), cid.json::<Value>().await.unwrap());
    body["leaving"] = json!(true);
    let problem: Value = under(&service, Method::PUT, "/v1/reps/cid", Some(&tag_of_cid), Some(&body))
        .await
        .json()
        .await
        .unwrap();
    assert_eq!(pointers(&problem), ["#"]);
    assert!(
        problem["errors"][0]["detail"].as_str().unwrap().starts_with("team sales, fallbackOwner: "),
        "{problem}"
    );
    // What others name stays.
    for (path, reasons) in [("/v1/reps/ada", 1), ("/v1/teams/sales", 4), ("/v1/calendars/berlin", 1)] {
        let tag = tag(&under(&service, Method::GET, path, None, None).await);
        let refused = under(&service, Method::DELETE, path, Some(&tag), None).await;
        assert_eq!(refused.status(), 409);
        let refused: Value = refused.json().await.unwrap();
        assert_eq!(
            (&refused["code"], refused["reasons"].as_array().unwrap().len()),
            (&json!("still_needed"), reasons),
            "{refused:#}"
        );
    }
    assert_eq!(service.get("/v1/roster").await, before);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_is_previewed_done_whole_or_not_at_all_and_done_again_changes_nothing() {
    let service = founded().await;
    let before = service.get("/v1/roster").await;
    let again = import(&service, json!({"roster": before}), 200).await;
    assert_eq!((&again["unchanged"], &again["changed"]), (&json!(8), &json!([])), "{again:#}");
    assert_eq!(before["segments"][0].get("id"), None);
    assert_eq!(service.get("/v1/segments/mid-market").await, before["segments"][0]);
    assert_eq!(service.get("/v1/named-accounts/ACME.com").await, before["namedAccounts"][0], "in any case");

    let table = |text: &str| json!({"name": "reps.csv", "text": text});
    let wrong = "id,team,weight\nada,sales,many\nben,nowhere,2\nzoe,sales,1\n";
    let problem = import(&service, json!({"files": [table(wrong)]}), 422).await;
    let places: Vec<(&Value, &Value, &Value)> = problem["faults"]
        .as_array()
        .unwrap()
        .iter()
        .map(|f| (&f["line"], &f["column"], &f["path"]))
        .collect();
    let at = |line: i32, column: i32, path: &str| (json!(line), json!(column), json!(path));
    let expected = [at(2, 3, "weight"), at(3, 2, "team"), at(4, 1, "email"), at(4, 1, "name")];
    // Faults of one place stand in the order in which they were found.
    let found: BTreeSet<String> = places.iter().map(|place| format!("{place:?}")).collect();
    let expected: BTreeSet<String> = expected.iter().map(|(a, b, c)| format!("{:?}", (a, b, c))).collect();
    assert_eq!(found, expected, "{problem:#}");
    assert!(pointers(&problem).iter().all(|pointer| *pointer == "#/files/0/text"));

    let right = json!([table(
        "id,name,email,team,weight\nada,Ada,ada@acme.com,sales,3\ndan,Dan,dan@acme.com,sales,\n"
    )]);
    let preview = import(&service, json!({"files": right, "dryRun": true}), 200).await;
    assert_eq!(service.get("/v1/roster").await, before, "a preview writes nothing");
    let mut done = import(&service, json!({"files": right}), 200).await;
    assert_eq!(
        (&done["added"], &done["changed"], &done["removed"], &done["unchanged"]),
        (
            &json!([{"kind": "rep", "id": "dan"}]),
            &json!([{"kind": "rep", "id": "ada"}]),
            &json!([]),
            &json!(7)
        )
    );
    done["dryRun"] = json!(true);
    assert_eq!(done, preview, "the preview was true");
    let back = import(&service, json!({"roster": before}), 200).await;
    assert_eq!(back["removed"], json!([{"kind": "rep", "id": "dan"}]));
    assert_eq!(service.get("/v1/roster").await, before);
    let empty = import(&service, json!({}), 422).await;
    assert_eq!(pointers(&empty), ["#"]);
    service.expect_intact_audit().await;
    service.stop().await;
}

async fn absent(service: &Service, rep: &str, body: Value, expected: u16) -> Value {
    service.send(Method::POST, &format!("/v1/reps/{rep}/absences"), Some(body), expected).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_absence_has_a_cover_who_is_there_and_covers_close_no_circle() {
    let service = founded().await;
    let week =
        |cover: &str| json!({"from": "2099-03-02T00:00:00Z", "to": "2099-03-06T00:00:00Z", "cover": cover});
    let noted = absent(&service, "ada", week("ben"), 201).await;
    absent(&service, "ben", week("cid"), 201).await;
    let circle = absent(&service, "cid", week("ada"), 422).await;
    assert_eq!(pointers(&circle), ["#/cover"]);
    assert!(
        circle["errors"][0]["detail"].as_str().unwrap().ends_with("cid, then ada, then ben, then cid"),
        "{circle}"
    );
    let mut later = week("ada");
    (later["from"], later["to"]) = (json!("2099-03-06T00:00:00Z"), json!("2099-03-07T00:00:00Z"));
    absent(&service, "cid", later, 201).await;

    let wrong = json!({"from": "2099-03-02T00:00:00Z", "to": "2099-03-02T00:00:00Z", "cover": "zoe", "note": "x".repeat(501)});
    assert_eq!(pointers(&absent(&service, "ada", wrong, 422).await), ["#/to", "#/note", "#/cover"]);
    assert_eq!(pointers(&absent(&service, "ada", week("ada"), 422).await), ["#/cover"]);
    let over = json!({"from": "2020-01-01T00:00:00Z", "to": "2020-01-02T00:00:00Z"});
    assert_eq!(pointers(&absent(&service, "ada", over, 422).await), ["#/to"]);
    absent(&service, "zoe", week("ben"), 404).await;

    // A cover cannot go while it is needed.
    let territory = under(&service, Method::GET, "/v1/named-accounts/acme.com", None, None).await;
    under(&service, Method::DELETE, "/v1/named-accounts/acme.com", Some(&tag(&territory)), None).await;
    let ada = under(&service, Method::GET, "/v1/reps/ada", None, None).await;
    let refused = under(&service, Method::DELETE, "/v1/reps/ada", Some(&tag(&ada)), None).await;
    let refused: Value = refused.json().await.unwrap();
    assert_eq!(refused["reasons"], json!(["rep ada stands in for cid"]));

    // One that has not begun is gone when it is ended, one that has begun is over.
    let path = |id: &Value| format!("/v1/reps/ada/absences/{}", id.as_str().unwrap());
    service.send(Method::DELETE, &path(&noted["absenceId"]), None, 204).await;
    service.send(Method::DELETE, &path(&noted["absenceId"]), None, 404).await;
    let begun = absent(&service, "ada", json!({"from": service.now(), "cover": "ben"}), 201).await;
    service.advance("PT1H").await;
    service.send(Method::DELETE, &path(&begun["absenceId"]), None, 204).await;
    let ended = service.get("/v1/reps/ada/absences").await;
    assert_eq!(
        (ended["data"].as_array().unwrap().len(), &ended["data"][0]["to"]),
        (1, &json!(service.now()))
    );
    service.advance("PT1H").await;
    service.send(Method::DELETE, &path(&begun["absenceId"]), None, 204).await;
    assert_eq!(service.get("/v1/reps/ada/absences").await, ended, "what is over stays as it was");
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_of_a_pool_leaves_the_rotation_as_it_was() {
    let service = founded().await;
    let handoffs = &service.running.app.handoffs;
    let sales = TeamId::parse("sales").unwrap();
    let teams = BTreeSet::from([sales.clone()]);
    let turns: Rotation = serde_json::from_value(json!([
        {"rep": "ada", "balance": -600_000_000_000_i64, "missed": 0, "member": true},
        {"rep": "ben", "balance": 600_000_000_000_i64, "missed": 0, "member": true},
    ]))
    .unwrap();
    let mut conn = service.database.pool.acquire().await.unwrap();
    write_rotations(&mut conn, [(&sales, &turns)], service.now()).await.unwrap();
    let more = "id,name,email,team,weight,pods\nada,,,sales,9,dach\ndan,Dan,d@acme.com,sales,2,\n";
    let more = more.replace("ada,,,", "ada,Ada,a@acme.com,");
    import(&service, json!({"files": [{"name": "reps.csv", "text": more}]}), 200).await;
    absent(&service, "ben", json!({"from": service.now()}), 201).await;
    let kept = read_rotations(&mut conn, &teams).await.unwrap();
    assert_eq!(kept[&sales], turns);

    // What assignment reads has the new pool, the old accounts, and Ben away.
    let (roster, absences) = handoffs.load(&mut conn, service.now()).await.unwrap();
    let snapshot =
        handoffs.snapshot(&mut conn, (&roster, &absences), None, &teams, service.now()).await.unwrap();
    assert_eq!((roster.members(&sales).len(), snapshot.rotation(&sales)), (4, Some(&turns)));
    let ben = &roster.rep("ben").unwrap().id;
    let standing = serde_json::to_value(snapshot.standing(ben).unwrap()).unwrap();
    assert_eq!((&standing["availability"]["kind"], &standing["open"]), (&json!("absent"), &json!(0)));
    drop(conn);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn replicas_see_an_edit_with_the_next_request() {
    let one = founded().await;
    let other = one.replica(&[]).await;
    assert_eq!(other.get("/v1/roster").await["reps"].as_array().unwrap().len(), 3);
    one.send(Method::PUT, "/v1/reps/dan", Some(rep("dan")), 201).await;
    assert_eq!(other.get("/v1/roster").await["reps"].as_array().unwrap().len(), 4);
    other.stop().await;
    one.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_preview_of_the_clock_explains_each_day() {
    let folder = crate::harness::DataDir::new();
    let types =
        include_str!("../../config/handoffs.toml").replacen("basis = \"wall\"", "basis = \"business\"", 1);
    let file = folder.0.join("types.toml");
    std::fs::write(&file, types).unwrap();
    let service = Service::live(&[("GTM_HANDOFFS__TYPES_FILE", file.to_str().unwrap())]).await;
    import(&service, json!({"roster": company()}), 200).await;
    // Friday at three in Berlin; Monday is a holiday, and in between the clocks go forward.
    let asked = "/v1/sla/preview?type=mql_to_sales&team=sales&rep=ada&at=2027-03-26T14:00:00Z";
    let preview = service.get(asked).await;
    assert_eq!(
        (&preview["dueAt"], &preview["zone"]),
        (&json!("2027-03-30T09:00:00Z"), &json!("Europe/Berlin"))
    );
    let days: Vec<(&Value, &Value, &Value)> = preview["days"]
        .as_array()
        .unwrap()
        .iter()
        .map(|day| (&day["date"], &day["countedSeconds"], &day["note"]["because"]))
        .take(4)
        .collect();
    let day = |date: &str, seconds: i64, because: &str| (json!(date), json!(seconds), json!(because));
    let expected = [
        day("2027-03-26", 7_200, "weekday"),
        day("2027-03-27", 0, "noHours"),
        day("2027-03-28", 0, "noHours"),
        day("2027-03-29", 0, "holiday"),
    ];
    assert_eq!(days, expected.iter().map(|(a, b, c)| (a, b, c)).collect::<Vec<_>>());
    // An absence of the owner takes time out of the clock, and of the day.
    let gone = json!({"from": "2027-03-26T14:00:00Z", "to": "2027-03-27T00:00:00Z"});
    absent(&service, "ada", gone, 201).await;
    let preview = service.get(asked).await;
    assert_eq!(preview["dueAt"], "2027-03-30T11:00:00Z");
    assert_eq!(preview["days"][0]["note"]["because"], "ownerAway");
    for (query, code) in [
        ("type=nothing", 404),
        ("type=mql_to_sales&team=none", 404),
        ("type=mql_to_sales&rep=none", 404),
        ("team=sales", 400),
    ] {
        service.send(Method::GET, &format!("/v1/sla/preview?{query}"), None, code).await;
    }
    service.stop().await;
}
