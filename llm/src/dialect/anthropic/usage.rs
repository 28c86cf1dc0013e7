//! Usage. Anthropic counts what is read from the cache and written to it beside `input_tokens`
//! (<https://platform.claude.com/docs/en/build-with-claude/prompt-caching#tracking-cache-performance>).

use crate::Usage;
use crate::json::{Object, Value};

/// Counts as the format has them. Those of a stream are running totals, and each event says some of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    input: Option<u64>,
    output: Option<u64>,
    read: Option<u64>,
    written: Option<u64>,
    written_hour: Option<u64>,
    thinking: Option<u64>,
}

impl Counts {
    pub(super) fn read(value: &Value<'_>) -> Self {
        let number = |name| value.get(name).and_then(Value::as_u64);
        let inside = |name, field| value.get(name)?.get(field).and_then(Value::as_u64);
        Self {
            input: number("input_tokens"),
            output: number("output_tokens"),
            read: number("cache_read_input_tokens"),
            written: number("cache_creation_input_tokens"),
            written_hour: inside("cache_creation", "ephemeral_1h_input_tokens"),
            thinking: inside("output_tokens_details", "thinking_tokens"),
        }
    }

    /// What is told later counts.
    pub(super) fn add(&mut self, later: Self) {
        self.input = later.input.or(self.input);
        self.output = later.output.or(self.output);
        self.read = later.read.or(self.read);
        self.written = later.written.or(self.written);
        self.written_hour = later.written_hour.or(self.written_hour);
        self.thinking = later.thinking.or(self.thinking);
    }

    pub(super) fn usage(self) -> Option<Usage> {
        if self.input.is_none() && self.output.is_none() {
            return None;
        }
        let beside = self
            .read
            .unwrap_or(0)
            .saturating_add(self.written.unwrap_or(0));
        Some(Usage {
            input: self.input.unwrap_or(0).saturating_add(beside),
            output: self.output.unwrap_or(0),
            cached: self.read,
            cache_write: self.written,
            cache_write_hour: self.written_hour,
            reasoning: self.thinking,
            ..Usage::default()
        })
    }
}

pub(super) fn write(usage: &Usage) -> Object<'static> {
    // Some count more from the cache than all that went in: the sum stays what was said.
    let cached = usage.cached.unwrap_or(0).min(usage.input);
    let written = usage.cache_write.unwrap_or(0).min(usage.input - cached);
    let beside = cached + written;
    let periods = usage.cache_write_hour.map(|hour| {
        Object::new()
            .with("ephemeral_5m_input_tokens", written.saturating_sub(hour))
            .with("ephemeral_1h_input_tokens", hour)
    });
    let details = usage
        .reasoning
        .map(|thinking| Object::new().with("thinking_tokens", thinking));
    Object::new()
        .with("input_tokens", usage.input.saturating_sub(beside))
        .with("cache_creation_input_tokens", written)
        .with("cache_read_input_tokens", cached)
        .maybe("cache_creation", periods)
        .with("output_tokens", usage.output)
        .maybe("output_tokens_details", details)
}
