//! A tree into objects: aliases expanded, merge keys merged, scalars resolved, `List`s opened, places noted.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::{Map, Value};

use super::bounds::{self, MAX_DEPTH, MAX_NODES, MAX_TEXT_BYTES};
use super::scalar::{self, Scalar};
use super::split::Chunk;
use super::tree::{self, NodeId, NodeKind, Tree, Written};
use super::{Document, Fault, FileReason, Origin, ParsedFile, Position, json, path};

/// Longer paths are not noted: what lies under them is located at its nearest shorter ancestor.
const MAX_PATH: usize = 512;

/// Reads the documents of `chunk` into `parsed`.
pub(super) fn read(file: &Arc<str>, chunk: &Chunk<'_>, parsed: &mut ParsedFile) {
    let text = json::without_surrogates(chunk.text);
    let chunk = Chunk {
        text: &text,
        lines_before: chunk.lines_before,
    };
    let read = bounds::parsable(&text, chunk.lines_before);
    let read = read.and_then(|()| {
        tree::read(&chunk, |tree| {
            if let Err(fault) = document(file, &tree, &mut parsed.documents) {
                parsed.problems.push(fault.of(file));
            }
        })
    });
    if let Err(fault) = read {
        parsed.problems.push(fault.of(file));
    }
}

fn document(file: &Arc<str>, tree: &Tree, documents: &mut Vec<Document>) -> Result<(), Fault> {
    let Some((root, node)) = tree
        .root
        .and_then(|root| Some((root, tree.nodes.get(root)?)))
    else {
        return Ok(());
    };
    let mut expansion = Expansion::new(tree);
    let value = expansion.value(root, "", 0)?;
    let found = Document {
        value,
        origin: Origin {
            start: Some((Arc::clone(file), node.position)),
            fields: expansion.fields,
        },
    };
    match &found.value {
        Value::Null => Ok(()),
        Value::Object(object) if is_list(object) => open_list(found, documents),
        Value::Object(_) => {
            documents.push(found);
            Ok(())
        }
        _ => Err(not_an_object(node.position, "a document")),
    }
}

fn not_an_object(position: Position, what: &str) -> Fault {
    let message = format!("{what} is no mapping; an object has apiVersion, kind and metadata");
    Fault::new(position, FileReason::NotAnObject, message)
}

/// `kind: List` and its typed siblings (`AIRouteList`), as `kubectl get -o yaml` prints them.
fn is_list(object: &Map<String, Value>) -> bool {
    let kind = object
        .get("kind")
        .and_then(Value::as_str)
        .unwrap_or_default();
    kind.ends_with("List") && object.get("items").is_some_and(Value::is_array)
}

fn open_list(list: Document, documents: &mut Vec<Document>) -> Result<(), Fault> {
    let Document { mut value, origin } = list;
    let Some(Value::Array(items)) = value.get_mut("items").map(Value::take) else {
        return Ok(());
    };
    let Some((file, start)) = origin.start else {
        return Ok(());
    };
    let mut places: Vec<(Position, BTreeMap<Box<str>, Position>)> =
        vec![(start, BTreeMap::new()); items.len()];
    for (field, position) in origin.fields {
        let Some((index, rest)) = field
            .strip_prefix("items[")
            .and_then(|rest| rest.split_once(']'))
        else {
            continue;
        };
        let Some((start, fields)) = index
            .parse()
            .ok()
            .and_then(|index: usize| places.get_mut(index))
        else {
            continue;
        };
        match rest.strip_prefix('.').unwrap_or(rest) {
            "" => *start = position,
            rest => {
                fields.insert(rest.into(), position);
            }
        }
    }
    let mut fault = None;
    for (value, (start, fields)) in items.into_iter().zip(places) {
        if value.is_object() {
            let start = Some((Arc::clone(&file), start));
            let origin = Origin { start, fields };
            documents.push(Document { value, origin });
        } else {
            fault.get_or_insert_with(|| not_an_object(start, "an item of a List"));
        }
    }
    fault.map_or(Ok(()), Err)
}

/// One document on its way from what is written to what it means.
struct Expansion<'a> {
    tree: &'a Tree,
    fields: BTreeMap<Box<str>, Position>,
    /// The anchored nodes that are being expanded now.
    within: Vec<NodeId>,
    nodes: usize,
    text_bytes: usize,
}

impl<'a> Expansion<'a> {
    fn new(tree: &'a Tree) -> Self {
        Self {
            tree,
            fields: BTreeMap::new(),
            within: Vec::new(),
            nodes: 0,
            text_bytes: 0,
        }
    }

    fn value(&mut self, id: NodeId, at: &str, depth: usize) -> Result<Value, Fault> {
        let tree = self.tree;
        let Some(node) = tree.nodes.get(id) else {
            return Ok(Value::Null);
        };
        self.count(node.position, depth)?;
        match &node.kind {
            NodeKind::Scalar(written) => {
                let scalar = self.scalar(written, node.position)?;
                scalar.into_json().ok_or_else(|| {
                    let message = "JSON has no infinity and nothing that is no number; quote it to make it text";
                    Fault::new(node.position, FileReason::InvalidYaml, message)
                })
            }
            NodeKind::Sequence(items) => {
                let mut list = Vec::with_capacity(items.len());
                for (index, item) in items.iter().enumerate() {
                    let path = path::item(at, index);
                    if let Some(node) = tree.nodes.get(*item) {
                        self.note(&path, node.position);
                    }
                    list.push(self.value(*item, &path, depth + 1)?);
                }
                Ok(Value::Array(list))
            }
            NodeKind::Mapping(pairs) => {
                let mut map = Map::new();
                self.mapping(pairs, at, depth, &mut map)?;
                Ok(Value::Object(map))
            }
            NodeKind::Alias(target) => {
                self.enter(*target, node.position)?;
                let value = self.value(*target, at, depth + 1)?;
                self.within.pop();
                Ok(value)
            }
        }
    }

    fn mapping(
        &mut self,
        pairs: &[NodeId],
        at: &str,
        depth: usize,
        map: &mut Map<String, Value>,
    ) -> Result<(), Fault> {
        let tree = self.tree;
        let mut own = BTreeSet::new();
        for pair in pairs.chunks_exact(2) {
            let &[key_id, value_id] = pair else { continue };
            let Some(key_node) = tree.nodes.get(key_id) else {
                continue;
            };
            if is_merge(&key_node.kind) {
                self.merge(value_id, key_node.position, at, depth, map)?;
                continue;
            }
            let key = self.key(key_id, depth)?;
            if !own.insert(key.clone()) {
                let message =
                    format!("the key {key:?} stands twice in this mapping; keep one of the two");
                return Err(Fault::new(
                    key_node.position,
                    FileReason::DuplicateKey,
                    message,
                ));
            }
            let path = path::child(at, &key);
            self.note(&path, key_node.position);
            let value = self.value(value_id, &path, depth + 1)?;
            map.insert(key, value);
        }
        Ok(())
    }

    /// What `<<` stands before: a mapping, or a list of mappings of which the earlier wins. In the Go library a merge
    /// overrides what stands above it and is overridden by what stands below, and so it is here.
    fn merge(
        &mut self,
        id: NodeId,
        key: Position,
        at: &str,
        depth: usize,
        map: &mut Map<String, Value>,
    ) -> Result<(), Fault> {
        let tree = self.tree;
        let wrong = || {
            Fault::new(
                key,
                FileReason::InvalidYaml,
                "<< merges a mapping, or a list of mappings, and nothing else",
            )
        };
        let node = tree.nodes.get(id).ok_or_else(wrong)?;
        if let NodeKind::Sequence(items) = &node.kind {
            self.count(node.position, depth)?;
            for item in items.iter().rev() {
                self.merge_one(*item, at, depth + 1, map)?
                    .ok_or_else(wrong)?;
            }
            return Ok(());
        }
        self.merge_one(id, at, depth, map)?.ok_or_else(wrong)
    }

    /// `None` where the node is no mapping.
    fn merge_one(
        &mut self,
        id: NodeId,
        at: &str,
        depth: usize,
        map: &mut Map<String, Value>,
    ) -> Result<Option<()>, Fault> {
        let tree = self.tree;
        let Some(node) = tree.nodes.get(id) else {
            return Ok(None);
        };
        self.count(node.position, depth)?;
        match &node.kind {
            NodeKind::Mapping(pairs) => self.mapping(pairs, at, depth + 1, map).map(Some),
            NodeKind::Alias(target) => {
                let Some(NodeKind::Mapping(pairs)) = tree.nodes.get(*target).map(|node| &node.kind)
                else {
                    return Ok(None);
                };
                self.enter(*target, node.position)?;
                self.mapping(pairs, at, depth + 1, map)?;
                self.within.pop();
                Ok(Some(()))
            }
            _ => Ok(None),
        }
    }

    fn key(&mut self, id: NodeId, depth: usize) -> Result<String, Fault> {
        let tree = self.tree;
        let Some(node) = tree.nodes.get(id) else {
            return Ok(String::new());
        };
        self.count(node.position, depth)?;
        let wrong = || {
            let message = "a key must be text, a number or true or false; quote it to make it text";
            Fault::new(node.position, FileReason::InvalidYaml, message)
        };
        match &node.kind {
            NodeKind::Scalar(written) => self
                .scalar(written, node.position)?
                .into_key()
                .ok_or_else(wrong),
            NodeKind::Alias(target) => match tree.nodes.get(*target).map(|node| &node.kind) {
                Some(NodeKind::Scalar(written)) => self
                    .scalar(written, node.position)?
                    .into_key()
                    .ok_or_else(wrong),
                _ => Err(wrong()),
            },
            NodeKind::Sequence(_) | NodeKind::Mapping(_) => Err(wrong()),
        }
    }

    fn scalar(&mut self, written: &Written, position: Position) -> Result<Scalar, Fault> {
        self.text_bytes = self.text_bytes.saturating_add(written.text.len());
        if self.text_bytes > MAX_TEXT_BYTES {
            let message = format!(
                "with its aliases expanded the document holds more than {MAX_TEXT_BYTES} bytes of text"
            );
            return Err(Fault::new(position, FileReason::TooLarge, message));
        }
        scalar::resolve(written)
            .map_err(|message| Fault::new(position, FileReason::InvalidYaml, message))
    }

    fn enter(&mut self, target: NodeId, position: Position) -> Result<(), Fault> {
        if self.within.contains(&target) {
            return Err(Fault::new(
                position,
                FileReason::InvalidYaml,
                "an alias stands within the value that it names",
            ));
        }
        self.within.push(target);
        Ok(())
    }

    fn count(&mut self, position: Position, depth: usize) -> Result<(), Fault> {
        self.nodes += 1;
        if self.nodes > MAX_NODES {
            let message =
                format!("with its aliases expanded the document has more than {MAX_NODES} values");
            return Err(Fault::new(position, FileReason::TooLarge, message));
        }
        if depth > MAX_DEPTH {
            let message = format!(
                "with its aliases expanded the document is nested more than {MAX_DEPTH} deep"
            );
            return Err(Fault::new(position, FileReason::TooLarge, message));
        }
        Ok(())
    }

    fn note(&mut self, path: &str, position: Position) {
        if path.len() <= MAX_PATH {
            self.fields.insert(path.into(), position);
        }
    }
}

fn is_merge(key: &NodeKind) -> bool {
    let NodeKind::Scalar(written) = key else {
        return false;
    };
    let tagged = written.tag.as_deref() == Some("tag:yaml.org,2002:merge");
    written.text == "<<" && (written.implicit || tagged)
}
