//! What providers answer here: what was recorded, or what their docs show.

use std::fs;
use std::sync::LazyLock;

use weir_recorded::Interaction;
use weir_tests::gateway::root;

/// The wire formats that the providers of the test speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wire {
    Chat,
    Responses,
    Messages,
    Gemini,
    Converse,
    Cohere,
}

/// What is asked of a provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ask {
    Plain,
    Stream,
    Tools,
    StreamedTools,
    Image,
    Structured,
}

/// An answer.
#[derive(Debug, Clone)]
pub(crate) struct Played {
    pub(crate) content_type: String,
    pub(crate) body: Vec<u8>,
}

/// A package's short name, the end of a cassette's path and the interaction; or the name of a file in `tests/sdk/answers`.
type Row = (Option<&'static str>, Wire, Ask, &'static str);

/// The first row that fits is played: of the provider's own, or of any that speaks the wire.
const ROWS: &[Row] = {
    use Ask::{Image, Plain, Stream, StreamedTools, Structured, Tools};
    use Wire::{Chat, Cohere, Converse, Gemini, Messages, Responses};
    &[
        (
            Some("azure"),
            Chat,
            Plain,
            "openai test_azure/test_chat.yaml#0",
        ),
        (
            Some("azure"),
            Chat,
            Stream,
            "openai test_azure/test_chat_streaming.yaml#0",
        ),
        (
            Some("mistral"),
            Chat,
            Plain,
            "mistralai test_mistralai_chat_legacy.yaml#0",
        ),
        (
            Some("mistral"),
            Chat,
            Stream,
            "mistralai test_mistralai_streaming_chat_legacy.yaml#0",
        ),
        (
            Some("groq"),
            Chat,
            Plain,
            "groq test_chat_tracing/test_chat_legacy.yaml#0",
        ),
        (
            Some("groq"),
            Chat,
            Stream,
            "groq test_chat_streaming_legacy.yaml#0",
        ),
        (
            Some("openai"),
            Chat,
            Tools,
            "openai test_open_ai_function_calls_tools.yaml#0",
        ),
        (
            Some("openai"),
            Chat,
            StreamedTools,
            "openai test_chat/test_chat_tools_streaming.yaml#0",
        ),
        (
            Some("openai"),
            Chat,
            Structured,
            "openai test_chat_response_format.yaml#0",
        ),
        (
            Some("openai"),
            Chat,
            Image,
            "openai test_vision/test_vision_base64.yaml#1",
        ),
        (None, Chat, Plain, "openai test_chat/test_chat.yaml#0"),
        (
            None,
            Chat,
            Stream,
            "openai test_streaming_with_api_usage_capture.yaml#0",
        ),
        (None, Chat, Tools, "chat_tools.json"),
        (None, Chat, StreamedTools, "chat_tools.sse"),
        (None, Chat, Structured, "chat_structured.json"),
        (
            None,
            Responses,
            Plain,
            "openai test_responses/test_responses.yaml#0",
        ),
        (
            None,
            Responses,
            Stream,
            "openai test_responses/test_responses_streaming.yaml#0",
        ),
        (
            None,
            Responses,
            Tools,
            "openai test_responses/test_responses_tool_calls.yaml#0",
        ),
        (None, Responses, StreamedTools, "responses_tools.sse"),
        (None, Responses, Structured, "responses_structured.json"),
        (
            None,
            Messages,
            Plain,
            "anthropic test_anthropic_message_create_legacy.yaml#0",
        ),
        (
            None,
            Messages,
            Stream,
            "anthropic test_anthropic_streaming_helper_methods_legacy.yaml#0",
        ),
        (
            None,
            Messages,
            Tools,
            "anthropic test_anthropic_tools_legacy.yaml#0",
        ),
        (
            None,
            Messages,
            StreamedTools,
            "anthropic test_anthropic_tools_streaming_legacy.yaml#0",
        ),
        (
            None,
            Messages,
            Image,
            "anthropic test_anthropic_multi_modal_legacy.yaml#0",
        ),
        (
            None,
            Messages,
            Structured,
            "anthropic test_anthropic_structured_outputs_legacy.yaml#0",
        ),
        (
            None,
            Gemini,
            Plain,
            "google-genai generate_content_conformance.yaml#0",
        ),
        (None, Gemini, Stream, "gemini_stream.sse"),
        (
            None,
            Gemini,
            Tools,
            "google-genai cassettes/tool_calling_conformance.yaml#0",
        ),
        (None, Gemini, StreamedTools, "gemini_tools.sse"),
        (None, Gemini, Structured, "gemini_structured.json"),
        (
            None,
            Converse,
            Plain,
            "bedrock test_meta/test_meta_converse.yaml#0",
        ),
        (
            None,
            Converse,
            Stream,
            "bedrock test_meta/test_meta_converse_stream.yaml#0",
        ),
        (None, Converse, Tools, "converse_tools.json"),
        (
            None,
            Converse,
            StreamedTools,
            "bedrock test_anthropic_converse_stream_with_tool_use.yaml#0",
        ),
        (None, Converse, Structured, "converse_structured.json"),
        (
            None,
            Cohere,
            Plain,
            "cohere test_cohere_v2_chat_legacy.yaml#0",
        ),
        (
            None,
            Cohere,
            Stream,
            "cohere test_cohere_v2_chat_legacy_with_streaming.yaml#0",
        ),
        (
            None,
            Cohere,
            Tools,
            "cohere test_cohere_v2_chat_legacy_with_tool_calls_and_history.yaml#0",
        ),
        (
            None,
            Cohere,
            StreamedTools,
            "cohere test_cohere_v2_chat_legacy_with_tool_calls_and_streaming.yaml#0",
        ),
        (None, Cohere, Structured, "cohere_structured.json"),
    ]
};

impl Ask {
    /// Every ask, in the order of the table.
    pub(crate) const ALL: [Self; 6] = [
        Self::Plain,
        Self::Stream,
        Self::Tools,
        Self::StreamedTools,
        Self::Image,
        Self::Structured,
    ];

    /// What a model's name ends in that is asked for it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Stream => "stream",
            Self::Tools => "tools",
            Self::StreamedTools => "streamed-tools",
            Self::Image => "image",
            Self::Structured => "structured",
        }
    }

    /// What a model's name asks for.
    pub(crate) fn of_model(model: &str) -> Option<Self> {
        let (_, name) = model.rsplit_once('.')?;
        Self::ALL.into_iter().find(|one| one.name() == name)
    }
}

/// What a provider answers to an ask over a wire.
pub(crate) fn played(provider: &str, wire: Wire, ask: Ask) -> Played {
    let fits = |(whose, row_wire, row_ask, _): &&Row| {
        whose.is_none_or(|whose| whose == provider) && *row_wire == wire && *row_ask == ask
    };
    // An image is answered by words.
    let Some((_, _, _, source)) = ROWS.iter().find(fits) else {
        assert_eq!(ask, Ask::Image, "{provider} has no answer over {wire:?}");
        return played(provider, wire, Ask::Plain);
    };
    match source.split_once(' ') {
        Some((package, cassette)) => recorded(package, cassette),
        None => documented(source),
    }
}

fn recorded(package: &str, cassette: &str) -> Played {
    static ALL: LazyLock<&[Interaction]> = LazyLock::new(weir_recorded::all);
    let interaction = ALL
        .iter()
        .find(|one| one.package == package && one.to_string().ends_with(cassette))
        .unwrap_or_else(|| panic!("{package} has no cassette {cassette}"));
    assert_eq!(interaction.response.status, 200, "{interaction}");
    Played {
        content_type: interaction.response.media_type().to_owned(),
        body: interaction.response.body.clone(),
    }
}

fn documented(file: &str) -> Played {
    let content_type = match file.ends_with(".sse") {
        true => "text/event-stream",
        false => "application/json",
    };
    Played {
        content_type: content_type.to_owned(),
        body: fs::read(root().join("tests/sdk/answers").join(file)).unwrap(),
    }
}
