//! `weir keys list`.

use std::collections::BTreeMap;
use std::io::Write;

use clap::Args;
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::jiff::Timestamp;
use kube::api::{Api, ListParams};
use serde::Serialize;

use super::secret::{Expires, MARK, expires, is_rotating};
use crate::cluster::{Connection, block_on};
use crate::format::{Format, json};
use crate::table::render;
use crate::time::short;
use crate::{Exit, Failure};

/// List keys: their ages, when they expire, and whether a rotation is under way
///
/// Values are never shown. Whether a key is accepted is said by events on its Secret
/// (kubectl events --for secret/NAME).
#[derive(Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Arguments {
    /// The namespace to look at; without it that of the context
    #[arg(short, long, value_name = "NS")]
    namespace: Option<String>,

    /// Look at all namespaces
    #[arg(short = 'A', long, conflicts_with = "namespace")]
    all_namespaces: bool,

    /// How to print it
    #[arg(short, long, value_enum, default_value_t = Format::Text)]
    output: Format,

    #[command(flatten)]
    connection: Connection,
}

/// What is shown of a key. Nothing of its values.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Key {
    namespace: String,
    name: String,
    created: Option<Timestamp>,
    /// None where it never does.
    expires_at: Option<Timestamp>,
    /// The annotation is no time.
    expiry_unreadable: bool,
    expired: bool,
    rotating: bool,
}

pub(super) fn run(
    arguments: &Arguments,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> Result<Exit, Failure> {
    let (keys, now) = block_on(ask(arguments))?;
    match arguments.output {
        Format::Json => json(&keys, out)?,
        Format::Text if keys.is_empty() => writeln!(err, "there are no keys")?,
        Format::Text => {
            let headings = ["NAMESPACE", "NAME", "AGE", "EXPIRES", "ROTATION"];
            let rows = keys.iter().map(|key| key.row(now));
            write!(out, "{}", render(&headings, rows))?;
        }
    }
    Ok(Exit::Success)
}

async fn ask(arguments: &Arguments) -> Result<(Vec<Key>, Timestamp), Failure> {
    let cluster = arguments.connection.cluster().await?;
    let now = cluster.now().await?;
    let (api, within): (Api<Secret>, String) = if arguments.all_namespaces {
        (
            Api::all(cluster.client.clone()),
            "all namespaces".to_owned(),
        )
    } else {
        let namespace = cluster.namespace(arguments.namespace.as_deref());
        (
            Api::namespaced(cluster.client.clone(), namespace),
            format!("namespace {namespace}"),
        )
    };
    // By type or by label, as the operator knows them.
    let ways = [
        ListParams::default().fields(&format!("type={MARK}")),
        ListParams::default().labels(&format!("{MARK}=true")),
    ];
    let mut keys = BTreeMap::new();
    for parameters in ways {
        let secrets = cluster.list(&api, parameters).await.map_err(|error| {
            super::refused(&cluster, &format!("list Secrets in {within}"), &error)
        })?;
        for secret in &secrets {
            let key = Key::read(secret, now);
            keys.insert((key.namespace.clone(), key.name.clone()), key);
        }
    }
    Ok((keys.into_values().collect(), now))
}

impl Key {
    fn read(secret: &Secret, now: Timestamp) -> Self {
        let metadata = &secret.metadata;
        let expires = expires(secret);
        let expires_at = match expires {
            Expires::At(at) => Some(at),
            Expires::Never | Expires::Unreadable => None,
        };
        Self {
            namespace: metadata.namespace.clone().unwrap_or_default(),
            name: metadata.name.clone().unwrap_or_default(),
            created: metadata.creation_timestamp.as_ref().map(|time| time.0),
            expires_at,
            expiry_unreadable: expires == Expires::Unreadable,
            expired: expires_at.is_some_and(|at| at <= now),
            rotating: is_rotating(secret),
        }
    }

    fn row(&self, now: Timestamp) -> Vec<String> {
        let age = self
            .created
            .map(|created| short(now.duration_since(created)));
        let expires = match self.expires_at {
            _ if self.expiry_unreadable => "unreadable".to_owned(),
            None => "never".to_owned(),
            Some(at) if self.expired => format!("{} ago", short(now.duration_since(at))),
            Some(at) => format!("in {}", short(at.duration_since(now))),
        };
        let rotation = if self.rotating { "under way" } else { "" };
        vec![
            self.namespace.clone(),
            self.name.clone(),
            age.unwrap_or_default(),
            expires,
            rotation.to_owned(),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn row(annotation: Option<&str>, data: &serde_json::Value) -> Vec<String> {
        let annotations = annotation.map(|at| json!({"weir.dev/expires-at": at}));
        let secret = json!({
            "metadata": {
                "namespace": "shop", "name": "web", "creationTimestamp": "2026-11-13T16:00:00Z",
                "annotations": annotations,
            },
            "type": MARK, "data": data,
        });
        let now = "2026-11-23T16:00:00Z".parse().unwrap();
        Key::read(&serde_json::from_value(secret).unwrap(), now).row(now)
    }

    #[test]
    fn a_row_says_when_it_ends_and_nothing_of_values() {
        let one = json!({"key": "b2xk"});
        let two = json!({"key": "b2xk", "nextKey": "bmV3"});
        for (annotation, data, expires, rotation) in [
            (None, &one, "never", ""),
            (Some("2027-01-22T16:00:00Z"), &two, "in 60d", "under way"),
            (Some("2026-11-23T15:00:00Z"), &one, "60m ago", ""),
            (Some("tomorrow"), &one, "unreadable", ""),
        ] {
            assert_eq!(
                row(annotation, data),
                ["shop", "web", "10d", expires, rotation]
            );
        }
    }
}
