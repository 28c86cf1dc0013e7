//! Why an answer ends (<https://ai.google.dev/api/generate-content#FinishReason>).

use crate::chat::Finish;

/// What Google alone tells apart.
const OTHERS: [&str; 11] = [
    "FINISH_REASON_UNSPECIFIED",
    "LANGUAGE",
    "OTHER",
    "IMAGE_OTHER",
    "NO_IMAGE",
    "TOO_MANY_TOOL_CALLS",
    "MISSING_THOUGHT_SIGNATURE",
    "MALFORMED_RESPONSE",
    "ESCALATION",
    "PUP_LIMITED_DISABLED",
    "CONTINUATION",
];

/// What a reason means; `calls`: the answer calls tools, for which there is no reason of its own.
pub(super) fn read(reason: &str, calls: bool) -> Finish {
    match reason {
        "STOP" if calls => Finish::ToolCalls,
        "STOP" => Finish::Stop,
        "MAX_TOKENS" => Finish::Length,
        "SAFETY"
        | "BLOCKLIST"
        | "PROHIBITED_CONTENT"
        | "SPII"
        | "IMAGE_SAFETY"
        | "IMAGE_PROHIBITED_CONTENT"
        | "MODEL_ARMOR" => Finish::ContentFilter,
        // Its filter found the text of somebody else.
        "RECITATION" | "IMAGE_RECITATION" => Finish::ContentFilter,
        "MALFORMED_FUNCTION_CALL" | "UNEXPECTED_TOOL_CALL" => Finish::MalformedCall,
        other => Finish::Other(other.to_owned()),
    }
}

pub(super) fn write(finish: &Finish) -> &str {
    match finish {
        Finish::Stop | Finish::StopSequence(_) | Finish::ToolCalls => "STOP",
        Finish::Length | Finish::ContextFull => "MAX_TOKENS",
        Finish::ContentFilter | Finish::Refusal => "SAFETY",
        Finish::MalformedCall => "MALFORMED_FUNCTION_CALL",
        Finish::Other(name) if OTHERS.contains(&name.as_str()) => name,
        Finish::Pause | Finish::Failed | Finish::Other(_) => "OTHER",
    }
}
