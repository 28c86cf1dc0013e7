//! The cluster that a command asks: which one, and what to say if it does not answer.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use k8s_openapi::jiff::{Timestamp, fmt::rfc2822};
use kube::api::{Api, GetParams, ListParams, ObjectList, PartialObjectMeta, Request};
use kube::client::Body;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::core::request::Error as RequestError;
use kube::{Client, Config, Resource};
use serde::de::DeserializeOwned;

use crate::Failure;
use crate::slim::Slim;

/// How long to try to connect: a person waits.
const CONNECT: Duration = Duration::from_secs(10);
/// How long an answer may take.
const READ: Duration = Duration::from_secs(60);
/// How many objects to ask for at a time, as kubectl does.
const PAGE: u32 = 500;

/// Which cluster to ask, as with kubectl.
#[derive(Args)]
pub(crate) struct Connection {
    /// The kubeconfig file; without it $KUBECONFIG, then ~/.kube/config, then the pod's own account
    #[arg(long, value_name = "FILE")]
    kubeconfig: Option<PathBuf>,

    /// The context of the kubeconfig; without it the current one
    #[arg(long)]
    context: Option<String>,
}

/// A cluster that can be asked.
pub(crate) struct Cluster {
    pub(crate) client: Client,
    url: String,
    namespace: String,
}

/// Runs what asks the cluster.
pub(crate) fn block_on<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    // It is an error if there is a provider already, which is then the one that is wanted.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?
        .block_on(work)
}

impl Connection {
    /// Finds the cluster. Nothing is sent yet.
    pub(crate) async fn cluster(&self) -> Result<Cluster, Failure> {
        let mut config = self.config().await?;
        config.connect_timeout = Some(CONNECT);
        config.read_timeout = Some(READ);
        config.reset_reader_on_write = true;
        let url = config.cluster_url.to_string();
        let namespace = config.default_namespace.clone();
        let client = Client::try_from(config).map_err(|error| {
            Failure::Failed(format!(
                "the kubeconfig can't be used for {url}: {}",
                causes(&error)
            ))
        })?;
        Ok(Cluster {
            client,
            url,
            namespace,
        })
    }

    async fn config(&self) -> Result<Config, Failure> {
        let options = KubeConfigOptions {
            context: self.context.clone(),
            ..KubeConfigOptions::default()
        };
        if let Some(file) = &self.kubeconfig {
            let wrong = |error| {
                let shown = file.display();
                Failure::Failed(format!(
                    "--kubeconfig {shown} can't be used: {}",
                    causes(&error)
                ))
            };
            let kubeconfig = Kubeconfig::read_from(file).map_err(wrong)?;
            return Config::from_custom_kubeconfig(kubeconfig, &options)
                .await
                .map_err(wrong);
        }
        let hint = "name a kubeconfig with --kubeconfig or KUBECONFIG";
        if let Some(context) = &self.context {
            return Config::from_kubeconfig(&options).await.map_err(|error| {
                let causes = causes(&error);
                Failure::Failed(format!(
                    "the context {context} can't be used: {causes}; {hint}, or another --context"
                ))
            });
        }
        match Config::from_kubeconfig(&options).await {
            Ok(config) => Ok(config),
            Err(error) => Config::incluster().map_err(|_| {
                Failure::Failed(format!(
                    "there is no cluster to ask: {}; {hint}",
                    causes(&error)
                ))
            }),
        }
    }
}

impl Cluster {
    /// The namespace that was asked for, else that of the context.
    pub(crate) fn namespace<'a>(&'a self, asked: Option<&'a str>) -> &'a str {
        asked.unwrap_or(&self.namespace)
    }

    /// The API server's clock, which leases and expiries are judged by: a laptop's may be off. Its own is the next best.
    pub(crate) async fn now(&self) -> Result<Timestamp, Failure> {
        let request = http::Request::get("/version").body(Body::empty());
        let request = request.map_err(|error| Failure::Failed(error.to_string()))?;
        let sent = self.client.send(request).await;
        let response =
            sent.map_err(|error| Failure::Failed(self.explain("ask for its version", &error)))?;
        let date = response.headers().get(http::header::DATE);
        let date = date.and_then(|date| date.to_str().ok());
        let date = date.and_then(|date| rfc2822::parse(date).ok());
        Ok(date.map_or_else(Timestamp::now, |date| date.timestamp()))
    }

    /// All objects, page by page.
    pub(crate) async fn list<K>(&self, api: &Api<K>, wanted: ListParams) -> kube::Result<Vec<K>>
    where
        K: Clone + DeserializeOwned + Resource,
    {
        self.paged(wanted, |page| Request::new(api.resource_url()).list(page))
            .await
    }

    /// The metadata of all objects, page by page.
    pub(crate) async fn list_metadata<K>(
        &self,
        api: &Api<K>,
        wanted: ListParams,
    ) -> kube::Result<Vec<PartialObjectMeta<K>>>
    where
        K: Resource,
        PartialObjectMeta<K>: Clone + DeserializeOwned,
    {
        let request = |page: &ListParams| Request::new(api.resource_url()).list_metadata(page);
        self.paged(wanted, request).await
    }

    async fn paged<K: Clone + DeserializeOwned>(
        &self,
        wanted: ListParams,
        request: impl Fn(&ListParams) -> Result<http::Request<Vec<u8>>, RequestError>,
    ) -> kube::Result<Vec<K>> {
        let objects: Vec<Slim<K>> = paged(wanted, async |page| {
            let request = request(&page).map_err(kube::Error::BuildRequest)?;
            self.client.request(request).await
        })
        .await?;
        Ok(objects.into_iter().map(|Slim(object)| object).collect())
    }

    /// One object.
    pub(crate) async fn get<K: DeserializeOwned + Resource>(
        &self,
        api: &Api<K>,
        name: &str,
    ) -> kube::Result<K> {
        let request = Request::new(api.resource_url())
            .get(name, &GetParams::default())
            .map_err(kube::Error::BuildRequest)?;
        let Slim(object) = self.client.request(request).await?;
        Ok(object)
    }

    /// What went wrong, in one line that says what to do about it. `doing` goes on "can't".
    pub(crate) fn explain(&self, doing: &str, error: &kube::Error) -> String {
        let url = &self.url;
        match error {
            kube::Error::Api(status) => match status.code {
                401 => format!(
                    "can't {doing}: the API server at {url} knows nobody by these credentials: renew those of the kubeconfig"
                ),
                403 => format!("not allowed to {doing}: {}", status.message),
                _ => format!("can't {doing}: {}", status.message),
            },
            kube::Error::Auth(_) => format!(
                "can't {doing}: the credentials of the kubeconfig can't be used: {}",
                causes(error)
            ),
            kube::Error::SerdeError(_) => format!(
                "can't {doing}: the answer of {url} makes no sense: {}: is it an API server?",
                causes(error)
            ),
            kube::Error::Service(error) => format!(
                "can't {doing}: the API server at {url} can't be reached: {}",
                causes(error.as_ref())
            ),
            _ => format!("can't {doing} at {url}: {}", causes(error)),
        }
    }
}

/// Asks for page after page.
async fn paged<K: Clone>(
    parameters: ListParams,
    ask: impl AsyncFn(ListParams) -> kube::Result<ObjectList<K>>,
) -> kube::Result<Vec<K>> {
    let mut page = parameters.clone().limit(PAGE);
    let mut all = Vec::new();
    loop {
        let list = match ask(page).await {
            Ok(list) => list,
            // The list began too long ago for its next page: all at once, then.
            Err(kube::Error::Api(status)) if status.code == 410 && !all.is_empty() => {
                return Ok(ask(parameters).await?.items);
            }
            Err(error) => return Err(error),
        };
        all.extend(list.items);
        match list.metadata.continue_ {
            Some(token) if !token.is_empty() => {
                page = parameters.clone().limit(PAGE).continue_token(&token);
            }
            _ => return Ok(all),
        }
    }
}

/// An error and what it comes from, each said once.
fn causes(error: &dyn std::error::Error) -> String {
    let mut said = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let next = error.to_string();
        if !said.contains(&next) {
            said = format!("{said}: {next}");
        }
        cause = error.source();
    }
    said
}
