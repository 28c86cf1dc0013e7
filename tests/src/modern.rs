//! Callers and providers over HTTP/2 and TLS.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{HeaderMap, Method, Response, StatusCode, Version};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::pki_types::{CertificateDer, ServerName};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::{TlsAcceptor, TlsConnector};

use crate::caller::Request;
use crate::certificates::provider;
use crate::upstream::{DONE, completion, event};
use crate::wait::soon;

/// A connection to the gateway.
#[derive(Debug)]
pub struct Client {
    sender: Sender,
    /// What TLS agreed on.
    pub alpn: Option<String>,
    /// The certificate that the gateway showed.
    pub certificate: Option<CertificateDer<'static>>,
}

#[derive(Debug)]
enum Sender {
    Http1(http1::SendRequest<Full<Bytes>>),
    Http2(http2::SendRequest<Full<Bytes>>),
}

impl Client {
    /// HTTP/2 in plain text, by prior knowledge.
    ///
    /// # Panics
    /// There is no connection.
    pub async fn h2c(to: SocketAddr) -> Self {
        let stream = TcpStream::connect(to).await.unwrap();
        Self {
            sender: Sender::Http2(start_http2(stream).await),
            alpn: None,
            certificate: None,
        }
    }

    /// TLS to `localhost`, with these protocols offered.
    ///
    /// # Errors
    /// As TLS says.
    ///
    /// # Panics
    /// There is no connection.
    pub async fn tls(
        to: SocketAddr,
        roots: rustls::RootCertStore,
        alpn: &[&str],
    ) -> std::io::Result<Self> {
        let mut config = rustls::ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
        let stream = TcpStream::connect(to).await?;
        let name = ServerName::try_from("localhost").unwrap();
        let connector = TlsConnector::from(Arc::new(config));
        let stream = soon("a TLS handshake", connector.connect(name, stream)).await?;
        let (_, tls) = stream.get_ref();
        let alpn = tls
            .alpn_protocol()
            .map(|name| String::from_utf8_lossy(name).into_owned());
        let certificate = tls
            .peer_certificates()
            .and_then(|chain| chain.first())
            .map(|certificate| certificate.clone().into_owned());
        let sender = if alpn.as_deref() == Some("h2") {
            Sender::Http2(start_http2(stream).await)
        } else {
            let (sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
            tokio::spawn(connection);
            Sender::Http1(sender)
        };
        Ok(Self {
            sender,
            alpn,
            certificate,
        })
    }

    /// Sends a request; gives the head of the answer and its body.
    ///
    /// # Errors
    /// As hyper says.
    pub async fn send(&mut self, request: &Request) -> hyper::Result<Response<Incoming>> {
        let mut builder = http::Request::builder().method(request.method.as_str());
        for (name, value) in &request.headers {
            builder = builder.header(name, value);
        }
        let body = Full::new(Bytes::from(request.body.clone()));
        match &mut self.sender {
            Sender::Http1(sender) => {
                let request = builder.uri(&request.path).header("host", "weir").body(body);
                soon("an answer", sender.send_request(request.unwrap())).await
            }
            Sender::Http2(sender) => {
                let uri = format!("http://weir{}", request.path);
                let request = builder.uri(uri).body(body).unwrap();
                soon("an answer", sender.send_request(request)).await
            }
        }
    }

    /// [`Client::send`], and the whole body.
    ///
    /// # Panics
    /// There is no answer, or it breaks off.
    pub async fn ask(&mut self, request: &Request) -> (StatusCode, HeaderMap, Bytes) {
        let (head, body) = self.send(request).await.unwrap().into_parts();
        let body = soon("a body", body.collect()).await.unwrap().to_bytes();
        (head.status, head.headers, body)
    }

    /// Another handle to the same connection, where that is HTTP/2.
    ///
    /// # Panics
    /// It is not.
    #[must_use]
    pub fn another(&self) -> Self {
        let Sender::Http2(sender) = &self.sender else {
            panic!("HTTP/1.1 takes one request at a time");
        };
        Self {
            sender: Sender::Http2(sender.clone()),
            alpn: self.alpn.clone(),
            certificate: self.certificate.clone(),
        }
    }
}

async fn start_http2(
    stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
) -> http2::SendRequest<Full<Bytes>> {
    let (sender, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
        .await
        .unwrap();
    tokio::spawn(connection);
    sender
}

/// The next piece of a body; `None` at its end.
///
/// # Errors
/// As hyper says.
pub async fn next(body: &mut Incoming) -> hyper::Result<Option<Bytes>> {
    loop {
        match soon("a piece of an answer", body.frame())
            .await
            .transpose()?
        {
            None => return Ok(None),
            Some(frame) => {
                // An end may come in a frame of its own, which holds nothing.
                if let Ok(data) = frame.into_data()
                    && !data.is_empty()
                {
                    return Ok(Some(data));
                }
            }
        }
    }
}

/// What a provider of this module saw of a request.
#[derive(Debug, Clone)]
pub struct Seen {
    /// How it came.
    pub version: Version,
    /// The method.
    pub method: Method,
    /// The target: over HTTP/2 with scheme and authority.
    pub uri: String,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

/// A provider that answers every chat: plain with [`TEXT`], streamed with an event of it.
#[derive(Debug)]
pub struct Server {
    /// Where it listens.
    pub address: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
    listening: JoinHandle<()>,
}

/// What [`Server`] says.
pub const TEXT: &str = "said over HTTP/2 or TLS";

/// What a [`Server`] speaks.
#[derive(Debug, Clone)]
pub enum Speaks {
    /// HTTP/2 in plain text.
    Http2,
    /// TLS, and then what it agreed on.
    Tls(Arc<rustls::ServerConfig>),
}

impl Server {
    /// Starts one.
    ///
    /// # Panics
    /// There is no port.
    pub async fn start(speaks: Speaks) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let record = Arc::clone(&seen);
        let listening = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let _ = stream.set_nodelay(true);
                tokio::spawn(serve(stream, speaks.clone(), Arc::clone(&record)));
            }
        });
        Self {
            address,
            seen,
            listening,
        }
    }

    /// What it saw so far.
    ///
    /// # Panics
    /// A task of it panicked.
    #[must_use]
    pub fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

async fn serve(stream: TcpStream, speaks: Speaks, seen: Arc<Mutex<Vec<Seen>>>) {
    match speaks {
        Speaks::Http2 => serve_http2(stream, seen).await,
        Speaks::Tls(config) => {
            let Ok(stream) = TlsAcceptor::from(config).accept(stream).await else {
                return;
            };
            if stream.get_ref().1.alpn_protocol() == Some(b"h2") {
                serve_http2(stream, seen).await;
            } else {
                let service = service_fn(move |request| answer(request, Arc::clone(&seen)));
                // A gateway that leaves is no matter of the provider's.
                let _ = hyper::server::conn::http1::Builder::new()
                    .serve_connection(TokioIo::new(stream), service)
                    .await;
            }
        }
    }
}

async fn serve_http2(
    stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
    seen: Arc<Mutex<Vec<Seen>>>,
) {
    let service = service_fn(move |request| answer(request, Arc::clone(&seen)));
    let _ = hyper::server::conn::http2::Builder::new(TokioExecutor::new())
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

async fn answer(
    request: http::Request<Incoming>,
    seen: Arc<Mutex<Vec<Seen>>>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map(|body| body.to_bytes());
    let body = body.unwrap_or_default();
    let json: serde_json::Value = serde_json::from_slice(&body).unwrap_or_default();
    seen.lock().unwrap().push(Seen {
        version: head.version,
        method: head.method,
        uri: head.uri.to_string(),
        headers: head.headers,
        body,
    });
    let (kind, text) = if json["stream"] == true {
        ("text/event-stream", event(TEXT) + DONE)
    } else {
        ("application/json", completion(TEXT))
    };
    let mut response = Response::new(Full::new(Bytes::from(text)));
    let headers = response.headers_mut();
    headers.insert("content-type", http::HeaderValue::from_static(kind));
    Ok(response)
}
