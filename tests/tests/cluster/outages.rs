//! Whatever fails of the control plane, requests go on, nothing stale wins, and all catch up afterwards.
//!
//! In each of these, requests go to both gateways all the time, and none fails.

mod api_server;
mod clocks;
mod links;
mod operators;
mod permissions;
mod store;

use weir_tests::cluster::World;

/// Two operators and two gateways on an API server that may be broken.
async fn world(test: &str) -> Option<World> {
    let start = World::new().operators(2).gateways(2);
    start.of_its_own(test).await
}
