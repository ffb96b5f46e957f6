//! Reading a table of the policy file key by key, noting every fault and carrying on.
//!
//! Promises: a value that is missing or wrong is noted once and replaced by a harmless one, so that the
//! rest of the file is still checked; a key that nobody asked for is noted by [`Section::finish`] with the
//! nearest one that exists. Whoever reads must discard the result when any fault was noted.

use std::ops::{Range, RangeInclusive};

use super::fault::{FaultCode, Faults};
use super::tree::{Entry, Node, Tree};
use crate::kernel::text::{nearest, sentence_list};

/// Longest text of a policy in bytes; also the longest condition.
pub const TEXT_MAX: usize = 4096;

/// A text with its place.
#[derive(Debug, Clone)]
pub struct Placed {
    pub text: String,
    pub span: Range<usize>,
    pub path: String,
}

/// A table being read. One that is missing altogether is noted where it was asked for and then read as
/// empty without further complaint.
pub struct Section<'a> {
    faults: &'a Faults<'a>,
    path: String,
    span: Range<usize>,
    /// `None` when the table is missing or is no table.
    entries: Option<&'a [Entry]>,
    asked: Vec<&'static str>,
}

impl<'a> Section<'a> {
    pub fn root(node: &'a Node, faults: &'a Faults<'a>) -> Self {
        Self::of(node, String::new(), faults)
    }

    fn of(node: &'a Node, path: String, faults: &'a Faults<'a>) -> Self {
        let entries = if let Tree::Table(entries) = &node.tree {
            Some(entries.as_slice())
        } else {
            faults.add(
                FaultCode::WrongType,
                &node.span,
                &path,
                format!("needs a table, got {}", node.kind()),
            );
            None
        };
        Self { faults, path, span: node.span.clone(), entries, asked: Vec::new() }
    }

    fn absent(&self, path: String) -> Self {
        Self { faults: self.faults, path, span: self.span.clone(), entries: None, asked: Vec::new() }
    }

    pub fn faults(&self) -> &'a Faults<'a> {
        self.faults
    }

    pub fn path(&self) -> &str {
        &self.path
    }

    /// The place of the table as a whole.
    pub fn span(&self) -> &Range<usize> {
        &self.span
    }

    /// The path of a key of this table.
    pub fn path_of(&self, key: &str) -> String {
        let key = if key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-') {
            key.to_owned()
        } else {
            format!("\"{key}\"")
        };
        if self.path.is_empty() { key } else { format!("{}.{key}", self.path) }
    }

    /// Whether the table was written at all.
    pub fn is_present(&self) -> bool {
        self.entries.is_some()
    }

    /// The value of a key that need not be there.
    pub fn optional(&mut self, key: &'static str) -> Option<&'a Node> {
        self.asked.push(key);
        self.entries?.iter().find(|entry| entry.key == key).map(|entry| &entry.node)
    }

    fn required(&mut self, key: &'static str) -> Option<&'a Node> {
        let found = self.optional(key);
        if found.is_none() && self.entries.is_some() {
            self.faults.add(
                FaultCode::MissingKey,
                &self.span,
                &self.path_of(key),
                format!("`{key}` is missing"),
            );
        }
        found
    }

    fn wrong(&self, node: &Node, key: &str, needs: &str) {
        self.faults.add(
            FaultCode::WrongType,
            &node.span,
            &self.path_of(key),
            format!("needs {needs}, got {}", node.kind()),
        );
    }

    /// A text that must be there and not be empty.
    pub fn text(&mut self, key: &'static str) -> Placed {
        let path = self.path_of(key);
        let node = self.required(key);
        node.and_then(|node| self.as_text(node, key)).unwrap_or(Placed {
            text: String::new(),
            span: self.span.clone(),
            path,
        })
    }

    /// A text that may be left out.
    pub fn text_optional(&mut self, key: &'static str) -> Option<Placed> {
        let node = self.optional(key)?;
        self.as_text(node, key)
    }

    fn as_text(&self, node: &Node, key: &str) -> Option<Placed> {
        let Tree::Text(text) = &node.tree else {
            self.wrong(node, key, "a text");
            return None;
        };
        let path = self.path_of(key);
        if text.trim().is_empty() {
            self.faults.add(FaultCode::OutOfRange, &node.span, &path, "must not be empty");
            return None;
        }
        if text.len() > TEXT_MAX {
            let message = format!("has {} bytes, at most {TEXT_MAX} are taken", text.len());
            self.faults.add(FaultCode::TooLarge, &node.span, &path, message);
            return None;
        }
        Some(Placed { text: text.clone(), span: node.span.clone(), path })
    }

    /// A number within a range; the low end when it is missing or wrong.
    pub fn number(&mut self, key: &'static str, range: RangeInclusive<f64>) -> f64 {
        let Some(node) = self.required(key) else { return *range.start() };
        #[expect(clippy::cast_precision_loss, reason = "ranges of policies end far below 2^53")]
        let number = match node.tree {
            Tree::Whole(whole) => whole as f64,
            Tree::Number(number) => number,
            _ => {
                self.wrong(node, key, "a number");
                return *range.start();
            }
        };
        if !range.contains(&number) {
            let message = format!("must lie between {} and {}, is {number}", range.start(), range.end());
            self.faults.add(FaultCode::OutOfRange, &node.span, &self.path_of(key), message);
            return *range.start();
        }
        number
    }

    /// A whole number within a range; the low end when it is missing or wrong.
    pub fn whole(&mut self, key: &'static str, range: RangeInclusive<u32>) -> u32 {
        let Some(node) = self.required(key) else { return *range.start() };
        let Tree::Whole(whole) = node.tree else {
            self.wrong(node, key, "a whole number");
            return *range.start();
        };
        match u32::try_from(whole) {
            Ok(whole) if range.contains(&whole) => whole,
            _ => {
                let message = format!("must lie between {} and {}, is {whole}", range.start(), range.end());
                self.faults.add(FaultCode::OutOfRange, &node.span, &self.path_of(key), message);
                *range.start()
            }
        }
    }

    /// A list of texts, each once.
    pub fn texts(&mut self, key: &'static str) -> Vec<Placed> {
        let Some(node) = self.required(key) else { return Vec::new() };
        self.as_texts(node, key)
    }

    fn as_texts(&self, node: &Node, key: &str) -> Vec<Placed> {
        let Tree::List(items) = &node.tree else {
            self.wrong(node, key, "a list of texts");
            return Vec::new();
        };
        let mut texts: Vec<Placed> = Vec::with_capacity(items.len());
        for (index, item) in items.iter().enumerate() {
            let Some(mut placed) = self.as_text(item, key) else { continue };
            placed.path = format!("{}[{index}]", self.path_of(key));
            if texts.iter().any(|earlier| earlier.text == placed.text) {
                let message = format!("`{}` is listed twice", placed.text);
                self.faults.add(FaultCode::Duplicate, &placed.span, &placed.path, message);
                continue;
            }
            texts.push(placed);
        }
        texts
    }

    /// A list of things with names of their own, such as motions, in any order and each once.
    pub fn set_of<T: Copy>(&mut self, key: &'static str, what: &str, all: &[(&str, T)]) -> Vec<T> {
        self.texts(key).iter().filter_map(|placed| self.named(placed, what, all)).collect()
    }

    /// One of several things with names; none when it is missing or unknown.
    pub fn one_of<T: Copy>(&mut self, key: &'static str, what: &str, all: &[(&str, T)]) -> Option<T> {
        let placed = self.text(key);
        if placed.text.is_empty() { None } else { self.named(&placed, what, all) }
    }

    /// Finds a name among the possible ones, or notes the fault with the nearest.
    pub fn named<T: Copy>(&self, placed: &Placed, what: &str, all: &[(&str, T)]) -> Option<T> {
        let found = all.iter().find(|(name, _)| *name == placed.text).map(|(_, value)| *value);
        if found.is_none() {
            let message = format!("`{}` is no {what}", placed.text);
            let suggestion = did_you_mean(&placed.text, all.iter().map(|(name, _)| *name));
            self.faults.suggest(
                FaultCode::UnknownValue,
                &placed.span,
                &placed.path,
                message,
                Some(suggestion),
            );
        }
        found
    }

    /// A table within this one.
    pub fn section(&mut self, key: &'static str) -> Section<'a> {
        let path = self.path_of(key);
        match self.required(key) {
            Some(node) => Section::of(node, path, self.faults),
            None => self.absent(path),
        }
    }

    /// A table that may be left out.
    pub fn section_optional(&mut self, key: &'static str) -> Option<Section<'a>> {
        let path = self.path_of(key);
        self.optional(key).map(|node| Section::of(node, path, self.faults))
    }

    /// The tables of a list, at most `max`.
    pub fn sections(&mut self, key: &'static str, max: usize) -> Vec<Section<'a>> {
        let Some(node) = self.required(key) else { return Vec::new() };
        self.as_sections(node, key, max)
    }

    /// The tables of a list that may be left out.
    pub fn sections_optional(&mut self, key: &'static str, max: usize) -> Vec<Section<'a>> {
        let Some(node) = self.optional(key) else { return Vec::new() };
        self.as_sections(node, key, max)
    }

    fn as_sections(&self, node: &'a Node, key: &str, max: usize) -> Vec<Section<'a>> {
        let path = self.path_of(key);
        let Tree::List(items) = &node.tree else {
            self.wrong(node, key, "a list of tables");
            return Vec::new();
        };
        if items.len() > max {
            let message = format!("has {} entries, at most {max} are taken", items.len());
            self.faults.add(FaultCode::TooLarge, &node.span, &path, message);
        }
        let items = items.iter().take(max).enumerate();
        items.map(|(index, item)| Section::of(item, format!("{path}[{index}]"), self.faults)).collect()
    }

    /// Every key with its value as a text: a table whose keys are the author's own.
    pub fn free_texts(self) -> Vec<(String, Placed)> {
        let entries = self.entries.unwrap_or_default();
        entries
            .iter()
            .filter_map(|entry| Some((entry.key.clone(), self.as_text(&entry.node, &entry.key)?)))
            .collect()
    }

    /// Every key with its value as a list of texts.
    pub fn free_lists(self) -> Vec<(String, Range<usize>, Vec<Placed>)> {
        let entries = self.entries.unwrap_or_default();
        let read = |entry: &Entry| {
            (entry.key.clone(), entry.key_span.clone(), self.as_texts(&entry.node, &entry.key))
        };
        entries.iter().map(read).collect()
    }

    /// Every key with its value as a table.
    pub fn free_sections(self) -> Vec<(String, Section<'a>)> {
        let entries = self.entries.unwrap_or_default();
        let read = |entry: &'a Entry| {
            (entry.key.clone(), Section::of(&entry.node, self.path_of(&entry.key), self.faults))
        };
        entries.iter().map(read).collect()
    }

    /// Notes the keys that nobody asked for.
    pub fn finish(self) {
        for entry in self.entries.unwrap_or_default() {
            if !self.asked.contains(&entry.key.as_str()) {
                self.faults.suggest(
                    FaultCode::UnknownKey,
                    &entry.key_span,
                    &self.path_of(&entry.key),
                    format!("`{}` is no key of this table", entry.key),
                    Some(did_you_mean(&entry.key, self.asked.iter().copied())),
                );
            }
        }
    }
}

/// "did you mean `x`?", or what there is to choose from.
pub fn did_you_mean<'n>(word: &str, names: impl IntoIterator<Item = &'n str>) -> String {
    let mut names: Vec<&str> = names.into_iter().collect();
    names.sort_unstable();
    names.dedup();
    if let Some(near) = nearest(word, names.iter().copied()) {
        return format!("did you mean `{near}`?");
    }
    let names: Vec<String> = names.into_iter().map(str::to_owned).collect();
    format!("known: {}", sentence_list(&names))
}
