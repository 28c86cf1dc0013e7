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
mod tests;
