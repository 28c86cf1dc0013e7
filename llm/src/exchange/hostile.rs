//! What callers and providers may try, and what comes of it.

use bytes::Bytes;

use super::*;
use crate::body::read;
use crate::chat::Problem;

/// What is sent for a call with this body; the path may have a query.
fn sent(
    (method, target): (&str, &str),
    anthropic: bool,
    body: &'static str,
    dialect: Dialect,
    settings: &Settings,
) -> Result<Exchange, Unfit> {
    let (path, query) = match target.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (target, None),
    };
    let call = Call::of(method, path, anthropic).unwrap();
    let bytes = Bytes::from_static(body.as_bytes());
    let json = call.body == BodyKind::Json;
    let body = json.then(|| read(&call, &bytes).unwrap());
    let model = body.as_ref().map_or("", Body::model);
    prepare(&Order {
        call: &call,
        method,
        path,
        query,
        body: body.as_ref(),
        bytes: &bytes,
        form_model: None,
        stream: body.as_ref().is_some_and(Body::stream),
        dialect,
        settings,
        model,
        drop: false,
        id: "1",
        now: 1,
    })
}

fn code(unfit: Result<Exchange, Unfit>) -> Option<String> {
    match unfit.unwrap_err() {
        Unfit::Problem(problem) => problem.code,
        other => panic!("{other:?}"),
    }
}

#[test]
fn no_path_leads_elsewhere() {
    let plain = Settings::default();
    for target in [
        "/v1/messages/batches/../../messages",
        "/v1/messages/batches/x/%2e%2e/%2E%2e/%2e%2e/messages",
        "/v1/messages/batches/..%2f..%2fmessages",
        "/v1/messages/batches/%252e%252e/%252e%252e/messages",
    ] {
        let sent = sent(("GET", target), true, "", Dialect::Anthropic, &plain);
        assert_eq!(code(sent).as_deref(), Some("invalid_path"), "{target}");
    }
    for (target, dialect) in [
        (
            "/v1beta/batches/../models/gemini-2.5-pro:generateContent",
            Dialect::Gemini,
        ),
        (
            "/v1beta/models/models/../files/x:generateContent",
            Dialect::Gemini,
        ),
        (
            "/v1beta/models/gemini%2F..%2Fx:generateContent",
            Dialect::Gemini,
        ),
        (
            "/v1beta/models/endpoints/../../x:generateContent",
            Dialect::Vertex,
        ),
    ] {
        let sent = sent(
            ("POST", target),
            false,
            "{\"contents\":[]}",
            dialect,
            &plain,
        );
        assert_eq!(code(sent).as_deref(), Some("invalid_path"), "{target}");
    }
    let up = "{\"model\":\"../../x\",\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]}";
    for dialect in [Dialect::AzureOpenAI, Dialect::Bedrock] {
        let sent = sent(("POST", "/v1/chat/completions"), false, up, dialect, &plain);
        assert_eq!(code(sent).as_deref(), Some("invalid_path"), "{dialect:?}");
    }
    // A name in a body is no path.
    let sent = sent(
        ("POST", "/v1/chat/completions"),
        false,
        up,
        Dialect::OpenAI,
        &plain,
    );
    assert_eq!(sent.unwrap().path, "/chat/completions");
}

#[test]
fn a_query_passes_without_keys_and_says_nothing_twice() {
    let settings = Settings {
        api_version: Some("2024-10-21".to_owned()),
        ..Settings::default()
    };
    let target = "/v1/files?limit=2&key=a&api_key=b&access_token=c&%6bey=d&api-version=x&&after=e";
    let sent = sent(("GET", target), false, "", Dialect::AzureOpenAI, &settings);
    assert_eq!(
        sent.unwrap().path,
        "/openai/files?api-version=2024-10-21&limit=2&after=e"
    );
}

#[test]
fn a_body_names_one_model_to_openrouter() {
    let body = "{\"model\":\"a\",\"m\\u006fdels\":[\"b\"],\"messages\":[]}";
    let target = ("POST", "/v1/chat/completions");
    let router = Settings {
        preset: Some(Preset::OpenRouter),
        ..Settings::default()
    };
    let refused = sent(target, false, body, Dialect::OpenAI, &router);
    assert_eq!(code(refused).as_deref(), Some("unsupported_parameter"));
    let elsewhere = sent(target, false, body, Dialect::OpenAI, &Settings::default());
    assert_eq!(elsewhere.unwrap().body, body);
}

#[test]
fn an_error_in_a_passing_array_ends_it() {
    let target = ("POST", "/v1beta/models/m:streamGenerateContent");
    let body = "{\"contents\":[]}";
    let exchange = sent(target, false, body, Dialect::Gemini, &Settings::default()).unwrap();
    let problem = Problem::new(502, "provider_broken", "it broke");
    for start in [
        "",
        "[{\"candidates\":[]}",
        "[{\"candidates\":[]},\n{\"candidates\":[]}\n,{\"a",
    ] {
        let mut stream = exchange.stream("application/json; charset=UTF-8");
        let mut out = Vec::new();
        for run in stream
            .feed(Bytes::copy_from_slice(start.as_bytes()))
            .unwrap()
        {
            out.extend_from_slice(&run);
        }
        assert!(!stream.finish(StreamEnd::Broken).complete);
        out.extend_from_slice(&stream.problem(&problem));
        let read: serde_json::Value = serde_json::from_slice(&out).unwrap();
        let last = read.as_array().unwrap().last().unwrap();
        assert_eq!(last["error"]["message"], "it broke", "{start}");
    }
}

#[test]
fn what_broke_off_has_no_end_however_whole_it_seems() {
    let body = "{\"model\":\"m\",\"max_tokens\":9,\"stream\":true,\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]}";
    let target = ("POST", "/v1/messages");
    let exchange = sent(target, true, body, Dialect::OpenAI, &Settings::default()).unwrap();
    let chunk = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\"},\"finish_reason\":\"stop\"}]}\n\n";
    for (how, whole) in [(StreamEnd::Broken, false), (StreamEnd::Marked, true)] {
        let mut stream = exchange.stream("text/event-stream");
        let _ = stream.feed(Bytes::from_static(chunk.as_bytes())).unwrap();
        let ended = stream.finish(how);
        assert_eq!(ended.complete, whole);
        let stop = memchr::memmem::find(&ended.rest, b"message_stop").is_some();
        assert_eq!(stop, whole);
    }
}

#[test]
fn half_an_error_says_nothing_of_paths() {
    assert!(names_no_such_path(b"404 page not found"));
    assert!(names_no_such_path(br#"{"detail":"Not Found"}"#));
    assert!(!names_no_such_path(br#" {"error":{"message":"The model "#));
}
