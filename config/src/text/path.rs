//! Field paths: how they are written, and what their parent is.

/// The path of `key` in the mapping at `path`: `spec` and `rules` make `spec.rules`; a key that is more than letters,
/// digits, `_` and `-` is put in brackets and quotes. The empty path is the object itself.
#[must_use]
pub fn child(path: &str, key: &str) -> String {
    let plain = !key.is_empty()
        && key
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
    match (plain, path.is_empty()) {
        (true, true) => key.to_owned(),
        (true, false) => format!("{path}.{key}"),
        (false, _) => format!("{path}['{key}']"),
    }
}

/// The path of the item at `index` (from 0) in the list at `path`: `spec.rules[0]`.
#[must_use]
pub fn item(path: &str, index: usize) -> String {
    format!("{path}[{index}]")
}

/// The path one step up; empty at the top. A key that itself holds `['` may come out shorter than its true parent,
/// which finds a further ancestor and never a stranger.
pub(super) fn parent(path: &str) -> &str {
    let cut = if path.ends_with("']") {
        path.rfind("['")
    } else if path.ends_with(']') {
        path.rfind('[')
    } else {
        path.rfind('.')
    };
    cut.and_then(|at| path.get(..at)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_written_and_read_back() {
        let labels = child("metadata", "labels");
        let label = child(&labels, "weir.dev/api-key");
        assert_eq!(label, "metadata.labels['weir.dev/api-key']");
        assert_eq!(parent(&label), "metadata.labels");
        assert_eq!(parent("metadata"), "");
        let rule = item(&child(&child("", "spec"), "rules"), 2);
        assert_eq!(child(&rule, "when"), "spec.rules[2].when");
        assert_eq!(parent("spec.rules[2].when"), "spec.rules[2]");
        assert_eq!(parent("spec.rules[2]"), "spec.rules");
    }
}
