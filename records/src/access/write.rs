//! The writer: straight into bytes, without a tree.

use std::time::Duration;

use super::AccessRecord;
use crate::time;

impl AccessRecord<'_> {
    /// Appends the record as one line of JSON, with its line feed.
    ///
    /// Durations are written in whole microseconds, rounded down.
    pub fn write_line(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"{\"time\":\"");
        time::write(self.time, out);
        out.push(b'"');
        text(b",\"requestId\":", Some(&self.request_id), out);
        text(b",\"consumer\":", self.consumer.as_deref(), out);
        text(b",\"route\":", self.route.as_deref(), out);
        number(b",\"rule\":", self.rule.map(u64::from), out);
        text(b",\"provider\":", self.provider.as_deref(), out);
        text(b",\"model\":", self.model.as_deref(), out);
        text(b",\"upstreamModel\":", self.upstream_model.as_deref(), out);
        text(b",\"operation\":", self.operation.as_deref(), out);
        out.extend_from_slice(if self.stream {
            b",\"stream\":true"
        } else {
            b",\"stream\":false"
        });
        number(b",\"status\":", Some(self.status.into()), out);
        text(b",\"code\":", self.code.as_deref(), out);
        number(b",\"attempts\":", Some(self.attempts.into()), out);
        millis(b",\"durationMs\":", Some(self.duration), out);
        millis(b",\"firstByteMs\":", self.first_byte, out);
        number(b",\"inputTokens\":", self.input_tokens, out);
        number(b",\"outputTokens\":", self.output_tokens, out);
        number(b",\"cachedTokens\":", self.cached_tokens, out);
        number(b",\"cacheWriteTokens\":", self.cache_write_tokens, out);
        number(b",\"reasoningTokens\":", self.reasoning_tokens, out);
        if self.usage_estimated {
            out.extend_from_slice(b",\"usageEstimated\":true");
        }
        number(b",\"costNanoUsd\":", self.cost, out);
        number(b",\"bytesIn\":", Some(self.bytes_in), out);
        number(b",\"bytesOut\":", Some(self.bytes_out), out);
        text(b",\"outcome\":", Some(self.outcome.name()), out);
        text(b",\"peer\":", self.peer.as_deref(), out);
        out.extend_from_slice(b"}\n");
    }
}

fn text(name: &[u8], value: Option<&str>, out: &mut Vec<u8>) {
    if let Some(value) = value {
        out.extend_from_slice(name);
        out.push(b'"');
        escape(value, out);
        out.push(b'"');
    }
}

fn number(name: &[u8], value: Option<u64>, out: &mut Vec<u8>) {
    if let Some(value) = value {
        out.extend_from_slice(name);
        out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
    }
}

/// Milliseconds with three digits behind the point.
fn millis(name: &[u8], value: Option<Duration>, out: &mut Vec<u8>) {
    if let Some(value) = value {
        let micros = u64::try_from(value.as_micros()).unwrap_or(u64::MAX);
        out.extend_from_slice(name);
        out.extend_from_slice(itoa::Buffer::new().format(micros / 1000).as_bytes());
        let part = three_digits(micros % 1000);
        out.extend_from_slice(&[b'.', part[0], part[1], part[2]]);
    }
}

/// The three decimal digits of a number below 1000.
fn three_digits(number: u64) -> [u8; 3] {
    [100, 10, 1].map(|place| b'0' + u8::try_from(number / place % 10).unwrap_or(0))
}

/// The inside of a JSON string, escaped as RFC 8259 §7 demands; the delete character and the
/// line separators U+2028 and U+2029 too, so that a line is one line to every reader.
fn escape(text: &str, out: &mut Vec<u8>) {
    let plain = |byte: u8| (0x20..0x7F).contains(&byte) && byte != b'"' && byte != b'\\';
    if text.bytes().all(plain) {
        out.extend_from_slice(text.as_bytes());
        return;
    }
    let mut utf8 = [0; 4];
    for letter in text.chars() {
        match letter {
            '"' => out.extend_from_slice(b"\\\""),
            '\\' => out.extend_from_slice(b"\\\\"),
            '\n' => out.extend_from_slice(b"\\n"),
            '\r' => out.extend_from_slice(b"\\r"),
            '\t' => out.extend_from_slice(b"\\t"),
            '\0'..' ' | '\u{7F}'..'\u{A0}' | '\u{2028}' | '\u{2029}' => {
                out.extend_from_slice(format!("\\u{:04x}", u32::from(letter)).as_bytes());
            }
            _ => out.extend_from_slice(letter.encode_utf8(&mut utf8).as_bytes()),
        }
    }
}
