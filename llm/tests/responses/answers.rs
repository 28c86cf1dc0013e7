use serde_json::{Value as Json, json};
use weir_llm::chat::{Answer, Choice, Event, Finish, Logprob, Part, Problem, TokenLogprob};
use weir_llm::codec::Asked;
use weir_llm::json::Value;

use crate::support::{asked, codec, encode};

#[test]
fn an_answer_repeats_its_request() {
    let body = Value::parse(
        r#"{"model":"fast","input":"Hi","temperature":0.50,"text":{"verbosity":"low"},"metadata":{"a":"b"},"store":true}"#,
    )
    .unwrap();
    let asked = Asked {
        body: Some(&body),
        ..asked()
    };
    let answer = Answer {
        id: "msg_of_another".to_owned(),
        choices: vec![Choice {
            parts: vec![Part::text("Hello")],
            finish: Some(Finish::Length),
            ..Choice::default()
        }],
        ..Answer::default()
    };
    let written = codec().write_answer(&answer, &asked);
    let written: Json = serde_json::from_slice(&written).unwrap();
    let content =
        json!([{"type": "output_text", "annotations": [], "logprobs": [], "text": "Hello"}]);
    let expected = json!({
        "id": "resp_0a1b2c", "object": "response", "created_at": 1_790_000_000, "status": "incomplete",
        "background": false, "error": null, "incomplete_details": {"reason": "max_output_tokens"},
        "model": "fast",
        "output": [{"id": "msg_0a1b2c_0", "type": "message", "status": "incomplete", "content": content, "role": "assistant"}],
        "previous_response_id": null, "store": false, "service_tier": "default", "usage": null,
        "instructions": null, "max_output_tokens": null, "max_tool_calls": null, "parallel_tool_calls": true,
        "prompt_cache_key": null, "prompt_cache_retention": null, "reasoning": {"effort": null, "summary": null},
        "safety_identifier": null, "temperature": 0.50,
        "text": {"format": {"type": "text"}, "verbosity": "low"}, "tool_choice": "auto", "tools": [],
        "top_logprobs": 0, "top_p": null, "truncation": "disabled", "user": null, "metadata": {"a": "b"},
    });
    assert_eq!(written, expected);
}

#[test]
fn the_fixture_is_what_its_stream_comes_to() {
    let text = include_bytes!("../fixtures/responses/answer.json");
    let answer = codec().read_answer(text).unwrap();
    let written = codec().write_answer(&answer, &asked());
    let again = codec().read_answer(&written).unwrap();
    assert_eq!(again, answer);
    let streamed =
        crate::support::decode([&include_bytes!("../fixtures/responses/stream.sse")[..]]);
    let said = String::from_utf8(encode(&streamed)).unwrap();
    let last = said
        .lines()
        .rfind(|line| line.starts_with("data:"))
        .unwrap();
    let last: Json = serde_json::from_str(&last["data:".len()..]).unwrap();
    let mut last = last["response"].clone();
    let mut written: Json = serde_json::from_slice(&written).unwrap();
    // The stream's message came after the calls' arguments, and no event tells the tier.
    for one in [&mut last, &mut written] {
        one.as_object_mut().unwrap().remove("service_tier");
    }
    assert_eq!(last, written);
}

#[test]
fn an_error_in_a_stream_is_told_as_the_sdks_want_it() {
    let problem = Problem::new(503, "overloaded", "Sorry.");
    let said = String::from_utf8(encode(&[Event::Failed(problem.clone())])).unwrap();
    let data = said.strip_prefix("event: error\ndata: ").unwrap();
    let data: Json = serde_json::from_str(data).unwrap();
    let expected = json!({
        "type": "error", "code": "overloaded", "message": "Sorry.", "param": null, "sequence_number": 0,
        "error": {"type": "server_error", "code": "overloaded", "message": "Sorry.", "param": null},
    });
    assert_eq!(data, expected);
    assert_eq!(codec().problem_event(&problem), said.into_bytes());
}

#[test]
fn an_error_reads_back() {
    let problem = Problem::invalid("unsupported_parameter", "conversation", "There is none.");
    let written = codec().write_problem(&problem, &asked());
    assert!(codec().is_problem(&written.body));
    let read = codec().read_problem(written.status, &written.body);
    assert_eq!(read, Some(problem));
}

#[test]
fn what_sdks_refuse_is_never_said() {
    let likely = Logprob {
        token: "é".to_owned(),
        logprob: -0.5,
        bytes: None,
    };
    let answer = Answer {
        choices: vec![Choice {
            parts: vec![Part::text("é")],
            finish: Some(Finish::Other("LANGUAGE".to_owned())),
            logprobs: vec![TokenLogprob {
                token: likely.clone(),
                top: vec![likely],
            }],
            ..Choice::default()
        }],
        service_tier: Some("standard".to_owned()),
        ..Answer::default()
    };
    let written: Json = serde_json::from_slice(&codec().write_answer(&answer, &asked())).unwrap();
    assert_eq!(written["service_tier"], "default");
    let reason = json!({"reason": "max_output_tokens"});
    assert_eq!(written["incomplete_details"], reason);
    let token = &written["output"][0]["content"][0]["logprobs"][0];
    assert_eq!(token["bytes"], json!([195, 169]));
    assert_eq!(token["top_logprobs"][0]["bytes"], json!([195, 169]));
}
