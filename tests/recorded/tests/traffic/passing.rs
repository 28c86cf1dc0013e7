//! Where caller and provider speak one dialect, bytes pass.

use std::panic::{AssertUnwindSafe, catch_unwind};

use bytes::Bytes;
use serde_json::Value;
use weir_llm::body;
use weir_llm::call::decoded;
use weir_llm::exchange::{Exchange, Order, StreamEnd, prepare};
use weir_recorded::{Interaction, Kind, all};

use crate::place::{Place, call, called};
use crate::tally::Tally;

/// A model that no body names.
const OTHER: &str = "another-model-1";

/// What is sent for a recorded request, if the provider calls the model `model`, or as the caller does.
fn sent(interaction: &Interaction, other: Option<&str>) -> Result<Exchange, String> {
    let place = Place::of(interaction);
    let call = call(interaction).map_err(|none| format!("no call: {none:?}"))?;
    let bytes = Bytes::from(interaction.request.body.clone());
    let body = body::read(&call, &bytes).map_err(|bad| format!("{bad:?}"))?;
    let own = place.model.as_deref().unwrap_or(body.model());
    let path = called(interaction);
    prepare(&Order {
        call: &call,
        method: &interaction.request.method,
        path: &path,
        // Azure's version is said in its resource.
        query: Some(&*interaction.request.query)
            .filter(|query| !query.is_empty() && !query.starts_with("api-version=")),
        body: Some(&body),
        bytes: &bytes,
        form_model: None,
        stream: body.stream(),
        dialect: place.dialect,
        settings: &place.settings,
        model: other.unwrap_or(own),
        drop: false,
        id: "0a1b2c3d4e5f",
        now: 1_790_000_000,
    })
    .map_err(|unfit| format!("{unfit:?}"))
}

/// Whether the caller asked for the usage of a stream, or gets it unasked.
fn asks_for_usage(body: &Value) -> bool {
    body["stream"] != true || body["stream_options"]["include_usage"] == true
}

/// The bytes that stand in `longer` alone, if it is `shorter` with them put in at one place.
fn put_in<'l>(shorter: &[u8], longer: &'l [u8]) -> Option<&'l [u8]> {
    let start = shorter
        .iter()
        .zip(longer)
        .take_while(|(a, b)| a == b)
        .count();
    let more = longer.len().checked_sub(shorter.len())?;
    (longer[start + more..] == shorter[start..]).then(|| &longer[start..start + more])
}

/// The request goes out as it came, to where it went when it was recorded.
fn request_passes(interaction: &Interaction) -> Result<(), String> {
    let request = &interaction.request;
    let exchange = sent(interaction, None)?;
    if !exchange.passes() {
        return Err("it is translated".to_owned());
    }
    // Which characters of a model's name are encoded is the SDK's choice.
    let (target, path) = (decoded(&request.target()), decoded(&exchange.path));
    if path != target {
        return Err(format!("{path} was called, not {target}"));
    }
    let asked = as_the_provider_calls_it(interaction);
    let added = put_in(&asked, &exchange.body)
        .ok_or_else(|| format!("{:?} went out", String::from_utf8_lossy(&exchange.body)))?;
    let body: Value = serde_json::from_slice(&request.body).map_err(|error| error.to_string())?;
    let added = String::from_utf8_lossy(added);
    let fine = match asks_for_usage(&body) {
        true => added.is_empty(),
        false => added.is_empty() || added.contains("\"include_usage\":true"),
    };
    if !fine {
        return Err(format!("{added:?} was put in"));
    }
    // Another model: nothing but its name changes.
    let named = sent(interaction, Some(OTHER))?;
    let (mut before, mut after) = (json_of(&exchange.body)?, json_of(&named.body)?);
    if before.get("model").is_some() {
        if after["model"] != OTHER && !named.path.contains(OTHER) {
            return Err("the model is not another".to_owned());
        }
        before["model"].take();
        after["model"].take();
    } else if !named.path.contains(OTHER) {
        return Err(format!("{} names no other model", named.path));
    }
    // Google's SDK names it again in each of several requests.
    let others = after.get_mut("requests").and_then(Value::as_array_mut);
    let others = others.into_iter().flatten();
    for (was, is) in before["requests"]
        .as_array()
        .into_iter()
        .flatten()
        .zip(others)
    {
        if is["model"] == format!("models/{OTHER}") {
            is["model"] = was["model"].clone();
        }
    }
    if before == after {
        Ok(())
    } else {
        Err(format!("{before} became {after}"))
    }
}

/// The request's body with the provider's name of the model: Azure's deployments have names of their own.
fn as_the_provider_calls_it(interaction: &Interaction) -> Vec<u8> {
    let body = &interaction.request.body;
    let said = json_of(body).ok();
    let said = said.as_ref().and_then(|body| body["model"].as_str());
    match (said, Place::of(interaction).model) {
        (Some(said), Some(own)) => {
            let text = String::from_utf8(body.clone()).unwrap();
            text.replace(&format!("\"{said}\""), &format!("\"{own}\""))
                .into_bytes()
        }
        _ => body.clone(),
    }
}

fn json_of(body: &[u8]) -> Result<Value, String> {
    serde_json::from_slice(body).map_err(|error| error.to_string())
}

/// The answer comes back as it went out, byte by byte where it is a stream.
fn answer_passes(interaction: &Interaction) -> Result<(), String> {
    let response = &interaction.response;
    let exchange = sent(interaction, None)?;
    let body = Bytes::from(response.body.clone());
    if response.status >= 400 {
        return error_passes(&exchange, response.status, &body);
    }
    if !response.is_stream() {
        let whole = exchange
            .answer(body.clone())
            .map_err(|bad| bad.to_string())?;
        return if whole.body == body && !whole.rewritten {
            Ok(())
        } else {
            Err("the answer is another".to_owned())
        };
    }
    let mut stream = exchange.stream(response.media_type());
    let mut out = Vec::new();
    for piece in body.chunks(1) {
        let fed = stream.feed(Bytes::copy_from_slice(piece));
        for run in fed.map_err(|bad| format!("{bad:?}"))? {
            out.extend_from_slice(&run);
        }
    }
    let ended = stream.finish(StreamEnd::Marked);
    out.extend_from_slice(&ended.rest);
    if !ended.complete {
        return Err("the stream ends early".to_owned());
    }
    let asked = json_of(&interaction.request.body)?;
    if out == body || (!asks_for_usage(&asked) && differs_in_usage(&body, &out)) {
        Ok(())
    } else {
        Err(format!("{} bytes of {} came out", out.len(), body.len()))
    }
}

/// An error of the provider's in the shape of its format passes; any other keeps what it says.
fn error_passes(exchange: &Exchange, status: u16, body: &[u8]) -> Result<(), String> {
    let Some(problem) = exchange.problem(status, body) else {
        return Ok(());
    };
    let written = exchange.write_problem(&problem);
    let said = json_of(body).ok();
    let message = said
        .as_ref()
        .and_then(|said| said["error"]["message"].as_str());
    let kept =
        message.is_none_or(|message| String::from_utf8_lossy(&written.body).contains(message));
    if written.status == status && kept {
        Ok(())
    } else {
        Err(format!("{status} became {}: {problem:?}", written.status))
    }
}

/// Whether two streams of events are the same but for usage that nobody asked for.
fn differs_in_usage(before: &[u8], after: &[u8]) -> bool {
    let events = |bytes: &[u8]| -> Vec<String> {
        let text = String::from_utf8_lossy(bytes).into_owned();
        let datas = text.lines().filter_map(|line| line.strip_prefix("data: "));
        datas
            .filter_map(|data| match serde_json::from_str::<Value>(data) {
                Err(_) => Some(data.to_owned()),
                Ok(event)
                    if event["choices"].as_array().is_some_and(Vec::is_empty)
                        && !event["usage"].is_null() =>
                {
                    None
                }
                Ok(mut event) => {
                    event.as_object_mut()?.remove("usage");
                    Some(event.to_string())
                }
            })
            .collect()
    };
    events(before) == events(after)
}

#[test]
fn one_dialect_on_both_sides_passes_byte_for_byte() {
    if all().is_empty() {
        return;
    }
    let mut tally = Tally::default();
    for interaction in all() {
        let kind = Kind::of(interaction);
        if let Kind::LeftOut { why, .. } = kind {
            tally.leave_out(interaction, "the same", why);
            continue;
        }
        let check = || {
            request_passes(interaction).map_err(|error| format!("request: {error}"))?;
            answer_passes(interaction).map_err(|error| format!("answer: {error}"))
        };
        match catch_unwind(AssertUnwindSafe(check)) {
            Ok(Ok(())) => tally.through(interaction, "the same"),
            Ok(Err(error)) => tally.wrong(interaction, error),
            Err(_) => tally.wrong(interaction, "panicked"),
        }
    }
    tally.conclude("passed on", 681);
}
