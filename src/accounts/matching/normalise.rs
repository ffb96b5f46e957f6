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

/// Domains under which everybody can have an address.
const FREE_MAIL: [&str; 30] = [
    "126.com",
    "163.com",
    "aol.com",
    "fastmail.com",
    "free.fr",
    "gmail.com",
    "gmx.at",
    "gmx.ch",
    "gmx.de",
    "gmx.net",
    "googlemail.com",
    "hey.com",
    "hotmail.com",
    "icloud.com",
    "laposte.net",
    "libero.it",
    "live.com",
    "mail.com",
    "mail.ru",
    "me.com",
    "msn.com",
    "orange.fr",
    "outlook.com",
    "proton.me",
    "protonmail.com",
    "qq.com",
    "web.de",
    "yahoo.com",
    "yandex.ru",
    "zoho.com",
];

/// Whether a domain belongs to a mail provider rather than to a company.
pub fn is_free_mail(domain: &str) -> bool {
    // These two give each country an ending of its own.
    FREE_MAIL.binary_search(&domain).is_ok() || domain.starts_with("yahoo.") || domain.starts_with("hotmail.")
}

/// The company's domain in an e-mail address; nothing for a free-mail address.
pub fn email_domain(email: &str) -> Option<String> {
    let (_, domain) = email.rsplit_once('@')?;
    domain_of(domain).filter(|domain| !is_free_mail(domain))
}
