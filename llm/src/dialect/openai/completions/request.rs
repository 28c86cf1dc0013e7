//! A prompt, both ways (<https://platform.openai.com/docs/api-reference/completions/create>).

use std::borrow::Cow;

use crate::Format;
use crate::chat::{
    Extra, Field, Logprobs, Message, Part, PartKind, Problem, Request, ResponseFormat, Role, Tool,
};
use crate::codec::{Gaps, Keeps, Target};
use crate::dialect::openai::chat::stop;
use crate::dialect::openai::typed::{
    boolean, count, integer, missing, number, object, small_count, string, wrong,
};
use crate::json::{Object, Text, Value};

pub(super) fn read<'a>(body: &Value<'a>) -> Result<Request<'a>, Problem> {
    let body = object("", body)?;
    let mut request = Request {
        from: Some(Format::Completions),
        ..Request::default()
    };
    for (name, value) in body.iter() {
        if !value.is_null() {
            field(name, value, &mut request)?;
        }
    }
    if request.messages.is_empty() {
        return Err(missing("prompt"));
    }
    Ok(request)
}

fn field<'a>(name: &str, value: &Value<'a>, request: &mut Request<'a>) -> Result<(), Problem> {
    let sampling = &mut request.sampling;
    match name {
        "model" => request.model = string(name, value)?,
        "prompt" => request.messages = vec![prompt(value)?],
        "max_tokens" => request.max_tokens = Some(count(name, value)?),
        "stop" => request.stop = stop(value)?,
        "n" => request.n = Some(small_count(name, value)?),
        "stream" => request.stream = boolean(name, value)?,
        // How usage is told is not the model's business.
        "stream_options" => {}
        "user" => request.user = Some(string(name, value)?),
        "logprobs" => {
            request.logprobs = Some(Logprobs {
                top: Some(small_count(name, value)?),
            });
        }
        "temperature" => sampling.temperature = Some(number(name, value)?),
        "top_p" => sampling.top_p = Some(number(name, value)?),
        "top_k" => sampling.top_k = Some(count(name, value)?),
        "frequency_penalty" => sampling.frequency_penalty = Some(number(name, value)?),
        "presence_penalty" => sampling.presence_penalty = Some(number(name, value)?),
        "seed" => sampling.seed = Some(integer(name, value)?),
        // Said so, they change nothing.
        "echo" if value.as_bool() == Some(false) => {}
        "best_of" if value.as_u64() == Some(1) => {}
        "suffix" if value.as_str() == Some("") => {}
        "logit_bias" if value.as_object().is_some_and(Object::is_empty) => {}
        _ => request.extras.push(Extra {
            path: name.to_owned(),
            value: value.clone(),
        }),
    }
    Ok(())
}

/// One text. Several prompts have several answers each, which nobody else gives; tokens by their numbers mean nothing to
/// another model.
fn prompt<'a>(value: &Value<'a>) -> Result<Message<'a>, Problem> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => match items.as_slice() {
            [Value::String(text)] => text.clone(),
            [] => return Err(missing("prompt")),
            [Value::String(_), ..] => {
                return Err(unsupported(
                    "several prompts in one call; send one call for each",
                ));
            }
            _ => {
                return Err(unsupported(
                    "prompts that are given as tokens; send them as text",
                ));
            }
        },
        _ => return Err(wrong("prompt", "a string", value)),
    };
    Ok(Message {
        role: Role::User,
        parts: vec![Part {
            kind: PartKind::Text(text, Vec::new()),
            cache: None,
            path: "prompt".to_owned(),
        }],
        name: None,
    })
}

fn unsupported(what: &str) -> Problem {
    let message = format!(
        "Unsupported value: 'prompt'. The model behind this route answers chats, which know no {what}."
    );
    Problem::invalid("unsupported_value", "prompt", message)
}

/// Writes what completions can say: one text and how it goes on.
pub(super) fn write<'r>(
    request: &'r Request<'_>,
    target: &Target<'r>,
    gaps: &mut Gaps,
) -> Result<Object<'r>, Problem> {
    let mut body = Object::new()
        .with("model", target.model)
        .with("prompt", as_prompt(request, gaps)?);
    without(request, gaps)?;
    gaps.hints_of(
        request,
        Keeps {
            user: true,
            ..Keeps::default()
        },
    );
    if let Some(most) = request.max_tokens {
        body.push("max_tokens", most);
    }
    if !request.stop.is_empty() {
        body.push("stop", request.stop.iter().collect::<Value<'_>>());
    }
    let sampling = &request.sampling;
    let numbers = [
        ("temperature", sampling.temperature),
        ("top_p", sampling.top_p),
        ("frequency_penalty", sampling.frequency_penalty),
        ("presence_penalty", sampling.presence_penalty),
    ];
    for (name, value) in numbers {
        if let Some(value) = value {
            body.push(name, value);
        }
    }
    let mut body = body
        .maybe("seed", sampling.seed)
        .maybe("n", request.n)
        .maybe("logprobs", request.logprobs.map(|one| one.top.unwrap_or(0)))
        .maybe("user", request.user.as_ref());
    for extra in &request.extras {
        let own = request.from == Some(Format::Completions);
        if own && !extra.path.contains(['.', '[']) {
            body.push(extra.path.as_str(), extra.value.clone());
        } else {
            gaps.leave_out(&extra.path, "it")?;
        }
    }
    if request.stream {
        body.push("stream", true);
        let options = Object::new().with("include_usage", true);
        body.push("stream_options", options);
    }
    Ok(body)
}

/// The only text that there is.
fn as_prompt<'r>(request: &'r Request<'_>, gaps: &Gaps) -> Result<&'r Text<'r>, Problem> {
    if let Some(part) = request.system.first() {
        return Err(gaps.refuse(&part.path, "instructions"));
    }
    let mut parts = request.messages.iter().flat_map(|turn| &turn.parts);
    let Some(first) = parts.next() else {
        return Err(missing(request.path_of(Field::System)));
    };
    if let Some(part) = parts.next() {
        return Err(gaps.refuse(&part.path, "conversations"));
    }
    match &first.kind {
        PartKind::Text(text, _) => Ok(text),
        _ => Err(gaps.refuse(&first.path, "anything but text")),
    }
}

/// What they have nothing for.
fn without(request: &Request<'_>, gaps: &mut Gaps) -> Result<(), Problem> {
    let mut lacks = |field: Field, there: bool, what: &str| {
        if there {
            gaps.leave_out(request.path_of(field), what)
        } else {
            Ok(())
        }
    };
    let formatted = !matches!(request.format, None | Some(ResponseFormat::Text));
    lacks(Field::ResponseFormat, formatted, "a form of the answer")?;
    lacks(Field::Thinking, request.thinking.is_some(), "reasoning")?;
    let noted = !request.metadata.is_empty();
    lacks(Field::Metadata, noted, "notes of a call")?;
    let tier = request.service_tier.is_some();
    lacks(Field::ServiceTier, tier, "a tier of service")?;
    let top_k = request.sampling.top_k.is_some();
    lacks(
        Field::TopK,
        top_k,
        "a choice among the likeliest tokens by count",
    )?;
    for tool in &request.tools {
        let path: Cow<'_, str> = match tool {
            Tool::Server { path, .. } => path.into(),
            Tool::Function { .. } => request.path_of(Field::Tools).into(),
        };
        gaps.leave_out(&path, "tools")?;
    }
    Ok(())
}
