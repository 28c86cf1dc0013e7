//! Every format of callers at every dialect of providers, through a real gateway: plain, streamed, with tools and their
//! results, and refused; and the calls that are no chat.

mod batches;
mod callers;
mod fake;
mod untold;

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use weir_tests::folder::documents_of;
use weir_tests::upstream::Seen;
use weir_tests::{Folder, Gateway, Key, Provider, Request, Route, Upstream, secret};

use self::callers::{
    FORMATS, RESULT, called, message_of, next_turn, question, request, streamed, told, with_tool,
};
use self::fake::{BUSY, TEXT, TOOL, arguments};
use crate::common::{CREDENTIAL, KEY, record_of};

/// Names of providers, each with its dialect and what its endpoint has behind the address.
const PROVIDERS: [(&str, &str, &str); 7] = [
    ("oa", "OpenAI", "/v1"),
    ("az", "AzureOpenAI", ""),
    ("an", "Anthropic", ""),
    ("ge", "Gemini", ""),
    ("vx", "Vertex", "/v1/projects/p/locations/l"),
    ("br", "Bedrock", ""),
    ("co", "Cohere", ""),
];

struct World {
    gateway: Gateway,
    seen: Arc<Mutex<Vec<Seen>>>,
    _upstream: Upstream,
    _folder: Folder,
}

impl World {
    async fn new() -> Self {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let keep = Arc::clone(&seen);
        let upstream = Upstream::replying(move |request| {
            keep.lock().unwrap().push(request.clone());
            fake::reply(request)
        })
        .await;
        let folder = Folder::new();
        let mut config =
            documents_of(&[&secret("credential", CREDENTIAL), &Key::named("app", KEY)]);
        for (name, dialect, path) in PROVIDERS {
            let endpoint = format!("http://{}{path}", upstream.address);
            let mut provider = Provider::openai(name, &endpoint)
                .with("/spec/dialect", dialect.into())
                .credential("credential");
            if dialect == "Bedrock" {
                provider = provider.with("/spec/bedrock", json!({"region": "us-east-1"}));
            }
            let route = Route::named(name).models(&[&format!("{name}-*")]).to(name);
            let lenient = Route::named(&format!("z-{name}"))
                .models(&[&format!("{name}-*")])
                .to(name)
                .with("/spec/parameters", json!({"unsupported": "Drop"}));
            config.push_str("\n---\n");
            config.push_str(&documents_of(&[&provider, &route, &lenient]));
        }
        folder.write("config.yaml", &config);
        Self {
            gateway: Gateway::serving(&folder).await,
            seen,
            _upstream: upstream,
            _folder: folder,
        }
    }

    fn last(&self) -> Seen {
        self.seen.lock().unwrap().last().unwrap().clone()
    }
}

fn pairs() -> impl Iterator<Item = (&'static str, &'static str)> {
    let each = |format| {
        PROVIDERS
            .iter()
            .map(move |(provider, ..)| (format, *provider))
    };
    FORMATS.into_iter().flat_map(each)
}

#[tokio::test]
async fn every_caller_is_answered_by_every_provider() {
    let world = World::new().await;
    for (format, provider) in pairs() {
        let model = format!("{provider}-plain");
        let answer = world
            .gateway
            .ask(&request(format, &model, false, question(format)))
            .await;
        assert_eq!(
            told(format, &answer),
            (TEXT.to_owned(), 100, 40),
            "{provider}"
        );
        let record = record_of(&world.gateway, &answer).await;
        assert_eq!(
            (
                &record["inputTokens"],
                &record["outputTokens"],
                &record["operation"]
            ),
            (&json!(100), &json!(40), &json!("chat")),
            "{format} {provider}"
        );
        assert_eq!(record["usageEstimated"], Value::Null);
    }
}

#[tokio::test]
async fn every_caller_streams_from_every_provider() {
    let world = World::new().await;
    for (format, provider) in pairs() {
        let model = format!("{provider}-plain");
        let answer = world
            .gateway
            .ask(&request(format, &model, true, question(format)))
            .await;
        assert_eq!(streamed(format, &answer), TEXT, "{format} {provider}");
        let record = record_of(&world.gateway, &answer).await;
        assert_eq!(
            (
                &record["inputTokens"],
                &record["outputTokens"],
                &record["outcome"]
            ),
            (&json!(100), &json!(40), &json!("complete")),
            "{format} {provider}"
        );
        // Usage is asked for, and kept from a caller of OpenAI's that did not ask.
        if format == "chat" {
            assert!(
                !answer.text().contains("total_tokens"),
                "{provider}: {}",
                answer.text()
            );
            if provider == "oa" {
                assert_eq!(
                    world.last().json()["stream_options"],
                    json!({"include_usage": true})
                );
            }
        }
    }
}

#[tokio::test]
async fn tools_are_called_and_their_results_come_back() {
    let world = World::new().await;
    for (format, provider) in pairs() {
        let body = with_tool(format, question(format));
        let model = format!("{provider}-tools");
        let answer = world
            .gateway
            .ask(&request(format, &model, false, body.clone()))
            .await;
        assert_eq!(answer.status, 200, "{format} {provider}: {}", answer.text());
        let asked = String::from_utf8(world.last().body).unwrap();
        assert!(
            asked.contains(TOOL) && asked.contains("city"),
            "{format} {provider}: {asked}"
        );
        let answer = answer.json();
        assert_eq!(
            called(format, &answer),
            (json!(TOOL), arguments()),
            "{provider}: {answer}"
        );
        let body = next_turn(format, body, &answer);
        let model = format!("{provider}-plain");
        let last = world
            .gateway
            .ask(&request(format, &model, false, body))
            .await;
        assert_eq!(told(format, &last).0, TEXT, "{provider}");
        let asked = String::from_utf8(world.last().body).unwrap();
        assert!(
            asked.contains(RESULT) && asked.contains("Zürich"),
            "{format} {provider}: {asked}"
        );
    }
}

#[tokio::test]
async fn errors_are_those_of_the_callers_format() {
    let world = World::new().await;
    for (format, provider) in pairs() {
        for streamed in [false, true] {
            let model = format!("{provider}-busy");
            let asked = request(format, &model, streamed, question(format));
            let answer = world.gateway.ask(&asked).await;
            assert_eq!(answer.status, 429, "{format} {provider}: {}", answer.text());
            assert_eq!(
                message_of(format, &answer),
                BUSY,
                "{provider}: {}",
                answer.text()
            );
            assert_eq!(
                answer.header("retry-after"),
                Some("7"),
                "{format} {provider}"
            );
            assert_eq!(answer.header("x-ratelimit-remaining-requests"), Some("0"));
            assert!(!answer.text().contains(CREDENTIAL));
        }
    }
}

#[tokio::test]
async fn what_a_provider_can_t_do_is_refused_by_its_callers_name_or_left_out() {
    let world = World::new().await;
    for (format, provider, field, value, name) in [
        ("chat", "an", "logit_bias", json!({"5": 1}), "logit_bias"),
        ("messages", "oa", "top_k", json!(5), "top_k"),
        (
            "gemini",
            "br",
            "safetySettings",
            json!([{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "BLOCK_NONE"}]),
            "safetySettings",
        ),
        (
            "converse",
            "ge",
            "guardrailConfig",
            json!({"guardrailIdentifier": "g", "guardrailVersion": "1"}),
            "guardrailConfig",
        ),
        ("cohere", "an", "seed", json!(1), "seed"),
        ("responses", "co", "truncation", json!("auto"), "truncation"),
    ] {
        let mut body = question(format);
        body[field] = value;
        let asked = request(format, &format!("{provider}-plain"), false, body);
        let answer = world.gateway.ask(&asked).await;
        assert_eq!(answer.status, 400, "{format} {provider}: {}", answer.text());
        let message = message_of(format, &answer);
        assert!(
            message.as_str().unwrap().contains(&format!("'{name}'")),
            "{message}"
        );
        let answer = world
            .gateway
            .ask(&asked.header("x-weir-route", &format!("team/z-{provider}")))
            .await;
        assert_eq!(told(format, &answer).0, TEXT);
        assert_eq!(answer.header("x-weir-dropped"), Some(name));
    }
}

#[tokio::test]
async fn what_no_answer_hangs_on_is_left_out_and_told_where_the_route_refuses_too() {
    let world = World::new().await;
    let mut body = question("messages");
    body["metadata"] = json!({"user_id": "u-1"});
    let mark = json!({"type": "ephemeral"});
    body["system"] = json!([{"type": "text", "text": "Be brief.", "cache_control": mark}]);
    for (provider, left_out) in [
        ("an", None),
        ("oa", Some("system[].cache_control")),
        ("br", Some("metadata.user_id")),
        ("ge", Some("metadata.user_id, system[].cache_control")),
        ("co", Some("metadata.user_id, system[].cache_control")),
    ] {
        for kind in ["plain", "stream"] {
            let stream = kind == "stream";
            let model = format!("{provider}-{kind}");
            let mut body = body.clone();
            if stream {
                body["stream"] = json!(true);
            }
            let asked = request("messages", &model, stream, body);
            let answer = world.gateway.ask(&asked).await;
            assert_eq!(answer.status, 200, "{provider}: {}", answer.text());
            assert_eq!(answer.header("x-weir-dropped"), left_out, "{model}");
        }
    }
}

#[tokio::test]
async fn what_headers_say_of_an_answer_is_true_of_the_one_that_is_given() {
    let world = World::new().await;
    let ask = async |format: &str, model: &str| {
        let asked = request(format, model, false, question(format));
        world.gateway.ask(&asked).await
    };
    let passed = ask("chat", "oa-plain").await;
    assert_eq!(passed.header("etag"), Some("\"plain\""));
    for model in ["br-plain", "br-busy"] {
        let answer = ask("chat", model).await;
        let told = ["etag", "content-md5"].map(|name| answer.header(name));
        assert_eq!(told, [None, None], "{model}");
    }
    // What names an error in a header is its code where the format has it in the body.
    assert_eq!(ask("chat", "br-busy").await.code(), "ThrottlingException");
}

#[tokio::test]
async fn a_method_that_google_does_not_have_is_not_found() {
    let world = World::new().await;
    let asked = Request::post("/v1beta/models/ge-plain:generateAnswer", KEY, "{}");
    let answer = world.gateway.ask(&asked).await;
    let error = answer.json()["error"].clone();
    assert_eq!(answer.status, 404, "{}", answer.text());
    assert_eq!(
        (&error["code"], &error["status"]),
        (&json!(404), &json!("NOT_FOUND"))
    );
}

#[tokio::test]
async fn a_callers_names_break_no_header() {
    let world = World::new().await;
    let mut body = question("chat");
    body["a\r\nx-injected: 1\u{0}é"] = json!(1);
    let asked = request("chat", "ge-plain", false, body);
    let answer = world
        .gateway
        .ask(&asked.header("x-weir-route", "team/z-ge"))
        .await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.header("x-injected"), None);
    assert_eq!(answer.header("x-weir-dropped"), Some("a??x-injected: 1??"));
}

#[tokio::test]
async fn a_provider_without_responses_is_asked_once_for_them() {
    let world = World::new().await;
    for _ in 0..3 {
        let asked = request("responses", "oa-plain", false, question("responses"));
        assert_eq!(told("responses", &world.gateway.ask(&asked).await).0, TEXT);
    }
    let seen = world.seen.lock().unwrap();
    let paths = seen.iter().filter_map(|seen| seen.head.split(' ').nth(1));
    let chat = "/v1/chat/completions";
    assert_eq!(
        paths.collect::<Vec<_>>(),
        ["/v1/responses", chat, chat, chat]
    );
}

#[tokio::test]
async fn calls_without_a_model_name_a_route_and_other_protocols_are_refused() {
    let world = World::new().await;
    let moderation = Request::post("/v1/moderations", KEY, r#"{"input":"x"}"#);
    let answer = world.gateway.ask(&moderation).await;
    assert_eq!(
        (answer.status, answer.code()),
        (400, "route_required".into())
    );
    let answer = world
        .gateway
        .ask(&moderation.header("x-weir-route", "team/nowhere"))
        .await;
    assert_eq!(
        (answer.status, answer.code()),
        (404, "route_not_found".into())
    );
    let files = Request::get("/v1/files?limit=3")
        .key(KEY)
        .header("x-weir-route", "team/oa");
    world.gateway.ask(&files).await;
    assert!(world.last().head.starts_with("GET /v1/files?limit=3 "));
    // A connection can't become another; to offer HTTP/2 is no wish for that.
    for (upgrade, status) in [("websocket", 404), ("h2c", 200)] {
        let models = Request::get("/v1/models").key(KEY);
        let answer = world.gateway.ask(&models.header("upgrade", upgrade)).await;
        assert_eq!(answer.status, status, "{}", answer.text());
    }
    let realtime = Request::post("/v1/realtime/sessions", KEY, "{}");
    let answer = world.gateway.ask(&realtime).await;
    assert_eq!(
        (answer.status, answer.code()),
        (404, "unsupported_endpoint".into())
    );
    // Whom nobody can be asked to count for is counted for here.
    let count = Request::post(
        "/v1/messages/count_tokens",
        KEY,
        r#"{"model":"oa-x","messages":[{"role":"user","content":"Hi"}]}"#,
    );
    let answer = world
        .gateway
        .ask(&count.header("anthropic-version", "2023-06-01"))
        .await;
    assert!(
        answer.json()["input_tokens"].as_u64().unwrap() > 0,
        "{}",
        answer.text()
    );
}
