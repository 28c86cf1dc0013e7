//! CA bundles: which are taken, and what serves where one is not.

use rstest::rstest;
use weir_config::Serving;

use crate::support::*;

const UNUSABLE: &str = "-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n";

fn with(bundle: &str, rest: &str) -> String {
    let provider = provider_with(&format!(
        "{{dialect: OpenAI, endpoint: 'https://a/v1', tls: {{caSecretRef: {{name: ca}}}}{rest}}}"
    ));
    provider
        + &secret_with(
            "ca",
            &format!("{{ca.crt: {}}}", serde_json::Value::from(bundle)),
        )
}

#[test]
fn a_bundle_that_tls_does_not_take_is_refused() {
    let compiled = Folder::default().holds(&with(UNUSABLE, ""));
    assert_eq!(
        messages(&compiled),
        [
            "AIProvider team-a/openai: spec.tls.caSecretRef.key: entry ca.crt of Secret team-a/ca: certificate 1 is none that TLS takes (X.509 in DER)"
        ]
    );
    assert_eq!(
        serving(&compiled, &provider("openai")),
        Some(Serving::Nothing)
    );
}

#[rstest]
#[case::unusable(with(UNUSABLE, ""), true)]
#[case::no_pem(with("hello", ""), true)]
#[case::beside_another_slip(with(UNUSABLE, ", oops: x"), true)]
#[case::entry_gone(with(CA, "").replace("{ca.crt:", "{other:"), false)]
#[case::secret_gone(with(CA, "").replace("name: ca, ", "name: other, "), false)]
fn a_bundle_that_became_unusable_leaves_the_last_good_and_one_that_is_gone_does_not(
    #[case] then: String,
    #[case] kept: bool,
) {
    let mut folder = Folder::default();
    let before = folder.holds(&with(CA, ""));
    assert_eq!(messages(&before), Vec::<String>::new());
    for _ in 0..2 {
        let compiled = folder.holds(&then);
        let expected = if kept {
            Serving::LastGood
        } else {
            Serving::Nothing
        };
        assert_eq!(serving(&compiled, &provider("openai")), Some(expected));
        let ca = compiled
            .snapshot
            .provider("team-a", "openai")
            .and_then(|one| one.ca.as_deref());
        assert_eq!(ca, kept.then_some(CA));
    }
    assert_eq!(messages(&folder.holds(&with(CA, ""))), Vec::<String>::new());
}
