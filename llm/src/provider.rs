//! What Weir knows of each provider dialect: where its operations are, and how it is called.

use std::borrow::Cow;

use crate::bound::Leaving;
use crate::call::Call;
use crate::{Dialect, Format, Operation, Preset};

/// A provider dialect.
pub trait Provider: Sync {
    /// Which one it is.
    fn dialect(&self) -> Dialect;

    /// The header that its credential goes in.
    fn credential(&self) -> CredentialHeader;

    /// Where a call goes and what is spoken there.
    ///
    /// `None` where the provider has nothing for the operation. A chat call gets an answer whatever its format is: the
    /// provider's own format where it does not speak the caller's.
    fn reach(&self, ask: &Ask<'_>) -> Option<Reach>;

    /// Who sells what it serves.
    fn seller(&self) -> Seller {
        Seller::ByUrl
    }

    /// What it does when its caller leaves: goes on and bills, where its docs do not say that it stops. See
    /// [`leaving`](crate::bound::leaving).
    fn leaving(&self, _preset: Option<Preset>) -> Leaving {
        Leaving::Bills
    }
}

/// Who sells what a provider serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seller {
    /// Only one does, whatever URL it is called by: its id in the catalogue of prices.
    One(&'static str),
    /// Many do; the URL tells which.
    ByUrl,
    /// It costs nothing.
    Nobody,
}

/// How a provider wants its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CredentialHeader {
    /// `Authorization: Bearer KEY`
    Bearer,
    /// The key alone in this header; tokens of a workload identity go as `Authorization: Bearer` all the same.
    Key(&'static str),
}

/// What is asked of a provider.
#[derive(Clone, Copy, Debug)]
pub struct Ask<'a> {
    /// What the caller called.
    pub call: &'a Call,
    /// The method that it called by.
    pub method: &'a str,
    /// The path that it called, without the query.
    pub path: &'a str,
    /// The model as the provider calls it; empty where the call names none.
    pub model: &'a str,
    /// Whether a stream is wanted.
    pub stream: bool,
    /// What the provider's resource says.
    pub settings: &'a Settings,
}

/// What the resource of a provider says beyond its dialect.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// The path of its endpoint, without a slash at the end.
    pub base: String,
    /// Which well-known provider it is.
    pub preset: Option<Preset>,
    /// Azure's `api-version`.
    pub api_version: Option<String>,
    /// Callers of OpenAI's responses are served by chat completions: said in the resource, or learned from a 404.
    pub responses_by_chat: bool,
}

/// Where a call goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reach {
    /// The path on the provider's host, the endpoint's own path included.
    pub path: String,
    /// Its query, without `?`; empty for none.
    pub query: String,
    /// Whether the caller's own query goes along, but for keys.
    pub keep_query: bool,
    /// What is spoken there. For what is no chat, the caller's format: it passes.
    pub format: Format,
    /// How the body of that format is changed for this provider.
    pub body: BodyChange,
    /// Headers that it wants besides.
    pub headers: Vec<(&'static str, Cow<'static, str>)>,
}

/// How a body differs at one provider from what its format says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BodyChange {
    /// Where the name of the model goes.
    pub model: ModelPlace,
    /// Fields that it does not want (`stream`, where the path says it).
    pub without: &'static [&'static str],
    /// Fields that it wants, with their values in JSON, unless the body has them.
    pub with: &'static [(&'static str, &'static str)],
}

/// Where the name of the model goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ModelPlace {
    /// Into the body.
    #[default]
    Body,
    /// Into the path; the body has none.
    Path,
}

impl Ask<'_> {
    /// Whether a chat can answer it: one is asked for, or the continuation of a prompt in OpenAI's format, which is read
    /// as the turn of a user.
    #[must_use]
    pub fn is_chat(&self) -> bool {
        match self.operation() {
            Operation::Chat => true,
            Operation::Completions => self.call.format == Format::Completions,
            _ => false,
        }
    }

    /// What is asked for.
    #[must_use]
    pub fn operation(&self) -> Operation {
        self.call.operation
    }
}
