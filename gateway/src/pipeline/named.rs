//! Models that the requests of a batch name: each is one that a plain call would be let through with, at the same provider.

use bytes::Bytes;
use weir_config::linked::{Linked, LinkedBackend};
use weir_decide::{Decision, Facts, NoRoute, decide};
use weir_llm::body::named::{NamedModel, NamedModels};

use crate::refusal::Refusal;

/// The models that a body names below its top, and where each may go.
pub(super) struct Named {
    models: NamedModels,
    /// Of each of them.
    decisions: Vec<Decision>,
}

impl Named {
    /// Decides of each model as of a plain call that asks the route of the whole call for it; `None` where there are none.
    pub(super) fn route(
        models: NamedModels,
        linked: &Linked,
        facts: &Facts<'_>,
        whole: &Decision,
    ) -> Result<Option<Self>, Refusal> {
        if models.is_empty() {
            return Ok(None);
        }
        let decisions = models.models().iter().map(|model| {
            let facts = Facts {
                model: &model.name,
                named_route: Some(&whole.route.id),
                ..*facts
            };
            decide(linked, &facts).map_err(|none| refused(model, &none))
        });
        let decisions = decisions.collect::<Result<_, _>>()?;
        Ok(Some(Self { models, decisions }))
    }

    /// The body as a backend of the whole call takes it: each model is called as that backend's provider calls it.
    pub(super) fn at(&self, backend: &LinkedBackend, body: &Bytes) -> Result<Bytes, Refusal> {
        let names = self
            .models
            .models()
            .iter()
            .zip(&self.decisions)
            .map(|(model, decision)| {
                let mut same = decision
                    .backends()
                    .filter(|one| one.provider.id == backend.provider.id);
                same.find_map(|one| one.upstream_name(&model.name))
                    .ok_or_else(|| not_served(model))
            });
        let names = names.collect::<Result<Vec<_>, _>>()?;
        Ok(self.models.renamed(body, &names))
    }
}

/// As a plain call for this model is refused.
fn refused(model: &NamedModel, none: &NoRoute) -> Refusal {
    let name = model.name.clone();
    let refusal = match none {
        NoRoute::Rule(_) => Refusal::NoRuleMatched(name),
        _ => Refusal::ModelNotFound(name),
    };
    refusal.naming(&model.path)
}

fn not_served(model: &NamedModel) -> Refusal {
    let refusal = Refusal::ModelNotServed {
        model: model.name.clone(),
    };
    refusal.naming(&model.path)
}
