//! Team leads note absences of their own team, and of nobody else.

use reqwest::Method;
use serde_json::{Value, json};

use crate::handoffs::sales_team;
use crate::harness::Service;

/// A client with a key of these scopes that acts for a rep.
async fn key(service: &Service, scopes: &[&str], rep: Option<&str>) -> crate::client::Client {
    let mut body = json!({"label": "t", "scopes": scopes});
    if let Some(rep) = rep {
        body["repId"] = json!(rep);
    }
    let made = service.send(Method::POST, "/v1/keys", Some(body), 201).await;
    assert_eq!(made["repId"], json!(rep));
    service.with_key(made["key"].as_str().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lead_notes_and_ends_absences_of_the_own_team_and_of_no_other() {
    let service = Service::sandbox().await;
    sales_team(&service).await;
    let ida = json!({"id": "ida", "name": "Ida", "email": "ida@seller.com", "team": "partner"});
    service.send(Method::PUT, "/v1/reps/ida", Some(ida), 201).await;
    let put_team = async |body: Value, status: u16| {
        let path = format!("/v1/teams/{}", body["id"].as_str().unwrap());
        let read = service.request(Method::GET, &path).send().await.unwrap();
        let tag = read.headers()["etag"].to_str().unwrap().to_owned();
        let put =
            service.request(Method::PUT, &path).header("if-match", tag).json(&body).send().await.unwrap();
        assert_eq!(put.status().as_u16(), status);
        put.json::<Value>().await.unwrap()
    };
    let unknown = put_team(json!({"id": "sales", "lead": "nobody"}), 422).await;
    assert_eq!(unknown["errors"][0]["pointer"], "#/lead", "{unknown:#}");
    // Meg is in sales herself, and leads partners too.
    put_team(json!({"id": "sales", "channel": "#sales", "lead": "meg"}), 200).await;
    put_team(json!({"id": "partner", "lead": "ben"}), 200).await;

    let write = ["handoffs:write"];
    let meg = key(&service, &write, Some("meg")).await;
    let ben = key(&service, &write, Some("ben")).await;
    let ada = key(&service, &write, Some("ada")).await;
    let stranger = key(&service, &write, Some("gone")).await;
    let nobody = key(&service, &write, None).await;
    let reader = key(&service, &["handoffs:read"], Some("meg")).await;
    let config = key(&service, &["config:write"], None).await;
    let cases = [
        ("a lead, of a member", &meg, "ada", 201),
        ("a lead, of the lead", &meg, "meg", 201),
        ("a lead, of another team", &meg, "ida", 403),
        ("a lead of another team than the own, of its member", &ben, "ida", 201),
        ("a lead of another team than the own, of the lead", &ben, "ben", 201),
        ("a lead of another team than the own, of a colleague", &ben, "ada", 403),
        ("a rep who leads nothing, of the rep", &ada, "ada", 403),
        ("somebody who is not on the roster", &stranger, "ada", 403),
        ("a key for nobody", &nobody, "ada", 403),
        ("a lead who may only read", &reader, "ada", 403),
        ("whoever configures everything", &config, "ada", 201),
        ("a lead, of somebody who is not on the roster", &meg, "gone", 404),
    ];
    for (what, client, rep, expected) in cases {
        let path = format!("/v1/reps/{rep}/absences");
        let body = json!({"from": service.now(), "to": service.now() + chrono::TimeDelta::days(1)});
        let request = client.request(Method::POST, &path).json(&body).send().await.unwrap();
        let (status, answer) = (request.status().as_u16(), request.json::<Value>().await.unwrap());
        assert_eq!(status, expected, "{what}: {answer:#}");
        if status == 403 {
            let code = answer["code"].as_str().unwrap();
            assert!(["not_your_team", "scope_missing"].contains(&code), "{what}: {answer:#}");
        }
        if status == 201 {
            let one = format!("{path}/{}", answer["absenceId"].as_str().unwrap());
            for (other, expected) in [(&ada, 403), (&stranger, 403), (client, 204)] {
                other.send(Method::DELETE, &one, None, expected).await;
            }
        }
    }
    let said =
        meg.send(Method::POST, "/v1/reps/ida/absences", Some(json!({"from": service.now()})), 403).await;
    assert_eq!(said["detail"], "ida is in the team partner, which meg does not lead");
    service.expect_intact_audit().await;
    service.stop().await;
}
