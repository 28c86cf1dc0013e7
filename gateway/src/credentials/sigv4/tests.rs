use std::time::Duration;

use http::Method;
use http::uri::PathAndQuery;
use weir_config::credential::AwsKeys;
use weir_config::snapshot::Secret;

use super::*;

struct Case {
    method: Method,
    host: &'static str,
    path: &'static str,
    content_type: Option<&'static str>,
    body: &'static [u8],
    session: Option<&'static str>,
    scope: (&'static str, &'static str),
    time: &'static str,
}

impl Case {
    fn signed(&self) -> HeaderMap {
        let keys = Keys::from(AwsKeys {
            access_key_id: "AKIDEXAMPLE".into(),
            secret_access_key: Secret::new("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"),
            session_token: self.session.map(Secret::new),
        });
        let mut headers = HeaderMap::new();
        // What the caller sent of this kind is not signed, and not sent.
        for name in ["x-amz-security-token", "x-amz-date", "authorization"] {
            headers.insert(name, HeaderValue::from_static("the caller's"));
        }
        headers.insert("accept", HeaderValue::from_static("*/*"));
        if let Some(kind) = self.content_type {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        }
        let request = Unsigned {
            method: &self.method,
            authority: &HeaderValue::from_static(self.host),
            path: &PathAndQuery::from_static(self.path),
            body: Some(self.body),
        };
        let time: jiff::Timestamp = self.time.parse().unwrap();
        let time = SystemTime::UNIX_EPOCH + Duration::from_secs(time.as_second().unsigned_abs());
        sign(request, &mut headers, &keys, self.scope, time).unwrap();
        headers
    }
}

const BEDROCK_CASE: Case = Case {
    method: Method::POST,
    host: "bedrock-runtime.eu-west-1.amazonaws.com",
    path: "/",
    content_type: Some("application/json"),
    body: br#"{"messages":[]}"#,
    session: None,
    scope: ("eu-west-1", BEDROCK),
    time: "2026-11-23T19:30:00Z",
};

/// `get-vanilla` of <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-test-suite.html>.
#[test]
fn a_request_without_anything_is_signed_as_in_the_test_suite() {
    let signed = Case {
        method: Method::GET,
        host: "example.amazonaws.com",
        content_type: None,
        body: b"",
        scope: ("us-east-1", "service"),
        time: "2015-08-30T12:36:00Z",
        ..BEDROCK_CASE
    }
    .signed();
    assert_eq!(
        signed["authorization"],
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=host;x-amz-date, Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"
    );
    assert_eq!(signed["x-amz-date"], "20150830T123600Z");
    assert!(!signed.contains_key("x-amz-security-token"));
}

/// The signatures are those of botocore 1.44.5 (`botocore.auth.SigV4Auth`) for the same requests.
#[test]
fn paths_with_colons_and_slashes_in_a_model_are_signed_as_by_botocore() {
    for (path, session, headers, signature) in [
        (
            "/model/anthropic.claude-3-5-sonnet-20241022-v2%3A0/converse",
            None,
            "content-type;host;x-amz-date",
            "e77e7381fdf0144665f5f9a4718552014c0f47cbadb2f1de465c3a06528c9080",
        ),
        (
            "/model/arn%3Aaws%3Abedrock%3Aeu-west-1%3A123456789012%3Ainference-profile%2Feu.amazon.nova-lite-v1%3A0/converse-stream",
            Some("IQoJb3JpZ2luX2VjEXAMPLE//+token=="),
            "content-type;host;x-amz-date;x-amz-security-token",
            "2225de2d3064b8fc99edaaf5fd35fdb18ccb293eeabc5f2b5495436ca4360fb3",
        ),
        (
            "/model/a.b-v1:0/invoke?x=1&a=b%20c",
            None,
            "content-type;host;x-amz-date",
            "b4fc44ef3ebe93a78d33c34dd18427ae5c08d5d4aa81b26389a62687de6efd1e",
        ),
    ] {
        let signed = Case {
            path,
            session,
            ..BEDROCK_CASE
        }
        .signed();
        assert_eq!(
            signed["authorization"].to_str().unwrap(),
            format!(
                "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261123/eu-west-1/bedrock/aws4_request, SignedHeaders={headers}, Signature={signature}"
            ),
            "{path}"
        );
        let token = signed.get("x-amz-security-token");
        assert_eq!(token.map(HeaderValue::as_bytes), session.map(str::as_bytes));
        assert!(signed["authorization"].is_sensitive());
    }
}
