use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair,
};
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};

use super::*;

const ISSUER: &str = "https://kubernetes.default.svc.cluster.local";

/// One key of a cluster.
struct Signer {
    id: &'static str,
    algorithm: Algorithm,
    key: EncodingKey,
}

impl Signer {
    fn new(id: &'static str, algorithm: Algorithm) -> Self {
        let ecdsa = |curve| {
            let pair = EcdsaKeyPair::generate(curve).unwrap();
            let der = pair.to_pkcs8v1().unwrap();
            EncodingKey::from_ec_der(der.as_ref())
        };
        let key = match algorithm {
            Algorithm::ES256 => ecdsa(&ECDSA_P256_SHA256_FIXED_SIGNING),
            Algorithm::ES384 => ecdsa(&ECDSA_P384_SHA384_FIXED_SIGNING),
            _ => {
                let pair = KeyPair::generate(KeySize::Rsa2048).unwrap();
                let der: Pkcs8V1Der<'_> = pair.as_der().unwrap();
                // What PKCS#8 puts before the key of PKCS#1 is this long for 2,048 bits.
                EncodingKey::from_rsa_der(&der.as_ref()[26..])
            }
        };
        Self { id, algorithm, key }
    }

    fn jwk(&self) -> Value {
        let mut jwk = json!(Jwk::from_encoding_key(&self.key, self.algorithm).unwrap());
        jwk["kid"] = self.id.into();
        jwk["use"] = "sig".into();
        jwk
    }

    fn header(&self) -> Header {
        let mut header = Header::new(self.algorithm);
        header.typ = None;
        header.kid = Some(self.id.into());
        header
    }

    fn sign(&self, claims: &Value) -> String {
        encode(&self.header(), claims, &self.key).unwrap()
    }

    /// A token as the cluster makes them, but for what is changed.
    fn token(&self, change: impl FnOnce(&mut Value)) -> String {
        let mut claims = claims();
        change(&mut claims);
        self.sign(&claims)
    }
}

fn keys(signers: &[&Signer]) -> Keys {
    let jwks = json!({"keys": signers.iter().map(|one| one.jwk()).collect::<Vec<_>>()});
    Keys::read(ISSUER, jwks.to_string().as_bytes()).unwrap()
}

fn claims() -> Value {
    let now = token::now();
    json!({
        "iss": ISSUER, "sub": "system:serviceaccount:team:web", "aud": ["weir"],
        "exp": now + 600, "iat": now, "nbf": now, "jti": "1",
        "kubernetes.io": {
            "namespace": "team", "serviceaccount": {"name": "web", "uid": "u-1"},
            "pod": {"name": "web-1", "uid": "p-1"},
        },
    })
}

fn verify(keys: &Keys, token: &str) -> Result<Account, Fault> {
    token::verify(keys, &"weir".into(), token.as_bytes())
        .map(|verified| Arc::unwrap_or_clone(verified.account))
}

fn web() -> Account {
    Account {
        namespace: "team".into(),
        name: "web".into(),
        uid: "u-1".into(),
    }
}

#[test]
fn a_token_of_the_cluster_names_its_account() {
    for algorithm in [Algorithm::RS256, Algorithm::ES256, Algorithm::ES384] {
        let signer = Signer::new("k1", algorithm);
        let keys = keys(&[&signer]);
        let token = signer.token(|_| {});
        assert!(looks_like_token(token.as_bytes()));
        assert_eq!(verify(&keys, &token), Ok(web()), "{algorithm:?}");
        for change in [
            |claims: &mut Value| claims["aud"] = json!("weir"),
            |claims: &mut Value| claims["aud"] = json!(["else", "weir"]),
            |claims: &mut Value| claims["exp"] = json!(token::now() - LEEWAY.as_secs() + 5),
            |claims: &mut Value| claims["nbf"] = json!(token::now() + LEEWAY.as_secs() - 5),
            |claims: &mut Value| claims["later"] = json!({"any": "thing"}),
        ] {
            assert_eq!(verify(&keys, &signer.token(change)), Ok(web()));
        }
    }
}

#[test]
fn what_is_not_right_is_refused_and_it_is_said_why() {
    let signer = Signer::new("k1", Algorithm::ES256);
    let keys = keys(&[&signer]);
    let audience = || Fault::Audience {
        right: "weir".into(),
    };
    type Change = fn(&mut Value);
    let cases: [(Change, Fault); 19] = [
        (
            |c| c["exp"] = json!(token::now() - LEEWAY.as_secs() - 5),
            Fault::Expired,
        ),
        (
            |c| c["nbf"] = json!(token::now() + LEEWAY.as_secs() + 5),
            Fault::NotYet,
        ),
        (|c| c["exp"] = json!("soon"), Fault::Malformed),
        (|c| c["exp"] = Value::Null, Fault::Malformed),
        (|c| c["iss"] = json!("https://other.example"), Fault::Issuer),
        (|c| c["iss"] = json!(format!("{ISSUER}/")), Fault::Issuer),
        (|c| c["iss"] = json!([ISSUER]), Fault::Malformed),
        (|c| c["iss"] = Value::Null, Fault::Issuer),
        (
            |c| c["aud"] = json!(["https://kubernetes.default.svc"]),
            audience(),
        ),
        (|c| c["aud"] = json!(["weirs", "WEIR"]), audience()),
        (|c| c["aud"] = json!([]), audience()),
        (|c| c["aud"] = Value::Null, audience()),
        (
            |c| c["sub"] = json!("system:serviceaccount:team:db"),
            Fault::NoAccount,
        ),
        (|c| c["sub"] = json!("web"), Fault::NoAccount),
        (|c| c["sub"] = Value::Null, Fault::NoAccount),
        (
            |c| c["kubernetes.io"]["namespace"] = json!("other"),
            Fault::NoAccount,
        ),
        (
            |c| c["kubernetes.io"]["serviceaccount"]["uid"] = json!(""),
            Fault::NoAccount,
        ),
        (|c| c["kubernetes.io"] = Value::Null, Fault::NoAccount),
        (
            |c| c["kubernetes.io"]["serviceaccount"] = json!("web"),
            Fault::Malformed,
        ),
    ];
    for (change, fault) in cases {
        let token = signer.token(change);
        assert_eq!(verify(&keys, &token), Err(fault), "{token}");
    }
}

#[test]
fn only_what_the_clusters_own_key_signed_is_taken() {
    let signer = Signer::new("k1", Algorithm::RS256);
    let jwk = signer.jwk();
    let all = keys(&[&signer]);
    let refused = |token: &str| verify(&all, token).unwrap_err();

    // Another cluster that calls its key, and itself, the same; and one that does not.
    let other = Signer::new("k1", Algorithm::RS256);
    assert_eq!(refused(&other.token(|_| {})), Fault::Signature);
    let elliptic = Signer::new("k1", Algorithm::ES256);
    assert_eq!(refused(&elliptic.token(|_| {})), Fault::Signature);
    let unknown = Signer::new("k2", Algorithm::RS256);
    assert_eq!(refused(&unknown.token(|_| {})), Fault::UnknownKey);
    let elsewhere = unknown.token(|claims| claims["iss"] = json!("https://other.example"));
    assert_eq!(refused(&elsewhere), Fault::Issuer);

    // The public key taken for a shared secret.
    for secret in [jwk["n"].as_str().unwrap(), &jwk.to_string()] {
        let mut header = Header::new(Algorithm::HS256);
        header.kid = Some("k1".into());
        let key = EncodingKey::from_secret(secret.as_bytes());
        let forged = encode(&header, &claims(), &key).unwrap();
        assert_eq!(refused(&forged), Fault::Signature);
    }

    let good = signer.token(|_| {});
    let parts: Vec<&str> = good.split('.').collect();
    // {"alg":"none","kid":"k1"}
    let none = format!("eyJhbGciOiJub25lIiwia2lkIjoiazEifQ.{}.", parts[1]);
    assert_eq!(refused(&none), Fault::Malformed);
    let unsigned = format!("{}.{}.", parts[0], parts[1]);
    assert_eq!(refused(&unsigned), Fault::Signature);
    let swapped = signer.token(|claims| claims["kubernetes.io"]["namespace"] = json!("other"));
    let swapped: Vec<&str> = swapped.split('.').collect();
    let mixed = format!("{}.{}.{}", parts[0], swapped[1], parts[2]);
    assert_eq!(refused(&mixed), Fault::Signature);
}

#[test]
fn a_header_that_no_cluster_writes_is_refused() {
    let signer = Signer::new("k1", Algorithm::ES256);
    let keys = keys(&[&signer]);
    let with = |change: &dyn Fn(&mut Header)| {
        let mut header = signer.header();
        change(&mut header);
        verify(&keys, &encode(&header, &claims(), &signer.key).unwrap())
    };
    assert_eq!(with(&|header| header.typ = Some("JWT".into())), Ok(web()));
    for change in [
        &(|header: &mut Header| header.kid = None) as &dyn Fn(&mut Header),
        &|header| header.typ = Some("at+jwt".into()),
        &|header| header.crit = Some(vec!["exp".into()]),
        &|header| header.cty = Some("x".repeat(MAX_TOKEN_BYTES)),
    ] {
        assert_eq!(with(change), Err(Fault::Malformed));
    }
    // A key that comes with the token is nobody's.
    let own = Signer::new("own", Algorithm::ES256);
    let mut header = own.header();
    header.jwk = serde_json::from_value(own.jwk()).ok();
    let token = encode(&header, &claims(), &own.key).unwrap();
    assert_eq!(verify(&keys, &token), Err(Fault::UnknownKey));
    for broken in ["ey.ey.ey", "eyJh.eyJh", "ey...", "a.b.c", ""] {
        assert_eq!(verify(&keys, broken), Err(Fault::Malformed), "{broken}");
    }
}

#[test]
fn what_is_no_token_is_taken_for_a_key() {
    for text in [
        "sk-abc.def.ghi",
        "eyJh.eyJh",
        "eyJh.eyJh.a.b",
        "eyJh.ey Jh.a",
        "ey/a.b.c",
    ] {
        assert!(!looks_like_token(text.as_bytes()), "{text}");
    }
}

#[test]
fn a_set_of_keys_is_read_as_far_as_it_is_known() {
    let signer = Signer::new("k1", Algorithm::ES256);
    let good = signer.jwk();
    let with = |name: &str, value: Value| {
        let mut jwk = good.clone();
        jwk[name] = value;
        jwk
    };
    let count =
        |jwks: Value| Keys::read(ISSUER, jwks.to_string().as_bytes()).map(|keys| keys.len());
    let others = json!([
        good, {"kty": "new"}, 7, {"kty": "oct", "kid": "k2", "k": "AAAA", "alg": "HS256"},
        with("use", json!("enc")), with("alg", json!("ES512")), with("alg", json!("HS256")),
        with("kid", json!("")),
    ]);
    assert_eq!(count(json!({"keys": others})), Ok(1));
    for none in [
        json!({"keys": []}),
        json!({"keys": [{"kty": "new"}]}),
        json!([]),
        json!({}),
    ] {
        assert!(count(none).is_err());
    }
    assert!(Keys::read("", json!({"keys": [good]}).to_string().as_bytes()).is_err());
}

/// One worker's tokens, and the verifier behind them.
fn worker(keys: Option<Keys>) -> (Arc<Verifier>, Tokens) {
    let verifier = Arc::new(Verifier::new("weir", keys));
    let tokens = Tokens::new(Some(Arc::clone(&verifier)), Arc::default());
    (verifier, tokens)
}

async fn account(tokens: &Tokens, token: &str) -> Result<Account, Fault> {
    let hash = weir_config::snapshot::Sha256::of(token.as_bytes()).0;
    let account = tokens.account(&hash, token.as_bytes()).await?;
    Ok(Arc::unwrap_or_clone(account))
}

#[tokio::test]
async fn a_key_that_the_cluster_dropped_counts_no_more() {
    let (first, second) = (
        Signer::new("k1", Algorithm::ES256),
        Signer::new("k2", Algorithm::ES256),
    );
    let (verifier, tokens) = worker(Some(keys(&[&first, &second])));
    let (one, two) = (first.token(|_| {}), second.token(|_| {}));
    for _ in 0..2 {
        assert_eq!(account(&tokens, &one).await, Ok(web()));
        assert_eq!(account(&tokens, &two).await, Ok(web()));
    }
    assert!(!verifier.renew(keys(&[&first, &second])));
    assert!(verifier.renew(keys(&[&second])));
    assert_eq!(account(&tokens, &one).await, Err(Fault::Unavailable));
    assert_eq!(account(&tokens, &two).await, Ok(web()));
}

#[tokio::test]
async fn a_key_that_is_not_known_is_waited_for() {
    let (first, second) = (
        Signer::new("k1", Algorithm::ES256),
        Signer::new("k2", Algorithm::ES256),
    );
    let (verifier, tokens) = worker(Some(keys(&[&first])));
    let keeper = tokio::spawn({
        let both = keys(&[&first, &second]);
        let verifier = Arc::clone(&verifier);
        async move {
            verifier.wanted.notified().await;
            // One that had begun before anybody asked says nothing of what there is now.
            let started = Instant::now().checked_sub(Duration::from_secs(9)).unwrap();
            let attempt = |started| {
                Some(Attempt {
                    started,
                    succeeded: true,
                })
            };
            verifier.attempts.send_replace(attempt(started));
            tokio::task::yield_now().await;
            verifier.renew(both);
            verifier.attempts.send_replace(attempt(Instant::now()));
            // And one that finds no such key.
            verifier.wanted.notified().await;
            verifier.attempts.send_replace(attempt(Instant::now()));
        }
    });
    assert_eq!(account(&tokens, &second.token(|_| {})).await, Ok(web()));
    let third = Signer::new("k3", Algorithm::ES256).token(|_| {});
    assert_eq!(account(&tokens, &third).await, Err(Fault::UnknownKey));
    keeper.await.unwrap();
}

#[tokio::test]
async fn not_everybody_may_wait() {
    let (verifier, tokens) = worker(None);
    let _all = verifier.waiters.take(WAITERS).unwrap();
    let token = Signer::new("k1", Algorithm::ES256).token(|_| {});
    assert_eq!(account(&tokens, &token).await, Err(Fault::Unavailable));
    let folder = Tokens::new(None, Arc::default());
    assert_eq!(account(&folder, &token).await, Err(Fault::NoCluster));
}
