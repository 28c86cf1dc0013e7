//! Embeddings of OpenAI's callers, at providers that embed otherwise.

use super::{Exchange, Order, Unfit, Way, parse};
use crate::codec::Gaps;
use crate::embed::{Request, Wire, write};

/// How vectors come back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Vectors {
    pub(super) wire: Wire,
    pub(super) base64: bool,
    pub(super) count: usize,
}

pub(super) fn prepare(order: &Order<'_>) -> Result<Exchange, Unfit> {
    let wire = Wire::of(order.dialect, order.model).ok_or(Unfit::NoOperation)?;
    let body = order.body.ok_or(Unfit::NoOperation)?;
    let value = parse(body.json())?;
    let request = Request::read(&value).map_err(Unfit::Problem)?;
    let mut gaps = Gaps::new(order.drop, order.dialect.name());
    let base = &order.settings.base;
    let sent = write(&request, wire, base, order.model, &mut gaps).map_err(Unfit::Problem)?;
    Ok(Exchange {
        path: sent.path,
        headers: Vec::new(),
        body: sent.body.into(),
        dropped: gaps.into_told(),
        way: Way::Embeddings(Vectors {
            wire: sent.wire,
            base64: request.base64,
            count: request.input.len(),
        }),
        asked: order.asked(None),
    })
}

impl Wire {
    /// The format of the provider's errors.
    pub(super) fn errors(self) -> crate::Format {
        use crate::Format;
        match self {
            Self::Gemini | Self::VertexPredict | Self::VertexContent => Format::Gemini,
            Self::Cohere => Format::Cohere,
            Self::BedrockTitan | Self::BedrockCohere => Format::Converse,
        }
    }
}
