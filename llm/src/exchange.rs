//! One call at one provider: what is sent there, and how its answer becomes one for the caller.
//!
//! Where provider and caller speak one format, bytes pass and only what must change is spliced. Everywhere else the
//! request is read into the canonical form and written from it, and so is the answer.

mod count;
mod embed;
mod estimate;
#[cfg(test)]
mod hostile;
mod pass;
mod plain;
mod stream;
mod usage;

use std::borrow::Cow;
use std::ops::Range;

use bytes::Bytes;

use crate::body::{self, Body};
use crate::call::{self, BodyKind, Call};
use crate::chat::Problem;
use crate::codec::{Asked, Codec, Gaps, Target};
use crate::frame::Framing;
use crate::json::{self, Value};
use crate::provider::{Ask, Reach, Settings};
use crate::{Dialect, Format, Operation, Preset, dialect};

pub use count::{CountedHere, counted_here};
pub use estimate::{Estimate, Passed};
pub use plain::Whole;
pub use stream::{BadStream, Ended, Stream, StreamEnd};
pub use usage::PlainUsage;

/// What a caller asks of one provider.
#[derive(Clone, Copy, Debug)]
pub struct Order<'a> {
    /// What the caller called.
    pub call: &'a Call,
    /// By which method.
    pub method: &'a str,
    /// The path that it called, without the query.
    pub path: &'a str,
    /// The query, without `?`.
    pub query: Option<&'a str>,
    /// The body, where it is JSON.
    pub body: Option<&'a Body<'a>>,
    /// The body's bytes, or as many of them as are there.
    pub bytes: &'a Bytes,
    /// Where in these bytes a form names the model.
    pub form_model: Option<&'a Range<usize>>,
    /// Whether a stream is wanted.
    pub stream: bool,
    /// Whom.
    pub dialect: Dialect,
    /// What its resource says.
    pub settings: &'a Settings,
    /// The model as the provider calls it; empty where the call names none.
    pub model: &'a str,
    /// What the provider can't do is left out, and not refused.
    pub drop: bool,
    /// See [`Asked::id`].
    pub id: &'a str,
    /// See [`Asked::now`].
    pub now: i64,
}

/// Why a provider can't be asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unfit {
    /// It has nothing for the operation.
    NoOperation,
    /// It can't do what is asked, or the body makes no sense.
    Problem(Problem),
    /// Nobody is called: Weir answers itself.
    Here(CountedHere),
}

/// What is sent to a provider, and what is known to understand its answer.
#[derive(Clone, Debug)]
pub struct Exchange {
    /// The path on the provider's host, with the query.
    pub path: String,
    /// Headers besides those of the caller. A caller's header of the same name stays.
    pub headers: Vec<(&'static str, Cow<'static, str>)>,
    /// The body.
    pub body: Bytes,
    /// What was left out, by the path in the caller's body; what no answer hangs on by the shape of its path, once.
    pub dropped: Vec<String>,
    way: Way,
    asked: AskedFor,
}

/// How an answer comes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// As it is.
    Pass {
        format: Format,
        /// Usage was asked for in the caller's name, and is taken out again.
        take_usage_out: bool,
    },
    /// From the provider's format to the caller's.
    Translate { from: Format, to: Format },
    /// Vectors of another dialect, as OpenAI's.
    Embeddings(embed::Vectors),
    /// A count of tokens, from the provider's format to the caller's.
    Count { from: Format, to: Format },
}

/// [`Asked`] without a borrow, as it has to live as long as the answer.
#[derive(Clone, Debug)]
struct AskedFor {
    model: String,
    stream: bool,
    include_usage: bool,
    id: String,
    now: i64,
    /// The caller's body, where its format repeats parts of it.
    body: Option<Value<'static>>,
    framing: Framing,
}

impl AskedFor {
    fn borrowed(&self) -> Asked<'_> {
        Asked {
            model: &self.model,
            stream: self.stream,
            include_usage: self.include_usage,
            id: &self.id,
            now: self.now,
            body: self.body.as_ref(),
            framing: self.framing,
        }
    }
}

/// Makes of an order what is sent.
///
/// # Errors
/// [`Unfit`].
pub fn prepare(order: &Order<'_>) -> Result<Exchange, Unfit> {
    let provider = dialect::provider(order.dialect);
    let stream = order.stream;
    let ask = Ask {
        call: order.call,
        method: order.method,
        path: order.path,
        model: order.model,
        stream,
        settings: order.settings,
    };
    let reach = provider.reach(&ask);
    let exchange = match order.call.operation {
        Operation::CountTokens => count::prepare(order, reach),
        Operation::Embeddings if reach.is_none() && order.call.format == Format::Chat => {
            embed::prepare(order)
        }
        _ => {
            let reach = reach.ok_or(Unfit::NoOperation)?;
            if reach.format == order.call.format {
                Ok(pass::prepare(order, reach))
            } else {
                translate(order, reach)
            }
        }
    }?;
    // What a caller writes into a path, be it a model's name or that of a kept thing, leads nowhere else.
    let path = exchange.path.split('?').next().unwrap_or_default();
    if call::climbs(path.strip_prefix(&*order.settings.base).unwrap_or(path)) {
        let message = "The path of your request, or the model's name in it, may not hold the segments `.` and `..`.";
        return Err(Unfit::Problem(Problem::new(400, "invalid_path", message)));
    }
    names_one_model(order)?;
    Ok(exchange)
}

/// OpenRouter answers by any of a body's `models` where the first does not (<https://openrouter.ai/docs/features/model-routing>):
/// models that nobody allowed, as Weir goes by `model` alone.
fn names_one_model(order: &Order<'_>) -> Result<(), Unfit> {
    let body = match order.body {
        Some(body) if order.settings.preset == Some(Preset::OpenRouter) => body,
        _ => return Ok(()),
    };
    let mut several = false;
    // That it is an object was seen when it was read.
    let _ = json::fields(body.json(), |name, _| {
        several |= body::unescaped(name) == "models";
    });
    if several {
        let message =
            "Unsupported parameter: 'models'. Routes say which models a request may fall back to.";
        let problem = Problem::invalid("unsupported_parameter", "models", message);
        return Err(Unfit::Problem(problem));
    }
    Ok(())
}

impl Order<'_> {
    fn include_usage(&self) -> bool {
        self.body.is_some_and(Body::include_usage)
    }

    /// How the caller wants its stream cut: Gemini's callers say it in the query.
    fn framing(&self) -> Framing {
        dialect::codec(self.call.format).framing_asked(self.query)
    }

    fn asked(&self, body: Option<Value<'static>>) -> AskedFor {
        AskedFor {
            model: self.body.map_or("", Body::model).to_owned(),
            stream: self.stream,
            include_usage: self.include_usage(),
            id: self.id.to_owned(),
            now: self.now,
            body,
            framing: self.framing(),
        }
    }

    /// Path and query at the provider. Some SDKs can send the key in the query; it is not the provider's to know.
    fn target(&self, reach: &Reach) -> String {
        let caller = if reach.keep_query { self.query } else { None };
        let own = reach.query.split('&').filter(|part| !part.is_empty());
        let kept = caller.unwrap_or_default().split('&').filter(|part| {
            let name = call::decoded(part.split('=').next().unwrap_or_default());
            let credential = matches!(&*name, "key" | "api_key" | "access_token" | "oauth_token");
            // Of two values the provider would take the one or the other.
            let again = own.clone().any(|own| own.split('=').next() == Some(&*name));
            !name.is_empty() && !credential && !again
        });
        let query: Vec<&str> = own.clone().chain(kept).collect();
        if query.is_empty() {
            reach.path.clone()
        } else {
            format!("{}?{}", reach.path, query.join("&"))
        }
    }
}

/// Through the canonical form.
fn translate(order: &Order<'_>, reach: Reach) -> Result<Exchange, Unfit> {
    let (Some(body), BodyKind::Json) = (order.body, order.call.body) else {
        return Err(Unfit::NoOperation);
    };
    let from = dialect::codec(order.call.format);
    let to = dialect::codec(reach.format);
    let value = parse(body.json())?;
    let asked = order.asked(from.repeats_request().then(|| value.clone().into_owned()));
    let request = from
        .read_request(&value, &asked.borrowed())
        .map_err(Unfit::Problem)?;
    let target = Target {
        dialect: order.dialect,
        preset: order.settings.preset,
        model: order.model,
    };
    let mut gaps = Gaps::new(order.drop, reach.format.title());
    // An id of a file means something to whom it is kept at alone; OpenAI's two formats share theirs.
    if from.files_of() != to.files_of()
        && let Some(path) = request.kept_file()
    {
        let what = "a file that is kept at another provider";
        return Err(Unfit::Problem(gaps.refuse(path, what)));
    }
    let written = to
        .write_request(&request, &target, &mut gaps)
        .map_err(Unfit::Problem)?;
    Ok(Exchange {
        path: order.target(&reach),
        body: pass::change(written.to_bytes().into(), &reach.body, None),
        headers: reach.headers,
        dropped: gaps.into_told(),
        way: Way::Translate {
            from: reach.format,
            to: order.call.format,
        },
        asked,
    })
}

/// Whether an error of status 404 says that there is no such path, and not that there is no such model or thing: it has the
/// code that OpenAI's servers give unknown paths, or no telling code and, in whatever shape, words that speak of a path
/// alone (`Invalid URL (POST /v1/responses)`, Azure's `Resource not found`). What is no JSON is the page of a server
/// that has no such path, unless its text speaks of a model.
#[must_use]
pub fn names_no_such_path(body: &[u8]) -> bool {
    let Ok(said) = Value::from_bytes(body) else {
        let page = String::from_utf8_lossy(body).to_ascii_lowercase();
        // What is cut off in the middle of its JSON might still say another thing.
        let page = page.trim_start();
        return page.starts_with('<') || !(page.starts_with(['{', '[']) || speaks_of_a_thing(page));
    };
    let error = said.get("error").filter(|error| !error.is_null());
    let code = |value: &Value<'_>| value.get("code")?.as_str().map(str::to_owned);
    match error.and_then(code).or_else(|| code(&said)).as_deref() {
        Some("unknown_url") => true,
        None | Some("404" | "not_found" | "NotFound" | "Not Found") => {
            let read = dialect::codec(Format::Chat).read_problem(404, body);
            let message = read.map(|problem| problem.message.to_ascii_lowercase());
            speaks_of_a_path(&message.unwrap_or_default())
        }
        Some(_) => false,
    }
}

/// Whether a message in small letters says that a path is not there.
fn speaks_of_a_path(message: &str) -> bool {
    const PATHS: [&str; 5] = ["url", "path", "route", "endpoint", "resource not found"];
    let bare = message.trim_matches(|c: char| !c.is_ascii_alphanumeric());
    let path = matches!(
        bare,
        "" | "not found" | "404 not found" | "404 page not found"
    ) || PATHS.iter().any(|word| message.contains(word));
    path && !speaks_of_a_thing(message)
}

/// Whether a message in small letters speaks of a stored thing or a model, which may be told with the path that was asked;
/// OpenRouter's endpoints are models at their providers (`No endpoints found that support image input`).
fn speaks_of_a_thing(message: &str) -> bool {
    const THINGS: [&str; 8] = [
        "model",
        "deployment",
        "previous",
        "endpoints found",
        "image",
        "file",
        "conversation",
        "response with id",
    ];
    THINGS.iter().any(|word| message.contains(word))
}

fn parse(text: &str) -> Result<Value<'_>, Unfit> {
    Value::parse(text).map_err(|bad| {
        let message = format!(
            "We could not parse the JSON body of your request (line {}, column {}), or it holds more than {} values.",
            bad.line,
            bad.column,
            crate::json::MAX_NODES
        );
        Unfit::Problem(Problem::new(400, "invalid_json", message))
    })
}

impl Exchange {
    /// What the provider speaks.
    #[must_use]
    pub fn provider_format(&self) -> Format {
        match self.way {
            Way::Pass { format, .. } => format,
            Way::Translate { from, .. } | Way::Count { from, .. } => from,
            Way::Embeddings(vectors) => vectors.wire.errors(),
        }
    }

    /// What the caller speaks.
    #[must_use]
    pub fn caller_format(&self) -> Format {
        match self.way {
            Way::Pass { format, .. } => format,
            Way::Translate { to, .. } | Way::Count { to, .. } => to,
            Way::Embeddings(_) => Format::Chat,
        }
    }

    /// Whether answers pass as they are.
    #[must_use]
    pub fn passes(&self) -> bool {
        matches!(self.way, Way::Pass { .. })
    }

    /// The error that the provider's error becomes: its own where the caller can read it, else one that keeps what it
    /// says. A body that says nothing that can be read is wrapped too.
    #[must_use]
    pub fn problem(&self, status: u16, body: &[u8]) -> Option<Problem> {
        let from = dialect::codec(self.provider_format());
        if self.passes() && from.is_problem(body) {
            return None;
        }
        // Proxies before a provider, and those that rerank for Cohere's callers, often speak as OpenAI does.
        let read = from
            .read_problem(status, body)
            .or_else(|| dialect::codec(Format::Chat).read_problem(status, body));
        let mut problem = read.unwrap_or_else(|| {
            let message =
                format!("The provider answered {status} without an error that can be read.");
            Problem::new(status, "provider_error", message)
        });
        problem
            .code
            .get_or_insert_with(|| "provider_error".to_owned());
        Some(problem)
    }

    /// The same, and `header` finds the provider's headers by their names: some name their errors there.
    #[must_use]
    pub fn problem_named<'h>(
        &self,
        status: u16,
        body: &[u8],
        header: impl FnOnce(&'static str) -> Option<&'h str>,
    ) -> Option<Problem> {
        let mut problem = self.problem(status, body)?;
        let from = dialect::codec(self.provider_format());
        if let Some(name) = from.problem_header().and_then(header) {
            from.name_problem(name, &mut problem);
        }
        Some(problem)
    }

    /// The error in an answer that says of itself that it succeeded, as Azure's filters and OpenRouter send them. Its
    /// status is the one that the body names, or that of the class that it names; 400 where it names none.
    #[must_use]
    pub fn hidden_problem(&self, body: &[u8]) -> Option<Problem> {
        let from = dialect::codec(self.provider_format());
        let hidden = !self.passes() && from.is_problem(body);
        let problem = if hidden {
            from.read_problem(
                dialect::openai::problem::told_status(body).unwrap_or(400),
                body,
            )
        } else {
            None
        };
        problem.map(|mut problem| {
            problem
                .code
                .get_or_insert_with(|| "provider_error".to_owned());
            problem
        })
    }

    /// How many seconds a provider's error says to wait, where it says so in its body.
    #[must_use]
    pub fn retry_after(&self, body: &[u8]) -> Option<u64> {
        dialect::codec(self.provider_format()).retry_after(body)
    }

    /// Writes an error for this exchange's caller.
    #[must_use]
    pub fn write_problem(&self, problem: &Problem) -> crate::codec::WrittenProblem {
        dialect::codec(self.caller_format()).write_problem(problem, &self.asked.borrowed())
    }

    fn codecs(&self) -> (&'static dyn Codec, &'static dyn Codec) {
        (
            dialect::codec(self.provider_format()),
            dialect::codec(self.caller_format()),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_that_are_not_there_are_told_from_models_that_are_not() {
        for path in [
            "",
            "404 page not found",
            r#"{"detail":"Not Found"}"#,
            r#"{"error":"path not found"}"#,
            r#"{"error":{"message":"Unknown request URL","code":"unknown_url"}}"#,
            r#"{"error":{"message":"Invalid URL (POST /v1/responses)","type":"invalid_request_error","param":null,"code":null}}"#,
            r#"{"error":{"code":"404","message": "Resource not found"}}"#,
            r#"{"error":{"message":"Not Found","code":404}}"#,
            r#"{"error":{"code":404,"message":"Unknown request URL: POST /v1/responses."}}"#,
            r#"{"object":"error","message":"Not Found","type":"NotFoundError","code":404}"#,
            r#"{"timestamp":"2026-11-23","status":404,"error":"Not Found","path":"/v1/responses"}"#,
            r#"{"message":"no Route matched with those values"}"#,
            "<html><head><title>404 Not Found</title></head><body>nginx</body></html>",
        ] {
            assert!(names_no_such_path(path.as_bytes()), "{path}");
        }
        for other in [
            r#"{"error":{"message":"The model `x` does not exist","code":"model_not_found"}}"#,
            r#"{"error":{"message":"The model `x` does not exist at this endpoint","code":null}}"#,
            r#"{"error":{"code":"DeploymentNotFound","message":"The API deployment for this resource does not exist."}}"#,
            r#"{"error":{"message":"Response with id 'resp_1' not found.","type":"invalid_request_error","code":null}}"#,
            r#"{"object":"error","message":"The model `x` does not exist.","code":404}"#,
            r#"{"error":"model \"x\" not found, try pulling it first"}"#,
            r#"{"code":"Some requested entity was not found","error":"The model x does not exist or your team has no access to it."}"#,
            r#"{"detail":"Model x not found"}"#,
            r#"{"message":"The requested model was not found","status":404}"#,
            r#"{"error":{"message":"No endpoints found that support image input","code":404}}"#,
            r#"{"error":{"message":"Not found the model x or permission denied","type":"resource_not_found_error"}}"#,
            "model 'x' not found",
            r#"{"error":{"message":"The mod"#,
        ] {
            assert!(!names_no_such_path(other.as_bytes()), "{other}");
        }
    }
}
