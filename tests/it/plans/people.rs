//! People in plans: shown, and taken out.

use serde_json::json;

use super::{create_for, document};
use crate::harness::Service;
use crate::stories::event;

#[tokio::test]
async fn a_person_is_found_in_plans_and_taken_out_and_the_plan_stays_one() {
    let service = Service::sandbox().await;
    let contact =
        json!({ "contactId": "c-1001", "firstName": "Anna", "lastName": "Obrien", "email": "anna@acme.com" });
    service
        .events(&[
            event("gtm.account.upserted", "acme", json!({ "name": "Acme" })),
            event("gtm.contact.upserted", "acme", contact),
        ])
        .await;
    service.get("/v1/accounts/acme").await;
    let mut named = document(&service);
    named["kind"] = json!("renewal");
    named["context"] =
        json!({ "champion": { "contactId": "c-1001", "name": "Anna Obrien", "title": "CFO" } });
    named["tasks"][0]["title"] = json!("Call Anna Obrien");
    named["roles"]["cro"]["email"] = json!("anna@acme.com");
    let id = create_for(&service, &named, Some("acme")).await;

    let export = service.get("/v1/accounts/acme/export?contactId=c-1001").await.to_string();
    assert!(export.contains("Call Anna Obrien"), "{export}");
    let path = "/v1/accounts/acme/personal-data?contactId=c-1001";
    let erased = service.send(reqwest::Method::DELETE, path, None, 200).await;
    assert!(erased.to_string().contains("planTasks"), "{erased:#}");
    let left = service.get(&format!("/v1/plans/{id}")).await;
    assert!(!left.to_string().contains("Obrien") && !left.to_string().contains("anna@"), "{left:#}");
    assert_eq!(left["plan"]["tasks"][0]["title"], "Call [erased]");
    assert_eq!(left["tasks"][0]["title"], "Call [erased]");
    let rest = service
        .number(
            "SELECT count(*) FROM (SELECT doc::text AS t FROM plan_version UNION ALL SELECT changes::text FROM plan_version
             UNION ALL SELECT title FROM plan_task UNION ALL SELECT doc::text FROM plan_entry) AS all_texts
             WHERE t ILIKE '%obrien%'",
        )
        .await;
    assert_eq!(rest, 0);
    service.expect_intact_audit().await;
    service.stop().await;
}
