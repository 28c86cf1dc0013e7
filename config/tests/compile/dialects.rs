//! Providers of every dialect: where they are, and what they are called with.

use std::collections::BTreeMap;

use rstest::rstest;
use weir_config::snapshot::{
    Credential, Dialect, Parameters, Preset, Provider, Responses, Secret, Settings, Unsupported,
    WorkloadIdentity,
};
use weir_config::{Compiled, Input, Reason, Serving, compile};
use weir_llm::price::Kind;

use crate::support::*;

/// What a spec comes to.
fn narrow(spec: &str) -> Provider {
    let compiled = Folder::default().holds(&provider_with(spec));
    assert_eq!(messages(&compiled), Vec::<String>::new(), "{spec}");
    let provider = compiled.snapshot.provider("team-a", "openai");
    provider.unwrap().clone()
}

#[rstest]
#[case("{dialect: Anthropic}", "https://api.anthropic.com")]
#[case("{dialect: Gemini}", "https://generativelanguage.googleapis.com")]
#[case("{dialect: Cohere}", "https://api.cohere.com")]
#[case("{dialect: OpenAI, preset: Groq}", "https://api.groq.com/openai/v1")]
#[case(
    "{dialect: OpenAI, preset: NIM, endpoint: http://nim.models.svc:8000/v1/}",
    "http://nim.models.svc:8000/v1"
)]
#[case(
    "{dialect: OpenAI, preset: Ollama, endpoint: http://ollama:11434/v1}",
    "http://ollama:11434/v1"
)]
#[case(
    "{dialect: Bedrock, bedrock: {region: eu-west-1}}",
    "https://bedrock-runtime.eu-west-1.amazonaws.com"
)]
#[case(
    "{dialect: Vertex, endpoint: https://a.example/x/v1beta1/projects/p/locations/l/}",
    "https://a.example/x/v1beta1/projects/p/locations/l"
)]
#[case(
    "{dialect: Anthropic, endpoint: http://127.0.0.1:8080/anthropic}",
    "http://127.0.0.1:8080/anthropic"
)]
fn an_endpoint_is_what_is_written_or_the_public_one(#[case] spec: &str, #[case] expected: &str) {
    assert_eq!(narrow(spec).endpoint, expected);
}

#[test]
fn settings_are_those_of_the_dialect() {
    let azure = |version: Option<&str>| Settings {
        azure_api_version: version.map(str::to_owned),
        ..Settings::default()
    };
    let bedrock = |region: Option<&str>| Settings {
        bedrock_region: region.map(str::to_owned),
        ..Settings::default()
    };
    let responses = |responses| Settings {
        responses: Some(responses),
        ..Settings::default()
    };
    let at = |endpoint: &str, more: &str| {
        format!(
            "{{dialect: AzureOpenAI, endpoint: \"https://x.openai.azure.com{endpoint}\"{more}}}"
        )
    };
    for (spec, expected) in [
        ("{dialect: OpenAI}".to_owned(), Settings::default()),
        (
            "{dialect: OpenAI, openai: {responses: Native}}".to_owned(),
            responses(Responses::Native),
        ),
        (
            "{dialect: OpenAI, preset: Groq, openai: {responses: ChatCompletions}}".to_owned(),
            responses(Responses::ChatCompletions),
        ),
        (at("", ""), azure(Some("2024-10-21"))),
        (
            at("", ", azure: {apiVersion: 2025-04-01-preview}"),
            azure(Some("2025-04-01-preview")),
        ),
        (at("/openai/v1/", ""), azure(None)),
        (
            at("/openai/v1", ", azure: {apiVersion: preview}"),
            azure(Some("preview")),
        ),
        (
            "{dialect: Bedrock, bedrock: {region: us-gov-west-1}}".to_owned(),
            bedrock(Some("us-gov-west-1")),
        ),
        (
            "{dialect: Bedrock, endpoint: https://bedrock-runtime-fips.us-east-2.amazonaws.com}"
                .to_owned(),
            bedrock(Some("us-east-2")),
        ),
        (
            "{dialect: Bedrock, endpoint: http://127.0.0.1:1}".to_owned(),
            bedrock(None),
        ),
        (
            "{dialect: Bedrock, endpoint: http://127.0.0.1:1, bedrock: {region: us-east-1}}"
                .to_owned(),
            bedrock(Some("us-east-1")),
        ),
    ] {
        assert_eq!(narrow(&spec).settings, expected, "{spec}");
    }
    let groq = narrow("{dialect: OpenAI, preset: Groq}");
    assert_eq!(
        (groq.dialect, groq.preset),
        (Dialect::OpenAI, Some(Preset::Groq))
    );
}

#[test]
fn a_workload_identity_is_taken_as_it_is_written() {
    let text = |text: &str| Some(text.to_owned());
    let id = "01234567-89ab-cdef-0123-456789abcdef";
    for (spec, expected) in [
        (
            "{dialect: Bedrock, bedrock: {region: us-east-1}, credentials: {workloadIdentity: {aws: {}}}}".to_owned(),
            WorkloadIdentity::Aws { role_arn: None },
        ),
        (
            "{dialect: Bedrock, bedrock: {region: us-east-1}, credentials: {workloadIdentity: {aws: {roleArn: \"arn:aws:iam::111122223333:role/a/b\"}}}}".to_owned(),
            WorkloadIdentity::Aws {
                role_arn: text("arn:aws:iam::111122223333:role/a/b"),
            },
        ),
        (
            "{dialect: Vertex, endpoint: http://a/v1/projects/p/locations/l, credentials: {workloadIdentity: {gcp: {}}}}".to_owned(),
            WorkloadIdentity::Gcp {},
        ),
        (
            format!("{{dialect: AzureOpenAI, endpoint: http://a, credentials: {{workloadIdentity: {{azure: {{clientId: {id}}}}}}}}}"),
            WorkloadIdentity::Azure {
                tenant_id: None,
                client_id: text(id),
            },
        ),
    ] {
        let provider = narrow(&spec);
        assert_eq!(
            provider.credential,
            Some(Credential::Identity(expected)),
            "{spec}"
        );
        let json = serde_json::to_string(&provider).unwrap();
        assert_eq!(serde_json::from_str::<Provider>(&json).unwrap(), provider);
    }
}

#[test]
fn rates_are_exact() {
    let spec = r#"{dialect: OpenAI, models: [{name: a, price: {input: "0.000000001", output: "999999999.999999999",
        cacheRead: "0", cacheWrite: "3.75", cacheWrite1h: "6", reasoning: "15", audioInput: "32", audioOutput: "64"}}, {name: b}]}"#;
    let models = narrow(spec).models;
    let expected = [
        (Kind::Input, 1),
        (Kind::Output, 999_999_999_999_999_999),
        (Kind::CacheRead, 0),
        (Kind::CacheWrite, 3_750_000_000),
        (Kind::CacheWriteHour, 6_000_000_000),
        (Kind::Reasoning, 15_000_000_000),
        (Kind::AudioInput, 32_000_000_000),
        (Kind::AudioOutput, 64_000_000_000),
    ];
    assert_eq!(models[0].price, BTreeMap::from(expected));
    assert_eq!(models[1].price, BTreeMap::new());
}

#[rstest]
#[case("", Unsupported::Refuse)]
#[case(", parameters: {unsupported: Refuse}", Unsupported::Refuse)]
#[case(", parameters: {unsupported: Drop}", Unsupported::Drop)]
fn what_is_unsupported_is_refused_unless_the_route_drops_it(
    #[case] more: &str,
    #[case] unsupported: Unsupported,
) {
    let route = route_with(&format!(
        "{{models: [fast], rules: [{{backends: [{{provider: {{name: openai}}}}]}}]{more}}}"
    ));
    let compiled = Folder::default().holds(&(provider_with("{dialect: OpenAI}") + &route));
    assert_eq!(messages(&compiled), Vec::<String>::new());
    let linked = weir_config::link::link(&compiled.snapshot, "weir-system", None);
    let route = linked.route("team-a", "chat").unwrap();
    assert_eq!(route.parameters, Parameters { unsupported });
}

const VERTEX: &str = "dialect: Vertex, endpoint: http://a/v1/projects/p/locations/l";
const BEDROCK: &str = "dialect: Bedrock, endpoint: http://127.0.0.1:1";
const ACCESS_KEY: &str = "[default]\naws_access_key_id=AKIA1\naws_secret_access_key=abc\n";
const SERVICE_ACCOUNT: &str = "{\"type\": \"service_account\", \"client_email\": \"a@b\",\n \"private_key\": \"-----BEGIN PRIVATE KEY-----\\nAAAA\\n\"}\n";
const ACCOUNT_OF_ELSEWHERE: &str = "{\"type\": \"external_account\", \"audience\": \"a\", \"subject_token_type\": \"t\", \"token_url\": \"http://sts\", \"credential_source\": {\"file\": \"/a\"}}";

/// A provider of `spec` that is called with `value`, in a namespace of this name.
fn called_with(spec: &str, value: &str, gateway_namespace: Option<&str>) -> Compiled {
    let value = serde_json::to_string(value).unwrap();
    let text = provider_with(&format!(
        "{{{spec}, credentials: {{secretRef: {{name: cloud, key: it}}}}}}"
    )) + &secret_with("cloud", &format!("{{it: {value}}}"));
    compile(&Input {
        documents: &documents(&text),
        unreadable: &[],
        env: None,
        gateway_namespace,
        previous: None,
    })
}

#[rstest]
#[case::service_account(VERTEX, SERVICE_ACCOUNT)]
#[case::external_account(VERTEX, ACCOUNT_OF_ELSEWHERE)]
#[case::access_token(VERTEX, "ya29.abc")]
#[case::credentials_file("dialect: Bedrock, bedrock: {region: us-east-1}", ACCESS_KEY)]
#[case::api_key_without_a_region(BEDROCK, "bedrock-api-key-abc")]
#[case::key(
    "dialect: AzureOpenAI, endpoint: https://x.openai.azure.com",
    "0123456789abcdef"
)]
fn a_secret_is_kept_as_it_is_written(#[case] spec: &str, #[case] value: &str) {
    for gateway in [None, Some("team-a")] {
        let compiled = called_with(spec, value, gateway);
        assert_eq!(messages(&compiled), Vec::<String>::new());
        let provider = compiled.snapshot.provider("team-a", "openai").unwrap();
        let secret = Credential::Secret(Secret::new(value));
        assert_eq!(provider.credential, Some(secret));
    }
}

#[rstest]
#[case::signed_without_a_region(BEDROCK, ACCESS_KEY, Reason::Required)]
#[case::file_for_another("dialect: Cohere", ACCESS_KEY, Reason::InvalidSecret)]
#[case::json_for_another("dialect: Gemini", SERVICE_ACCOUNT, Reason::InvalidSecret)]
#[case::line_break(VERTEX, "ya29.abc\n", Reason::InvalidSecret)]
#[case::external_account_elsewhere(VERTEX, ACCOUNT_OF_ELSEWHERE, Reason::InvalidSecret)]
fn a_secret_of_another_shape_is_refused(
    #[case] spec: &str,
    #[case] value: &str,
    #[case] reason: Reason,
) {
    let compiled = called_with(spec, value, Some("weir-system"));
    let verdict = compiled
        .verdicts
        .iter()
        .find(|one| one.object == provider("openai"));
    let problems = verdict.unwrap().problems();
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert_eq!(problems[0].reason, reason);
}

const IDENTITY: &str = "dialect: Bedrock, bedrock: {region: us-east-1}";

#[rstest]
#[case::removed("", Serving::Nothing)]
#[case::emptied(", credentials: {}", Serving::Nothing)]
#[case::now_a_secret(
    ", credentials: {secretRef: {name: gone, key: gone}}",
    Serving::Nothing
)]
#[case::another_cloud(", credentials: {workloadIdentity: {gcp: {}}}", Serving::Nothing)]
#[case::another_role(
    ", credentials: {workloadIdentity: {aws: {roleArn: \"arn:aws:iam::111122223333:role/b\"}}}",
    Serving::Nothing
)]
#[case::no_role(", credentials: {workloadIdentity: {aws: {}}}", Serving::Nothing)]
#[case::the_same(
    ", credentials: {workloadIdentity: {aws: {roleArn: \"arn:aws:iam::111122223333:role/a\"}}}",
    Serving::LastGood
)]
#[case::misspelt(", credentials: {workloadidentity: {aws: {}}}", Serving::LastGood)]
#[case::misspelt_below(", credentials: {workloadIdentity: {Aws: {}}}", Serving::LastGood)]
#[case::unreadable(", credentials: {workloadIdentity: 5}", Serving::LastGood)]
fn a_refused_provider_that_takes_back_its_identity_serves_nothing(
    #[case] credentials: &str,
    #[case] expected: Serving,
) {
    let mut folder = Folder::default();
    let good =
        ", credentials: {workloadIdentity: {aws: {roleArn: \"arn:aws:iam::111122223333:role/a\"}}}";
    let first = folder.holds(&provider_with(&format!("{{{IDENTITY}{good}}}")));
    assert_eq!(messages(&first), Vec::<String>::new());
    let refused = format!("{{{IDENTITY}{credentials}, httpVersion: HTTP9}}");
    let compiled = folder.holds(&provider_with(&refused));
    assert_eq!(serving(&compiled, &provider("openai")), Some(expected));
    let kept = compiled.snapshot.provider("team-a", "openai");
    assert_eq!(kept.is_some(), expected == Serving::LastGood);
}

#[test]
fn a_secret_that_gives_way_to_an_identity_is_withdrawn_though_the_rest_is_refused() {
    let mut folder = Folder::default();
    let secret = secret_with("cloud", "{it: key}");
    let first = format!("{{{IDENTITY}, credentials: {{secretRef: {{name: cloud, key: it}}}}}}");
    folder.holds(&(provider_with(&first) + &secret));
    let refused =
        format!("{{{IDENTITY}, credentials: {{workloadIdentity: {{aws: {{}}}}}}, httpVersion: X}}");
    let compiled = folder.holds(&(provider_with(&refused) + &secret));
    assert_eq!(compiled.snapshot.provider("team-a", "openai"), None);
}
