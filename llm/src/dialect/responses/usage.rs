//! `usage` (<https://platform.openai.com/docs/api-reference/responses/object#responses-object-usage>).

use crate::Usage;
use crate::json::{Object, Value};

/// `None` for what holds no count. A missing count of the input is the total less the output.
pub(super) fn read(value: &Value<'_>) -> Option<Usage> {
    let count = |name: &str| value.get(name).and_then(Value::as_u64);
    let inside = |object: &str, name: &str| value.get(object)?.get(name)?.as_u64();
    let output = count("output_tokens");
    let rest = count("total_tokens").map(|total| total.saturating_sub(output.unwrap_or(0)));
    let input = count("input_tokens").or(rest);
    if input.is_none() && output.is_none() {
        return None;
    }
    Some(Usage {
        input: input.unwrap_or(0),
        output: output.unwrap_or(0),
        cached: inside("input_tokens_details", "cached_tokens"),
        cache_write: inside("input_tokens_details", "cache_write_tokens"),
        reasoning: inside("output_tokens_details", "reasoning_tokens"),
        audio_input: inside("input_tokens_details", "audio_tokens"),
        audio_output: inside("output_tokens_details", "audio_tokens"),
        ..Usage::default()
    })
}

/// The SDKs want the details, so they are there even where nobody counted them.
pub(super) fn write(usage: &Usage) -> Object<'static> {
    let input = Object::new()
        .with("cached_tokens", usage.cached.unwrap_or(0))
        .with("cache_write_tokens", usage.cache_write.unwrap_or(0))
        .maybe("audio_tokens", usage.audio_input);
    let output = Object::new()
        .with("reasoning_tokens", usage.reasoning.unwrap_or(0))
        .maybe("audio_tokens", usage.audio_output);
    Object::new()
        .with("input_tokens", usage.input)
        .with("input_tokens_details", input)
        .with("output_tokens", usage.output)
        .with("output_tokens_details", output)
        .with("total_tokens", usage.input.saturating_add(usage.output))
}
