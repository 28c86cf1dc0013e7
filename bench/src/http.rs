//! As much of HTTP/1.1 as a benchmark needs of peers that it knows.

/// Where the head at the front ends, its empty line included.
pub(crate) fn head_end(input: &[u8]) -> Option<usize> {
    memchr::memmem::find(input, b"\r\n\r\n").map(|at| at + 4)
}

/// The value of `content-length`, if there is one.
pub(crate) fn content_length(head: &[u8]) -> Option<usize> {
    value(head, b"content-length")?.parse().ok()
}

/// Whether the body comes in chunks.
pub(crate) fn is_chunked(head: &[u8]) -> bool {
    value(head, b"transfer-encoding").is_some_and(|value| value.eq_ignore_ascii_case("chunked"))
}

/// The status code, or 0.
pub(crate) fn status(head: &[u8]) -> u16 {
    let code = head
        .get(9..12)
        .and_then(|code| std::str::from_utf8(code).ok());
    code.and_then(|code| code.parse().ok()).unwrap_or(0)
}

fn value<'a>(head: &'a [u8], name: &[u8]) -> Option<&'a str> {
    head.split(|&byte| byte == b'\n').find_map(|line| {
        let colon = line.iter().position(|&byte| byte == b':')?;
        line[..colon]
            .eq_ignore_ascii_case(name)
            .then(|| std::str::from_utf8(line[colon + 1..].trim_ascii()).ok())?
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_looked_for_in_a_head_is_found() {
        let head = b"HTTP/1.1 207 X\r\nA: b\r\nContent-Length: 12\r\nTransfer-Encoding: Chunked\r\n\r\nrest";
        assert_eq!(
            (
                head_end(head),
                content_length(head),
                is_chunked(head),
                status(head)
            ),
            (Some(head.len() - 4), Some(12), true, 207)
        );
    }
}
