//! The wire over real sockets.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "what helps a test fails it by panicking"
)]
#[path = "wire/support.rs"]
mod support;

#[path = "wire/bodies.rs"]
mod bodies;
#[path = "wire/drain.rs"]
mod drain;
#[path = "wire/hostile.rs"]
mod hostile;
#[path = "wire/hostile_h2.rs"]
mod hostile_h2;
#[path = "wire/server.rs"]
mod server;
#[path = "wire/tls.rs"]
mod tls;
#[path = "wire/uploads.rs"]
mod uploads;
#[path = "wire/upstream.rs"]
mod upstream;
#[path = "wire/upstream_h2.rs"]
mod upstream_h2;
