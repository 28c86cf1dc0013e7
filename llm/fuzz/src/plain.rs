//! Plain answers, errors, usage.

use weir_llm::chat::Answer;
use weir_llm::price::{Counts, Kind, Prices, Rate};
use weir_llm::tokens::Sample;
use weir_llm::{Format, Usage};

use super::Input;
use super::promise::{asked, can_be_told, codec, in_proportion, is_json};

/// Plain answers, from every format to every other; each reads what it wrote itself.
pub fn answer(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let from = input.one_of(&Format::ALL);
    let options = input.byte();
    let body = input.rest;
    let Ok(answer) = codec(from).read_answer(body) else {
        return;
    };
    if let Some(usage) = &answer.usage {
        costs(usage);
    }
    let _ = Sample::of_answer(&answer);
    for to in Format::ALL {
        told(&answer, to, options, body.len());
    }
}

/// A format writes an answer, and reads what it wrote.
pub(crate) fn told(answer: &Answer, to: Format, options: u8, came: usize) {
    let written = codec(to).write_answer(answer, &asked(None, to, options));
    is_json(&written, to.name());
    in_proportion(written.len(), came, to.name());
    let again = codec(to).read_answer(&written);
    // One that says neither anything nor why it ends is read as none by some.
    let says = answer.choices.iter().any(|choice| choice.finish.is_some());
    assert!(
        again.is_ok() || !says,
        "{to} can't read its own answer: {again:?}: {}",
        String::from_utf8_lossy(&written)
    );
}

/// Whatever was used, it has a cost.
pub(crate) fn costs(usage: &Usage) {
    let dear: Prices = Kind::ALL
        .into_iter()
        .map(|kind| (kind, Rate::flat(u64::MAX)))
        .collect();
    let cheap: Prices = Kind::ALL
        .into_iter()
        .map(|kind| (kind, Rate::flat(1)))
        .collect();
    let counts = Counts::from(usage);
    assert!(cheap.cost(&counts) <= dear.cost(&counts));
}

/// Errors of every format become errors of every other.
pub fn problem(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let from = input.one_of(&Format::ALL);
    let status = input.one_of(&[
        400, 401, 402, 403, 404, 408, 409, 413, 422, 429, 418, 424, 500, 502, 503, 504, 529, 599,
    ]);
    let body = input.rest;
    let own = codec(from).is_problem(body);
    let read = codec(from).read_problem(status, body);
    if own {
        is_json(body, "an error that passes");
    }
    if let Some(problem) = read {
        can_be_told(&problem, body.len());
    }
}

/// What was used, as every format says it.
pub fn usage(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let from = input.one_of(&Format::ALL);
    let Some(usage) = codec(from).read_usage(input.rest) else {
        return;
    };
    costs(&usage);
    let answer = Answer {
        usage: Some(usage),
        ..Answer::default()
    };
    for to in Format::ALL {
        let written = codec(to).write_answer(&answer, &asked(None, to, 0));
        is_json(&written, to.name());
    }
}
