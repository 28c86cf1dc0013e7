//! Spans of time as people write and read them.

use k8s_openapi::jiff::{SignedDuration, Timestamp};

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;
/// The longest span that is read: a hundred years, which a misspelt unit soon is above.
const MOST: i64 = 36_525 * DAY;

/// Reads `90d`, `12h` or `1d12h`.
///
/// # Errors
/// Says what would be right.
pub(crate) fn parse_span(text: &str) -> Result<SignedDuration, String> {
    let wrong = || {
        "must be a span of days, hours, minutes or seconds that is more than none, such as 90d, 12h or 1d12h".to_owned()
    };
    let (mut seconds, mut digits) = (0_i64, String::new());
    for character in text.chars() {
        if character.is_ascii_digit() {
            digits.push(character);
            continue;
        }
        let unit = match character {
            'd' => DAY,
            'h' => HOUR,
            'm' => MINUTE,
            's' => 1,
            _ => return Err(wrong()),
        };
        let number: i64 = digits.parse().map_err(|_| wrong())?;
        digits.clear();
        seconds = number
            .checked_mul(unit)
            .and_then(|span| seconds.checked_add(span))
            .filter(|seconds| *seconds <= MOST)
            .ok_or_else(|| "must be at most a hundred years (36525d)".to_owned())?;
    }
    if seconds == 0 || !digits.is_empty() {
        return Err(wrong());
    }
    Ok(SignedDuration::from_secs(seconds))
}

/// Reads a time as in RFC 3339.
///
/// # Errors
/// Says what would be right.
pub(crate) fn parse_time(text: &str) -> Result<Timestamp, String> {
    text.parse().map_err(|_| {
        "must be a time as in RFC 3339 with its offset, such as 2027-01-31T00:00:00Z".to_owned()
    })
}

/// A span in its largest unit of which there are at least two, as kubectl shows ages: `119s`, `5m`, `47h`, `400d`.
pub(crate) fn short(span: SignedDuration) -> String {
    let seconds = span.as_secs().max(0);
    for (unit, name) in [(DAY, 'd'), (HOUR, 'h'), (MINUTE, 'm')] {
        if seconds >= 2 * unit {
            return format!("{}{name}", seconds / unit);
        }
    }
    format!("{seconds}s")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_read_by_their_units() {
        for (text, seconds) in [
            ("90d", 90 * DAY),
            ("12h", 12 * HOUR),
            ("1d12h", 36 * HOUR),
            ("1h30m15s", 5415),
            ("36525d", MOST),
        ] {
            let span = parse_span(text).map(|span| span.as_secs());
            assert_eq!(span, Ok(seconds), "{text}");
        }
    }

    #[test]
    fn what_is_no_span_is_refused() {
        for text in ["", "0d", "90", "d", "3w", "-1d", "1.5h", "1d ", "9d9"] {
            let error = parse_span(text).unwrap_err();
            assert!(
                error.contains("such as 90d, 12h or 1d12h"),
                "{text}: {error}"
            );
        }
        for text in ["36526d", "9223372036854775807d"] {
            let error = parse_span(text).unwrap_err();
            assert_eq!(error, "must be at most a hundred years (36525d)", "{text}");
        }
    }

    #[test]
    fn times_carry_their_offset() {
        let time = parse_time("2027-01-31T01:00:00+01:00").map(|time| time.to_string());
        assert_eq!(time.as_deref(), Ok("2027-01-31T00:00:00Z"));
        for text in ["2027-01-31", "2027-01-31T00:00:00", "tomorrow"] {
            assert!(parse_time(text).is_err(), "{text}");
        }
    }

    #[test]
    fn spans_are_shown_in_their_largest_unit() {
        let shown = [-5, 0, 119, 120, 7199, 7200, 172_799, 172_800, 400 * DAY]
            .map(|seconds| short(SignedDuration::from_secs(seconds)));
        assert_eq!(
            shown,
            ["0s", "0s", "119s", "2m", "119m", "2h", "47h", "2d", "400d"]
        );
    }
}
