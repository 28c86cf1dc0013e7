//! A stream on its way through Weir, from a provider to a caller of any format.

use bytes::Bytes;
use weir_llm::call::Call;
use weir_llm::exchange::{Exchange, Order, StreamEnd, prepare};
use weir_llm::provider::Settings;
use weir_llm::{Format, body};

use crate::codecs::dialect_of;

/// The path and the body of a call that asks for a stream.
fn asking(format: Format) -> (&'static str, &'static str) {
    match format {
        Format::Chat => (
            "/v1/chat/completions",
            r#"{"model":"m","messages":[{"role":"user","content":"Hello"}],"stream":true,"stream_options":{"include_usage":true}}"#,
        ),
        Format::Completions => (
            "/v1/completions",
            r#"{"model":"m","prompt":"Hello","stream":true,"stream_options":{"include_usage":true}}"#,
        ),
        Format::Responses => (
            "/v1/responses",
            r#"{"model":"m","input":"Hello","store":false,"stream":true}"#,
        ),
        Format::Messages => (
            "/v1/messages",
            r#"{"model":"m","max_tokens":100,"messages":[{"role":"user","content":"Hello"}],"stream":true}"#,
        ),
        Format::Gemini => (
            "/v1beta/models/m:streamGenerateContent",
            r#"{"contents":[{"role":"user","parts":[{"text":"Hello"}]}]}"#,
        ),
        Format::Converse => (
            "/model/m/converse-stream",
            r#"{"messages":[{"role":"user","content":[{"text":"Hello"}]}]}"#,
        ),
        Format::Cohere => (
            "/v2/chat",
            r#"{"model":"m","messages":[{"role":"user","content":"Hello"}],"stream":true}"#,
        ),
    }
}

/// Where a provider has to be for its answer to be in this format.
fn settings(provider: Format, caller: Format) -> Settings {
    Settings {
        responses_by_chat: provider == Format::Chat && caller == Format::Responses,
        ..Settings::default()
    }
}

/// The exchange of a caller with a provider that answers in `provider`; `None` where no call of that format is made for
/// such a caller.
pub(crate) fn exchange(provider: Format, caller: Format) -> Option<Exchange> {
    let (path, json) = asking(caller);
    let call = Call::of("POST", path, caller == Format::Messages).unwrap();
    let bytes = Bytes::from_static(json.as_bytes());
    let body = body::read(&call, &bytes).unwrap();
    let settings = settings(provider, caller);
    let exchange = prepare(&Order {
        call: &call,
        method: "POST",
        path,
        query: (caller == Format::Gemini).then_some("alt=sse"),
        body: Some(&body),
        bytes: &bytes,
        form_model: None,
        stream: true,
        dialect: dialect_of(provider),
        settings: &settings,
        model: "m",
        drop: false,
        id: "0a1b2c3d4e5f",
        now: 1_790_000_000,
    })
    .unwrap_or_else(|unfit| panic!("{caller} at {provider}: {unfit:?}"));
    (exchange.provider_format() == provider).then_some(exchange)
}

/// What the caller gets of a stream that comes in these pieces, and whether it was whole.
pub(crate) fn relay<'p>(
    exchange: &Exchange,
    content_type: &str,
    pieces: impl IntoIterator<Item = &'p [u8]>,
) -> (Vec<u8>, bool) {
    let mut stream = exchange.stream(content_type);
    let mut out = Vec::new();
    for piece in pieces {
        for run in stream.feed(Bytes::copy_from_slice(piece)).unwrap() {
            out.extend_from_slice(&run);
        }
    }
    let ended = stream.finish(StreamEnd::Marked);
    out.extend_from_slice(&ended.rest);
    (out, ended.complete)
}
