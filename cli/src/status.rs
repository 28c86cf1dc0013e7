//! `weir status`: what the cluster says of every resource, and which gateways run it.

mod gateways;
mod published;
mod report;
mod resources;

use std::io::Write;

use clap::Args;
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::Secret;
use kube::api::{Api, ApiResource, DynamicObject, ListParams};
use weir_config::published::ROLE_LABEL;
use weir_crds::{GROUP, VERSION};
use weir_records::lease;

use crate::cluster::{Cluster, Connection, block_on};
use crate::format::Format;
use crate::{Exit, Failure};
use gateways::Gateway;
use published::Published;
use report::Report;
use resources::Resource;

/// Say what is ready and what is not: resources, gateways, what is published
///
/// Lists every AIProvider and AIRoute with its conditions. SERVES is the
/// generation that runs; it differs from GENERATION where the newest is refused
/// or not looked at yet. Below them stand the gateway pods: a pod is behind while
/// it has not taken up the newest revision that is published, and stale if it
/// has not renewed its lease in time. What your account may not read is said on
/// stderr and left out. The data of no Secret is read.
///
/// Exit codes: 0 all is ready, 1 something is not, 2 wrong usage or a cluster
/// that can't be asked.
#[derive(Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Arguments {
    /// The namespace to look at; without it that of the context
    #[arg(short, long, value_name = "NS")]
    namespace: Option<String>,

    /// Look at all namespaces
    #[arg(short = 'A', long, conflicts_with = "namespace")]
    all_namespaces: bool,

    /// The namespace that the operator publishes to, and where gateways hold their leases
    #[arg(
        long,
        value_name = "NS",
        env = "WEIR_CONFIG_NAMESPACE",
        default_value = "weir-config"
    )]
    config_namespace: String,

    /// How to print it
    #[arg(short, long, value_enum, default_value_t = Format::Text)]
    output: Format,

    #[command(flatten)]
    connection: Connection,
}

/// The kinds, and what the API calls a list of them.
const KINDS: [(&str, &str); 2] = [("AIProvider", "aiproviders"), ("AIRoute", "airoutes")];

/// Asks the cluster, and prints what it says.
pub(crate) fn run(
    arguments: &Arguments,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> Result<Exit, Failure> {
    let report = block_on(ask(arguments))?;
    match arguments.output {
        Format::Text => report.text(out, err)?,
        Format::Json => report.json(out)?,
    }
    Ok(if report.is_ready() {
        Exit::Success
    } else {
        Exit::Refused
    })
}

async fn ask(arguments: &Arguments) -> Result<Report, Failure> {
    let cluster = arguments.connection.cluster().await?;
    let now = cluster.now().await?;
    let namespace = (!arguments.all_namespaces)
        .then(|| cluster.namespace(arguments.namespace.as_deref()).to_owned());
    let mut resources = Vec::new();
    for (kind, plural) in KINDS {
        resources.extend(list(&cluster, kind, plural, namespace.as_deref()).await?);
    }
    resources.sort_by(|a, b| a.id().cmp(&b.id()));
    let mut notes = Vec::new();
    // What is published before who runs it: a pod can be ahead of what was read, and never seems behind for it.
    let published = published(&cluster, &arguments.config_namespace, &mut notes).await?;
    let newest = published.as_ref().map(Published::newest);
    let gateways = gateways(&cluster, &arguments.config_namespace, &mut notes).await?;
    let gateways = gateways.map(|leases| Gateway::read_all(&leases, newest, now));
    Ok(Report {
        config_namespace: arguments.config_namespace.clone(),
        namespace,
        now,
        resources,
        gateways,
        published,
        notes,
    })
}

/// The objects of one kind, as far as anything can be made of them.
async fn list(
    cluster: &Cluster,
    kind: &str,
    plural: &str,
    namespace: Option<&str>,
) -> Result<Vec<Resource>, Failure> {
    let resource = ApiResource {
        group: GROUP.into(),
        version: VERSION.into(),
        api_version: format!("{GROUP}/{VERSION}"),
        kind: kind.into(),
        plural: plural.into(),
    };
    let client = cluster.client.clone();
    let api: Api<DynamicObject> = match namespace {
        Some(namespace) => Api::namespaced_with(client, namespace, &resource),
        None => Api::all_with(client, &resource),
    };
    match cluster.list(&api, ListParams::default()).await {
        Ok(objects) => Ok(objects
            .iter()
            .map(|object| Resource::read(kind, object))
            .collect()),
        Err(kube::Error::Api(status)) if status.code == 404 => Err(Failure::Failed(format!(
            "the cluster knows no {kind}: Weir's CRDs are not installed there; the Helm chart installs them, or this is another cluster (--context)"
        ))),
        Err(error) => {
            let within = namespace.map_or("in all namespaces".to_owned(), |namespace| {
                format!("in namespace {namespace}")
            });
            let hint = match (&error, namespace) {
                (kube::Error::Api(status), None) if status.code == 403 => {
                    " (name a namespace of yours with -n)"
                }
                _ => "",
            };
            let explained = cluster.explain(&format!("list {plural} {within}"), &error);
            Err(Failure::Failed(format!("{explained}{hint}")))
        }
    }
}

/// What is published, by the metadata of the Secrets alone. None if this account may not see it.
async fn published(
    cluster: &Cluster,
    config_namespace: &str,
    notes: &mut Vec<String>,
) -> Result<Option<Published>, Failure> {
    let api: Api<Secret> = Api::namespaced(cluster.client.clone(), config_namespace);
    let parameters = ListParams::default().labels(ROLE_LABEL);
    match cluster.list_metadata(&api, parameters).await {
        Ok(secrets) => Ok(Some(Published::read(
            secrets.iter().map(|secret| &secret.metadata),
        ))),
        Err(error) => {
            let doing = format!("list Secrets in {config_namespace}");
            allowed(cluster, &doing, "what is published", error, notes)
        }
    }
}

/// The gateways' leases. None if this account may not see them.
async fn gateways(
    cluster: &Cluster,
    config_namespace: &str,
    notes: &mut Vec<String>,
) -> Result<Option<Vec<Lease>>, Failure> {
    let api: Api<Lease> = Api::namespaced(cluster.client.clone(), config_namespace);
    let parameters =
        ListParams::default().labels(&format!("{}={}", lease::LABEL, lease::LABEL_VALUE));
    match cluster.list(&api, parameters).await {
        Ok(leases) => Ok(Some(leases)),
        Err(error) => {
            let doing = format!("list Leases in {config_namespace}");
            allowed(cluster, &doing, "the gateway pods", error, notes)
        }
    }
}

/// Notes what this account may not see, and goes on; fails on anything else.
fn allowed<T>(
    cluster: &Cluster,
    doing: &str,
    what: &str,
    error: kube::Error,
    notes: &mut Vec<String>,
) -> Result<Option<T>, Failure> {
    match error {
        kube::Error::Api(status) if status.code == 403 => {
            notes.push(format!(
                "{what} can't be shown: your account may not {doing}"
            ));
            Ok(None)
        }
        error => Err(Failure::Failed(cluster.explain(doing, &error))),
    }
}
