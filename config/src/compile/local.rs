//! One namespace alone: its labels, its API keys, and its providers with their Secrets.

use std::collections::{BTreeMap, BTreeSet};

use super::key::{self, Draft};
use super::lookup::Secrets;
use super::object::Object;
use super::room::{Room, no_room};
use super::variables::Variables;
use super::workspace::{Claim, Claims, Documents};
use super::{judge, namespace, provider, secret, serving};
use crate::snapshot::{ApiKey, NAME_LABEL, Provider, Shard, Snapshot};
use crate::verdict::{Kind, ObjectId, Outcome, Problem, Reason, Serving, Verdict};

/// A namespace that is being compiled.
pub(super) struct Local<'a> {
    name: &'a str,
    variables: Option<Variables<'a>>,
    objects: BTreeMap<ObjectId, Object<'a>>,
    /// The objects in text that can't be read, of which no readable document is there.
    unreadable: BTreeSet<&'a ObjectId>,
    /// What serves so far: where last good lives.
    last: &'a Shard,
    gateway_namespace: Option<&'a str>,
}

/// What a namespace came to, its routes aside.
pub(super) struct Front {
    /// Its labels, keys and providers.
    pub(super) shard: Shard,
    /// The names of the providers that there are, refused ones included.
    pub(super) declared: BTreeSet<String>,
    pub(super) verdicts: Vec<Verdict>,
}

impl<'a> Local<'a> {
    pub(super) fn open(
        name: &'a str,
        documents: &'a Documents,
        last: &'a Shard,
        variables: Option<Variables<'a>>,
        gateway_namespace: Option<&'a str>,
    ) -> Self {
        let objects = documents.readable.values().filter_map(|document| {
            let mut object = Object::ours(document)?;
            match object.id.kind {
                Kind::Secret => secret::check_shape(&mut object),
                Kind::Namespace => object.only_fields(&["spec", "status"]),
                Kind::AiProvider | Kind::AiRoute | Kind::Unknown(_) => {}
            }
            Some((object.id.clone(), object))
        });
        let unreadable = documents.unreadable.iter();
        let unreadable = unreadable.filter(|id| !documents.readable.contains_key(*id));
        Self {
            name,
            variables,
            objects: objects.collect(),
            unreadable: unreadable.collect(),
            last,
            gateway_namespace,
        }
    }

    /// The readable objects of a kind.
    pub(super) fn of_kind(&self, kind: &Kind) -> impl Iterator<Item = &Object<'a>> {
        let objects = self.objects.values();
        objects.filter(move |object| object.id.kind == *kind)
    }

    /// The same, the oldest first; those without a time count as the youngest.
    pub(super) fn by_age(&self, kind: &Kind) -> Vec<&Object<'a>> {
        let mut objects: Vec<&Object<'a>> = self.of_kind(kind).collect();
        objects.sort_by_key(|object| (object.created.is_none(), object.created));
        objects
    }

    /// The objects of a kind in text that can't be read.
    pub(super) fn unreadable(&self, kind: &Kind) -> impl Iterator<Item = &'a ObjectId> {
        let ids = self.unreadable.iter().copied();
        ids.filter(move |id| id.kind == *kind)
    }

    /// The name of the namespace.
    pub(super) fn name(&self) -> &'a str {
        self.name
    }

    /// What serves so far.
    pub(super) fn last(&self) -> &'a Shard {
        self.last
    }

    /// What its Secrets say of themselves as API keys.
    pub(super) fn drafts(&self) -> BTreeMap<ObjectId, Draft> {
        let secrets = self.of_kind(&Kind::Secret);
        secrets
            .filter(|secret| key::is_key(secret))
            .map(|secret| (secret.id.clone(), key::read(secret, self.variables)))
            .collect()
    }

    /// The values that its API keys claim; those in text that can't be read claim what they have.
    pub(super) fn claims(&self, drafts: &BTreeMap<ObjectId, Draft>) -> BTreeSet<Claim> {
        let kept = self.unreadable(&Kind::Secret).filter_map(|id| {
            let last = self.last.keys.get(&id.name)?;
            Some((id, last))
        });
        let drafts = drafts.iter().map(|(id, draft)| (id, &draft.key));
        let claims = kept.chain(drafts).flat_map(|(id, key)| {
            let of = |hash| Claim {
                hash,
                id: id.clone(),
                created: key.created,
            };
            key.hashes.iter().copied().map(of)
        });
        claims.collect()
    }

    /// Compiles all but the routes.
    pub(super) fn front(
        &self,
        drafts: BTreeMap<ObjectId, Draft>,
        claims: &Claims,
        previous: &Snapshot,
    ) -> Front {
        let mut verdicts = Vec::new();
        let labels = self.labels(&mut verdicts);
        let keys = self.keys(drafts, claims, previous, &mut verdicts);
        let providers = self.providers(&mut verdicts);
        self.other_secrets(&providers, &mut verdicts);
        let readable = self.of_kind(&Kind::AiProvider).map(|object| &object.id);
        let declared = readable.chain(self.unreadable(&Kind::AiProvider));
        Front {
            declared: declared.map(|id| id.name.clone()).collect(),
            shard: Shard {
                namespace: self.name.to_owned(),
                labels: namespace::labels(self.name, labels),
                providers,
                keys,
                ..Shard::default()
            },
            verdicts,
        }
    }

    fn labels(&self, verdicts: &mut Vec<Verdict>) -> BTreeMap<String, String> {
        // A namespace of which only the name is known has no last good labels.
        let known = |labels: &BTreeMap<String, String>| labels.keys().any(|key| key != NAME_LABEL);
        let last = Some(&self.last.labels).filter(|labels| known(labels));
        let mut labels = BTreeMap::new();
        for object in self.of_kind(&Kind::Namespace) {
            labels = match last {
                _ if object.problems.is_empty() => object.labels.clone(),
                Some(last) => namespace::narrow(last, object),
                None => BTreeMap::new(),
            };
            let problems = object.problems.clone();
            let kept = serving(known(&labels));
            verdicts.push(judge(&object.id, object.document, problems, kept));
        }
        for id in self.unreadable(&Kind::Namespace) {
            labels = last.cloned().unwrap_or_default();
            verdicts.push(unreadable(id, known(&labels)));
        }
        labels
    }

    fn keys(
        &self,
        mut drafts: BTreeMap<ObjectId, Draft>,
        claims: &Claims,
        previous: &Snapshot,
        verdicts: &mut Vec<Verdict>,
    ) -> BTreeMap<String, ApiKey> {
        let mut keys = BTreeMap::new();
        let mut room = Room::new();
        // Secrets that are no keys have no verdict.
        for id in self.unreadable(&Kind::Secret) {
            if let Some(last) = self.last.keys.get(&id.name) {
                let fits = room.takes(&id.name, last);
                verdicts.push(unreadable(id, fits));
                keys.extend(fits.then(|| (id.name.clone(), last.clone())));
            }
        }
        key::refuse_duplicates(&mut drafts, claims, previous);
        let mut drafts: Vec<(ObjectId, Draft)> = drafts.into_iter().collect();
        drafts.sort_by_key(|(_, draft)| (draft.key.created.is_none(), draft.key.created));
        for (id, mut draft) in drafts {
            if draft.problems.is_empty() && !room.takes(&id.name, &draft.key) {
                draft.problems.push(no_room(&id.kind, self.name));
            }
            let kept = if draft.problems.is_empty() {
                Some(draft.key)
            } else {
                let last = self.last.keys.get(&id.name);
                last.and_then(|last| key::narrow(last, &draft.key))
                    .filter(|kept| room.takes(&id.name, kept))
            };
            let document = self.objects[&id].document;
            verdicts.push(judge(
                &id,
                document,
                draft.problems,
                serving(kept.is_some()),
            ));
            keys.extend(kept.map(|kept| (id.name, kept)));
        }
        keys
    }

    fn providers(&self, verdicts: &mut Vec<Verdict>) -> BTreeMap<String, Provider> {
        let secrets = Secrets {
            variables: self.variables,
            objects: &self.objects,
            unreadable: &self.unreadable,
            gateway_namespace: self.gateway_namespace,
        };
        let mut providers = BTreeMap::new();
        let mut room = Room::new();
        for id in self.unreadable(&Kind::AiProvider) {
            let last = self.last.providers.get(&id.name);
            let kept = last
                .and_then(|last| provider::resolve_kept(last.clone(), self.name, &secrets, last))
                .filter(|kept| room.takes(&id.name, kept));
            verdicts.push(unreadable(id, kept.is_some()));
            providers.extend(kept.map(|kept| (id.name.clone(), kept)));
        }
        for object in self.by_age(&Kind::AiProvider) {
            let id = &object.id;
            let last = self.last.providers.get(&id.name);
            let fresh = provider::read(object)
                .and_then(|fresh| provider::resolve(fresh, self.name, &secrets, last))
                .and_then(|fresh| match room.takes(&id.name, &fresh) {
                    true => Ok(fresh),
                    false => Err(vec![no_room(&id.kind, self.name)]),
                });
            let (kept, problems) = match fresh {
                Ok(fresh) => (Some(fresh), Vec::new()),
                Err(problems) => {
                    let kept = last.and_then(|last| {
                        let kept = provider::narrow(last, self.name, object)?;
                        provider::resolve_kept(kept, self.name, &secrets, last)
                    });
                    let kept = kept.filter(|kept| room.takes(&id.name, kept));
                    (kept, problems)
                }
            };
            let instead = serving(kept.is_some());
            verdicts.push(judge(id, object.document, problems, instead));
            providers.extend(kept.map(|kept| (id.name.clone(), kept)));
        }
        providers
    }

    /// Secrets that are no keys have a verdict only where nobody can say what they are.
    fn other_secrets(&self, providers: &BTreeMap<String, Provider>, verdicts: &mut Vec<Verdict>) {
        for object in self.of_kind(&Kind::Secret) {
            if key::is_key(object) || !object.is_of_another_version() {
                continue;
            }
            let mut users = providers.values();
            let kept = users.any(|provider| provider.sources.have(&object.id.name));
            let problems = object.problems.clone();
            verdicts.push(judge(&object.id, object.document, problems, serving(kept)));
        }
    }
}

/// The verdict on what stood in text that can't be read.
pub(super) fn unreadable(id: &ObjectId, kept: bool) -> Verdict {
    let message = "the text that held it can't be read";
    let problems = vec![Problem::new(Reason::Unreadable, "", message)];
    let serving: Serving = serving(kept);
    Verdict {
        object: id.clone(),
        outcome: Outcome::Refused { problems, serving },
    }
}
