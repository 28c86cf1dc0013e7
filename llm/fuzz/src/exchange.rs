//! Calls at providers, from the caller's body to the caller's answer.

use bytes::Bytes;
use weir_llm::Dialect;
use weir_llm::body;
use weir_llm::call::{BodyKind, Call};
use weir_llm::exchange::{Exchange, Order, StreamEnd, Unfit, prepare};
use weir_llm::provider::Settings;

use super::promise::{can_be_told, in_proportion, is_json};
use super::stream::all_json;
use super::{Input, pieces};

/// A caller calls: a path, and whether that takes JSON.
const PATHS: [&str; 15] = [
    "/v1/chat/completions",
    "/v1/responses",
    "/v1/completions",
    "/v1/embeddings",
    "/v1/rerank",
    "/v2/chat",
    "/v1/moderations",
    "/v1/images/generations",
    "/v1/audio/speech",
    "/v1/messages",
    "/v1/messages/count_tokens",
    "/v1beta/models/m:generateContent",
    "/v1beta/models/m:streamGenerateContent",
    "/v1beta/models/m:countTokens",
    "/model/m/converse-stream",
];

/// What stands between a request and the answer to it.
const BETWEEN: &[u8] = b"\n\n---\n\n";

/// What a caller sends, and behind a mark what a provider answers: as a body, as an error and as a stream.
pub fn exchange(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let path = input.one_of(&PATHS);
    let dialect = input.one_of(&Dialect::ALL);
    let options = input.byte();
    let sent = input.rest;
    let at = sent.windows(BETWEEN.len()).position(|part| part == BETWEEN);
    let (request, answer) = match at {
        Some(at) => (&sent[..at], &sent[at + BETWEEN.len()..]),
        None => (sent, sent),
    };
    let Ok(call) = Call::of("POST", path, path.starts_with("/v1/messages")) else {
        panic!("{path} is called by nobody");
    };
    let request = Bytes::copy_from_slice(request);
    let Some(exchange) = asked(&call, path, dialect, options, &request) else {
        return;
    };
    if call.body == BodyKind::Json {
        is_json(&exchange.body, path);
    }
    in_proportion(exchange.body.len(), request.len(), path);
    for name in ["\r", "\n", " "] {
        assert!(!exchange.path.contains(name), "{}", exchange.path);
    }
    plain(&exchange, answer, options);
    streamed(&exchange, answer, options);
}

fn asked(
    call: &Call,
    path: &str,
    dialect: Dialect,
    options: u8,
    request: &Bytes,
) -> Option<Exchange> {
    let body = match body::read(call, request) {
        Ok(body) => body,
        Err(bad) => {
            can_be_told(&bad.into(), request.len());
            return None;
        }
    };
    let _ = body.text_bytes();
    let settings = Settings {
        responses_by_chat: options & 1 == 1,
        ..Settings::default()
    };
    let prepared = prepare(&Order {
        call,
        method: "POST",
        path,
        query: (options & 2 == 2).then_some("alt=sse"),
        body: Some(&body),
        bytes: request,
        form_model: None,
        stream: body.stream(),
        dialect,
        settings: &settings,
        model: if options & 4 == 4 {
            "the/model"
        } else {
            body.model()
        },
        drop: options & 8 == 8,
        id: "0123456789abcdef",
        now: 1_735_689_600,
    });
    match prepared {
        Ok(exchange) => Some(exchange),
        Err(Unfit::Problem(problem)) => {
            assert!((400..=499).contains(&problem.status));
            can_be_told(&problem, request.len());
            None
        }
        Err(_) => None,
    }
}

fn plain(exchange: &Exchange, answer: &[u8], options: u8) {
    if let Ok(whole) = exchange.answer(Bytes::copy_from_slice(answer)) {
        if whole.rewritten {
            is_json(&whole.body, "an answer");
            in_proportion(whole.body.len(), answer.len(), "an answer");
        } else {
            assert_eq!(whole.body, answer);
        }
        let mut usage = exchange.plain_usage();
        pieces(answer, options)
            .into_iter()
            .for_each(|piece| usage.feed(piece));
        if exchange.passes() {
            assert_eq!(usage.usage(), whole.usage);
        }
    }
    let status = 400 + u16::from(options) % 200;
    if let Some(problem) = exchange.problem(status, answer) {
        can_be_told(&problem, answer.len());
        is_json(&exchange.write_problem(&problem).body, "an error");
    } else {
        is_json(answer, "an error that passes");
    }
}

/// Any cut of a stream gives the same bytes, and ends the same.
fn streamed(exchange: &Exchange, answer: &[u8], options: u8) {
    let run = |cut: &[&[u8]]| {
        let mut stream = exchange.stream("text/event-stream");
        let mut out = Vec::new();
        for piece in cut {
            for run in stream.feed(Bytes::copy_from_slice(piece)).ok()? {
                out.extend_from_slice(&run);
            }
        }
        let ended = stream.finish(StreamEnd::Marked);
        out.extend_from_slice(&ended.rest);
        Some((out, ended.complete, ended.seen))
    };
    let (whole, cut) = (run(&[answer]), run(&pieces(answer, options)));
    let framing = exchange.stream("text/event-stream").framing();
    // Of what is no JSON anything may be seen, and an end that is torn off passes where the stream was whole, as far as
    // could be seen.
    if all_json(framing, answer) {
        assert_eq!(whole, cut);
    } else {
        assert_eq!(whole.is_some(), cut.is_some());
    }
}
