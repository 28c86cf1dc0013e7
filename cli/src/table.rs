//! Tables as kubectl prints them: no lines, one row a line, never wrapped, so that grep and awk can read them.

use comfy_table::{ContentArrangement, Table, presets};

/// Lays the rows out under their headings, each line without blanks at its end.
pub(crate) fn render(headings: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Disabled)
        .set_header(headings);
    for row in rows {
        let cells = row.into_iter().map(|cell| match one_line(&cell) {
            empty if empty.is_empty() => "-".to_owned(),
            cell => cell,
        });
        table.add_row(cells);
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, 3));
    }
    let mut text = table.trim_fmt();
    text.push('\n');
    text
}

/// What others wrote, fit for a terminal: it may neither break the line nor hold a control sequence.
pub(crate) fn one_line(text: &str) -> String {
    text.chars()
        .map(|character| {
            if character.is_control() {
                ' '
            } else {
                character
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_aligned_and_never_wrapped() {
        let long = "long ".repeat(60);
        let rows = [
            vec!["shop".to_owned(), String::new(), long.clone()],
            vec!["a".to_owned(), "b\x1b[31m".to_owned(), "c\nd".to_owned()],
        ];
        let expected = format!(
            "NAMESPACE   NAME     MESSAGE\nshop        -        {}\na           b [31m   c d\n",
            long.trim_end()
        );
        assert_eq!(render(&["NAMESPACE", "NAME", "MESSAGE"], rows), expected);
    }
}
