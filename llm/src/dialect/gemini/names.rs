//! Names of fields: Google's APIs take `camelCase` and `snake_case` alike, as protobuf's JSON has it
//! (<https://protobuf.dev/programming-guides/json/>).

use std::borrow::Cow;

use crate::json::{Object, Value, write_string};
use crate::splice::Splice;

/// A name in `camelCase`.
pub(super) fn camel(name: &str) -> Cow<'_, str> {
    if !name.contains('_') {
        return Cow::Borrowed(name);
    }
    let mut out = String::with_capacity(name.len());
    let mut upper = false;
    for c in name.chars() {
        if c == '_' {
            upper = true;
        } else if upper {
            out.push(c.to_ascii_uppercase());
            upper = false;
        } else {
            out.push(c);
        }
    }
    Cow::Owned(out)
}

/// The field of an object, however it is spelt; `None` where it is `null`.
pub(super) fn get<'v, 'a>(object: &'v Object<'a>, name: &str) -> Option<&'v Value<'a>> {
    object.get(name).or_else(|| {
        object
            .iter()
            .find(|(own, value)| own.contains('_') && !value.is_null() && camel(own) == name)
            .map(|(_, value)| value)
    })
}

/// The same of a value that may be no object.
pub(super) fn field<'v, 'a>(value: &'v Value<'a>, name: &str) -> Option<&'v Value<'a>> {
    value.as_object().and_then(|object| get(object, name))
}

/// The text of a field.
pub(super) fn text<'v>(value: &'v Value<'_>, name: &str) -> Option<&'v str> {
    field(value, name).and_then(Value::as_str)
}

/// A whole number of a field. Those of 64 bits come as strings.
pub(super) fn number(value: &Value<'_>, name: &str) -> Option<u64> {
    field(value, name).and_then(whole)
}

/// A whole number, however it is written.
pub(super) fn whole(value: &Value<'_>) -> Option<u64> {
    value
        .as_u64()
        .or_else(|| value.as_str().and_then(|text| text.parse().ok()))
}

/// Fields that are there, each with its name in `camelCase` and as it is written.
pub(super) fn fields<'v, 'a>(
    object: &'v Object<'a>,
) -> impl Iterator<Item = (Cow<'v, str>, &'v str, &'v Value<'a>)> {
    object
        .iter()
        .filter(|(_, value)| !value.is_null())
        .map(|(name, value)| (camel(name), name, value))
}

/// What a repeated field holds, each with its path: protobuf's JSON takes one message in place of a list of it, and
/// Google's own examples write it so.
pub(super) fn list<'v, 'a>(value: &'v Value<'a>, path: &str) -> Vec<(String, &'v Value<'a>)> {
    match value {
        Value::Array(items) => items
            .iter()
            .enumerate()
            .map(|(index, item)| (format!("{path}[{index}]"), item))
            .collect(),
        one => vec![(path.to_owned(), one)],
    }
}

/// Names the model anew where a body names it besides its path: in the requests of `batchEmbedContents`, and in the one
/// that `countTokens` counts (<https://ai.google.dev/api/embeddings#method:-models.batchembedcontents>,
/// <https://ai.google.dev/api/tokens#method:-models.counttokens>). Google wants all of them to be the same.
pub(super) fn name_model(body: &str, model: &str) -> Vec<Splice> {
    let Ok(value) = Value::parse(body) else {
        return Vec::new();
    };
    let one = field(&value, "generateContentRequest");
    let all = field(&value, "requests").and_then(Value::as_array);
    let holders = one.into_iter().chain(all.unwrap_or_default());
    let named = holders.filter_map(|holder| field(holder, "model")?.as_text()?.range.clone());
    // The range lies between the quotes.
    let quoted = named.filter_map(|range| Some(range.start.checked_sub(1)?..range.end + 1));
    let name = match model.split_once('/') {
        Some(_) => model.to_owned(),
        None => format!("models/{model}"),
    };
    let mut with = Vec::new();
    write_string(&name, &mut with);
    quoted
        .map(|range| Splice::new(range, with.clone()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_names_the_model_that_is_called() {
        let body = r#"{"requests":[{"model":"models/fast","content":{"parts":[{"text":"model"}]}},{"model": "fast"},{}],"generate_content_request":{"model":"models/fast"}}"#;
        let named = crate::splice::apply(&body.into(), &name_model(body, "gemini-embedding-001"));
        let expected = body
            .replace("\"models/fast\"", "\"models/gemini-embedding-001\"")
            .replace("\"fast\"", "\"models/gemini-embedding-001\"");
        assert_eq!(named, expected);
        let tuned = crate::splice::apply(&body.into(), &name_model(body, "tunedModels/x"));
        assert!(tuned.starts_with(br#"{"requests":[{"model":"tunedModels/x""#));
        assert!(name_model("{\"requests\":7}", "m").is_empty());
    }

    #[test]
    fn both_spellings_are_one_name() {
        assert_eq!(camel("thought_signature"), "thoughtSignature");
        assert_eq!(camel("thoughtSignature"), "thoughtSignature");
        let value = Value::parse(r#"{"inline_data":null,"file_data":1,"max":"7"}"#).unwrap();
        assert_eq!(field(&value, "fileData").and_then(Value::as_u64), Some(1));
        assert!(field(&value, "inlineData").is_none());
        assert_eq!(number(&value, "max"), Some(7));
    }
}
