//! What comes back, as OpenAI writes it
//! (<https://platform.openai.com/docs/api-reference/embeddings/object>).
//!
//! Vectors are long: no tree is built of them. Each is found as text in the provider's answer, and its numbers go from
//! there to the caller's one by one.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::Wire;
use crate::Usage;
use crate::codec::BadAnswer;
use crate::json::write_string;

/// Reads a provider's answer and writes the caller's; with it the usage, where the provider told it.
///
/// `model`: as the caller calls it. `base64`: see [`Request::base64`](super::Request::base64). `count`: how many texts
/// were sent.
///
/// # Errors
/// [`BadAnswer`] if it is not an answer of this kind, or holds another number of vectors.
pub fn answer(
    wire: Wire,
    body: &[u8],
    model: &str,
    base64: bool,
    count: usize,
) -> Result<(Vec<u8>, Option<Usage>), BadAnswer> {
    let found = find(wire, body).map_err(|_| BadAnswer::new("it is no answer with vectors"))?;
    if found.vectors.len() != count {
        return Err(BadAnswer::new("it has not one vector for each text"));
    }
    let mut out = Vec::with_capacity(body.len());
    out.extend_from_slice(b"{\"object\":\"list\",\"data\":[");
    for (index, vector) in found.vectors.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        out.extend_from_slice(b"{\"object\":\"embedding\",\"index\":");
        out.extend_from_slice(itoa::Buffer::new().format(index).as_bytes());
        out.extend_from_slice(b",\"embedding\":");
        if base64 {
            packed(vector.get(), &mut out)?;
        } else {
            plain(vector.get(), &mut out)?;
        }
        out.push(b'}');
    }
    out.extend_from_slice(b"],\"model\":");
    write_string(model, &mut out);
    let tokens = found.tokens.unwrap_or(0);
    let number = itoa::Buffer::new().format(tokens).to_owned();
    out.extend_from_slice(b",\"usage\":{\"prompt_tokens\":");
    out.extend_from_slice(number.as_bytes());
    out.extend_from_slice(b",\"total_tokens\":");
    out.extend_from_slice(number.as_bytes());
    out.extend_from_slice(b"}}");
    let usage = found.tokens.map(|input| Usage {
        input,
        ..Usage::default()
    });
    Ok((out, usage))
}

struct Found<'b> {
    vectors: Vec<&'b RawValue>,
    tokens: Option<u64>,
}

#[derive(Deserialize)]
struct Values<'b> {
    #[serde(borrow)]
    values: &'b RawValue,
    #[serde(default)]
    statistics: Option<Statistics>,
}

#[derive(Deserialize)]
struct Statistics {
    token_count: Option<f64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Metadata {
    prompt_token_count: Option<u64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Google<'b> {
    #[serde(borrow, default)]
    embeddings: Vec<Values<'b>>,
    #[serde(borrow, default)]
    embedding: Option<Values<'b>>,
    usage_metadata: Option<Metadata>,
}

#[derive(Deserialize)]
struct Predicted<'b> {
    #[serde(borrow)]
    predictions: Vec<Prediction<'b>>,
}

#[derive(Deserialize)]
struct Prediction<'b> {
    #[serde(borrow)]
    embeddings: Values<'b>,
}

#[derive(Deserialize)]
struct CohereAnswer<'b> {
    #[serde(borrow)]
    embeddings: CohereVectors<'b>,
    meta: Option<CohereMeta>,
}

/// By their types.
#[derive(Deserialize)]
struct CohereVectors<'b> {
    #[serde(borrow)]
    float: Vec<&'b RawValue>,
}

#[derive(Deserialize)]
struct CohereMeta {
    billed_units: Option<CohereUnits>,
}

#[derive(Deserialize)]
struct CohereUnits {
    input_tokens: Option<f64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Titan<'b> {
    #[serde(borrow)]
    embedding: &'b RawValue,
    input_text_token_count: Option<u64>,
}

fn find(wire: Wire, body: &[u8]) -> Result<Found<'_>, serde_json::Error> {
    match wire {
        Wire::Gemini | Wire::VertexContent => {
            let answer: Google<'_> = serde_json::from_slice(body)?;
            let all = answer.embedding.into_iter().chain(answer.embeddings);
            Ok(Found {
                vectors: all.map(|one| one.values).collect(),
                tokens: answer
                    .usage_metadata
                    .and_then(|usage| usage.prompt_token_count),
            })
        }
        Wire::VertexPredict => {
            let answer: Predicted<'_> = serde_json::from_slice(body)?;
            let counts = answer.predictions.iter().map(|one| {
                let statistics = one.embeddings.statistics.as_ref();
                statistics
                    .and_then(|statistics| statistics.token_count)
                    .and_then(whole)
            });
            let tokens = counts.sum::<Option<u64>>();
            let vectors = answer
                .predictions
                .into_iter()
                .map(|one| one.embeddings.values);
            Ok(Found {
                vectors: vectors.collect(),
                tokens,
            })
        }
        Wire::Cohere | Wire::BedrockCohere => {
            let answer: CohereAnswer<'_> = serde_json::from_slice(body)?;
            let units = answer.meta.and_then(|meta| meta.billed_units);
            Ok(Found {
                vectors: answer.embeddings.float,
                tokens: units.and_then(|units| units.input_tokens).and_then(whole),
            })
        }
        Wire::BedrockTitan => {
            let answer: Titan<'_> = serde_json::from_slice(body)?;
            Ok(Found {
                vectors: vec![answer.embedding],
                tokens: answer.input_text_token_count,
            })
        }
    }
}

/// A count that is written as a number with a fraction.
fn whole(count: f64) -> Option<u64> {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "in the range where floats hold every whole number"
    )]
    (0.0..=9_007_199_254_740_992.0)
        .contains(&count)
        .then_some(count as u64)
}

/// The numbers of an array, as they are written.
fn numbers(vector: &str) -> Result<impl Iterator<Item = &str>, BadAnswer> {
    let inside = vector
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
        .filter(|inside| !inside.contains(['[', '{', '"']))
        .ok_or_else(|| BadAnswer::new("a vector is no list of numbers"))?;
    Ok(inside
        .split(',')
        .map(str::trim)
        .filter(|number| !number.is_empty()))
}

fn plain(vector: &str, out: &mut Vec<u8>) -> Result<(), BadAnswer> {
    out.push(b'[');
    for (index, number) in numbers(vector)?.enumerate() {
        if !number.starts_with(|c: char| c == '-' || c.is_ascii_digit()) {
            return Err(BadAnswer::new("a vector holds what is no number"));
        }
        if index > 0 {
            out.push(b',');
        }
        out.extend_from_slice(number.as_bytes());
    }
    out.push(b']');
    Ok(())
}

fn packed(vector: &str, out: &mut Vec<u8>) -> Result<(), BadAnswer> {
    // Three numbers are sixteen digits, so that pieces of them stand one behind the other.
    const PIECE: usize = 3 * 256;
    out.push(b'"');
    let mut bytes = Vec::with_capacity(PIECE * 4);
    for number in numbers(vector)? {
        let number: f32 = number
            .parse()
            .map_err(|_| BadAnswer::new("a vector holds what is no number"))?;
        bytes.extend_from_slice(&number.to_le_bytes());
        if bytes.len() == PIECE * 4 {
            out.extend_from_slice(STANDARD.encode(&bytes).as_bytes());
            bytes.clear();
        }
    }
    out.extend_from_slice(STANDARD.encode(&bytes).as_bytes());
    out.push(b'"');
    Ok(())
}
