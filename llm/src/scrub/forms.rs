//! How else a credential may be written.

/// Percent-encoded (RFC 3986, section 2.1), with the digits of either case, and with slashes left as they are, which
/// paths have.
pub(super) fn percent(secret: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    let encoded = move |lower: bool, slashes: bool| {
        let digits: &[u8; 16] = if lower {
            b"0123456789abcdef"
        } else {
            b"0123456789ABCDEF"
        };
        let mut to = Vec::with_capacity(secret.len());
        for &byte in secret {
            let unreserved = byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
            if unreserved || slashes && byte == b'/' {
                to.push(byte);
            } else {
                let [high, low] = [byte >> 4, byte & 15].map(|half| digits[usize::from(half)]);
                to.extend([b'%', high, low]);
            }
        }
        to
    };
    [(false, false), (false, true), (true, false), (true, true)]
        .into_iter()
        .map(move |(lower, slashes)| encoded(lower, slashes))
}

/// Those characters of a base64 text (RFC 4648, sections 4 and 5) that do not depend on what stands around the secret,
/// wherever it begins in the group of three bytes.
pub(super) fn base64(secret: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    [false, true].into_iter().flat_map(move |url| {
        (0..3).map(move |before: usize| {
            let bytes = [&[0; 2][..before], secret].concat();
            // Each character has six bits; the first and the last are of the secret only where all of these are.
            let first = (before * 8).div_ceil(6);
            let end = bytes.len() * 8 / 6;
            (first..end).map(|at| character(&bytes, at, url)).collect()
        })
    })
}

/// The character that stands for the six bits at `at`.
fn character(bytes: &[u8], at: usize, url: bool) -> u8 {
    let bit = at * 6;
    let pair = [
        bytes.get(bit / 8).copied().unwrap_or_default(),
        bytes.get(bit / 8 + 1).copied().unwrap_or_default(),
    ];
    let six = u16::from_be_bytes(pair) >> (10 - bit % 8) & 63;
    match u8::try_from(six).unwrap_or_default() {
        upper @ 0..26 => b'A' + upper,
        lower @ 26..52 => b'a' + lower - 26,
        digit @ 52..62 => b'0' + digit - 52,
        62 if url => b'-',
        62 => b'+',
        _ if url => b'_',
        _ => b'/',
    }
}
