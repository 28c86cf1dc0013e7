//! Amazon's binary event streams
//! (<https://smithy.io/2.0/aws/amazon-eventstream.html>): a message is its length, the length of its headers, a CRC of these
//! eight bytes, the headers, the payload, and a CRC of all before it; numbers are big-endian.

use std::borrow::Cow;

use super::{BadFrame, Frame};

/// Bytes of the prelude: both lengths and their CRC.
const PRELUDE: usize = 12;
/// The least that a message has: a prelude and its own CRC.
const LEAST: usize = PRELUDE + 4;

/// Where messages end.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lengths {
    /// Bytes of the message so far, and the first four of them, which are its length.
    taken: usize,
    length: [u8; 4],
    limit: usize,
}

impl Lengths {
    pub(super) fn new(limit: usize) -> Self {
        Self {
            taken: 0,
            length: [0; 4],
            limit,
        }
    }

    pub(super) fn find(mut self, chunk: &[u8]) -> Result<Option<(usize, usize)>, BadFrame> {
        let mut found = None;
        let mut at = 0;
        while at < chunk.len() {
            let Some(total) = self.total(&chunk[at..]) else {
                break;
            };
            if total < LEAST {
                return Err(BadFrame::Corrupt);
            }
            if total > self.limit {
                return Err(BadFrame::TooBig(self.limit));
            }
            let end = at + (total - self.taken);
            if end > chunk.len() {
                break;
            }
            let (first, _) = found.unwrap_or((end, 0));
            found = Some((first, end));
            self.taken = 0;
            at = end;
        }
        Ok(found)
    }

    /// Moves behind `chunk`, which [`find`](Self::find) has looked at.
    pub(super) fn advance(&mut self, chunk: &[u8]) {
        let mut rest = chunk;
        while !rest.is_empty() {
            let step = match self.total(rest) {
                Some(total) if total >= LEAST => rest.len().min(total - self.taken),
                _ => rest.len(),
            };
            for (at, &byte) in rest[..step].iter().enumerate().take(4) {
                if let Some(slot) = self.length.get_mut(self.taken + at) {
                    *slot = byte;
                }
            }
            self.taken += step;
            if self.taken >= LEAST && self.taken == u32::from_be_bytes(self.length) as usize {
                self.taken = 0;
            }
            rest = &rest[step..];
        }
    }

    /// The length of the message under way, if enough of it has come.
    fn total(&self, rest: &[u8]) -> Option<usize> {
        let mut length = self.length;
        let missing = length.len().saturating_sub(self.taken);
        let coming = rest.get(..missing)?;
        length[4 - missing..].copy_from_slice(coming);
        Some(u32::from_be_bytes(length) as usize)
    }
}

/// A header of a message that is written; Amazon's are all strings.
#[derive(Clone, Copy, Debug)]
pub struct Header<'a> {
    /// Its name, at most 255 bytes.
    pub name: &'a str,
    /// Its value, at most 65,535 bytes.
    pub value: &'a str,
}

/// The first message of a run, its checksums checked, and its length.
pub(super) fn read_message(run: &[u8]) -> Result<(Frame<'_>, usize), BadFrame> {
    let number = |at: usize| -> Result<usize, BadFrame> {
        let bytes = run.get(at..at + 4).ok_or(BadFrame::Corrupt)?;
        let bytes = <[u8; 4]>::try_from(bytes).map_err(|_| BadFrame::Corrupt)?;
        Ok(u32::from_be_bytes(bytes) as usize)
    };
    let total = number(0)?;
    let headers = number(4)?;
    if total < LEAST || total > run.len() || headers > total - LEAST {
        return Err(BadFrame::Corrupt);
    }
    let message_crc = total - 4;
    if number(8)? != crc(&run[..8]) || number(message_crc)? != crc(&run[..message_crc]) {
        return Err(BadFrame::Corrupt);
    }
    let (headers, payload) = run[PRELUDE..message_crc].split_at(headers);
    let mut frame = Frame {
        name: None,
        data: Cow::Borrowed(payload),
        exception: false,
    };
    read_headers(headers, &mut frame)?;
    Ok((frame, total))
}

fn crc(bytes: &[u8]) -> usize {
    crc32fast::hash(bytes) as usize
}

fn read_headers<'a>(mut rest: &'a [u8], frame: &mut Frame<'a>) -> Result<(), BadFrame> {
    let mut take = |len: usize| -> Result<&'a [u8], BadFrame> {
        let (part, behind) = rest.split_at_checked(len).ok_or(BadFrame::Corrupt)?;
        rest = behind;
        Ok(part)
    };
    loop {
        let Ok(length) = take(1) else {
            return Ok(());
        };
        let name = take(usize::from(length[0]))?;
        // The types of values, by their number: two booleans, integers of 1, 2, 4 and 8 bytes, bytes, a string,
        // a time, a UUID.
        let value = match take(1)?[0] {
            0 | 1 => &[],
            2 => take(1)?,
            3 => take(2)?,
            4 => take(4)?,
            5 | 8 => take(8)?,
            6 | 7 => {
                let length = take(2)?;
                take(usize::from(u16::from_be_bytes([length[0], length[1]])))?
            }
            9 => take(16)?,
            _ => return Err(BadFrame::Corrupt),
        };
        match name {
            b":event-type" | b":exception-type" | b":error-code" => {
                frame.name = Some(Cow::Borrowed(std::str::from_utf8(value)?));
            }
            b":message-type" => frame.exception = value != b"event",
            _ => {}
        }
    }
}

/// Writes a message. A header or a payload past what the format can hold is cut: nothing that Weir writes comes near it.
pub fn write_message(headers: &[Header<'_>], payload: &[u8], out: &mut Vec<u8>) {
    let mut block = Vec::new();
    for header in headers {
        let name = &header.name.as_bytes()[..header.name.len().min(255)];
        let value = &header.value.as_bytes()[..header.value.len().min(usize::from(u16::MAX))];
        block.push(u8::try_from(name.len()).unwrap_or(u8::MAX));
        block.extend_from_slice(name);
        block.push(7);
        block.extend_from_slice(&u16::try_from(value.len()).unwrap_or(u16::MAX).to_be_bytes());
        block.extend_from_slice(value);
    }
    let number = |len: usize| u32::try_from(len).unwrap_or(u32::MAX).to_be_bytes();
    let start = out.len();
    out.extend_from_slice(&number(LEAST + block.len() + payload.len()));
    out.extend_from_slice(&number(block.len()));
    let prelude = crc32fast::hash(&out[start..]);
    out.extend_from_slice(&prelude.to_be_bytes());
    out.extend_from_slice(&block);
    out.extend_from_slice(payload);
    let whole = crc32fast::hash(&out[start..]);
    out.extend_from_slice(&whole.to_be_bytes());
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::super::{BadFrame, Cutter, Framing, frames};
    use super::*;

    fn stream() -> Vec<u8> {
        let mut out = Vec::new();
        let event = |name| {
            [
                Header {
                    name: ":event-type",
                    value: name,
                },
                Header {
                    name: ":content-type",
                    value: "application/json",
                },
                Header {
                    name: ":message-type",
                    value: "event",
                },
            ]
        };
        write_message(&event("messageStart"), br#"{"role":"assistant"}"#, &mut out);
        write_message(&event("messageStop"), b"{}", &mut out);
        let exception = [
            Header {
                name: ":exception-type",
                value: "throttlingException",
            },
            Header {
                name: ":message-type",
                value: "exception",
            },
        ];
        write_message(&exception, br#"{"message":"slow"}"#, &mut out);
        out
    }

    fn read(pieces: &[&[u8]]) -> Result<Vec<(String, Vec<u8>, bool)>, BadFrame> {
        let mut cutter = Cutter::new(Framing::EventStream);
        let mut read = Vec::new();
        for piece in pieces {
            for run in cutter.feed(Bytes::copy_from_slice(piece))? {
                for frame in frames(Framing::EventStream, &run) {
                    let frame = frame?;
                    let name = frame.name.unwrap_or_default().into_owned();
                    read.push((name, frame.data.into_owned(), frame.exception));
                }
            }
        }
        assert_eq!(cutter.held(), 0);
        Ok(read)
    }

    #[test]
    fn any_cut_gives_the_same_messages() {
        let stream = stream();
        let whole = read(&[&stream]).unwrap();
        let names: Vec<_> = whole.iter().map(|(name, _, bad)| (&**name, *bad)).collect();
        let expected = [
            ("messageStart", false),
            ("messageStop", false),
            ("throttlingException", true),
        ];
        assert_eq!(names, expected);
        for cut in 0..=stream.len() {
            assert_eq!(
                read(&[&stream[..cut], &stream[cut..]]).unwrap(),
                whole,
                "{cut}"
            );
        }
        let bytes: Vec<&[u8]> = stream.chunks(1).collect();
        assert_eq!(read(&bytes).unwrap(), whole);
    }

    #[test]
    fn a_changed_byte_is_noticed() {
        let stream = stream();
        for at in 0..stream.len() {
            let mut broken = stream.clone();
            broken[at] ^= 0x20;
            let mut cutter = Cutter::new(Framing::EventStream);
            let good = match cutter.feed(broken.into()) {
                Err(_) => false,
                Ok(fed) => {
                    let runs: Vec<Bytes> = fed.into_iter().collect();
                    cutter.held() == 0
                        && runs
                            .iter()
                            .all(|run| frames(Framing::EventStream, run).all(|one| one.is_ok()))
                }
            };
            assert!(!good, "byte {at}");
        }
    }
}
