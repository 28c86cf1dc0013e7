//! Secrets as they change: what providers are called with, and what callers call with. None of their
//! values is told to anybody.

use std::time::{Duration, Instant};

use serde_json::json;
use weir_config::published::{Index, read_index};
use weir_tests::cluster::{CONFIG_NAMESPACE, Namespace, World, eventually, eventually_else};
use weir_tests::resources::{secret, secret_with};
use weir_tests::upstream::{answer, completion};
use weir_tests::{Key, Provider, Route, Upstream};

use crate::told::{READY, assert_untold, message, refused_reference, until, until_events};

/// How long a credential that was revoked may still be taken.
const REVOKED: Duration = Duration::from_secs(2);

/// A key that no other test has: a value that stands in two Secrets counts for the older one alone.
fn key(team: &Namespace<'_>, name: &str) -> String {
    format!("key-{name}-of-{}-0123456789-0123456789", team.name())
}

fn route() -> Route {
    Route::named("chat").models(&["chat"]).to("provider")
}

fn mock() -> Provider {
    Provider::mock("provider", json!({"text": "Hello"}))
}

/// Waits until every gateway answers a key with this status; gives how long that took since `then`.
async fn until_status(world: &World, key: &str, status: u16, then: Instant) -> Duration {
    for gateway in world.gateways() {
        eventually_else(&format!("{status} is answered"), async || {
            let answer = gateway.chat(key, "chat").await;
            let text = || format!("{} {}", answer.status, answer.text());
            (answer.status == status).then_some(()).ok_or_else(text)
        })
        .await;
    }
    then.elapsed()
}

/// A provider that says which of these it was called with, by its place: what looks like a credential
/// in an answer is blotted out on the way.
async fn telling(credentials: [&'static str; 2]) -> Upstream {
    Upstream::replying(move |seen| {
        let with = seen.header("authorization").unwrap_or("none");
        let place = credentials
            .iter()
            .position(|one| with == format!("Bearer {one}"));
        answer(200, &[], &completion(&format!("called with {place:?}")))
    })
    .await
}

async fn until_called_with(world: &World, key: &str, place: usize) {
    let right = format!("called with {:?}", Some(place));
    for gateway in world.gateways() {
        eventually_else(&right, async || {
            let answer = gateway.chat(key, "chat").await;
            assert_eq!(answer.status, 200, "{}", answer.text());
            let said = &answer.json()["choices"][0]["message"]["content"];
            (*said == right)
                .then_some(())
                .ok_or_else(|| said.to_string())
        })
        .await;
    }
}

#[tokio::test]
async fn the_credential_of_a_provider_is_rotated_and_lost() {
    let world = World::shared().await;
    let team = world.cluster().namespace("credential").await;
    let value = key(&team, "app");
    let old = "credential-old-5b1d9f0c7a";
    let new = "credential-new-e8d24c6b31";
    let upstream = telling([old, new]).await;
    team.apply(&[
        &Provider::at("provider", upstream.address).credential("upstream"),
        &secret("upstream", old),
        &route(),
        &Key::named("app", &value),
    ])
    .await;
    until(&team, "airoute/chat", &READY).await;
    until_called_with(world, &value, 0).await;

    // Rotated: no request fails, and nothing is to be done to the provider.
    team.apply(&[&secret("upstream", new)]).await;
    until_called_with(world, &value, 1).await;
    let provider = until(&team, "aiprovider/provider", &READY).await;
    assert_eq!(provider["metadata"]["generation"], 1);

    // What can't be used, and what is taken away, takes the value before with it.
    team.apply(&[&secret("upstream", "broken\nin-two")]).await;
    let refused = refused_reference("InvalidSecret");
    let refused = until(&team, "aiprovider/provider", &refused).await;
    let why = message(&refused, "Ready");
    assert!(why.starts_with("spec.credentials.secretRef"), "{why}");
    until_status(world, &value, 503, Instant::now()).await;
    team.delete("secret/upstream").await;
    let refused = refused_reference("SecretNotFound");
    until(&team, "aiprovider/provider", &refused).await;
    until_status(world, &value, 503, Instant::now()).await;
    team.apply(&[&secret("upstream", old)]).await;
    until(&team, "aiprovider/provider", &READY).await;
    until_called_with(world, &value, 0).await;
    assert_untold(world, &[old, new, "broken\nin-two", "in-two", &value]).await;
}

#[tokio::test]
async fn a_key_has_two_values_while_it_is_rotated_and_none_once_revoked() {
    let world = World::shared().await;
    let team = world.cluster().namespace("rotated").await;
    let (old, new) = (key(&team, "old"), key(&team, "new"));
    let app = |value: &str| Key::named("app", value);
    team.apply(&[&mock(), &route(), &app(&old).and_next(&new)])
        .await;
    until(&team, "airoute/chat", &READY).await;
    for value in [&old, &new] {
        until_status(world, value, 200, Instant::now()).await;
    }

    let data = json!([{"op": "replace", "path": "/data", "value": {"key": base64(&new)}}]);
    let patch = [
        "patch",
        "secret/app",
        "--type=json",
        "-p",
        &data.to_string(),
    ];
    team.kubectl(&patch).await.ok();
    let took = until_status(world, &old, 401, Instant::now()).await;
    assert!(took < REVOKED, "{took:?}");
    until_status(world, &new, 200, Instant::now()).await;

    team.delete("secret/app").await;
    let took = until_status(world, &new, 401, Instant::now()).await;
    assert!(took < REVOKED, "{took:?}");
    let code = world.gateway(0).chat(&new, "chat").await.code();
    assert_eq!(code, "invalid_api_key");
    assert_untold(world, &[&old, &new]).await;
}

fn base64(text: &str) -> serde_json::Value {
    serde_json::to_value(k8s_openapi::ByteString(text.as_bytes().to_vec())).unwrap()
}

/// Unix seconds.
fn now() -> i64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    now.unwrap().as_secs().cast_signed()
}

#[tokio::test]
async fn a_key_ends_when_it_says_so() {
    let world = World::shared().await;
    let team = world.cluster().namespace("expiring").await;
    let value = key(&team, "app");
    let app = |until: i64| {
        let until = jiff::Timestamp::from_second(until).unwrap();
        Key::named("app", &value).until(&until.to_string())
    };
    team.apply(&[&mock(), &route(), &app(now() + 3600)]).await;
    until(&team, "airoute/chat", &READY).await;
    until_status(world, &value, 200, Instant::now()).await;

    let soon = now() + 2;
    team.apply(&[&app(soon)]).await;
    until_status(world, &value, 401, Instant::now()).await;
    assert!(now() >= soon);
    let answer = world.gateway(0).chat(&value, "chat").await;
    assert_eq!(answer.code(), "expired_api_key");
    // It has ended, and is not refused for that: nothing is said of it.
    assert!(crate::told::events(&team, "Secret", "app").await.is_empty());
}

#[tokio::test]
async fn a_refused_key_is_told_in_an_event_on_its_secret() {
    let world = World::shared().await;
    let team = world.cluster().namespace("bad-keys").await;
    let short = "sh0rt-2c81f3";
    let twin = key(&team, "twin");
    team.apply(&[&mock(), &route(), &Key::named("first", &twin)])
        .await;
    until(&team, "airoute/chat", &READY).await;
    until_status(world, &twin, 200, Instant::now()).await;
    let good = key(&team, "good");
    let misspelt = Key::named("misspelt", &good).with("/stringData/nextkey", json!(good));
    let dated = key(&team, "dated");
    let dated = Key::named("dated", &dated).until("next tuesday");
    team.apply(&[
        &Key::named("short", short),
        &misspelt,
        &dated,
        &Key::named("second", &twin),
        &secret_with("labelled", "token", &good),
    ])
    .await;
    let label = ["label", "secret/labelled", "weir.dev/api-key=true"];
    team.kubectl(&label).await.ok();
    for (name, reason, begins) in [
        ("short", "InvalidSecret", "data.key: "),
        ("misspelt", "UnknownField", "data.nextkey: "),
        ("dated", "InvalidFormat", "metadata.annotations"),
        ("second", "DuplicateKey", "data: "),
        ("labelled", "Required", "data.key: "),
    ] {
        let told = until_events(&team, "Secret", name, 1).await;
        assert_eq!(told[0][..2], ["Warning", reason], "{name}");
        assert!(told[0][2].starts_with(begins), "{name}: {told:?}");
    }
    // The one that had the value before has it still.
    until_status(world, &twin, 200, Instant::now()).await;
    until_status(world, short, 401, Instant::now()).await;

    let mended = key(&team, "mended");
    team.apply(&[&Key::named("short", &mended)]).await;
    until_status(world, &mended, 200, Instant::now()).await;
    let told = until_events(&team, "Secret", "short", 2).await;
    assert_eq!(told[1][..2], ["Normal", "Accepted"]);
    assert_untold(world, &[short, &twin, &good, &mended]).await;
    published_are_hashes_alone(world, &team, &mended).await;
}

/// The value of a key is in nothing that a gateway can read.
async fn published_are_hashes_alone(world: &World, team: &Namespace<'_>, value: &str) {
    let cluster = world.cluster();
    let (shard, _) = eventually("it is published", async || {
        cluster
            .get(CONFIG_NAMESPACE, &format!("secret/ns.{}", team.name()))
            .await
    })
    .await;
    let data: k8s_openapi::ByteString =
        serde_json::from_value(shard["data"]["shard"].clone()).unwrap();
    let data = [("shard".to_owned(), data.0)].into();
    let Ok(Index::Whole(shard)) = read_index(&data) else {
        panic!("no shard in one piece");
    };
    let text = serde_json::to_string(&shard).unwrap();
    assert!(text.contains("\"short\""), "{text}");
    assert!(!text.contains(value), "{text}");
}
