//! Which headers pass, in both directions. What is not named here does.

use http::header::{CONNECTION, CONTENT_ENCODING, HeaderName};
use http::{HeaderMap, HeaderValue};

/// Of the caller's headers, those that the provider gets.
///
/// Left out are those of one hop (RFC 9110 §7.6.1) and of this connection, credentials of any kind,
/// Weir's own, those that pick whom the provider bills, and what would compress the answer, which
/// Weir has to read.
///
/// A `foreign` provider speaks another format than the caller: what belongs to the caller's format or
/// describes its body stays out too.
pub(crate) fn for_provider(from: &HeaderMap, foreign: bool) -> HeaderMap {
    let mut to = HeaderMap::with_capacity(from.len() + 3);
    for (name, value) in from {
        if passes_up(name.as_str()) && !(foreign && is_of_a_format(name.as_str())) {
            to.append(name.clone(), value.clone());
        }
    }
    drop_named_by_connection(from, &mut to);
    to
}

/// Whether a header means something to one format's providers alone, or describes a body of it.
fn is_of_a_format(name: &str) -> bool {
    [
        "anthropic-",
        "openai-",
        "x-goog-",
        "x-stainless-",
        "x-fern-",
    ]
    .iter()
    .any(|start| name.starts_with(start))
        || matches!(name, "accept" | "content-type" | "x-client-name")
}

fn passes_up(name: &str) -> bool {
    !(is_of_one_hop(name)
        || name.starts_with("x-weir-")
        || name.starts_with("x-forwarded-")
        // Amazon's SDKs sign or describe their own request by these.
        || name.starts_with("x-amz-")
        || name.starts_with("amz-sdk-")
        || name.starts_with("x-goog-iam-")
        || matches!(
            name,
            "accept-encoding"
                | "api-key"
                | "authorization"
                | "content-length"
                | "cookie"
                | "expect"
                | "forwarded"
                | "host"
                | "http2-settings"
                | "openai-organization"
                | "openai-project"
                | "proxy-authorization"
                | "x-api-key"
                | "x-goog-api-key"
                | "x-goog-user-project"
                // Another method, or another path, than those that were allowed.
                | "x-http-method"
                | "x-http-method-override"
                | "x-method-override"
                | "x-original-url"
                | "x-real-ip"
                | "x-rewrite-url"
        ))
}

/// Of the provider's headers, those that the caller gets: not those of one hop or of the provider's
/// own site, and not what tells whose account it is. The provider's id of the request comes as
/// `x-weir-provider-request-id`.
pub(crate) fn for_caller(mut headers: HeaderMap) -> HeaderMap {
    const PROVIDERS_ID: HeaderName = HeaderName::from_static("x-weir-provider-request-id");
    const OUT: [&str; 18] = [
        "alt-svc",
        "anthropic-organization-id",
        "connection",
        "content-length",
        "keep-alive",
        "openai-organization",
        "openai-project",
        "proxy-authenticate",
        "proxy-connection",
        "server",
        "set-cookie",
        "strict-transport-security",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "via",
        "www-authenticate",
    ];
    if headers.contains_key(CONNECTION) {
        let listed = headers.clone();
        drop_named_by_connection(&listed, &mut headers);
    }
    for name in OUT {
        headers.remove(name);
    }
    // It says that nothing was done to the body (RFC 9110, section 8.4.1), and some servers say so.
    if headers
        .get(CONTENT_ENCODING)
        .is_some_and(|encoding| encoding.as_bytes().eq_ignore_ascii_case(b"identity"))
    {
        headers.remove(CONTENT_ENCODING);
    }
    if let Some(id) = headers.remove("x-request-id") {
        headers.insert(PROVIDERS_ID, id);
    }
    headers
}

/// Takes away what describes the bytes of a body that another one takes the place of
/// (RFC 9110 §8.8, RFC 9530, RFC 1864; those of AWS and Google tell checksums).
pub(crate) fn forget_body(headers: &mut HeaderMap) {
    const OF_BODIES: [&str; 11] = [
        "accept-ranges",
        "content-digest",
        "content-md5",
        "content-range",
        "digest",
        "etag",
        "last-modified",
        "repr-digest",
        "signature",
        "signature-input",
        "x-goog-hash",
    ];
    for name in OF_BODIES {
        headers.remove(name);
    }
}

/// Drops the headers whose value holds what `secret` finds.
pub(crate) fn scrub(headers: &mut HeaderMap, holds_secret: impl Fn(&HeaderValue) -> bool) {
    let told: Vec<HeaderName> = headers
        .iter()
        .filter(|(_, value)| holds_secret(value))
        .map(|(name, _)| name.clone())
        .collect();
    for name in told {
        headers.remove(name);
    }
}

fn is_of_one_hop(name: &str) -> bool {
    matches!(
        name,
        "connection"
            | "keep-alive"
            | "proxy-authenticate"
            | "proxy-connection"
            | "te"
            | "trailer"
            | "transfer-encoding"
            | "upgrade"
    )
}

fn drop_named_by_connection(from: &HeaderMap, to: &mut HeaderMap) {
    for value in from.get_all(CONNECTION) {
        for name in value.as_bytes().split(|byte| *byte == b',') {
            if let Ok(name) = HeaderName::from_bytes(name.trim_ascii()) {
                to.remove(name);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(headers: &[(&'static str, &'static str)]) -> HeaderMap {
        headers
            .iter()
            .map(|(name, value)| {
                (
                    HeaderName::from_static(name),
                    HeaderValue::from_static(value),
                )
            })
            .collect()
    }

    #[test]
    fn an_encoding_that_is_none_is_not_told() {
        let said = |encoding: &'static str| for_caller(map(&[("content-encoding", encoding)]));
        assert_eq!(said("Identity"), map(&[]));
        assert_eq!(said("gzip"), map(&[("content-encoding", "gzip")]));
    }

    #[test]
    fn callers_headers_pass_but_for_credentials_and_hops() {
        let from = map(&[
            ("accept", "*/*"),
            ("accept-encoding", "gzip"),
            ("api-key", "k"),
            ("authorization", "Bearer k"),
            ("connection", "keep-alive, x-private"),
            ("content-type", "application/json"),
            ("cookie", "c"),
            ("host", "weir"),
            ("openai-beta", "assistants=v2"),
            ("openai-organization", "org-other"),
            ("x-api-key", "k"),
            ("x-goog-api-key", "k"),
            ("x-goog-user-project", "other"),
            ("x-http-method-override", "DELETE"),
            ("x-private", "p"),
            ("x-stainless-lang", "python"),
            ("x-weir-route", "a/b"),
        ]);
        let passed = map(&[
            ("accept", "*/*"),
            ("content-type", "application/json"),
            ("openai-beta", "assistants=v2"),
            ("x-stainless-lang", "python"),
        ]);
        assert_eq!(for_provider(&from, false), passed);
    }

    #[test]
    fn what_describes_other_bytes_goes_with_them() {
        let mut headers = map(&[
            ("etag", "\"a\""),
            ("digest", "sha-256=x"),
            ("content-digest", "sha-256=:x:"),
            ("content-md5", "x"),
            ("x-ratelimit-remaining", "1"),
        ]);
        forget_body(&mut headers);
        assert_eq!(headers, map(&[("x-ratelimit-remaining", "1")]));
    }

    #[test]
    fn providers_headers_pass_but_for_hops_and_accounts() {
        let from = map(&[
            ("anthropic-organization-id", "org"),
            ("connection", "x-hop"),
            ("content-type", "application/json"),
            ("openai-organization", "org"),
            ("retry-after", "3"),
            ("set-cookie", "a=b"),
            ("x-hop", "1"),
            ("x-ratelimit-remaining-tokens", "5"),
            ("x-request-id", "req_1"),
        ]);
        let passed = map(&[
            ("content-type", "application/json"),
            ("retry-after", "3"),
            ("x-ratelimit-remaining-tokens", "5"),
            ("x-weir-provider-request-id", "req_1"),
        ]);
        assert_eq!(for_caller(from), passed);
    }
}
