//! What a file may cost, and what must hold before it is parsed.

use super::{Fault, FileReason, Position};

/// The largest file, in bytes. An object in etcd is at most 1.5 MiB, a mounted ConfigMap 1 MiB.
pub const MAX_FILE_BYTES: usize = 8 << 20;
/// The most values (scalars, lists, mappings) of one document, aliases expanded.
pub const MAX_NODES: usize = 200_000;
/// The most bytes of keys and text in one document, aliases expanded.
pub const MAX_TEXT_BYTES: usize = 2 * MAX_FILE_BYTES;
/// The deepest nesting of lists and mappings. JSON readers downstream stop at 128.
pub const MAX_DEPTH: usize = 100;

/// The most directives (`%TAG`) of one document. The parser compares each with all before it.
const MAX_DIRECTIVES: usize = 64;

/// The text of a file, without its byte order mark.
pub(super) fn readable(bytes: &[u8]) -> Result<&str, Fault> {
    let start = Position { line: 1, column: 1 };
    if bytes.len() > MAX_FILE_BYTES {
        let message = format!(
            "the file has {} bytes, more than the {MAX_FILE_BYTES} that are read",
            bytes.len()
        );
        return Err(Fault::new(start, FileReason::TooLarge, message));
    }
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let good = bytes.get(..error.valid_up_to()).unwrap_or_default();
        let position = end_of(&String::from_utf8_lossy(good));
        Fault::new(
            position,
            FileReason::NotUtf8,
            "the file is not UTF-8 from here on; save it as UTF-8",
        )
    })?;
    Ok(text.strip_prefix('\u{feff}').unwrap_or(text))
}

/// What must hold of a document before it is parsed: no character that YAML does not allow, few directives.
pub(super) fn parsable(text: &str, lines_before: usize) -> Result<(), Fault> {
    let mut directives = text
        .lines()
        .enumerate()
        .filter(|(_, line)| line.starts_with('%'));
    if let Some((at, _)) = directives.nth(MAX_DIRECTIVES) {
        let line = saturating(lines_before.saturating_add(at)).saturating_add(1);
        let message = format!("the document has more than {MAX_DIRECTIVES} directives");
        return Err(Fault::new(
            Position { line, column: 1 },
            FileReason::TooLarge,
            message,
        ));
    }
    let Some((at, c)) = text.char_indices().find(|(_, c)| !is_allowed(*c)) else {
        return Ok(());
    };
    let Position { line, column } = end_of(text.get(..at).unwrap_or_default());
    let line = line.saturating_add(saturating(lines_before));
    let message = format!(
        "YAML allows no control character U+{:04X}; write it as an escape in double quotes",
        u32::from(c)
    );
    Err(Fault::new(
        Position { line, column },
        FileReason::InvalidYaml,
        message,
    ))
}

/// The characters that YAML 1.1 §5.1 calls printable.
fn is_allowed(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='~' | '\u{85}' | '\u{a0}'..='\u{fffd}' | '\u{10000}'..)
        && c != '\u{feff}'
}

/// The position just after `text`.
fn end_of(text: &str) -> Position {
    let line = text.matches('\n').count();
    let last = text.rsplit('\n').next().unwrap_or_default();
    Position {
        line: saturating(line).saturating_add(1),
        column: saturating(last.chars().count()).saturating_add(1),
    }
}

/// A count as the `u32` of a position.
pub(super) fn saturating(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
