//! What the tests of the compiler share.

use std::sync::Arc;

use weir_config::text::{Document, parse_file};
use weir_config::{Compiled, Input, Kind, ObjectId, Outcome, Serving, Snapshot, compile};

/// A value that is long enough for an API key.
pub(crate) const KEY: &str = "key-one-0123456789-0123456789-0123456789";
/// Another one.
pub(crate) const OTHER_KEY: &str = "key-two-0123456789-0123456789-0123456789";

/// A certificate, as PEM.
pub(crate) const CA: &str = include_str!("../../src/compile/stand_in.pem");

/// A folder of YAML over time.
#[derive(Default)]
pub(crate) struct Folder {
    last: Option<Snapshot>,
}

impl Folder {
    /// Compiles this text as the folder's one file.
    pub(crate) fn holds(&mut self, text: &str) -> Compiled {
        self.holds_but_not(text, &[])
    }

    /// The same where some objects stand in text that can't be read.
    pub(crate) fn holds_but_not(&mut self, text: &str, unreadable: &[ObjectId]) -> Compiled {
        let compiled = compile(&Input {
            documents: &documents(text),
            unreadable,
            env: Some(&|name| match name {
                "SET" => Some(KEY.to_owned()),
                "CA" => Some(CA.to_owned()),
                _ => None,
            }),
            previous: self.last.as_ref(),
            gateway_namespace: None,
        });
        self.last = Some(compiled.snapshot.clone());
        compiled
    }
}

/// The documents of a text that is YAML.
pub(crate) fn documents(text: &str) -> Vec<Arc<Document>> {
    let parsed = parse_file("weir.yaml", text.as_bytes());
    assert_eq!(parsed.problems, [], "{text}");
    parsed.documents.into_iter().map(Arc::new).collect()
}

/// What serves for an object: None if it was accepted.
pub(crate) fn serving(compiled: &Compiled, id: &ObjectId) -> Option<Serving> {
    let verdict = compiled.verdicts.iter().find(|one| one.object == *id);
    match &verdict
        .unwrap_or_else(|| panic!("{id} has a verdict"))
        .outcome
    {
        Outcome::Accepted => None,
        Outcome::Refused { serving, .. } => Some(*serving),
    }
}

/// The messages of all problems of all objects.
pub(crate) fn messages(compiled: &Compiled) -> Vec<String> {
    let problems = compiled.verdicts.iter().flat_map(|verdict| {
        let of = |problem| format!("{}: {problem}", verdict.object);
        verdict.problems().iter().map(of)
    });
    problems.collect()
}

pub(crate) fn provider(name: &str) -> ObjectId {
    ObjectId::new(Kind::AiProvider, "team-a", name)
}

pub(crate) fn route(name: &str) -> ObjectId {
    ObjectId::new(Kind::AiRoute, "team-a", name)
}

pub(crate) fn secret(name: &str) -> ObjectId {
    ObjectId::new(Kind::Secret, "team-a", name)
}

/// A provider `openai` whose spec this is.
pub(crate) fn provider_with(spec: &str) -> String {
    format!(
        "---\napiVersion: weir.dev/v1alpha1\nkind: AIProvider\nmetadata: {{name: openai, namespace: team-a}}\nspec: {spec}\n"
    )
}

/// A route `chat` whose spec this is.
pub(crate) fn route_with(spec: &str) -> String {
    format!(
        "---\napiVersion: weir.dev/v1alpha1\nkind: AIRoute\nmetadata: {{name: chat, namespace: team-a}}\nspec: {spec}\n"
    )
}

/// A Secret of this name with these entries.
pub(crate) fn secret_with(name: &str, entries: &str) -> String {
    format!(
        "---\napiVersion: v1\nkind: Secret\nmetadata: {{name: {name}, namespace: team-a}}\nstringData: {entries}\n"
    )
}

/// An API key `ci` with these entries and this annotation.
pub(crate) fn key_with(entries: &str, annotations: &str) -> String {
    format!(
        "---\napiVersion: v1\nkind: Secret\ntype: weir.dev/api-key\nmetadata: {{name: ci, namespace: team-a, annotations: {annotations}}}\nstringData: {entries}\n"
    )
}
