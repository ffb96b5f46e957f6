//! The JSON Schema of a plan document, made from the types that read it.

use serde_json::{Value, json};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use crate::plans::model::Plan;
use crate::platform::http::{Json, Scoped, scope};

/// Read the JSON Schema of plan documents
///
/// Draft 2020-12. What passes it may still have faults that a schema cannot tell, such as names that lead nowhere.
#[utoipa::path(
    get, path = "/v1/plans/schema.json", tag = "plans", operation_id = "get_plan_schema",
    security(("api_key" = ["plans:read"])),
    responses((status = 200, body = Object, description = "The schema."))
)]
pub async fn get_plan_schema(_caller: Scoped<scope::PlansRead>) -> Json<Value> {
    Json(json_schema())
}

/// The schema of a plan document.
pub fn json_schema() -> Value {
    let mut named: Vec<(String, RefOr<Schema>)> = Vec::new();
    Plan::schemas(&mut named);
    let defs: serde_json::Map<String, Value> = named
        .into_iter()
        .map(|(name, schema)| (name, serde_json::to_value(schema).unwrap_or_default()))
        .collect();
    let mut schema = serde_json::to_value(Plan::schema()).unwrap_or_default();
    schema["$schema"] = json!("https://json-schema.org/draft/2020-12/schema");
    schema["title"] = json!("Plan");
    schema["$defs"] = Value::Object(defs);
    rename(&mut schema);
    schema
}

/// Leads references to where the schema keeps what they name.
fn rename(value: &mut Value) {
    match value {
        Value::Object(members) => {
            if let Some(Value::String(to)) = members.get_mut("$ref") {
                *to = to.replace("#/components/schemas/", "#/$defs/");
            }
            members.values_mut().for_each(rename);
        }
        Value::Array(entries) => entries.iter_mut().for_each(rename),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
