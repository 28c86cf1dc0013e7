//! Skipping what does not matter, many bytes at a time.

/// How many bytes are looked at together: the compiler makes vector code of a loop over this.
const BLOCK: usize = 32;

/// How many bytes from the start on are neither a quote nor a bracket nor a brace.
///
/// Outside of strings, that is how far the structure does not change.
pub(crate) fn plain_len(bytes: &[u8]) -> usize {
    len_before::<BLOCK>(bytes, is_structure)
}

/// How many bytes from the start on stand in a JSON string as they are. Most texts are short, so it goes by shorter steps.
pub(crate) fn verbatim_len(bytes: &[u8]) -> usize {
    len_before::<16>(bytes, |byte| {
        (byte < 0x20) | (byte == b'"') | (byte == b'\\')
    })
}

/// How many bytes come before the first that stops, looked at `N` at once.
fn len_before<const N: usize>(bytes: &[u8], stops: impl Fn(u8) -> bool) -> usize {
    let mut passed = 0;
    for block in bytes.chunks_exact(N) {
        // No early exit inside of the block: a loop without branches is what becomes vector code.
        if block.iter().fold(false, |hit, &byte| hit | stops(byte)) {
            break;
        }
        passed += N;
    }
    let rest = &bytes[passed..];
    let more = rest.iter().position(|&byte| stops(byte));
    passed + more.unwrap_or(rest.len())
}

/// How many bytes from the start on are neither a quote nor a backslash.
///
/// Inside of a string, that is how far it goes on without a surprise.
pub(crate) fn text_len(bytes: &[u8]) -> usize {
    memchr::memchr2(b'"', b'\\', bytes).unwrap_or(bytes.len())
}

/// Brackets and braces differ in one bit, so that two comparisons tell all four.
fn is_structure(byte: u8) -> bool {
    let folded = byte | 0x20;
    (byte == b'"') | (folded == b'{') | (folded == b'}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn structure_is_the_quote_the_brackets_and_the_braces() {
        let found: Vec<u8> = (0..=255).filter(|&byte| is_structure(byte)).collect();
        assert_eq!(found, b"\"[]{}");
    }

    proptest! {
        #[test]
        fn plain_len_is_the_first_structural_byte(
            bytes in proptest::collection::vec(proptest::sample::select(b"01, :abc{}[]\"".to_vec()), 0..200),
            quiet in 0usize..100,
        ) {
            let bytes = [vec![b'1'; quiet], bytes].concat();
            let expected = bytes.iter().position(|b| b"\"{}[]".contains(b)).unwrap_or(bytes.len());
            prop_assert_eq!(plain_len(&bytes), expected);
        }
    }
}
