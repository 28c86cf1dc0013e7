//! What a request means, however it is written: what has to be equal in every format that takes it.

use serde_json::Value;
use weir_llm::chat::{Part, PartKind, Request, ResponseFormat, Source, Tool, ToolChoice};

/// What a request means. Ids of calls are left out, since some formats have none.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Meant {
    /// The instructions, joined.
    pub(crate) system: String,
    /// The turns; neighbours of one speaker are one.
    pub(crate) turns: Vec<(String, Vec<Piece>)>,
    /// Name, description and schema of each tool.
    pub(crate) tools: Vec<(String, String, Value)>,
    /// Whether they are called.
    pub(crate) choice: String,
    /// What the answer looks like: its schema.
    pub(crate) format: Option<Value>,
    /// Where it ends.
    pub(crate) stop: Vec<String>,
    /// Numbers by name, as far as they are said.
    pub(crate) numbers: Vec<(&'static str, f64)>,
    /// Streamed.
    pub(crate) stream: bool,
}

/// A piece of a turn.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Piece {
    /// Neighbours are joined.
    Text(String),
    /// Where it is and what it is.
    Media(String, String),
    /// The tool's name and the arguments.
    Call(String, Value),
    /// What it gave.
    Result(Vec<Piece>),
    /// The model's reasoning.
    Reasoning(String),
}

impl Meant {
    /// By this request.
    pub(crate) fn by(request: &Request<'_>) -> Self {
        let mut turns: Vec<(String, Vec<Piece>)> = Vec::new();
        for message in &request.messages {
            let role = format!("{:?}", message.role);
            if turns.last().is_none_or(|(last, _)| *last != role) {
                turns.push((role, Vec::new()));
            }
            let (_, pieces) = turns.last_mut().unwrap();
            for part in &message.parts {
                add(pieces, piece(part));
            }
        }
        Self {
            system: text_of(&request.system),
            turns,
            tools: request.tools.iter().map(tool).collect(),
            choice: choice(request),
            format: request.format.as_ref().and_then(format),
            stop: request.stop.iter().map(ToString::to_string).collect(),
            numbers: numbers(request),
            stream: request.stream,
        }
    }

    fn calls(&self) -> bool {
        let mut pieces = self.turns.iter().flat_map(|(_, pieces)| pieces);
        pieces.any(|piece| matches!(piece, Piece::Call(..)))
    }

    /// Whether `other`, read back from a format that took this, means the same: formats may add a bound of their own
    /// where none was said.
    pub(crate) fn survives_as(&self, other: &Self) -> bool {
        let mut other = other.clone();
        // Some formats want a user's turn first.
        let begins = |turns: &[(String, Vec<Piece>)]| turns.first().map(|(role, _)| role.clone());
        if begins(&self.turns).is_some_and(|role| role != "User")
            && begins(&other.turns).is_some_and(|role| role == "User")
        {
            other.turns.remove(0);
        }
        // And some want the tools that were called.
        if self.tools.is_empty() && self.calls() {
            other.tools.clear();
            other.choice.clear();
        }
        let said = |name: &str| self.numbers.iter().any(|(own, _)| *own == name);
        if !said("max_tokens") {
            other.numbers.retain(|(name, _)| *name != "max_tokens");
        }
        *self == other
    }
}

fn piece(part: &Part<'_>) -> Piece {
    match &part.kind {
        PartKind::Text(text, _) | PartKind::Refusal(text) => Piece::Text(text.to_string()),
        PartKind::Reasoning(reasoned) => Piece::Reasoning(reasoned.text.to_string()),
        PartKind::ToolCall(call) => Piece::Call(call.name.to_string(), json(&call.arguments)),
        PartKind::ToolResult(result) => {
            let mut pieces = Vec::new();
            for part in &result.parts {
                add(&mut pieces, piece(part));
            }
            Piece::Result(pieces)
        }
        PartKind::Media(media) => {
            let kind = format!("{:?}", media.kind);
            match &media.source {
                Source::Base64(data) => Piece::Media(data.to_string(), kind),
                Source::Text(text) => Piece::Media(text.to_string(), kind),
                // What it is may be left to the provider that reads it.
                Source::Url(place) | Source::File(place) => {
                    Piece::Media(place.to_string(), String::new())
                }
            }
        }
    }
}

/// Adds a piece, joined to the one before where both are text.
fn add(pieces: &mut Vec<Piece>, piece: Piece) {
    match (pieces.last_mut(), piece) {
        (Some(Piece::Text(before)), Piece::Text(more)) => before.push_str(&more),
        (_, Piece::Text(text)) if text.is_empty() => {}
        (_, piece) => pieces.push(piece),
    }
}

fn text_of(parts: &[Part<'_>]) -> String {
    let mut pieces = Vec::new();
    for part in parts {
        add(&mut pieces, piece(part));
    }
    match pieces.as_slice() {
        [] => String::new(),
        [Piece::Text(text)] => text.clone(),
        other => format!("{other:?}"),
    }
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| text.into())
}

fn tool(tool: &Tool<'_>) -> (String, String, Value) {
    match tool {
        Tool::Function {
            name,
            description,
            parameters,
            ..
        } => {
            let description = description.as_deref().unwrap_or_default();
            let none = || Value::Object(serde_json::Map::new());
            let mut schema = parameters
                .as_ref()
                .map_or_else(none, |v| json(&v.to_json()));
            if let Some(fields) = schema.as_object_mut() {
                // Arguments are an object, whether it is said or not.
                fields.remove("type");
                fields.retain(|_, value| *value != none());
            }
            (name.to_string(), description.to_owned(), schema)
        }
        Tool::Server { kind, .. } => (kind.to_string(), "server".to_owned(), Value::Null),
    }
}

/// Where there are tools, nothing said is as good as `Auto`; where there are none, nothing is said.
fn choice(request: &Request<'_>) -> String {
    match &request.tool_choice {
        _ if request.tools.is_empty() => String::new(),
        None => format!("{:?}", ToolChoice::Auto),
        Some(choice) => format!("{choice:?}"),
    }
}

fn format(format: &ResponseFormat<'_>) -> Option<Value> {
    match format {
        ResponseFormat::Text => None,
        ResponseFormat::JsonObject => Some(Value::Bool(true)),
        ResponseFormat::JsonSchema { schema, .. } => {
            let mut schema = json(&schema.to_json());
            if let Some(fields) = schema.as_object_mut() {
                // Its name and description stand beside it or in it.
                fields.remove("title");
                fields.remove("description");
            }
            close(&mut schema);
            Some(schema)
        }
    }
}

/// Objects of a schema are closed in one format and open in another unless they say it.
fn close(schema: &mut Value) {
    match schema {
        Value::Object(fields) => {
            fields.remove("additionalProperties");
            fields.values_mut().for_each(close);
        }
        Value::Array(items) => items.iter_mut().for_each(close),
        _ => {}
    }
}

fn numbers(request: &Request<'_>) -> Vec<(&'static str, f64)> {
    let sampling = &request.sampling;
    let whole = |n: Option<u64>| n.map(|n| n as f64);
    [
        ("max_tokens", whole(request.max_tokens)),
        ("n", request.n.filter(|n| *n != 1).map(f64::from)),
        ("temperature", sampling.temperature),
        ("top_p", sampling.top_p),
        ("top_k", whole(sampling.top_k)),
        ("frequency_penalty", sampling.frequency_penalty),
        ("presence_penalty", sampling.presence_penalty),
        ("seed", sampling.seed.map(|seed| seed as f64)),
    ]
    .into_iter()
    .filter_map(|(name, value)| Some((name, value?)))
    .collect()
}
