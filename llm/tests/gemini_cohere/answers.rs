//! Plain answers: what is peculiar to them.

use serde_json::{Value as Json, json};
use weir_llm::Format;
use weir_llm::chat::{Answer, Choice, Finish, Part, PartKind, Problem, ProblemKind};
use weir_llm::codec::{Asked, Gaps, Target};
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

/// <https://docs.cohere.com/docs/documents-and-citations>
#[test]
fn documents_of_cohere_s_callers_are_cited_by_the_names_that_they_gave() {
    let text = json!({"messages": [
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": "Hello"},
        {"role": "user", "content": "What is it?"},
    ], "documents": ["One.", {"id": "two", "data": {"title": "Second", "text": "Two."}}, {"data": {"a": 1, "text": "Three."}}]})
    .to_string();
    let body = Value::parse(&text).unwrap();
    let asked = Asked {
        body: Some(&body),
        ..asked(Format::Cohere, false)
    };
    let request = codec(Format::Cohere).read_request(&body, &asked).unwrap();
    assert_eq!(request.extras, []);
    let target = Target {
        dialect: weir_llm::Dialect::Anthropic,
        preset: None,
        model: "claude-opus-4-6",
    };
    let mut gaps = Gaps::new(false, "Anthropic");
    let written = codec(Format::Messages)
        .write_request(&request, &target, &mut gaps)
        .unwrap();
    let written: Json = serde_json::from_slice(&written.to_bytes()).unwrap();
    let document = |data: &str| json!({"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": data}, "citations": {"enabled": true}});
    let mut titled = document("Two.");
    titled["title"] = "Second".into();
    let expected = json!([
        document("One."),
        titled,
        document(r#"{"a":1,"text":"Three."}"#),
        {"type": "text", "text": "What is it?"},
    ]);
    assert_eq!(written["messages"][2]["content"], expected);

    let cited = json!({"type": "char_location", "cited_text": "Two.", "document_index": 1, "document_title": "Second", "start_char_index": 0, "end_char_index": 4});
    let answer = json!({"content": [{"type": "text", "text": "It is.", "citations": [cited]}], "stop_reason": "end_turn"});
    let answer = codec(Format::Messages)
        .read_answer(answer.to_string().as_bytes())
        .unwrap();
    let plain: Json =
        serde_json::from_slice(&codec(Format::Cohere).write_answer(&answer, &asked)).unwrap();
    let source = &plain["message"]["citations"][0]["sources"][0];
    assert_eq!(source["id"], "two");
}

#[test]
fn what_cohere_does_anyway_and_what_none_does_is_no_extra() {
    for (options, extra) in [
        (json!({"citation_options": {"mode": "OFF"}}), None),
        (json!({"citation_options": {"mode": "disabled"}}), None),
        (
            json!({"citation_options": {"mode": "FAST"}}),
            Some("citation_options"),
        ),
        (json!({"safety_mode": "CONTEXTUAL"}), None),
        (json!({"safety_mode": "STRICT"}), Some("safety_mode")),
    ] {
        let mut body =
            json!({"messages": [{"role": "user", "content": "Hi"}], "documents": ["One."]});
        for (name, value) in options.as_object().unwrap() {
            body[name] = value.clone();
        }
        let body = body.to_string();
        let body = Value::parse(&body).unwrap();
        let request = read(Format::Cohere, &body);
        let found: Vec<&str> = request.extras.iter().map(|one| &*one.path).collect();
        assert_eq!(found, Vec::from_iter(extra), "{options}");
    }
}

#[test]
fn an_image_that_cohere_can_t_reach_is_refused() {
    for (url, fits) in [("s3://bucket/a.png", false), ("https://x/a.png", true)] {
        let image = Part::new(PartKind::Media(weir_llm::chat::Media {
            kind: weir_llm::chat::MediaKind::Image,
            source: weir_llm::chat::Source::Url(url.into()),
            media_type: None,
            name: None,
            detail: None,
            citations: false,
        }));
        let request = weir_llm::chat::Request {
            messages: vec![weir_llm::chat::Message {
                role: weir_llm::chat::Role::User,
                parts: vec![image],
                name: None,
            }],
            ..weir_llm::chat::Request::default()
        };
        let written = crate::support::write(Format::Cohere, &request, "command-a", false);
        assert_eq!(written.is_ok(), fits, "{url}");
    }
}
