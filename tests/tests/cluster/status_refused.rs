//! What is refused says so, with the field's path and why; what is mended or gone says nothing more.

use serde_json::json;
use weir_tests::cluster::{Namespace, World, eventually_else};
use weir_tests::resources::{secret, secret_with};
use weir_tests::{Key, Provider, Route};

use crate::told::{
    Kstatus, READY, kstatus, message, refused_reference, refused_spec, until, until_events,
};

/// A key that no other test has: a value that stands in two Secrets counts for the older one alone.
fn key(team: &Namespace<'_>, name: &str) -> String {
    format!("key-{name}-of-{}-0123456789-0123456789", team.name())
}

fn mock() -> Provider {
    Provider::mock("mock", json!({"text": "Hello"}))
}

fn route(name: &str) -> Route {
    Route::named(name).models(&[name]).to("mock")
}

const WHEN: &str = "/spec/rules/0/when";

#[tokio::test]
async fn a_refused_spec_is_told_once_and_its_last_good_version_serves_on() {
    let world = World::shared().await;
    let team = world.cluster().namespace("refused").await;
    let value = key(&team, "app");
    team.apply(&[&mock(), &route("chat"), &Key::named("app", &value)])
        .await;
    let good = until(&team, "airoute/chat", &READY).await;
    assert_eq!(kstatus(&good), Kstatus::Current);
    assert_eq!(good["status"]["servingGeneration"], 1);

    let bad = json!("request.model == 1 && request.nonsense");
    team.apply(&[&route("chat").with(WHEN, bad.clone())]).await;
    let refused = until(&team, "airoute/chat", &refused_spec("InvalidExpression")).await;
    assert_eq!(kstatus(&refused), Kstatus::Failed);
    assert_eq!(refused["status"]["observedGeneration"], 2);
    assert_eq!(refused["status"]["servingGeneration"], 1);
    let why = message(&refused, "Ready");
    assert!(why.starts_with("spec.rules[0].when: "), "{why}");
    for kind in ["Accepted", "Stalled"] {
        assert_eq!(message(&refused, kind), why);
    }
    let serving = message(&refused, "Programmed");
    assert!(serving.contains("last good version"), "{serving}");
    for gateway in world.gateways() {
        gateway.assert_serves(&value, "chat").await;
    }
    let event = ["Warning", "InvalidExpression", &why].map(str::to_owned);
    let told = until_events(&team, "AIRoute", "chat", 1).await;
    assert_eq!(told, std::slice::from_ref(&event));
    let described = team.kubectl(&["describe", "airoute/chat"]).await.ok();
    let (_, events) = described.split_once("\nEvents:").unwrap();
    assert!(events.contains("InvalidExpression"), "{described}");
    assert!(events.contains("weir.dev/operator"), "{described}");

    // A label changes nothing, and nothing is said of it.
    let label = ["label", "airoute/chat", "looked-at=yes"];
    team.kubectl(&label).await.ok();
    let labelled = team.get("airoute/chat").await.unwrap();
    team.apply(&[&route("mended")]).await;
    team.wait_ready("airoute/mended").await;
    let later = team.get("airoute/chat").await.unwrap();
    assert_eq!(later, labelled);
    assert_eq!(later["status"], refused["status"]);

    team.apply(&[&route("chat")]).await;
    team.wait_ready("airoute/chat").await;
    let mended = until(&team, "airoute/chat", &READY).await;
    assert_eq!(kstatus(&mended), Kstatus::Current);
    assert_eq!(mended["status"]["servingGeneration"], 3);
    let told = until_events(&team, "AIRoute", "chat", 2).await;
    assert_eq!(told[0], event);
    assert_eq!(told[1][..2], ["Normal", "Accepted"]);

    // The same again is another refusal, and another Event.
    team.apply(&[&route("chat").with(WHEN, bad)]).await;
    until(&team, "airoute/chat", &refused_spec("InvalidExpression")).await;
    let told = until_events(&team, "AIRoute", "chat", 3).await;
    assert_eq!(told[2], event);

    // New and bad at once: nothing serves.
    team.apply(&[&route("new").with(WHEN, json!("1 +"))]).await;
    let refused = until(&team, "airoute/new", &refused_spec("InvalidExpression")).await;
    assert!(refused["status"]["servingGeneration"].is_null());
    let ready = [
        "wait",
        "airoute/new",
        "--for=condition=Ready",
        "--timeout=1s",
    ];
    team.kubectl(&ready).await.refused();
    let stalled = [
        "wait",
        "airoute/new",
        "--for=condition=Stalled",
        "--timeout=1s",
    ];
    team.kubectl(&stalled).await.ok();
}

#[tokio::test]
async fn what_is_referred_to_is_judged_apart_from_the_spec_and_mended_from_outside() {
    let world = World::shared().await;
    let team = world.cluster().namespace("references").await;
    let other = world.cluster().namespace("provides").await;
    let there = "/spec/rules/0/backends/0/provider/namespace";
    let across = route("across").with(there, json!(other.name()));
    let listed = mock().with("/spec/models", json!([{"name": "listed"}]));
    let openai = |name: &str| Provider::openai(name, "https://models.example/v1");
    let ca = json!({"caSecretRef": {"name": "ca"}});
    other.apply(&[&mock()]).await;
    team.apply(&[
        &listed,
        &across,
        &Route::named("lost").models(&["lost"]).to("nobody"),
        &route("unlisted"),
        &openai("no-secret").credential("absent"),
        &openai("no-entry").credential("other-entry"),
        &openai("bad-value").credential("bad-value"),
        &openai("bad-ca").with("/spec/tls", ca),
        &secret_with("other-entry", "elsewhere", "value-of-the-wrong-entry"),
        &secret("bad-value", "two\nlines"),
        &secret_with("ca", "ca.crt", "no certificate at all"),
    ])
    .await;
    let provider = "spec.rules[0].backends[0].provider";
    let credential = "spec.credentials.secretRef";
    let named = format!("{provider}.name: ");
    let model = "spec.rules[0].backends[0].model";
    let entry = format!("{credential}.key: ");
    let missing = format!("{credential}.name: ");
    for (object, reason, begins) in [
        ("airoute/lost", "ProviderNotFound", named.as_str()),
        ("airoute/across", "NotAllowed", provider),
        ("airoute/unlisted", "ModelNotServed", model),
        ("aiprovider/no-secret", "SecretNotFound", &missing),
        ("aiprovider/no-entry", "SecretKeyNotFound", &entry),
        ("aiprovider/bad-value", "InvalidSecret", credential),
        ("aiprovider/bad-ca", "InvalidSecret", "spec.tls.caSecretRef"),
    ] {
        let refused = until(&team, object, &refused_reference(reason)).await;
        let why = message(&refused, "ResolvedRefs");
        assert!(why.starts_with(begins), "{object}: {why}");
        assert_eq!(message(&refused, "Ready"), why);
        assert_eq!(kstatus(&refused), Kstatus::Failed);
    }

    // Each is mended by what it refers to, without a change of its own.
    let first_generations = async || {
        let path = "jsonpath={.items[*].metadata.generation}";
        let get = ["get", "airoutes,aiproviders", "-o", path];
        let all = team.kubectl(&get).await.ok();
        all.split(' ').all(|generation| generation == "1")
    };
    other.apply(&[&mock().for_all_namespaces()]).await;
    let certificate = weir_tests::certificates::Authority::new().pem();
    team.apply(&[
        &Provider::mock("nobody", json!({})),
        &secret("absent", "credential-0123456789"),
        &secret_with("other-entry", "apiKey", "credential-0123456789"),
        &secret("bad-value", "one-line"),
        &secret_with("ca", "ca.crt", &certificate),
    ])
    .await;
    for object in [
        "airoute/lost",
        "airoute/across",
        "aiprovider/no-secret",
        "aiprovider/no-entry",
        "aiprovider/bad-value",
        "aiprovider/bad-ca",
    ] {
        until(&team, object, &READY).await;
    }
    assert!(first_generations().await);
    let told = until_events(&team, "AIRoute", "lost", 2).await;
    assert_eq!(told[1][..2], ["Normal", "Accepted"]);

    // What a spec that makes no sense refers to is not judged.
    let both = Route::named("both").models(&["both"]).to("absent");
    team.apply(&[&both.with(WHEN, json!("1 +"))]).await;
    until(&team, "airoute/both", &refused_spec("InvalidExpression")).await;
}

#[tokio::test]
async fn a_provider_narrowed_in_another_namespace_is_lost_at_once_and_so_told() {
    let world = World::shared().await;
    let team = world.cluster().namespace("uses").await;
    let owner = world.cluster().namespace("owns").await;
    let value = key(&team, "app");
    let there = "/spec/rules/0/backends/0/provider/namespace";
    owner.apply(&[&mock().for_all_namespaces()]).await;
    team.apply(&[
        &route("chat").with(there, json!(owner.name())),
        &Key::named("app", &value),
    ])
    .await;
    until(&team, "airoute/chat", &READY).await;

    owner.apply(&[&mock()]).await;
    for gateway in world.gateways() {
        eventually_else("the provider is lost", async || {
            let answer = gateway.chat(&value, "chat").await;
            (answer.status != 200).then_some(()).ok_or(answer.text())
        })
        .await;
    }
    let refused = until(&team, "airoute/chat", &refused_reference("NotAllowed")).await;
    assert_eq!(refused["metadata"]["generation"], 1);
    let served = &refused["status"]["servingGeneration"];
    assert!(served.is_null(), "{refused}");
    let why = message(&refused, "Programmed");
    assert_eq!(why, "It was refused; nothing serves in its stead");
    until(&owner, "aiprovider/mock", &READY).await;

    let labels = json!({"selector": {"matchLabels": {"weir-test": "true"}}, "from": "Selector"});
    let selected = mock().with("/spec/allowedRoutes", json!({"namespaces": labels}));
    owner.apply(&[&selected]).await;
    until(&team, "airoute/chat", &READY).await;
    for gateway in world.gateways() {
        gateway.assert_serves(&value, "chat").await;
    }
    // The label of a namespace counts as it is now.
    let label = ["label", "namespace", team.name(), "weir-test-"];
    world.cluster().kubectl(&label).await.ok();
    until(&team, "airoute/chat", &refused_reference("NotAllowed")).await;
}

#[tokio::test]
async fn what_is_withdrawn_counts_at_once_where_the_rest_is_refused() {
    let world = World::shared().await;
    let team = world.cluster().namespace("withdrawn").await;
    let (stays, goes) = (key(&team, "stays"), key(&team, "goes"));
    let both = || route("chat").models(&["chat", "more"]);
    team.apply(&[
        &mock(),
        &both().admits(&["stays", "goes"]),
        &Key::named("stays", &stays),
        &Key::named("goes", &goes),
    ])
    .await;
    until(&team, "airoute/chat", &READY).await;

    let bad = both().models(&["chat"]).admits(&["stays"]);
    team.apply(&[&bad.with(WHEN, json!("1 +"))]).await;
    let refused = until(&team, "airoute/chat", &refused_spec("InvalidExpression")).await;
    assert_eq!(refused["status"]["servingGeneration"], 1);
    for gateway in world.gateways() {
        for (key, model) in [(&goes, "chat"), (&stays, "more")] {
            eventually_else("what was withdrawn is gone", async || {
                let answer = gateway.chat(key, model).await;
                let gone = answer.status == 404 || answer.status == 403;
                gone.then_some(()).ok_or(answer.text())
            })
            .await;
        }
        gateway.assert_serves(&stays, "chat").await;
    }
}

#[tokio::test]
async fn the_columns_read_as_the_docs_say() {
    let world = World::shared().await;
    let team = world.cluster().namespace("columns").await;
    let bad = route("bad").models(&["a", "b"]).with(WHEN, json!("1 +"));
    team.apply(&[&mock(), &route("chat"), &bad]).await;
    until(&team, "airoute/chat", &READY).await;
    until(&team, "aiprovider/mock", &READY).await;
    until(&team, "airoute/bad", &refused_spec("InvalidExpression")).await;
    let all = world.cluster().kubectl(&["get", "ai", "-A"]).await.ok();
    // Without the last column, which is the age.
    let words = |line: &str| {
        let mut words: Vec<&str> = line.split_whitespace().collect();
        words.pop();
        words.join(" ")
    };
    let lines: Vec<String> = all.lines().map(words).collect();
    let line = |first: &str| {
        let found = lines.iter().find(|line| line.starts_with(first));
        let found = found.unwrap_or_else(|| panic!("no line of {first} in\n{all}"));
        found.clone()
    };
    let here = team.name();
    assert_eq!(
        line("NAMESPACE NAME DIALECT"),
        "NAMESPACE NAME DIALECT READY REASON"
    );
    assert_eq!(
        line("NAMESPACE NAME MODELS"),
        "NAMESPACE NAME MODELS READY REASON"
    );
    assert_eq!(
        line(&format!("{here} aiprovider.weir.dev/mock")),
        format!("{here} aiprovider.weir.dev/mock Mock True Ready")
    );
    assert_eq!(
        line(&format!("{here} airoute.weir.dev/chat")),
        format!("{here} airoute.weir.dev/chat [\"chat\"] True Ready")
    );
    assert_eq!(
        line(&format!("{here} airoute.weir.dev/bad")),
        format!("{here} airoute.weir.dev/bad [\"a\",\"b\"] False InvalidExpression")
    );
    let wide = team
        .kubectl(&["get", "air", "bad", "-o", "wide"])
        .await
        .ok();
    assert!(
        wide.contains("MESSAGE") && wide.contains("spec.rules[0].when: "),
        "{wide}"
    );
}
