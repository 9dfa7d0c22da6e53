//! How a terminal shows text: lines and columns of a given width.

use crate::format::SPACE;
use system::printable;

/// How a terminal shows text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Look {
    /// The most letters of a line, unless everything is shown.
    pub width: usize,
    /// Whether the terminal shows letters beyond ASCII that draw bars.
    pub unicode: bool,
    /// Whether everything is shown, in tables as wide as they need to be.
    pub verbose: bool,
}

impl Default for Look {
    fn default() -> Self {
        Self { width: WIDTH, unicode: false, verbose: false }
    }
}

/// The widest lines, in letters. Many terminals and most mails show no more.
pub const WIDTH: usize = 80;

/// Replaces characters that terminals show differently or obey.
pub(super) fn printable(text: &str) -> String {
    // Some terminals show a narrow space badly.
    printable::printable(text).replace(SPACE, " ")
}

/// Breaks a paragraph at spaces, so that no line has more than `width` letters. `first` begins the first line, and `next`
/// every other line. A word that fits into no line is cut.
pub fn wrap(text: &str, width: usize, first: &str, next: &str) -> String {
    let mut lines = String::new();
    let (mut line, mut length, mut empty) = (first.to_owned(), letters(first), true);
    let room = width.saturating_sub(letters(next)).max(1);
    let mut end = |line: &mut String, length: &mut usize| {
        lines.push_str(line.trim_end());
        lines.push('\n');
        next.clone_into(line);
        *length = letters(next);
    };
    // A narrow space keeps a number and its unit together.
    for mut word in text.split([' ', '\n', '\t', '\r']).filter(|word| !word.is_empty()) {
        if !empty && length + 1 + letters(word) > width {
            end(&mut line, &mut length);
            empty = true;
        }
        while letters(word) > room.max(width.saturating_sub(length)) {
            let cut = word.char_indices().nth(width.saturating_sub(length).max(1)).map_or(word.len(), |(cut, _)| cut);
            line.push_str(&word[..cut]);
            end(&mut line, &mut length);
            word = &word[cut..];
        }
        if !empty {
            line.push(' ');
            length += 1;
        }
        line.push_str(word);
        length += letters(word);
        empty = false;
    }
    end(&mut line, &mut length);
    lines
}

/// Aligns rows of equal length: the first column to the left, the others to the right.
pub fn aligned(rows: &[Vec<String>]) -> String {
    let Some(first) = rows.first() else { return String::new() };
    let width = |column: usize| rows.iter().map(|row| letters(&row[column])).max().unwrap_or(0);
    let widths: Vec<usize> = (0..first.len()).map(width).collect();
    let mut text = String::new();
    for row in rows {
        let mut line = String::from(INDENT);
        for (column, (entry, width)) in row.iter().zip(&widths).enumerate() {
            // Not by a width in the format, because that panics beyond 65,535.
            let blanks = " ".repeat(width - letters(entry));
            line += &if column == 0 { format!("{entry}{blanks}") } else { format!("{INDENT}{blanks}{entry}") };
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// Like [`aligned`], with lines of at most `width` letters. First columns are left out from the right, but not the first
/// `kept`; then the names in the first column are cut; and if hardly a letter would stay, further columns are left out.
pub fn fitted(mut rows: Vec<Vec<String>>, width: usize, kept: usize) -> String {
    let columns = rows.first().map_or(0, Vec::len);
    let widest = |column: usize| rows.iter().map(|row| letters(&row[column])).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns).map(widest).collect();
    // The room that the first `shown` columns leave for names.
    let room = |shown: usize| {
        let others = widths[1..shown].iter().map(|width| letters(INDENT) + width).sum::<usize>();
        width.saturating_sub(letters(INDENT) + others)
    };
    let fits = |shown: &usize| room(*shown) >= widths[0].min(if *shown > kept { usize::MAX } else { SHORTEST });
    let shown = (1..=columns).rev().find(fits).unwrap_or(columns.min(1));
    for row in &mut rows {
        row.truncate(shown);
        row[0] = shortened(&row[0], room(shown).max(1));
    }
    aligned(&rows)
}

/// The letters of a name that must stay.
const SHORTEST: usize = 8;

/// The text with at most `most` letters; `…` stands for the rest.
pub fn shortened(text: &str, most: usize) -> String {
    if letters(text) <= most {
        return text.to_owned();
    }
    text.chars().take(most.saturating_sub(1)).chain(['…']).collect()
}

/// The space before each column.
const INDENT: &str = "  ";

fn letters(text: &str) -> usize {
    text.chars().count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_paragraph_is_broken_at_spaces_and_a_long_word_is_cut() {
        assert_eq!(wrap("one two three", 9, "- ", "  "), "- one two\n  three\n");
        assert_eq!(wrap("a 0123456789 b", 6, "", "  "), "a\n  0123\n  4567\n  89 b\n");
        assert_eq!(wrap("", 9, "", ""), "\n");
    }

    #[test]
    fn a_wide_table_loses_columns_and_then_letters() {
        let rows = || vec![vec!["strategy".into(), "time".into(), "best size".into()]];
        assert_eq!(fitted(rows(), 80, 2), "  strategy  time  best size\n");
        assert_eq!(fitted(rows(), 20, 2), "  strategy  time\n");
        assert_eq!(fitted(rows(), 16, 2), "  strategy  time\n");
        assert_eq!(fitted(vec![vec!["a long name".into(), "time".into()]], 16, 2), "  a long …  time\n");
        assert_eq!(fitted(rows(), 12, 2), "  strategy\n");
    }

    proptest! {
        #[test]
        fn no_line_is_wider_and_no_letter_is_lost(text in "[a-zä ]{0,90}", width in 3_usize..30) {
            let wrapped = wrap(&text, width, "", "  ");
            prop_assert!(wrapped.lines().all(|line| letters(line) <= width), "{wrapped}");
            let bare = |text: &str| text.split_whitespace().collect::<String>();
            prop_assert_eq!(bare(&wrapped), bare(&text));
        }
    }
}
