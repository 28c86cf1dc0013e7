//! Amounts of money: whole nano-dollars, and how they are written in dollars.

/// Nano-dollars in a dollar.
const NANO: u64 = 1_000_000_000;

/// Reads an amount of US dollars, such as `3` or `0.25`, exactly; in nano-dollars.
///
/// `None` unless it is digits with at most nine behind a point, and below 2⁶⁴ nano-dollars (some 18 billion dollars).
#[must_use]
pub fn parse_usd(text: &str) -> Option<u64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || !digits(fraction) || fraction.len() > 9 {
        return None;
    }
    let places = u32::try_from(9 - fraction.len()).ok()?;
    let fraction = fraction.parse::<u64>().ok()? * 10_u64.pow(places);
    whole
        .parse::<u64>()
        .ok()?
        .checked_mul(NANO)?
        .checked_add(fraction)
}

/// Writes nano-dollars in dollars, exactly and without needless zeros: `0.25`.
#[must_use]
pub fn write_usd(nano: u64) -> String {
    let (whole, fraction) = (nano / NANO, nano % NANO);
    if fraction == 0 {
        return whole.to_string();
    }
    let text = format!("{whole}.{fraction:09}");
    text.trim_end_matches('0').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dollars_are_read_to_the_nano() {
        for (text, nano) in [
            ("0", 0),
            ("3", 3_000_000_000),
            ("0.30", 300_000_000),
            ("0.000000001", 1),
            ("18446744073.709551615", u64::MAX),
        ] {
            assert_eq!(parse_usd(text), Some(nano), "{text}");
        }
    }

    #[test]
    fn what_is_no_such_amount_is_refused() {
        for text in [
            "",
            ".",
            "1.",
            ".5",
            "-1",
            "+1",
            "1e3",
            " 1",
            "1 ",
            "0x1",
            "1.0000000001",
            "1.2.3",
            "१",
            "18446744073.709551616",
            "99999999999999999999",
        ] {
            assert_eq!(parse_usd(text), None, "{text}");
        }
    }

    #[test]
    fn an_amount_is_written_as_short_as_it_goes() {
        for (nano, text) in [
            (0, "0"),
            (1, "0.000000001"),
            (2_500_000_000, "2.5"),
            (15_000_000_000, "15"),
        ] {
            assert_eq!(write_usd(nano), text);
            assert_eq!(parse_usd(text), Some(nano));
        }
    }
}
