//! What the scripts are told to ask for, and what has to come back.

use serde_json::{Map, Value, json};

use crate::expected::expected;
use crate::played::{Ask, Wire, played};

/// A PNG of one pixel, in base64.
pub(crate) const IMAGE: &str = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
/// What every tool gives.
pub(crate) const RESULT: &str = "18 degrees and no rain";
/// The name and the description of each tool that is offered: all that any of the answers calls.
pub(crate) const TOOLS: [(&str, &str); 3] = [
    ("get_weather", "The weather of a place"),
    ("get_current_weather", "The weather of a place, now"),
    ("get_time", "The time at a place or in a time zone"),
];

/// A provider, as it is called here.
pub(crate) struct Provider {
    /// Short, in names of models.
    pub(crate) name: &'static str,
    /// In the table.
    pub(crate) title: &'static str,
    /// What it speaks.
    pub(crate) wire: Wire,
    /// It speaks responses too.
    pub(crate) responses: bool,
}

/// Every provider.
pub(crate) const PROVIDERS: [Provider; 10] = {
    const fn provider(name: &'static str, title: &'static str, wire: Wire) -> Provider {
        Provider {
            name,
            title,
            wire,
            responses: false,
        }
    }
    [
        Provider {
            responses: true,
            ..provider("openai", "OpenAI", Wire::Chat)
        },
        provider("azure", "Azure OpenAI", Wire::Chat),
        provider("anthropic", "Anthropic", Wire::Messages),
        provider("gemini", "Gemini", Wire::Gemini),
        provider("vertex", "Vertex, Gemini", Wire::Gemini),
        provider("claude", "Vertex, Claude", Wire::Messages),
        provider("bedrock", "Bedrock", Wire::Converse),
        provider("cohere", "Cohere", Wire::Cohere),
        provider("mistral", "Mistral", Wire::Chat),
        provider("groq", "Groq", Wire::Chat),
    ]
};

/// The file that the scripts read.
pub(crate) fn told(providers: &[&Provider]) -> Value {
    let text = json!({"type": "string"});
    let parameters = json!({
        "type": "object",
        "properties": {"location": text, "unit": text, "timezone": text},
    });
    let tools = TOOLS.map(|(name, description)| {
        json!({"name": name, "description": description, "parameters": parameters})
    });
    let mut all = Map::new();
    for provider in providers {
        let asks = Ask::ALL.map(|ask| {
            let said = |wire| expected(wire, &played(provider.name, wire, ask)).json();
            let mut answers = json!({"default": said(provider.wire)});
            if provider.responses {
                answers["responses"] = said(Wire::Responses);
            }
            (ask.name().to_owned(), answers)
        });
        all.insert(
            provider.name.to_owned(),
            Value::Object(asks.into_iter().collect()),
        );
    }
    json!({
        "system": "You are terse.",
        "question": "What is the weather like there?",
        "image": IMAGE,
        "tools": tools,
        "result": RESULT,
        "schema": {
            "type": "object",
            "properties": {"joke": text, "rating": {"type": "integer"}},
            "required": ["joke", "rating"],
            "additionalProperties": false,
        },
        "expected": all,
    })
}
