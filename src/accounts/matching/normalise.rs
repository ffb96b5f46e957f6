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

/// Parts that stand before a country's ending and make one ending with it.
const SECOND_LEVEL: [&str; 8] = ["ac", "co", "com", "edu", "gov", "net", "or", "org"];

/// Whether `domain` lies under `parent`, and `parent` is itself a company's domain.
pub fn is_subdomain(domain: &str, parent: &str) -> bool {
    let mut parts = parent.split('.');
    let is_public = match (parts.next(), parts.next(), parts.next()) {
        (Some(second), Some(country), None) => country.len() == 2 && SECOND_LEVEL.contains(&second),
        (_, second, _) => second.is_none(),
    };
    let under = domain.strip_suffix(parent).is_some_and(|rest| rest.len() > 1 && rest.ends_with('.'));
    under && !is_public && !is_free_mail(parent)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn domains_come_out_bare() {
        for (text, domain) in [
            ("acme.com", Some("acme.com")),
            ("https://www.Acme.com/about?x=1#top", Some("acme.com")),
            ("http://user:secret@shop.acme.co.uk:8080/", Some("shop.acme.co.uk")),
            ("www.acme.com.", Some("acme.com")),
            ("www.com", Some("www.com")),
            ("ana@acme.com", Some("acme.com")),
            ("müller.de", Some("müller.de")),
            ("xn--mller-kva.de", Some("xn--mller-kva.de")),
            ("acme", None),
            ("10.0.0.1", None),
            ("acme .com", None),
            ("-acme.com", None),
            ("acme..com", None),
            ("", None),
        ] {
            assert_eq!(domain_of(text).as_deref(), domain, "{text}");
        }
    }

    #[test]
    fn free_mail_is_nobodys_company() {
        assert!(FREE_MAIL.is_sorted(), "the list is searched by halves");
        assert_eq!(email_domain("ana@Acme.com").as_deref(), Some("acme.com"));
        for address in ["a@gmail.com", "a@yahoo.fr", "a@126.com", "a@zoho.com", "acme.com", "a@b"] {
            assert_eq!(email_domain(address), None, "{address}");
        }
    }

    #[test]
    fn a_subdomain_belongs_to_a_company_not_to_a_country() {
        assert!(is_subdomain("eu.acme.com", "acme.com"));
        assert!(is_subdomain("eu.acme.co.uk", "acme.co.uk"));
        assert!(!is_subdomain("acme.com", "acme.com"));
        assert!(!is_subdomain("notacme.com", "acme.com"));
        assert!(!is_subdomain("acme.co.uk", "co.uk"));
        assert!(!is_subdomain("acme.com", "com"));
        assert!(!is_subdomain("x.gmail.com", "gmail.com"));
    }
}
