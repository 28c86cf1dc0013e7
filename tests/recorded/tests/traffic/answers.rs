//! Every answer that was recorded, for callers of every format.

use std::panic::catch_unwind;

use weir_llm::Format;
use weir_recorded::{Interaction, Kind, all};

use crate::codecs::{asked, chat, codec, decode, encode, framing_of};
use crate::order;
use crate::said::Said;
use crate::tally::Tally;

/// What is written for a caller of `to` and read back.
type Again = Result<Said, String>;

/// Goes through all answers of one sort: `read` gives what one said, and a function that writes it for a format and
/// reads it again.
fn all_answers(
    title: &str,
    least: usize,
    stream: bool,
    check: impl Fn(&Interaction, Format, &mut Tally) + std::panic::RefUnwindSafe,
) {
    let mut tally = Tally::default();
    if all().is_empty() {
        return;
    }
    for interaction in all() {
        let kind = Kind::of(interaction);
        match chat(kind) {
            Some((format, streamed))
                if streamed == stream && interaction.response.status == 200 =>
            {
                check(interaction, format, &mut tally);
            }
            _ => {}
        }
    }
    tally.conclude(title, least);
}

/// What was said first, then what each format makes of it.
fn compare(
    interaction: &Interaction,
    said: &Said,
    tally: &mut Tally,
    again: impl Fn(Format) -> Again + std::panic::RefUnwindSafe,
) {
    for to in Format::ALL.into_iter() {
        if let Err(why) = said.fits(to) {
            tally.leave_out(interaction, to, why);
            continue;
        }
        match catch_unwind(|| again(to)) {
            Ok(Ok(found)) if found.said_by(to) == said.said_by(to) => {
                tally.through(interaction, to);
            }
            Ok(Ok(found)) => {
                let how = format!("{:?} became {:?}", said.said_by(to), found.said_by(to));
                tally.wrong(format!("{interaction} → {to}"), how);
            }
            Ok(Err(error)) => tally.wrong(format!("{interaction} → {to}"), error),
            Err(_) => tally.wrong(format!("{interaction} → {to}"), "panicked"),
        }
    }
}

#[test]
fn plain_answers_say_the_same_in_every_format() {
    all_answers(
        "plain answers",
        2846,
        false,
        |interaction, format, tally| {
            let answer = match codec(format).read_answer(&interaction.response.body) {
                Ok(answer) => answer,
                Err(error) => {
                    // Azure's filter was recorded so. What it says is read all the same.
                    let problem = codec(format).read_problem(400, &interaction.response.body);
                    return match problem {
                        Some(_) => tally.leave_out(
                            interaction,
                            "all",
                            "an error with the status of success",
                        ),
                        None => tally.wrong(interaction, error),
                    };
                }
            };
            let said = Said::plainly(&answer);
            compare(interaction, &said, tally, |to| {
                let bytes = codec(to).write_answer(&answer, &asked(to, "model", false, None));
                let again = codec(to)
                    .read_answer(&bytes)
                    .map_err(|error| error.to_string())?;
                Ok(Said::plainly(&again))
            });
        },
    );
}

#[test]
fn errors_say_the_same_in_every_format() {
    if all().is_empty() {
        return;
    }
    let mut tally = Tally::default();
    for interaction in all() {
        let Some((format, _)) = chat(Kind::of(interaction)) else {
            continue;
        };
        let (status, body) = (interaction.response.status, &*interaction.response.body);
        if status < 400 {
            continue;
        }
        let Some(problem) = codec(format).read_problem(status, body) else {
            tally.leave_out(interaction, "all", "its body says nothing");
            continue;
        };
        for to in Format::ALL.into_iter() {
            let written = codec(to).write_problem(&problem, &asked(to, "model", false, None));
            let again = codec(to).read_problem(written.status, &written.body);
            match again.filter(|again| again.message == problem.message) {
                Some(_) if written.status == status && codec(to).is_problem(&written.body) => {
                    tally.through(interaction, to);
                }
                other => tally.wrong(
                    format!("{interaction} → {to}"),
                    format!("{problem:?} became {} {other:?}", written.status),
                ),
            }
        }
    }
    tally.conclude("errors", 63);
}

#[test]
fn streams_say_the_same_in_every_format() {
    all_answers("streams", 1205, true, |interaction, format, tally| {
        let body = &*interaction.response.body;
        let framing = framing_of(&interaction.response);
        let events = match decode(format, framing, [body]) {
            Ok(events) => events,
            Err(error) => return tally.wrong(interaction, error),
        };
        if let Some(wrong) = order::wrong(&events) {
            return tally.wrong(interaction, wrong);
        }
        let said = Said::streamed(&events);
        compare(interaction, &said, tally, |to| {
            let bytes = encode(to, &events);
            let again = decode(to, codec(to).framing(), [&*bytes])?;
            match order::wrong(&again) {
                Some(wrong) => Err(wrong),
                None => Ok(Said::streamed(&again)),
            }
        });
    });
}
