//! What a batch names is bound to the route; and how a route is shut to batches whose models nobody reads.

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use weir_tests::folder::documents_of;
use weir_tests::upstream::{Seen, answer};
use weir_tests::{Answer, Folder, Gateway, Key, Provider, Request, Route, Upstream, secret};

use crate::common::{CREDENTIAL, KEY};

struct World {
    gateway: Gateway,
    seen: Arc<Mutex<Vec<Seen>>>,
    _upstream: Upstream,
    _folder: Folder,
}

/// A provider of a dialect with two models, of which a route has the first.
async fn world(dialect: &str, when: Option<&str>) -> World {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let keep = Arc::clone(&seen);
    let upstream = Upstream::replying(move |request| {
        keep.lock().unwrap().push(request.clone());
        answer(200, &[], r#"{"id":"batch_1"}"#)
    })
    .await;
    let folder = Folder::new();
    let provider = Provider::openai("one", &format!("http://{}", upstream.address))
        .with("/spec/dialect", dialect.into())
        .with(
            "/spec/models",
            json!([{"name": "fast", "upstreamName": "fast-2025"}, {"name": "slow"}]),
        )
        .credential("credential");
    let mut route = Route::named("only").models(&["fast", "gone"]).to("one");
    if let Some(when) = when {
        route = route.with("/spec/rules/0/when", when.into());
    }
    let other = Route::named("other")
        .models(&["slow"])
        .to("one")
        .admits(&["nobody"]);
    folder.write(
        "config.yaml",
        &documents_of(&[
            &secret("credential", CREDENTIAL),
            &Key::named("app", KEY),
            &provider,
            &route,
            &other,
        ]),
    );
    World {
        gateway: Gateway::serving(&folder).await,
        seen,
        _upstream: upstream,
        _folder: folder,
    }
}

impl World {
    fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    async fn batch(&self, models: &[&str]) -> Answer {
        let requests: Vec<Value> = models
            .iter()
            .map(|model| json!({"custom_id": "a", "params": {"model": model, "max_tokens": 5, "messages": []}}))
            .collect();
        let body = json!({ "requests": requests }).to_string();
        let request = Request::post("/v1/messages/batches", KEY, body);
        self.gateway
            .ask(&request.header("anthropic-version", "2023-06-01"))
            .await
    }
}

#[tokio::test]
async fn a_batch_names_models_of_its_route_alone() {
    let world = world("Anthropic", None).await;
    let answer = world.batch(&["fast", "fast"]).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let seen = world.seen();
    let sent: Value = serde_json::from_slice(&seen[0].body).unwrap();
    for request in sent["requests"].as_array().unwrap() {
        assert_eq!(request["params"]["model"], "fast-2025");
        assert_eq!(request["custom_id"], "a");
    }
    // One that another route has, one that nobody has, what the provider calls one, and one that it does not list.
    for model in ["slow", "claude-opus-5", "fast-2025", "gone"] {
        let answer = world.batch(&["fast", model]).await;
        assert_eq!(answer.status, 404, "{model}: {}", answer.text());
        let message = answer.json()["error"]["message"].clone();
        let message = message.as_str().unwrap();
        assert!(
            message.starts_with("requests[1].params.model: ") && message.contains(model),
            "{message}"
        );
    }
    assert_eq!(world.seen().len(), 1);
    let cancel = Request::post("/v1/messages/batches/batch_1/cancel", KEY, "");
    let cancel = cancel.header("anthropic-version", "2023-06-01");
    assert_eq!(world.gateway.ask(&cancel).await.status, 200);
    let elsewhere = Request::post("/v1/messages/batches//", KEY, r#"{"requests":[]}"#);
    let elsewhere = elsewhere.header("anthropic-version", "2023-06-01");
    assert_eq!(world.gateway.ask(&elsewhere).await.status, 405);
}

#[tokio::test]
async fn a_batch_of_googles_names_models_of_its_route_alone() {
    let world = world("Gemini", None).await;
    let batch = |model: &str| {
        let body = json!({"batch": {"display_name": "b", "input_config": {"requests": {"requests": [
            {"request": {"model": format!("models/{model}"), "contents": []}}
        ]}}}});
        let path = "/v1beta/models/fast:batchGenerateContent";
        Request::post(path, KEY, body.to_string())
    };
    let answer = world.gateway.ask(&batch("fast")).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let seen = world.seen();
    assert!(
        seen[0]
            .head
            .contains("/models/fast-2025:batchGenerateContent")
    );
    let sent: Value = serde_json::from_slice(&seen[0].body).unwrap();
    let request = &sent["batch"]["input_config"]["requests"]["requests"][0]["request"];
    assert_eq!(request["model"], "models/fast-2025");
    let answer = world.gateway.ask(&batch("slow")).await;
    assert_eq!(answer.status, 404, "{}", answer.text());
    assert!(
        answer
            .text()
            .contains("batch.input_config.requests.requests[0].request.model"),
        "{}",
        answer.text()
    );
}

#[tokio::test]
async fn a_condition_shuts_files_and_batches() {
    let when = r#"!(request.operation in ["files", "batches"])"#;
    let world = world("OpenAI", Some(when)).await;
    for (path, body) in [
        ("/v1/batches", r#"{"input_file_id":"file-1"}"#),
        ("/v1/files", ""),
    ] {
        let request = match body {
            "" => Request::get(path).key(KEY),
            body => Request::post(path, KEY, body),
        };
        let answer = world.gateway.ask(&request).await;
        assert_eq!(
            (answer.status, answer.code()),
            (404, "no_rule_matched".into()),
            "{path}"
        );
    }
    let chat = world.gateway.chat(KEY, "fast").await;
    assert_eq!(chat.status, 200, "{}", chat.text());
    assert_eq!(world.seen().len(), 1);
}
