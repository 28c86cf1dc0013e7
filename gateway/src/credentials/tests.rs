pub(super) mod fake;

use std::time::Duration;

use tokio::runtime::Handle;
use weir_config::snapshot::WorkloadIdentity;

use super::*;
use crate::wire::DenyList;
use fake::Fake;

/// An environment of these variables and no others.
pub(super) fn environment(variables: &[(&str, &str)]) -> Environment {
    Environment::read(|name| {
        let found = variables.iter().find(|(known, _)| *known == name);
        found.map(|(_, value)| (*value).to_owned())
    })
}

/// A file with this text, in a folder that goes with the first part.
pub(super) fn file_of(text: &str) -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("token");
    std::fs::write(&path, text).unwrap();
    let path = path.to_str().unwrap().to_owned();
    (folder, path)
}

pub(super) fn client() -> http::Client {
    http::Client::new(Arc::default())
}

/// The token that was fetched, for how many seconds it is good, and whether it would be scrubbed.
pub(super) fn token(fetched: source::Fetched) -> (String, u64) {
    let Material::Token(value) = &fetched.material else {
        panic!("it is no token");
    };
    assert!(value.is_sensitive());
    let value = value.to_str().unwrap().to_owned();
    assert!(fetched.scrubber(&[]).finds(value.as_bytes()), "{value}");
    (value, fetched.lifetime.as_secs())
}

fn keepers(environment: Environment) -> Keepers {
    Keepers::new(Handle::current(), Arc::default(), environment)
}

fn bedrock(region: Option<&str>) -> Scheme {
    Scheme::Bedrock {
        region: region.map(str::to_owned),
    }
}

async fn headers(authorizer: &Authorizer) -> Result<HeaderMap, Unauthorised> {
    let mut headers = HeaderMap::new();
    let request = Unsigned {
        method: &Method::POST,
        authority: &HeaderValue::from_static("models.example"),
        path: &PathAndQuery::from_static("/v1/chat"),
        body: Some(b"{}"),
    };
    authorizer
        .authorize(request, &mut headers, SystemTime::now())
        .await?;
    Ok(headers)
}

#[tokio::test]
async fn a_secret_goes_where_its_provider_wants_it() {
    let keepers = keepers(Environment::default());
    let keys = "[default]\naws_access_key_id = AKIDEXAMPLE\naws_secret_access_key = s3cret/Key\n";
    for (scheme, secret, name, begins) in [
        (Scheme::Bearer, "sk-1", "authorization", "Bearer sk-1"),
        (
            Scheme::Header(HeaderName::from_static("x-api-key")),
            "sk-ant-1",
            "x-api-key",
            "sk-ant-1",
        ),
        (Scheme::Google, "ya29.a", "authorization", "Bearer ya29.a"),
        (Scheme::Google, "AIzaSy1", "x-goog-api-key", "AIzaSy1"),
        (bedrock(None), "ABSK1", "authorization", "Bearer ABSK1"),
        (
            bedrock(Some("eu-west-1")),
            keys,
            "authorization",
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/",
        ),
    ] {
        let credential = Credential::Secret(Secret::new(secret));
        let authorizer = Authorizer::new(&scheme, Some(&credential), &keepers).unwrap();
        let headers = headers(&authorizer).await.unwrap();
        let value = headers[name].to_str().unwrap();
        assert!(value.starts_with(begins), "{value}");
        assert!(headers[name].is_sensitive());
        assert_eq!(authorizer.status(), None);
        let scrubber = authorizer.scrubber();
        let shown = secret.lines().last().unwrap().rsplit(' ').next().unwrap();
        assert!(scrubber.finds(format!("x{shown}y").as_bytes()), "{shown}");
        assert!(!format!("{authorizer:?}").contains(shown));
    }
}

#[tokio::test]
async fn without_a_credential_nothing_is_added() {
    let authorizer =
        Authorizer::new(&Scheme::Bearer, None, &keepers(Environment::default())).unwrap();
    assert_eq!(headers(&authorizer).await.unwrap(), HeaderMap::new());
    assert_eq!(authorizer.scrubber().longest(), 0);
}

#[tokio::test]
async fn what_can_not_be_used_is_said_and_not_quoted() {
    let keepers = keepers(Environment::default());
    let refused = |scheme: Scheme, credential: Credential| {
        Authorizer::new(&scheme, Some(&credential), &keepers).unwrap_err()
    };
    let secret = |text: &str| Credential::Secret(Secret::new(text));
    let account = |key: &str| {
        serde_json::json!({"type": "service_account", "client_email": "a@b", "private_key": key})
            .to_string()
    };
    let external = |change: fn(&mut serde_json::Value)| {
        let mut json = serde_json::json!({
            "type": "external_account", "audience": "a", "subject_token_type": "t",
            "token_url": "https://sts.googleapis.com/v1/token",
            "credential_source": {"url": "https://tokens.example/s3cret"},
        });
        change(&mut json);
        secret(&json.to_string())
    };
    let aws = Credential::Identity(WorkloadIdentity::Aws { role_arn: None });
    let gcp = Credential::Identity(WorkloadIdentity::Gcp {});
    let keys = secret("{\"AccessKeyId\": \"a\", \"SecretAccessKey\": \"s3cret\"}");
    let other_cloud = "credentials: workloadIdentity is of another cloud than the dialect";
    let no_region =
        "credentials: requests are signed for a region, and there is none in bedrock.region";
    for (said, expected) in [
        (
            refused(Scheme::Bearer, secret("s3cret\n")),
            "credentials: the value can't stand in a header",
        ),
        (refused(bedrock(None), keys), no_region),
        (refused(bedrock(None), aws.clone()), no_region),
        (refused(Scheme::Bearer, aws), other_cloud),
        (refused(bedrock(Some("r")), gcp), other_cloud),
        (
            refused(Scheme::Google, secret(&account("-----BEGIN s3cret"))),
            "credentials: private_key is no RSA key in PEM",
        ),
        (
            refused(
                Scheme::Google,
                external(|json| json["credential_source"] = serde_json::json!({"file": "/etc/x"})),
            ),
            "credentials: credential_source: in a Secret it may have a url and no file; for a file, mount this JSON and use workloadIdentity.gcp",
        ),
        (
            refused(
                Scheme::Google,
                external(|json| json["token_url"] = "https://googleapis.com.evil.example/".into()),
            ),
            "credentials: token_url: in a Secret it has to be an https:// URL of googleapis.com",
        ),
        (
            refused(
                Scheme::Google,
                external(|json| {
                    json["service_account_impersonation_url"] =
                        "http://iamcredentials.googleapis.com/".into();
                }),
            ),
            "credentials: service_account_impersonation_url: in a Secret it has to be an https:// URL of googleapis.com",
        ),
        (
            refused(
                Scheme::Google,
                external(|json| {
                    json["credential_source"]["url"] = "http://169.254.169.254/s3cret".into();
                }),
            ),
            "credentials: credential_source.url: in a Secret it has to be https://",
        ),
    ] {
        assert_eq!(said, expected);
    }
}

#[tokio::test]
async fn a_workload_identity_is_fetched_once_for_all_who_use_it_and_renewed() {
    let entra = Fake::start({
        let count = std::sync::atomic::AtomicU64::new(1);
        move |_| {
            let number = count.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            // Each is good for a second: it is renewed after half of that.
            let body = format!(r#"{{"access_token":"entra-{number}","expires_in":1}}"#);
            (200, body)
        }
    })
    .await;
    let (_folder, path) = file_of("the pod's token");
    let keepers = keepers(environment(&[
        ("AZURE_AUTHORITY_HOST", &entra.url("/")),
        ("AZURE_CLIENT_ID", "app"),
        ("AZURE_FEDERATED_TOKEN_FILE", &path),
        ("AZURE_TENANT_ID", "tenant"),
    ]));
    let identity = Credential::Identity(WorkloadIdentity::Azure {
        tenant_id: None,
        client_id: None,
    });
    let scheme = Scheme::Header(HeaderName::from_static("api-key"));
    let [one, two] = [(); 2].map(|()| Authorizer::new(&scheme, Some(&identity), &keepers).unwrap());
    for authorizer in [&one, &two] {
        let headers = headers(authorizer).await.unwrap();
        assert_eq!(headers["authorization"], "Bearer entra-1");
        assert!(!headers.contains_key("api-key"));
    }
    assert_eq!(entra.seen().len(), 1);
    let renewed = async {
        while one.status().unwrap().renewals < 3 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), renewed)
        .await
        .unwrap();
    let headers = headers(&one).await.unwrap();
    assert!(headers["authorization"].to_str().unwrap() >= "Bearer entra-3");
    assert_eq!(one.status().unwrap().failures, 0);
}

#[tokio::test]
async fn requests_are_signed_by_the_keys_of_an_identity() {
    let agent = Fake::saying(
        200,
        r#"{"AccessKeyId":"ASIA1","SecretAccessKey":"s3cret/Key","Token":"the+session","Expiration":"2099-01-01T00:00:00Z"}"#,
    )
    .await;
    let keepers = keepers(environment(&[(
        "AWS_CONTAINER_CREDENTIALS_FULL_URI",
        &agent.url("/"),
    )]));
    let identity = Credential::Identity(WorkloadIdentity::Aws { role_arn: None });
    let authorizer =
        Authorizer::new(&bedrock(Some("eu-west-1")), Some(&identity), &keepers).unwrap();
    let headers = headers(&authorizer).await.unwrap();
    let signature = headers["authorization"].to_str().unwrap();
    assert!(
        signature.starts_with("AWS4-HMAC-SHA256 Credential=ASIA1/")
            && signature.contains(
                "/eu-west-1/bedrock/aws4_request, SignedHeaders=host;x-amz-date;x-amz-security-token, "
            ),
        "{signature}"
    );
    assert_eq!(headers["x-amz-security-token"], "the+session");
    let scrubber = authorizer.scrubber();
    for echoed in ["ASIA1", "s3cret/Key", "the+session", "the%2Bsession"] {
        assert!(scrubber.finds(echoed.as_bytes()), "{echoed}");
    }
    assert_eq!(authorizer.status().unwrap().renewals, 1);
    assert_eq!(agent.seen()[0].headers.get("authorization"), None);
}

#[tokio::test]
async fn a_body_that_is_streamed_is_not_signed() {
    let credential = Credential::Secret(Secret::new(
        r#"{"AccessKeyId":"AKIA1","SecretAccessKey":"s3cret"}"#,
    ));
    let keepers = keepers(Environment::default());
    let scheme = bedrock(Some("eu-west-1"));
    let authorizer = Authorizer::new(&scheme, Some(&credential), &keepers).unwrap();
    let request = Unsigned {
        method: &Method::POST,
        authority: &HeaderValue::from_static("models.example"),
        path: &PathAndQuery::from_static("/"),
        body: None,
    };
    let mut headers = HeaderMap::new();
    let signed = authorizer.authorize(request, &mut headers, SystemTime::now());
    assert_eq!(signed.await, Err(Unauthorised::Unsignable));
}

#[tokio::test]
async fn a_team_sends_the_gateway_nowhere_that_is_denied() {
    let inside = Fake::saying(200, "{}").await;
    let deny = Arc::new(DenyList::parse(["127.0.0.0/8"]).unwrap());
    let client = http::Client::new(deny);
    let url = inside.url("/token?secret=s3cret");
    let call = |trust| client.call("token_uri", http::Call::get(trust, &url));
    let error = call(http::Trust::Team).await.unwrap_err().to_string();
    assert_eq!(error, "connections to the address of 127.0.0.1 are denied");
    assert!(inside.seen().is_empty());
    call(http::Trust::Admin).await.unwrap();
    assert_eq!(inside.seen().len(), 1);
}

#[tokio::test]
async fn what_a_service_says_of_an_error_is_told_without_what_was_sent() {
    let cases = [
        (
            r#"{"error":"invalid_client","error_description":"AADSTS700213: no s3cret-token\r\nhere"}"#,
            "answered 401: invalid_client: AADSTS700213: no [redacted]  here",
        ),
        (
            r#"{"error":{"code":403,"message":"Permission denied"}}"#,
            "answered 401: Permission denied",
        ),
        (
            r#"<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type><Code>ExpiredToken</Code><Message>Token expired</Message></Error></ErrorResponse>"#,
            "answered 401: ExpiredToken: Token expired",
        ),
        (
            r#"{"code":"AccessDenied","message":"no"}"#,
            "answered 401: AccessDenied: no",
        ),
        ("<html>", "answered 401"),
        ("", "answered 401"),
    ];
    for (body, expected) in cases {
        let service = Fake::saying(401, body).await;
        let url = service.url("/x?y=s3cret-token");
        let call = http::Call::get(http::Trust::Admin, &url).hiding(&["s3cret-token"]);
        let error = client().call("x", call).await.unwrap_err().to_string();
        assert_eq!(error, format!("127.0.0.1 {expected}"));
    }
}

#[tokio::test]
async fn an_answer_is_bounded_and_redirects_are_not_followed() {
    for (status, body, expected) in [
        (
            200,
            "x".repeat(300 << 10),
            "answers with more than it should",
        ),
        (302, String::new(), "answered 302"),
    ] {
        let service = Fake::saying(status, body).await;
        let url = service.url("/");
        let call = http::Call::get(http::Trust::Admin, &url);
        let error = client().call("x", call).await.unwrap_err().to_string();
        assert_eq!(error, format!("127.0.0.1 {expected}"));
    }
}

#[tokio::test]
async fn urls_are_read_strictly() {
    for wrong in [
        "",
        "token",
        "ftp://host/x",
        "http://user:s3cret@host/",
        "http:///x",
    ] {
        let error = http::Place::of("token_uri", wrong).unwrap_err().to_string();
        assert_eq!(error, "token_uri: not an http:// or https:// URL");
    }
    let place = http::Place::of("x", "https://[fd00::1]/a?b=c").unwrap();
    assert_eq!(
        (place.secure, &*place.host, place.port, place.path.as_str()),
        (true, "fd00::1", 443, "/a?b=c")
    );
}
