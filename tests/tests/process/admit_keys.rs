//! Who may call what, and what the others are told.

use std::time::{Duration, SystemTime};

use serde_json::{Value, json};
use weir_tests::wait::eventually;
use weir_tests::{Answer, Folder, Gateway, Key, Provider, Request, Route};

use crate::common::{KEY, chat_route, folder_of_mock, mock, record_of, said};

const OTHER: &str = "key-of-another-team-0123456789-0123456789";

/// The whole error, and that its head is as it should be.
fn error(answer: &Answer) -> Value {
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert!(answer.header("x-request-id").is_some());
    assert_eq!(
        answer.header("www-authenticate"),
        (answer.status == 401).then_some("Bearer")
    );
    let mut json = answer.json();
    json["status"] = answer.status.into();
    json
}

fn expected(status: u16, code: &str, param: Option<&str>, message: &str) -> Value {
    json!({
        "status": status,
        "error": {"message": message, "type": "invalid_request_error", "param": param, "code": code},
    })
}

const UNKNOWN: &str = "Incorrect API key. Weir knows no such key; ask your platform team for one.";
const NONE: &str = "No API key came with this request, nor a ServiceAccount token. Send one that Weir knows in the Authorization header: Authorization: Bearer YOUR_KEY.";
const TOKEN: &str = "This gateway serves a folder and takes API keys alone: ServiceAccount tokens need a cluster. Send an API key.";
const EXPIRED: &str = "This API key has expired. Ask your platform team for a new one.";

fn no_such_model(model: &str) -> Value {
    let message = format!(
        "The model `{model}` does not exist or you may not use it. GET /v1/models lists those that you may."
    );
    expected(404, "model_not_found", Some("model"), &message)
}

fn unix_in(seconds: u64) -> i64 {
    let now = SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs();
    (now + seconds).cast_signed()
}

fn rfc3339(unix: i64) -> String {
    jiff::Timestamp::from_second(unix).unwrap().to_string()
}

#[tokio::test]
async fn a_key_is_taken_from_each_header_that_sdks_use() {
    let folder = folder_of_mock("welcome");
    let gateway = Gateway::serving(&folder).await;
    let body = Request::chat("", "fast").body;
    let bearer = format!("Bearer {KEY}");
    for (name, value) in [
        ("authorization", bearer.as_str()),
        ("Authorization", &bearer.replace("Bearer", "bearer")),
        ("x-api-key", KEY),
        ("api-key", KEY),
        ("x-goog-api-key", KEY),
    ] {
        let mut request = Request::get("/v1/chat/completions").header(name, value);
        request.method = "POST".into();
        request.body = body.clone();
        let answer = gateway.ask(&request).await;
        assert_eq!(said(&answer), "welcome", "{name}");
        let record = record_of(&gateway, &answer).await;
        assert_eq!(record["consumer"], "key:team/app");
    }
}

#[tokio::test]
async fn no_key_an_unknown_key_and_an_expired_key_are_refused() {
    let folder = folder_of_mock("welcome");
    let expired = "an-expired-key-0123456789-0123456789-0123";
    folder.write_all(
        "expired.yaml",
        &[&Key::named("expired", expired).until("2020-02-29T12:00:00Z")],
    );
    let gateway = Gateway::serving(&folder).await;
    let unknown = "a-key-that-is-nobodys-0123456789-0123456789";
    for (request, wanted) in [
        (Request::chat(KEY, "fast").header("x", "y"), None),
        (
            Request::chat(expired, "fast"),
            Some(expected(401, "expired_api_key", None, EXPIRED)),
        ),
        (
            Request::chat(unknown, "fast"),
            Some(expected(401, "invalid_api_key", None, UNKNOWN)),
        ),
        (
            Request::chat("eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJrIn0.c2ln", "fast"),
            Some(expected(401, "invalid_token", None, TOKEN)),
        ),
        (
            Request::chat(&KEY[..KEY.len() - 1], "fast"),
            Some(expected(401, "invalid_api_key", None, UNKNOWN)),
        ),
        (
            Request::chat("", "fast"),
            Some(expected(401, "invalid_api_key", None, NONE)),
        ),
        (
            Request::get("/v1/models"),
            Some(expected(401, "invalid_api_key", None, NONE)),
        ),
        (
            // The wrong key in the first header is not saved by the right one in another.
            Request::chat(unknown, "fast").header("x-api-key", KEY),
            Some(expected(401, "invalid_api_key", None, UNKNOWN)),
        ),
    ] {
        let answer = gateway.ask(&request).await;
        match wanted {
            None => assert_eq!(said(&answer), "welcome"),
            Some(wanted) => {
                assert_eq!(error(&answer), wanted);
                let record = record_of(&gateway, &answer).await;
                assert_eq!(record["code"], wanted["error"]["code"]);
                assert_eq!(record["outcome"], "refused");
                assert_eq!(record["consumer"], Value::Null);
            }
        }
    }
    let refusals = r#"weir_refusals_total{code="expired_api_key"}"#;
    assert_eq!(gateway.metric(refusals).await, Some(1.0));
}

#[tokio::test]
async fn expiry_is_judged_when_a_request_comes() {
    let folder = folder_of_mock("welcome");
    let soon = "a-key-for-two-seconds-0123456789-0123456789";
    let until = unix_in(2);
    folder.write_all(
        "soon.yaml",
        &[&Key::named("soon", soon).until(&rfc3339(until))],
    );
    let gateway = Gateway::serving(&folder).await;
    let mut served = 0;
    let (answer, _) = eventually("the key expires", async || {
        let answer = gateway.chat(soon, "fast").await;
        served += u32::from(answer.status == 200);
        (answer.status != 200).then_some(answer)
    })
    .await;
    assert!(served > 0);
    assert!(unix_in(0) >= until);
    assert_eq!(
        error(&answer),
        expected(401, "expired_api_key", None, EXPIRED)
    );
}

/// Two teams, a platform, and what each offers to whom.
fn two_teams() -> Folder {
    let folder = folder_of_mock("team's own");
    let from = |from: &str| json!([{"apiKeys": {"namespaces": {"from": from}}}]);
    folder.write_all(
        "others.yaml",
        &[
            &Key::named("app", OTHER).in_namespace("other"),
            &mock("other's").in_namespace("other"),
            &Route::named("private")
                .models(&["fast", "secret-*"])
                .to("openai")
                .in_namespace("other"),
            &Route::named("open")
                .models(&["shared"])
                .to("openai")
                .in_namespace("other")
                .with("/spec/consumers", from("All")),
            &mock("platform's").in_namespace("weir-system"),
            &Route::named("everyone")
                .models(&["fast", "common"])
                .to("openai")
                .in_namespace("weir-system")
                .with("/spec/consumers", from("All")),
            &Route::named("own")
                .models(&["inner"])
                .to("openai")
                .in_namespace("weir-system"),
            &chat_route()
                .with("/metadata/name", "picky".into())
                .with("/spec/models", json!(["picky"]))
                .admits(&["someone-else"]),
        ],
    );
    folder
}

#[tokio::test]
async fn a_caller_reaches_its_own_routes_and_the_gateways_and_no_others() {
    let folder = two_teams();
    let gateway = Gateway::serving(&folder).await;
    let ask = async |key: &str, model: &str| gateway.chat(key, model).await;
    assert_eq!(said(&ask(KEY, "fast").await), "team's own");
    assert_eq!(said(&ask(OTHER, "fast").await), "other's");
    assert_eq!(said(&ask(OTHER, "secret-1").await), "other's");
    assert_eq!(said(&ask(KEY, "common").await), "platform's");
    // Another team's, even one that would admit the caller; the gateway's own; one for other keys;
    // and one that does not exist: no telling them apart.
    for model in ["secret-1", "shared", "inner", "picky", "nowhere"] {
        assert_eq!(error(&ask(KEY, model).await), no_such_model(model));
    }
}

#[tokio::test]
async fn a_route_that_is_named_is_taken_only_if_it_admits_the_caller() {
    let folder = two_teams();
    let gateway = Gateway::serving(&folder).await;
    let ask = async |route: &str, model: &str| {
        let request = Request::chat(KEY, model).header("x-weir-route", route);
        gateway.ask(&request).await
    };
    let answer = ask("other/open", "shared").await;
    assert_eq!(said(&answer), "other's");
    assert_eq!(answer.header("x-weir-route"), Some("other/open"));
    assert_eq!(
        said(&ask("weir-system/everyone", "fast").await),
        "platform's"
    );
    assert_eq!(said(&ask("team/chat", "fast").await), "team's own");
    for (route, model) in [
        ("other/private", "fast"),
        ("other/nothing", "fast"),
        ("other/open", "fast"),
        ("team/picky", "picky"),
        ("weir-system/own", "inner"),
        ("", "fast"),
        ("chat", "fast"),
        ("\u{e4}", "fast"),
    ] {
        let answer = ask(route, model).await;
        assert_eq!(error(&answer), no_such_model(model), "{route}");
        assert_eq!(answer.header("x-weir-route"), None);
    }
}

#[tokio::test]
async fn models_lists_what_the_caller_may_use() {
    let folder = two_teams();
    let gateway = Gateway::serving(&folder).await;
    let ids = async |key: &str| -> Vec<String> {
        let answer = gateway.ask(&Request::get("/v1/models").key(key)).await;
        assert_eq!(answer.status, 200);
        let json = answer.json();
        assert_eq!(json["object"], "list");
        json["data"]
            .as_array()
            .unwrap()
            .iter()
            .map(|model| model["id"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(ids(KEY).await, ["common", "fast"]);
    assert_eq!(ids(OTHER).await, ["common", "fast", "shared"]);
    let one = async |model: &str| {
        let request = Request::get(&format!("/v1/models/{model}")).key(KEY);
        gateway.ask(&request).await
    };
    assert_eq!(
        one("fast").await.json(),
        json!({"id": "fast", "object": "model", "created": 0, "owned_by": "weir"})
    );
    assert_eq!(error(&one("shared").await), no_such_model("shared"));
}

#[tokio::test]
async fn rules_are_taken_in_order_and_their_conditions_hold() {
    let provider = |name: &str| Provider::mock(name, json!({"text": name}));
    let to = |name: &str| json!([{"provider": {"name": name}}]);
    let route = Route::named("chat").models(&["fast", "never"]).with(
        "/spec/rules",
        json!([
            {"when": "request.model == 'never' && request.stream", "backends": to("a")},
            {"when": "request.inputTokens > 1000", "backends": to("b")},
            {"when": "consumer == 'key:team/app' && request.model == 'fast' && request.operation == 'chat'", "backends": to("c")},
        ]),
    );
    let folder = Folder::with(&[
        &provider("a"),
        &provider("b"),
        &provider("c"),
        &route,
        &Key::named("app", KEY),
    ]);
    let gateway = Gateway::serving(&folder).await;
    assert_eq!(said(&gateway.chat(KEY, "fast").await), "c");
    let long =
        json!({"model": "never", "messages": [{"role": "user", "content": "word ".repeat(1000)}]});
    let long = Request::post("/v1/chat/completions", KEY, long.to_string());
    assert_eq!(said(&gateway.ask(&long).await), "b");
    let answer = gateway.chat(KEY, "never").await;
    assert_eq!(
        error(&answer),
        expected(
            404,
            "no_rule_matched",
            None,
            "The route of the model `never` has no rule that holds for this request."
        )
    );
}

#[tokio::test]
async fn paths_and_methods_that_are_not_served_are_named() {
    let folder = folder_of_mock("welcome");
    let gateway = Gateway::serving(&folder).await;
    let served = "Weir serves no such path. It serves those of OpenAI's, Anthropic's, Gemini's, Bedrock's and Cohere's SDKs with its own address as their base URL, but no WebSockets and no realtime sessions.";
    for path in [
        "/",
        "/v1",
        "/v1/chatter",
        "/v1/realtime",
        "/chat/completions",
        "/v1/models/",
    ] {
        let answer = gateway.ask(&Request::get(path).key(KEY)).await;
        assert_eq!(
            error(&answer),
            expected(404, "unsupported_endpoint", None, served),
            "{path}"
        );
    }
    for (method, path, allow) in [
        ("GET", "/v1/chat/completions", "POST"),
        ("PUT", "/v1/embeddings", "POST"),
        ("POST", "/v1/models", "GET"),
        ("DELETE", "/v1/models/fast", "GET"),
    ] {
        let mut request = Request::get(path).key(KEY);
        request.method = method.into();
        let answer = gateway.ask(&request).await;
        let message = format!("This path takes {allow}.");
        assert_eq!(
            error(&answer),
            expected(405, "method_not_allowed", None, &message)
        );
        assert_eq!(answer.header("allow"), Some(allow));
    }
}

#[tokio::test]
async fn before_there_is_a_configuration_requests_are_told_to_come_back() {
    // A folder that is empty is a configuration: one that admits nobody.
    let folder = Folder::new();
    let gateway = Gateway::serving(&folder).await;
    let answer = gateway.chat(KEY, "fast").await;
    assert_eq!(
        error(&answer),
        expected(401, "invalid_api_key", None, UNKNOWN)
    );
    folder.write("config.yaml", &crate::common::basics(&mock("here now")));
    let (answer, took) = eventually("the key is known", async || {
        let answer = gateway.chat(KEY, "fast").await;
        (answer.status == 200).then_some(answer)
    })
    .await;
    assert_eq!(said(&answer), "here now");
    assert!(took < Duration::from_secs(5), "{took:?}");
}
