//! Names that somebody may have meant.

use std::collections::BTreeSet;

/// The most that are told.
const MOST: usize = 5;
/// A name longer than this is near to nothing.
const LONGEST: usize = 100;

/// `; near it are …`, or nothing.
pub(super) fn near<'a>(asked: &str, known: impl Iterator<Item = &'a str>) -> String {
    let asked = asked.to_lowercase();
    if asked.is_empty() || asked.len() > LONGEST {
        return String::new();
    }
    let mut found: BTreeSet<(usize, &str)> = BTreeSet::new();
    for name in known {
        let lower = name.to_lowercase();
        let last = lower.rsplit('/').next().unwrap_or(&lower);
        let distance = distance(&asked, last);
        // Typing errors first, then names that go on, or that it is a longer form of.
        if distance <= asked.len() / 3 {
            found.insert((distance, name));
        } else if asked.len() > 3
            && (lower.contains(&asked) || (last.len() > 3 && asked.contains(last)))
        {
            found.insert((LONGEST + distance, name));
        }
    }
    let names: Vec<&str> = found.into_iter().map(|(_, name)| name).take(MOST).collect();
    if names.is_empty() {
        return String::new();
    }
    format!("; near it are {}", names.join(", "))
}

/// How many bytes have to be put in, taken out or replaced to make one of the other (Levenshtein).
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().enumerate() {
        let mut above = row[0];
        row[0] = i + 1;
        for (j, y) in b.bytes().enumerate() {
            let replaced = above + usize::from(x != y);
            above = row[j + 1];
            row[j + 1] = replaced.min(above + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_are_counted_in_single_changes() {
        for (a, b, expected) in [
            ("", "", 0),
            ("a", "", 1),
            ("kitten", "sitting", 3),
            ("gpt-4o", "gpt-4", 1),
            ("ab", "ba", 2),
        ] {
            assert_eq!(distance(a, b), expected, "{a} {b}");
            assert_eq!(distance(b, a), expected, "{b} {a}");
        }
    }

    #[test]
    fn typing_errors_come_before_longer_names() {
        let known = ["gpt-4o-mini", "gpt-4o", "vendor/gpt-4p", "claude"];
        assert_eq!(
            near("gpt-4q", known.into_iter()),
            "; near it are gpt-4o, vendor/gpt-4p"
        );
        assert_eq!(
            near("gpt-4o-m", known.into_iter()),
            "; near it are gpt-4o, gpt-4o-mini"
        );
        assert_eq!(near("qwen", known.into_iter()), "");
        assert_eq!(near(&"x".repeat(LONGEST + 1), known.into_iter()), "");
    }
}
