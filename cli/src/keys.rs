//! `weir keys`: callers' API keys, which are Secrets.

mod list;
mod secret;
mod value;

use std::io::{self, Write};

use clap::{Args, Subcommand};
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::jiff::{SignedDuration, Timestamp};
use kube::api::{Api, DeleteParams, PostParams, Preconditions};

use crate::cluster::{Cluster, Connection, block_on};
use crate::time::{parse_span, parse_time};
use crate::{Exit, Failure};
use secret::{Draft, Step};

/// Who writes, to the API server's record of field managers.
const MANAGER: &str = "weir";

/// Make, rotate, revoke and list the API keys of callers
///
/// A key is a Secret of type weir.dev/api-key; the caller is key:NAMESPACE/NAME
/// in routes and logs. Apps in the cluster need none: they call with their
/// ServiceAccount's token.
///
/// Exit codes: 0 done, 1 refused and nothing was changed, 2 wrong usage or a
/// cluster that can't be asked.
#[derive(Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Create(Create),
    Rotate(Rotate),
    Revoke(Revoke),
    List(list::Arguments),
}

/// Make a key, and print its value
///
/// The value stands alone on stdout, once: it can't be shown again.
///
///     weir keys create web -n shop --expires-in 90d > web.key
#[derive(Args)]
#[command(verbatim_doc_comment)]
struct Create {
    #[command(flatten)]
    named: Named,

    #[command(flatten)]
    expiry: Expiry,

    /// A label for the Secret; may be given more than once
    #[arg(short, long = "label", value_name = "KEY=VALUE", value_parser = label)]
    labels: Vec<(String, String)>,
}

/// Give a key a new value, without a gap
///
/// A key has up to two values that are good. `rotate` adds the new one beside the
/// old one and prints it alone on stdout, once. When every caller has it,
/// `rotate --finish` drops the old one.
///
///     weir keys rotate web -n shop > web.key
///     weir keys rotate web -n shop --finish
///
/// The expiry is that of the key, whichever value is sent; give a new one with
/// the rotation. An expired key gets its new value in place of the old ones.
#[derive(Args)]
#[command(verbatim_doc_comment)]
struct Rotate {
    #[command(flatten)]
    named: Named,

    /// Drop the old value: the new one alone is good from now on
    #[arg(long, conflicts_with_all = ["abort", "expires_in", "expires_at"])]
    finish: bool,

    /// Drop the new value again: the old one alone is good, as before
    #[arg(long, conflicts_with_all = ["expires_in", "expires_at"])]
    abort: bool,

    #[command(flatten)]
    expiry: Expiry,
}

/// Delete a key: its values are good no longer
///
/// It is done without a question, and refused for a Secret that is no API key.
#[derive(Args)]
#[command(verbatim_doc_comment)]
struct Revoke {
    #[command(flatten)]
    named: Named,
}

/// Which key.
#[derive(Args)]
struct Named {
    /// The name of the Secret
    #[arg(value_name = "NAME")]
    name: String,

    /// Its namespace; without it that of the context
    #[arg(short, long, value_name = "NS")]
    namespace: Option<String>,

    #[command(flatten)]
    connection: Connection,
}

#[derive(Args)]
struct Expiry {
    /// For how long the key is good, such as 90d or 12h; without it for ever
    #[arg(long, value_name = "SPAN", value_parser = parse_span, conflicts_with = "expires_at")]
    expires_in: Option<SignedDuration>,

    /// Until when the key is good, such as 2027-01-31T00:00:00Z
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    expires_at: Option<Timestamp>,
}

/// Does what was asked: a new value to `out`, the rest to `err`.
pub(crate) fn run(
    arguments: &Arguments,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> Result<Exit, Failure> {
    match &arguments.command {
        Command::Create(create) => {
            let (draft, at) = block_on(create.run())?;
            tell(&draft, &at, "created", out, err)?;
        }
        Command::Rotate(rotate) => {
            let (draft, at) = block_on(rotate.run())?;
            tell(&draft, &at, "rotated", out, err)?;
        }
        Command::Revoke(revoke) => {
            let at = block_on(revoke.named.revoke())?;
            writeln!(
                err,
                "revoked {at}: gateways refuse its values as soon as they have heard of it"
            )?;
        }
        Command::List(arguments) => return list::run(arguments, out, err),
    }
    Ok(Exit::Success)
}

/// Prints the value alone on stdout. What was done comes first, so that it is known even where stdout is closed.
fn tell(
    draft: &Draft,
    at: &str,
    done: &str,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> io::Result<()> {
    writeln!(err, "{done} {at}: {}", draft.said)?;
    if let Some(value) = &draft.value {
        let written = writeln!(out, "{}", value.as_str()).and_then(|()| out.flush());
        if written.is_err() {
            writeln!(
                err,
                "weir: the value could not be printed and is lost: give {at} another one"
            )?;
        }
        written?;
    }
    Ok(())
}

impl Create {
    async fn run(&self) -> Result<(Draft, String), Failure> {
        let cluster = self.named.connection.cluster().await?;
        let expires_at = self.expiry.at(cluster.now().await?)?;
        let at = self.named.at(&cluster);
        let draft = secret::create(&self.named.name, expires_at, &self.labels)?;
        let parameters = PostParams {
            field_manager: Some(MANAGER.into()),
            ..PostParams::default()
        };
        let api = self.named.api(&cluster);
        match api.create(&parameters, &draft.secret).await {
            Ok(_) => Ok((draft, at)),
            Err(kube::Error::Api(status)) if status.code == 409 => Err(Failure::Refused(format!(
                "there is a Secret {at} already: choose another name, or give it a new value with `weir keys rotate`"
            ))),
            Err(error) => Err(refused(&cluster, &format!("create Secret {at}"), &error)),
        }
    }
}

impl Rotate {
    async fn run(&self) -> Result<(Draft, String), Failure> {
        let cluster = self.named.connection.cluster().await?;
        let now = cluster.now().await?;
        let expires_at = self.expiry.at(now)?;
        let (secret, at) = self.named.read(&cluster).await?;
        let step = match (self.finish, self.abort) {
            (true, _) => Step::Finish,
            (_, true) => Step::Abort,
            _ => Step::Add { expires_at, now },
        };
        let draft = secret::rotate(secret, &at, &step)?;
        let parameters = PostParams {
            field_manager: Some(MANAGER.into()),
            ..PostParams::default()
        };
        let api = self.named.api(&cluster);
        // It carries the resourceVersion that was read, so that nobody's change is undone.
        match api
            .replace(&self.named.name, &parameters, &draft.secret)
            .await
        {
            Ok(_) => Ok((draft, at)),
            Err(kube::Error::Api(status)) if status.code == 409 => Err(changed(&at)),
            Err(error) => Err(refused(&cluster, &format!("update Secret {at}"), &error)),
        }
    }
}

impl Named {
    fn api(&self, cluster: &Cluster) -> Api<Secret> {
        let namespace = cluster.namespace(self.namespace.as_deref());
        Api::namespaced(cluster.client.clone(), namespace)
    }

    /// `NAMESPACE/NAME`, for messages.
    fn at(&self, cluster: &Cluster) -> String {
        let namespace = cluster.namespace(self.namespace.as_deref());
        format!("{namespace}/{}", self.name)
    }

    /// The Secret, which is a key that may be changed here.
    async fn read(&self, cluster: &Cluster) -> Result<(Secret, String), Failure> {
        let at = self.at(cluster);
        match cluster.get(&self.api(cluster), &self.name).await {
            Ok(secret) => {
                secret::may_change(&secret, &at)?;
                Ok((secret, at))
            }
            Err(kube::Error::Api(status)) if status.code == 404 => Err(Failure::Refused(format!(
                "there is no Secret {at}: `weir keys list` shows the keys there are"
            ))),
            Err(error) => Err(refused(cluster, &format!("read Secret {at}"), &error)),
        }
    }

    async fn revoke(&self) -> Result<String, Failure> {
        let cluster = self.connection.cluster().await?;
        let (secret, at) = self.read(&cluster).await?;
        let parameters = DeleteParams {
            preconditions: Some(Preconditions {
                resource_version: secret.metadata.resource_version,
                uid: secret.metadata.uid,
            }),
            ..DeleteParams::default()
        };
        match self.api(&cluster).delete(&self.name, &parameters).await {
            Ok(_) => Ok(at),
            Err(kube::Error::Api(status)) if status.code == 409 => Err(changed(&at)),
            Err(error) => Err(refused(&cluster, &format!("delete Secret {at}"), &error)),
        }
    }
}

impl Expiry {
    /// The time of expiry, if one was asked for.
    fn at(&self, now: Timestamp) -> Result<Option<Timestamp>, Failure> {
        let at = match (self.expires_in, self.expires_at) {
            (Some(span), _) => now.checked_add(span).map(Some),
            (None, at) => Ok(at),
        };
        match at {
            Ok(Some(at)) if at <= now => Err(Failure::Failed(format!(
                "--expires-at {at} is over: it must be in the future"
            ))),
            Ok(at) => Ok(at),
            Err(error) => Err(Failure::Failed(format!("--expires-in: {error}"))),
        }
    }
}

fn changed(at: &str) -> Failure {
    Failure::Refused(format!(
        "somebody else changed {at} just now, and nothing was done: look at it with `weir keys list` and try again"
    ))
}

/// What the API server said no to is refused; if it said nothing, the command failed.
fn refused(cluster: &Cluster, doing: &str, error: &kube::Error) -> Failure {
    let explained = cluster.explain(doing, error);
    match error {
        kube::Error::Api(status) if status.code != 401 => Failure::Refused(explained),
        _ => Failure::Failed(explained),
    }
}

fn label(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("must be KEY=VALUE, such as team=web".to_owned()),
    }
}
