//! Heads and chunks, written.
use std::cell::RefCell;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::{BufMut as _, BytesMut};
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{StatusCode, Version};

use super::Framing;

/// Whether a header belongs to one hop (RFC 9110 §7.6.1) or frames the message, and is so the
/// wire's own.
pub(in crate::wire) fn is_the_wires(name: &HeaderName) -> bool {
    const PROXY_CONNECTION: HeaderName = HeaderName::from_static("proxy-connection");
    const KEEP_ALIVE: HeaderName = HeaderName::from_static("keep-alive");
    *name == header::CONTENT_LENGTH
        || *name == header::TRANSFER_ENCODING
        || *name == header::CONNECTION
        || *name == header::UPGRADE
        || *name == header::TE
        || *name == header::TRAILER
        || *name == KEEP_ALIVE
        || *name == PROXY_CONNECTION
}

/// Writes the head of an answer. `length` is none where there can be no body.
pub(in crate::wire) fn response_head(
    out: &mut BytesMut,
    status: StatusCode,
    headers: &HeaderMap,
    framing: Option<Framing>,
    version: Version,
    keep_alive: bool,
) {
    out.reserve(512);
    out.put_slice(b"HTTP/1.1 ");
    out.put_slice(status.as_str().as_bytes());
    out.put_u8(b' ');
    out.put_slice(status.canonical_reason().unwrap_or("").as_bytes());
    out.put_slice(b"\r\n");
    fields(out, headers);
    if !headers.contains_key(header::DATE) {
        out.put_slice(b"date: ");
        with_date(|date| out.put_slice(date));
        out.put_slice(b"\r\n");
    }
    match framing {
        Some(Framing::Length(length)) => content_length(out, length),
        Some(Framing::Chunked) => out.put_slice(b"transfer-encoding: chunked\r\n"),
        Some(Framing::Close) | None => {}
    }
    if !keep_alive {
        out.put_slice(b"connection: close\r\n");
    } else if version == Version::HTTP_10 {
        out.put_slice(b"connection: keep-alive\r\n");
    }
    out.put_slice(b"\r\n");
}

/// Writes the headers that are not the wire's.
fn fields(out: &mut BytesMut, headers: &HeaderMap) {
    for (name, value) in headers {
        if !is_the_wires(name) {
            field(out, name, value);
        }
    }
}

/// Writes a header.
pub(in crate::wire) fn field(out: &mut BytesMut, name: &HeaderName, value: &HeaderValue) {
    let (name, value) = (name.as_str().as_bytes(), value.as_bytes());
    out.reserve(name.len() + value.len() + 4);
    out.put_slice(name);
    out.put_slice(b": ");
    out.put_slice(value);
    out.put_slice(b"\r\n");
}

/// Writes a `content-length`.
pub(in crate::wire) fn content_length(out: &mut BytesMut, length: u64) {
    out.put_slice(b"content-length: ");
    out.put_slice(itoa::Buffer::new().format(length).as_bytes());
    out.put_slice(b"\r\n");
}

/// Writes the line that stands before a chunk's data.
pub(in crate::wire) fn chunk_size(out: &mut BytesMut, size: usize) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut line = [0u8; 18];
    line[16..].copy_from_slice(b"\r\n");
    let mut at = 16;
    let mut rest = size;
    loop {
        at -= 1;
        line[at] = DIGITS[rest & 15];
        rest >>= 4;
        if rest == 0 {
            break;
        }
    }
    out.put_slice(&line[at..]);
}

/// The date as HTTP writes it, made once a second on each thread.
fn with_date(write: impl FnOnce(&[u8])) {
    thread_local! {
        static DATE: RefCell<(u64, [u8; 29])> = const { RefCell::new((u64::MAX, [0; 29])) };
    }
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs());
    DATE.with_borrow_mut(|(second, text)| {
        if *second != now {
            *second = now;
            *text = imf_fixdate(now);
        }
        write(text);
    });
}

/// `Sun, 06 Nov 1994 08:49:37 GMT` (RFC 9110 §5.6.7).
fn imf_fixdate(unix: u64) -> [u8; 29] {
    let date = httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_secs(unix));
    // The format has one length, up to the year 9999, which the library ends at.
    date.as_bytes().try_into().unwrap_or([b' '; 29])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_written_as_http_wants_them() {
        let cases = [
            (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"),
            (0, "Thu, 01 Jan 1970 00:00:00 GMT"),
            (951_782_400, "Tue, 29 Feb 2000 00:00:00 GMT"),
            (1_798_761_599, "Thu, 31 Dec 2026 23:59:59 GMT"),
        ];
        for (unix, text) in cases {
            assert_eq!(std::str::from_utf8(&imf_fixdate(unix)).unwrap(), text);
        }
    }

    #[test]
    fn chunk_sizes_are_hexadecimal() {
        let mut out = BytesMut::new();
        for size in [1, 15, 16, 255, 4096, usize::MAX] {
            chunk_size(&mut out, size);
        }
        assert_eq!(
            &out[..],
            b"1\r\nf\r\n10\r\nff\r\n1000\r\nffffffffffffffff\r\n".as_slice()
        );
    }

    #[test]
    fn a_head_has_one_framing_and_no_header_of_another_hop() {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("content-type", "text/plain"),
            ("content-length", "99"),
            ("transfer-encoding", "chunked"),
            ("connection", "x"),
            ("keep-alive", "timeout=5"),
            ("date", "Sun, 06 Nov 1994 08:49:37 GMT"),
        ] {
            headers.insert(HeaderName::from_static(name), value.parse().unwrap());
        }
        let mut out = BytesMut::new();
        let framing = Some(Framing::Length(5));
        response_head(
            &mut out,
            StatusCode::OK,
            &headers,
            framing,
            Version::HTTP_11,
            true,
        );
        assert_eq!(
            std::str::from_utf8(&out).unwrap(),
            "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\n\
             date: Sun, 06 Nov 1994 08:49:37 GMT\r\ncontent-length: 5\r\n\r\n"
        );
    }
}
