//! Forms as SDKs write them, and as nobody should.

#![expect(clippy::unwrap_used, reason = "what fails in a test shall fail it")]

use bytes::Bytes;
use proptest::prelude::*;
use rstest::rstest;
use weir_llm::multipart::{BadForm, Field, MAX_VALUE, Multipart};
use weir_llm::splice;

const KIND: &[u8] = b"multipart/form-data; boundary=b";
const SINGLE: &[&str] = &["model", "stream"];

fn read(body: &[u8]) -> Result<(Vec<Field>, bool), BadForm> {
    read_in(body, body.len().max(1))
}

/// Feeds the body in pieces of this size.
fn read_in(body: &[u8], size: usize) -> Result<(Vec<Field>, bool), BadForm> {
    let mut form = Multipart::new(KIND, SINGLE).unwrap();
    for piece in body.chunks(size) {
        form.feed(piece)?;
    }
    Ok((form.fields().to_vec(), form.done()))
}

fn part(disposition: &str, value: &str) -> String {
    format!("--b\r\nContent-Disposition: form-data; {disposition}\r\n\r\n{value}\r\n")
}

fn text(name: &str, value: &str) -> String {
    part(&format!("name=\"{name}\""), value)
}

/// As httpx writes it for the OpenAI SDK, with the file in the middle.
fn transcription() -> String {
    let file = "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.wav\"\r\n\
                Content-Type: audio/wav\r\n\r\nRIFF\r\n--a\r\n--\r\n\0\r\r\n-\r\n";
    let (model, stream) = (text("model", "whisper-1"), text("stream", "true"));
    format!("{model}{file}{stream}--b--\r\n")
}

#[test]
fn fields_have_values_and_files_have_places() {
    let body = transcription();
    let (fields, done) = read(body.as_bytes()).unwrap();
    assert!(done);
    let told: Vec<_> = fields
        .iter()
        .map(|field| {
            let range = usize::try_from(field.range.start).unwrap()
                ..usize::try_from(field.range.end).unwrap();
            (field.name.as_str(), field.file, field.text(), &body[range])
        })
        .collect();
    assert_eq!(
        told,
        [
            ("model", false, Some("whisper-1"), "whisper-1"),
            ("file", true, None, "RIFF\r\n--a\r\n--\r\n\0\r\r\n-"),
            ("stream", false, Some("true"), "true"),
        ]
    );
}

#[test]
fn a_model_gives_way_to_another_once_it_is_known() {
    let body = transcription();
    let mut form = Multipart::new(KIND, SINGLE).unwrap();
    let head = &body.as_bytes()[..80];
    form.feed(head).unwrap();
    let change = form.field("model").unwrap().with("gpt-4o-transcribe");
    let head = splice::apply(&Bytes::copy_from_slice(head), &[change.unwrap()]);
    let changed = [&head, &body.as_bytes()[80..]].concat();
    assert_eq!(
        String::from_utf8(changed).unwrap(),
        body.replace("whisper-1", "gpt-4o-transcribe")
    );
}

#[test]
fn every_cut_reads_the_same() {
    let body = transcription();
    let whole = read(body.as_bytes()).unwrap();
    for size in 1..body.len() {
        assert_eq!(read_in(body.as_bytes(), size).unwrap(), whole, "{size}");
    }
    for at in 0..body.len() {
        let mut form = Multipart::new(KIND, SINGLE).unwrap();
        form.feed(&body.as_bytes()[..at]).unwrap();
        assert!(!form.done() || at >= body.len() - 2);
        form.feed(&body.as_bytes()[at..]).unwrap();
        assert_eq!((form.fields(), form.done()), (&whole.0[..], true), "{at}");
    }
}

#[rstest]
#[case::token(b"multipart/form-data; boundary=b", true)]
#[case::quoted(b"Multipart/Form-Data ;charset=UTF-8; Boundary=\"b c\"", true)]
#[case::longest(b"multipart/form-data; boundary=0123456789012345678901234567890123456789012345678901234567890123456789", true)]
#[case::too_long(b"multipart/form-data; boundary=01234567890123456789012345678901234567890123456789012345678901234567890", false)]
#[case::none(b"multipart/form-data", false)]
#[case::empty(b"multipart/form-data; boundary=\"\"", false)]
#[case::twice(b"multipart/form-data; boundary=a; boundary=b", false)]
#[case::open(b"multipart/form-data; boundary=\"b", false)]
#[case::behind(b"multipart/form-data; boundary=\"b\"c", false)]
#[case::space(b"multipart/form-data; boundary=\"b \"", false)]
#[case::escaped(b"multipart/form-data; boundary=\"b\\c\"", false)]
#[case::line_end(b"multipart/form-data; boundary=\"b\r\nc\"", false)]
#[case::charset(b"multipart/form-data; boundary=b; charset=utf-16", false)]
#[case::mixed(b"multipart/mixed; boundary=b", false)]
#[case::json(b"application/json", false)]
#[case::nothing(b"", false)]
fn a_content_type_has_one_boundary(#[case] kind: &[u8], #[case] good: bool) {
    let form = Multipart::new(kind, SINGLE);
    assert_eq!(form.err(), (!good).then_some(BadForm::ContentType));
}

#[rstest]
#[case::upper_case("--b\r\nCONTENT-DISPOSITION: Form-Data; NAME=model\r\n\r\nm\r\n--b--")]
#[case::typed(
    "--b\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 1\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nm\r\n--b--\r\n"
)]
#[case::leading_line_end(
    "\r\n--b\r\nContent-Disposition: form-data; name=\"model\";\r\nContent-Transfer-Encoding: 8bit\r\n\r\nm\r\n--b--"
)]
fn callers_write_forms_in_their_own_ways(#[case] body: &str) {
    let (fields, done) = read(body.as_bytes()).unwrap();
    let [field] = &fields[..] else {
        panic!("{fields:?}")
    };
    assert_eq!(
        (field.name.as_str(), field.text(), done),
        ("model", Some("m"), true)
    );
    let alone = read_in(body.as_bytes(), 1);
    assert_eq!(alone.unwrap().0, fields);
}

#[test]
fn what_is_not_text_or_too_long_is_not_kept() {
    let long = "x".repeat(MAX_VALUE + 1);
    let body = [
        text("prompt", &long[1..]),
        text("image_url", &long),
        part("name=\"image[]\"; filename*=utf-8''%e2%82%ac.png", "x"),
        part("name=\"empty\"", ""),
        "--b--".to_owned(),
    ]
    .concat();
    for size in [1, 7, 1 << 20] {
        let (fields, _) = read_in(body.as_bytes(), size).unwrap();
        let kept: Vec<_> = fields
            .iter()
            .map(|field| {
                let value = field.value.as_ref().map(Vec::len);
                (field.file, value, field.range.end - field.range.start)
            })
            .collect();
        let all = MAX_VALUE as u64;
        assert_eq!(
            kept,
            [
                (false, Some(MAX_VALUE), all),
                (false, None, all + 1),
                (true, None, 1),
                (false, Some(0), 0)
            ]
        );
    }
}

#[test]
fn many_values_are_kept_only_to_a_bound() {
    let body = text("prompt", &"x".repeat(MAX_VALUE)).repeat(100) + &text("model", "m") + "--b--";
    let (fields, done) = read(body.as_bytes()).unwrap();
    assert!(done);
    let kept = fields.iter().filter(|field| field.value.is_some()).count();
    // The model is, all the same.
    assert_eq!((kept, fields[100].text()), (5, Some("m")));
}

#[rstest]
#[case::preamble(format!("hello\r\n{}", text("a", "b")))]
#[case::bare_line_feeds(transcription().replace("\r\n", "\n"))]
#[case::other_boundary(transcription().replace("--b\r\n", "--c\r\n"))]
#[case::boundary_goes_on(transcription().replace("--b\r\nContent-Disposition: form-data; name=\"stream\"", "--bb\r\nContent-Disposition: form-data; name=\"stream\""))]
#[case::padded_boundary(text("a", "b") + "--b \r\n")]
#[case::half_an_end(text("a", "b") + "--b-x")]
#[case::epilogue(transcription() + "x")]
#[case::second_form(transcription() + &transcription())]
#[case::boundary_as_value(text("a", "").replace("\r\n\r\n\r\n", "\r\n\r\n--b\r\n"))]
#[case::no_header("--b\r\n\r\nvalue\r\n\r\n--b--".to_owned())]
#[case::no_disposition("--b\r\nContent-Type: text/plain\r\n\r\nvalue\r\n--b--".to_owned())]
#[case::two_dispositions(text("a", "b").replace("\r\n\r\n", "\r\ncontent-disposition: form-data; name=\"model\"\r\n\r\n"))]
#[case::folded(text("a", "b").replace("; name", ";\r\n name"))]
#[case::lone_cr(text("a", "b").replace("; name", ";\r name"))]
#[case::nul(text("a\0", "b"))]
#[case::space_before_colon(text("a", "b").replace("Disposition:", "Disposition :"))]
#[case::attachment(text("a", "b").replace("form-data", "attachment"))]
#[case::no_name(part("filename=\"a\"", "b"))]
#[case::two_names(part("name=\"a\"; name=\"model\"", "b"))]
#[case::extended_name(part("name=\"a\"; name*=utf-8''model", "b"))]
#[case::escaped_name(part("name=\"mod\\el\"", "b"))]
#[case::escaped_quote(part("name=\"a\"; filename=\"\\\"; name=\"model\"", "b"))]
#[case::open_quote(part("name=\"a", "b"))]
#[case::long_name(text(&"n".repeat(300), "b"))]
fn what_two_readers_could_read_differently_is_refused(#[case] body: String) {
    for size in [1, 2, 3, 1 << 20] {
        let error = read_in(body.as_bytes(), size);
        assert!(matches!(error, Err(BadForm::Malformed(_))), "{error:?}");
    }
}

#[rstest]
#[case::twice(text("model", "a") + &text("model", "b"), BadForm::Repeated("model"))]
#[case::twice_the_same(text("stream", "true").repeat(2), BadForm::Repeated("stream"))]
#[case::file(part("name=\"model\"; filename=\"\"", "a"), BadForm::NotText("model"))]
#[case::long(text("model", &"m".repeat(MAX_VALUE + 1)) + "--b--", BadForm::NotText("model"))]
#[case::encoded(
    text("model", "YQ==").replace("\r\n\r\n", "\r\nContent-Transfer-Encoding: base64\r\n\r\n"),
    BadForm::NotText("model")
)]
#[case::wide(
    text("model", "a").replace("\r\n\r\n", "\r\nContent-Type: text/plain; charset=utf-16\r\n\r\n"),
    BadForm::NotText("model")
)]
#[case::many(text("a", "b").repeat(257), BadForm::TooManyParts)]
#[case::large_header(text("a", "b").replace("\r\n\r\n", &format!("\r\nx: {}\r\n\r\n", "y".repeat(9000))), BadForm::HeaderTooLarge)]
#[case::endless_header(format!("--b\r\n{}", "x".repeat(9000)), BadForm::HeaderTooLarge)]
fn what_is_out_of_bounds_is_refused_and_stays_so(#[case] body: String, #[case] expected: BadForm) {
    for size in [1, 4096, 1 << 20] {
        let mut form = Multipart::new(KIND, SINGLE).unwrap();
        let fed: Result<(), BadForm> = body
            .as_bytes()
            .chunks(size)
            .try_for_each(|piece| form.feed(piece));
        assert_eq!(fed, Err(expected.clone()));
        assert_eq!(form.feed(b"--b--"), Err(expected.clone()));
        assert!(!form.done());
    }
}

#[test]
fn a_model_that_is_not_utf_8_is_no_text() {
    let body = b"--b\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\n\xff\r\n--b--";
    assert_eq!(read(body), Err(BadForm::NotText("model")));
}

proptest! {
    #[test]
    fn any_cut_of_anything_reads_the_same(
        pieces in proptest::collection::vec(prop_oneof![
            Just("\r\n--b"), Just("--b\r\n"), Just("\r\n"), Just("--"), Just("\r"), Just("\n"), Just("-"),
            Just("Content-Disposition: form-data; name=\"model\"\r\n\r\n"),
            Just("Content-Disposition: form-data; name=a; filename=x\r\n\r\n"),
            Just("x"), Just("--b\r\nContent-Disposition: form-data; name=c\r\n\r\nv\r\n"),
        ], 0..12),
        size in 1usize..9,
    ) {
        let body = pieces.concat();
        let body = format!("--b\r\n{body}");
        prop_assert_eq!(read_in(body.as_bytes(), size), read(body.as_bytes()));
    }

    #[test]
    fn no_bytes_panic(body in proptest::collection::vec(any::<u8>(), 0..512)) {
        let _ = read(&[b"--b\r\nContent-Disposition:", &body[..]].concat());
        let _ = Multipart::new(&body, SINGLE);
        let _ = Multipart::new(&[b"multipart/form-data;", &body[..]].concat(), SINGLE);
    }
}
