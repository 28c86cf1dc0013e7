//! Models that a body names besides the one that it is routed by: those of a batch's requests.

use bytes::Bytes;

use super::MAX_MODEL_LEN;
use crate::call::{BodyKind, Call};
use crate::chat::Problem;
use crate::json::{Text, Value, write_string};
use crate::splice::{self, Splice};
use crate::{Format, Operation};

/// How many different models the requests of one body may name: each is routed of its own.
pub const MAX_NAMED: usize = 64;

/// One step from a value to those below it.
type Way = &'static [&'static str];

/// Every item of an array.
const EACH: &str = "[]";

/// Anthropic's (<https://platform.claude.com/docs/en/api/creating-message-batches>).
const OF_MESSAGES: [Way; 1] = [&["requests", EACH, "params", "model"]];

/// Google's, whose path names a model too (<https://ai.google.dev/api/batch-api#v1beta.GenerateContentBatch>).
const OF_GEMINI: [Way; 2] = [
    &["batch", "model"],
    &[
        "batch",
        "inputConfig",
        "requests",
        "requests",
        EACH,
        "request",
        "model",
    ],
];

/// The models that a body names below its top.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NamedModels {
    models: Vec<NamedModel>,
    places: Vec<Place>,
    /// What stands before a name in this format, and is no part of it.
    prefix: &'static str,
}

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedModel {
    /// Its name, without what Google puts before it.
    pub name: String,
    /// Where it stands first: `requests[0].params.model`.
    pub path: String,
}

/// Where one of them stands.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Place {
    /// Between its quotes.
    range: std::ops::Range<usize>,
    /// Which of the models.
    model: usize,
    prefixed: bool,
}

impl NamedModels {
    /// Those of a body that was read as [`read`](super::read) does. Nothing is looked at where a call can name none.
    ///
    /// # Errors
    /// A 400 that names the field: a model that is no string or too long, one that is given twice (the provider might go by
    /// the other), more than [`MAX_NAMED`] different ones.
    pub fn of(call: &Call, body: &[u8]) -> Result<Self, Problem> {
        let ways: &[Way] = match (call.body, call.operation, call.format) {
            (BodyKind::Json, Operation::Batches, Format::Messages) => &OF_MESSAGES,
            (BodyKind::Json, Operation::Batches, Format::Gemini) => &OF_GEMINI,
            _ => return Ok(Self::default()),
        };
        let value = Value::from_bytes(body).map_err(|_| {
            let message = "We could not parse the JSON body of your request.";
            Problem::new(400, "invalid_json", message)
        })?;
        let mut named = Self {
            prefix: match call.format {
                Format::Gemini => "models/",
                _ => "",
            },
            ..Self::default()
        };
        for way in ways {
            named.walk(&value, way, &mut String::new())?;
        }
        Ok(named)
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.models.is_empty()
    }

    /// Each model once.
    #[must_use]
    pub fn models(&self) -> &[NamedModel] {
        &self.models
    }

    /// The body with other names for the models: one for each of [`models`](Self::models), in their order.
    #[must_use]
    pub fn renamed(&self, body: &Bytes, names: &[&str]) -> Bytes {
        let splices: Vec<Splice> = self
            .places
            .iter()
            .filter_map(|place| {
                let name = *names.get(place.model)?;
                if name == self.models.get(place.model)?.name {
                    return None;
                }
                let full = match place.prefixed && !name.contains('/') {
                    true => format!("{}{name}", self.prefix),
                    false => name.to_owned(),
                };
                let mut quoted = Vec::with_capacity(full.len() + 2);
                write_string(&full, &mut quoted);
                let inside = quoted.get(1..quoted.len() - 1).unwrap_or_default();
                Some(Splice::new(place.range.clone(), inside))
            })
            .collect();
        splice::apply(body, &splices)
    }

    fn walk(&mut self, value: &Value<'_>, way: Way, path: &mut String) -> Result<(), Problem> {
        let (Some(&step), rest) = (way.first(), way.get(1..).unwrap_or_default()) else {
            return self.note(value, path);
        };
        let length = path.len();
        if step == EACH {
            for (index, item) in value.as_array().unwrap_or_default().iter().enumerate() {
                path.push_str(&format!("[{index}]"));
                self.walk(item, rest, path)?;
                path.truncate(length);
            }
            return Ok(());
        }
        // Where a provider's reader does not tell `Model` from `model`, nor `inputConfig` from `input_config`, it might go by
        // any of them.
        let mut fields = value
            .as_object()
            .into_iter()
            .flat_map(|object| object.iter())
            .filter(|(name, _)| is(name, step));
        let Some((name, value)) = fields.next() else {
            return Ok(());
        };
        if !path.is_empty() {
            path.push('.');
        }
        path.push_str(name);
        if fields.next().is_some() {
            let message = format!("Duplicate parameter: '{path}' may be given only once.");
            return Err(Problem::invalid(
                "duplicate_parameter",
                path.as_str(),
                message,
            ));
        }
        self.walk(value, rest, path)?;
        path.truncate(length);
        Ok(())
    }

    fn note(&mut self, value: &Value<'_>, path: &str) -> Result<(), Problem> {
        let (text, range) = match value {
            // The provider says that one is missing.
            Value::Null => return Ok(()),
            Value::String(Text {
                value,
                range: Some(range),
            }) => (&**value, range.clone()),
            _ => {
                let message = format!("Invalid type for '{path}': expected a string.");
                return Err(Problem::invalid("invalid_type", path, message));
            }
        };
        if text.len() > MAX_MODEL_LEN {
            let message = format!(
                "Invalid '{path}': string too long. Expected at most {MAX_MODEL_LEN} bytes."
            );
            return Err(Problem::invalid("string_above_max_length", path, message));
        }
        let bare = text.strip_prefix(self.prefix);
        let name = bare.unwrap_or(text);
        let known = self.models.iter().position(|model| model.name == name);
        let model = known.unwrap_or(self.models.len());
        if known.is_none() {
            if self.models.len() == MAX_NAMED {
                let message = format!(
                    "Invalid '{path}': the requests of one call may name at most {MAX_NAMED} different models."
                );
                return Err(Problem::invalid("too_many_models", path, message));
            }
            self.models.push(NamedModel {
                name: name.to_owned(),
                path: path.to_owned(),
            });
        }
        self.places.push(Place {
            range,
            model,
            prefixed: bare.is_some(),
        });
        Ok(())
    }
}

/// Whether a field is the one that is meant, in whichever case it is written.
fn is(name: &str, meant: &str) -> bool {
    let plain = |text: &str| -> String {
        text.chars()
            .filter(|letter| *letter != '_')
            .map(|letter| letter.to_ascii_lowercase())
            .collect()
    };
    name == meant || (name.len() <= meant.len() * 2 && plain(name) == plain(meant))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(operation: Operation, format: Format, body: &str) -> Result<NamedModels, Problem> {
        NamedModels::of(&Call::json(operation, format), body.as_bytes())
    }

    fn batch(body: &str) -> Result<NamedModels, Problem> {
        named(Operation::Batches, Format::Messages, body)
    }

    #[test]
    fn each_model_of_a_batch_is_found_once_and_renamed_everywhere() {
        let body = r#"{"requests": [
            {"custom_id": "a", "params": {"model": "fast", "x": "fast"}},
            {"params": {"model": "sl\u006fw"}}, {"params": {"model": "fast"}}, {"params": {}}, 5
        ], "model": "top"}"#;
        let found = batch(body).unwrap();
        let names: Vec<_> = found
            .models()
            .iter()
            .map(|one| (&*one.name, &*one.path))
            .collect();
        assert_eq!(
            names,
            [
                ("fast", "requests[0].params.model"),
                ("slow", "requests[1].params.model")
            ]
        );
        let bytes = Bytes::copy_from_slice(body.as_bytes());
        let same = found.renamed(&bytes, &["fast", "slow"]);
        assert_eq!(same.as_ptr(), bytes.as_ptr());
        let renamed = found.renamed(&bytes, &["claude\"5", "slow"]);
        let expected = body.replace(r#""model": "fast""#, r#""model": "claude\"5""#);
        assert_eq!(renamed, expected);
    }

    #[test]
    fn google_says_what_a_name_is_before_it() {
        let body = r#"{"batch":{"model":"models/fast","input_config":{"requests":{"requests":[{"request":{"model":"fast"}}]}}}}"#;
        let found = named(Operation::Batches, Format::Gemini, body).unwrap();
        assert_eq!(found.models().len(), 1);
        let renamed = found.renamed(&Bytes::copy_from_slice(body.as_bytes()), &["g-2"]);
        assert_eq!(
            renamed,
            body.replace("models/fast", "models/g-2")
                .replace("\"fast\"", "\"g-2\"")
        );
    }

    #[test]
    fn what_could_be_read_in_two_ways_is_refused() {
        for (body, code, param) in [
            (
                r#"{"requests":[{"params":{"model":"a","model":"b"}}]}"#,
                "duplicate_parameter",
                "requests[0].params.model",
            ),
            (
                r#"{"requests":[],"Requests":[{"params":{"model":"b"}}]}"#,
                "duplicate_parameter",
                "requests",
            ),
            (
                r#"{"requests":[{"params":{"model":["a"]}}]}"#,
                "invalid_type",
                "requests[0].params.model",
            ),
        ] {
            let problem = batch(body).unwrap_err();
            assert_eq!(problem.code.as_deref(), Some(code), "{body}");
            assert_eq!(problem.param.as_deref(), Some(param), "{body}");
        }
        let miscased = batch(r#"{"requests":[{"params":{"Model":"b"}}]}"#).unwrap();
        assert_eq!(miscased.models()[0].name, "b");
    }

    #[test]
    fn there_are_only_so_many() {
        let all = |count: usize| {
            let each: Vec<String> = (0..count)
                .map(|one| format!(r#"{{"params":{{"model":"m{one}"}}}}"#))
                .collect();
            batch(&format!(r#"{{"requests":[{}]}}"#, each.join(",")))
        };
        assert_eq!(all(MAX_NAMED).unwrap().models().len(), MAX_NAMED);
        assert_eq!(
            all(MAX_NAMED + 1).unwrap_err().code.as_deref(),
            Some("too_many_models")
        );
    }

    #[test]
    fn other_calls_name_none() {
        let body = r#"{"requests":[{"params":{"model":"a"}}]}"#;
        let chat = named(Operation::Chat, Format::Messages, body).unwrap();
        assert!(chat.is_empty());
    }
}
