//! x
mod normalise;
pub use normalise::{domain_of, email_domain, is_free_mail};
