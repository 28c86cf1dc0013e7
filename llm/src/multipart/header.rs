//! The headers of a form: its content type, and what stands before each part.

/// The most bytes that a boundary may have (RFC 2046 §5.1.1).
const MAX_BOUNDARY: usize = 70;
/// The longest name of a field.
const MAX_NAME: usize = 256;

/// What the header of a part says.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) name: String,
    /// Whether there is a file name.
    pub(super) file: bool,
    /// Whether its bytes are its text, in UTF-8.
    pub(super) plain: bool,
}

/// The boundary that a content type names, if it is that of a form.
pub(super) fn boundary(content_type: &[u8]) -> Option<&[u8]> {
    let (kind, parameters) = value(content_type).ok()?;
    if !kind.eq_ignore_ascii_case(b"multipart/form-data") {
        return None;
    }
    let mut boundary = None;
    for parameter in parameters {
        let (name, value) = parameter.ok()?;
        let again = if name.eq_ignore_ascii_case(b"boundary") {
            boundary.replace(value).is_some()
        } else {
            name.eq_ignore_ascii_case(b"charset") && !is_utf8(value)
        };
        if again {
            return None;
        }
    }
    boundary.filter(|boundary| {
        let may_stand = |byte: &u8| byte.is_ascii_alphanumeric() || b"'()+_,-./:=? ".contains(byte);
        (1..=MAX_BOUNDARY).contains(&boundary.len())
            && boundary.iter().all(may_stand)
            && !boundary.ends_with(b" ")
    })
}

/// Reads the header of a part, without the empty line that ends it.
pub(super) fn part(lines: &[u8]) -> Result<Header, &'static str> {
    let mut disposition = None;
    let mut kind = None;
    let mut plain = true;
    for line in split_lines(lines) {
        let colon = memchr::memchr(b':', line).ok_or("a header has no colon")?;
        let (name, value) = (&line[..colon], line[colon + 1..].trim_ascii());
        if name.is_empty() || !name.iter().all(is_token) {
            return Err("the name of a header is not HTTP");
        }
        if value.iter().any(|&byte| byte != b'\t' && byte < b' ') || value.contains(&0x7f) {
            return Err("a header has control characters");
        }
        let place = if name.eq_ignore_ascii_case(b"content-disposition") {
            &mut disposition
        } else if name.eq_ignore_ascii_case(b"content-type") {
            &mut kind
        } else {
            if name.eq_ignore_ascii_case(b"content-transfer-encoding") {
                plain &= [&b"7bit"[..], b"8bit", b"binary"]
                    .iter()
                    .any(|none| value.eq_ignore_ascii_case(none));
            }
            continue;
        };
        if place.replace(value).is_some() {
            return Err("a header is there twice");
        }
    }
    let (name, file) = names(disposition.ok_or("a part has no content-disposition")?)?;
    if let Some(kind) = kind {
        plain &= is_plain_text(kind);
    }
    Ok(Header { name, file, plain })
}

/// The name that a disposition gives, and whether it gives a file name too.
fn names(disposition: &[u8]) -> Result<(String, bool), &'static str> {
    const UNREADABLE: &str = "a content-disposition can't be read";
    let (kind, parameters) = value(disposition).map_err(|Unreadable| UNREADABLE)?;
    if !kind.eq_ignore_ascii_case(b"form-data") {
        return Err("a content-disposition is not form-data");
    }
    let (mut name, mut file, mut file_again) = (None, false, false);
    for parameter in parameters {
        let (key, value) = parameter.map_err(|Unreadable| UNREADABLE)?;
        let again = if key.eq_ignore_ascii_case(b"name") {
            name.replace(value).is_some()
        } else if key.eq_ignore_ascii_case(b"filename") {
            std::mem::replace(&mut file, true)
        } else if key.eq_ignore_ascii_case(b"filename*") {
            std::mem::replace(&mut file_again, true)
        } else {
            // Some would read the name from here.
            key.get(..4)
                .is_some_and(|start| start.eq_ignore_ascii_case(b"name"))
        };
        if again {
            return Err("a content-disposition says something twice");
        }
    }
    let name = name.ok_or("a part has no name")?;
    let name = std::str::from_utf8(name).map_err(|_| "a name is not UTF-8")?;
    // A backslash escapes to some, and to others it is itself.
    if name.len() > MAX_NAME || name.contains('\\') {
        return Err("the name of a part is not a name");
    }
    Ok((name.to_owned(), file || file_again))
}

fn is_plain_text(kind: &[u8]) -> bool {
    let Ok((kind, mut parameters)) = value(kind) else {
        return false;
    };
    kind.eq_ignore_ascii_case(b"text/plain")
        && parameters.all(|parameter| {
            parameter
                .is_ok_and(|(name, value)| !name.eq_ignore_ascii_case(b"charset") || is_utf8(value))
        })
}

fn is_utf8(charset: &[u8]) -> bool {
    [&b"utf-8"[..], b"utf8", b"us-ascii"]
        .iter()
        .any(|utf8| charset.eq_ignore_ascii_case(utf8))
}

fn split_lines(mut lines: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        if lines.is_empty() {
            return None;
        }
        let end = memchr::memmem::find(lines, b"\r\n").unwrap_or(lines.len());
        let line = &lines[..end];
        lines = lines.get(end + 2..).unwrap_or_default();
        Some(line)
    })
}

/// A header's value that is not of the usual form, or that some read otherwise.
#[derive(Debug, PartialEq, Eq)]
struct Unreadable;

type Parameter<'a> = Result<(&'a [u8], &'a [u8]), Unreadable>;

/// `first; name=token; name="quoted"` (RFC 9110 §5.6.6).
fn value(text: &[u8]) -> Result<(&[u8], impl Iterator<Item = Parameter<'_>>), Unreadable> {
    let end = memchr::memchr(b';', text).unwrap_or(text.len());
    let first = text[..end].trim_ascii();
    if first.is_empty() {
        return Err(Unreadable);
    }
    let mut rest = &text[end..];
    let parameters = std::iter::from_fn(move || {
        rest = rest.trim_ascii();
        if rest.is_empty() || rest == b";" {
            return None;
        }
        let read = parameter(rest);
        rest = read.as_ref().map_or(&[][..], |(_, after)| *after);
        Some(read.map(|(parameter, _)| parameter))
    });
    Ok((first, parameters))
}

type Split<'a> = ((&'a [u8], &'a [u8]), &'a [u8]);

/// A parameter with the semicolon before it, and what is behind it.
fn parameter(text: &[u8]) -> Result<Split<'_>, Unreadable> {
    let text = text.strip_prefix(b";").ok_or(Unreadable)?.trim_ascii();
    let equals = memchr::memchr(b'=', text).ok_or(Unreadable)?;
    let (name, value) = (&text[..equals], &text[equals + 1..]);
    if name.is_empty() || !name.iter().all(is_token) {
        return Err(Unreadable);
    }
    let Some(quoted) = value.strip_prefix(b"\"") else {
        let end = value.iter().position(|byte| !is_token(byte));
        let (value, rest) = value.split_at(end.unwrap_or(value.len()));
        return if value.is_empty() {
            Err(Unreadable)
        } else {
            Ok(((name, value), rest))
        };
    };
    let end = memchr::memchr(b'"', quoted).ok_or(Unreadable)?;
    let (value, rest) = (&quoted[..end], &quoted[end + 1..]);
    // To some the quote is escaped, and to others the text ends here.
    if value.ends_with(b"\\") {
        return Err(Unreadable);
    }
    Ok(((name, value), rest))
}

/// RFC 9110 §5.6.2
fn is_token(byte: &u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte)
}
