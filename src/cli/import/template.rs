//! Texts with column names in braces: `usage:{subscription_id}:{usage_date}`.
//!
//! Promises: a template is a function of the row; an unfinished brace is refused when the mapping is read.
//! `{@hash}` is the digest of the whole row, for files whose rows have no id. `{{` and `}}` stand for braces.

/// Stands for the digest of the row.
const ROW_HASH: &str = "@hash";

/// A text with places to fill.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template(Vec<Piece>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Text(String),
    Column(String),
    RowHash,
}

impl Template {
    /// Reads a template; the error is a sentence for the author of the mapping.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut pieces = Vec::new();
        let mut plain = String::new();
        let mut rest = text;
        while let Some(at) = rest.find(['{', '}']) {
            plain.push_str(&rest[..at]);
            let brace = &rest[at..];
            if brace.starts_with("{{") || brace.starts_with("}}") {
                plain.push_str(&brace[..1]);
                rest = &brace[2..];
                continue;
            }
            let Some(end) = brace.find('}').filter(|end| *end > 1) else {
                return Err(format!("{text:?} has a brace that names no column; write {{{{ for a brace"));
            };
            if !plain.is_empty() {
                pieces.push(Piece::Text(std::mem::take(&mut plain)));
            }
            pieces.push(match &brace[1..end] {
                ROW_HASH => Piece::RowHash,
                special if special.starts_with('@') => {
                    return Err(format!("{{{special}}} is unknown; {{{ROW_HASH}}} is the one special place"));
                }
                column => Piece::Column(column.to_owned()),
            });
            rest = &brace[end + 1..];
        }
        plain.push_str(rest);
        if !plain.is_empty() {
            pieces.push(Piece::Text(plain));
        }
        Ok(Self(pieces))
    }

    /// The columns that the template names.
    pub fn columns(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|piece| match piece {
            Piece::Column(name) => Some(name.as_str()),
            Piece::Text(_) | Piece::RowHash => None,
        })
    }

    pub fn has_row_hash(&self) -> bool {
        self.0.contains(&Piece::RowHash)
    }

    /// Fills the places. `cell` gives the text of a column, or why it has none.
    pub fn fill<E>(
        &self,
        row_hash: impl Fn() -> String,
        mut cell: impl FnMut(&str) -> Result<String, E>,
    ) -> Result<String, E> {
        let mut filled = String::new();
        for piece in &self.0 {
            match piece {
                Piece::Text(text) => filled.push_str(text),
                Piece::Column(name) => filled.push_str(&cell(name)?),
                Piece::RowHash => filled.push_str(&row_hash()),
            }
        }
        Ok(filled)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fill(text: &str) -> String {
        let template = Template::parse(text).unwrap();
        template.fill(|| "h4sh".to_owned(), |name| Ok::<_, ()>(name.to_uppercase())).unwrap()
    }

    #[test]
    fn places_are_filled_and_doubled_braces_are_braces() {
        assert_eq!(fill("usage:{id}:{sub.day}"), "usage:ID:SUB.DAY");
        assert_eq!(fill("{@hash}"), "h4sh");
        assert_eq!(fill("{{{a}}}"), "{A}");
        assert_eq!(fill("plain"), "plain");
    }

    #[test]
    fn unfinished_places_are_refused() {
        for text in ["{a", "a}", "{}", "{@row}"] {
            assert!(Template::parse(text).is_err(), "{text}");
        }
    }
}
