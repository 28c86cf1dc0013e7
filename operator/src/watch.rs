//! What is watched, and what of it is kept.
//!
//! Each watch runs in a task of its own and sends what it sees to the one loop. A watch that fails in whatever way
//! (410 Gone, a list that errors, a connection cut) is begun anew with a list, after a pause: a position in a store
//! that may have been restored from an older backup is worth nothing. What was known stays until the new list is whole.

mod follow;
pub mod seen;
pub mod slim;

use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::{Namespace, Pod, Secret, ServiceAccount};
use kube::api::{ApiResource, DynamicObject, PartialObjectMeta};
use kube::core::GroupVersionKind;
use kube::runtime::watcher;
use kube::{Api, Client, Resource};
use tokio::sync::{mpsc, watch};
use weir_config::{Kind, published};
use weir_records::lease;

use crate::client::Cluster;
use crate::metrics::Metrics;
use follow::Follow;
use seen::{KeySecret, LeaseSeen, Meta, Object, PublishedSeen};
use slim::Slim;

/// How long a watch lasts before it is asked for anew. Also how long, 5 s aside, a server that has fallen silent goes
/// unnoticed.
const WATCH_SECONDS: u32 = 20;
/// How many messages wait for the loop at most.
const WAITING: usize = 1024;
/// Pods that are no more: an evicted one stays as an object until somebody removes it.
const RUNNING: &str = "status.phase!=Failed,status.phase!=Succeeded";
/// Objects in one page of a list of resources, and of key Secrets: each may have 1 MiB or more, and all of a page are in
/// memory at once. Nobody's large objects may take more of it than there is.
const PAGE: u32 = 64;
/// The label that the chart puts on gateway pods.
const GATEWAY_PODS: &str = "app.kubernetes.io/component=gateway";

/// What a watch tells.
#[derive(Debug)]
pub enum Change<T> {
    /// All that there is within the scope of the watch: what is not in it is gone.
    List(Vec<T>),
    /// One that is new or has changed.
    Apply(T),
    /// One that is gone, as it was last.
    Delete(T),
}

/// Which objects a watch sees.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// Those of every namespace.
    All,
    /// Those of one, or the one itself.
    Namespace(String),
}

impl Scope {
    /// Whether what stands in this namespace is in it.
    pub fn has(&self, namespace: &str) -> bool {
        match self {
            Self::All => true,
            Self::Namespace(one) => one == namespace,
        }
    }
}

/// What came in from a watch.
#[derive(Debug)]
pub struct Message {
    /// Which watch sent it.
    pub watch: usize,
    /// How often all watches had been told to begin anew when this one last did.
    pub epoch: u64,
    /// What that watch sees.
    pub scope: Scope,
    /// What it saw.
    pub input: Input,
}

/// What a watch saw, by what it watches.
#[derive(Debug)]
pub enum Input {
    /// AIProviders or AIRoutes.
    Object(Kind, Change<Object>),
    /// Namespaces.
    Namespace(Change<Meta>),
    /// Secrets of every kind, without what is in them.
    Secret(Change<Meta>),
    /// Secrets of the type of API keys.
    KeySecret(Change<KeySecret>),
    /// ServiceAccounts.
    Account(Change<Meta>),
    /// Gateway pods.
    Pod(Change<Meta>),
    /// Leases of gateways.
    Lease(Change<LeaseSeen>),
    /// What is published.
    Published(Change<PublishedSeen>),
}

/// The watches.
pub struct Watches {
    /// What they tell.
    pub messages: mpsc::Receiver<Message>,
    /// How many there are; they are numbered from 0.
    pub count: usize,
}

/// Where to watch.
pub struct Where<'a> {
    /// The API server, and the operator's namespace.
    pub cluster: &'a Cluster,
    /// The namespace of what is published and of the gateways' leases.
    pub config_namespace: &'a str,
    /// The namespaces of the resources; none means all.
    pub namespaces: &'a [String],
}

/// Starts every watch. `again` makes all of them start anew with a list when it changes.
pub fn start(place: &Where<'_>, again: &watch::Receiver<u64>, metrics: &Metrics) -> Watches {
    let (sender, messages) = mpsc::channel(WAITING);
    let mut starter = Starter {
        client: place.cluster.client.clone(),
        sender,
        again: again.clone(),
        metrics: metrics.clone(),
        count: 0,
    };
    let scopes: Vec<Scope> = if place.namespaces.is_empty() {
        vec![Scope::All]
    } else {
        let mut names = place.namespaces.to_vec();
        names.sort();
        names.dedup();
        names.into_iter().map(Scope::Namespace).collect()
    };
    for scope in scopes {
        starter.resources(&scope);
    }
    starter.pods(&place.cluster.namespace);
    starter.config(place.config_namespace);
    Watches {
        messages,
        count: starter.count,
    }
}

/// The API of a kind of ours. It is read as JSON of any shape: what does not decode is for the compiler to judge.
pub fn resource(kind: &Kind) -> ApiResource {
    let gvk = GroupVersionKind::gvk(weir_crds::GROUP, weir_crds::VERSION, kind.as_str());
    ApiResource::from_gvk(&gvk)
}

struct Starter {
    client: Client,
    sender: mpsc::Sender<Message>,
    again: watch::Receiver<u64>,
    metrics: Metrics,
    count: usize,
}

impl Starter {
    fn resources(&mut self, scope: &Scope) {
        for kind in [Kind::AiProvider, Kind::AiRoute] {
            let resource = resource(&kind);
            let api = match scope {
                Scope::All => Api::all_with(self.client.clone(), &resource),
                Scope::Namespace(name) => {
                    Api::namespaced_with(self.client.clone(), name, &resource)
                }
            };
            let name = kind.as_str().to_owned();
            let of = kind.clone();
            self.follow(
                &name,
                scope,
                api,
                config().page_size(PAGE),
                move |object: DynamicObject| Object::of(&of, object),
                move |change| Input::Object(kind.clone(), change),
            );
        }
        let only = match scope {
            Scope::All => config(),
            Scope::Namespace(name) => config().fields(&format!("metadata.name={name}")),
        };
        let namespaces: Api<Slim<PartialObjectMeta<Namespace>>> = Api::all(self.client.clone());
        self.follow(
            "Namespace",
            scope,
            namespaces,
            only,
            |object: PartialObjectMeta<Namespace>| Meta::with_labels(object.metadata),
            Input::Namespace,
        );
        let secrets: Api<Slim<PartialObjectMeta<Secret>>> = self.api(scope);
        self.follow(
            "Secret",
            scope,
            secrets,
            config(),
            |object: PartialObjectMeta<Secret>| Meta::with_labels(object.metadata),
            Input::Secret,
        );
        let keys: Api<Slim<Secret>> = self.api(scope);
        let of_keys = config()
            .fields(&format!("type={}", seen::KEY_TYPE))
            .page_size(PAGE);
        self.follow(
            "KeySecret",
            scope,
            keys,
            of_keys,
            KeySecret::of,
            Input::KeySecret,
        );
        let accounts: Api<Slim<PartialObjectMeta<ServiceAccount>>> = self.api(scope);
        self.follow(
            "ServiceAccount",
            scope,
            accounts,
            config(),
            |object: PartialObjectMeta<ServiceAccount>| Meta::bare(object.metadata),
            Input::Account,
        );
    }

    fn pods(&mut self, namespace: &str) {
        let scope = Scope::Namespace(namespace.to_owned());
        let pods: Api<Slim<PartialObjectMeta<Pod>>> = self.api(&scope);
        self.follow(
            "Pod",
            &scope,
            pods,
            config().labels(GATEWAY_PODS).fields(RUNNING),
            |object: PartialObjectMeta<Pod>| Meta::bare(object.metadata),
            Input::Pod,
        );
    }

    fn config(&mut self, namespace: &str) {
        let scope = Scope::Namespace(namespace.to_owned());
        // A gateway says in annotations what it has to say, and writes the rest as it likes.
        let leases: Api<Slim<PartialObjectMeta<Lease>>> = self.api(&scope);
        let of_gateways = config().labels(&format!("{}={}", lease::LABEL, lease::LABEL_VALUE));
        self.follow(
            "Lease",
            &scope,
            leases,
            of_gateways,
            |object: PartialObjectMeta<Lease>| {
                LeaseSeen::of(Lease {
                    metadata: object.metadata,
                    ..Lease::default()
                })
            },
            Input::Lease,
        );
        // By type, which can't be edited, and not by label, which can.
        let secrets: Api<Slim<Secret>> = self.api(&scope);
        let of_ours = config()
            .fields(&format!("type={}", published::SECRET_TYPE))
            .page_size(100);
        self.follow(
            "Published",
            &scope,
            secrets,
            of_ours,
            PublishedSeen::of,
            Input::Published,
        );
    }

    fn api<K>(&self, scope: &Scope) -> Api<K>
    where
        K: Resource<Scope = kube::core::NamespaceResourceScope>,
        K::DynamicType: Default,
    {
        match scope {
            Scope::All => Api::all(self.client.clone()),
            Scope::Namespace(name) => Api::namespaced(self.client.clone(), name),
        }
    }

    fn follow<K, T>(
        &mut self,
        name: &str,
        scope: &Scope,
        api: Api<Slim<K>>,
        config: watcher::Config,
        take: impl Fn(K) -> T + Send + Sync + 'static,
        wrap: impl Fn(Change<T>) -> Input + Send + Sync + 'static,
    ) where
        K: Resource + Clone + serde::de::DeserializeOwned + std::fmt::Debug + Send + Sync + 'static,
        T: Send + 'static,
    {
        let follow = Follow {
            name: name.to_owned(),
            watch: self.count,
            scope: scope.clone(),
            sender: self.sender.clone(),
            again: self.again.clone(),
            metrics: self.metrics.clone(),
        };
        self.count += 1;
        let take = move |Slim(object)| take(object);
        tokio::spawn(follow.run(api, config, take, wrap));
    }
}

fn config() -> watcher::Config {
    watcher::Config::default().timeout(WATCH_SECONDS)
}
