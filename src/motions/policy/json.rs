//! JSON with places: the same tree as TOML gives, so that a fault in a JSON policy has a line and a column.
//!
//! Promises: accepts what RFC 8259 accepts and nothing else; refuses a key given twice, as TOML does.

use std::ops::Range;

use super::tree::{Entry, Node, Tree};

/// Byte offset and what is wrong there.
type Wrong = (usize, String);

/// Reads a JSON text of at most `depth_max` nested values.
pub fn parse(text: &str, depth_max: usize) -> Result<Node, Wrong> {
    let mut reader = Reader { text, at: 0, depth_max };
    let node = reader.value(0)?;
    reader.space();
    if reader.at < text.len() {
        return Err((reader.at, "text after the end of the document".to_owned()));
    }
    Ok(node)
}

struct Reader<'t> {
    text: &'t str,
    at: usize,
    depth_max: usize,
}

impl Reader<'_> {
    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn expect(&mut self, byte: u8) -> Result<(), Wrong> {
        self.space();
        if self.peek() == Some(byte) {
            self.at += 1;
            return Ok(());
        }
        Err((self.at, format!("expected `{}`", char::from(byte))))
    }

    fn value(&mut self, depth: usize) -> Result<Node, Wrong> {
        self.space();
        let start = self.at;
        if depth > self.depth_max {
            return Err((start, format!("nested deeper than {} levels", self.depth_max)));
        }
        let tree = match self.peek() {
            Some(b'{') => self.table(depth)?,
            Some(b'[') => self.list(depth)?,
            Some(b'"') => Tree::Text(self.text()?.0),
            Some(b't') => self.word("true", Tree::Flag(true))?,
            Some(b'f') => self.word("false", Tree::Flag(false))?,
            Some(b'n') => self.word("null", Tree::Foreign("null"))?,
            Some(b'-' | b'0'..=b'9') => self.number()?,
            Some(_) => return Err((start, "expected a value".to_owned())),
            None => return Err((start, "the document ends too early".to_owned())),
        };
        Ok(Node { span: start..self.at, tree })
    }

    fn word(&mut self, word: &str, tree: Tree) -> Result<Tree, Wrong> {
        if !self.text[self.at..].starts_with(word) {
            return Err((self.at, format!("expected `{word}`")));
        }
        self.at += word.len();
        Ok(tree)
    }

    /// The standard parser judges and decodes a scalar that was cut out of the text.
    fn number(&mut self) -> Result<Tree, Wrong> {
        let start = self.at;
        while matches!(self.peek(), Some(b'-' | b'+' | b'.' | b'e' | b'E' | b'0'..=b'9')) {
            self.at += 1;
        }
        let raw = &self.text[start..self.at];
        let number: serde_json::Number =
            serde_json::from_str(raw).map_err(|_| (start, format!("`{raw}` is not a number")))?;
        Ok(match (number.as_i64(), number.as_f64()) {
            (Some(whole), _) => Tree::Whole(whole),
            (None, Some(float)) if float.is_finite() => Tree::Number(float),
            _ => Tree::Foreign("a number beyond 64 bits"),
        })
    }

    fn text(&mut self) -> Result<(String, Range<usize>), Wrong> {
        let start = self.at;
        self.at += 1;
        loop {
            match self.peek() {
                None => return Err((start, "a text without its closing quote".to_owned())),
                Some(b'"') => break,
                Some(b'\\') => self.at += 2,
                Some(_) => self.at += 1,
            }
        }
        self.at += 1;
        let raw = self.text.get(start..self.at).ok_or((start, "a broken escape".to_owned()))?;
        let text =
            serde_json::from_str(raw).map_err(|_| (start, "a text with a broken escape".to_owned()))?;
        Ok((text, start..self.at))
    }

    fn list(&mut self, depth: usize) -> Result<Tree, Wrong> {
        self.expect(b'[')?;
        self.space();
        let mut items = Vec::new();
        if self.peek() == Some(b']') {
            self.at += 1;
            return Ok(Tree::List(items));
        }
        loop {
            items.push(self.value(depth + 1)?);
            self.space();
            if self.peek() == Some(b']') {
                self.at += 1;
                return Ok(Tree::List(items));
            }
            self.expect(b',')?;
        }
    }

    fn table(&mut self, depth: usize) -> Result<Tree, Wrong> {
        self.expect(b'{')?;
        self.space();
        let mut entries: Vec<Entry> = Vec::new();
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(Tree::Table(entries));
        }
        loop {
            self.space();
            if self.peek() != Some(b'"') {
                return Err((self.at, "expected a key in quotes".to_owned()));
            }
            let (key, key_span) = self.text()?;
            if entries.iter().any(|entry| entry.key == key) {
                return Err((key_span.start, format!("the key `{key}` is given twice")));
            }
            self.expect(b':')?;
            let node = self.value(depth + 1)?;
            entries.push(Entry { key, key_span, node });
            self.space();
            if self.peek() == Some(b'}') {
                self.at += 1;
                return Ok(Tree::Table(entries));
            }
            self.expect(b',')?;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn places_are_those_of_the_text() {
        let text = r#"{ "a": [1, -2.5], "b": "x\"y" }"#;
        let Tree::Table(entries) = parse(text, 8).unwrap().tree else { panic!("a table") };
        assert_eq!(&text[entries[0].key_span.clone()], "\"a\"");
        assert_eq!(&text[entries[0].node.span.clone()], "[1, -2.5]");
        assert_eq!(entries[1].node.tree, Tree::Text("x\"y".to_owned()));
    }

    #[test]
    fn what_is_not_json_is_refused_with_its_place() {
        for (text, at) in [
            ("{\"a\":1,}", 7),
            ("[1 2]", 3),
            ("{\"a\":1,\"a\":2}", 7),
            ("01", 0),
            ("[", 1),
            ("\"\\", 0),
            ("1 1", 2),
        ] {
            assert_eq!(parse(text, 8).unwrap_err().0, at, "{text}");
        }
        assert!(parse(&"[".repeat(50_000), 24).is_err());
    }

    proptest! {
        #[test]
        fn agrees_with_the_standard_parser_on_any_text(text in r#"[\[\]{}",:0-9a-z\\ .eE+-]{0,24}"#) {
            let theirs = serde_json::from_str::<serde_json::Value>(&text);
            let ours = parse(&text, 64);
            if let Ok(node) = &ours {
                prop_assert!(theirs.is_ok(), "{text}");
                prop_assert_eq!(node.span.end, text.trim_end_matches([' ', '\n', '\t', '\r']).len());
            } else if let Ok(value) = theirs {
                // Only a repeated key is refused by ours alone.
                prop_assert!(text.contains('{') && value.to_string().len() < text.len(), "{text}");
            }
        }
    }
}
