//! The items of an answer's `output`
//! (<https://platform.openai.com/docs/api-reference/responses/object#responses-object-output>), read, and told as events.

use std::borrow::Cow;

use super::citation;
use super::read::reasoned;
use crate::chat::{
    Citation, Delta, Event, Finish, Media, MediaKind, Part, PartKind, PartStart, Reasoned,
    Signature, Source, TokenLogprob, ToolCall,
};
use crate::dialect::openai::chat::logprobs;
use crate::dialect::openai::typed::said;
use crate::json::{Object, Text, Value};

/// What the items of an answer come to.
#[derive(Debug, Default)]
pub(super) struct Items {
    pub(super) parts: Vec<Part<'static>>,
    pub(super) logprobs: Vec<TokenLogprob>,
}

impl Items {
    /// Adds an item. What is no word of the model's (steps of tools at the provider) stays out.
    pub(super) fn add(&mut self, item: &Value<'_>) {
        let Some(fields) = item.as_object() else {
            return;
        };
        match fields.get("type").and_then(Value::as_str) {
            Some("message") => {
                let content = fields.get("content").and_then(Value::as_array);
                for part in content.into_iter().flatten() {
                    self.content(part);
                }
            }
            Some("reasoning") => {
                let parts = reasoned(fields, "").into_iter();
                self.parts.extend(parts.filter_map(owned));
            }
            Some("function_call") => self.call(fields, "arguments"),
            Some("custom_tool_call") => self.call(fields, "input"),
            Some("image_generation_call") => self.parts.extend(image(fields)),
            _ => {}
        }
    }

    fn content(&mut self, part: &Value<'_>) {
        let text = |name: &str| part.get(name).and_then(Value::as_str).map(str::to_owned);
        match part.get("type").and_then(Value::as_str) {
            Some("output_text") => {
                let kind =
                    PartKind::Text(Text::new(text("text").unwrap_or_default()), citations(part));
                self.parts.push(Part::new(kind));
                let tokens = part.get("logprobs").map(tokens);
                self.logprobs.extend(tokens.unwrap_or_default());
            }
            Some("refusal") => {
                let refusal = Text::new(text("refusal").unwrap_or_default());
                self.parts.push(Part::new(PartKind::Refusal(refusal)));
            }
            _ => {}
        }
    }

    fn call(&mut self, fields: &Object<'_>, arguments: &str) {
        let text = |name: &str| said(fields, name).unwrap_or_default();
        let id = said(fields, "call_id").or_else(|| said(fields, "id"));
        self.parts.push(Part::new(PartKind::ToolCall(ToolCall {
            id: id.unwrap_or_default().into(),
            name: text("name").into(),
            arguments: Text::new(text(arguments)),
            signature: None,
        })));
    }

    /// Why the answer ends that has these items.
    pub(super) fn finish(&self, response: &Value<'_>) -> Finish {
        let call = |part: &Part<'_>| matches!(part.kind, PartKind::ToolCall(_));
        finish(response, self.parts.iter().any(call))
    }
}

/// `status` and `incomplete_details`; that tools are called is said by the items alone. A model that declines has said
/// all that it says.
pub(super) fn finish(response: &Value<'_>, called: bool) -> Finish {
    let reason = response
        .get("incomplete_details")
        .and_then(|details| details.get("reason"))
        .and_then(Value::as_str);
    match response.get("status").and_then(Value::as_str) {
        Some("failed" | "cancelled") => Finish::Failed,
        Some("incomplete") => match reason {
            None | Some("max_output_tokens" | "max_tokens") => Finish::Length,
            Some("content_filter") => Finish::ContentFilter,
            Some("pause_turn") => Finish::Pause,
            Some(other) => Finish::Other(other.to_owned()),
        },
        _ if called => Finish::ToolCalls,
        _ => Finish::Stop,
    }
}

/// `logprobs` of a text or of a piece of one.
pub(super) fn tokens(value: &Value<'_>) -> Vec<TokenLogprob> {
    let all = value.as_array().into_iter().flatten();
    all.filter_map(logprobs::token).collect()
}

fn citations(part: &Value<'_>) -> Vec<Citation<'static>> {
    let annotations = part.get("annotations").and_then(Value::as_array);
    annotations
        .into_iter()
        .flatten()
        .filter_map(citation::read)
        .collect()
}

/// What the tool of this name made (<https://platform.openai.com/docs/guides/tools-image-generation>).
fn image(fields: &Object<'_>) -> Option<Part<'static>> {
    let data = said(fields, "result")?;
    let format = said(fields, "output_format").unwrap_or_else(|| "png".to_owned());
    Some(Part::new(PartKind::Media(Media {
        kind: MediaKind::Image,
        source: Source::Base64(data.into()),
        media_type: Some(format!("image/{format}").into()),
        name: None,
        detail: None,
        citations: false,
    })))
}

/// A signature that outlives its body.
pub(super) fn owned_signature(signature: Signature<'_>) -> Signature<'static> {
    Signature {
        from: signature.from,
        data: signature.data.into_owned().into(),
    }
}

fn owned(part: Part<'_>) -> Option<Part<'static>> {
    let PartKind::Reasoning(one) = part.kind else {
        return None;
    };
    Some(Part::new(PartKind::Reasoning(Reasoned {
        text: one.text.into_owned(),
        summary: one.summary,
        signature: one.signature.map(owned_signature),
        redacted: one.redacted,
    })))
}

/// A whole part as the events of a stream; `tokens` are those of a text.
pub(super) fn replay(
    part: &Part<'static>,
    number: u32,
    tokens: &[TokenLogprob],
    events: &mut Vec<Event>,
) {
    let mut deltas = Vec::new();
    let start = match &part.kind {
        PartKind::Text(text, citations) => {
            deltas.push(Delta::Text(text.to_string()));
            deltas.extend(citations.iter().cloned().map(Delta::Citation));
            PartStart::Text
        }
        PartKind::Refusal(text) => {
            deltas.push(Delta::Text(text.to_string()));
            PartStart::Refusal
        }
        PartKind::Reasoning(reasoned) => {
            if !reasoned.text.is_empty() {
                deltas.push(Delta::Text(reasoned.text.to_string()));
            }
            deltas.extend(reasoned.signature.clone().map(Delta::Signature));
            PartStart::Reasoning {
                summary: reasoned.summary,
                redacted: reasoned.redacted,
            }
        }
        PartKind::ToolCall(call) => {
            deltas.push(Delta::Arguments(call.arguments.to_string()));
            PartStart::ToolCall {
                id: call.id.to_string(),
                name: call.name.to_string(),
                signature: call.signature.clone(),
            }
        }
        PartKind::Media(media) => {
            let Source::Base64(data) = &media.source else {
                let Some(place) = place(media) else { return };
                return replay(&Part::text(place), number, tokens, events);
            };
            deltas.push(Delta::Data(data.to_string()));
            PartStart::Media {
                kind: media.kind,
                media_type: media.media_type.as_deref().map(str::to_owned),
            }
        }
        // Models give no results.
        PartKind::ToolResult(_) => return,
    };
    events.push(Event::PartStart {
        choice: 0,
        part: number,
        start,
    });
    for delta in deltas {
        events.push(Event::Delta {
            choice: 0,
            part: number,
            delta,
        });
    }
    if !tokens.is_empty() {
        events.push(Event::Logprobs {
            choice: 0,
            tokens: tokens.to_vec(),
        });
    }
    events.push(Event::PartEnd {
        choice: 0,
        part: number,
    });
}

/// A file that is elsewhere, as a text that links to it.
fn place(media: &Media<'_>) -> Option<Cow<'static, str>> {
    Some(match &media.source {
        Source::Url(place) | Source::File(place) => format!("![]({place})").into(),
        Source::Text(text) => text.to_string().into(),
        Source::Base64(_) => return None,
    })
}
