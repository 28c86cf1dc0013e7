use weir_llm::chat::{
    Answer, Choice, Citation, Delta, Event, Finish, Part, PartKind, PartStart, Reasoned, Signature,
    ToolCall,
};
use weir_llm::json::{Text, Value};
use weir_llm::{Format, Usage};

use crate::support::{asked, codec, encode, json, read};

const ANSWER: &str = include_str!("../fixtures/openai/answer.json");

#[test]
fn an_answer_is_read() {
    let answer = codec(Format::Chat).read_answer(ANSWER.as_bytes()).unwrap();
    let [first, second] = answer.choices.as_slice() else {
        panic!("{answer:?}");
    };
    assert_eq!(first.finish, Some(Finish::Stop));
    let PartKind::Text(text, citations) = &first.parts[0].kind else {
        panic!("no text");
    };
    assert_eq!(&**text, "Noon, says the clock.");
    assert_eq!(
        citations[0].url.as_deref(),
        Some("https://example.com/clock")
    );
    assert_eq!(citations[0].span, Some((0, 4)));
    assert_eq!(first.logprobs[0].token.bytes.as_deref(), Some(&b"Noon"[..]));
    assert_eq!(second.finish, Some(Finish::ToolCalls));
    let PartKind::ToolCall(call) = &second.parts[0].kind else {
        panic!("no call");
    };
    assert_eq!(&*call.arguments, "{\"zone\": \"UTC\"}");
    assert_eq!(
        answer.usage,
        Some(Usage {
            input: 120,
            output: 30,
            cached: Some(64),
            reasoning: Some(10),
            audio_input: Some(5),
            audio_output: Some(0),
            ..Usage::default()
        })
    );
}

#[test]
fn an_answer_is_written_as_it_was_read() {
    let chat = codec(Format::Chat);
    let answer = chat.read_answer(ANSWER.as_bytes()).unwrap();
    let written = chat.write_answer(&answer, &asked(false));
    assert_eq!(json(std::str::from_utf8(&written).unwrap()), json(ANSWER));
}

/// What a caller sends back of what it got.
fn sent_back(answer: &Answer) -> String {
    let written = codec(Format::Chat).write_answer(answer, &asked(false));
    let written = json(std::str::from_utf8(&written).unwrap());
    let message = &written["choices"][0]["message"];
    serde_json::json!({"model": "fast", "messages": [{"role": "user", "content": "x"}, message]})
        .to_string()
}

#[test]
fn signatures_of_others_come_back_with_what_they_prove() {
    let signature = |data: &'static str| {
        Some(Signature {
            from: Format::Gemini,
            data: data.into(),
        })
    };
    let reasoned = |text: &'static str, data, summary, redacted| {
        Part::new(PartKind::Reasoning(Reasoned {
            text: Text::new(text),
            summary,
            signature: signature(data),
            redacted,
        }))
    };
    let parts = vec![
        reasoned("I see.", "c2ln", false, false),
        reasoned("", "cmVk", false, true),
        reasoned("In short.", "c3Vt", true, false),
        Part::text("Two."),
        Part::new(PartKind::ToolCall(ToolCall {
            id: "call_1".into(),
            name: "clock".into(),
            arguments: Text::new("{}"),
            signature: signature("Y2Fs"),
        })),
    ];
    let answer = Answer {
        choices: vec![Choice {
            parts: parts.clone(),
            finish: Some(Finish::ToolCalls),
            ..Choice::default()
        }],
        ..Answer::default()
    };
    let text = sent_back(&answer);
    let body = Value::parse(&text).unwrap();
    let request = read(Format::Chat, &body);
    let found: Vec<&PartKind<'_>> = request.messages[1]
        .parts
        .iter()
        .map(|one| &one.kind)
        .collect();
    let expected: Vec<&PartKind<'_>> = parts.iter().map(|one| &one.kind).collect();
    assert_eq!(found, expected);
}

#[test]
fn providers_shapes_of_their_own_are_read() {
    let read = |message: &str| {
        let body =
            format!(r#"{{"choices":[{{"index":0,"message":{message},"finish_reason":"stop"}}]}}"#);
        let mut answer = codec(Format::Chat).read_answer(body.as_bytes()).unwrap();
        answer.choices.remove(0)
    };
    // Mistral's parts, of models that reason.
    let choice = read(
        r#"{"content":[{"type":"thinking","thinking":[{"type":"text","text":"So."}]},{"type":"text","text":"Hi"}]}"#,
    );
    assert!(matches!(&choice.parts[0].kind, PartKind::Reasoning(one) if &*one.text == "So."));
    assert_eq!(choice.parts[1], Part::text("Hi"));
    // DeepSeek's.
    let choice = read(r#"{"content":"Hi","reasoning_content":"So."}"#);
    assert!(matches!(&choice.parts[0].kind, PartKind::Reasoning(one) if &*one.text == "So."));
    // A call that ends with `stop`, and one without an id.
    let choice =
        read(r#"{"content":"","tool_calls":[{"function":{"name":"f","arguments":{"a":1}}}]}"#);
    assert_eq!(choice.finish, Some(Finish::ToolCalls));
    assert!(
        matches!(&choice.parts[0].kind, PartKind::ToolCall(one) if &*one.id == "call_0_0" && &*one.arguments == r#"{"a":1}"#)
    );
    let choice = read(r#"{"content":null,"refusal":"No."}"#);
    assert_eq!(choice.finish, Some(Finish::Stop));
    assert_eq!(
        choice.parts,
        [Part::new(PartKind::Refusal(Text::new("No.")))]
    );
}

#[test]
fn a_completion_is_written_as_it_was_read() {
    let body = r#"{"id":"cmpl-1","object":"text_completion","created":1790000001,"model":"davinci-002",
        "choices":[{"text":" time","index":0,"logprobs":{"tokens":[" time"],"token_logprobs":[-0.5],
        "top_logprobs":[{" time":-0.5," day":-1.5}],"text_offset":[0]},"finish_reason":"length"}],
        "usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2,
        "prompt_tokens_details":{"cached_tokens":0,"audio_tokens":0},
        "completion_tokens_details":{"reasoning_tokens":0,"audio_tokens":0}}}"#;
    let completions = codec(Format::Completions);
    let answer = completions.read_answer(body.as_bytes()).unwrap();
    let written = completions.write_answer(&answer, &asked(false));
    assert_eq!(json(std::str::from_utf8(&written).unwrap()), json(body));
}

/// An answer of one text.
fn answer(text: PartKind<'static>, finish: Option<Finish>) -> Answer {
    Answer {
        choices: vec![Choice {
            parts: vec![Part::new(text)],
            finish,
            ..Choice::default()
        }],
        service_tier: Some("standard".to_owned()),
        ..Answer::default()
    }
}

fn written(format: Format, answer: &Answer) -> serde_json::Value {
    let written = codec(format).write_answer(answer, &asked(false));
    json(std::str::from_utf8(&written).unwrap())
}

#[test]
fn what_sdks_refuse_is_never_said() {
    let odd = Some(Finish::Other("LANGUAGE".to_owned()));
    let text = || PartKind::Text(Text::new("No."), Vec::new());
    for (format, finish, expected) in [
        (Format::Chat, odd.clone(), "length"),
        (Format::Chat, None, "stop"),
        (Format::Completions, odd, "length"),
        (Format::Completions, Some(Finish::ToolCalls), "stop"),
    ] {
        let written = written(format, &answer(text(), finish));
        assert_eq!(written["choices"][0]["finish_reason"], expected, "{format}");
    }
    let mut told = answer(text(), None);
    assert_eq!(written(Format::Chat, &told)["service_tier"], "default");
    told.service_tier = Some("batch".to_owned());
    assert_eq!(written(Format::Chat, &told).get("service_tier"), None);
}

#[test]
fn a_citation_without_a_place_is_of_all_of_its_text() {
    let cited = Citation {
        quote: Some("No refunds.".into()),
        document: Some(0),
        ..Citation::default()
    };
    let place = |annotation: &serde_json::Value| {
        let inside = &annotation["url_citation"];
        (inside["start_index"].clone(), inside["end_index"].clone())
    };
    let text = PartKind::Text(Text::new("Ça va."), vec![cited.clone()]);
    let told = written(Format::Chat, &answer(text, None));
    let annotation = &told["choices"][0]["message"]["annotations"][0];
    assert_eq!(place(annotation), (0.into(), 6.into()));

    let delta = |delta| Event::Delta {
        choice: 0,
        part: 0,
        delta,
    };
    let stream = encode(
        Format::Chat,
        &[
            Event::PartStart {
                choice: 0,
                part: 0,
                start: PartStart::Text,
            },
            delta(Delta::Text("Ça va.".to_owned())),
            delta(Delta::Citation(cited)),
        ],
    );
    let stream = String::from_utf8(stream).unwrap();
    let last = stream.trim_end().rsplit("data: ").next().unwrap();
    let annotation = &json(last)["choices"][0]["delta"]["annotations"][0];
    assert_eq!(place(annotation), (0.into(), 6.into()));
}
