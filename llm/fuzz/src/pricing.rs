//! What calls cost.

use weir_llm::call::encoded;
use weir_llm::price::{Origin, Query, Row, catalogue, parse_day, parse_usd, write_usd};
use weir_llm::{Dialect, tokens::Tokenizer};

use super::Input;

/// Prices by hostile names of models, URLs, days and sums of money.
pub fn prices(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let dialect = input.one_of(&Dialect::ALL);
    let at = i64::from(input.byte()) << input.byte().min(55);
    let text = String::from_utf8_lossy(input.rest);
    let provider = catalogue().provider_of(dialect, None, &text);
    let _ = (catalogue().provider(&text), catalogue().maker(&text));
    let all: Vec<&str> = catalogue().providers().map(|one| &*one.id).collect();
    let id = provider.map_or(all[text.len() % all.len()], |one| &*one.id);
    let context = [("service_tier", &*text), ("speed", "fast")];
    let row = Row::find(
        &Query {
            provider: Some(id),
            model: &text,
            at,
            context: &context,
        },
        None,
    );
    assert!(row.origin != Origin::Unknown || row.prices.is_empty());
    let _ = Tokenizer::of(&text);
    let _ = parse_day(&text);
    if let Some(nano) = parse_usd(&text) {
        assert_eq!(parse_usd(&write_usd(nano)), Some(nano), "{text}");
    }
    let encoded = encoded(&text);
    assert_eq!(weir_llm::call::decoded(&encoded), text);
}
