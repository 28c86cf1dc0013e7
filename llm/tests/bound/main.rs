//! What calls can cost at most.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use proptest::prelude::*;
use weir_llm::bound::{Bound, Facts, Medium, least_output};
use weir_llm::chat::{
    Detail, Extra, Media, MediaKind, Message, Part, PartKind, Request, Role, Source, Thinking,
    Tool, ToolCall,
};
use weir_llm::json::{Text, Value};
use weir_llm::price::{Counts, Kind, Prices, Query, Rate, Row, catalogue, parse_day, parse_usd};
use weir_llm::{Format, Usage};

fn facts(format: Format) -> Facts {
    Facts {
        format,
        text_bytes: 0,
        messages: 0,
        tools: 0,
        media: Vec::new(),
        max_output: None,
        answers: 1,
        thinking_budget: None,
        predicted: 0,
        unbounded: Vec::new(),
    }
}

/// Tokens that are counted for a request that says nothing.
fn empty() -> u64 {
    facts(Format::Chat).input()
}

fn price(input: &str, output: &str) -> Prices {
    let rate = |text| Rate::flat(parse_usd(text).unwrap());
    Prices::from_iter([(Kind::Input, rate(input)), (Kind::Output, rate(output))])
}

fn image(detail: Option<Detail>, source: Source<'static>) -> PartKind<'static> {
    PartKind::Media(Media {
        kind: MediaKind::Image,
        source,
        media_type: None,
        name: None,
        detail,
        citations: false,
    })
}

fn file(kind: MediaKind, media_type: &'static str, source: Source<'static>) -> PartKind<'static> {
    PartKind::Media(Media {
        kind,
        source,
        media_type: Some(media_type.into()),
        name: None,
        detail: None,
        citations: false,
    })
}

fn user(parts: Vec<PartKind<'static>>) -> Request<'static> {
    let parts = parts.into_iter().enumerate().map(|(at, kind)| Part {
        path: format!("messages[0].content[{at}]"),
        ..Part::new(kind)
    });
    let message = Message {
        role: Role::User,
        parts: parts.collect(),
        name: None,
    };
    Request {
        messages: vec![message],
        ..Request::default()
    }
}

#[test]
fn every_byte_that_the_model_reads_is_a_token() {
    let schema = Value::parse(r#"{"type":"object"}"#).unwrap();
    let request = Request {
        system: vec![Part::text("be kind")],
        tools: vec![Tool::Function {
            name: "weather".into(),
            description: Some("of a place".into()),
            parameters: Some(schema),
            strict: None,
            cache: None,
        }],
        ..user(vec![
            PartKind::Text(Text::new("grüß"), Vec::new()),
            PartKind::ToolCall(ToolCall {
                id: "call_1".into(),
                name: "weather".into(),
                arguments: Text::new("{}"),
                signature: None,
            }),
        ])
    };
    let facts = Facts::of(&request, Format::Chat);
    assert_eq!(facts.text_bytes, 7 + (7 + 10 + 17) + 6 + (6 + 7 + 2));
    assert_eq!((facts.messages, facts.tools), (2, 1));
    assert!(facts.input() > facts.text_bytes + empty());
}

#[test]
fn files_are_counted_by_the_table_and_what_has_no_bound_is_named() {
    let mut request = user(vec![
        image(None, Source::Url("https://example.com/cat.png".into())),
        image(Some(Detail::Low), Source::Base64("AAAA".into())),
        file(
            MediaKind::Audio,
            "audio/wav",
            Source::Base64("AAAAAAAA".into()),
        ),
        file(
            MediaKind::Document,
            "text/plain",
            Source::Base64("AAAA".into()),
        ),
        file(
            MediaKind::Document,
            "application/pdf",
            Source::Base64("AAAA".into()),
        ),
        file(
            MediaKind::Document,
            "application/pdf",
            Source::Url("https://example.com/a.pdf".into()),
        ),
        file(
            MediaKind::Document,
            "application/pdf",
            Source::File("file-1".into()),
        ),
        file(
            MediaKind::Document,
            "text/plain",
            Source::Text(Text::new("words")),
        ),
        file(
            MediaKind::Video,
            "video/mp4",
            Source::Url("gs://b/v.mp4".into()),
        ),
    ]);
    request.tools = vec![Tool::Server {
        kind: "web_search".into(),
        path: "tools[0]".into(),
    }];
    let extra = |path: &str, value| Extra {
        path: path.to_owned(),
        value,
    };
    request.extras = vec![
        extra("previous_response_id", Value::parse("\"resp_1\"").unwrap()),
        extra("background", Value::parse("false").unwrap()),
        extra("store", Value::parse("true").unwrap()),
    ];
    let facts = Facts::of(&request, Format::Messages);
    assert_eq!(
        facts.media,
        [
            Medium::Image { detail: None },
            Medium::Image {
                detail: Some(Detail::Low)
            },
            Medium::Plain { bytes: 6 },
            Medium::Plain { bytes: 3 },
            Medium::Packed,
        ]
    );
    assert_eq!(
        facts.unbounded,
        [
            "messages[0].content[5]",
            "messages[0].content[6]",
            "messages[0].content[8]",
            "tools[0]",
            "previous_response_id"
        ]
    );
    assert_eq!(facts.text_bytes, 5 + 8 + 4);
    // All that is packed fills the model's window, and no more.
    let packed = Facts {
        media: vec![Medium::Packed; 3],
        ..self::facts(Format::Messages)
    };
    assert_eq!(packed.input(), empty() + 1_000_000);
}

#[test]
fn an_image_is_bounded_in_every_format() {
    for (format, tokens) in [
        (Format::Chat, 48_169),
        (Format::Completions, 48_169),
        (Format::Responses, 48_169),
        (Format::Messages, 4_784),
        (Format::Gemini, 4_386),
        (Format::Converse, 48_169),
        (Format::Cohere, 3_328),
    ] {
        let media = vec![Medium::Image { detail: None }; 2];
        assert_eq!(
            Facts {
                media,
                ..facts(format)
            }
            .input(),
            empty() + 2 * tokens,
            "{format}"
        );
    }
    let low = vec![Medium::Image {
        detail: Some(Detail::Low),
    }];
    assert_eq!(
        Facts {
            media: low,
            ..facts(Format::Chat)
        }
        .input(),
        empty() + 3_779
    );
}

#[test]
fn the_least_maximum_is_what_the_format_and_its_thinking_accept() {
    let thinking = Some(2_048);
    for (format, plain, thinks) in [
        (Format::Chat, 1, 1),
        (Format::Completions, 1, 1),
        (Format::Responses, 16, 16),
        (Format::Messages, 1, 2_049),
        (Format::Gemini, 1, 1),
        (Format::Converse, 1, 2_049),
        (Format::Cohere, 1, 1),
    ] {
        assert_eq!(
            (least_output(format, None), least_output(format, thinking)),
            (plain, thinks),
            "{format}"
        );
        assert_eq!(least_output(format, Some(0)), plain, "{format}");
    }
    let request = Request {
        max_tokens: Some(4_096),
        thinking: Some(Thinking {
            enabled: Some(true),
            budget: thinking,
            ..Thinking::default()
        }),
        ..Request::default()
    };
    let bound = |format| Bound::of(&Facts::of(&request, format), &price("3", "15"));
    assert_eq!(
        (bound(Format::Messages).least, bound(Format::Messages).most),
        (2_049, Some(4_096))
    );
    assert_eq!(bound(Format::Cohere).most, Some(4_096 + 2_048));
}

#[test]
fn a_bound_is_the_dearest_rate_of_each_kind_times_the_answers() {
    let at = parse_day("2026-11-23").unwrap();
    let query = Query {
        provider: Some("anthropic"),
        model: "claude-sonnet-4-5",
        at,
        context: &[],
    };
    let prices = Row::find(&query, None).prices;
    let short = Facts {
        text_bytes: 10_000 - empty(),
        max_output: Some(1_000),
        ..facts(Format::Messages)
    };
    let bound = Bound::of(&short, &prices);
    // Written to the cache for an hour: $6. Output: $15.
    assert_eq!(
        (bound.input, bound.fixed, bound.per_output),
        (10_000, 60_000_000, 15_000_000_000)
    );
    assert_eq!(bound.cost(1_000), 60_000_000 + 15_000_000);
    assert!(bound.priced && bound.unbounded.is_empty());
    // Beyond 200,000 tokens: $12 and $22.50.
    let long = Facts {
        text_bytes: 300_000 - empty(),
        answers: 2,
        ..short
    };
    let bound = Bound::of(&long, &prices);
    assert_eq!(
        (bound.fixed, bound.per_output),
        (2 * 3_600_000_000, 2 * 22_500_000_000)
    );
}

#[test]
fn what_is_charged_beside_tokens_is_in_it() {
    let prices = price("1", "2").overridden(&Prices::from_iter([(
        Kind::Requests,
        Rate::flat(12_000_000_000),
    )]));
    let predicted = Facts {
        text_bytes: 10_000 - empty(),
        predicted: 500,
        ..facts(Format::Chat)
    };
    let bound = Bound::of(&predicted, &prices);
    assert_eq!(bound.fixed, 10_000 * 1_000 + 500 * 2_000 + 12_000_000);
    let searching = Prices::from_iter([(Kind::Citations, Rate::flat(1))]);
    let bound = Bound::of(&facts(Format::Chat), &searching);
    assert_eq!(
        (bound.unbounded, bound.priced),
        (vec!["model".to_owned()], false)
    );
}

#[test]
fn what_is_answered_without_a_word_needs_no_price_for_words() {
    let priced = |provider, model| {
        let query = Query {
            provider: Some(provider),
            model,
            at: 0,
            context: &[],
        };
        Row::find(&query, None).prices
    };
    let text = Facts::of_text(100_000);
    let bound = Bound::of(&text, &priced("openai", "text-embedding-3-small"));
    assert_eq!(
        (bound.fixed, bound.most, bound.priced),
        (text.input() * 20, Some(0), true)
    );
    // $15 a million characters.
    let bound = Bound::of(&text, &priced("openai", "tts-1"));
    assert_eq!((bound.cost(0), bound.priced), (1_500_000_000, true));
    let bound = Bound::of(&Facts::of_text(0), &priced("openai", "whisper-1"));
    assert_eq!(
        (bound.unbounded, bound.priced),
        (vec!["file".to_owned()], false)
    );
    assert!(!Bound::of(&text, &Prices::default()).priced);
}

/// Anything that a request can be, and any usage that it can lead to.
fn calls() -> impl Strategy<Value = (Facts, Usage, usize, i64)> {
    let shape = (
        0..3_000_000_u64,
        0..50_u64,
        0..20_u64,
        0..4_usize,
        1..200_000_u64,
        1..5_u32,
        0..7_usize,
    );
    let models = catalogue()
        .providers()
        .map(|provider| provider.models().count())
        .sum::<usize>();
    let parts = proptest::array::uniform7(0..=1_000_u64);
    (shape, parts, 0..models, 0..2_000_000_000_i64).prop_map(|(shape, parts, model, at)| {
        let (text_bytes, messages, tools, images, most, answers, format) = shape;
        let facts = Facts {
            text_bytes,
            messages,
            tools,
            media: vec![Medium::Image { detail: None }; images],
            max_output: Some(most),
            answers,
            ..facts(Format::ALL[format])
        };
        let of = |whole: u64, part: u64| whole / 1_000 * part;
        let input = of(facts.input() * u64::from(answers), parts[0]);
        let output = of(most * u64::from(answers), parts[1]);
        let usage = Usage {
            input,
            output,
            cached: Some(of(input, parts[2])),
            cache_write: Some(of(input, parts[3])),
            cache_write_hour: Some(of(input, parts[4])),
            reasoning: Some(of(output, parts[5])),
            audio_input: Some(of(input, parts[6])),
            audio_output: Some(of(output, parts[6])),
            image_input: Some(of(input, parts[3])),
            image_output: Some(of(output, parts[4])),
            estimated: false,
        };
        (facts, usage, model, at)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]
    #[test]
    fn no_call_costs_more_than_its_bound((facts, usage, model, at) in calls()) {
        let mut models = catalogue().providers().flat_map(|provider| provider.models());
        let prices = models.nth(model).unwrap().prices_at(at, &[]);
        let bound = Bound::of(&facts, &prices);
        let cost = prices.cost(&Counts::from(&usage));
        prop_assert!(cost <= bound.cost(facts.max_output.unwrap()), "{cost} > {bound:?}");
    }

    #[test]
    fn a_longer_request_is_never_bounded_by_less(bytes in 0..1_000_000_u64, more: u64, model in 0..2_000_usize) {
        let mut models = catalogue().providers().flat_map(|provider| provider.models());
        let prices = models.nth(model).unwrap().prices_at(0, &[]);
        let bound = |text_bytes| Bound::of(&Facts { text_bytes, ..facts(Format::Chat) }, &prices);
        prop_assert!(bound(bytes).fixed <= bound(bytes.saturating_add(more)).fixed);
    }
}
