//! AIProviders: each alone, then with its Secrets.

use serde::Deserialize as _;
use serde_json::Value;
use weir_crds::{AIProviderSpec, AllowedRoutes};
use weir_llm::dialect::mock;

use super::lookup::Secrets;
use super::namespace::namespaces;
use super::narrow;
use super::object::Object;
use super::secret::{Fault, header_text};
use super::text::{self, duration, endpoint};
use super::variables::Holds;
use crate::schema::Schema;
use crate::snapshot::{
    Dialect, HttpVersion, Provider, ProviderModel, Secret, SecretRef, Sources, Timeouts,
};
use crate::verdict::{Problem, Reason};

/// What OpenAI's own SDKs have as their base URL.
const OPENAI: &str = "https://api.openai.com/v1";
/// The entry of a Secret that holds CA certificates, as cert-manager and `kubernetes.io/tls` name it.
const CA_ENTRY: &str = "ca.crt";

/// Reads a provider, all but its secrets.
pub(super) fn read(object: &Object<'_>) -> Result<Provider, Vec<Problem>> {
    let mut problems = object.problems.clone();
    if object.is_of_another_version() {
        return Err(problems);
    }
    problems.extend(Schema::provider().check(&object.document.value));
    let spec = object.field("spec").unwrap_or(&Value::Null);
    if !problems.is_empty() {
        return Err(problems);
    }
    match AIProviderSpec::deserialize(spec) {
        Ok(spec) => narrowed(&spec),
        // The schema is generated from the type, so that this is seen only if the two disagree.
        Err(error) => Err(vec![Problem::new(
            Reason::Unsupported,
            "spec",
            format!("can't be read: {error}"),
        )]),
    }
}

fn narrowed(spec: &AIProviderSpec) -> Result<Provider, Vec<Problem>> {
    let mut problems = Vec::new();
    let dialect = match spec.dialect {
        weir_crds::Dialect::OpenAI => Dialect::OpenAI,
        weir_crds::Dialect::Mock => Dialect::Mock,
    };
    let default = match dialect {
        Dialect::OpenAI => OPENAI,
        Dialect::Mock => "",
    };
    let url = spec
        .endpoint
        .as_deref()
        .map(endpoint)
        .unwrap_or(Ok(default.to_owned()));
    let url = url.unwrap_or_else(|message| {
        problems.push(Problem::new(
            Reason::InvalidFormat,
            "spec.endpoint",
            message,
        ));
        String::new()
    });
    let provider = Provider {
        dialect,
        endpoint: url,
        credential: None,
        ca: None,
        sources: sources(spec),
        http_version: match spec.http_version {
            None | Some(weir_crds::HttpVersion::Auto) => HttpVersion::Auto,
            Some(weir_crds::HttpVersion::Http1) => HttpVersion::Http1,
            Some(weir_crds::HttpVersion::Http2) => HttpVersion::Http2,
        },
        models: spec.models.iter().flatten().map(model).collect(),
        timeouts: timeouts(spec.timeouts.as_ref(), &mut problems),
        allowed: allowed(spec.allowed_routes.as_ref()),
        mock: (dialect == Dialect::Mock).then(|| settings(spec.mock.as_ref(), &mut problems)),
    };
    if problems.is_empty() {
        Ok(provider)
    } else {
        Err(problems)
    }
}

fn sources(spec: &AIProviderSpec) -> Sources {
    let credential = spec
        .credentials
        .as_ref()
        .and_then(|one| one.secret_ref.as_ref());
    Sources {
        credential: credential.map(|from| SecretRef {
            name: from.name.0.clone(),
            key: from.key.0.clone(),
        }),
        ca: spec.tls.as_ref().map(|tls| SecretRef {
            name: tls.ca_secret_ref.name.0.clone(),
            key: tls
                .ca_secret_ref
                .key
                .as_ref()
                .map_or(CA_ENTRY, |key| key.as_str())
                .to_owned(),
        }),
    }
}

fn model(model: &weir_crds::ProviderModel) -> ProviderModel {
    let upstream = model
        .upstream_name
        .as_ref()
        .map_or(&model.name.0, |name| &name.0);
    ProviderModel {
        name: model.name.0.clone(),
        upstream_name: upstream.clone(),
    }
}

fn allowed(routes: Option<&AllowedRoutes>) -> crate::snapshot::Namespaces {
    namespaces(routes.map(|routes| &routes.namespaces))
}

/// The duration at this path. The rules of the schema let no other text through.
fn parsed(text: &str, field: &str, problems: &mut Vec<Problem>) -> std::time::Duration {
    duration(text).unwrap_or_else(|| {
        let message = "must be a duration such as 10s, 1m30s or 250ms";
        problems.push(Problem::new(Reason::InvalidFormat, field, message));
        std::time::Duration::ZERO
    })
}

fn timeouts(wide: Option<&weir_crds::Timeouts>, problems: &mut Vec<Problem>) -> Timeouts {
    let mut timeouts = Timeouts::default();
    let Some(wide) = wide else { return timeouts };
    let mut read = |name: &str, text: &Option<weir_crds::PositiveDuration>| {
        let text = text.as_ref()?;
        Some(parsed(
            text.as_str(),
            &format!("spec.timeouts.{name}"),
            problems,
        ))
    };
    timeouts.connect = read("connect", &wide.connect).unwrap_or(timeouts.connect);
    timeouts.first_token = read("firstToken", &wide.first_token).unwrap_or(timeouts.first_token);
    timeouts.idle = read("idle", &wide.idle).unwrap_or(timeouts.idle);
    timeouts.total = read("total", &wide.total).unwrap_or(timeouts.total);
    timeouts.max_stream = read("maxStream", &wide.max_stream);
    timeouts
}

fn settings(wide: Option<&weir_crds::Mock>, problems: &mut Vec<Problem>) -> mock::Settings {
    let mut settings = mock::Settings::default();
    let Some(wide) = wide else { return settings };
    if let Some(latency) = &wide.latency {
        settings.latency = parsed(latency.as_str(), "spec.mock.latency", problems);
    }
    if let Some(interval) = &wide.chunk_interval {
        settings.chunk_interval = parsed(interval.as_str(), "spec.mock.chunkInterval", problems);
    }
    if let Some(chunks) = wide.chunks.and_then(|chunks| u32::try_from(chunks).ok()) {
        settings.chunks = chunks;
    }
    if let Some(tokens) = &wide.tokens {
        let count = |count: Option<i32>| count.and_then(|count| u64::try_from(count).ok());
        settings.tokens = mock::Tokens {
            input: count(tokens.input),
            output: count(tokens.output),
        };
    }
    settings.text.clone_from(&wide.text);
    for (index, wide) in wide.faults.iter().flatten().enumerate() {
        let path = format!("spec.mock.faults[{index}]");
        settings.faults.extend(fault(wide, &path, problems));
    }
    settings
}

fn fault(
    wide: &weir_crds::MockFault,
    path: &str,
    problems: &mut Vec<Problem>,
) -> Option<mock::Fault> {
    let kind = match (wide.status, wide.disconnect, &wide.stall) {
        (Some(status), _, _) => mock::FaultKind::Status {
            code: u16::try_from(status).ok()?,
            retry_after: wide
                .retry_after
                .as_ref()
                .map(|text| parsed(text.as_str(), &format!("{path}.retryAfter"), problems)),
        },
        (_, Some(disconnect), _) => mock::FaultKind::Disconnect(match disconnect {
            weir_crds::MockDisconnect::BeforeAnswer => mock::Disconnect::BeforeAnswer,
            weir_crds::MockDisconnect::MidStream => mock::Disconnect::MidStream,
        }),
        (_, _, Some(stall)) => {
            mock::FaultKind::Stall(parsed(stall.as_str(), &format!("{path}.stall"), problems))
        }
        (None, None, None) => return None,
    };
    Some(mock::Fault {
        every: u32::try_from(wide.every).ok()?,
        kind,
    })
}

/// Reads a provider's secrets afresh.
///
/// A secret is never older than the Secret it stands in: what was changed, even to something that can't be used, is
/// withdrawn. Only where the text that held the Secret can't be read, what `last` has from it stays.
pub(super) fn resolve(
    provider: Provider,
    namespace: &str,
    secrets: &Secrets<'_>,
    last: Option<&Provider>,
) -> Result<Provider, Vec<Problem>> {
    resolve_with(provider, namespace, secrets, last, None)
}

/// The same for the last good version of a provider that is refused. A CA bundle is no secret that one can withdraw by
/// making it unusable: the last one that could be used stays.
pub(super) fn resolve_kept(
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
    if let Some(from) = &provider.sources.credential {
        let last = last.filter(|last| last.sources.credential.as_ref() == Some(from));
        let known = last.and_then(|last| last.credential.clone());
        let read = |bytes| header_text(bytes).map(Secret::new);
        match fetch(secrets, namespace, from, known, Holds::Token, read) {
            Ok(secret) => provider.credential = Some(secret),
            Err(problem) => problems.push(problem.below("spec.credentials.secretRef")),
        }
    }
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

/// The last good version of a provider, less what the refused one takes back. None if nothing is left.
pub(super) fn narrow(last: &Provider, namespace: &str, refused: &Object<'_>) -> Option<Provider> {
    let Some(Value::Object(spec)) = refused.field("spec") else {
        return Some(last.clone());
    };
    let mut kept = last.clone();
    if let Some(from) = &last.sources.credential
        && !narrow::still_refers(spec.get("credentials"), from)
    {
        return None;
    }
    let allowed = match spec.get("allowedRoutes") {
        None => Some(crate::snapshot::Namespaces::Same),
        Some(routes) => narrow::readable_namespaces(routes.get("namespaces")),
    };
    if let Some(allowed) = allowed {
        kept.allowed = narrow::both(&last.allowed, &allowed, namespace);
    }
    if let Some(models) = narrow::readable_models(spec.get("models")) {
        if last.models.is_empty() {
            kept.models = models;
        } else {
            kept.models
                .retain(|old| models.iter().any(|new| new.name == old.name));
        }
        // An empty list would let every model through.
        if kept.models.is_empty() {
            return None;
        }
    }
    Some(kept)
}
