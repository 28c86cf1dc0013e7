//! A shard in the words of an older format.

use std::borrow::Cow;

use crate::snapshot::{Dialect, Parameters, Provider, Settings, Shard};

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
    shard.providers.retain(|_, provider| is_known(provider));
    for provider in shard.providers.values_mut() {
        provider.preset = None;
        provider.settings = Settings::default();
        for model in &mut provider.models {
            model.price.clear();
        }
    }
    for route in shard.routes.values_mut() {
        route.parameters = Parameters::default();
    }
    Cow::Owned(shard)
}

/// Whether format 2 has words for what a provider speaks and what it is called with.
fn is_known(provider: &Provider) -> bool {
    let secret = |credential: &crate::snapshot::Credential| credential.secret().is_some();
    matches!(provider.dialect, Dialect::OpenAI | Dialect::Mock)
        && provider.credential.as_ref().is_none_or(secret)
}
