//! What Bedrock is called with.

use serde_json::{Map, Value};

use super::{CredentialError, header, is_visible, no_json};
use crate::snapshot::Secret;

/// What Bedrock is called with, as it stands in a Secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AwsCredential {
    /// A Bedrock API key
    /// (<https://docs.aws.amazon.com/bedrock/latest/userguide/api-keys.html>), which is sent as it is.
    ApiKey(Secret),
    /// An access key, which requests are signed with.
    Keys(AwsKeys),
}

/// An access key of AWS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AwsKeys {
    /// Its id.
    pub access_key_id: String,
    /// Its secret.
    pub secret_access_key: Secret,
    /// What goes with a key that was lent for a time.
    pub session_token: Option<Secret>,
}

impl AwsCredential {
    /// Reads the value of a Secret: JSON where it begins with a brace, a credentials file where it has sections or names
    /// `aws_access_key_id`
    /// (<https://docs.aws.amazon.com/cli/latest/userguide/cli-configure-files.html>), else an API key.
    ///
    /// # Errors
    /// There is no whole access key in it, or it is something else that no header takes.
    pub fn read(text: &str) -> Result<Self, CredentialError> {
        let start = text.trim_start();
        if start.starts_with('{') {
            let fields: Map<String, Value> =
                serde_json::from_str(text).map_err(|error| no_json(&error))?;
            return json(&fields).map(Self::Keys);
        }
        if start.starts_with(['[', '#', ';']) || start.contains("aws_access_key_id") {
            return file(text).map(Self::Keys);
        }
        Ok(Self::ApiKey(Secret::new(header(text)?)))
    }
}

/// What `aws iam create-access-key` prints, `aws sts assume-role`, or a credential process.
fn json(fields: &Map<String, Value>) -> Result<AwsKeys, CredentialError> {
    let inner = ["AccessKey", "Credentials"].into_iter();
    let inner = inner
        .filter_map(|name| fields.get(name)?.as_object())
        .next();
    let fields = inner.unwrap_or(fields);
    keys("is JSON", |name| fields.get(name)?.as_str())
}

/// The profile `default` of a credentials file; what stands above every section counts as its.
fn file(text: &str) -> Result<AwsKeys, CredentialError> {
    let mut is_default = true;
    let mut found: [Option<&str>; 3] = [None; 3];
    for line in text.lines().map(str::trim) {
        if let Some(section) = line.strip_prefix('[') {
            is_default = section.trim_end_matches(']').trim() == "default";
        } else if is_default && let Some((name, value)) = line.split_once('=') {
            let at = match name.trim() {
                "aws_access_key_id" => 0,
                "aws_secret_access_key" => 1,
                "aws_session_token" => 2,
                _ => continue,
            };
            found[at] = Some(value.trim());
        }
    }
    let [id, secret, session] = found;
    keys("is a credentials file", |name| match name {
        "AccessKeyId" => id,
        "SecretAccessKey" => secret,
        _ => session,
    })
}

fn keys<'a>(
    what: &str,
    get: impl Fn(&'static str) -> Option<&'a str>,
) -> Result<AwsKeys, CredentialError> {
    let (Some(id), Some(secret)) = (get("AccessKeyId"), get("SecretAccessKey")) else {
        return Err(CredentialError(match what {
            "is JSON" => "is JSON without both AccessKeyId and SecretAccessKey, as `aws iam create-access-key` prints them".to_owned(),
            _ => format!("{what} without both aws_access_key_id and aws_secret_access_key below [default]"),
        }));
    };
    let session = get("SessionToken").filter(|token| !token.is_empty());
    if [Some(id), Some(secret), session]
        .into_iter()
        .flatten()
        .any(|part| !is_visible(part))
    {
        return Err(CredentialError(format!(
            "{what} whose keys are no visible ASCII characters without spaces"
        )));
    }
    Ok(AwsKeys {
        access_key_id: id.to_owned(),
        secret_access_key: Secret::new(secret),
        session_token: session.map(Secret::new),
    })
}
