//! A backend's reference to a provider: one rule for the compiler's verdicts and for what runs.

use std::collections::BTreeMap;
use std::fmt;

use crate::snapshot::{Backend, Provider};

/// Why a backend leads nowhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unresolved {
    /// There is no such provider.
    NoProvider,
    /// The provider does not let routes of this namespace use it.
    NotAllowed,
    /// The provider does not serve the model that the backend names.
    NoModel,
}

/// The provider that a backend leads to, of a route in the namespace of this name and these labels. `provider` is what
/// stands at the backend's reference.
///
/// # Errors
///
/// There is none, it does not allow the namespace (judged by the namespace's labels), or it does not list the model.
pub fn resolve<'a>(
    provider: Option<&'a Provider>,
    namespace: &str,
    labels: &BTreeMap<String, String>,
    backend: &Backend,
) -> Result<&'a Provider, Unresolved> {
    let provider = provider.ok_or(Unresolved::NoProvider)?;
    let stands_in = &backend.provider.namespace;
    if !provider.allowed.admits(stands_in, namespace, labels) {
        return Err(Unresolved::NotAllowed);
    }
    let serves = |model: &String| provider.models.iter().any(|one| one.name == *model);
    if !provider.models.is_empty() && !backend.model.as_ref().is_none_or(serves) {
        return Err(Unresolved::NoModel);
    }
    Ok(provider)
}

impl fmt::Display for Unresolved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoProvider => "the provider does not exist",
            Self::NotAllowed => "the provider's allowedRoutes do not let this namespace in",
            Self::NoModel => "the provider does not list this model",
        })
    }
}
