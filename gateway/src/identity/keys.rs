use std::collections::HashMap;

use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey};
use serde::Deserialize;
use serde_json::Value;

/// The keys that a cluster signs the tokens of its ServiceAccounts with, and the name that it goes by in them.
#[derive(Debug, Default)]
pub struct Keys {
    issuer: String,
    by_id: HashMap<String, Key>,
    /// What they were made of, to tell whether others are the same.
    source: Vec<Value>,
}

/// One of them.
#[derive(Debug)]
pub(super) struct Key {
    pub(super) decoding: DecodingKey,
    pub(super) algorithm: Algorithm,
}

/// There is no key in it that could be used, or no issuer.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{0}")]
pub struct NoKeys(&'static str);

impl Keys {
    /// Reads a JWK set (RFC 7517 §5) as `/openid/v1/jwks` gives it. What is no key that can be used here is left out, as
    /// the RFC asks: of algorithms RS256, ES256 and ES384 are known, of those that clusters use ES512 is not.
    ///
    /// # Errors
    /// Nothing is left then, or it can't be read.
    pub fn read(issuer: &str, jwks: &[u8]) -> Result<Self, NoKeys> {
        #[derive(Deserialize)]
        struct Set {
            keys: Vec<Value>,
        }
        if issuer.is_empty() {
            return Err(NoKeys("the cluster names no issuer"));
        }
        let set: Set =
            serde_json::from_slice(jwks).map_err(|_| NoKeys("the keys can't be read"))?;
        let by_id: HashMap<String, Key> = set.keys.iter().filter_map(key).collect();
        if by_id.is_empty() {
            return Err(NoKeys("there is no key that can be used"));
        }
        Ok(Self {
            issuer: issuer.into(),
            by_id,
            source: set.keys,
        })
    }

    pub(super) fn issuer(&self) -> &str {
        &self.issuer
    }

    pub(super) fn get(&self, id: &str) -> Option<&Key> {
        self.by_id.get(id)
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.by_id.len()
    }

    /// Whether none is known so far.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.by_id.is_empty()
    }

    pub(super) fn says_the_same(&self, other: &Self) -> bool {
        self.issuer == other.issuer && self.source == other.source
    }
}

fn key(value: &Value) -> Option<(String, Key)> {
    let jwk = Jwk::deserialize(value).ok()?;
    if matches!(&jwk.common.public_key_use, Some(of) if *of != PublicKeyUse::Signature) {
        return None;
    }
    let id = jwk.common.key_id.clone().filter(|id| !id.is_empty())?;
    // What the key is says what it is used with; what it says of itself has to agree.
    let (algorithm, name) = match &jwk.algorithm {
        AlgorithmParameters::RSA(_) => (Algorithm::RS256, KeyAlgorithm::RS256),
        AlgorithmParameters::EllipticCurve(of) => match of.curve {
            EllipticCurve::P256 => (Algorithm::ES256, KeyAlgorithm::ES256),
            EllipticCurve::P384 => (Algorithm::ES384, KeyAlgorithm::ES384),
            _ => return None,
        },
        _ => return None,
    };
    if jwk.common.key_algorithm.is_some_and(|said| said != name) {
        return None;
    }
    let decoding = DecodingKey::from_jwk(&jwk).ok()?;
    Some((
        id,
        Key {
            decoding,
            algorithm,
        },
    ))
}
