//! A provider's error becomes one that the caller's SDK can read.

use std::sync::LazyLock;

use bytes::Bytes;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, HeaderValue, StatusCode};
use memchr::memmem::Finder;
use serde_json::{Map, Value};
use weir_llm::exchange::Exchange;
use weir_llm::scrub::Scrubber;

/// The body as it is where it is an error that the caller can read, else one of its format that keeps what it says;
/// in both without the provider's credential.
pub(super) fn shaped(
    status: &mut StatusCode,
    body: Bytes,
    headers: &mut HeaderMap,
    exchange: &Exchange,
    scrubber: &Scrubber,
) -> Bytes {
    let mut body = scrubber.scrub(body);
    let mut said: Option<Map<String, Value>> = serde_json::from_slice(&body).ok();
    // Some encoders escape what JSON lets stand: `+` as `\u002b`, `/` as `\/`.
    if let Some(said) = &mut said
        && redact_all(said.values_mut(), scrubber)
        && let Ok(redacted) = serde_json::to_vec(said)
    {
        body = redacted.into();
    }
    if !headers.contains_key(RETRY_AFTER)
        && let Some(seconds) = exchange.retry_after(&body)
    {
        headers.insert(RETRY_AFTER, seconds.into());
    }
    let problem = match exchange.hidden_problem(&body) {
        Some(hidden) if status.is_success() => Some(hidden),
        _ => exchange.problem_named(status.as_u16(), &body, |name| {
            headers.get(name)?.to_str().ok()
        }),
    };
    let Some(problem) = problem else {
        return body;
    };
    let written = exchange.write_problem(&problem);
    *status = StatusCode::from_u16(written.status).unwrap_or(*status);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.remove(CONTENT_ENCODING);
    crate::headers::forget_body(headers);
    for (name, value) in written.headers {
        if let Ok(value) = HeaderValue::try_from(value) {
            headers.insert(name, value);
        }
    }
    written.body.into()
}

/// A searcher takes a moment to build: all streams share it.
static ERROR: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b"\"error\""));

/// Whole events without the provider's credential, however an error in them escapes it.
pub(super) fn redacted(events: Bytes, scrubber: &Scrubber) -> Bytes {
    let events = scrubber.scrub(events);
    if ERROR.find(&events).is_none() {
        return events;
    }
    let mut changed = false;
    let mut out = Vec::with_capacity(events.len());
    for line in events.split_inclusive(|byte| *byte == b'\n') {
        match redacted_line(line, scrubber) {
            Some(redacted) => {
                changed = true;
                out.extend_from_slice(&redacted);
            }
            None => out.extend_from_slice(line),
        }
    }
    if changed { out.into() } else { events }
}

/// The line anew, if it is one of data in JSON that has the credential in it.
fn redacted_line(line: &[u8], scrubber: &Scrubber) -> Option<Vec<u8>> {
    let data = line.strip_prefix(b"data:")?;
    let end = &data[data.trim_ascii_end().len()..];
    let mut said: Value = serde_json::from_slice(data).ok()?;
    if !redact(&mut said, scrubber) {
        return None;
    }
    let json = serde_json::to_vec(&said).ok()?;
    Some([b"data: ", &*json, end].concat())
}

/// Takes the credential out of every text; whether there was one.
fn redact(value: &mut Value, scrubber: &Scrubber) -> bool {
    match value {
        Value::String(text) if scrubber.finds(text.as_bytes()) => {
            let scrubbed = scrubber.scrub(Bytes::copy_from_slice(text.as_bytes()));
            *text = String::from_utf8_lossy(&scrubbed).into_owned();
            true
        }
        Value::Array(items) => redact_all(items.iter_mut(), scrubber),
        Value::Object(members) => redact_all(members.values_mut(), scrubber),
        _ => false,
    }
}

fn redact_all<'v>(values: impl Iterator<Item = &'v mut Value>, scrubber: &Scrubber) -> bool {
    let mut found = false;
    for value in values {
        found |= redact(value, scrubber);
    }
    found
}

#[cfg(test)]
mod tests {
    use weir_llm::call::Call;
    use weir_llm::exchange::{Order, prepare};
    use weir_llm::provider::Settings;
    use weir_llm::{Dialect, Format, Operation};

    use super::*;

    /// A chat at a provider of the same format.
    fn exchange() -> Exchange {
        let call = Call::json(Operation::Chat, Format::Chat);
        let bytes = Bytes::from_static(b"{\"model\":\"m\"}");
        let body = weir_llm::body::read(&call, &bytes).unwrap();
        let order = Order {
            call: &call,
            method: "POST",
            path: "/v1/chat/completions",
            query: None,
            body: Some(&body),
            bytes: &bytes,
            form_model: None,
            stream: false,
            dialect: Dialect::OpenAI,
            settings: &Settings::default(),
            model: "m",
            drop: false,
            id: "",
            now: 0,
        };
        prepare(&order).unwrap()
    }

    fn of(status: u16, body: &'static str) -> String {
        let mut status = StatusCode::from_u16(status).unwrap();
        let before = status;
        let shaped = shaped(
            &mut status,
            Bytes::from_static(body.as_bytes()),
            &mut HeaderMap::new(),
            &exchange(),
            &Scrubber::new(["sk+secret/1"]),
        );
        assert_eq!(status, before);
        String::from_utf8(shaped.to_vec()).unwrap()
    }

    #[test]
    fn an_error_event_loses_an_escaped_credential_and_nothing_else() {
        let scrubber = Scrubber::new(["sk+secret/1"]);
        let redacted = |events: &'static str| {
            let events = redacted(Bytes::from_static(events.as_bytes()), &scrubber);
            String::from_utf8(events.to_vec()).unwrap()
        };
        assert_eq!(
            redacted(
                ": hi\r\nevent: error\r\ndata:{\"error\":{\"message\":\"sk\\u002bsecret\\/1\"}}\r\n\r\n"
            ),
            ": hi\r\nevent: error\r\ndata: {\"error\":{\"message\":\"[redacted]\"}}\r\n\r\n"
        );
        for passes in [
            "data: { \"error\" : null }\n\n",
            "data: {\"x\":\"sk\\u002bother\"}\n\n",
            "data: \"error\" is no JSON\n\n",
        ] {
            assert_eq!(redacted(passes), passes);
        }
    }

    #[test]
    fn an_error_of_the_dialect_passes_byte_for_byte() {
        let body = "{ \"error\": {\"message\":\"slow down\",\"x\":1} }\n";
        assert_eq!(of(429, body), body);
    }

    #[test]
    fn the_credential_is_taken_out_however_it_is_escaped() {
        for written in ["sk+secret/1", "sk\\u002bsecret/1", "sk+secret\\/1"] {
            let body = format!(r#"{{"error":{{"message":"no: {written}","x":["{written}"]}}}}"#);
            assert_eq!(
                of(401, body.leak()),
                r#"{"error":{"message":"no: [redacted]","x":["[redacted]"]}}"#
            );
        }
        assert_eq!(
            of(500, r#"{"detail":"sk\u002bsecret/1"}"#),
            r#"{"error":{"message":"[redacted]","type":"server_error","param":null,"code":"provider_error"}}"#
        );
    }

    #[test]
    fn any_other_error_is_wrapped_and_keeps_its_message() {
        let unreadable = r#"{"error":{"message":"The provider answered 502 without an error that can be read.","type":"server_error","param":null,"code":"provider_error"}}"#;
        for body in ["", "<html>Bad gateway</html>", "[]", "{}", "null"] {
            assert_eq!(of(502, body), unreadable, "{body}");
        }
        let kept = r#"{"error":{"message":"no such model","type":"invalid_request_error","param":null,"code":"provider_error"}}"#;
        for body in [
            r#"{"message":"no such model"}"#,
            r#"{"detail":"no such model"}"#,
            r#"{"error":"no such model"}"#,
        ] {
            assert_eq!(of(404, body), kept, "{body}");
        }
    }
}
