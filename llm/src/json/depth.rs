//! How deep a body nests, without recursion.

use super::scan::{plain_len, text_len};

/// Whether brackets and braces outside of strings nest deeper than `limit`.
///
/// Says something about any bytes; what it says about bytes that are not JSON means nothing.
pub(crate) fn deeper_than(bytes: &[u8], limit: usize) -> bool {
    // Few openings at all, those in texts included: the usual chat, told in one vectorised pass.
    openings(bytes) > limit && walk(bytes, limit)
}

fn openings(bytes: &[u8]) -> usize {
    // Counted in bytes while that can't overflow: many fit into one vector.
    let blocks = bytes.chunks(usize::from(u8::MAX)).map(|block| {
        let found: u8 = block
            .iter()
            .map(|&byte| u8::from(byte | 0x20 == b'{'))
            .sum();
        usize::from(found)
    });
    blocks.sum()
}

fn walk(bytes: &[u8], limit: usize) -> bool {
    let mut depth = 0usize;
    let mut at = 0;
    while at < bytes.len() {
        at += plain_len(&bytes[at..]);
        match bytes.get(at) {
            Some(b'"') => at = past_string(bytes, at + 1),
            Some(b'{' | b'[') => {
                depth += 1;
                if depth > limit {
                    return true;
                }
                at += 1;
            }
            Some(_) => {
                depth = depth.saturating_sub(1);
                at += 1;
            }
            None => break,
        }
    }
    false
}

/// The place behind the quote that ends the string whose inside begins at `at`.
fn past_string(bytes: &[u8], mut at: usize) -> usize {
    while at < bytes.len() {
        at += text_len(&bytes[at..]);
        match bytes.get(at) {
            Some(b'"') => return at + 1,
            // The escaped byte is passed over, whatever it is.
            _ => at += 2,
        }
    }
    bytes.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nested(depth: usize) -> String {
        format!("{}1{}", "[".repeat(depth), "]".repeat(depth))
    }

    #[test]
    fn the_limit_itself_is_not_deeper() {
        assert!(!deeper_than(nested(128).as_bytes(), 128));
        assert!(deeper_than(nested(129).as_bytes(), 128));
    }

    #[test]
    fn closed_ones_do_not_count() {
        let many = format!("[{}1]", "[{}],".repeat(5000));
        assert!(!deeper_than(many.as_bytes(), 3));
        assert!(deeper_than(many.as_bytes(), 2));
    }

    #[test]
    fn brackets_in_strings_do_not_count() {
        let body = format!(
            r#"{{"a":"{}\"{}\\","b":[]}}"#,
            "[".repeat(300),
            "{".repeat(300)
        );
        assert!(!deeper_than(body.as_bytes(), 2));
        assert!(deeper_than(body.as_bytes(), 1));
    }

    #[test]
    fn an_open_string_ends_with_the_bytes() {
        let body = [vec![b'['; 3], vec![b'"'], vec![b'['; 300], vec![b'\\']].concat();
        assert!(!deeper_than(&body, 3));
    }
}
