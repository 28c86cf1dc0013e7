//! The usage of a plain answer that passes in pieces.

use crate::Usage;
use crate::codec::Codec;
use crate::json::FieldReader;

/// Finds the usage in a plain answer that is fed as it comes.
pub struct PlainUsage {
    reader: FieldReader,
    codec: &'static dyn Codec,
}

impl PlainUsage {
    pub(super) fn new(codec: &'static dyn Codec) -> Self {
        Self {
            reader: FieldReader::new(codec.usage_key()),
            codec,
        }
    }

    /// Takes the next bytes of the body.
    pub fn feed(&mut self, chunk: &[u8]) {
        self.reader.feed(chunk);
    }

    /// The usage, once the body has been fed; `None` if it holds none.
    #[must_use]
    pub fn usage(&self) -> Option<Usage> {
        self.codec.read_usage(self.reader.value()?)
    }
}

impl std::fmt::Debug for PlainUsage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PlainUsage")
            .field("format", &self.codec.format())
            .finish_non_exhaustive()
    }
}
