//! What differs between Claude's models, told by their names, wherever they run.
//!
//! A name that tells no version (an alias, a profile's ARN) is a model of which nothing is known: what the caller says is
//! passed on, and the provider refuses what it does not like.

/// A model, by what its name says of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Claude {
    /// `(4, 5)` of `claude-sonnet-4-5-20250929`.
    version: Option<(u32, u32)>,
    family: Family,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Family {
    Haiku,
    Sonnet,
    Opus,
    Other,
}

/// How a model is told to think.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ThinkingForm {
    /// It can't.
    None,
    /// With a budget.
    Budget,
    /// As it sees fit, by an effort; by a budget too.
    Either,
    /// As it sees fit, by an effort; a budget is refused.
    Adaptive,
}

/// The most tokens of an answer where nobody said and the model is not known: what every Claude there was can write.
const LEAST_MAX_TOKENS: u64 = 4096;

/// The least budget for thinking
/// (<https://platform.claude.com/docs/en/build-with-claude/extended-thinking>).
pub(crate) const LEAST_BUDGET: u64 = 1024;

impl Claude {
    /// What a name says, as Anthropic, Bedrock or Vertex write it: `claude-3-5-haiku-20241022`,
    /// `us.anthropic.claude-opus-4-1-20250805-v1:0`, `claude-haiku-4-5@20251001`.
    pub(crate) fn of(model: &str) -> Self {
        let nothing = Self {
            version: None,
            family: Family::Other,
        };
        let Some(at) = model.find("claude") else {
            return nothing;
        };
        let words = model[at + "claude".len()..].split(|c: char| !c.is_ascii_alphanumeric());
        let mut known = nothing;
        let mut numbers: Vec<u32> = Vec::new();
        for word in words.filter(|word| !word.is_empty()) {
            match word {
                "haiku" => known.family = Family::Haiku,
                "sonnet" => known.family = Family::Sonnet,
                "opus" => known.family = Family::Opus,
                _ if word.len() <= 2 && numbers.len() < 2 => match word.parse() {
                    Ok(number) => {
                        numbers.push(number);
                        continue;
                    }
                    Err(_) => break,
                },
                // A date, or the version of its packing.
                _ if word.starts_with(|c: char| c.is_ascii_digit()) => break,
                _ => {}
            }
            if !numbers.is_empty() && known.family != Family::Other {
                break;
            }
        }
        known.version = numbers
            .first()
            .map(|major| (*major, numbers.get(1).copied().unwrap_or(0)));
        known
    }

    /// Whether the name tells which Claude it is.
    pub(crate) fn is_known(self) -> bool {
        self.version.is_some()
    }

    fn since(self, version: (u32, u32)) -> bool {
        self.version.is_some_and(|own| own >= version)
    }

    fn before(self, version: (u32, u32)) -> bool {
        self.version.is_some_and(|own| own < version)
    }

    /// The most tokens that an answer has where the caller set no bound and the API wants one: the model's own maximum
    /// (<https://platform.claude.com/docs/en/about-claude/models/overview>), or 4,096 where it is not known.
    pub(crate) fn max_tokens(self) -> u64 {
        match self.version {
            None => LEAST_MAX_TOKENS,
            Some((0..=2, _) | (3, 0..=4)) => 4096,
            Some((3, 5 | 6)) => 8192,
            Some((3, _)) => 64_000,
            Some((4, 0 | 1)) if self.family == Family::Opus => 32_000,
            Some((4, 0..=5)) => 64_000,
            Some(_) => 128_000,
        }
    }

    /// How it is told to think
    /// (<https://platform.claude.com/docs/en/build-with-claude/adaptive-thinking>): budgets since 3.7 and until 4.6,
    /// adaptive since 4.6.
    pub(crate) fn thinking(self) -> ThinkingForm {
        match self.version {
            None | Some((4, 6)) => ThinkingForm::Either,
            Some(version) if version < (3, 7) => ThinkingForm::None,
            Some(version) if version < (4, 6) => ThinkingForm::Budget,
            Some(_) => ThinkingForm::Adaptive,
        }
    }

    /// Whether it thinks unless it is told not to.
    pub(crate) fn thinks_unasked(self) -> bool {
        self.since((5, 0))
    }

    /// Whether `output_config.effort` is known to be refused
    /// (<https://platform.claude.com/docs/en/build-with-claude/effort>): it came with Opus 4.5.
    pub(crate) fn lacks_effort(self) -> bool {
        self.before((4, 6)) && !(self.family == Family::Opus && self.since((4, 5)))
    }

    /// Whether any `temperature`, `top_p` or `top_k` but the default is refused: since 4.7
    /// (<https://platform.claude.com/docs/en/about-claude/models/migration-guide>).
    pub(crate) fn lacks_sampling(self) -> bool {
        self.since((4, 7))
    }

    /// Whether `temperature` and `top_p` are refused together: since 4.1, same page.
    pub(crate) fn wants_one_sampler(self) -> bool {
        self.since((4, 1))
    }

    /// Whether structured outputs and strict tools are known to be missing: they came with 4.5, and with Opus 4.1
    /// (<https://platform.claude.com/docs/en/build-with-claude/structured-outputs>).
    pub(crate) fn lacks_structured_outputs(self) -> bool {
        self.before((4, 5)) && !(self.family == Family::Opus && self.since((4, 1)))
    }

    /// Whether instructions may come as a turn of their own in the middle: since 4.8
    /// (<https://platform.claude.com/docs/en/build-with-claude/mid-conversation-system-messages>).
    pub(crate) fn takes_system_turns(self) -> bool {
        match self.version {
            None => true,
            Some((5, 0)) => self.family != Family::Sonnet,
            Some(version) => version >= (4, 8),
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("claude-3-haiku-20240307", Some((3, 0)), 4096)]
    #[case("claude-3-5-haiku-20241022", Some((3, 5)), 8192)]
    #[case("claude-3-7-sonnet-latest", Some((3, 7)), 64_000)]
    #[case("claude-sonnet-4-20250514", Some((4, 0)), 64_000)]
    #[case("claude-4-opus-20250514", Some((4, 0)), 32_000)]
    #[case("us.anthropic.claude-opus-4-1-20250805-v1:0", Some((4, 1)), 32_000)]
    #[case("claude-haiku-4-5@20251001", Some((4, 5)), 64_000)]
    #[case("anthropic.claude-v2:1", None, 4096)]
    #[case("claude-2.1", Some((2, 1)), 4096)]
    #[case("claude-instant-1.2", Some((1, 2)), 4096)]
    #[case("claude-opus-5", Some((5, 0)), 128_000)]
    #[case("claude-fable-5-2", Some((5, 2)), 128_000)]
    #[case("model", None, 4096)]
    fn a_name_tells_the_version(
        #[case] name: &str,
        #[case] version: Option<(u32, u32)>,
        #[case] max_tokens: u64,
    ) {
        let claude = Claude::of(name);
        assert_eq!((claude.version, claude.max_tokens()), (version, max_tokens));
    }

    #[test]
    fn thinking_changed_its_form_over_time() {
        let form = |name| Claude::of(name).thinking();
        assert_eq!(form("claude-3-5-sonnet-20241022"), ThinkingForm::None);
        assert_eq!(form("claude-sonnet-4-5"), ThinkingForm::Budget);
        assert_eq!(form("claude-opus-4-6"), ThinkingForm::Either);
        assert_eq!(form("claude-opus-4-8"), ThinkingForm::Adaptive);
        assert_eq!(form("smart"), ThinkingForm::Either);
    }
}
