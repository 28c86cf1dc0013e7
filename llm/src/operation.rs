//! What a caller asks for.

use std::fmt;

/// What is asked for, in whatever format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Operation {
    /// An answer in a conversation.
    Chat,
    /// The continuation of a text: OpenAI's completions of before.
    Completions,
    /// Vectors of texts.
    Embeddings,
    /// Documents by their fit to a query.
    Rerank,
    /// Images, made or changed.
    Images,
    /// Speech from text.
    Speech,
    /// Text from speech.
    Transcriptions,
    /// English text from speech.
    Translations,
    /// Whether a text is harmful.
    Moderations,
    /// How many tokens a request would take.
    CountTokens,
    /// Files that are kept at the provider.
    Files,
    /// Requests that are answered later.
    Batches,
    /// Answers that are kept at the provider.
    Responses,
}

impl Operation {
    /// Every operation.
    pub const ALL: [Self; 13] = [
        Self::Chat,
        Self::Completions,
        Self::Embeddings,
        Self::Rerank,
        Self::Images,
        Self::Speech,
        Self::Transcriptions,
        Self::Translations,
        Self::Moderations,
        Self::CountTokens,
        Self::Files,
        Self::Batches,
        Self::Responses,
    ];

    /// The stable short name, as in `request.operation` and in records.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Chat => "chat",
            Self::Completions => "completions",
            Self::Embeddings => "embeddings",
            Self::Rerank => "rerank",
            Self::Images => "images",
            Self::Speech => "speech",
            Self::Transcriptions => "transcriptions",
            Self::Translations => "translations",
            Self::Moderations => "moderations",
            Self::CountTokens => "count_tokens",
            Self::Files => "files",
            Self::Batches => "batches",
            Self::Responses => "responses",
        }
    }

    /// Whether a call may name no model.
    #[must_use]
    pub fn goes_without_model(self) -> bool {
        matches!(
            self,
            Self::Moderations | Self::Files | Self::Batches | Self::Responses
        )
    }

    /// Whether an answer may come as a stream of events.
    #[must_use]
    pub fn streams(self) -> bool {
        matches!(
            self,
            Self::Chat | Self::Completions | Self::Images | Self::Speech | Self::Transcriptions
        )
    }

    /// Whether it spends later, or where nobody sees it.
    #[must_use]
    pub fn spends_out_of_sight(self) -> bool {
        matches!(self, Self::Batches)
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
