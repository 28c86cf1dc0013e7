//! What of a provider stands in Secrets.

use super::super::lookup::Secrets;
use super::super::secret::{self, Fault};
use super::super::text;
use super::super::variables::Holds;
use crate::credential::{AwsCredential, GoogleCredential, header};
use crate::snapshot::{Credential, Dialect, Provider, Secret, SecretRef};
use crate::verdict::{Problem, Reason};

/// Reads a provider's secrets afresh.
///
/// A secret is never older than the Secret it stands in: what was changed, even to something that can't be used, is
/// withdrawn. Only where the text that held the Secret can't be read, what `last` has from it stays.
pub(in crate::compile) fn resolve(
    provider: Provider,
    namespace: &str,
    secrets: &Secrets<'_>,
    last: Option<&Provider>,
) -> Result<Provider, Vec<Problem>> {
    resolve_with(provider, namespace, secrets, last, None)
}

/// The same for the last good version of a provider that is refused. A CA bundle is no secret that one can withdraw by
/// making it unusable: the last one that could be used stays.
pub(in crate::compile) fn resolve_kept(
    kept: Provider,
    namespace: &str,
    secrets: &Secrets<'_>,
    last: &Provider,
) -> Option<Provider> {
    let ca = last
        .ca
        .clone()
        .filter(|_| kept.sources.ca == last.sources.ca);
    resolve_with(kept, namespace, secrets, Some(last), ca).ok()
}

fn resolve_with(
    mut provider: Provider,
    namespace: &str,
    secrets: &Secrets<'_>,
    last: Option<&Provider>,
    usable: Option<String>,
) -> Result<Provider, Vec<Problem>> {
    let mut problems = Vec::new();
    let gateways = secrets.gateway_namespace.filter(|own| *own != namespace);
    if let (Some(Credential::Identity(_)), Some(own)) = (&provider.credential, gateways) {
        problems.push(not_the_gateways(own));
    }
    if let Some(from) = &provider.sources.credential {
        let last = last.filter(|last| last.sources.credential.as_ref() == Some(from));
        let known = last.and_then(|last| last.credential.as_ref()?.secret().cloned());
        let read = |bytes| credential(provider.dialect, bytes, gateways);
        match fetch(secrets, namespace, from, known, Holds::Token, read) {
            Ok(secret) => provider.credential = Some(secret.into()),
            Err(problem) => problems.push(problem.below("spec.credentials.secretRef")),
        }
    }
    problems.extend(unsigned(&provider));
    if let Some(from) = &provider.sources.ca {
        let last = last.filter(|last| last.sources.ca.as_ref() == Some(from));
        match fetch(
            secrets,
            namespace,
            from,
            last.and_then(|last| last.ca.clone()),
            Holds::Certificates,
            certificates,
        ) {
            Ok(ca) => provider.ca = Some(ca),
            Err(problem) if problem.fault.reason == Reason::InvalidSecret && usable.is_some() => {
                provider.ca = usable;
            }
            Err(problem) => problems.push(problem.below("spec.tls.caSecretRef")),
        }
    }
    if problems.is_empty() {
        Ok(provider)
    } else {
        Err(problems)
    }
}

/// The verdict on a workload identity in another namespace than that of the gateway, which is `own`.
fn not_the_gateways(own: &str) -> Problem {
    Problem::new(
        Reason::NotAllowed,
        "spec.credentials.workloadIdentity",
        format!(
            "is the identity of the gateway, which only its own namespace {own} may use: give a secretRef here, or move this provider to {own} and let this namespace use it in allowedRoutes"
        ),
    )
}

/// What is wrong with a Bedrock provider whose requests can't be signed for want of a region.
fn unsigned(provider: &Provider) -> Option<Problem> {
    if provider.dialect != Dialect::Bedrock || provider.settings.bedrock_region.is_some() {
        return None;
    }
    let is_signed = match provider.credential.as_ref()? {
        Credential::Identity(_) => true,
        Credential::Secret(secret) => {
            matches!(
                AwsCredential::read(secret.expose()),
                Ok(AwsCredential::Keys(_))
            )
        }
    };
    let message = "must be there, as the endpoint's host does not tell it: the region that requests are signed for, such as us-east-1";
    is_signed.then(|| Problem::new(Reason::Required, "spec.bedrock.region", message))
}

/// The value of a Secret as the dialect takes it. `gateways` is the namespace of the gateway where the Secret stands in
/// another one.
fn credential(dialect: Dialect, bytes: Vec<u8>, gateways: Option<&str>) -> Result<Secret, Fault> {
    let refuse = |message: String| Fault::new(Reason::InvalidSecret, message);
    let text = secret::text(bytes);
    match dialect {
        Dialect::Vertex => {
            let read = GoogleCredential::read(&text).map_err(|error| refuse(error.to_string()))?;
            if let (GoogleCredential::ExternalAccount(_), Some(own)) = (read, gateways) {
                return Err(refuse(format!(
                    "is an external account, whose token is the gateway's, and only its own namespace {own} may use it: give the key of a service account"
                )));
            }
        }
        Dialect::Bedrock => {
            AwsCredential::read(&text).map_err(|error| refuse(error.to_string()))?;
        }
        _ => {
            header(&text).map_err(|error| refuse(error.to_string()))?;
        }
    }
    Ok(Secret::new(text))
}

/// What is wrong with a reference, in the field of this name.
struct Missing {
    field: &'static str,
    fault: Fault,
}

impl Missing {
    fn below(self, path: &str) -> Problem {
        Problem::new(
            self.fault.reason,
            format!("{path}.{}", self.field),
            self.fault.message,
        )
    }
}

fn fetch<T>(
    secrets: &Secrets<'_>,
    namespace: &str,
    from: &SecretRef,
    known: Option<T>,
    holds: Holds,
    read: impl Fn(Vec<u8>) -> Result<T, Fault>,
) -> Result<T, Missing> {
    let miss = |field, reason, message| Missing {
        field,
        fault: Fault { reason, message },
    };
    let SecretRef { name, key } = from;
    let Some(entries) = secrets.entries(namespace, name) else {
        if !secrets.is_unreadable(namespace, name) {
            let message = format!("there is no Secret {name} in namespace {namespace}");
            return Err(miss("name", Reason::SecretNotFound, message));
        }
        return known.ok_or_else(|| {
            let message = format!("the text that held Secret {namespace}/{name} can't be read");
            miss("name", Reason::Unreadable, message)
        });
    };
    match entries.value(key, holds, secrets.variables) {
        None => {
            let names: Vec<&str> = entries.names().collect();
            let hint = match names.as_slice() {
                [] => "; it is empty".to_owned(),
                names => format!("; it has {}", names.join(", ")),
            };
            let message = format!("Secret {namespace}/{name} has no entry {key}{hint}");
            Err(miss("key", Reason::SecretKeyNotFound, message))
        }
        Some(value) => value.and_then(read).map_err(|fault| {
            let message = format!(
                "entry {key} of Secret {namespace}/{name}: {}",
                fault.message
            );
            miss("key", fault.reason, message)
        }),
    }
}

fn certificates(bytes: Vec<u8>) -> Result<String, Fault> {
    let refuse = |message| Fault {
        reason: Reason::InvalidSecret,
        message,
    };
    let text = String::from_utf8(bytes).map_err(|_| refuse("must be text (PEM)".to_owned()))?;
    text::certificates(&text).map_err(refuse)?;
    Ok(text)
}
