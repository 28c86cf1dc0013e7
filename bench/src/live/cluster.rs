//! What the cluster is filled with.

use std::fmt::Debug;
use std::io;

use k8s_openapi::api::core::v1::{Namespace, Secret};
use kube::api::{Api, ApiResource, DynamicObject, ListParams, Patch, PatchParams, PostParams};
use kube::{Client, Resource};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use weir_crds::{GROUP, VERSION};
use weir_tests::cluster::CONFIG_NAMESPACE;
use weir_tests::{Key, Provider, Route};

/// How many namespaces are filled at once.
const AT_ONCE: usize = 8;
/// How many objects a list asks for.
const PAGE: u32 = 500;

/// A cluster that gets fuller: in each namespace a provider, a caller's key, and routes.
pub(super) struct Fill {
    client: Client,
    pub(super) routes: usize,
    namespaces: usize,
}

impl Fill {
    pub(super) fn new(client: Client, routes: usize) -> Self {
        Self {
            client,
            routes,
            namespaces: 0,
        }
    }

    pub(super) fn namespaces(&self) -> usize {
        self.namespaces
    }

    /// Routes that there are.
    pub(super) fn count(&self) -> usize {
        self.namespaces * self.routes
    }

    /// Objects that have a status.
    pub(super) fn objects(&self) -> usize {
        self.namespaces * (self.routes + 1)
    }

    /// Makes namespaces until there are so many.
    pub(super) async fn up_to(&mut self, namespaces: usize) -> io::Result<()> {
        let mut tasks = JoinSet::new();
        for number in self.namespaces..namespaces {
            if tasks.len() == AT_ONCE
                && let Some(done) = tasks.join_next().await
            {
                done??;
            }
            tasks.spawn(namespace(self.client.clone(), number, self.routes));
        }
        while let Some(done) = tasks.join_next().await {
            done??;
        }
        self.namespaces = namespaces;
        Ok(())
    }

    /// Writes a route that also answers to one more model, as `kubectl apply` and controllers do.
    pub(super) async fn change(
        &self,
        namespace: usize,
        route: usize,
        model: &str,
    ) -> io::Result<()> {
        let api = resources(&self.client, "AIRoute", "airoutes", &name(namespace));
        let spec = json!({"spec": {"models": [stable(route), model]}});
        let (name, parameters) = (format!("r{route}"), PatchParams::default());
        let patched = api.patch(&name, &parameters, &Patch::Merge(spec)).await;
        patched.map(drop).map_err(io::Error::other)
    }

    /// Whether so many objects are ready in their current generation.
    pub(super) async fn is_ready(&self, wanted: usize) -> bool {
        let mut ready = 0;
        for (kind, plural) in [("AIProvider", "aiproviders"), ("AIRoute", "airoutes")] {
            let api: Api<DynamicObject> = Api::all_with(self.client.clone(), &of(kind, plural));
            match every(&api).await {
                Ok(objects) => ready += objects.iter().filter(|object| is_ready(object)).count(),
                Err(_) => return false,
            }
        }
        ready == wanted
    }

    /// The bytes of data in the largest Secret that is published.
    pub(super) async fn largest_secret(&self) -> io::Result<usize> {
        let api: Api<Secret> = Api::namespaced(self.client.clone(), CONFIG_NAMESPACE);
        let secrets = every(&api).await?;
        let sizes = secrets.iter().map(|secret| {
            let data = secret.data.iter().flat_map(|data| data.values());
            data.map(|value| value.0.len()).sum()
        });
        Ok(sizes.max().unwrap_or_default())
    }
}

/// The name of a namespace.
pub(super) fn name(namespace: usize) -> String {
    format!("team-{namespace:04}")
}

/// The key of the caller in a namespace.
pub(super) fn key(namespace: usize) -> String {
    format!("key-of-the-bench-in-namespace-{namespace:04}")
}

/// The model that a route answers to whatever changes.
pub(super) fn stable(route: usize) -> String {
    format!("stable-{route}")
}

/// A route that also answers to this model.
pub(super) fn route(namespace: usize, route: usize, model: &str) -> Route {
    let models = [&stable(route), model];
    Route::named(&format!("r{route}"))
        .in_namespace(&name(namespace))
        .models(&models)
        .to("mock")
}

async fn namespace(client: Client, number: usize, routes: usize) -> io::Result<()> {
    let name = name(number);
    let object = json!({"metadata": {"name": name}});
    create(&Api::<Namespace>::all(client.clone()), &object.to_string()).await?;
    let provider = Provider::mock("mock", json!({"text": "Hello."})).in_namespace(&name);
    let providers = resources(&client, "AIProvider", "aiproviders", &name);
    create(&providers, &provider.to_string()).await?;
    let made = resources(&client, "AIRoute", "airoutes", &name);
    for number_of_route in 0..routes {
        let route = route(number, number_of_route, "first");
        create(&made, &route.to_string()).await?;
    }
    let key = Key::named("caller", &key(number)).in_namespace(&name);
    create(&Api::<Secret>::namespaced(client, &name), &key.to_string()).await
}

async fn create<K>(api: &Api<K>, object: &str) -> io::Result<()>
where
    K: Resource + Clone + Debug + DeserializeOwned + Serialize,
{
    let object: K = serde_json::from_str(object)?;
    let made = api.create(&PostParams::default(), &object).await;
    made.map(drop).map_err(io::Error::other)
}

async fn every<K: Clone + Debug + DeserializeOwned>(api: &Api<K>) -> io::Result<Vec<K>> {
    let mut parameters = ListParams::default().limit(PAGE);
    let mut all = Vec::new();
    loop {
        let page = api.list(&parameters).await.map_err(io::Error::other)?;
        all.extend(page.items);
        match page.metadata.continue_ {
            Some(token) if !token.is_empty() => {
                parameters = ListParams::default().limit(PAGE).continue_token(&token);
            }
            _ => return Ok(all),
        }
    }
}

fn is_ready(object: &DynamicObject) -> bool {
    let conditions = object.data["status"]["conditions"].as_array();
    let ready = conditions
        .into_iter()
        .flatten()
        .find(|one| one["type"] == "Ready");
    ready.is_some_and(|ready| {
        ready["status"] == "True"
            && ready["observedGeneration"] == Value::from(object.metadata.generation)
    })
}

fn resources(client: &Client, kind: &str, plural: &str, namespace: &str) -> Api<DynamicObject> {
    Api::namespaced_with(client.clone(), namespace, &of(kind, plural))
}

fn of(kind: &str, plural: &str) -> ApiResource {
    ApiResource {
        group: GROUP.into(),
        version: VERSION.into(),
        api_version: format!("{GROUP}/{VERSION}"),
        kind: kind.into(),
        plural: plural.into(),
    }
}
