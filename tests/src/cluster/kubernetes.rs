//! A cluster as tests see it: one of their own, or the one that `WEIR_TEST_KUBECONFIG` names.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Once;
use std::sync::atomic::{AtomicUsize, Ordering};

use k8s_openapi::ByteString;
use k8s_openapi::api::authentication::v1::{BoundObjectReference, TokenRequest, TokenRequestSpec};
use k8s_openapi::api::core::v1::ServiceAccount;
use kube::api::PostParams;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Api, Client, Config};
use serde_json::Value;
use tokio::io::AsyncWriteExt;
use tokio::sync::OnceCell;
use tokio::task::JoinSet;

use super::component::Pod;
use super::credentials::{User, kubeconfig};
use super::output::Said;
use super::parts::part;
use super::server::Server;
use super::wait::eventually_else;
use super::{Namespace, chart};
use crate::keeper::Kept;

/// A Kubernetes API, and its admin's right to it.
#[derive(Debug)]
pub struct Cluster {
    /// Absent where `WEIR_TEST_KUBECONFIG` names the cluster.
    server: Option<Server>,
    folder: Kept,
    kubeconfig: PathBuf,
    /// `HOST:PORT` of the API server.
    address: String,
    authority: String,
    names: AtomicUsize,
}

/// What a token of a ServiceAccount is asked for.
#[derive(Debug, Clone, Default)]
pub struct Token<'a> {
    /// Whom it is for; the API server itself where none is named.
    pub audience: Option<&'a str>,
    /// How long it is good, in seconds; the API server takes 600 and more. Default: an hour.
    pub seconds: Option<i64>,
    /// The pod that it dies with.
    pub pod: Option<&'a Pod>,
}

impl Cluster {
    /// A cluster with nothing on it, or the one of `WEIR_TEST_KUBECONFIG`.
    ///
    /// # Panics
    /// It does not come up.
    pub async fn bare() -> Self {
        install_crypto();
        match std::env::var_os("WEIR_TEST_KUBECONFIG") {
            Some(path) => Self::at(Path::new(&path)).await,
            None => Self::started().await,
        }
    }

    /// [`Cluster::bare`], with the chart's CRDs, namespaces and rights.
    ///
    /// # Panics
    /// As there, or the chart is refused.
    pub async fn with_chart() -> Self {
        let cluster = Self::bare().await;
        cluster.install_chart().await;
        cluster
    }

    /// One [`Cluster::with_chart`] for all tests of this process that do it no harm.
    ///
    /// # Panics
    /// As there.
    pub async fn shared() -> &'static Self {
        static SHARED: OnceCell<Cluster> = OnceCell::const_new();
        SHARED.get_or_init(Self::with_chart).await
    }

    /// A cluster that a test may break; none where `WEIR_TEST_KUBECONFIG` names one, and then it
    /// says that `test` was not run.
    ///
    /// # Panics
    /// As [`Cluster::bare`].
    pub async fn of_its_own(test: &str) -> Option<Self> {
        install_crypto();
        if std::env::var_os("WEIR_TEST_KUBECONFIG").is_some() {
            eprintln!("not run on the cluster of WEIR_TEST_KUBECONFIG: {test}");
            return None;
        }
        Some(Self::started().await)
    }

    /// The cluster that a kubeconfig names, whichever it is.
    ///
    /// # Panics
    /// The file can't be read.
    pub(super) async fn named(path: &Path) -> Self {
        install_crypto();
        Self::at(path).await
    }

    async fn started() -> Self {
        let server = Server::start();
        let folder = Kept::folder();
        let address = format!("127.0.0.1:{}", server.port);
        let authority = server.credentials.authority.clone();
        let admin = User::Token(&server.credentials.admin);
        let url = format!("https://{address}");
        let text = kubeconfig(&url, None, &authority, &admin, "default");
        let cluster = Self {
            kubeconfig: folder.write("kubeconfig", text),
            server: Some(server),
            folder,
            address,
            authority,
            names: AtomicUsize::new(0),
        };
        cluster.wait_ready().await;
        cluster
    }

    async fn at(path: &Path) -> Self {
        let read = Kubeconfig::read_from(path).unwrap();
        let options = KubeConfigOptions::default();
        let config = Config::from_custom_kubeconfig(read, &options)
            .await
            .unwrap();
        let host = config.cluster_url.host().unwrap().to_owned();
        let port = config.cluster_url.port_u16().unwrap_or(443);
        let folder = Kept::folder();
        let text = std::fs::read(path).unwrap();
        let cluster = Self {
            server: None,
            kubeconfig: folder.write("kubeconfig", text),
            address: format!("{host}:{port}"),
            authority: String::new(),
            folder,
            names: AtomicUsize::new(0),
        };
        let view = ["config", "view", "--raw", "--flatten", "--minify", "-o"];
        let path = "jsonpath={.clusters[0].cluster.certificate-authority-data}";
        let said = cluster.kubectl(&[&view[..], &[path]].concat()).await;
        let decoded: ByteString = serde_json::from_value(said.ok().into()).unwrap();
        Self {
            authority: String::from_utf8(decoded.0).unwrap(),
            ..cluster
        }
    }

    pub(super) async fn wait_ready(&self) {
        let client = self.client().await;
        eventually_else("the API server is ready", async || {
            if let Some(server) = &self.server {
                server.assert_runs();
            }
            let request = http::Request::get("/readyz?verbose").body(Vec::new());
            let answer = client.request_text(request.unwrap()).await;
            answer.map(drop).map_err(|error| error.to_string())
        })
        .await;
    }

    /// The kubeconfig of its admin.
    #[must_use]
    pub fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }

    /// `HOST:PORT` of its API server.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The certificate of the authority that signed its API server's, in PEM.
    #[must_use]
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// A client that speaks for the admin. Clients belong to the runtime of the test that made them.
    ///
    /// # Panics
    /// The kubeconfig makes no sense.
    pub async fn client(&self) -> Client {
        let read = Kubeconfig::read_from(&self.kubeconfig).unwrap();
        client_of(read).await
    }

    /// A client that speaks for the bearer of this token.
    ///
    /// # Panics
    /// As [`Cluster::client`].
    pub async fn client_for(&self, token: &str) -> Client {
        let user = User::Token(token);
        let read = Kubeconfig::from_yaml(&self.kubeconfig_at(&self.address, &user, "default"));
        client_of(read.unwrap()).await
    }

    /// The text of a kubeconfig for this cluster, reached at this address.
    pub(super) fn kubeconfig_at(&self, address: &str, user: &User<'_>, namespace: &str) -> String {
        let host = self.address.rsplit_once(':').map(|(host, _)| host);
        let url = format!("https://{address}");
        kubeconfig(&url, host, &self.authority, user, namespace)
    }

    /// Runs `kubectl` as the admin.
    ///
    /// # Panics
    /// It can't be run. Whether it goes well is for the caller: see [`Said::ok`].
    pub async fn kubectl(&self, arguments: &[&str]) -> Said {
        self.run(&part("kubectl"), arguments, "").await
    }

    /// [`Cluster::kubectl`] with this as its input, for `-f -`.
    ///
    /// # Panics
    /// As there.
    pub async fn kubectl_with(&self, arguments: &[&str], input: &str) -> Said {
        self.run(&part("kubectl"), arguments, input).await
    }

    /// Runs any program with this cluster's kubeconfig.
    ///
    /// # Panics
    /// It can't be run.
    pub async fn run(&self, program: &Path, arguments: &[&str], input: &str) -> Said {
        let name = program.file_name().unwrap().to_string_lossy();
        let said = format!("{name} {}", arguments.join(" "));
        let mut child = tokio::process::Command::new(program)
            .args(arguments)
            .env("KUBECONFIG", &self.kubeconfig)
            // What they keep goes with the cluster.
            .env("HOME", self.folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap_or_else(|error| panic!("{said}: {error}"));
        let mut stdin = child.stdin.take().unwrap();
        let feed = async move {
            // It may end without reading all of it.
            let _ = stdin.write_all(input.as_bytes()).await;
        };
        let ((), output) = tokio::join!(feed, child.wait_with_output());
        Said::of(said, output.unwrap())
    }

    /// `kubectl apply` of this text, which must go well. Gives what it said.
    ///
    /// # Panics
    /// It is refused.
    pub async fn apply(&self, yaml: &str) -> String {
        let said = self.kubectl_with(&["apply", "-f", "-"], yaml).await;
        said.ok()
    }

    /// `kubectl apply` of this text, which must be refused. Gives its whole message.
    ///
    /// # Panics
    /// It goes well.
    pub async fn apply_refused(&self, yaml: &str) -> String {
        let said = self.kubectl_with(&["apply", "-f", "-"], yaml).await;
        said.refused()
    }

    /// Creates many objects, some at a time, faster than `kubectl` would: AIProviders, AIRoutes,
    /// Secrets, ServiceAccounts and Namespaces.
    ///
    /// # Panics
    /// One is refused, or is of another kind.
    pub async fn create_all(&self, objects: &[Value]) {
        let client = self.client().await;
        let mut under_way = JoinSet::new();
        for object in objects {
            let request = http::Request::post(collection(object))
                .header("content-type", "application/json")
                .body(object.to_string().into_bytes())
                .unwrap();
            let client = client.clone();
            under_way.spawn(async move { client.request_text(request).await });
            if under_way.len() == 32 {
                under_way.join_next().await.unwrap().unwrap().unwrap();
            }
        }
        for made in under_way.join_all().await {
            made.unwrap();
        }
    }

    /// An object as JSON, as `kubectl get -o json` prints it; nothing if it is not there.
    ///
    /// # Panics
    /// The API server does not say.
    pub async fn get(&self, namespace: &str, object: &str) -> Option<Value> {
        let found_or_not = "--ignore-not-found";
        let arguments = ["get", object, "-n", namespace, "-o", "json", found_or_not];
        let text = self.kubectl(&arguments).await.ok();
        (!text.is_empty()).then(|| serde_json::from_str(&text).unwrap())
    }

    /// A namespace of a name that nothing else has, with a ServiceAccount `default`.
    ///
    /// # Panics
    /// It can't be made.
    pub async fn namespace(&self, prefix: &str) -> Namespace<'_> {
        let number = self.names.fetch_add(1, Ordering::Relaxed);
        // On a cluster that lasts, those of the last run may be there still.
        let run = match self.server {
            Some(_) => String::new(),
            None => format!("{}-", std::process::id()),
        };
        Namespace::create(self, &format!("{prefix}-{run}{number}")).await
    }

    /// A token of a ServiceAccount, as the kubelet gets one for a pod (TokenRequest).
    ///
    /// # Panics
    /// The API server gives none.
    pub async fn token(&self, namespace: &str, account: &str, ask: &Token<'_>) -> String {
        let client = self.client().await;
        let accounts: Api<ServiceAccount> = Api::namespaced(client, namespace);
        let request = TokenRequest {
            spec: TokenRequestSpec {
                audiences: ask.audience.map(str::to_owned).into_iter().collect(),
                expiration_seconds: Some(ask.seconds.unwrap_or(3600)),
                bound_object_ref: ask.pod.map(|pod| BoundObjectReference {
                    api_version: Some("v1".into()),
                    kind: Some("Pod".into()),
                    name: Some(pod.name.clone()),
                    uid: Some(pod.uid.clone()),
                }),
            },
            ..TokenRequest::default()
        };
        let params = PostParams::default();
        let made = accounts.create_token_request(account, &params, &request);
        made.await.unwrap().status.unwrap().token
    }

    /// Puts the chart's CRDs, namespaces, accounts, rights and admission policies on it, but no pods.
    ///
    /// # Panics
    /// It is refused.
    pub async fn install_chart(&self) {
        chart::install(self, &[]).await;
    }

    /// What ServiceAccounts asked of the API server so far: its audit events (level Metadata,
    /// `audit.k8s.io/v1`), those whose answer is complete.
    ///
    /// # Panics
    /// The cluster is that of `WEIR_TEST_KUBECONFIG`, whose audit log is its own.
    #[must_use]
    pub fn requests(&self) -> Vec<Value> {
        let server = self.server.as_ref().expect("a cluster of the test's own");
        let text = std::fs::read_to_string(server.audit_log()).unwrap_or_default();
        let events = text.lines().map(serde_json::from_str);
        // The last line may be half written.
        events.map_while(Result::ok).collect()
    }

    /// Whether the cluster is this process's own, so that its audit log can be read.
    #[must_use]
    pub fn is_own(&self) -> bool {
        self.server.is_some()
    }

    /// The ids of its processes, and where their files are.
    ///
    /// # Panics
    /// As those that do it harm.
    #[must_use]
    pub fn traces(&self) -> (Vec<u32>, Vec<PathBuf>) {
        let folders = [self.folder.path(), self.own().folder.path()];
        (self.own().pids(), folders.map(Path::to_owned).to_vec())
    }

    pub(super) fn own(&self) -> &Server {
        let server = self.server.as_ref();
        server.expect("only a cluster of a test's own may be broken")
    }
}

/// Where objects of this one's kind are made.
fn collection(object: &Value) -> String {
    let namespace = object["metadata"]["namespace"].as_str();
    let namespace = namespace.unwrap_or("default");
    match object["kind"].as_str().unwrap() {
        "AIProvider" => format!("/apis/weir.dev/v1alpha1/namespaces/{namespace}/aiproviders"),
        "AIRoute" => format!("/apis/weir.dev/v1alpha1/namespaces/{namespace}/airoutes"),
        "Secret" => format!("/api/v1/namespaces/{namespace}/secrets"),
        "ServiceAccount" => format!("/api/v1/namespaces/{namespace}/serviceaccounts"),
        "Namespace" => "/api/v1/namespaces".to_owned(),
        other => panic!("no collection of {other} is known"),
    }
}

async fn client_of(kubeconfig: Kubeconfig) -> Client {
    let options = KubeConfigOptions::default();
    let config = Config::from_custom_kubeconfig(kubeconfig, &options).await;
    Client::try_from(config.unwrap()).unwrap()
}

/// Once for the process, before the first client.
fn install_crypto() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // Where a test has installed one, that is as good.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    });
}
