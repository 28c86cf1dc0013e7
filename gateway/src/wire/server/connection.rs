//! One connection, from its acceptance: TLS, and which HTTP is spoken on it.
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::net::TcpStream;
use tokio::sync::futures::OwnedNotified;
use tokio::time::{Instant, Sleep};

use super::worker::Worker;
use super::{h1, h2};
use crate::wire::io::{Io, READ_SIZE};
use crate::wire::message::{Fault, Handler};

/// What a client of HTTP/2 says first (RFC 9113 §3.4).
pub(super) const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Connections beyond the bound that are told so, at once: each is open for a moment longer for it.
const REFUSED_POLITELY: usize = 256;

/// A connection and what hangs on it.
pub(super) struct Connection<H> {
    pub(super) worker: Arc<Worker<H>>,
    pub(super) peer: SocketAddr,
    pub(super) io: Io,
    /// What was read and not yet used.
    pub(super) input: BytesMut,
    /// What is to be written, before `tail`.
    pub(super) output: BytesMut,
    /// A large piece that is written from where it lies, after `output`.
    pub(super) tail: Bytes,
    pub(super) timer: Pin<Box<Sleep>>,
    drained: Pin<Box<OwnedNotified>>,
}

impl<H: Handler> Connection<H> {
    fn new(worker: Arc<Worker<H>>, tcp: TcpStream, peer: SocketAddr) -> Self {
        let mut drained = Box::pin(worker.drain.clone().notified_owned());
        drained.as_mut().enable();
        let mut connection = Self {
            worker,
            peer,
            io: Io::Plain(tcp),
            input: BytesMut::new(),
            output: BytesMut::new(),
            tail: Bytes::new(),
            timer: Box::pin(tokio::time::sleep(Duration::ZERO)),
            drained,
        };
        connection.await_caller(connection.worker.config.header_timeout);
        connection
    }

    pub(super) fn draining(&self) -> bool {
        self.worker.shared.draining.load(Ordering::Acquire)
    }

    /// Ready once the server drains.
    pub(super) fn poll_drained(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.draining() {
            return Poll::Ready(());
        }
        self.drained.as_mut().poll(cx)
    }

    /// Sets the timer for something that the caller is to send: a draining server does not wait for it
    /// longer than it lingers.
    pub(super) fn await_caller(&mut self, patience: Duration) {
        let linger = self.worker.config.linger;
        self.set_timer(if self.draining() {
            patience.min(linger)
        } else {
            patience
        });
    }

    /// Shortens what is left on the timer to how long a draining server lingers.
    pub(super) fn hurry(&mut self) {
        let linger = Instant::now() + self.worker.config.linger;
        if self.timer.deadline() > linger {
            self.timer.as_mut().reset(linger);
        }
    }

    /// Whether anything waits to be written.
    pub(super) fn has_output(&self) -> bool {
        !self.output.is_empty() || !self.tail.is_empty() || self.io.holds_unwritten()
    }

    pub(super) fn set_timer(&mut self, from_now: Duration) {
        self.timer.as_mut().reset(Instant::now() + from_now);
    }
}

use std::future::Future as _;

/// Serves a connection to its end.
pub(super) async fn serve<H: Handler>(worker: Arc<Worker<H>>, tcp: TcpStream, peer: SocketAddr) {
    let keepalive = socket2::TcpKeepalive::new()
        .with_time(Duration::from_secs(60))
        .with_interval(Duration::from_secs(15));
    // A caller that has vanished without a word is noticed by the kernel; failing to ask for that
    // is no reason not to serve.
    let _ = socket2::SockRef::from(&tcp).set_tcp_keepalive(&keepalive);
    let open = worker.shared.connections.load(Ordering::Relaxed);
    let beyond = open.saturating_sub(worker.config.max_connections);
    let tls = worker.config.tls.clone();
    let mut connection = Connection::new(worker, tcp, peer);
    if beyond > 0 {
        // With TLS there would be a handshake before anything could be said.
        if tls.is_none() && beyond <= REFUSED_POLITELY {
            h1::refuse(&mut connection, Fault::TooManyConnections).await;
        }
        return;
    }
    if let Some(tls) = tls {
        let Some(over_tls) = Box::pin(handshake(connection, tls.acceptor())).await else {
            return;
        };
        connection = over_tls;
        if connection.io.agreed_on_h2() {
            Box::pin(h2::serve(connection)).await;
            return;
        }
    }
    if let h1::End::Http2(connection) = h1::serve(connection).await {
        Box::pin(h2::serve(*connection)).await;
    }
}

/// The TLS handshake, within the time for heads; `None` if it came to nothing.
async fn handshake<H: Handler>(
    connection: Connection<H>,
    acceptor: tokio_rustls::TlsAcceptor,
) -> Option<Connection<H>> {
    let Connection {
        worker,
        peer,
        io,
        input,
        output,
        tail,
        mut timer,
        mut drained,
    } = connection;
    let Io::Plain(tcp) = io else { return None };
    let lingered = async {
        drained.as_mut().await;
        tokio::time::sleep(worker.config.linger).await;
    };
    let tls = tokio::select! {
        tls = acceptor.accept(tcp) => tls.ok()?,
        () = timer.as_mut() => return None,
        () = lingered => return None,
    };
    let io = Io::Tls(Box::new(tls.into()));
    Some(Connection {
        worker,
        peer,
        io,
        input,
        output,
        tail,
        timer,
        drained,
    })
}

/// Reads the rest of HTTP/2's preface within the time for heads, if it is one.
pub(super) async fn preface<H: Handler>(connection: &mut Connection<H>) -> bool {
    connection.await_caller(connection.worker.config.header_timeout);
    let mut hurried = connection.draining();
    std::future::poll_fn(|cx| {
        loop {
            let seen = connection.input.len().min(PREFACE.len());
            if connection.input[..seen] != PREFACE[..seen] {
                return Poll::Ready(false);
            }
            if seen == PREFACE.len() {
                return Poll::Ready(true);
            }
            match connection
                .io
                .poll_fill(cx, &mut connection.input, READ_SIZE)
            {
                Poll::Ready(Ok(read)) if read > 0 => continue,
                Poll::Ready(_) => return Poll::Ready(false),
                Poll::Pending => {}
            }
            if !hurried && connection.poll_drained(cx).is_ready() {
                hurried = true;
                connection.hurry();
            }
            if connection.timer.as_mut().poll(cx).is_ready() {
                return Poll::Ready(false);
            }
            return Poll::Pending;
        }
    })
    .await
}
