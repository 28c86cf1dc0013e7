//! Every model of the catalogue.

use std::path::Path;
use std::process::Command;

use serde_json::Value;
use weir_llm::price::{Counts, Kind, catalogue};

use crate::decimal::Decimal;

/// The tokens of a call, each counted once.
#[derive(Clone, Copy, Debug, Default)]
struct Tokens {
    text_in: u64,
    cached: u64,
    written: u64,
    written_hour: u64,
    audio_in: u64,
    audio_cached: u64,
    image_in: u64,
    image_cached: u64,
    text_out: u64,
    reasoning: u64,
    audio_out: u64,
    image_out: u64,
}

/// The calls that every model is asked about.
fn calls() -> Vec<Tokens> {
    let none = Tokens::default();
    vec![
        none,
        Tokens { text_in: 1, ..none },
        Tokens {
            text_out: 1,
            ..none
        },
        Tokens {
            text_in: 17,
            text_out: 3,
            ..none
        },
        Tokens {
            text_in: 1_000_000,
            text_out: 1_000_000,
            ..none
        },
        Tokens {
            text_in: 811,
            cached: 2_048,
            text_out: 333,
            reasoning: 1_111,
            ..none
        },
        Tokens {
            text_in: 3,
            cached: 99_997,
            written: 777,
            written_hour: 1_313,
            text_out: 59,
            ..none
        },
        // At the steps of prices by length, and beyond them.
        Tokens {
            text_in: 200_000,
            text_out: 7,
            ..none
        },
        Tokens {
            text_in: 200_001,
            text_out: 7,
            ..none
        },
        Tokens {
            text_in: 130_001,
            cached: 141_999,
            written: 101,
            text_out: 64_000,
            reasoning: 1,
            ..none
        },
        Tokens {
            text_in: 1_000_003,
            cached: 5,
            written_hour: 9,
            text_out: 128_000,
            ..none
        },
        Tokens {
            text_in: 101,
            cached: 103,
            written: 107,
            written_hour: 109,
            audio_in: 113,
            audio_cached: 127,
            image_in: 131,
            image_cached: 137,
            text_out: 139,
            reasoning: 149,
            audio_out: 151,
            image_out: 157,
        },
    ]
}

impl Tokens {
    fn input(self) -> u64 {
        self.text_in
            + self.cached
            + self.written
            + self.written_hour
            + self.audio_in
            + self.audio_cached
            + self.image_in
            + self.image_cached
    }

    /// As providers say it: what is a part is counted in the whole, too.
    fn counts(self) -> Counts {
        Counts::default()
            .with(Kind::Requests, 1)
            .with(Kind::Input, self.input())
            .with(
                Kind::CacheRead,
                self.cached + self.audio_cached + self.image_cached,
            )
            .with(Kind::CacheWrite, self.written + self.written_hour)
            .with(Kind::CacheWriteHour, self.written_hour)
            .with(Kind::AudioInput, self.audio_in + self.audio_cached)
            .with(Kind::AudioCacheRead, self.audio_cached)
            .with(Kind::ImageInput, self.image_in + self.image_cached)
            .with(Kind::ImageCacheRead, self.image_cached)
            .with(
                Kind::Output,
                self.text_out + self.reasoning + self.audio_out + self.image_out,
            )
            .with(Kind::Reasoning, self.reasoning)
            .with(Kind::AudioOutput, self.audio_out)
            .with(Kind::ImageOutput, self.image_out)
    }

    /// The sum by hand: each token at the first of these prices that its model has.
    fn by_hand(self, prices: &Value) -> u64 {
        let charged: [(u64, &[&str]); 12] = [
            (self.text_in, &["input"]),
            (self.cached, &["cacheRead", "input"]),
            (self.written, &["cacheWrite", "input"]),
            (self.written_hour, &["cacheWrite1h", "cacheWrite", "input"]),
            (self.audio_in, &["audioInput", "input"]),
            (
                self.audio_cached,
                &["audioCacheRead", "audioInput", "cacheRead", "input"],
            ),
            (self.image_in, &["imageInput", "input"]),
            (
                self.image_cached,
                &["imageCacheRead", "imageInput", "cacheRead", "input"],
            ),
            (self.text_out, &["output"]),
            (self.reasoning, &["reasoning", "output"]),
            (self.audio_out, &["audioOutput", "output"]),
            (self.image_out, &["imageOutput", "output"]),
        ];
        let mut sum = Decimal::ZERO;
        for (tokens, kinds) in charged {
            let price = kinds.iter().find_map(|kind| prices.get(kind));
            if let Some(price) = price {
                sum = sum.plus(rate(price, self.input()).times(tokens));
            }
        }
        // A thousand calls cost so much; a million is a thousand times that.
        if let Some(price) = prices.get("perThousandRequests") {
            sum = sum.plus(rate(price, 0).times(1000));
        }
        sum.per_million_in_nano()
    }
}

/// The price for an input of this length: `"3"`, or `["3", [200000, "6"]]`, where the last step that is passed counts.
fn rate(price: &Value, input: u64) -> Decimal {
    let Some(tiers) = price.as_array() else {
        return Decimal::parse(price.as_str().unwrap());
    };
    let mut rate = tiers[0].as_str().unwrap();
    for step in &tiers[1..] {
        if input > step[0].as_u64().unwrap() {
            rate = step[1].as_str().unwrap();
        }
    }
    Decimal::parse(rate)
}

fn file() -> Value {
    serde_json::from_str(include_str!("../../prices/catalogue.json")).unwrap()
}

/// A time at which prices of a list hold: long before any starts, or on the day that one does; at a time of day at which
/// one holds, or at which none does.
fn time(list: &[Value], entry: usize) -> Option<i64> {
    let entry = &list[entry];
    if let Some(day) = entry.get("from") {
        return weir_llm::price::parse_day(day.as_str().unwrap());
    }
    let newest = list.iter().filter_map(|other| other["from"].as_str()).max();
    let noon = newest.map_or(0, |day| weir_llm::price::parse_day(day).unwrap());
    let minutes = |time: &str| {
        let (hours, minutes) = time.split_once(':').unwrap();
        hours.parse::<i64>().unwrap() * 60 + minutes.parse::<i64>().unwrap()
    };
    match entry.get("daily") {
        Some(daily) => Some(noon + minutes(daily[0].as_str().unwrap()) * 60),
        // The one that always holds, where no other does.
        None if list.iter().any(|other| other.get("daily").is_some()) => {
            let free = |minute: &i64| {
                list.iter().all(|other| {
                    other.get("daily").is_none_or(|daily| {
                        let (start, end) = (
                            minutes(daily[0].as_str().unwrap()),
                            minutes(daily[1].as_str().unwrap()),
                        );
                        !(start..end).contains(minute)
                    })
                })
            };
            (0..1440).find(free).map(|minute| minute * 60)
        }
        None => Some(0),
    }
}

#[test]
fn every_model_costs_what_the_sum_by_hand_says() {
    let file = file();
    let (mut models, mut sums) = (0, 0);
    for provider in file["providers"].as_array().unwrap() {
        let id = provider["id"].as_str().unwrap();
        let read = catalogue().provider(id).unwrap();
        for (model, known) in provider["models"]
            .as_array()
            .unwrap()
            .iter()
            .zip(read.models())
        {
            assert_eq!(model["id"], known.id.as_str());
            models += 1;
            let list = model["prices"].as_array().unwrap();
            for entry in 0..list.len() {
                let prices = known.prices_at(time(list, entry).unwrap(), &[]);
                for call in calls() {
                    let cost = prices.cost(&call.counts());
                    assert_eq!(
                        cost,
                        call.by_hand(&list[entry]),
                        "{id} {}: {call:?}",
                        known.id
                    );
                    sums += 1;
                }
            }
        }
    }
    assert!(
        models > 2_000 && sums > models * 12,
        "{models} models, {sums} sums"
    );
}

#[test]
fn prices_of_a_way_to_be_served_replace_the_standard_ones_kind_by_kind() {
    let file = file();
    let mut seen = 0;
    for provider in file["providers"].as_array().unwrap() {
        let read = catalogue()
            .provider(provider["id"].as_str().unwrap())
            .unwrap();
        for (model, known) in provider["models"]
            .as_array()
            .unwrap()
            .iter()
            .zip(read.models())
        {
            let Some(variants) = model["variants"].as_array() else {
                continue;
            };
            for variant in variants {
                let when = variant["when"].as_object().unwrap();
                let context: Vec<_> = when
                    .iter()
                    .map(|(key, value)| (key.as_str(), value.as_str().unwrap()))
                    .collect();
                // The end of time: whatever has a date holds.
                let at = i64::from(u32::MAX);
                let prices = known.prices_at(at, &context);
                let mut expected = model["prices"].as_array().unwrap().last().unwrap().clone();
                if model["prices"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .any(|price| price.get("daily").is_some())
                {
                    continue;
                }
                for other in variants
                    .iter()
                    .rev()
                    .filter(|other| other["when"] == variant["when"])
                {
                    for (kind, price) in other.as_object().unwrap() {
                        expected[kind] = price.clone();
                    }
                }
                for call in calls() {
                    assert_eq!(
                        prices.cost(&call.counts()),
                        call.by_hand(&expected),
                        "{} {when:?}",
                        known.id
                    );
                }
                seen += 1;
            }
        }
    }
    assert!(seen > 100, "{seen}");
}

/// Where the package can be had: WEIR_CACHE is set where the tests of the whole run, which fetches it into there.
#[test]
fn the_catalogue_is_what_its_generator_writes() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("prices");
    let catalogue = catalogue();
    let file = file();
    assert_eq!(
        (
            catalogue.package.as_str(),
            file["version"].as_str().unwrap()
        ),
        ("genai-prices", catalogue.version.as_str())
    );
    let notice = std::fs::read_to_string(folder.join("LICENSE")).unwrap();
    assert_eq!(catalogue.notice, notice);
    if std::env::var_os("WEIR_CACHE").is_none() {
        return;
    }
    let output = Command::new("python3")
        .arg(folder.join("generate"))
        .arg("--check")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
}
