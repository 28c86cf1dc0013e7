//! What is taken for a head, and what is not.
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
    let head =
        read("POST /v1/x?y=z HTTP/1.1\r\nHost: a\r\nX-A: 1\r\nx-a: 2\r\nContent-Length: 5\r\n\r\n");
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

    /// Noise of what heads are made of gets far. However it is cut, its end is the same, and what
    /// is taken for a head has one framing, and is one to the parser as well.
    #[test]
    fn what_is_nearly_a_head_is_the_same_however_it_is_cut(
        parts in prop::collection::vec(
            prop::sample::select(vec![
                "GET / HTTP/1.1\r\n", "POST /v1 HTTP/1.0\r\n", "HTTP/1.1 200 OK\r\n", "host: a\r\n",
                "content-length: 1\r\n", "content-length: 2\r\n", "transfer-encoding: chunked\r\n",
                "Transfer-Encoding: x\r\n", "connection: close, keep-alive\r\n", "x:\r\n", ": y\r\n",
                " ", "\t", "\r\n", "\r\n", "\r", "\n", "x", ":", "\0", "\u{e4}",
            ]),
            0..10,
        ),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..8),
    ) {
        let noise = Bytes::from(parts.concat());
        let whole = Scanner::default().scan(&noise);
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(noise.len() + 1)).collect();
        cuts.sort_unstable();
        let mut scanner = Scanner::default();
        let mut found = Scan::More;
        for cut in cuts.into_iter().chain([noise.len()]) {
            if found == Scan::More {
                found = scanner.scan(&noise[..cut]);
            }
        }
        prop_assert_eq!(&found, &whole);
        let Scan::End(length) = found else { return Ok(()) };
        let bytes = noise.slice(..length);
        prop_assert!(!bytes[..length - 4].windows(4).any(|four| four == b"\r\n\r\n"));
        let fields = |name: &str, headers: &HeaderMap| headers.get_all(name).iter().count();
        if let Ok(head) = request(&bytes, MAX_HEADERS) {
            let headers = &head.head.headers;
            let (lengths, codings) =
                (fields("content-length", headers), fields("transfer-encoding", headers));
            prop_assert!(lengths + codings <= 1);
            prop_assert_eq!(head.framing == Framing::Chunked, codings == 1);
            prop_assert!(fields("host", headers) <= 1);
        }
        if let Some(head) = response(&bytes, false) {
            let both = fields("content-length", &head.headers) > 0
                && fields("transfer-encoding", &head.headers) > 0;
            prop_assert!(!both);
            prop_assert!(head.framing != Framing::Close || !head.keep_alive);
        }
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
