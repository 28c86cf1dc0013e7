//! Bodies of requests.

use weir_llm::bound::{Bound, Facts};
use weir_llm::chat::Request;
use weir_llm::codec::{Gaps, Target};
use weir_llm::json::Value;
use weir_llm::price::Prices;
use weir_llm::{Dialect, Format, Preset};

use super::Input;
use super::promise::{asked, can_be_told, codec, in_proportion, is_json};

const PRESETS: [Option<Preset>; 6] = [
    None,
    Some(Preset::OpenRouter),
    Some(Preset::Mistral),
    Some(Preset::DeepSeek),
    Some(Preset::VLLM),
    Some(Preset::Perplexity),
];

/// Bodies of requests, from every format to every other: read, bounded, written; what a format can't do is refused where
/// it is not dropped, and the other way round.
pub fn request(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let from = input.one_of(&Format::ALL);
    let options = input.byte();
    let body = input.rest;
    let Ok(value) = Value::from_bytes(body) else {
        return;
    };
    let asked = asked(Some(&value), from, options);
    let request = match codec(from).read_request(&value, &asked) {
        Ok(request) => request,
        Err(problem) => {
            assert!((400..=499).contains(&problem.status));
            return can_be_told(&problem, bytes.len());
        }
    };
    assert_eq!(request.from, Some(from));
    let texts = request.text_bytes();
    assert!(texts <= body.len() as u64 * 4, "{texts} bytes of text");
    let preset = PRESETS[usize::from(options >> 3) % PRESETS.len()];
    for to in Format::ALL {
        bounded(&request, to);
        for dialect in speakers(to, options) {
            let preset = preset.filter(|_| *dialect == Dialect::OpenAI);
            let target = Target {
                dialect: *dialect,
                preset,
                model: model(to, options),
            };
            written(&request, &target, to, body);
        }
    }
}

/// Who speaks a format.
fn speakers(format: Format, options: u8) -> &'static [Dialect] {
    match format {
        Format::Chat | Format::Responses if options & 8 == 8 => &[Dialect::AzureOpenAI],
        Format::Chat | Format::Responses | Format::Completions => &[Dialect::OpenAI],
        Format::Messages if options & 8 == 8 => &[Dialect::Vertex],
        Format::Messages => &[Dialect::Anthropic],
        Format::Gemini if options & 8 == 8 => &[Dialect::Vertex],
        Format::Gemini => &[Dialect::Gemini],
        Format::Converse => &[Dialect::Bedrock],
        Format::Cohere => &[Dialect::Cohere],
    }
}

/// A model that the writer may know the ways of.
fn model(format: Format, options: u8) -> &'static str {
    let newer = options & 16 == 16;
    match format {
        Format::Chat | Format::Completions | Format::Responses if newer => "gpt-5.1",
        Format::Messages if newer => "claude-opus-4-7",
        Format::Messages => "claude-3-7-sonnet-20250219",
        Format::Gemini if newer => "gemini-3-pro",
        Format::Gemini => "gemini-2.5-flash",
        Format::Converse if newer => "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
        Format::Converse => "amazon.nova-lite-v1:0",
        Format::Cohere => "command-a-03-2025",
        _ => "gpt-4o",
    }
}

fn bounded(request: &Request<'_>, to: Format) {
    let facts = Facts::of(request, to);
    assert!(
        facts.text_bytes >= request.text_bytes(),
        "text is not bounded"
    );
    let bound = Bound::of(&facts, &Prices::default());
    assert!(bound.cost(u64::MAX) >= bound.cost(0));
}

fn written(request: &Request<'_>, target: &Target<'_>, to: Format, body: &[u8]) {
    let mut dropping = Gaps::new(true, "the target");
    let dropped = codec(to).write_request(request, target, &mut dropping);
    let mut refusing = Gaps::new(false, "the target");
    let refused = codec(to).write_request(request, target, &mut refusing);
    for result in [&dropped, &refused] {
        match result {
            Ok(object) => {
                let bytes = object.to_bytes();
                is_json(&bytes, to.name());
                in_proportion(bytes.len(), body.len(), to.name());
            }
            Err(problem) => {
                assert!((400..=499).contains(&problem.status));
                in_proportion(problem.message.len(), body.len(), to.name());
            }
        }
    }
    // What can't be said is never silently left out.
    match (&dropped, &refused) {
        (Ok(_), Ok(_)) => {
            assert!(
                dropping.dropped().is_empty(),
                "{to} dropped {:?} and did not refuse it",
                dropping.dropped()
            );
            assert_eq!(
                dropping.hints(),
                refusing.hints(),
                "{to} tells of other hints"
            );
        }
        (Ok(_), Err(_)) => assert!(
            !dropping.dropped().is_empty(),
            "{to} did not say what it dropped: {refused:?}"
        ),
        (Err(_), Ok(_)) => panic!("{to} refuses more where it may drop"),
        (Err(_), Err(_)) => {}
    }
}
