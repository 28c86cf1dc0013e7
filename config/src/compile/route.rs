//! AIRoutes: each alone, then with the providers that it names.

use std::collections::BTreeMap;

use serde::Deserialize as _;
use serde_json::Value;
use weir_crds::AIRouteSpec;

use super::lookup::Providers;
use super::namespace::namespaces;
use super::narrow;
use super::object::Object;
use crate::expression::Expression;
use crate::link::{self, Unresolved};
use crate::schema::{Schema, known_or};
use crate::snapshot::{
    Backend, ConsumerKind, Consumers, Parameters, Provider, ProviderRef, Retry, RetryCause, Route,
    Rule, Unsupported,
};
use crate::verdict::{Problem, Reason};

/// Reads a route, without a look at what it refers to.
pub(super) fn read(object: &Object<'_>) -> Result<Route, Vec<Problem>> {
    let mut problems = object.problems.clone();
    if object.is_of_another_version() {
        return Err(problems);
    }
    problems.extend(Schema::route().check(&object.document.value));
    let spec = object.field("spec").unwrap_or(&Value::Null);
    problems.extend(conditions(spec, &problems));
    if !problems.is_empty() {
        return Err(problems);
    }
    match AIRouteSpec::deserialize(spec) {
        Ok(spec) => Ok(narrowed(&spec, object)),
        // The schema is generated from the type, so that this is seen only if the two disagree.
        Err(error) => Err(vec![Problem::new(
            Reason::Unsupported,
            "spec",
            format!("can't be read: {error}"),
        )]),
    }
}

/// What is wrong with the conditions, where the schema has nothing against them.
fn conditions(spec: &Value, known: &[Problem]) -> Vec<Problem> {
    let rules = spec.get("rules").and_then(Value::as_array);
    let mut problems = Vec::new();
    for (index, rule) in rules.into_iter().flatten().take(64).enumerate() {
        let Some(when) = rule.get("when").and_then(Value::as_str) else {
            continue;
        };
        let field = format!("spec.rules[{index}].when");
        if known.iter().any(|problem| problem.field == field) {
            continue;
        }
        if let Err(error) = Expression::compile(when) {
            problems.push(Problem::new(
                Reason::InvalidExpression,
                field,
                error.to_string(),
            ));
        }
    }
    problems
}

fn narrowed(spec: &AIRouteSpec, object: &Object<'_>) -> Route {
    let consumers = match &spec.consumers {
        None => Consumers::of_the_namespace(),
        Some(entries) => entries.iter().filter_map(consumers).collect(),
    };
    Route {
        created: object.created,
        consumers,
        models: spec.models.iter().map(|model| model.0.clone()).collect(),
        rules: spec
            .rules
            .iter()
            .map(|rule| Rule {
                name: rule.name.as_ref().map(|name| name.0.clone()),
                when: rule.when.clone(),
                backends: rule
                    .backends
                    .iter()
                    .map(|wide| backend(wide, &object.id.namespace))
                    .collect(),
            })
            .collect(),
        retry: retry(spec.retry.as_ref()),
        parameters: parameters(spec.parameters.as_ref()),
    }
}

/// The schema lets through no entry without a member; such a one admits nobody.
fn consumers(wide: &weir_crds::Consumers) -> Option<Consumers> {
    let (kind, some) = match (&wide.service_accounts, &wide.api_keys) {
        (Some(accounts), _) => (
            ConsumerKind::ServiceAccount,
            (&accounts.names, &accounts.namespaces),
        ),
        (None, Some(keys)) => (ConsumerKind::ApiKey, (&keys.names, &keys.namespaces)),
        (None, None) => return None,
    };
    let (names, wide) = some;
    let names = names.as_ref();
    let names = names.map(|names| names.iter().map(|name| name.0.clone()).collect());
    Some(Consumers::new(kind, names, namespaces(wide.as_ref())))
}

fn backend(wide: &weir_crds::Backend, namespace: &str) -> Backend {
    let provider = &wide.provider;
    // The schema bounds both numbers.
    let priority = wide
        .priority
        .and_then(|priority| u8::try_from(priority).ok());
    let weight = wide.weight.and_then(|weight| u32::try_from(weight).ok());
    Backend {
        provider: ProviderRef {
            namespace: provider
                .namespace
                .as_ref()
                .map_or(namespace, |one| one.as_str())
                .to_owned(),
            name: provider.name.0.clone(),
        },
        model: wide.model.as_ref().map(|model| model.0.clone()),
        priority: priority.unwrap_or(0),
        weight: weight.unwrap_or(1),
    }
}

fn parameters(wide: Option<&weir_crds::Parameters>) -> Parameters {
    let unsupported = wide.and_then(|wide| wide.unsupported);
    Parameters {
        unsupported: match unsupported {
            None | Some(weir_crds::Unsupported::Refuse) => Unsupported::Refuse,
            Some(weir_crds::Unsupported::Drop) => Unsupported::Drop,
        },
    }
}

fn retry(wide: Option<&weir_crds::Retry>) -> Retry {
    let Some(wide) = wide else {
        return Retry::default();
    };
    let on = wide.retry_on.as_ref().map(|causes| {
        let narrow = |cause: &weir_crds::RetryCause| match cause {
            weir_crds::RetryCause::RateLimited => RetryCause::RateLimited,
            weir_crds::RetryCause::ServerError => RetryCause::ServerError,
            weir_crds::RetryCause::Timeout => RetryCause::Timeout,
            weir_crds::RetryCause::ConnectionError => RetryCause::ConnectionError,
        };
        causes.iter().map(narrow).collect()
    });
    Retry {
        attempts: wide
            .attempts
            .and_then(|attempts| u8::try_from(attempts).ok()),
        on: on.unwrap_or_else(|| Retry::default().on),
    }
}

/// What is wrong with the references of a route: providers that are not there, that don't allow its namespace, or that
/// don't serve the model. A provider that is refused is there; whether it serves is seen when the config is linked.
pub(super) fn check_references(
    route: &Route,
    namespace: &str,
    labels: &BTreeMap<String, String>,
    providers: &Providers<'_>,
) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (rule_index, rule) in route.rules.iter().enumerate() {
        for (index, backend) in rule.backends.iter().enumerate() {
            let path = format!("spec.rules[{rule_index}].backends[{index}]");
            problems.extend(
                match link::resolve(providers.get(&backend.provider), namespace, labels, backend) {
                    Ok(provider) => serves_none(route, backend, provider, &path),
                    Err(Unresolved::NoProvider) => not_found(backend, &path, providers),
                    Err(Unresolved::NotAllowed) => Some(not_allowed(backend, namespace, &path)),
                    Err(Unresolved::NoModel) => not_served(backend, &path, providers),
                },
            );
        }
    }
    problems
}

/// Whether any of a route's backends may be used.
pub(super) fn has_backend(
    route: &Route,
    namespace: &str,
    labels: &BTreeMap<String, String>,
    providers: &Providers<'_>,
) -> bool {
    let mut backends = route.rules.iter().flat_map(|rule| &rule.backends);
    backends.any(|backend| {
        let provider = providers.get(&backend.provider);
        link::resolve(provider, namespace, labels, backend).is_ok()
    })
}

fn not_found(backend: &Backend, path: &str, providers: &Providers<'_>) -> Option<Problem> {
    let of = &backend.provider;
    (!providers.is_declared(of)).then(|| {
        let hint = known_or(&of.name, providers.names_in(&of.namespace), String::new);
        Problem::new(
            Reason::ProviderNotFound,
            format!("{path}.provider.name"),
            format!("there is no {}{hint}", id(of)),
        )
    })
}

fn not_allowed(backend: &Backend, namespace: &str, path: &str) -> Problem {
    let of = &backend.provider;
    // A provider of the same namespace can shut out its own with a selector.
    let field = if of.namespace == namespace {
        "name"
    } else {
        "namespace"
    };
    Problem::new(
        Reason::NotAllowed,
        format!("{path}.provider.{field}"),
        format!(
            "{} does not allow routes of namespace {namespace}: its spec.allowedRoutes would have to",
            id(of)
        ),
    )
}

fn not_served(backend: &Backend, path: &str, providers: &Providers<'_>) -> Option<Problem> {
    let of = &backend.provider;
    let model = backend.model.as_ref()?;
    let provider = providers.get(of)?;
    let hint = known_or(model, served(provider), || {
        format!("; it serves {}", some_of(served(provider)))
    });
    Some(Problem::new(
        Reason::ModelNotServed,
        format!("{path}.model"),
        format!("{} does not serve {model}{hint}", id(of)),
    ))
}

/// A backend that takes the name that the client asked for, at a provider that serves none of the route's.
fn serves_none(
    route: &Route,
    backend: &Backend,
    provider: &Provider,
    path: &str,
) -> Option<Problem> {
    let is_asked_for = |name| route.models.iter().any(|model| narrow::covers(model, name));
    if backend.model.is_some() || provider.models.is_empty() || served(provider).any(is_asked_for) {
        return None;
    }
    Some(Problem::new(
        Reason::ModelNotServed,
        format!("{path}.model"),
        format!(
            "{} serves none of this route's models: name one here; it serves {}",
            id(&backend.provider),
            some_of(served(provider))
        ),
    ))
}

fn id(of: &ProviderRef) -> String {
    format!("AIProvider {}/{}", of.namespace, of.name)
}

fn served(provider: &Provider) -> impl Iterator<Item = &str> {
    provider.models.iter().map(|model| model.name.as_str())
}

/// The first few names of a list that may be long.
fn some_of<'a>(names: impl Iterator<Item = &'a str>) -> String {
    const FEW: usize = 8;
    let names: Vec<&str> = names.collect();
    let more = names.len().saturating_sub(FEW);
    let shown = names[..names.len() - more].join(", ");
    if more == 0 {
        shown
    } else {
        format!("{shown} and {more} more")
    }
}

/// The last good version of a route, less what the refused one takes back. None if nothing is left.
pub(super) fn narrow(last: &Route, namespace: &str, refused: &Object<'_>) -> Option<Route> {
    let Some(Value::Object(spec)) = refused.field("spec") else {
        return Some(last.clone());
    };
    let mut kept = last.clone();
    if let Some(consumers) = narrow::readable_consumers(spec.get("consumers")) {
        kept.consumers = narrow::consumers(&last.consumers, &consumers, namespace);
    }
    if let Some(models) = narrow::readable_patterns(spec.get("models")) {
        kept.models = narrow::patterns(&last.models, &models);
    }
    (!kept.consumers.is_empty() && !kept.models.is_empty()).then_some(kept)
}
