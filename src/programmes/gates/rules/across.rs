//! What holds between all files: one library, one voice, one set of names, one value for each figure.

use std::collections::BTreeMap;

use super::{Finding, Found, Look};
use crate::programmes::deliverable::Kind;
use crate::programmes::deliverable::data::{Line, Messaging, PersonaData, VoiceData};

/// Where the voice is said; it is the one file that may name what is left out.
const VOICE_FILE: &str = "messaging/brand-voice.md";

pub(super) fn messaging_consistent(look: &Look<'_>) -> Vec<Finding> {
    let mut found = Found::default();
    let library: Vec<Line> = look
        .of::<Messaging>(look.file(), &mut found)
        .into_iter()
        .flat_map(|(_, _, data)| data.library)
        .collect();
    let voice = look
        .workspace
        .below(VOICE_FILE)
        .find_map(|(_, of, _)| of.read::<VoiceData>().ok())
        .unwrap_or_default();
    for (file, deliverable, _) in look.workspace.all() {
        for (id, text) in &deliverable.messages {
            match library.iter().find(|line| line.id == *id) {
                Some(line) if line.text == *text => {
                    found.need(deliverable.body.contains(text.as_str()), file, || {
                        format!("its text does not have `{id}` as it is in the library")
                    });
                }
                Some(line) => {
                    let message = format!("quotes `{id}` as “{text}”, {} has “{}”", look.file(), line.text);
                    found.between(file, look.file(), message);
                }
                None => {
                    let message = format!("quotes `{id}`, which {} does not have", look.file());
                    found.between(file, look.file(), message);
                }
            }
        }
        if file == VOICE_FILE {
            continue;
        }
        let body = deliverable.body.to_lowercase();
        for word in voice.avoid.iter().filter(|word| has_word(&body, &word.to_lowercase())) {
            found.between(file, VOICE_FILE, format!("says “{word}”, which {VOICE_FILE} leaves out"));
        }
    }
    found.0
}

/// Whether a text has a word or a phrase that is not a part of another word.
fn has_word(text: &str, word: &str) -> bool {
    let part = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    !word.is_empty()
        && text.match_indices(word).any(|(at, _)| {
            !part(text[..at].chars().next_back()) && !part(text[at + word.len()..].chars().next())
        })
}

pub(super) fn references_defined(look: &Look<'_>) -> Vec<Finding> {
    let mut found = Found::default();
    let defined: Vec<String> = look
        .workspace
        .below(look.file())
        .filter(|(_, _, kind)| *kind == Kind::Persona)
        .filter_map(|(_, of, _)| of.read::<PersonaData>().ok())
        .map(|data| data.id)
        .collect();
    for (file, deliverable, _) in look.workspace.all() {
        for persona in deliverable.personas.iter().filter(|persona| !defined.contains(persona)) {
            let message = format!("refers to the persona `{persona}`, which {} does not define", look.file());
            found.between(file, look.file(), message);
        }
        for rival in deliverable
            .competitors
            .iter()
            .filter(|slug| !look.business.competitors.iter().any(|of| of.slug == **slug))
        {
            found.add(file, format!("refers to the competitor `{rival}`, which the strategy does not know"));
        }
        for channel in deliverable
            .channels
            .iter()
            .filter(|slug| !look.business.channels.iter().any(|of| of.slug == **slug))
        {
            found.add(file, format!("refers to the channel `{channel}`, which the strategy does not have"));
        }
    }
    found.0
}

pub(super) fn figures_agree(look: &Look<'_>) -> Vec<Finding> {
    let mut found = Found::default();
    // The file that the definition names speaks first, then those of the coordinator, then the others by path.
    let mut order: Vec<(&str, &crate::programmes::deliverable::Deliverable)> =
        look.workspace.all().map(|(file, of, _)| (file, of)).collect();
    order.sort_by_key(|(file, _)| (*file != look.file(), !file.starts_with("strategy/"), *file));
    let mut said: BTreeMap<&str, (f64, &str)> = BTreeMap::new();
    for (file, deliverable) in order {
        for (name, value) in &deliverable.figures {
            let (first, by) = *said.entry(name).or_insert((*value, file));
            if (first - value).abs() > 0.005 {
                found.between(file, by, format!("says that `{name}` is {value}, {by} says {first}"));
            }
        }
    }
    found.0
}

#[cfg(test)]
mod tests {
    use super::has_word;

    #[test]
    fn a_part_of_a_word_is_not_the_word() {
        assert!(has_word("we empower you", "empower"));
        assert!(!has_word("empowered people", "empower"));
        assert!(has_word("(seamless)", "seamless") && !has_word("", "a") && !has_word("text", ""));
    }
}
