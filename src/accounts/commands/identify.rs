//! Who somebody is at an account: everything they were ever known by there.

use sqlx::PgConnection;

use crate::accounts::privacy::{Handle, Salt, Subject};
use crate::accounts::store::{self, ContactRow, SaidOfPerson};
use crate::kernel::json::Hash;

/// Whom a request is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who<'a> {
    /// All people of the account.
    Everybody,
    /// By the caller's id.
    Contact(&'a str),
    Email(&'a str),
}

impl Who<'_> {
    /// How it was asked for, without saying whom.
    pub(super) fn scope(self) -> &'static str {
        match self {
            Self::Everybody => "everybody",
            Self::Contact(_) => "contact",
            Self::Email(_) => "email",
        }
    }

    /// What the request itself says.
    pub(super) fn said(self) -> Subject {
        let mut subject = Subject::default();
        match self {
            Self::Everybody => {}
            Self::Contact(id) => subject.add_id(id),
            Self::Email(email) => subject.add_email(email),
        }
        subject
    }
}

/// Gathers what people are known by: the present contacts, and what kept events said of them before, as long as one leads
/// to more of the other.
pub(super) async fn identify(
    conn: &mut PgConnection,
    account_id: &str,
    who: Who<'_>,
) -> Result<Subject, sqlx::Error> {
    let contacts = store::list_contacts(conn, account_id).await?;
    let mut said = store::said_of_people(conn, account_id).await?;
    said.extend(store::said_without_account(conn).await?);
    Ok(gather(who, &contacts, &said))
}

fn gather(who: Who<'_>, contacts: &[ContactRow], said: &[SaidOfPerson]) -> Subject {
    let mut subject = who.said();
    if who == Who::Everybody {
        let said = said.iter().filter_map(|said| said.contact_id.as_deref());
        for id in contacts.iter().map(|row| row.contact_id.as_str()).chain(said) {
            subject.add_id(id);
        }
    }
    loop {
        let known = subject.breadth();
        for row in contacts {
            let email = crate::accounts::model::value(&row.doc.email);
            if subject.has_id(&row.contact_id) || email.is_some_and(|email| subject.has_email(email)) {
                subject.add_contact(&row.contact_id, &row.doc);
            }
        }
        for said in said {
            let by_id = said.contact_id.as_deref().is_some_and(|id| subject.has_id(id));
            if by_id || said.email.as_deref().is_some_and(|email| subject.has_email(email)) {
                subject.add_all(said.contact_id.as_deref(), said.email.as_deref(), said.phone.as_deref());
                for particular in said.title.iter().chain(&said.subject) {
                    subject.add_particular(particular);
                }
                subject.add_name(said.first_name.as_deref(), said.last_name.as_deref());
            }
        }
        if subject.breadth() == known {
            return subject;
        }
    }
}

/// The digests by which people are known again at an account.
pub(super) fn digests(salt: &Salt, account_id: Option<&str>, subject: &Subject) -> Vec<Hash> {
    let contact = |id: &str| {
        let (account_id, contact_id) = (account_id?.to_owned(), id.to_owned());
        Some(salt.digest(&Handle::Contact { account_id, contact_id }))
    };
    let contacts = subject.ids().filter_map(contact);
    let mut digests: Vec<Hash> = contacts.collect();
    digests.extend(subject.emails().map(|email| salt.digest(&Handle::Email(email.to_owned()))));
    digests.sort_unstable();
    digests
}
