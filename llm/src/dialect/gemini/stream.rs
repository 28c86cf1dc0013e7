//! Streams: every event is a whole `GenerateContentResponse` with what is new
//! (<https://ai.google.dev/api/generate-content#method:-models.streamgeneratecontent>).

mod decode;
mod encode;
mod watch;

pub(super) use decode::Decode;
pub(super) use encode::Encode;
pub(super) use watch::Look;
