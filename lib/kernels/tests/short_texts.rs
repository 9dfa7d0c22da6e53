//! Tests every kernel on texts that are short enough for Miri, which checks every memory access. `just miri` takes a
//! minute.

use kernels::runs::{Add, Vector};
use kernels::words::{Run, WordTotals};
use kernels::{book, bytes};

/// Returns the sorted totals, or the offset of the first malformed line.
fn outcome(kernel: Add, text: &[u8]) -> Result<Vec<(Vec<u8>, u64)>, usize> {
    let mut totals = WordTotals::default();
    kernel(text, &mut totals)?;
    Ok(totals.sorted().into_iter().map(|(word, total)| (word.to_vec(), total)).collect())
}

fn all_agree(text: &[u8]) {
    let expected = outcome(book::add, text);
    let paths = Vector::ALL.into_iter().filter_map(|vector| Some((vector.name(), vector.kernel()?)));
    for (name, kernel) in std::iter::once(("bytes", bytes::add as Add)).chain(paths) {
        // Copied to exactly this length, so that Miri detects a read past the end.
        let exact: Box<[u8]> = text.into();
        assert_eq!(outcome(kernel, &exact), expected, "{name} on {}", text.escape_ascii());
    }
}

/// Returns runs of several lengths. Words and counts are just within and just beyond 8, 16 and 32 bytes.
fn text() -> Vec<u8> {
    let mut text = String::new();
    for (len, lines, digits) in [(1, 9, 1), (8, 2, 8), (16, 3, 9), (32, 2, 19)] {
        for line in 0..lines {
            let (word, count) = ("w".repeat(len), "9".repeat(digits));
            text += &format!("{word}\t{}\t{count}\t{line}\n", 1984 + line);
        }
    }
    text.into_bytes()
}

#[test]
fn kernels_agree_on_a_short_text_cut_off_anywhere() {
    let text = text();
    for length in (0..12).chain((12..text.len()).step_by(37)).chain(text.len() - 3..=text.len()) {
        all_agree(&text[..length]);
    }
}

#[test]
fn kernels_agree_on_a_short_text_with_a_wrong_byte() {
    let text = text();
    for place in (0..text.len()).step_by(67) {
        for byte in *b"\t\n0a" {
            let mut wrong = text.clone();
            wrong[place] = byte;
            all_agree(&wrong);
        }
    }
}

#[test]
fn unsorted_words_are_looked_up_together() {
    // The words suffice for many tables, and some occur twice.
    let words: Vec<String> = (0..1100).chain(0..50).rev().map(|number| format!("w{number}")).collect();
    let mut totals = WordTotals::default();
    totals.add_runs(words.iter().map(|word| Run::of(word.as_bytes(), 1)));
    assert_eq!((totals.len(), totals.total(b"w7"), totals.total(b"w1099")), (1100, Some(2), Some(1)));
}
