//! Counts of tokens: asked of a provider that counts, else counted by Weir.

use super::{Exchange, Order, Unfit, Way, parse, pass};
use crate::chat::Tool;
use crate::codec::{BadAnswer, Gaps, Target};
use crate::provider::Reach;
use crate::{Format, dialect};

/// A count that Weir makes itself, because no provider of the call can. Counting takes a while: do it where nothing else
/// waits for the thread.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CountedHere {
    /// Whose answer it becomes.
    pub format: Format,
    /// The model whose tokens are counted, as its provider calls it.
    pub model: String,
    /// What the model would read: texts, and the declarations of tools in JSON.
    pub texts: Vec<String>,
}

/// The answer to a count that was made here.
#[must_use]
pub fn counted_here(counted: &CountedHere, tokens: u64) -> Vec<u8> {
    dialect::codec(counted.format).write_count(tokens)
}

pub(super) fn prepare(order: &Order<'_>, reach: Option<Reach>) -> Result<Exchange, Unfit> {
    if let Some(reach) = &reach
        && reach.format == order.call.format
    {
        return Ok(pass::prepare(order, reach.clone()));
    }
    let body = order.body.ok_or(Unfit::NoOperation)?;
    let value = parse(body.json())?;
    let asked = order.asked(None);
    let caller = dialect::codec(order.call.format);
    let request = caller
        .read_count_request(&value, &asked.borrowed())
        .map_err(Unfit::Problem)?;
    let target = Target {
        dialect: order.dialect,
        preset: order.settings.preset,
        model: order.model,
    };
    let Some(reach) = reach else {
        let mut texts: Vec<String> = request
            .texts()
            .into_iter()
            .map(|text| text.value.clone().into_owned())
            .collect();
        texts.extend(request.tools.iter().map(declaration));
        return Err(Unfit::Here(CountedHere {
            format: order.call.format,
            model: order.model.to_owned(),
            texts,
        }));
    };
    let to = dialect::codec(reach.format);
    // What the answer would be like does not change what goes in.
    let mut gaps = Gaps::new(true, reach.format.title());
    let written = to
        .write_request(&request, &target, &mut gaps)
        .map_err(Unfit::Problem)?;
    let written = to
        .count_request(written, &target)
        .ok_or(Unfit::NoOperation)?;
    Ok(Exchange {
        path: order.target(&reach),
        body: pass::change(written.to_bytes().into(), &reach.body, None),
        headers: reach.headers,
        dropped: gaps.into_told(),
        way: Way::Count {
            from: reach.format,
            to: order.call.format,
        },
        asked,
    })
}

fn declaration(tool: &Tool<'_>) -> String {
    match tool {
        Tool::Function {
            name,
            description,
            parameters,
            ..
        } => {
            let schema = parameters.as_ref().map(crate::json::Value::to_json);
            [
                &**name,
                description.as_deref().unwrap_or_default(),
                &schema.unwrap_or_default(),
            ]
            .join("\n")
        }
        Tool::Server { kind, .. } => kind.clone().into_owned(),
    }
}

/// The provider's count as the caller's.
pub(super) fn answer(from: Format, to: Format, body: &[u8]) -> Result<Vec<u8>, BadAnswer> {
    let tokens = dialect::codec(from).read_count(body);
    let tokens = tokens.ok_or_else(|| BadAnswer::new("it holds no count"))?;
    Ok(dialect::codec(to).write_count(tokens))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_of_ones_own_is_told_in_the_callers_format() {
        let counted = CountedHere {
            format: Format::Messages,
            model: "m".into(),
            texts: Vec::new(),
        };
        assert_eq!(counted_here(&counted, 7), br#"{"input_tokens":7}"#);
    }
}
