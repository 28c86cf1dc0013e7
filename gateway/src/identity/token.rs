use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use jsonwebtoken::dangerous::insecure_decode_claims;
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Header, Validation, decode, decode_header};
use serde::Deserialize;

use super::keys::Keys;
use super::{Fault, LEEWAY, MAX_TOKEN_BYTES};

/// A ServiceAccount as a token names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Its namespace.
    pub namespace: Box<str>,
    /// Its name.
    pub name: Box<str>,
    /// Which of those that ever had this name.
    pub uid: Box<str>,
}

/// A token whose signature, issuer, audience and time are right.
#[derive(Debug)]
pub(super) struct Verified {
    pub(super) account: Arc<Account>,
    /// When it expires, leeway included, in Unix seconds.
    pub(super) until: u64,
}

impl Verified {
    pub(super) fn holds_at(&self, now: u64) -> bool {
        now <= self.until
    }
}

/// What Kubernetes puts into the token of a ServiceAccount
/// (<https://kubernetes.io/docs/reference/access-authn-authz/service-accounts-admin/#schema-for-service-account-private-claims>).
/// What other tokens may lack is looked for after the signature.
#[derive(Deserialize)]
struct Claims {
    iss: Option<String>,
    sub: Option<String>,
    exp: Option<u64>,
    #[serde(rename = "kubernetes.io")]
    kubernetes: Option<Kubernetes>,
}

#[derive(Deserialize)]
struct Kubernetes {
    namespace: Box<str>,
    serviceaccount: Named,
}

#[derive(Deserialize)]
struct Named {
    name: Box<str>,
    uid: Box<str>,
}

/// Verifies a token: that the cluster signed it, for this audience, and that it is its time.
pub(super) fn verify(keys: &Keys, audience: &Arc<str>, token: &[u8]) -> Result<Verified, Fault> {
    if token.len() > MAX_TOKEN_BYTES {
        return Err(Fault::Malformed);
    }
    let header = decode_header(token).map_err(|_| Fault::Malformed)?;
    let id = key_id(&header).ok_or(Fault::Malformed)?;
    let Some(key) = keys.get(id) else {
        // Another cluster's token need not wait for keys of this one.
        return match insecure_decode_claims::<Claims>(token) {
            Err(_) => Err(Fault::Malformed),
            Ok(claims) if claims.iss.as_deref() == Some(keys.issuer()) || keys.is_empty() => {
                Err(Fault::UnknownKey)
            }
            Ok(_) => Err(Fault::Issuer),
        };
    };
    let mut validation = Validation::new(key.algorithm);
    validation.leeway = LEEWAY.as_secs();
    validation.validate_nbf = true;
    validation.set_issuer(&[keys.issuer()]);
    validation.set_audience(&[audience]);
    validation.set_required_spec_claims(&["aud", "exp", "iss", "sub"]);
    let claims = decode::<Claims>(token, &key.decoding, &validation)
        .map_err(|error| fault(error.kind(), audience))?
        .claims;
    // A list of issuers would have passed so far.
    if claims.iss.as_deref() != Some(keys.issuer()) {
        return Err(Fault::Issuer);
    }
    let until = claims.exp.ok_or(Fault::Malformed)?;
    Ok(Verified {
        account: Arc::new(claims.account().ok_or(Fault::NoAccount)?),
        until: until.saturating_add(LEEWAY.as_secs()),
    })
}

impl Claims {
    /// The account, if both places that name it name the same.
    fn account(self) -> Option<Account> {
        let Kubernetes {
            namespace,
            serviceaccount: Named { name, uid },
        } = self.kubernetes?;
        let (of, named) = self
            .sub
            .as_deref()?
            .strip_prefix("system:serviceaccount:")?
            .split_once(':')?;
        (of == &*namespace && named == &*name && !uid.is_empty()).then_some(Account {
            namespace,
            name,
            uid,
        })
    }
}

/// The key that signed it, if the header is one that a cluster writes.
fn key_id(header: &Header) -> Option<&str> {
    let of_a_token = |typ: &str| typ.eq_ignore_ascii_case("JWT");
    if header.crit.is_some() || !header.typ.as_deref().is_none_or(of_a_token) {
        return None;
    }
    header.kid.as_deref()
}

fn fault(kind: &ErrorKind, audience: &Arc<str>) -> Fault {
    let of_audience = || Fault::Audience {
        right: Arc::clone(audience),
    };
    match kind {
        // What the header names is not what the key is for; whoever made it did not have the key.
        ErrorKind::InvalidSignature | ErrorKind::InvalidAlgorithm => Fault::Signature,
        ErrorKind::ExpiredSignature => Fault::Expired,
        ErrorKind::ImmatureSignature => Fault::NotYet,
        ErrorKind::InvalidIssuer => Fault::Issuer,
        ErrorKind::InvalidAudience => of_audience(),
        ErrorKind::MissingRequiredClaim(claim) => match claim.as_str() {
            "iss" => Fault::Issuer,
            "aud" => of_audience(),
            "sub" => Fault::NoAccount,
            _ => Fault::Malformed,
        },
        _ => Fault::Malformed,
    }
}

/// Seconds since 1970.
pub(super) fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}
