//! Where provider and caller speak one format.

use std::ops::Range;

use bytes::Bytes;

use super::{Exchange, Order, Way};
use crate::Operation;
use crate::body::Body;
use crate::dialect::{self, openai};
use crate::json::{self, write_string};
use crate::provider::{BodyChange, ModelPlace, Reach};
use crate::splice::{self, Splice};

/// The caller's bytes, but for what must change.
pub(super) fn prepare(order: &Order<'_>, reach: Reach) -> Exchange {
    let format = order.call.format;
    let asks_for_usage = dialect::codec(format).tells_usage_if_asked();
    let chat = matches!(
        order.call.operation,
        Operation::Chat | Operation::Completions
    );
    let usage = order
        .body
        .filter(|body| asks_for_usage && chat && body.stream() && !body.include_usage())
        .and_then(|body| openai::ask_for_usage(body.json(), order.dialect, order.settings.preset));
    let take_usage_out = usage.is_some();
    let mut splices: Vec<Splice> = usage.into_iter().collect();
    if reach.body.model == ModelPlace::Body {
        splices.extend(order.body.and_then(|body| body.with_model(order.model)));
        let named = order.form_model.cloned();
        splices.extend(named.map(|range| Splice::new(range, order.model)));
    }
    if reach.body.model == ModelPlace::Path
        && let Some(body) = order.body.filter(|body| body.model() != order.model)
    {
        splices.extend(dialect::codec(format).name_model(body.json(), order.model));
    }
    let body = splice::apply(order.bytes, &splices);
    Exchange {
        path: order.target(&reach),
        body: change(body, &reach.body, order.body),
        headers: reach.headers,
        dropped: Vec::new(),
        way: Way::Pass {
            format,
            take_usage_out,
        },
        asked: order.asked(None),
    }
}

/// A body of JSON with the fields that a provider wants, and without those that it does not.
pub(super) fn change(body: Bytes, change: &BodyChange, caller: Option<&Body<'_>>) -> Bytes {
    let no_model = change.model == ModelPlace::Path && caller.is_none_or(Body::names_model);
    if change.without.is_empty() && change.with.is_empty() && !no_model {
        return body;
    }
    let Ok(text) = std::str::from_utf8(&body) else {
        return body;
    };
    let mut fields = Vec::new();
    if json::fields(text, |name, value| fields.push((name, value))).is_err() {
        return body;
    }
    let unwanted = |name: &str| change.without.contains(&name) || (no_model && name == "model");
    let mut splices: Vec<Splice> = Vec::new();
    let mut kept = 0;
    for (name, value) in &fields {
        if unwanted(name) {
            splices.push(Splice::new(
                field_range(text, name, value, kept == 0),
                Vec::new(),
            ));
        } else {
            kept += 1;
        }
    }
    let missing = change
        .with
        .iter()
        .filter(|(name, _)| !fields.iter().any(|(one, _)| one == name));
    let open = text.find('{').map_or(0, |at| at + 1);
    let mut added = Vec::new();
    for (name, value) in missing {
        write_string(name, &mut added);
        added.push(b':');
        added.extend_from_slice(value.as_bytes());
        added.push(b',');
    }
    if kept == 0 {
        added.pop();
    }
    if !added.is_empty() {
        splices.push(Splice::new(open..open, added));
    }
    splice::apply(&body, &splices)
}

/// A field with the comma that goes with it: the one behind it for those at the start, else the one before.
fn field_range(text: &str, name: &str, value: &Range<usize>, first: bool) -> Range<usize> {
    let bytes = text.as_bytes();
    // The key as it stands: `name` is a part of the text, between its quotes.
    let key = name.as_ptr() as usize - text.as_ptr() as usize - 1;
    let blank = |byte: &u8| matches!(byte, b' ' | b'\n' | b'\r' | b'\t');
    if first {
        let behind = bytes[value.end..]
            .iter()
            .take_while(|byte| blank(byte))
            .count();
        let end = value.end + behind;
        let comma = usize::from(bytes.get(end) == Some(&b','));
        return key..end + comma;
    }
    let before = bytes[..key]
        .iter()
        .rev()
        .take_while(|byte| blank(byte))
        .count();
    let start = key - before;
    let comma = usize::from(start > 0 && bytes[start - 1] == b',');
    start - comma..value.end
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changed(body: &'static str, change: &BodyChange) -> String {
        let out = super::change(Bytes::from_static(body.as_bytes()), change, None);
        String::from_utf8(out.to_vec()).unwrap()
    }

    #[test]
    fn fields_go_with_their_commas() {
        let change = BodyChange {
            model: ModelPlace::Path,
            without: &["stream"],
            with: &[("v", "\"1\"")],
        };
        for (body, expected) in [
            (r#"{"model":"m","a":1,"stream":true}"#, r#"{"v":"1","a":1}"#),
            (
                r#"{ "a" : 1 , "model" : "m" , "b":2}"#,
                r#"{"v":"1", "a" : 1  , "b":2}"#,
            ),
            (r#"{"model":"m","stream":true}"#, r#"{"v":"1"}"#),
            (r#"{"model":"m","stream":true,"v":2}"#, r#"{"v":2}"#),
            (r#"{}"#, r#"{"v":"1"}"#),
            (r#"{"a":{"model":1}}"#, r#"{"v":"1","a":{"model":1}}"#),
        ] {
            assert_eq!(changed(body, &change), expected);
        }
    }

    #[test]
    fn nothing_to_change_is_no_copy() {
        let body = Bytes::from_static(b"{\"model\":\"m\"}");
        let same = super::change(body.clone(), &BodyChange::default(), None);
        assert_eq!(same.as_ptr(), body.as_ptr());
    }
}
