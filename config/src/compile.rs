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
//!   for refused resources as for others. Only a Secret in text that can't be read stays as it was, and a CA bundle that
//!   became unusable, which is no secret.
//! - A resource that is in no document, and not among the unreadable, is gone.
//! - A route that is new and names what is not there is refused as a whole. A route that was good before keeps serving
//!   with the backends that it has left; [`link`](crate::link) leaves out the others, and judges `allowedRoutes` anew each time.
//! - A shard is small enough to be read: of a kind of which a namespace has more than [`MAX_OF_A_KIND`] the oldest objects
//!   serve (by the time of their creation, then by name), those that can't be read before them. What does not fit is
//!   refused, and its last good version serves if that fits. Service accounts that don't fit are left out, new ones first.
//! - A shard that comes out equal to that of `previous` is the very same `Arc`.
//! - No message holds the value of a secret, and of an API key only its SHA-256 leaves this module.
//!
//! # Assumptions
//! - `previous` came from this function, of this or an earlier version, and holds nothing of another cluster or folder.
//! - `unreadable` names every resource that stood in text which can't be read now. One that is left out counts as deleted.

mod across;
mod key;
mod kind;
mod local;
mod lookup;
mod namespace;
mod narrow;
mod object;
mod provider;
mod room;
mod route;
mod secret;
mod standing;
mod text;
mod variables;
mod workspace;

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::snapshot::Snapshot;
use crate::text::{Document, Location};
use crate::verdict::{Kind, ObjectId, Outcome, Problem, Reason, Serving, Verdict};
use object::{Found, Object};
use variables::Variables;

pub(crate) use variables::is_stand_in;

pub use room::MAX_OF_A_KIND;
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
    /// The namespace of the gateways that serve this: providers of that one alone may use the gateway's own identity.
    /// None where it is not known, and nobody is refused for its sake; [`link`](crate::link) knows it in any case.
    pub gateway_namespace: Option<&'a str>,
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
    let mut folder = TakenUp::default();
    let mut workspace = Workspace::new(input.previous.cloned().unwrap_or_default());
    if let Some(own) = input.gateway_namespace {
        workspace = workspace.for_gateways_in(own);
    }
    for document in in_order(input.documents) {
        if let Some(id) = folder.take_up(document) {
            workspace.put_as(id, Arc::clone(document));
        }
    }
    for id in input.unreadable {
        workspace.unreadable(id);
    }
    let variables = input.env.map(|env| Variables { env, assume_good });
    let pass = workspace.compile_with(variables);
    let judged = pass.namespaces.into_values().flat_map(|one| one.verdicts);
    let mut verdicts: Vec<Verdict> = folder.verdicts.into_iter().chain(judged).collect();
    // Stable, so that the verdicts on an object that stands twice keep the order of the text.
    verdicts.sort_by(|left, right| left.object.cmp(&right.object));
    folder.skipped.sort();
    Compiled {
        snapshot: workspace.into_snapshot(),
        verdicts,
        skipped: folder.skipped,
    }
}

/// The documents of a folder, of which several may claim to be one object, and some to be none.
#[derive(Default)]
struct TakenUp {
    places: BTreeMap<ObjectId, Option<Location>>,
    verdicts: Vec<Verdict>,
    skipped: Vec<Skipped>,
}

impl TakenUp {
    /// The object that a document stands for, if it counts.
    fn take_up(&mut self, document: &Document) -> Option<ObjectId> {
        let Object { id, problems, .. } = match Object::of(document) {
            Found::Ours(object) => object,
            Found::Other(object) => {
                let location = document.origin.locate("");
                self.skipped.push(Skipped { object, location });
                return None;
            }
        };
        // What has no name that can be read is no second of its kind, either.
        if !has_name(&id) {
            self.verdicts
                .push(refuse(&id, document, problems, Serving::Nothing));
            return None;
        }
        match self.places.entry(id) {
            Entry::Vacant(entry) => {
                let id = entry.key().clone();
                entry.insert(document.origin.locate(""));
                Some(id)
            }
            Entry::Occupied(entry) => {
                let place = match entry.get() {
                    Some(place) => format!(" in {place}"),
                    None => String::new(),
                };
                let message =
                    format!("stands{place} too, and that one counts: remove one of the two");
                let problem = Problem::new(Reason::DuplicateResource, "", message);
                self.verdicts.push(refuse(
                    entry.key(),
                    document,
                    vec![problem],
                    Serving::TheOther,
                ));
                None
            }
        }
    }
}

/// Whether this is one object among others: of a kind that is read, and with a name.
fn has_name(id: &ObjectId) -> bool {
    !matches!(id.kind, Kind::Unknown(_)) && !id.name.is_empty()
}

/// The verdict on an object: accepted without problems, and refused with any.
fn judge(id: &ObjectId, document: &Document, problems: Vec<Problem>, instead: Serving) -> Verdict {
    if problems.is_empty() {
        return Verdict {
            object: id.clone(),
            outcome: Outcome::Accepted,
        };
    }
    refuse(id, document, problems, instead)
}

fn refuse(
    id: &ObjectId,
    document: &Document,
    mut problems: Vec<Problem>,
    serving: Serving,
) -> Verdict {
    for problem in &mut problems {
        problem.location = document.origin.locate(&problem.field);
    }
    let place = |problem: &Problem| problem.location.as_ref().map(|at| (at.line, at.column));
    problems.sort_by_key(place);
    Verdict {
        object: id.clone(),
        outcome: Outcome::Refused { problems, serving },
    }
}

/// The documents by their place, so that the order in which they are given means nothing; those without a place by
/// what they hold.
fn in_order(documents: &[Arc<Document>]) -> Vec<&Arc<Document>> {
    let mut keyed: Vec<(Option<Location>, Option<String>, &Arc<Document>)> = documents
        .iter()
        .map(|document| {
            let place = document.origin.locate("");
            let text = place.is_none().then(|| document.value.to_string());
            (place, text, document)
        })
        .collect();
    keyed.sort_by(|left, right| (&left.0, &left.1).cmp(&(&right.0, &right.1)));
    keyed.into_iter().map(|(_, _, document)| document).collect()
}

fn serving(kept: bool) -> Serving {
    if kept {
        Serving::LastGood
    } else {
        Serving::Nothing
    }
}
