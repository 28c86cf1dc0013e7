//! Usage of streams, asked for in a caller's name and taken out again
//! (<https://platform.openai.com/docs/api-reference/chat/create#chat_create-stream_options>).

use std::borrow::Cow;
use std::ops::Range;
use std::sync::LazyLock;

use bytes::Bytes;
use memchr::memmem::Finder;

use super::provider::takes_stream_options;
use crate::json::{self, unescape};
use crate::splice::{self, Splice};
use crate::sse;
use crate::{Dialect, Preset};

/// What makes a streamed request of chat completions, or of completions, ask for its usage. `None` where it does
/// already, where the provider does not take the field, and where the field is nothing that can be added to.
#[must_use]
pub fn ask_for_usage(body: &str, dialect: Dialect, preset: Option<Preset>) -> Option<Splice> {
    if !takes_stream_options(dialect, preset) {
        return None;
    }
    let mut options = None;
    json::fields(body, |name, range| {
        if unescape(name) == "stream_options" {
            options = Some(range);
        }
    })
    .ok()?;
    let Some(options) = options else {
        let at = body.find('{')? + 1;
        // There is `stream` besides.
        return Some(Splice::new(
            at..at,
            *b"\"stream_options\":{\"include_usage\":true},",
        ));
    };
    let value = &body[options.clone()];
    if value == "null" {
        return Some(Splice::new(options, *b"{\"include_usage\":true}"));
    }
    let mut said = None;
    let mut empty = true;
    json::fields(value, |name, range| {
        empty = false;
        if unescape(name) == "include_usage" {
            said = Some(range);
        }
    })
    .ok()?;
    match said {
        Some(range) if &value[range.clone()] == "true" => None,
        Some(range) => {
            let place = options.start + range.start..options.start + range.end;
            Some(Splice::new(place, *b"true"))
        }
        None => {
            let at = options.start + 1;
            let with: &[u8] = if empty {
                b"\"include_usage\":true"
            } else {
                b"\"include_usage\":true,"
            };
            Some(Splice::new(at..at, with))
        }
    }
}

/// Takes the usage out of a stream whose caller did not ask for it: the event that holds nothing else goes, and
/// `"usage":null` goes out of all others. A usage beside a choice stays: such providers always send it.
#[derive(Clone, Copy, Debug, Default)]
pub struct UsageOut;

static USAGE: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b"\"usage\""));

impl UsageOut {
    /// A run of whole events without their usage; the same bytes, uncopied, where there is none.
    #[must_use]
    pub fn run(&mut self, run: Bytes) -> Bytes {
        let mut splices: Vec<Splice> = Vec::new();
        let mut done = 0;
        for at in USAGE.find_iter(&run) {
            // A second one in the same event.
            if at < done {
                continue;
            }
            let event = sse::event_around(&run, at);
            let start = offset(&run, event);
            done = start + event.len();
            if let Some(gone) = unwanted(event) {
                splices.push(Splice::new(start + gone.start..start + gone.end, *b""));
            }
        }
        if splices.is_empty() {
            return run;
        }
        splice::apply(&run, &splices)
    }
}

/// Where a part of some bytes begins.
fn offset(whole: &[u8], part: &[u8]) -> usize {
    (part.as_ptr() as usize).saturating_sub(whole.as_ptr() as usize)
}

/// What of an event goes: all of it, or one field.
fn unwanted(event: &[u8]) -> Option<Range<usize>> {
    // Data of several lines is copied, and is not known to come from anyone.
    let Cow::Borrowed(data) = sse::data(event)? else {
        return None;
    };
    let text = std::str::from_utf8(data).ok()?;
    let mut usage: Option<Range<usize>> = None;
    let mut null = false;
    let mut choices = None;
    // Where the field before ends, and whether the next one's start is still looked for.
    let mut before = None;
    let mut first = false;
    json::fields(text, |name, value| {
        let key = offset(data, name.as_bytes()).saturating_sub(1);
        if first && let Some(range) = &mut usage {
            range.end = key;
            first = false;
        }
        match name {
            "usage" if usage.is_none() => {
                null = &text[value.clone()] == "null";
                first = before.is_none();
                usage = Some(before.unwrap_or(key)..value.end);
            }
            "choices" => choices = Some(value.clone()),
            _ => {}
        }
        before = Some(value.end);
    })
    .ok()?;
    let usage = usage?;
    if null {
        let start = offset(event, data);
        return Some(start + usage.start..start + usage.end);
    }
    let choices = text[choices?].strip_prefix('[')?;
    let none = choices.trim_start().starts_with(']');
    none.then_some(0..event.len())
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(
        r#"{"stream":true}"#,
        r#"{"stream_options":{"include_usage":true},"stream":true}"#
    )]
    #[case(
        r#"{"stream":true,"stream_options":null}"#,
        r#"{"stream":true,"stream_options":{"include_usage":true}}"#
    )]
    #[case(
        r#"{"stream":true,"stream_options":{}}"#,
        r#"{"stream":true,"stream_options":{"include_usage":true}}"#
    )]
    #[case(
        r#"{"stream_options":{"include_usage": false},"stream":true}"#,
        r#"{"stream_options":{"include_usage": true},"stream":true}"#
    )]
    #[case(
        r#"{"stream_options":{"include_obfuscation":false},"stream":true}"#,
        r#"{"stream_options":{"include_usage":true,"include_obfuscation":false},"stream":true}"#
    )]
    fn a_stream_asks_for_its_usage(#[case] body: &str, #[case] expected: &str) {
        let splice = ask_for_usage(body, Dialect::OpenAI, None).unwrap();
        let body = Bytes::copy_from_slice(body.as_bytes());
        assert_eq!(splice::apply(&body, &[splice]), expected);
    }

    #[rstest]
    #[case::asked(r#"{"stream":true,"stream_options":{"include_usage":true}}"#, None)]
    #[case::no_options(r#"{"stream":true,"stream_options":7}"#, None)]
    #[case::not_taken(r#"{"stream":true}"#, Some(Preset::Mistral))]
    fn nothing_is_asked_for(#[case] body: &str, #[case] preset: Option<Preset>) {
        assert_eq!(ask_for_usage(body, Dialect::OpenAI, preset), None);
    }

    #[test]
    fn what_was_not_asked_for_goes_again() {
        let stream = concat!(
            "data: {\"id\":\"1\",\"choices\":[{\"delta\":{\"content\":\"\\\"usage\\\":null\"}}],\"usage\":null}\n\n",
            "data: {\"usage\": null, \"id\":\"1\",\"choices\":[]}\n\n",
            "data: {\"usage\":null}\n\n",
            ": a comment about \"usage\"\n\n",
            "data: {\"choices\":[{\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":1}}\n\n",
            "data: {\"id\":\"1\",\"choices\": [ ],\"usage\":{\"prompt_tokens\":1,\"usage\":2}}\n\n",
            "data: [DONE]\n\n",
        );
        let expected = concat!(
            "data: {\"id\":\"1\",\"choices\":[{\"delta\":{\"content\":\"\\\"usage\\\":null\"}}]}\n\n",
            "data: {\"id\":\"1\",\"choices\":[]}\n\n",
            "data: {}\n\n",
            ": a comment about \"usage\"\n\n",
            "data: {\"choices\":[{\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":1}}\n\n",
            "data: [DONE]\n\n",
        );
        let mut out = UsageOut;
        assert_eq!(out.run(Bytes::from(stream)), expected);
        let again = Bytes::from(expected);
        assert_eq!(out.run(again), expected);
    }

    #[test]
    fn what_holds_no_usage_is_not_copied() {
        let run = Bytes::from(b"data: {\"choices\":[]}\n\n".to_vec());
        assert_eq!(UsageOut.run(run.clone()).as_ptr(), run.as_ptr());
    }
}
