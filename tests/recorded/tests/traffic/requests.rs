//! Every request that was recorded, written for every format: taken, or refused with the field's name.

use std::collections::BTreeMap;
use std::panic::catch_unwind;

use weir_llm::Format;
use weir_llm::codec::{Gaps, Target};
use weir_llm::json::Value;
use weir_recorded::{Interaction, Kind, all};

use crate::codecs::{asked, chat, codec, dialect_of};
use crate::meant::Meant;
use crate::place::call;
use crate::tally::Tally;

/// What became of a request.
enum Outcome {
    /// It reads back the same.
    Taken,
    /// The field that the format has nothing for.
    Refused(String),
}

fn goes_to(interaction: &Interaction, to: Format) -> Result<Outcome, String> {
    let request = &interaction.request;
    let call = call(interaction).map_err(|none| format!("{none:?}"))?;
    let text = std::str::from_utf8(&request.body).map_err(|error| error.to_string())?;
    let body = Value::parse(text).map_err(|error| error.to_string())?;
    let model = call.model.clone().unwrap_or_default();
    let stream = call.stream.unwrap_or_default();
    let asked_of = asked(call.format, &model, stream, Some(&body));
    let read = codec(call.format)
        .read_request(&body, &asked_of)
        .map_err(|problem| problem.message)?;
    let target = Target {
        dialect: dialect_of(to),
        preset: None,
        model: "model",
    };
    let mut gaps = Gaps::new(false, dialect_of(to).name());
    let written = match codec(to).write_request(&read, &target, &mut gaps) {
        Ok(object) => object.to_bytes(),
        Err(problem) => {
            return match (problem.status, problem.param) {
                (400, Some(field)) => Ok(Outcome::Refused(field)),
                _ => Err(format!("refused without a field: {}", problem.message)),
            };
        }
    };
    let written = String::from_utf8(written).map_err(|error| error.to_string())?;
    let body = Value::parse(&written).map_err(|error| error.to_string())?;
    let asked_again = asked(to, "model", read.stream, Some(&body));
    let again = codec(to)
        .read_request(&body, &asked_again)
        .map_err(|problem| problem.message)?;
    let (meant, found) = (Meant::by(&read), Meant::by(&again));
    if meant.survives_as(&found) {
        Ok(Outcome::Taken)
    } else {
        Err(format!("{meant:?} became {found:?} by {written}"))
    }
}

/// The field without the numbers of its place.
fn family(field: &str) -> String {
    let mut out = String::new();
    let mut inside = false;
    for letter in field.chars() {
        inside = match letter {
            '[' => true,
            ']' => false,
            _ => inside,
        };
        if !inside || letter == '[' {
            out.push(letter);
        }
    }
    out
}

#[test]
fn requests_are_taken_or_refused_by_name_in_every_format() {
    let mut tally = Tally::default();
    let mut refused: BTreeMap<String, usize> = BTreeMap::new();
    for interaction in all() {
        let Some((format, _)) = chat(Kind::of(interaction)) else {
            continue;
        };
        // No provider is reached by completions but for callers of completions.
        let others = |to: &Format| *to != Format::Completions || format == Format::Completions;
        for to in Format::ALL.into_iter().filter(others) {
            match catch_unwind(|| goes_to(interaction, to)) {
                Ok(Ok(Outcome::Taken)) => tally.through(interaction, to),
                Ok(Ok(Outcome::Refused(field))) => {
                    *refused
                        .entry(format!("{format} → {to}: {}", family(&field)))
                        .or_default() += 1;
                }
                Ok(Err(error)) => tally.wrong(format!("{interaction} → {to}"), error),
                Err(_) => tally.wrong(format!("{interaction} → {to}"), "panicked"),
            }
        }
    }
    for (field, count) in &refused {
        println!("  {count:4} × refused, {field}");
    }
    if !all().is_empty() {
        tally.conclude("requests", 3529);
    }
}
