//! A stream is relayed byte for byte, in whole events, and what is found in it does not depend on
//! how it is cut.

#![expect(clippy::unwrap_used, reason = "what fails in a test shall fail it")]

use bytes::Bytes;
use proptest::prelude::*;
use rstest::rstest;
use weir_llm::Usage;
use weir_llm::codec::Watch;
use weir_llm::frame::{BadFrame, Cutter, Fed, Framing};
use weir_llm::{Format, dialect};

/// A stream of OpenAI's chat as it is relayed: cut at the ends of its events, and looked at.
struct StreamReader {
    cutter: Cutter,
    watch: Box<dyn Watch>,
}

/// How a stream ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Ending {
    done: bool,
    finished: bool,
    leftover: usize,
    usage: Option<Usage>,
}

impl StreamReader {
    fn new() -> Self {
        Self::with_limit(Cutter::LIMIT)
    }

    fn with_limit(limit: usize) -> Self {
        Self {
            cutter: Cutter::with_limit(Framing::Sse, limit),
            watch: dialect::codec(Format::Chat).watch(),
        }
    }

    fn feed(&mut self, chunk: Bytes) -> Result<Fed, BadFrame> {
        let fed = self.cutter.feed(chunk)?;
        for run in [&fed.first, &fed.second].into_iter().flatten() {
            self.watch.run(run);
        }
        Ok(fed)
    }

    fn saw_content(&self) -> bool {
        self.watch.seen().content
    }

    fn finish(mut self) -> (Ending, Bytes) {
        let finished = self.watch.seen().finished;
        let held = self.cutter.finish();
        self.watch.run(&held);
        let seen = self.watch.seen();
        let ending = Ending {
            done: seen.done,
            // What is torn off finishes nothing.
            finished,
            leftover: held.len(),
            usage: seen.usage,
        };
        (ending, held)
    }
}

/// What came of a stream: each run of events that was handed out, what no blank line ended,
/// whether there was content, the end.
#[derive(Debug, PartialEq)]
struct Relayed {
    runs: Vec<Bytes>,
    torn: Bytes,
    content: bool,
    ending: Ending,
}

impl Relayed {
    fn bytes(&self) -> Vec<u8> {
        self.runs.concat()
    }

    /// What must not depend on the cuts.
    fn sum(&self) -> (Vec<u8>, bool, Ending) {
        (self.bytes(), self.content, self.ending)
    }
}

fn relay<'a>(chunks: impl IntoIterator<Item = &'a [u8]>) -> Relayed {
    let mut reader = StreamReader::new();
    let mut runs = Vec::new();
    for chunk in chunks {
        runs.extend(reader.feed(Bytes::copy_from_slice(chunk)).unwrap());
    }
    let content = reader.saw_content();
    let (ending, torn) = reader.finish();
    Relayed {
        runs,
        torn,
        content,
        ending,
    }
}

/// Where events end, by a reader of lines that knows nothing of the one that is tested: after
/// each empty line, whose end may be LF, CR or CRLF.
fn event_ends(stream: &[u8]) -> Vec<usize> {
    let mut ends = Vec::new();
    let (mut at, mut line) = (0, 0);
    while at < stream.len() {
        let end = match (stream[at], stream.get(at + 1)) {
            (b'\r', Some(b'\n')) => 2,
            (b'\r' | b'\n', _) => 1,
            _ => 0,
        };
        if end == 0 {
            line += 1;
            at += 1;
            continue;
        }
        if line == 0 {
            // Between CR and LF a part may end as well.
            ends.extend(at + 1..=at + end);
        }
        line = 0;
        at += end;
    }
    ends
}

const CHAT: &str = include_str!("fixtures/openai/chat.sse");
const USAGE: &str = include_str!("fixtures/openai/chat_usage.sse");
const TOOLS: &str = include_str!("fixtures/openai/chat_tools.sse");
const COMPLETION: &str = include_str!("fixtures/openai/completion.sse");
const COMMENTS: &str = include_str!("fixtures/openai/comments.sse");
const ERROR: &str = include_str!("fixtures/openai/error.sse");

fn ending(done: bool, usage: Option<Usage>) -> Ending {
    Ending {
        done,
        finished: true,
        leftover: 0,
        usage,
    }
}

#[rstest]
#[case::chat(CHAT, ending(true, None))]
#[case::usage(USAGE, ending(true, Some(Usage { input: 19, output: 10, cached: Some(3), reasoning: Some(4), audio_input: Some(0), audio_output: Some(0), ..Usage::default() })))]
#[case::tools(TOOLS, ending(true, None))]
#[case::completion(COMPLETION, ending(true, None))]
#[case::comments(COMMENTS, ending(true, Some(Usage { input: 6, output: 2, cached: None, reasoning: None, ..Usage::default() })))]
#[case::error(ERROR, ending(false, None))]
fn a_fixture_passes_whole_however_it_is_cut(
    #[case] fixture: &str,
    #[case] expected: Ending,
    #[values("\n", "\r\n", "\r")] line_end: &str,
    #[values("", "\u{FEFF}")] mark: &str,
) {
    let stream = format!("{mark}{fixture}").replace('\n', line_end);
    let stream = stream.as_bytes();
    let expected = (stream.to_vec(), true, expected);
    assert_eq!(relay([stream]).sum(), expected);
    assert_eq!(relay(stream.chunks(1)).sum(), expected);
    for cut in 0..=stream.len() {
        let (head, tail) = stream.split_at(cut);
        assert_eq!(relay([head, tail]).sum(), expected, "cut at {cut}");
    }
}

#[test]
fn a_chunk_that_ends_with_an_event_is_not_copied() {
    let mut reader = StreamReader::new();
    let chunk = Bytes::from(CHAT);
    let fed = reader.feed(chunk.clone()).unwrap();
    assert_eq!(
        fed,
        Fed {
            first: Some(chunk.clone()),
            second: None
        }
    );
    assert_eq!(fed.first.unwrap().as_ptr(), chunk.as_ptr());
}

#[test]
fn the_start_of_an_event_waits_for_its_rest() {
    let mut reader = StreamReader::new();
    let mut feed = |chunk: &'static str| {
        let fed = reader.feed(Bytes::from_static(chunk.as_bytes())).unwrap();
        fed.into_iter().collect::<Vec<_>>()
    };
    assert_eq!(feed("data: a\n\ndata: "), ["data: a\n\n"]);
    assert_eq!(feed("b"), [""; 0]);
    assert_eq!(feed("\n"), [""; 0]);
    assert_eq!(
        feed("\n: c\n\ndata: d\n\nda"),
        ["data: b\n\n", ": c\n\ndata: d\n\n"]
    );
    assert_eq!(feed("ta: e\n\n"), ["data: e\n\n"]);
    assert_eq!(feed(""), [""; 0]);
}

#[test]
fn a_blank_line_that_ends_in_cr_does_not_wait_for_its_lf() {
    let mut reader = StreamReader::new();
    let mut feed = |chunk: &'static [u8]| {
        let fed = reader.feed(Bytes::from_static(chunk)).unwrap();
        fed.into_iter().collect::<Vec<_>>()
    };
    assert_eq!(feed(b"data: a\r\n\r"), ["data: a\r\n\r"]);
    assert_eq!(feed(b"\n"), ["\n"]);
    assert_eq!(feed(b"data: b\r"), [""; 0]);
    assert_eq!(feed(b"\n"), [""; 0]);
    assert_eq!(feed(b"\r\n"), ["data: b\r\n\r", "\n"]);
}

#[test]
fn a_torn_event_is_handed_out_at_the_end_alone() {
    let torn = CHAT.strip_suffix("[DONE]\n\n").unwrap();
    let expected = Relayed {
        runs: vec![torn.strip_suffix("data: ").unwrap().into()],
        torn: "data: ".into(),
        content: true,
        ending: Ending {
            done: false,
            finished: true,
            leftover: "data: ".len(),
            usage: None,
        },
    };
    assert_eq!(relay([torn.as_bytes()]), expected);
}

#[rstest]
#[case::one_line_end("data: [DONE]\n", true)]
#[case::no_line_end("data: [DONE]", true)]
#[case::torn("data: [DONE", false)]
fn a_done_counts_without_its_blank_line(#[case] stream: &str, #[case] done: bool) {
    let expected = Relayed {
        runs: Vec::new(),
        torn: stream.to_owned().into(),
        content: false,
        ending: Ending {
            done,
            finished: false,
            leftover: stream.len(),
            usage: None,
        },
    };
    assert_eq!(relay([stream.as_bytes()]), expected);
}

#[test]
fn a_torn_event_finishes_nothing() {
    let stream = "data: {\"choices\":[{\"finish_reason\":\"stop\"}]}\n";
    assert!(!relay([stream.as_bytes()]).ending.finished);
}

#[rstest]
#[case::nothing("", false)]
#[case::done_alone("data: [DONE]\n\n", true)]
#[case::done_in_a_text(
    "data: {\"choices\":[{\"delta\":{\"content\":\"[DONE]\"}}]}\n\n",
    false
)]
#[case::finish_without_done("data: {\"choices\":[{\"finish_reason\":\"stop\"}]}\n\n", true)]
#[case::finish_null("data: {\"choices\":[{\"finish_reason\" : null}]}\n\n", false)]
#[case::finish_elsewhere("data: {\"x\":{\"finish_reason\":\"stop\"},\"choices\":[]}\n\n", false)]
#[case::finish_over_lines("data: {\"choices\":\ndata: [{\"finish_reason\":\"stop\"}]}\n\n", true)]
fn a_stream_comes_to_its_end_with_done_or_a_finish_reason(
    #[case] stream: &str,
    #[case] over: bool,
) {
    let ending = relay([stream.as_bytes()]).ending;
    assert_eq!(ending.done || ending.finished, over);
}

#[rstest]
#[case::role(
    "{\"choices\":[{\"delta\":{\"role\":\"assistant\",\"content\":\"\",\"refusal\":null}}]}",
    false
)]
#[case::empty("{\"choices\":[]}", false)]
#[case::usage("{\"choices\":[],\"usage\":{\"prompt_tokens\":1}}", false)]
#[case::finish("{\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}", false)]
#[case::content("{\"choices\":[{\"delta\":{\"content\":\"a\"}}]}", true)]
#[case::second_choice("{\"choices\":[{\"delta\":{}},{\"delta\":{\"content\":\"a\"}}]}", true)]
#[case::reasoning(
    "{\"choices\":[{\"delta\":{\"content\":null,\"reasoning_content\":\"a\"}}]}",
    true
)]
#[case::tool("{\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":0}]}}]}", true)]
#[case::text("{\"choices\":[{\"text\":\"\\n\"}]}", true)]
#[case::no_text("{\"choices\":[{\"text\":\"\"}]}", false)]
#[case::done("[DONE]", false)]
fn content_is_what_a_choice_tells(#[case] data: &str, #[case] content: bool) {
    let stream = format!(": hi\n\ndata: {data}\n\n");
    assert_eq!(relay([stream.as_bytes()]).content, content);
}

#[test]
fn the_last_usage_counts() {
    let told = |tokens: u64| {
        format!("data: {{\"choices\":[],\"usage\":{{\"completion_tokens\":{tokens}}}}}\n\n")
    };
    let stream = format!("{}{}data: {{\"usage\":null}}\n\n", told(1), told(2));
    let usage = Usage {
        output: 2,
        ..Usage::default()
    };
    assert_eq!(relay([stream.as_bytes()]).ending.usage, Some(usage));
}

#[test]
fn a_usage_of_something_else_is_none() {
    let stream = "data: {\"choices\":[{\"delta\":{\"usage\":{\"prompt_tokens\":1}}}]}\n\n";
    assert_eq!(relay([stream.as_bytes()]).ending.usage, None);
}

#[test]
fn a_big_event_passes_in_pieces() {
    let text = "x".repeat(300 << 10);
    let stream =
        format!("data: {{\"choices\":[{{\"delta\":{{\"content\":\"{text}\"}}}}]}}\r\n\r\n{CHAT}");
    let relayed = relay(stream.as_bytes().chunks(1448));
    assert_eq!(relayed.bytes(), stream.as_bytes());
    assert!(relayed.content && relayed.ending.done);
}

#[test]
fn an_event_past_the_limit_is_an_error() {
    let mut reader = StreamReader::with_limit(8);
    let mut feed = |chunk: &'static [u8]| reader.feed(Bytes::from_static(chunk));
    assert!(feed(b"data: in one piece it passes\n\n").is_ok());
    assert_eq!(feed(b"data: ab"), Ok(Fed::default()));
    assert_eq!(feed(b"c"), Err(BadFrame::TooBig(8)));
}

fn streams() -> impl Strategy<Value = Vec<u8>> {
    let piece = proptest::sample::select(vec![
        "\n",
        "\r",
        "\r\n",
        "\n\n",
        "\r\n\r\n",
        "\r\r",
        ":",
        ": c",
        "data:",
        "data: ",
        "data: [DONE]",
        "event: x",
        "\"usage\":",
        "\"usage\"",
        "{\"usage\":{\"prompt_tokens\":3}}",
        "{\"usage\":{\"completion_tokens\":4}}",
        "\"finish_reason\"",
        "{\"choices\":[{\"finish_reason\":\"stop\"}]}",
        "[DONE]",
        "\u{FEFF}",
        "é",
        "{\"choices\":[{\"delta\":{\"content\":\"a\"}}]}",
        "{\"choices\":[{\"delta\":{\"content\":\"\"}}]}",
    ]);
    proptest::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat().into_bytes())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn cuts_change_nothing(stream in streams(), cuts in proptest::collection::vec(any::<proptest::sample::Index>(), 0..6)) {
        let mut places: Vec<usize> = cuts.iter().map(|cut| cut.index(stream.len() + 1)).collect();
        places.extend([0, stream.len()]);
        places.sort_unstable();
        let chunks = places.windows(2).map(|pair| &stream[pair[0]..pair[1]]);
        let whole = relay([stream.as_slice()]);
        let cut = relay(chunks);
        prop_assert_eq!(cut.sum(), whole.sum());
        prop_assert_eq!(relay(stream.chunks(1)).sum(), whole.sum());
        // All that is whole comes, and each run ends with an event.
        let ends = event_ends(&stream);
        let all = ends.last().copied().unwrap_or(0);
        prop_assert_eq!(&whole.bytes(), &stream[..all]);
        prop_assert_eq!(&whole.torn, &stream[all..]);
        prop_assert_eq!(whole.ending.leftover, whole.torn.len());
        let mut sent = 0;
        for run in &cut.runs {
            sent += run.len();
            prop_assert!(ends.contains(&sent), "{sent} is no end of an event: {ends:?}");
        }
    }

    #[test]
    fn any_bytes_pass(chunks in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..30), 0..10)) {
        let relayed = relay(chunks.iter().map(Vec::as_slice));
        prop_assert!(chunks.concat().starts_with(&relayed.bytes()));
    }
}
