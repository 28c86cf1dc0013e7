//! What Vertex AI is called with.

use serde_json::{Map, Value};

use super::{CredentialError, header, no_json};
use crate::snapshot::Secret;

/// Where the tokens of a service account come from, unless its key says otherwise.
const TOKEN_URI: &str = "https://oauth2.googleapis.com/token";

/// What Vertex AI is called with, as it stands in a Secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GoogleCredential {
    /// The key of a service account.
    ServiceAccount(ServiceAccount),
    /// An identity of elsewhere that is exchanged for one of Google's.
    ExternalAccount(ExternalAccount),
    /// An access token, or an API key: whatever else can stand in a header.
    Token(Secret),
}

/// The JSON key of a service account
/// (<https://cloud.google.com/iam/docs/keys-create-delete#creating>).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceAccount {
    /// The account's address, which is the issuer of its assertions.
    pub client_email: String,
    /// The RSA key that assertions are signed with: PEM, PKCS #8.
    pub private_key: Secret,
    /// The id of that key.
    pub private_key_id: Option<String>,
    /// Where assertions are exchanged for access tokens.
    pub token_uri: String,
}

/// The JSON of workload identity federation (<https://google.aip.dev/auth/4117>), less what runs commands or asks AWS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExternalAccount {
    /// The provider of the pool.
    pub audience: String,
    /// What kind of token is exchanged, as RFC 8693 names them.
    pub subject_token_type: String,
    /// Where it is exchanged.
    pub token_url: String,
    /// Where a token of a service account is asked for with what came of it; none takes it as it is.
    pub impersonation_url: Option<String>,
    /// Where the token that is exchanged comes from.
    pub source: SubjectToken,
    /// The field of the token in the JSON that the source holds; none where the source holds the token itself.
    pub field: Option<String>,
}

/// Where a token that is exchanged comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SubjectToken {
    /// A file of the gateway's pod.
    File(String),
    /// The answer of a URL, asked for with these headers.
    Url {
        /// The URL.
        url: String,
        /// The headers.
        headers: Vec<(String, String)>,
    },
}

impl GoogleCredential {
    /// Reads the value of a Secret: JSON where it begins with a brace.
    ///
    /// # Errors
    /// It is JSON of another kind or without a field that is needed, or it is something else that no header takes.
    pub fn read(text: &str) -> Result<Self, CredentialError> {
        if !text.trim_start().starts_with('{') {
            return Ok(Self::Token(Secret::new(header(text)?)));
        }
        let fields: Map<String, Value> =
            serde_json::from_str(text).map_err(|error| no_json(&error))?;
        match fields.get("type").and_then(Value::as_str) {
            Some("service_account") => service_account(&fields).map(Self::ServiceAccount),
            Some("external_account") => external_account(&fields).map(Self::ExternalAccount),
            _ => Err(CredentialError::new(
                "is JSON, but not of type service_account or external_account: give the key of a service account as Google made it, or an access token",
            )),
        }
    }
}

fn service_account(fields: &Map<String, Value>) -> Result<ServiceAccount, CredentialError> {
    const WHAT: &str = "the key of a service account";
    let private_key = text(fields, "private_key", WHAT)?;
    if !private_key.contains("-----BEGIN ") && !crate::compile::is_stand_in(private_key) {
        return Err(CredentialError::new(
            "is the key of a service account whose private_key is no PEM: give it as Google made it, with \\n for line breaks",
        ));
    }
    let token_uri = match fields.get("token_uri") {
        None => TOKEN_URI.to_owned(),
        Some(_) => url(fields, "token_uri", WHAT)?,
    };
    Ok(ServiceAccount {
        client_email: text(fields, "client_email", WHAT)?.to_owned(),
        private_key: Secret::new(private_key),
        private_key_id: optional(fields, "private_key_id"),
        token_uri,
    })
}

fn external_account(fields: &Map<String, Value>) -> Result<ExternalAccount, CredentialError> {
    const WHAT: &str = "an external account";
    let source = fields.get("credential_source").and_then(Value::as_object);
    let source = source.ok_or_else(|| missing(WHAT, "credential_source"))?;
    let subject = match (source.get("file"), source.get("url")) {
        (Some(Value::String(file)), None) => SubjectToken::File(file.clone()),
        (None, Some(Value::String(_))) => SubjectToken::Url {
            url: url(source, "url", WHAT)?,
            headers: headers(source)?,
        },
        _ => {
            return Err(CredentialError::new(
                "is an external account whose credential_source is neither a file nor a url: Weir takes no other",
            ));
        }
    };
    let format = source.get("format").and_then(Value::as_object);
    let is_json = format.is_some_and(|format| format.get("type") == Some(&"json".into()));
    let field = match format.filter(|_| is_json) {
        Some(format) => Some(text(format, "subject_token_field_name", WHAT)?.to_owned()),
        None => None,
    };
    let impersonation_url = match fields.get("service_account_impersonation_url") {
        None => None,
        Some(_) => Some(url(fields, "service_account_impersonation_url", WHAT)?),
    };
    Ok(ExternalAccount {
        audience: text(fields, "audience", WHAT)?.to_owned(),
        subject_token_type: text(fields, "subject_token_type", WHAT)?.to_owned(),
        token_url: url(fields, "token_url", WHAT)?,
        impersonation_url,
        source: subject,
        field,
    })
}

fn headers(source: &Map<String, Value>) -> Result<Vec<(String, String)>, CredentialError> {
    let Some(headers) = source.get("headers") else {
        return Ok(Vec::new());
    };
    let pair = |(name, value): (&String, &Value)| {
        let value = value.as_str()?;
        Some((name.clone(), value.to_owned()))
    };
    let headers = headers.as_object();
    let headers = headers.and_then(|headers| headers.iter().map(pair).collect());
    headers.ok_or_else(|| {
        CredentialError::new(
            "is an external account whose credential_source.headers is no object of texts",
        )
    })
}

fn missing(what: &str, field: &str) -> CredentialError {
    CredentialError(format!("is {what} without {field}"))
}

fn text<'a>(
    fields: &'a Map<String, Value>,
    field: &str,
    what: &str,
) -> Result<&'a str, CredentialError> {
    let text = fields.get(field).and_then(Value::as_str);
    text.filter(|text| !text.is_empty())
        .ok_or_else(|| missing(what, field))
}

fn url(fields: &Map<String, Value>, field: &str, what: &str) -> Result<String, CredentialError> {
    let text = text(fields, field, what)?;
    let rest = text
        .strip_prefix("https://")
        .or_else(|| text.strip_prefix("http://"));
    match rest {
        Some(rest) if !rest.is_empty() && super::is_visible(rest) => Ok(text.to_owned()),
        _ => Err(CredentialError(format!(
            "is {what} whose {field} is no http or https URL"
        ))),
    }
}

fn optional(fields: &Map<String, Value>, field: &str) -> Option<String> {
    let text = fields.get(field).and_then(Value::as_str)?;
    Some(text.to_owned())
}
