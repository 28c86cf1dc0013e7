//! What says which object a document is: `apiVersion` and `kind`.
//!
//! kubectl refuses an object without them ("apiVersion not set, kind not set"). Here they tell a resource that lost
//! its `kind`, or a file that a web server's error page took the place of, from one that is none of ours.

use serde_json::Value;

use super::{Document, FileProblem, FileReason, ParsedFile};
use crate::schema::suggestion;

/// Takes the objects out that do not say what they are, and names them.
pub(super) fn check(parsed: ParsedFile) -> ParsedFile {
    let ParsedFile {
        documents,
        mut problems,
    } = parsed;
    let mut identified = Vec::with_capacity(documents.len());
    for document in documents {
        match problem(&document) {
            None => identified.push(document),
            Some(problem) => problems.push(problem),
        }
    }
    problems.sort_by_key(|problem| (problem.location.line, problem.location.column));
    ParsedFile {
        documents: identified,
        problems,
    }
}

fn problem(document: &Document) -> Option<FileProblem> {
    let faults: Vec<(&str, String)> = ["apiVersion", "kind"]
        .into_iter()
        .filter_map(|field| Some((field, fault(document, field)?)))
        .collect();
    let (field, _) = faults.first()?;
    let said: Vec<&str> = faults.iter().map(|(_, said)| said.as_str()).collect();
    Some(FileProblem {
        location: document.origin.locate(field).unwrap_or_default(),
        message: format!(
            "this object has {}; Weir reads AIProvider and AIRoute of {}/{}, and Secret and Namespace of v1",
            said.join(" and "),
            weir_crds::GROUP,
            weir_crds::VERSION
        ),
        reason: FileReason::Unidentified,
    })
}

fn fault(document: &Document, field: &str) -> Option<String> {
    match document.value.get(field) {
        Some(Value::String(text)) if !text.trim().is_empty() => None,
        Some(Value::String(_)) => Some(format!("an empty `{field}`")),
        None | Some(Value::Null) => {
            let keys = document.value.as_object().into_iter().flatten();
            let meant = suggestion(field, keys.map(|(key, _)| key.as_str()));
            let hint = meant.map(|meant| format!(" (is `{meant}` meant to be it?)"));
            Some(format!("no `{field}`{}", hint.unwrap_or_default()))
        }
        Some(_) => Some(format!("no text as its `{field}`")),
    }
}
