//! Heads of requests and answers, found and read.
use std::mem::MaybeUninit;

use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{Method, StatusCode, Uri, Version};

use super::Framing;
use crate::wire::message::{Fault, Head};

/// The most headers that a head may have, whatever is configured.
pub(in crate::wire) const MAX_HEADERS: usize = 128;

/// Finds the end of a head as its bytes come, looking at each byte once.
#[derive(Debug, Default)]
pub(in crate::wire) struct Scanner {
    seen: usize,
    line: usize,
}

/// What a scan found.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::wire) enum Scan {
    /// No end yet.
    More,
    /// The head is this long, its empty line included.
    End(usize),
    /// A line ends in a bare line feed.
    BareLineFeed,
}

impl Scanner {
    /// Looks on, in a buffer that begins as it did before.
    pub(in crate::wire) fn scan(&mut self, input: &[u8]) -> Scan {
        while let Some(at) = memchr::memchr(b'\n', &input[self.seen..]) {
            let at = self.seen + at;
            if at == 0 || input[at - 1] != b'\r' {
                return Scan::BareLineFeed;
            }
            self.seen = at + 1;
            // The line has nothing but its CRLF, and something stood before it.
            if at == self.line + 1 && self.line > 0 {
                return Scan::End(self.seen);
            }
            self.line = self.seen;
        }
        self.seen = input.len();
        Scan::More
    }
}

/// A request's head, and what it says about the bytes behind it.
#[derive(Debug)]
pub(in crate::wire) struct RequestHead {
    pub(in crate::wire) head: Head,
    pub(in crate::wire) framing: Framing,
    pub(in crate::wire) keep_alive: bool,
    pub(in crate::wire) expects_continue: bool,
}

/// Reads a head that [`Scanner`] found whole.
pub(in crate::wire) fn request(bytes: &Bytes, max_headers: usize) -> Result<RequestHead, Fault> {
    let mut space = [const { MaybeUninit::uninit() }; MAX_HEADERS];
    let space = &mut space[..max_headers.min(MAX_HEADERS)];
    let mut parsed = httparse::Request::new(&mut []);
    match parsed.parse_with_uninit_headers(bytes, space) {
        Ok(httparse::Status::Complete(length)) if length == bytes.len() => {}
        Ok(_) => return Err(Fault::BadRequest("the head is cut by an empty line")),
        Err(httparse::Error::TooManyHeaders) => return Err(Fault::HeadTooLarge),
        Err(httparse::Error::Version) => return Err(Fault::BadRequest("not HTTP/1.0 or HTTP/1.1")),
        Err(_) => return Err(Fault::BadRequest("the head is not HTTP")),
    }
    let method = parsed
        .method
        .and_then(|method| Method::from_bytes(method.as_bytes()).ok());
    let method = method.ok_or(Fault::BadRequest("the method is not HTTP"))?;
    if method == Method::CONNECT {
        return Err(Fault::MethodNotAllowed);
    }
    let uri = parsed.path.map(|path| bytes.slice_ref(path.as_bytes()));
    let uri = uri.and_then(|path| Uri::from_maybe_shared(path).ok());
    let uri = uri.ok_or(Fault::BadRequest("the request target is not a URI"))?;
    let version = if parsed.version == Some(1) {
        Version::HTTP_11
    } else {
        Version::HTTP_10
    };
    let headers =
        headers(bytes, parsed.headers).ok_or(Fault::BadRequest("a header is not HTTP"))?;
    let framing = request_framing(version, &headers)?;
    let mut hosts = headers.get_all(header::HOST).iter();
    match (hosts.next(), hosts.next()) {
        (Some(host), None) if !may_be_host(host.as_bytes()) => {
            return Err(Fault::BadRequest("the host header names no host"));
        }
        (Some(_), None) => {}
        (None, _) if version != Version::HTTP_11 => {}
        _ => return Err(Fault::BadRequest("there has to be exactly one host header")),
    }
    let keep_alive = keeps_alive(version, &headers);
    let expects_continue = version == Version::HTTP_11
        && headers
            .get(header::EXPECT)
            .is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"100-continue"));
    let head = Head {
        method,
        uri,
        version,
        headers,
    };
    Ok(RequestHead {
        head,
        framing,
        keep_alive,
        expects_continue,
    })
}

/// RFC 9112 §6.1 and §6.3, with every choice that they leave taken as a refusal.
fn request_framing(version: Version, headers: &HeaderMap) -> Result<Framing, Fault> {
    let mut codings = headers.get_all(header::TRANSFER_ENCODING).iter();
    if let Some(coding) = codings.next() {
        if headers.contains_key(header::CONTENT_LENGTH) {
            return Err(Fault::BadRequest(
                "transfer-encoding together with content-length",
            ));
        }
        if version != Version::HTTP_11 {
            return Err(Fault::BadRequest("transfer-encoding in HTTP/1.0"));
        }
        if codings.next().is_some() || !coding.as_bytes().eq_ignore_ascii_case(b"chunked") {
            return Err(Fault::BadRequest(
                "the transfer-encoding is not exactly chunked",
            ));
        }
        return Ok(Framing::Chunked);
    }
    let mut lengths = headers.get_all(header::CONTENT_LENGTH).iter();
    let Some(length) = lengths.next() else {
        return Ok(Framing::Length(0));
    };
    match (lengths.next(), decimal(length.as_bytes())) {
        (None, Some(length)) => Ok(Framing::Length(length)),
        (Some(_), _) => Err(Fault::BadRequest("more than one content-length")),
        (None, None) => Err(Fault::BadRequest("the content-length is not a number")),
    }
}

/// An answer's head, and what it says about the bytes behind it.
#[derive(Debug)]
pub(in crate::wire) struct ResponseHead {
    pub(in crate::wire) status: StatusCode,
    pub(in crate::wire) version: Version,
    pub(in crate::wire) headers: HeaderMap,
    pub(in crate::wire) framing: Framing,
    pub(in crate::wire) keep_alive: bool,
}

/// Reads a head that [`Scanner`] found whole; `None` if it is not HTTP, or not unambiguous.
/// `headless` is whether the request was a HEAD.
pub(in crate::wire) fn response(bytes: &Bytes, headless: bool) -> Option<ResponseHead> {
    let mut space = [const { MaybeUninit::uninit() }; MAX_HEADERS];
    let mut parsed = httparse::Response::new(&mut []);
    let parsing = httparse::ParserConfig::default().parse_response_with_uninit_headers(
        &mut parsed,
        bytes,
        &mut space,
    );
    if parsing != Ok(httparse::Status::Complete(bytes.len())) {
        return None;
    }
    let status = StatusCode::from_u16(parsed.code?).ok()?;
    let version = if parsed.version == Some(1) {
        Version::HTTP_11
    } else {
        Version::HTTP_10
    };
    let headers = headers(bytes, parsed.headers)?;
    let framing = response_framing(version, status, headless, &headers)?;
    let keep_alive = framing != Framing::Close && keeps_alive(version, &headers);
    Some(ResponseHead {
        status,
        version,
        headers,
        framing,
        keep_alive,
    })
}

fn response_framing(
    version: Version,
    status: StatusCode,
    headless: bool,
    headers: &HeaderMap,
) -> Option<Framing> {
    let mut codings = headers.get_all(header::TRANSFER_ENCODING).iter();
    let coding = codings.next();
    let mut lengths = headers.get_all(header::CONTENT_LENGTH).iter();
    let length = match lengths.next() {
        Some(length) => Some(decimal(length.as_bytes())?),
        None => None,
    };
    // The same length said twice is harmless here, and some servers do it.
    if lengths.any(|other| decimal(other.as_bytes()) != length)
        || (coding.is_some() && length.is_some())
    {
        return None;
    }
    if headless || status.is_informational() || matches!(status.as_u16(), 204 | 304) {
        return Some(Framing::Length(0));
    }
    match (coding, length) {
        (Some(coding), _) => {
            let plain = codings.next().is_none()
                && version == Version::HTTP_11
                && coding.as_bytes().eq_ignore_ascii_case(b"chunked");
            plain.then_some(Framing::Chunked)
        }
        (None, Some(length)) => Some(Framing::Length(length)),
        (None, None) => Some(Framing::Close),
    }
}

/// The headers without a copy of their values.
fn headers(bytes: &Bytes, parsed: &[httparse::Header<'_>]) -> Option<HeaderMap> {
    let mut headers = HeaderMap::with_capacity(parsed.len());
    for field in parsed {
        let name = HeaderName::from_bytes(field.name.as_bytes()).ok()?;
        let value = HeaderValue::from_maybe_shared(bytes.slice_ref(field.value)).ok()?;
        headers.append(name, value);
    }
    Some(headers)
}

/// A number that is nothing but digits: no sign, no list, no space.
fn decimal(text: &[u8]) -> Option<u64> {
    if text.is_empty() || text.len() > 18 {
        return None;
    }
    text.iter().try_fold(0u64, |number, byte| {
        byte.is_ascii_digit()
            .then(|| number * 10 + u64::from(byte - b'0'))
    })
}

/// RFC 9112 §9.3.
fn keeps_alive(version: Version, headers: &HeaderMap) -> bool {
    let mut keep_alive = version == Version::HTTP_11;
    for value in headers.get_all(header::CONNECTION) {
        for option in value.as_bytes().split(|&byte| byte == b',') {
            let option = option.trim_ascii();
            if option.eq_ignore_ascii_case(b"close") {
                return false;
            }
            keep_alive |= option.eq_ignore_ascii_case(b"keep-alive");
        }
    }
    keep_alive
}

/// Whether a text can be a host and a port (RFC 9112 §3.2). It may be empty.
fn may_be_host(text: &[u8]) -> bool {
    text.iter()
        .all(|byte| byte.is_ascii_graphic() && !b"\"#,/<>?@\\^`{|}".contains(byte))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(text: &str) -> Result<RequestHead, Fault> {
        request(&Bytes::copy_from_slice(text.as_bytes()), MAX_HEADERS)
    }

    fn framing(lines: &str) -> Result<Framing, Fault> {
        read(&format!("POST / HTTP/1.1\r\nhost: a\r\n{lines}\r\n")).map(|head| head.framing)
    }

    #[test]
    fn a_plain_head_is_read_whole() {
        let head = read(
            "POST /v1/x?y=z HTTP/1.1\r\nHost: a\r\nX-A: 1\r\nx-a: 2\r\nContent-Length: 5\r\n\r\n",
        );
        let head = head.unwrap();
        assert_eq!(head.head.method, Method::POST);
        assert_eq!(head.head.uri, "/v1/x?y=z");
        assert_eq!(
            head.head.headers.get_all("x-a").iter().collect::<Vec<_>>(),
            ["1", "2"]
        );
        assert_eq!(
            (head.framing, head.keep_alive, head.expects_continue),
            (Framing::Length(5), true, false)
        );
    }

    #[test]
    fn ambiguous_framing_is_refused_in_whatever_order_it_comes() {
        let both = Err(Fault::BadRequest(
            "transfer-encoding together with content-length",
        ));
        let coding = Err(Fault::BadRequest(
            "the transfer-encoding is not exactly chunked",
        ));
        let number = Err(Fault::BadRequest("the content-length is not a number"));
        assert_eq!(
            framing("transfer-encoding: chunked\r\n"),
            Ok(Framing::Chunked)
        );
        assert_eq!(
            framing("transfer-encoding: Chunked\r\n"),
            Ok(Framing::Chunked)
        );
        assert_eq!(
            framing("content-length: 5\r\ntransfer-encoding: chunked\r\n"),
            both
        );
        assert_eq!(
            framing("transfer-encoding: chunked\r\ncontent-length: 5\r\n"),
            both
        );
        assert_eq!(
            framing("transfer-encoding: identity\r\ncontent-length: 5\r\n"),
            both
        );
        for other in [
            "identity",
            "xchunked",
            "gzip, chunked",
            "chunked, identity",
            "chunked, chunked",
            "",
        ] {
            assert_eq!(
                framing(&format!("transfer-encoding: {other}\r\n")),
                coding,
                "{other}"
            );
        }
        let twice = "transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n";
        assert_eq!(framing(twice), coding);
        let lengths = Err(Fault::BadRequest("more than one content-length"));
        assert_eq!(
            framing("content-length: 5\r\ncontent-length: 5\r\n"),
            lengths
        );
        for other in ["+5", "-5", "5, 5", "5 5", "0x5", "", "99999999999999999999"] {
            assert_eq!(
                framing(&format!("content-length: {other}\r\n")),
                number,
                "{other}"
            );
        }
        let old =
            read("POST / HTTP/1.0\r\ntransfer-encoding: chunked\r\n\r\n").map(|head| head.framing);
        assert_eq!(old, Err(Fault::BadRequest("transfer-encoding in HTTP/1.0")));
    }

    #[test]
    fn heads_that_are_not_http_are_refused() {
        let cases = [
            "GET /\r\n\r\n",
            "GET / HTTP/2.0\r\nhost: a\r\n\r\n",
            "GET / HTTP/1.1\r\nhost : a\r\n\r\n",
            "GET / HTTP/1.1\r\nhost: a\r\n folded\r\n\r\n",
            "GET / HTTP/1.1\r\n host: a\r\n\r\n",
            "GET / HTTP/1.1\r\nhost: a\0b\r\n\r\n",
            "GET / HTTP/1.1\r\nhost: a\rb\r\n\r\n",
            "GET / HTTP/1.1\r\nhost: a\r\nno-colon\r\n\r\n",
            "GET / HTTP/1.1\r\nhost: a\r\n: empty\r\n\r\n",
            "GET / HTTP/1.1\r\nhost: a\r\nhost: b\r\n\r\n",
            "GET / HTTP/1.1\r\nhost: a b\r\n\r\n",
            "GET / HTTP/1.1\r\nhost: a/b\r\n\r\n",
            "GET / HTTP/1.1\r\nhost: x@a\r\n\r\n",
            "GET / HTTP/1.1\r\n\r\n",
            "G@T / HTTP/1.1\r\nhost: a\r\nb{: c\r\n\r\n",
            "GET /\u{e4} HTTP/1.1 x\r\nhost: a\r\n\r\n",
            "CONNECT a:443 HTTP/1.1\r\nhost: a\r\n\r\n",
        ];
        for case in cases {
            assert!(read(case).is_err(), "{}", case.escape_debug());
        }
        let many = format!(
            "GET / HTTP/1.1\r\nhost: a\r\n{}\r\n",
            "a: b\r\n".repeat(MAX_HEADERS)
        );
        assert_eq!(
            read(&many).map(|head| head.framing),
            Err(Fault::HeadTooLarge)
        );
    }

    #[test]
    fn persistence_follows_version_and_connection_options() {
        let keeps = |version: &str, lines: &str| {
            read(&format!("GET / {version}\r\nhost: a\r\n{lines}\r\n"))
                .unwrap()
                .keep_alive
        };
        assert_eq!(
            [
                keeps("HTTP/1.1", ""),
                keeps("HTTP/1.1", "connection: x, Close\r\n"),
                keeps("HTTP/1.0", ""),
                keeps("HTTP/1.0", "connection: Keep-Alive\r\n"),
            ],
            [true, false, false, true]
        );
    }

    #[test]
    fn an_answer_with_two_framings_is_none() {
        let read = |lines: &str| {
            let text = format!("HTTP/1.1 200 OK\r\n{lines}\r\n");
            response(&Bytes::from(text), false).map(|head| (head.framing, head.keep_alive))
        };
        assert_eq!(
            read("content-length: 3\r\n"),
            Some((Framing::Length(3), true))
        );
        assert_eq!(
            read("content-length: 3\r\ncontent-length: 3\r\n"),
            Some((Framing::Length(3), true))
        );
        assert_eq!(
            read("transfer-encoding: chunked\r\n"),
            Some((Framing::Chunked, true))
        );
        assert_eq!(read(""), Some((Framing::Close, false)));
        assert_eq!(read("content-length: 3\r\ncontent-length: 4\r\n"), None);
        assert_eq!(
            read("content-length: 3\r\ntransfer-encoding: chunked\r\n"),
            None
        );
        assert_eq!(read("transfer-encoding: gzip, chunked\r\n"), None);
        assert_eq!(read("content-length: x\r\n"), None);
        assert_eq!(read("a: b\r\n c\r\n"), None);
    }

    #[test]
    fn answers_that_have_no_body_have_none() {
        let read = |status: u16, headless: bool| {
            let text = format!("HTTP/1.1 {status} X\r\ncontent-length: 3\r\n\r\n");
            response(&Bytes::from(text), headless).map(|head| head.framing)
        };
        let none = Some(Framing::Length(0));
        assert_eq!(
            [read(204, false), read(304, false), read(200, true)],
            [none; 3]
        );
        assert_eq!(read(200, false), Some(Framing::Length(3)));
    }

    proptest! {
        #[test]
        fn the_end_of_a_head_is_found_however_it_is_cut(cut in 0usize..40) {
            let text = b"GET / HTTP/1.1\r\nhost: a\r\n\r\nbody\r\n\r\n";
            let mut scanner = Scanner::default();
            let first = scanner.scan(&text[..cut.min(27)]);
            let found = if first == Scan::More { scanner.scan(text) } else { first };
            prop_assert_eq!(found, Scan::End(27));
        }

        #[test]
        fn no_bytes_make_it_panic(noise in prop::collection::vec(any::<u8>(), 0..300)) {
            let bytes = Bytes::from(noise);
            let _ = request(&bytes, MAX_HEADERS);
            let _ = response(&bytes, false);
            let mut scanner = Scanner::default();
            if let Scan::End(length) = scanner.scan(&bytes) {
                prop_assert!(bytes[..length].ends_with(b"\r\n\r\n"));
            }
        }
    }
}
