//! `${VARIABLE}` in the values of Secrets.

use super::Environment;
use super::secret::Fault;
use crate::verdict::Reason;

/// A certificate of nobody, for `weir check`.
const CERTIFICATE: &str = include_str!("stand_in.pem");

/// How the value begins that stands in for a variable's.
const STAND_IN: &str = "stand-in-for-the-value-of-the-variable-";

/// Whether a text has something in it that [`check`](super::check) put there for a variable that is not set.
pub(crate) fn is_stand_in(text: &str) -> bool {
    text.contains(STAND_IN)
}

/// Variables and what they hold.
#[derive(Clone, Copy)]
pub(super) struct Variables<'a> {
    pub(super) env: Environment<'a>,
    /// Whether one that is not set is taken to hold a good value.
    pub(super) assume_good: bool,
}

/// What the value of an entry is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Holds {
    /// What is sent in a header.
    Token,
    /// PEM certificates.
    Certificates,
}

impl Holds {
    /// A good value in the place of a variable that is not set: long enough for an API key, and no two alike.
    fn stand_in(self, variable: &str) -> String {
        match self {
            Self::Token => format!("{STAND_IN}{variable}"),
            Self::Certificates => {
                format!("\n{CERTIFICATE}")
            }
        }
    }
}

/// A text with its variables filled in.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Filled {
    pub(super) text: String,
    /// Whether something stands in it for a variable that is not set.
    pub(super) has_stand_in: bool,
}

/// The text with each `${VARIABLE}` replaced by its value, or none if there is nothing to replace. `$${` stands
/// for a `${` that is meant as it is. What the variables hold is not looked at again.
pub(super) fn fill(
    text: &str,
    holds: Holds,
    variables: Option<Variables<'_>>,
) -> Result<Option<Filled>, Fault> {
    let Some(variables) = variables.filter(|_| text.contains("${")) else {
        return Ok(None);
    };
    let mut filled = Filled {
        text: String::with_capacity(text.len()),
        has_stand_in: false,
    };
    let mut rest = text;
    while let Some(at) = rest.find("${") {
        let (before, opened) = (&rest[..at], &rest[at + 2..]);
        if let Some(plain) = before.strip_suffix('$') {
            filled.text.push_str(plain);
            filled.text.push_str("${");
            rest = opened;
            continue;
        }
        filled.text.push_str(before);
        let Some((name, after)) = opened.split_once('}').filter(|(name, _)| is_variable(name))
        else {
            return Err(Fault::new(
                Reason::InvalidFormat,
                "has a ${ that begins no variable such as ${OPENAI_API_KEY}; write $${ for one that is meant as it is",
            ));
        };
        match (variables.env)(name) {
            Some(value) => filled.text.push_str(&value),
            None if variables.assume_good => {
                filled.text.push_str(&holds.stand_in(name));
                filled.has_stand_in = true;
            }
            None => {
                return Err(Fault::new(
                    Reason::UnsetVariable,
                    format!("the environment variable {name} is not set"),
                ));
            }
        }
        rest = after;
    }
    filled.text.push_str(rest);
    Ok(Some(filled))
}

fn is_variable(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes
        .next()
        .is_some_and(|first| first.is_ascii_alphabetic() || first == b'_')
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(text: &str) -> Result<Option<String>, String> {
        let env = |name: &str| (name == "KEY").then(|| "${KEY}-1".to_owned());
        let variables = Variables {
            env: &env,
            assume_good: false,
        };
        let filled = fill(text, Holds::Token, Some(variables)).map_err(|fault| fault.message)?;
        assert!(filled.as_ref().is_none_or(|filled| !filled.has_stand_in));
        Ok(filled.map(|filled| filled.text))
    }

    #[test]
    fn variables_are_filled_in_once() {
        assert_eq!(filled("plain $KEY"), Ok(None));
        assert_eq!(
            filled("a${KEY}b${KEY}"),
            Ok(Some("a${KEY}-1b${KEY}-1".into()))
        );
        assert_eq!(filled("$${KEY}"), Ok(Some("${KEY}".into())));
        assert_eq!(
            filled("${OTHER}"),
            Err("the environment variable OTHER is not set".into())
        );
        for broken in ["${", "${}", "${a b}", "${1}", "x${KEY"] {
            assert_eq!(
                filled(broken),
                Err("has a ${ that begins no variable such as ${OPENAI_API_KEY}; write $${ for one that is meant as it is".into()),
                "{broken}"
            );
        }
    }

    #[test]
    fn without_an_environment_nothing_is_filled_in() {
        assert_eq!(fill("${KEY}", Holds::Token, None), Ok(None));
    }

    #[test]
    fn what_is_not_set_may_be_taken_to_be_good() {
        let variables = Variables {
            env: &|name| (name == "SET").then(|| "set".to_owned()),
            assume_good: true,
        };
        let filled = |holds| fill("${SET}-${UNSET}", holds, Some(variables)).unwrap();
        let expected = |text: &str| {
            Some(Filled {
                text: text.to_owned(),
                has_stand_in: true,
            })
        };
        assert_eq!(
            filled(Holds::Token),
            expected("set-stand-in-for-the-value-of-the-variable-UNSET")
        );
        assert_eq!(
            filled(Holds::Certificates),
            expected(&format!("set-\n{CERTIFICATE}"))
        );
    }
}
