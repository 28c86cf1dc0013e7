//! What holds for every price.

use proptest::prelude::*;
use weir_llm::Usage;
use weir_llm::price::{Counts, Kind, Model, Prices, catalogue};

fn models() -> Vec<(&'static str, &'static Model)> {
    let providers = catalogue().providers();
    providers
        .flat_map(|provider| provider.models().map(|model| (provider.id.as_str(), model)))
        .collect()
}

/// Any model's prices, and any call's tokens, each kind's own.
fn call() -> impl Strategy<Value = (Prices, [u64; 6])> {
    let models = models();
    let tokens = prop_oneof![0..5_000_u64, 100_000..2_000_000_u64];
    (
        0..models.len(),
        0..2_000_000_000_i64,
        proptest::array::uniform6(tokens),
    )
        .prop_map(move |(at, time, tokens)| (models[at].1.prices_at(time, &[]), tokens))
}

fn counts([text, cached, written, hour, out, reasoning]: [u64; 6]) -> Counts {
    Counts::default()
        .with(Kind::Requests, 1)
        .with(Kind::Input, text + cached + written + hour)
        .with(Kind::CacheRead, cached)
        .with(Kind::CacheWrite, written + hour)
        .with(Kind::CacheWriteHour, hour)
        .with(Kind::Output, out + reasoning)
        .with(Kind::Reasoning, reasoning)
}

proptest! {
    #[test]
    fn a_token_more_never_costs_less((prices, tokens) in call(), which in 0..6_usize, more in 1..300_000_u64) {
        let mut raised = tokens;
        raised[which] += more;
        prop_assert!(prices.cost(&counts(raised)) >= prices.cost(&counts(tokens)));
    }

    #[test]
    fn no_call_costs_more_than_all_its_tokens_at_the_dearest((prices, tokens) in call()) {
        let counts = counts(tokens);
        let (input, output) = prices.dearest(counts.get(Kind::Input));
        let most = u128::from(counts.get(Kind::Input)) * u128::from(input.unwrap_or(0))
            + u128::from(counts.get(Kind::Output)) * u128::from(output.unwrap_or(0));
        let requests = prices.get(Kind::Requests).map_or(0, |rate| u128::from(rate.base) * 1000);
        prop_assert!(u128::from(prices.cost(&counts)) <= (most + requests).div_ceil(1_000_000));
    }

    #[test]
    fn no_count_overflows(counts in proptest::array::uniform10(any::<u64>()), at in 0..2_000_usize) {
        let [input, output, cached, write, hour, reasoning, audio, audio_out, image, image_out] = counts;
        let usage = Usage {
            input, output, cached: Some(cached), cache_write: Some(write), cache_write_hour: Some(hour),
            reasoning: Some(reasoning), audio_input: Some(audio), audio_output: Some(audio_out),
            image_input: Some(image), image_output: Some(image_out), estimated: false,
        };
        let (_, model) = models()[at];
        let prices = model.prices_at(0, &[]);
        let dearest = prices.dearest(input);
        let most = u128::from(input) * u128::from(dearest.0.unwrap_or(0))
            + u128::from(output) * u128::from(dearest.1.unwrap_or(0));
        let requests = prices.get(Kind::Requests).map_or(0, |rate| u128::from(rate.base) * 1000);
        let most = u64::try_from((most + requests).div_ceil(1_000_000)).unwrap_or(u64::MAX);
        prop_assert!(prices.cost(&Counts::from(&usage)) <= most);
    }
}
