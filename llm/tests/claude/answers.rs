//! Plain answers: what is peculiar to them.

use rstest::rstest;
use serde_json::{Value as Json, json};
use weir_llm::Format;
use weir_llm::chat::{Delta, Event, Finish, Part, PartKind, PartStart};
use weir_llm::json::{Text, Value};

use crate::support::{asked, codec, decode, read, write};

/// An answer of one format, as another's caller gets it.
fn answered(from: Format, answer: &Json, to: Format) -> Json {
    let answer = codec(from)
        .read_answer(answer.to_string().as_bytes())
        .unwrap();
    let written = codec(to).write_answer(&answer, &asked(to, false));
    serde_json::from_slice(&written).unwrap()
}

fn of_anthropic(content: &Json) -> Json {
    json!({"id": "msg_1", "type": "message", "role": "assistant", "model": "claude", "content": content,
        "stop_reason": "end_turn", "stop_sequence": null, "usage": {"input_tokens": 1, "output_tokens": 1}})
}

fn of_bedrock(citation: &Json) -> Json {
    let block =
        json!({"citationsContent": {"content": [{"text": "So."}], "citations": [citation]}});
    json!({"output": {"message": {"role": "assistant", "content": [block]}}, "stopReason": "end_turn",
        "usage": {"inputTokens": 1, "outputTokens": 1, "totalTokens": 2}, "metrics": {"latencyMs": 0}})
}

/// <https://platform.claude.com/docs/en/build-with-claude/citations>,
/// <https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_CitationLocation.html>
#[rstest]
#[case::characters(
    json!({"type": "char_location", "cited_text": "q", "document_index": 1, "document_title": "T", "start_char_index": 3, "end_char_index": 4}),
    json!({"title": "T", "sourceContent": [{"text": "q"}], "location": {"documentChar": {"documentIndex": 1, "start": 3, "end": 4}}})
)]
#[case::pages(
    json!({"type": "page_location", "cited_text": "q", "document_index": 1, "document_title": "T", "start_page_number": 3, "end_page_number": 4}),
    json!({"title": "T", "sourceContent": [{"text": "q"}], "location": {"documentPage": {"documentIndex": 1, "start": 3, "end": 4}}})
)]
#[case::pieces(
    json!({"type": "content_block_location", "cited_text": "q", "document_index": 1, "document_title": "T", "start_block_index": 0, "end_block_index": 2}),
    json!({"title": "T", "sourceContent": [{"text": "q"}], "location": {"documentChunk": {"documentIndex": 1, "start": 0, "end": 2}}})
)]
#[case::a_search_result(
    json!({"type": "search_result_location", "cited_text": "q", "search_result_index": 2, "source": "https://s", "title": "T", "start_block_index": 0, "end_block_index": 2}),
    json!({"title": "T", "source": "https://s", "sourceContent": [{"text": "q"}], "location": {"searchResultLocation": {"searchResultIndex": 2, "start": 0, "end": 2}}})
)]
#[case::the_web(
    json!({"type": "web_search_result_location", "cited_text": "q", "url": "https://u", "title": "T", "encrypted_index": ""}),
    json!({"title": "T", "sourceContent": [{"text": "q"}], "location": {"web": {"url": "https://u"}}})
)]
fn a_citation_says_where_in_the_source(#[case] anthropic: Json, #[case] bedrock: Json) {
    let answer = of_anthropic(&json!([{"type": "text", "text": "So.", "citations": [anthropic]}]));
    let there = answered(Format::Messages, &answer, Format::Converse);
    let content = &there["output"]["message"]["content"];
    assert_eq!(
        content[0]["citationsContent"]["citations"],
        json!([bedrock])
    );
    let here = answered(Format::Converse, &of_bedrock(&bedrock), Format::Messages);
    assert_eq!(here["content"][0]["citations"], json!([anthropic]));
}

#[test]
fn a_tier_has_the_name_that_each_format_has_for_it() {
    let mut answer = of_anthropic(&json!([{"type": "text", "text": "So."}]));
    answer["usage"]["service_tier"] = "standard".into();
    assert_eq!(
        answered(Format::Messages, &answer, Format::Chat)["service_tier"],
        "default"
    );
    let there = answered(Format::Messages, &answer, Format::Converse);
    assert_eq!(there["serviceTier"], json!({"type": "default"}));
    for (tier, expected) in [
        ("default", json!("standard")),
        ("priority", json!("priority")),
        ("flex", Json::Null),
    ] {
        let mut answer = of_bedrock(&json!({}));
        answer["serviceTier"] = json!({"type": tier});
        let here = answered(Format::Converse, &answer, Format::Messages);
        assert_eq!(here["usage"]["service_tier"], expected, "{tier}");
    }
}

#[test]
fn a_refusal_that_is_explained_says_why() {
    let details = json!({"type": "refusal", "category": "cyber", "explanation": "Not this."});
    let mut answer = of_anthropic(&json!([]));
    answer["stop_reason"] = "refusal".into();
    answer["stop_details"] = details.clone();
    let read = codec(Format::Messages)
        .read_answer(answer.to_string().as_bytes())
        .unwrap();
    let choice = &read.choices[0];
    let said = PartKind::Refusal(Text::new("Not this."));
    assert_eq!(choice.parts, [Part::new(said)]);
    assert_eq!(choice.finish, Some(Finish::Refusal));

    let start = json!({"type": "message_start", "message": {"id": "m", "model": "c"}});
    let end = json!({"type": "message_delta", "delta": {"stop_reason": "refusal", "stop_details": details}});
    let stream = format!("data: {start}\n\ndata: {end}\n\ndata: {{\"type\":\"message_stop\"}}\n\n");
    let (choice, part) = (0, 0);
    let events = decode(Format::Messages, [stream.as_bytes()]);
    let expected = [
        Event::PartStart {
            choice,
            part,
            start: PartStart::Refusal,
        },
        Event::Delta {
            choice,
            part,
            delta: Delta::Text("Not this.".to_owned()),
        },
        Event::PartEnd { choice, part },
        Event::Finish {
            choice,
            finish: Finish::Refusal,
        },
        Event::End,
    ];
    assert_eq!(events[1..], expected);
}

#[test]
fn what_a_tool_says_of_itself_that_holds_anyway_is_no_extra() {
    let body = json!({"max_tokens": 9, "speed": "standard", "messages": [{"role": "user", "content": "Hi"}], "tools": [
        {"name": "a", "input_schema": {"type": "object"}, "defer_loading": false, "allowed_callers": ["direct"]},
        {"name": "b", "input_schema": {"type": "object"}, "defer_loading": true, "allowed_callers": ["code_execution_20260120"]},
    ]});
    let body = body.to_string();
    let body = Value::parse(&body).unwrap();
    let request = read(Format::Messages, &body);
    let extras: Vec<&str> = request.extras.iter().map(|extra| &*extra.path).collect();
    assert_eq!(
        extras,
        ["tools[1].allowed_callers", "tools[1].defer_loading"]
    );
}

#[test]
fn what_bedrock_refuses_of_documents_and_of_a_last_turn_is_mended() {
    let document = json!({"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": "JVBERi0="}});
    let body = json!({"max_tokens": 9, "messages": [
        {"role": "user", "content": [document, document, {"type": "text", "text": "Both?"}]},
        {"role": "assistant", "content": "They say: "},
    ]});
    let body = body.to_string();
    let body = Value::parse(&body).unwrap();
    let request = read(Format::Messages, &body);
    let (written, _) = write(
        Format::Converse,
        &request,
        "anthropic.claude-sonnet-4-v1:0",
        false,
    )
    .unwrap();
    let turns = &written["messages"];
    assert_eq!(turns[0]["content"][0]["document"]["name"], "document");
    assert_eq!(turns[0]["content"][1]["document"]["name"], "document (2)");
    assert_eq!(turns[1]["content"], json!([{"text": "They say:"}]));
}

#[test]
fn what_both_say_of_documents_and_search_results_is_carried() {
    let anthropic = json!([
        {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": "JVBERi0="}, "title": "T", "context": "Old."},
        {"type": "search_result", "source": "https://s", "title": "S", "content": [{"type": "text", "text": "Found."}], "citations": {"enabled": true}},
    ]);
    let bedrock = json!([
        {"document": {"format": "pdf", "name": "T", "source": {"bytes": "JVBERi0="}, "context": "Old."}},
        {"searchResult": {"source": "https://s", "title": "S", "content": [{"text": "Found."}], "citations": {"enabled": true}}},
    ]);
    let of = |content: &Json| json!({"max_tokens": 9, "messages": [{"role": "user", "content": content}]});
    for (from, body, to, expected) in [
        (Format::Messages, of(&anthropic), Format::Converse, &bedrock),
        (
            Format::Converse,
            json!({"messages": of(&bedrock)["messages"]}),
            Format::Messages,
            &anthropic,
        ),
    ] {
        let text = body.to_string();
        let body = Value::parse(&text).unwrap();
        let request = read(from, &body);
        let (written, dropped) =
            write(to, &request, "anthropic.claude-sonnet-4-v1:0", false).unwrap();
        assert_eq!(written["messages"][0]["content"], *expected);
        assert_eq!(dropped, Vec::<String>::new());
    }
    // What is said of what is no document stays refused.
    let odd = json!([{"type": "image", "source": {"type": "url", "url": "https://x/a.png"}, "context": "Old."}]);
    let text = of(&odd).to_string();
    let body = Value::parse(&text).unwrap();
    let request = read(Format::Messages, &body);
    let refused = write(Format::Converse, &request, "m", false).unwrap_err();
    assert_eq!(refused.code.as_deref(), Some("unsupported_parameter"));
}
