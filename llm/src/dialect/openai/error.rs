//! Errors as OpenAI writes them
//! (<https://platform.openai.com/docs/guides/error-codes>).

use bytes::Bytes;

use crate::json::write_string;

/// The content of an error; in JSON all four are always there, `null` where `None`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ErrorShape<'a> {
    /// For people.
    pub message: &'a str,
    /// The class, `invalid_request_error` for one; JSON's `type`.
    pub kind: &'a str,
    /// The field of the request that is at fault.
    pub param: Option<&'a str>,
    /// The stable name of the error.
    pub code: Option<&'a str>,
}

/// The body of an error: `{"error":{"message":…,"type":…,"param":…,"code":…}}`.
#[must_use]
pub fn error_body(error: &ErrorShape<'_>) -> Bytes {
    let mut out = Vec::with_capacity(80 + error.message.len());
    write(error, &mut out);
    out.into()
}

/// The same as an event that ends a stream: `data: {"error":…}`, then a blank line.
///
/// The official SDKs raise on it, wherever in the stream it comes.
#[must_use]
pub fn error_event(error: &ErrorShape<'_>) -> Bytes {
    let mut out = Vec::with_capacity(88 + error.message.len());
    out.extend_from_slice(b"data: ");
    write(error, &mut out);
    out.extend_from_slice(b"\n\n");
    out.into()
}

fn write(error: &ErrorShape<'_>, out: &mut Vec<u8>) {
    out.extend_from_slice(b"{\"error\":{\"message\":");
    write_string(error.message, out);
    out.extend_from_slice(b",\"type\":");
    write_string(error.kind, out);
    out.extend_from_slice(b",\"param\":");
    write_optional(error.param, out);
    out.extend_from_slice(b",\"code\":");
    write_optional(error.code, out);
    out.extend_from_slice(b"}}");
}

fn write_optional(text: Option<&str>, out: &mut Vec<u8>) {
    match text {
        Some(text) => write_string(text, out),
        None => out.extend_from_slice(b"null"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ERROR: ErrorShape<'_> = ErrorShape {
        message: "Say \"please\"\n",
        kind: "invalid_request_error",
        param: None,
        code: Some("invalid_api_key"),
    };

    #[test]
    fn a_body_holds_all_four_fields() {
        let expected = r#"{"error":{"message":"Say \"please\"\n","type":"invalid_request_error","param":null,"code":"invalid_api_key"}}"#;
        assert_eq!(error_body(&ERROR), expected);
    }

    #[test]
    fn an_event_is_the_body_as_data() {
        let expected = [b"data: ", error_body(&ERROR).as_ref(), b"\n\n"].concat();
        assert_eq!(error_event(&ERROR), expected);
    }
}
