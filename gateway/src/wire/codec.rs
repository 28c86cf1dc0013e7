//! HTTP/1.1 as bytes (RFC 9112), with no I/O in it. Strict: what two parsers could read differently
//! is refused, because a proxy in front of us, or a provider behind, may be the other parser.
pub(super) mod chunked;
pub(super) mod head;
pub(super) mod write;

/// How the end of a body is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Framing {
    /// There are this many bytes.
    Length(u64),
    /// The chunked coding says.
    Chunked,
    /// The connection ends (answers only).
    Close,
}

/// Bytes that are not what the framing asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Malformed;
