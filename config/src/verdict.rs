//! What the compiler says of one resource.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::text::Location;

/// A resource by kind, namespace and name. Prints as `AIRoute team-a/chat`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ObjectId {
    /// Its kind.
    pub kind: Kind,
    /// Its namespace; empty for a [`Kind::Namespace`], which stands in none.
    pub namespace: String,
    /// Its name; empty where the resource has none that can be read.
    pub name: String,
}

/// The kinds that the compiler reads.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Kind {
    /// A provider of models.
    #[serde(rename = "AIProvider")]
    AiProvider,
    /// A route from consumers and models to providers.
    #[serde(rename = "AIRoute")]
    AiRoute,
    /// A Secret: an API key, or what a provider refers to.
    Secret,
    /// A Namespace, for its labels.
    Namespace,
    /// A kind of the group `weir.dev` that this version does not know, by its name.
    #[serde(untagged)]
    Unknown(String),
}

/// The verdict on one resource.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// Which resource.
    pub object: ObjectId,
    /// What became of it.
    pub outcome: Outcome,
}

/// What became of a resource.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// It serves as it is written.
    Accepted,
    /// It does not.
    Refused {
        /// Everything that is wrong with it, in the order in which it is written.
        problems: Vec<Problem>,
        /// What serves in its stead.
        serving: Serving,
    },
}

/// What serves in place of a refused resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Serving {
    /// Its last good version, less what has been withdrawn since.
    LastGood,
    /// The other of two resources of one kind and name.
    TheOther,
    /// Nothing: there was no good version, or all of it was withdrawn.
    Nothing,
}

/// One thing that is wrong with a resource.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// The class of the problem, for programs.
    pub reason: Reason,
    /// The path of the field, as in `spec.rules[2].backends[0].provider.name`; empty for the
    /// resource as a whole.
    pub field: String,
    /// What is wrong and what would be right. It never holds the value of a secret.
    pub message: String,
    /// Where the field, or the nearest thing around it, stands in the text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<Location>,
}

/// The class of a problem. The names are stable: scripts and dashboards may rely on them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Reason {
    /// A field that must be there is not.
    Required,
    /// A field that nobody knows.
    UnknownField,
    /// A value of the wrong type.
    WrongType,
    /// A value that is none of those listed.
    UnknownValue,
    /// A number, list, map or text that is too big or too small.
    OutOfBounds,
    /// A value that is not written as it must be.
    InvalidFormat,
    /// Two entries that must differ and do not.
    Duplicate,
    /// Fields that don't go together.
    Conflict,
    /// A CEL expression that does not compile, or that asks for what is not there.
    InvalidExpression,
    /// A `${VARIABLE}` that is not set.
    UnsetVariable,
    /// A version or a kind that this build does not read.
    Unsupported,
    /// The same resource stands in two places.
    DuplicateResource,
    /// The text that held the resource can't be read.
    Unreadable,
    /// A reference to a provider that does not exist.
    ProviderNotFound,
    /// A reference to a provider that does not allow the namespace, or to the gateway's identity outside of its own.
    NotAllowed,
    /// A model that the provider does not serve.
    ModelNotServed,
    /// A reference to a Secret that does not exist.
    SecretNotFound,
    /// A reference to an entry that the Secret does not have.
    SecretKeyNotFound,
    /// A secret value that can't be used.
    InvalidSecret,
    /// An API key whose value stands in another Secret too, which is older or had it before.
    DuplicateKey,
}

impl Kind {
    /// The name as it stands in `kind:`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::AiProvider => "AIProvider",
            Self::AiRoute => "AIRoute",
            Self::Secret => "Secret",
            Self::Namespace => "Namespace",
            Self::Unknown(name) => name,
        }
    }
}

impl ObjectId {
    /// The id of a resource in a namespace.
    #[must_use]
    pub fn new(kind: Kind, namespace: impl Into<String>, name: impl Into<String>) -> Self {
        Self {
            kind,
            namespace: namespace.into(),
            name: name.into(),
        }
    }
}

impl Problem {
    /// A problem whose place is not known yet.
    pub(crate) fn new(
        reason: Reason,
        field: impl Into<String>,
        message: impl Into<String>,
    ) -> Self {
        Self {
            reason,
            field: field.into(),
            message: message.into(),
            location: None,
        }
    }
}

impl Verdict {
    /// Whether the resource serves as it is written.
    #[must_use]
    pub fn is_accepted(&self) -> bool {
        self.outcome == Outcome::Accepted
    }

    /// What is wrong with the resource; nothing where it was accepted.
    #[must_use]
    pub fn problems(&self) -> &[Problem] {
        match &self.outcome {
            Outcome::Accepted => &[],
            Outcome::Refused { problems, .. } => problems,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = if self.name.is_empty() {
            "?"
        } else {
            &self.name
        };
        if self.namespace.is_empty() {
            write!(f, "{} {name}", self.kind)
        } else {
            write!(f, "{} {}/{name}", self.kind, self.namespace)
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

impl fmt::Display for Serving {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::LastGood => "its last good version serves",
            Self::TheOther => "the other one of that name serves",
            Self::Nothing => "nothing serves in its stead",
        })
    }
}

/// `spec.rules[0].when: must be …`, without the place in the text.
impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.field.is_empty() {
            f.write_str(&self.message)
        } else {
            write!(f, "{}: {}", self.field, self.message)
        }
    }
}
