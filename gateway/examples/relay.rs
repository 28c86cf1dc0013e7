//! A bare relay: what the wire costs with no pipeline on top. The benchmarks measure it as the
//! floor under the gateway.
//!
//! `relay LISTEN UPSTREAM`, both as `address:port`.
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode};
use weir_gateway::wire::{
    Abort, DenyList, Handler, HttpVersion, Pull, Request, Response, ResponseBody, Server,
    ServerConfig, Target, UpstreamBody, UpstreamLimits, UpstreamRequest, Upstreams,
};

// As in the gateway itself.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

struct Relay {
    upstreams: Upstreams,
    target: Target,
}

impl Handler for Relay {
    async fn handle(&self, request: Request) -> Response {
        self.relay(request).await.unwrap_or_else(refusal)
    }
}

impl Relay {
    async fn relay(&self, mut request: Request) -> Result<Response, StatusCode> {
        let body = request
            .body
            .collect(4 << 20)
            .await
            .map_err(|_| StatusCode::BAD_REQUEST)?;
        let path = request
            .head
            .uri
            .path_and_query()
            .cloned()
            .ok_or(StatusCode::BAD_REQUEST)?;
        let (method, headers) = (request.head.method, request.head.headers);
        let upstream = UpstreamRequest {
            method,
            path,
            headers,
            body: body.into(),
            resend: false,
        };
        let answer = self.upstreams.send(&self.target, upstream).await;
        let answer = answer.map_err(|_| StatusCode::BAD_GATEWAY)?;
        let body = ResponseBody::Pull(Box::pin(Answer(answer.body)));
        Ok(Response {
            status: answer.status,
            headers: answer.headers,
            body,
        })
    }
}

fn refusal(status: StatusCode) -> Response {
    Response {
        status,
        headers: HeaderMap::new(),
        body: ResponseBody::Full(Bytes::new()),
    }
}

struct Answer(UpstreamBody);

impl Pull for Answer {
    fn poll_next(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Abort>>> {
        self.0
            .poll_next(cx)
            .map(|item| item.map(|item| item.map_err(|_| Abort)))
    }

    fn length(&self) -> Option<u64> {
        self.0.remaining()
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let mut address = || -> Result<SocketAddr, Box<dyn std::error::Error>> {
        Ok(args.next().ok_or("usage: relay LISTEN UPSTREAM")?.parse()?)
    };
    let (listen, upstream) = (address()?, address()?);
    let target = Target {
        key: 1,
        tls: None,
        host: upstream.ip().to_string(),
        port: upstream.port(),
        authority: HeaderValue::from_str(&upstream.to_string())?,
        http: HttpVersion::Http1,
        connect_timeout: Duration::from_secs(5),
    };
    let _server = Server::start(ServerConfig::new(listen), move |_| Relay {
        upstreams: Upstreams::new(Arc::new(DenyList::default()), UpstreamLimits::default()),
        target: target.clone(),
    })?;
    loop {
        std::thread::park();
    }
}
