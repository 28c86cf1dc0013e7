//! Plain answers, both ways (<https://platform.openai.com/docs/api-reference/responses/object>).

use super::encode::Writer;
use super::item::{self, Items};
use super::usage;
use crate::chat::{Answer, Choice, Event, PartKind, TokenLogprob};
use crate::codec::{Asked, BadAnswer, Encoder};
use crate::dialect::openai::typed::said;
use crate::json::Value;

pub(super) fn read(body: &[u8]) -> Result<Answer, BadAnswer> {
    let value = Value::from_bytes(body)?;
    let answer = value
        .as_object()
        .ok_or_else(|| BadAnswer::new("it is no object"))?;
    let output = value
        .get("output")
        .and_then(Value::as_array)
        .ok_or_else(|| BadAnswer::new("it has no output"))?;
    let mut items = Items::default();
    for item in output {
        items.add(item);
    }
    let finish = items.finish(&value);
    Ok(Answer {
        id: said(answer, "id").unwrap_or_default(),
        model: said(answer, "model").unwrap_or_default(),
        created: value.get("created_at").and_then(seconds),
        choices: vec![Choice {
            index: 0,
            finish: Some(finish),
            parts: items.parts,
            logprobs: items.logprobs,
        }],
        usage: value.get("usage").and_then(usage::read),
        service_tier: said(answer, "service_tier"),
    })
}

/// Some servers write `1762781676.0`.
pub(super) fn seconds(value: &Value<'_>) -> Option<i64> {
    value
        .as_i64()
        .or_else(|| i64::try_from(value.as_u64()?).ok())
}

/// An answer is what its stream would come to.
pub(super) fn write(answer: &Answer, asked: &Asked<'_>) -> Vec<u8> {
    let mut writer = Writer::quiet(asked);
    let mut events = vec![Event::Start {
        id: answer.id.clone(),
        model: answer.model.clone(),
        created: answer.created,
    }];
    if let Some(choice) = answer.choices.first() {
        let mut tokens = choice.logprobs.as_slice();
        let last = choice
            .parts
            .iter()
            .rposition(|part| matches!(part.kind, PartKind::Text(..)));
        for (number, part) in (0..).zip(&choice.parts) {
            let own = match &part.kind {
                PartKind::Text(..) if usize::try_from(number).ok() == last => tokens,
                PartKind::Text(text, _) => {
                    let (own, rest) = tokens.split_at(reach(tokens, text.len()));
                    tokens = rest;
                    own
                }
                _ => &[],
            };
            item::replay(part, number, own, &mut events);
        }
        events.extend(
            choice
                .finish
                .clone()
                .map(|finish| Event::Finish { choice: 0, finish }),
        );
    }
    events.extend(answer.usage.map(Event::Usage));
    events.push(Event::End);
    let mut out = Vec::new();
    for event in &events {
        writer.event(event, &mut out);
    }
    writer.into_response(answer.service_tier.as_deref())
}

/// How many of these tokens make up so many bytes of text.
fn reach(tokens: &[TokenLogprob], bytes: usize) -> usize {
    let mut so_far = 0;
    let within = tokens.iter().take_while(|one| {
        let before = so_far;
        let own = one
            .token
            .bytes
            .as_ref()
            .map_or(one.token.token.len(), Vec::len);
        so_far += own;
        before < bytes
    });
    within.count()
}
