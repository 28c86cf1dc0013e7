//! Embeddings of providers with a shape of their own, for callers of OpenAI's.

use bytes::Bytes;
use serde_json::{Value, json};
use weir_llm::body;
use weir_llm::call::Call;
use weir_llm::exchange::{Order, prepare};
use weir_recorded::{Interaction, Kind, all};

use crate::place::Place;
use crate::tally::Tally;

/// The texts that a recorded request asks for, the model and the vectors that came back.
fn recorded(interaction: &Interaction) -> (Vec<Value>, String, Vec<Value>) {
    let request: Value = serde_json::from_slice(&interaction.request.body).unwrap();
    let response: Value = serde_json::from_slice(&interaction.response.body).unwrap();
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    if let Some(texts) = request["texts"].as_array() {
        let model = request["model"].as_str().unwrap().to_owned();
        return (texts.clone(), model, list(&response["embeddings"]["float"]));
    }
    let texts = list(&request["requests"]).into_iter();
    let texts = texts.map(|one| one["content"]["parts"][0]["text"].clone());
    let vectors = list(&response["embeddings"]).into_iter();
    let model = Place::of(interaction).model.unwrap();
    (
        texts.collect(),
        model,
        vectors.map(|one| one["values"].clone()).collect(),
    )
}

fn again(interaction: &Interaction) -> Result<(), String> {
    let (texts, model, vectors) = recorded(interaction);
    let place = Place::of(interaction);
    let call = Call::of("POST", "/v1/embeddings", false).map_err(|none| format!("{none:?}"))?;
    let bytes = Bytes::from(json!({"model": "mine", "input": texts}).to_string());
    let body = body::read(&call, &bytes).map_err(|bad| format!("{bad:?}"))?;
    let exchange = prepare(&Order {
        call: &call,
        method: "POST",
        path: "/v1/embeddings",
        query: None,
        body: Some(&body),
        bytes: &bytes,
        form_model: None,
        stream: false,
        dialect: place.dialect,
        settings: &place.settings,
        model: &model,
        drop: false,
        id: "0a1b2c3d4e5f",
        now: 1_790_000_000,
    })
    .map_err(|unfit| format!("{unfit:?}"))?;
    if exchange.path != interaction.request.path {
        return Err(format!("{} was called", exchange.path));
    }
    let sent: Value = serde_json::from_slice(&exchange.body).map_err(|error| error.to_string())?;
    if !texts
        .iter()
        .all(|text| sent.to_string().contains(&text.to_string()))
    {
        return Err(format!("{sent} was sent"));
    }
    let answer = exchange
        .answer(interaction.response.body.clone().into())
        .map_err(|bad| bad.to_string())?;
    let answer: Value = serde_json::from_slice(&answer.body).map_err(|error| error.to_string())?;
    let data = answer["data"].as_array().cloned().unwrap_or_default();
    let found: Vec<Value> = data.iter().map(|one| one["embedding"].clone()).collect();
    if found == vectors && !found.is_empty() {
        Ok(())
    } else {
        Err(format!(
            "{} vectors of {} came back",
            found.len(),
            vectors.len()
        ))
    }
}

#[test]
fn embeddings_of_any_shape_are_those_of_openais_callers() {
    if all().is_empty() {
        return;
    }
    let mut tally = Tally::default();
    for interaction in all() {
        if Kind::of(interaction) == Kind::OwnEmbeddings {
            match again(interaction) {
                Ok(()) => tally.through(interaction, "Embeddings"),
                Err(error) => tally.wrong(interaction, error),
            }
        }
    }
    tally.conclude("embeddings", 4);
}
