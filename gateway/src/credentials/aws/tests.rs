use super::super::tests::fake::{Fake, Seen};
use super::super::tests::{client, environment, file_of};
use super::*;

/// As in <https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html>.
fn sts_answer(action: &str, id: &str) -> String {
    format!(
        r#"<{action}Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
  <{action}Result>
    <SubjectFromWebIdentityToken>system:serviceaccount:weir-system:weir-gateway</SubjectFromWebIdentityToken>
    <AssumedRoleUser>
      <Arn>arn:aws:sts::123456789012:assumed-role/x/weir-gateway</Arn>
      <AssumedRoleId>AROACLKWSDQRAOEXAMPLE:weir-gateway</AssumedRoleId>
    </AssumedRoleUser>
    <Credentials>
      <SessionToken>AQoDYXdzEE0a8ANXXXXXXXXNO1ewxE5TijQyp+IEXAMPLE&amp;{id}</SessionToken>
      <SecretAccessKey>wJalrXUtnFEMI/K7MDENG/bPxRfiCYzEXAMPLEKEY</SecretAccessKey>
      <Expiration>2099-10-24T23:00:23Z</Expiration>
      <AccessKeyId>{id}</AccessKeyId>
    </Credentials>
  </{action}Result>
  <ResponseMetadata><RequestId>ad4156e9-bce1-11e2-82e6-6b6efEXAMPLE</RequestId></ResponseMetadata>
</{action}Response>"#
    )
}

async fn sts() -> Fake {
    Fake::start(|seen: &Seen| {
        let action = seen.field("Action").unwrap();
        let role = seen.field("RoleArn").unwrap();
        let id = format!("AKID{}", role.rsplit('/').next().unwrap());
        (200, sts_answer(&action, &id))
    })
    .await
}

/// The key's id and its session.
fn ids(fetched: &Fetched) -> (String, String) {
    let Material::Keys(keys) = &fetched.material else {
        panic!("they are keys");
    };
    let scrubber = fetched.scrubber(&[]);
    for secret in keys.secrets() {
        assert!(scrubber.finds(secret.as_bytes()));
    }
    let keys = keys.credentials();
    let session = keys.session_token().unwrap().to_owned();
    (keys.access_key_id().to_owned(), session)
}

const POD: &str = "arn:aws:iam::123456789012:role/pod";
const OTHER: &str = "arn:aws:iam::210987654321:role/other";

#[tokio::test]
async fn the_pods_token_is_exchanged_for_keys() {
    let sts = sts().await;
    let (_folder, path) = file_of("header.claims.signature\n");
    let environment = environment(&[
        ("AWS_ENDPOINT_URL_STS", &sts.url("/")),
        ("AWS_ROLE_ARN", POD),
        ("AWS_WEB_IDENTITY_TOKEN_FILE", &path),
    ]);
    let fetched = identity(&client(), &environment, None, "eu-west-1")
        .await
        .unwrap();
    let session = "AQoDYXdzEE0a8ANXXXXXXXXNO1ewxE5TijQyp+IEXAMPLE&AKIDpod";
    assert_eq!(ids(&fetched), ("AKIDpod".into(), session.into()));
    assert!(fetched.lifetime.as_secs() > 1_000_000_000);
    let [seen] = &sts.seen()[..] else {
        panic!("it is called once");
    };
    assert_eq!(seen.line, "POST /");
    assert_eq!(
        seen.headers["content-type"],
        "application/x-www-form-urlencoded"
    );
    assert_eq!(seen.headers.get("authorization"), None);
    assert_eq!(
        seen.body,
        "Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam%3A%3A123456789012%3Arole%2Fpod&RoleSessionName=weir-gateway&WebIdentityToken=header.claims.signature"
    );
    // The kubelet replaces the token; the next one is read then.
    std::fs::write(&path, "second.token.here").unwrap();
    identity(&client(), &environment, Some(POD), "eu-west-1")
        .await
        .unwrap();
    let token = sts.seen()[1].field("WebIdentityToken").unwrap();
    assert_eq!((&*token, sts.seen().len()), ("second.token.here", 2));
}

#[tokio::test]
async fn the_role_of_the_provider_is_assumed_with_the_pods_keys() {
    let sts = sts().await;
    let (_folder, path) = file_of("header.claims.signature");
    let environment = environment(&[
        ("AWS_ENDPOINT_URL_STS", &sts.url("/")),
        ("AWS_REGION", "us-east-2"),
        ("AWS_ROLE_ARN", POD),
        ("AWS_ROLE_SESSION_NAME", "me"),
        ("AWS_WEB_IDENTITY_TOKEN_FILE", &path),
    ]);
    let fetched = identity(&client(), &environment, Some(OTHER), "eu-west-1")
        .await
        .unwrap();
    assert_eq!(ids(&fetched).0, "AKIDother");
    let [first, second] = &sts.seen()[..] else {
        panic!("it is called twice");
    };
    assert_eq!(first.field("RoleArn").as_deref(), Some(POD));
    assert_eq!(second.field("Action").as_deref(), Some("AssumeRole"));
    assert_eq!(second.field("RoleSessionName").as_deref(), Some("me"));
    let authorization = &second.headers["authorization"];
    assert!(
        authorization.starts_with("AWS4-HMAC-SHA256 Credential=AKIDpod/")
            && authorization.contains(
                "/us-east-2/sts/aws4_request, SignedHeaders=content-type;host;x-amz-date;x-amz-security-token, "
            ),
        "{authorization}"
    );
    assert!(second.headers["x-amz-security-token"].ends_with("&AKIDpod"));
}

#[tokio::test]
async fn without_a_role_of_the_pod_its_token_is_for_the_providers() {
    let sts = sts().await;
    let (_folder, path) = file_of("header.claims.signature");
    let environment = environment(&[
        ("AWS_ENDPOINT_URL_STS", &sts.url("/")),
        ("AWS_WEB_IDENTITY_TOKEN_FILE", &path),
    ]);
    let fetched = identity(&client(), &environment, Some(OTHER), "eu-west-1")
        .await
        .unwrap();
    assert_eq!((&*ids(&fetched).0, sts.seen().len()), ("AKIDother", 1));
    let error = identity(&client(), &environment, None, "eu-west-1").await;
    assert_eq!(error.unwrap_err().to_string(), "AWS_ROLE_ARN is not set");
}

#[tokio::test]
async fn pod_identity_gives_keys_for_the_token_of_its_file() {
    let agent = Fake::saying(
        200,
        r#"{"AccessKeyId":"ASIA1","SecretAccessKey":"s","Token":"session","AccountId":"1","Expiration":"2099-01-01T00:00:00.5Z"}"#,
    )
    .await;
    let (_folder, path) = file_of("pod-token");
    let full = agent.url("/v1/credentials");
    let variables = [
        ("AWS_CONTAINER_CREDENTIALS_FULL_URI", full.as_str()),
        ("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", path.as_str()),
    ];
    let fetched = identity(&client(), &environment(&variables), None, "eu-west-1")
        .await
        .unwrap();
    assert_eq!(ids(&fetched), ("ASIA1".into(), "session".into()));
    let [seen] = &agent.seen()[..] else {
        panic!("it is called once");
    };
    assert_eq!(
        (&*seen.line, &*seen.headers["authorization"]),
        ("GET /v1/credentials", "pod-token")
    );
    // Then another role, by these keys.
    let sts = sts().await;
    let url = sts.url("/");
    let [uri, token] = variables;
    let variables = [uri, token, ("AWS_ENDPOINT_URL_STS", &*url)];
    let fetched = identity(
        &client(),
        &environment(&variables),
        Some(OTHER),
        "eu-west-1",
    )
    .await
    .unwrap();
    assert_eq!(ids(&fetched).0, "AKIDother");
    let authorization = sts.seen()[0].headers["authorization"].clone();
    assert!(
        authorization.contains("Credential=ASIA1/"),
        "{authorization}"
    );
    assert!(authorization.contains("/eu-west-1/sts/"), "{authorization}");
}

#[tokio::test]
async fn what_is_missing_or_wrong_is_named() {
    let error = |variables: Vec<(&'static str, String)>| async move {
        let variables: Vec<(&str, &str)> = variables
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        let environment = environment(&variables);
        let fetched = identity(&client(), &environment, None, "eu-west-1").await;
        fetched.unwrap_err().to_string()
    };
    assert_eq!(
        error(vec![]).await,
        "the pod has no identity at AWS: neither AWS_WEB_IDENTITY_TOKEN_FILE nor AWS_CONTAINER_CREDENTIALS_FULL_URI is set"
    );
    let gone = "/nowhere/token";
    let variables = vec![
        ("AWS_WEB_IDENTITY_TOKEN_FILE", gone.to_owned()),
        ("AWS_ROLE_ARN", POD.to_owned()),
    ];
    let said = error(variables).await;
    assert!(said.starts_with("/nowhere/token: No such file"), "{said}");
    let expired = sts_answer("AssumeRoleWithWebIdentity", "x").replace("2099", "2019");
    let (_folder, path) = file_of("token");
    for (answer, expected) in [
        (expired, "gave keys that have expired by this clock"),
        ("<a><b></a>".into(), "gave no keys that can be read"),
        (
            "<Credentials><AccessKeyId>s3cret</AccessKeyId></Credentials>".into(),
            "gave no keys that can be read",
        ),
        (
            "<!DOCTYPE x [<!ENTITY a \"s3cret\">]><x>&a;</x>".into(),
            "gave no keys that can be read",
        ),
    ] {
        let sts = Fake::saying(200, answer).await;
        let said = error(vec![
            ("AWS_ENDPOINT_URL_STS", sts.url("/")),
            ("AWS_WEB_IDENTITY_TOKEN_FILE", path.clone()),
            ("AWS_ROLE_ARN", POD.to_owned()),
        ])
        .await;
        assert_eq!(said, format!("127.0.0.1 {expected}"));
    }
}
