//! Texts with a grammar: durations and base URLs.

use std::time::Duration;

use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;

/// A duration as in Gateway API (GEP-2257): one to four whole numbers of at most five digits, each with its unit.
/// None if it is not one.
#[must_use]
pub fn duration(text: &str) -> Option<Duration> {
    let mut millis: u64 = 0;
    let mut rest = text;
    let mut parts = 0;
    while !rest.is_empty() {
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        if !(1..=5).contains(&digits) || parts == 4 {
            return None;
        }
        let (number, after) = rest.split_at(digits);
        // `ms` goes first, or it would be read as minutes.
        let units = [("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000)];
        let (unit, factor) = units
            .into_iter()
            .find(|(unit, _)| after.starts_with(unit))?;
        millis += number.parse::<u64>().ok()? * factor;
        rest = &after[unit.len()..];
        parts += 1;
    }
    (parts > 0).then_some(Duration::from_millis(millis))
}

/// A base URL in its one spelling, without a slash at the end.
///
/// # Errors
/// What is wrong with it, beyond what the schema's rule says.
pub(super) fn endpoint(text: &str) -> Result<String, &'static str> {
    let (scheme, rest) = text
        .split_once("://")
        .ok_or("must begin with http:// or https://")?;
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let (host, port) = match authority.strip_prefix('[') {
        Some(inner) => {
            let (address, port) = inner
                .split_once(']')
                .ok_or("has a '[' without its ']' in the host")?;
            if address.parse::<std::net::Ipv6Addr>().is_err() {
                return Err("must have an IPv6 address between '[' and ']'");
            }
            (format!("[{address}]"), port)
        }
        None => {
            let (host, port) = authority.split_at(authority.find(':').unwrap_or(authority.len()));
            if !is_host(host) {
                return Err("must have a host of letters, digits, '-', '_' and '.', or an address");
            }
            (host.to_ascii_lowercase(), port)
        }
    };
    if !port.is_empty() {
        let number = port
            .strip_prefix(':')
            .and_then(|port| port.parse::<u16>().ok());
        if number.is_none_or(|port| port == 0) {
            return Err("must have a port from 1 to 65535 after the host");
        }
    }
    if !path
        .bytes()
        .all(|byte| byte.is_ascii_graphic() && !b"\\\"<>^`{|}".contains(&byte))
    {
        return Err(
            "must have other characters than letters, digits and marks percent-encoded in the path",
        );
    }
    Ok(format!(
        "{scheme}://{host}{port}{}",
        path.trim_end_matches('/')
    ))
}

fn is_host(host: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    !host.is_empty()
        && host.len() <= 253
        && host.bytes().all(allowed)
        && host
            .trim_end_matches('.')
            .split('.')
            .all(|label| (1..=63).contains(&label.len()))
}

/// Whether a text is a bundle of certificates that TLS takes: PEM, none of it cut off, and each of them one that a chain
/// may end at.
///
/// # Errors
/// What is wrong with it, without a word of what is in it.
pub(super) fn certificates(text: &str) -> Result<(), String> {
    let count = |mark: &str| text.lines().filter(|line| line.trim() == mark).count();
    let begun = count("-----BEGIN CERTIFICATE-----");
    let shape = "must be PEM certificates, each from -----BEGIN CERTIFICATE----- to -----END CERTIFICATE-----";
    if begun == 0 || begun != count("-----END CERTIFICATE-----") {
        return Err(shape.to_owned());
    }
    let mut found = 0;
    for certificate in CertificateDer::pem_slice_iter(text.as_bytes()) {
        found += 1;
        let certificate = certificate.map_err(|_| format!("certificate {found} is no base64"))?;
        webpki::anchor_from_trusted_cert(&certificate)
            .map_err(|_| format!("certificate {found} is none that TLS takes (X.509 in DER)"))?;
    }
    if found == begun {
        Ok(())
    } else {
        Err(shape.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_those_of_gateway_api() {
        for (text, millis) in [
            ("10s", Some(10_000)),
            ("1h30m", Some(5_400_000)),
            ("1m1s1ms", Some(61_001)),
            ("250ms", Some(250)),
            ("0s", Some(0)),
            ("99999h99999h99999h99999h", Some(4 * 99_999 * 3_600_000)),
            ("", None),
            ("10", None),
            ("s", None),
            ("1.5s", None),
            ("100000s", None),
            ("1s1s1s1s1s", None),
            ("-1s", None),
            ("1d", None),
            ("１s", None),
        ] {
            assert_eq!(duration(text), millis.map(Duration::from_millis), "{text}");
        }
    }

    #[test]
    fn endpoints_come_to_one_spelling() {
        for (text, url) in [
            ("https://api.openai.com/v1", Ok("https://api.openai.com/v1")),
            (
                "https://API.openai.com/v1/",
                Ok("https://api.openai.com/v1"),
            ),
            ("http://vllm:8000", Ok("http://vllm:8000")),
            ("http://[::1]:8000/v1", Ok("http://[::1]:8000/v1")),
            ("http://10.0.0.1/a%20b", Ok("http://10.0.0.1/a%20b")),
            (
                "http://[::1/v1",
                Err("has a '[' without its ']' in the host"),
            ),
            (
                "http://[zz]/v1",
                Err("must have an IPv6 address between '[' and ']'"),
            ),
            (
                "http://a:0/v1",
                Err("must have a port from 1 to 65535 after the host"),
            ),
            (
                "http://a:/v1",
                Err("must have a port from 1 to 65535 after the host"),
            ),
            (
                "http://a:65536",
                Err("must have a port from 1 to 65535 after the host"),
            ),
            (
                "http://a..b",
                Err("must have a host of letters, digits, '-', '_' and '.', or an address"),
            ),
            (
                "http://ü/v1",
                Err("must have a host of letters, digits, '-', '_' and '.', or an address"),
            ),
        ] {
            assert_eq!(endpoint(text), url.map(str::to_owned), "{text}");
        }
    }

    #[test]
    fn certificates_are_those_that_tls_takes() {
        let one = include_str!("stand_in.pem");
        let begin = "-----BEGIN CERTIFICATE-----";
        let end = "-----END CERTIFICATE-----";
        let shape = "must be PEM certificates, each from -----BEGIN CERTIFICATE----- to -----END CERTIFICATE-----";
        let der = |number| format!("certificate {number} is none that TLS takes (X.509 in DER)");
        assert_eq!(certificates(one), Ok(()));
        assert_eq!(certificates(&format!("# two\n{one}{one}")), Ok(()));
        assert_eq!(certificates(&one.replace('\n', "\r\n")), Ok(()));
        for (text, message) in [
            (String::new(), shape.to_owned()),
            (format!("{begin}\nAA=="), shape.to_owned()),
            (one.replace("CERTIFICATE", "PRIVATE KEY"), shape.to_owned()),
            (format!("{begin}\nAA==\n{end}\n"), der(1)),
            (format!("{one}{begin}\n{end}\n"), der(2)),
            (
                format!("{one}{begin}\n???\n{end}\n"),
                "certificate 2 is no base64".to_owned(),
            ),
        ] {
            assert_eq!(certificates(&text), Err(message), "{text}");
        }
    }
}
