//! Where a call goes.

use rstest::rstest;
use weir_llm::call::Call;
use weir_llm::provider::{Ask, ModelPlace, Settings};
use weir_llm::{Dialect, Format, dialect};

const PROJECT: &str = "/v1/projects/p/locations/l";

fn reached(
    dialect: Dialect,
    base: &str,
    path: &str,
    model: &str,
    stream: bool,
) -> Option<(String, Format)> {
    let call = Call::of("POST", path, path.starts_with("/v1/messages")).unwrap();
    let settings = Settings {
        base: base.to_owned(),
        ..Settings::default()
    };
    let ask = Ask {
        call: &call,
        method: "POST",
        path,
        model,
        stream: call.stream.unwrap_or(stream),
        settings: &settings,
    };
    let reach = dialect::provider(dialect).reach(&ask)?;
    let query = if reach.query.is_empty() { "" } else { "?" };
    Some((
        format!("{}{query}{}", reach.path, reach.query),
        reach.format,
    ))
}

#[rstest]
#[case(
    Dialect::Gemini,
    "",
    "/v1/messages",
    "gemini-2.5-pro",
    true,
    "/v1beta/models/gemini-2.5-pro:streamGenerateContent?alt=sse",
    Format::Gemini
)]
#[case(
    Dialect::Gemini,
    "",
    "/v1/messages/count_tokens",
    "tunedModels/x",
    false,
    "/v1beta/tunedModels/x:countTokens",
    Format::Gemini
)]
#[case(
    Dialect::Gemini,
    "/v1",
    "/v1/models/fast:generateContent",
    "models/g",
    false,
    "/v1/models/g:generateContent",
    Format::Gemini
)]
#[case(
    Dialect::Gemini,
    "",
    "/v1alpha/models/fast:streamGenerateContent",
    "g",
    false,
    "/v1alpha/models/g:streamGenerateContent",
    Format::Gemini
)]
#[case(
    Dialect::Gemini,
    "",
    "/v1beta1/publishers/google/models/fast:generateContent",
    "g",
    false,
    "/v1beta/models/g:generateContent",
    Format::Gemini
)]
#[case(
    Dialect::Gemini,
    "",
    "/v1beta/models/fast:batchEmbedContents",
    "e",
    false,
    "/v1beta/models/e:batchEmbedContents",
    Format::Gemini
)]
#[case(
    Dialect::Vertex,
    PROJECT,
    "/v1beta/models/fast:generateContent",
    "gemini-2.5-pro",
    false,
    "/v1/projects/p/locations/l/publishers/google/models/gemini-2.5-pro:generateContent",
    Format::Gemini
)]
#[case(
    Dialect::Vertex,
    PROJECT,
    "/v1beta1/projects/a/locations/b/publishers/google/models/fast:streamGenerateContent",
    "endpoints/7",
    false,
    "/v1/projects/p/locations/l/endpoints/7:streamGenerateContent",
    Format::Gemini
)]
#[case(
    Dialect::Vertex,
    PROJECT,
    "/v1beta/models/fast:streamGenerateContent",
    "claude-sonnet-4@20250514",
    false,
    "/v1/projects/p/locations/l/publishers/anthropic/models/claude-sonnet-4@20250514:streamRawPredict",
    Format::Messages
)]
#[case(
    Dialect::Vertex,
    PROJECT,
    "/v1/messages",
    "publishers/anthropic/models/claude-x",
    false,
    "/v1/projects/p/locations/l/publishers/anthropic/models/claude-x:rawPredict",
    Format::Messages
)]
#[case(
    Dialect::Vertex,
    PROJECT,
    "/v1/messages/count_tokens",
    "claude-x",
    false,
    "/v1/projects/p/locations/l/publishers/anthropic/models/count-tokens:rawPredict",
    Format::Messages
)]
#[case(
    Dialect::Cohere,
    "",
    "/v1/messages",
    "command-a",
    true,
    "/v2/chat",
    Format::Cohere
)]
#[case(
    Dialect::Cohere,
    "",
    "/v1/chat",
    "command-a",
    false,
    "/v1/chat",
    Format::Cohere
)]
#[case(
    Dialect::Cohere,
    "",
    "/v1/rerank",
    "rerank-v3.5",
    false,
    "/v1/rerank",
    Format::Cohere
)]
#[case(
    Dialect::Cohere,
    "",
    "/v2/embed",
    "embed-v4.0",
    false,
    "/v2/embed",
    Format::Cohere
)]
fn a_call_reaches_its_provider(
    #[case] dialect: Dialect,
    #[case] base: &str,
    #[case] called: &str,
    #[case] model: &str,
    #[case] stream: bool,
    #[case] path: &str,
    #[case] format: Format,
) {
    let expected = Some((path.to_owned(), format));
    assert_eq!(reached(dialect, base, called, model, stream), expected);
}

#[test]
fn claude_at_vertex_is_named_by_the_path_and_told_the_version() {
    let call = Call::of("POST", "/v1/messages", true).unwrap();
    let settings = Settings::default();
    let ask = Ask {
        call: &call,
        method: "POST",
        path: "/v1/messages",
        model: "claude-x",
        stream: false,
        settings: &settings,
    };
    let reach = dialect::provider(Dialect::Vertex).reach(&ask).unwrap();
    assert_eq!(reach.body.model, ModelPlace::Path);
    assert_eq!(
        reach.body.with,
        [("anthropic_version", "\"vertex-2023-10-16\"")]
    );
}

#[test]
fn what_a_provider_has_not_is_not_reached() {
    assert_eq!(reached(Dialect::Gemini, "", "/v2/rerank", "m", false), None);
    assert_eq!(
        reached(Dialect::Vertex, PROJECT, "/v2/embed", "claude-x", false),
        None
    );
    assert_eq!(
        reached(
            Dialect::Cohere,
            "",
            "/v1beta/models/m:countTokens",
            "m",
            false
        ),
        None
    );
}
