//! Salesforce's ids: 15 characters in which case matters, or the same with three more that make case redundant.
//!
//! Promises: an id in hand has 18 characters, so that the same object is the same however it came.

/// Characters of an id whose case matters.
const SHORT: usize = 15;
/// What each group of five capitals and small letters adds.
const SUFFIX: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ012345";

/// What an id begins with, by the kind of object; the same in every organisation.
pub(super) const ACCOUNT: &str = "001";
pub(super) const USER: &str = "005";
pub(super) const OPPORTUNITY: &str = "006";
pub(super) const ORGANISATION: &str = "00D";

/// The id in 18 characters; none when it is no id.
pub(super) fn full(id: &str) -> Option<String> {
    if !matches!(id.len(), 15 | 18) || !id.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return None;
    }
    let short = &id[..SHORT];
    let suffix = short.as_bytes().chunks(5).map(|five| {
        let capitals = five.iter().enumerate().filter(|(_, byte)| byte.is_ascii_uppercase());
        char::from(SUFFIX[capitals.map(|(at, _)| 1 << at).sum::<usize>()])
    });
    Some(short.chars().chain(suffix).collect())
}

/// The same for one kind of object.
pub(super) fn of(prefix: &str, id: &str) -> Option<String> {
    full(id).filter(|id| id.starts_with(prefix))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ids_that_salesforce_made_end_as_they_do_there() {
        for id in [
            "001xx000003DGb2AAG",
            "00D7F00000107XsUAI",
            "04k7F0000008V3hQAE",
            "0067F000003pmdWQAQ",
            "04l7F000008aeAyQAI",
        ] {
            assert_eq!(full(&id[..15]).as_deref(), Some(id));
            assert_eq!(full(id).as_deref(), Some(id));
        }
        assert_eq!(of(USER, "001xx000003DGb2AAG"), None);
        for wrong in ["", "acc_1", "001xx000003DGb", "001xx000003DGb2AA", "001xx000003DGb'"] {
            assert_eq!(full(wrong), None, "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn ids_that_differ_in_case_never_become_the_same(a in "[a-cA-C0-1]{15}", b in "[a-cA-C0-1]{15}") {
            let (a_full, b_full) = (full(&a).unwrap(), full(&b).unwrap());
            prop_assert_eq!(a == b, a_full.to_lowercase() == b_full.to_lowercase());
        }

        #[test]
        fn no_text_makes_it_panic(text in ".{0,20}") {
            full(&text);
        }
    }
}
