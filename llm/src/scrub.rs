//! Credentials that a provider echoes do not pass.

use bytes::Bytes;
use memchr::memmem::Finder;

mod forms;

/// What stands in a credential's place.
pub const REDACTED: &str = "[redacted]";

/// Bytes of the shortest credential that is looked for in other encodings, too. What is shorter would be found where it
/// is not.
const MIN_ENCODED: usize = 8;

/// Replaces every occurrence of some credentials in bytes by [`REDACTED`].
///
/// Each is looked for as it is, as JSON would escape it, percent-encoded and in base64, where that differs. It works on
/// whole bodies and whole events: a credential that is cut in two is not found.
#[derive(Clone, Default)]
pub struct Scrubber {
    /// The longest first, so that one that contains another goes as a whole.
    finders: Vec<Finder<'static>>,
}

impl Scrubber {
    /// A scrubber of these secrets; empty ones are left out.
    pub fn new<S: AsRef<[u8]>>(secrets: impl IntoIterator<Item = S>) -> Self {
        let mut needles: Vec<Vec<u8>> = Vec::new();
        for secret in secrets {
            let secret = secret.as_ref();
            if let Ok(text) = std::str::from_utf8(secret) {
                let mut escaped = Vec::new();
                crate::json::write_escaped(text, &mut escaped);
                needles.push(escaped);
            }
            if secret.len() >= MIN_ENCODED {
                needles.extend(forms::percent(secret));
                needles.extend(forms::base64(secret));
            }
            needles.push(secret.to_vec());
        }
        needles.retain(|needle| !needle.is_empty());
        needles.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        needles.dedup();
        let finders = needles
            .iter()
            .map(|needle| Finder::new(needle).into_owned())
            .collect();
        Self { finders }
    }

    /// Bytes of the longest form of a credential that is looked for; 0 if there is none.
    #[must_use]
    pub fn longest(&self) -> usize {
        self.finders.first().map_or(0, |one| one.needle().len())
    }

    /// Whether a credential is in the bytes.
    #[must_use]
    pub fn finds(&self, bytes: &[u8]) -> bool {
        self.finders
            .iter()
            .any(|finder| finder.find(bytes).is_some())
    }

    /// The bytes without the credentials; without an occurrence they are the same bytes, uncopied.
    #[must_use]
    pub fn scrub(&self, bytes: Bytes) -> Bytes {
        let mut bytes = bytes;
        for finder in &self.finders {
            if let Some(first) = finder.find(&bytes) {
                bytes = replace(&bytes, finder, first);
            }
        }
        bytes
    }
}

/// Shows no secret.
impl std::fmt::Debug for Scrubber {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Scrubber")
            .field("needles", &self.finders.len())
            .finish()
    }
}

fn replace(bytes: &[u8], finder: &Finder<'_>, first: usize) -> Bytes {
    let mut out = Vec::with_capacity(bytes.len());
    let mut copied = 0;
    let mut next = Some(first);
    while let Some(found) = next {
        out.extend_from_slice(&bytes[copied..found]);
        out.extend_from_slice(REDACTED.as_bytes());
        copied = found + finder.needle().len();
        next = finder.find(&bytes[copied..]).map(|at| copied + at);
    }
    out.extend_from_slice(&bytes[copied..]);
    out.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_holds_no_secret_is_not_copied() {
        let body = Bytes::from(b"{\"error\":\"no\"}".to_vec());
        let scrubbed = Scrubber::new(["sk-secret"]).scrub(body.clone());
        assert_eq!(scrubbed.as_ptr(), body.as_ptr());
    }

    #[test]
    fn every_occurrence_goes_the_longest_first() {
        let scrubber = Scrubber::new(["sk-1", "sk-1234", ""]);
        let body = Bytes::from_static(b"Bearer sk-1234: sk-1 sk-1sk-1234");
        assert_eq!(
            scrubber.scrub(body),
            "Bearer [redacted]: [redacted] [redacted][redacted]"
        );
    }

    #[test]
    fn a_secret_is_found_as_json_escapes_it() {
        let scrubber = Scrubber::new(["a\"b\\c"]);
        let body = Bytes::from_static(br#"{"message":"key a\"b\\c is wrong"}"#);
        assert_eq!(
            scrubber.scrub(body),
            r#"{"message":"key [redacted] is wrong"}"#
        );
    }

    #[test]
    fn a_secret_is_found_in_base64_and_percent_encoded() {
        let scrubber = Scrubber::new(["wJalrXUt+FEMI/K7?"]);
        for (written, left) in [
            ("a=wJalrXUt%2BFEMI%2FK7%3F&b", "a=[redacted]&b"),
            ("a=wJalrXUt%2bFEMI%2fK7%3f&b", "a=[redacted]&b"),
            ("/wJalrXUt%2BFEMI/K7%3F/", "/[redacted]/"),
            // What is encoded begins with it, or one or two bytes before it.
            ("d0phbHJYVXQrRkVNSS9LNz8=", "[redacted]8="),
            ("d0phbHJYVXQrRkVNSS9LNz8", "[redacted]8"),
            ("OndKYWxyWFV0K0ZFTUkvSzc/", "On[redacted]"),
            ("OndKYWxyWFV0K0ZFTUkvSzc_", "On[redacted]"),
            ("Ojp3SmFsclhVdCtGRU1JL0s3Pzo=", "Ojp[redacted]zo="),
        ] {
            let scrubbed = scrubber.scrub(Bytes::from(written.to_owned()));
            assert_eq!(scrubbed, left, "{written}");
        }
    }

    #[test]
    fn debug_shows_no_secret() {
        let shown = format!("{:?}", Scrubber::new(["sk-1234"]));
        assert_eq!(shown, "Scrubber { needles: 1 }");
    }
}
