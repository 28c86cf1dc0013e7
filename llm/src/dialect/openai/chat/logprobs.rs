//! How likely tokens were
//! (<https://platform.openai.com/docs/api-reference/chat/object#chat-object-choices-logprobs>).

use crate::chat::{Logprob, TokenLogprob};
use crate::json::{Object, Value};

/// `{content: […], refusal: […]}`.
pub(crate) fn read(value: &Value<'_>) -> Vec<TokenLogprob> {
    let lists = ["content", "refusal"].into_iter();
    lists
        .filter_map(|name| value.get(name)?.as_array())
        .flatten()
        .filter_map(token)
        .collect()
}

/// One token with the likeliest in its place.
pub(crate) fn token(value: &Value<'_>) -> Option<TokenLogprob> {
    let top = value.get("top_logprobs").and_then(Value::as_array);
    Some(TokenLogprob {
        token: one(value)?,
        top: top.into_iter().flatten().filter_map(one).collect(),
    })
}

fn one(value: &Value<'_>) -> Option<Logprob> {
    let bytes = value.get("bytes").and_then(Value::as_array);
    let bytes = bytes.and_then(|all| {
        let byte = |one: &Value<'_>| u8::try_from(one.as_u64()?).ok();
        all.iter().map(byte).collect()
    });
    Some(Logprob {
        token: value.get("token")?.as_str()?.to_owned(),
        logprob: value.get("logprob")?.as_f64()?,
        bytes,
    })
}

/// The list of tokens.
pub(crate) fn write(tokens: &[TokenLogprob]) -> Vec<Object<'_>> {
    list(tokens, false)
}

/// The same for responses, whose SDKs refuse a token without its bytes: where nobody told them, those of its text
/// (<https://platform.openai.com/docs/api-reference/responses/object#responses-object-output>).
pub(crate) fn write_with_bytes(tokens: &[TokenLogprob]) -> Vec<Object<'_>> {
    list(tokens, true)
}

fn list(tokens: &[TokenLogprob], whole: bool) -> Vec<Object<'_>> {
    let write = |token: &'_ TokenLogprob| {
        let top: Vec<Object<'static>> = token.top.iter().map(|one| object(one, whole)).collect();
        object(&token.token, whole).with("top_logprobs", top)
    };
    tokens.iter().map(write).collect()
}

fn object(one: &Logprob, whole: bool) -> Object<'static> {
    let made = || whole.then_some(one.token.as_bytes());
    let bytes = one.bytes.as_deref().or_else(made);
    let bytes = bytes.map_or(Value::Null, |bytes| {
        bytes.iter().map(|byte| u64::from(*byte)).collect()
    });
    Object::new()
        .with("token", one.token.clone())
        .with("logprob", one.logprob)
        .with("bytes", bytes)
}
