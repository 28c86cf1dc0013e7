//! A shard in the words of an older format.

use std::borrow::Cow;

use crate::snapshot::{Credential, Dialect, Parameters, Provider, Route, Settings, Shard};
use crate::verdict::Kind;

/// The shard in a format, less what that can't say. Fails closed: what speaks a dialect that the format has no word for
/// is not there, and the routes that lead to it do without.
///
/// What is left is served as the readers of that format serve it: they know no preset but its endpoint, no price, and
/// nothing that they would have to drop of a request, which they pass on as it is.
pub(super) fn down(shard: &Shard, format: u32) -> Cow<'_, Shard> {
    if format >= 3 {
        return Cow::Borrowed(shard);
    }
    let mut shard = shard.clone();
    let providers = std::mem::take(&mut shard.providers).into_iter();
    shard.providers = providers
        .filter_map(|(name, one)| Some((name, provider(one)?)))
        .collect();
    let routes = std::mem::take(&mut shard.routes).into_iter();
    shard.routes = routes.map(|(name, one)| (name, route(one))).collect();
    Cow::Owned(shard)
}

/// Whether [`down`] leaves a resource as it is. What is not there is whole.
pub(super) fn is_whole(shard: &Shard, format: u32, kind: &Kind, name: &str) -> bool {
    if format >= 3 {
        return true;
    }
    match kind {
        Kind::AiProvider => {
            let one = shard.providers.get(name);
            one.is_none_or(|one| provider(one.clone()).as_ref() == Some(one))
        }
        Kind::AiRoute => {
            let one = shard.routes.get(name);
            one.is_none_or(|one| route(one.clone()) == *one)
        }
        _ => true,
    }
}

/// A provider in format 2; none if that has no words for what it speaks or what it is called with.
fn provider(mut provider: Provider) -> Option<Provider> {
    let secret = |credential: &Credential| credential.secret().is_some();
    let known = matches!(provider.dialect, Dialect::OpenAI | Dialect::Mock)
        && provider.credential.as_ref().is_none_or(secret);
    provider.preset = None;
    provider.settings = Settings::default();
    for model in &mut provider.models {
        model.price.clear();
    }
    known.then_some(provider)
}

/// A route in format 2.
fn route(mut route: Route) -> Route {
    route.parameters = Parameters::default();
    route
}
