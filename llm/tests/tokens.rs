//! Counting where the provider did not.

use proptest::prelude::*;
use weir_llm::Usage;
use weir_llm::chat::{
    Answer, Choice, Delta, Event, Media, MediaKind, Message, Part, PartKind, PartStart, Reasoned,
    Request, Role, Source, Tool,
};
use weir_llm::json::{Text, Value};
use weir_llm::tokens::{SAMPLE, Sample, Tokenizer, usage};

/// The figures of <https://developers.openai.com/cookbook/examples/how_to_count_tokens_with_tiktoken>.
#[test]
fn openai_counts_so() {
    for (text, cl100k, o200k) in [
        ("", 0, 0),
        ("antidisestablishmentarianism", 6, 6),
        ("2 + 2 = 4", 7, 7),
        ("お誕生日おめでとう", 9, 8),
    ] {
        let counted = [Tokenizer::Cl100k, Tokenizer::O200k].map(|tokenizer| tokenizer.count(text));
        assert_eq!(counted, [cl100k, o200k], "{text}");
    }
}

#[test]
fn a_model_is_counted_by_its_name() {
    for (model, tokenizer) in [
        ("gpt-4o-mini", Tokenizer::O200k),
        ("openai/gpt-4.1", Tokenizer::O200k),
        ("GPT-5-nano", Tokenizer::O200k),
        ("ft:gpt-4o-mini-2024-07-18:acme::1", Tokenizer::O200k),
        ("us.openai.gpt-oss-120b-1:0", Tokenizer::O200k),
        ("o3", Tokenizer::O200k),
        ("gpt-4-turbo", Tokenizer::Cl100k),
        ("gpt-35-turbo", Tokenizer::Cl100k),
        ("text-embedding-3-small", Tokenizer::Cl100k),
        ("anthropic.claude-opus-4-6-v1:0", Tokenizer::Like(13)),
        ("gemini-2.5-pro", Tokenizer::Like(10)),
        ("meta-llama/Llama-3.3-70B-Instruct", Tokenizer::Like(11)),
        ("", Tokenizer::Like(11)),
    ] {
        assert_eq!(Tokenizer::of(model), tokenizer, "{model}");
    }
    let text = "The quick brown fox jumps over the lazy dog.";
    assert_eq!(
        [10, 11, 13].map(|tenths| Tokenizer::Like(tenths).count(text)),
        [10, 11, 13]
    );
}

#[test]
fn a_stream_that_was_cut_is_counted_as_far_as_it_came() {
    let part = |choice, part, start| Event::PartStart {
        choice,
        part,
        start,
    };
    let text = |choice, part, text: &str| Event::Delta {
        choice,
        part,
        delta: Delta::Text(text.to_owned()),
    };
    let mut output = Sample::default();
    for event in [
        Event::Start {
            id: "msg".to_owned(),
            model: "m".to_owned(),
            created: None,
        },
        part(
            0,
            0,
            PartStart::Reasoning {
                summary: false,
                redacted: false,
            },
        ),
        text(0, 0, "antidisestab"),
        text(0, 0, "lishmentarianism"),
        Event::PartEnd { choice: 0, part: 0 },
        part(0, 1, PartStart::Text),
        text(0, 1, "2 + 2"),
        text(0, 1, " = 4"),
    ] {
        output.event(&event);
    }
    let mut input = Sample::default();
    input.push("お誕生日おめでとう");
    let counted = Usage {
        input: 8,
        output: 7 + 6,
        reasoning: Some(6),
        estimated: true,
        ..Usage::default()
    };
    assert_eq!(usage("gpt-4o", None, &input, &output), counted);
    // What the provider said of the input holds; what it said of the output before it was cut is too little.
    let said = Usage {
        input: 5_000,
        output: 1,
        cached: Some(4_096),
        ..Usage::default()
    };
    let expected = Usage {
        input: 5_000,
        cached: Some(4_096),
        ..counted
    };
    assert_eq!(usage("gpt-4o", Some(said), &input, &output), expected);
    let more = Usage {
        output: 1_000,
        ..said
    };
    assert_eq!(
        usage("gpt-4o", Some(more), &input, &output),
        Usage {
            output: 1_000,
            ..expected
        }
    );
}

#[test]
fn a_request_and_an_answer_are_counted_part_by_part() {
    let file = PartKind::Media(Media {
        kind: MediaKind::Image,
        source: Source::Url("https://example.com/cat.png".into()),
        media_type: None,
        name: None,
        detail: None,
        citations: false,
    });
    let message = |parts| Message {
        role: Role::User,
        parts,
        name: None,
    };
    let request = Request {
        system: vec![Part::text("2 + 2 = 4")],
        messages: vec![message(vec![
            Part::text("antidisestablishmentarianism"),
            Part::new(file),
        ])],
        tools: vec![Tool::Function {
            name: "a".into(),
            description: None,
            parameters: Some(Value::parse("{}").unwrap()),
            strict: None,
            cache: None,
        }],
        ..Request::default()
    };
    let texts = Tokenizer::O200k.count("2 + 2 = 4antidisestablishmentarianisma{}");
    let around = 2 * 4 + 12 + 3;
    assert_eq!(
        Sample::of_request(&request).text(Tokenizer::O200k),
        texts + around + 1_100
    );
    let reasoned = Reasoned {
        text: Text::new("2 + 2 = 4"),
        summary: false,
        signature: None,
        redacted: false,
    };
    let parts = vec![
        Part::new(PartKind::Reasoning(reasoned)),
        Part::text("お誕生日おめでとう"),
    ];
    let answer = Answer {
        choices: vec![Choice {
            parts,
            ..Choice::default()
        }],
        ..Answer::default()
    };
    let sample = Sample::of_answer(&answer);
    assert_eq!(
        (
            sample.text(Tokenizer::O200k),
            sample.reasoning(Tokenizer::O200k)
        ),
        (8, 7)
    );
}

#[test]
fn what_is_too_long_is_counted_by_its_beginning() {
    let (mut short, mut long) = (Sample::default(), Sample::default());
    for _ in 0..SAMPLE / 8 {
        short.push("weather ");
    }
    for _ in 0..SAMPLE / 4 {
        long.push("weather ");
    }
    let of = |sample: &Sample| sample.text(Tokenizer::O200k);
    assert_eq!(of(&long), 2 * of(&short));
    // Characters are kept whole, and nothing is kept behind what was left out.
    let mut odd = Sample::default();
    odd.push(&"€".repeat(SAMPLE));
    odd.push("a");
    assert!(of(&odd) > 0);
}

/// Runs of one sort of character are the worst for some tokenizers: a megabyte of it must not take minutes.
#[test]
fn no_text_takes_long() {
    for unit in [
        "a", " ", "\n", " \n", "!", "é", "0", "aA", "\u{301}", "𝔘", " a",
    ] {
        let mut sample = Sample::default();
        sample.push(&unit.repeat(SAMPLE / unit.len()));
        let tokens = sample.text(Tokenizer::O200k);
        assert!(tokens > 0 && tokens <= SAMPLE as u64, "{unit:?}: {tokens}");
    }
}

proptest! {
    #[test]
    fn a_token_is_at_least_a_byte(text in "\\PC{0,200}") {
        for tokenizer in [Tokenizer::O200k, Tokenizer::Cl100k] {
            prop_assert!(tokenizer.count(&text) <= text.len() as u64);
        }
    }
}
