//! The chunked coding (RFC 9112 §7.1), undone.
use bytes::{Buf as _, Bytes, BytesMut};

use super::Malformed;

/// The longest line of a chunk's size and extensions, or of a trailer.
const MAX_LINE: usize = 4 * 1024;
/// What extensions and trailers of one body may come to; they are read and thrown away.
const MAX_OVERHEAD: usize = 16 * 1024;
/// Digits of a chunk's size: 2^60 bytes are enough, and more could overflow.
const MAX_DIGITS: usize = 15;

/// A body in chunks, read as it comes.
#[derive(Debug)]
pub(in crate::wire) struct Chunked {
    state: State,
    overhead: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Size,
    Data(u64),
    DataEnd,
    Trailer,
    Done,
}

/// What a step came to.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::wire) enum Step {
    /// Bytes of the body; never empty.
    Data(Bytes),
    /// More input is needed.
    More,
    /// The body is over; what remains in the input is not part of it.
    End,
}

impl Chunked {
    pub(in crate::wire) fn new() -> Self {
        Self {
            state: State::Size,
            overhead: 0,
        }
    }

    /// Takes what it can use off the front of `input`.
    pub(in crate::wire) fn step(&mut self, input: &mut BytesMut) -> Result<Step, Malformed> {
        loop {
            match self.state {
                State::Size => match line(input)? {
                    None => return Ok(Step::More),
                    Some(length) => {
                        let (size, digits) = size(&input[..length - 2])?;
                        self.spend(length - 2 - digits)?;
                        input.advance(length);
                        self.state = if size == 0 {
                            State::Trailer
                        } else {
                            State::Data(size)
                        };
                    }
                },
                State::Data(left) => {
                    if input.is_empty() {
                        return Ok(Step::More);
                    }
                    let take = usize::try_from(left).unwrap_or(usize::MAX).min(input.len());
                    let left = left - take as u64;
                    self.state = if left == 0 {
                        State::DataEnd
                    } else {
                        State::Data(left)
                    };
                    return Ok(Step::Data(input.split_to(take).freeze()));
                }
                State::DataEnd => {
                    if input.len() < 2 {
                        return if input.first().is_none_or(|&byte| byte == b'\r') {
                            Ok(Step::More)
                        } else {
                            Err(Malformed)
                        };
                    }
                    if &input[..2] != b"\r\n" {
                        return Err(Malformed);
                    }
                    input.advance(2);
                    self.state = State::Size;
                }
                State::Trailer => match line(input)? {
                    None => return Ok(Step::More),
                    Some(length) => {
                        self.spend(length - 2)?;
                        input.advance(length);
                        if length == 2 {
                            self.state = State::Done;
                        }
                    }
                },
                State::Done => return Ok(Step::End),
            }
        }
    }

    fn spend(&mut self, bytes: usize) -> Result<(), Malformed> {
        self.overhead += bytes;
        if self.overhead > MAX_OVERHEAD {
            Err(Malformed)
        } else {
            Ok(())
        }
    }
}

/// The length of the line at the front, its CRLF included, if it is all there.
fn line(input: &[u8]) -> Result<Option<usize>, Malformed> {
    let seen = &input[..input.len().min(MAX_LINE)];
    match memchr::memchr2(b'\r', b'\n', seen) {
        Some(at) if seen[at] == b'\n' => Err(Malformed),
        Some(at) => match input.get(at + 1) {
            Some(b'\n') => Ok(Some(at + 2)),
            Some(_) => Err(Malformed),
            None => Ok(None),
        },
        None if seen.len() == MAX_LINE => Err(Malformed),
        None => Ok(None),
    }
}

/// The size that a line states, and how many digits it took.
fn size(line: &[u8]) -> Result<(u64, usize), Malformed> {
    let mut size = 0u64;
    let mut digits = 0;
    for &byte in line {
        let Some(digit) = char::from(byte).to_digit(16) else {
            break;
        };
        size = size << 4 | u64::from(digit);
        digits += 1;
        if digits > MAX_DIGITS {
            return Err(Malformed);
        }
    }
    let mut rest = &line[digits..];
    while let [b' ' | b'\t', after @ ..] = rest {
        rest = after;
    }
    let extension = rest.is_empty() || rest[0] == b';';
    let clean = rest
        .iter()
        .all(|&byte| byte == b'\t' || (byte >= b' ' && byte != 0x7f));
    if digits == 0 || !extension || !clean {
        Err(Malformed)
    } else {
        Ok((size, digits))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn whole(input: &[u8]) -> Result<(Vec<u8>, Vec<u8>), Malformed> {
        cut(input, &[])
    }

    /// Feeds the input in pieces that end at `cuts`; gives the body and what was left over.
    fn cut(input: &[u8], cuts: &[usize]) -> Result<(Vec<u8>, Vec<u8>), Malformed> {
        let mut decoder = Chunked::new();
        let mut buffer = BytesMut::new();
        let mut body = Vec::new();
        let mut from = 0;
        for to in cuts.iter().copied().chain([input.len()]) {
            buffer.extend_from_slice(&input[from..to]);
            from = to;
            loop {
                match decoder.step(&mut buffer)? {
                    Step::Data(data) => body.extend_from_slice(&data),
                    Step::More => break,
                    Step::End => {
                        buffer.extend_from_slice(&input[from..]);
                        return Ok((body, buffer.to_vec()));
                    }
                }
            }
        }
        Ok((body, b"unfinished".to_vec()))
    }

    #[test]
    fn chunks_extensions_and_trailers_are_undone() {
        assert_eq!(
            whole(b"5\r\nhello\r\n6 ; a=\"b\"\r\n world\r\n00\r\nx-a: b\r\n\r\nGET"),
            Ok((b"hello world".to_vec(), b"GET".to_vec()))
        );
    }

    #[test]
    fn what_two_parsers_could_read_differently_is_malformed() {
        let cases: &[&[u8]] = &[
            b"\r\n",
            b";a\r\n",
            b"0x5\r\nhello\r\n0\r\n\r\n",
            b"+5\r\nhello\r\n0\r\n\r\n",
            b"-5\r\n",
            b"5\nhello\r\n0\r\n\r\n",
            b"5\r\nhello\n0\r\n\r\n",
            b"5\r\nhello0\r\n\r\n",
            b"5\r\nhelloX\r\n",
            b"5\rX\nhello\r\n",
            b"5;a\rb\r\nhello\r\n0\r\n\r\n",
            b"5;a\0b\r\nhello\r\n0\r\n\r\n",
            b"5\x0c\r\nhello\r\n0\r\n\r\n",
            b"5\x0b;a\r\nhello\r\n0\r\n\r\n",
            b"5 5\r\nhello\r\n0\r\n\r\n",
            b"0\r\nx: y\n\r\n",
            b"0000000000000005\r\nhello\r\n0\r\n\r\n",
            b"ffffffffffffffff\r\n",
        ];
        for case in cases {
            assert_eq!(whole(case), Err(Malformed), "{}", case.escape_ascii());
        }
    }

    #[test]
    fn extensions_and_trailers_without_end_are_malformed() {
        let long_line = [b"5;".as_slice(), &[b'a'; MAX_LINE]].concat();
        assert_eq!(whole(&long_line), Err(Malformed));
        let many = b"1;aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\nx\r\n".repeat(1000);
        assert_eq!(whole(&many), Err(Malformed));
        let trailers = [b"0\r\n".as_slice(), &b"x-trailer: y\r\n".repeat(2000)].concat();
        assert_eq!(whole(&trailers), Err(Malformed));
    }

    proptest! {
        #[test]
        fn a_body_is_the_same_however_it_is_cut(
            chunks in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..40), 0..8),
            cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
        ) {
            let mut coded = Vec::new();
            for chunk in &chunks {
                coded.extend_from_slice(format!("{:X}\r\n", chunk.len()).as_bytes());
                coded.extend_from_slice(chunk);
                coded.extend_from_slice(b"\r\n");
            }
            coded.extend_from_slice(b"0\r\nx: y\r\n\r\nnext");
            let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(coded.len())).collect();
            cuts.sort_unstable();
            prop_assert_eq!(cut(&coded, &cuts), Ok((chunks.concat(), b"next".to_vec())));
        }

        /// Noise of what chunks are made of gets far, and comes to the same however it is cut.
        #[test]
        fn what_is_nearly_chunks_is_the_same_however_it_is_cut(
            parts in prop::collection::vec(
                prop::sample::select(vec![
                    "0", "1", "2", "a", "F", ";", "x", " ", "\t", "\r\n", "\r\n", "\r", "\n",
                    "1\r\nx\r\n", "0\r\n", "0\r\n\r\n", "x: y\r\n", "\"", "=", "\0",
                ]),
                0..16,
            ),
            cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
        ) {
            let noise = parts.concat().into_bytes();
            let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(noise.len() + 1)).collect();
            cuts.sort_unstable();
            prop_assert_eq!(cut(&noise, &cuts), whole(&noise));
        }

        /// A size that is taken is the one that another parser reads there.
        #[test]
        fn a_size_is_what_another_parser_reads(
            parts in prop::collection::vec(
                prop::sample::select(vec![
                    "0", "1", "9", "a", "F", "g", ";", "x", " ", "\t", "+", "-", "0x", "\x0c", "\x0b",
                ]),
                0..20,
            ),
        ) {
            let line = parts.concat();
            if let Ok((ours, _)) = size(line.as_bytes()) {
                let terminated = format!("{line}\r\n");
                let theirs = httparse::parse_chunk_size(terminated.as_bytes());
                prop_assert_eq!(theirs, Ok(httparse::Status::Complete((terminated.len(), ours))));
            }
        }

        #[test]
        fn noise_is_never_taken_for_more_than_it_holds(
            noise in prop::collection::vec(any::<u8>(), 0..200),
        ) {
            if let Ok((body, _)) = whole(&noise) {
                prop_assert!(body.len() < noise.len().max(1));
            }
        }
    }
}
