//! Places in a text: Google counts bytes of UTF-8, the canonical form counts characters.

/// How many characters that take more than one byte are remembered; behind them places are not known.
const MOST: usize = 1 << 16;

/// Measures a text that comes in pieces.
#[derive(Debug, Default)]
pub(super) struct Ruler {
    bytes: u64,
    chars: u64,
    /// Characters of more than one byte, in order.
    wide: Vec<Wide>,
    full: bool,
}

#[derive(Debug, Clone, Copy)]
struct Wide {
    /// Where it starts, in bytes.
    byte: u64,
    /// Where it stands, in characters.
    char: u64,
    /// By how much bytes are ahead of characters behind it.
    ahead: u64,
}

impl Ruler {
    /// More of the text.
    pub(super) fn push(&mut self, text: &str) {
        if text.is_ascii() {
            self.bytes += text.len() as u64;
            self.chars += text.len() as u64;
            return;
        }
        for c in text.chars() {
            let len = c.len_utf8() as u64;
            if len > 1 {
                if self.wide.len() == MOST {
                    self.full = true;
                } else {
                    self.wide.push(Wide {
                        byte: self.bytes,
                        char: self.chars,
                        ahead: self.bytes + len - self.chars - 1,
                    });
                }
            }
            self.bytes += len;
            self.chars += 1;
        }
    }

    /// The place of a byte, in characters.
    pub(super) fn chars(&self, byte: u64) -> Option<u64> {
        if self.full {
            return None;
        }
        let before = self.wide.partition_point(|wide| wide.byte < byte);
        let ahead = before
            .checked_sub(1)
            .map_or(0, |last| self.wide[last].ahead);
        Some(byte.saturating_sub(ahead))
    }

    /// The place of a character, in bytes.
    pub(super) fn bytes(&self, char: u64) -> Option<u64> {
        if self.full {
            return None;
        }
        let before = self.wide.partition_point(|wide| wide.char < char);
        let ahead = before
            .checked_sub(1)
            .map_or(0, |last| self.wide[last].ahead);
        Some(char.saturating_add(ahead))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn places_are_those_of_the_text(pieces in proptest::collection::vec("[a-é€😀]{0,6}", 0..6)) {
            let mut ruler = Ruler::default();
            pieces.iter().for_each(|piece| ruler.push(piece));
            let text = pieces.concat();
            for (char, (byte, _)) in text.char_indices().chain([(text.len(), ' ')]).enumerate() {
                prop_assert_eq!(ruler.chars(byte as u64), Some(char as u64));
                prop_assert_eq!(ruler.bytes(char as u64), Some(byte as u64));
            }
        }
    }
}
