//! Beginnings of a conversation: what a person starts with a slash and an agent carries out with the tools. One in each file.
//!
//! A further one is a file here with a [`Prompt`], and its line in [`all`].

mod define_handoff;
mod gtm_programme;
mod handoff_orchestration;
mod motion_orchestrator;
mod renewal_play;
mod work_on_tasks;

use std::collections::BTreeMap;

use crate::kernel::text::nearest;

/// What a person gives along.
pub struct Argument {
    pub name: &'static str,
    pub description: &'static str,
    pub required: bool,
}

/// A prompt.
pub struct Prompt {
    pub name: &'static str,
    pub title: &'static str,
    pub description: &'static str,
    pub arguments: &'static [Argument],
    /// What the agent is told to do; `{name}` stands for what was given, `{name|other words}` for it or these words.
    pub text: &'static str,
}

/// All prompts, in the order in which they are listed.
pub fn all() -> Vec<Prompt> {
    vec![
        motion_orchestrator::PROMPT,
        handoff_orchestration::PROMPT,
        define_handoff::PROMPT,
        renewal_play::PROMPT,
        gtm_programme::PROMPT,
        work_on_tasks::PROMPT,
    ]
}

impl Argument {
    /// Its name, with a star where it is required.
    pub fn shown(&self) -> String {
        if self.required { format!("{}*", self.name) } else { self.name.to_owned() }
    }
}

impl Prompt {
    /// The text with what was given, or everything that is wrong with it.
    ///
    /// # Errors
    /// Names that it does not know, and those that are required and missing.
    pub fn written(&self, given: &BTreeMap<String, String>) -> Result<String, String> {
        let known = || self.arguments.iter().map(|argument| argument.name);
        let mut faults = Vec::new();
        for name in given.keys().filter(|name| !known().any(|known| known == name.as_str())) {
            let hint =
                nearest(name, known()).map_or_else(String::new, |near| format!("; did you mean {near}?"));
            faults.push(format!("{name} is no argument of {}{hint}", self.name));
        }
        let value = |name: &str| given.get(name).map(|value| value.trim()).filter(|value| !value.is_empty());
        for argument in
            self.arguments.iter().filter(|argument| argument.required && value(argument.name).is_none())
        {
            faults.push(format!("{} is missing: {}", argument.name, argument.description));
        }
        if !faults.is_empty() {
            return Err(faults.join("\n"));
        }
        let mut text = String::new();
        let mut rest = self.text;
        while let Some((before, after)) = rest.split_once('{') {
            let (slot, after) = after.split_once('}').unwrap_or((after, ""));
            let (name, otherwise) = slot.split_once('|').unwrap_or((slot, ""));
            text.push_str(before);
            text.push_str(value(name).unwrap_or(otherwise));
            rest = after;
        }
        text.push_str(rest);
        Ok(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn every_slot_of_every_prompt_is_an_argument() {
        for prompt in all() {
            let full = prompt.arguments.iter().map(|argument| (argument.name, "VALUE")).collect::<Vec<_>>();
            let text = prompt.written(&given(&full)).unwrap();
            assert_eq!(text.matches("VALUE").count(), prompt.text.matches('{').count(), "{}", prompt.name);
            let needed = prompt.arguments.iter().filter(|argument| argument.required);
            let least = needed.map(|argument| (argument.name, "VALUE")).collect::<Vec<_>>();
            assert!(!prompt.written(&given(&least)).unwrap().contains(['{', '|']), "{}", prompt.name);
        }
    }

    #[test]
    fn all_that_is_wrong_is_told_at_once() {
        let fault = handoff_orchestration::PROMPT.written(&given(&[("acount", "a")])).unwrap_err();
        assert!(fault.contains("did you mean account?") && fault.contains("account is missing"), "{fault}");
    }
}
