use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use super::*;
use crate::linked::LinkedRoute;
use crate::snapshot::{
    ApiKey, Backend, Consumers, Credential, Dialect, HttpVersion, NAME_LABEL, Namespaces, Operator,
    Parameters, Preset, Provider, ProviderModel, ProviderRef, Requirement, Retry, Route, Rule,
    Secret, Sha256, WorkloadIdentity,
};

fn shard(namespace: &str) -> Shard {
    Shard {
        namespace: namespace.to_owned(),
        labels: BTreeMap::from([(NAME_LABEL.to_owned(), namespace.to_owned())]),
        ..Shard::default()
    }
}

fn snapshot(shards: impl IntoIterator<Item = Shard>) -> Snapshot {
    let shards = shards
        .into_iter()
        .map(|shard| (shard.namespace.clone(), Arc::new(shard)));
    Snapshot {
        namespaces: shards.collect(),
        ..Snapshot::default()
    }
}

fn provider(allowed: Namespaces) -> Provider {
    Provider {
        credential: Some(Secret::new("secret").into()),
        allowed,
        ..Provider::new(Dialect::OpenAI, "https://api.example/v1")
    }
}

fn backend(namespace: &str, name: &str, model: Option<&str>) -> Backend {
    Backend {
        provider: ProviderRef {
            namespace: namespace.to_owned(),
            name: name.to_owned(),
        },
        model: model.map(ToOwned::to_owned),
        priority: 0,
        weight: 1,
    }
}

fn route(when: Option<&str>, backends: Vec<Backend>) -> Route {
    Route {
        created: None,
        consumers: vec![Consumers::ApiKeys {
            names: None,
            namespaces: Namespaces::Same,
        }],
        models: vec!["fast".to_owned(), "gpt-*".to_owned()],
        rules: vec![Rule {
            name: None,
            when: when.map(ToOwned::to_owned),
            backends,
        }],
        retry: Retry {
            attempts: None,
            on: BTreeSet::new(),
        },
        parameters: Parameters::default(),
    }
}

fn key(value: &str, created: Option<i64>) -> ApiKey {
    ApiKey {
        created,
        hashes: vec![Sha256::of(value.as_bytes())],
        expires_at: None,
    }
}

/// The ids of the providers behind a route's first rule.
fn behind(linked: &Linked, namespace: &str, name: &str) -> Vec<String> {
    let route: &LinkedRoute = linked.route(namespace, name).unwrap();
    let backends = route.rules.iter().flat_map(|rule| &rule.backends);
    backends
        .map(|backend| backend.provider.id.to_string())
        .collect()
}

fn said(linked: &Linked) -> Vec<String> {
    linked.problems.iter().map(ToString::to_string).collect()
}

/// team-a's route to platform's provider, and team-b with a route of its own.
fn world(allowed: Namespaces) -> [Shard; 3] {
    let mut platform = shard("platform");
    platform
        .providers
        .insert("openai".to_owned(), provider(allowed));
    let mut a = shard("team-a");
    a.routes.insert(
        "chat".to_owned(),
        route(
            Some("request.stream"),
            vec![backend("platform", "openai", None)],
        ),
    );
    let mut b = shard("team-b");
    b.providers
        .insert("own".to_owned(), provider(Namespaces::Same));
    b.routes.insert(
        "chat".to_owned(),
        route(
            Some("!request.stream"),
            vec![backend("team-b", "own", None)],
        ),
    );
    [platform, a, b]
}

#[test]
fn what_does_not_resolve_is_left_out_and_named() {
    let [mut platform, mut a, b] = world(Namespaces::All);
    let mut restricted = provider(Namespaces::All);
    restricted.models = vec![ProviderModel {
        name: "gpt-5".to_owned(),
        upstream_name: "gpt-5-2025".to_owned(),
        price: BTreeMap::new(),
    }];
    platform
        .providers
        .insert("restricted".to_owned(), restricted);
    let backends = vec![
        backend("platform", "gone", None),
        backend("nowhere", "openai", None),
        backend("team-b", "own", None),
        backend("platform", "restricted", Some("o3")),
        backend("platform", "restricted", Some("gpt-5")),
        backend("platform", "openai", None),
    ];
    a.routes.insert("chat".to_owned(), route(None, backends));
    a.routes.insert(
        "empty".to_owned(),
        route(None, vec![backend("platform", "gone", None)]),
    );
    a.routes.insert(
        "broken".to_owned(),
        route(Some("request.strem"), Vec::new()),
    );
    let linked = link(&snapshot([platform, a, b]), "weir-system", None);
    assert_eq!(
        behind(&linked, "team-a", "chat"),
        ["platform/restricted", "platform/openai"]
    );
    assert_eq!(behind(&linked, "team-a", "empty"), Vec::<String>::new());
    assert_eq!(
        linked
            .route("team-a", "empty")
            .map(|route| route.rules.len()),
        Some(1)
    );
    assert!(linked.route("team-a", "broken").is_none());
    assert_eq!(
        said(&linked),
        [
            "AIRoute team-a/broken: spec.rules[0].when: request has no field strem; it has model, stream, operation, inputTokens; the route is left out",
            "AIRoute team-a/chat: spec.rules[0].backends[0]: platform/gone: the provider does not exist",
            "AIRoute team-a/chat: spec.rules[0].backends[1]: nowhere/openai: the provider does not exist",
            "AIRoute team-a/chat: spec.rules[0].backends[2]: team-b/own: the provider's allowedRoutes do not let this namespace in",
            "AIRoute team-a/chat: spec.rules[0].backends[3]: platform/restricted: the provider does not list this model",
            "AIRoute team-a/empty: spec.rules[0].backends[0]: platform/gone: the provider does not exist",
        ]
    );
    let route = linked.route("team-a", "chat").unwrap();
    let served = route
        .rules
        .first()
        .and_then(|rule| rule.backends.first())
        .unwrap();
    assert_eq!(served.upstream_name("anything"), Some("gpt-5-2025"));
    assert_eq!(served.provider.upstream_name("o3"), None);
}

#[test]
fn what_did_not_change_is_taken_over() {
    let before = link(&snapshot(world(Namespaces::All)), "weir-system", None);
    let shared = |after: &Linked, name: &str| {
        let of = |linked: &Linked| Arc::as_ptr(linked.namespaces.get(name).unwrap());
        of(&before) == of(after)
    };
    // Equal by value is enough: a snapshot that was read anew.
    let same = link(
        &snapshot(world(Namespaces::All)),
        "weir-system",
        Some(&before),
    );
    assert_eq!(
        ["platform", "team-a", "team-b"].map(|name| shared(&same, name)),
        [true; 3]
    );
    assert!(Arc::ptr_eq(&same.keys, &before.keys));

    let [platform, a, mut b] = world(Namespaces::All);
    b.routes.insert("more".to_owned(), route(None, Vec::new()));
    let after = link(&snapshot([platform, a, b]), "weir-system", Some(&before));
    assert_eq!(
        ["platform", "team-a", "team-b"].map(|name| shared(&after, name)),
        [true, true, false]
    );
    // Of what changed, providers and conditions that did not are the same.
    let of = |linked: &Linked| Arc::clone(linked.provider("team-b", "own").unwrap());
    assert!(Arc::ptr_eq(&of(&before), &of(&after)));
    let when = |linked: &Linked| {
        linked
            .route("team-b", "chat")
            .and_then(|route| route.rules.first()?.when.clone())
            .unwrap()
    };
    assert!(Arc::ptr_eq(&when(&before), &when(&after)));
}

#[test]
fn a_change_elsewhere_counts_at_once() {
    let before = link(&snapshot(world(Namespaces::All)), "weir-system", None);
    assert_eq!(behind(&before, "team-a", "chat"), ["platform/openai"]);
    // The provider no longer allows the namespace.
    let narrowed = link(
        &snapshot(world(Namespaces::Same)),
        "weir-system",
        Some(&before),
    );
    assert_eq!(behind(&narrowed, "team-a", "chat"), Vec::<String>::new());
    // The namespace loses the label that the provider asks for.
    let labelled = Namespaces::Selector(vec![Requirement {
        key: "ai".to_owned(),
        operator: Operator::Exists,
        values: Vec::new(),
    }]);
    let [platform, mut a, b] = world(labelled.clone());
    a.labels.insert("ai".to_owned(), "yes".to_owned());
    let allowed = link(&snapshot([platform, a, b]), "weir-system", Some(&narrowed));
    assert_eq!(behind(&allowed, "team-a", "chat"), ["platform/openai"]);
    let unlabelled = link(&snapshot(world(labelled)), "weir-system", Some(&allowed));
    assert_eq!(behind(&unlabelled, "team-a", "chat"), Vec::<String>::new());
    // The whole namespace of the provider goes, and comes back.
    let [platform, a, b] = world(Namespaces::All);
    let gone = link(
        &snapshot([a.clone(), b.clone()]),
        "weir-system",
        Some(&before),
    );
    assert_eq!(behind(&gone, "team-a", "chat"), Vec::<String>::new());
    let back = link(&snapshot([platform, a, b]), "weir-system", Some(&gone));
    assert_eq!(behind(&back, "team-a", "chat"), ["platform/openai"]);
    // A provider that changes is the new one for routes elsewhere.
    let [mut platform, a, b] = world(Namespaces::All);
    platform.providers.insert(
        "openai".to_owned(),
        Provider {
            endpoint: "https://new.example".to_owned(),
            ..provider(Namespaces::All)
        },
    );
    let moved = link(&snapshot([platform, a, b]), "weir-system", Some(&before));
    let endpoint = |linked: &Linked| {
        let route = linked.route("team-a", "chat")?;
        Some(
            route
                .rules
                .first()?
                .backends
                .first()?
                .provider
                .spec
                .endpoint
                .clone(),
        )
    };
    assert_eq!(endpoint(&moved).as_deref(), Some("https://new.example"));
}

#[test]
fn keys_lead_to_their_consumers_and_go_at_once() {
    let mut a = shard("team-a");
    let mut web = key("old-value", Some(5));
    web.hashes.push(Sha256::of(b"next-value"));
    web.expires_at = Some(99);
    a.keys.insert("web".to_owned(), web);
    let mut b = shard("team-b");
    b.keys.insert("thief".to_owned(), key("old-value", Some(6)));
    b.keys.insert("undated".to_owned(), key("next-value", None));
    let before = link(&snapshot([a.clone(), b.clone()]), "weir-system", None);
    let who = |linked: &Linked, value: &str| {
        let key = linked.key(&Sha256::of(value.as_bytes()).0)?;
        Some((key.consumer.to_string(), key.expires_at))
    };
    assert_eq!(
        who(&before, "old-value"),
        Some(("key:team-a/web".to_owned(), Some(99)))
    );
    assert_eq!(
        who(&before, "next-value"),
        Some(("key:team-a/web".to_owned(), Some(99)))
    );
    assert_eq!(who(&before, "unknown"), None);
    assert_eq!(
        said(&before),
        [
            "Secret team-b/thief: data: the value is that of key:team-a/web too, which is older",
            "Secret team-b/undated: data: the value is that of key:team-a/web too, which is older",
        ]
    );
    // Another change keeps the index and its problems; the key's own drops it.
    let mut other = shard("team-c");
    other
        .routes
        .insert("chat".to_owned(), route(None, Vec::new()));
    let unchanged = link(
        &snapshot([a.clone(), b, other]),
        "weir-system",
        Some(&before),
    );
    assert!(Arc::ptr_eq(&unchanged.keys, &before.keys));
    assert_eq!(said(&unchanged), said(&before));
    a.keys.clear();
    let revoked = link(&snapshot([a]), "weir-system", Some(&unchanged));
    assert_eq!(who(&revoked, "old-value"), None);
    assert_eq!(revoked.key_count(), 0);
}

#[test]
fn a_key_that_is_gone_leaves_its_value_to_the_next() {
    let with = |namespace: &str, value: &str, created| {
        let mut shard = shard(namespace);
        shard
            .keys
            .insert("web".to_owned(), key(value, Some(created)));
        shard
    };
    let who = |linked: &Linked, value: &str| {
        let key = linked.key(&Sha256::of(value.as_bytes()).0)?;
        Some(key.consumer.to_string())
    };
    let (a, b) = (with("a", "one", 1), with("b", "one", 2));
    let first = link(&snapshot([a, b.clone()]), "weir-system", None);
    assert_eq!(who(&first, "one").as_deref(), Some("key:a/web"));
    let moved = link(
        &snapshot([with("a", "two", 1), b.clone()]),
        "weir-system",
        Some(&first),
    );
    assert_eq!(who(&moved, "one").as_deref(), Some("key:b/web"));
    assert_eq!(who(&moved, "two").as_deref(), Some("key:a/web"));
    assert_eq!((moved.key_count(), said(&moved)), (2, vec![]));
    let gone = link(&snapshot([b]), "weir-system", Some(&moved));
    assert_eq!((who(&gone, "two"), gone.key_count()), (None, 1));
    assert_eq!(
        who(&first, "one").as_deref(),
        Some("key:a/web"),
        "what runs stays as it is"
    );
}

#[test]
fn service_accounts_are_known_by_their_uid_and_go_at_once() {
    let with = |uid: Option<&str>| {
        let mut shard = shard("team-a");
        let uid = uid.map(|uid| ("web".to_owned(), uid.to_owned()));
        shard.service_accounts.extend(uid);
        snapshot([shard])
    };
    let of = |linked: &Linked| {
        let account = linked.service_account("team-a", "web")?;
        Some((account.consumer.to_string(), account.uid.to_string()))
    };
    let known = |uid: &str| Some(("sa:team-a/web".to_owned(), uid.to_owned()));
    let first = link(&with(Some("u1")), "weir-system", None);
    assert_eq!(of(&first), known("u1"));
    assert!(first.service_account("team-a", "job").is_none());
    assert!(first.service_account("team-b", "web").is_none());
    let again = link(&with(Some("u2")), "weir-system", Some(&first));
    assert_eq!(of(&again), known("u2"));
    let gone = link(&with(None), "weir-system", Some(&again));
    assert_eq!(of(&gone), None);
}

#[test]
fn the_identity_of_the_gateway_is_used_in_its_namespace_alone() {
    let shards = ["weir-system", "team-a"].map(|name| {
        let mut one = provider(Namespaces::All);
        one.credential = Some(Credential::Identity(WorkloadIdentity::Gcp {}));
        let mut shard = shard(name);
        shard.providers.insert("vertex".to_owned(), one);
        let to = vec![backend(name, "vertex", None)];
        shard.routes.insert("chat".to_owned(), route(None, to));
        shard
    });
    let linked = link(&snapshot(shards), "weir-system", None);
    assert_eq!(
        behind(&linked, "weir-system", "chat"),
        ["weir-system/vertex"]
    );
    assert_eq!(behind(&linked, "team-a", "chat"), Vec::<String>::new());
    assert!(linked.provider("team-a", "vertex").is_none());
    assert_eq!(
        said(&linked),
        [
            "AIProvider team-a/vertex: spec.credentials.workloadIdentity: is the identity of the gateway, which only its own namespace may use; the provider is left out",
            "AIRoute team-a/chat: spec.rules[0].backends[0]: team-a/vertex: the provider does not exist",
        ]
    );
}

#[test]
fn the_key_of_an_upstream_changes_with_what_a_connection_depends_on() {
    let of = |change: &dyn Fn(&mut Provider)| {
        let mut changed = provider(Namespaces::All);
        change(&mut changed);
        crate::linked::LinkedProvider::new("a", "b", &changed).upstream_key
    };
    let role = |arn: Option<&str>| {
        let role_arn = arn.map(str::to_owned);
        Credential::Identity(WorkloadIdentity::Aws { role_arn })
    };
    let same = of(&|_| {});
    assert_eq!(same, of(&|provider| provider.timeouts.idle *= 2));
    assert_eq!(same, of(&|provider| provider.allowed = Namespaces::Same));
    let others = [
        of(&|provider| provider.endpoint.push('x')),
        of(&|provider| provider.credential = None),
        of(&|provider| provider.credential = Some(Secret::new("").into())),
        of(&|provider| provider.credential = Some(role(None))),
        of(&|provider| provider.credential = Some(role(Some("arn:aws:iam::1:role/a")))),
        of(&|provider| provider.dialect = Dialect::Anthropic),
        of(&|provider| provider.preset = Some(Preset::Groq)),
        of(&|provider| provider.settings.bedrock_region = Some("us-east-1".to_owned())),
        of(&|provider| provider.settings.azure_api_version = Some("us-east-1".to_owned())),
        of(&|provider| provider.ca = Some("pem".to_owned())),
        of(&|provider| provider.http_version = HttpVersion::Http2),
    ];
    let all: BTreeSet<u64> = others.into_iter().chain([same]).collect();
    assert_eq!(all.len(), 12);
}

#[test]
fn a_thousand_routes_link_quickly_and_relink_quicker() {
    let mut shards = vec![];
    for namespace in 0..20 {
        let name = format!("team-{namespace}");
        let mut shard = shard(&name);
        shard
            .providers
            .insert("own".to_owned(), provider(Namespaces::Same));
        for number in 0..50 {
            let when =
                format!("request.inputTokens < {number} && request.model.startsWith('gpt-')");
            shard.routes.insert(
                format!("route-{number}"),
                route(Some(&when), vec![backend(&name, "own", None); 4]),
            );
            shard.keys.insert(
                format!("key-{number}"),
                key(&format!("{name}/{number}"), None),
            );
        }
        shards.push(shard);
    }
    let first = snapshot(shards.clone());
    let start = Instant::now();
    let linked = link(&first, "weir-system", None);
    let cold = start.elapsed();
    assert_eq!(
        (
            linked.routes().count(),
            linked.key_count(),
            linked.problems.len()
        ),
        (1000, 1000, 0)
    );
    let start = Instant::now();
    let again = link(&first, "weir-system", Some(&linked));
    let warm = start.elapsed();
    assert_eq!(again.routes().count(), 1000);
    println!("1,000 routes: {cold:?} cold, {warm:?} with nothing changed");
    // Unoptimised and on a busy machine; a release build takes a small part of it.
    assert!(cold.as_millis() < 3000, "{cold:?}");
    assert!(warm * 4 < cold, "{warm:?} against {cold:?}");
}
