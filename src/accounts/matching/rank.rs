//! The ranking of candidates: points for each piece of evidence, and what decides between equals.
//!
//! Promises: scores lie within 0 and 100; a candidate without evidence of its own (the same country alone)
//! is no match; the order is total, and where a rule other than the score decided, the match names it.

use serde::Serialize;

use super::names::{normalise_name, plain_text};
use super::normalise::{domain_of, email_domain, is_free_mail, is_subdomain};
use crate::kernel::clock::DateTime;
use crate::kernel::ids::AccountId;

/// What is known of the record whose account is sought. Texts as they came.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Query {
    /// The account's id, when the record carries one.
    pub account_id: Option<String>,
    pub domain: Option<String>,
    pub email: Option<String>,
    pub name: Option<String>,
    pub country: Option<String>,
    pub region: Option<String>,
    /// A person said that records like this belong to this account.
    pub pinned: Option<AccountId>,
    /// A person said that records like this do not belong to these.
    pub ruled_out: Vec<AccountId>,
}

/// An account that could be the one.
#[derive(Debug, Clone)]
pub struct Candidate {
    pub account_id: AccountId,
    pub domain: Option<String>,
    pub name: Option<String>,
    pub country: Option<String>,
    pub region: Option<String>,
    /// Domains of its people's e-mail addresses, and domains that it had before.
    pub known_domains: Vec<String>,
    pub has_owner: bool,
    pub last_activity_at: Option<DateTime>,
}

/// A candidate with evidence for it.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Match {
    #[schema(value_type = String)]
    pub account_id: AccountId,
    /// 0–100.
    pub score: u32,
    pub reasons: Vec<Reason>,
    /// Why this one stands before the next, when their scores are equal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tie_break: Option<TieBreak>,
}

/// A piece of evidence and what it counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Reason {
    pub kind: ReasonKind,
    /// May be negative: evidence against.
    pub points: i32,
}

/// The kinds of evidence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReasonKind {
    /// A person decided it.
    Pinned,
    SameId,
    SameDomain,
    /// One domain lies under the other.
    RelatedDomain,
    /// One of the account's people has an address there, or the account had this domain before.
    KnownDomain,
    SameName,
    /// At least half of the words of both names are shared.
    SimilarName,
    SameCountry,
    OtherCountry,
    SameRegion,
}

impl ReasonKind {
    /// What the evidence counts. An id or a domain decides; a name needs an address beside it to come near.
    fn points(self) -> i32 {
        match self {
            Self::Pinned | Self::SameId => 100,
            Self::SameDomain => 80,
            Self::RelatedDomain => 60,
            Self::SameName => 50,
            Self::KnownDomain => 40,
            Self::SimilarName => 25,
            Self::SameCountry => 10,
            Self::SameRegion => 5,
            Self::OtherCountry => -15,
        }
    }
}

/// What decided between equal scores.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TieBreak {
    /// The account has an owner, the next has none.
    HasOwner,
    /// Its last activity is newer.
    NewerActivity,
    /// Nothing but the id: the smaller one, so that the order is always the same.
    SmallerId,
}

/// Below this a candidate is not worth showing.
const SCORE_MIN: i32 = 25;

/// The query in comparable form.
struct Sought {
    account_id: Option<String>,
    domains: Vec<String>,
    name: Option<String>,
    country: Option<String>,
    region: Option<String>,
}

impl Query {
    /// What candidates and corrections for this record are looked up by: `id:…`, `domain:…` with the domains that
    /// it lies under behind it, `name:…`, the surest first.
    pub fn keys(&self) -> Vec<String> {
        let sought = self.sought();
        let id = sought.account_id.iter().map(|id| format!("id:{id}"));
        let mut domains: Vec<&str> = Vec::new();
        let own = sought.domains.iter().map(String::as_str);
        for domain in own.clone().chain(sought.domains.iter().flat_map(|domain| parents(domain))) {
            if !domains.contains(&domain) {
                domains.push(domain);
            }
        }
        let domains = domains.into_iter().map(|domain| format!("domain:{domain}"));
        let name = sought.name.iter().map(|name| format!("name:{name}"));
        id.chain(domains).chain(name).collect()
    }

    fn sought(&self) -> Sought {
        let said = self.domain.as_deref().and_then(domain_of).filter(|domain| !is_free_mail(domain));
        let mut domains: Vec<String> =
            said.into_iter().chain(self.email.as_deref().and_then(email_domain)).collect();
        domains.dedup();
        let text = |text: &Option<String>, plain: fn(&str) -> String| {
            text.as_deref().map(plain).filter(|text| !text.is_empty())
        };
        Sought {
            account_id: self.account_id.clone().filter(|id| !id.is_empty()),
            domains,
            name: text(&self.name, normalise_name),
            country: text(&self.country, plain_text),
            region: text(&self.region, plain_text),
        }
    }
}

/// Ranks candidates by the evidence for them, best first. A pinned account comes first even when it is not
/// among the candidates; those ruled out are left out.
pub fn rank(query: &Query, candidates: &[Candidate]) -> Vec<Match> {
    let sought = query.sought();
    let mut ranked: Vec<(Match, Option<&Candidate>)> = candidates
        .iter()
        .filter(|candidate| !query.ruled_out.contains(&candidate.account_id))
        .filter(|candidate| query.pinned.as_ref() != Some(&candidate.account_id))
        .filter_map(|candidate| judge(&sought, candidate).map(|found| (found, Some(candidate))))
        .collect();
    ranked.sort_by(|(a, a_is), (b, b_is)| {
        b.score
            .cmp(&a.score)
            .then_with(|| precedence(*b_is).cmp(&precedence(*a_is)))
            .then_with(|| a.account_id.cmp(&b.account_id))
    });
    for at in 1..ranked.len() {
        let (before, after) = (&ranked[at - 1], &ranked[at]);
        if before.0.score == after.0.score {
            ranked[at - 1].0.tie_break = Some(tie_break(before.1, after.1));
        }
    }
    let pinned = query.pinned.clone().map(|account_id| Match {
        account_id,
        score: 100,
        reasons: vec![reason(ReasonKind::Pinned)],
        tie_break: None,
    });
    pinned.into_iter().chain(ranked.into_iter().map(|(found, _)| found)).collect()
}

/// What orders equal scores before the id does.
fn precedence(candidate: Option<&Candidate>) -> (bool, Option<DateTime>) {
    candidate.map_or((false, None), |candidate| (candidate.has_owner, candidate.last_activity_at))
}

fn tie_break(before: Option<&Candidate>, after: Option<&Candidate>) -> TieBreak {
    let (before, after) = (precedence(before), precedence(after));
    if before.0 != after.0 {
        TieBreak::HasOwner
    } else if before.1 != after.1 {
        TieBreak::NewerActivity
    } else {
        TieBreak::SmallerId
    }
}

fn reason(kind: ReasonKind) -> Reason {
    Reason { kind, points: kind.points() }
}

/// The evidence for one candidate; nothing when there is too little.
fn judge(sought: &Sought, candidate: &Candidate) -> Option<Match> {
    let mut reasons = Vec::new();
    if sought.account_id.as_deref() == Some(candidate.account_id.as_str()) {
        reasons.push(reason(ReasonKind::SameId));
    }
    reasons.extend(by_domain(sought, candidate).map(reason));
    reasons.extend(by_name(sought, candidate).map(reason));
    if reasons.is_empty() {
        return None;
    }
    reasons.extend(by_address(sought, candidate).into_iter().map(reason));
    let score = reasons.iter().map(|reason| reason.points).sum::<i32>().min(100);
    if score < SCORE_MIN {
        return None;
    }
    let score = score.unsigned_abs();
    Some(Match { account_id: candidate.account_id.clone(), score, reasons, tie_break: None })
}

fn by_domain(sought: &Sought, candidate: &Candidate) -> Option<ReasonKind> {
    let known = || sought.domains.iter().any(|domain| candidate.known_domains.contains(domain));
    by_own_domain(sought, candidate).or_else(|| known().then_some(ReasonKind::KnownDomain))
}

fn by_own_domain(sought: &Sought, candidate: &Candidate) -> Option<ReasonKind> {
    let domain = candidate.domain.as_deref().and_then(domain_of).filter(|domain| !is_free_mail(domain))?;
    if sought.domains.contains(&domain) {
        return Some(ReasonKind::SameDomain);
    }
    let related = |other: &String| is_subdomain(other, &domain) || is_subdomain(&domain, other);
    sought.domains.iter().any(related).then_some(ReasonKind::RelatedDomain)
}

/// The domains that a domain lies under, as far as they are companies' own.
fn parents(domain: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(domain), |domain| domain.split_once('.').map(|(_, parent)| parent))
        .skip(1)
        .take_while(move |parent| is_subdomain(domain, parent))
}

fn by_name(sought: &Sought, candidate: &Candidate) -> Option<ReasonKind> {
    let sought = sought.name.as_deref()?;
    let name = normalise_name(candidate.name.as_deref()?);
    if name == sought {
        return Some(ReasonKind::SameName);
    }
    let words = |text: &'_ str| text.split(' ').map(str::to_owned).collect::<std::collections::BTreeSet<_>>();
    let (ours, theirs) = (words(sought), words(&name));
    let shared = ours.intersection(&theirs).count();
    let all = ours.union(&theirs).count();
    (shared > 0 && shared * 2 >= all).then_some(ReasonKind::SimilarName)
}

fn by_address(sought: &Sought, candidate: &Candidate) -> Vec<ReasonKind> {
    let mut found = Vec::new();
    let same = |ours: &Option<String>, theirs: &Option<String>| {
        let (ours, theirs) = (ours.as_deref()?, plain_text(theirs.as_deref()?));
        (!theirs.is_empty()).then(|| ours == theirs)
    };
    match same(&sought.country, &candidate.country) {
        Some(true) => found.push(ReasonKind::SameCountry),
        Some(false) => found.push(ReasonKind::OtherCountry),
        None => {}
    }
    if same(&sought.region, &candidate.region) == Some(true) {
        found.push(ReasonKind::SameRegion);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(text: &str) -> AccountId {
        AccountId::parse(text).unwrap()
    }

    fn candidate(account_id: &str, domain: Option<&str>, name: Option<&str>) -> Candidate {
        Candidate {
            account_id: id(account_id),
            domain: domain.map(str::to_owned),
            name: name.map(str::to_owned),
            country: None,
            region: None,
            known_domains: Vec::new(),
            has_owner: false,
            last_activity_at: None,
        }
    }

    fn query(domain: Option<&str>, name: Option<&str>) -> Query {
        Query { domain: domain.map(str::to_owned), name: name.map(str::to_owned), ..Query::default() }
    }

    fn ids(matches: &[Match]) -> Vec<(&str, u32)> {
        matches.iter().map(|found| (found.account_id.as_str(), found.score)).collect()
    }

    #[test]
    fn evidence_counts_by_its_kind() {
        let accounts = [
            candidate("same-domain", Some("www.acme.com"), Some("Something else")),
            candidate("both", Some("acme.com"), Some("ACME Inc.")),
            candidate("name", Some("acme.org"), Some("Acme GmbH")),
            candidate("related", Some("eu.acme.com"), None),
            candidate("similar", None, Some("Acme Labs")),
            candidate("other", Some("zenith.com"), Some("Zenith")),
        ];
        let found = rank(&query(Some("https://acme.com"), Some("The Acme Corp")), &accounts);
        assert_eq!(
            ids(&found),
            [("both", 100), ("same-domain", 80), ("related", 60), ("name", 50), ("similar", 25)]
        );
        assert_eq!(
            found[0].reasons.iter().map(|reason| reason.kind).collect::<Vec<_>>(),
            [ReasonKind::SameDomain, ReasonKind::SameName]
        );
    }

    #[test]
    fn the_id_decides_and_an_email_address_stands_for_a_domain() {
        let accounts = [candidate("acc-1", None, None), candidate("acc-2", Some("acme.com"), None)];
        let by_id = Query { account_id: Some("acc-1".to_owned()), ..Query::default() };
        assert_eq!(ids(&rank(&by_id, &accounts)), [("acc-1", 100)]);
        let by_email = Query { email: Some("ana@acme.com".to_owned()), ..Query::default() };
        assert_eq!(ids(&rank(&by_email, &accounts)), [("acc-2", 80)]);
    }

    #[test]
    fn free_mail_and_a_shared_country_are_no_evidence() {
        let mut account = candidate("acc-1", Some("gmail.com"), Some("Acme"));
        account.country = Some("DE".to_owned());
        let by_mail = Query {
            email: Some("ana@gmail.com".to_owned()),
            domain: Some("gmail.com".to_owned()),
            country: Some("de".to_owned()),
            ..Query::default()
        };
        assert_eq!(rank(&by_mail, &[account]), []);
        assert_eq!(by_mail.keys(), Vec::<String>::new());
    }

    #[test]
    fn the_address_tells_namesakes_apart() {
        let mut german = candidate("de", None, Some("Acme"));
        german.country = Some("DE".to_owned());
        german.region = Some("Bayern".to_owned());
        let mut french = candidate("fr", None, Some("Acme"));
        french.country = Some("FR".to_owned());
        let sought = Query {
            country: Some("de".to_owned()),
            region: Some("BAYERN".to_owned()),
            ..query(None, Some("Acme AG"))
        };
        assert_eq!(ids(&rank(&sought, &[french, german])), [("de", 65), ("fr", 35)]);
    }

    #[test]
    fn between_equals_owner_activity_and_id_decide_and_say_so() {
        let at = |day: i64| chrono::DateTime::from_timestamp(day * 86_400, 0);
        let with = |account_id: &str, has_owner, last_activity_at| Candidate {
            has_owner,
            last_activity_at,
            ..candidate(account_id, Some("acme.com"), None)
        };
        let accounts =
            [with("d", false, None), with("c", false, None), with("b", false, at(9)), with("a", true, at(1))];
        let found = rank(&query(Some("acme.com"), None), &accounts);
        let order: Vec<_> = found.iter().map(|f| (f.account_id.as_str(), f.tie_break)).collect();
        assert_eq!(
            order,
            [
                ("a", Some(TieBreak::HasOwner)),
                ("b", Some(TieBreak::NewerActivity)),
                ("c", Some(TieBreak::SmallerId)),
                ("d", None)
            ]
        );
    }

    #[test]
    fn what_a_person_said_wins() {
        let accounts = [candidate("wrong", Some("acme.com"), None), candidate("right", None, None)];
        let pinned = Query { pinned: Some(id("right")), ..query(Some("acme.com"), None) };
        let found = rank(&pinned, &accounts);
        assert_eq!(ids(&found), [("right", 100), ("wrong", 80)]);
        assert_eq!(found[0].reasons, [reason(ReasonKind::Pinned)]);
        let ruled_out = Query { ruled_out: vec![id("wrong")], ..query(Some("acme.com"), None) };
        assert_eq!(rank(&ruled_out, &accounts), []);
    }

    #[test]
    fn the_order_of_candidates_does_not_matter() {
        let mut accounts: Vec<Candidate> =
            ["c", "a", "b"].map(|name| candidate(name, Some("acme.com"), Some("Acme"))).to_vec();
        let forwards = rank(&query(Some("acme.com"), Some("Acme")), &accounts);
        accounts.reverse();
        assert_eq!(rank(&query(Some("acme.com"), Some("Acme")), &accounts), forwards);
    }

    #[test]
    fn an_address_of_its_people_makes_a_candidate_but_counts_less_than_its_own_domain() {
        let mut account = candidate("acc-1", Some("acme.com"), None);
        account.known_domains = vec!["agency.com".to_owned(), "acme.com".to_owned()];
        assert_eq!(ids(&rank(&query(Some("agency.com"), None), &[account.clone()])), [("acc-1", 40)]);
        assert_eq!(ids(&rank(&query(Some("acme.com"), None), &[account])), [("acc-1", 80)]);
    }

    #[test]
    fn a_domain_is_looked_up_with_those_it_lies_under() {
        let keys = query(Some("shop.eu.acme.co.uk"), None).keys();
        assert_eq!(keys, ["domain:shop.eu.acme.co.uk", "domain:eu.acme.co.uk", "domain:acme.co.uk"]);
    }

    #[test]
    fn keys_name_what_to_look_up() {
        let sought = Query {
            account_id: Some("acc-1".to_owned()),
            email: Some("ana@mail.acme.com".to_owned()),
            ..query(Some("https://acme.com"), Some("Acme, Inc."))
        };
        assert_eq!(sought.keys(), ["id:acc-1", "domain:acme.com", "domain:mail.acme.com", "name:acme"]);
    }
}
