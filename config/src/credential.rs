//! What the values of Secrets are that clouds are called with: one reading for the compiler's verdicts and for what runs.
//!
//! No error holds a word of what was read.

mod aws;
mod google;

use std::fmt;

pub use aws::{AwsCredential, AwsKeys};
pub use google::{ExternalAccount, GoogleCredential, ServiceAccount, SubjectToken};

/// Why a value can't be used. `Display` says what would be right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CredentialError(String);

impl CredentialError {
    fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }
}

impl fmt::Display for CredentialError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for CredentialError {}

/// A secret that is sent in a header: visible ASCII without spaces (RFC 9110 §5.5, less what no provider uses).
///
/// # Errors
/// It is empty, ends with a line break, or has other characters.
pub fn header(text: &str) -> Result<&str, CredentialError> {
    if text.is_empty() {
        return Err(CredentialError::new("must not be empty"));
    }
    if text.ends_with(['\n', '\r']) {
        return Err(CredentialError::new(
            "ends with a line break, which is no part of the secret: write it without one (echo -n, or |- in YAML)",
        ));
    }
    if !is_visible(text) {
        return Err(CredentialError::new(
            "must be visible ASCII characters without spaces, as it is sent in a header",
        ));
    }
    Ok(text)
}

fn is_visible(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// Where the reading of JSON broke off, without a word of what is there.
fn no_json(error: &serde_json::Error) -> CredentialError {
    let (line, column) = (error.line(), error.column());
    CredentialError(format!(
        "begins as JSON and is none: line {line}, column {column} of the value can't be read"
    ))
}

#[cfg(test)]
mod tests;
