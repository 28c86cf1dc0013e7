//! What is charged for.

use serde::{Deserialize, Serialize};

/// A kind of unit that has a price of its own.
///
/// The kinds, which are parts of which, and their units are those of `genai_prices/data_units.py` of the PyPI
/// package `genai-prices`, as far as its prices use them. A part that has no price of its own is charged as what it is a part of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Kind {
    /// Tokens that go in, all of them.
    Input,
    /// Tokens of the input that were read from the prompt cache.
    CacheRead,
    /// Tokens of the input that were written to the prompt cache.
    CacheWrite,
    /// Tokens of those written that are kept for an hour.
    #[serde(rename = "cacheWrite1h")]
    CacheWriteHour,
    /// Tokens of the input that are audio.
    AudioInput,
    /// Tokens of the input that are audio and were read from the prompt cache.
    AudioCacheRead,
    /// Tokens of the input that are images.
    ImageInput,
    /// Tokens of the input that are images and were read from the prompt cache.
    ImageCacheRead,
    /// Tokens of the input that are video.
    VideoInput,
    /// Tokens that come out, all of them.
    Output,
    /// Tokens of the output that were spent on reasoning.
    Reasoning,
    /// Tokens of the output that are citations.
    Citations,
    /// Tokens of the output that are audio.
    AudioOutput,
    /// Tokens of the output that are images.
    ImageOutput,
    /// Tokens of the output that are video.
    VideoOutput,
    /// Characters of the input, where a provider charges by them.
    #[serde(rename = "perMillionCharacters")]
    Characters,
    /// Calls.
    #[serde(rename = "perThousandRequests")]
    Requests,
    /// Searches of the web that the provider made.
    #[serde(rename = "perThousandWebSearches")]
    WebSearches,
    /// Searches of stored files that the provider made.
    #[serde(rename = "perThousandStorageSearches")]
    StorageSearches,
    /// Texts that were sent to a voice.
    #[serde(rename = "perThousandMessages")]
    Messages,
    /// Pages of documents.
    #[serde(rename = "perThousandPages")]
    Pages,
    /// Pages of documents that were annotated, of all pages.
    #[serde(rename = "perThousandAnnotatedPages")]
    AnnotatedPages,
    /// Milliseconds of audio, in and out; the price is that of an hour.
    #[serde(rename = "perAudioHour")]
    AudioMillis,
    /// Milliseconds of audio that went in, of all; the price is that of an hour.
    #[serde(rename = "perInputAudioHour")]
    InputAudioMillis,
}

/// What sums of charges are divided by: the least number that every kind's price divides.
pub(super) const DENOMINATOR: u128 = 18_000_000;

impl Kind {
    /// How many there are.
    pub const COUNT: usize = 24;

    /// Every kind, what something is a part of before its parts.
    pub const ALL: [Self; Self::COUNT] = [
        Self::Input,
        Self::CacheRead,
        Self::CacheWrite,
        Self::CacheWriteHour,
        Self::AudioInput,
        Self::AudioCacheRead,
        Self::ImageInput,
        Self::ImageCacheRead,
        Self::VideoInput,
        Self::Output,
        Self::Reasoning,
        Self::Citations,
        Self::AudioOutput,
        Self::ImageOutput,
        Self::VideoOutput,
        Self::Characters,
        Self::Requests,
        Self::WebSearches,
        Self::StorageSearches,
        Self::Messages,
        Self::Pages,
        Self::AnnotatedPages,
        Self::AudioMillis,
        Self::InputAudioMillis,
    ];

    /// All that it is a part of. They stand before it in [`Kind::ALL`].
    #[must_use]
    pub fn within(self) -> &'static [Self] {
        match self {
            Self::CacheRead
            | Self::CacheWrite
            | Self::AudioInput
            | Self::ImageInput
            | Self::VideoInput => &[Self::Input],
            Self::CacheWriteHour => &[Self::Input, Self::CacheWrite],
            Self::AudioCacheRead => &[Self::Input, Self::CacheRead, Self::AudioInput],
            Self::ImageCacheRead => &[Self::Input, Self::CacheRead, Self::ImageInput],
            Self::Reasoning
            | Self::Citations
            | Self::AudioOutput
            | Self::ImageOutput
            | Self::VideoOutput => &[Self::Output],
            Self::AnnotatedPages => &[Self::Pages],
            Self::InputAudioMillis => &[Self::AudioMillis],
            Self::Input
            | Self::Output
            | Self::Characters
            | Self::Requests
            | Self::WebSearches
            | Self::StorageSearches
            | Self::Messages
            | Self::Pages
            | Self::AudioMillis => &[],
        }
    }

    /// Whether it is tokens of the input.
    #[must_use]
    pub fn is_input(self) -> bool {
        self == Self::Input || self.within().contains(&Self::Input)
    }

    /// Whether it is tokens of the output.
    #[must_use]
    pub fn is_output(self) -> bool {
        self == Self::Output || self.within().contains(&Self::Output)
    }

    /// How many of it a price is for: a million tokens, a thousand searches, an hour.
    #[must_use]
    pub fn per(self) -> u32 {
        match self {
            Self::Requests
            | Self::WebSearches
            | Self::StorageSearches
            | Self::Messages
            | Self::Pages
            | Self::AnnotatedPages => 1_000,
            Self::AudioMillis | Self::InputAudioMillis => 3_600_000,
            _ => 1_000_000,
        }
    }

    /// What one unit at a price of one comes to, in parts of [`DENOMINATOR`].
    pub(super) fn weight(self) -> u128 {
        DENOMINATOR / u128::from(self.per())
    }
}
