//! A page of the docs for each kind, from its CRD.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::Value;

use crate::{condition, reason};

/// What each condition means, in the order in which a resource passes through them: its type, when it is True, and the
/// reasons that it can have beside those of the compiler.
const CONDITIONS: [(&str, &str, &[&str]); 5] = [
    (
        condition::ACCEPTED,
        "The spec makes sense.",
        &[reason::ACCEPTED],
    ),
    (
        condition::RESOLVED_REFS,
        "What the spec refers to is there, and may be used.",
        &[reason::RESOLVED_REFS],
    ),
    (
        condition::PROGRAMMED,
        "Every gateway pod runs it as it is written.",
        &[
            reason::PROGRAMMED,
            reason::PENDING,
            reason::GATEWAYS_BEHIND,
            reason::GATEWAY_REFUSED,
            reason::NO_GATEWAYS,
            reason::REFUSED,
        ],
    ),
    (
        condition::READY,
        "All of these are so: every gateway pod serves this generation now. Otherwise the reason is that of what fails.",
        &[reason::READY, reason::PENDING],
    ),
    (
        condition::STALLED,
        "The newest generation is refused, and stays so until it is changed. Absent otherwise.",
        &[],
    ),
];

/// The page of a kind.
pub(super) fn page(crd: &Value) -> Option<String> {
    let names = crd.pointer("/spec/names")?;
    let version = crd.pointer("/spec/versions/0")?;
    let schema = version.pointer("/schema/openAPIV3Schema")?;
    let kind = names["kind"].as_str()?;
    let plural = names["plural"].as_str()?;
    let short = names.pointer("/shortNames/0")?.as_str()?;
    let (group, version) = (
        crd.pointer("/spec/group")?.as_str()?,
        version["name"].as_str()?,
    );
    let mut page = Page::default();
    page.line(&format!(
        "<!-- Generated from the types in crds/ by: cargo run -p weir-crds --features crd --bin generate-crds -->\n# {kind}\n\n{}\n",
        text(schema, "description")
    ));
    page.line(&format!(
        "`apiVersion: {group}/{version}`, `kind: {kind}`, in a namespace. `kubectl get {short}` lists them ({plural}), `kubectl get ai` lists \
         all of Weir's. `kubectl explain {}` says what stands here. The API server refuses what breaks a bound or a rule; `weir check` says the same \
         without a cluster.\n",
        kind.to_lowercase()
    ));
    page.line("A field that is not marked as required may be left out; what that means is said with it.\n");
    let (spec, status) = (
        schema.pointer("/properties/spec")?,
        schema.pointer("/properties/status")?,
    );
    page.object("spec", spec);
    page.work_off();
    page.object("status", status);
    page.work_off();
    page.conditions();
    Some(page.text.trim_end().to_owned() + "\n")
}

#[derive(Default)]
struct Page<'a> {
    text: String,
    /// The objects that are yet to be described, by the heading of their section.
    ahead: Vec<(String, &'a Value)>,
    /// Where each object is described, by what its schema says.
    described: BTreeMap<String, String>,
}

impl<'a> Page<'a> {
    fn line(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push('\n');
    }

    fn work_off(&mut self) {
        while !self.ahead.is_empty() {
            let (path, schema) = self.ahead.remove(0);
            self.object(&path, schema);
        }
    }

    /// A section with the fields of an object.
    fn object(&mut self, path: &str, schema: &'a Value) {
        let depth = if path.contains('.') { "###" } else { "##" };
        self.line(&format!(
            "{depth} `{path}`\n\n{}\n",
            text(schema, "description")
        ));
        let fields = schema["properties"].as_object();
        let required: Vec<&str> = schema["required"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        self.line(
            "| field | type | required | bounds | what it is |\n| --- | --- | --- | --- | --- |",
        );
        let mut below = Vec::new();
        for (name, field) in fields.into_iter().flatten() {
            let (shape, inner) = self.shape(&format!("{path}.{name}"), field);
            let is_required = if required.contains(&name.as_str()) {
                "yes"
            } else {
                ""
            };
            let what = text(field, "description").replace('|', "\\|");
            self.line(&format!(
                "| `{name}` | {shape} | {is_required} | {} | {what} |",
                bounds(field)
            ));
            below.extend(inner);
        }
        self.text.push('\n');
        self.rules(schema);
        // The fields of an object go before its siblings.
        self.ahead.splice(0..0, below);
    }

    /// What a field is called, and the object below it that is yet to be described.
    fn shape(&mut self, path: &str, field: &'a Value) -> (String, Option<(String, &'a Value)>) {
        if let Some(items) = field.get("items") {
            let (shape, below) = self.shape(&format!("{path}[]"), items);
            return (format!("list of {shape}"), below);
        }
        if field.get("additionalProperties").is_some() {
            return ("map of text to text".to_owned(), None);
        }
        match field["type"].as_str() {
            Some("object") => {
                // What it is for is said with the field; what stands in it is said once.
                let mut says = field.clone();
                says["description"].take();
                let says = says.to_string();
                if let Some(known) = self.described.get(&says) {
                    return (format!("object, as [`{known}`](#{})", anchor(known)), None);
                }
                self.described.insert(says, path.to_owned());
                let below = (path.to_owned(), field);
                (format!("[object](#{})", anchor(path)), Some(below))
            }
            Some("integer") => ("integer".to_owned(), None),
            _ => {
                let values = field["enum"].as_array().into_iter().flatten();
                let values: Vec<String> = values
                    .filter_map(Value::as_str)
                    .map(|value| format!("`{value}`"))
                    .collect();
                let shape = if values.is_empty() {
                    "text".to_owned()
                } else {
                    values.join(", ")
                };
                (shape, None)
            }
        }
    }

    /// The rules of an object and of its lists of objects. Those of a text stand with its bounds.
    fn rules(&mut self, schema: &Value) {
        let mut rules: Vec<String> = messages(schema)
            .map(|(field, message)| {
                let field = field.unwrap_or_default().trim_start_matches('.');
                match message.strip_prefix(field) {
                    Some(rest) if field.is_empty() => rest.to_owned(),
                    Some(rest) => format!("`{field}`{rest}"),
                    None => format!("`{field}`: {message}"),
                }
            })
            .collect();
        let fields = schema["properties"].as_object().into_iter().flatten();
        for (name, field) in fields.filter(|(_, field)| field["type"] == "array") {
            rules.extend(messages(field).map(|(_, message)| format!("`{name}`: {message}")));
        }
        if rules.is_empty() {
            return;
        }
        self.line("Rules:\n");
        for rule in rules {
            self.line(&format!("- {rule}."));
        }
        self.text.push('\n');
    }

    fn conditions(&mut self) {
        self.line("### Conditions\n");
        self.line("| type | True means | reasons |\n| --- | --- | --- |");
        for (kind, means, reasons) in CONDITIONS {
            let reasons: Vec<String> = reasons.iter().map(|reason| format!("`{reason}`")).collect();
            self.line(&format!("| `{kind}` | {means} | {} |", reasons.join(", ")));
        }
        self.line(&format!(
            "\nA spec that is refused has the class of its first problem as the reason, such as `InvalidExpression` or `ProviderNotFound`, and the field's path in \
             the message. What served before serves on: `servingGeneration` says which generation that is. Until the operator has seen a new object it has \
             {} `Unknown` with the reason {}.",
            code(condition::READY),
            code(reason::PENDING)
        ));
    }
}

fn code(word: &str) -> String {
    format!("`{word}`")
}

fn text<'a>(schema: &'a Value, field: &str) -> &'a str {
    schema[field].as_str().unwrap_or_default()
}

/// As GitHub makes it of a heading.
fn anchor(path: &str) -> String {
    let kept = path
        .chars()
        .filter(|one| one.is_alphanumeric() || *one == '-');
    kept.collect::<String>().to_lowercase()
}

fn messages(schema: &Value) -> impl Iterator<Item = (Option<&str>, &str)> {
    let rules = schema["x-kubernetes-validations"]
        .as_array()
        .into_iter()
        .flatten();
    rules.filter_map(|rule| Some((rule["fieldPath"].as_str(), rule["message"].as_str()?)))
}

/// The bounds of a field, and of what is in it.
fn bounds(field: &Value) -> String {
    let mut parts: Vec<String> = Vec::new();
    let mut range = |least: &str, most: &str, unit: &str| {
        let (least, most) = (field[least].as_i64(), field[most].as_i64());
        // As good as none, and no help to a reader.
        let most = most.filter(|most| *most < (1 << 53) - 1);
        parts.extend(match (least.filter(|least| *least > 0), most) {
            (Some(least), Some(most)) => Some(format!("{least} to {most}{unit}")),
            (None, Some(most)) if unit.is_empty() => Some(format!("0 to {most}")),
            (None, Some(most)) => Some(format!("at most {most}{unit}")),
            (Some(least), None) => Some(format!("at least {least}{unit}")),
            (None, None) => None,
        });
    };
    range("minLength", "maxLength", " characters");
    range("minItems", "maxItems", " entries");
    range("minProperties", "maxProperties", " entries");
    range("minimum", "maximum", "");
    match field["x-kubernetes-list-type"].as_str() {
        Some("set") => parts.push("no two alike".to_owned()),
        Some("map") => {
            let keys = field["x-kubernetes-list-map-keys"]
                .as_array()
                .into_iter()
                .flatten();
            let keys: Vec<String> = keys.filter_map(Value::as_str).map(code).collect();
            parts.push(format!("no two of one {}", keys.join(", ")));
        }
        _ => {}
    }
    if field["type"] == "string" {
        parts.extend(messages(field).map(|(_, message)| message.to_owned()));
    }
    let mut all = parts.join("; ");
    for inner in ["items", "additionalProperties"].map(|inner| &field[inner]) {
        if inner["type"] == "string" && inner.get("enum").is_none() {
            let _ = write!(
                all,
                "{}each {}",
                if all.is_empty() { "" } else { "; " },
                bounds(inner)
            );
        }
    }
    all.replace('|', "\\|")
}
