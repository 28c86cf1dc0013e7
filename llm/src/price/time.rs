//! Dates and times of day, as far as prices depend on them. Everything is UTC.

const DAY: i64 = 86_400;

/// When a price holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct When {
    /// From the start of this day on; seconds since 1970.
    pub(super) from: Option<i64>,
    /// From the first second of a day to before the second, over midnight where that is less.
    pub(super) daily: Option<(i64, i64)>,
}

impl When {
    /// Whether it holds at a time, in seconds since 1970.
    pub(super) fn holds(self, at: i64) -> bool {
        let second = at.rem_euclid(DAY);
        self.from.is_none_or(|from| at >= from)
            && self.daily.is_none_or(|(start, end)| {
                if end < start {
                    second >= start || second < end
                } else {
                    (start..end).contains(&second)
                }
            })
    }
}

/// The start of a day that is written as `2026-11-10`, in seconds since 1970. `None` for what is no day of the years 1970 to 9999.
#[must_use]
pub fn parse_day(text: &str) -> Option<i64> {
    let digits = text.bytes().enumerate().all(|(at, byte)| match at {
        4 | 7 => byte == b'-',
        _ => byte.is_ascii_digit(),
    });
    if text.len() != 10 || !digits {
        return None;
    }
    let (year, month, day) = (
        text[..4].parse().ok()?,
        text[5..7].parse().ok()?,
        text[8..].parse().ok()?,
    );
    (year >= 1970)
        .then(|| days(year, month, day))?
        .map(|days| days * DAY)
}

/// Days from 1970-01-01 to a day of the Gregorian calendar. `None` where there is no such day.
fn days(year: i64, month: i64, day: i64) -> Option<i64> {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let lengths = [
        31,
        if leap { 29 } else { 28 },
        31,
        30,
        31,
        30,
        31,
        31,
        30,
        31,
        30,
        31,
    ];
    let index = usize::try_from(month - 1).ok()?;
    let length = *lengths.get(index)?;
    if !(1..=length).contains(&day) {
        return None;
    }
    let past = year - 1;
    let leaps = |year: i64| year / 4 - year / 100 + year / 400;
    let years = (year - 1970) * 365 + leaps(past) - leaps(1969);
    let months: i64 = lengths[..index].iter().sum();
    Some(years + months + day - 1)
}

/// Whether these digits, `20261110`, are a day.
pub(super) fn is_day(digits: &str) -> bool {
    digits.len() == 8
        && digits.starts_with("20")
        && digits.bytes().all(|byte| byte.is_ascii_digit())
        && parse_day(&format!(
            "{}-{}-{}",
            &digits[..4],
            &digits[4..6],
            &digits[6..]
        ))
        .is_some()
}

/// A time of day, `16:30`, in seconds.
pub(super) fn parse_time(text: &str) -> Option<i64> {
    let (hours, minutes) = text.split_once(':')?;
    let (hours, minutes): (i64, i64) = (hours.parse().ok()?, minutes.parse().ok()?);
    ((0..24).contains(&hours) && (0..60).contains(&minutes)).then_some(hours * 3600 + minutes * 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_counted_as_calendars_do() {
        for (day, seconds) in [
            ("1970-01-01", 0),
            ("2000-02-29", 951_782_400),
            ("2000-03-01", 951_868_800),
            ("2026-11-10", 1_794_268_800),
            ("2100-03-01", 4_107_542_400),
        ] {
            assert_eq!(parse_day(day), Some(seconds), "{day}");
        }
        for day in [
            "",
            "2026-02-29",
            "2100-02-29",
            "2026-13-01",
            "2026-00-01",
            "2026-01-00",
            "1969-12-31",
            "2026-1-01",
            "2026/01/01",
            "२०२६",
        ] {
            assert_eq!(parse_day(day), None, "{day}");
        }
    }

    #[test]
    fn a_price_of_the_night_goes_over_midnight() {
        let night = When {
            from: None,
            daily: Some((16 * 3600 + 1800, 1800)),
        };
        let at =
            |time: &str| night.holds(parse_day("2026-11-10").unwrap() + parse_time(time).unwrap());
        assert_eq!(
            ["16:29", "16:30", "23:59", "00:00", "00:29", "00:30"].map(at),
            [false, true, true, true, true, false]
        );
    }

    #[test]
    fn a_price_holds_from_the_start_of_its_day() {
        let from = parse_day("2027-01-01");
        let when = When { from, daily: None };
        let start = from.unwrap();
        assert_eq!([start - 1, start].map(|at| when.holds(at)), [false, true]);
    }
}
