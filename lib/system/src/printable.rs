//! Makes text that others wrote harmless on a terminal.

use std::borrow::Cow;

/// Returns `text` with every character escaped that could move the cursor, change colours or reorder what is shown.
///
/// Line feeds and tabs stay. The text may come from a server, a file or another program, and a terminal obeys escape
/// sequences: they could hide an error or imitate a message of ours.
pub fn printable(text: &str) -> Cow<'_, str> {
    if !text.contains(obeyed) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len() + 16);
    for letter in text.chars() {
        if obeyed(letter) { safe.extend(letter.escape_default()) } else { safe.push(letter) }
    }
    Cow::Owned(safe)
}

/// Whether a terminal obeys the character instead of showing it: a control character, a separator of lines, or a mark
/// that reverses the direction of writing.
pub(crate) fn obeyed(letter: char) -> bool {
    let kept = matches!(letter, '\n' | '\t');
    let marks = matches!(
        letter,
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{e0000}'..='\u{e007f}'
    );
    !kept && (letter.is_control() || marks)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escape_sequences_are_shown_and_not_obeyed() {
        for (text, shown) in [
            ("\u{1b}[31mred\u{1b}[0m", "\\u{1b}[31mred\\u{1b}[0m"),
            ("\u{1b}]0;title\u{7}", "\\u{1b}]0;title\\u{7}"),
            ("over\rwritten\u{8}", "over\\rwritten\\u{8}"),
            ("eight-bit \u{9b}2J", "eight-bit \\u{9b}2J"),
            ("a\u{202e}txt.exe", "a\\u{202e}txt.exe"),
            ("zero\0", "zero\\u{0}"),
        ] {
            assert_eq!(printable(text), shown);
        }
    }

    #[test]
    fn plain_text_stays_as_it_is() {
        for text in ["", "två rader\n\tmit Tab", "Żuraw 7–8, 日本語, 👍"] {
            assert!(matches!(printable(text), Cow::Borrowed(same) if same == text));
        }
    }
}
