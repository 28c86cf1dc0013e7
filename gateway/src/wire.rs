//! The wire: bytes to requests, answers to bytes, on both sides of the gateway.
//!
//! Everything above this module sees a [`Request`] (a head and a body to be pulled), gives back a
//! [`Response`] (a head and a body that is pulled), and calls providers through [`Upstreams`]. No
//! type of an HTTP or TLS library passes it, apart from the plain vocabulary of the `http` crate.
//!
//! HTTP/1.1 is spoken by code of our own on both sides, because one pass from the provider's socket
//! to the caller's, in one task, costs about half of what two general-purpose connections and the
//! hops between them do. HTTP/2 is hyper's.
mod body;
mod codec;
mod deny;
mod io;
mod message;
mod server;
pub mod tls;
mod upstream;

pub use body::RequestBody;
pub use deny::{DenyList, DenyListError};
pub use message::{Abort, BodyError, Fault, Handler, Head, Pull, Request, Response, ResponseBody};
pub use server::{DrainReport, Server, ServerConfig, ServerHandle};
pub use upstream::{
    HttpVersion, RequestPayload, SendError, SendErrorKind, Target, UpstreamBody, UpstreamError,
    UpstreamLimits, UpstreamRequest, UpstreamResponse, Upstreams,
};
