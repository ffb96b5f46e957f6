//! Reads query parameters as whatever the target type asks for.
//!
//! Promises: text becomes numbers and booleans where those are expected; a parameter given several times is a list
//! where a list is expected and a fault elsewhere; names that the target struct does not have are refused without any
//! attribute on it. Leaves out: `#[serde(flatten)]`, which hides the expected types (keep filter structs flat).

use serde::de::value::{MapDeserializer, SeqDeserializer};
use serde::de::{self, Deserializer, IntoDeserializer, Visitor};
use serde::forward_to_deserialize_any;
use serde_json::{Error, Value};

/// A parameter, several of one name (array), or all of a query (object).
pub(super) struct Loose<'a>(pub(super) &'a Value);

impl<'a> Loose<'a> {
    /// The text of a parameter that was given once.
    fn text(&self) -> Result<&'a str, Error> {
        match self.0 {
            Value::String(text) => Ok(text),
            Value::Array(_) => Err(de::Error::custom("is given more than once")),
            _ => Err(de::Error::custom("is not a parameter")),
        }
    }

    fn entries(&self) -> Vec<(&'a str, Loose<'a>)> {
        let object = self.0.as_object();
        object.into_iter().flatten().map(|(name, value)| (name.as_str(), Loose(value))).collect()
    }
}

impl<'de> IntoDeserializer<'de, Error> for Loose<'de> {
    type Deserializer = Self;
    fn into_deserializer(self) -> Self {
        self
    }
}

macro_rules! parsed {
    ($($method:ident $visit:ident $kind:ty, $name:literal;)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            let text = self.text()?;
            match text.parse::<$kind>() {
                Ok(value) => visitor.$visit(value),
                Err(_) => Err(de::Error::custom(format_args!("expected {}, got {text:?}", $name))),
            }
        }
    )*};
}

impl<'de> Deserializer<'de> for Loose<'de> {
    type Error = Error;

    parsed! {
        deserialize_bool visit_bool bool, "true or false";
        deserialize_i8 visit_i8 i8, "a whole number from -128 to 127";
        deserialize_i16 visit_i16 i16, "a whole number from -32768 to 32767";
        deserialize_i32 visit_i32 i32, "a whole number";
        deserialize_i64 visit_i64 i64, "a whole number";
        deserialize_u8 visit_u8 u8, "a whole number from 0 to 255";
        deserialize_u16 visit_u16 u16, "a whole number from 0 to 65535";
        deserialize_u32 visit_u32 u32, "a whole number from 0 on";
        deserialize_u64 visit_u64 u64, "a whole number from 0 on";
        deserialize_f32 visit_f32 f32, "a number";
        deserialize_f64 visit_f64 f64, "a number";
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.0 {
            Value::Object(_) => self.deserialize_map(visitor),
            _ => visitor.visit_borrowed_str(self.text()?),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_enum(self.text()?.into_deserializer())
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let items: &[Value] = match self.0 {
            Value::Array(items) => items,
            one => std::slice::from_ref(one),
        };
        visitor.visit_seq(SeqDeserializer::new(items.iter().map(Loose)))
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_map(MapDeserializer::new(self.entries().into_iter()))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        let entries = self.entries();
        match entries.iter().find(|(name, _)| !fields.contains(name)) {
            Some((unknown, _)) => Err(de::Error::unknown_field(unknown, fields)),
            None => visitor.visit_map(MapDeserializer::new(entries.into_iter())),
        }
    }

    forward_to_deserialize_any! {
        i128 u128 char str string bytes byte_buf unit unit_struct tuple tuple_struct identifier ignored_any
    }
}
