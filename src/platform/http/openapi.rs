//! The published document: its frame, and what is the same for every operation.
//!
//! Promises: the document is `OpenAPI` 3.1; every operation names the problem document as its answer to all that goes
//! wrong, and 401 and 403 where it needs a key, without its author writing them.

use serde_json::{Value, json};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{Modify, OpenApi};

use super::contract::{SECURITY_SCHEME, written};
use super::problem::{Fault, MEDIA_TYPE, ProblemDocument};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "GTM Motion Orchestrator",
        description = "Decides, per account, which go-to-market motion is right now, keeps the motions from \
            colliding, and can prove why.\n\n\
            Errors are `application/problem+json` (RFC 9457) with a stable `code`. Lists take `limit` and `cursor` \
            and answer `{data, nextCursor}`. Creating calls take `Idempotency-Key`. Every answer carries \
            `X-Request-Id`.",
        license(name = "Apache-2.0", identifier = "Apache-2.0"),
    ),
    components(schemas(ProblemDocument, Fault)),
    modifiers(&Keys),
)]
struct Frame;

struct Keys;

impl Modify for Keys {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let scheme = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .bearer_format("gtm_…")
            .description(Some(
                "An API key. The scope that a call needs is named at the call; `admin` covers all.",
            ))
            .build();
        let components = document.components.get_or_insert_default();
        components.add_security_scheme(SECURITY_SCHEME, SecurityScheme::Http(scheme));
    }
}

/// The document without operations. Routers start from it: `OpenApiRouter::with_openapi(openapi::frame())`.
pub fn frame() -> utoipa::openapi::OpenApi {
    Frame::openapi()
}

/// The document as it is published: with the answers that every operation has.
///
/// # Errors
/// When the document cannot be written as JSON.
pub fn publish(document: &utoipa::openapi::OpenApi) -> Result<Value, serde_json::Error> {
    let mut document = serde_json::to_value(document)?;
    if let Some(paths) = document["paths"].as_object_mut() {
        *paths = std::mem::take(paths)
            .into_iter()
            .map(|(path, item)| (written(&path).into_owned(), item))
            .collect();
    }
    let paths = document["paths"].as_object_mut();
    for item in paths.into_iter().flat_map(|paths| paths.values_mut()) {
        for (name, operation) in item.as_object_mut().into_iter().flatten() {
            if name != "parameters" {
                add_usual_answers(operation);
            }
        }
    }
    Ok(document)
}

fn add_usual_answers(operation: &mut Value) {
    let public = operation["security"].as_array().is_some_and(|all| all.contains(&json!({})));
    let Some(operation) = operation.as_object_mut() else { return };
    let responses = operation.entry("responses").or_insert_with(|| json!({}));
    let Some(responses) = responses.as_object_mut() else { return };
    let mut usual = vec![("default", "What went wrong.")];
    if !public {
        usual.push(("401", "No key, or one that is not known, has expired or was revoked."));
        usual.push(("403", "The key lacks the scope that this call needs."));
    }
    for (status, description) in usual {
        let content = json!({ MEDIA_TYPE: { "schema": { "$ref": "#/components/schemas/Problem" } } });
        responses.entry(status).or_insert_with(|| json!({ "description": description, "content": content }));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_frame_is_3_1_and_knows_problems_and_keys() {
        let document = publish(&frame()).unwrap();
        assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
        assert_eq!(document["components"]["securitySchemes"]["api_key"]["scheme"], "bearer");
        let problem = &document["components"]["schemas"]["Problem"];
        assert!(problem["required"].as_array().unwrap().contains(&json!("requestId")), "{problem}");
        assert!(!problem["required"].as_array().unwrap().contains(&json!("errors")), "{problem}");
    }
}
