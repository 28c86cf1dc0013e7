//! What JSON says and YAML 1.1 does not: characters beyond U+FFFF as a pair of escapes.

use std::borrow::Cow;

/// `text` with each surrogate pair of a JSON document (`\ud83d\ude00`) written as YAML's one escape (`\U0001f600`).
///
/// Only a text that begins with `{` is JSON; elsewhere a pair stays the fault that it is in YAML. A pair that follows
/// an escaped backslash is text, and stays.
pub(super) fn without_surrogates(text: &str) -> Cow<'_, str> {
    let body = text.strip_prefix("---").unwrap_or(text);
    if !body.trim_start().starts_with('{') || !text.contains("\\u") {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        let (before, escape) = rest.split_at(at);
        out.push_str(before);
        let taken = match pair(escape) {
            Some(c) => {
                out.push_str(&format!("\\U{:08x}", u32::from(c)));
                12
            }
            None => {
                let taken = escape.chars().take(2).map(char::len_utf8).sum();
                out.push_str(escape.get(..taken).unwrap_or_default());
                taken
            }
        };
        rest = escape.get(taken..).unwrap_or_default();
    }
    out.push_str(rest);
    Cow::Owned(out)
}

/// The character of the pair of escapes that `text` begins with.
fn pair(text: &str) -> Option<char> {
    let unit = |from: usize| {
        let escape = text.get(from..from + 6)?.strip_prefix("\\u")?;
        u16::from_str_radix(escape, 16).ok()
    };
    char::decode_utf16([unit(0)?, unit(6)?])
        .next()?
        .ok()
        .filter(|c| u32::from(*c) > 0xffff)
}

#[cfg(test)]
mod tests {
    use super::without_surrogates;

    #[test]
    fn a_pair_becomes_one_escape() {
        assert_eq!(
            without_surrogates(r#"{"a":"\ud83d\ude00!"}"#),
            r#"{"a":"\U0001f600!"}"#
        );
        assert_eq!(
            without_surrogates(r#"{"a":"\\ud83d\\ude00"}"#),
            r#"{"a":"\\ud83d\\ude00"}"#
        );
        assert_eq!(
            without_surrogates(r#"{"a":"\u00e9\ud83d"}"#),
            r#"{"a":"\u00e9\ud83d"}"#
        );
        assert_eq!(
            without_surrogates(r#"a: "\ud83d\ude00""#),
            r#"a: "\ud83d\ude00""#
        );
    }
}
