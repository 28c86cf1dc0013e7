use std::sync::Arc;
use std::time::SystemTime;

use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der};
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    KeyPair as _, RSA_PKCS1_2048_8192_SHA256, RsaKeyPair, UnparsedPublicKey,
};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use http::uri::PathAndQuery;
use http::{HeaderMap, Method};
use serde_json::{Value, json};
use tokio::runtime::Handle;
use weir_config::snapshot::{Credential, Secret};

use super::super::tests::fake::{Fake, Seen};
use super::super::tests::{client, environment, file_of, token};
use super::super::{Authorizer, Keepers, Scheme, Unsigned};
use super::*;

/// A key, and its PEM as Google writes it.
fn key() -> (RsaKeyPair, String) {
    let key = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
    let der: Pkcs8V1Der<'_> = key.as_der().unwrap();
    let pem = format!(
        "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n",
        STANDARD.encode((*der).as_ref())
    );
    (key, pem)
}

const GOOD: &str = r#"{"access_token":"ya29.token","expires_in":3599,"token_type":"Bearer"}"#;

#[tokio::test]
async fn a_service_accounts_key_signs_for_a_token() {
    let endpoint = Fake::saying(200, GOOD).await;
    let (key, pem) = key();
    let json = json!({
        "type": "service_account", "client_email": "weir@acme.iam.gserviceaccount.com", "private_key": pem,
        "private_key_id": "k1", "token_uri": endpoint.url("/token"),
    });
    let fetched = of_secret(&client(), &json.to_string()).await.unwrap();
    assert_eq!(token(fetched), ("Bearer ya29.token".into(), 3599));
    let [seen] = &endpoint.seen()[..] else {
        panic!("it is called once");
    };
    assert_eq!(seen.line, "POST /token");
    assert_eq!(
        seen.field("grant_type").as_deref(),
        Some("urn:ietf:params:oauth:grant-type:jwt-bearer")
    );
    let assertion = seen.field("assertion").unwrap();
    let (signed, signature) = assertion.rsplit_once('.').unwrap();
    let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
    let public = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, key.public_key());
    public.verify(signed.as_bytes(), &signature).unwrap();
    let [header, claims] = signed
        .split('.')
        .map(|part| serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap())
        .collect::<Vec<Value>>()
        .try_into()
        .unwrap();
    assert_eq!(header, json!({"alg": "RS256", "typ": "JWT", "kid": "k1"}));
    let issued = claims["iat"].as_u64().unwrap();
    assert_eq!(
        claims,
        json!({
            "iss": "weir@acme.iam.gserviceaccount.com",
            "scope": "https://www.googleapis.com/auth/cloud-platform",
            "aud": endpoint.url("/token"),
            "iat": issued,
            "exp": issued + 3600,
        })
    );
    // The same in the Secret of a provider.
    let keepers = Keepers::new(Handle::current(), Arc::default(), environment(&[]));
    let secret = Credential::Secret(Secret::new(json.to_string()));
    let authorizer = Authorizer::new(&Scheme::Google, Some(&secret), &keepers).unwrap();
    let request = Unsigned {
        method: &Method::POST,
        authority: &HeaderValue::from_static("models.example"),
        path: &PathAndQuery::from_static("/"),
        body: None,
    };
    let mut headers = HeaderMap::new();
    let authorized = authorizer.authorize(request, &mut headers, SystemTime::now());
    authorized.await.unwrap();
    assert_eq!(headers["authorization"], "Bearer ya29.token");
    assert!(authorizer.scrubber().finds(b"<ya29.token>"));
    // The same key, where the environment names its file.
    let (_folder, path) = file_of(&json.to_string());
    let environment = environment(&[("GOOGLE_APPLICATION_CREDENTIALS", &path)]);
    let fetched = default_credentials(&client(), &environment).await.unwrap();
    assert_eq!(token(fetched).0, "Bearer ya29.token");
}

#[tokio::test]
async fn the_metadata_server_gives_the_pods_own_token() {
    let metadata = Fake::saying(200, GOOD).await;
    let environment = environment(&[("GCE_METADATA_HOST", &metadata.host)]);
    let fetched = default_credentials(&client(), &environment).await.unwrap();
    assert_eq!(token(fetched), ("Bearer ya29.token".into(), 3599));
    let [seen] = &metadata.seen()[..] else {
        panic!("it is called once");
    };
    assert_eq!(
        (&*seen.line, &*seen.headers["metadata-flavor"]),
        (
            "GET /computeMetadata/v1/instance/service-accounts/default/token",
            "Google"
        )
    );
}

/// Answers as the source of the token, as the token service and as IAM.
async fn federation() -> Fake {
    Fake::start(|seen: &Seen| {
        let body = match seen.line.as_str() {
            "GET /subject?a=b" => r#"{"token":"subject"}"#,
            "POST /sts" => {
                r#"{"access_token":"federated","issued_token_type":"x","expires_in":"1800"}"#
            }
            "POST /impersonate" => {
                r#"{"accessToken":"impersonated","expireTime":"2099-01-01T00:00:00Z"}"#
            }
            other => panic!("{other}"),
        };
        (200, body.into())
    })
    .await
}

fn external(google: &Fake, source: &Value) -> Value {
    json!({
        "type": "external_account",
        "audience": "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/aks",
        "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
        "token_url": google.url("/sts"),
        "credential_source": source,
    })
}

async fn of_file(json: &Value) -> Result<Fetched, FetchError> {
    let (_folder, path) = file_of(&json.to_string());
    let environment = environment(&[("GOOGLE_APPLICATION_CREDENTIALS", &path)]);
    default_credentials(&client(), &environment).await
}

#[tokio::test]
async fn a_token_of_another_cloud_is_exchanged() {
    let google = federation().await;
    let (_folder, path) = file_of("pod.token.here\n");
    let json = external(&google, &json!({"file": path}));
    let fetched = of_file(&json).await.unwrap();
    assert_eq!(token(fetched), ("Bearer federated".into(), 1800));
    let [seen] = &google.seen()[..] else {
        panic!("it is called once");
    };
    for (name, value) in [
        (
            "grant_type",
            "urn:ietf:params:oauth:grant-type:token-exchange",
        ),
        ("audience", json["audience"].as_str().unwrap()),
        ("scope", "https://www.googleapis.com/auth/cloud-platform"),
        (
            "requested_token_type",
            "urn:ietf:params:oauth:token-type:access_token",
        ),
        ("subject_token_type", "urn:ietf:params:oauth:token-type:jwt"),
        ("subject_token", "pod.token.here"),
    ] {
        assert_eq!(seen.field(name).as_deref(), Some(value));
    }
}

#[tokio::test]
async fn a_token_of_a_url_is_exchanged_and_a_service_account_impersonated() {
    let google = federation().await;
    let mut json = external(
        &google,
        &json!({
            "url": google.url("/subject?a=b"), "headers": {"Metadata": "True"},
            "format": {"type": "json", "subject_token_field_name": "token"},
        }),
    );
    json["service_account_impersonation_url"] = google.url("/impersonate").into();
    let (token, lifetime) = token(of_file(&json).await.unwrap());
    assert_eq!(token, "Bearer impersonated");
    assert!(lifetime > 1_000_000_000);
    let [source, exchange, impersonation] = &google.seen()[..] else {
        panic!("it is called three times");
    };
    assert_eq!(source.headers["metadata"], "True");
    assert_eq!(exchange.field("subject_token").as_deref(), Some("subject"));
    assert_eq!(impersonation.headers["authorization"], "Bearer federated");
    assert_eq!(
        serde_json::from_str::<Value>(&impersonation.body).unwrap(),
        json!({"scope": ["https://www.googleapis.com/auth/cloud-platform"], "lifetime": "3600s"})
    );
}

#[tokio::test]
async fn a_secret_may_not_have_what_a_file_of_the_pod_may() {
    let google = federation().await;
    let (_folder, path) = file_of("pod.token.here");
    let json = external(&google, &json!({"file": path})).to_string();
    let error = of_secret(&client(), &json).await.unwrap_err().to_string();
    assert!(
        error.starts_with("credential_source: in a Secret"),
        "{error}"
    );
    assert!(google.seen().is_empty());
}

#[tokio::test]
async fn what_is_no_credential_is_said_and_not_quoted() {
    for (file, expected) in [
        (
            "s3cret",
            "the file of GOOGLE_APPLICATION_CREDENTIALS is no JSON",
        ),
        (
            "{\"type\":\"authorized_user\",\"x\":\"s3cret\"}",
            "the file of GOOGLE_APPLICATION_CREDENTIALS is JSON, but not of type service_account or external_account: give the key of a service account as Google made it, or an access token",
        ),
    ] {
        let (_folder, path) = file_of(file);
        let environment = environment(&[("GOOGLE_APPLICATION_CREDENTIALS", &path)]);
        let fetched = default_credentials(&client(), &environment).await;
        assert_eq!(fetched.unwrap_err().to_string(), expected);
    }
    for answer in ["", "{}", r#"{"access_token":"s3cret","expires_in":-1}"#] {
        let metadata = Fake::saying(200, answer).await;
        let environment = environment(&[("GCE_METADATA_HOST", &metadata.host)]);
        let fetched = default_credentials(&client(), &environment).await;
        assert_eq!(
            fetched.unwrap_err().to_string(),
            "127.0.0.1 gave no access_token with its expires_in"
        );
    }
}
