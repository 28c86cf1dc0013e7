//! Usage. Bedrock counts what is read from the cache and written to it beside `inputTokens`, and all of it in
//! `totalTokens`
//! (<https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_TokenUsage.html>).

use crate::Usage;
use crate::json::{Object, Value};

pub(super) fn read(value: &Value<'_>) -> Option<Usage> {
    let number = |name| value.get(name).and_then(Value::as_u64);
    let (input, output) = (number("inputTokens"), number("outputTokens"));
    if input.is_none() && output.is_none() {
        return None;
    }
    let cached = number("cacheReadInputTokens");
    let cache_write = number("cacheWriteInputTokens");
    let beside = cached.unwrap_or(0).saturating_add(cache_write.unwrap_or(0));
    let details = value.get("cacheDetails").and_then(Value::as_array);
    let hour = |detail: &&Value<'_>| detail.get("ttl").and_then(Value::as_str) == Some("1h");
    let hour = details.and_then(|details| details.iter().find(hour));
    Some(Usage {
        input: input.unwrap_or(0).saturating_add(beside),
        output: output.unwrap_or(0),
        cached,
        cache_write,
        cache_write_hour: hour
            .and_then(|detail| detail.get("inputTokens"))
            .and_then(Value::as_u64),
        ..Usage::default()
    })
}

pub(super) fn write(usage: &Usage) -> Object<'static> {
    // Some count more from the cache than all that went in: the sum stays what was said.
    let cached = usage.cached.map(|cached| cached.min(usage.input));
    let rest = usage.input - cached.unwrap_or(0);
    let written = usage.cache_write.map(|written| written.min(rest));
    let hour = usage.cache_write_hour.filter(|hour| *hour > 0).map(|hour| {
        let detail = |ttl, tokens: u64| Object::new().with("ttl", ttl).with("inputTokens", tokens);
        let rest = written.unwrap_or(0).saturating_sub(hour);
        let mut details = vec![detail("1h", hour)];
        if rest > 0 {
            details.push(detail("5m", rest));
        }
        details
    });
    Object::new()
        .with("inputTokens", rest - written.unwrap_or(0))
        .with("outputTokens", usage.output)
        .with("totalTokens", usage.input.saturating_add(usage.output))
        .maybe("cacheReadInputTokens", cached)
        .maybe("cacheWriteInputTokens", written)
        .maybe("cacheDetails", hour)
}
