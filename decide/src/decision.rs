//! What is decided, as a value that prints.

use std::fmt;
use std::sync::Arc;

use weir_config::linked::{LinkedBackend, LinkedRoute, LinkedRule};

use crate::{Order, Specificity, Tier};

/// Who answers a request.
#[derive(Clone, Debug)]
pub struct Decision {
    /// The route.
    pub route: Arc<LinkedRoute>,
    /// The index of its rule.
    pub rule: usize,
    /// The rule's backends, the best first. Empty where none is left, or none serves the model.
    pub order: Order,
    /// How the route was come by.
    pub why: Why,
}

/// How a route was come by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Why {
    /// Whose route it is.
    pub tier: Tier,
    /// How it matches the model.
    pub specificity: Specificity,
}

/// Why nobody answers.
#[derive(Clone, Debug)]
pub enum NoRoute {
    /// No route that admits the caller has this model.
    Model,
    /// The route that was taken has no rule that holds.
    Rule(Arc<LinkedRoute>),
    /// The named route does not exist, does not admit the caller, or does not have this model.
    RouteNotFound,
    /// The call names neither a model nor a route, and there is not exactly one that admits the caller: these do, by
    /// their ids.
    RouteRequired(Vec<Arc<str>>),
}

impl Decision {
    /// The rule that holds.
    #[must_use]
    pub fn rule(&self) -> Option<&LinkedRule> {
        self.route.rules.get(self.rule)
    }

    /// The backends to try, the best first.
    pub fn backends(&self) -> impl Iterator<Item = &LinkedBackend> {
        let backends = self.rule().map_or(&[][..], |rule| &rule.backends);
        self.order.iter().filter_map(|index| backends.get(index))
    }
}

/// `route team-a/chat, rule 2 of 3 (`request.stream`): platform/anthropic claude-sonnet-4-5 (priority 0, weight 90),
/// then …; rule 1 did not hold`.
impl fmt::Display for Decision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "route {}{}, rule {} of {}",
            self.route.id,
            self.why,
            self.rule + 1,
            self.route.rules.len()
        )?;
        if let Some(rule) = self.rule() {
            if let Some(name) = &rule.name {
                write!(f, " {name:?}")?;
            }
            match &rule.when {
                Some(when) => write!(f, " (`{}`)", when.source())?,
                None => f.write_str(" (always)")?,
            }
        }
        let mut separator = ": ";
        for backend in self.backends() {
            let LinkedBackend {
                provider,
                model,
                priority,
                weight,
            } = backend;
            write!(f, "{separator}{}", provider.id)?;
            if let Some(model) = model {
                write!(f, " {model}")?;
            }
            write!(f, " (priority {priority}, weight {weight})")?;
            separator = ", then ";
        }
        if self.order.is_empty() {
            f.write_str(": no backend is left that serves the model")?;
        }
        match self.rule {
            0 => Ok(()),
            1 => f.write_str("; rule 1 did not hold"),
            before => write!(f, "; rules 1 to {before} did not hold"),
        }
    }
}

/// What is worth saying of it: nothing where a route of the caller's own lists the very name.
impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tier = match self.tier {
            Tier::Named => Some("named by the caller"),
            Tier::Own => None,
            Tier::Gateway => Some("of the gateway's namespace"),
        };
        let pattern = match (self.specificity, self.tier) {
            (Specificity::Exact, _) | (Specificity::NoModel, Tier::Named) => None,
            (Specificity::Pattern, _) => Some("by a pattern"),
            (Specificity::NoModel, _) => Some("the caller's only one"),
        };
        match (tier, pattern) {
            (None, None) => Ok(()),
            (Some(one), None) | (None, Some(one)) => write!(f, " ({one})"),
            (Some(tier), Some(pattern)) => write!(f, " ({tier}, {pattern})"),
        }
    }
}

impl fmt::Display for NoRoute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Model => f.write_str("no route that admits the caller has this model"),
            Self::Rule(route) => write!(
                f,
                "route {}: none of its {} rules holds",
                route.id,
                route.rules.len()
            ),
            Self::RouteNotFound => {
                f.write_str("no route of this name admits the caller and has this model")
            }
            Self::RouteRequired(routes) => match routes.as_slice() {
                [] => f.write_str("no route admits the caller"),
                routes => write!(
                    f,
                    "the call names no model, and {} routes admit the caller",
                    routes.len()
                ),
            },
        }
    }
}

impl std::error::Error for NoRoute {}

/// Routes are compared by their ids.
impl PartialEq for NoRoute {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Model, Self::Model) | (Self::RouteNotFound, Self::RouteNotFound) => true,
            (Self::Rule(one), Self::Rule(other)) => one.id == other.id,
            (Self::RouteRequired(one), Self::RouteRequired(other)) => one == other,
            _ => false,
        }
    }
}
