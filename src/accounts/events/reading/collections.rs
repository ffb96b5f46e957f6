//! Kinds of collections: lists of a kind, counts by name.
//!
//! Promises: a list comes out without repetitions, in the order given; each faulty item is named by its
//! place.

use std::collections::BTreeMap;
use std::marker::PhantomData;

use serde_json::value::RawValue;

use super::super::fault::FaultCode;
use super::super::shape::Shape;
use super::{Count, Fields, Kind, Place, Reading};

/// Items of a list that are kept.
const ITEMS_MAX: usize = 200;

/// A list of one kind of value.
pub struct List<K>(PhantomData<K>);

impl<K: Kind<Value: PartialEq>> Kind for List<K> {
    type Value = Vec<K::Value>;
    const SHAPE: Shape = Shape::List { of: &K::SHAPE, max: ITEMS_MAX };

    fn read(raw: &str, place: &Place<'_>, reading: &mut Reading) -> Option<Vec<K::Value>> {
        if !raw.starts_with('[') {
            return reading.expected(place, "a list", raw);
        }
        let items: Vec<&RawValue> = match serde_json::from_str(raw) {
            Ok(items) => items,
            Err(error) => return reading.refuse(place, FaultCode::MalformedJson, error.to_string()),
        };
        if items.len() > ITEMS_MAX {
            let detail = format!("has {} items, at most {ITEMS_MAX} are kept", items.len());
            return reading.refuse(place, FaultCode::TooMany, detail);
        }
        let mut list = Vec::with_capacity(items.len());
        let mut whole = true;
        for (index, item) in items.iter().enumerate() {
            match K::read(item.get(), &Place::Index(place, index), reading) {
                Some(value) if list.contains(&value) => {}
                Some(value) => list.push(value),
                None => whole = false,
            }
        }
        whole.then_some(list)
    }
}

/// Names that one event may count.
const NAMES_MAX: usize = 500;
/// Characters of a counted name.
const NAME_LENGTH_MAX: usize = 128;

/// Counts by name.
pub struct Counts;

impl Kind for Counts {
    type Value = BTreeMap<String, u64>;
    const SHAPE: Shape = Shape::Counts { max: NAMES_MAX };

    fn read(raw: &str, place: &Place<'_>, reading: &mut Reading) -> Option<BTreeMap<String, u64>> {
        let fields = Fields::split(raw, place, reading)?;
        if fields.len() > NAMES_MAX {
            let detail = format!("has {} names, at most {NAMES_MAX} are kept", fields.len());
            return reading.refuse(place, FaultCode::TooMany, detail);
        }
        let mut counts = BTreeMap::new();
        let mut whole = true;
        for (name, raw) in fields.iter() {
            let place = Place::Key(place, name);
            if name.trim().is_empty() || name.contains('\0') {
                whole = false;
                reading.refuse::<()>(
                    &place,
                    FaultCode::InvalidFormat,
                    "a name must not be empty or hold NUL",
                );
            } else if name.chars().count() > NAME_LENGTH_MAX {
                whole = false;
                let detail = format!("a name has at most {NAME_LENGTH_MAX} characters");
                reading.refuse::<()>(&place, FaultCode::TooLong, detail);
            } else if let Some(count) = Count::read(raw, &place, reading) {
                counts.insert(name.trim().to_owned(), count);
            } else {
                whole = false;
            }
        }
        whole.then_some(counts)
    }
}

#[cfg(test)]
mod tests {
    use super::super::probe::{read, refusal};
    use super::super::{Text, Word};
    use super::*;

    #[test]
    fn lists_lose_repetitions_and_name_each_faulty_item() {
        assert_eq!(read::<List<Word>>(r#"["A","b","a"]"#), Ok(vec!["a".to_owned(), "b".to_owned()]));
        let faults = read::<List<Text>>(r#"["a",1,""]"#).unwrap_err();
        assert_eq!(
            faults.iter().map(|fault| fault.0).collect::<Vec<_>>(),
            [FaultCode::WrongType, FaultCode::InvalidFormat]
        );
        assert_eq!(refusal::<List<Text>>("{}"), Some(FaultCode::WrongType));
        let long = format!("[{}]", vec!["\"a\""; ITEMS_MAX + 1].join(","));
        assert_eq!(refusal::<List<Text>>(&long), Some(FaultCode::TooMany));
    }

    #[test]
    fn counts_are_read_by_name() {
        let counts = read::<Counts>(r#"{"export": 3, " api ": 1}"#).unwrap();
        assert_eq!(counts, BTreeMap::from([("api".to_owned(), 1), ("export".to_owned(), 3)]));
        assert_eq!(refusal::<Counts>(r#"{"export": -3}"#), Some(FaultCode::OutOfRange));
        assert_eq!(refusal::<Counts>(r#"{"": 3}"#), Some(FaultCode::InvalidFormat));
        assert_eq!(refusal::<Counts>("[1]"), Some(FaultCode::WrongType));
    }
}
