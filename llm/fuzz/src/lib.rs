//! What hostile bytes must not do to this crate: one function for each way in.
//!
//! Each takes any bytes whatever and panics where a promise is broken: a reader or a writer panics, what is written is no
//! JSON or no stream, it is out of proportion to what came, or a stream says something else when it is cut elsewhere.
//! The first bytes of an input choose (a format, where a stream is cut), the rest is what somebody sends.
//!
//! libFuzzer runs them (`llm/fuzz/run`), and so do the tests of this crate (`llm/tests/hostile.rs`), on seeds and on
//! mutations of these that are the same every time.

mod encode;
mod exchange;
mod form;
mod framing;
mod json;
pub mod mutate;
mod places;
mod plain;
mod pricing;
mod promise;
mod request;
mod secrets;
pub mod seeds;
mod stream;

pub use encode::encode;
pub use exchange::exchange;
pub use form::multipart;
pub use framing::{event_stream, json_array, sse};
pub use json::json;
pub use places::paths;
pub use plain::{answer, problem, usage};
pub use pricing::prices;
pub use request::request;
pub use secrets::scrub;
pub use stream::stream;

/// A way in.
pub type Target = fn(&[u8]);

/// Every target that needs nothing but this crate, by its name.
pub const TARGETS: [(&str, Target); 15] = [
    ("sse", sse),
    ("json", json),
    ("event_stream", event_stream),
    ("json_array", json_array),
    ("multipart", multipart),
    ("request", request),
    ("answer", answer),
    ("stream", stream),
    ("encode", encode),
    ("problem", problem),
    ("usage", usage),
    ("exchange", exchange),
    ("scrub", scrub),
    ("prices", prices),
    ("paths", paths),
];

/// An input: bytes that choose, then what somebody sends.
struct Input<'a> {
    rest: &'a [u8],
}

impl<'a> Input<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// The next byte; 0 at the end.
    fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.rest.split_first() else {
            return 0;
        };
        self.rest = rest;
        *first
    }

    /// One of these, as the next byte says.
    fn one_of<T: Copy>(&mut self, all: &[T]) -> T {
        all[usize::from(self.byte()) % all.len()]
    }

    /// A short run of bytes, of a length that the next byte says.
    fn short(&mut self) -> &'a [u8] {
        let length = usize::from(self.byte()).min(self.rest.len());
        let (short, rest) = self.rest.split_at(length);
        self.rest = rest;
        short
    }
}

/// Cuts bytes into pieces whose lengths follow from `how`: 0 is byte by byte.
fn pieces(bytes: &[u8], how: u8) -> Vec<&[u8]> {
    let mut state = u32::from(how);
    let mut rest = bytes;
    let mut pieces = Vec::new();
    while !rest.is_empty() {
        let length = if how == 0 {
            1
        } else {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            1 + (state >> 24) as usize % (4 * usize::from(how))
        };
        let (piece, behind) = rest.split_at(length.min(rest.len()));
        pieces.push(piece);
        rest = behind;
    }
    pieces
}

/// Makes a target of libFuzzer of one of these functions, which it also gives mutations that know JSON and streams.
#[macro_export]
macro_rules! target {
    ($name:ident) => {
        libfuzzer_sys::fuzz_target!(|data: &[u8]| $crate::$name(data));

        libfuzzer_sys::fuzz_mutator!(|data: &mut [u8], size: usize, max: usize, seed: u32| {
            match $crate::mutate::any(&data[..size], u64::from(seed)) {
                Some(changed) if seed % 2 == 0 && changed.len() <= max.min(data.len()) => {
                    data[..changed.len()].copy_from_slice(&changed);
                    changed.len()
                }
                _ => libfuzzer_sys::fuzzer_mutate(data, size, max),
            }
        });
    };
}
