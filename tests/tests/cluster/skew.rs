//! Operators, gateways and CRDs of different versions side by side, and configuration that changes meanwhile.
//!
//! Only one version is built here. What another one would write is written by the test: an older gateway's Lease, an
//! older operator's Lease and Secrets, what an operator of the future publishes, and the CRDs of both.

mod formats;
mod schema;

use weir_tests::cluster::World;

/// Two operators and two gateways on an API server whose CRDs may be changed.
async fn world(test: &str) -> Option<World> {
    let start = World::new().operators(2).gateways(2);
    start.of_its_own(test).await
}
