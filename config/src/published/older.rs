//! A shard in the words of an older format.

use std::borrow::Cow;

use crate::snapshot::{Consumers, Shard};

/// The shard in a format, less what that can't say. Fails closed: whom a route can't name it does not admit.
pub(super) fn down(shard: &Shard, format: u32) -> Cow<'_, Shard> {
    if format >= 2 {
        return Cow::Borrowed(shard);
    }
    let mut shard = shard.clone();
    shard.service_accounts.clear();
    for route in shard.routes.values_mut() {
        route
            .consumers
            .retain(|consumers| matches!(consumers, Consumers::ApiKeys { .. }));
    }
    Cow::Owned(shard)
}
