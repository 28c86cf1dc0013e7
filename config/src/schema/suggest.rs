//! Did you mean.

/// The candidate that was most likely meant, if one is close and none is as close: other letters'
/// case, or two edits at most in a longer text.
pub(crate) fn suggestion<'a>(
    written: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let folded: String = fold(written);
    let bound = match written.chars().count() {
        0..=2 => 0,
        3..=5 => 1,
        // Long texts are no typos of anything, and the distance is quadratic.
        6..=64 => 2,
        _ => return None,
    };
    let mut close: Vec<(usize, &str)> = candidates
        .into_iter()
        .filter(|candidate| *candidate != written)
        .map(|candidate| (distance(&folded, &fold(candidate)), candidate))
        .filter(|(distance, _)| *distance <= bound)
        .collect();
    close.sort_unstable();
    match close.as_slice() {
        [(best, _), (second, _), ..] if best == second => None,
        [(_, candidate), ..] => Some(candidate),
        [] => None,
    }
}

/// `; did you mean X?` where one is close, otherwise what `otherwise` says.
pub(crate) fn known_or<'a>(
    written: &str,
    candidates: impl IntoIterator<Item = &'a str>,
    otherwise: impl FnOnce() -> String,
) -> String {
    match suggestion(written, candidates) {
        Some(meant) => format!("; did you mean {meant}?"),
        None => otherwise(),
    }
}

fn fold(text: &str) -> String {
    text.chars()
        .filter(|character| !matches!(character, '-' | '_'))
        .map(|character| character.to_ascii_lowercase())
        .collect()
}

/// The edit distance in which a swap of neighbours is one edit.
fn distance(left: &str, right: &str) -> usize {
    let left: Vec<char> = left.chars().collect();
    let right: Vec<char> = right.chars().collect();
    if left.len().abs_diff(right.len()) > 2 {
        return usize::MAX;
    }
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=right.len()).collect();
    for row in 1..=left.len() {
        let mut next = vec![row; right.len() + 1];
        for column in 1..=right.len() {
            let same = left[row - 1] == right[column - 1];
            next[column] = (last[column - 1] + usize::from(!same))
                .min(last[column] + 1)
                .min(next[column - 1] + 1);
            if row > 1
                && column > 1
                && left[row - 1] == right[column - 2]
                && left[row - 2] == right[column - 1]
            {
                next[column] = next[column].min(before[column - 2] + 1);
            }
        }
        before = std::mem::replace(&mut last, next);
    }
    last[right.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_two_that_are_as_close_none_is_suggested() {
        assert_eq!(suggestion("HTTP3", ["Auto", "HTTP1", "HTTP2"]), None);
    }

    #[test]
    fn what_is_close_is_suggested_and_nothing_else() {
        let fields = ["endpoint", "credentials", "models", "mock", "tls"];
        for (written, meant) in [
            ("endpont", Some("endpoint")),
            ("Endpoint", Some("endpoint")),
            ("end_point", Some("endpoint")),
            ("credentails", Some("credentials")),
            ("model", Some("models")),
            ("mocks", Some("mock")),
            ("url", None),
            ("ts", None),
            ("", None),
            ("endpoint", None),
        ] {
            assert_eq!(suggestion(written, fields), meant, "{written}");
        }
    }
}
