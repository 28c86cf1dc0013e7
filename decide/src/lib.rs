//! Which route, rule and backends a request takes, and why.
//!
//! Pure: the facts of a request and a linked config in, a decision out. Chance comes in as [`Facts::draw`], so that the
//! same facts always come to the same decision.

mod backend;
mod decision;
mod models;
mod route;

use weir_config::linked::{Consumer, Linked, LinkedBackend};

pub use backend::Order;
pub use decision::{Decision, NoRoute, Why};
pub use models::{ModelEntry, model, models};
pub use route::{Precedence, Specificity, Tier};

/// The longest model name that any route can match, in bytes. Longer ones are no model: they would make patterns and
/// conditions cost what the caller likes.
pub const MAX_MODEL_BYTES: usize = 256;

/// What is known of a request when it is routed.
#[derive(Clone, Copy)]
pub struct Facts<'a> {
    /// Who calls.
    pub consumer: &'a Consumer,
    /// The model that the caller asks for.
    pub model: &'a str,
    /// Whether the caller asks for a stream.
    pub stream: bool,
    /// What is asked for, by its short name: `chat`, `embeddings` and so on
    /// ([`operations`](weir_config::expression::operations)).
    pub operation: &'a str,
    /// About how many tokens the request's text has: its bytes ÷ 4. Called only where a condition asks.
    pub input_tokens: &'a dyn Fn() -> u64,
    /// The route that the caller names in `x-weir-route`, as `NAMESPACE/NAME`.
    pub named_route: Option<&'a str>,
    /// A random number: the weights are met over many of them.
    pub draw: u64,
}

/// Decides who answers a request.
///
/// The routes of the caller's namespace go before those of the gateway's, an exact model name before a pattern, and
/// among equals the senior (see [`Precedence`]); only routes that admit the caller count. A route that the caller names
/// is the only candidate, wherever it stands. Of its rules the first that holds wins.
///
/// # Errors
///
/// No route that admits the caller has this model, the named one does not, or none of the route's rules holds. Whether
/// there are other routes is not told.
pub fn decide(linked: &Linked, facts: &Facts<'_>) -> Result<Decision, NoRoute> {
    let found = route::find(linked, facts)?;
    decision(found, facts, |backend| {
        backend.upstream_name(facts.model).is_some()
    })
}

/// Decides who answers a request that names no model: files, batches, what is stored at a provider.
///
/// The route that the caller names answers if it admits the caller; without a name, the only route that does, of the
/// caller's namespace and the gateway's. [`Facts::model`] is passed over: the rules' conditions see an empty one. Every
/// backend of the rule may answer, whichever models its provider lists.
///
/// # Errors
///
/// The named route does not admit the caller; none is named and there is not exactly one; none of the route's rules
/// holds.
pub fn decide_without_model(linked: &Linked, facts: &Facts<'_>) -> Result<Decision, NoRoute> {
    let facts = Facts {
        model: "",
        ..*facts
    };
    let found = route::find_without_model(linked, &facts)?;
    decision(found, &facts, |_| true)
}

fn decision(
    found: route::Found,
    facts: &Facts<'_>,
    serves: impl Fn(&LinkedBackend) -> bool,
) -> Result<Decision, NoRoute> {
    let rule =
        route::first_rule(&found.route, facts).ok_or_else(|| NoRoute::Rule(found.route.clone()))?;
    let order = found
        .route
        .rules
        .get(rule)
        .map(|rule| Order::of(rule, facts.draw, serves))
        .unwrap_or_default();
    Ok(Decision {
        route: found.route,
        rule,
        order,
        why: found.why,
    })
}

#[cfg(test)]
mod tests;
