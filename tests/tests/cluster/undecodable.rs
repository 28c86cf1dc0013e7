//! Objects that the API server let in by a schema which knew less, or none: each is a verdict, and the
//! watch goes on for all others.

use serde_json::{Value, json};
use weir_tests::cluster::{Cluster, Namespace, World, eventually_else};
use weir_tests::{Key, Provider, Route};

use crate::told::{Kstatus, READY, kstatus, message, refused_spec, until, until_events};

const KEY: &str = "key-of-the-app-0123456789-0123456789";

/// Takes every rule out of the schema of a CRD, so that anything is let in.
async fn loosen(cluster: &Cluster, name: &str) {
    let anything = json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true});
    let path = "/spec/versions/0/schema/openAPIV3Schema";
    let patch = json!([{"op": "replace", "path": path, "value": anything}]);
    let crd = format!("crd/{name}");
    let arguments = ["patch", &crd, "--type=json", "-p", &patch.to_string()];
    cluster.kubectl(&arguments).await.ok();
}

fn object(kind: &str, name: &str, spec: &Value) -> Value {
    let api = "weir.dev/v1alpha1";
    let mut object =
        json!({"apiVersion": api, "kind": kind, "metadata": {"name": name, "namespace": "x"}});
    if !spec.is_null() {
        object["spec"] = spec.clone();
    }
    object
}

/// The kind, the spec, why it is refused and for which field.
fn cases() -> Vec<(&'static str, Value, &'static str, &'static str)> {
    let rules = json!([{"backends": [{"provider": {"name": "mock"}}]}]);
    let route = |more: Value| {
        let mut spec = json!({"models": ["odd"], "rules": rules});
        for (name, value) in more.as_object().unwrap() {
            spec[name] = value.clone();
        }
        spec
    };
    let provider = |more: Value| {
        let mut spec = json!({"dialect": "OpenAI", "endpoint": "https://models.example/v1"});
        for (name, value) in more.as_object().unwrap() {
            spec[name] = value.clone();
        }
        spec
    };
    let both = json!([{"apiKeys": {}, "serviceAccounts": {}}]);
    let many = vec![rules[0].clone(); 65];
    vec![
        ("AIRoute", Value::Null, "Required", "spec: "),
        ("AIRoute", json!("a text"), "WrongType", "spec: "),
        ("AIRoute", json!(["a", "list"]), "WrongType", "spec: "),
        (
            "AIRoute",
            route(json!({"models": 7})),
            "WrongType",
            "spec.models: ",
        ),
        (
            "AIRoute",
            route(json!({"colour": "red"})),
            "UnknownField",
            "spec.colour: ",
        ),
        (
            "AIRoute",
            route(json!({"retry": {"retryOn": ["Never"]}})),
            "UnknownValue",
            "spec.retry.retryOn[0]: ",
        ),
        (
            "AIRoute",
            route(json!({"models": ["a", "a"]})),
            "Duplicate",
            "spec.models[1]: ",
        ),
        (
            "AIRoute",
            route(json!({"rules": many})),
            "OutOfBounds",
            "spec.rules: ",
        ),
        (
            "AIRoute",
            route(json!({"consumers": both})),
            "Conflict",
            "spec.consumers[0]",
        ),
        (
            "AIProvider",
            provider(json!({"dialect": "Telepathy"})),
            "UnknownValue",
            "spec.dialect: ",
        ),
        (
            "AIProvider",
            provider(json!({"timeouts": {"total": "soon"}})),
            "InvalidFormat",
            "spec.timeouts.total: ",
        ),
        (
            "AIProvider",
            provider(json!({"mock": {"text": "x"}})),
            "Conflict",
            "spec.mock: ",
        ),
        (
            "AIProvider",
            json!({"dialect": {"name": "OpenAI"}}),
            "WrongType",
            "spec.dialect: ",
        ),
    ]
}

fn chat(models: &[&str]) -> Route {
    Route::named("chat").models(models).to("mock")
}

#[tokio::test]
async fn what_does_not_decode_is_a_verdict_and_the_watch_goes_on() {
    let world = World::new().operators(1).gateways(1);
    let Some(mut world) = world.of_its_own("undecodable").await else {
        return;
    };
    let (cluster, operators, gateways) = world.parts();
    let team = cluster.namespace("team").await;
    let mock = Provider::mock("mock", json!({"text": "Hello"}));
    team.apply(&[&mock, &chat(&["first"]), &Key::named("app", KEY)])
        .await;
    until(&team, "airoute/chat", &READY).await;
    // A watch that began by the old schema is told of no field that this does not know: the operator has
    // to notice that the CRDs have changed, and to list anew.
    for name in ["airoutes.weir.dev", "aiproviders.weir.dev"] {
        loosen(cluster, name).await;
    }
    let let_in = async |number: usize| {
        let (kind, spec, _, _) = &cases()[number];
        let object = object(kind, &format!("odd-{number}"), spec);
        eventually_else("the schema lets it in", async || {
            let said = team.try_apply(&[&object]).await;
            said.success().then_some(()).ok_or(said.stderr)
        })
        .await;
    };
    for number in 0..cases().len() {
        let_in(number).await;
    }
    refused(&team).await;
    team.apply(&[&chat(&["second"])]).await;
    until(&team, "airoute/chat", &READY).await;
    gateways[0].assert_serves(KEY, "second").await;

    // An operator that meets them in its first list.
    let versions = crate::told::versions(cluster, "airoutes,aiproviders").await;
    operators[0].kill();
    operators[0].start().await;
    operators[0].wait_ready().await;
    team.apply(&[&chat(&["third"])]).await;
    until(&team, "airoute/chat", &READY).await;
    gateways[0].assert_serves(KEY, "third").await;
    refused(&team).await;
    let now = crate::told::versions(cluster, "airoutes,aiproviders").await;
    let changed = crate::told::changed(&versions, &now);
    assert_eq!(changed, [format!("AIRoute {}/chat", team.name())]);

    // A status that makes no sense is put right.
    let odd = json!({"status": {"observedGeneration": "three", "conditions": "none"}});
    let patch = [
        "patch",
        "airoute/chat",
        "--subresource=status",
        "--type=merge",
        "-p",
    ];
    team.kubectl(&[&patch[..], &[&odd.to_string()]].concat())
        .await
        .ok();
    until(&team, "airoute/chat", &READY).await;
}

async fn refused(team: &Namespace<'_>) {
    for (number, (kind, _, reason, begins)) in cases().iter().enumerate() {
        let name = format!("odd-{number}");
        let object = format!("{}/{name}", kind.to_lowercase());
        let refused = until(team, &object, &refused_spec(reason)).await;
        let why = message(&refused, "Accepted");
        assert!(why.starts_with(begins), "{kind} {name}: {why}");
        assert_eq!(kstatus(&refused), Kstatus::Failed);
        let told = until_events(team, kind, &name, 1).await;
        assert_eq!(told[0][..2], ["Warning", reason]);
    }
}
