//! Broken resources and what is said of them: an input file × an expected file, listed in one table.
//!
//! `WEIR_UPDATE=1 cargo test -p weir-config --test broken` writes the expected files anew; read what it wrote.

#![expect(clippy::unwrap_used, reason = "a helper of tests fails as a test does")]

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use weir_config::text::parse_file;
use weir_config::{Input, Outcome, compile};

/// The names of the files in `broken/`.
const CASES: &[&str] = &[
    "key_expiry_misspelt",
    "key_expiry_no_time",
    "key_field_misspelt",
    "key_label_no_text",
    "key_line_break",
    "key_missing",
    "key_next_misspelt",
    "key_not_base64",
    "key_number",
    "key_short",
    "key_value_twice",
    "key_variable_broken",
    "key_variable_unset",
    "key_with_space",
    "kind_misspelt",
    "kind_of_the_future",
    "metadata_created_no_time",
    "metadata_label_not_text",
    "metadata_name_missing",
    "metadata_name_not_dns",
    "metadata_namespace_not_dns",
    "metadata_unknown_field",
    "namespace_in_a_namespace",
    "namespace_label_not_text",
    "provider_allowed_expression",
    "provider_allowed_no_selector",
    "provider_allowed_selector_empty",
    "provider_allowed_selector_with_all",
    "provider_anthropic_multi_line",
    "provider_anthropic_operation",
    "provider_anthropic_version",
    "provider_azure_api_version",
    "provider_azure_deployment",
    "provider_azure_guid",
    "provider_azure_no_endpoint",
    "provider_azure_settings_empty",
    "provider_bedrock_half_a_key",
    "provider_bedrock_json",
    "provider_bedrock_no_region",
    "provider_bedrock_region_misspelt",
    "provider_bedrock_role",
    "provider_bedrock_two_regions",
    "provider_bedrock_unsigned",
    "provider_cohere_version",
    "provider_credentials_empty",
    "provider_credentials_of_the_future",
    "provider_dialect_of_the_future",
    "provider_dialect_unknown",
    "provider_empty_field",
    "provider_endpoint_full_path",
    "provider_endpoint_no_url",
    "provider_endpoint_port",
    "provider_endpoint_too_long",
    "provider_endpoint_with_query",
    "provider_endpoint_with_user",
    "provider_field_misspelt",
    "provider_field_of_the_future",
    "provider_gemini_operation",
    "provider_gemini_version",
    "provider_http_version",
    "provider_identity_and_secret",
    "provider_identity_elsewhere",
    "provider_identity_of_another_cloud",
    "provider_identity_of_two_clouds",
    "provider_identity_with_field",
    "provider_mock_faults",
    "provider_mock_settings_without_mock",
    "provider_mock_with_credentials",
    "provider_mock_with_endpoint",
    "provider_model_pattern",
    "provider_model_twice",
    "provider_models_empty",
    "provider_no_dialect",
    "provider_no_spec",
    "provider_openai_identity",
    "provider_openai_responses",
    "provider_openai_settings_empty",
    "provider_preset_no_endpoint",
    "provider_preset_of_another_dialect",
    "provider_preset_unknown",
    "provider_price_empty",
    "provider_price_no_amount",
    "provider_price_number",
    "provider_secret_key_missing",
    "provider_secret_of_another_namespace",
    "provider_settings_of_another_dialect",
    "provider_spec_is_a_text",
    "provider_timeout_no_unit",
    "provider_timeout_zero",
    "provider_tls_without_https",
    "provider_vertex_external_account",
    "provider_vertex_host_alone",
    "provider_vertex_key_without_email",
    "provider_vertex_no_endpoint",
    "provider_vertex_no_json",
    "provider_vertex_publisher",
    "provider_vertex_user_key",
    "resource_twice",
    "route_backend_bounds",
    "route_backend_shorthand",
    "route_backends_missing",
    "route_consumers_accounts",
    "route_consumers_empty",
    "route_consumers_no_member",
    "route_consumers_of_the_future",
    "route_consumers_selector",
    "route_empty",
    "route_model_not_served",
    "route_models_empty",
    "route_models_not_texts",
    "route_models_text",
    "route_models_twice",
    "route_models_white_space",
    "route_parameters_empty",
    "route_parameters_unsupported",
    "route_provider_missing",
    "route_provider_not_allowed",
    "route_provider_selector_not_met",
    "route_retry",
    "route_retry_empty",
    "route_rule_name_not_dns",
    "route_rule_names_twice",
    "route_rules_empty",
    "route_too_many_models",
    "route_when_no_bool",
    "route_when_no_cel",
    "route_when_unknown_variable",
    "route_when_wrong_type",
    "secret_ca_no_pem",
    "secret_entry_missing",
    "secret_in_another_namespace",
    "secret_line_break",
    "secret_missing",
    "secret_not_base64",
    "secret_variable_unset",
    "version_of_the_future",
];

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/broken")
        .join(name)
}

/// All verdicts, a line each, and below it a line for each problem.
fn verdicts(name: &str) -> String {
    let bytes = std::fs::read(file(&format!("{name}.yaml"))).unwrap();
    let parsed = parse_file("broken.yaml", &bytes);
    assert_eq!(parsed.problems, [], "{name} is YAML");
    let documents: Vec<_> = parsed.documents.into_iter().map(Arc::new).collect();
    let compiled = compile(&Input {
        documents: &documents,
        unreadable: &[],
        env: Some(&|_| None),
        previous: None,
        gateway_namespace: Some("weir-system"),
    });
    let mut text = String::new();
    for verdict in compiled.verdicts {
        match verdict.outcome {
            Outcome::Accepted => writeln!(text, "{}: accepted", verdict.object).unwrap(),
            Outcome::Refused { problems, serving } => {
                writeln!(text, "{}: refused, {serving}", verdict.object).unwrap();
                for problem in problems {
                    let place = problem.location.clone().unwrap();
                    writeln!(text, "  {place} {}\n    {problem}", problem.reason).unwrap();
                }
            }
        }
    }
    text
}

#[test]
fn each_broken_resource_is_refused_with_what_would_be_right() {
    let update = std::env::var_os("WEIR_UPDATE").is_some();
    let mut wrong = Vec::new();
    for name in CASES {
        let expected = file(&format!("{name}.txt"));
        let said = verdicts(name);
        assert!(said.contains("refused"), "{name} is broken: {said}");
        if update {
            std::fs::write(&expected, &said).unwrap();
        }
        let expected = std::fs::read_to_string(&expected).unwrap_or_default();
        if said != expected {
            wrong.push(format!("{name}: expected\n{expected}but it said\n{said}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_table_and_the_folder_agree() {
    let listed: BTreeSet<String> = CASES
        .iter()
        .flat_map(|name| [format!("{name}.yaml"), format!("{name}.txt")])
        .collect();
    let there: BTreeSet<String> = std::fs::read_dir(file(""))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(listed, there);
    assert!(CASES.len() >= 40);
}

/// The files hold secrets of their own kind: nothing that looks like one may be said.
#[test]
fn no_verdict_holds_a_secret() {
    for name in CASES {
        let said = verdicts(name);
        for secret in [
            "sk-",
            "abcdefghijklmnop",
            "zyxwvu",
            "too-short-secret",
            "12345678901",
            "user:pass",
        ] {
            assert!(!said.contains(secret), "{name}: {said}");
        }
    }
}
