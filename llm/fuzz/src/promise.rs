//! What has to hold of all that is written.

use bytes::Bytes;
use serde::de::IgnoredAny;
use weir_llm::chat::Problem;
use weir_llm::codec::{Asked, Codec};
use weir_llm::frame::{Cutter, Framing, frames};
use weir_llm::json::Value;
use weir_llm::{Format, dialect};

pub(crate) fn codec(format: Format) -> &'static dyn Codec {
    dialect::codec(format)
}

/// What a call is that comes back in a format.
pub(crate) fn asked<'a>(body: Option<&'a Value<'a>>, format: Format, options: u8) -> Asked<'a> {
    let own = codec(format).framing();
    Asked {
        model: "the/model",
        stream: options & 1 == 1,
        include_usage: options & 2 == 2,
        id: "0123456789abcdef",
        now: 1_735_689_600,
        body,
        framing: if format == Format::Gemini && options & 4 == 4 {
            Framing::JsonArray
        } else {
            own
        },
    }
}

/// It is one JSON value.
pub(crate) fn is_json(bytes: &[u8], what: &str) {
    let text = std::str::from_utf8(bytes);
    assert!(text.is_ok(), "{what}: no text");
    let read = serde_json::from_slice::<IgnoredAny>(bytes);
    assert!(
        read.is_ok(),
        "{what}: no JSON: {}",
        String::from_utf8_lossy(bytes)
    );
}

/// It is a run of whole events of a format, each of them JSON or OpenAI's `[DONE]`.
pub(crate) fn is_stream(bytes: &[u8], framing: Framing, what: &str) {
    let mut cutter = Cutter::new(framing);
    let fed = cutter.feed(Bytes::copy_from_slice(bytes));
    let Ok(fed) = fed else {
        panic!("{what}: the stream can't be cut: {fed:?}");
    };
    assert_eq!(cutter.held(), 0, "{what}: the last event is not whole");
    for run in fed {
        for frame in frames(framing, &run) {
            let Ok(frame) = frame else {
                panic!("{what}: an event can't be read");
            };
            if &*frame.data != b"[DONE]" {
                is_json(&frame.data, what);
            }
        }
    }
}

/// It is in proportion to what came: at most 64 times as long, and 64 KiB.
pub(crate) fn in_proportion(written: usize, came: usize, what: &str) {
    assert!(
        written <= came * 64 + (64 << 10),
        "{what}: {written} bytes of {came}"
    );
}

/// An error that a caller can be told: every format writes it, plain and in a stream, and knows it for its own.
pub(crate) fn can_be_told(problem: &Problem, came: usize) {
    assert!(
        (400..=599).contains(&problem.status),
        "status {}",
        problem.status
    );
    for format in Format::ALL {
        let codec = codec(format);
        let asked = asked(None, format, 0);
        let written = codec.write_problem(problem, &asked);
        assert!(
            (400..=599).contains(&written.status),
            "{format}: status {}",
            written.status
        );
        is_json(&written.body, format.name());
        in_proportion(written.body.len(), came, format.name());
        assert!(
            codec.is_problem(&written.body),
            "{format} does not know its own error: {}",
            String::from_utf8_lossy(&written.body)
        );
        for (name, value) in &written.headers {
            let plain = value
                .bytes()
                .all(|byte| byte.is_ascii_graphic() || byte == b' ');
            assert!(plain, "{format}: {name} is no header: {value:?}");
        }
        let event = codec.problem_event(problem);
        is_stream(&event, codec.framing(), format.name());
    }
}
