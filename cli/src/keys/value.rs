//! The values of keys.

use std::fmt;
use std::fmt::Write as _;

use aws_lc_rs::rand;

use crate::Failure;

/// How much of a value is random.
const BYTES: usize = 32;
/// What a value begins with, so that people and scanners of repositories know it.
const PREFIX: &str = "weir_";

/// A new value: `weir_` and 64 hexadecimal digits, which need no quotes in a shell, a URL or a header. It is printed
/// on purpose only.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Value(String);

impl Value {
    pub(super) fn new() -> Result<Self, Failure> {
        let mut random = [0; BYTES];
        rand::fill(&mut random)
            .map_err(|_| Failure::Failed("the system has no random numbers to give".to_owned()))?;
        let mut text = PREFIX.to_owned();
        for byte in random {
            // Writing to a String can't fail.
            let _ = write!(text, "{byte:02x}");
        }
        Ok(Self(text))
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Value(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_long_plain_and_never_the_same() {
        let values = [Value::new().unwrap(), Value::new().unwrap()];
        for value in &values {
            let random = value.as_str().strip_prefix("weir_").unwrap();
            assert_eq!(random.len(), 64);
            assert!(random.bytes().all(|byte| byte.is_ascii_hexdigit()));
            assert_eq!(format!("{value:?}"), "Value(…)");
        }
        assert_ne!(values[0], values[1]);
    }
}
