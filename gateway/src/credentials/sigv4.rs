//! Signatures of requests to AWS (Signature Version 4).
//!
//! See <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html>. The path is encoded
//! once more for the signature than it is sent, as all services but S3 want it: `%3A` is signed as `%253A`.

use std::time::SystemTime;

use aws_lc_rs::digest::{SHA256, digest};
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign as sign_http};
use aws_sigv4::sign::v4::SigningParams;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue};

use super::aws::Keys;
use super::{Unauthorised, Unsigned};

/// What Bedrock signs its requests for; its runtime too.
/// See <https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonbedrock.html>.
pub(super) const BEDROCK: &str = "bedrock";
/// The service that gives credentials.
pub(super) const STS: &str = "sts";

/// Signs the request for a region and a service, in place of any other signature that is there. The signature covers
/// `host`, `content-type` and every header that begins with `x-amz-`; others may change on their way.
pub(super) fn sign(
    request: Unsigned<'_>,
    headers: &mut HeaderMap,
    keys: &Keys,
    (region, service): (&str, &str),
    now: SystemTime,
) -> Result<(), Unauthorised> {
    for name in [
        "authorization",
        "x-amz-content-sha256",
        "x-amz-date",
        "x-amz-security-token",
    ] {
        headers.remove(name);
    }
    let unsignable = Unauthorised::Unsignable;
    let host = request.authority.to_str().map_err(|_| unsignable)?;
    let covered =
        |name: &&HeaderName| **name == CONTENT_TYPE || name.as_str().starts_with("x-amz-");
    let mut signed = vec![("host", host)];
    for name in headers.keys().filter(covered) {
        for value in headers.get_all(name) {
            signed.push((name.as_str(), value.to_str().map_err(|_| unsignable)?));
        }
    }
    let identity = keys.credentials().into();
    let parameters = SigningParams::builder()
        .identity(&identity)
        .region(region)
        .name(service)
        .time(now)
        .settings(SigningSettings::default())
        .build()
        .map_err(|_| unsignable)?
        .into();
    let body = request.body.ok_or(unsignable)?;
    let body = SignableBody::Precomputed(hex(digest(&SHA256, body).as_ref()));
    let signable = SignableRequest::new(
        request.method.as_str(),
        request.path.as_str(),
        signed.into_iter(),
        body,
    )
    .map_err(|_| unsignable)?;
    let (instructions, _) = sign_http(signable, &parameters)
        .map_err(|_| unsignable)?
        .into_parts();
    for (name, value) in instructions.headers() {
        let name = HeaderName::try_from(name).map_err(|_| unsignable)?;
        let mut value = HeaderValue::try_from(value).map_err(|_| unsignable)?;
        value.set_sensitive(name == AUTHORIZATION || name == "x-amz-security-token");
        headers.insert(name, value);
    }
    Ok(())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests;
