//! What proves reasoning: `encrypted_content` of an item of the type `reasoning`
//! (<https://platform.openai.com/docs/guides/reasoning#encrypted-reasoning-items>).
//!
//! An item comes back under its own id, and so the id of the provider's items is kept with what it encrypted:
//! `rs_…:gAAAA…`. A colon is in neither.

use std::borrow::Cow;

use crate::Format;
use crate::chat::Signature;

/// How ids begin that were made for callers. The provider's own are of hexadecimal digits behind `rs_`.
pub(super) const MADE: &str = "rs_weir";

/// Reads it from an item with this id.
pub(super) fn read<'a>(id: Option<&str>, encrypted: Cow<'a, str>) -> Signature<'a> {
    let mut signature = Signature::from_token(encrypted, Format::Responses);
    if let Some(id) = id.filter(|id| id.starts_with("rs_") && !id.starts_with(MADE))
        && signature.from == Format::Responses
        && split(&signature.data).0.is_none()
    {
        signature.data = format!("{id}:{}", signature.data).into();
    }
    signature
}

/// The id of the item, where it is known, and what was encrypted.
pub(super) fn split(data: &str) -> (Option<&str>, &str) {
    match data.split_once(':') {
        Some((id, encrypted)) if id.starts_with("rs_") => (Some(id), encrypted),
        _ => (None, data),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_item_keeps_its_id_and_whose_it_is() {
        let own = read(Some("rs_1"), "gAAA".into());
        assert_eq!(own.from, Format::Responses);
        assert_eq!(split(&own.data), (Some("rs_1"), "gAAA"));
        assert_eq!(split(&read(None, "gAAA".into()).data), (None, "gAAA"));
        // An id that the provider never gave is none of its.
        assert_eq!(&*read(Some("rs_weir_a_0"), "gAAA".into()).data, "gAAA");
        // What was kept with its id comes back so, under whatever id.
        assert_eq!(read(Some("rs_2"), own.data.clone()), own);
        let foreign = read(Some("rs_1"), "weir.messages.abc".into());
        assert_eq!((foreign.from, &*foreign.data), (Format::Messages, "abc"));
    }
}
