use super::{Message, Request, ToolResult};
use crate::Format;

/// What a caller may say of a part that changes no answer, or that is a record of what was: a target that has no place for
/// it leaves it out, and says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hint {
    /// The mark of a prompt cache.
    Cache,
    /// What an earlier answer cited.
    Citations,
    /// What a model thought that is not the target's.
    Reasoning {
        /// All of it is in its signature.
        redacted: bool,
    },
    /// What proves to another provider's model the reasoning behind a call.
    Signature,
    /// The name or the title of a file.
    FileName,
}

impl Request<'_> {
    /// What the caller's format calls a hint that belongs to the part at this path, without the numbers of turns and parts:
    /// `messages[].content[].cache_control`. So a conversation names it once, however long it is.
    #[must_use]
    pub fn shape_of(&self, hint: Hint, path: &str) -> String {
        let whole = shape(path);
        // A part of Bedrock's is named down to the one member that it has.
        let part = &whole[..whole.rfind(']').map_or(whole.len(), |at| at + 1)];
        let from = self.from;
        match hint {
            Hint::Cache => match from {
                Some(Format::Converse) => below(part, "cachePoint"),
                // A text alone has no place for it but its message.
                Some(Format::Chat) => {
                    let holder = whole.strip_suffix(".content").unwrap_or(&whole);
                    below(holder, "cache_control")
                }
                Some(Format::Responses) => below(&whole, "prompt_cache_breakpoint"),
                _ => below(&whole, "cache_control"),
            },
            Hint::Citations => match from {
                Some(Format::Chat | Format::Responses) => below(&whole, "annotations"),
                _ => below(&whole, "citations"),
            },
            Hint::Reasoning { redacted } => match from {
                Some(Format::Messages) if redacted => below(&whole, "data"),
                Some(Format::Messages) => below(&whole, "thinking"),
                Some(Format::Gemini) if redacted => below(&whole, "thoughtSignature"),
                Some(Format::Gemini) => below(&whole, "thought"),
                Some(Format::Responses) if redacted => below(&whole, "encrypted_content"),
                Some(Format::Cohere) if whole.ends_with(']') => below(&whole, "thinking"),
                _ => whole,
            },
            // Where a call has no field for it, it stands in a part of its own before the call.
            Hint::Signature => match from {
                Some(Format::Chat) => below(&whole, "extra_content"),
                Some(Format::Gemini) => below(&whole, "thoughtSignature"),
                Some(Format::Messages) => below(&whole, "data"),
                Some(Format::Converse) => below(part, "reasoningContent"),
                Some(Format::Responses) => below(&whole, "encrypted_content"),
                _ => below(&whole, "signature"),
            },
            Hint::FileName => match from {
                Some(Format::Messages) => below(&whole, "title"),
                Some(Format::Chat) => below(&whole, "file.filename"),
                Some(Format::Responses) => below(&whole, "filename"),
                Some(Format::Gemini) => below(&whole, "inlineData.displayName"),
                _ => below(&whole, "name"),
            },
        }
    }

    /// Whether the mark of a prompt cache at a result is that of its last part: in OpenAI's chat a result is a message, and
    /// its marks are its parts'.
    pub(crate) fn marks_parts_of(&self, result: &ToolResult<'_>) -> bool {
        let last = result.parts.last();
        self.from == Some(Format::Chat) && last.is_some_and(|part| part.cache.is_some())
    }

    /// What the caller's format calls the name of the schema that the answer has to fit; `None` where it has no such field.
    pub(crate) fn schema_name_path(&self) -> Option<&'static str> {
        match self.from {
            Some(Format::Gemini | Format::Cohere | Format::Completions) => None,
            Some(Format::Responses) => Some("text.format.name"),
            Some(Format::Messages) => Some("output_config.format.name"),
            Some(Format::Converse) => Some("outputConfig.textFormat.structure.jsonSchema.name"),
            Some(Format::Chat) | None => Some("response_format.json_schema.name"),
        }
    }
}

impl Message<'_> {
    /// Where the name of its speaker stands: `messages[2].name`.
    pub(crate) fn name_path(&self) -> String {
        let place = self.parts.first().map_or("messages[]", |part| &part.path);
        let end = place.find(']').map_or(place.len(), |at| at + 1);
        below(&place[..end], "name")
    }
}

fn below(path: &str, name: &str) -> String {
    match path {
        "" => name.to_owned(),
        path => format!("{path}.{name}"),
    }
}

/// A path without the numbers of its places: `messages[].content[]`.
pub(crate) fn shape(path: &str) -> String {
    let mut shape = String::with_capacity(path.len());
    let mut in_brackets = false;
    for letter in path.chars() {
        in_brackets &= letter.is_ascii_digit();
        if !in_brackets {
            shape.push(letter);
        }
        in_brackets |= letter == '[';
    }
    shape
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shape_has_no_numbers_of_places() {
        assert_eq!(
            shape("messages[12].content[3].text2"),
            "messages[].content[].text2"
        );
        assert_eq!(shape("system"), "system");
        assert_eq!(shape(""), "");
        assert_eq!(shape("a[b1][2"), "a[b1][");
    }

    #[test]
    fn a_hint_is_named_as_its_caller_wrote_it() {
        let named = |from, hint, path| {
            let request = Request {
                from: Some(from),
                ..Request::default()
            };
            request.shape_of(hint, path)
        };
        let content = "messages[1].content[2]";
        assert_eq!(
            named(Format::Messages, Hint::Cache, content),
            "messages[].content[].cache_control"
        );
        assert_eq!(
            named(Format::Chat, Hint::Cache, "messages[1].content"),
            "messages[].cache_control"
        );
        assert_eq!(
            named(Format::Converse, Hint::Cache, "messages[1].content[2].text"),
            "messages[].content[].cachePoint"
        );
        assert_eq!(
            named(
                Format::Cohere,
                Hint::Reasoning { redacted: false },
                "messages[1].tool_plan"
            ),
            "messages[].tool_plan"
        );
    }
}
