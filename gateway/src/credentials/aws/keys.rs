use std::fmt;

use aws_credential_types::Credentials;
use weir_config::credential::AwsKeys;

/// A key pair, and the session that it belongs to, if it is a temporary one.
#[derive(Clone)]
pub(in crate::credentials) struct Keys(Credentials);

/// Shows no key.
impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keys")
    }
}

impl From<AwsKeys> for Keys {
    fn from(keys: AwsKeys) -> Self {
        let session = keys.session_token.as_ref();
        Self::new(
            keys.access_key_id,
            keys.secret_access_key.expose().to_owned(),
            session.map(|token| token.expose().to_owned()),
        )
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
}
