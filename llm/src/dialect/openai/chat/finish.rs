//! Why an answer ends
//! (<https://platform.openai.com/docs/api-reference/chat/object#chat-object-choices-finish_reason>).

use crate::chat::Finish;

/// What a provider means. `calls`: tools were called, which some providers (and OpenAI, where the caller named the
/// function) end with `stop` all the same. A model that declines has said all that it says: the refusal is a part.
pub(crate) fn read(reason: &str, calls: bool) -> Finish {
    match reason {
        "stop" | "eos" | "end_turn" | "stop_sequence" | "tool_calls" | "function_call"
        | "tool_use"
            if calls =>
        {
            Finish::ToolCalls
        }
        // Together says `eos`.
        "stop" | "eos" | "end_turn" => Finish::Stop,
        "stop_sequence" => Finish::StopSequence(None),
        "length" | "max_tokens" => Finish::Length,
        // Mistral's.
        "model_length" => Finish::ContextFull,
        "tool_calls" | "function_call" | "tool_use" => Finish::ToolCalls,
        "content_filter" => Finish::ContentFilter,
        // OpenRouter's and Mistral's; DeepSeek's.
        "error" | "insufficient_system_resource" => Finish::Failed,
        other => Finish::Other(other.to_owned()),
    }
}

/// What a caller is told. `refusal`: the answer holds a refusal in the field that is made for it.
pub(crate) fn write(finish: &Finish, refusal: bool) -> &'static str {
    match finish {
        Finish::Stop | Finish::StopSequence(_) | Finish::Pause => "stop",
        Finish::Refusal if refusal => "stop",
        Finish::Refusal | Finish::ContentFilter => "content_filter",
        // Whatever cut it short, the answer is not whole.
        Finish::Length | Finish::ContextFull | Finish::Failed | Finish::MalformedCall => "length",
        // SDKs know five reasons, and refuse others.
        Finish::Other(_) => "length",
        Finish::ToolCalls => "tool_calls",
    }
}

/// What a caller of the completions of before is told, who knows three reasons.
pub(crate) fn write_completion(finish: &Finish) -> &'static str {
    match finish {
        Finish::ToolCalls => "stop",
        other => write(other, false),
    }
}
