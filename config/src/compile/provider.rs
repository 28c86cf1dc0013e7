//! AIProviders: each alone, then with its Secrets.

mod endpoint;
mod mock;
mod secrets;

use std::collections::BTreeMap;

use serde::Deserialize as _;
use serde_json::Value;
use weir_crds::{AIProviderSpec, AllowedRoutes, AwsRegion, AzureApiVersion, Bedrock, ModelPrice};
use weir_llm::price::{Kind, parse_usd};

use super::namespace::namespaces;
use super::narrow;
use super::object::Object;
use super::text::{self, duration};
use crate::schema::Schema;
use crate::snapshot::{
    Credential, Dialect, HttpVersion, Preset, Provider, ProviderModel, Responses, SecretRef,
    Settings, Sources, Timeouts, WorkloadIdentity,
};
use crate::verdict::{Problem, Reason};

pub(super) use secrets::{resolve, resolve_kept};

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
    let dialect = dialect(spec.dialect);
    let endpoint = address(spec, dialect).unwrap_or_else(|problem| {
        problems.push(problem);
        String::new()
    });
    let settings = settings(spec, dialect, &endpoint).unwrap_or_else(|problem| {
        problems.push(problem);
        Settings::default()
    });
    let provider = Provider {
        dialect,
        preset: spec.preset.map(preset),
        endpoint,
        settings,
        credential: identity(spec).map(Credential::Identity),
        ca: None,
        sources: sources(spec),
        http_version: match spec.http_version {
            None | Some(weir_crds::HttpVersion::Auto) => HttpVersion::Auto,
            Some(weir_crds::HttpVersion::Http1) => HttpVersion::Http1,
            Some(weir_crds::HttpVersion::Http2) => HttpVersion::Http2,
        },
        models: models(spec, &mut problems),
        timeouts: timeouts(spec.timeouts.as_ref(), &mut problems),
        allowed: allowed(spec.allowed_routes.as_ref()),
        mock: (dialect == Dialect::Mock).then(|| mock::settings(spec.mock.as_ref(), &mut problems)),
    };
    if problems.is_empty() {
        Ok(provider)
    } else {
        Err(problems)
    }
}

fn dialect(wide: weir_crds::Dialect) -> Dialect {
    match wide {
        weir_crds::Dialect::OpenAI => Dialect::OpenAI,
        weir_crds::Dialect::AzureOpenAI => Dialect::AzureOpenAI,
        weir_crds::Dialect::Anthropic => Dialect::Anthropic,
        weir_crds::Dialect::Gemini => Dialect::Gemini,
        weir_crds::Dialect::Vertex => Dialect::Vertex,
        weir_crds::Dialect::Bedrock => Dialect::Bedrock,
        weir_crds::Dialect::Cohere => Dialect::Cohere,
        weir_crds::Dialect::Mock => Dialect::Mock,
    }
}

fn preset(wide: weir_crds::Preset) -> Preset {
    match wide {
        weir_crds::Preset::Mistral => Preset::Mistral,
        weir_crds::Preset::Groq => Preset::Groq,
        weir_crds::Preset::DeepSeek => Preset::DeepSeek,
        weir_crds::Preset::XAI => Preset::XAI,
        weir_crds::Preset::Together => Preset::Together,
        weir_crds::Preset::Fireworks => Preset::Fireworks,
        weir_crds::Preset::OpenRouter => Preset::OpenRouter,
        weir_crds::Preset::Perplexity => Preset::Perplexity,
        weir_crds::Preset::Cerebras => Preset::Cerebras,
        weir_crds::Preset::NIM => Preset::NIM,
        weir_crds::Preset::VLLM => Preset::VLLM,
        weir_crds::Preset::SGLang => Preset::SGLang,
        weir_crds::Preset::Ollama => Preset::Ollama,
    }
}

/// The base URL: the resource's own, or the public one. The rules of the schema ask for it where there is none.
fn address(spec: &AIProviderSpec, dialect: Dialect) -> Result<String, Problem> {
    let field = "spec.endpoint";
    if let Some(written) = &spec.endpoint {
        return text::endpoint(written)
            .map_err(|message| Problem::new(Reason::InvalidFormat, field, message));
    }
    let public = match (spec.preset, &spec.bedrock) {
        (Some(wide), _) => endpoint::of_preset(preset(wide)).map(str::to_owned),
        (None, Some(Bedrock { region: Some(one) })) => Some(endpoint::of_bedrock(one.as_str())),
        (None, _) => endpoint::of_dialect(dialect).map(str::to_owned),
    };
    public.ok_or_else(|| Problem::new(Reason::Required, field, "must be there"))
}

/// What is peculiar to the dialect.
fn settings(spec: &AIProviderSpec, dialect: Dialect, url: &str) -> Result<Settings, Problem> {
    let responses = spec.openai.as_ref().and_then(|openai| openai.responses);
    let mut settings = Settings {
        responses: responses.map(|responses| match responses {
            weir_crds::Responses::Native => Responses::Native,
            weir_crds::Responses::ChatCompletions => Responses::ChatCompletions,
        }),
        ..Settings::default()
    };
    match dialect {
        Dialect::AzureOpenAI => {
            let azure = spec
                .azure
                .as_ref()
                .and_then(|azure| azure.api_version.as_ref());
            let version = azure.map(AzureApiVersion::as_str);
            settings.azure_api_version = version
                .or_else(|| endpoint::azure_api_version(url))
                .map(str::to_owned);
        }
        Dialect::Bedrock => {
            let bedrock = spec
                .bedrock
                .as_ref()
                .and_then(|bedrock| bedrock.region.as_ref());
            settings.bedrock_region = region(bedrock.map(AwsRegion::as_str), url)?;
        }
        _ => {}
    }
    Ok(settings)
}

/// The region that is written, or that of the endpoint's host. A signature for another region than the host's is one
/// that AWS refuses.
fn region(written: Option<&str>, url: &str) -> Result<Option<String>, Problem> {
    let of_host = endpoint::region(url);
    match (written, of_host) {
        (Some(written), Some(host)) if written != host => Err(Problem::new(
            Reason::Conflict,
            "spec.bedrock.region",
            format!(
                "is not the region of the endpoint's host, {host}: remove one of the two, or write the same"
            ),
        )),
        (one, other) => Ok(one.or(other).map(str::to_owned)),
    }
}

fn identity(spec: &AIProviderSpec) -> Option<WorkloadIdentity> {
    let identity = spec.credentials.as_ref()?.workload_identity.as_ref()?;
    if let Some(aws) = &identity.aws {
        let role_arn = aws.role_arn.as_ref().map(|role| role.0.clone());
        return Some(WorkloadIdentity::Aws { role_arn });
    }
    if let Some(azure) = &identity.azure {
        return Some(WorkloadIdentity::Azure {
            tenant_id: azure.tenant_id.as_ref().map(|id| id.0.clone()),
            client_id: azure.client_id.as_ref().map(|id| id.0.clone()),
        });
    }
    identity.gcp.as_ref().map(|_| WorkloadIdentity::Gcp {})
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

fn models(spec: &AIProviderSpec, problems: &mut Vec<Problem>) -> Vec<ProviderModel> {
    let models = spec.models.iter().flatten().enumerate();
    let models = models.map(|(index, model)| {
        let upstream = model
            .upstream_name
            .as_ref()
            .map_or(&model.name.0, |name| &name.0);
        ProviderModel {
            name: model.name.0.clone(),
            upstream_name: upstream.clone(),
            price: price(
                model.price.as_ref(),
                &format!("spec.models[{index}].price"),
                problems,
            ),
        }
    });
    models.collect()
}

fn price(
    wide: Option<&ModelPrice>,
    path: &str,
    problems: &mut Vec<Problem>,
) -> BTreeMap<Kind, u64> {
    let Some(wide) = wide else {
        return BTreeMap::new();
    };
    let mut rates = BTreeMap::new();
    for (name, kind, written) in [
        ("input", Kind::Input, &wide.input),
        ("output", Kind::Output, &wide.output),
        ("cacheRead", Kind::CacheRead, &wide.cache_read),
        ("cacheWrite", Kind::CacheWrite, &wide.cache_write),
        ("cacheWrite1h", Kind::CacheWriteHour, &wide.cache_write_hour),
        ("reasoning", Kind::Reasoning, &wide.reasoning),
        ("audioInput", Kind::AudioInput, &wide.audio_input),
        ("audioOutput", Kind::AudioOutput, &wide.audio_output),
    ] {
        let Some(written) = written else { continue };
        match parse_usd(written.as_str()) {
            Some(rate) => {
                rates.insert(kind, rate);
            }
            // The rules of the schema let no other text through.
            None => problems.push(Problem::new(
                Reason::InvalidFormat,
                format!("{path}.{name}"),
                "must be an amount of USD as a text, such as \"3\" or \"0.25\"",
            )),
        }
    }
    rates
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
    if let Some(Credential::Identity(identity)) = &last.credential
        && !narrow::still_is(spec.get("credentials"), identity)
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
