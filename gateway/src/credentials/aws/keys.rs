use std::fmt;

use aws_credential_types::Credentials;
use serde_json::Value;

/// A key pair, and the session that it belongs to, if it is a temporary one.
#[derive(Clone)]
pub(in crate::credentials) struct Keys(Credentials);

/// Shows no key.
impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keys")
    }
}

impl Keys {
    pub(super) fn new(id: String, secret: String, session: Option<String>) -> Self {
        Self(Credentials::new(id, secret, session, None, "weir"))
    }

    /// For the signer.
    pub(in crate::credentials) fn credentials(&self) -> Credentials {
        self.0.clone()
    }

    /// What must not be echoed: all of it.
    pub(in crate::credentials) fn secrets(&self) -> Vec<String> {
        [
            Some(self.0.access_key_id()),
            Some(self.0.secret_access_key()),
            self.0.session_token(),
        ]
        .into_iter()
        .flatten()
        .map(str::to_owned)
        .collect()
    }

    /// Reads what people have: a credentials file
    /// (<https://docs.aws.amazon.com/cli/latest/userguide/cli-configure-files.html>), or the JSON that
    /// `aws iam create-access-key`, `aws sts assume-role` and the like, or a `credential_process` prints. Text that is
    /// neither is a Bedrock API key, and gives none.
    ///
    /// # Errors
    /// It is meant to be one of these, but has no key pair, or more than a key pair; nothing of it is quoted.
    pub(in crate::credentials) fn read(text: &str) -> Result<Option<Self>, String> {
        if text.starts_with('{') {
            return of_json(text).map(Some);
        }
        if text.contains(['\n', '[', '=']) && text.to_ascii_lowercase().contains(ID) {
            return of_file(text).map(Some);
        }
        Ok(None)
    }

    fn of(id: &str, secret: &str, session: Option<&str>) -> Result<Self, String> {
        let plain =
            |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
        if !plain(id) || !plain(secret) || !session.is_none_or(plain) {
            return Err("credentials: an AWS key has characters that no key has, or none".into());
        }
        let session = session.map(str::to_owned);
        Ok(Self::new(id.to_owned(), secret.to_owned(), session))
    }
}

const ID: &str = "aws_access_key_id";
const SECRET: &str = "aws_secret_access_key";
const SESSION: &str = "aws_session_token";

fn of_json(text: &str) -> Result<Keys, String> {
    let said: Value =
        serde_json::from_str(text).map_err(|_| "credentials: AWS keys in JSON that is broken")?;
    let keys = ["AccessKey", "Credentials"]
        .iter()
        .find_map(|name| said.get(name))
        .unwrap_or(&said);
    let field = |name: &str| keys.get(name).and_then(Value::as_str);
    let missing = |name: &str| format!("credentials: the JSON of AWS keys has no {name}");
    Keys::of(
        field("AccessKeyId").ok_or_else(|| missing("AccessKeyId"))?,
        field("SecretAccessKey").ok_or_else(|| missing("SecretAccessKey"))?,
        field("SessionToken"),
    )
}

/// The profile `default` of a credentials file, or its only one.
fn of_file(text: &str) -> Result<Keys, String> {
    let mut profiles: Vec<(&str, Vec<(String, &str)>)> = vec![("", Vec::new())];
    for line in text.lines().map(str::trim) {
        if line.is_empty() || line.starts_with(['#', ';']) {
            continue;
        }
        if let Some(name) = line
            .strip_prefix('[')
            .and_then(|line| line.strip_suffix(']'))
        {
            profiles.push((name.trim(), Vec::new()));
            continue;
        }
        let (name, value) = line
            .split_once('=')
            .ok_or("credentials: a line of the AWS credentials file is no setting")?;
        if let Some((_, settings)) = profiles.last_mut() {
            settings.push((name.trim().to_ascii_lowercase(), value.trim()));
        }
    }
    profiles.retain(|(_, settings)| !settings.is_empty());
    let settings = match &profiles[..] {
        [(_, only)] => only,
        several => several
            .iter()
            .find_map(|(name, settings)| (*name == "default").then_some(settings))
            .ok_or("credentials: the AWS credentials file has no profile [default]")?,
    };
    let setting = |wanted: &str| {
        let found = settings.iter().find(|(name, _)| name == wanted);
        found.map(|(_, value)| *value)
    };
    // Whoever writes these does not mean the keys to be used as they are.
    for other in ["role_arn", "source_profile", "credential_process"] {
        if setting(other).is_some() {
            return Err(format!(
                "credentials: the AWS credentials file has {other}, which Weir does not follow"
            ));
        }
    }
    let missing = |name: &str| format!("credentials: the AWS credentials file has no {name}");
    Keys::of(
        setting(ID).ok_or_else(|| missing(ID))?,
        setting(SECRET).ok_or_else(|| missing(SECRET))?,
        setting(SESSION),
    )
}
