//! One text into documents, each with its first line, so that a broken one leaves the others whole.

/// A document with its own `---` line and the directives and comments before it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Chunk<'a> {
    pub(super) text: &'a str,
    /// How many lines of the file come before it.
    pub(super) lines_before: usize,
}

/// Cuts `text` before each line that begins a document (`---`) and after each that ends one (`...`).
///
/// `---` in the first column followed by white space ends a document wherever it stands, in a block scalar or in
/// quotes too (YAML 1.1 §4.3.4). What comes before a marker and is only directives, comments and blanks goes with it.
pub(super) fn documents(text: &str) -> Vec<Chunk<'_>> {
    let mut chunks = Vec::new();
    let (mut start, mut start_line) = (0, 0);
    let mut at = 0;
    let mut preamble = true;
    for (line_number, line) in lines(text).enumerate() {
        if is_marker(line, "...") {
            let end = at + line.len();
            chunks.extend(text.get(start..end).map(|text| Chunk {
                text,
                lines_before: start_line,
            }));
            (start, start_line) = (end, line_number + 1);
            preamble = true;
        } else if is_marker(line, "---") {
            if !preamble {
                chunks.extend(text.get(start..at).map(|text| Chunk {
                    text,
                    lines_before: start_line,
                }));
                (start, start_line) = (at, line_number);
            }
            preamble = false;
        } else if !is_preamble(line) {
            preamble = false;
        }
        at += line.len();
    }
    chunks.extend(text.get(start..).map(|text| Chunk {
        text,
        lines_before: start_line,
    }));
    chunks
}

/// The lines with their breaks: LF, CRLF or a lone CR, as YAML breaks them.
fn lines(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let end = match rest.find(['\n', '\r']) {
            None => rest.len(),
            Some(at) if rest.get(at..).is_some_and(|tail| tail.starts_with("\r\n")) => at + 2,
            Some(at) => at + 1,
        };
        let (line, tail) = rest.split_at(end);
        rest = tail;
        Some(line)
    })
}

fn is_marker(line: &str, marker: &str) -> bool {
    line.strip_prefix(marker)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t', '\r', '\n']))
}

fn is_preamble(line: &str) -> bool {
    let text = line.trim();
    text.is_empty() || text.starts_with('#') || line.starts_with('%')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(text: &str) -> Vec<(&str, usize)> {
        documents(text)
            .into_iter()
            .map(|c| (c.text, c.lines_before))
            .collect()
    }

    #[test]
    fn documents_are_cut_before_their_markers() {
        assert_eq!(
            cut("a: 1\n---\nb: 2\n"),
            [("a: 1\n", 0), ("---\nb: 2\n", 1)]
        );
        assert_eq!(
            cut("--- {a: 1}\r\n---\r\nb: 2"),
            [("--- {a: 1}\r\n", 0), ("---\r\nb: 2", 1)]
        );
        assert_eq!(cut("a: 1\r---\rb: 2"), [("a: 1\r", 0), ("---\rb: 2", 1)]);
    }

    #[test]
    fn directives_and_comments_go_with_the_document_after_them() {
        assert_eq!(
            cut("# first\n%YAML 1.1\n---\na: 1\n"),
            [("# first\n%YAML 1.1\n---\na: 1\n", 0)]
        );
    }

    #[test]
    fn an_end_marker_lets_directives_follow() {
        assert_eq!(
            cut("a: 1\n...\n%YAML 1.1\n---\nb: 2\n"),
            [("a: 1\n...\n", 0), ("%YAML 1.1\n---\nb: 2\n", 2)]
        );
    }

    #[test]
    fn a_marker_ends_a_block_scalar_and_a_longer_line_is_none() {
        assert_eq!(
            cut("a: |\n  x\n---\nb"),
            [("a: |\n  x\n", 0), ("---\nb", 2)]
        );
        assert_eq!(
            cut("a: |\n  ---\n ---\n----\n---a\n"),
            [("a: |\n  ---\n ---\n----\n---a\n", 0)]
        );
    }
}
