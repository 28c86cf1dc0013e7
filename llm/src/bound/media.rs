//! What media come to in tokens at most.

use crate::Format;
use crate::chat::{Detail, Media, MediaKind, Source};
use crate::dialect::codec;

/// A file in a request, as far as it matters to what it costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Medium {
    /// An image, wherever it is: it is made smaller until it fits what one may come to.
    Image {
        /// How closely it is looked at.
        detail: Option<Detail>,
    },
    /// A file that is in the request, of so many bytes, none of which holds more than a token: text, WAV, MP3.
    Plain {
        /// Its bytes.
        bytes: u64,
    },
    /// A file that is in the request and says more than it has bytes (PDF, FLAC, video). It can fill what the model
    /// takes, and no more: a provider refuses what is longer.
    Packed,
}

impl Medium {
    /// What a file of a request is. `None` where it has no bound: a file that the provider fetches, unless it is an image,
    /// and one that lies there; or where it is text, which counts as such.
    #[must_use]
    pub fn of(media: &Media<'_>) -> Option<Self> {
        if media.kind == MediaKind::Image {
            return Some(Self::Image {
                detail: media.detail,
            });
        }
        let Source::Base64(data) = &media.source else {
            return None;
        };
        let media_type = media
            .media_type
            .as_deref()
            .unwrap_or_default()
            .to_ascii_lowercase();
        let (kind, name) = media_type.split_once('/').unwrap_or((&media_type, ""));
        let plain = match media.kind {
            MediaKind::Document => kind == "text",
            // MP3 has 8 kbit a second at least, which is a thousand bytes; the dearest second is 32 tokens.
            MediaKind::Audio => matches!(name, "wav" | "x-wav" | "wave" | "mp3" | "mpeg"),
            MediaKind::Image | MediaKind::Video => false,
        };
        // Base64 has four characters for three bytes.
        let bytes = (data.len() as u64).div_ceil(4).saturating_mul(3);
        Some(if plain {
            Self::Plain { bytes }
        } else {
            Self::Packed
        })
    }
}

/// The tokens that all files of a request come to at most.
pub(super) fn tokens(format: Format, media: &[Medium]) -> u64 {
    let (mut images, mut files) = (0_u64, 0_u64);
    for medium in media {
        match *medium {
            Medium::Image { detail } => images = images.saturating_add(image(format, detail)),
            Medium::Plain { bytes } => files = files.saturating_add(bytes),
            Medium::Packed => files = files.saturating_add(window(format)),
        }
    }
    images.saturating_add(files.min(window(format)))
}

/// The tokens of an image at most.
fn image(format: Format, detail: Option<Detail>) -> u64 {
    let limits = codec(format).limits();
    if detail == Some(Detail::Low) {
        limits.small_image
    } else {
        limits.image
    }
}

fn window(format: Format) -> u64 {
    codec(format).limits().window
}
