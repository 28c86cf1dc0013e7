//! How likely tokens were, as lists beside each other
//! (<https://platform.openai.com/docs/api-reference/completions/object#completions-object-choices-logprobs>).

use crate::chat::{Logprob, TokenLogprob};
use crate::json::{Object, Value};

/// `{tokens, token_logprobs, top_logprobs, text_offset}`.
pub(super) fn read(value: &Value<'_>) -> Vec<TokenLogprob> {
    let list = |name: &str| {
        value
            .get(name)
            .and_then(Value::as_array)
            .unwrap_or_default()
    };
    let (tokens, likely) = (list("tokens"), list("token_logprobs"));
    let top = list("top_logprobs");
    let token = |(at, (token, logprob)): (usize, (&Value<'_>, &Value<'_>))| {
        let others = top.get(at).and_then(Value::as_object);
        let others = others.into_iter().flat_map(Object::iter);
        Some(TokenLogprob {
            token: one(token.as_str()?, logprob)?,
            top: others
                .filter_map(|(token, value)| one(token, value))
                .collect(),
        })
    };
    let both = tokens.iter().zip(likely).enumerate();
    both.filter_map(token).collect()
}

fn one(token: &str, logprob: &Value<'_>) -> Option<Logprob> {
    Some(Logprob {
        token: token.to_owned(),
        logprob: logprob.as_f64()?,
        bytes: None,
    })
}

/// The lists, or `null` where there are none; `offset` characters of the answer come before.
pub(super) fn write(tokens: &[TokenLogprob], offset: u64) -> Value<'static> {
    if tokens.is_empty() {
        return Value::Null;
    }
    let mut at = offset;
    let mut offsets = Vec::new();
    for one in tokens {
        offsets.push(at);
        at += one.token.token.chars().count() as u64;
    }
    let names = tokens.iter().map(|one| one.token.token.clone());
    let likely = tokens.iter().map(|one| one.token.logprob);
    let top = tokens.iter().map(|one| {
        let mut object = Object::new();
        for other in &one.top {
            object.push(other.token.clone(), other.logprob);
        }
        object
    });
    Object::new()
        .with("tokens", names.collect::<Value<'_>>())
        .with("token_logprobs", likely.collect::<Value<'_>>())
        .with("top_logprobs", top.collect::<Value<'_>>())
        .with("text_offset", offsets)
        .into()
}
