//! Changes to bytes: what lies in a range is replaced.

use std::ops::Range;

use bytes::Bytes;

/// One change: `range` of the original gives way to `with`. An empty range inserts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Splice {
    /// Byte range of the original.
    pub range: Range<usize>,
    /// What stands there afterwards.
    pub with: Vec<u8>,
}

impl Splice {
    /// Replaces `range` by `with`.
    pub fn new(range: Range<usize>, with: impl Into<Vec<u8>>) -> Self {
        Self {
            range,
            with: with.into(),
        }
    }
}

/// The original with all splices done; with none it is the original itself, uncopied.
///
/// Splices may come in any order, those that insert at one place in the order in which they shall
/// stand. A splice that reaches past the end, or overlaps one that starts before it, is cut down
/// to what is left of the original: nothing is ever written twice and no range panics.
#[must_use]
pub fn apply(original: &Bytes, splices: &[Splice]) -> Bytes {
    if splices.is_empty() {
        return original.clone();
    }
    let mut ordered: Vec<&Splice> = splices.iter().collect();
    ordered.sort_by_key(|splice| splice.range.start);
    let grown: usize = splices.iter().map(|splice| splice.with.len()).sum();
    let mut out = Vec::with_capacity(original.len() + grown);
    let mut copied = 0;
    for splice in ordered {
        let start = splice.range.start.clamp(copied, original.len());
        let end = splice.range.end.clamp(start, original.len());
        out.extend_from_slice(&original[copied..start]);
        out.extend_from_slice(&splice.with);
        copied = end;
    }
    out.extend_from_slice(&original[copied..]);
    out.into()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn no_splice_is_no_copy() {
        let original = Bytes::from(vec![1, 2, 3]);
        assert_eq!(apply(&original, &[]).as_ptr(), original.as_ptr());
    }

    #[test]
    fn splices_replace_insert_and_remove_in_any_order() {
        let original = Bytes::from_static(b"one two three");
        let splices = [
            Splice::new(8..13, *b"3"),
            Splice::new(0..0, *b"<"),
            Splice::new(4..8, *b""),
            Splice::new(0..0, *b"!"),
            Splice::new(0..3, *b"1"),
        ];
        assert_eq!(apply(&original, &splices), "<!1 3");
    }

    #[test]
    fn overlaps_and_ranges_past_the_end_are_cut_down() {
        let original = Bytes::from_static(b"abcdef");
        let splices = [
            Splice::new(1..4, *b"X"),
            Splice::new(2..5, *b"Y"),
            Splice::new(9..12, *b"Z"),
        ];
        assert_eq!(apply(&original, &splices), "aXYfZ");
    }

    proptest! {
        #[test]
        fn what_no_splice_covers_stays(
            original in proptest::collection::vec(any::<u8>(), 0..64),
            ranges in proptest::collection::vec((0usize..80, 0usize..80), 0..6),
        ) {
            let original = Bytes::from(original);
            let splices: Vec<Splice> = ranges
                .iter()
                .map(|&(a, b)| Splice::new(a.min(b)..a.max(b), Vec::new()))
                .collect();
            let kept: Vec<u8> = (0..original.len())
                .filter(|at| !splices.iter().any(|splice| splice.range.contains(at)))
                .map(|at| original[at])
                .collect();
            prop_assert_eq!(apply(&original, &splices), Bytes::from(kept));
        }
    }
}
