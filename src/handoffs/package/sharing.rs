//! What of a package a partner may see, by the consents of the account and of each person.
//!
//! A consent is kept on the account under a purpose. The policy names the purpose of sharing with partners, say
//! `partner_data_sharing`; how far it reaches is written behind it, and the first of these that was ever said decides:
//!
//! | purpose | reaches |
//! |---|---|
//! | `partner_data_sharing:<partner>:<contact>` | this person, to this partner |
//! | `partner_data_sharing:*:<contact>` | this person, to all partners |
//! | `partner_data_sharing:<partner>` | the account and its people, to this partner |
//! | `partner_data_sharing` | the account and its people, to all partners |
//!
//! A consent that was withdrawn or is past its end counts as none, and nothing wider stands in for it: who says no is not
//! shared because the company once said yes. Ids stand in a purpose as they are when they are short and plain, otherwise
//! as `~` and the first sixteen digits of their SHA-256: purposes are kept in small letters and 64 characters, and two
//! people must not meet in one. [`purposes`] writes them.
//!
//! Promises: what a partner sees is put together from what may be shared, and never what is left of the whole. Prices,
//! notes, conversations, scores, recommendations and other partners are not shared with anybody. A person without a live
//! consent is nowhere in it: texts that mention one are withheld, whoever wrote them. Who opted out is never shared. Each
//! share has a receipt and each withholding a line that says which consent would change it.
//! Leaves out: ids, which are shown as they are; a single word of a person's name in the name of a company or product.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Person;
use super::mentions::{Care, Mentions};
use super::model::{
    Company, DealPart, Expansion, Journey, Package, PackageContact, PartnerPart, Promises, QualificationPart,
    Relationship,
};
use crate::accounts::model::{Consent, Fact, id_in_purpose};
use crate::kernel::clock::DateTime;

/// With whom a package is shared, and what allows it.
#[derive(Debug, Clone, Copy)]
pub struct Sharing<'a> {
    pub partner_id: &'a str,
    /// The purpose that the policy names, such as `partner_data_sharing`.
    pub purpose: &'a str,
    /// Of the account, by purpose.
    pub consents: &'a BTreeMap<String, Fact<Consent>>,
    /// Everybody at the account: also those whom the package does not list must not be mentioned.
    pub people: &'a [Person],
    pub now: DateTime,
}

/// A package as a partner sees it, with what was shared and what was not.
#[derive(Debug, Clone, PartialEq)]
pub struct Shared {
    pub package: Package,
    pub receipts: Vec<Receipt>,
    pub withheld: Vec<Withheld>,
}

/// What was shared on which consent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ShareReceipt)]
pub struct Receipt {
    pub partner_id: String,
    /// Absent for what concerns the company.
    pub contact_id: Option<String>,
    /// Of the consent that decided.
    pub purpose: String,
    pub fields: Vec<String>,
    pub consent: ConsentUsed,
    pub shared_at: DateTime,
}

/// A consent as it stood when something was shared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ShareConsent)]
pub struct ConsentUsed {
    pub legal_basis: Option<String>,
    pub expires_at: Option<DateTime>,
    /// Who said so.
    pub source: String,
    pub as_of: DateTime,
}

/// Why something was not shared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = WithheldReason)]
pub enum WithheldReason {
    NoConsent,
    Withdrawn,
    Expired,
    OptedOut,
    /// The text mentions somebody who is not shared.
    MentionsPerson,
}

/// Something that was not shared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = WithheldPart)]
pub struct Withheld {
    /// Such as `deal`, `contacts.c-17` or `deal.name`.
    pub part: String,
    /// Whose consent is missing.
    pub contact_id: Option<String>,
    pub reason: WithheldReason,
    /// The consent that would change it.
    pub purpose: Option<String>,
}

/// Given, not withdrawn, and not past its end.
pub(super) fn is_live(consent: &Consent, now: DateTime) -> bool {
    consent.granted && consent.expires_at.is_none_or(|end| end > now)
}

/// The purposes that a consent to share with a partner can have, the one that reaches least far first.
pub fn purposes(purpose: &str, partner_id: &str, contact_id: Option<&str>) -> Vec<String> {
    let partner = id_in_purpose(partner_id);
    let mut found = Vec::with_capacity(4);
    if let Some(contact) = contact_id.map(id_in_purpose) {
        found.push(format!("{purpose}:{partner}:{contact}"));
        found.push(format!("{purpose}:*:{contact}"));
    }
    found.push(format!("{purpose}:{partner}"));
    found.push(purpose.to_owned());
    found
}

/// What a partner may see of a package.
pub fn share(package: &Package, sharing: &Sharing<'_>) -> Shared {
    let consented = |person: &&Person| {
        let opted_out = crate::accounts::model::value(&person.contact.opted_out) == Some(&true);
        !opted_out && sharing.allows(Some(&person.id)).is_ok()
    };
    let mut desk = Desk {
        sharing,
        mentions: Mentions::of(sharing.people.iter().filter(|person| !consented(person))),
        receipts: Vec::new(),
        withheld: Vec::new(),
    };
    let mut shown = Package {
        account_id: package.account_id.clone(),
        handoff_type: package.handoff_type.clone(),
        prepared_at: package.prepared_at,
        company: desk.company(&package.company),
        contacts: package.contacts.iter().filter_map(|contact| desk.contact(contact)).collect(),
        journey: Journey::default(),
        qualification: QualificationPart::default(),
        deal: None,
        expansion: Expansion::default(),
        relationship: Relationship::default(),
        promises: Promises::default(),
        partner: PartnerPart::default(),
        decision: None,
        recommendations: Vec::new(),
        omitted: BTreeMap::new(),
    };
    desk.business(package, &mut shown);
    Shared { package: shown, receipts: desk.receipts, withheld: desk.withheld }
}

/// Which consent decides, and why it does not allow sharing.
struct Refusal {
    reason: WithheldReason,
    purpose: String,
}

impl Sharing<'_> {
    /// Whether the company's own data may be shared with the partner.
    pub(super) fn covers_company(&self) -> bool {
        self.allows(None).is_ok()
    }

    /// The consent that allows sharing with the partner: of the company, or of one of its people.
    fn allows(&self, contact_id: Option<&str>) -> Result<(String, &Fact<Consent>), Refusal> {
        let purposes = purposes(self.purpose, self.partner_id, contact_id);
        let narrowest = purposes[0].clone();
        let said = purposes.into_iter().find_map(|purpose| {
            let fact = self.consents.get(&purpose)?;
            Some((purpose, fact))
        });
        match said {
            Some((purpose, fact)) if is_live(&fact.value, self.now) => Ok((purpose, fact)),
            Some((purpose, fact)) if fact.value.granted => {
                Err(Refusal { reason: WithheldReason::Expired, purpose })
            }
            Some((purpose, _)) => Err(Refusal { reason: WithheldReason::Withdrawn, purpose }),
            None => Err(Refusal { reason: WithheldReason::NoConsent, purpose: narrowest }),
        }
    }
}

/// What is being put together for the partner.
struct Desk<'a> {
    sharing: &'a Sharing<'a>,
    mentions: Mentions<'a>,
    receipts: Vec<Receipt>,
    withheld: Vec<Withheld>,
}

impl Desk<'_> {
    /// The text, unless it mentions somebody who is not shared.
    fn text(&mut self, part: &str, text: Option<&String>, care: Care) -> Option<String> {
        let text = text?;
        let Some(person) = self.mentions.found_in(text, care) else { return Some(text.clone()) };
        self.withheld.push(Withheld {
            part: part.to_owned(),
            contact_id: Some(person.to_owned()),
            reason: WithheldReason::MentionsPerson,
            purpose: purposes(self.sharing.purpose, self.sharing.partner_id, Some(person)).into_iter().next(),
        });
        None
    }

    fn texts(&mut self, part: &str, texts: &[String], care: Care) -> Vec<String> {
        texts.iter().filter_map(|text| self.text(part, Some(text), care)).collect()
    }

    /// Which company it is about: what anybody can look up.
    fn company(&mut self, company: &Company) -> Company {
        Company {
            name: self.text("company.name", company.name.as_ref(), Care::Names),
            website: self.text("company.website", company.website.as_ref(), Care::Names),
            industry: self.text("company.industry", company.industry.as_ref(), Care::Prose),
            size: company.size,
            segment: company.segment,
            country: self.text("company.country", company.country.as_ref(), Care::Names),
            region: self.text("company.region", company.region.as_ref(), Care::Names),
            ..Company::default()
        }
    }

    fn contact(&mut self, contact: &PackageContact) -> Option<PackageContact> {
        let refused = |reason, purpose| Withheld {
            part: format!("contacts.{}", contact.id),
            contact_id: Some(contact.id.clone()),
            reason,
            purpose,
        };
        if contact.opted_out {
            self.withheld.push(refused(WithheldReason::OptedOut, None));
            return None;
        }
        let (purpose, fact) = match self.sharing.allows(Some(&contact.id)) {
            Ok((purpose, fact)) => (purpose, fact.clone()),
            Err(refusal) => {
                self.withheld.push(refused(refusal.reason, Some(refusal.purpose)));
                return None;
            }
        };
        let part = |field: &str| format!("contacts.{}.{field}", contact.id);
        let shown = PackageContact {
            id: contact.id.clone(),
            name: self.text(&part("name"), contact.name.as_ref(), Care::Names),
            title: self.text(&part("title"), contact.title.as_ref(), Care::Prose),
            email: self.text(&part("email"), contact.email.as_ref(), Care::Names),
            phone: self.text(&part("phone"), contact.phone.as_ref(), Care::Names),
            is_primary: contact.is_primary,
            role: contact.role,
            role_rule: contact.role_rule.clone(),
            opted_out: false,
        };
        let fields = [
            ("name", &shown.name),
            ("title", &shown.title),
            ("email", &shown.email),
            ("phone", &shown.phone),
        ];
        let fields = fields.into_iter().filter(|(_, value)| value.is_some()).map(|(name, _)| name.to_owned());
        self.receipt(Some(&contact.id), purpose, fields.collect(), &fact);
        Some(shown)
    }

    /// The deal, its qualification and the partner's own relations: what needs the company's consent.
    fn business(&mut self, package: &Package, shown: &mut Package) {
        let (purpose, fact) = match self.sharing.allows(None) {
            Ok((purpose, fact)) => (purpose, fact.clone()),
            Err(Refusal { reason, purpose }) => {
                let parts = ["deal", "qualification", "partner"];
                let lines = parts.map(|part| Withheld {
                    part: part.to_owned(),
                    contact_id: None,
                    reason,
                    purpose: Some(purpose.clone()),
                });
                self.withheld.extend(lines);
                return;
            }
        };
        shown.deal = package.deal.as_ref().map(|deal| self.deal(deal));
        shown.qualification = self.qualification(&package.qualification);
        shown.partner = self.partner(&package.partner);
        let there = [
            ("deal", shown.deal.is_some()),
            ("qualification", shown.qualification != QualificationPart::default()),
            ("partner", shown.partner != PartnerPart::default()),
        ];
        let fields = there.into_iter().filter(|(_, there)| *there).map(|(name, _)| name.to_owned()).collect();
        self.receipt(None, purpose, fields, &fact);
    }

    fn deal(&mut self, deal: &DealPart) -> DealPart {
        DealPart {
            id: deal.id.clone(),
            name: self.text("deal.name", deal.name.as_ref(), Care::Prose),
            amount: deal.amount.clone(),
            currency: deal.currency.clone(),
            stage: self.text("deal.stage", deal.stage.as_ref(), Care::Prose),
            close_date: deal.close_date,
            closed: deal.closed,
            products: self.texts("deal.products", &deal.products, Care::Names),
        }
    }

    /// What the company wants and by when; not how we rate it.
    fn qualification(&mut self, known: &QualificationPart) -> QualificationPart {
        let process = known.decision_process.as_ref();
        QualificationPart {
            pain_points: self.texts("qualification.painPoints", &known.pain_points, Care::Prose),
            budget_confirmed: known.budget_confirmed,
            timeline: self.text("qualification.timeline", known.timeline.as_ref(), Care::Prose),
            decision_process: self.text("qualification.decisionProcess", process, Care::Prose),
            ..QualificationPart::default()
        }
    }

    /// The partner's own relations with the company.
    fn partner(&self, known: &PartnerPart) -> PartnerPart {
        let own = |id: &String| id == self.sharing.partner_id;
        PartnerPart {
            partner_ids: known.partner_ids.iter().filter(|id| own(id)).cloned().collect(),
            overlaps: known.overlaps.iter().filter(|overlap| own(&overlap.partner_id)).cloned().collect(),
            referrals: known.referrals.iter().filter(|referral| own(&referral.partner_id)).cloned().collect(),
            ..PartnerPart::default()
        }
    }

    /// Nothing where nothing was shared.
    fn receipt(&mut self, contact: Option<&str>, purpose: String, fields: Vec<String>, fact: &Fact<Consent>) {
        if fields.is_empty() {
            return;
        }
        self.receipts.push(Receipt {
            partner_id: self.sharing.partner_id.to_owned(),
            contact_id: contact.map(str::to_owned),
            purpose,
            fields,
            consent: ConsentUsed {
                legal_basis: fact.value.legal_basis.clone(),
                expires_at: fact.value.expires_at,
                source: fact.stamp.source.clone(),
                as_of: fact.stamp.as_of,
            },
            shared_at: self.sharing.now,
        });
    }
}
