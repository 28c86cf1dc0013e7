//! `GET /v1/models`, and one of them
//! (<https://platform.openai.com/docs/api-reference/models/object>).

use bytes::Bytes;

use crate::json::write_string;

/// A model as the list shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ModelShape<'a> {
    /// The name that a request gives as `model`.
    pub id: &'a str,
    /// Seconds since the Unix epoch; 0 where it is not known (SDKs want a number).
    pub created: i64,
    /// Who stands behind it.
    pub owned_by: &'a str,
}

/// `{"object":"list","data":[…]}`, in the order given.
#[must_use]
pub fn models_body<'a>(models: impl IntoIterator<Item = ModelShape<'a>>) -> Bytes {
    let mut out = b"{\"object\":\"list\",\"data\":[".to_vec();
    let mut first = true;
    for model in models {
        if !first {
            out.push(b',');
        }
        first = false;
        write(&model, &mut out);
    }
    out.extend_from_slice(b"]}");
    out.into()
}

/// `{"id":…,"object":"model","created":…,"owned_by":…}`.
#[must_use]
pub fn model_body(model: &ModelShape<'_>) -> Bytes {
    let mut out = Vec::with_capacity(96);
    write(model, &mut out);
    out.into()
}

fn write(model: &ModelShape<'_>, out: &mut Vec<u8>) {
    out.extend_from_slice(b"{\"id\":");
    write_string(model.id, out);
    out.extend_from_slice(b",\"object\":\"model\",\"created\":");
    out.extend_from_slice(itoa::Buffer::new().format(model.created).as_bytes());
    out.extend_from_slice(b",\"owned_by\":");
    write_string(model.owned_by, out);
    out.push(b'}');
}

#[cfg(test)]
mod tests {
    use super::*;

    const FAST: ModelShape<'_> = ModelShape {
        id: "fast",
        created: 0,
        owned_by: "team-a/chat",
    };

    #[test]
    fn one_model() {
        let expected = r#"{"id":"fast","object":"model","created":0,"owned_by":"team-a/chat"}"#;
        assert_eq!(model_body(&FAST), expected);
    }

    #[test]
    fn a_list_keeps_its_order() {
        let smart = ModelShape {
            id: "smart",
            created: 1_700_000_000,
            ..FAST
        };
        let expected = r#"{"object":"list","data":[{"id":"smart","object":"model","created":1700000000,"owned_by":"team-a/chat"},{"id":"fast","object":"model","created":0,"owned_by":"team-a/chat"}]}"#;
        assert_eq!(models_body([smart, FAST]), expected);
        assert_eq!(models_body([]), r#"{"object":"list","data":[]}"#);
    }
}
