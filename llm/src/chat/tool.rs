use std::borrow::Cow;

use super::CacheMarker;
use crate::json::Value;

/// A tool that the model may call.
#[derive(Clone, Debug, PartialEq)]
pub enum Tool<'a> {
    /// A function of the caller's.
    Function {
        /// What it is called.
        name: Cow<'a, str>,
        /// What it does.
        description: Option<Cow<'a, str>>,
        /// A JSON schema of its arguments.
        parameters: Option<Value<'a>>,
        /// The arguments must fit the schema exactly.
        strict: Option<bool>,
        /// The prompt up to here shall be cached.
        cache: Option<CacheMarker>,
    },
    /// A tool that runs at the provider, which may cost what nobody can bound: its type there (`web_search`), as
    /// one format alone knows it.
    Server {
        /// Its type there.
        kind: Cow<'a, str>,
        /// Where in the body it stands.
        path: String,
    },
}

/// Whether the model calls a tool.
#[derive(Clone, Debug, PartialEq)]
pub enum ToolChoice<'a> {
    /// As it likes.
    Auto,
    /// It does not.
    None,
    /// It does.
    Required,
    /// It calls this one.
    Tool(Cow<'a, str>),
    /// As it likes (or, where `required`, at least one), but only these.
    Allowed {
        /// The names of the tools.
        names: Vec<Cow<'a, str>>,
        /// It must call one.
        required: bool,
    },
}
