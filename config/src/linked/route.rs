use std::cmp::Ordering;
use std::sync::Arc;

use super::{Admission, Consumer, Glob, LinkedProvider};
use crate::expression::Expression;
use crate::snapshot::{Parameters, Retry};

/// The most backends of a rule, as the CRD has it.
pub const MAX_BACKENDS: usize = 16;

/// A route, its references resolved.
#[derive(Debug)]
pub struct LinkedRoute {
    /// `NAMESPACE/NAME`.
    pub id: Arc<str>,
    /// The rules in their order; the first that holds wins. One whose backends are all gone stays, and answers for none.
    pub rules: Vec<LinkedRule>,
    /// When to try again.
    pub retry: Retry,
    /// What becomes of a request's parameters.
    pub parameters: Parameters,
    pub(crate) namespace: Arc<str>,
    pub(crate) seniority: Seniority,
    pub(crate) consumers: Vec<Admission>,
    pub(crate) exact: Vec<Arc<str>>,
    pub(crate) patterns: Vec<Glob>,
}

/// A rule of a route.
#[derive(Debug, PartialEq)]
pub struct LinkedRule {
    /// Its name, for people.
    pub name: Option<Arc<str>>,
    /// When it holds; none always does.
    pub when: Option<Arc<Expression>>,
    /// Who may answer, in the order of the resource, at most [`MAX_BACKENDS`]. Empty where none is left.
    pub backends: Vec<LinkedBackend>,
}

/// A backend of a rule.
#[derive(Clone, Debug, PartialEq)]
pub struct LinkedBackend {
    /// Who answers.
    pub provider: Arc<LinkedProvider>,
    /// The model to ask it for; none means the one that the caller asked for.
    pub model: Option<Arc<str>>,
    /// 0 to 100: those of the lowest go first.
    pub priority: u8,
    /// 0 to 1,000,000: its share among those of its priority; with 0 it comes after them.
    pub weight: u32,
}

/// Which of two routes of one namespace goes first: the older (one without a date is younger than all that have one),
/// then the one whose name sorts first. The lesser is the senior.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seniority {
    /// When the route was created, in Unix seconds.
    pub created: Option<i64>,
    /// The route's name.
    pub name: Arc<str>,
}

impl LinkedRoute {
    /// The namespace that it stands in.
    #[must_use]
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// Its name in that namespace.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.seniority.name
    }

    /// Its rank among the routes of its namespace.
    #[must_use]
    pub fn seniority(&self) -> &Seniority {
        &self.seniority
    }

    /// Whether `consumer` may use it.
    #[must_use]
    pub fn admits(&self, consumer: &Consumer) -> bool {
        self.consumers
            .iter()
            .any(|one| one.admits(&self.namespace, consumer))
    }

    /// Whether it lists this very model name.
    #[must_use]
    pub fn lists(&self, model: &str) -> bool {
        self.exact.iter().any(|exact| &**exact == model)
    }

    /// The first of its patterns that `model` is of.
    #[must_use]
    pub fn pattern(&self, model: &str) -> Option<&Glob> {
        self.patterns.iter().find(|pattern| pattern.matches(model))
    }

    /// The exact model names that it lists.
    #[must_use]
    pub fn exact_models(&self) -> &[Arc<str>] {
        &self.exact
    }

    /// The patterns that it lists.
    #[must_use]
    pub fn patterns(&self) -> &[Glob] {
        &self.patterns
    }
}

impl LinkedBackend {
    /// What the provider is to be asked for when a caller asks for `asked`; `None` where it does not serve that.
    #[must_use]
    pub fn upstream_name<'a>(&'a self, asked: &'a str) -> Option<&'a str> {
        self.provider
            .upstream_name(self.model.as_deref().unwrap_or(asked))
    }
}

impl Ord for Seniority {
    fn cmp(&self, other: &Self) -> Ordering {
        let age = |of: &Self| (of.created.is_none(), of.created);
        age(self)
            .cmp(&age(other))
            .then_with(|| self.name.cmp(&other.name))
    }
}

impl PartialOrd for Seniority {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
