//! Names that lead to a price.

use weir_llm::price::{
    Kind, Listed, Origin, Prices, Query, Rate, Row, catalogue, parse_day, parse_usd,
};
use weir_llm::{Dialect, Preset};

fn ask<'a>(provider: &'a str, model: &'a str) -> Query<'a> {
    Query {
        provider: Some(provider),
        model,
        at: parse_day("2026-11-23").unwrap(),
        context: &[],
    }
}

fn listed(provider: &'static str, lister: &'static str, model: &'static str) -> Origin {
    Origin::Listed(Listed {
        provider,
        lister,
        model,
    })
}

fn usd(text: &str) -> Rate {
    Rate::flat(parse_usd(text).unwrap())
}

#[test]
fn names_lead_to_the_model_that_the_package_means() {
    for (provider, name, expected) in [
        ("openai", "gpt-4o", listed("openai", "openai", "gpt-4o")),
        ("openai", "GPT-4o", listed("openai", "openai", "gpt-4o")),
        (
            "openai",
            "gpt-4o-mini-2024-07-18",
            listed("openai", "openai", "gpt-4o-mini"),
        ),
        (
            "anthropic",
            "claude-sonnet-4-5-20250929",
            listed("anthropic", "anthropic", "claude-sonnet-4-5"),
        ),
        (
            "aws",
            "us.anthropic.claude-3-haiku-20240307-v1:0",
            listed(
                "aws",
                "aws",
                "regional.anthropic.claude-3-haiku-20240307-v1:0",
            ),
        ),
        // Sold at its maker's price.
        ("azure", "gpt-4o", listed("azure", "openai", "gpt-4o")),
        (
            "vertex",
            "claude-2.1",
            listed("google", "anthropic", "claude-2"),
        ),
        ("Bedrock", "nothing.of-the-sort", Origin::Unknown),
        ("nobody", "gpt-4o", Origin::Unknown),
    ] {
        assert_eq!(
            Row::find(&ask(provider, name), None).origin,
            expected,
            "{provider} {name}"
        );
    }
}

#[test]
fn providers_are_known_by_the_url_of_their_api() {
    for (url, expected) in [
        ("https://api.openai.com/v1", Some("openai")),
        ("https://api.anthropic.com", Some("anthropic")),
        ("https://api.x.ai/v1", Some("x-ai")),
        ("https://acme.openai.azure.com/openai/v1", Some("azure")),
        (
            "https://europe-west4-aiplatform.googleapis.com/v1/projects/p/locations/l",
            Some("google"),
        ),
        (
            "https://bedrock-runtime.eu-central-1.amazonaws.com",
            Some("aws"),
        ),
        ("https://api.mistral.ai/v1", Some("mistral")),
        ("https://openrouter.ai/api/v1", Some("openrouter")),
        ("http://vllm.models.svc:8000/v1", None),
        ("http://proxy/https://api.openai.com", None),
    ] {
        let found = catalogue()
            .provider_at(url)
            .map(|provider| provider.id.as_str());
        assert_eq!(found, expected, "{url}");
    }
}

#[test]
fn a_price_holds_from_its_date_on() {
    let at = |day: &str| {
        let row = Row::find(
            &Query {
                at: parse_day(day).unwrap(),
                ..ask("google", "gemini-3.8-flash")
            },
            None,
        );
        row.prices.get(Kind::Input).cloned()
    };
    assert_eq!(at("2026-12-31"), Some(usd("0.75")));
    assert_eq!(at("2027-01-01"), Some(usd("1.5")));
}

#[test]
fn a_way_to_be_served_has_its_price() {
    let priced = |context| {
        let row = Row::find(
            &Query {
                context,
                ..ask("openai", "gpt-5")
            },
            None,
        );
        row.prices.get(Kind::Input).map(|rate| rate.base)
    };
    let standard = priced(&[]).unwrap();
    assert_eq!(priced(&[("service_tier", "flex")]), Some(standard / 2));
    assert_eq!(priced(&[("service_tier", "priority")]), Some(standard * 2));
    assert_eq!(priced(&[("service_tier", "unheard-of")]), Some(standard));
}

#[test]
fn what_is_declared_replaces_the_listed_price_kind_by_kind() {
    let declared: Prices = [(Kind::Input, usd("1.5")), (Kind::CacheWrite, usd("2"))]
        .into_iter()
        .collect();
    let row = Row::find(&ask("anthropic", "claude-sonnet-4-5"), Some(&declared));
    let listed = Listed {
        provider: "anthropic",
        lister: "anthropic",
        model: "claude-sonnet-4-5",
    };
    assert_eq!(row.origin, Origin::Declared(Some(listed)));
    let before = Row::find(&ask("anthropic", "claude-sonnet-4-5"), None).prices;
    for (kind, rate) in row.prices.iter() {
        assert_eq!(
            Some(rate),
            declared.get(kind).or(before.get(kind)),
            "{kind:?}"
        );
    }
    let unlisted = Row::find(
        &Query {
            provider: None,
            ..ask("", "our-own")
        },
        Some(&declared),
    );
    assert_eq!(
        (unlisted.origin, unlisted.prices),
        (Origin::Declared(None), declared)
    );
}

#[test]
fn providers_are_known_by_what_their_resources_declare() {
    for (dialect, preset, endpoint, expected) in [
        (
            Dialect::OpenAI,
            None,
            "https://api.openai.com/v1",
            Some("openai"),
        ),
        (
            Dialect::OpenAI,
            None,
            "https://api.deepseek.com",
            Some("deepseek"),
        ),
        (Dialect::OpenAI, None, "http://llm.internal/v1", None),
        (
            Dialect::OpenAI,
            Some(Preset::XAI),
            "http://proxy.internal",
            Some("x-ai"),
        ),
        (
            Dialect::OpenAI,
            Some(Preset::Ollama),
            "http://localhost:11434/v1",
            None,
        ),
        (
            Dialect::AzureOpenAI,
            None,
            "https://private.example",
            Some("azure"),
        ),
        (
            Dialect::Anthropic,
            None,
            "http://proxy.internal",
            Some("anthropic"),
        ),
        (
            Dialect::Vertex,
            None,
            "https://aiplatform.googleapis.com/v1/projects/p/locations/global",
            Some("google"),
        ),
        (
            Dialect::Gemini,
            None,
            "https://generativelanguage.googleapis.com",
            Some("google"),
        ),
        (
            Dialect::Bedrock,
            None,
            "https://vpce-1.bedrock-runtime.eu-west-1.vpce.amazonaws.com",
            Some("aws"),
        ),
        (
            Dialect::Cohere,
            None,
            "https://api.cohere.com",
            Some("cohere"),
        ),
        (Dialect::Mock, None, "https://api.openai.com/v1", None),
    ] {
        let found = catalogue().provider_of(dialect, preset, endpoint);
        assert_eq!(
            found.map(|provider| provider.id.as_str()),
            expected,
            "{dialect:?} {preset:?} {endpoint}"
        );
    }
}
