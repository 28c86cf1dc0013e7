//! A new connection: a name to addresses, those that are allowed in turn, TLS, and which HTTP.
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::ServerName;
use tokio::net::{TcpStream, lookup_host};

use super::pool::{Lease, Pool};
use super::{HttpVersion, SendError, SendErrorKind, Target, h1, h2};
use crate::wire::deny::DenyList;
use crate::wire::io::Io;
use crate::wire::tls::ClientTls;

pub(super) async fn connect(
    target: &Target,
    deny: &DenyList,
    pool: &Arc<Pool>,
) -> Result<Lease, SendError> {
    let connecting = async {
        let tcp = dial(target, deny).await?;
        let io = match &target.tls {
            Some(tls) => handshake(target, tls, tcp).await?,
            None => Io::Plain(tcp),
        };
        let http2 = match (target.http, &target.tls) {
            (HttpVersion::Auto, _) => io.agreed_on_h2(),
            (HttpVersion::Http1, _) => false,
            (HttpVersion::Http2, None) => true,
            (HttpVersion::Http2, Some(_)) if io.agreed_on_h2() => true,
            (HttpVersion::Http2, Some(_)) => {
                let message = format!("{} does not speak HTTP/2", place(target));
                return Err(SendError::new(SendErrorKind::Tls, false, message));
            }
        };
        if http2 {
            h2::open(io, target, pool).await.map(Lease::Http2)
        } else {
            Ok(Lease::Http1(Box::new(h1::Connection::new(io))))
        }
    };
    match tokio::time::timeout(target.connect_timeout, connecting).await {
        Ok(connected) => connected,
        Err(_) => {
            let message = format!(
                "no connection to {} within {} ms",
                place(target),
                target.connect_timeout.as_millis()
            );
            Err(SendError::new(
                SendErrorKind::ConnectTimeout,
                false,
                message,
            ))
        }
    }
}

/// Host and port, for messages.
pub(super) fn place(target: &Target) -> String {
    if target.host.contains(':') {
        format!("[{}]:{}", target.host, target.port)
    } else {
        format!("{}:{}", target.host, target.port)
    }
}

/// A TCP connection to the first address that takes one, of those that are not denied.
async fn dial(target: &Target, deny: &DenyList) -> Result<TcpStream, SendError> {
    let addresses: Vec<SocketAddr> = lookup_host((target.host.as_str(), target.port))
        .await
        .map_err(|error| {
            let message = format!("{} can't be resolved: {error}", target.host);
            SendError::new(SendErrorKind::Resolve, false, message)
        })?
        .collect();
    if addresses.is_empty() {
        let message = format!("{} has no address", target.host);
        return Err(SendError::new(SendErrorKind::Resolve, false, message));
    }
    let allowed: Vec<_> = addresses
        .iter()
        .filter(|address| !deny.denies(address.ip()))
        .collect();
    if allowed.is_empty() {
        let message = format!("connections to the address of {} are denied", target.host);
        return Err(SendError::new(SendErrorKind::Denied, false, message));
    }
    // One address that swallows packets must not use up the time of all.
    let share = target.connect_timeout / u32::try_from(allowed.len()).unwrap_or(u32::MAX).max(1);
    let share = share.max(Duration::from_millis(250));
    let mut last = String::new();
    let count = allowed.len();
    for (index, address) in allowed.into_iter().enumerate() {
        let connecting = TcpStream::connect(*address);
        let connected = if index + 1 == count {
            connecting.await
        } else {
            tokio::time::timeout(share, connecting)
                .await
                .unwrap_or_else(|_| Err(std::io::ErrorKind::TimedOut.into()))
        };
        match connected {
            Ok(tcp) => {
                prepare(&tcp);
                return Ok(tcp);
            }
            Err(error) => last = error.to_string(),
        }
    }
    let message = format!("{} can't be connected to: {last}", place(target));
    Err(SendError::new(SendErrorKind::Connect, false, message))
}

/// Without TCP_NODELAY a request of two writes waits for the peer's delayed acknowledgement.
fn prepare(tcp: &TcpStream) {
    let _ = tcp.set_nodelay(true);
    let keepalive = socket2::TcpKeepalive::new()
        .with_time(Duration::from_secs(60))
        .with_interval(Duration::from_secs(15));
    let _ = socket2::SockRef::from(tcp).set_tcp_keepalive(&keepalive);
}

async fn handshake(target: &Target, tls: &ClientTls, tcp: TcpStream) -> Result<Io, SendError> {
    let refused = |error: String| {
        let message = format!("the TLS handshake with {} failed: {error}", place(target));
        SendError::new(SendErrorKind::Tls, false, message)
    };
    let name =
        ServerName::try_from(target.host.clone()).map_err(|error| refused(error.to_string()))?;
    let connector = tokio_rustls::TlsConnector::from(tls.config.clone());
    match connector.connect(name, tcp).await {
        Ok(tls) => Ok(Io::Tls(Box::new(tls.into()))),
        Err(error) => Err(refused(error.to_string())),
    }
}
