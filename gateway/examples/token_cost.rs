//! What the token of a ServiceAccount costs a request: verified for the first time, and remembered.
//!
//!     cargo run --release -p weir-gateway --example token_cost
#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a program that measures, and ends where it can't"
)]

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::json;
use weir_config::snapshot::Sha256;
use weir_gateway::identity::{Keys, Tokens, Verifier};

const TOKENS: usize = 2000;
const ROUNDS: u32 = 100;

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        measure(Algorithm::RS256).await;
        measure(Algorithm::ES256).await;
    });
}

async fn measure(algorithm: Algorithm) {
    let key = if algorithm == Algorithm::RS256 {
        let pair = KeyPair::generate(KeySize::Rsa2048).unwrap();
        let der: Pkcs8V1Der<'_> = pair.as_der().unwrap();
        // What PKCS#8 puts before the key of PKCS#1 is this long for 2,048 bits.
        EncodingKey::from_rsa_der(&der.as_ref()[26..])
    } else {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        EncodingKey::from_ec_der(pair.to_pkcs8v1().unwrap().as_ref())
    };
    let mut jwk = Jwk::from_encoding_key(&key, algorithm).unwrap();
    jwk.common.key_id = Some("key".into());
    let jwks = json!({"keys": [jwk]}).to_string();
    let keys = Keys::read("https://cluster.example", jwks.as_bytes()).unwrap();
    let tokens = Tokens::new(
        Some(Arc::new(Verifier::new("weir", Some(keys)))),
        Arc::default(),
    );
    let texts: Vec<String> = (0..TOKENS).map(|n| token(&key, algorithm, n)).collect();
    let bytes = texts[0].len();

    let first = round(&tokens, &texts).await;
    let mut again = Duration::ZERO;
    for _ in 0..ROUNDS {
        again += round(&tokens, &texts).await;
    }
    println!(
        "{algorithm:?}, {bytes} bytes: {:?} the first time, {:?} from then on",
        first / u32::try_from(TOKENS).unwrap(),
        again / u32::try_from(TOKENS).unwrap() / ROUNDS,
    );
}

/// The digest counts, too: a request takes it in any case.
async fn round(tokens: &Tokens, texts: &[String]) -> Duration {
    let started = Instant::now();
    for text in texts {
        let digest = Sha256::of(text.as_bytes());
        let account = tokens.account(&digest.0, text.as_bytes()).await.unwrap();
        assert_eq!(&*account.name, "web");
    }
    started.elapsed()
}

fn token(key: &EncodingKey, algorithm: Algorithm, number: usize) -> String {
    let mut header = Header::new(algorithm);
    header.typ = None;
    header.kid = Some("key".into());
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let now = now.as_secs();
    let claims = json!({
        "aud": ["weir"], "exp": now + 3600, "iat": now, "nbf": now,
        "iss": "https://cluster.example", "jti": format!("{number:036}"),
        "kubernetes.io": {
            "namespace": "team", "node": {"name": "node-1", "uid": "0a6d0f4e-1f43-4bd8-b0a7-0d1b7b4f6d53"},
            "pod": {"name": "web-7d4b9c6f5-x2x9z", "uid": "6b1e0f4e-1f43-4bd8-b0a7-0d1b7b4f6d53"},
            "serviceaccount": {"name": "web", "uid": "f2a10f4e-1f43-4bd8-b0a7-0d1b7b4f6d53"},
        },
        "sub": "system:serviceaccount:team:web",
    });
    encode(&header, &claims, key).unwrap()
}
