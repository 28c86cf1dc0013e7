//! Who calls: an API key or the token of a ServiceAccount, sent as the caller's SDK does.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use aws_lc_rs::digest;
use http::HeaderMap;
use http::header::AUTHORIZATION;
use weir_config::linked::{Consumer, Linked};

use super::Worker;
use super::receive::Received;
use super::tail::Tail;
use crate::identity::looks_like_token;
use crate::refusal::Refusal;

/// A request of a known consumer.
pub(super) struct Authenticated {
    pub(super) received: Received,
    pub(super) consumer: Arc<Consumer>,
}

impl Received {
    /// Finds the consumer of the key or token that came with the request.
    pub(super) async fn authenticate(
        self,
        worker: &Worker,
        tail: &mut Tail,
    ) -> Result<Authenticated, Refusal> {
        let presented = presented(&self.request.head.headers).ok_or(Refusal::NoApiKey)?;
        let hash = digest::digest(&digest::SHA256, presented);
        let hash = <&[u8; 32]>::try_from(hash.as_ref()).map_err(|_| Refusal::InvalidApiKey)?;
        let linked = &self.generation.linked;
        let consumer = match linked.key(hash) {
            Some(key) if key.expires_at.is_some_and(|at| at <= now()) => {
                return Err(Refusal::ExpiredApiKey);
            }
            Some(key) => Arc::clone(&key.consumer),
            None if looks_like_token(presented) => account(worker, linked, hash, presented).await?,
            None => return Err(Refusal::InvalidApiKey),
        };
        tail.consumer = Some(Arc::clone(&consumer));
        Ok(Authenticated {
            received: self,
            consumer,
        })
    }
}

/// The consumer whose token this is. That its account lives is asked of this request's configuration, each time.
async fn account(
    worker: &Worker,
    linked: &Linked,
    hash: &[u8; 32],
    token: &[u8],
) -> Result<Arc<Consumer>, Refusal> {
    let tokens = &worker.tokens;
    let account = tokens.account(hash, token).await.map_err(Refusal::Token)?;
    linked
        .service_account(&account.namespace, &account.name)
        .filter(|live| *live.uid == *account.uid)
        .map(|live| Arc::clone(&live.consumer))
        .ok_or_else(|| Refusal::Token(tokens.unknown_account()))
}

/// The key, from the first of the headers that SDKs put it in.
fn presented(headers: &HeaderMap) -> Option<&[u8]> {
    let bearer = headers
        .get(AUTHORIZATION)
        .map(|value| value.as_bytes())
        .and_then(|value| {
            let (scheme, key) = value.split_at_checked(7)?;
            scheme.eq_ignore_ascii_case(b"bearer ").then_some(key)
        });
    bearer
        .or_else(|| {
            ["x-api-key", "api-key", "x-goog-api-key"]
                .iter()
                .find_map(|name| headers.get(*name))
                .map(|value| value.as_bytes())
        })
        .map(<[u8]>::trim_ascii)
        .filter(|key| !key.is_empty())
}

/// Seconds since 1970.
fn now() -> i64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| {
            i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
        })
}

#[cfg(test)]
mod tests {
    use http::HeaderName;

    use super::*;

    fn key_in(headers: &[(&str, &str)]) -> Option<String> {
        let headers: HeaderMap = headers
            .iter()
            .map(|(name, value)| (name.parse::<HeaderName>().unwrap(), value.parse().unwrap()))
            .collect();
        presented(&headers).map(|key| String::from_utf8(key.to_vec()).unwrap())
    }

    #[test]
    fn the_key_is_found_where_sdks_put_it() {
        for headers in [
            [("authorization", "Bearer K")],
            [("authorization", "bearer  K ")],
            [("x-api-key", "K")],
            [("api-key", "K")],
            [("x-goog-api-key", "K")],
        ] {
            assert_eq!(key_in(&headers), Some("K".into()), "{headers:?}");
        }
        assert_eq!(
            key_in(&[("x-api-key", "second"), ("authorization", "Bearer first")]),
            Some("first".into())
        );
        assert_eq!(
            key_in(&[("x-api-key", "K"), ("authorization", "Basic abc")]),
            Some("K".into())
        );
        for headers in [
            &[][..],
            &[("authorization", "K")],
            &[("authorization", "Bearer ")],
            &[("authorization", "Bearer")],
            &[("x-api-key", "")],
        ] {
            assert_eq!(key_in(headers), None, "{headers:?}");
        }
    }
}
