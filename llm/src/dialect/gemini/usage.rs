//! `usageMetadata` (<https://ai.google.dev/api/generate-content#UsageMetadata>).
//!
//! There the prompt counts what was cached, but not what tools at Google put into it, and what came out does not count
//! the thoughts.

use super::names::{field, number, text, whole};
use crate::Usage;
use crate::json::{Object, Value};

/// What it says; `None` where it holds no count.
pub(super) fn read(value: &Value<'_>) -> Option<Usage> {
    let prompt = number(value, "promptTokenCount");
    let out = number(value, "candidatesTokenCount");
    let total = number(value, "totalTokenCount");
    let thoughts = number(value, "thoughtsTokenCount");
    let tools = number(value, "toolUsePromptTokenCount").unwrap_or(0);
    if prompt.is_none() && out.is_none() && total.is_none() {
        return None;
    }
    let input = prompt.unwrap_or(0).saturating_add(tools);
    let spent = thoughts.unwrap_or(0);
    let out = out.unwrap_or_else(|| {
        total
            .unwrap_or(0)
            .saturating_sub(input)
            .saturating_sub(spent)
    });
    let of_input = |modality| {
        let tools = of_modality(value, "toolUsePromptTokensDetails", modality);
        match (of_modality(value, "promptTokensDetails", modality), tools) {
            (None, None) => None,
            (a, b) => Some(a.unwrap_or(0).saturating_add(b.unwrap_or(0))),
        }
    };
    Some(Usage {
        input,
        output: out.saturating_add(spent),
        cached: number(value, "cachedContentTokenCount"),
        reasoning: thoughts,
        audio_input: of_input("AUDIO"),
        audio_output: of_modality(value, "candidatesTokensDetails", "AUDIO"),
        image_input: of_input("IMAGE"),
        image_output: of_modality(value, "candidatesTokensDetails", "IMAGE"),
        ..Usage::default()
    })
}

/// The tokens of a modality in a list of `{modality, tokenCount}`.
fn of_modality(value: &Value<'_>, name: &str, modality: &str) -> Option<u64> {
    let details = field(value, name)?.as_array()?;
    details
        .iter()
        .filter(|one| text(one, "modality") == Some(modality))
        .find_map(|one| field(one, "tokenCount").and_then(whole))
}

pub(super) fn write(usage: &Usage) -> Object<'static> {
    let thoughts = usage.reasoning.map(|thoughts| thoughts.min(usage.output));
    let out = usage.output - thoughts.unwrap_or(0);
    let mut object = Object::new()
        .with("promptTokenCount", usage.input)
        .with("candidatesTokenCount", out)
        .with("totalTokenCount", usage.input.saturating_add(usage.output))
        .maybe("cachedContentTokenCount", usage.cached)
        .maybe("thoughtsTokenCount", thoughts);
    let details = [
        (
            "promptTokensDetails",
            [usage.audio_input, usage.image_input],
            usage.input,
        ),
        (
            "candidatesTokensDetails",
            [usage.audio_output, usage.image_output],
            out,
        ),
    ];
    for (name, media, all) in details {
        if media == [None; 2] {
            continue;
        }
        let of = |modality: &'static str, count: u64| {
            Object::new()
                .with("modality", modality)
                .with("tokenCount", count)
        };
        let told: u64 = media.iter().flatten().fold(0, |a, b| a.saturating_add(*b));
        let mut list = vec![of("TEXT", all.saturating_sub(told))];
        for (modality, count) in ["AUDIO", "IMAGE"].into_iter().zip(media) {
            list.extend(count.map(|count| of(modality, count)));
        }
        object.push(name, list);
    }
    object
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thoughts_are_told_apart_and_counted_in() {
        // As https://ai.google.dev/gemini-api/docs/thinking#pricing has it: what is billed is both.
        let value = r#"{"promptTokenCount":6,"candidatesTokenCount":5,"totalTokenCount":41,"thoughtsTokenCount":20,
            "cachedContentTokenCount":4,"toolUsePromptTokenCount":10,
            "promptTokensDetails":[{"modality":"TEXT","tokenCount":4},{"modality":"AUDIO","tokenCount":2}],
            "candidatesTokensDetails":[{"modality":"TEXT","tokenCount":1},{"modality":"IMAGE","tokenCount":4}]}"#;
        let expected = Usage {
            input: 16,
            output: 25,
            cached: Some(4),
            reasoning: Some(20),
            audio_input: Some(2),
            image_output: Some(4),
            ..Usage::default()
        };
        assert_eq!(read(&Value::parse(value).unwrap()), Some(expected));
        let written = write(&expected).to_bytes();
        assert_eq!(read(&Value::from_bytes(&written).unwrap()), Some(expected));
        assert_eq!(read(&Value::parse("{}").unwrap()), None);
    }

    #[test]
    fn what_came_out_is_the_rest_of_the_total_where_it_is_not_said() {
        let value =
            Value::parse(r#"{"promptTokenCount":6,"totalTokenCount":31,"thoughtsTokenCount":20}"#)
                .unwrap();
        let usage = read(&value).unwrap();
        assert_eq!((usage.input, usage.output), (6, 25));
    }
}
