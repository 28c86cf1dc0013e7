//! `usage` of a chat, and `meta` of everything else (<https://docs.cohere.com/reference/chat#response.body.usage>).
//!
//! There are two counts: what the model read and wrote, with what Cohere puts into the prompt (`tokens`), and what is
//! billed (`billed_units`). What is billed counts here.

use crate::Usage;
use crate::json::{Object, Value};

/// What it says; `None` where it holds no count.
pub(super) fn read(value: &Value<'_>) -> Option<Usage> {
    let of = |group: &str| {
        let group = value.get(group)?;
        let count = |name: &str| group.get(name).and_then(Value::as_u64);
        let (input, output) = (count("input_tokens"), count("output_tokens"));
        (input.is_some() || output.is_some()).then(|| (input.unwrap_or(0), output.unwrap_or(0)))
    };
    let (input, output) = of("billed_units").or_else(|| of("tokens"))?;
    let cached = value.get("cached_tokens").and_then(Value::as_u64);
    Some(Usage {
        input,
        output,
        // What was cached is counted among all that was read, of which less is billed.
        cached: cached.map(|cached| cached.min(input)),
        ..Usage::default()
    })
}

pub(super) fn write(usage: &Usage) -> Object<'static> {
    let counts = || {
        Object::new()
            .with("input_tokens", usage.input)
            .with("output_tokens", usage.output)
    };
    Object::new()
        .with("billed_units", counts())
        .with("tokens", counts())
        .maybe("cached_tokens", usage.cached)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_billed_counts() {
        let value = r#"{"billed_units":{"input_tokens":62,"output_tokens":28.0},"tokens":{"input_tokens":968,"output_tokens":83},"cached_tokens":16}"#;
        let expected = Usage {
            input: 62,
            output: 28,
            cached: Some(16),
            ..Usage::default()
        };
        assert_eq!(read(&Value::parse(value).unwrap()), Some(expected));
        let cached = r#"{"billed_units":{"input_tokens":5},"tokens":{"input_tokens":70},"cached_tokens":16}"#;
        let cached = read(&Value::parse(cached).unwrap()).unwrap();
        assert_eq!((cached.input, cached.cached), (5, Some(5)));
        let searches = Value::parse(r#"{"billed_units":{"search_units":1}}"#).unwrap();
        assert_eq!(read(&searches), None);
        let written = write(&expected).to_bytes();
        assert_eq!(read(&Value::from_bytes(&written).unwrap()), Some(expected));
    }
}
