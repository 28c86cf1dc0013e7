//! Standard base64 (RFC 4648 §4), as Kubernetes writes the `data` of a Secret.

/// The bytes that `text` encodes; line breaks are skipped, padding is required. `None` if it is no base64.
#[must_use]
pub fn decode(text: &str) -> Option<Vec<u8>> {
    let digits: Vec<u8> = text
        .bytes()
        .filter(|b| *b != b'\n' && *b != b'\r')
        .collect();
    if !digits.len().is_multiple_of(4) {
        return None;
    }
    let padding = digits.iter().rev().take_while(|b| **b == b'=').count();
    if padding > 2 {
        return None;
    }
    let mut out = Vec::with_capacity(digits.len() / 4 * 3);
    let mut bits = 0u32;
    for (at, digit) in digits.iter().enumerate() {
        let value = if at >= digits.len() - padding {
            0
        } else {
            value_of(*digit)?
        };
        bits = bits << 6 | u32::from(value);
        if at % 4 == 3 {
            let [_, a, b, c] = bits.to_be_bytes();
            out.extend([a, b, c]);
            bits = 0;
        }
    }
    out.truncate(out.len() - padding);
    Some(out)
}

fn value_of(digit: u8) -> Option<u8> {
    match digit {
        b'A'..=b'Z' => Some(digit - b'A'),
        b'a'..=b'z' => Some(digit - b'a' + 26),
        b'0'..=b'9' => Some(digit - b'0' + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::decode;

    #[test]
    fn base64_is_decoded_as_rfc_4648_shows() {
        for (text, bytes) in [
            ("", ""),
            ("Zg==", "f"),
            ("Zm8=", "fo"),
            ("Zm9v", "foo"),
            ("Zm9v\nYmFy\r\n", "foobar"),
        ] {
            assert_eq!(decode(text), Some(bytes.as_bytes().to_vec()), "{text:?}");
        }
        for text in [
            "Z", "Zg", "Zg=", "Z===", "=Zg=", "Zm9v!", "Zm 9v", "Zg==Zg==",
        ] {
            assert_eq!(decode(text), None, "{text:?}");
        }
        assert_eq!(decode("+/+/"), Some(vec![0xfb, 0xff, 0xbf]));
    }
}
