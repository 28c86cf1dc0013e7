//! One namespace: its routes with their references, and the indexes over them.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::{reference, same};
use crate::expression::Expression;
use crate::linked::{
    Admission, Consumer, Glob, LinkProblem, LinkedAccount, LinkedBackend, LinkedNamespace,
    LinkedProvider, LinkedRoute, LinkedRule, MAX_BACKENDS, Seniority,
};
use crate::snapshot::{Credential, Provider, ProviderRef, Route, Rule, Shard, Snapshot};

/// Every provider of a snapshot, those that did not change taken over.
#[derive(Default)]
pub(super) struct Providers<'a> {
    by_namespace: BTreeMap<&'a str, Arc<BTreeMap<String, Arc<LinkedProvider>>>>,
    gateway_namespace: &'a str,
}

impl<'a> Providers<'a> {
    pub(super) fn of(gateway_namespace: &'a str) -> Self {
        Self {
            gateway_namespace,
            ..Self::default()
        }
    }

    /// Whether a provider may be called with what it says: with the gateway's own identity in its namespace alone.
    fn may_be(&self, namespace: &str, spec: &Provider) -> bool {
        let identity = spec.credential.as_ref().and_then(Credential::identity);
        identity.is_none() || namespace == self.gateway_namespace
    }

    pub(super) fn add(
        &mut self,
        namespace: &'a str,
        shard: &Arc<Shard>,
        before: Option<&LinkedNamespace>,
    ) {
        let providers = match before {
            Some(before) if same(&before.shard, shard) => Arc::clone(&before.providers),
            _ => {
                let link = |(name, spec): (&String, &Provider)| {
                    let known = before.and_then(|before| before.providers.get(name));
                    let provider = match known.filter(|known| known.spec == *spec) {
                        Some(known) => Arc::clone(known),
                        None => Arc::new(LinkedProvider::new(namespace, name, spec)),
                    };
                    (name.clone(), provider)
                };
                let allowed = |(_, spec): &(&String, &Provider)| self.may_be(namespace, spec);
                Arc::new(shard.providers.iter().filter(allowed).map(link).collect())
            }
        };
        self.by_namespace.insert(namespace, providers);
    }

    fn get(&self, reference: &ProviderRef) -> Option<&Arc<LinkedProvider>> {
        self.by_namespace
            .get(reference.namespace.as_str())?
            .get(&reference.name)
    }
}

pub(super) fn link(
    snapshot: &Snapshot,
    shard: &Arc<Shard>,
    providers: &Providers<'_>,
    before: Option<&LinkedNamespace>,
) -> LinkedNamespace {
    let mut linker = Linker {
        snapshot,
        shard,
        providers,
        before,
        namespace: shard.namespace.as_str().into(),
        expressions: HashMap::new(),
        others: BTreeMap::new(),
        problems: Vec::new(),
    };
    for (name, spec) in &shard.providers {
        if !providers.may_be(&shard.namespace, spec) {
            linker.problems.push(LinkProblem {
                object: format!("AIProvider {}/{name}", shard.namespace),
                field: "spec.credentials.workloadIdentity".to_owned(),
                message: "is the identity of the gateway, which only its own namespace may use; the provider is left out".to_owned(),
            });
        }
    }
    let mut routes = BTreeMap::new();
    for (name, route) in &shard.routes {
        if let Some(linked) = linker.route(name, route) {
            routes.insert(name.clone(), Arc::new(linked));
        }
    }
    let mut senior_first: Vec<&Arc<LinkedRoute>> = routes.values().collect();
    senior_first.sort_by_key(|route| route.seniority());
    let mut exact: HashMap<Arc<str>, Vec<Arc<LinkedRoute>>> = HashMap::new();
    let mut patterns = Vec::new();
    for route in senior_first {
        for model in route.exact_models() {
            exact
                .entry(Arc::clone(model))
                .or_default()
                .push(Arc::clone(route));
        }
        if !route.patterns().is_empty() {
            patterns.push(Arc::clone(route));
        }
    }
    LinkedNamespace {
        accounts: accounts(shard),
        shard: Arc::clone(shard),
        others: linker.others,
        providers: providers
            .by_namespace
            .get(shard.namespace.as_str())
            .cloned()
            .unwrap_or_default(),
        expressions: linker.expressions,
        problems: linker.problems,
        routes,
        exact,
        patterns,
    }
}

fn accounts(shard: &Shard) -> BTreeMap<String, LinkedAccount> {
    let labels = Arc::new(shard.labels.clone());
    let account = |(name, uid): (&String, &String)| {
        let consumer = Consumer::service_account(&shard.namespace, name, Arc::clone(&labels));
        let account = LinkedAccount {
            consumer: Arc::new(consumer),
            uid: uid.as_str().into(),
        };
        (name.clone(), account)
    };
    shard.service_accounts.iter().map(account).collect()
}

struct Linker<'a> {
    snapshot: &'a Snapshot,
    shard: &'a Shard,
    providers: &'a Providers<'a>,
    before: Option<&'a LinkedNamespace>,
    namespace: Arc<str>,
    expressions: HashMap<Arc<str>, Arc<Expression>>,
    others: BTreeMap<String, Option<Arc<Shard>>>,
    problems: Vec<LinkProblem>,
}

impl Linker<'_> {
    /// `None` where a condition does not compile: without it the rules after it would take what is not theirs.
    fn route(&mut self, name: &str, route: &Route) -> Option<LinkedRoute> {
        let mut rules = Vec::with_capacity(route.rules.len());
        for (index, rule) in route.rules.iter().enumerate() {
            rules.push(self.rule(name, index, rule)?);
        }
        let mut models = route.models.clone();
        models.sort_unstable();
        models.dedup();
        let (patterns, exact): (Vec<_>, Vec<_>) =
            models.iter().partition(|model| Glob::is_pattern(model));
        Some(LinkedRoute {
            id: format!("{}/{name}", self.namespace).into(),
            rules,
            retry: route.retry.clone(),
            parameters: route.parameters,
            namespace: Arc::clone(&self.namespace),
            seniority: Seniority {
                created: route.created,
                name: name.into(),
            },
            consumers: route.consumers.iter().map(Admission::new).collect(),
            exact: exact
                .into_iter()
                .map(|model| model.as_str().into())
                .collect(),
            patterns: patterns.into_iter().map(|model| Glob::new(model)).collect(),
        })
    }

    fn rule(&mut self, route: &str, index: usize, rule: &Rule) -> Option<LinkedRule> {
        let when = match &rule.when {
            Some(source) => Some(self.condition(route, index, source)?),
            None => None,
        };
        let mut backends = Vec::with_capacity(rule.backends.len());
        for (at, backend) in rule.backends.iter().enumerate() {
            let reference = &backend.provider;
            if reference.namespace != self.shard.namespace
                && !self.others.contains_key(&reference.namespace)
            {
                let other = self.snapshot.namespaces.get(&reference.namespace).cloned();
                self.others.insert(reference.namespace.clone(), other);
            }
            let message = match (
                reference::resolve(
                    self.snapshot
                        .provider(&reference.namespace, &reference.name),
                    &self.shard.namespace,
                    &self.shard.labels,
                    backend,
                ),
                self.providers.get(reference),
            ) {
                _ if at >= MAX_BACKENDS => format!("a rule has at most {MAX_BACKENDS} backends"),
                (Ok(_), Some(provider)) => {
                    backends.push(LinkedBackend {
                        provider: Arc::clone(provider),
                        model: backend.model.as_deref().map(Into::into),
                        priority: backend.priority,
                        weight: backend.weight,
                    });
                    continue;
                }
                (Ok(_), None) => reference::Unresolved::NoProvider.to_string(),
                (Err(unresolved), _) => unresolved.to_string(),
            };
            let field = format!("spec.rules[{index}].backends[{at}]");
            self.problem(
                route,
                field,
                format!("{}/{}: {message}", reference.namespace, reference.name),
            );
        }
        let name = rule.name.as_deref().map(Into::into);
        Some(LinkedRule {
            name,
            when,
            backends,
        })
    }

    fn condition(&mut self, route: &str, index: usize, source: &str) -> Option<Arc<Expression>> {
        if let Some(known) = self.expressions.get(source) {
            return Some(Arc::clone(known));
        }
        let expression = match self
            .before
            .and_then(|before| before.expressions.get(source))
        {
            Some(known) => Arc::clone(known),
            None => match Expression::compile(source) {
                Ok(expression) => Arc::new(expression),
                Err(error) => {
                    let message = format!("{error}; the route is left out");
                    self.problem(route, format!("spec.rules[{index}].when"), message);
                    return None;
                }
            },
        };
        self.expressions
            .insert(source.into(), Arc::clone(&expression));
        Some(expression)
    }

    fn problem(&mut self, route: &str, field: String, message: String) {
        let object = format!("AIRoute {}/{route}", self.namespace);
        self.problems.push(LinkProblem {
            object,
            field,
            message,
        });
    }
}
