//! Streams (<https://docs.cohere.com/v2/docs/streaming>).

mod decode;
mod encode;
mod watch;

pub(super) use decode::Decode;
pub(super) use encode::Encode;
pub(super) use watch::Look;
