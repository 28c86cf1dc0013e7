//! The rules by which the catalogue knows the names of models and providers.

use std::fmt;
use std::sync::OnceLock;

use regex::Regex;
use serde::Deserialize;
use serde::de::{self, Deserializer, MapAccess, SeqAccess, Visitor};

/// A rule. It is asked about names in lower case only.
#[derive(Debug)]
pub(super) enum Clause {
    Equals(String),
    StartsWith(String),
    EndsWith(String),
    Contains(String),
    Regex(Pattern),
    Any(Vec<Clause>),
    All(Vec<Clause>),
    Not(Box<Clause>),
}

impl Clause {
    pub(super) fn matches(&self, name: &str) -> bool {
        match self {
            Self::Equals(text) => name == text,
            Self::StartsWith(text) => name.starts_with(text.as_str()),
            Self::EndsWith(text) => name.ends_with(text.as_str()),
            Self::Contains(text) => name.contains(text.as_str()),
            Self::Regex(pattern) => pattern.is_match(name),
            Self::Any(rules) => rules.iter().any(|rule| rule.matches(name)),
            Self::All(rules) => rules.iter().all(|rule| rule.matches(name)),
            Self::Not(rule) => !rule.matches(name),
        }
    }

    /// The names that it matches for being equal, and whether there is anything else that it may match.
    pub(super) fn names(&self) -> (Vec<&str>, bool) {
        match self {
            Self::Equals(text) => (vec![text], false),
            Self::Any(rules) => rules.iter().map(Self::names).fold(
                (Vec::new(), false),
                |(mut names, more), (further, other)| {
                    names.extend(further);
                    (names, more || other)
                },
            ),
            _ => (Vec::new(), true),
        }
    }
}

/// A regular expression that is compiled when it is first asked: most never are.
#[derive(Debug)]
pub(super) struct Pattern {
    text: String,
    compiled: OnceLock<Option<Regex>>,
}

impl Pattern {
    pub(super) fn new(text: String) -> Self {
        Self {
            text,
            compiled: OnceLock::new(),
        }
    }

    /// Nothing matches a pattern that is none; a test compiles all that there are.
    pub(super) fn is_match(&self, text: &str) -> bool {
        self.compiled().is_some_and(|regex| regex.is_match(text))
    }

    pub(super) fn compiled(&self) -> Option<&Regex> {
        let compile = || Regex::new(&self.text).ok();
        self.compiled.get_or_init(compile).as_ref()
    }
}

/// A text is [`Clause::Equals`], a list is [`Clause::Any`], and the others are an object of one member.
impl<'de> Deserialize<'de> for Clause {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Rule;

        impl<'de> Visitor<'de> for Rule {
            type Value = Clause;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text, a list of rules, or an object of one member")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Clause, E> {
                Ok(Clause::Equals(text.to_owned()))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Clause, A::Error> {
                let mut rules = Vec::new();
                while let Some(rule) = list.next_element()? {
                    rules.push(rule);
                }
                Ok(Clause::Any(rules))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Clause, A::Error> {
                let Some(key) = map.next_key::<String>()? else {
                    return Err(de::Error::custom("a rule has no member"));
                };
                Ok(match key.as_str() {
                    "startsWith" => Clause::StartsWith(map.next_value()?),
                    "endsWith" => Clause::EndsWith(map.next_value()?),
                    "contains" => Clause::Contains(map.next_value()?),
                    "regex" => Clause::Regex(Pattern::new(map.next_value()?)),
                    "all" => Clause::All(map.next_value()?),
                    "not" => Clause::Not(Box::new(map.next_value()?)),
                    other => return Err(de::Error::unknown_field(other, &[])),
                })
            }
        }

        deserializer.deserialize_any(Rule)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sort_of_rule_matches_as_it_says() {
        for (rule, yes, no) in [
            (r#""gpt-4o""#, "gpt-4o", "gpt-4o-mini"),
            (r#"{"startsWith":"gpt-"}"#, "gpt-4o", "chatgpt-4o"),
            (r#"{"endsWith":":free"}"#, "x/y:free", "x/y:free2"),
            (r#"{"contains":"claude"}"#, "us.claude.v1", "us.claud"),
            (r#"{"regex":"^a-\\d{2}$"}"#, "a-12", "a-123"),
            (r#"["a",{"startsWith":"b"}]"#, "bc", "ac"),
            (
                r#"{"all":[{"startsWith":"b"},{"not":{"contains":"-tts"}}]}"#,
                "bc",
                "bc-tts",
            ),
        ] {
            let rule: Clause = serde_json::from_str(rule).unwrap();
            assert!(rule.matches(yes), "{rule:?}");
            assert!(!rule.matches(no), "{rule:?}");
        }
    }

    #[test]
    fn what_is_no_rule_is_refused() {
        for rule in ["7", "{}", r#"{"like":"a"}"#, r#"{"regex":7}"#, "null"] {
            assert!(serde_json::from_str::<Clause>(rule).is_err(), "{rule}");
        }
    }

    #[test]
    fn names_that_must_be_equal_are_told_from_the_rest() {
        let rule: Clause = serde_json::from_str(r#"["a",["b",{"contains":"c"}]]"#).unwrap();
        assert_eq!(rule.names(), (vec!["a", "b"], true));
        let rule: Clause = serde_json::from_str(r#"{"all":["a"]}"#).unwrap();
        assert_eq!(rule.names(), (vec![], true));
    }
}
