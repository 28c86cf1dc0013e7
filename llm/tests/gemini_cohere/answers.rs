//! Plain answers: what is peculiar to them.

use serde_json::{Value as Json, json};
use weir_llm::Format;
use weir_llm::chat::{Answer, Choice, Finish, Part, PartKind, Problem, ProblemKind};
use weir_llm::json::{Text, Value};

use crate::support::{asked, codec, decode, encode, read};

fn answered(from: Format, answer: &Json, to: Format) -> Json {
    let answer = codec(from)
        .read_answer(answer.to_string().as_bytes())
        .unwrap();
    let written = codec(to).write_answer(&answer, &asked(to, false));
    serde_json::from_slice(&written).unwrap()
}

#[test]
fn a_file_that_a_model_made_is_shown_to_cohere_s_callers() {
    let parts =
        json!([{"text": "See:"}, {"inlineData": {"mimeType": "image/png", "data": "iVBORw0="}}]);
    let answer = json!({"candidates": [{"content": {"role": "model", "parts": parts}, "finishReason": "STOP"}]});
    let plain = answered(Format::Gemini, &answer, Format::Cohere);
    let shown = "![](data:image/png;base64,iVBORw0=)";
    let expected = json!([{"type": "text", "text": "See:"}, {"type": "text", "text": shown}]);
    assert_eq!(plain["message"]["content"], expected);

    let stream = format!("data: {answer}\n\n");
    let written = encode(Format::Cohere, &decode(Format::Gemini, [stream.as_bytes()]));
    let again = decode(Format::Cohere, [&*written]);
    let mut said = String::new();
    for event in again {
        if let weir_llm::chat::Event::Delta {
            delta: weir_llm::chat::Delta::Text(text),
            ..
        } = event
        {
            said.push_str(&text);
        }
    }
    assert_eq!(said, format!("See:{shown}"));
}

#[test]
fn a_prompt_that_was_blocked_says_why() {
    let feedback =
        json!({"promptFeedback": {"blockReason": "SAFETY", "blockReasonMessage": "Not this."}});
    let answer = codec(Format::Gemini)
        .read_answer(feedback.to_string().as_bytes())
        .unwrap();
    let said = PartKind::Refusal(Text::new("Not this."));
    let expected = Answer {
        choices: vec![Choice {
            parts: vec![Part::new(said)],
            finish: Some(Finish::ContentFilter),
            ..Choice::default()
        }],
        ..Answer::default()
    };
    assert_eq!(answer, expected);
}

#[test]
fn a_refusal_is_no_completion_to_cohere_s_callers() {
    let refusal = json!({"id": "msg_1", "content": [], "stop_reason": "refusal", "usage": {"input_tokens": 1, "output_tokens": 0}});
    let answer = answered(Format::Messages, &refusal, Format::Cohere);
    assert_eq!(answer["finish_reason"], "ERROR_TOXIC");
}

#[test]
fn statuses_that_one_provider_alone_has_become_those_that_all_have() {
    let problem = codec(Format::Cohere)
        .read_problem(498, br#"{"message":"invalid token"}"#)
        .unwrap();
    assert_eq!(
        (problem.status, problem.kind),
        (401, ProblemKind::Authentication)
    );
    let overloaded = Problem::new(529, "overloaded_error", "Overloaded");
    let written = codec(Format::Gemini).write_problem(&overloaded, &asked(Format::Gemini, false));
    let body: Json = serde_json::from_slice(&written.body).unwrap();
    assert_eq!((written.status, &body["error"]["code"]), (503, &json!(503)));
}

#[test]
fn what_a_function_of_google_s_gives_is_no_parameter() {
    let body = json!({"contents": [{"parts": [{"text": "Hi"}]}], "tools": [{"functionDeclarations": [
        {"name": "a", "response": {"type": "STRING"}, "behavior": "BLOCKING"},
        {"name": "b", "behavior": "NON_BLOCKING"},
    ]}]});
    let body = body.to_string();
    let body = Value::parse(&body).unwrap();
    let request = read(Format::Gemini, &body);
    let extras: Vec<&str> = request.extras.iter().map(|extra| &*extra.path).collect();
    assert_eq!(extras, ["tools[0].functionDeclarations[1].behavior"]);
    assert_eq!(
        request.left_out,
        ["tools[].functionDeclarations[].response"]
    );
}
