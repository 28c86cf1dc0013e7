//! What mutations start from.

use std::path::Path;

use weir_llm::Format;
use weir_llm::chat::Event;
use weir_llm::codec::{Gaps, Target};
use weir_llm::frame::Framing;
use weir_llm::json::Value;

use super::promise::{asked, codec};
use super::{encode, stream};

/// An input, and the target that it is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seed {
    /// The target's name.
    pub target: &'static str,
    /// The input.
    pub input: Vec<u8>,
}

/// Requests, answers and streams that say as much as their formats can, by hand.
const BY_HAND: [(Format, &str, &str, &str); 2] = [
    (
        Format::Chat,
        include_str!("../seeds/chat.request.json"),
        include_str!("../seeds/chat.answer.json"),
        include_str!("../seeds/chat.stream.sse"),
    ),
    (
        Format::Messages,
        include_str!("../seeds/messages.request.json"),
        include_str!("../seeds/messages.answer.json"),
        include_str!("../seeds/messages.stream.sse"),
    ),
];

/// Errors as providers send them.
const PROBLEMS: [&str; 7] = [
    r#"{"error":{"message":"no","type":"invalid_request_error","param":"n","code":"x"}}"#,
    r#"{"type":"error","error":{"type":"overloaded_error","message":"no"},"request_id":"r"}"#,
    r#"{"error":{"code":400,"message":"no","status":"INVALID_ARGUMENT","details":[{"@type":"t","reason":"API_KEY_INVALID"}]}}"#,
    r#"[{"error":{"code":429,"message":"no","status":"RESOURCE_EXHAUSTED"}}]"#,
    r#"{"message":"no","__type":"ThrottlingException"}"#,
    r#"{"id":"1","message":"no","object":"error","detail":[{"loc":["body"],"msg":"m"}]}"#,
    "<html><head><title>502 Bad Gateway</title></head></html>",
];

/// Seeds of every target, in all formats: what is known by hand, and what every format makes of it.
#[must_use]
pub fn built_in() -> Vec<Seed> {
    let mut seeds = Seeds::default();
    for (from, request, answer, streamed) in BY_HAND {
        seeds.request(from, request.as_bytes());
        seeds.answer(from, answer.as_bytes());
        seeds.stream(from, streamed.as_bytes());
        for to in Format::ALL {
            seeds.translated(from, to, request, answer, streamed);
        }
    }
    for format in Format::ALL {
        for problem in PROBLEMS {
            seeds.problem(format, problem.as_bytes());
        }
    }
    seeds.others();
    seeds.found
}

/// Seeds of the files below a folder of fixtures: those of one folder are of the format that its name says.
#[must_use]
pub fn of_fixtures(root: &Path) -> Vec<Seed> {
    let mut seeds = Seeds::default();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = std::fs::read_dir(&folder) else {
            continue;
        };
        let mut paths: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
        paths.sort();
        for path in paths {
            if path.is_dir() {
                folders.push(path);
            } else if let Ok(bytes) = std::fs::read(&path) {
                let below = path.strip_prefix(root).unwrap_or(&path);
                let name = below.to_string_lossy();
                for format in formats_of(&name) {
                    seeds.anything(*format, &bytes);
                }
            }
        }
    }
    seeds.found
}

/// The formats of a fixture, by its path.
fn formats_of(name: &str) -> &'static [Format] {
    match name.split('/').next().unwrap_or_default() {
        "anthropic" => &[Format::Messages],
        "gemini" | "vertex" => &[Format::Gemini],
        "bedrock" => &[Format::Converse],
        "cohere" => &[Format::Cohere],
        "responses" => &[Format::Responses],
        "completions" => &[Format::Completions],
        "openai" => &[Format::Chat, Format::Completions, Format::Responses],
        _ => &[],
    }
}

/// Seeds of a call of chat and what was answered.
#[must_use]
pub fn of_chat(
    format: Format,
    stream: bool,
    status: u16,
    request: &[u8],
    answer: &[u8],
) -> Vec<Seed> {
    let mut seeds = Seeds::default();
    seeds.request(format, request);
    match status {
        200 if stream => seeds.stream(format, answer),
        200 => seeds.answer(format, answer),
        _ => seeds.problem(format, answer),
    }
    let path = match format {
        Format::Chat => 0,
        Format::Responses => 1,
        Format::Completions => 2,
        Format::Messages => 9,
        Format::Gemini => 12,
        Format::Converse => 14,
        Format::Cohere => 5,
    };
    for dialect in 0..8 {
        seeds.exchange(path, dialect, request, answer);
    }
    seeds.found
}

/// Seeds of a call for embeddings or a rerank and what was answered.
#[must_use]
pub fn of_others(request: &[u8], answer: &[u8]) -> Vec<Seed> {
    let mut seeds = Seeds::default();
    for dialect in 0..8 {
        for path in [3, 4] {
            seeds.exchange(path, dialect, request, answer);
        }
    }
    seeds.found
}

#[derive(Default)]
struct Seeds {
    found: Vec<Seed>,
}

impl Seeds {
    fn add(&mut self, target: &'static str, head: &[u8], sent: &[u8]) {
        let seed = Seed {
            target,
            input: [head, sent].concat(),
        };
        if !self.found.contains(&seed) {
            self.found.push(seed);
        }
    }

    fn request(&mut self, format: Format, body: &[u8]) {
        self.add("request", &[number(format), 0], body);
        self.add("request", &[number(format), 0xff], body);
        self.add("json", &[], body);
    }

    fn answer(&mut self, format: Format, body: &[u8]) {
        self.add("answer", &[number(format), 0], body);
        self.add("json", &[], body);
        let Ok(value) = Value::from_bytes(body) else {
            return;
        };
        if let Some(usage) = value.get(codec(format).usage_key()) {
            self.add("usage", &[number(format)], usage.to_json().as_bytes());
        }
    }

    fn stream(&mut self, format: Format, body: &[u8]) {
        self.add("stream", &[number(format), 0, 2], body);
        self.add("stream", &[number(format), 9, 0], body);
        let target = match codec(format).framing() {
            Framing::Sse | Framing::Lines => "sse",
            Framing::EventStream => "event_stream",
            Framing::JsonArray => "json_array",
        };
        self.add(target, &[0], body);
    }

    fn problem(&mut self, format: Format, body: &[u8]) {
        for status in [0, 9] {
            self.add("problem", &[number(format), status], body);
        }
    }

    fn exchange(&mut self, path: u8, dialect: u8, request: &[u8], answer: &[u8]) {
        let sent = [request, b"\n\n---\n\n", answer].concat();
        self.add("exchange", &[path, dialect, 10], &sent);
    }

    /// Whatever a fixture is.
    fn anything(&mut self, format: Format, bytes: &[u8]) {
        if bytes.first() == Some(&b'{') {
            self.request(format, bytes);
            self.answer(format, bytes);
            self.problem(format, bytes);
        } else {
            self.stream(format, bytes);
        }
    }

    fn translated(&mut self, from: Format, to: Format, request: &str, answer: &str, sent: &str) {
        let told = asked(None, to, 3);
        if let Ok(value) = Value::parse(request)
            && let Ok(read) = codec(from).read_request(&value, &asked(Some(&value), from, 0))
        {
            let target = Target {
                dialect: weir_llm::Dialect::OpenAI,
                preset: None,
                model: "m",
            };
            let mut gaps = Gaps::new(true, "");
            if let Ok(body) = codec(to).write_request(&read, &target, &mut gaps) {
                self.request(to, &body.to_bytes());
            }
        }
        if let Ok(read) = codec(from).read_answer(answer.as_bytes()) {
            self.answer(to, &codec(to).write_answer(&read, &told));
        }
        let framing = codec(from).framing();
        if let Some(events) = stream::decode(from, framing, &[sent.as_bytes()]) {
            let events: Vec<Event> = events;
            let written = encode::written(&events, to, 3, 1 << 20);
            self.stream(to, &written);
            let array = asked(None, to, 4).framing;
            if array == Framing::JsonArray {
                let written = encode::written(&events, to, 4, 1 << 20);
                self.add("json_array", &[0], &written);
                self.add("stream", &[number(to), 0, 4], &written);
            }
        }
    }

    /// What is no format's.
    fn others(&mut self) {
        let form = b"--b\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nwhisper-1\r\n--b\r\n\
            Content-Disposition: form-data; name=\"file\"; filename=\"a.wav\"\r\nContent-Type: audio/wav\r\n\r\n\
            RIFF\r\n--\r\n--b--\r\n";
        self.add("multipart", &[1], form);
        self.add("multipart", &[9], form);
        let kind = b"multipart/form-data; boundary=\"b\"";
        self.add(
            "multipart",
            &[&[0, kind.len() as u8], &kind[..]].concat(),
            form,
        );
        self.add(
            "scrub",
            b"\x09sk-secret\x04a\"b\\",
            br#"{"m":"sk-secret a\"b\\ c2stc2VjcmV0 %73k"}"#,
        );
        for name in [
            "gpt-4o-2024-08-06",
            "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
            "2026-01-01",
            "12.5",
        ] {
            self.add("prices", &[0, 0, 0], name.as_bytes());
        }
        self.add(
            "encode",
            &[0],
            b"\0\0\0\x02id\0\x01\0\0\0\0\x02\0\0\x02hi\0\x04\0\0\0\0\x06\0\0\0\0\x09\0\0\0\0",
        );
        for path in [
            "/v1/chat/completions",
            "/model/a/converse",
            "/v1beta/models/a/b:generateContent",
        ] {
            self.add("paths", b"\0\0\x03a/b", path.as_bytes());
        }
        for (path, body, answer) in [
            (
                3,
                r#"{"model":"m","input":["a","b"]}"#,
                r#"{"embeddings":{"float":[[0.1],[0.2]]},"meta":{"billed_units":{"input_tokens":2}}}"#,
            ),
            (
                3,
                r#"{"model":"m","input":"a","encoding_format":"base64","dimensions":3}"#,
                r#"{"embeddings":[{"values":[0.1,0.2]}]}"#,
            ),
            (
                4,
                r#"{"model":"m","query":"q","documents":["a"]}"#,
                r#"{"results":[{"index":0,"relevance_score":0.9}]}"#,
            ),
            (
                10,
                r#"{"model":"m","messages":[{"role":"user","content":"hi"}]}"#,
                r#"{"totalTokens":3}"#,
            ),
        ] {
            for dialect in 0..8 {
                self.exchange(path, dialect, body.as_bytes(), answer.as_bytes());
            }
        }
        for (from, path) in [(0, 0), (0, 1), (1, 9), (0, 12), (0, 14)] {
            let (_, body, answer, sent) = BY_HAND[from];
            for dialect in 0..8 {
                self.exchange(path, dialect, body.as_bytes(), answer.as_bytes());
                self.exchange(path, dialect, body.as_bytes(), sent.as_bytes());
            }
        }
    }
}

/// The byte that chooses a format.
fn number(format: Format) -> u8 {
    let at = Format::ALL.iter().position(|one| *one == format);
    at.unwrap_or_default() as u8
}
