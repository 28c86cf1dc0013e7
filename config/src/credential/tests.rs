use serde_json::{Value, json};

use super::*;
use crate::snapshot::Secret;

const PEM: &str = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";

fn said<T: fmt::Debug>(read: Result<T, CredentialError>) -> String {
    read.unwrap_err().to_string()
}

fn service_account() -> Value {
    json!({
        "type": "service_account", "project_id": "acme", "private_key_id": "k1", "private_key": PEM,
        "client_email": "weir@acme.iam.gserviceaccount.com", "token_uri": "https://oauth2.googleapis.com/token",
    })
}

fn external_account(source: Value) -> Value {
    json!({
        "type": "external_account", "audience": "//iam.googleapis.com/projects/1/pools/p", "subject_token_type":
        "urn:ietf:params:oauth:token-type:jwt", "token_url": "https://sts.googleapis.com/v1/token",
        "credential_source": source,
    })
}

#[test]
fn googles_json_is_read() {
    let read = GoogleCredential::read(&format!("\n{}\n", service_account()));
    let expected = ServiceAccount {
        client_email: "weir@acme.iam.gserviceaccount.com".to_owned(),
        private_key: Secret::new(PEM),
        private_key_id: Some("k1".to_owned()),
        token_uri: "https://oauth2.googleapis.com/token".to_owned(),
    };
    assert_eq!(read, Ok(GoogleCredential::ServiceAccount(expected)));
    let source = json!({"url": "http://metadata/token", "headers": {"Metadata": "True"},
        "format": {"type": "json", "subject_token_field_name": "access_token"}});
    let Ok(GoogleCredential::ExternalAccount(read)) =
        GoogleCredential::read(&external_account(source).to_string())
    else {
        panic!("it is an external account")
    };
    assert_eq!(read.field.as_deref(), Some("access_token"));
    let headers = vec![("Metadata".to_owned(), "True".to_owned())];
    let url = "http://metadata/token".to_owned();
    assert_eq!(read.source, SubjectToken::Url { url, headers });
    let file = external_account(json!({"file": "/var/token"})).to_string();
    let Ok(GoogleCredential::ExternalAccount(read)) = GoogleCredential::read(&file) else {
        panic!("it is an external account")
    };
    assert_eq!(read.source, SubjectToken::File("/var/token".to_owned()));
    assert_eq!(
        GoogleCredential::read("ya29.abc"),
        Ok(GoogleCredential::Token(Secret::new("ya29.abc")))
    );
}

#[test]
fn what_googles_json_lacks_is_named_and_nothing_of_it_is_quoted() {
    let without = |mut from: Value, field: &str| {
        from.as_object_mut().unwrap().remove(field);
        from
    };
    let with = |mut from: Value, field: &str, value: &str| {
        from[field] = value.into();
        from
    };
    let account = service_account;
    let external = || external_account(json!({"file": "/x"}));
    let runs = json!({"executable": {"command": "s3cret"}});
    for (json, expected) in [
        (
            json!({"s3cret": 1}),
            "is JSON, but not of type service_account or external_account: give the key of a service account as Google made it, or an access token",
        ),
        (
            with(account(), "type", "s3cret"),
            "is JSON, but not of type service_account or external_account: give the key of a service account as Google made it, or an access token",
        ),
        (
            without(account(), "private_key"),
            "is the key of a service account without private_key",
        ),
        (
            with(account(), "private_key", "s3cret"),
            "is the key of a service account whose private_key is no PEM: give it as Google made it, with \\n for line breaks",
        ),
        (
            with(account(), "client_email", ""),
            "is the key of a service account without client_email",
        ),
        (
            with(account(), "token_uri", "s3cret"),
            "is the key of a service account whose token_uri is no http or https URL",
        ),
        (
            without(external(), "audience"),
            "is an external account without audience",
        ),
        (
            without(external(), "credential_source"),
            "is an external account without credential_source",
        ),
        (
            external_account(runs),
            "is an external account whose credential_source is neither a file nor a url: Weir takes no other",
        ),
    ] {
        assert_eq!(said(GoogleCredential::read(&json.to_string())), expected);
    }
    let broken = said(GoogleCredential::read("{\"type\": s3cret}"));
    assert_eq!(
        broken,
        "begins as JSON and is none: line 1, column 10 of the value can't be read"
    );
    let token = said(GoogleCredential::read("ya29.s3cret\n"));
    assert!(token.starts_with("ends with a line break"), "{token}");
}

#[test]
fn an_access_key_is_read_in_each_of_its_shapes() {
    let keys = |session: Option<&str>| {
        Ok(AwsCredential::Keys(AwsKeys {
            access_key_id: "AKIA1".to_owned(),
            secret_access_key: Secret::new("s/+=="),
            session_token: session.map(Secret::new),
        }))
    };
    let flat = json!({"AccessKeyId": "AKIA1", "SecretAccessKey": "s/+==", "SessionToken": "t"});
    for (text, expected) in [
        (
            "[default]\naws_access_key_id = AKIA1\naws_secret_access_key=s/+==\n".to_owned(),
            keys(None),
        ),
        (
            "# mine\r\n[other]\r\naws_access_key_id=x\r\n[default]\r\naws_access_key_id=AKIA1\r\naws_secret_access_key=s/+==\r\naws_session_token=t\r\nregion=eu\r\n[last]\r\naws_access_key_id=y".to_owned(),
            keys(Some("t")),
        ),
        (
            "aws_access_key_id=AKIA1\naws_secret_access_key=s/+==".to_owned(),
            keys(None),
        ),
        (json!({"Credentials": flat}).to_string(), keys(Some("t"))),
        (flat.to_string(), keys(Some("t"))),
        (
            json!({"AccessKey": {"AccessKeyId": "AKIA1", "SecretAccessKey": "s/+==", "Status": "Active"}}).to_string(),
            keys(None),
        ),
        (
            "bedrock-api-key-abc".to_owned(),
            Ok(AwsCredential::ApiKey(Secret::new("bedrock-api-key-abc"))),
        ),
    ] {
        assert_eq!(AwsCredential::read(&text), expected, "{text}");
    }
}

#[test]
fn what_an_access_key_lacks_is_named_and_nothing_of_it_is_quoted() {
    for (text, expected) in [
        (
            "[default]\naws_access_key_id=s3cret",
            "is a credentials file without both aws_access_key_id and aws_secret_access_key below [default]",
        ),
        (
            "[prod]\naws_access_key_id=s3cret\naws_secret_access_key=s3cret",
            "is a credentials file without both aws_access_key_id and aws_secret_access_key below [default]",
        ),
        (
            "[default]\naws_access_key_id=s3cret\naws_secret_access_key=s3 cret",
            "is a credentials file whose keys are no visible ASCII characters without spaces",
        ),
        (
            "{\"AccessKeyId\": \"s3cret\"}",
            "is JSON without both AccessKeyId and SecretAccessKey, as `aws iam create-access-key` prints them",
        ),
        (
            "{s3cret",
            "begins as JSON and is none: line 1, column 2 of the value can't be read",
        ),
        ("", "must not be empty"),
    ] {
        assert_eq!(said(AwsCredential::read(text)), expected);
    }
}
