//! The route and its rule.

use std::sync::Arc;

use weir_config::expression::Variables;
use weir_config::linked::{Linked, LinkedNamespace, LinkedRoute, Seniority};

use crate::{Facts, MAX_MODEL_BYTES, NoRoute, Why};

/// Whose route it is. The lesser goes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tier {
    /// The caller named it.
    Named,
    /// It stands in the caller's namespace.
    Own,
    /// It stands in the gateway's namespace.
    Gateway,
}

/// How a route matches a model. The lesser goes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Specificity {
    /// It lists this very name.
    Exact,
    /// It lists a pattern that the name is of.
    Pattern,
    /// Not at all: the call names no model.
    NoModel,
}

/// The rank of a candidate: of two routes that admit a caller and match a model, the lesser is taken.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Precedence<'a> {
    /// Whose route it is.
    pub tier: Tier,
    /// How it matches.
    pub specificity: Specificity,
    /// Its rank within its namespace.
    pub seniority: &'a Seniority,
}

impl<'a> Precedence<'a> {
    /// The rank of `route` for a request, or `None` where it is no candidate: it does not admit the caller, does not
    /// match the model, or stands in a namespace whose routes the caller does not reach.
    #[must_use]
    pub fn of(linked: &Linked, route: &'a LinkedRoute, facts: &Facts<'_>) -> Option<Self> {
        let tier = match facts.named_route {
            Some(named) => (*route.id == *named).then_some(Tier::Named)?,
            None if route.namespace() == facts.consumer.namespace() => Tier::Own,
            None if route.namespace() == linked.gateway_namespace() => Tier::Gateway,
            None => return None,
        };
        let specificity =
            specificity(route, facts.model).filter(|_| route.admits(facts.consumer))?;
        Some(Self {
            tier,
            specificity,
            seniority: route.seniority(),
        })
    }
}

/// A route and how it was come by.
pub(crate) struct Found {
    pub(crate) route: Arc<LinkedRoute>,
    pub(crate) why: Why,
}

/// The candidate of the least [`Precedence`], found by the indexes, which are in its order.
pub(crate) fn find(linked: &Linked, facts: &Facts<'_>) -> Result<Found, NoRoute> {
    let too_long = facts.model.len() > MAX_MODEL_BYTES;
    if let Some(named) = facts.named_route {
        let (namespace, name) = named.split_once('/').ok_or(NoRoute::RouteNotFound)?;
        let route = linked
            .route(namespace, name)
            .filter(|_| !too_long)
            .ok_or(NoRoute::RouteNotFound)?;
        let rank = Precedence::of(linked, route, facts).ok_or(NoRoute::RouteNotFound)?;
        return Ok(found(route, rank.tier, rank.specificity));
    }
    if too_long {
        return Err(NoRoute::Model);
    }
    let own = facts.consumer.namespace();
    let gateway = linked.gateway_namespace();
    let tiers = [
        (Tier::Own, Some(own)),
        (
            Tier::Gateway,
            Some(gateway).filter(|gateway| *gateway != own),
        ),
    ];
    tiers
        .into_iter()
        .find_map(|(tier, name)| find_in(linked.namespace(name?)?, tier, facts))
        .ok_or(NoRoute::Model)
}

/// The route of a call that names no model: the named one, else the only one that admits the caller.
pub(crate) fn find_without_model(linked: &Linked, facts: &Facts<'_>) -> Result<Found, NoRoute> {
    let consumer = facts.consumer;
    if let Some(named) = facts.named_route {
        let (namespace, name) = named.split_once('/').ok_or(NoRoute::RouteNotFound)?;
        let route = linked.route(namespace, name);
        let route = route.filter(|route| route.admits(consumer));
        let route = route.ok_or(NoRoute::RouteNotFound)?;
        return Ok(found(route, Tier::Named, Specificity::NoModel));
    }
    let own = consumer.namespace();
    let gateway = linked.gateway_namespace();
    let of = |tier, name| {
        let routes = linked.namespace(name).into_iter();
        let routes = routes.flat_map(LinkedNamespace::routes);
        let admitting = routes.filter(|route| route.admits(consumer));
        admitting.map(move |route| (tier, route))
    };
    let gateways = (gateway != own).then(|| of(Tier::Gateway, gateway));
    let routes: Vec<_> = of(Tier::Own, own)
        .chain(gateways.into_iter().flatten())
        .collect();
    match routes.as_slice() {
        [(tier, route)] => Ok(found(route, *tier, Specificity::NoModel)),
        several => {
            let ids = several.iter().map(|(_, route)| Arc::clone(&route.id));
            Err(NoRoute::RouteRequired(ids.collect()))
        }
    }
}

fn find_in(namespace: &LinkedNamespace, tier: Tier, facts: &Facts<'_>) -> Option<Found> {
    let admits = |route: &&Arc<LinkedRoute>| route.admits(facts.consumer);
    if let Some(route) = namespace.exact(facts.model).iter().find(admits) {
        return Some(found(route, tier, Specificity::Exact));
    }
    let mut patterns = namespace.patterns().iter().filter(admits);
    let route = patterns.find(|route| route.pattern(facts.model).is_some())?;
    Some(found(route, tier, Specificity::Pattern))
}

fn found(route: &Arc<LinkedRoute>, tier: Tier, specificity: Specificity) -> Found {
    Found {
        route: Arc::clone(route),
        why: Why { tier, specificity },
    }
}

fn specificity(route: &LinkedRoute, model: &str) -> Option<Specificity> {
    if route.lists(model) {
        return Some(Specificity::Exact);
    }
    route.pattern(model).map(|_| Specificity::Pattern)
}

/// The index of the first rule that holds.
pub(crate) fn first_rule(route: &LinkedRoute, facts: &Facts<'_>) -> Option<usize> {
    let variables = Variables {
        model: facts.model,
        stream: facts.stream,
        operation: facts.operation,
        input_tokens: facts.input_tokens,
        consumer: facts.consumer.as_str(),
    };
    let holds = |when: &Arc<weir_config::expression::Expression>| when.holds(&variables);
    route
        .rules
        .iter()
        .position(|rule| rule.when.as_ref().is_none_or(holds))
}
