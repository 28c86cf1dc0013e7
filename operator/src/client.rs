//! Which API server, and who this process is.

use std::env;
use std::path::Path;
use std::time::Duration;

use kube::config::{KubeConfigOptions, KubeconfigError};
use kube::{Client, Config};

/// Where Kubernetes puts a pod's token.
const TOKEN: &str = "/var/run/secrets/kubernetes.io/serviceaccount/token";
/// How long a connection to the API server may take.
const CONNECT: Duration = Duration::from_secs(5);
/// How long nothing may come on a connection that something is expected on. Watches end themselves before
/// (`watch::WATCH_SECONDS`); all else is answered sooner by a server that is well.
const READ: Duration = Duration::from_secs(30);
/// How long one request may take, lists aside.
pub const REQUEST: Duration = Duration::from_secs(10);

/// Why there is no client.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// Nothing says where the API server is.
    #[error(
        "no API server is known: this is no pod with a service account, and the kubeconfig is of no use: {0}"
    )]
    Kubeconfig(#[from] KubeconfigError),
    /// The pod's service account can't be read.
    #[error("the pod's service account can't be used: {0}")]
    InCluster(#[from] kube::config::InClusterError),
    /// The configuration makes no client.
    #[error("the API server can't be called: {0}")]
    Client(#[from] kube::Error),
}

/// A client, and who it is for.
#[derive(Clone)]
pub struct Cluster {
    /// Calls the API server.
    pub client: Client,
    /// The namespace of this pod.
    pub namespace: String,
    /// The name of this pod.
    pub pod: String,
}

/// Finds the API server as every pod does, else by `KUBECONFIG` or `~/.kube/config`. Nothing is sent yet.
///
/// # Errors
/// Nothing says where the API server is, or how to call it.
pub async fn connect() -> Result<Cluster, ConnectError> {
    let in_cluster = env::var_os("KUBERNETES_SERVICE_HOST").is_some() && Path::new(TOKEN).exists();
    let mut config = if in_cluster {
        Config::incluster_env()?
    } else {
        Config::from_kubeconfig(&KubeConfigOptions::default()).await?
    };
    config.connect_timeout = Some(CONNECT);
    config.read_timeout = Some(READ);
    config.write_timeout = Some(READ);
    config.reset_reader_on_write = true;
    // Whoever calls knows better when to try again, and must be told meanwhile.
    config.default_retry = false;
    let namespace = given("POD_NAMESPACE").unwrap_or_else(|| config.default_namespace.clone());
    Ok(Cluster {
        client: Client::try_from(config)?,
        namespace,
        pod: given("POD_NAME").unwrap_or_else(host),
    })
}

fn given(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}

fn host() -> String {
    rustix::system::uname()
        .nodename()
        .to_string_lossy()
        .into_owned()
}

/// Why a request came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The object is not there.
    #[error("it is not there")]
    Gone,
    /// Someone else wrote it, or made it, since it was read.
    #[error("it was changed by someone else")]
    Conflict,
    /// The API server takes no such thing now or ever; nothing is known of it.
    #[error("{0}")]
    Other(String),
    /// The API server can't be reached, is overloaded or broken, whatever it is asked for; nothing is known of it.
    #[error("{0}")]
    Unwell(String),
    /// No answer came in time; nothing is known of what became of it.
    #[error("the API server did not answer in time")]
    Late,
}

impl Failure {
    /// Whether it would meet any other request as well, as far as can be told.
    pub fn concerns_all(&self) -> bool {
        matches!(self, Self::Unwell(_) | Self::Late)
    }
}

impl From<kube::Error> for Failure {
    fn from(error: kube::Error) -> Self {
        match error {
            kube::Error::Api(status) if status.code == 404 => Self::Gone,
            kube::Error::Api(status) if status.code == 409 => Self::Conflict,
            kube::Error::Api(status) if matches!(status.code, 429 | 500..=599) => {
                Self::Unwell(refusal(&status))
            }
            kube::Error::Api(status) => Self::Other(refusal(&status)),
            kube::Error::SerdeError(_) => Self::Other("the answer can't be read".into()),
            error @ (kube::Error::BuildRequest(_) | kube::Error::HttpError(_)) => {
                Self::Other(chain(&error))
            }
            error => Self::Unwell(chain(&error)),
        }
    }
}

/// Waits for an answer, but not for ever.
///
/// # Errors
/// The request failed, or took longer than [`REQUEST`].
pub async fn within<T>(
    request: impl Future<Output = Result<T, kube::Error>>,
) -> Result<T, Failure> {
    match tokio::time::timeout(REQUEST, request).await {
        Ok(answer) => answer.map_err(Failure::from),
        Err(_) => Err(Failure::Late),
    }
}

/// Why the API server refused something: its message may quote what was sent, its reason and the fields do not.
pub fn refusal(status: &kube::core::Status) -> String {
    let causes = status.details.iter().flat_map(|details| &details.causes);
    let fields: Vec<String> = causes
        .filter(|cause| !cause.field.is_empty())
        .map(|cause| format!("{}: {}", cause.field, cause.reason))
        .collect();
    if fields.is_empty() {
        format!("{} ({})", status.reason, status.code)
    } else {
        format!("{} ({}): {}", status.reason, status.code, fields.join(", "))
    }
}

/// An error with what caused it, for the log.
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let more = cause.to_string();
        if !text.contains(&more) {
            text.push_str(": ");
            text.push_str(&more);
        }
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_server_says_of_one_object_is_told_from_what_it_says_of_itself() {
        let failure = |code| {
            let status = kube::core::Status {
                code,
                ..kube::core::Status::default()
            };
            Failure::from(kube::Error::Api(Box::new(status)))
        };
        for code in [400, 401, 403, 413, 422] {
            let failure = failure(code);
            assert!(matches!(failure, Failure::Other(_)), "{code}");
            assert!(!failure.concerns_all(), "{code}");
        }
        for code in [429, 500, 503, 504, 599] {
            assert!(failure(code).concerns_all(), "{code}");
        }
        assert!(matches!(failure(404), Failure::Gone));
        assert!(matches!(failure(409), Failure::Conflict));
        let unreachable = kube::Error::Service("connection refused".into());
        assert!(Failure::from(unreachable).concerns_all());
        assert!(Failure::Late.concerns_all());
    }
}
