use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::snapshot::{Dialect, Parameters, Settings};

/// A shard with credentials, a key, routes and service accounts, and all that format 3 has.
fn shard() -> Shard {
    let hash = Sha256::of(b"key");
    let route = |consumers: serde_json::Value| {
        json!({
            "consumers": consumers, "models": ["fast"], "retry": {"on": ["Timeout"]},
            "rules": [{"backends": [{"provider": {"namespace": "a", "name": "p"}, "priority": 0, "weight": 1}]}],
            "parameters": {"unsupported": "Drop"},
        })
    };
    let keys = json!({"apiKeys": {"namespaces": "same"}});
    let accounts = json!({"serviceAccounts": {"names": ["web"], "namespaces": "all"}});
    let provider = |own: serde_json::Value| {
        let mut provider = json!({
            "endpoint": "https://a/v1", "httpVersion": "Auto", "allowed": "same",
            "timeouts": {"connect": 1, "firstToken": 1, "idle": 1, "total": 1},
        });
        let fields = own.as_object().unwrap().clone();
        provider.as_object_mut().unwrap().extend(fields);
        provider
    };
    serde_json::from_value(json!({
        "namespace": "a",
        "labels": {"kubernetes.io/metadata.name": "a"},
        "providers": {
            "p": provider(json!({
                "dialect": "OpenAI", "preset": "Groq", "settings": {"responses": "ChatCompletions"},
                "credential": "sk-very-secret",
                "models": [{"name": "m", "upstreamName": "n", "price": {"input": 1, "cacheRead": 2}}],
            })),
            "q": provider(json!({
                "dialect": "Bedrock", "settings": {"bedrockRegion": "us-east-1"},
                "credential": {"aws": {"roleArn": "arn"}},
            })),
            "r": provider(json!({"dialect": "Vertex", "credential": {"gcp": {}}})),
            "s": provider(json!({
                "dialect": "AzureOpenAI", "settings": {"azureApiVersion": "2024-10-21"},
                "credential": {"azure": {"tenantId": "t"}},
            })),
        },
        "routes": {"both": route(json!([accounts, keys])), "accounts": route(json!([accounts]))},
        "keys": {"ci": {"hashes": [hash.to_string()]}},
        "serviceAccounts": {"web": "a1b2"},
    }))
    .unwrap()
}

/// A shard that is bigger than a Secret when it is packed: names that don't repeat.
fn big() -> Shard {
    let mut shard = shard();
    let accounts = (0..40_000u32).map(|n| {
        let uid = Sha256::of(&n.to_be_bytes()).to_string();
        (format!("account-{n}"), uid)
    });
    shard.service_accounts = accounts.collect();
    shard
}

fn decoded(encoded: &Encoded) -> Shard {
    match read_index(&encoded.index.data).unwrap() {
        Index::Whole(shard) => shard,
        Index::Parts(names) => {
            let data = names.iter().map(|name| {
                let part = encoded.parts.iter().find(|part| part.name == *name);
                part.unwrap().data[PART_ENTRY].as_slice()
            });
            join(data).unwrap()
        }
    }
}

#[test]
fn a_small_shard_is_one_secret() {
    let encoded = encode(&shard(), 3, 7);
    assert_eq!(encoded.parts, []);
    assert_eq!(encoded.index.name, "ns.a");
    assert_eq!(namespace_of(&encoded.index.name), Some("a"));
    let labels =
        json!({"app.kubernetes.io/managed-by": "weir-operator", "weir.dev/config": "shard"});
    assert_eq!(json!(encoded.index.labels), labels);
    let annotations = json!({"weir.dev/format": "3", "weir.dev/term": "7"});
    assert_eq!(json!(encoded.index.annotations), annotations);
    assert_eq!(
        Stamp::read(&encoded.index.annotations),
        Ok(Stamp { format: 3, term: 7 })
    );
    assert_eq!(decoded(&encoded), shard());
    assert_eq!(encode(&shard(), 3, 7), encoded, "the very same bytes");
}

#[test]
fn a_big_shard_is_cut_into_parts_that_are_named_by_what_they_hold() {
    let encoded = encode(&big(), 3, 7);
    assert!(encoded.parts.len() > 1);
    let names: Vec<&str> = encoded
        .parts
        .iter()
        .map(|part| part.name.as_str())
        .collect();
    let Index::Parts(listed) = read_index(&encoded.index.data).unwrap() else {
        panic!("the index names parts")
    };
    assert_eq!(listed, names);
    for part in &encoded.parts {
        let bytes = &part.data[PART_ENTRY];
        assert!(bytes.len() <= MAX_BYTES);
        let hash = Sha256::of(bytes).to_string();
        assert_eq!(part.name, format!("part.{}", &hash[..40]));
        assert_eq!(part.labels[ROLE_LABEL], "part");
    }
    assert_eq!(decoded(&encoded), big());
    let swapped = encoded
        .parts
        .iter()
        .rev()
        .map(|part| part.data[PART_ENTRY].as_slice());
    assert_eq!(join(swapped), Err(DecodeError::Packing));
    let cut = encoded.parts[..1]
        .iter()
        .map(|part| part.data[PART_ENTRY].as_slice());
    assert_eq!(join(cut), Err(DecodeError::Packing));
}

#[test]
fn format_2_leaves_out_the_providers_and_fields_that_it_has_no_words_for() {
    let encoded = encode(&shard(), 2, 7);
    assert_eq!(encoded.index.annotations[FORMAT_ANNOTATION], "2");
    let mut expected = shard();
    expected.providers.retain(|name, _| name == "p");
    let provider = expected.providers.get_mut("p").unwrap();
    provider.preset = None;
    provider.settings = Settings::default();
    provider.models[0].price.clear();
    for route in expected.routes.values_mut() {
        route.parameters = Parameters::default();
    }
    assert_eq!(decoded(&encoded), expected);
    let text = serde_json::to_string(&expected).unwrap();
    for word in ["preset", "settings", "price", "parameters"] {
        assert!(
            !text.contains(word),
            "an older version reads no such field: {text}"
        );
    }
}

#[test]
fn what_a_format_says_in_part_is_known() {
    let mut shard = shard();
    let mut plain = shard.providers["p"].clone();
    plain.preset = None;
    plain.settings = Settings::default();
    plain.models.clear();
    shard.providers.insert("plain".to_owned(), plain);
    let mut route = shard.routes["both"].clone();
    route.parameters = Parameters::default();
    shard.routes.insert("plain".to_owned(), route);
    let providers = ["p", "q", "r", "s", "plain", "gone"].map(|name| (Kind::AiProvider, name));
    let routes = ["both", "plain", "gone"].map(|name| (Kind::AiRoute, name));
    for (kind, name) in providers.iter().chain(&routes) {
        let expected = matches!(*name, "plain" | "gone");
        assert_eq!(is_whole(&shard, 2, kind, name), expected, "{kind} {name}");
        assert!(is_whole(&shard, 3, kind, name), "{kind} {name}");
    }
}

#[test]
fn a_mock_and_a_plain_provider_are_the_same_in_format_2() {
    let mut plain = shard();
    plain.routes.clear();
    plain.providers.retain(|name, _| name == "p");
    let provider = plain.providers.get_mut("p").unwrap();
    provider.preset = None;
    provider.settings = Settings::default();
    provider.models.clear();
    for dialect in [Dialect::OpenAI, Dialect::Mock] {
        plain.providers.get_mut("p").unwrap().dialect = dialect;
        let data = |format| encode(&plain, format, 7).index.data;
        assert_eq!(data(2), data(3));
    }
}

#[test]
fn a_format_that_is_not_known_becomes_the_next_that_is() {
    for (asked, written) in [(0, "2"), (1, "2"), (2, "2"), (3, "3"), (4, "3")] {
        let encoded = encode(&shard(), asked, 1);
        assert_eq!(encoded.index.annotations[FORMAT_ANNOTATION], written);
    }
}

#[test]
fn the_format_is_the_highest_that_all_read() {
    let common = |theirs: &[&[u32]]| common_format(theirs.iter().copied());
    assert_eq!(common(&[]), Some(3));
    assert_eq!(common(&[&[2, 3], &[3, 4]]), Some(3));
    assert_eq!(common(&[&[1, 2], &[2, 3]]), Some(2));
    assert_eq!(common(&[&[2, 3], &[2]]), Some(2));
    assert_eq!(common(&[&[2], &[3]]), None);
    assert_eq!(common(&[&[1]]), None);
    assert_eq!(common(&[&[]]), None);
}

#[test]
fn the_root_survives() {
    let root = Root { format: 2, term: 9 };
    let entry = root.encode();
    assert_eq!(
        (entry.name.as_str(), &*entry.labels[ROLE_LABEL]),
        ("0-root", "root")
    );
    assert_eq!(entry.data["root"], br#"{"format":2,"term":9}"#);
    assert_eq!(Root::decode(&entry.data), Ok(root));
    let newer = br#"{"format":4,"since":"now","term":9,"more":{"of":[1]}}"#.to_vec();
    let newer = BTreeMap::from([(ROOT_ENTRY.to_owned(), newer)]);
    assert_eq!(
        Root::decode(&newer),
        Ok(Root { format: 4, term: 9 }),
        "what a newer one adds holds nobody up"
    );
}

/// The entry of a shard with this text in it.
fn packed(text: &str) -> BTreeMap<String, Vec<u8>> {
    let mut writer = GzBuilder::new().write(Vec::new(), Compression::fast());
    writer.write_all(text.as_bytes()).unwrap();
    BTreeMap::from([(SHARD_ENTRY.to_owned(), writer.finish().unwrap())])
}

#[test]
fn what_is_wrong_is_said_without_a_word_of_what_is_there() {
    let good = serde_json::to_string(&shard()).unwrap();
    let errors = [
        (
            packed(&good.replace("\"https://a/v1\"", "{\"s3cret\": 1}")),
            "has something that this version does not know (line 1, column ",
        ),
        (
            packed(&good.replace("\"endpoint\"", "\"s3cret\"")),
            "has something that this version does not know (line 1, column ",
        ),
        (
            packed(&good.replace("\"Timeout\"", "\"s3cret\"")),
            "has something that this version does not know (line 1, column ",
        ),
        (packed("{s3cret"), "is no JSON (line 1, column 2)"),
        (
            packed("\"s3cret\" s3cret"),
            "has something that this version does not know (line 1, column 8)",
        ),
        (
            BTreeMap::from([(SHARD_ENTRY.to_owned(), b"s3cret".to_vec())]),
            "is no gzip that is whole",
        ),
        (
            BTreeMap::from([(PARTS_ENTRY.to_owned(), b"[s3cret".to_vec())]),
            "is no JSON (line 1, column 2)",
        ),
        (
            BTreeMap::from([("s3cret".to_owned(), Vec::new())]),
            "has no shard",
        ),
    ];
    for (data, expected) in errors {
        let error = read_index(&data).unwrap_err();
        let said = format!("{error} {error:?}");
        assert!(said.starts_with(expected), "{said}");
        assert!(!said.contains("s3cret"), "{said}");
    }
    let root = BTreeMap::from([(ROOT_ENTRY.to_owned(), br#"{"s3cret":1}"#.to_vec())]);
    assert_eq!(Root::decode(&root), Err(DecodeError::Shape(1, 12)));
    let entry = format!("{:?}", encode(&shard(), 3, 1));
    assert!(!entry.contains("sk-very-secret"), "{entry}");
}

#[test]
fn more_than_is_bearable_is_not_unpacked() {
    let mut writer = GzBuilder::new().write(Vec::new(), Compression::fast());
    let zeros = vec![b' '; 1024 * 1024];
    for _ in 0..=MAX_UNPACKED / zeros.len() {
        writer.write_all(&zeros).unwrap();
    }
    let bomb = writer.finish().unwrap();
    assert!(bomb.len() < MAX_BYTES);
    assert_eq!(join([bomb.as_slice()]), Err(DecodeError::TooLarge));
}

#[test]
fn what_follows_a_shard_is_refused() {
    let mut bytes = encode(&shard(), 3, 1).index.data[SHARD_ENTRY].clone();
    bytes.push(0);
    assert_eq!(join([bytes.as_slice()]), Err(DecodeError::Packing));
}

#[test]
fn a_stamp_says_what_is_missing() {
    let stamp = |format: &str, term: &str| {
        Stamp::read(&BTreeMap::from([
            (FORMAT_ANNOTATION.to_owned(), format.to_owned()),
            (TERM_ANNOTATION.to_owned(), term.to_owned()),
        ]))
    };
    assert_eq!(stamp("2", "3"), Ok(Stamp { format: 2, term: 3 }));
    assert_eq!(stamp("1", "3"), Err(DecodeError::Format(1)));
    assert_eq!(stamp("4", "3"), Err(DecodeError::Format(4)));
    assert_eq!(stamp("2", "x"), Err(DecodeError::NoNumber(TERM_ANNOTATION)));
    assert_eq!(
        Stamp::read(&BTreeMap::new()),
        Err(DecodeError::Missing(FORMAT_ANNOTATION))
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_bytes_are_too_much(bytes in prop::collection::vec(any::<u8>(), 0..200), at in 0usize..400) {
        let _ = join([bytes.as_slice()]);
        let mut broken = encode(&shard(), 3, 1).index.data[SHARD_ENTRY].clone();
        let at = at % broken.len();
        broken[at] ^= 0x55;
        // The header may hold anything; all else is covered by the checksum.
        if let Ok(read) = join([broken.as_slice()]) {
            prop_assert_eq!(read, shard());
        }
    }
}
