//! `logprobsResult` (<https://ai.google.dev/api/generate-content#LogprobsResult>).

use super::names::{field, text};
use crate::chat::{Logprob, TokenLogprob};
use crate::json::{Object, Value};

pub(super) fn read(value: &Value<'_>) -> Vec<TokenLogprob> {
    let list = |value: &Value<'_>, name| -> Vec<Logprob> {
        let items = field(value, name)
            .and_then(Value::as_array)
            .unwrap_or_default();
        items.iter().map(one).collect()
    };
    let steps = field(value, "topCandidates")
        .and_then(Value::as_array)
        .unwrap_or_default();
    list(value, "chosenCandidates")
        .into_iter()
        .enumerate()
        .map(|(at, token)| TokenLogprob {
            token,
            top: steps
                .get(at)
                .map(|step| list(step, "candidates"))
                .unwrap_or_default(),
        })
        .collect()
}

fn one(value: &Value<'_>) -> Logprob {
    Logprob {
        token: text(value, "token").unwrap_or_default().to_owned(),
        logprob: field(value, "logProbability")
            .and_then(Value::as_f64)
            .unwrap_or(0.0),
        bytes: None,
    }
}

pub(super) fn write(tokens: &[TokenLogprob]) -> Object<'_> {
    fn write_one(token: &Logprob) -> Object<'_> {
        Object::new()
            .with("token", &token.token)
            .with("logProbability", token.logprob)
    }
    let chosen: Vec<Object<'_>> = tokens.iter().map(|one| write_one(&one.token)).collect();
    let object = Object::new().with("chosenCandidates", chosen);
    if tokens.iter().all(|one| one.top.is_empty()) {
        return object;
    }
    let top: Vec<Object<'_>> = tokens
        .iter()
        .map(|one| {
            let top: Vec<Object<'_>> = one.top.iter().map(write_one).collect();
            Object::new().with("candidates", top)
        })
        .collect();
    object.with("topCandidates", top)
}
