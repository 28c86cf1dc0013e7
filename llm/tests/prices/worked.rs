//! Bills of real providers: examples that their docs work out.

use weir_llm::Usage;
use weir_llm::price::{Counts, Kind, Prices, Query, Rate, Row, parse_day, parse_usd};

fn price(provider: &str, model: &str, day: &str, declared: Option<&Prices>) -> Prices {
    let at = parse_day(day).unwrap();
    Row::find(
        &Query {
            provider: Some(provider),
            model,
            at,
            context: &[],
        },
        declared,
    )
    .prices
}

/// Dollars, in nano-dollars.
fn usd(text: &str) -> u64 {
    parse_usd(text).unwrap()
}

/// An hour of coding with Claude Opus 4.6: 50,000 tokens in at $5 are $0.25, 15,000 out at $25 are $0.375; with 40,000
/// of those in from the cache, what goes in is $0.05 and $0.02. (The page adds $0.08 for the hour that its session ran,
/// which is no price of tokens.) "Worked example" of <https://platform.claude.com/docs/en/about-claude/pricing>.
#[test]
fn a_coding_session_at_anthropic() {
    let prices = price("anthropic", "claude-opus-4-6", "2026-04-09", None);
    let session = Usage {
        input: 50_000,
        output: 15_000,
        ..Usage::default()
    };
    assert_eq!(prices.cost(&Counts::from(&session)), usd("0.625"));
    let cached = Usage {
        cached: Some(40_000),
        ..session
    };
    assert_eq!(prices.cost(&Counts::from(&cached)), usd("0.445"));
}

/// A call of Sonar Pro with little of the web around it, whose `usage.cost` is what was billed: $0.000024 + $0.006585 +
/// $0.006 = $0.012609. "Detailed Cost Information in API Responses" (July 2025) of
/// <https://docs.perplexity.ai/changelog/changelog>. The catalogue lists a call with much of the web around it; with
/// little it is $6 a thousand (<https://docs.perplexity.ai/getting-started/pricing>).
#[test]
fn a_call_of_sonar_pro_at_perplexity() {
    let usage = br#"{"prompt_tokens":8,"completion_tokens":439,"total_tokens":447}"#;
    let usage = Usage::from_openai(usage).unwrap();
    let low = Prices::from_iter([(Kind::Requests, Rate::flat(usd("6")))]);
    let prices = price("perplexity", "sonar-pro", "2025-07-31", Some(&low));
    assert_eq!(prices.cost(&Counts::from(&usage)), usd("0.012609"));
}

/// Sonar Deep Research: 500 tokens in, 200 out, 50 of citations, 100 of reasoning and 30 searches are $0.001, $0.0016,
/// $0.0001, $0.0003 and $0.15. "Deep Research Example" of <https://docs.perplexity.ai/getting-started/pricing>.
#[test]
fn a_deep_research_at_perplexity() {
    let prices = price("perplexity", "sonar-deep-research", "2025-07-31", None);
    let counts = Counts::default()
        .with(Kind::Requests, 1)
        .with(Kind::Input, 500)
        .with(Kind::Output, 200 + 50 + 100)
        .with(Kind::Citations, 50)
        .with(Kind::Reasoning, 100)
        .with(Kind::WebSearches, 30);
    assert_eq!(prices.cost(&counts), usd("0.153"));
}

/// Where what was cached and the audio are more than the input, so much of the audio must have been cached.
#[test]
fn audio_from_the_cache_is_charged_once() {
    let prices = price("openai", "gpt-realtime", "2026-11-23", None);
    let rate = |kind| prices.get(kind).unwrap().base;
    let usage = Usage {
        input: 5_000,
        audio_input: Some(4_000),
        cached: Some(3_000),
        ..Usage::default()
    };
    let overlap = 3_000 + 4_000 - 5_000;
    let by_hand = (3_000 - overlap) * rate(Kind::CacheRead)
        + overlap * rate(Kind::AudioCacheRead)
        + (4_000 - overlap) * rate(Kind::AudioInput);
    assert_eq!(
        prices.cost(&Counts::from(&usage)),
        by_hand.div_ceil(1_000_000)
    );
}

/// Images have prices of their own, in and out (<https://openai.com/api/pricing>).
#[test]
fn an_image_is_charged_as_one() {
    let prices = price("openai", "gpt-image-1.5", "2026-11-23", None);
    let usage = Usage {
        input: 1_000,
        image_input: Some(900),
        output: 500,
        image_output: Some(400),
        ..Usage::default()
    };
    // 100 x 5 + 900 x 8 + 100 x 10 + 400 x 32 dollars a million.
    assert_eq!(prices.cost(&Counts::from(&usage)), usd("0.0215"));
    let cached = Usage {
        cached: Some(300),
        ..usage
    };
    // 200 of the images were read from the cache: 100 x 1.25 + 200 x 2 + 700 x 8.
    assert_eq!(prices.cost(&Counts::from(&cached)), usd("0.019925"));
}
