//! Points in time as text: RFC 3339 in UTC with milliseconds, `2026-11-23T13:20:16.042Z`.

const MILLIS_PER_DAY: i64 = 86_400_000;
/// 0000-01-01T00:00:00Z and 9999-12-31T23:59:59.999Z: the years that RFC 3339 can write.
const MIN: i64 = -62_167_219_200_000;
const MAX: i64 = 253_402_300_799_999;

/// Writes milliseconds since the Unix epoch; what RFC 3339 can't write is cut to its bounds.
pub(crate) fn write(unix_millis: i64, out: &mut Vec<u8>) {
    let millis = unix_millis.clamp(MIN, MAX);
    let (year, month, day) = civil(millis.div_euclid(MILLIS_PER_DAY));
    let in_day = millis.rem_euclid(MILLIS_PER_DAY);
    let mut text = *b"0000-00-00T00:00:00.000Z";
    digits(&mut text[0..4], year);
    digits(&mut text[5..7], month);
    digits(&mut text[8..10], day);
    digits(&mut text[11..13], in_day / 3_600_000);
    digits(&mut text[14..16], in_day / 60_000 % 60);
    digits(&mut text[17..19], in_day / 1000 % 60);
    digits(&mut text[20..23], in_day % 1000);
    out.extend_from_slice(&text);
}

/// Reads exactly what [`write`] writes.
pub(crate) fn read(text: &str) -> Option<i64> {
    let bytes = text.as_bytes();
    if bytes.len() != 24 {
        return None;
    }
    let marks = [
        (4, b'-'),
        (7, b'-'),
        (10, b'T'),
        (13, b':'),
        (16, b':'),
        (19, b'.'),
        (23, b'Z'),
    ];
    if marks.iter().any(|&(at, mark)| bytes[at] != mark) {
        return None;
    }
    let number = |from: usize, to: usize| {
        bytes[from..to].iter().try_fold(0i64, |sum, byte| {
            byte.is_ascii_digit()
                .then(|| sum * 10 + i64::from(byte - b'0'))
        })
    };
    let days = days(number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let seconds = number(11, 13)? * 3600 + number(14, 16)? * 60 + number(17, 19)?;
    let millis = days * MILLIS_PER_DAY + seconds * 1000 + number(20, 23)?;
    let mut again = Vec::with_capacity(24);
    write(millis, &mut again);
    // The 30th of February and the 61st minute come out as something else.
    (again == bytes).then_some(millis)
}

fn digits(place: &mut [u8], number: i64) {
    let mut left = number;
    for digit in place.iter_mut().rev() {
        *digit += u8::try_from(left % 10).unwrap_or(0);
        left /= 10;
    }
}

/// The date of a day since the epoch, in the proleptic Gregorian calendar
/// (<https://howardhinnant.github.io/date_algorithms.html>, `civil_from_days`).
fn civil(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 {
        from_march + 3
    } else {
        from_march - 9
    };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day)
}

/// The inverse of [`civil`] (the same page, `days_from_civil`).
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let from_march = if month > 2 { month - 3 } else { month + 9 };
    let day_of_year = (153 * from_march + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(unix_millis: i64) -> String {
        let mut out = Vec::new();
        write(unix_millis, &mut out);
        String::from_utf8(out).unwrap()
    }

    // The expected texts are what GNU `date -u -d @SECONDS` prints.
    #[test]
    fn known_times() {
        for (millis, text) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (-1, "1969-12-31T23:59:59.999Z"),
            (951_782_400_007, "2000-02-29T00:00:00.007Z"),
            (1_709_251_199_999, "2024-02-29T23:59:59.999Z"),
            (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
            (MIN, "0000-01-01T00:00:00.000Z"),
            (MAX, "9999-12-31T23:59:59.999Z"),
        ] {
            assert_eq!(written(millis), text);
            assert_eq!(read(text), Some(millis));
        }
    }

    #[test]
    fn what_rfc_3339_cannot_write_is_cut() {
        assert_eq!(written(i64::MIN), "0000-01-01T00:00:00.000Z");
        assert_eq!(written(i64::MAX), "9999-12-31T23:59:59.999Z");
    }

    #[test]
    fn every_day_of_four_centuries_reads_back() {
        for day in -1000..146_097 {
            let millis = day * MILLIS_PER_DAY + day.rem_euclid(MILLIS_PER_DAY);
            assert_eq!(read(&written(millis)), Some(millis));
        }
    }

    #[test]
    fn other_texts_are_no_time() {
        for text in [
            "",
            "1970-01-01T00:00:00Z",
            "1970-01-01 00:00:00.000Z",
            "1970-02-30T00:00:00.000Z",
            "1970-13-01T00:00:00.000Z",
            "1970-01-01T00:60:00.000Z",
            "1970-01-01T00:00:+1.000Z",
            "1970-01-01T00:00:00.0é",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
