//! Plain answers, whole.

use bytes::Bytes;

use super::{Exchange, Way, count, embed};
use crate::codec::BadAnswer;
use crate::{Usage, dialect};

/// A plain answer for the caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Whole {
    /// Its body.
    pub body: Bytes,
    /// What was used, where it says so.
    pub usage: Option<Usage>,
    /// The body is another than the provider's: headers that describe it are void, and it is JSON.
    pub rewritten: bool,
}

impl Exchange {
    /// The caller's answer, of the provider's. One of success: for errors there is
    /// [`problem`](Self::problem).
    ///
    /// # Errors
    /// [`BadAnswer`] where it can't be read and has to be.
    pub fn answer(&self, body: Bytes) -> Result<Whole, BadAnswer> {
        let whole = |body: Vec<u8>, usage| Whole {
            body: body.into(),
            usage,
            rewritten: true,
        };
        match self.way {
            Way::Pass { .. } => {
                let mut reader = self.plain_usage();
                reader.feed(&body);
                Ok(Whole {
                    usage: reader.usage(),
                    body,
                    rewritten: false,
                })
            }
            Way::Translate { .. } => {
                let (from, to) = self.codecs();
                let answer = from.read_answer(&body)?;
                Ok(whole(
                    to.write_answer(&answer, &self.asked.borrowed()),
                    answer.usage,
                ))
            }
            Way::Embeddings(embed::Vectors {
                wire,
                base64,
                count,
            }) => crate::embed::answer(wire, &body, &self.asked.model, base64, count)
                .map(|(body, usage)| whole(body, usage)),
            Way::Count { from, to } => count::answer(from, to, &body).map(|body| whole(body, None)),
        }
    }

    /// The caller's answer with a usage that the provider did not tell; `None` for one that is not written anew.
    #[must_use]
    pub fn answer_with(&self, body: &[u8], usage: Usage) -> Option<Bytes> {
        if !matches!(self.way, Way::Translate { .. }) {
            return None;
        }
        let (from, to) = self.codecs();
        let mut answer = from.read_answer(body).ok()?;
        answer.usage = Some(usage);
        Some(to.write_answer(&answer, &self.asked.borrowed()).into())
    }

    /// Reads the usage of an answer that passes in pieces.
    #[must_use]
    pub fn plain_usage(&self) -> super::PlainUsage {
        super::PlainUsage::new(dialect::codec(self.provider_format()))
    }
}
