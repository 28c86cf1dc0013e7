//! Forms.

use bytes::Bytes;
use weir_llm::multipart::{Field, MAX_VALUE, Multipart};
use weir_llm::splice;

use super::{Input, pieces};

const SINGLE: &[&str] = &["model", "stream"];

/// Forms: any cut reads the same, ranges hold what they say, and a changed model is read again.
pub fn multipart(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let how = input.byte();
    let content_type = match how & 3 {
        0 => input.short(),
        _ => b"multipart/form-data; boundary=b",
    };
    let body = input.rest;
    let whole = read(content_type, &[body]);
    let cut = read(content_type, &pieces(body, how));
    assert_eq!(whole, cut);
    let Some((fields, done)) = whole else {
        return;
    };
    let mut kept = 0;
    let mut behind = 0;
    for field in &fields {
        assert!(field.range.start >= behind && field.range.start <= field.range.end);
        behind = field.range.end;
        let (Ok(start), Ok(end)) = (
            usize::try_from(field.range.start),
            usize::try_from(field.range.end),
        ) else {
            panic!("a range past all memory");
        };
        if let Some(value) = &field.value {
            assert_eq!(&body[start..end], &**value);
            assert!(value.len() <= MAX_VALUE);
            kept += value.len();
        }
    }
    assert!(kept <= 512 << 10, "{kept} bytes are kept");
    let model = fields.iter().find(|field| field.name == "model");
    let Some(change) = model.and_then(|model| model.with("other")) else {
        return;
    };
    let changed = splice::apply(&Bytes::copy_from_slice(body), &[change]);
    let again = read(content_type, &[&changed]);
    let Some((fields, still_done)) = again else {
        panic!("a form whose model was changed can't be read");
    };
    assert_eq!(done, still_done);
    let model = fields.iter().find(|field| field.name == "model");
    assert_eq!(model.and_then(Field::text), Some("other"));
}

/// The fields of a form, and whether all of it was there; `None` where it is none.
fn read(content_type: &[u8], cut: &[&[u8]]) -> Option<(Vec<Field>, bool)> {
    let mut form = Multipart::new(content_type, SINGLE).ok()?;
    for piece in cut {
        form.feed(piece).ok()?;
    }
    Some((form.fields().to_vec(), form.done()))
}
