//! Which members of a JSON object say who somebody is, whatever way their names are written.

/// Members that tell about a person in an object that is about one. What is said to or by somebody is theirs too.
const PERSONAL: [&str; 24] = [
    "name",
    "firstname",
    "lastname",
    "fullname",
    "displayname",
    "title",
    "jobtitle",
    "salutation",
    "email",
    "contactemail",
    "billingemail",
    "mail",
    "phone",
    "mobile",
    "mobilephone",
    "fax",
    "linkedin",
    "linkedinurl",
    "avatar",
    "photo",
    "birthday",
    "address",
    "subject",
    "content",
];
/// Members that make an object with an `id` a person.
const PEOPLE: [&str; 6] = ["email", "phone", "optedout", "firstname", "lastname", "fullname"];
/// Members whose texts are put together of ids.
const JOINED: [&str; 2] = ["purpose", "part"];

/// The name without case and underscores.
fn plain(name: &str) -> String {
    name.chars().filter(|c| *c != '_' && *c != '-').flat_map(char::to_lowercase).collect()
}

pub(super) fn is_personal(name: &str) -> bool {
    PERSONAL.contains(&plain(name).as_str())
}

/// The id of a contact, or a list of such ids.
pub(super) fn is_contact_id(name: &str) -> bool {
    let name = plain(name);
    ["contactid", "contactids", "personid", "leadid"].iter().any(|end| name.ends_with(end))
}

/// An address at which somebody is reached.
pub(super) fn is_address(name: &str) -> bool {
    plain(name).ends_with("email") || plain(name) == "mail"
}

pub(super) fn marks_people(name: &str) -> bool {
    PEOPLE.contains(&plain(name).as_str())
}

pub(super) fn is_joined(name: &str) -> bool {
    JOINED.contains(&plain(name).as_str())
}

/// A member that says who an object is about in words.
pub(super) fn is_name(name: &str) -> bool {
    ["name", "fullname", "displayname"].contains(&plain(name).as_str())
}
