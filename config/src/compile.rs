//! Resources in; a snapshot and a verdict on each of them out.
//!
//! # Flow
//! ```text
//! documents ─ take up ─┬─ Namespaces ─ labels ─────────────┐
//!                      ├─ Secrets ─┬─ API keys ────────────┤
//!                      │           └─ entries ─┐           ├─ shards
//!                      ├─ AIProviders ─ alone ─┴─ secrets ─┤
//!                      └─ AIRoutes ─ alone ─ references ───┘
//! ```
//! 1. Each resource **alone**: its metadata; its structure by the schema of its CRD and the rules in it; then the
//!    narrow form of the [`snapshot`](mod@crate::snapshot). All that is wrong is told, not just the first of it.
//! 2. **Across** resources: the Secrets of providers, values that stand in two API keys, the providers that routes name.
//!
//! # Guarantees
//! - It never fails. Whatever a document holds, each resource has one verdict, and the others compile as if a refused
//!   one were not there.
//! - It is a function: the same input gives the same output, and the order of the documents means nothing. Of two
//!   resources of one kind and name the one that stands first (by file name, line and column) counts.
//! - A refused resource serves its **last good** version, which is what `previous` has of it, **less what has been
//!   withdrawn**: what the refused version readably takes back of consumers, models, allowed namespaces, credentials
//!   and time. What can't be read takes nothing back, but for the entries of a list that can. Cutting down is
//!   idempotent, and what is cut off comes back only with a version that is accepted.
//! - A secret is never older than the Secret it stands in: a Secret that is gone, or whose value changed, counts at once,
//!   for refused resources as for others. Only a Secret in text that can't be read stays as it was.
//! - A resource that is in no document, and not among the unreadable, is gone.
//! - A route that is new and names what is not there is refused as a whole. A route that was good before keeps serving
//!   with the backends that it has left; [`link`](crate::link) leaves out the others, and judges `allowedRoutes` anew each time.
//! - A shard that comes out equal to that of `previous` is the very same `Arc`.
//! - No message holds the value of a secret, and of an API key only its SHA-256 leaves this module.
//!
//! # Assumptions
//! - `previous` came from this function, of this or an earlier version, and holds nothing of another cluster or folder.
//! - `unreadable` names every resource that stood in text which can't be read now. One that is left out counts as deleted.

mod key;
mod kind;
mod lookup;
mod namespace;
mod narrow;
mod object;
mod provider;
mod route;
mod secret;
mod shards;
mod standing;
mod text;
mod variables;
mod workspace;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::snapshot::{ProviderRef, Snapshot};
use crate::text::{Document, Location};
use crate::verdict::{Kind, ObjectId, Outcome, Problem, Reason, Serving, Verdict};
use lookup::{Providers, Secrets};
use object::{Found, Object};
use shards::Shards;
use variables::Variables;

pub use standing::{Standing, stands_for};
pub use text::duration;
pub use workspace::{NamespacePass, Pass, Workspace};

/// Gives the value of an environment variable, or none if it is not set.
pub type Environment<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Everything that a compilation depends on.
pub struct Input<'a> {
    /// Every object that could be read, in any order.
    pub documents: &'a [Arc<Document>],
    /// The objects that stood, when last they could be read, in text that can't be read now.
    pub unreadable: &'a [ObjectId],
    /// Gives the value of an environment variable, for `${VARIABLE}` in the values of Secrets.
    /// None leaves such values as they are, which is right for a cluster.
    pub env: Option<Environment<'a>>,
    /// What was compiled before: where last good lives.
    pub previous: Option<&'a Snapshot>,
}

/// What a compilation came to.
#[derive(Debug)]
pub struct Compiled {
    /// What serves from now on.
    pub snapshot: Snapshot,
    /// The verdicts, sorted by object. Secrets that are no API keys have none: what is wrong with them is told of the
    /// provider that refers to them. An object that stands twice has a verdict for each.
    pub verdicts: Vec<Verdict>,
    /// What was not read because it is none of ours.
    pub skipped: Vec<Skipped>,
}

/// An object that is none of ours.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Skipped {
    /// What it is, as in `apps/v1 Deployment default/web`.
    pub object: String,
    /// Where it stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<Location>,
}

/// Compiles everything. It never fails: what is wrong with a resource is in its verdict.
#[must_use]
pub fn compile(input: &Input<'_>) -> Compiled {
    compile_with(input, false)
}

/// The same for where the variables of the gateway are not known: one that `env` does not have is taken to hold a good
/// value, whatever it is for. Its snapshot is of no use but to be looked at.
#[must_use]
pub fn check(input: &Input<'_>) -> Compiled {
    compile_with(input, true)
}

fn compile_with(input: &Input<'_>, assume_good: bool) -> Compiled {
    let empty = Snapshot::default();
    let mut compiler = Compiler::take_up(input, &empty, assume_good);
    compiler.namespaces();
    compiler.keys();
    compiler.other_secrets();
    compiler.providers();
    compiler.routes();
    compiler.unreadable();
    compiler.finish()
}

struct Compiler<'a> {
    variables: Option<Variables<'a>>,
    previous: &'a Snapshot,
    objects: BTreeMap<ObjectId, Object<'a>>,
    /// The unreadable objects of which no readable document is there.
    unreadable: BTreeSet<&'a ObjectId>,
    shards: Shards,
    verdicts: Vec<Verdict>,
    skipped: Vec<Skipped>,
}

impl<'a> Compiler<'a> {
    fn take_up(input: &Input<'a>, empty: &'a Snapshot, assume_good: bool) -> Self {
        let mut compiler = Self {
            variables: input.env.map(|env| Variables { env, assume_good }),
            previous: input.previous.unwrap_or(empty),
            objects: BTreeMap::new(),
            unreadable: BTreeSet::new(),
            shards: Shards::default(),
            verdicts: Vec::new(),
            skipped: Vec::new(),
        };
        for document in in_order(input.documents) {
            compiler.take_up_one(document);
        }
        compiler.unreadable = input
            .unreadable
            .iter()
            .filter(|id| !compiler.objects.contains_key(*id))
            .collect();
        compiler
    }

    fn take_up_one(&mut self, document: &'a Document) {
        let mut object = match Object::of(document) {
            Found::Ours(object) => object,
            Found::Other(object) => {
                let location = document.origin.locate("");
                self.skipped.push(Skipped { object, location });
                return;
            }
        };
        match object.id.kind {
            Kind::Secret => secret::check_shape(&mut object),
            Kind::Namespace => object.only_fields(&["spec", "status"]),
            Kind::AiProvider | Kind::AiRoute | Kind::Unknown(_) => {}
        }
        // What has no name that can be read is no second of its kind, either.
        if matches!(object.id.kind, Kind::Unknown(_)) || object.id.name.is_empty() {
            let problems = std::mem::take(&mut object.problems);
            self.refuse(&object.id, document, problems, Serving::Nothing);
            return;
        }
        if let Some(first) = self.objects.get(&object.id) {
            let place = match first.document.origin.locate("") {
                Some(place) => format!(" in {place}"),
                None => String::new(),
            };
            let message = format!("stands{place} too, and that one counts: remove one of the two");
            let problem = Problem::new(Reason::DuplicateResource, "", message);
            self.refuse(&object.id, document, vec![problem], Serving::TheOther);
            return;
        }
        self.objects.insert(object.id.clone(), object);
    }

    fn of_kind(&self, kind: &Kind) -> Vec<ObjectId> {
        let ids = self.objects.keys();
        ids.filter(|id| id.kind == *kind).cloned().collect()
    }

    fn namespaces(&mut self) {
        for id in self.of_kind(&Kind::Namespace) {
            let object = &self.objects[&id];
            let last = self.previous.namespaces.get(&id.name);
            let labels = match last {
                Some(last) if !object.problems.is_empty() => {
                    namespace::narrow(&last.labels, object)
                }
                _ => object.labels.clone(),
            };
            let (document, problems) = (object.document, object.problems.clone());
            if problems.is_empty() || last.is_some() {
                self.shards.set_labels(&id.name, labels);
            }
            let serving = if last.is_some() {
                Serving::LastGood
            } else {
                Serving::Nothing
            };
            self.judge(&id, document, problems, serving);
        }
        let kept: Vec<&ObjectId> = self
            .unreadable
            .iter()
            .copied()
            .filter(|id| id.kind == Kind::Namespace)
            .collect();
        for id in kept {
            if let Some(last) = self.previous.namespaces.get(&id.name) {
                self.shards.set_labels(&id.name, last.labels.clone());
            }
        }
    }

    fn keys(&mut self) {
        let mut drafts: BTreeMap<ObjectId, key::Draft> = self
            .objects
            .iter()
            .filter(|(id, object)| id.kind == Kind::Secret && key::is_key(object))
            .map(|(id, object)| (id.clone(), key::read(object, self.variables)))
            .collect();
        let kept = self.unreadable.iter().filter_map(|id| {
            let last = self.previous.key(&id.namespace, &id.name)?;
            (id.kind == Kind::Secret).then_some((*id, last))
        });
        key::refuse_duplicates(&mut drafts, kept, self.previous);
        for (id, draft) in drafts {
            let accepted = draft.problems.is_empty();
            let last = self.previous.key(&id.namespace, &id.name);
            let kept = if accepted {
                Some(draft.key)
            } else {
                last.and_then(|last| key::narrow(last, &draft.key))
            };
            let serving = serving(kept.is_some());
            if let Some(kept) = kept {
                self.shards.add_key(&id, kept);
            }
            self.judge(&id, self.objects[&id].document, draft.problems, serving);
        }
    }

    /// Secrets that are no keys have a verdict only where nobody can say what they are.
    fn other_secrets(&mut self) {
        for id in self.of_kind(&Kind::Secret) {
            let object = &self.objects[&id];
            if key::is_key(object) || !object.is_of_another_version() {
                continue;
            }
            let (document, problems) = (object.document, object.problems.clone());
            let last = self.previous.namespaces.get(&id.namespace);
            let mut users = last.into_iter().flat_map(|last| last.providers.values());
            let serving = serving(users.any(|provider| provider.sources.have(&id.name)));
            self.refuse(&id, document, problems, serving);
        }
    }

    fn providers(&mut self) {
        for id in self.of_kind(&Kind::AiProvider) {
            let object = &self.objects[&id];
            let secrets = Secrets {
                variables: self.variables,
                objects: &self.objects,
                unreadable: &self.unreadable,
            };
            let last = self.previous.provider(&id.namespace, &id.name);
            let fresh = provider::read(object)
                .and_then(|fresh| provider::resolve(fresh, &id.namespace, &secrets, last));
            let (kept, problems) = match fresh {
                Ok(fresh) => (Some(fresh), Vec::new()),
                Err(problems) => {
                    let kept = last
                        .and_then(|last| provider::narrow(last, &id.namespace, object))
                        .and_then(|kept| {
                            provider::resolve(kept, &id.namespace, &secrets, last).ok()
                        });
                    (kept, problems)
                }
            };
            let document = object.document;
            let serving = serving(kept.is_some());
            if let Some(kept) = kept {
                self.shards.add_provider(&id, kept);
            }
            self.judge(&id, document, problems, serving);
        }
        self.keep_unreadable_providers();
    }

    fn keep_unreadable_providers(&mut self) {
        let secrets = Secrets {
            variables: self.variables,
            objects: &self.objects,
            unreadable: &self.unreadable,
        };
        let unreadable = self.unreadable.iter();
        for id in unreadable.filter(|id| id.kind == Kind::AiProvider) {
            let last = self.previous.provider(&id.namespace, &id.name);
            let kept = last.and_then(|last| {
                provider::resolve(last.clone(), &id.namespace, &secrets, Some(last)).ok()
            });
            if let Some(kept) = kept {
                self.shards.add_provider(id, kept);
            }
        }
    }

    fn routes(&mut self) {
        let declared = self.objects.keys().chain(self.unreadable.iter().copied());
        let declared: BTreeSet<ProviderRef> = declared
            .filter(|id| id.kind == Kind::AiProvider)
            .map(reference)
            .collect();
        for id in self.of_kind(&Kind::AiRoute) {
            let object = &self.objects[&id];
            let providers = Providers {
                declared: &declared,
                shards: &self.shards,
            };
            let fresh = route::read(object).and_then(|fresh| {
                let problems = route::check_references(&fresh, &id.namespace, &providers);
                if problems.is_empty() {
                    Ok(fresh)
                } else {
                    Err(problems)
                }
            });
            let (kept, problems) = match fresh {
                Ok(fresh) => (Some(fresh), Vec::new()),
                Err(problems) => {
                    let last = self.previous.route(&id.namespace, &id.name);
                    let kept = last.and_then(|last| route::narrow(last, &id.namespace, object));
                    (kept, problems)
                }
            };
            let document = object.document;
            let serving = serving(kept.is_some());
            if let Some(kept) = kept {
                self.shards.add_route(&id, kept);
            }
            self.judge(&id, document, problems, serving);
        }
    }

    /// Keeps what stood in text that can't be read, and says so. Secrets that are no keys have no verdict.
    fn unreadable(&mut self) {
        let ids: Vec<ObjectId> = self.unreadable.iter().map(|id| (*id).clone()).collect();
        for id in ids {
            let kept = match id.kind {
                Kind::AiProvider => self
                    .shards
                    .so_far()
                    .provider(&id.namespace, &id.name)
                    .is_some(),
                Kind::Namespace => self.previous.namespaces.contains_key(&id.name),
                Kind::AiRoute => {
                    let last = self.previous.route(&id.namespace, &id.name).cloned();
                    let kept = last.is_some();
                    last.into_iter()
                        .for_each(|last| self.shards.add_route(&id, last));
                    kept
                }
                Kind::Secret => {
                    let Some(last) = self.previous.key(&id.namespace, &id.name) else {
                        continue;
                    };
                    self.shards.add_key(&id, last.clone());
                    true
                }
                Kind::Unknown(_) => false,
            };
            let message = "the text that held it can't be read";
            self.verdicts.push(Verdict {
                object: id,
                outcome: Outcome::Refused {
                    problems: vec![Problem::new(Reason::Unreadable, "", message)],
                    serving: serving(kept),
                },
            });
        }
    }

    /// Accepts an object without problems and refuses any other.
    fn judge(
        &mut self,
        id: &ObjectId,
        document: &Document,
        problems: Vec<Problem>,
        instead: Serving,
    ) {
        if problems.is_empty() {
            self.verdicts.push(Verdict {
                object: id.clone(),
                outcome: Outcome::Accepted,
            });
        } else {
            self.refuse(id, document, problems, instead);
        }
    }

    fn refuse(
        &mut self,
        id: &ObjectId,
        document: &Document,
        mut problems: Vec<Problem>,
        serving: Serving,
    ) {
        for problem in &mut problems {
            problem.location = document.origin.locate(&problem.field);
        }
        let place = |problem: &Problem| problem.location.as_ref().map(|at| (at.line, at.column));
        problems.sort_by_key(place);
        self.verdicts.push(Verdict {
            object: id.clone(),
            outcome: Outcome::Refused { problems, serving },
        });
    }

    fn finish(mut self) -> Compiled {
        // Stable, so that the verdicts on an object that stands twice keep the order of the text.
        self.verdicts
            .sort_by(|left, right| left.object.cmp(&right.object));
        self.skipped.sort();
        Compiled {
            snapshot: self.shards.into_snapshot(self.previous),
            verdicts: self.verdicts,
            skipped: self.skipped,
        }
    }
}

/// The documents by their place, so that the order in which they are given means nothing; those without a place by
/// what they hold.
fn in_order(documents: &[Arc<Document>]) -> Vec<&Document> {
    let mut keyed: Vec<(Option<Location>, Option<String>, &Document)> = documents
        .iter()
        .map(|document| {
            let place = document.origin.locate("");
            let text = place.is_none().then(|| document.value.to_string());
            (place, text, &**document)
        })
        .collect();
    keyed.sort_by(|left, right| (&left.0, &left.1).cmp(&(&right.0, &right.1)));
    keyed.into_iter().map(|(_, _, document)| document).collect()
}

fn reference(provider: &ObjectId) -> ProviderRef {
    ProviderRef {
        namespace: provider.namespace.clone(),
        name: provider.name.clone(),
    }
}

fn serving(kept: bool) -> Serving {
    if kept {
        Serving::LastGood
    } else {
        Serving::Nothing
    }
}
