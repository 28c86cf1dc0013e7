//! Counting tokens, where the provider did not: it gave no usage, or its stream was cut.
//!
//! OpenAI's models are counted as OpenAI does, text for text. The others do not publish how they count, or do it in
//! ways of their own: they are counted as if they were OpenAI's newest, times what [`Tokenizer::of`] says. Whatever
//! comes of it is an estimate, and a [`Usage`] made of it says so.
//!
//! Counting takes time (some 16 ms a megabyte, once loaded) and is not for the path of a request.

mod sample;

pub use sample::{SAMPLE, Sample};

use bpe_openai::Tokenizer as Encoding;

use crate::Usage;

/// How the tokens of a model are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tokenizer {
    /// `o200k_base`, OpenAI's since gpt-4o.
    O200k,
    /// `cl100k_base`, OpenAI's of before: gpt-4, gpt-3.5 and the embeddings.
    Cl100k,
    /// By `o200k_base`, times so many tenths.
    Like(u64),
}

impl Tokenizer {
    /// How the tokens of a model are counted, by its name.
    ///
    /// OpenAI's are told as its `tiktoken` tells them
    /// (<https://github.com/openai/tiktoken/blob/main/tiktoken/model.py>), wherever they are served. Of the others:
    /// - Claude's newer models make up to 1.35 times as many tokens of a text as the older
    ///   (<https://platform.claude.com/docs/en/about-claude/models/whats-new-claude-4-7>), and those more than OpenAI's: 1.3.
    /// - Gemini's vocabulary is as large as OpenAI's (256,000), and both come to some 4 characters a token
    ///   (<https://ai.google.dev/gemini-api/docs/tokens>): 1.
    /// - The rest have vocabularies of 100,000 to 150,000 (Llama 3, Mistral's Tekken, Qwen, DeepSeek): 1.1.
    ///
    /// A text of any language is nearer to the truth so than by characters, of which a token holds four in
    /// English and less than one in Chinese.
    #[must_use]
    pub fn of(model: &str) -> Self {
        let model = model.to_ascii_lowercase();
        let name = model.rsplit('/').next().unwrap_or(&model);
        let name = name.rsplit_once("openai.").map_or(name, |(_, name)| name);
        let name = name.strip_prefix("ft:").unwrap_or(name);
        let starts = |prefixes: &[&str]| prefixes.iter().any(|prefix| name.starts_with(prefix));
        if starts(&[
            "gpt-4o", "gpt-4.", "gpt-5", "gpt-6", "gpt-oss", "chatgpt-", "o1", "o3", "o4",
        ]) {
            Self::O200k
        } else if starts(&[
            "gpt-4",
            "gpt-3.5",
            "gpt-35",
            "text-embedding-3",
            "text-embedding-ada-002",
        ]) {
            Self::Cl100k
        } else if name.contains("claude") {
            Self::Like(13)
        } else if name.contains("gemini") || name.starts_with("gpt-") {
            Self::Like(10)
        } else {
            Self::Like(11)
        }
    }

    /// Counts the tokens of a text, in time linear in its length, of which the caller sees to a bound.
    #[must_use]
    pub fn count(self, text: &str) -> u64 {
        let counted = self.encoding().count(text) as u64;
        match self {
            Self::O200k | Self::Cl100k => counted,
            Self::Like(tenths) => counted.saturating_mul(tenths).div_ceil(10),
        }
    }

    /// Loads what it counts with, which else takes place at the first count and takes some 40 ms.
    pub fn load(self) {
        self.encoding().bpe.count(b"");
    }

    fn encoding(self) -> &'static Encoding {
        match self {
            Self::Cl100k => bpe_openai::cl100k_base(),
            Self::O200k | Self::Like(_) => bpe_openai::o200k_base(),
        }
    }
}

/// The usage of a call, counted: for a provider that gives none, or for a stream that was cut.
///
/// What the provider has said so far (Anthropic says at a stream's start what went in) holds, where it is not nothing and
/// for the output where it is no less than what was seen.
#[must_use]
pub fn usage(model: &str, said: Option<Usage>, input: &Sample, output: &Sample) -> Usage {
    let tokenizer = Tokenizer::of(model);
    let said = said.unwrap_or_default();
    let (text, reasoning) = (output.text(tokenizer), output.reasoning(tokenizer));
    let counted = text.saturating_add(reasoning);
    Usage {
        input: if said.input > 0 {
            said.input
        } else {
            input
                .text(tokenizer)
                .saturating_add(input.reasoning(tokenizer))
        },
        output: said.output.max(counted),
        reasoning: said.reasoning.max((reasoning > 0).then_some(reasoning)),
        estimated: true,
        ..said
    }
}
