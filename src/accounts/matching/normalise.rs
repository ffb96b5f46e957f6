//! Bringing names, domains and addresses to the form in which they can be compared.
//!
//! Promises: two spellings of one company (case, accents, punctuation, legal form) come out the same;
//! a domain comes out bare; a free-mail domain is never taken for a company's.
//! Leaves out: the public suffix list. A handful of two-part endings stands in for it, which is enough to
//! keep `co.uk` from being taken for a company's parent domain.

/// The bare domain in a text: without scheme, user, `www`, port, path; lower case. Nothing when the text
/// is no domain name.
pub fn domain_of(text: &str) -> Option<String> {
    let text = text.trim();
    let text = text.split_once("://").map_or(text, |(_, rest)| rest);
    let text = text.split(['/', '?', '#']).next().unwrap_or_default();
    let text = text.rsplit('@').next().unwrap_or_default();
    let text = text.split(':').next().unwrap_or_default().trim_end_matches('.').to_lowercase();
    let bare = text.strip_prefix("www.").filter(|rest| rest.contains('.')).unwrap_or(&text);
    let label_is_good = |label: &str| {
        (1..=63).contains(&label.len())
            && label.chars().all(|c| c.is_alphanumeric() || c == '-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let ending = bare.rsplit('.').next().unwrap_or_default();
    let is_domain = bare.len() <= 253
        && bare.contains('.')
        && bare.split('.').all(label_is_good)
        && ending.chars().any(char::is_alphabetic);
    is_domain.then(|| bare.to_owned())
}
