//! The Security Token Service.
//! See <https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html>.

use std::time::SystemTime;

use bytes::Bytes;
use http::{HeaderMap, Method};
use roxmltree::{Document, Node};

use super::{Keys, Temporary};
use crate::credentials::http::{Call, Client, Place, Trust};
use crate::credentials::source::{FetchError, Fetched};
use crate::credentials::{Environment, Unsigned, sigv4};

const VERSION: (&str, &str) = ("Version", "2011-06-15");
const ENDPOINT: &str = "AWS_ENDPOINT_URL_STS";
/// The name that the session has in CloudTrail, where `AWS_ROLE_SESSION_NAME` gives none.
const SESSION_NAME: &str = "weir-gateway";

/// The service of one region.
pub(super) struct Service<'a> {
    client: &'a Client,
    url: String,
    region: &'a str,
    session: &'a str,
}

impl<'a> Service<'a> {
    /// That of `AWS_REGION`, else of the provider's region; at `AWS_ENDPOINT_URL_STS` where that is set.
    pub(super) fn new(client: &'a Client, environment: &'a Environment, region: &'a str) -> Self {
        let region = environment
            .get("AWS_REGION")
            .or_else(|| environment.get("AWS_DEFAULT_REGION"))
            .unwrap_or(region);
        // <https://docs.aws.amazon.com/general/latest/gr/sts.html>; China is a partition of its own.
        let domain = if region.starts_with("cn-") {
            "amazonaws.com.cn"
        } else {
            "amazonaws.com"
        };
        Self {
            client,
            url: environment
                .get(ENDPOINT)
                .map_or_else(|| format!("https://sts.{region}.{domain}/"), str::to_owned),
            region,
            session: environment
                .get("AWS_ROLE_SESSION_NAME")
                .unwrap_or(SESSION_NAME),
        }
    }

    /// The keys of a role for a token of the pod's ServiceAccount.
    pub(super) async fn with_token(
        &self,
        role: &str,
        token: &str,
    ) -> Result<Temporary, FetchError> {
        let fields = [
            ("Action", "AssumeRoleWithWebIdentity"),
            VERSION,
            ("RoleArn", role),
            ("RoleSessionName", self.session),
            ("WebIdentityToken", token),
        ];
        let secrets = [token];
        let call = Call::form(Trust::Admin, &self.url, &fields).hiding(&secrets);
        let body = self.client.call(ENDPOINT, call).await?;
        self.read(&body)
    }

    /// The keys of a role for keys that may assume it.
    pub(super) async fn assume(&self, own: &Temporary, role: &str) -> Result<Fetched, FetchError> {
        let fields = [
            ("Action", "AssumeRole"),
            VERSION,
            ("RoleArn", role),
            ("RoleSessionName", self.session),
        ];
        let secrets = own.keys.secrets();
        let secrets: Vec<&str> = secrets.iter().map(String::as_str).collect();
        let mut call = Call::form(Trust::Admin, &self.url, &fields).hiding(&secrets);
        let place = Place::of(ENDPOINT, &self.url)?;
        sign(
            &place,
            &mut call.headers,
            &call.body,
            &own.keys,
            self.region,
        )?;
        let body = self.client.call(ENDPOINT, call).await?;
        self.read(&body)?.fetched()
    }

    fn read(&self, body: &Bytes) -> Result<Temporary, FetchError> {
        let host = Place::of(ENDPOINT, &self.url)?.host;
        let wrong = || FetchError::service(&host, "gave no keys that can be read");
        let text = std::str::from_utf8(body).map_err(|_| wrong())?;
        let document = Document::parse(text).map_err(|_| wrong())?;
        let credentials = named(document.root(), "Credentials").ok_or_else(wrong)?;
        let field = |name| Some(named(credentials, name)?.text()?.trim().to_owned());
        let field = |name| field(name).ok_or_else(wrong);
        Ok(Temporary {
            keys: Keys::new(
                field("AccessKeyId")?,
                field("SecretAccessKey")?,
                Some(field("SessionToken")?),
            ),
            expiration: field("Expiration")?,
            host: host.clone(),
        })
    }
}

fn sign(
    place: &Place,
    headers: &mut HeaderMap,
    body: &[u8],
    keys: &Keys,
    region: &str,
) -> Result<(), FetchError> {
    let request = Unsigned {
        method: &Method::POST,
        authority: &place.authority,
        path: &place.path,
        body: Some(body),
    };
    sigv4::sign(
        request,
        headers,
        keys,
        (region, sigv4::STS),
        SystemTime::now(),
    )
    .map_err(|error| FetchError::Setting(error.to_string()))
}

/// The first element of this name, in any namespace.
fn named<'a, 'input>(node: Node<'a, 'input>, name: &str) -> Option<Node<'a, 'input>> {
    node.descendants()
        .find(|node| node.tag_name().name() == name)
}

/// What an error of the service says.
/// See <https://docs.aws.amazon.com/STS/latest/APIReference/CommonErrors.html>.
pub(in crate::credentials) fn error_words(text: &str) -> Option<String> {
    let document = Document::parse(text).ok()?;
    let error = named(document.root(), "Error")?;
    let field = |name| Some(named(error, name)?.text()?.trim());
    let words: Vec<&str> = [field("Code"), field("Message")]
        .into_iter()
        .flatten()
        .collect();
    (!words.is_empty()).then(|| words.join(": "))
}
