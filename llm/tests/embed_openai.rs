//! OpenAI's embeddings at providers that speak otherwise.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use rstest::rstest;
use weir_llm::chat::Problem;
use weir_llm::codec::Gaps;
use weir_llm::embed::{Request, Wire, answer, write};
use weir_llm::json::Value;
use weir_llm::{Dialect, Usage};

const TWO: &str = r#"{"model":"text","input":["one","two"],"dimensions":3,"user":"u"}"#;
const ONE: &str = r#"{"model":"text","input":"one","dimensions":3,"encoding_format":"base64"}"#;

fn sent(
    body: &str,
    dialect: Dialect,
    base: &str,
    model: &str,
) -> Result<(String, String), Problem> {
    let value = Value::parse(body).unwrap();
    let request = Request::read(&value)?;
    let wire = Wire::of(dialect, model).unwrap();
    let mut gaps = Gaps::new(false, "the provider");
    let sent = write(&request, wire, base, model, &mut gaps)?;
    Ok((sent.path, String::from_utf8(sent.body).unwrap()))
}

#[rstest]
#[case::gemini(TWO, Dialect::Gemini, "", "gemini-embedding-001", "/v1beta/models/gemini-embedding-001:batchEmbedContents",
    r#"{"requests":[{"model":"models/gemini-embedding-001","content":{"parts":[{"text":"one"}]},"outputDimensionality":3},{"model":"models/gemini-embedding-001","content":{"parts":[{"text":"two"}]},"outputDimensionality":3}]}"#)]
#[case::vertex(TWO, Dialect::Vertex, "/v1/projects/p/locations/l", "text-embedding-005", "/v1/projects/p/locations/l/publishers/google/models/text-embedding-005:predict",
    r#"{"instances":[{"content":"one"},{"content":"two"}],"parameters":{"outputDimensionality":3}}"#)]
#[case::vertex_content(
    ONE,
    Dialect::Vertex,
    "/v1/projects/p/locations/l",
    "gemini-embedding-2",
    "/v1/projects/p/locations/l/publishers/google/models/gemini-embedding-2:embedContent",
    r#"{"content":{"parts":[{"text":"one"}]},"embedContentConfig":{"outputDimensionality":3}}"#
)]
#[case::cohere(TWO, Dialect::Cohere, "", "embed-v4.0", "/v2/embed",
    r#"{"model":"embed-v4.0","texts":["one","two"],"input_type":"search_document","embedding_types":["float"],"output_dimension":3}"#)]
#[case::titan(
    ONE,
    Dialect::Bedrock,
    "",
    "amazon.titan-embed-text-v2:0",
    "/model/amazon.titan-embed-text-v2%3A0/invoke",
    r#"{"inputText":"one","dimensions":3}"#
)]
#[case::bedrock_cohere(TWO, Dialect::Bedrock, "", "us.cohere.embed-v4:0", "/model/us.cohere.embed-v4%3A0/invoke",
    r#"{"texts":["one","two"],"input_type":"search_document","embedding_types":["float"],"output_dimension":3}"#)]
fn a_call_becomes_the_providers(
    #[case] body: &str,
    #[case] dialect: Dialect,
    #[case] base: &str,
    #[case] model: &str,
    #[case] path: &str,
    #[case] expected: &str,
) {
    let expected = (path.to_owned(), expected.to_owned());
    assert_eq!(sent(body, dialect, base, model), Ok(expected));
}

#[rstest]
#[case::tokens(r#"{"input":[1,2]}"#, Dialect::Cohere, "embed-v4.0", "input")]
#[case::lists_of_tokens(r#"{"input":[[1],[2]]}"#, Dialect::Gemini, "m", "input")]
#[case::nothing(r#"{"model":"m"}"#, Dialect::Gemini, "m", "input")]
#[case::unknown(r#"{"input":"a","truncate":"END"}"#, Dialect::Gemini, "m", "truncate")]
#[case::purpose(
    r#"{"input":"a","input_type":"search_query"}"#,
    Dialect::Gemini,
    "m",
    "input_type"
)]
#[case::several(TWO, Dialect::Bedrock, "amazon.titan-embed-text-v2:0", "input")]
#[case::length(ONE, Dialect::Bedrock, "amazon.titan-embed-text-v1", "dimensions")]
fn what_a_provider_has_nothing_for_is_refused_by_name(
    #[case] body: &str,
    #[case] dialect: Dialect,
    #[case] model: &str,
    #[case] field: &str,
) {
    let problem = sent(body, dialect, "", model).unwrap_err();
    assert_eq!(
        (problem.status, problem.param.as_deref()),
        (400, Some(field))
    );
}

#[rstest]
#[case::gemini(
    Wire::Gemini,
    r#"{"embeddings":[{"values":[0.5,-1e-3]},{"values":[1, 2]}]}"#,
    None
)]
#[case::vertex(Wire::VertexPredict, r#"{"predictions":[{"embeddings":{"statistics":{"token_count":4,"truncated":false},"values":[0.5,-1e-3]}},{"embeddings":{"statistics":{"token_count":3.0},"values":[1,2]}}],"metadata":{"billableCharacterCount":6}}"#, Some(7))]
#[case::vertex_content(Wire::VertexContent, r#"{"embeddings":[{"values":[0.5,-1e-3]},{"values":[1,2]}],"usageMetadata":{"promptTokenCount":7}}"#, Some(7))]
#[case::cohere(Wire::Cohere, r#"{"id":"x","texts":["one","two"],"embeddings":{"float":[[0.5,-1e-3],[1,2]]},"meta":{"api_version":{"version":"2"},"billed_units":{"input_tokens":7}},"response_type":"embeddings_by_type"}"#, Some(7))]
#[case::bedrock_cohere(
    Wire::BedrockCohere,
    r#"{"embeddings":{"float":[[0.5,-1e-3],[1,2]]},"id":"x"}"#,
    None
)]
fn an_answer_becomes_openais(#[case] wire: Wire, #[case] body: &str, #[case] tokens: Option<u64>) {
    let usage = tokens.map(|input| Usage {
        input,
        ..Usage::default()
    });
    let told = tokens.unwrap_or(0);
    let (written, used) = answer(wire, body.as_bytes(), "text", false, 2).unwrap();
    let expected = format!(
        r#"{{"object":"list","data":[{{"object":"embedding","index":0,"embedding":[0.5,-1e-3]}},{{"object":"embedding","index":1,"embedding":[1,2]}}],"model":"text","usage":{{"prompt_tokens":{told},"total_tokens":{told}}}}}"#
    );
    assert_eq!(
        (String::from_utf8(written).unwrap(), used),
        (expected, usage)
    );
    assert!(answer(wire, body.as_bytes(), "text", false, 3).is_err());
}

#[test]
fn numbers_are_packed_as_openai_packs_them() {
    let numbers: Vec<f32> = (0u8..=255)
        .cycle()
        .take(1537)
        .map(|n| f32::from(n) / 7.0 - 9.0)
        .collect();
    let text: Vec<String> = numbers.iter().map(ToString::to_string).collect();
    let body = format!(
        r#"{{"embedding":[{}],"inputTextTokenCount":5}}"#,
        text.join(", ")
    );
    let (written, used) = answer(Wire::BedrockTitan, body.as_bytes(), "t", true, 1).unwrap();
    assert_eq!(used.unwrap().input, 5);
    let value: serde_json::Value = serde_json::from_slice(&written).unwrap();
    let packed = value["data"][0]["embedding"].as_str().unwrap();
    let bytes = base64::Engine::decode(&base64::engine::general_purpose::STANDARD, packed).unwrap();
    let read: Vec<f32> = bytes
        .chunks(4)
        .map(|four| f32::from_le_bytes(four.try_into().unwrap()))
        .collect();
    assert_eq!(read, numbers);
}

#[test]
fn what_is_no_vector_is_not_passed_on() {
    for body in [
        r#"{"embedding":["a"]}"#,
        r#"{"embedding":[[1]]}"#,
        r#"{"embedding":{"a":1}}"#,
        r#"{"embedding":[null]}"#,
        r#"{"embedding":7}"#,
        "{}",
        "<html>",
    ] {
        for base64 in [false, true] {
            let read = answer(Wire::BedrockTitan, body.as_bytes(), "t", base64, 1);
            assert!(read.is_err(), "{body}");
        }
    }
}
