//! The people of a package, and the part each is likely to play in buying.
//!
//! Promises: the role is inferred from the title alone, by the first rule of [`RULES`] one of whose phrases stands in it
//! word for word; the rule is named. The order of people does not depend on the order in which they came, and those who
//! can be reached are never left out for those who cannot.

use super::model::{BuyingRole, PackageContact};
use super::{CONTACTS_MAX, Cut, Person, clip, said};
use crate::accounts::model::value;

/// A rule of roles: its name, the role, and phrases of a title in small letters.
struct RoleRule {
    id: &'static str,
    role: BuyingRole,
    phrases: &'static [&'static str],
}

/// In the order in which they are tried: what is said of a title as a whole before what is said of one of its words.
const RULES: [RoleRule; 11] = [
    RoleRule { id: "title_assistant", role: BuyingRole::User, phrases: &["assistant", "intern", "trainee"] },
    RoleRule {
        id: "title_close_to_decision",
        role: BuyingRole::Champion,
        phrases: &[
            "chief of staff",
            "product owner",
            "product manager",
            "program manager",
            "project manager",
        ],
    },
    RoleRule {
        id: "title_purchasing",
        role: BuyingRole::Procurement,
        phrases: &[
            "procurement",
            "purchasing",
            "sourcing",
            "buyer",
            "vendor manager",
            "vendor management",
            "category manager",
            "contract manager",
            "contracts manager",
        ],
    },
    RoleRule {
        id: "title_technical_chief",
        role: BuyingRole::TechnicalEvaluator,
        phrases: &[
            "cto",
            "cio",
            "ciso",
            "chief technology",
            "chief technical",
            "chief information",
            "chief architect",
        ],
    },
    RoleRule {
        id: "title_holds_budget",
        role: BuyingRole::EconomicBuyer,
        phrases: &[
            "cfo",
            "chief financial",
            "vp",
            "svp",
            "evp",
            "avp",
            "vice president",
            "founder",
            "cofounder",
            "owner",
            "managing director",
            "general manager",
            "finance director",
            "director of finance",
            "head of finance",
            "controller",
            "treasurer",
        ],
    },
    RoleRule {
        id: "title_executive",
        role: BuyingRole::ExecutiveSponsor,
        phrases: &[
            "ceo",
            "coo",
            "cmo",
            "cro",
            "cpo",
            "chro",
            "cdo",
            "chief",
            "president",
            "chairman",
            "chair",
        ],
    },
    RoleRule {
        id: "title_technical",
        role: BuyingRole::TechnicalEvaluator,
        phrases: &[
            "engineer",
            "engineering",
            "developer",
            "architect",
            "devops",
            "sre",
            "it",
            "technology",
            "technical",
            "security",
            "infrastructure",
            "platform",
            "software",
            "systems administrator",
            "sysadmin",
            "data scientist",
        ],
    },
    RoleRule {
        id: "title_leads_department",
        role: BuyingRole::Champion,
        phrases: &["director", "head", "lead", "manager", "principal", "supervisor"],
    },
    RoleRule {
        id: "title_daily_work",
        role: BuyingRole::User,
        phrases: &[
            "analyst",
            "specialist",
            "coordinator",
            "associate",
            "consultant",
            "administrator",
            "representative",
            "executive",
            "designer",
            "marketer",
            "accountant",
            "planner",
            "operator",
            "scientist",
            "researcher",
            "user",
            "agent",
            "officer",
        ],
    },
    RoleRule { id: "title_seniority", role: BuyingRole::User, phrases: &["junior", "senior", "staff"] },
    RoleRule {
        id: "title_department",
        role: BuyingRole::User,
        phrases: &["operations", "marketing", "sales", "support", "finance", "revops"],
    },
];

/// The role that a title speaks for, and the rule that says so.
pub(super) fn infer_role(title: &str) -> (BuyingRole, Option<&'static str>) {
    // Words between spaces, so that a phrase is found word for word.
    let words: String = title
        .to_lowercase()
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .flat_map(|word| [" ", word])
        .collect();
    let words = format!("{words} ");
    let fits = |rule: &&RoleRule| rule.phrases.iter().any(|phrase| words.contains(&format!(" {phrase} ")));
    RULES.iter().find(fits).map_or((BuyingRole::Unknown, None), |rule| (rule.role, Some(rule.id)))
}

pub(super) fn contacts(people: &[Person], cut: &mut Cut) -> Vec<PackageContact> {
    let mut contacts: Vec<PackageContact> = people.iter().map(contact).collect();
    contacts.sort_by(|a, b| order(a).cmp(&order(b)));
    cut.keep_up_to(CONTACTS_MAX, "contacts", contacts)
}

fn order(contact: &PackageContact) -> (bool, bool, BuyingRole, Option<&str>, &str) {
    (!contact.is_reachable(), !contact.is_primary, contact.role, contact.name.as_deref(), &contact.id)
}

fn contact(person: &Person) -> PackageContact {
    let known = &person.contact;
    let title = said(value(&known.title));
    let (role, rule) = title.as_deref().map_or((BuyingRole::Unknown, None), infer_role);
    let opted_out = value(&known.opted_out).copied().unwrap_or(false);
    PackageContact {
        id: person.id.clone(),
        name: full_name(person),
        title,
        email: said(value(&known.email)).filter(|_| !opted_out),
        phone: said(value(&known.phone)).filter(|_| !opted_out),
        is_primary: value(&known.is_primary).copied().unwrap_or(false),
        role,
        role_rule: rule.map(str::to_owned),
        opted_out,
    }
}

/// First and last name, as far as known.
fn full_name(person: &Person) -> Option<String> {
    let parts = [said(value(&person.contact.first_name)), said(value(&person.contact.last_name))];
    let name = parts.into_iter().flatten().collect::<Vec<_>>().join(" ");
    Some(clip(&name)).filter(|name| !name.is_empty())
}
