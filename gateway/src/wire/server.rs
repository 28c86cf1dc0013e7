//! The listener, its workers, and the end of them.
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::{Notify, mpsc};

use super::message::Handler;
use super::tls::TlsSource;

mod connection;
mod h1;
mod h2;
mod pace;
mod respond;
mod worker;

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
    /// preface. Within HTTP/2, a head that dribbles is cut off within 2.5 times this.
    pub header_timeout: Duration,
    /// How long a connection may lie idle between requests, and before the first.
    pub idle_timeout: Duration,
    /// How long a request's body may pause; one that dribbles at fewer than 500 bytes a second pauses
    /// all the while, but for what these make up for.
    pub body_idle: Duration,
    /// How long a caller may take no byte of an answer that waits for it.
    pub write_idle: Duration,
    /// The largest head that is taken, in bytes.
    pub max_head_bytes: usize,
    /// The most headers that a head may have; never more than 128.
    pub max_headers: usize,
    /// The most connections at once, over all workers; further ones are refused.
    pub max_connections: usize,
    /// The most HTTP/2 streams at once on one connection.
    pub max_streams: u32,
    /// How long a draining server keeps its listener, while anybody is connected, and every
    /// connection without a request: a caller that has not heard of the drain may be about to send one.
    pub linger: Duration,
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
            linger: Duration::from_secs(5),
        }
    }
}

/// What all workers share.
#[derive(Debug, Default)]
struct Shared {
    connections: AtomicUsize,
    requests: AtomicUsize,
    draining: AtomicBool,
    /// Tells every connection of every worker that the server drains.
    drain: Vec<Arc<Notify>>,
    /// Tells the acceptor to take what has connected already, and to close the listener.
    close: Notify,
    /// The listener is closed.
    closed: AtomicBool,
    /// Tells the workers to stop, whatever is under way; look at `stopped` after having registered.
    stop: Notify,
    stopped: AtomicBool,
    /// The last connection of a draining server, or its listener, has closed.
    empty: Notify,
}

impl Shared {
    fn begin_drain(&self) {
        self.draining.store(true, Ordering::SeqCst);
        for worker in &self.drain {
            worker.notify_waiters();
        }
    }

    fn stop(&self) {
        self.stopped.store(true, Ordering::SeqCst);
        self.stop.notify_waiters();
    }

    /// Waits until this holds, which ends with a connection or with the listener.
    async fn until(&self, holds: impl Fn(&Self) -> bool) {
        while !holds(self) {
            self.empty.notified().await;
        }
    }

    fn has_connections(&self) -> bool {
        self.connections.load(Ordering::SeqCst) > 0
    }
}

/// Counts something for as long as it lives.
#[derive(Debug)]
struct Counted {
    shared: Arc<Shared>,
    count: fn(&Shared) -> &AtomicUsize,
}

impl Counted {
    fn connection(shared: &Arc<Shared>) -> Self {
        Self::new(shared, |shared| &shared.connections)
    }

    fn request(shared: &Arc<Shared>) -> Self {
        Self::new(shared, |shared| &shared.requests)
    }

    fn new(shared: &Arc<Shared>, count: fn(&Shared) -> &AtomicUsize) -> Self {
        count(shared).fetch_add(1, Ordering::Relaxed);
        Self {
            shared: shared.clone(),
            count,
        }
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        (self.count)(&self.shared).fetch_sub(1, Ordering::SeqCst);
        if self.shared.draining.load(Ordering::SeqCst) && !self.shared.has_connections() {
            self.shared.empty.notify_one();
        }
    }
}

/// The listener, which says so when it closes.
#[derive(Debug)]
struct Listening {
    listener: Option<std::net::TcpListener>,
    shared: Arc<Shared>,
}

impl Drop for Listening {
    fn drop(&mut self) {
        drop(self.listener.take());
        self.shared.closed.store(true, Ordering::Release);
        self.shared.empty.notify_one();
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
        let workers = config.workers.max(1);
        let listener = listen(config.listen)?;
        let local = listener.local_addr()?;
        let shared = Arc::new(Shared {
            drain: (0..workers).map(|_| Arc::new(Notify::new())).collect(),
            ..Shared::default()
        });
        let listening = Listening {
            listener: Some(listener),
            shared: shared.clone(),
        };
        let linger = config.linger;
        let gone = worker::start(config, workers, listening, &shared, make)?;
        Ok(ServerHandle {
            local,
            linger,
            shared,
            gone,
        })
    }
}

/// Connections that wait to be accepted, at most.
const BACKLOG: i32 = 4096;

fn listen(address: SocketAddr) -> io::Result<std::net::TcpListener> {
    use socket2::{Domain, Protocol, Socket, Type};
    let socket = Socket::new(
        Domain::for_address(address),
        Type::STREAM,
        Some(Protocol::TCP),
    )?;
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    // Connections inherit it from the listener, which saves a call for each.
    socket.set_tcp_nodelay(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

/// A running server. Dropping it cuts everything off; [`ServerHandle::drain`] does not.
#[derive(Debug)]
pub struct ServerHandle {
    local: SocketAddr,
    linger: Duration,
    shared: Arc<Shared>,
    /// Closed once every worker has ended.
    gone: mpsc::Receiver<()>,
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
        self.shared.connections.load(Ordering::Relaxed)
    }

    /// Requests that are under way now.
    #[must_use]
    pub fn requests(&self) -> usize {
        self.shared.requests.load(Ordering::Relaxed)
    }

    /// Reads [`ServerHandle::connections`], also when the handle is given away.
    pub fn connection_count(&self) -> impl Fn() -> usize + Send + Sync + 'static {
        let shared = Arc::clone(&self.shared);
        move || shared.connections.load(Ordering::Relaxed)
    }

    /// Stops: requests under way finish, and so does the next one on a connection whose caller has not
    /// been told that it closes; its answer tells it. What nobody uses closes once the server has
    /// lingered, the listener too, and that at once when nobody is connected. Returns when all have
    /// closed; what is left when `patience` ends is cut.
    pub async fn drain(mut self, patience: impl Future<Output = ()>) -> DrainReport {
        let shared = &self.shared;
        shared.begin_drain();
        let ends = async {
            tokio::select! {
                () = shared.until(|shared| !shared.has_connections()) => {}
                () = tokio::time::sleep(self.linger) => {}
            }
            shared.close.notify_one();
            // In this order: what is accepted last is counted before the listener is closed.
            let over = |shared: &Shared| {
                shared.closed.load(Ordering::Acquire) && !shared.has_connections()
            };
            shared.until(over).await;
        };
        let in_time = tokio::select! {
            () = ends => true,
            () = patience => false,
        };
        let cut = if in_time { 0 } else { self.requests() };
        self.shared.stop();
        // The workers' handlers are dropped with them: what these hold is settled on return.
        while self.gone.recv().await.is_some() {}
        DrainReport { cut }
    }
}

impl Drop for ServerHandle {
    fn drop(&mut self) {
        self.shared.draining.store(true, Ordering::SeqCst);
        self.shared.stop();
    }
}
