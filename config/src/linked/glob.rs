use std::fmt;

/// A model pattern: `*` stands for any text, the empty one too; all else for itself. Matching is linear in the name for
/// each part of the pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Glob {
    /// What stands between the stars; at least one.
    parts: Vec<Box<str>>,
}

impl Glob {
    /// Whether a model name of a route is a pattern.
    #[must_use]
    pub fn is_pattern(model: &str) -> bool {
        model.contains('*')
    }

    /// Reads a pattern; a text without `*` matches itself alone.
    #[must_use]
    pub fn new(pattern: &str) -> Self {
        Self {
            parts: pattern.split('*').map(Into::into).collect(),
        }
    }

    /// Whether `name` is of this pattern.
    #[must_use]
    pub fn matches(&self, name: &str) -> bool {
        let Some((first, rest)) = self.parts.split_first() else {
            return false;
        };
        let Some((last, middle)) = rest.split_last() else {
            return name == &**first;
        };
        let inner = name
            .strip_prefix(&**first)
            .and_then(|name| name.strip_suffix(&**last));
        let found = inner.and_then(|inner| {
            middle.iter().try_fold(inner, |rest, part| {
                let at = rest.find(&**part)?;
                rest.get(at + part.len()..)
            })
        });
        found.is_some()
    }
}

impl fmt::Display for Glob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.parts.join("*"))
    }
}

#[cfg(test)]
mod tests {
    use super::Glob;

    #[test]
    fn a_star_stands_for_any_text() {
        for (pattern, name, matches) in [
            ("gpt-*", "gpt-5", true),
            ("gpt-*", "gpt-", true),
            ("gpt-*", "gpt", false),
            ("*", "", true),
            ("*-mini", "gpt-5-mini", true),
            ("*-mini", "gpt-5-mini-x", false),
            ("a*a", "a", false),
            ("a*a", "aa", true),
            ("claude-*-4-*", "claude-sonnet-4-5", true),
            ("claude-*-4-*", "claude-sonnet-4", false),
            ("*a*b*", "xxaxxbxx", true),
            ("*a*b*", "xxbxxaxx", false),
            ("gpt-5", "gpt-5", true),
            ("gpt-5", "gpt-5o", false),
            ("**", "any", true),
            ("gpt.*", "gptx", false),
        ] {
            assert_eq!(
                Glob::new(pattern).matches(name),
                matches,
                "{pattern} {name}"
            );
            assert_eq!(Glob::new(pattern).to_string(), pattern);
        }
    }
}
