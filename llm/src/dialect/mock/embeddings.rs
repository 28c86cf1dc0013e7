//! Made-up embeddings
//! (<https://platform.openai.com/docs/api-reference/embeddings>).

use bytes::Bytes;

use super::answer::{digest, mix, tokens};
use super::params::{Params, items, missing};
use super::settings::Settings;
use crate::body::{BadBody, Body};
use crate::json::write_string;

/// The length of an embedding where the request does not say.
const DIMENSIONS: usize = 8;
/// The most inputs of a request, as with OpenAI.
const MAX_INPUTS: usize = 2048;
/// The most numbers in an answer, so that one request can't take much memory.
const MAX_NUMBERS: usize = 1 << 20;

/// The body of the answer.
pub(super) fn answer(body: &Body<'_>, settings: &Settings) -> Result<Bytes, BadBody> {
    let params = Params::read(body.json())?;
    let inputs = items("input", params.input.ok_or_else(|| missing("input"))?)?;
    let dimensions = params.dimensions()?.unwrap_or(DIMENSIONS);
    let base64 = params.base64()?;
    if inputs.len() > MAX_INPUTS || inputs.len() * dimensions > MAX_NUMBERS {
        return Err(BadBody {
            code: "array_above_max_length",
            param: Some("input"),
            message: format!(
                "Invalid 'input': array too long. Expected at most {MAX_INPUTS} inputs, and at most {MAX_NUMBERS} numbers in all."
            ),
        });
    }
    let mut out = b"{\"object\":\"list\",\"data\":[".to_vec();
    for (index, input) in inputs.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        out.extend_from_slice(b"{\"object\":\"embedding\",\"index\":");
        out.extend_from_slice(itoa::Buffer::new().format(index).as_bytes());
        out.extend_from_slice(b",\"embedding\":");
        let numbers = embedding(input.as_bytes(), dimensions);
        if base64 {
            write_base64(&numbers, &mut out);
        } else {
            write_floats(&numbers, &mut out);
        }
        out.push(b'}');
    }
    out.extend_from_slice(b"],\"model\":");
    write_string(body.model(), &mut out);
    let used = settings
        .tokens
        .input
        .unwrap_or_else(|| tokens(body.text_bytes()));
    let usage = format!(",\"usage\":{{\"prompt_tokens\":{used},\"total_tokens\":{used}}}}}");
    out.extend_from_slice(usage.as_bytes());
    Ok(out.into())
}

/// A vector of length 1 that depends on nothing but the input and the number of dimensions.
fn embedding(input: &[u8], dimensions: usize) -> Vec<f32> {
    let mut state = digest(input);
    let mut numbers: Vec<f32> = (0..dimensions)
        .map(|_| {
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            // 16 bits are exact in a float; the half keeps the vector from being all zeros.
            let bits = u16::try_from(mix(state) >> 48).unwrap_or(0);
            (f32::from(bits) + 0.5) / 32768.0 - 1.0
        })
        .collect();
    let length = numbers
        .iter()
        .map(|number| number * number)
        .sum::<f32>()
        .sqrt();
    numbers.iter_mut().for_each(|number| *number /= length);
    numbers
}

fn write_floats(numbers: &[f32], out: &mut Vec<u8>) {
    for (index, number) in numbers.iter().enumerate() {
        out.push(if index == 0 { b'[' } else { b',' });
        out.extend_from_slice(number.to_string().as_bytes());
    }
    out.push(b']');
}

/// Base64 with padding (RFC 4648 §4) of the numbers' little-endian bytes, quoted.
fn write_base64(numbers: &[f32], out: &mut Vec<u8>) {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let bytes: Vec<u8> = numbers
        .iter()
        .flat_map(|number| number.to_le_bytes())
        .collect();
    out.push(b'"');
    for group in bytes.chunks(3) {
        let byte = |at: usize| u32::from(group.get(at).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for place in 0..4 {
            let letter = ALPHABET[(bits >> (18 - 6 * place) & 63) as usize];
            out.push(if place > group.len() { b'=' } else { letter });
        }
    }
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_that_of_the_little_endian_floats() {
        // python3: base64.b64encode(struct.pack('<1f', 1.5)), and of 2 and of 3 numbers.
        for (numbers, expected) in [
            (&[1.5f32][..], "\"AADAPw==\""),
            (&[1.5, -2.0], "\"AADAPwAAAMA=\""),
            (&[1.5, -2.0, 0.1], "\"AADAPwAAAMDNzMw9\""),
        ] {
            let mut out = Vec::new();
            write_base64(numbers, &mut out);
            assert_eq!(String::from_utf8(out).unwrap(), expected);
        }
    }

    #[test]
    fn an_embedding_has_length_one_and_depends_on_its_input() {
        for dimensions in [1, 8, 3072] {
            let numbers = embedding(b"weir", dimensions);
            let length: f32 = numbers.iter().map(|number| number * number).sum();
            assert_eq!(numbers.len(), dimensions);
            assert!((length - 1.0).abs() < 1e-4, "{length}");
        }
        assert_eq!(embedding(b"weir", 8), embedding(b"weir", 8));
        assert_ne!(embedding(b"weir", 8), embedding(b"wear", 8));
    }
}
