//! The people of Tessera who take accounts over.

use serde_json::{Value, json};

/// Teams, reps, territories: as `POST /v1/roster/import` takes it. Everybody is there around the clock, so that the demo
/// shows the same at any hour.
pub fn roster() -> Value {
    let rep = |id: &str, name: &str, team: &str, manager: &str, weight: u32, capacity: u32| {
        json!({
            "id": id, "name": name, "email": format!("{}@tessera.example", id.trim_start_matches("rep-")),
            "team": team, "manager": manager, "weight": weight, "capacity": capacity,
        })
    };
    let lead = |id: &str, name: &str, team: &str| {
        json!({"id": id, "name": name, "email": format!("{}@tessera.example", id.trim_start_matches("rep-")),
            "team": team, "weight": 0})
    };
    json!({
        "teams": [
            {"id": "sales", "name": "Sales", "channel": "#sales-handoffs", "lead": "rep-greta", "fallbackOwner": "rep-greta"},
            {"id": "customer_success", "name": "Customer Success", "channel": "#cs-handoffs", "fallbackOwner": "rep-hugo"},
            {"id": "partner", "name": "Partnerships", "channel": "#partners", "fallbackOwner": "rep-ines"},
            {"id": "revops", "name": "Revenue Operations"},
        ],
        "reps": [
            rep("rep-ana", "Ana Ferreira", "sales", "rep-greta", 2, 30),
            rep("rep-bruno", "Bruno Keller", "sales", "rep-greta", 2, 30),
            rep("rep-chen", "Chen Wei", "sales", "rep-greta", 2, 30),
            rep("rep-dara", "Dara Byrne", "sales", "rep-greta", 1, 20),
            rep("rep-elif", "Elif Kaya", "sales", "rep-greta", 2, 30),
            rep("rep-farid", "Farid Nasser", "sales", "rep-greta", 1, 20),
            rep("rep-jun", "Jun Mori", "customer_success", "rep-hugo", 1, 40),
            rep("rep-kaja", "Kaja Nilsen", "customer_success", "rep-hugo", 1, 40),
            rep("rep-lola", "Lola Reyes", "partner", "rep-ines", 1, 40),
            rep("rep-mats", "Mats Berg", "partner", "rep-ines", 1, 40),
            lead("rep-greta", "Greta Olsen", "sales"),
            lead("rep-hugo", "Hugo Blanc", "customer_success"),
            lead("rep-ines", "Ines Costa", "partner"),
            lead("rep-quinn", "Quinn Adler", "revops"),
        ],
        "roles": [
            {"id": "sales_manager", "reps": ["rep-greta"]},
            {"id": "cs_manager", "reps": ["rep-hugo"]},
            {"id": "partner_manager", "reps": ["rep-ines"]},
            {"id": "marketing_manager", "reps": ["rep-quinn"]},
            {"id": "revops_manager", "reps": ["rep-quinn"]},
        ],
    })
}
